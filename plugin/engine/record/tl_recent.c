/* tl_recent.c - the ring of recent segments and the copy test.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "record/tl_recent.h"

#include "base/tl_grow.h"
#include "base/tl_seq.h"

/* No TCP answers the loss of a segment within this time while its round trip is unknown: the shortest timers are 200 times
 * longer. Two capture points on one host, or a mirrored port, are much closer. */
static const uint64_t copy_ns = 1000000;
/* A SYN or SYN-ACK with the TSval of an earlier one is its copy unless a timer may have fired: the least is about 200 ms. */
static const uint64_t copy_of_syn_ns = 190000000;

/* An equal packet with an equal IP ID is a copy within this time: a second, less the jitter of the timer. */
static const uint64_t same_id_ns = 900000000;

/* A retransmission carries the same TSval only if it left within the same tick, and it leaves a round trip later at the
 * earliest. Three ticks leave room for a measured round trip that is longer than the true one was at that moment. */
enum { COPY_TICKS = 3 };

/* Segments with the same IP ID that show the ID to be no identity. */
enum { CONSTANT_ID_SEGMENTS = 3 };

void tl_recent_init(struct tl_recent *recent, const struct tl_allocator *allocator)
{
    *recent = (struct tl_recent){.allocator = allocator};
}

void tl_recent_free(struct tl_recent *recent)
{
    recent->allocator->free(recent->allocator->context, recent->entries, recent->capacity * sizeof *recent->entries);
    tl_recent_init(recent, recent->allocator);
}

struct tl_recent_entry *tl_recent_at(const struct tl_recent *recent, unsigned i)
{
    return i < recent->count ? &recent->entries[(recent->newest - i) & (recent->capacity - 1U)] : NULL;
}

/* Makes a full ring larger. Without memory the ring stays as it is. */
static void recent_grow(struct tl_recent *recent)
{
    unsigned newest = recent->newest;
    void *entries = tl_grow_ring(recent->allocator, recent->entries, sizeof *recent->entries, recent->capacity, &newest);

    if (entries) {
        recent->entries = entries;
        recent->capacity = (uint16_t)tl_grown(recent->capacity);
        recent->newest = (uint16_t)newest;
    }
}

void tl_recent_keep_newest(struct tl_recent *recent)
{
    const struct tl_allocator *allocator = recent->allocator;
    struct tl_recent_entry *entry;

    if (recent->capacity <= 1) {
        return;
    }
    entry = allocator->alloc(allocator->context, sizeof *entry);
    if (!entry) {
        return;
    }
    *entry = *tl_recent_at(recent, 0);
    allocator->free(allocator->context, recent->entries, recent->capacity * sizeof *entry);
    recent->entries = entry;
    recent->count = recent->capacity = 1;
    recent->newest = 0;
}

struct tl_recent_entry *tl_recent_add(struct tl_recent *recent, const struct tl_segment *segment)
{
    struct tl_recent_entry *entry;

    if (recent->count == recent->capacity && recent->capacity < TL_RECENT_MAX) {
        recent_grow(recent);
    }
    if (!recent->capacity) {
        return NULL;
    }
    recent->newest = (uint16_t)((recent->newest + 1U) & (recent->capacity - 1U));
    if (recent->count < recent->capacity) {
        recent->count++;
    }
    entry = &recent->entries[recent->newest];
    *entry = (struct tl_recent_entry){
        .time_ns = segment->time_ns,
        .frame = segment->frame,
        .seq = segment->seq,
        .ack = segment->ack,
        .len = segment->len,
        .tsval = segment->tsval,
        .ip_id = segment->ip_id,
        .window = segment->window,
        .checksum = segment->checksum,
        .options = segment->options,
        .flags = segment->flags,
        .ttl = segment->ttl,
    };
    if (segment->options & TL_OPT_TIMESTAMPS) {
        if (!recent->has_tsval || tl_seq_after(segment->tsval, recent->highest_tsval)) {
            recent->highest_tsval = segment->tsval;
        }
        recent->has_tsval = true;
    }
    return entry;
}

/* All that a copy must share with its original, but for the IP ID, and the checksum, which a device on the path changes when it
 * rewrites an option. */
static bool recent_same_header(const struct tl_recent_entry *entry, const struct tl_segment *segment)
{
    if (entry->seq != segment->seq || entry->len != segment->len || entry->flags != segment->flags) {
        return false;
    }
    if (entry->ack != segment->ack || entry->window != segment->window || entry->options != segment->options) {
        return false;
    }
    if ((segment->options & TL_OPT_TIMESTAMPS) && entry->tsval != segment->tsval) {
        return false;
    }
    return true;
}

/* The checksum covers what struct tl_segment leaves out: payload, SACK blocks, TSecr, urgent pointer. It also catches senders that put
 * one constant IP ID into every packet: their retransmissions carry a new TSval, so another checksum. */
static bool recent_same_segment(const struct tl_recent_entry *entry, const struct tl_segment *segment)
{
    return recent_same_header(entry, segment) && entry->checksum == segment->checksum;
}

