/* tl_pair.c - which connection of an address and port pair a segment belongs to.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * One pair of addresses and ports serves many connections, one after the other. A SYN may start a new one, repeat an old one,
 * or be old or forged; while that is open the new connection is tentative and the one before it lives on (RFC 5961 4).
 */
#include "conn/tl_window.h"
#include "rules/tl_late.h"
#include "rules/tl_open.h"
#include "rules/tl_path_mtu.h"
#include "rules/tl_reset.h"
#include "update/tl_release.h"
#include "update/tl_update.h"

#include <string.h>

/* Two maximum segment lifetimes of 2 minutes each, RFC 9293 3.4.2 and 3.6.1. */
static const int64_t TWO_MSL_NS = 240 * TL_SECOND;

struct tl_pair *tl_pair_new(struct tl_tracker *tracker, const struct tl_endpoints *ends)
{
    struct tl_pair *pair = tracker->allocator.alloc(tracker->allocator.context, sizeof *pair);

    if (pair) {
        pair->tracker = tracker;
        pair->ends = *ends;
    }
    return pair;
}

void tl_pair_free(struct tl_pair *pair)
{
    if (!pair) {
        return;
    }
    while (pair->newest) {
        struct tl_conn *conn = pair->newest;

        pair->newest = conn->next;
        tl_conn_free(conn);
    }
    pair->tracker->allocator.free(pair->tracker->allocator.context, pair, sizeof *pair);
}

/* ---- a new connection --------------------------------------------------------------------------------------------------- */

/* The newest connection that is not tentative: the one that a new SYN may replace. */
static struct tl_conn *pair_standing(const struct tl_pair *pair)
{
    struct tl_conn *conn = pair->newest;

    return conn && conn->tentative && conn->previous ? conn->previous : conn;
}

/* The connection before the newest one that old segments may belong to. */
static struct tl_conn *pair_older(const struct tl_pair *pair)
{
    const struct tl_conn *conn = pair->newest;

    if (!conn) {
        return NULL;
    }
    return conn->previous ? conn->previous : conn->next;
}

static struct tl_conn *pair_start(struct tl_pair *pair, const struct tl_segment *seg, enum tl_reuse reuse, bool tentative)
{
    struct tl_conn *before = pair_standing(pair);
    struct tl_conn *conn = tl_conn_new(pair, seg);

    if (!conn) {
        return NULL;
    }
    tl_reset_clear(conn);
    conn->reuse = (uint8_t)reuse;
    conn->tentative = tentative;
    conn->previous = tentative ? before : NULL;
    return conn;
}

static bool pair_holds_time_wait(const struct tl_endpoint *end)
{
    return tl_fsm_state(&end->fsm) == TL_STATE_TIME_WAIT;
}

/* Nothing but SYNs has come from this end, and no SYN-ACK was acknowledged. */
static bool pair_only_asked(const struct tl_conn *conn, const struct tl_endpoint *x)
{
    return tl_syns(x)->count > 0 && !x->sent_plain && !conn->opened && tl_synacks(x)->count == 0;
}

/* An end in TIME-WAIT takes a SYN whose timestamp is newer than the last one or, without timestamps, whose number is above the last
 * one (RFC 6191 2, RFC 9293 3.6.1 MAY-2); any other it answers by an ACK or drops. */
static bool pair_is_below(const struct tl_endpoint *before, const struct tl_segment *seg)
{
    if (before->has_tsval && (seg->options & TL_OPT_TIMESTAMPS) && seg->tsval != before->tsval) {
        return !tl_seq_after(seg->tsval, before->tsval);
    }
    return before->has_max && !tl_seq_after(seg->seq, before->max - 1);
}

/* A SYN with a number of its own: a new connection, final or tentative. */
static struct tl_conn *pair_start_by_syn(struct tl_pair *pair, const struct tl_segment *seg)
{
    struct tl_conn *before = pair_standing(pair), *conn;
    const struct tl_endpoint *x = &before->endpoint[seg->from], *y = &before->endpoint[1 - seg->from];
    int64_t elapsed = seg->time_ns > before->last_ns ? seg->time_ns - before->last_ns : 0;

