/* tl_apply.h - what a segment changes: numbers, acknowledgment, windows, whether the connection is open or closed.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TL_APPLY_H
#define TL_APPLY_H

#include "conn/tl_conn.h"

/* Applies a classified segment to both ends. Copies, strays, RSTs and segments without ACK change nothing. O(1) amortised. */
void tl_apply_segment(struct tl_step *step);

/* Remembers a SYN or SYN-ACK that may draw a challenge ACK. Called after tl_apply_segment. O(1). */
void tl_apply_challenge_trigger(struct tl_step *step);

/* Whether all numbers of this end are known as captured, so that the next one is new, and its scoreboard waits for ACKs as it should.
 * O(1). */
static inline bool tl_apply_is_quiet(const struct tl_endpoint *end)
{
    return end->max == end->seen && !end->acks_unexpected;
}

/* ---- parts that the fast path (tl_fast_path.h) shares, for a segment of `self`; each O(1) amortised ------------------------ */

/* Puts it into the record of its sender, which then reaches as far as all that it sent: what the record refuses, or has no memory for,
 * it forgets with all before it. */
void tl_apply_sent(const struct tl_conn *conn, struct tl_endpoint *self, const struct tl_segment *seg);

/* Its payload, all of it new, is the newest. */
void tl_apply_new_data(struct tl_endpoint *self, const struct tl_segment *seg);

/* It acknowledges more of the peer's bytes: the record, the time to its sender and back, the counts. False: the record refuses. */
bool tl_apply_sent_ack(struct tl_conn *conn, const struct tl_segment *seg, struct tl_scoreboard_ack_result *acked);

/* Its timestamps, if it has any. */
void tl_apply_timestamps(struct tl_endpoint *self, const struct tl_segment *seg);

#endif
