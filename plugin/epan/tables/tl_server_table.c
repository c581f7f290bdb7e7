/* tl_server_table.c - the table of servers: its columns, its -z argument and its window.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "tables/tl_server_table.h"

#include <stdio.h>
#include <string.h>

#include "input/tl_wireshark.h"
#include "tables/tl_argument.h"
#include "tables/tl_gui_table.h"
#include "tables/tl_servers.h"
#include "tables/tl_tap.h"

static const char name[] = "tcplife,servers";
static const char window_name[] = "tcplife,server-table";

/* ---- columns ------------------------------------------------------------------------------------------------------------ */

enum column_type { NAME, COUNT, SECONDS };

struct column {
    const char *title;
    enum column_type type;
    size_t offset; /* in struct tl_server */
};

#define MEMBER(member) offsetof(struct tl_server, member)

static const struct column columns[] = {
    {"Server", NAME, MEMBER(name)},
    {"Connections", COUNT, MEMBER(connections)},
    {"Clients", COUNT, MEMBER(clients)},
    {"Complete", COUNT, MEMBER(fates[TL_FATE_COMPLETE])},
    {"Refused", COUNT, MEMBER(fates[TL_FATE_REFUSED])},
    {"Unanswered", COUNT, MEMBER(fates[TL_FATE_UNANSWERED])},
    {"Half-open", COUNT, MEMBER(fates[TL_FATE_HALF_OPEN])},
    {"Unreachable", COUNT, MEMBER(fates[TL_FATE_UNREACHABLE])},
    {"Client RST", COUNT, MEMBER(fates[TL_FATE_CLIENT_RST])},
    {"Server RST", COUNT, MEMBER(fates[TL_FATE_SERVER_RST])},
    {"Other", COUNT, MEMBER(fates[TL_FATE_OTHER])},
    {"Most/s", COUNT, MEMBER(most_per_second)},
    {"First", SECONDS, MEMBER(first_ns)},
    {"Last", SECONDS, MEMBER(last_ns)},
};

enum { COLUMNS = G_N_ELEMENTS(columns), CELL_MAX = 32 };

/* The text of a cell; may point into `buffer`. */
static const char *server_table_cell_of(const struct tl_server *server, const struct column *column, char buffer[CELL_MAX])
{
    const void *member = (const char *)server + column->offset;

    switch (column->type) {
    case NAME:
        return *(const char *const *)member;
    case COUNT:
        snprintf(buffer, CELL_MAX, "%u", *(const uint32_t *)member);
        break;
    case SECONDS:
        if (server->connections == 0)
            return "-";
        snprintf(buffer, CELL_MAX, "%.6f", (double)*(const int64_t *)member / 1e9);
        break;
    }
    return buffer;
}

/* Notes that a connection came by. Returns false when it had before. */
static bool server_table_note(GPtrArray *conns, struct tl_conn *conn)
{
    uint32_t number = tl_conn_number(conn);

    if (number >= conns->len)
        g_ptr_array_set_size(conns, (gint)number + 1);
    if (g_ptr_array_index(conns, number))
        return false;
    g_ptr_array_index(conns, number) = conn;
    return true;
}

/* ---- tshark ------------------------------------------------------------------------------------------------------------- */

/* One -z argument. It lives until tshark ends. */
struct listing {
    GPtrArray *conns; /* by number; they wait for the end of the capture */
    struct tl_servers *servers;
};

static GPtrArray *listings;

static tap_packet_status server_table_note_connection(void *tap, packet_info *pinfo, epan_dissect_t *edt, const void *data,
                                                      tap_flags_t flags)
{
    struct listing *listing = tap;

    (void)pinfo, (void)edt, (void)flags;
    return server_table_note(listing->conns, ((const struct tl_header *)data)->result.conn) ? TAP_PACKET_REDRAW
                                                                                            : TAP_PACKET_DONT_REDRAW;
}

/* The capture is at its end, or goes on in another file: the connections are what they are. */
static void server_table_settle(gpointer data, gpointer unused)
{
    struct listing *listing = data;

    (void)unused;
    for (guint i = 0; i < listing->conns->len; i++) {
        if (g_ptr_array_index(listing->conns, i))
            tl_servers_add(listing->servers, g_ptr_array_index(listing->conns, i));
    }
    g_ptr_array_set_size(listing->conns, 0);
}

static void server_table_print_cell(const struct column *column, const char *text, int width)
{
    int pad = MAX(width - (int)g_utf8_strlen(text, -1), 0);

    if (column->type == NAME)
        printf("%s%*s", text, pad, "");
    else
        printf("  %*s%s", pad, "", text);
}

/* The titles when there is no server. */
static void server_table_print_line(const struct tl_server *server, const int widths[COLUMNS])
{
    char buffer[CELL_MAX];

    for (unsigned i = 0; i < COLUMNS; i++)
        server_table_print_cell(&columns[i], server ? server_table_cell_of(server, &columns[i], buffer) : columns[i].title,
                                widths[i]);
    putchar('\n');
}

