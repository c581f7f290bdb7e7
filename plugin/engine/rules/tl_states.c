/* tl_states.c - from a classified segment to the states of both ends.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * RFC 9293 3.3.2 (states), 3.10.7 (arriving segments), RFC 1337 (TIME-WAIT and resets), RFC 7323 4.3 (what an echo shows).
 */
#include "rules/tl_states.h"

#include "rules/tl_reset.h"
#include "rules/tl_rst_cause.h"

/* An end that goes on this long after a RST did not get it; less may be a segment that was under way. */
static const int64_t UNDER_WAY_NS = 3 * TL_MS;

/* The two machines and views of one step. */
struct pair_of_states {
    const struct tl_conn *conn;
    const struct tl_step *step;
    struct tl_fsm *self, *peer;
    struct tl_endpoint_view *self_view, *peer_view;
    bool *revokes; /* the RST that had ended the connection ended nothing */
};

static void states_self_does(struct pair_of_states *s, enum tl_fsm_event event)
{
    tl_fsm_apply(s->self, event, s->self_view);
}

static void states_peer_gets(struct pair_of_states *s, enum tl_fsm_event event)
{
    tl_fsm_apply(s->peer, event, s->peer_view);
}

static bool states_knows_peer_fin(const struct tl_step *step)
{
    return step->peer->has_fin && tl_has(step, TL_ACK) && tl_seq_after(step->seg->ack, step->peer->fin);
}

/* The FIN has arrived as soon as everything before it has. */
static bool states_fin_in_order(const struct tl_endpoint *end)
{
    return end->has_fin && !tl_scoreboard_has_hole_below(tl_scoreboard_of(end), end->fin);
}

static void states_on_syn(struct pair_of_states *s)
{
    const struct tl_step *step = s->step;

    if (step->shape->handshake_step == TL_HANDSHAKE_STEP_SYN_RETRANSMISSION) {
        tl_fsm_withdraw(s->self, TL_REPEATS_SYN, s->self_view);
    } else if (!s->conn->opened) {
        states_self_does(s, TL_SENDS_SYN);
    }
    if (step->shape->handshake_step == TL_HANDSHAKE_STEP_SYN_CROSS && !s->conn->opened) {
        tl_fsm_apply(s->self, TL_GETS_SYN, s->self_view); /* the peer's SYN is on its way to this end */
    }
    if (!s->conn->opened && !s->conn->tentative) {
        bool first = tl_fsm_state(s->peer) == TL_STATE_UNKNOWN;

        states_peer_gets(s, TL_GETS_SYN);
        if (first && tl_fsm_state(s->peer) == TL_STATE_LISTEN) {
            tl_fsm_trust(s->peer, TL_CONFIDENCE_GUESS); /* until it answers it may as well be CLOSED */
        }
    }
}

static void states_on_synack(struct pair_of_states *s)
{
    if (s->step->late || (s->step->shape->flags & TL_SHAPE_REORDERED)) {
        return; /* answered already; overtaken on the way by its own repetition */
    }
    switch (s->step->shape->handshake_step) {
    case TL_HANDSHAKE_STEP_SYNACK_RETRANSMISSION:
        tl_fsm_withdraw(s->self, TL_REPEATS_SYNACK, s->self_view);
        break;
    case TL_HANDSHAKE_STEP_SYNACK:
    case TL_HANDSHAKE_STEP_SYNACK_CROSS:
        states_self_does(s, TL_SENDS_SYNACK);
        break;
    default:
        return;
    }
    states_peer_gets(s, TL_GETS_SYNACK);
}

/* The echoed timestamp shows that the ACK of this end's FIN had not arrived when it sent this (RFC 7323 4.3: an ACK that arrives in
 * order moves it). */
static bool states_had_no_ack_of_fin(const struct tl_step *step)
{
    const struct tl_recent_entry *e;
    unsigned i = 0;

    if (step->self->finack_in == 0 || !(step->seg->options & TL_OPT_TIMESTAMPS) || !tl_has(step, TL_ACK)) {
        return false;
    }
    while ((e = tl_recent_at(&step->peer->recent, i)) != NULL && e->frame != step->self->finack_in) {
        i++;
    }
    return e && (e->options & TL_OPT_TIMESTAMPS) && tl_seq_before(step->seg->tsecr, e->tsval) &&
           !tl_seq_after(e->seq, step->seg->ack);
}

/* A device on the path may have answered for this end before, and so it may now. */
static bool states_is_doubtful_again(const struct pair_of_states *s)
{
    return tl_fsm_state(s->self) == TL_STATE_UNKNOWN && s->self->depth > 0 && tl_rsts(s->step->self)->count > 1 &&
           !s->step->self->has_fin;
}

