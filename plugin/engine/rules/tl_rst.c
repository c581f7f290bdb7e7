/* tl_rst.c - why a RST was sent: an ordered table of causes.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "rules/tl_rst.h"

#include "conn/tl_window.h"
#include "rules/tl_origin.h"
#include "rules/tl_probe.h"
#include "rules/tl_reset.h"
#include "rules/tl_rst_cause.h"
#include "rules/tl_rst_form.h"
#include "rules/tl_signature.h"

#include <string.h>

/* How long after a SYN an old stack resets because of it. */
static const int64_t SYN_ANSWER_NS = 200 * TL_MS;
/* A client that resets this soon after the SYN-ACK never meant to connect; after 0.9 s it had sent its SYN again, or given up
 * (RFC 6298 2.1: first timeout 1 s). */
static const int64_t AT_ONCE_NS = 10 * TL_MS, GAVE_UP_NS = 900 * TL_MS;
/* One probe may be a setting, two with a fitting gap are a run; fewer are ordinary recovery. */
enum { PROBES_CERTAIN = 2, REPEATS_TIMEOUT = 3 };

/* ---- the causes: predicates --------------------------------------------------------------------------------------------- */

static bool replies(const struct tl_rst *rst)
{
    return rst->form == TL_RST_FORM_REPLY_ACK;
}

static bool is_live(const struct tl_rst *rst)
{
    return rst->form == TL_RST_FORM_ACTIVE || rst->form == TL_RST_FORM_BARE;
}

static bool trigger_has(const struct tl_rst *rst, unsigned flags)
{
    return rst->trigger && (rst->trigger->flags & flags) == flags;
}

static bool trigger_is_synack(const struct tl_rst *rst)
{
    return replies(rst) && trigger_has(rst, TL_SYN | TL_ACK);
}

/* Whether an end speaks Multipath TCP: its SYN said so, or its segments carry the option. */
static bool speaks_mptcp(const struct tl_endpoint *end)
{
    const struct tl_recent_entry *e;
    unsigned i = 0;

    while ((e = tl_recent_at(&end->recent, i)) != NULL && !(e->options & TL_OPT_MPTCP)) {
        i++;
    }
    return e || (end->options & TL_OPT_MPTCP);
}

/* The option means something only where both ends agreed on it, and on a RST that counts: else one forged packet would name the
 * cause. */
static bool mptcp(const struct tl_rst *rst)
{
    uint8_t effect = rst->step->shape->rst_effect;

    return (rst->step->seg->options & TL_OPT_MPTCP_RST) && speaks_mptcp(rst->step->self) && speaks_mptcp(rst->step->peer) &&
           effect != TL_RST_EFFECT_IGNORED && effect != TL_RST_EFFECT_CHALLENGE;
}

static bool old_syn_in_time_wait(const struct tl_rst *rst)
{
    return rst->challenged && tl_fsm_state(rst->step->peer_fsm) == TL_STATE_TIME_WAIT;
}

static bool half_open_syn(const struct tl_rst *rst)
{
    return rst->challenged && rst->step->conn->previous;
}

/* The connection that the other end still has is older than the capture. */
static bool half_open_syn_older(const struct tl_rst *rst)
{
    return rst->challenged;
}

static bool refused(const struct tl_rst *rst)
{
    return rst->form == TL_RST_FORM_REPLY_NOACK && trigger_has(rst, TL_SYN) && tl_scoreboard_only_resets(rst->step->self);
}

static bool refused_bad(const struct tl_rst *rst)
{
    const struct tl_step *step = rst->step;

    return tl_scoreboard_only_resets(step->self) && step->peer->syn->count > 0 && !step->peer->sent_plain &&
           (rst->form == TL_RST_FORM_OTHER || rst->form == TL_RST_FORM_ACTIVE) && !rst->trigger;
}

static bool synack_bad_ack(const struct tl_rst *rst)
{
    const struct tl_step *step = rst->step;

    return trigger_is_synack(rst) && step->self->syn->count > 0 &&
           !tl_seq_within(rst->trigger->ack, step->self->isn + 1, step->self->isn + 1 + step->conn->syn_data);
}

