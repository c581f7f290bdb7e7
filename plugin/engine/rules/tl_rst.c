/* tl_rst.c - what follows from a RST: its effect, the handshake that it ends, what may lie behind it, what is kept of it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * RFC 9293 3.5.2 and 3.10.7.3, RFC 5961 3. How it was made: tl_rst_form.c; why: tl_rst_why.c; by whom: tl_origin.c.
 */
#include "rules/tl_rst.h"

#include "conn/tl_window.h"
#include "rules/tl_origin.h"
#include "rules/tl_reset.h"
#include "rules/tl_rst_cause.h"
#include "rules/tl_rst_why.h"
#include "rules/tl_rsts.h"
#include "rules/tl_signature.h"

#include <string.h>

/* A client that resets this soon after the SYN-ACK never meant to connect; after 0.9 s it had sent its SYN again, or given up
 * (RFC 6298 2.1: first timeout 1 s). */
static const int64_t AT_ONCE_NS = 10 * TL_MS, GAVE_UP_NS = 900 * TL_MS;

/* ---- consequences ------------------------------------------------------------------------------------------------------- */

static enum tl_client_rst rst_when_client_reset(const struct tl_step *step)
{
    const struct tl_syns *synack = tl_synacks(step->peer);
    int64_t at_once = AT_ONCE_NS;

    if (tl_syns(step->self)->count == 0) {
        return TL_CLIENT_RST_NONE; /* nothing captured says that it wanted a connection */
    }
    if (step->conn->opening.client_half_rtt_ns != TL_UNKNOWN_NS) {
        at_once = tl_max_ns(at_once, 2 * step->conn->opening.client_half_rtt_ns);
    }
    if (synack->count > 1 || synack->first_ns - tl_syns(step->self)->first_ns > GAVE_UP_NS) {
        return TL_CLIENT_RST_LATE;
    }
    return tl_since(step, synack->first_ns) <= at_once ? TL_CLIENT_RST_AT_ONCE : TL_CLIENT_RST_OTHER;
}

/* Whether the RST is one of the handshake. */
static bool rst_is_of_handshake(const struct tl_step *step, const struct tl_rst_traits *traits)
{
    return step->phase_before == TL_PHASE_HANDSHAKE || step->phase_before == TL_PHASE_NONE ||
           traits->step == TL_HANDSHAKE_STEP_RST_ACK;
}

/* A RST in the handshake: the outcome that it decides. */
static void rst_end_handshake(const struct tl_step *step, const struct tl_rst_traits *traits)
{
    struct tl_conn *conn = step->conn;
    bool by_client = conn->client == step->from;
    bool answered = tl_synacks(&conn->endpoint[1 - conn->client])->count > 0;

    if (!step->rst_effective || (conn->opened && traits->step != TL_HANDSHAKE_STEP_RST_ACK)) {
        return;
    }
    if (by_client &&
        (tl_rsts(&conn->endpoint[1 - conn->client])->later & (TL_EVIDENCE_SYNACK_AFTER | TL_EVIDENCE_SYNACK_LATER))) {
        conn->outcome = TL_OUTCOME_REFUSED; /* by a device: then the client had no socket for the SYN-ACK */
    } else if (step->shape->rst_cause == TL_RST_CAUSE_SYNACK_TIMEOUT) {
        conn->outcome = TL_OUTCOME_HALF_OPEN;
    } else if (by_client && answered) {
        conn->outcome = TL_OUTCOME_CLIENT_RST;
        conn->client_rst = (uint8_t)rst_when_client_reset(step);
    } else if (!by_client) {
        conn->outcome = answered ? TL_OUTCOME_SERVER_RST : TL_OUTCOME_REFUSED;
    }
}

/* Whether the RST ends the connection: its receiver accepts it, or its sender has closed in any case. */
static bool rst_is_effective(const struct tl_rst *rst, const struct tl_rst_traits *traits)
{
    if (!traits->may_end || rst->challenged) {
        return false; /* ignored, or the sender goes on waiting in SYN-SENT and what it ends is another connection */
    }
    return rst->form == TL_RST_FORM_ACTIVE || rst->step->shape->rst_effect == TL_RST_EFFECT_ACCEPTED;
}

static void rst_count_rst(struct tl_rsts *rsts, uint32_t frame)
{
    rsts->first_in = rsts->count == 0 ? frame : rsts->first_in;
    rsts->last_in = frame;
    rsts->count += rsts->count < UINT16_MAX;
}

static void rst_remember_rst(struct tl_step *step, struct tl_rsts *rsts, const struct tl_rst_traits *traits)
{
    struct tl_endpoint *self = step->self;
    struct tl_conn *conn = step->conn;
    struct tl_rst_seen seen = {
        .ns = step->seg->time_ns,
        .frame = step->seg->frame,
        .evidence = step->shape->evidence,
        .flags = step->shape->flags,
        .end = (uint8_t)step->from,
        .cause = step->shape->rst_cause,
        .confidence = step->shape->rst_confidence,
        .effect = step->shape->rst_effect,
        .stage = step->shape->rst_stage,
        .ttl = step->seg->ttl,
        .judged = step->rst_judged,
    };

    tl_reset_note(conn, &seen, step->rst_effective && !conn->reset.ended && !conn->finished);
    if (rsts) {
        rst_count_rst(rsts, step->seg->frame);
    }
    self->gone |= traits->gone && !tl_of_path(step->shape);
    conn->rst_late |= conn->finished;
    if (step->shape->rst_effect == TL_RST_EFFECT_ACCEPTED || step->shape->rst_effect == TL_RST_EFFECT_CHALLENGE) {
        tl_challenge_trigger(self, step->seg, true);
    }
}

