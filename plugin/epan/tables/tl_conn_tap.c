/* tl_conn_tap.c - -z tcplife,conn, csv, tsv and json: listens to all segments and writes the rows at the end.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "tables/tl_conn_tap.h"

#include <string.h>

#include <epan/dissectors/packet-tcp.h>
#include <epan/tap.h>

#include "store/tl_store.h"
#include "tables/tl_argument.h"
#include "tables/tl_conn_table.h"
#include "tables/tl_record_write.h"
#include "tables/tl_tap.h"

/* What is counted of one connection. */
struct entry {
    struct tl_account account;
    const struct tl_conn *conn;
    uint32_t stream;
    bool selected; /* by the filter */
};

/* TCP's own account of a header of the present frame. */
struct seen {
    uint32_t frame, seq, stream;
    uint16_t source_port, destination_port;
};

enum { SEEN_MAX = 16 };

/* One -z argument. It lives until tshark ends. */
struct table {
    enum tl_format format;
    bool filtered;
    GPtrArray *entries; /* by number of the connection; NULL = nothing of it came by */
    int64_t origin_ns;  /* earliest time of any segment */
    struct seen seen[SEEN_MAX];
    unsigned seen_count;
    bool begun; /* the header is written */
};

static GPtrArray *tables;

/* ---- counting ----------------------------------------------------------------------------------------------------------- */

static void conn_tap_free_entry(gpointer data)
{
    struct entry *entry = data;

    if (entry)
        tl_account_clear(&entry->account, &tl_record_heap);
    g_free(entry);
}

static void conn_tap_reset(void *tap)
{
    struct table *table = tap;

    g_ptr_array_set_size(table->entries, 0);
    table->origin_ns = INT64_MAX;
    table->seen_count = 0;
}

/* Wireshark's number for the stream of a header. TCP's tap tells it in the same frame, before ours. */
static uint32_t conn_tap_stream_of(const struct table *table, const struct tl_header *header)
{
    const struct tl_segment *segment = &header->segment;
    const struct tl_endpoints *ends = tl_conn_ends(header->result.conn);

    for (unsigned i = 0; i < table->seen_count; i++) {
        const struct seen *seen = &table->seen[i];

        if (seen->frame == segment->frame && seen->seq == segment->seq && seen->source_port == ends->port[segment->from & 1] &&
            seen->destination_port == ends->port[!(segment->from & 1)])
            return seen->stream;
    }
    return TL_NO_STREAM;
}

static struct entry *conn_tap_entry_of(struct table *table, const struct tl_header *header)
{
    uint32_t number = tl_conn_number(header->result.conn);
    struct entry *entry;

    if (number >= table->entries->len)
        g_ptr_array_set_size(table->entries, (gint)number + 1);
    entry = g_ptr_array_index(table->entries, number);
    if (!entry) {
        entry = g_new0(struct entry, 1);
        entry->conn = header->result.conn;
        entry->stream = TL_NO_STREAM;
        entry->selected = !table->filtered;
        g_ptr_array_index(table->entries, number) = entry;
    }
    return entry;
}

static tap_packet_status conn_tap_count(void *tap, packet_info *pinfo, epan_dissect_t *edt, const void *data, tap_flags_t flags)
{
    const struct tl_header *header = data;
    struct table *table = tap;
    struct entry *entry = conn_tap_entry_of(table, header);

    (void)pinfo, (void)edt, (void)flags;
    table->origin_ns = MIN(table->origin_ns, header->segment.time_ns);
    if (entry->stream == TL_NO_STREAM)
        entry->stream = conn_tap_stream_of(table, header);
    tl_account_add(&entry->account, &tl_record_heap, &header->segment, &header->result);
    return TAP_PACKET_REDRAW;
}

/* The same tap once more, behind the filter. */
static tap_packet_status conn_tap_select_connection(void *tap, packet_info *pinfo, epan_dissect_t *edt, const void *data,
                                                    tap_flags_t flags)
{
    (void)pinfo, (void)edt, (void)flags;
    conn_tap_entry_of(tap, data)->selected = true;
    return TAP_PACKET_REDRAW;
}

/* TCP's tap. The headers of one frame are kept; those beyond the first few get no stream number. */
static tap_packet_status conn_tap_note_stream(void *tap, packet_info *pinfo, epan_dissect_t *edt, const void *data,
                                              tap_flags_t flags)
{
    struct table *table = tap;
    const tcp_info_t *tcp = data;

    (void)edt, (void)flags;
    if (table->seen_count > 0 && table->seen[0].frame != pinfo->num)
        table->seen_count = 0;
    if (table->seen_count < SEEN_MAX) {
        table->seen[table->seen_count++] = (struct seen){
            .frame = pinfo->num,
            .seq = tcp->th_rawseq,
            .stream = tcp->th_stream,
            .source_port = tcp->th_sport,
            .destination_port = tcp->th_dport,
        };
    }
    return TAP_PACKET_DONT_REDRAW;
}