static bool synack_unsolicited(const struct tl_rst *rst)
{
    return trigger_is_synack(rst) && tl_scoreboard_only_resets(rst->step->self);
}

static bool synack_rejected(const struct tl_rst *rst)
{
    const struct tl_step *step = rst->step;
    bool fits = trigger_is_synack(rst) || rst->form == TL_RST_FORM_ACTIVE || rst->form == TL_RST_FORM_BARE;

    return fits && step->peer->synack->count > 0 && step->self->syn->count > 0 && !step->self->sent_plain &&
           step->self->synack->count == 0 && !step->conn->handshake_acked;
}

/* A server in SYN-RECEIVED repeats its SYN-ACK after 1 s, and then after twice as long each time (RFC 6298 5): when that time has passed
 * by half again and none came, it had taken the ACK. */
static bool waits_for_ack(const struct tl_step *step)
{
    const struct tl_syns *synack = step->self->synack;
    int64_t due_ns = synack->count > 1 ? tl_max_ns(TL_SECOND, 2 * synack->gap_ns) : TL_SECOND;

    return tl_since(step, synack->last_ns) <= due_ns / 2 * 3;
}

static bool ack_rejected(const struct tl_rst *rst)
{
    const struct tl_step *step = rst->step;

    /* Late, it looks bare: the listener kept the attempt for a while, or the ACK was long under way. */
    bool fits = (replies(rst) && !trigger_has(rst, TL_SYN)) || (rst->form == TL_RST_FORM_BARE && step->conn->handshake_acked);

    return fits && step->self->synack->count > 0 && !step->self->sent_plain && !step->self->has_fin && !step->self->gone &&
           waits_for_ack(step);
}

static bool half_open_syn_unseen(const struct tl_rst *rst)
{
    const struct tl_step *step = rst->step;

    return replies(rst) && rst->trigger && step->self->syn->count > 0 && !step->self->sent_plain &&
           step->self->synack->count == 0 && !trigger_has(rst, TL_SYN) &&
           !tl_seq_within(rst->trigger->ack, step->self->isn + 1, step->self->isn + 1 + step->conn->syn_data);
}

static bool abort_repeat(const struct tl_rst *rst)
{
    return replies(rst) && rst->trigger && rst->step->self->rst->count > 0 && (rst->trigger->bits & TL_MARK_CHALLENGE) &&
           rst->trigger->frame > rst->step->self->rst->first_in;
}

static bool syn_in_window(const struct tl_rst *rst)
{
    const struct tl_step *step = rst->step;

    return rst->form == TL_RST_FORM_ACTIVE && step->peer->trigger_in != 0 && !step->peer->trigger_is_rst &&
           tl_since(step, step->peer->trigger_ns) <= tl_window_patience(step, SYN_ANSWER_NS, 2);
}

/* The sender's last segments are keep-alive probes that nothing answered. */
static bool keepalive_timeout(const struct tl_rst *rst)
{
    const struct tl_step *step = rst->step;
    const struct tl_probe_run *run = step->self->probe;

    return is_live(rst) && run->unanswered > 0 && !run->is_window &&
           tl_since(step, run->last_ns) > (step->rtt_ns == TL_UNKNOWN_NS ? 0 : step->rtt_ns);
}

static bool keepalive_timeout_sure(const struct tl_rst *rst)
{
    const struct tl_probe_run *run = rst->step->self->probe;
    int64_t gap = tl_since(rst->step, run->last_ns);

    return keepalive_timeout(rst) && run->confidence == TL_CONFIDENCE_CERTAIN && run->unanswered >= PROBES_CERTAIN &&
           gap >= run->interval_ns / 2 && gap <= run->interval_ns / 2 * 3;
}

/* The last segment was a probe that was answered, as captured, and the RST comes when the next probe was due: the answers were
 * lost behind the capture point. Timers of a second and more, RFC 1122 4.2.3.6. */
static bool keepalive_answer_lost(const struct tl_rst *rst)
{
    const struct tl_probe_run *run = rst->step->self->probe;
    int64_t gap = tl_since(rst->step, run->last_ns);
    bool due = run->interval_ns > 0 ? gap >= run->interval_ns / 10 * 9 && gap <= run->interval_ns / 10 * 11
                                    : gap >= TL_KEEPALIVE_LEAST_NS;

    return is_live(rst) && run->count > 0 && !run->is_window && due;
}

