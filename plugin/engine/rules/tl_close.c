/* tl_close.c - the teardown: step, kind, initiator, TIME-WAIT side.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * RFC 9293 3.6 (closing, half-closed), 3.6.1 (TIME-WAIT), 3.10.7.4 (the FIN bit), figures 12 and 13 (normal and simultaneous close).
 */
#include "rules/tl_close.h"

#include "rules/tl_late.h"

/* ---- the FINs, with what this segment shows of them ---------------------------------------------------------------------- */

/* The peer's FIN may not have been captured: if a FIN acknowledges exactly one octet beyond everything captured of the peer, and
 * nothing is missing below, that octet is taken for a FIN. With more octets the FIN may hide among them. */
static bool close_is_beyond_seen(const struct tl_step *step)
{
    const struct tl_endpoint *peer = step->peer;

    return !peer->has_fin && peer->has_seen && tl_seq_after(step->seg->ack, peer->seen);
}

static bool close_infers_fin_of_peer(const struct tl_step *step)
{
    const struct tl_endpoint *peer = step->peer;

    return close_is_beyond_seen(step) && step->seg->ack - peer->seen == 1 &&
           !tl_scoreboard_has_hole_below(tl_scoreboard_of(peer), peer->seen);
}

/* Bytes came in the place of the peer's FIN, and now they are acknowledged: whoever sent that FIN, a decoy that was to die on the way
 * for instance, the two ends know nothing of it. */
static bool close_refutes_fin_of_peer(const struct tl_step *step)
{
    const struct tl_endpoint *peer = step->peer;

    return peer->has_fin && peer->fin_covered && !step->copy_of && step->legal && tl_has(step, TL_ACK) &&
           step->event != TL_EVENT_RST && tl_seq_after(step->seg->ack, peer->fin + 1) &&
           !tl_seq_after(step->seg->ack, peer->max);
}

static bool close_peer_has_fin(const struct tl_step *step)
{
    return (step->peer->has_fin && !step->refutes_fin) || step->infers_fin;
}

static uint32_t close_fin_of_peer(const struct tl_step *step)
{
    return step->infers_fin ? step->peer->seen : step->peer->fin;
}

static bool close_acks_peer_fin(const struct tl_step *step)
{
    return close_peer_has_fin(step) && tl_has(step, TL_ACK) && tl_seq_after(step->seg->ack, close_fin_of_peer(step));
}

/* Whether an earlier segment had acknowledged it. */
static bool close_peer_fin_was_acked(const struct tl_step *step)
{
    return close_peer_has_fin(step) && step->peer->has_una && tl_seq_after(step->peer->una, close_fin_of_peer(step));
}

/* A FIN that was only inferred, and then its sender sends payload at that place: it was a byte that was not captured. */
static bool close_refutes_inferred_fin(const struct tl_step *step)
{
    return step->self->fin_inferred && step->event == TL_EVENT_DATA && tl_seq_after(step->end, step->self->fin);
}

static bool close_self_has_fin(const struct tl_step *step)
{
    return step->self->has_fin && !close_refutes_inferred_fin(step);
}

static unsigned close_closer_without_refuted(const struct tl_conn *conn, const struct tl_step *step)
{
    if (!close_refutes_inferred_fin(step)) {
        return conn->closing.closer;
    }
    return step->peer->has_fin ? 1 - step->from : TL_NO_ENDPOINT;
}

/* ---- steps ------------------------------------------------------------------------------------------------------------- */

static enum tl_teardown_step close_second_fin(const struct tl_step *step)
{
    if (!close_acks_peer_fin(step)) {
        return TL_TEARDOWN_STEP_FIN2_CROSS;
    }
    return close_peer_fin_was_acked(step) ? TL_TEARDOWN_STEP_FIN2 : TL_TEARDOWN_STEP_FIN2_ACK1;
}

/* The FIN of the other end acknowledged this one before this one was captured: this one came first. */
static bool close_is_late_first_fin(const struct tl_step *step)
{
    uint32_t fin = step->seg->seq + step->seg->len;
    const struct tl_recent_entry *e;

    if (!step->late || !step->peer->has_fin || (step->self->has_fin && !step->self->fin_inferred)) {
        return false;
    }
    for (unsigned i = 0; (e = tl_recent_at(&step->peer->recent, i)) != NULL; i++) {
        if (e->flags & TL_FIN) {
            return tl_seq_after(e->ack, fin);
        }
    }
    return false;
}

