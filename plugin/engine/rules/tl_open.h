/* tl_open.h - the handshake: step, arithmetic, outcome, timing (docs/design.md, "Handshake").
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TL_OPEN_H
#define TL_OPEN_H

#include "conn/tl_conn.h"

/* Names the step, checks the numbers, and remembers what the handshake needs. Called with the connection as it was before the
 * segment. Also decides who is client and who is server. O(1). */
void tl_open_classify(struct tl_step *step);

/* The outcome that the segments so far prove, or NONE while only the end of the capture can tell. Reads the connection after
 * the segment was applied. O(1). */
enum tl_outcome tl_open_proved(const struct tl_conn *conn);

/* The outcome as known at `end_ns`, the end of the capture. Total. O(1). */
enum tl_outcome tl_open_outcome(const struct tl_conn *conn, int64_t end_ns);

/* Whether the SYN-ACK acknowledges this end's SYN, and perhaps the data on it. O(1). */
bool tl_open_synack_fits(const struct tl_conn *conn, const struct tl_endpoint *client, uint32_t ack);

#endif