/* ---- writing ------------------------------------------------------------------------------------------------------------ */

/* A retransmission that a later segment proved to be spurious. */
static void conn_tap_add_proof(const struct tl_proof *proof, void *data)
{
    struct table *table = data;
    struct entry *entry = proof->conn < table->entries->len ? g_ptr_array_index(table->entries, proof->conn) : NULL;

    if (entry)
        tl_account_prove(&entry->account, proof->from, proof->at_once, proof->lost_at);
}

typedef void (*row_function)(const struct tl_record *record, const struct table *table, struct tl_widths *widths);

static void conn_tap_each_row(const struct table *table, struct tl_widths *widths, row_function row)
{
    wmem_allocator_t *pool = wmem_allocator_new(WMEM_ALLOCATOR_BLOCK_FAST);

    for (guint i = 0; i < table->entries->len; i++) {
        const struct entry *entry = g_ptr_array_index(table->entries, i);
        struct tl_record record;

        if (!entry || !entry->selected)
            continue;
        tl_record_fill(pool, entry->conn, &entry->account.tally, table->origin_ns, &record);
        tl_record_fill_course(pool, entry->conn, &entry->account, &record);
        record.stream = entry->stream;
        row(&record, table, widths);
        wmem_free_all(pool);
    }
    wmem_destroy_allocator(pool);
}

static void conn_tap_measure_row(const struct tl_record *record, const struct table *table, struct tl_widths *widths)
{
    (void)table;
    tl_write_measure(record, widths);
}

static void conn_tap_write_row(const struct tl_record *record, const struct table *table, struct tl_widths *widths)
{
    tl_write_row(stdout, table->format, record, widths);
}

/* The connections are what they are: nobody counts on. */
static void conn_tap_write_rows(struct table *table)
{
    struct tl_widths widths = {{0}};

    tl_store_each_proof(conn_tap_add_proof, table);
    if (table->format == TL_FORMAT_TABLE)
        conn_tap_each_row(table, &widths, conn_tap_measure_row);
    if (!table->begun)
        tl_write_header(stdout, table->format, &widths);
    table->begun = true;
    conn_tap_each_row(table, &widths, conn_tap_write_row);
    conn_tap_reset(table);
}

/* The end of the capture. */
static void conn_tap_draw(void *tap)
{
    conn_tap_write_rows(tap);
    tl_argument_written();
}

/* The file goes away, and with it the connections; a long capture may go on in another one (tshark -b). */
static void conn_tap_write_before_close(void)
{
    for (guint i = 0; i < tables->len; i++) {
        struct table *table = g_ptr_array_index(tables, i);

        if (table->entries->len > 0)
            conn_tap_write_rows(table);
    }
}

/* ---- arguments ---------------------------------------------------------------------------------------------------------- */

/* What comes after -z, up to the filter. */
struct command {
    const char *name;
    enum tl_format format;
};

static const struct command commands[] = {
    {"tcplife,conn", TL_FORMAT_TABLE},
    {"tcplife,csv", TL_FORMAT_CSV},
    {"tcplife,tsv", TL_FORMAT_TSV},
    {"tcplife,json", TL_FORMAT_JSON},
};

/* Called with the whole argument, for instance "tcplife,csv,ip.addr == 192.0.2.1". */
static TL_STAT_INIT conn_tap_start(const char *argument, void *data)
{
    static const struct tl_listener streams = {.packet = conn_tap_note_stream, .reset = conn_tap_reset};
    static const struct tl_listener segments = {.packet = conn_tap_count, .reset = conn_tap_reset, .draw = conn_tap_draw};
    static const struct tl_listener selected = {.packet = conn_tap_select_connection, .reset = conn_tap_reset};
    const struct command *command = data;
    const char *filter = tl_argument_filter(argument, command->name);
    struct table *table;

    if (tl_conn_table_open_in_gui(filter))
        TL_STAT_INIT_DONE;
    table = g_new0(struct table, 1);
    table->format = command->format;
    table->filtered = filter != NULL;
    table->entries = g_ptr_array_new_with_free_func(conn_tap_free_entry);
    table->origin_ns = INT64_MAX;
    g_ptr_array_add(tables, table);
    tl_argument_listen("tcp", &streams, table, NULL);
    tl_argument_listen(TL_TAP_NAME, &segments, table, NULL);
    if (filter)
        tl_argument_listen(TL_TAP_NAME, &selected, table, filter);
    TL_STAT_INIT_DONE;
}

void tl_conn_tap_register(void)
{
    tables = g_ptr_array_new();
    register_cleanup_routine(conn_tap_write_before_close);
    for (size_t i = 0; i < G_N_ELEMENTS(commands); i++)
        tl_argument_register(commands[i].name, conn_tap_start, &commands[i]);
}
