/* tl_hosts.c - what the connections of a host have in common, in a bounded table; and the last RSTs of all hosts.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Sources: RFC 791 3.2 (TTL), RFC 6864 4.1 (IP ID). Devices that reset for many hosts count them in one row: observed.
 */
#include "record/tl_hosts.h"

static const int64_t ROW_NS = INT64_C(10000000000); /* RSTs of one device that count in one row are at most this far apart */
enum { ROW_STEPS = 16 };

void tl_ttls_add(struct tl_ttls *ttls, uint8_t ttl)
{
    unsigned i = 0;

    while (i < ttls->used && ttls->value[i] != ttl) {
        i++;
    }
    if (i == TL_HOST_TTLS) {
        return;
    }
    if (i == ttls->used) {
        ttls->value[ttls->used++] = ttl;
    }
    ttls->count[i] += ttls->count[i] < UINT16_MAX;
}

unsigned tl_ttls_total(const struct tl_ttls *ttls)
{
    unsigned total = 0;

    for (unsigned i = 0; i < ttls->used; i++) {
        total += ttls->count[i];
    }
    return total;
}

static struct tl_host *hosts_places_of(const struct tl_hosts *hosts, uint64_t key)
{
    uint64_t mixed = key * UINT64_C(0x9E3779B97F4A7C15);

    return hosts->hosts + (mixed >> 32) % (TL_HOSTS_MAX / TL_HOSTS_WAYS) * TL_HOSTS_WAYS;
}

static struct tl_host *hosts_find(const struct tl_hosts *hosts, uint64_t key)
{
    struct tl_host *place = hosts->hosts && key != 0 ? hosts_places_of(hosts, key) : NULL;

    for (unsigned i = 0; place && i < TL_HOSTS_WAYS; i++) {
        if (place[i].key == key) {
            return &place[i];
        }
    }
    return NULL;
}

const struct tl_host *tl_hosts_find(const struct tl_hosts *hosts, uint64_t key)
{
    return hosts_find(hosts, key);
}

/* The place of the host; the one that was not heard of for longest makes room. */
static struct tl_host *hosts_take(struct tl_hosts *hosts, const struct tl_allocator *allocator, uint64_t key)
{
    struct tl_host *place = hosts_find(hosts, key);

    if (place || key == 0) {
        return place;
    }
    if (!hosts->hosts) {
        hosts->hosts = allocator->alloc(allocator->context, TL_HOSTS_MAX * sizeof *hosts->hosts);
    }
    if (!hosts->hosts) {
        return NULL;
    }
    place = hosts_places_of(hosts, key);
    for (unsigned i = 1; i < TL_HOSTS_WAYS; i++) {
        struct tl_host *other = hosts_places_of(hosts, key) + i;

        place = other->last_in < place->last_in ? other : place;
    }
    *place = (struct tl_host){.key = key, .half_rtt_ns = -1};
    return place;
}

void tl_hosts_ttl(struct tl_hosts *hosts, const struct tl_allocator *allocator, uint64_t key, uint8_t ttl, uint32_t frame)
{
    struct tl_host *host = hosts_take(hosts, allocator, key);

    if (host) {
        tl_ttls_add(&host->ttls, ttl);
        host->last_in = frame;
    }
}

void tl_hosts_half_rtt(struct tl_hosts *hosts, uint64_t key, int64_t half_rtt_ns, bool of_syn)
{
    struct tl_host *host = hosts_find(hosts, key);

    if (!host || half_rtt_ns < 0) {
        return;
    }
    if (host->half_rtt_ns < 0 || half_rtt_ns < host->half_rtt_ns) {
        host->half_rtt_ns = half_rtt_ns;
    }
    host->half_rtt_count += host->half_rtt_count < UINT8_MAX;
    host->half_rtt_of_syn |= of_syn;
}

void tl_hosts_rst(struct tl_hosts *hosts, const struct tl_allocator *allocator, const struct tl_host_rst *rst)
{
    if (!hosts->rsts) {
        hosts->rsts = allocator->alloc(allocator->context, TL_HOST_RSTS * sizeof *hosts->rsts);
    }
    if (hosts->rsts) {
        hosts->newest = (hosts->newest + 1) % TL_HOST_RSTS;
        hosts->rsts[hosts->newest] = *rst;
    }
}

unsigned tl_hosts_rsts_before(const struct tl_hosts *hosts, const struct tl_host_rst *rst, bool own)
{
    unsigned count = 0;

    for (unsigned i = 0; hosts->rsts && i < TL_HOST_RSTS; i++) {
        const struct tl_host_rst *other = &hosts->rsts[i];
        uint16_t behind = (uint16_t)(rst->ip_id - other->ip_id);
        bool named = own ? other->from == rst->from : other->from != rst->from && other->from != rst->to;

        count += named && other->ip_id != 0 && other->ttl == rst->ttl && other->ns <= rst->ns &&
                 (uint64_t)rst->ns - (uint64_t)other->ns <= (uint64_t)ROW_NS && behind >= 1 && behind <= ROW_STEPS;
    }
    return count;
}

void tl_hosts_free(struct tl_hosts *hosts, const struct tl_allocator *allocator)
{
    if (hosts->hosts) {
        allocator->free(allocator->context, hosts->hosts, TL_HOSTS_MAX * sizeof *hosts->hosts);
    }
    if (hosts->rsts) {
        allocator->free(allocator->context, hosts->rsts, TL_HOST_RSTS * sizeof *hosts->rsts);
    }
    *hosts = (struct tl_hosts){0};
}
