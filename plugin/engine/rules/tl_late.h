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

/* Keeps by how much the direction is late, and takes its bytes for captured. Called before the segment is applied. */
void tl_late_learn(struct tl_step *step);

#endif
