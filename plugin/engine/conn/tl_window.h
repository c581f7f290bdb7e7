/* tl_window.h - what numbers a connection can bear: plausibility, round-trip time, and what a RST does to its receiver.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TL_WINDOW_H
#define TL_WINDOW_H

#include "conn/tl_conn.h"

/* Whether the numbers of a segment fit the connection: within the largest window, or 1 MiB, of what both ends are known to
 * have sent, or not acknowledged yet (RFC 9293 3.4: SND.UNA =< SEG.ACK). SYN and RST always fit, they are judged by their own rules; so does everything where nothing is known. O(1). */
bool tl_window_fits(const struct tl_conn *conn, const struct tl_segment *seg);

/* Round-trip time of the whole path: the least time to one end and back plus the least to the other; TL_UNKNOWN_NS if one of
 * them was never measured. O(1). */
int64_t tl_window_rtt(const struct tl_conn *conn);

/* The longer of a fixed time and `times` round trips: how long an answer may take (docs/design.md, thresholds). O(1). */
int64_t tl_window_patience(const struct tl_step *step, int64_t at_least_ns, int times);

/* Learns the window that a segment of `self` advertises (RFC 7323 2.2: a window on a SYN is never scaled). O(1). */
void tl_window_learn(struct tl_endpoint *self, const struct tl_endpoint *peer, const struct tl_segment *seg);

/* What the receiver of this RST should do with it (RFC 5961 3.2, RFC 9293 3.10.7). `confidence` is an enum tl_confidence.
 * O(1). */
enum tl_rst_effect tl_window_rst_effect(const struct tl_step *step, uint8_t *confidence);

#endif