static void server_table_measure(const struct tl_server *server, int widths[COLUMNS])
{
    char buffer[CELL_MAX];

    for (unsigned i = 0; i < COLUMNS; i++)
        widths[i] = MAX(widths[i], (int)g_utf8_strlen(server_table_cell_of(server, &columns[i], buffer), -1));
}

static void server_table_draw(void *tap)
{
    struct listing *listing = tap;
    const struct tl_server *all = tl_servers_all(listing->servers);
    const struct tl_server **rows;
    uint32_t count;
    int widths[COLUMNS];

    server_table_settle(listing, NULL);
    count = tl_servers_count(listing->servers);
    rows = tl_servers_sorted(listing->servers);
    for (unsigned i = 0; i < COLUMNS; i++)
        widths[i] = (int)strlen(columns[i].title);
    server_table_measure(all, widths);
    for (uint32_t i = 0; i < count; i++)
        server_table_measure(rows[i], widths);
    server_table_print_line(NULL, widths);
    for (uint32_t i = 0; i < count; i++)
        server_table_print_line(rows[i], widths);
    server_table_print_line(all, widths);
    g_free(rows);
    tl_argument_written();
}

static TL_STAT_INIT server_table_start(const char *argument, void *data)
{
    static const struct tl_listener listener = {.packet = server_table_note_connection, .draw = server_table_draw};
    const char *filter = tl_argument_filter(argument, name);
    struct listing *listing;

    (void)data;
    if (tl_wireshark_in_window()) {
        tl_argument_open_window(window_name, filter);
        TL_STAT_INIT_DONE;
    }
    listing = g_new0(struct listing, 1);
    listing->conns = g_ptr_array_new();
    listing->servers = tl_servers_new();
    g_ptr_array_add(listings, listing);
    tl_argument_listen(TL_TAP_NAME, &listener, listing, filter);
    TL_STAT_INIT_DONE;
}

/* ---- window ------------------------------------------------------------------------------------------------------------- */

/* The rows of the window are the servers, by number. */
static struct {
    GPtrArray *conns; /* by number: those that are counted */
    struct tl_servers *servers;
} shown;

static void server_table_clear(void)
{
    g_ptr_array_set_size(shown.conns, 0);
    tl_servers_free(shown.servers);
    shown.servers = tl_servers_new();
}

static tap_packet_status server_table_show_connection(void *tap, packet_info *pinfo, epan_dissect_t *edt, const void *data,
                                                      tap_flags_t flags);

static struct tl_gui_table window = {
    .title = "TCP Lifecycle Servers",
    .name = window_name,
    .instead = "-z tcplife,servers",
    .packet = server_table_show_connection,
    .clear = server_table_clear,
};

static void server_table_show_server(const struct tl_server *server, unsigned row)
{
    char buffer[CELL_MAX];

    for (unsigned i = 0; i < COLUMNS; i++) {
        if (columns[i].type == COUNT)
            tl_gui_table_count(&window, row, i, *(const uint32_t *)((const char *)server + columns[i].offset));
        else
            tl_gui_table_text(&window, row, i, server_table_cell_of(server, &columns[i], buffer));
    }
}

/* The window reads a capture that was read before, so the connection is known to its end. */
static tap_packet_status server_table_show_connection(void *tap, packet_info *pinfo, epan_dissect_t *edt, const void *data,
                                                      tap_flags_t flags)
{
    struct tl_conn *conn = ((const struct tl_header *)data)->result.conn;
    uint32_t count = tl_servers_count(shown.servers);
    const struct tl_server *server;

    (void)tap, (void)pinfo, (void)edt, (void)flags;
    if (!server_table_note(shown.conns, conn))
        return TAP_PACKET_DONT_REDRAW;
    server = tl_servers_add(shown.servers, conn);
    if (server->number == count)
        tl_gui_table_add(&window);
    server_table_show_server(server, server->number);
    return TAP_PACKET_REDRAW;
}

/* The file goes away, and with it the connections. */
static void server_table_forget(void)
{
    g_ptr_array_foreach(listings, server_table_settle, NULL);
    server_table_clear();
}

void tl_server_table_register(void)
{
    listings = g_ptr_array_new();
    shown.conns = g_ptr_array_new();
    for (unsigned i = 0; i < COLUMNS; i++)
        tl_gui_table_column(&window, columns[i].title,
                            columns[i].type == NAME    ? TL_CELL_TEXT
                            : columns[i].type == COUNT ? TL_CELL_COUNT
                                                       : TL_CELL_NUMBER);
    tl_gui_table_register(&window);
    tl_argument_register(name, server_table_start, NULL);
    register_cleanup_routine(server_table_forget);
}