/* A RST that answers a challenge ACK carries the number that its receiver expects, whatever this connection's numbers are. */
static enum tl_rst_effect rst_effect_of(struct tl_rst *rst)
{
    if (!rst->challenged) {
        return tl_window_rst_effect(rst->step, &rst->effect_confidence);
    }
    return tl_fsm_state(rst->step->peer_fsm) == TL_STATE_TIME_WAIT ? TL_RST_EFFECT_UNKNOWN : TL_RST_EFFECT_ACCEPTED;
}

/* What may lie behind an abort. Unread data and zero linger make the same segment; these say only what is possible. */
static void rst_explain_abort(struct tl_step *step)
{
    const struct tl_endpoint *x = step->self, *y = step->peer;

    if (step->shape->rst_cause != TL_RST_CAUSE_ABORT) {
        return;
    }
    if (x->has_una && x->has_max && x->una != x->max) {
        step->shape->abort_why = TL_ABORT_WHY_IN_FLIGHT;
    } else if (!y->sent_data) {
        step->shape->abort_why = step->conn->midstream ? TL_ABORT_WHY_NONE : TL_ABORT_WHY_NOT_UNREAD;
    } else if (!x->sent_data || y->data_ns > x->data_ns) {
        step->shape->abort_why = TL_ABORT_WHY_UNREAD_POSSIBLE;
    }
}

/* The run of probes that ended in this RST; the RST that this one repeats. */
static void rst_refer(struct tl_step *step, const struct tl_rst_traits *traits)
{
    if (traits->link == TL_RST_LINK_PROBES) {
        step->refs->probe_run_in = tl_probes(step->self)->first_in;
        step->refs->probe_unanswered = tl_probes(step->self)->unanswered;
    } else if (traits->link == TL_RST_LINK_FIRST_RST) {
        step->refs->first_in = tl_rsts(step->self)->first_in;
    }
}

static void rst_count_copy(struct tl_step *step)
{
    struct tl_rsts *rsts = step->self->rsts;

    if (rsts) {
        rsts->count += rsts->count < UINT16_MAX;
    }
}

/* Who sent it, and what that leaves of the cause. */
static void rst_judge_origin(struct tl_step *step)
{
    struct tl_shape *shape = step->shape;
    struct tl_rst_now now;

    step->rst_judged = tl_origin_classify(step);
    shape->rst_stage = (uint8_t)tl_signature_stage(step->conn);
    now = (struct tl_rst_now){.evidence = shape->evidence,
                              .origin = shape->origin,
                              .origin_confidence = shape->origin_confidence,
                              .cause = shape->rst_cause,
                              .confidence = shape->rst_confidence};

    tl_origin_amend(&now, shape->flags, (enum tl_rst_stage)shape->rst_stage);
    shape->rst_cause = now.cause;
    shape->rst_confidence = now.confidence;
}

void tl_rst_name(const struct tl_conn *conn, struct tl_step *step)
{
    const struct tl_rst_traits *traits;
    struct tl_rst rst;

    (void)conn;
    if (step->event != TL_EVENT_RST || step->copy_of) {
        return;
    }
    memset(&rst, 0, sizeof rst);
    rst.step = step;
    tl_rst_find_form(&rst);
    step->shape->rst_effect = (uint8_t)rst_effect_of(&rst);
    step->shape->rst_form = rst.form;
    step->refs->trigger_in = rst.trigger_in;
    tl_rst_find_cause(&rst);
    rst_judge_origin(step);
    traits = tl_rst_traits((enum tl_rst_cause)step->shape->rst_cause);
    if (rst.trigger) {
        step->refs->trigger_bytes = rst.trigger->len;
        step->rst_answers = rst.trigger;
    }
    step->rst_effective = rst_is_effective(&rst, traits);
    if (rst_is_of_handshake(step, traits) && traits->step != TL_HANDSHAKE_STEP_NONE) {
        step->shape->handshake_step = traits->step;
    }
    rst_explain_abort(step);
    rst_refer(step, traits);
}

void tl_rst_learn(struct tl_step *step)
{
    const struct tl_rst_traits *traits;
    struct tl_rsts *rsts;

    if (step->event != TL_EVENT_RST) {
        return;
    }
    if (step->copy_of) {
        rst_count_copy(step);
        return;
    }
    traits = tl_rst_traits((enum tl_rst_cause)step->shape->rst_cause);
    /* Asked for once: if a first request failed for lack of memory and a second did not, only half of it would be kept. */
    rsts = tl_rst_make(step->conn, step->self);
    tl_origin_learn_reset(step);
    tl_signature_count(step, rsts);
    tl_origin_remember(step, rsts, step->rst_judged);
    if (step->rst_answers) {
        step->rst_answers->bits |= TL_MARK_ANSWERED;
    }
    step->conn->roles_refuted |= step->shape->rst_cause == TL_RST_CAUSE_SYNACK_UNSOLICITED;
    if (rst_is_of_handshake(step, traits)) {
        rst_end_handshake(step, traits);
    }
    rst_remember_rst(step, rsts, traits);
}
