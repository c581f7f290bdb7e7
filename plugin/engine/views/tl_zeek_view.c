/* tl_zeek_view.c - starts Zeek's view of a connection only when one plain SYN and SYN-ACK no longer tell all, and lets it lag
 * behind
 * on the fast path.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Scans and floods make many connections that never get further than a SYN, or a SYN and its SYN-ACK. What Zeek knows then
 * follows from the two initial sequence numbers, which the connection keeps anyway. So the view gets memory of its own only with
 * the first segment beyond, and is made up for what was before.
 *
 * While payload and ACKs come in order, Zeek's numbers are those of the connection. The view then need not hear of each segment:
 * it catches up when something else happens, or somebody asks.
 */
#include "views/tl_zeek_view.h"

#include <string.h>

#include "record/tl_zeek_take.h"

/* Nothing that would give another letter than S or H, or other numbers than the plain ones. */
static bool zeek_view_is_plain(const struct tl_segment *seg, unsigned flags)
{
    return (seg->flags & (TL_SYN | TL_FIN | TL_RST | TL_ACK)) == flags && seg->len == 0 && seg->window != 0;
}

/* The end that sent the SYN, once there was one. */
static unsigned zeek_view_opener_of(const struct tl_conn *conn)
{
    return conn->opening.opener & 1;
}

static bool zeek_view_is_opener_syn(const struct tl_conn *conn, const struct tl_segment *seg)
{
    unsigned opener = zeek_view_opener_of(conn);

    return zeek_view_is_plain(seg, TL_SYN) && seg->from == opener && seg->seq == conn->endpoint[opener].isn;
}

static bool zeek_view_is_answer(const struct tl_conn *conn, const struct tl_segment *seg)
{
    unsigned opener = zeek_view_opener_of(conn);

    return zeek_view_is_plain(seg, TL_SYN | TL_ACK) && seg->from != opener && seg->ack == conn->endpoint[opener].isn + 1;
}

static enum tl_zeek_view_stage zeek_view_first_stage(const struct tl_conn *conn, const struct tl_segment *seg)
{
    if (!conn->pair->tracker->views_zeek) {
        return TL_ZEEK_VIEW_NOT;
    }
    return zeek_view_is_plain(seg, TL_SYN) ? TL_ZEEK_VIEW_SYN : TL_ZEEK_VIEW_MADE;
}

/* Where the connection is with this segment. */
static enum tl_zeek_view_stage zeek_view_next_stage(const struct tl_conn *conn, const struct tl_segment *seg)
{
    switch ((enum tl_zeek_view_stage)conn->zeek_stage) {
    case TL_ZEEK_VIEW_NOT:
        return conn->endpoint[0].segments + conn->endpoint[1].segments == 0 ? zeek_view_first_stage(conn, seg)
                                                                            : TL_ZEEK_VIEW_NOT;
    case TL_ZEEK_VIEW_SYN:
        if (zeek_view_is_opener_syn(conn, seg)) {
            return TL_ZEEK_VIEW_SYN;
        }
        return zeek_view_is_answer(conn, seg) ? TL_ZEEK_VIEW_SYNACK : TL_ZEEK_VIEW_MADE;
    case TL_ZEEK_VIEW_SYNACK:
        return zeek_view_is_answer(conn, seg) && seg->seq == conn->endpoint[seg->from].isn ? TL_ZEEK_VIEW_SYNACK
                                                                                           : TL_ZEEK_VIEW_MADE;
    case TL_ZEEK_VIEW_MADE:
        break;
    }
    return TL_ZEEK_VIEW_MADE;
}

/* The view after the plain SYN, and SYN-ACK, that are all so far. */
static void zeek_view_replay(const struct tl_conn *conn, struct tl_zeek *zeek)
{
    unsigned opener = zeek_view_opener_of(conn), other = 1 - opener;
    struct tl_segment seg = {.flags = TL_SYN, .from = (uint8_t)opener, .seq = conn->endpoint[opener].isn, .window = UINT16_MAX};

    tl_zeek_init(zeek, &conn->pair->ends);
    if (conn->zeek_stage == TL_ZEEK_VIEW_SYN || conn->zeek_stage == TL_ZEEK_VIEW_SYNACK) {
        tl_zeek_update(zeek, &seg);
    }
    if (conn->zeek_stage == TL_ZEEK_VIEW_SYNACK) {
        seg.flags = TL_SYN | TL_ACK;
        seg.from = (uint8_t)other;
        seg.ack = seg.seq + 1;
        seg.seq = conn->endpoint[other].isn;
        tl_zeek_update(zeek, &seg);
    }
}

