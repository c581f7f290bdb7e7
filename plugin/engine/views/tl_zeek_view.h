/* tl_zeek_view.h - keeps Zeek's view (tl_zeek.h) of the connections of a tracker that asks for it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TL_ZEEK_VIEW_H
#define TL_ZEEK_VIEW_H

#include "conn/tl_conn.h"

/* Tells Zeek's view of the next segment, copies included. Call once for each segment, before the rules see it. O(1). */
void tl_zeek_view_segment(struct tl_conn *conn, const struct tl_segment *seg);

/* The same for an ordinary segment (tl_fast_path.h) of a calm connection. O(1). */
void tl_zeek_view_fast(struct tl_conn *conn, const struct tl_segment *seg);

/* Whether the view keeps up with the connection. Call after each segment that took the full path. O(1). */
void tl_zeek_view_judge(struct tl_conn *conn);

/* The view by now. False when there is none: nobody asked for it, or memory ran out. O(1). */
bool tl_zeek_view_get(const struct tl_conn *conn, struct tl_zeek *zeek);

/* Frees the view. */
void tl_zeek_view_free(struct tl_conn *conn);

#endif
