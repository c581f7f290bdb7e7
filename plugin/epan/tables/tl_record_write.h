/* tl_record_write.h - rows of connections as text.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * CSV as in RFC 4180, but with LF alone at the end of a line, as everything on a Unix standard output. TSV with the header of
 * Zeek's logs. JSON as one object a line. Absent values are empty in CSV, "-" in TSV, null in JSON. The table is for people: its
 * columns are aligned and it shows fewer of them.
 */
#ifndef TL_RECORD_WRITE_H
#define TL_RECORD_WRITE_H

#include <stdio.h>

#include "tables/tl_record.h"

enum tl_format { TL_FORMAT_TABLE, TL_FORMAT_CSV, TL_FORMAT_TSV, TL_FORMAT_JSON };

/* How wide the columns of a table are. All zero to begin with. */
struct tl_widths {
    unsigned width[128];
};

/* Makes the columns wide enough for this row too; wanted for the table only. O(columns). */
void tl_write_measure(const struct tl_record *record, struct tl_widths *widths);

/* Writes what comes before the rows. `widths` counts for the table only. */
void tl_write_header(FILE *out, enum tl_format format, const struct tl_widths *widths);

/* Writes one row. O(columns). */
void tl_write_row(FILE *out, enum tl_format format, const struct tl_record *record, const struct tl_widths *widths);

#endif