static bool probe_timeout(const struct tl_rst *rst)
{
    const struct tl_probe_run *run = rst->step->self->probe;

    /* Answered or not: an answer that leaves the window closed does not help. */
    return is_live(rst) && run->is_window && run->count >= PROBES_CERTAIN && rst->step->peer->window == 0;
}

/* The sender's last three segments carried the same bytes, and the peer has been silent since the first of them. */
static bool retransmission_timeout(const struct tl_rst *rst)
{
    const struct tl_step *step = rst->step;
    const struct tl_recent_entry *newest = tl_recent_at(&step->self->recent, 0);
    const struct tl_recent_entry *second = tl_recent_at(&step->self->recent, 1);
    unsigned i;

    for (i = 0; i < REPEATS_TIMEOUT; i++) {
        const struct tl_recent_entry *e = tl_recent_at(&step->self->recent, i);

        if (!is_live(rst) || !e || tl_rst_octets(e) == 0 || e->seq != newest->seq || (e->flags & TL_SYN) ||
            (step->peer->segments > 0 && e->time_ns < step->peer->last_ns)) {
            return false;
        }
    }
    return step->self->has_una && newest->seq == step->self->una &&
           tl_since(step, newest->time_ns) >= newest->time_ns - second->time_ns;
}

/* A server that repeats its SYN-ACK in vain gives up in SYN-RECEIVED; the connection was never open. */
static bool synack_timeout(const struct tl_rst *rst)
{
    const struct tl_step *step = rst->step;

    return is_live(rst) && step->self->synack->count >= REPEATS_TIMEOUT && !step->self->sent_plain && !step->peer->sent_plain &&
           tl_since(step, step->self->synack->last_ns) >= step->self->synack->gap_ns / 2;
}

static bool after_close(const struct tl_rst *rst)
{
    return replies(rst) && (rst->step->conn->finished || rst->step->self->gone || rst->step->conn->reset.ended);
}

static bool data_after_close(const struct tl_rst *rst)
{
    const struct tl_endpoint *x = rst->step->self;

    return replies(rst) && x->has_fin && rst->trigger && rst->trigger->len > 0 && !rst->step->conn->finished &&
           (!x->has_ack || tl_seq_after(rst->trigger->seq + rst->trigger->len, x->ack));
}

/* Stacks other than Linux answer data that meets a closed end by a RST of the live form; the ACK number of most takes the data, that of
 * gVisor does not. */
static bool data_after_close_live(const struct tl_rst *rst)
{
    const struct tl_endpoint *x = rst->step->self;
    bool takes = rst->takes && rst->takes->len > 0;
    bool met = rst->met && rst->met->time_ns > x->fin_ns;

    return rst->form == TL_RST_FORM_ACTIVE && x->has_fin && (takes || met) && !rst->step->conn->finished;
}

/* Something of X without octets was lost just before, as its IP IDs show, which count one by one: a RST, most likely, for what comes
 * now is an answer by its numbers and by its time. */
static bool half_open_after_loss(const struct tl_rst *rst)
{
    enum { LOST_MOST = 3 };
    const struct tl_recent_entry *last = tl_recent_at(&rst->step->self->recent, 0);
    const struct tl_recent_entry *before = tl_recent_at(&rst->step->self->recent, 1);
    uint16_t on = last ? (uint16_t)(rst->step->seg->ip_id - last->ip_id) : 0;

    return rst->form == TL_RST_FORM_ACTIVE && rst->met && rst->met == rst->takes && before && before->ip_id != 0 &&
           (uint16_t)(last->ip_id - before->ip_id) == 1 && on > 1 && on <= 1 + LOST_MOST &&
           rst->step->seg->ack == rst->met->seq + tl_rst_octets(rst->met) && rst->step->seg->seq == rst->step->self->max;
}