    if (pair->newest != before && pair_only_asked(pair->newest, &pair->newest->endpoint[seg->from])) {
        conn = pair_start(pair, seg, TL_REUSE_RETRY_NEW_ISN, true); /* I4a */
    } else if (before->reset.ended) {
        conn = pair_start(pair, seg, TL_REUSE_AFTER_RST, before->opened); /* I2 */
    } else if (before->finished) {                                        /* I3, I3b */
        bool time_wait = (pair_holds_time_wait(x) || pair_holds_time_wait(y)) && elapsed < TWO_MSL_NS;

        conn =
            pair_start(pair, seg, time_wait ? TL_REUSE_TIME_WAIT : TL_REUSE_AFTER_CLOSE, time_wait && pair_holds_time_wait(y));
        if (conn) {
            conn->below_previous = time_wait && pair_holds_time_wait(y) && pair_is_below(x, seg);
        }
    } else if (pair_only_asked(before, x)) {
        conn = pair_start(pair, seg, TL_REUSE_RETRY_NEW_ISN, false); /* I4 */
    } else {
        conn = pair_start(pair, seg, TL_REUSE_SUPERSEDE, true); /* I5 */
    }
    if (conn) {
        conn->reuse_elapsed_ns = elapsed;
    }
    return conn;
}

/* ---- routing ------------------------------------------------------------------------------------------------------------ */

/* I1, I1c: a number that this end of the connection had begun with: its SYN again. */
static bool pair_has_isn(const struct tl_conn *conn, unsigned end, uint32_t seq)
{
    return conn && conn->endpoint[end].has_isn_of_syn && conn->endpoint[end].isn == seq;
}

/* I0: SYN while the other end's SYN is unanswered: simultaneous open, or a split handshake. */
static bool pair_is_crossing_syn(const struct tl_conn *conn, const struct tl_segment *seg)
{
    const struct tl_endpoint *x = &conn->endpoint[seg->from], *y = &conn->endpoint[1 - seg->from];

    /* In a split handshake a pure ACK may come before the SYN. */
    return tl_syns(y)->count > 0 && tl_synacks(y)->count == 0 && tl_syns(x)->count + tl_synacks(x)->count == 0 &&
           !x->sent_data && !conn->opened && !conn->reset.ended;
}

static struct tl_conn *pair_route_syn(struct tl_pair *pair, const struct tl_segment *seg)
{
    struct tl_conn *conn = pair->newest;

    if (!conn) {
        return pair_start(pair, seg, TL_REUSE_NONE, false); /* I0a */
    }
    if (pair_has_isn(conn, seg->from, seg->seq) || tl_late_is_syn(conn, seg) || pair_is_crossing_syn(conn, seg)) {
        return conn;
    }
    if (pair_has_isn(pair_older(pair), seg->from, seg->seq)) {
        return pair_older(pair);
    }
    return pair_start_by_syn(pair, seg);
}

static bool pair_acks_syn_of(const struct tl_conn *conn, unsigned end, uint32_t ack)
{
    const struct tl_endpoint *x = &conn->endpoint[end];

    return tl_syns(x)->count > 0 && tl_open_synack_fits(conn, x, ack);
}

/* Whether a segment that is no bare SYN belongs to the tentative connection rather than to the one before it. */
static bool pair_fits_tentative(const struct tl_conn *conn, const struct tl_segment *seg)
{
    const struct tl_endpoint *x = &conn->endpoint[seg->from];
    bool from_opener = tl_syns(x)->count > 0;
    bool acks = (seg->flags & TL_ACK) && pair_acks_syn_of(conn, 1 - seg->from, seg->ack);

    if (seg->flags & TL_SYN) {
        return acks;
    }
    if (seg->flags & TL_RST) {
        return from_opener ? conn->opening.has_challenge && seg->seq == conn->opening.challenge_ack : acks;
    }
    if (tl_window_fits(conn->previous, seg)) {
        return false;
    }
    return from_opener ? seg->seq - x->isn - 1 <= conn->opening.syn_data : acks;
}

static void pair_confirm(struct tl_conn *conn, const struct tl_segment *seg)
{
    struct tl_conn *before = conn->previous;

    if (seg->flags & TL_RST) {
        return;
    }
    conn->tentative = false;
    if (before && !before->finished && !before->reset.ended) {
        before->superseded = true;
        tl_release_watch(before);
    }
}

/* Whether the numbers of a RST are near what the connection has used. */
static bool pair_rst_fits(const struct tl_conn *conn, const struct tl_segment *seg)
{
    const struct tl_endpoint *x = &conn->endpoint[seg->from], *y = &conn->endpoint[1 - seg->from];
    struct tl_segment as_ack = *seg;

    if ((seg->flags & TL_ACK) && seg->seq == 0) {
        return y->has_max && seg->ack == y->max;
    }
    as_ack.flags = (uint8_t)(seg->flags & TL_ACK);
    return (x->has_max || y->has_max) && tl_window_fits(conn, &as_ack);
}

