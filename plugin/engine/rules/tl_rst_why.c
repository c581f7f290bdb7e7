/* tl_rst_why.c - why a RST was sent: an ordered table of causes, each with its predicate and confidence.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * RFC 9293 3.5.2 and 3.10.7 (answers), 3.10.5 (abort), 3.8.3 and 3.8.4 (timers), RFC 5961 (challenges), RFC 8684 3.6 (Multipath TCP).
 */
#include "rules/tl_rst_why.h"

#include "conn/tl_window.h"
#include "rules/tl_probe.h"

/* How long after a SYN an old stack resets because of it. */
static const int64_t SYN_ANSWER_NS = 200 * TL_MS;
/* How long a server may wait for the ACK of its SYN-ACK before it repeats it, at least, and in gaps between the last two. */
static const int64_t SYNACK_AGAIN_NS = 3 * TL_SECOND;
/* A server that gives up its SYN-ACK this early does so for another reason than its timer: the first one is 1 s, RFC 6298 2.1. */
static const int64_t SYNACK_TIMER_NS = TL_SECOND;
enum { SYNACK_AGAIN_GAPS = 3 };
/* One probe may find a window that opens at once; fewer repetitions are ordinary recovery. */
enum { PROBES_LEAST = 2, REPEATS_TIMEOUT = 3 };

/* ---- the causes: predicates ---------------------------------------------------------------------------------------------
 *
 * X sends the RST, T is the segment of Y that it answers; reply = form reply_ack, live = form active or bare. */

static bool rst_why_replies(const struct tl_rst *rst)
{
    return rst->form == TL_RST_FORM_REPLY_ACK;
}

static bool rst_why_is_live(const struct tl_rst *rst)
{
    return rst->form == TL_RST_FORM_ACTIVE || rst->form == TL_RST_FORM_BARE;
}

static bool rst_why_trigger_has(const struct tl_rst *rst, unsigned flags)
{
    return rst->trigger && (rst->trigger->flags & flags) == flags;
}

static bool rst_why_trigger_is_synack(const struct tl_rst *rst)
{
    return rst_why_replies(rst) && rst_why_trigger_has(rst, TL_SYN | TL_ACK);
}

/* Whether an end speaks Multipath TCP: its SYN said so, or its segments carry the option. */
static bool rst_why_speaks_mptcp(const struct tl_endpoint *end)
{
    const struct tl_recent_entry *e;
    unsigned i = 0;

    while ((e = tl_recent_at(&end->recent, i)) != NULL && !(e->options & TL_OPT_MPTCP)) {
        i++;
    }
    return e || (end->options & TL_OPT_MPTCP);
}

/* C1: Multipath TCP's reset option (RFC 8684 3.6), both ends speak it (option on their SYNs or other segments), and the
 * effect is neither ignored nor challenge: else one forged packet would name the cause. The reason code is shown. */
static bool rst_why_mptcp(const struct tl_rst *rst)
{
    uint8_t effect = rst->step->shape->rst_effect;

    return (rst->step->seg->options & TL_OPT_MPTCP_RST) && rst_why_speaks_mptcp(rst->step->self) &&
           rst_why_speaks_mptcp(rst->step->peer) && effect != TL_RST_EFFECT_IGNORED && effect != TL_RST_EFFECT_CHALLENGE;
}

/* C9: the number is that of the ACK that answered X's SYN, and Y's end of the connection before is in TIME-WAIT. */
static bool rst_why_old_syn_in_time_wait(const struct tl_rst *rst)
{
    return rst->challenged && tl_fsm_state(rst->step->peer_fsm) == TL_STATE_TIME_WAIT;
}

/* C8: the number is that of the ACK that answered X's SYN: Y still has the connection before, captured or older than the capture. */
static bool rst_why_half_open_syn(const struct tl_rst *rst)
{
    return rst->challenged;
}

/* C2: reply_noack, T carries SYN, X has sent nothing but RSTs. */
static bool rst_why_refused(const struct tl_rst *rst)
{
    return rst->form == TL_RST_FORM_REPLY_NOACK && rst_why_trigger_has(rst, TL_SYN) && tl_sent_only_rsts(rst->step->self);
}

