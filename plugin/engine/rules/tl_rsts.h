/* tl_rsts.h - what is kept of the RSTs of one end, made when there is something to keep.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TL_RSTS_H
#define TL_RSTS_H

#include "conn/tl_conn.h"

/* What is known of the RSTs of an end, to write to it; NULL when out of memory. O(1). */
struct tl_rsts *tl_rst_make(const struct tl_conn *conn, struct tl_endpoint *end);

#endif
