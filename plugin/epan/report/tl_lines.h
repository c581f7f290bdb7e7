/* tl_lines.h - lines of a width, of narrow and wide characters.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TL_LINES_H
#define TL_LINES_H

#include <wsutil/wmem/wmem.h>

/* Columns that a text in UTF-8 takes on a terminal: those of three bytes and more take two. O(length). */
unsigned tl_lines_width(const char *text);

/* Appends `text` to `out`, parted into lines of at most `columns`. The first line begins in column `at`, up to which `out` is filled
 * already; the others begin with `indent` blanks. Lines are parted at blanks and between wide characters. No newline at the end.
 * Returns the column where the last line ends. O(length). */
unsigned tl_lines_wrap(wmem_strbuf_t *out, const char *text, unsigned at, unsigned indent, unsigned columns);

#endif
