/* tl_late.h - one direction of the capture is written later than the other (several queues, two taps, a mirror port).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Then a segment stands in the file behind the ACK of it. It looks like a retransmission of bytes that the capture missed, and is
 * nothing of the kind: docs/design.md, "A direction that is written late".
 */
#ifndef TL_LATE_H
#define TL_LATE_H

#include "conn/tl_conn.h"

/* Whether the octets at the start of this segment were acknowledged before they were captured, and are sent for the first time. Asked
 * before any rule names the segment. O(1) unless bytes that were acknowledged have not been captured, else O(TL_RECENT_MAX). */
bool tl_late_is(const struct tl_step *step);

/* Whether this SYN-ACK is the one that its client has answered already: the first segment captured of its end. O(1). */
bool tl_late_is_synack(const struct tl_conn *conn, const struct tl_step *step);

/* I1b: whether this SYN is the one that a SYN-ACK captured before has acknowledged. O(TL_RECENT_MAX). */
bool tl_late_is_syn(const struct tl_conn *conn, const struct tl_segment *seg);

/* Whether an empty segment of this end stands at the next number that was expected here, although the other end has acknowledged more a
 * moment ago: an ordinary segment, before the late one. O(1). */
bool tl_late_is_due(const struct tl_step *step);

/* The segment of the other end that acknowledged this octet first, of those remembered; NULL = none. O(TL_RECENT_MAX). */
const struct tl_recent_entry *tl_late_acked_by(const struct tl_step *step, uint32_t octet);

/* Whether the other end has echoed the timestamp of this segment, or a newer one, before any segment with such a one was captured: it had
 * the segment, which is written late (RFC 7323 4.3). O(1). */
bool tl_late_is_echoed(const struct tl_step *step);

/* Whether the ACK of these octets, which was captured before them, may be the answer to this very segment: it has been echoed, or this
 * direction is known to be late, and that ACK passed no longer ago. O(TL_RECENT_MAX). */
bool tl_late_may_fill(const struct tl_step *step);

/* The time from the capture point to the sender of this segment and back, for what that had heard of the other end: 0 where the other
 * direction is late, for then all samples are of slow answers, the quick ones having come before what they answer. O(1). */
static inline int64_t tl_late_half_rtt(const struct tl_step *step)
{
    return step->peer->capture & TL_CAPTURE_LATE ? 0 : step->self->half_rtt_ns;
}

/* Keeps by how much the direction is late, and takes its bytes for captured. Called before the segment is applied. */
void tl_late_learn(struct tl_step *step);

/* Whether nothing shows that this segment was answered before it was captured: no echo of its timestamp or a newer one. O(1). */
static inline bool tl_late_is_quiet_about(const struct tl_endpoint *self, const struct tl_endpoint *peer,
                                          const struct tl_segment *seg)
{
    return !(seg->options & TL_OPT_TIMESTAMPS) || !self->has_tsval || !tl_seq_after(seg->tsval, self->tsval) ||
           !peer->has_echo || tl_seq_after(seg->tsval, peer->tsecr);
}

#endif
