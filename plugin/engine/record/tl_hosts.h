/* tl_hosts.h - what the connections of a host have in common: TTLs, and how soon it answers; and the last RSTs of all of them.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A RST that answers a SYN is all that some connections have of a host. Whether the host sent it shows only next to its other
 * connections. The table is bounded: a host that was not heard of for longest makes room.
 */
#ifndef TL_HOSTS_H
#define TL_HOSTS_H

#include "tl.h"

enum {
    TL_HOST_TTLS = 4,   /* different TTLs that are counted; a fifth one counts as none */
    TL_HOSTS_MAX = 512, /* hosts */
    TL_HOSTS_WAYS = 8,  /* places of one host */
    TL_HOST_RSTS = 32,  /* RSTs that are kept */
};

/* TTLs, and how many segments had each. */
struct tl_ttls {
    uint16_t count[TL_HOST_TTLS]; /* stops at 65535 */
    uint8_t value[TL_HOST_TTLS];
    uint8_t used;
};

struct tl_host {
    uint64_t key;        /* tl_endpoints.host */
    int64_t half_rtt_ns; /* least; negative = never measured */
    uint32_t last_in;    /* frame */
    struct tl_ttls ttls;
    uint8_t half_rtt_count;
    bool half_rtt_of_syn;
};

/* One RST, whoever sent it. */
struct tl_host_rst {
    int64_t ns;        /* capture time */
    uint64_t from, to; /* tl_endpoints.host */
    uint16_t ip_id;
    uint8_t ttl;
};

/* Zeroed memory is an empty table; it takes memory when the first host is learnt. */
struct tl_hosts {
    struct tl_host *hosts;
    struct tl_host_rst *rsts;
    unsigned newest; /* RST */
};

/* Counts a TTL. O(1). */
void tl_ttls_add(struct tl_ttls *ttls, uint8_t ttl);

/* All segments counted. O(1). */
unsigned tl_ttls_total(const struct tl_ttls *ttls);

/* Counts a TTL of the host `key` (0 is none) at `frame`. Without memory nothing is learnt. O(TL_HOSTS_WAYS). */
void tl_hosts_ttl(struct tl_hosts *hosts, const struct tl_allocator *allocator, uint64_t key, uint8_t ttl, uint32_t frame);

/* A sample of how soon the host answers, in ns. O(TL_HOSTS_WAYS). */
void tl_hosts_half_rtt(struct tl_hosts *hosts, uint64_t key, int64_t half_rtt_ns, bool of_syn);

/* The host; NULL when it is not known. O(TL_HOSTS_WAYS). */
const struct tl_host *tl_hosts_find(const struct tl_hosts *hosts, uint64_t key);

/* Keeps a RST. O(1). */
void tl_hosts_rst(struct tl_hosts *hosts, const struct tl_allocator *allocator, const struct tl_host_rst *rst);

/* How many of the kept RSTs have the TTL of `rst`, are at most 10 s older, and are 1 to 16 behind it in IP ID. Of those that name other
 * hosts than its two, or with `own` of those in the name of the same host. O(TL_HOST_RSTS). */
unsigned tl_hosts_rsts_before(const struct tl_hosts *hosts, const struct tl_host_rst *rst, bool own);

void tl_hosts_free(struct tl_hosts *hosts, const struct tl_allocator *allocator);

#endif