/* Old segments of the connection before the newest one. */
static bool pair_fits_older(const struct tl_pair *pair, const struct tl_segment *seg)
{
    const struct tl_conn *conn = pair->newest, *before = pair_older(pair);

    if (!before) {
        return false;
    }
    if (seg->flags & TL_RST) {
        return !pair_rst_fits(conn, seg) && pair_rst_fits(before, seg);
    }
    if (seg->flags & TL_SYN) {
        return !pair_acks_syn_of(conn, 1 - seg->from, seg->ack) && pair_acks_syn_of(before, 1 - seg->from, seg->ack);
    }
    return !tl_window_fits(conn, seg) && tl_window_fits(before, seg);
}

static struct tl_conn *pair_route(struct tl_pair *pair, const struct tl_segment *seg)
{
    struct tl_conn *conn = pair->newest;

    if ((seg->flags & (TL_SYN | TL_RST | TL_ACK)) == TL_SYN) {
        return pair_route_syn(pair, seg);
    }
    if (!conn) {
        return pair_start(pair, seg, TL_REUSE_NONE, false);
    }
    if (conn->tentative && conn->previous) {
        if (!pair_fits_tentative(conn, seg)) {
            return conn->previous;
        }
        pair_confirm(conn, seg);
        return conn;
    }
    return pair_fits_older(pair, seg) ? pair_older(pair) : conn;
}

/* ---- what a segment of one connection means for the other ----------------------------------------------------------------- */

/* The SYN of a tentative connection draws a challenge ACK from the one before it. */
static void pair_trigger_previous(struct tl_conn *conn, const struct tl_segment *seg)
{
    tl_challenge_trigger(&conn->previous->endpoint[seg->from], seg, false);
}

/* The RST that answers the challenge ACK ends the connection before. */
static void pair_reset_previous(struct tl_conn *conn, const struct tl_segment *seg, const struct tl_shape *shape)
{
    struct tl_conn *before = conn->previous;
    struct tl_rst_seen by = {.ns = seg->time_ns,
                             .frame = seg->frame,
                             .end = seg->from & 1,
                             .cause = shape->rst_cause,
                             .confidence = shape->rst_confidence};

    if (before->reset.ended || before->finished) {
        return;
    }
    tl_reset_note(before, &by, true);
    before->phase_open = before->phase;
    before->phase = TL_PHASE_CLOSED;
    before->fast_path = false;
    tl_release_watch(before);
}

/* ---- the same SYN under other addresses ---------------------------------------------------------------------------------- */

/* Looks for the SYN that a first segment repeats or answers in another connection: translated on the way, or an answer that came
 * back past the translator. Keeps the SYN. */
static void pair_link_to_other(struct tl_conn *conn, const struct tl_segment *seg, struct tl_result *result)
{
    struct tl_tracker *tracker = conn->pair->tracker;
    bool is_synack = seg->flags & TL_ACK;
    uint32_t isn = is_synack ? seg->ack - 1 : seg->seq;
    uint16_t port = conn->pair->ends.port[is_synack ? 1 - (seg->from & 1) : seg->from & 1];
    struct tl_known_syn *known = &tracker->syns[(isn ^ port) % TL_KNOWN_SYNS];
    bool same = known->number != 0 && known->isn == isn && known->port == port;

    if ((seg->flags & (TL_SYN | TL_RST | TL_FIN)) != TL_SYN) {
        return;
    }
    if (same && known->number != conn->number + 1) {
        if (seg->frame == conn->first_in) {
            result->refs.linked = conn->linked = known->number;
        }
        conn->missed_nat = conn->missed_nat || (is_synack && conn->linked != 0 && !known->answered);
    } else if (same) {
        known->answered |= is_synack;
    } else if (!is_synack) {
        *known = (struct tl_known_syn){.isn = isn, .number = conn->number + 1, .port = port};
    }
}