/* C3: X has sent nothing but RSTs, Y nothing but SYNs, the numbers do not fit, no trigger. */
static bool rst_why_refused_bad(const struct tl_rst *rst)
{
    const struct tl_step *step = rst->step;

    return tl_sent_only_rsts(step->self) && tl_syns(step->peer)->count > 0 && !step->peer->sent_plain &&
           (rst->form == TL_RST_FORM_OTHER || rst->form == TL_RST_FORM_ACTIVE) && !rst->trigger;
}

/* C4: reply, T is a SYN-ACK that does not fit X's SYN. X goes on waiting. */
static bool rst_why_synack_bad_ack(const struct tl_rst *rst)
{
    const struct tl_step *step = rst->step;

    return rst_why_trigger_is_synack(rst) && tl_syns(step->self)->count > 0 &&
           !tl_seq_within(rst->trigger->ack, step->self->isn + 1, step->self->isn + 1 + step->conn->opening.syn_data);
}

/* C5: reply, T is a SYN-ACK, X has sent nothing but RSTs. */
static bool rst_why_synack_unsolicited(const struct tl_rst *rst)
{
    return rst_why_trigger_is_synack(rst) && tl_sent_only_rsts(rst->step->self);
}

/* C5: reply, T is a SYN-ACK, and the same SYN (port and number) went to other addresses and was not answered there: this
 * SYN-ACK came back past the translator. */
static bool rst_why_synack_missed_nat(const struct tl_rst *rst)
{
    return rst_why_trigger_is_synack(rst) && rst->step->conn->missed_nat;
}

/* C6: X has sent only its SYN, a SYN-ACK of Y was captured; T is the SYN-ACK, or live form. */
static bool rst_why_synack_rejected(const struct tl_rst *rst)
{
    const struct tl_step *step = rst->step;
    bool fits = rst_why_trigger_is_synack(rst) || rst->form == TL_RST_FORM_ACTIVE || rst->form == TL_RST_FORM_BARE;

    return fits && tl_synacks(step->peer)->count > 0 && tl_syns(step->self)->count > 0 && !step->self->sent_plain &&
           tl_synacks(step->self)->count == 0 && !step->conn->opening.acked;
}

/* It has not taken the ACK, or its SYN-ACK is so recent that nobody can tell: in SYN-RECEIVED it repeats the SYN-ACK, first after 1 s
 * or, in older systems, 3 s, then after about twice the last gap (RFC 6298 2.1 and 5.5). */
static bool rst_why_may_wait_for_ack(const struct tl_step *step)
{
    const struct tl_syns *synack = tl_synacks(step->self);

    return step->conn->opening.ignored > 0 ||
           tl_since(step, synack->last_ns) <= tl_max_ns(SYNACK_AGAIN_NS, SYNACK_AGAIN_GAPS * synack->gap_ns);
}

/* C7: X sent a SYN-ACK and nothing after, and is not gone; reply, and T has no SYN; or bare after the client's handshake ACK
 * (the listener kept the attempt for a while, or the ACK was long under way). Only while X may still wait for the ACK: up to
 * max(3 s, 3 gaps) after its last SYN-ACK, or when it has repeated it although the ACK had passed. */
static bool rst_why_ack_rejected(const struct tl_rst *rst)
{
    const struct tl_step *step = rst->step;

    bool fits = (rst_why_replies(rst) && !rst_why_trigger_has(rst, TL_SYN)) ||
                (rst->form == TL_RST_FORM_BARE && step->conn->opening.acked);

    return fits && tl_synacks(step->self)->count > 0 && !step->self->sent_plain && !step->self->has_fin && !step->self->gone &&
           rst_why_may_wait_for_ack(step);
}

/* C7c: the same, fewer SYN-ACKs: X is in SYN-RECEIVED, and no connection was open that it could abort. */
static bool rst_why_synack_unanswered(const struct tl_rst *rst)
{
    const struct tl_endpoint *x = rst->step->self, *y = rst->step->peer;

    return rst_why_is_live(rst) && tl_synacks(x)->count > 0 && !x->sent_plain && !rst->step->conn->opening.acked &&
           tl_syns(y)->count > 0 && y->last_ns <= tl_synacks(x)->first_ns &&
           tl_since(rst->step, tl_synacks(x)->last_ns) >= SYNACK_TIMER_NS;
}

