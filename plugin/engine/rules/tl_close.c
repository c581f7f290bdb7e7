/* tl_close.c - the teardown: step, kind, initiator, TIME-WAIT side.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "rules/tl_close.h"

/* ---- steps ------------------------------------------------------------------------------------------------------------- */

/* The peer's FIN may not have been captured: if the FIN in this step acknowledges exactly one octet beyond everything captured
 * of the peer, and nothing is missing below, that octet is taken for a FIN. With more octets the FIN may hide among them. */
static void infer_fin_of_peer(struct tl_step *step)
{
    struct tl_endpoint *peer = step->peer;
    uint32_t beyond = step->seg->ack - peer->seen;

    if (peer->has_fin || !peer->has_seen || !tl_seq_after(step->seg->ack, peer->seen)) {
        return;
    }
    if (beyond > 1 || tl_scoreboard_has_hole_below(peer->scoreboard, peer->seen)) {
        step->conn->closer_unknown = true;
        return;
    }
    step->infers_fin = true;
    peer->has_fin = true;
    peer->fin_inferred = true;
    peer->fin = peer->seen;
    step->conn->closer = (uint8_t)(1 - step->from);
    if (peer->unseen_in != 0) {
        peer->fin_ns = step->conn->fin1ack_ns = peer->unseen_ns;
        peer->finack_in = peer->unseen_in;
        peer->finack_seq = step->seg->seq; /* it stood there or below */
    } else {
        peer->fin_ns = step->seg->time_ns;
    }
}

static bool acks_peer_fin(const struct tl_step *step)
{
    return step->peer->has_fin && tl_has(step, TL_ACK) && tl_seq_after(step->seg->ack, step->peer->fin);
}

static enum tl_teardown_step second_fin(struct tl_step *step)
{
    if (!acks_peer_fin(step)) {
        step->conn->crossed = true;
        return TL_TEARDOWN_STEP_FIN2_CROSS;
    }
    if (tl_fin_acked(step->peer)) {
        return TL_TEARDOWN_STEP_FIN2;
    }
    step->conn->merged = true;
    return TL_TEARDOWN_STEP_FIN2_ACK1;
}

static void classify_fin(struct tl_step *step)
{
    struct tl_endpoint *self = step->self;
    uint32_t octet = step->seg->seq + step->seg->len;

    if (step->copy_of) {
        step->shape->teardown_step = TL_TEARDOWN_STEP_FIN_COPY;
        self->fin_repeated = true; /* TIME-WAIT answers a copy, too */
        return;
    }
    if (self->has_fin) {
        bool same = octet == self->fin;

        step->shape->teardown_step = same ? TL_TEARDOWN_STEP_FIN_RETRANSMISSION : TL_TEARDOWN_STEP_FIN_MOVED;
        step->shape->attempt = self->fins;
        step->refs->first_in = self->fin_in;
        self->fin_repeated = true;
        self->fins += self->fins < UINT16_MAX;
        return;
    }
    infer_fin_of_peer(step);
    if (step->peer->has_fin) {
        step->shape->teardown_step = (uint8_t)second_fin(step);
    } else {
        step->shape->teardown_step = TL_TEARDOWN_STEP_FIN1;
        step->conn->closer = (uint8_t)step->from;
    }
    self->fin = octet;
    self->has_fin = true;
    self->fin_in = step->seg->frame;
    self->fin_ns = step->seg->time_ns;
    self->fins = 1;
}

/* First acknowledgment of the peer's FIN by a segment that is no FIN itself. */
static enum tl_teardown_step ack_of_fin(const struct tl_step *step)
{
    bool of_first = step->conn->closer == 1 - step->from;

    if (!of_first) {
        return TL_TEARDOWN_STEP_FIN2_ACK;
    }
    return step->self->has_fin ? TL_TEARDOWN_STEP_FIN1_ACK_LATE : TL_TEARDOWN_STEP_FIN1_ACK;
}

static enum tl_teardown_step data_step(struct tl_step *step)
{
    const struct tl_endpoint *self = step->self;

    if (self->has_fin && tl_seq_after(step->seg->seq + step->seg->len, self->fin)) {
        return TL_TEARDOWN_STEP_DATA_AFTER_FIN;
    }
    if (!step->peer->has_fin || self->has_fin || !step->new_bytes) {
        return TL_TEARDOWN_STEP_NONE;
    }
    if (!acks_peer_fin(step)) {
        return TL_TEARDOWN_STEP_TRAILING_DATA;
    }
    step->conn->half_close = true;
    return TL_TEARDOWN_STEP_HALF_CLOSE_DATA;
}

/* A FIN that was only inferred, and then its sender sends payload at that place: it was a byte that was not captured. */
static void cancel_inferred_fin(struct tl_step *step)
{
    struct tl_endpoint *self = step->self;

    if (self->fin_inferred && step->event == TL_EVENT_DATA && tl_seq_after(step->end, self->fin)) {
        self->has_fin = false;
        self->fin_inferred = false;
        step->conn->closer = step->peer->has_fin ? (uint8_t)(1 - step->from) : TL_NO_ENDPOINT;
    }
}