/* ---- in step ------------------------------------------------------------------------------------------------------------- */

static bool zeek_view_end_is_in_step(const struct tl_zeek_end *zeek, const struct tl_endpoint *end)
{
    return zeek->state == TL_ZEEK_ESTABLISHED && zeek->last == end->max && zeek->next == end->max - zeek->start &&
           zeek->ack == end->una;
}

void tl_zeek_view_judge(struct tl_conn *conn)
{
    const struct tl_zeek *zeek = conn->zeek;

    conn->zeek_in_step = conn->fast_path && zeek && zeek_view_end_is_in_step(&zeek->endpoint[0], &conn->endpoint[0]) &&
                         zeek_view_end_is_in_step(&zeek->endpoint[1], &conn->endpoint[1]);
}

static void zeek_view_catch_up(struct tl_zeek *zeek, const struct tl_conn *conn)
{
    for (unsigned i = 0; i < 2; i++) {
        zeek->endpoint[i].last = conn->endpoint[i].max;
        zeek->endpoint[i].next = conn->endpoint[i].max - zeek->endpoint[i].start;
        zeek->endpoint[i].ack = conn->endpoint[i].una;
    }
}

void tl_zeek_view_fast(struct tl_conn *conn, const struct tl_segment *seg)
{
    unsigned letter = seg->len > 0 ? TL_ZEEK_SEEN_D : TL_ZEEK_SEEN_A;

    /* Zeek takes the acknowledgment number 0 for none. */
    if (conn->zeek_in_step && seg->ack != 0 && tl_zeek_has_told(conn->zeek, seg->from & 1, letter)) {
        conn->zeek_lags = true;
        return;
    }
    tl_zeek_view_segment(conn, seg);
    conn->zeek_in_step = conn->zeek_in_step && seg->ack != 0;
}

/* ---- segments ------------------------------------------------------------------------------------------------------------ */

void tl_zeek_view_segment(struct tl_conn *conn, const struct tl_segment *seg)
{
    const struct tl_allocator *allocator = &conn->pair->tracker->allocator;
    enum tl_zeek_view_stage stage = zeek_view_next_stage(conn, seg);

    if (conn->zeek_lags) {
        zeek_view_catch_up(conn->zeek, conn);
        conn->zeek_lags = false;
    }
    if (stage == TL_ZEEK_VIEW_MADE && conn->zeek_stage != TL_ZEEK_VIEW_MADE) {
        conn->zeek = allocator->alloc(allocator->context, sizeof *conn->zeek);
        if (conn->zeek) {
            zeek_view_replay(conn, conn->zeek);
        }
    }
    conn->zeek_stage = (uint8_t)stage;
    if (conn->zeek) {
        tl_zeek_update(conn->zeek, seg);
    }
}

void tl_zeek_view_free(struct tl_conn *conn)
{
    const struct tl_allocator *allocator = &conn->pair->tracker->allocator;

    allocator->free(allocator->context, conn->zeek, sizeof *conn->zeek);
}

bool tl_zeek_view_get(const struct tl_conn *conn, struct tl_zeek *zeek)
{
    if (conn->zeek_stage == TL_ZEEK_VIEW_NOT || (conn->zeek_stage == TL_ZEEK_VIEW_MADE && !conn->zeek)) {
        return false;
    }
    if (!conn->zeek) {
        zeek_view_replay(conn, zeek);
        return true;
    }
    *zeek = *conn->zeek;
    if (conn->zeek_lags) {
        zeek_view_catch_up(zeek, conn);
    }
    return true;
}

bool tl_conn_zeek(const struct tl_conn *conn, struct tl_zeek_words *words)
{
    struct tl_zeek zeek;

    memset(words, 0, sizeof *words);
    if (!tl_zeek_view_get(conn, &zeek)) {
        return false;
    }
    words->conn_state = (uint8_t)tl_zeek_conn_state(&zeek);
    words->originator = zeek.originator;
    tl_zeek_history(&zeek, words->history, sizeof words->history);
    return true;
}