static bool linger2(const struct tl_rst *rst)
{
    const struct tl_endpoint *x = rst->step->self;

    return replies(rst) && x->has_fin && rst->trigger && rst->trigger->frame == x->finack_in &&
           tl_rst_octets(rst->trigger) == 0;
}

static bool after_own_fin(const struct tl_rst *rst)
{
    return replies(rst) && rst->step->self->has_fin;
}

static bool no_connection(const struct tl_rst *rst)
{
    bool reply = replies(rst) || (rst->form == TL_RST_FORM_REPLY_NOACK && !trigger_has(rst, TL_SYN));

    return reply && tl_scoreboard_only_resets(rst->step->self);
}

static bool half_open_probe(const struct tl_rst *rst)
{
    return replies(rst) && rst->trigger && (rst->trigger->bits & TL_MARK_PROBE);
}

static bool half_open(const struct tl_rst *rst)
{
    return replies(rst) && rst->trigger;
}

static bool abort_after_fin(const struct tl_rst *rst)
{
    return is_live(rst) && rst->step->self->has_fin;
}

static bool abort_active(const struct tl_rst *rst)
{
    return rst->form == TL_RST_FORM_ACTIVE;
}

/* Keep-alives were the last that its sender sent: a timer may have sent the RST, too, if the link held back or lost what tells. */
static bool abort_among_keepalives(const struct tl_rst *rst)
{
    const struct tl_probe_run *run = rst->step->self->probe;

    return abort_active(rst) && run->count > 0 && !run->is_window;
}

/* Its numbers are those of a segment turned round that this end had not taken yet: it may as well be an answer. */
static bool abort_or_answer(const struct tl_rst *rst)
{
    return abort_active(rst) && rst->takes;
}

static bool abort_bare(const struct tl_rst *rst)
{
    return rst->form == TL_RST_FORM_BARE;
}

/* A client that has sent nothing but SYNs resets with a number that nothing captured offered: a segment with a wrong ACK number
 * reached it behind the capture point (RFC 9293 3.10.7.3), or the RST is forged. */
static bool synack_bad_ack_unseen(const struct tl_rst *rst)
{
    const struct tl_endpoint *x = rst->step->self;

    return rst->form == TL_RST_FORM_OTHER && !tl_has(rst->step, TL_ACK) && x->syn->count > 0 && !x->sent_plain &&
           x->synack->count == 0 && rst->step->peer->synack->count > 0 && rst->step->seg->seq != x->isn + 1;
}

static bool out_of_window(const struct tl_rst *rst)
{
    return rst->form == TL_RST_FORM_OTHER && rst->step->self->has_max &&
           rst->step->shape->rst_effect == TL_RST_EFFECT_IGNORED && rst->effect_confidence == TL_CONFIDENCE_CERTAIN &&
           rst->step->peer->has_max && !rst->step->conn->finished && !rst->step->conn->reset.ended;
}

static bool ahead(const struct tl_rst *rst)
{
    return rst->form == TL_RST_FORM_OTHER && rst->step->shape->rst_effect == TL_RST_EFFECT_CHALLENGE;
}

