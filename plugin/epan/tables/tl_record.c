/* tl_record.c - fills the columns of a connection's row (tl_columns.def) from the engine's facts and counts.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "tables/tl_record.h"

#include <string.h>

#include "show/tl_endpoint_text.h"
#include "store/tl_store.h"

static const struct tl_column columns[] = {
#define TL_COLUMN(name, title, type, member, group, what)                                                                      \
    {name, title, what, TL_COLUMN_##type, TL_GROUP_##group, offsetof(struct tl_record, member)},
#include "tables/tl_columns.def"
};

static void *record_allocate(void *context, size_t bytes)
{
    (void)context;
    return g_malloc0(bytes);
}

static void record_release(void *context, void *memory, size_t bytes)
{
    (void)context;
    (void)bytes;
    g_free(memory);
}

const struct tl_allocator tl_record_heap = {record_allocate, record_release, NULL};

const struct tl_column *tl_record_columns(unsigned *count)
{
    *count = (unsigned)G_N_ELEMENTS(columns);
    return columns;
}

/* ---- filling ------------------------------------------------------------------------------------------------------------ */

static void record_add_troubles(struct tl_trouble *sum, const struct tl_trouble *a, const struct tl_trouble *b)
{
    sum->bytes_again = a->bytes_again + b->bytes_again;
    for (unsigned cause = 0; cause < TL_RETRANSMISSION_COUNT; cause++)
        sum->retransmissions[cause] = a->retransmissions[cause] + b->retransmissions[cause];
    sum->spurious = a->spurious + b->spurious;
    sum->out_of_order = a->out_of_order + b->out_of_order;
    sum->duplicates = a->duplicates + b->duplicates;
    sum->copies = a->copies + b->copies;
    sum->duplicate_acks = a->duplicate_acks + b->duplicate_acks;
    sum->keepalive_probes = a->keepalive_probes + b->keepalive_probes;
    sum->keepalive_runs = a->keepalive_runs + b->keepalive_runs;
    sum->window_probes = a->window_probes + b->window_probes;
    sum->window_probe_runs = a->window_probe_runs + b->window_probe_runs;
    sum->zero_windows = a->zero_windows + b->zero_windows;
    sum->resets = a->resets + b->resets;
}

void tl_record_count(const struct tl_tally *tally, struct tl_record *record)
{
    for (unsigned role = 0; role < 2; role++) {
        unsigned end = role == 0 ? record->facts.client : !record->facts.client;

        record->segments[role] = tally->endpoint[end].segments;
        record->bytes[role] = tally->endpoint[end].bytes;
        if (tally->endpoint[end].trouble)
            record->trouble[role] = *tally->endpoint[end].trouble;
        record->retransmissions_of[role] = tl_trouble_retransmissions(&record->trouble[role]);
    }
    record_add_troubles(&record->both, &record->trouble[0], &record->trouble[1]);
    record->retransmissions = record->retransmissions_of[0] + record->retransmissions_of[1];
}

static void record_fill_names(wmem_allocator_t *pool, struct tl_record *record, const struct tl_conn *conn)
{
    unsigned client = record->facts.client & 1;
    const struct tl_endpoints *ends = tl_conn_ends(conn);
    address client_address, server_address;

    tl_pairs_address(conn, client, &client_address);
    tl_pairs_address(conn, !client, &server_address);
    record->client = tl_host_text(pool, &client_address);
    record->server = tl_host_text(pool, &server_address);
    record->client_port = ends->port[client];
    record->server_port = ends->port[!client];
    record->client_end = tl_endpoint_text(pool, conn, client);
    record->server_end = tl_endpoint_text(pool, conn, !client);
}

/* A bit of a mask and its word. */
struct bit_word {
    unsigned bit;
    const char *word;
};

/* The words of the set bits, joined by a comma; NULL if none is. */
static const char *record_join_words(wmem_allocator_t *pool, const struct bit_word *words, size_t count, unsigned mask)
{
    const char *text = NULL;

    for (size_t i = 0; i < count; i++) {
        if (mask & words[i].bit)
            text = text ? wmem_strdup_printf(pool, "%s,%s", text, words[i].word) : words[i].word;
    }
    return text;
}

