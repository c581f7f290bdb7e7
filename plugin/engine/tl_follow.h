/* tl_follow.h - keeps Zeek's view (tl_zeek.h) of the connections of a tracker that asks for it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TL_FOLLOW_H
#define TL_FOLLOW_H

#include "tl_conn.h"

/* Tells Zeek's view of the next segment, copies included. Call once for each segment, before the rules see it. O(1). */
void tl_follow_segment(struct tl_conn *conn, const struct tl_segment *seg);

/* The same for an ordinary segment (tl_ordinary.h) of a calm connection. O(1). */
void tl_follow_ordinary(struct tl_conn *conn, const struct tl_segment *seg);

/* Whether the view goes in step with the connection. Call after each segment that took the long way. O(1). */
void tl_follow_judge(struct tl_conn *conn);

/* The view by now. False when there is none: nobody asked for it, or memory ran out. O(1). */
bool tl_follow_view(const struct tl_conn *conn, struct tl_zeek *zeek);

/* Frees the view. */
void tl_follow_free(struct tl_conn *conn);

#endif