static void close_name_fin(struct tl_step *step)
{
    const struct tl_endpoint *self = step->self;

    if (step->copy_of) {
        step->shape->teardown_step = TL_TEARDOWN_STEP_FIN_COPY;
        return;
    }
    if (close_is_late_first_fin(step)) {
        step->shape->teardown_step = TL_TEARDOWN_STEP_FIN1;
        return;
    }
    if (self->has_fin) {
        bool same = step->seg->seq + step->seg->len == self->fin;

        step->shape->teardown_step = same ? TL_TEARDOWN_STEP_FIN_RETRANSMISSION : TL_TEARDOWN_STEP_FIN_MOVED;
        step->shape->attempt = self->fins;
        step->refs->first_in = self->fin_in;
        return;
    }
    step->infers_fin = close_infers_fin_of_peer(step);
    step->shape->teardown_step = close_peer_has_fin(step) ? (uint8_t)close_second_fin(step) : TL_TEARDOWN_STEP_FIN1;
}

/* First acknowledgment of the peer's FIN by a segment that is no FIN itself. */
static enum tl_teardown_step close_ack_of_fin(const struct tl_conn *conn, const struct tl_step *step)
{
    bool of_first = close_closer_without_refuted(conn, step) == 1 - step->from;

    if (!of_first) {
        return TL_TEARDOWN_STEP_FIN2_ACK;
    }
    return close_self_has_fin(step) ? TL_TEARDOWN_STEP_FIN1_ACK_LATE : TL_TEARDOWN_STEP_FIN1_ACK;
}

static enum tl_teardown_step close_data_step(const struct tl_step *step)
{
    const struct tl_endpoint *self = step->self;

    if (step->copy_of || step->event != TL_EVENT_DATA || step->is_probe) {
        return TL_TEARDOWN_STEP_NONE;
    }
    if (close_self_has_fin(step) && tl_seq_after(step->seg->seq + step->seg->len, self->fin)) {
        return TL_TEARDOWN_STEP_DATA_AFTER_FIN;
    }
    if (!close_peer_has_fin(step) || close_self_has_fin(step) || !step->new_bytes) {
        return TL_TEARDOWN_STEP_NONE;
    }
    return close_acks_peer_fin(step) ? TL_TEARDOWN_STEP_HALF_CLOSE_DATA : TL_TEARDOWN_STEP_TRAILING_DATA;
}

static void close_name_data_or_ack(const struct tl_conn *conn, struct tl_step *step)
{
    enum tl_teardown_step data = close_data_step(step);

    if (step->copy_of) {
        return;
    }
    if (data == TL_TEARDOWN_STEP_DATA_AFTER_FIN) {
        step->shape->teardown_step = (uint8_t)data;
    } else if (step->acks_fin) {
        step->shape->teardown_step = (uint8_t)close_ack_of_fin(conn, step);
    } else if (data != TL_TEARDOWN_STEP_NONE) {
        step->shape->teardown_step = (uint8_t)data;
    } else if (step->event == TL_EVENT_ACK && step->peer->fin_repeated && close_acks_peer_fin(step)) {
        step->shape->teardown_step = TL_TEARDOWN_STEP_FIN_REACK;
    }
}