static void pair_show_reuse(const struct tl_conn *conn, bool is_syn, bool was_tentative, struct tl_result *result)
{
    bool undecided = conn->tentative && conn->reuse == TL_REUSE_SUPERSEDE;

    if (result->shape.handshake_step == TL_HANDSHAKE_STEP_NONE) {
        return;
    }
    if (result->shape.from == conn->opening.opener && is_syn) {
        result->shape.flags |= conn->below_previous ? TL_SHAPE_BELOW_PREVIOUS : 0;
        result->shape.reuse = undecided ? TL_REUSE_TENTATIVE : conn->reuse;
        result->refs.reuse_elapsed_ns = conn->reuse_elapsed_ns;
    } else if (was_tentative && !conn->tentative) {
        result->shape.reuse = conn->reuse;
        result->refs.reuse_elapsed_ns = conn->reuse_elapsed_ns;
    }
}

/* The end that opened the newest connection sends new octets in the one before. It could not have opened the newest one if that were one
 * socket (RFC 9293 3.4.1: a pair of sockets is one connection): a translator or load balancer gives two the same addresses and ports.
 * What is older than this may have been under way when it opened the newest one. */
static bool pair_shows_two_sockets(const struct tl_pair *pair, const struct tl_conn *conn, const struct tl_segment *seg,
                                   const struct tl_shape *shape)
{
    static const int64_t UNDER_WAY_NS = TL_SECOND;
    const struct tl_conn *newest = pair->newest;

    return conn != newest && conn == pair_older(pair) && !newest->tentative && newest->opened &&
           newest->opening.opener == (seg->from & 1) && (shape->flags & TL_SHAPE_NEW_DATA) &&
           !(shape->flags & (TL_SHAPE_COPY | TL_SHAPE_STRAY)) && seg->time_ns - newest->start_ns > UNDER_WAY_NS;
}

static bool pair_update(struct tl_pair *pair, const struct tl_segment *segment, struct tl_result *result)
{
    struct tl_conn *tentative = pair->newest && pair->newest->tentative ? pair->newest : NULL;
    struct tl_conn *conn = pair_route(pair, segment);

    memset(result, 0, sizeof *result);
    if (!conn) {
        return false;
    }
    if (segment->flags & TL_SYN) {
        pair_link_to_other(conn, segment, result);
    }
    tl_update(conn, segment, result);
    if (conn->tentative && conn->previous) {
        if (segment->flags & TL_SYN) {
            pair_trigger_previous(conn, segment);
        } else if (result->shape.rst_cause == TL_RST_CAUSE_HALF_OPEN_SYN) {
            pair_reset_previous(conn, segment, &result->shape);
        }
    }
    if (conn == tentative && !conn->tentative && conn->previous && conn->previous->superseded) {
        result->refs.superseded_in = conn->previous->last_in;
    }
    if (conn != pair->newest && pair_shows_two_sockets(pair, conn, segment, &result->shape)) {
        result->shape.flags |= TL_SHAPE_TWO_SOCKETS;
    }
    if (conn->reuse != TL_REUSE_NONE) {
        pair_show_reuse(conn, segment->flags & TL_SYN, conn == tentative, result);
    }
    return true;
}

bool tl_pair_update(struct tl_pair *pair, const struct tl_segment *segment, struct tl_result *result)
{
    struct tl_segment ours = *segment;
    bool decided;

    ours.time_ns = tl_pair_tick(pair, segment->time_ns);
    tl_release_tick(pair->tracker, segment->time_ns);
    decided = pair_update(pair, &ours, result);
    if (decided) {
        tl_release_watch(result->conn);
    }
    return decided;
}

const struct tl_conn *tl_pair_newest(const struct tl_pair *pair)
{
    return pair->newest;
}

void tl_pair_unreachable(struct tl_pair *pair, unsigned from, uint32_t seq, unsigned type, unsigned code, uint32_t frame)
{
    struct tl_conn *conn = pair_has_isn(pair->newest, from & 1, seq) ? pair->newest : pair_older(pair);
    struct tl_open_icmp error = {.frame = frame, .type = (uint8_t)type, .code = (uint8_t)code};

    if (pair_has_isn(conn, from & 1, seq)) {
        tl_open_note_unreachable(conn, &error);
    }
}

void tl_pair_too_big(struct tl_pair *pair, const struct tl_too_big *error)
{
    struct tl_too_big ours = *error;
    struct tl_conn *before = pair_older(pair);

    ours.time_ns = tl_pair_time(pair, error->time_ns);
    if (pair->newest && !tl_path_mtu_take(pair->newest, &ours) && before) {
        (void)tl_path_mtu_take(before, &ours);
    }
}