/* C7b: live, X sent its SYN-ACK at least 3 times, the last at least 1 s ago, and nothing of Y has come since the first. */
static bool rst_why_synack_timeout(const struct tl_rst *rst)
{
    return rst_why_synack_unanswered(rst) && tl_synacks(rst->step->self)->count >= REPEATS_TIMEOUT;
}

/* C8b: reply, X has sent only SYNs, T has no SYN and an ACK number that does not fit X's SYN. */
static bool rst_why_half_open_syn_unseen(const struct tl_rst *rst)
{
    const struct tl_step *step = rst->step;

    return rst_why_replies(rst) && rst->trigger && tl_syns(step->self)->count > 0 && !step->self->sent_plain &&
           tl_synacks(step->self)->count == 0 && !rst_why_trigger_has(rst, TL_SYN) &&
           !tl_seq_within(rst->trigger->ack, step->self->isn + 1, step->self->isn + 1 + step->conn->opening.syn_data);
}

/* C10: reply, T is a challenge ACK that came after an earlier RST of X. */
static bool rst_why_abort_repeat(const struct tl_rst *rst)
{
    return rst_why_replies(rst) && rst->trigger && tl_rsts(rst->step->self)->count > 0 &&
           (rst->trigger->bits & TL_MARK_CHALLENGE) && rst->trigger->frame > tl_rsts(rst->step->self)->first_in;
}

/* C11: active, and a SYN (or repeated SYN-ACK) of Y that is not answered is younger than max(200 ms, 2 RTT): behaviour before
 * RFC 5961. */
static bool rst_why_syn_in_window(const struct tl_rst *rst)
{
    const struct tl_step *step = rst->step;

    return rst->form == TL_RST_FORM_ACTIVE && step->peer->trigger_in != 0 && !step->peer->trigger_is_rst &&
           tl_since(step, step->peer->trigger_ns) <= tl_window_patience(step, SYN_ANSWER_NS, 2);
}

/* C12: live, X's last segments are keep-alives, at least 1 of them unanswered, the last one longer than an RTT ago. */
static bool rst_why_keepalive_timeout(const struct tl_rst *rst)
{
    const struct tl_step *step = rst->step;
    const struct tl_probe_run *run = tl_probes(step->self);

    return rst_why_is_live(rst) && run->unanswered > 0 && !run->is_window &&
           tl_since(step, run->last_ns) > (step->rtt_ns == TL_UNKNOWN_NS ? 0 : step->rtt_ns);
}

/* C12b: live, X's last segments are keep-alives, and the RST comes when the next one was due: 0.9 to 1.1 of their interval
 * after the last, or 0.99 s and more after a single one (timers of a second and more, RFC 1122 4.2.3.6). Answers were
 * captured, and may have been lost behind the capture. */
static bool rst_why_keepalive_answer_lost(const struct tl_rst *rst)
{
    const struct tl_probe_run *run = tl_probes(rst->step->self);
    int64_t gap = tl_since(rst->step, run->last_ns);
    /* share rst_why_keepalive_answer_lost: 0.9 to 1.1 of the interval; the answers were lost, so only a RST on time is a timer */
    bool due = run->interval_ns > 0 ? gap >= run->interval_ns / 10 * 9 && gap <= run->interval_ns / 10 * 11
                                    : gap >= TL_KEEPALIVE_LEAST_NS;

    return rst_why_is_live(rst) && run->count > 0 && !run->is_window && due;
}

/* C13: live, a run of at least 2 window probes, answered or not (an answer that leaves the window closed does not help), Y's
 * window still 0. */
static bool rst_why_probe_timeout(const struct tl_rst *rst)
{
    const struct tl_probe_run *run = tl_probes(rst->step->self);

    return rst_why_is_live(rst) && run->is_window && run->count >= PROBES_LEAST && rst->step->peer->window == 0;
}

/* C14: live, X's last 3 segments carry the same number, that of una, Y silent since the first of them, and the last gap has
 * passed. */
