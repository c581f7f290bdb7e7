/* tl_report_json.h - the report for programs.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * One JSON object a line: first the capture ("finding": null), then each group of connections by its number. Words, names of members
 * and units are public (CONTRIBUTING.md, "Public names and versions"); texts are not. Times in seconds.
 */
#ifndef TL_REPORT_JSON_H
#define TL_REPORT_JSON_H

#include "report/tl_report.h"

/* The lines, each ending with a newline. `language` is that of the texts. O(findings). */
const char *tl_report_json(const struct tl_report *report, enum tl_language language, wmem_allocator_t *pool);

#endif