/* The first row whose predicate holds names the cause. The order is part of the rule: see docs/design.md. */
static const struct {
    bool (*holds)(const struct tl_rst *rst);
    uint8_t cause;      /* enum tl_rst_cause */
    uint8_t confidence; /* enum tl_confidence */
} causes[] = {
    {mptcp, TL_RST_CAUSE_MPTCP, TL_CONFIDENCE_CERTAIN},
    {old_syn_in_time_wait, TL_RST_CAUSE_TW_OLD_SYN, TL_CONFIDENCE_CERTAIN},
    {half_open_syn, TL_RST_CAUSE_HALF_OPEN_SYN, TL_CONFIDENCE_CERTAIN},
    {half_open_syn_older, TL_RST_CAUSE_HALF_OPEN_SYN, TL_CONFIDENCE_LIKELY},
    {refused, TL_RST_CAUSE_REFUSED, TL_CONFIDENCE_CERTAIN},
    {refused_bad, TL_RST_CAUSE_REFUSED_BAD, TL_CONFIDENCE_CERTAIN},
    {synack_bad_ack, TL_RST_CAUSE_SYNACK_BAD_ACK, TL_CONFIDENCE_CERTAIN},
    {synack_unsolicited, TL_RST_CAUSE_SYNACK_UNSOLICITED, TL_CONFIDENCE_LIKELY},
    {synack_rejected, TL_RST_CAUSE_SYNACK_REJECTED, TL_CONFIDENCE_CERTAIN},
    {half_open_syn_unseen, TL_RST_CAUSE_HALF_OPEN_SYN, TL_CONFIDENCE_LIKELY},
    {ack_rejected, TL_RST_CAUSE_ACK_REJECTED, TL_CONFIDENCE_LIKELY},
    {abort_repeat, TL_RST_CAUSE_ABORT_REPEAT, TL_CONFIDENCE_CERTAIN},
    {syn_in_window, TL_RST_CAUSE_SYN_IN_WINDOW, TL_CONFIDENCE_LIKELY},
    {keepalive_timeout_sure, TL_RST_CAUSE_KEEPALIVE_TIMEOUT, TL_CONFIDENCE_CERTAIN},
    {keepalive_timeout, TL_RST_CAUSE_KEEPALIVE_TIMEOUT, TL_CONFIDENCE_LIKELY},
    {keepalive_answer_lost, TL_RST_CAUSE_KEEPALIVE_TIMEOUT, TL_CONFIDENCE_GUESS},
    {probe_timeout, TL_RST_CAUSE_PROBE_TIMEOUT, TL_CONFIDENCE_LIKELY},
    {retransmission_timeout, TL_RST_CAUSE_RETRANSMISSION_TIMEOUT, TL_CONFIDENCE_LIKELY},
    {synack_timeout, TL_RST_CAUSE_RETRANSMISSION_TIMEOUT, TL_CONFIDENCE_LIKELY},
    {data_after_close, TL_RST_CAUSE_DATA_AFTER_CLOSE, TL_CONFIDENCE_CERTAIN},
    {after_close, TL_RST_CAUSE_AFTER_CLOSE, TL_CONFIDENCE_CERTAIN},
    {linger2, TL_RST_CAUSE_LINGER2, TL_CONFIDENCE_LIKELY},
    {after_own_fin, TL_RST_CAUSE_AFTER_CLOSE, TL_CONFIDENCE_LIKELY},
    {no_connection, TL_RST_CAUSE_NO_CONNECTION, TL_CONFIDENCE_CERTAIN},
    {half_open_probe, TL_RST_CAUSE_HALF_OPEN_PROBE, TL_CONFIDENCE_LIKELY},
    {half_open, TL_RST_CAUSE_HALF_OPEN, TL_CONFIDENCE_LIKELY},
    {half_open_after_loss, TL_RST_CAUSE_HALF_OPEN, TL_CONFIDENCE_GUESS},
    {data_after_close_live, TL_RST_CAUSE_DATA_AFTER_CLOSE, TL_CONFIDENCE_LIKELY},
    {abort_after_fin, TL_RST_CAUSE_ABORT_AFTER_FIN, TL_CONFIDENCE_CERTAIN},
    {abort_among_keepalives, TL_RST_CAUSE_ABORT, TL_CONFIDENCE_LIKELY},
    {abort_or_answer, TL_RST_CAUSE_ABORT, TL_CONFIDENCE_LIKELY},
    {abort_active, TL_RST_CAUSE_ABORT, TL_CONFIDENCE_CERTAIN},
    {abort_bare, TL_RST_CAUSE_ABORT, TL_CONFIDENCE_LIKELY},
    {synack_bad_ack_unseen, TL_RST_CAUSE_SYNACK_BAD_ACK, TL_CONFIDENCE_GUESS},
    {out_of_window, TL_RST_CAUSE_OUT_OF_WINDOW, TL_CONFIDENCE_CERTAIN},
    {ahead, TL_RST_CAUSE_AHEAD, TL_CONFIDENCE_GUESS},
};

static void find_cause(struct tl_rst *rst)
{
    struct tl_shape *shape = rst->step->shape;
    size_t i;

    for (i = 0; i < sizeof causes / sizeof causes[0]; i++) {
        if (causes[i].holds(rst)) {
            shape->rst_cause = causes[i].cause;
            shape->rst_confidence = causes[i].confidence;
            return;
        }
    }
    shape->rst_cause = TL_RST_CAUSE_UNKNOWN;
}