static bool rst_why_retransmission_timeout(const struct tl_rst *rst)
{
    const struct tl_step *step = rst->step;
    const struct tl_recent_entry *newest = tl_recent_at(&step->self->recent, 0);
    const struct tl_recent_entry *second = tl_recent_at(&step->self->recent, 1);
    unsigned i;

    for (i = 0; i < REPEATS_TIMEOUT; i++) {
        const struct tl_recent_entry *e = tl_recent_at(&step->self->recent, i);

        if (!rst_why_is_live(rst) || !e || tl_event_length(e->flags, e->len) == 0 || e->seq != newest->seq ||
            (e->flags & TL_SYN) || (step->peer->segments > 0 && e->time_ns < step->peer->last_ns)) {
            return false;
        }
    }
    return step->self->has_una && newest->seq == step->self->una &&
           tl_since(step, newest->time_ns) >= newest->time_ns - second->time_ns;
}

/* C16: reply, or the answer to a RST, which no TCP may send and 4.4BSD does; and both FINs are acknowledged, or X is gone, or a RST ended
 * the connection. */
static bool rst_why_after_close(const struct tl_rst *rst)
{
    bool reset = rst->form == TL_RST_FORM_REPLY_NOACK && rst_why_trigger_has(rst, TL_RST);

    return (rst_why_replies(rst) || reset) &&
           (rst->step->conn->finished || rst->step->self->gone || rst->step->conn->reset.ended);
}

/* C15: reply, X has sent its FIN, T has payload that X has not acknowledged, not both FINs acknowledged. */
static bool rst_why_data_after_close(const struct tl_rst *rst)
{
    const struct tl_endpoint *x = rst->step->self, *y = rst->step->peer;

    return rst_why_replies(rst) && x->has_fin && rst->trigger && rst->trigger->len > 0 && !rst->step->conn->finished &&
           (!y->has_una || tl_seq_after(rst->trigger->seq + rst->trigger->len, y->una));
}

/* C15b: active, X has sent its FIN, and payload of Y came that X had not acknowledged: the RST acknowledges it (Windows,
 * lwIP), or comes within 1.5 times X's half RTT + 5 ms of it and after the FIN (gVisor). */
static bool rst_why_data_after_close_live(const struct tl_rst *rst)
{
    const struct tl_endpoint *x = rst->step->self;
    bool takes = rst->takes && rst->takes->len > 0;
    bool met = rst->met && rst->met->time_ns > x->fin_ns;

    return rst->form == TL_RST_FORM_ACTIVE && x->has_fin && (takes || met) && !rst->step->conn->finished;
}

/* C19b: active, the numbers of payload turned round that X had not acknowledged, no later than 1.5 times X's half RTT + 5 ms;
 * X counts its IP IDs one by one and 1 to 3 are missing just before, but no octets: a RST of its own was lost, most likely,
 * for this one is an answer by its numbers and by its time. */
static bool rst_why_half_open_after_loss(const struct tl_rst *rst)
{
    enum { LOST_MOST = 3 };
    const struct tl_recent_entry *last = tl_recent_at(&rst->step->self->recent, 0);
    const struct tl_recent_entry *before = tl_recent_at(&rst->step->self->recent, 1);
    uint16_t on = last ? (uint16_t)(rst->step->seg->ip_id - last->ip_id) : 0;

    return rst->form == TL_RST_FORM_ACTIVE && rst->met && rst->met == rst->takes && before && before->ip_id != 0 &&
           (uint16_t)(last->ip_id - before->ip_id) == 1 && on > 1 && on <= 1 + LOST_MOST &&
           rst->step->seg->ack == rst->met->seq + tl_event_length(rst->met->flags, rst->met->len) &&
           rst->step->seg->seq == rst->step->self->max;
}

/* C17: reply, X has sent its FIN, T is the first ACK of it and carries nothing. */
static bool rst_why_linger2(const struct tl_rst *rst)
{
    const struct tl_endpoint *x = rst->step->self;

    return rst_why_replies(rst) && x->has_fin && rst->trigger && rst->trigger->frame == x->finack_in &&
           tl_event_length(rst->trigger->flags, rst->trigger->len) == 0;
}

