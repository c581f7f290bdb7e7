/* tl_scoreboard.h - the data record of one direction: what was sent when, and what was never captured.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 *        una        floor                                        max
 *         |          |  [entry][entry]      [entry][entry]        |
 *   acked |forgotten |                 hole               hole    | not sent yet
 *
 * Entries are sorted by sequence number and do not overlap. Between `floor` and `max` every byte outside an entry was never
 * captured: gaps are exactly the holes. `floor` equals `una` unless the record was full and had to forget its oldest entries.
 * Acknowledged entries move to a ring of the last TL_SCOREBOARD_ACKED_MAX, so that a spurious retransmission still finds its
 * original.
 *
 * For each hole the opener is known: the segment whose sequence number showed that something is missing. A segment that comes
 * into the hole later is compared with it (was it sent earlier or later?).
 *
 * To classify a segment, ask tl_scoreboard_look before the segment is known, decide, and then tell tl_scoreboard_add. Copies, keep-alives
 * and window probes are not told.
 */
#ifndef TL_SCOREBOARD_H
#define TL_SCOREBOARD_H

#include "tl.h"

enum {
    TL_SCOREBOARD_ENTRIES_MAX = 2048,   /* entries at most; 64 KiB segments then reach as far as 128 MiB in flight */
    TL_SCOREBOARD_ENTRIES_NO_ACKS = 64, /* entries at most while the peer's ACKs are not captured */
    TL_SCOREBOARD_ACKED_MAX = 32,       /* acknowledged entries remembered: measured, 8 to 300 serve equally well */
    TL_SCOREBOARD_OPENERS_MAX = 64,     /* openers stored apart; needed only for holes filled in part and not from below */
    TL_SCOREBOARD_JUMP_MAX = 1 << 30,   /* bytes: the largest window there is, RFC 7323 2.3; nothing moves further at once */
};

enum tl_scoreboard_status {
    TL_SCOREBOARD_OK,
    TL_SCOREBOARD_REFUSED,   /* not plausible; nothing changed */
    TL_SCOREBOARD_NO_MEMORY, /* see the function */
};

enum tl_scoreboard_flag {
    TL_SCOREBOARD_COARSE = 0x01, /* several segments merged for want of room: frame and time are those of the first one */
    TL_SCOREBOARD_FILLED = 0x02, /* captured first when bytes above were known already: late original or retransmission */
    TL_SCOREBOARD_ACKED = 0x04,  /* acknowledged since; the entry is one of the ring */
    TL_SCOREBOARD_OPENER = 0x08, /* private: the opener of the hole below is stored apart */
};

/* Bytes with one history. 48 bytes. In the ring tx_count 0 is an acknowledged hole: [seq, end) was acknowledged and never
 * captured, and the first_... members are those of its opener (first_frame 0 = opener not known). */
struct tl_scoreboard_entry {
    int64_t time_ns;       /* newest transmission captured */
    int64_t first_time_ns; /* first transmission captured */
    uint32_t seq, end;     /* bytes seq .. end - 1 */
    uint32_t frame;        /* newest transmission */
    uint32_t first_frame;
    uint32_t tsval; /* newest transmission; 0 without timestamps */
    uint32_t first_tsval;
    uint16_t ip_id; /* newest transmission */
    uint16_t first_ip_id;
    uint16_t tx_count; /* transmissions captured; stops at 65535 */
    uint8_t flags;     /* enum tl_scoreboard_flag */
    uint8_t spare;     /* 0 */
};

/* The segment that showed a hole. 24 bytes. */
struct tl_scoreboard_opener {
    int64_t time_ns;
    uint32_t frame; /* 0 = not known */
    uint32_t tsval; /* 0 without timestamps */
    uint32_t seq;   /* where the hole ends */
    uint16_t ip_id;
    uint16_t spare; /* 0 */
};

/* What a segment is to the record, before it is added. The byte counts add up to the octets of the segment. */
struct tl_scoreboard_result {
    uint32_t new_bytes;       /* beyond max */
    uint32_t filled_bytes;    /* in holes */
    uint32_t repeated_bytes;  /* captured before, not acknowledged */
    uint32_t forgotten_bytes; /* not acknowledged, but too long ago to be remembered */
    uint32_t acked_bytes;     /* acknowledged before (or below the first byte captured: see before_start) */
    uint32_t skipped_bytes;   /* the hole that the segment opens below itself, from max to its sequence number */
    bool before_start;        /* starts below everything that was captured or acknowledged when the record began */
    /* The entry that holds the lowest byte of the segment that is remembered, as it is before the segment: the previous
     * transmission. From the ring if TL_SCOREBOARD_ACKED. tx_count 0 = nothing remembered, or an acknowledged hole. */
    struct tl_scoreboard_entry previous;
    /* Opener of the lowest hole that the segment fills, acknowledged or not. frame 0 = fills none, or not known. */
    struct tl_scoreboard_opener opener;
};

/* What an ACK did. The byte counts add up to the bytes between the old and the new `una`. */
struct tl_scoreboard_ack_result {
    uint32_t una_before;
    uint32_t captured_bytes;
    uint32_t unseen_bytes;           /* never captured: in holes or beyond max */
    uint32_t forgotten_bytes;        /* not remembered whether captured */
    struct tl_scoreboard_entry last; /* the entry that held the last byte acknowledged; tx_count 0 = none. For round trips */
    int64_t newest_ns; /* when the last transmission of any byte acknowledged was captured; INT64_MIN = none was */
};