static const char *record_limits_text(wmem_allocator_t *pool, unsigned capture)
{
    static const struct bit_word limits[] = {
        {TL_CAPTURE_ASYMMETRIC, "asymmetric"},
        {TL_CAPTURE_LOSSY, "lossy"},
        {TL_CAPTURE_DOUBLED, "doubled"},
        {TL_CAPTURE_OFFLOAD, "offload"},
        {TL_CAPTURE_BACKWARDS, "time_backwards"},
        {TL_CAPTURE_COARSE, "coarse"},
        {TL_CAPTURE_LATE, "late"},
        {TL_CAPTURE_SNAPPED, "snapped"},
        {TL_CAPTURE_ROUTED, "routed"},
        {TL_CAPTURE_CLOCKS, "clocks"},
        {TL_CAPTURE_MIDSTREAM, "midstream"},
    };

    return record_join_words(pool, limits, G_N_ELEMENTS(limits), capture);
}

/* What the facts have by end of the pair, by role. */
static void record_write_troubles(struct tl_record *record, const struct tl_facts *facts)
{
    for (unsigned role = 0; role < 2; role++) {
        unsigned end = role == 0 ? facts->client & 1 : !(facts->client & 1);

        record->acks_unheard[role] = facts->unheard[end];
        record->not_taken[role] = facts->not_taken[end];
        record->updates_lost[role] = facts->updates_lost[end];
    }
}

void tl_record_facts(const struct tl_conn *conn, struct tl_facts *facts)
{
    tl_conn_facts(conn, tl_store_end(), facts);
    /* What was never open is not "still open". */
    if (!facts->opened && facts->kind == TL_KIND_OPEN)
        facts->kind = facts->kind_confidence = facts->initiator = 0;
}

void tl_record_measure(const struct tl_conn *conn, const struct tl_tally *tally, int64_t origin_ns, struct tl_record *record)
{
    const struct tl_facts *facts = &record->facts;

    memset(record, 0, sizeof *record);
    tl_record_facts(conn, &record->facts);
    tl_record_count(tally, record);
    record->state[0] = facts->history[facts->client & 1] & 0xF;
    record->state[1] = facts->history[!(facts->client & 1)] & 0xF;
    record_write_troubles(record, facts);
    record->since_first_ns = tl_ns_between(origin_ns, facts->start_ns);
    record->duration_ns = tl_ns_between(facts->start_ns, facts->last_ns);
    record->longest_idle_ns = tally->longest_idle_ns;
    record->final_idle_ns = tl_tally_final_idle(tally);
}

/* The engine keeps times within bounds that waits do not have (a damaged file can hold any time): where the duration differs for it,
 * the difference goes to the unknown, or comes out of what is known. */
static void record_fill_waits(struct tl_record *record, const struct tl_waits *waits)
{
    int64_t *ns = record->waits.ns, rest = record->duration_ns;

    tl_waits_now(waits, record->facts.client & 1, &record->waits);
    for (unsigned i = 0; i < TL_WAIT_SUM_COUNT; i++) {
        ns[i] = MIN(ns[i], rest);
        rest -= ns[i];
    }
    ns[TL_WAIT_SUM_UNKNOWN] += rest;
}

static const char *record_options_text(wmem_allocator_t *pool, unsigned options)
{
    static const struct bit_word words[] = {
        {TL_OPT_MSS, "mss"},
        {TL_OPT_WINDOW_SCALE, "window_scale"},
        {TL_OPT_SACK_PERMITTED, "sack"},
        {TL_OPT_TIMESTAMPS, "timestamps"},
        {TL_OPT_FAST_OPEN, "fast_open"},
        {TL_OPT_MPTCP, "mptcp"},
    };

    return record_join_words(pool, words, G_N_ELEMENTS(words), options);
}

void tl_record_measure_course(const struct tl_conn *conn, const struct tl_account *account, struct tl_record *record)
{
    record_fill_waits(record, &account->waits);
    tl_course_now(&account->course, conn, &record->facts, &record->course);
}