/* C17b: reply, X has sent its FIN. */
static bool rst_why_after_own_fin(const struct tl_rst *rst)
{
    return rst_why_replies(rst) && rst->step->self->has_fin;
}

/* C20: reply, or reply_noack to a segment without SYN; X has sent nothing but RSTs. */
static bool rst_why_no_connection(const struct tl_rst *rst)
{
    bool reply = rst_why_replies(rst) || (rst->form == TL_RST_FORM_REPLY_NOACK && !rst_why_trigger_has(rst, TL_SYN));

    return reply && tl_sent_only_rsts(rst->step->self);
}

/* C18: reply, T is a probe. */
static bool rst_why_half_open_probe(const struct tl_rst *rst)
{
    return rst_why_replies(rst) && rst->trigger && (rst->trigger->bits & TL_MARK_PROBE);
}

/* C19: reply, a trigger was found. */
static bool rst_why_half_open(const struct tl_rst *rst)
{
    return rst_why_replies(rst) && rst->trigger;
}

/* C21: live, X has sent its FIN. */
static bool rst_why_abort_after_fin(const struct tl_rst *rst)
{
    return rst_why_is_live(rst) && rst->step->self->has_fin;
}

/* C22: active. */
static bool rst_why_abort_active(const struct tl_rst *rst)
{
    return rst->form == TL_RST_FORM_ACTIVE;
}

/* C22: bare. */
static bool rst_why_abort_bare(const struct tl_rst *rst)
{
    return rst->form == TL_RST_FORM_BARE;
}

/* C4b: form other without ACK flag, X has sent only SYNs, a SYN-ACK of Y was captured, the number is not X's ISN + 1: a
 * segment with a wrong ACK number, which was not captured, drew it (RFC 9293 3.10.7.3), or it is forged. */
static bool rst_why_synack_bad_ack_unseen(const struct tl_rst *rst)
{
    const struct tl_endpoint *x = rst->step->self;

    return rst->form == TL_RST_FORM_OTHER && !tl_has(rst->step, TL_ACK) && tl_syns(x)->count > 0 && !x->sent_plain &&
           tl_synacks(x)->count == 0 && tl_synacks(rst->step->peer)->count > 0 && rst->step->seg->seq != x->isn + 1;
}

/* C23: form other, effect certainly ignored, connection open. */
static bool rst_why_out_of_window(const struct tl_rst *rst)
{
    return rst->form == TL_RST_FORM_OTHER && rst->step->self->has_max &&
           rst->step->shape->rst_effect == TL_RST_EFFECT_IGNORED && rst->effect_confidence == TL_CONFIDENCE_CERTAIN &&
           rst->step->peer->has_max && !rst->step->conn->finished && !rst->step->conn->reset.ended;
}

/* C24: form other, effect challenge: in the window, ahead of everything captured. */
static bool rst_why_ahead(const struct tl_rst *rst)
{
    return rst->form == TL_RST_FORM_OTHER && rst->step->shape->rst_effect == TL_RST_EFFECT_CHALLENGE;
}

/* The first row whose predicate holds names the cause; docs/causes.md is written from these rows and from what
 * stands above the predicates. The order is part of the rule (docs/design.md 10.4). */