/* The record of one direction. All members are private. */
struct tl_scoreboard {
    const struct tl_allocator *allocator;
    struct tl_scoreboard_entry *entries;  /* circular */
    struct tl_scoreboard_entry *acked;    /* ring */
    struct tl_scoreboard_opener *openers; /* sorted by seq */
    uint32_t una, floor, max;
    uint32_t aged;  /* bytes acknowledged since the ring was last searched for entries too old */
    uint32_t whole; /* all bytes from floor to here are captured: the lowest hole starts here, or it is max */
    uint16_t first, count, capacity, limit;
    uint16_t acked_newest, acked_count, acked_capacity;
    uint16_t opener_count, opener_capacity;
    bool started;  /* una, floor and max mean something */
    bool anchored; /* una is a fact; else it is only the lowest byte captured so far */
};

/* Makes an empty record. Takes no memory yet. `allocator` must outlive the record. O(1). */
void tl_scoreboard_init(struct tl_scoreboard *sent, const struct tl_allocator *allocator);

/* Frees everything and leaves an empty, usable record. O(1). */
void tl_scoreboard_free(struct tl_scoreboard *sent);

/* Frees what is needed only while the connection lives; the ring of acknowledged entries stays, and so do una and max. For a
 * closed connection. What was not acknowledged counts as forgotten. O(1). */
void tl_scoreboard_close(struct tl_scoreboard *sent);

/* Forgets all entries and starts again with una = max = seq, for instance at an ISN or after a gap that the record refuses.
 * The ring is emptied too. O(1). */
void tl_scoreboard_restart(struct tl_scoreboard *sent, uint32_t seq);

/* Says what the segment is to the record and changes nothing. Writes the whole result. TL_SCOREBOARD_REFUSED when it lies more than
 * TL_SCOREBOARD_JUMP_MAX beyond max or is longer than that, or cannot be compared with max (2^31 away). O(log n + entries that it
 * covers). */
enum tl_scoreboard_status tl_scoreboard_look(const struct tl_scoreboard *sent, const struct tl_segment *segment,
                                             struct tl_scoreboard_result *result);

/* Adds the segment; refuses what tl_scoreboard_look refuses. The first segment defines una and max, unless an ACK did. A
 * segment without octets beyond max (a pure ACK, say) opens a hole up to its sequence number; anywhere else it changes
 * nothing. TL_SCOREBOARD_NO_MEMORY: nothing changed; the segment counts as not captured.
 * At max O(1) amortised. Elsewhere O(log n) to find the place, plus the entries covered; putting entries in between moves at
 * most half of the others. */
enum tl_scoreboard_status tl_scoreboard_add(struct tl_scoreboard *sent, const struct tl_segment *segment);

/* The peer acknowledged everything below `ack`. An old ACK changes nothing and is no error. The first
 * ACK defines una even if it is below the first byte captured. TL_SCOREBOARD_REFUSED when it lies more than TL_SCOREBOARD_JUMP_MAX beyond
 * max or cannot be compared. TL_SCOREBOARD_NO_MEMORY: done, the result is right, but the entries are not remembered in the ring.
 * O(1) amortised. */
enum tl_scoreboard_status tl_scoreboard_ack(struct tl_scoreboard *sent, uint32_t ack, struct tl_scoreboard_ack_result *result);

/* Whether ACKs of the peer are captured (the default). Without them nothing ever leaves the record, and it keeps at most
 * TL_SCOREBOARD_ENTRIES_NO_ACKS entries, merged as needed. O(n) when it changes. */
void tl_scoreboard_expect_acks(struct tl_scoreboard *sent, bool captured);

/* Whether the two numbers below mean anything. O(1). */
bool tl_scoreboard_started(const struct tl_scoreboard *sent);
uint32_t tl_scoreboard_una(const struct tl_scoreboard *sent); /* cumulative ACK, or lowest byte captured before the first ACK */
uint32_t tl_scoreboard_max(const struct tl_scoreboard *sent); /* end of the highest byte sent or acknowledged */

/* The entry that holds byte `seq` and is not acknowledged, or NULL. Valid until the record changes. O(log n). */
const struct tl_scoreboard_entry *tl_scoreboard_find(const struct tl_scoreboard *sent, uint32_t seq);

/* Walk over the entries upwards: `for (i = tl_scoreboard_index(sent, seq); (entry = tl_scoreboard_at(sent, i)) != NULL; i++)`.
 * tl_scoreboard_index: position of the first entry that ends above seq, O(log n). tl_scoreboard_at: NULL past the end, O(1). */
unsigned tl_scoreboard_index(const struct tl_scoreboard *sent, uint32_t seq);
const struct tl_scoreboard_entry *tl_scoreboard_at(const struct tl_scoreboard *sent, unsigned i);

/* The i-th newest entry of the ring, 0 = newest; NULL past the end. O(1). */
const struct tl_scoreboard_entry *tl_scoreboard_acked_at(const struct tl_scoreboard *sent, unsigned i);

/* Whether any byte from floor to seq - 1 was never captured. O(1). */
bool tl_scoreboard_has_hole_below(const struct tl_scoreboard *sent, uint32_t seq);

/* For tests and fuzzing: NULL, or the invariant that does not hold. O(n). */
const char *tl_scoreboard_check(const struct tl_scoreboard *sent);

#endif