/* An end that sends a RST has closed; but whoever sees the traffic may have made it. */
static void states_trust_rst(struct pair_of_states *s)
{
    if (tl_fsm_state(s->self) == TL_STATE_CLOSED) {
        tl_fsm_trust(s->self, TL_CONFIDENCE_LIKELY);
    }
}

static void states_sender_of_rst(struct pair_of_states *s, const struct tl_rst_traits *traits)
{
    const struct tl_step *step = s->step;
    enum tl_rst_sender says = tl_of_path(step->shape) ? TL_RST_SENDER_SILENT : (enum tl_rst_sender)traits->sender;

    switch (says) {
    case TL_RST_SENDER_SILENT:
        return;
    case TL_RST_SENDER_DOUBTFUL:
        states_self_does(s, TL_SENDS_RST_DOUBTFUL);
        return;
    case TL_RST_SENDER_WAITS:
        tl_fsm_withdraw(s->self, TL_REPEATS_SYN, s->self_view);
        return;
    case TL_RST_SENDER_DECLINES:
        if (tl_fsm_state(s->self) == TL_STATE_CLOSED) {
            return; /* by a RST before: this is how a CLOSED end answers */
        }
        if (step->shape->rst_form == TL_RST_FORM_REPLY_ACK) {
            tl_fsm_withdraw(s->self, TL_REPEATS_SYN, s->self_view);
        }
        states_self_does(s, TL_SENDS_RST);
        return;
    case TL_RST_SENDER_BY_FORM:
    case TL_RST_SENDER_ANSWERS:
        break;
    }
    if (step->shape->rst_form == TL_RST_FORM_ACTIVE || step->shape->rst_form == TL_RST_FORM_BARE) {
        if (states_had_no_ack_of_fin(step)) {
            tl_fsm_withdraw(s->self, TL_REPEATS_FIN, s->self_view);
        }
        states_self_does(s, TL_SENDS_RST);
    } else if (says != TL_RST_SENDER_ANSWERS || !states_is_doubtful_again(s)) {
        bool held_time_wait = tl_fsm_state(s->self) == TL_STATE_TIME_WAIT;

        states_self_does(s, TL_SENDS_RST_GONE);
        if (held_time_wait) {
            tl_fsm_trust(s->self, TL_CONFIDENCE_LIKELY);
        }
    }
}

static void states_receiver_of_rst(struct pair_of_states *s, const struct tl_rst_traits *traits)
{
    const struct tl_shape *shape = s->step->shape;
    bool timed_out = traits->deaf && shape->rst_confidence != TL_CONFIDENCE_GUESS;
    bool in_time_wait = tl_fsm_state(s->peer) == TL_STATE_TIME_WAIT;

    if (in_time_wait) {
        /* RFC 9293 3.10.7.4 closes, RFC 1337 says ignore it, and systems differ; only the exact number can matter. */
        if (s->step->self->has_max && s->step->seg->seq == s->step->self->max) {
            tl_fsm_trust(s->peer, TL_CONFIDENCE_GUESS);
        }
    } else if (shape->rst_effect == TL_RST_EFFECT_UNKNOWN) {
        states_peer_gets(s, TL_GETS_RST_DOUBTFUL);
    } else if (shape->rst_effect == TL_RST_EFFECT_ACCEPTED) {
        bool opener = tl_syns(s->step->peer)->count > 0 && !s->conn->opened;

        states_peer_gets(s, timed_out ? TL_GETS_RST_DOUBTFUL : opener ? TL_GETS_RST_AS_OPENER : TL_GETS_RST);
        if (s->step->shape->rst_form == TL_RST_FORM_REPLY_ACK && tl_fsm_state(s->peer) == TL_STATE_CLOSED) {
            tl_fsm_trust(s->peer, TL_CONFIDENCE_LIKELY);
        }
    }
}

/* The segment acknowledges octets that were captured after the last RST in its sender's name: it was not the end of that end. */
static bool states_acks_later_octets(const struct tl_step *step)
{
    const struct tl_rsts *rsts = tl_rsts(step->self);

    return rsts->count > 0 && rsts->has_peer && rsts->has_self && tl_has(step, TL_ACK) && step->peer->has_seen &&
           tl_seq_after(step->seg->ack, rsts->peer_max) && tl_seq_after(step->peer->seen, rsts->peer_max);
}

/* An end that a RST should have closed goes on: the RST was lost on the way, or somebody else sent it. Once one end has sent new
 * payload after the RST and the other has acknowledged it, the RST ended nothing. */
