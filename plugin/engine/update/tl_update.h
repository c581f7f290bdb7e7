/* tl_update.h - the recipe: one segment through all rules, in one order (docs/design.md, "One segment").
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TL_UPDATE_H
#define TL_UPDATE_H

#include "conn/tl_conn.h"

/* Takes a segment of the connection through the rules, by the fast path or by all of them. Shape and refs of the result must be
 * zeroed. O(1) amortised. */
void tl_update(struct tl_conn *conn, const struct tl_segment *seg, struct tl_result *result);

/* Frees the connection and all its parts. O(1). */
void tl_conn_free(struct tl_conn *conn);

#endif
