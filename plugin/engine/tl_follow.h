/* tl_follow.h - keeps Zeek's view (tl_zeek.h) of the connections of a tracker that asks for it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TL_FOLLOW_H
#define TL_FOLLOW_H

#include "tl_conn.h"

/* Tells Zeek's view of the next segment, copies included. Call once for each segment, before the rules see it. O(1). */
void tl_follow_segment(struct tl_conn *conn, const struct tl_segment *seg);

/* Frees the view. */
void tl_follow_free(struct tl_conn *conn);

#endif
