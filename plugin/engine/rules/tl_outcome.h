/* tl_outcome.h - what has become of the handshake (docs/design.md, "Handshake").
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TL_OUTCOME_H
#define TL_OUTCOME_H

#include "conn/tl_conn.h"

/* The outcome that the segments so far prove, or NONE while only the end of the capture can tell. Reads the connection after
 * the segment was applied. O(1). */
enum tl_outcome tl_outcome_proved(const struct tl_conn *conn);

/* The outcome as known at `end_ns`, the end of the capture. Total. O(1). */
enum tl_outcome tl_outcome_at(const struct tl_conn *conn, int64_t end_ns);

#endif
