/* tl_fast_path.h - the segments that most of a capture consists of, told from those that need all rules.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * An ordinary segment brings new payload in order, or acknowledges new payload, in a connection that is quiet: open, both ends
 * ESTABLISHED, nothing asked, nobody closing. No rule has anything to say about it but "new". It takes the fast path through
 * tl_update(), which leaves the connection as the full path does; `test_fast_path` compares both.
 */
#ifndef TL_FAST_PATH_H
#define TL_FAST_PATH_H

#include "conn/tl_conn.h"

/* Whether the next segment of the connection may be ordinary. To be asked after each segment that took the full path; an
 * ordinary segment leaves a quiet connection quiet. O(1). */
bool tl_fast_path_is_open(const struct tl_conn *conn);

/* Whether the segment is ordinary. The connection must be quiet. O(1). */
bool tl_fast_path_is(const struct tl_conn *conn, const struct tl_segment *seg);

/* Names an ordinary segment of a quiet connection and applies it: what the rules would say, and what they would change, but for
 * Zeek's view and what every segment changes. The verdict must be zeroed. O(1) amortised. */
void tl_fast_path_take(struct tl_conn *conn, const struct tl_segment *seg, struct tl_result *result);

#endif
