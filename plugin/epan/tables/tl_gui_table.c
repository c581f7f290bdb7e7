/* tl_gui_table.c - fills the table of a window once its capture is read, and keeps rows alive that a window may still show.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "tables/tl_gui_table.h"

#include <limits.h>

#include "tables/tl_tap.h"

enum { NUMBER_WIDTH = 20 }; /* digits of 2^64 - 1; times have fewer */

/* The tables that are registered: Wireshark's callbacks name a table by a pointer of its own. */
static GPtrArray *tables;

/* ---- rows --------------------------------------------------------------------------------------------------------------- */

/* The one table of cells behind our table; NULL while no window is open. */
static stat_tap_table *gui_table_cells_of(const struct tl_gui_table *table)
{
    const GArray *all = table->ui.tables;

    return all && all->len > 0 ? g_array_index(all, stat_tap_table *, 0) : NULL;
}

static void gui_table_free_text(stat_tap_table_item_type *cell)
{
    if (cell->type == TABLE_ITEM_STRING)
        g_free((char *)cell->value.string_value);
    cell->type = TABLE_ITEM_NONE;
}

static void gui_table_free_cell(stat_tap_table *cells, unsigned row, unsigned column, stat_tap_table_item_type *cell)
{
    (void)cells, (void)row, (void)column;
    gui_table_free_text(cell);
}

static void gui_table_free_old_rows(struct tl_gui_table *table)
{
    for (guint i = 0; i < table->old_rows->len; i++) {
        stat_tap_table_item_type *row = g_ptr_array_index(table->old_rows, i);

        for (unsigned column = 0; column < table->column_count; column++)
            gui_table_free_text(&row[column]);
        g_free(row);
    }
    g_ptr_array_set_size(table->old_rows, 0);
}

/* Takes the rows out of the table without freeing them. */
static void gui_table_put_rows_aside(struct tl_gui_table *table, stat_tap_table *cells)
{
    for (unsigned row = 0; row < cells->num_elements; row++)
        g_ptr_array_add(table->old_rows, cells->elements[row]);
    cells->num_elements = 0;
    table->clear();
}

unsigned tl_gui_table_add(struct tl_gui_table *table)
{
    static const stat_tap_table_item_type empty[TL_GUI_COLUMNS_MAX];
    stat_tap_table *cells = gui_table_cells_of(table);

    if (!cells)
        return UINT_MAX;
    stat_tap_init_table_row(cells, cells->num_elements, table->column_count, empty);
    return cells->num_elements - 1;
}

/* NULL when there is no such row. */
static stat_tap_table_item_type *gui_table_cell_at(const struct tl_gui_table *table, unsigned row, unsigned column)
{
    stat_tap_table *cells = gui_table_cells_of(table);

    return cells && row < cells->num_elements ? &cells->elements[row][column] : NULL;
}

void tl_gui_table_count(struct tl_gui_table *table, unsigned row, unsigned column, uint64_t count)
{
    stat_tap_table_item_type *cell = gui_table_cell_at(table, row, column);

    if (!cell)
        return;
    cell->type = TABLE_ITEM_UINT;
    cell->value.uint_value = (guint)MIN(count, G_MAXUINT);
}

void tl_gui_table_text(struct tl_gui_table *table, unsigned row, unsigned column, const char *text)
{
    stat_tap_table_item_type *cell = gui_table_cell_at(table, row, column);
    bool right = table->columns[column].align == TAP_ALIGN_RIGHT;

    if (!cell)
        return;
    gui_table_free_text(cell);
    cell->type = TABLE_ITEM_STRING;
    cell->value.string_value = right ? g_strdup_printf("%*s", NUMBER_WIDTH, text) : g_strdup(text);
}

/* ---- Wireshark's callbacks ---------------------------------------------------------------------------------------------- */

static struct tl_gui_table *gui_table_table_of(const stat_tap_table_ui *ui)
{
    for (guint i = 0; i < tables->len; i++) {
        struct tl_gui_table *table = g_ptr_array_index(tables, i);

        if (&table->ui == ui)
            return table;
    }
    return NULL;
}

/* A window opens, or its filter changes: it will read the capture. Its old rows it shows until reset() is called. */
static void gui_table_init(stat_tap_table_ui *ui)
{
    struct tl_gui_table *table = gui_table_table_of(ui);
    stat_tap_table *cells = gui_table_cells_of(table);

    if (cells)
        gui_table_put_rows_aside(table, cells);
    else
        stat_tap_add_table(ui, stat_tap_init_table(table->title, (int)table->column_count, 0, NULL));
    table->clear();
    if (table->begin)
        table->begin();
}

/* A window is about to empty itself. Other windows go on showing what they have. */
static void gui_table_reset(stat_tap_table *cells)
{
    for (guint i = 0; i < tables->len; i++) {
        struct tl_gui_table *table = g_ptr_array_index(tables, i);

        if (gui_table_cells_of(table) != cells)
            continue;
        gui_table_put_rows_aside(table, cells);
        if (table->ui.refcount <= 1)
            gui_table_free_old_rows(table);
    }
}

/* Called by tshark alone, which fills such tables too early and prints them badly. */
static void gui_table_refuse_in_tshark(const char *argument, const char **filter, char **error)
{
    (void)filter;
    for (guint i = 0; i < tables->len; i++) {
        const struct tl_gui_table *table = g_ptr_array_index(tables, i);

        if (g_str_has_prefix(argument, table->name))
            *error = g_strdup_printf("-z %s is a window of Wireshark; in tshark use %s", table->name, table->instead);
    }
}

/* ---- registering -------------------------------------------------------------------------------------------------------- */

void tl_gui_table_column(struct tl_gui_table *table, const char *title, enum tl_cell_type type)
{
    g_return_if_fail(table->column_count < TL_GUI_COLUMNS_MAX);
    table->columns[table->column_count++] = (stat_tap_table_item){
        .type = type == TL_CELL_COUNT ? TABLE_ITEM_UINT : TABLE_ITEM_STRING,
        .align = type == TL_CELL_TEXT ? TAP_ALIGN_LEFT : TAP_ALIGN_RIGHT,
        .column_name = title,
        .field_format = type == TL_CELL_COUNT ? "%u" : "%s",
    };
}

void tl_gui_table_register(struct tl_gui_table *table)
{
    if (!tables)
        tables = g_ptr_array_new();
    g_ptr_array_add(tables, table);
    table->old_rows = g_ptr_array_new();
    table->parameters[0] = (tap_param){.type = PARAM_FILTER, .name = "filter", .title = "Filter", .optional = true};
    table->ui = (stat_tap_table_ui){
        .group = REGISTER_PACKET_STAT_GROUP_UNSORTED,
        .title = table->title,
        .tap_name = TL_TAP_NAME,
        .cli_string = table->name,
        .stat_tap_init_cb = gui_table_init,
        .packet_func = table->packet,
        .stat_tap_reset_table_cb = gui_table_reset,
        .stat_tap_free_table_item_cb = gui_table_free_cell,
        .stat_filter_check_cb = gui_table_refuse_in_tshark,
        .nfields = table->column_count,
        .fields = table->columns,
        .nparams = G_N_ELEMENTS(table->parameters),
        .params = table->parameters,
    };
    register_stat_tap_table_ui(&table->ui);
}
