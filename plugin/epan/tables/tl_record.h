/* tl_record.h - one connection as a row: everything that is counted or known of it at the end of the capture.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TL_RECORD_H
#define TL_RECORD_H

#include "base/tl_compat.h"

#include "../engine/views/tl_account.h"

#define TL_NO_STREAM UINT32_MAX

/* GLib's heap, for tallies. */
extern const struct tl_allocator tl_record_heap;

/* The row. Arrays of two are by role: 0 = client, 1 = server. Texts live in the pool given to tl_record_fill(). */
struct tl_record {
    struct tl_facts facts;
    struct tl_zeek_words zeek;
    struct tl_trouble trouble[2], both; /* of each end, and of both together */
    struct tl_waits_now waits;
    struct tl_course_now course;
    uint64_t bytes[2];
    int64_t since_first_ns, duration_ns, longest_idle_ns, final_idle_ns;
    const char *client, *server;                             /* addresses or names, as Wireshark's name resolution is set */
    const char *client_end, *server_end;                     /* the same with the port */
    const char *zeek_history;                                /* NULL = not followed */
    uint32_t acks_unheard[2], not_taken[2], updates_lost[2]; /* of the client, of the server */
    const char *limits;                                      /* NULL = none */
    const char *options[2];                                  /* of the SYNs; NULL = none */
    const char *icmp_from;                                   /* NULL = none */
    uint32_t client_port, server_port;
    uint32_t segments[2];
    uint32_t retransmissions_of[2], retransmissions;
    uint32_t stream;  /* TL_NO_STREAM = not known */
    uint8_t state[2]; /* enum tl_state after the last segment */
};

/* How a column is kept in the record; see tl_columns.def. */
enum tl_column_type {
    TL_COLUMN_COUNT,
    TL_COLUMN_LARGE,
    TL_COLUMN_OPTIONAL,
    TL_COLUMN_STREAM,
    TL_COLUMN_SECONDS,
    TL_COLUMN_TIME,
    TL_COLUMN_WORD,
    TL_COLUMN_TEXT,
};

struct tl_column {
    const char *name;  /* in CSV, TSV and JSON; NULL = not there */
    const char *title; /* in the table; NULL = not there */
    const char *what;  /* one sentence */
    enum tl_column_type type;
    enum tl_group group; /* of a word */
    size_t offset;       /* in struct tl_record */
};

/* The columns, in order, and their `count`. */
const struct tl_column *tl_record_columns(unsigned *count);

/* What a table says of a connection: its facts by now, without "still open" for what was never open. O(1). */
void tl_record_facts(const struct tl_conn *conn, struct tl_facts *facts);

/* Fills what is counted, and nothing else: segments, bytes, troubles, retransmissions. The record must be 0 there, and
 * facts.client set. O(1). */
void tl_record_count(const struct tl_tally *tally, struct tl_record *record);

/* Fills the numbers and words of a row, without its texts, the view of Zeek and the stream; see tl_record_fill(). O(1). */
void tl_record_measure(const struct tl_conn *conn, const struct tl_tally *tally, int64_t origin_ns, struct tl_record *record);

/* Fills the row of a connection but for the stream. Needs its tally and the earliest time of any segment (ns since 1970). O(1). */
void tl_record_fill(wmem_allocator_t *pool, const struct tl_conn *conn, const struct tl_tally *tally, int64_t origin_ns,
                    struct tl_record *record);

/* The same of what its account tells beyond the tally; see tl_record_fill_course(). O(1). */
void tl_record_measure_course(const struct tl_conn *conn, const struct tl_account *account, struct tl_record *record);

/* Fills what its account tells beyond the tally: waits and course. The rest of the record must be filled. O(1). */
void tl_record_fill_course(wmem_allocator_t *pool, const struct tl_conn *conn, const struct tl_account *account,
                           struct tl_record *record);

/* Long enough for any value that is not a TEXT. */
enum { TL_CELL_MAX = 32 };

/* The value of a column as text, "" when absent: numbers in decimal, times in seconds with nine digits after the point, words as
 * filters spell them. Points into the record, into `buffer`, or at a constant. */
const char *tl_record_cell(const struct tl_record *record, const struct tl_column *column, char buffer[TL_CELL_MAX]);

/* The same for tables that people read: times have six digits after the point. */
const char *tl_record_short_cell(const struct tl_record *record, const struct tl_column *column, char buffer[TL_CELL_MAX]);

/* Whether the values of a column are numbers. */
static inline bool tl_column_is_number(const struct tl_column *column)
{
    return column->type != TL_COLUMN_WORD && column->type != TL_COLUMN_TEXT;
}

#endif
