/* tl_conn.c - a connection of which nothing is known yet, and the parts of an end that are made when there is something to keep.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "conn/tl_conn.h"

struct tl_conn *tl_conn_new(struct tl_pair *pair, const struct tl_segment *seg)
{
    struct tl_tracker *tracker = pair->tracker;
    struct tl_conn *conn = tracker->allocator.alloc(tracker->allocator.context, sizeof *conn);
    unsigned i;

    if (!conn) {
        return NULL;
    }
    for (i = 0; i < 2; i++) {
        tl_recent_init(&conn->endpoint[i].recent, &tracker->allocator);
        conn->endpoint[i].half_rtt_ns = TL_UNKNOWN_NS;
        conn->endpoint[i].fin_ns = TL_UNKNOWN_NS;
    }
    conn->pair = pair;
    conn->number = tracker->connections++;
    conn->incarnation = pair->newest ? pair->newest->incarnation + 1 : 1;
    conn->first_in = conn->last_in = seg->frame;
    conn->start_ns = conn->last_ns = conn->before_ns = seg->time_ns;
    conn->opening.server_half_rtt_ns = conn->opening.client_half_rtt_ns = TL_UNKNOWN_NS;
    conn->closing.fin1ack_ns = conn->finish_ns = TL_UNKNOWN_NS;
    conn->opening.opener = conn->closing.closer = TL_NO_ENDPOINT;
    conn->base_ns = pair->base_ns;
    conn->opening.first_flags = seg->flags;
    conn->next = pair->newest;
    pair->newest = conn;
    return conn;
}

void *tl_conn_part(const struct tl_conn *conn, void *part, size_t bytes)
{
    const struct tl_allocator *allocator = &conn->pair->tracker->allocator;

    return part ? part : allocator->alloc(allocator->context, bytes);
}

struct tl_scoreboard *tl_conn_make_scoreboard(const struct tl_conn *conn, struct tl_endpoint *end)
{
    struct tl_scoreboard *sent = tl_conn_part(conn, NULL, sizeof *sent);

    if (!sent) {
        return NULL;
    }
    tl_scoreboard_init(sent, &conn->pair->tracker->allocator);
    if (end->has_max) {
        tl_scoreboard_restart(sent, end->max);
    }
    end->sent = sent;
    return sent;
}

void tl_conn_free_scoreboard(const struct tl_allocator *allocator, struct tl_endpoint *end)
{
    if (end->sent) {
        tl_scoreboard_free(end->sent);
        allocator->free(allocator->context, end->sent, sizeof *end->sent);
    }
}
