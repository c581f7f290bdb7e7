/* tl_release.h - what a connection needs no longer once it has been closed for long.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A live capture runs for days, and each connection stays for its row. What only rules about the next segment read goes when none can
 * ask for it: recent segments (the newest aside), records of bytes, reports, retransmissions that may prove spurious. A segment
 * that comes all the same is taken as ever, by what the connection itself still knows.
 */
#ifndef TL_RELEASE_H
#define TL_RELEASE_H

#include "conn/tl_conn.h"

/* Tells the clock of the tracker the capture time of a segment, in the order of the file, and releases what is due: at most two
 * connections, so O(1). */
void tl_release_tick(struct tl_tracker *tracker, int64_t time_ns);

/* The connection had a segment: once it is closed it waits for its release. O(1). */
void tl_release_watch(struct tl_conn *conn);

/* The connection is about to be freed. O(connections that wait), if it waits. */
void tl_release_forget(struct tl_conn *conn);

#endif
