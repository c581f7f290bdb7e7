/* tl_gui_table.h - tables of the Statistics menu whose rows come with the capture.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Wireshark's windows of this kind show a table of cells (stat_tap_table) that a plugin fills, and sort it by any column. All
 * windows of one kind share the table, and a window keeps pointers to the rows that it shows after another window had them
 * replaced: rows live on until no window can show them. sharkd reads the same tables ("nstat:NAME").
 */
#ifndef TL_GUI_TABLE_H
#define TL_GUI_TABLE_H

#include "base/tl_compat.h"

#include <epan/stat_tap_ui.h>

enum tl_cell_type {
    TL_CELL_COUNT,  /* up to 32 bits */
    TL_CELL_NUMBER, /* larger, with a fraction, or absent: text, padded so that it sorts as a number */
    TL_CELL_TEXT,
};

enum { TL_GUI_COLUMNS_MAX = 32 };

/* A table. The first part is filled in by its owner, the second by the functions below. */
struct tl_gui_table {
    const char *title;   /* of the menu entry and the window */
    const char *name;    /* after wireshark -z and in sharkd: "tcplife,connections" */
    const char *instead; /* what tshark has instead: "-z tcplife,conn" */
    tap_packet_cb
        packet; /* called for each TCP header (tl_tap.h) that passes the window's filter; its first parameter is of no use */
    void (*clear)(void); /* forgets what was counted, because counting begins anew; may be called twice */
    void (*begin)(void); /* the capture will be read for a window; NULL = nothing to do */

    stat_tap_table_item columns[TL_GUI_COLUMNS_MAX];
    unsigned column_count;
    tap_param parameters[1];
    stat_tap_table_ui ui;
    GPtrArray *old_rows; /* that a window may still show */
};

/* Adds a column, of at most TL_GUI_COLUMNS_MAX. `title` is kept, not copied. */
void tl_gui_table_column(struct tl_gui_table *table, const char *title, enum tl_cell_type type);

/* Makes the table known, after its columns were added. It must live as long as the program. Call when protocols are registered.
 */
void tl_gui_table_register(struct tl_gui_table *table);

/* Adds an empty row and returns its index, from 0. */
unsigned tl_gui_table_add(struct tl_gui_table *table);

/* Set a cell, according to the type of its column. Counts that do not fit show as the highest that does; `text` is copied.
 * Nothing happens when the row is gone with its window. */
void tl_gui_table_count(struct tl_gui_table *table, unsigned row, unsigned column, uint64_t count);
void tl_gui_table_text(struct tl_gui_table *table, unsigned row, unsigned column, const char *text);

#endif
