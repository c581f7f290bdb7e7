/* tl_rst.h - why a RST was sent (docs/design.md, "RST").
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TL_RST_H
#define TL_RST_H

#include "conn/tl_conn.h"

/* Form, trigger, cause with confidence, and effect of a RST. Called with the connection as it was before. O(32). */
void tl_rst_classify(struct tl_step *step);

#endif