void tl_record_fill_course(wmem_allocator_t *pool, const struct tl_conn *conn, const struct tl_account *account,
                           struct tl_record *record)
{
    address sender;

    tl_record_measure_course(conn, account, record);
    if (record->course.icmp_in != 0 && tl_store_icmp_sender(conn, &sender))
        record->icmp_from = tl_host_text(pool, &sender);
    record->options[0] = record_options_text(pool, record->course.end[0].options);
    record->options[1] = record_options_text(pool, record->course.end[1].options);
}

void tl_record_fill(wmem_allocator_t *pool, const struct tl_conn *conn, const struct tl_tally *tally, int64_t origin_ns,
                    struct tl_record *record)
{
    tl_record_measure(conn, tally, origin_ns, record);
    record_fill_names(pool, record, conn);
    if (tl_conn_zeek(conn, &record->zeek))
        record->zeek_history = wmem_strdup(pool, record->zeek.history);
    record->limits = record_limits_text(pool, record->facts.capture);
}

/* ---- cells -------------------------------------------------------------------------------------------------------------- */

/* Writes a number in front of `end`, with at least `digits` digits, and returns its first one. By hand, because most of a row is
 * numbers, and snprintf() takes most of the time that a row takes. */
static char *record_write_digits(char *end, uint64_t number, unsigned digits)
{
    char *first = end;

    while (number > 0 || first + digits > end) {
        *--first = (char)('0' + number % 10);
        number /= 10;
    }
    return first;
}

/* Seconds with nine digits, without floating point: 53 bits do not hold ns since 1970. */
static const char *record_seconds_text(int64_t ns, char buffer[TL_CELL_MAX])
{
    enum { DECIMALS = 9, NS = 1000000000 };
    uint64_t size = ns < 0 ? -(uint64_t)ns : (uint64_t)ns;
    char *first = &buffer[TL_CELL_MAX - 1];

    *first = '\0';
    first = record_write_digits(first, size % NS, DECIMALS);
    *--first = '.';
    first = record_write_digits(first, size / NS, 1);
    if (ns < 0)
        *--first = '-';
    return first;
}

static const char *record_count_text(uint64_t count, bool present, char buffer[TL_CELL_MAX])
{
    if (!present)
        return "";
    buffer[TL_CELL_MAX - 1] = '\0';
    return record_write_digits(&buffer[TL_CELL_MAX - 1], count, 1);
}

static const char *record_or_empty(const char *text)
{
    return text ? text : "";
}

const char *tl_record_cell(const struct tl_record *record, const struct tl_column *column, char buffer[TL_CELL_MAX])
{
    const void *member = (const char *)record + column->offset;

    switch (column->type) {
    case TL_COLUMN_COUNT:
        return record_count_text(*(const uint32_t *)member, true, buffer);
    case TL_COLUMN_LARGE:
        return record_count_text(*(const uint64_t *)member, true, buffer);
    case TL_COLUMN_OPTIONAL:
        return record_count_text(*(const uint32_t *)member, *(const uint32_t *)member != 0, buffer);
    case TL_COLUMN_STREAM:
        return record_count_text(*(const uint32_t *)member, *(const uint32_t *)member != TL_NO_STREAM, buffer);
    case TL_COLUMN_SECONDS:
        return *(const int64_t *)member < 0 ? "" : record_seconds_text(*(const int64_t *)member, buffer);
    case TL_COLUMN_TIME:
        return record_seconds_text(*(const int64_t *)member, buffer);
    case TL_COLUMN_WORD:
        return record_or_empty(tl_name(column->group, *(const uint8_t *)member)->value);
    case TL_COLUMN_TEXT:
        return record_or_empty(*(const char *const *)member);
    }
    return "";
}

const char *tl_record_short_cell(const struct tl_record *record, const struct tl_column *column, char buffer[TL_CELL_MAX])
{
    const char *cell = tl_record_cell(record, column, buffer);

    if (*cell != '\0' && column->type == TL_COLUMN_SECONDS)
        buffer[TL_CELL_MAX - 1 - 3] = '\0'; /* it ends where the buffer does */
    return cell;
}
