/* tl_conn_table.c - the window of connections: its columns and rows.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "tables/tl_conn_table.h"

#include <stdio.h>

#include "input/tl_wireshark.h"
#include "store/tl_store.h"
#include "tables/tl_argument.h"
#include "tables/tl_gui_table.h"
#include "tables/tl_record.h"
#include "tables/tl_tap.h"

static const char name[] = "tcplife,connections";

static const uint32_t NO_ROW = UINT32_MAX;

/* What is counted of one connection. */
struct entry {
    struct tl_tally tally;
    uint32_t row;   /* NO_ROW while none of its segments passed the filter */
    uint8_t client; /* end that is shown as the client, if there is a row */
};

static GPtrArray *entries; /* struct entry, by number of the connection; NULL = nothing of it came by */

/* The window listens behind its filter, but its rows count all segments: that takes a listener of our own. Nobody tells when the
 * window has read the capture, so it counts during the first reading after the window asked for one, and no further one. */
static struct counter {
    bool listens;
    unsigned readings;
} counter;

/* ---- counting ----------------------------------------------------------------------------------------------------------- */

static void conn_table_free_entry(gpointer data)
{
    struct entry *entry = data;

    if (entry)
        tl_tally_clear(&entry->tally, &tl_record_heap);
    g_free(entry);
}

static void conn_table_clear(void)
{
    g_ptr_array_set_size(entries, 0);
}

/* ---- window ------------------------------------------------------------------------------------------------------------- */

static tap_packet_status conn_table_show_connection(void *tap, packet_info *pinfo, epan_dissect_t *edt, const void *data,
                                                    tap_flags_t flags);
static void conn_table_begin(void);

static struct tl_gui_table window = {
    .title = "TCP Lifecycle Connections",
    .name = name,
    .instead = "-z tcplife,conn",
    .packet = conn_table_show_connection,
    .clear = conn_table_clear,
    .begin = conn_table_begin,
};

/* ---- cells -------------------------------------------------------------------------------------------------------------- */

/* Which of the columns are in the window. */
static bool conn_table_is_shown(const struct tl_column *column)
{
    return column->title != NULL;
}

/* Counts grow with each segment; facts are final when the window reads a capture that was read before. */
static bool conn_table_grows(const struct tl_column *column)
{
    bool is_count = column->type == TL_COLUMN_COUNT || column->type == TL_COLUMN_LARGE;

    return is_count && column->offset >= sizeof(struct tl_facts);
}

static enum tl_cell_type conn_table_type_of(const struct tl_column *column)
{
    if (column->type == TL_COLUMN_COUNT)
        return TL_CELL_COUNT;
    return tl_column_is_number(column) ? TL_CELL_NUMBER : TL_CELL_TEXT;
}

/* Writes the cells of a row: all, or those that grow. */
static void conn_table_show_record(const struct tl_record *record, unsigned row, bool all)
{
    char buffer[TL_CELL_MAX];
    unsigned count, cell = 0;
    const struct tl_column *columns = tl_record_columns(&count);

    for (unsigned i = 0; i < count; i++) {
        const struct tl_column *column = &columns[i];

        if (!conn_table_is_shown(column))
            continue;
        if ((all || conn_table_grows(column)) && column->type == TL_COLUMN_COUNT)
            tl_gui_table_count(&window, row, cell, *(const uint32_t *)((const char *)record + column->offset));
        else if (all || conn_table_grows(column))
            tl_gui_table_text(&window, row, cell, tl_record_short_cell(record, column, buffer));
        cell++;
    }
    if (all) {
        snprintf(buffer, sizeof buffer, "tcplife.conn == %u", record->facts.number);
        tl_gui_table_text(&window, row, cell, buffer);
    }
}

/* ---- rows --------------------------------------------------------------------------------------------------------------- */

static struct entry *conn_table_entry_of(const struct tl_header *header)
{
    uint32_t number = tl_conn_number(header->result.conn);
    struct entry *entry;

    if (number >= entries->len)
        g_ptr_array_set_size(entries, (gint)number + 1);
    entry = g_ptr_array_index(entries, number);
    if (!entry) {
        entry = g_new0(struct entry, 1);
        entry->row = NO_ROW;
        g_ptr_array_index(entries, number) = entry;
    }
    return entry;
}

/* A segment passed the filter. */
static tap_packet_status conn_table_show_connection(void *tap, packet_info *pinfo, epan_dissect_t *edt, const void *data,
                                                    tap_flags_t flags)
{
    const struct tl_header *header = data;
    struct entry *entry = conn_table_entry_of(header);
    struct tl_facts first;
    struct tl_record record;

    (void)tap, (void)edt, (void)flags;
    if (entry->row != NO_ROW)
        return TAP_PACKET_DONT_REDRAW;
    tl_record_facts(tl_store_conn(0), &first);
    record.stream = TL_NO_STREAM;
    tl_record_fill(pinfo->pool, header->result.conn, &entry->tally, first.start_ns, &record);
    entry->row = tl_gui_table_add(&window);
    entry->client = record.facts.client;
    conn_table_show_record(&record, entry->row, true);
    return TAP_PACKET_REDRAW;
}

/* Any segment, whether it passes the filter or not; called after show_connection(). */
static tap_packet_status conn_table_count_segment(void *tap, packet_info *pinfo, epan_dissect_t *edt, const void *data,
                                                  tap_flags_t flags)
{
    const struct tl_header *header = data;
    struct tl_record record = {0};
    struct entry *entry;

    (void)tap, (void)pinfo, (void)edt, (void)flags;
    if (counter.readings != 1)
        return TAP_PACKET_DONT_REDRAW;
    entry = conn_table_entry_of(header);
    tl_tally_add(&entry->tally, &tl_record_heap, &header->segment, &header->result);
    if (entry->row == NO_ROW)
        return TAP_PACKET_DONT_REDRAW;
    record.facts.client = entry->client;
    tl_record_count(&entry->tally, &record);
    conn_table_show_record(&record, entry->row, false);
    return TAP_PACKET_REDRAW;
}

/* ---- the capture is read ------------------------------------------------------------------------------------------------ */

static void conn_table_begin_reading(void *tap)
{
    (void)tap;
    counter.readings++;
}

/* A window will read the capture. The listener is called after that of the window, because it is older. */
static void conn_table_begin(void)
{
    static const struct tl_listener all_segments = {.packet = conn_table_count_segment, .reset = conn_table_begin_reading};

    if (counter.listens)
        remove_tap_listener(&counter);
    tl_argument_listen(TL_TAP_NAME, &all_segments, &counter, NULL);
    counter.listens = true;
    counter.readings = 0;
}

bool tl_conn_table_open_in_gui(const char *filter)
{
    if (!tl_wireshark_in_window())
        return false;
    tl_argument_open_window(name, filter);
    return true;
}

void tl_conn_table_register(void)
{
    unsigned count;
    const struct tl_column *columns = tl_record_columns(&count);

    entries = g_ptr_array_new_with_free_func(conn_table_free_entry);
    for (unsigned i = 0; i < count; i++) {
        if (conn_table_is_shown(&columns[i]))
            tl_gui_table_column(&window, columns[i].title, conn_table_type_of(&columns[i]));
    }
    tl_gui_table_column(&window, "Filter", TL_CELL_TEXT);
    tl_gui_table_register(&window);
    register_cleanup_routine(conn_table_clear);
}
