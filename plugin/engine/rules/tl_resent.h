/* tl_resent.h - one segment with old bytes, and why it was sent again.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Internal to tl_rexmit.c, which decides that bytes were sent again; this part decides why.
 */
#ifndef TL_RESENT_H
#define TL_RESENT_H

#include "rules/tl_rexmit.h"

/* Thresholds that both parts use; docs/design.md has the measurements behind them. */
#define TL_TIMER_NS (190 * TL_MS)     /* least retransmission timer of Linux, 200 ms, less jitter */
#define TL_PROBE_LEAST_NS (2 * TL_MS) /* a tail loss probe waits two round trips, and at least this */

/* One transmission of old bytes, and everything the rules ask about it. */
struct tl_resent {
    struct tl_step *step;
    struct tl_repair *repair;
    struct tl_scoreboard_result look;
    struct tl_report known; /* what the sender knew */
    int64_t gap_ns;         /* since the previous transmission, or the hole, by the sender's clock */
    int64_t unmoved_ns;     /* since it heard of the last new acknowledgment */
    int64_t third_ns;       /* since the third duplicate ACK reached it; TL_UNKNOWN_NS = none */
    int64_t quiet_ns;       /* how long the sender had heard nothing */
    bool captured_before;
    bool sack_permitted;
    bool head;        /* the first byte that the sender had to believe missing */
    bool tail;        /* ends where the sender had got to */
    bool first;       /* not sent again before */
    bool no_evidence; /* the sender had neither duplicate ACKs nor SACK above */
    bool in_loss, in_recovery;
};

static inline bool tl_has_timestamps(const struct tl_step *step)
{
    return step->seg->options & TL_OPT_TIMESTAMPS;
}

/* Round-trip time, or something else while it is not known. */
static inline int64_t tl_rtt_or(const struct tl_step *step, int64_t otherwise_ns)
{
    return step->rtt_ns == TL_UNKNOWN_NS ? otherwise_ns : step->rtt_ns;
}

/* Fills in what the rules ask; step, repair, look and captured_before must be there. O(TL_FEEDBACK_MAX). */
void tl_resent_ask(struct tl_resent *r);

/* Names the cause in the shape, and opens the episode that it belongs to. O(1). */
void tl_resent_find_cause(struct tl_resent *r);

#endif
