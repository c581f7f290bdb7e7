/* tl_rst.h - why a RST was sent (docs/design.md, "RST").
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TL_RST_H
#define TL_RST_H

#include "conn/tl_conn.h"

/* Form, trigger, cause with confidence, origin and effect of a RST, from the connection as it was before. Writes only the step. O(32). */
void tl_rst_name(const struct tl_conn *conn, struct tl_step *step);

/* Remembers the RST, and what it has ended. Call after tl_rst_name(), before the segment is applied. O(1). */
void tl_rst_learn(struct tl_step *step);

#endif