static const struct {
    bool (*holds)(const struct tl_rst *rst);
    uint8_t cause;      /* enum tl_rst_cause */
    uint8_t confidence; /* enum tl_confidence */
} causes[] = {
    {rst_why_mptcp, TL_RST_CAUSE_MPTCP, TL_CONFIDENCE_LIKELY},
    {rst_why_old_syn_in_time_wait, TL_RST_CAUSE_TW_OLD_SYN, TL_CONFIDENCE_LIKELY},
    {rst_why_half_open_syn, TL_RST_CAUSE_HALF_OPEN_SYN, TL_CONFIDENCE_LIKELY},
    {rst_why_refused, TL_RST_CAUSE_REFUSED, TL_CONFIDENCE_LIKELY},
    {rst_why_refused_bad, TL_RST_CAUSE_REFUSED_BAD, TL_CONFIDENCE_LIKELY},
    {rst_why_synack_bad_ack, TL_RST_CAUSE_SYNACK_BAD_ACK, TL_CONFIDENCE_LIKELY},
    {rst_why_synack_unsolicited, TL_RST_CAUSE_SYNACK_UNSOLICITED, TL_CONFIDENCE_LIKELY},
    {rst_why_synack_missed_nat, TL_RST_CAUSE_SYNACK_UNSOLICITED, TL_CONFIDENCE_LIKELY},
    {rst_why_synack_rejected, TL_RST_CAUSE_SYNACK_REJECTED, TL_CONFIDENCE_LIKELY},
    {rst_why_half_open_syn_unseen, TL_RST_CAUSE_HALF_OPEN_SYN, TL_CONFIDENCE_LIKELY},
    {rst_why_ack_rejected, TL_RST_CAUSE_ACK_REJECTED, TL_CONFIDENCE_LIKELY},
    {rst_why_synack_timeout, TL_RST_CAUSE_SYNACK_TIMEOUT, TL_CONFIDENCE_LIKELY},
    {rst_why_synack_unanswered, TL_RST_CAUSE_SYNACK_TIMEOUT, TL_CONFIDENCE_GUESS},
    {rst_why_abort_repeat, TL_RST_CAUSE_ABORT_REPEAT, TL_CONFIDENCE_LIKELY},
    {rst_why_syn_in_window, TL_RST_CAUSE_SYN_IN_WINDOW, TL_CONFIDENCE_LIKELY},
    {rst_why_keepalive_timeout, TL_RST_CAUSE_KEEPALIVE_TIMEOUT, TL_CONFIDENCE_LIKELY},
    {rst_why_keepalive_answer_lost, TL_RST_CAUSE_KEEPALIVE_TIMEOUT, TL_CONFIDENCE_GUESS},
    {rst_why_probe_timeout, TL_RST_CAUSE_PROBE_TIMEOUT, TL_CONFIDENCE_LIKELY},
    {rst_why_retransmission_timeout, TL_RST_CAUSE_RETRANSMISSION_TIMEOUT, TL_CONFIDENCE_LIKELY},
    {rst_why_data_after_close, TL_RST_CAUSE_DATA_AFTER_CLOSE, TL_CONFIDENCE_LIKELY},
    {rst_why_after_close, TL_RST_CAUSE_AFTER_CLOSE, TL_CONFIDENCE_LIKELY},
    {rst_why_linger2, TL_RST_CAUSE_LINGER2, TL_CONFIDENCE_LIKELY},
    {rst_why_after_own_fin, TL_RST_CAUSE_AFTER_CLOSE, TL_CONFIDENCE_LIKELY},
    {rst_why_no_connection, TL_RST_CAUSE_NO_CONNECTION, TL_CONFIDENCE_LIKELY},
    {rst_why_half_open_probe, TL_RST_CAUSE_HALF_OPEN_PROBE, TL_CONFIDENCE_LIKELY},
    {rst_why_half_open, TL_RST_CAUSE_HALF_OPEN, TL_CONFIDENCE_LIKELY},
    {rst_why_data_after_close_live, TL_RST_CAUSE_DATA_AFTER_CLOSE, TL_CONFIDENCE_LIKELY},
    {rst_why_half_open_after_loss, TL_RST_CAUSE_HALF_OPEN, TL_CONFIDENCE_GUESS},
    {rst_why_abort_after_fin, TL_RST_CAUSE_ABORT_AFTER_FIN, TL_CONFIDENCE_LIKELY},
    {rst_why_abort_active, TL_RST_CAUSE_ABORT, TL_CONFIDENCE_LIKELY},
    {rst_why_abort_bare, TL_RST_CAUSE_ABORT, TL_CONFIDENCE_LIKELY},
    {rst_why_synack_bad_ack_unseen, TL_RST_CAUSE_SYNACK_BAD_ACK, TL_CONFIDENCE_GUESS},
    {rst_why_out_of_window, TL_RST_CAUSE_OUT_OF_WINDOW, TL_CONFIDENCE_LIKELY},
    {rst_why_ahead, TL_RST_CAUSE_AHEAD, TL_CONFIDENCE_GUESS},
};

void tl_rst_find_cause(struct tl_rst *rst)
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
    shape->rst_cause = TL_RST_CAUSE_UNKNOWN; /* C25 */
}
