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
           !tl_seq_within(rst->trigger->ack, step->self->isn + 1, step->self->isn + 1 + step->conn->opening.syn_data);
}

static bool synack_unsolicited(const struct tl_rst *rst)
{
    return trigger_is_synack(rst) && tl_scoreboard_only_resets(rst->step->self);
}

/* The client had called other addresses by the same SYN, and no answer came from there: this SYN-ACK came back past the translator. */
static bool synack_missed_nat(const struct tl_rst *rst)
{
    return trigger_is_synack(rst) && rst->step->conn->missed_nat;
}

static bool synack_rejected(const struct tl_rst *rst)
{
    const struct tl_step *step = rst->step;
    bool fits = trigger_is_synack(rst) || rst->form == TL_RST_FORM_ACTIVE || rst->form == TL_RST_FORM_BARE;

    return fits && step->peer->synack->count > 0 && step->self->syn->count > 0 && !step->self->sent_plain &&
           step->self->synack->count == 0 && !step->conn->opening.acked;
}

/* It has not taken the ACK, or its SYN-ACK is so recent that nobody can tell: in SYN-RECEIVED it repeats the SYN-ACK, first after 1 s
 * or, in older systems, 3 s, then after about twice the last gap (RFC 6298 2.1 and 5.5). */
static bool may_wait_for_ack(const struct tl_step *step)
{
    const struct tl_syns *synack = step->self->synack;

    return step->conn->opening.ignored > 0 ||
           tl_since(step, synack->last_ns) <= tl_max_ns(SYNACK_AGAIN_NS, SYNACK_AGAIN_GAPS * synack->gap_ns);
}

static bool ack_rejected(const struct tl_rst *rst)
{
    const struct tl_step *step = rst->step;

    /* Late, it looks bare: the listener kept the attempt for a while, or the ACK was long under way. */
    bool fits = (replies(rst) && !trigger_has(rst, TL_SYN)) || (rst->form == TL_RST_FORM_BARE && step->conn->opening.acked);

    return fits && step->self->synack->count > 0 && !step->self->sent_plain && !step->self->has_fin && !step->self->gone &&
           may_wait_for_ack(step);
}

/* Nothing has come since its first SYN-ACK: it is in SYN-RECEIVED, and no connection was open that it could abort. */
static bool synack_unanswered(const struct tl_rst *rst)
{
    const struct tl_endpoint *x = rst->step->self, *y = rst->step->peer;

    return is_live(rst) && x->synack->count > 0 && !x->sent_plain && !rst->step->conn->opening.acked && y->syn->count > 0 &&
           y->last_ns <= x->synack->first_ns && tl_since(rst->step, x->synack->last_ns) >= SYNACK_TIMER_NS;
}

static bool synack_timeout(const struct tl_rst *rst)
{
    return synack_unanswered(rst) && rst->step->self->synack->count >= REPEATS_TIMEOUT;
}

static bool half_open_syn_unseen(const struct tl_rst *rst)
{
    const struct tl_step *step = rst->step;

    return replies(rst) && rst->trigger && step->self->syn->count > 0 && !step->self->sent_plain &&
           step->self->synack->count == 0 && !trigger_has(rst, TL_SYN) &&
           !tl_seq_within(rst->trigger->ack, step->self->isn + 1, step->self->isn + 1 + step->conn->opening.syn_data);
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
    {synack_missed_nat, TL_RST_CAUSE_SYNACK_UNSOLICITED, TL_CONFIDENCE_LIKELY},
    {synack_rejected, TL_RST_CAUSE_SYNACK_REJECTED, TL_CONFIDENCE_CERTAIN},
    {half_open_syn_unseen, TL_RST_CAUSE_HALF_OPEN_SYN, TL_CONFIDENCE_LIKELY},
    {ack_rejected, TL_RST_CAUSE_ACK_REJECTED, TL_CONFIDENCE_LIKELY},
    {synack_timeout, TL_RST_CAUSE_SYNACK_TIMEOUT, TL_CONFIDENCE_LIKELY},
    {synack_unanswered, TL_RST_CAUSE_SYNACK_TIMEOUT, TL_CONFIDENCE_GUESS},
    {abort_repeat, TL_RST_CAUSE_ABORT_REPEAT, TL_CONFIDENCE_CERTAIN},
    {syn_in_window, TL_RST_CAUSE_SYN_IN_WINDOW, TL_CONFIDENCE_LIKELY},
    {keepalive_timeout_sure, TL_RST_CAUSE_KEEPALIVE_TIMEOUT, TL_CONFIDENCE_CERTAIN},
    {keepalive_timeout, TL_RST_CAUSE_KEEPALIVE_TIMEOUT, TL_CONFIDENCE_LIKELY},
    {keepalive_answer_lost, TL_RST_CAUSE_KEEPALIVE_TIMEOUT, TL_CONFIDENCE_GUESS},
    {probe_timeout, TL_RST_CAUSE_PROBE_TIMEOUT, TL_CONFIDENCE_LIKELY},
    {retransmission_timeout, TL_RST_CAUSE_RETRANSMISSION_TIMEOUT, TL_CONFIDENCE_LIKELY},
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

void tl_rst_find_cause(struct tl_rst *rst)
{
    struct tl_shape *shape = rst->step->shape;
    size_t i;

    for (i = 0; i < sizeof causes / sizeof causes[0]; i++) {
        if (causes[i].holds(rst)) {
            shape->rst_cause = causes[i].cause;
            shape->rst_confidence = causes[i].confidence;
            if (shape->rst_confidence == TL_CONFIDENCE_CERTAIN && tl_is_across_jump(rst->step)) {
                shape->rst_confidence = TL_CONFIDENCE_LIKELY;
            }
            return;
        }
    }
    shape->rst_cause = TL_RST_CAUSE_UNKNOWN;
}
