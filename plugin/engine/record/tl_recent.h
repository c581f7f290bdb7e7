/* tl_recent.h - the last segments of one direction, as they were sent.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A ring of header facts, independent of acknowledgment. It answers two questions: is this segment the same packet captured
 * once more, and which segment did a later one (reset, challenge ACK, probe answer) react to. Nothing here looks at payload.
 */
#ifndef TL_RECENT_H
#define TL_RECENT_H

#include "tl.h"

enum {
    TL_RECENT_MAX = 64, /* entries at most: copies were seen up to 64 segments after the first capture, not later */
};

/* One segment. 40 bytes. */
struct tl_recent_entry {
    int64_t time_ns;   /* as tl_segment */
    uint32_t frame;    /* as tl_segment */
    uint32_t seq;      /* as tl_segment */
    uint32_t ack;      /* as tl_segment */
    uint32_t len;      /* as tl_segment: payload bytes, SYN and FIN not counted */
    uint32_t tsval;    /* as tl_segment */
    uint16_t ip_id;    /* as tl_segment */
    uint16_t window;   /* as tl_segment */
    uint16_t checksum; /* as tl_segment */
    uint16_t options;  /* as tl_segment */
    uint8_t flags;     /* as tl_segment */
    uint8_t ttl;       /* as tl_segment */
    uint8_t bits;      /* marks of whoever uses the ring ("answered" and the like); 0 when added */
    uint8_t spare;     /* 0 */
};

/* The ring of one direction. All members are private. 32 bytes without the entries. */
struct tl_recent {
    const struct tl_allocator *allocator;
    struct tl_recent_entry *entries;
    uint32_t highest_tsval; /* of every segment ever added, if has_tsval */
    uint16_t count, capacity;
    uint16_t newest; /* index of the entry added last */
    bool has_tsval;
};

/* What the copy test has to know besides the ring. Zero everything that is not known, rtt_ns excepted: -1. */
struct tl_copy_context {
    int64_t rtt_ns;       /* lowest round trip measured, both half RTTs together, ns; negative = never measured */
    int64_t tick_ns;      /* tick of this direction's timestamp clock, ns; 0 = not known */
    uint32_t peer_syn_in; /* frame of the other end's newest SYN; 0 = none captured */
};

/* Makes an empty ring. Takes no memory yet. `allocator` must outlive the ring. O(1). */
void tl_recent_init(struct tl_recent *recent, const struct tl_allocator *allocator);

/* Frees the entries and leaves an empty, usable ring. O(1). */
void tl_recent_free(struct tl_recent *recent);

/* Adds a segment as the newest. Returns its entry, or NULL when there is no memory for even the smallest ring; then nothing
 * has changed. When the ring cannot grow it stays at its size and gives up its oldest entry, as it does at TL_RECENT_MAX.
 * Entries returned by earlier calls become invalid. O(1) amortised. */
struct tl_recent_entry *tl_recent_add(struct tl_recent *recent, const struct tl_segment *segment);

/* The i-th newest segment, 0 = newest; NULL if there are not that many. Only `bits` may be written. O(1). */
struct tl_recent_entry *tl_recent_at(const struct tl_recent *recent, unsigned i);

/* The newest remembered segment that `segment` is a copy of (the same packet captured again), or NULL. Call it before
 * tl_recent_add. NULL does not prove that it is no copy: without IP ID and timestamps nobody can tell.
 *
 * A copy equals its original in sequence number, length, flags, ACK number, window, kinds of options, TSval and checksum, and
 *   - in a non-zero IP ID, or
 *   - without IP ID: it occupies sequence numbers, carries a timestamp, and that timestamp proves that the sender cannot have
 *     sent it twice. See tl_recent.c for the cases. Pure ACKs without IP ID are never called copies: a receiver may well send
 *     several equal ones within a tick.
 * O(TL_RECENT_MAX). Source: RFC 7323 5.4 (clock), RFC 6864 4 (IP ID); otherwise measured. */
const struct tl_recent_entry *tl_recent_find_copy(const struct tl_recent *recent, const struct tl_segment *segment,
                                                  const struct tl_copy_context *context);

#endif