static void close_name_rst(const struct tl_conn *conn, struct tl_step *step)
{
    enum tl_teardown_step name = TL_TEARDOWN_STEP_RST;

    if (step->copy_of || step->phase_before == TL_PHASE_HANDSHAKE || step->phase_before == TL_PHASE_NONE) {
        return;
    }
    if (conn->finished) {
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

void tl_close_name(const struct tl_conn *conn, struct tl_step *step)
{
    if (step->stray) {
        return;
    }
    step->refutes_fin = close_refutes_fin_of_peer(step);
    step->refs->refuted_in = step->refutes_fin ? step->peer->fin_in : 0;
    if (step->event == TL_EVENT_FIN && step->legal) {
        close_name_fin(step);
    }
    step->acks_fin = close_acks_peer_fin(step) && !close_peer_fin_was_acked(step);
    if (step->event == TL_EVENT_RST) {
        close_name_rst(conn, step);
    } else if (step->event == TL_EVENT_DATA || step->event == TL_EVENT_ACK) {
        close_name_data_or_ack(conn, step);
    }
}

/* ---- what is learnt ------------------------------------------------------------------------------------------------------ */

static void close_learn_inferred_fin(struct tl_step *step)
{
    struct tl_closing *closing = &step->conn->closing;
    struct tl_endpoint *peer = step->peer;

    peer->has_fin = true;
    peer->fin_inferred = true;
    peer->fin = peer->seen;
    closing->closer = (uint8_t)(1 - step->from);
    if (peer->unseen_in != 0) {
        peer->fin_ns = closing->fin1ack_ns = peer->unseen_ns;
        peer->finack_in = peer->unseen_in;
        peer->finack_seq = step->seg->seq; /* it stood there or below */
    } else {
        peer->fin_ns = step->seg->time_ns;
    }
}

/* What acknowledged this FIN was captured before it. */
static void close_note_ack_of_late_fin(struct tl_step *step)
{
    const struct tl_recent_entry *e = tl_late_acked_by(step, step->seg->seq + step->seg->len);

    if (step->late && e) {
        step->self->finack_in = e->frame;
        step->self->finack_seq = e->seq;
        if (step->conn->closing.closer == step->from) {
            step->conn->closing.fin1ack_ns = e->time_ns;
        }
    }
}

static void close_learn_first_fin(struct tl_step *step)
{
    struct tl_closing *closing = &step->conn->closing;
    struct tl_endpoint *self = step->self;

    closing->closer_unknown |= close_is_beyond_seen(step) && !step->infers_fin;
    if (step->infers_fin) {
        close_learn_inferred_fin(step);
    }
    closing->crossed |= step->shape->teardown_step == TL_TEARDOWN_STEP_FIN2_CROSS;
    closing->merged |= step->shape->teardown_step == TL_TEARDOWN_STEP_FIN2_ACK1;
    if (step->shape->teardown_step == TL_TEARDOWN_STEP_FIN1) {
        closing->closer = (uint8_t)step->from;
    }
    self->fin = step->seg->seq + step->seg->len;
    self->has_fin = true;
    self->fin_in = step->seg->frame;
    self->fin_ns = step->seg->time_ns;
    self->fins = 1;
    close_note_ack_of_late_fin(step);
}

/* The first FIN, captured after the other one. When it was sent is not known: what acknowledged it says no later than that. */
static void close_learn_late_first_fin(struct tl_step *step)
{
    struct tl_closing *closing = &step->conn->closing;
    struct tl_endpoint *self = step->self;

    closing->closer = (uint8_t)step->from;
    closing->closer_unknown = closing->crossed = false;
    close_note_ack_of_late_fin(step);
    closing->merged = self->finack_in == step->peer->fin_in;
    self->fin_ns = self->fin_inferred ? self->fin_ns : closing->fin1ack_ns;
    self->fin = step->seg->seq + step->seg->len;
    self->has_fin = true;
    self->fin_inferred = false;
    self->fin_in = step->seg->frame;
    self->fins = 1;
}

static void close_learn_fin(struct tl_step *step)
{
    struct tl_endpoint *self = step->self;

    if (close_is_late_first_fin(step)) {
        close_learn_late_first_fin(step);
        return;
    }

    switch (step->shape->teardown_step) {
    case TL_TEARDOWN_STEP_FIN_RETRANSMISSION:
    case TL_TEARDOWN_STEP_FIN_MOVED:
        self->fins += self->fins < UINT16_MAX;
        self->fin_repeated = true;
        break;
    case TL_TEARDOWN_STEP_FIN_COPY:
        self->fin_repeated = true; /* TIME-WAIT answers a copy, too */
        break;
    default:
        close_learn_first_fin(step);
        break;
    }
}

static void close_learn_ack_of_fin(struct tl_step *step)
{
    struct tl_endpoint *peer = step->peer;

    peer->finack_in = step->seg->frame;
    peer->finack_seq = step->seg->seq;
    if (step->conn->closing.closer == 1 - step->from) {
        step->conn->closing.fin1ack_ns = step->seg->time_ns;
    }
}

static void close_forget_fin(struct tl_closing *closing, struct tl_endpoint *end, unsigned other,
                             const struct tl_endpoint *other_end)
{
    end->has_fin = end->fin_inferred = end->fin_repeated = end->fin_covered = false;
    closing->closer = other_end->has_fin ? (uint8_t)other : TL_NO_ENDPOINT;
    closing->crossed = closing->merged = closing->half_close = false;
}

static void close_learn_data_or_ack(struct tl_step *step)
{
    step->conn->closing.half_close |= close_data_step(step) == TL_TEARDOWN_STEP_HALF_CLOSE_DATA;
    if (close_refutes_inferred_fin(step)) {
        step->conn->closing.closer = (uint8_t)close_closer_without_refuted(step->conn, step);
        step->self->has_fin = false;
        step->self->fin_inferred = false;
    }
    if (step->self->has_fin && step->event == TL_EVENT_DATA && !step->copy_of &&
        !tl_seq_after(step->seg->seq, step->self->fin) && tl_seq_after(step->end, step->self->fin)) {
        step->self->fin_covered = true;
    }
    if (step->shape->teardown_step == TL_TEARDOWN_STEP_FIN_REACK) {
        step->peer->fin_repeated = false;
    }
}

void tl_close_learn(struct tl_step *step)
{
    bool counts = !step->copy_of && step->event != TL_EVENT_RST && step->event != TL_EVENT_NOTHING &&
                  (step->event == TL_EVENT_SYNACK || step->legal);

    if (step->stray) {
        return;
    }
    if (step->refutes_fin) {
        close_forget_fin(&step->conn->closing, step->peer, step->from, step->self);
    }
    if (step->event == TL_EVENT_FIN && step->legal) {
        close_learn_fin(step);
    } else if (step->event == TL_EVENT_DATA || step->event == TL_EVENT_ACK) {
        close_learn_data_or_ack(step);
    }
    if (step->acks_fin && counts) {
        close_learn_ack_of_fin(step);
    }
}

/* ---- kind -------------------------------------------------------------------------------------------------------------- */

static enum tl_kind close_kind_of_reset(const struct tl_conn *conn)
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
        return close_kind_of_reset(conn);
    }
    if (conn->finished) {
        if (conn->closing.crossed) {
            return TL_KIND_SIMULTANEOUS;
        }
        if (conn->closing.half_close) {
            return TL_KIND_HALF_CLOSE;
        }
        return conn->closing.merged ? TL_KIND_THREE_SEGMENT : TL_KIND_FOUR_SEGMENT;
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
    return conn->closing.half_close || inferred || conn->closing.closer_unknown ? TL_CONFIDENCE_LIKELY : TL_CONFIDENCE_CERTAIN;
}

enum tl_side tl_close_side(const struct tl_conn *conn, unsigned end)
{
    return end == conn->client ? TL_SIDE_CLIENT : TL_SIDE_SERVER;
}

static bool close_one_way(const struct tl_conn *conn)
{
    return conn->endpoint[0].segments == 0 || conn->endpoint[1].segments == 0;
}

enum tl_side tl_close_initiator(const struct tl_conn *conn)
{
    bool any_fin = conn->endpoint[0].has_fin || conn->endpoint[1].has_fin;

    if (!any_fin) {
        return conn->reset.ended ? tl_close_side(conn, conn->reset.by) : TL_SIDE_NONE;
    }
    if (conn->closing.closer_unknown || conn->closing.closer == TL_NO_ENDPOINT || close_one_way(conn)) {
        return TL_SIDE_UNKNOWN;
    }
    return conn->closing.crossed ? TL_SIDE_BOTH : tl_close_side(conn, conn->closing.closer);
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
    if (conn->closing.closer_unknown || conn->closing.closer == TL_NO_ENDPOINT) {
        return TL_SIDE_UNKNOWN;
    }
    return conn->closing.crossed ? TL_SIDE_BOTH : tl_close_side(conn, conn->closing.closer);
}
