/* tl_tally.h - how often what happened on one connection.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The engine itself does not count: only whoever makes a table of connections needs these numbers, and pays for them.
 */
#ifndef TL_TALLY_H
#define TL_TALLY_H

#include "tl.h"

/* What one end sent that not every connection has. All count segments. */
struct tl_trouble {
    uint64_t bytes_again;                              /* payload that had been captured before */
    uint32_t retransmissions[TL_RETRANSMISSION_COUNT]; /* by enum tl_retransmission */
    uint32_t spurious;                                 /* retransmissions that were, as far as known */
    uint32_t out_of_order;                             /* overtaken on the way */
    uint32_t duplicates;                               /* delivered twice by the network */
    uint32_t copies;                                   /* captured twice */
    uint32_t duplicate_acks;
    uint32_t keepalive_probes, keepalive_runs; /* a run is a row of probes with nothing else of this end in between */
    uint32_t window_probes, window_probe_runs;
    uint32_t zero_windows; /* how often it closed its window */
    uint32_t resets;
    uint32_t run_probes; /* of the last run, and what they were taken for */
    bool run_is_window;
};

/* What one end sent. Packets captured twice count in trouble.copies and nowhere else. */
struct tl_tally_end {
    uint64_t bytes;             /* payload, whatever came again included */
    struct tl_trouble *trouble; /* NULL while all of it is 0 */
    uint32_t segments;
    bool window_closed; /* its last segment said so */
};

/* The counts of a connection. Start with all zero. A turn is what one end sends without hearing from the other. Silences are in
 * ns and never negative. */
struct tl_tally {
    struct tl_tally_end endpoint[2];
    int64_t last_ns;         /* time of the newest segment */
    int64_t longest_idle_ns; /* longest silence */
    int64_t turn_idle_ns;    /* longest silence before or in the last turn, waits of a timer left out */
    int64_t earlier_idle_ns; /* the same of the turn before that */
    uint8_t turn;            /* end that sent last */
    bool waits;              /* and what it sent was a retransmission or a probe, which a timer may repeat */
    bool any;
};

/* Counts one segment of the connection. Call in capture order. Returns false, with nothing counted, when memory ran out. O(1). */
bool tl_tally_add(struct tl_tally *tally, const struct tl_allocator *allocator, const struct tl_segment *segment,
                  const struct tl_result *result);

/* Counts a retransmission of end `from` that a later segment proved to be spurious. `at_once` is the shape.spurious of its own
 * answer: what was known then is counted already. */
void tl_tally_prove(struct tl_tally *tally, unsigned from, unsigned at_once);

/* The silence before the last exchange, ns: the longest in the last two turns, because the reset that ends a dead connection is a
 * turn of its own, right after the segment that found it dead; and the end that found it dead may have been the last to speak
 * before the silence, too. The waits of a timer, for the next retransmission or probe or for giving up, are no idling. */
int64_t tl_tally_final_idle(const struct tl_tally *tally);

/* Retransmissions of all causes. O(causes). */
uint32_t tl_trouble_retransmissions(const struct tl_trouble *trouble);

/* Frees what tl_tally_add() asked for. */
void tl_tally_clear(struct tl_tally *tally, const struct tl_allocator *allocator);

#endif