/* ---- consequences ------------------------------------------------------------------------------------------------------- */

static enum tl_client_rst when_client_reset(const struct tl_step *step)
{
    const struct tl_syns *synack = step->peer->synack;
    int64_t at_once = AT_ONCE_NS;

    if (step->self->syn->count == 0) {
        return TL_CLIENT_RST_NONE; /* nothing captured says that it wanted a connection */
    }
    if (step->conn->client_half_rtt_ns != TL_UNKNOWN_NS) {
        at_once = tl_max_ns(at_once, 2 * step->conn->client_half_rtt_ns);
    }
    if (synack->count > 1 || synack->first_ns - step->self->syn->first_ns > GAVE_UP_NS) {
        return TL_CLIENT_RST_LATE;
    }
    return tl_since(step, synack->first_ns) <= at_once ? TL_CLIENT_RST_AT_ONCE : TL_CLIENT_RST_OTHER;
}

/* A RST in the handshake: its step, and the outcome that it decides. */
static void end_handshake(struct tl_step *step, const struct tl_rst_traits *traits)
{
    struct tl_conn *conn = step->conn;
    bool by_client = conn->client == step->from;
    bool answered = conn->endpoint[1 - conn->client].synack->count > 0;

    if (traits->step != TL_HANDSHAKE_STEP_NONE) {
        step->shape->handshake_step = traits->step;
    }
    if (!step->rst_effective || (conn->opened && traits->step != TL_HANDSHAKE_STEP_RST_ACK)) {
        return;
    }
    if (by_client && (conn->endpoint[1 - conn->client].rst->later & (TL_EVIDENCE_SYNACK_AFTER | TL_EVIDENCE_SYNACK_LATER))) {
        conn->outcome = TL_OUTCOME_REFUSED; /* by a device: then the client had no socket for the SYN-ACK */
    } else if (by_client && answered) {
        conn->outcome = TL_OUTCOME_CLIENT_RST;
        conn->client_rst = (uint8_t)when_client_reset(step);
    } else if (!by_client) {
        conn->outcome = answered ? TL_OUTCOME_SERVER_RST : TL_OUTCOME_REFUSED;
    }
}

/* Whether the RST ends the connection: its receiver accepts it, or its sender has closed in any case. */
static bool is_effective(const struct tl_rst *rst, const struct tl_rst_traits *traits)
{
    if (!traits->may_end || rst->challenged) {
        return false; /* ignored, or the sender goes on waiting in SYN-SENT and what it ends is another connection */
    }
    return rst->form == TL_RST_FORM_ACTIVE || rst->step->shape->rst_effect == TL_RST_EFFECT_ACCEPTED;
}

struct tl_rsts *tl_rst_make(const struct tl_conn *conn, struct tl_endpoint *end)
{
    struct tl_rsts *rsts = tl_conn_part(conn, end->rst, &tl_no_rsts, sizeof *rsts);

    if (rsts) {
        end->rst = rsts;
    }
    return rsts;
}

struct tl_rsts *tl_rst_made(const struct tl_conn *conn, struct tl_endpoint *end)
{
    return end->rst == &tl_no_rsts ? NULL : tl_rst_make(conn, end);
}

static void count_rst(struct tl_rsts *rsts, const struct tl_rst *rst)
{
    uint32_t frame = rst->step->seg->frame;

    rsts->first_in = rsts->count == 0 ? frame : rsts->first_in;
    rsts->last_in = frame;
    rsts->count += rsts->count < UINT16_MAX;
    rsts->was_reply = rst->form == TL_RST_FORM_REPLY_ACK || rst->form == TL_RST_FORM_REPLY_NOACK;
}

