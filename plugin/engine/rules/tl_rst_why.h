/* tl_rst_why.h - why a RST was sent.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TL_RST_WHY_H
#define TL_RST_WHY_H

#include "rules/tl_rst_form.h"

/* Writes cause and confidence into the shape of the step, as if the end that the RST names had sent it. Form and effect must be there.
 * O(32). */
void tl_rst_find_cause(struct tl_rst *rst);

#endif