static void classify_data_or_ack(struct tl_step *step)
{
    struct tl_endpoint *peer = step->peer;
    enum tl_teardown_step data = TL_TEARDOWN_STEP_NONE;

    cancel_inferred_fin(step);
    if (step->copy_of) {
        return;
    }
    if (step->event == TL_EVENT_DATA && !step->is_probe) {
        data = data_step(step);
    }
    if (data == TL_TEARDOWN_STEP_DATA_AFTER_FIN) {
        step->shape->teardown_step = (uint8_t)data;
    } else if (step->acks_fin) {
        step->shape->teardown_step = (uint8_t)ack_of_fin(step);
    } else if (data != TL_TEARDOWN_STEP_NONE) {
        step->shape->teardown_step = (uint8_t)data;
    } else if (step->event == TL_EVENT_ACK && peer->fin_repeated && acks_peer_fin(step)) {
        step->shape->teardown_step = TL_TEARDOWN_STEP_FIN_REACK;
        peer->fin_repeated = false;
    }
}

static void classify_rst(struct tl_step *step)
{
    enum tl_teardown_step name = TL_TEARDOWN_STEP_RST;

    if (step->copy_of || step->phase_before == TL_PHASE_HANDSHAKE || step->phase_before == TL_PHASE_NONE) {
        return;
    }
    if (step->conn->finished) {
        name = TL_TEARDOWN_STEP_RST_LATE;
    } else if (!step->rst_effective || step->phase_before == TL_PHASE_CLOSED) {
        return;
    } else if (step->self->has_fin) {
        name = TL_TEARDOWN_STEP_RST_AFTER_FIN;
    } else if (step->peer->has_fin) {
        name = TL_TEARDOWN_STEP_RST_BY_PEER;
    }
    step->shape->teardown_step = (uint8_t)name;
}

void tl_close_classify(struct tl_step *step)
{
    if (step->stray) {
        return;
    }
    if (step->event == TL_EVENT_FIN && step->legal) {
        classify_fin(step);
    }
    step->acks_fin = acks_peer_fin(step) && !tl_fin_acked(step->peer);
    if (step->event == TL_EVENT_RST) {
        classify_rst(step);
    } else if (step->event == TL_EVENT_DATA || step->event == TL_EVENT_ACK) {
        classify_data_or_ack(step);
    }
}

/* ---- kind -------------------------------------------------------------------------------------------------------------- */

static enum tl_kind kind_of_reset(const struct tl_conn *conn)
{
    if (conn->endpoint[conn->reset.by].has_fin) {
        return TL_KIND_FIN_RST;
    }
    return conn->endpoint[1 - conn->reset.by].has_fin ? TL_KIND_FIN_PEER_RST : TL_KIND_RST;
}

enum tl_kind tl_close_kind(const struct tl_conn *conn, bool *proved)
{
    unsigned fins = conn->endpoint[0].has_fin + conn->endpoint[1].has_fin;

    *proved = conn->superseded || conn->reset.ended || conn->finished;
    if (conn->reset.ended) {
        return kind_of_reset(conn);
    }
    if (conn->finished) {
        if (conn->crossed) {
            return TL_KIND_SIMULTANEOUS;
        }
        if (conn->half_close) {
            return TL_KIND_HALF_CLOSE;
        }
        return conn->merged ? TL_KIND_THREE_SEGMENT : TL_KIND_FOUR_SEGMENT;
    }
    if (conn->superseded) {
        return TL_KIND_SUPERSEDED;
    }
    return fins == 2 ? TL_KIND_UNFINISHED : fins == 1 ? TL_KIND_ONE_SIDED : TL_KIND_OPEN;
}

enum tl_confidence tl_close_kind_confidence(const struct tl_conn *conn)
{
    bool inferred = conn->endpoint[0].fin_inferred || conn->endpoint[1].fin_inferred;

    /* Data after the other FIN may have waited in the send buffer: the application need not have wanted a half-close. */
    return conn->half_close || inferred || conn->closer_unknown ? TL_CONFIDENCE_LIKELY : TL_CONFIDENCE_CERTAIN;
}

enum tl_side tl_close_side(const struct tl_conn *conn, unsigned end)
{
    return end == conn->client ? TL_SIDE_CLIENT : TL_SIDE_SERVER;
}

static bool one_way(const struct tl_conn *conn)
{
    return conn->endpoint[0].segments == 0 || conn->endpoint[1].segments == 0;
}

enum tl_side tl_close_initiator(const struct tl_conn *conn)
{
    bool any_fin = conn->endpoint[0].has_fin || conn->endpoint[1].has_fin;

    if (!any_fin) {
        return conn->reset.ended ? tl_close_side(conn, conn->reset.by) : TL_SIDE_NONE;
    }
    if (conn->closer_unknown || conn->closer == TL_NO_ENDPOINT || one_way(conn)) {
        return TL_SIDE_UNKNOWN;
    }
    return conn->crossed ? TL_SIDE_BOTH : tl_close_side(conn, conn->closer);
}

enum tl_side tl_close_time_wait(const struct tl_conn *conn)
{
    bool any_fin = conn->endpoint[0].has_fin || conn->endpoint[1].has_fin;

    if (conn->reset.ended) {
        return TL_SIDE_NOBODY;
    }
    if (!conn->finished) {
        return any_fin ? TL_SIDE_UNKNOWN : TL_SIDE_NONE;
    }
    if (conn->closer_unknown || conn->closer == TL_NO_ENDPOINT) {
        return TL_SIDE_UNKNOWN;
    }
    return conn->crossed ? TL_SIDE_BOTH : tl_close_side(conn, conn->closer);
}
