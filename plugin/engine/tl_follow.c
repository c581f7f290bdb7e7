/* tl_follow.c - see tl_follow.h.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Scans and floods make many connections that never get further than a SYN, or a SYN and its SYN-ACK. What Zeek knows then
 * follows from the two initial sequence numbers, which the connection keeps anyway. So the view gets memory of its own only with
 * the first segment beyond, and is made up for what was before.
 */
#include "tl_follow.h"

#include <string.h>

/* Nothing that would give another letter than S or H, or other numbers than the plain ones. */
static bool is_plain(const struct tl_segment *seg, unsigned flags)
{
    return (seg->flags & (TL_SYN | TL_FIN | TL_RST | TL_ACK)) == flags && seg->len == 0 && seg->window != 0;
}

/* The end that sent the SYN, once there was one. */
static unsigned opener_of(const struct tl_conn *conn)
{
    return conn->opener & 1;
}

static bool is_opener_syn(const struct tl_conn *conn, const struct tl_segment *seg)
{
    unsigned opener = opener_of(conn);

    return is_plain(seg, TL_SYN) && seg->from == opener && seg->seq == conn->end[opener].isn;
}

static bool is_answer(const struct tl_conn *conn, const struct tl_segment *seg)
{
    unsigned opener = opener_of(conn);

    return is_plain(seg, TL_SYN | TL_ACK) && seg->from != opener && seg->ack == conn->end[opener].isn + 1;
}

static enum tl_followed first_stage(const struct tl_conn *conn, const struct tl_segment *seg)
{
    if (!conn->pair->tracker->follows_zeek) {
        return TL_FOLLOWED_NOT;
    }
    return is_plain(seg, TL_SYN) ? TL_FOLLOWED_SYN : TL_FOLLOWED_VIEW;
}

/* Where the connection is with this segment. */
static enum tl_followed next_stage(const struct tl_conn *conn, const struct tl_segment *seg)
{
    switch ((enum tl_followed)conn->followed) {
    case TL_FOLLOWED_NOT:
        return conn->end[0].segments + conn->end[1].segments == 0 ? first_stage(conn, seg) : TL_FOLLOWED_NOT;
    case TL_FOLLOWED_SYN:
        if (is_opener_syn(conn, seg)) {
            return TL_FOLLOWED_SYN;
        }
        return is_answer(conn, seg) ? TL_FOLLOWED_SYNACK : TL_FOLLOWED_VIEW;
    case TL_FOLLOWED_SYNACK:
        return is_answer(conn, seg) && seg->seq == conn->end[seg->from].isn ? TL_FOLLOWED_SYNACK : TL_FOLLOWED_VIEW;
    case TL_FOLLOWED_VIEW:
        break;
    }
    return TL_FOLLOWED_VIEW;
}

/* The view after the plain SYN, and SYN-ACK, that are all so far. */
static void replay(const struct tl_conn *conn, struct tl_zeek *zeek)
{
    unsigned opener = opener_of(conn), other = 1 - opener;
    struct tl_segment seg = {.flags = TL_SYN, .from = (uint8_t)opener, .seq = conn->end[opener].isn, .window = UINT16_MAX};

    tl_zeek_init(zeek, &conn->pair->ends);
    if (conn->followed == TL_FOLLOWED_SYN || conn->followed == TL_FOLLOWED_SYNACK) {
        tl_zeek_update(zeek, &seg);
    }
    if (conn->followed == TL_FOLLOWED_SYNACK) {
        seg.flags = TL_SYN | TL_ACK;
        seg.from = (uint8_t)other;
        seg.ack = seg.seq + 1;
        seg.seq = conn->end[other].isn;
        tl_zeek_update(zeek, &seg);
    }
}

void tl_follow_segment(struct tl_conn *conn, const struct tl_segment *seg)
{
    const struct tl_allocator *allocator = &conn->pair->tracker->allocator;
    enum tl_followed stage = next_stage(conn, seg);

    if (stage == TL_FOLLOWED_VIEW && conn->followed != TL_FOLLOWED_VIEW) {
        conn->zeek = allocator->alloc(allocator->context, sizeof *conn->zeek);
        if (conn->zeek) {
            replay(conn, conn->zeek);
        }
    }
    conn->followed = (uint8_t)stage;
    if (conn->zeek) {
        tl_zeek_update(conn->zeek, seg);
    }
}

void tl_follow_free(struct tl_conn *conn)
{
    const struct tl_allocator *allocator = &conn->pair->tracker->allocator;

    allocator->free(allocator->context, conn->zeek, sizeof *conn->zeek);
}

bool tl_conn_zeek(const struct tl_conn *conn, struct tl_zeek_words *words)
{
    struct tl_zeek zeek;

    memset(words, 0, sizeof *words);
    if (conn->followed == TL_FOLLOWED_NOT || (conn->followed == TL_FOLLOWED_VIEW && !conn->zeek)) {
        return false;
    }
    if (conn->zeek) {
        zeek = *conn->zeek;
    } else {
        replay(conn, &zeek);
    }
    words->conn_state = (uint8_t)tl_zeek_conn_state(&zeek);
    words->originator = zeek.originator;
    tl_zeek_history(&zeek, words->history, sizeof words->history);
    return true;
}
