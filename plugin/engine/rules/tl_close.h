/* tl_close.h - the teardown: step, kind, initiator, TIME-WAIT side (docs/design.md, "Teardown").
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TL_CLOSE_H
#define TL_CLOSE_H

#include "conn/tl_conn.h"

/* Names the step of the teardown, from the connection as it was before the segment. Call after the RST rules. Writes only the
 * step. O(1). */
void tl_close_name(const struct tl_conn *conn, struct tl_step *step);

/* Remembers the FINs and their ACKs. Call after tl_close_name(), before the segment is applied. O(1). */
void tl_close_learn(struct tl_step *step);

/* How the connection ended as far as captured. `proved` tells that no later segment is needed for it. O(1). */
enum tl_kind tl_close_kind(const struct tl_conn *conn, bool *proved);

/* Confidence of that kind. */
enum tl_confidence tl_close_kind_confidence(const struct tl_conn *conn);

/* An end as it is shown: client or server. */
enum tl_side tl_close_side(const struct tl_conn *conn, unsigned end);

/* Who closed or reset first. */
enum tl_side tl_close_initiator(const struct tl_conn *conn);

/* Which end acknowledged the other's FIN after having sent its own first, and so holds TIME-WAIT (RFC 9293 3.6.1). */
enum tl_side tl_close_time_wait(const struct tl_conn *conn);

#endif
