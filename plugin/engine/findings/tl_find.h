/* tl_find.h - the rules of the catalogue, each in the file of its kind.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * tl_find_open.c: what keeps a connection from opening, and crowds; tl_find_end.c: how it ended; tl_find_slow.c: where its time went.
 */
#ifndef TL_FIND_H
#define TL_FIND_H

#include "findings/tl_finding.h"

/* clang-format off */
#define TL_FINDING(tag, word, ...) bool tl_find_##word(const struct tl_look *look, unsigned role, struct tl_claim *claim);
#include "findings/tl_findings.def"
/* clang-format on */

#endif
