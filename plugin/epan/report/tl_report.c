/* tl_report.c - reads the connections for the engine's judgement, and numbers their addresses.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "report/tl_report.h"

#include <string.h>

#include <epan/strutil.h>

#include "show/tl_endpoint_text.h"
#include "store/tl_store.h"
#include "tables/tl_record.h"

/* One connection, and the numbers of its addresses by end of the pair. */
struct row {
    const struct tl_collected *entry;
    uint32_t host[2];
};

/* What report_read_case() is given. */
struct rows {
    const struct tl_collection *collection;
    GArray *rows; /* struct row */
};

/* ---- addresses ----------------------------------------------------------------------------------------------------------- */

/* Keyed by a random number: nobody can prepare a capture whose addresses all collide. */
static guint report_hash_address(gconstpointer key)
{
    const address *name = key;

    return name->len > 0 ? wmem_strong_hash(name->data, (size_t)name->len) : 0;
}

static gboolean report_equal_addresses(gconstpointer a, gconstpointer b)
{
    return addresses_equal(a, b);
}

static uint32_t report_number_of(struct tl_report *report, wmem_map_t *numbers, const struct tl_conn *conn, unsigned end)
{
    address name, *kept;
    gpointer number;

    tl_pairs_address(conn, end, &name);
    if (wmem_map_lookup_extended(numbers, &name, NULL, &number))
        return GPOINTER_TO_UINT(number);
    kept = wmem_new(report->pool, address);
    copy_address_wmem(report->pool, kept, &name);
    wmem_map_insert(numbers, kept, GUINT_TO_POINTER(report->hosts->len));
    g_ptr_array_add(report->hosts, kept);
    return report->hosts->len - 1;
}

const char *tl_report_host(const struct tl_report *report, wmem_allocator_t *pool, uint32_t host)
{
    if (host >= report->hosts->len)
        return "?";
    /* Of unsigned char in 4.0, of char later. */
    return format_text_string(pool, (const void *)tl_host_text(pool, g_ptr_array_index(report->hosts, host)));
}

/* ---- connections --------------------------------------------------------------------------------------------------------- */

static void report_read_case(void *data, uint32_t index, struct tl_case *c)
{
    const struct rows *rows = data;
    const struct row *row = &g_array_index(rows->rows, struct row, index);
    struct tl_record record;

    tl_record_measure(row->entry->conn, &row->entry->account.tally, rows->collection->origin_ns, &record);
    tl_record_measure_course(row->entry->conn, &row->entry->account, &record);
    c->facts = record.facts;
    c->waits = record.waits;
    c->course = record.course;
    c->duration_ns = record.duration_ns;
    c->final_idle_ns = record.final_idle_ns;
    for (unsigned role = 0; role < 2; role++) {
        unsigned end = role == 0 ? record.facts.client & 1 : !(record.facts.client & 1);

        c->trouble[role] = record.trouble[role];
        c->bytes[role] = record.bytes[role];
        c->segments[role] = record.segments[role];
        c->retransmissions[role] = record.retransmissions_of[role];
        c->host[role] = row->host[end];
        c->port[role] = tl_conn_ends(row->entry->conn)->port[end];
    }
}

static void report_list_connections(struct tl_report *report, const struct tl_collection *collection, GArray *rows)
{
    wmem_allocator_t *scratch = wmem_allocator_new(WMEM_ALLOCATOR_BLOCK);
    wmem_map_t *numbers = wmem_map_new(scratch, report_hash_address, report_equal_addresses);

    for (guint i = 0; i < collection->entries->len; i++) {
        const struct tl_collected *entry = g_ptr_array_index(collection->entries, i);
        struct row row = {.entry = entry};

        if (!entry || !entry->selected)
            continue;
        for (unsigned end = 0; end < 2; end++)
            row.host[end] = report_number_of(report, numbers, entry->conn, end);
        g_array_append_val(rows, row);
    }
    wmem_destroy_allocator(scratch);
}

struct tl_report *tl_report_new(const struct tl_collection *collection)
{
    struct tl_report *report = g_new0(struct tl_report, 1);
    struct rows rows = {collection, g_array_new(FALSE, FALSE, sizeof(struct row))};

    report->pool = wmem_allocator_new(WMEM_ALLOCATOR_BLOCK);
    report->hosts = g_ptr_array_new();
    report_list_connections(report, collection, rows.rows);
    report->findings = tl_findings_new(
        &tl_record_heap, &(struct tl_findings_source){
                             .read = report_read_case, .data = &rows, .count = rows.rows->len, .hosts = report->hosts->len});
    g_array_free(rows.rows, TRUE);
    if (report->findings)
        return report;
    tl_report_free(report);
    return NULL;
}

void tl_report_free(struct tl_report *report)
{
    if (!report)
        return;
    tl_findings_free(report->findings);
    g_ptr_array_free(report->hosts, TRUE);
    wmem_destroy_allocator(report->pool);
    g_free(report);
}