/* Whether this direction puts the same IP ID into everything, so that the ID says nothing. SYNs do not count: many hosts send
 * SYN and SYN-ACK from another code path. One other ID among the remembered segments is enough to trust IDs, since a network
 * card that cuts a large segment up may also give all its pieces one ID. */
static bool recent_has_constant_id(const struct tl_recent *recent, const struct tl_segment *segment)
{
    unsigned others = 0;

    for (unsigned i = 0; i < recent->count; i++) {
        const struct tl_recent_entry *entry = tl_recent_at(recent, i);

        if (entry->flags & TL_SYN) {
            continue;
        }
        if (entry->ip_id != segment->ip_id) {
            return false;
        }
        others += !recent_same_segment(entry, segment);
    }
    return others >= CONSTANT_ID_SEGMENTS;
}

/* How long after `entry` the segment came. A clock that ran backwards counts as no time at all. Unsigned, so that no pair of times
 * overflows. */
static uint64_t recent_age_of(const struct tl_recent_entry *entry, const struct tl_segment *segment)
{
    return segment->time_ns > entry->time_ns ? (uint64_t)segment->time_ns - (uint64_t)entry->time_ns : 0;
}

/* Before the first timeout of a connection (RFC 6298 2.1), which a host may answer by the same packet, IP ID included (RFC 1122 3.2.1.5,
 * RFC 6864 4.2). */
static bool recent_is_soon(const struct tl_recent_entry *entry, const struct tl_segment *segment)
{
    return recent_age_of(entry, segment) < same_id_ns;
}

/* Captured at another place on the path: more hops, or at once (before and after a network card filled the checksum in). */
static bool recent_is_elsewhere(const struct tl_recent_entry *entry, const struct tl_segment *segment)
{
    return entry->ttl != segment->ttl || recent_age_of(entry, segment) < copy_ns;
}

/* Whether the timestamp alone shows that `segment`, equal to `entry`, is the same packet. First match wins. */
static bool recent_tsval_shows_copy(const struct tl_recent *recent, const struct tl_recent_entry *entry,
                                    const struct tl_segment *segment, const struct tl_copy_context *context)
{
    uint64_t age_ns = recent_age_of(entry, segment);
    bool has_octets = segment->len > 0 || (segment->flags & (TL_SYN | TL_FIN));

    /* A receiver may send equal pure ACKs within one tick, and a host may repeat a reset at once. */
    if (!(segment->options & TL_OPT_TIMESTAMPS) || !has_octets || (segment->flags & TL_RST)) {
        return false;
    }
    /* The sender's clock had moved on before this packet came: whatever it sends now has a newer TSval. */
    if (recent->has_tsval && tl_seq_before(segment->tsval, recent->highest_tsval)) {
        return true;
    }
    /* TSvals of a SYN are not always a clock (SYN cookies keep options in them), and a server answers every repeated SYN at
     * once. So only a repetition before any timer counts, and not if the peer's SYN that it might answer lies in between. */
    if (segment->flags & TL_SYN) {
        return age_ns < copy_of_syn_ns && (!(segment->flags & TL_ACK) || context->peer_syn_in <= entry->frame);
    }
    if (context->rtt_ns < 0) {
        return age_ns < copy_ns;
    }
    if (context->tick_ns > 0 && context->rtt_ns / COPY_TICKS >= context->tick_ns) {
        return true;
    }
    /* The tick is coarse or not known, so equal TSvals say little. But no answer can have reached the sender in less than a
     * round trip, and no timer is shorter. Half of it, for the capture point delays unevenly. */
    /* share recent_tsval_shows_copy: RTT / 2; nothing can have answered so soon */
    return age_ns < (uint64_t)context->rtt_ns / 2;
}

const struct tl_recent_entry *tl_recent_find_copy(const struct tl_recent *recent, const struct tl_segment *segment,
                                                  const struct tl_copy_context *context)
{
    bool has_id = segment->ip_id != 0 && !segment->ipv6;
    /* Found out at most once: as many equal segments with one ID may be here as the ring holds. */
    bool is_constant = false;

    for (unsigned i = 0; i < recent->count; i++) {
        const struct tl_recent_entry *entry = tl_recent_at(recent, i);

        /* A retransmission is a new packet: a host that uses IDs at all gives it another one, timestamps or not. */
        if (!recent_same_header(entry, segment) || (has_id && entry->ip_id != segment->ip_id)) {
            continue;
        }
        if (has_id && !is_constant && recent_is_soon(entry, segment) &&
            (entry->checksum == segment->checksum || recent_is_elsewhere(entry, segment))) {
            is_constant = recent_has_constant_id(recent, segment);
            if (!is_constant) {
                return entry;
            }
        }
        if (entry->checksum != segment->checksum) {
            continue;
        }
        if (recent_tsval_shows_copy(recent, entry, segment, context)) {
            return entry;
        }
    }
    return NULL;
}