static void states_on_life_after_rst(struct pair_of_states *s)
{
    const struct tl_step *step = s->step;
    const struct tl_conn *conn = s->conn;
    int64_t limit = step->rtt_ns == TL_UNKNOWN_NS ? UNDER_WAY_NS : tl_max_ns(UNDER_WAY_NS, step->rtt_ns);
    bool later = states_acks_later_octets(step);

    if (conn->reset.in == 0 || conn->finished || (tl_since(step, conn->reset.ns) <= limit && !later)) {
        return;
    }
    if (conn->reset.by != step->from || step->new_bytes || later) {
        tl_fsm_withdraw(s->self, TL_LIVES_ON, s->self_view);
    }
    if (conn->reset.ended && step->shape->ack == TL_ACK_NEW && step->peer->data_ns > conn->reset.ns) {
        *s->revokes = true;
        tl_fsm_withdraw(s->peer, TL_LIVES_ON, s->peer_view);
    }
}

static void states_sender_of_fin(struct pair_of_states *s)
{
    const struct tl_step *step = s->step;

    switch (step->shape->teardown_step) {
    case TL_TEARDOWN_STEP_FIN_RETRANSMISSION:
        tl_fsm_withdraw(s->self, TL_REPEATS_FIN, s->self_view);
        return;
    case TL_TEARDOWN_STEP_FIN1:
    case TL_TEARDOWN_STEP_FIN2:
    case TL_TEARDOWN_STEP_FIN2_ACK1:
    case TL_TEARDOWN_STEP_FIN2_CROSS:
        break;
    default:
        return;
    }
    if (!states_knows_peer_fin(step)) {
        tl_fsm_withdraw(s->self, TL_FIN_UNKNOWN, s->self_view);
    }
    states_self_does(s, step->peer->segments == 0 || s->conn->closing.closer_unknown ? TL_SENDS_FIN_ONE_WAY : TL_SENDS_FIN);
    if (!states_knows_peer_fin(step) && states_fin_in_order(step->peer)) {
        tl_fsm_apply(s->self, TL_GETS_FIN, s->self_view); /* the peer's FIN is still on its way to this end */
    }
}

/* A FIN that was acknowledged before it was captured. Of the first one of a connection the states have heard already, unless the
 * order was not known. */
static void states_sender_of_late_fin(struct pair_of_states *s)
{
    bool is_first = s->step->shape->teardown_step == TL_TEARDOWN_STEP_FIN1;

    if (is_first && tl_fsm_state(s->self) != TL_STATE_UNKNOWN) {
        return;
    }
    if (is_first) {
        tl_fsm_apply(s->self, TL_SENDS_FIN, s->self_view);
    } else {
        states_sender_of_fin(s);
    }
    tl_fsm_apply(s->self, TL_GETS_ACK_OF_FIN, s->self_view);
    if (is_first && states_fin_in_order(s->step->peer)) {
        tl_fsm_apply(s->self, TL_GETS_FIN, s->self_view);
    }
}

/* Whether the segment shows that its sender is synchronised. A server may send data from SYN-RECEIVED with Fast Open, and a
 * FIN from SYN-RECEIVED always. */
static bool states_is_synchronised(const struct tl_step *step)
{
    const struct tl_conn *conn = step->conn;
    bool is_server = !conn->peers && conn->client != step->from;

    if (!tl_has(step, TL_ACK) || (step->peer->has_isn && !tl_seq_after(step->seg->ack, step->peer->isn))) {
        return false;
    }
    return !(is_server && !conn->opened && tl_synacks(step->self)->count > 0);
}

static void states_sender_of_plain(struct pair_of_states *s)
{
    const struct tl_step *step = s->step;
    bool unknown = tl_fsm_state(s->self) == TL_STATE_UNKNOWN;

    if (step->refutes_fin) {
        tl_fsm_withdraw(s->self, TL_FIN_REFUTED, s->self_view);
        tl_fsm_withdraw(s->peer, TL_FIN_REFUTED, s->peer_view);
    }
    states_on_life_after_rst(s);
    if (unknown && s->conn->reset.in != 0 && !step->self->has_fin) {
        tl_fsm_withdraw(s->self, TL_LIVES_ON, s->self_view); /* a device on the path had answered for it */
        unknown = tl_fsm_state(s->self) == TL_STATE_UNKNOWN;
    }
    if (unknown && !s->conn->midstream && tl_synacks(step->peer)->count > 0 && tl_syns(step->self)->count == 0) {
        states_self_does(s, TL_SENDS_SYN); /* not captured, but the SYN-ACK answers it */
    }
    if (states_is_synchronised(step) && !step->self->has_fin) {
        states_self_does(s, TL_SENDS_SYNCHRONISED);
        if (unknown && s->conn->midstream && tl_fsm_state(s->self) == TL_STATE_ESTABLISHED) {
            tl_fsm_trust(s->self, TL_CONFIDENCE_LIKELY); /* a FIN of the peer may lie before the capture */
        }
    }
    if (states_knows_peer_fin(step) && !(tl_fsm_state(s->self) == TL_STATE_UNKNOWN && step->self->has_fin)) {
        states_self_does(s, TL_SENDS_ACK_OF_FIN);
    }
    if (tl_fsm_state(s->self) == TL_STATE_FIN_WAIT_2 && step->self->finack_in != 0 &&
        tl_seq_after(step->seg->ack, step->self->finack_seq)) {
        tl_fsm_trust(s->self, TL_CONFIDENCE_CERTAIN); /* it acknowledges what came with, or after, the ACK of its FIN */
    }
    if (step->event == TL_EVENT_FIN && step->late && tl_fin_acked(step->self)) {
        states_sender_of_late_fin(s);
    } else if (step->event == TL_EVENT_FIN) {
        states_sender_of_fin(s);
    }
}

