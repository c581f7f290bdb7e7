/* tl_rst.h - why a RST was sent (docs/design.md, "RST").
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TL_RST_H
#define TL_RST_H

#include "conn/tl_conn.h"

/* What is known of the RSTs of an end, to write to it; NULL when out of memory. O(1). */
struct tl_rsts *tl_rst_make(const struct tl_conn *conn, struct tl_endpoint *end);

/* The same, to add to what was written; NULL when nothing was: no RST yet, or no memory for it. O(1). */
struct tl_rsts *tl_rst_made(const struct tl_conn *conn, struct tl_endpoint *end);

/* Form, trigger, cause with confidence, and effect of a RST. Called with the connection as it was before. O(32). */
void tl_rst_classify(struct tl_step *step);

#endif
