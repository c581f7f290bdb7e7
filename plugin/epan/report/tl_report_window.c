/* tl_report_window.c - counts while the window reads the capture, and fills its rows at the last segment.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "report/tl_report_window.h"
#include "input/tl_wireshark.h"

#include "input/tl_wireshark.h"
#include "report/tl_report.h"
#include "report/tl_report_say.h"
#include "store/tl_found.h"
#include "store/tl_store.h"
#include "tables/tl_argument.h"
#include "tables/tl_gui_table.h"
#include "tables/tl_tap.h"

static const char name[] = "tcplife,report-table";

enum column { RANK, CLASS, FINDING, WHERE, CONNECTIONS, COST, SURE, SEEN, MEANS, CHECK, FILTER, FRAMES, COLUMNS };

static const struct {
    const char *title;
    enum tl_cell_type type;
} columns[COLUMNS] = {
    [RANK] = {"#", TL_CELL_COUNT},          [CLASS] = {"Class", TL_CELL_TEXT},        [FINDING] = {"Finding", TL_CELL_TEXT},
    [WHERE] = {"Where", TL_CELL_TEXT},      [CONNECTIONS] = {"Conn.", TL_CELL_COUNT}, [COST] = {"Cost, s", TL_CELL_NUMBER},
    [SURE] = {"Sure", TL_CELL_TEXT},        [SEEN] = {"Seen", TL_CELL_TEXT},          [MEANS] = {"Means", TL_CELL_TEXT},
    [CHECK] = {"Check next", TL_CELL_TEXT}, [FILTER] = {"Filter", TL_CELL_TEXT},      [FRAMES] = {"Frames", TL_CELL_TEXT},
};

/* The window listens behind its filter, which selects; a listener of our own counts all segments. It is called after that of the
 * window, because it is older, so the last segment of the capture ends both. */
static struct {
    struct tl_collection *collection;
    uint64_t counted; /* headers */
    bool listens, filled;
    enum tl_language (*language)(void);
} window_state;

static tap_packet_status report_window_select_connection(void *tap, packet_info *pinfo, epan_dissect_t *edt, const void *data,
                                                         tap_flags_t flags);
static void report_window_begin(void);

static void report_window_clear(void)
{
    tl_collection_clear(window_state.collection);
    window_state.counted = 0;
    window_state.filled = false;
}

static struct tl_gui_table window = {
    .title = "TCP Lifecycle Report",
    .name = name,
    .instead = "-z tcplife,report",
    .packet = report_window_select_connection,
    .clear = report_window_clear,
    .begin = report_window_begin,
};

/* ---- rows ---------------------------------------------------------------------------------------------------------------- */

static void report_window_show_group(const struct tl_report *report, const struct tl_finding_group *group,
                                     wmem_allocator_t *pool)
{
    enum tl_language language = window_state.language();
    unsigned row = tl_gui_table_add(&window);
    struct tl_said said;

    tl_report_say(report, group, language, pool, &said);
    tl_gui_table_count(&window, row, RANK, group->number);
    tl_gui_table_text(&window, row, CLASS, said.class);
    tl_gui_table_text(&window, row, FINDING, said.title);
    tl_gui_table_text(&window, row, WHERE, said.where);
    tl_gui_table_count(&window, row, CONNECTIONS, group->connections);
    tl_gui_table_text(&window, row, COST, wmem_strdup_printf(pool, "%.1f", (double)group->cost_ns / 1e9));
    tl_gui_table_text(&window, row, SURE, tl_report_sure(group->confidence, language));
    tl_gui_table_text(&window, row, SEEN, g_strdelimit(wmem_strdup(pool, tl_report_skip_separators(said.seen)), "\n", ' '));
    tl_gui_table_text(&window, row, MEANS, said.means);
    tl_gui_table_text(&window, row, CHECK, said.check);
    tl_gui_table_text(&window, row, FILTER, said.filter);
    tl_gui_table_text(&window, row, FRAMES, said.frames);
}

/* The capture is read: judges, and fills the window. */
static void report_window_fill(void)
{
    wmem_allocator_t *pool = wmem_allocator_new(WMEM_ALLOCATOR_BLOCK);
    struct tl_report *report;
    const struct tl_finding_group *groups;
    const struct tl_finding_mark *marks;
    uint32_t count;
    bool whole = true;

    for (guint i = 0; i < window_state.collection->entries->len && whole; i++) {
        const struct tl_collected *entry = g_ptr_array_index(window_state.collection->entries, i);

        whole = !entry || entry->selected;
    }
    tl_collection_prove(window_state.collection);
    report = tl_report_new(window_state.collection);
    if (report) {
        groups = tl_findings_groups(report->findings, &count);
        for (uint32_t i = 0; i < count; i++)
            report_window_show_group(report, &groups[i], pool);
        marks = tl_findings_marks(report->findings, &count);
        if (whole)
            tl_found_set(marks, count);
    }
    tl_report_free(report);
    wmem_destroy_allocator(pool);
    tl_collection_clear(window_state.collection);
    window_state.filled = true;
}

/* ---- reading ------------------------------------------------------------------------------------------------------------- */

/* A segment passed the filter of the window. */
static tap_packet_status report_window_select_connection(void *tap, packet_info *pinfo, epan_dissect_t *edt, const void *data,
                                                         tap_flags_t flags)
{
    (void)tap, (void)pinfo, (void)edt, (void)flags;
    if (!window_state.filled)
        tl_collection_entry(window_state.collection, data)->selected = true;
    return TAP_PACKET_REDRAW;
}

/* Any segment, whether it passes or not. */
static tap_packet_status report_window_count_segment(void *tap, packet_info *pinfo, epan_dissect_t *edt, const void *data,
                                                     tap_flags_t flags)
{
    (void)tap, (void)pinfo, (void)edt, (void)flags;
    if (window_state.filled)
        return TAP_PACKET_DONT_REDRAW;
    tl_collection_add(window_state.collection, data);
    if (++window_state.counted == tl_store_headers())
        report_window_fill();
    return TAP_PACKET_REDRAW;
}

/* A window will read the capture. */
static void report_window_begin(void)
{
    static const struct tl_listener all_segments = {.packet = report_window_count_segment};

    if (window_state.listens)
        remove_tap_listener(&window_state);
    tl_argument_listen(TL_TAP_NAME, &all_segments, &window_state, NULL);
    window_state.listens = true;
}

bool tl_report_window_open_in_gui(const char *filter)
{
    if (!tl_wireshark_in_window())
        return false;
    tl_argument_open_window(name, filter);
    return true;
}

void tl_report_window_register(enum tl_language (*language)(void))
{
    window_state.collection = tl_collection_new();
    window_state.language = language;
    for (unsigned i = 0; i < COLUMNS; i++)
        tl_gui_table_column(&window, columns[i].title, columns[i].type);
    tl_gui_table_register(&window);
    register_cleanup_routine(report_window_clear);
}