static void states_receiver_of_plain(struct pair_of_states *s)
{
    const struct tl_step *step = s->step;
    bool from_opener = tl_syns(step->self)->count > 0 && tl_syns(step->peer)->count == 0;
    bool was_known = tl_fsm_state(s->peer) == TL_STATE_UNKNOWN && s->peer->depth > 0;

    if (step->event == TL_EVENT_FIN && step->peer->has_fin && tl_fsm_state(s->peer) == TL_STATE_UNKNOWN &&
        s->conn->closing.closer == 1 - step->from && !s->conn->closing.closer_unknown) {
        tl_fsm_apply(s->peer, TL_SENDS_FIN, s->peer_view); /* now it shows that the peer had closed first */
    }
    if (step->infers_fin) {
        tl_fsm_apply(s->peer, TL_SENDS_FIN, s->peer_view);
        tl_fsm_trust(s->peer, TL_CONFIDENCE_LIKELY);
    }
    if (!was_known && (step->peer->has_isn_of_syn ? states_is_synchronised(step) : from_opener && s->conn->opened)) {
        states_peer_gets(s, TL_GETS_ACK_OF_SYN);
    }
    if (states_knows_peer_fin(step)) {
        states_peer_gets(s, TL_GETS_ACK_OF_FIN);
    }
    if ((step->event == TL_EVENT_FIN || step->event == TL_EVENT_DATA) && states_fin_in_order(step->self)) {
        bool may_have_closed = step->peer->segments == 0 || (s->conn->closing.closer_unknown && !step->peer->has_fin);

        states_peer_gets(s, may_have_closed ? TL_GETS_FIN_DOUBTFUL : TL_GETS_FIN);
    }
}

static void states_advance(struct pair_of_states *s)
{
    const struct tl_step *step = s->step;
    const struct tl_rst_traits *traits;

    if (step->stray || step->copy_of || step->shape->handshake_step == TL_HANDSHAKE_STEP_CHALLENGE_ACK) {
        return; /* a challenge ACK speaks of another connection */
    }
    switch (step->event) {
    case TL_EVENT_SYN:
        states_on_syn(s);
        break;
    case TL_EVENT_SYNACK:
        states_on_synack(s);
        break;
    case TL_EVENT_RST:
        traits = tl_rst_traits((enum tl_rst_cause)step->shape->rst_cause);
        states_sender_of_rst(s, traits);
        states_trust_rst(s);
        states_receiver_of_rst(s, traits);
        break;
    case TL_EVENT_NOTHING:
        break; /* nobody takes a segment without ACK, RFC 9293 3.10.7.4 */
    default:
        if (step->legal) {
            states_sender_of_plain(s);
            states_receiver_of_plain(s);
        }
        break;
    }
}

void tl_states_name(const struct tl_conn *conn, struct tl_step *step)
{
    struct pair_of_states s = {
        .conn = conn,
        .step = step,
        .self = &step->fsm[0],
        .peer = &step->fsm[1],
        .revokes = &step->revokes,
        .self_view = &step->shape->endpoint[step->from],
        .peer_view = &step->shape->endpoint[1 - step->from],
    };

    step->fsm[0] = step->self->fsm;
    step->fsm[1] = *step->peer_fsm;
    tl_fsm_view_begin(s.self, s.self_view);
    tl_fsm_view_begin(s.peer, s.peer_view);
    states_advance(&s);
    if (step->shape->ack == TL_ACK_CHALLENGE && step->peer->trigger_is_rst &&
        step->refs->trigger_in == step->peer->trigger_in) {
        tl_fsm_withdraw(s.self, TL_LIVES_ON, s.self_view);
    }
    tl_fsm_view_end(s.self, s.self_view);
    tl_fsm_view_end(s.peer, s.peer_view);
}

void tl_states_learn(struct tl_step *step)
{
    struct tl_conn *conn = step->conn;

    step->self->fsm = step->fsm[0];
    *step->peer_fsm = step->fsm[1];
    if (step->revokes) {
        conn->endpoint[conn->reset.by].gone = false;
        tl_reset_revoke(step, conn->reset.by, conn->reset.in, TL_RST_EFFECT_IGNORED);
    }
}
