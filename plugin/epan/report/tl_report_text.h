/* tl_report_text.h - the report as text, to paste into a ticket: 100 columns, no colours.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TL_REPORT_TEXT_H
#define TL_REPORT_TEXT_H

#include "report/tl_report.h"

/* The whole report, lines that end with a newline. `all`: every finding with its evidence, else the first ones only. O(findings). */
const char *tl_report_text(const struct tl_report *report, enum tl_language language, bool all, wmem_allocator_t *pool);

#endif