static void remember_rst(const struct tl_rst *rst, struct tl_rsts *rsts, const struct tl_rst_traits *traits, bool judged)
{
    struct tl_step *step = rst->step;
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
        .judged = judged,
    };

    tl_reset_note(conn, &seen, step->rst_effective && !conn->reset.ended && !conn->finished);
    if (rsts) {
        count_rst(rsts, rst);
    }
    self->gone |= traits->gone && !tl_of_path(step->shape);
    conn->rst_late |= conn->finished;
    if (step->shape->rst_effect == TL_RST_EFFECT_ACCEPTED || step->shape->rst_effect == TL_RST_EFFECT_CHALLENGE) {
        tl_challenge_trigger(self, step->seg, true);
    }
}

/* A RST that answers a challenge ACK carries the number that its receiver expects, whatever this connection's numbers are. */
static enum tl_rst_effect effect_of(struct tl_rst *rst)
{
    if (!rst->challenged) {
        return tl_window_rst_effect(rst->step, &rst->effect_confidence);
    }
    return tl_fsm_state(rst->step->peer_fsm) == TL_STATE_TIME_WAIT ? TL_RST_EFFECT_UNKNOWN : TL_RST_EFFECT_ACCEPTED;
}

/* What may lie behind an abort. Unread data and zero linger make the same segment; these say only what is possible. */
static void explain_abort(struct tl_step *step)
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
static void refer(struct tl_step *step, const struct tl_rst_traits *traits)
{
    if (traits->link == TL_RST_LINK_PROBES) {
        step->refs->probe_run_in = step->self->probe->first_in;
        step->refs->probe_unanswered = step->self->probe->unanswered;
    } else if (traits->link == TL_RST_LINK_FIRST_RST) {
        step->refs->first_in = step->self->rst->first_in;
    }
}

static void count_copy(struct tl_step *step)
{
    struct tl_rsts *rsts = tl_rst_made(step->conn, step->self);

    if (rsts) {
        rsts->count += rsts->count < UINT16_MAX;
    }
}

/* Who sent it, and what that leaves of the cause. */
static bool judge_origin(struct tl_step *step, struct tl_rsts *rsts)
{
    struct tl_shape *shape = step->shape;
    bool judged = tl_origin_classify(step);
    struct tl_rst_now now = {.evidence = shape->evidence,
                             .origin = shape->origin,
                             .origin_confidence = shape->origin_confidence,
                             .cause = shape->rst_cause,
                             .confidence = shape->rst_confidence};

    tl_signature_count(step, rsts);
    tl_origin_amend(&now, shape->flags, (enum tl_rst_stage)shape->rst_stage);
    shape->rst_cause = now.cause;
    shape->rst_confidence = now.confidence;
    tl_origin_remember(step, rsts, judged);
    return judged;
}

void tl_rst_classify(struct tl_step *step)
{
    const struct tl_rst_traits *traits;
    struct tl_rst rst;
    struct tl_rsts *rsts;
    bool judged;

    if (step->event != TL_EVENT_RST) {
        return;
    }
    if (step->copy_of) {
        count_copy(step);
        return;
    }
    /* Asked for once: when memory ran out for a part of it, it must not hold the rest. */
    rsts = tl_rst_make(step->conn, step->self);
    memset(&rst, 0, sizeof rst);
    rst.step = step;
    tl_rst_find_form(&rst);
    step->shape->rst_effect = (uint8_t)effect_of(&rst);
    step->shape->rst_form = rst.form;
    step->refs->trigger_in = rst.trigger_in;
    find_cause(&rst);
    judged = judge_origin(step, rsts);
    traits = tl_rst_traits((enum tl_rst_cause)step->shape->rst_cause);
    if (rst.trigger) {
        step->refs->trigger_bytes = rst.trigger->len;
        rst.trigger->bits |= TL_MARK_ANSWERED;
    }
    step->rst_effective = is_effective(&rst, traits);
    step->conn->roles_refuted |= step->shape->rst_cause == TL_RST_CAUSE_SYNACK_UNSOLICITED;
    if (step->phase_before == TL_PHASE_HANDSHAKE || step->phase_before == TL_PHASE_NONE ||
        traits->step == TL_HANDSHAKE_STEP_RST_ACK) {
        end_handshake(step, traits);
    }
    explain_abort(step);
    refer(step, traits);
    remember_rst(&rst, rsts, traits, judged);
}
