/* tl_resent.c - why bytes were sent again: ordered rules, first match wins.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * RFC 6298 (the timer), RFC 5681 and 6582 (fast retransmission), RFC 6675 and 8985 (SACK, RACK, tail loss probes), RFC 1191 6.4 and
 * 8201 5.4 (path MTU).
 */
#include "rules/tl_resent.h"

#include "rules/tl_late.h"
#include "rules/tl_path_mtu.h"

/* Thresholds; docs/design.md has the measurements behind them. */
static const int64_t SILENCE_NS = 185 * TL_MS; /* as TL_TIMER_NS, measured from the last thing the sender heard */
/* RFC 8985 7.2: a probe timeout is at most two round trips and the receiver's delay of its ACK, for which this has room. */
static const int64_t PROBE_MOST_NS = 300 * TL_MS;
/* Feedback is answered at once, or after the quarter of a round trip of RFC 8985 6.2: within half of one and this. */
static const int64_t ANSWERS_NS = 5 * TL_MS;
/* So long after the third duplicate ACK nothing that answers it is sent any more. */
static const int64_t DEAF_NS = 100 * TL_MS;
/* RFC 8985 7.2, RFC 6298 2.1: the probe timeout before a round trip was measured. */
static const int64_t PROBE_UNKNOWN_NS = TL_SECOND;
enum { BACKOFF_SURE = 2, DUPACKS_SURE = 3 /* RFC 5681 3.2 */ };

/* ---- what the rules ask ------------------------------------------------------------------------------------------------- */

static bool resent_sack_permitted(const struct tl_step *step, const struct tl_repair *repair)
{
    bool both_known = step->self->has_isn_of_syn && step->peer->has_isn_of_syn;

    if (!both_known) {
        return true; /* mid-stream: nearly every system uses it */
    }
    return tl_agreed(step, TL_OPT_SACK_PERMITTED) || repair->seen_sack;
}

/* When the previous transmission, or the segment that opened the hole, was sent. */
static int64_t resent_previous_at(const struct tl_resent *r)
{
    bool ts = tl_has_timestamps(r->step);

    if (r->captured_before) {
        return tl_clock_sent_at(&r->repair->clock, r->look.previous.time_ns, r->look.previous.tsval, ts);
    }
    if (r->look.opener.frame != 0) {
        return tl_clock_sent_at(&r->repair->clock, r->look.opener.time_ns, r->look.opener.tsval, ts);
    }
    return r->step->seg->time_ns;
}

/* An episode ends when its sender hears that the point is acknowledged, which may be long after the ACK passed here. */
static void resent_leave_episodes(struct tl_repair *repair, uint32_t known_una)
{
    if (repair->in_loss && !tl_seq_before(known_una, repair->loss_point)) {
        repair->in_loss = false;
        repair->backoff = 0;
    }
    if (repair->in_recovery && !tl_seq_before(known_una, repair->recovery_point)) {
        repair->in_recovery = false;
    }
}

void tl_resent_ask(struct tl_resent *r)
{
    const struct tl_step *step = r->step;
    const struct tl_segment *seg = step->seg;
    struct tl_repair *repair = r->repair;
    int64_t sent_ns = tl_clock_sent_at(&repair->clock, seg->time_ns, seg->tsval, tl_has_timestamps(step));
    int64_t half_rtt_ns = tl_late_half_rtt(step), travel_ns = half_rtt_ns > TL_MS ? half_rtt_ns : 0;

    r->known = tl_feedback_known_to_resender(&repair->feedback, seg, half_rtt_ns);
    r->gap_ns = sent_ns - resent_previous_at(r);
    r->quiet_ns = sent_ns - travel_ns - (r->known.time_ns != 0 ? r->known.time_ns : repair->heard_ns);
    r->third_ns = repair->feedback.third_ns != 0 ? sent_ns - travel_ns - repair->feedback.third_ns : TL_UNKNOWN_NS;
    r->unmoved_ns = sent_ns - travel_ns - (r->known.una_ns != 0 ? r->known.una_ns : repair->heard_ns);
    r->sack_permitted = resent_sack_permitted(step, repair);
    r->head = !tl_seq_after(seg->seq, r->known.una) && tl_seq_after(step->end, r->known.una);
    r->tail = !tl_seq_before(step->end, step->self->max);
    r->first = !r->captured_before || r->look.previous.tx_count == 1;
    r->no_evidence = r->known.duplicates == 0 && !tl_seq_after(r->known.sacked, seg->seq);
    resent_leave_episodes(repair, r->known.una);
    if (repair->in_loss && tl_seq_after(seg->seq, repair->rto_seq)) {
        /* It would have sent the same bytes again, had it heard nothing since the timeout: what it heard started the timer. */
        r->gap_ns = tl_min_ns(r->gap_ns, sent_ns - repair->rto_ns);
        r->quiet_ns = tl_min_ns(r->quiet_ns, sent_ns - repair->rto_ns);
        r->unmoved_ns = tl_min_ns(r->unmoved_ns, sent_ns - repair->rto_ns);
    }
    r->in_loss = repair->in_loss;
    r->in_recovery = repair->in_recovery;
}

/* ---- the causes --------------------------------------------------------------------------------------------------------- */

struct cause {
    uint8_t cause;      /* enum tl_retransmission */
    uint8_t confidence; /* enum tl_confidence */
};

#define CAUSE(name, sure) ((struct cause){TL_RETRANSMISSION_##name, TL_CONFIDENCE_##sure})

/* Which of the two names of feedback-driven retransmission applies. */
static uint8_t resent_by_feedback(const struct tl_resent *r)
{
    return r->sack_permitted && r->known.duplicates == 0 ? TL_RETRANSMISSION_SACK : TL_RETRANSMISSION_FAST;
}

/* M13: only the sender was captured: what remains is time and place. */
static bool resent_when_one_way(const struct tl_resent *r, struct cause *c)
{
    if (!tl_one_way(r->step)) {
        return false;
    }
    if (r->gap_ns >= TL_TIMER_NS) {
        *c = CAUSE(RTO, GUESS);
    } else if (!r->tail) {
        *c = r->sack_permitted ? CAUSE(SACK, GUESS) : CAUSE(FAST, GUESS);
    } else {
        *c = r->first ? CAUSE(TLP, GUESS) : CAUSE(UNKNOWN, GUESS);
    }
    return true;
}

/* Nothing was heard for as long as a timer takes; or what was heard (the other end's own repetitions, say) acknowledged nothing,
 * and the bytes themselves are as old. */
static bool resent_is_silent(const struct tl_resent *r)
{
    return r->quiet_ns >= SILENCE_NS || (r->captured_before && r->gap_ns >= TL_TIMER_NS && r->unmoved_ns >= SILENCE_NS);
}

/* Whether the sender may have a probe to send (RFC 8985 7.2, 7.3): SACK is in use, it has sent none since the last acknowledgment
 * that it knows of, what is sent again is one segment as it was, and a probe timeout is no longer than the silence was. */
static bool resent_may_be_probe(const struct tl_resent *r)
{
    int64_t rtt = tl_rtt_or(r->step, TL_UNKNOWN_NS);
    int64_t most_ns = (rtt == TL_UNKNOWN_NS ? PROBE_UNKNOWN_NS : 2 * rtt) + PROBE_MOST_NS;
    bool one_segment = !r->captured_before || !tl_seq_after(r->step->end, r->look.previous.end);

    return r->sack_permitted && one_segment && !(r->repair->probed && r->repair->probed_una == r->known.una) &&
           tl_min_ns(r->gap_ns, r->quiet_ns) <= most_ns;
}

/* M10: a single segment outstanding and nothing heard: probe and timer send the same segment at the same moment. */
static bool resent_when_single(const struct tl_resent *r, struct cause *c)
{
    if (!r->head || !r->tail || !r->first || !r->no_evidence || !resent_is_silent(r) || r->in_loss || r->in_recovery ||
        !r->captured_before) {
        return false;
    }
    *c = resent_may_be_probe(r) ? CAUSE(TLP, GUESS) : CAUSE(RTO, LIKELY);
    if (c->cause == TL_RETRANSMISSION_TLP) {
        r->step->shape->flags |= TL_SHAPE_TLP_OR_RTO;
    }
    return true;
}

/* Longer than a round trip by more than jitter. */
static int64_t resent_patience(const struct tl_resent *r)
{
    int64_t rtt = tl_rtt_or(r->step, 0);

    /* share resent_patience: RTT / 4, 5 ms; margin over an RTT until which feedback may be certain, and without SACK before the timer explains a gap */
    return rtt + tl_max_ns(rtt / 4, 5 * TL_MS);
}

/* M14: an ICMP error says that the bytes were too large for the path: they are sent again at once (RFC 1191 6.4, RFC 8201 5.4; Linux
 * tcp_simple_retransmit()), in what fits. */
static bool resent_when_path_mtu(const struct tl_resent *r, struct cause *c)
{
    *c = CAUSE(PMTU, LIKELY);
    return tl_path_mtu_draws(r->step, &r->look.previous, r->step->rtt_ns == TL_UNKNOWN_NS ? TL_TIMER_NS : resent_patience(r));
}

/* M7, M7b: the timer has run out: nothing was heard for as long as it takes, or what was heard explains nothing any more. */
static bool resent_when_timer(const struct tl_resent *r, struct cause *c)
{
    if (r->head && r->no_evidence && resent_is_silent(r)) {
        /* share resent_when_timer: 1.5 to 2.6 of the gap before; a doubled timer with jitter (RFC 6298 5.5) */
        bool doubled = r->repair->rto_seq == r->step->seg->seq && r->repair->backoff + 1 >= BACKOFF_SURE &&
                       r->gap_ns * 2 >= r->repair->rto_gap_ns * 3 && r->gap_ns * 10 <= r->repair->rto_gap_ns * 26;

        *c = doubled ? CAUSE(RTO, CERTAIN) : CAUSE(RTO, LIKELY);
        return true;
    }
    if (r->head && r->gap_ns >= TL_TIMER_NS && r->quiet_ns >= tl_rtt_or(r->step, 0) / 2 + ANSWERS_NS) {
        *c = CAUSE(RTO, LIKELY); /* a lost retransmission: the timer fires in spite of the evidence */
        return true;
    }
    return false;
}

/* M7d: without SACK the first byte is sent again by the third duplicate ACK, or by an ACK that moves to it, and then by the timer only,
 * however many duplicate ACKs come (RFC 6582 3.2). */
static bool resent_when_timer_without_sack(const struct tl_resent *r, struct cause *c)
{
    /* share resent_when_timer_without_sack: 190 ms, 190 ms, RTT + 25 %; gap and last new ACK as long ago as the least timer; longer after the
     * third duplicate ACK than feedback takes */
    *c = CAUSE(RTO, LIKELY);
    return !r->sack_permitted && r->head && r->third_ns >= resent_patience(r) &&
           ((r->gap_ns >= TL_TIMER_NS && r->unmoved_ns >= TL_TIMER_NS) || r->third_ns >= resent_patience(r) + DEAF_NS);
}

/* Three duplicate ACKs for a byte that was sent again since the timeout: some stacks (lwIP) take them as ever, against RFC 6582 3.2. */
static bool resent_is_fast_after_timeout(const struct tl_resent *r)
{
    return !r->sack_permitted && r->head && r->known.duplicates >= DUPACKS_SURE && r->captured_before &&
           r->look.previous.time_ns > r->repair->rto_ns && r->quiet_ns < resent_patience(r);
}

/* M8: what follows a timeout until all that was outstanding then is acknowledged. */
static bool resent_when_in_loss(const struct tl_resent *r, struct cause *c)
{
    *c = resent_is_fast_after_timeout(r) ? CAUSE(FAST, LIKELY) : CAUSE(RTO_RECOVERY, LIKELY);
    return r->in_loss;
}

/* M9: RFC 8985 7.2: two round trips of silence, the last segment. The timer would have sent the first one instead. */
static bool resent_when_tail_probe(const struct tl_resent *r, struct cause *c)
{
    /* share resent_when_tail_probe: 1.2 RTT, 2 ms; a tail loss probe waits about 2 RTT (RFC 8985 7.2) */
    int64_t least = tl_max_ns(tl_rtt_or(r->step, 0) / 5 * 6, TL_PROBE_LEAST_NS);
    bool delivered = r->known.newest_ns > r->look.previous.time_ns && r->captured_before;

    if (!r->tail || !resent_may_be_probe(r) || r->in_recovery || r->known.duplicates > 0 || delivered ||
        !tl_seq_before(r->known.sacked, r->step->end) || r->quiet_ns < least) {
        return false;
    }
    *c = tl_seq_before(r->known.una, r->step->seg->seq) ? CAUSE(TLP, CERTAIN) : CAUSE(TLP, LIKELY);
    return true;
}

/* Feedback is answered at once: after a round trip of silence a timer may have sent it all the same. */
static uint8_t resent_trust_in_feedback(const struct tl_resent *r)
{
    return r->known.duplicates >= DUPACKS_SURE && r->quiet_ns < resent_patience(r) ? TL_CONFIDENCE_CERTAIN
                                                                                   : TL_CONFIDENCE_LIKELY;
}

/* M5: later bytes are known to have arrived (RFC 6675), or something sent later (RFC 8985). */
static bool resent_when_sacked_above(const struct tl_resent *r, struct cause *c)
{
    bool above = tl_seq_after(r->known.sacked, r->step->seg->seq);
    bool later = r->captured_before && r->known.newest_ns > r->look.previous.time_ns;

    if (!above && !later) {
        return false;
    }
    c->cause = r->sack_permitted ? TL_RETRANSMISSION_SACK : TL_RETRANSMISSION_FAST;
    c->confidence = resent_trust_in_feedback(r);
    return true;
}

/* M4, M6: duplicate ACKs without or with SACK, or a repair that has begun. */
static bool resent_when_duplicate_acks(const struct tl_resent *r, struct cause *c)
{
    if (r->known.duplicates == 0 && !r->in_recovery) {
        return false;
    }
    c->cause = resent_by_feedback(r);
    c->confidence = resent_trust_in_feedback(r);
    return c->cause == TL_RETRANSMISSION_SACK || r->head; /* a fast retransmission sends SND.UNA, RFC 5681 3.2 */
}

/* M7c: a timer whose least value is below Linux's. */
static bool resent_when_short_timer(const struct tl_resent *r, struct cause *c)
{
    int64_t rtt = tl_rtt_or(r->step, 0);

    /* share resent_when_short_timer: 1.5 RTT + 10 ms, an RTT; timers with a least value below 200 ms */
    *c = CAUSE(RTO, GUESS);
    return r->head && r->no_evidence && rtt > 0 && r->gap_ns >= rtt && r->quiet_ns >= rtt / 2 * 3 + 10 * TL_MS;
}

/* M12: neither at the tail, so no probe, nor late enough for a timer: only feedback is left, and it was not captured. A receiver that has never
 * shown a SACK block here gave none. */
static bool resent_when_nothing_else(const struct tl_resent *r, struct cause *c)
{
    *c = r->sack_permitted ? CAUSE(SACK, GUESS) : CAUSE(FAST, GUESS);
    return !r->tail && r->gap_ns < TL_TIMER_NS && (r->repair->seen_sack || !r->sack_permitted);
}

static bool (*const causes[])(const struct tl_resent *, struct cause *) = {
    resent_when_path_mtu,           resent_when_one_way,     resent_when_single,       resent_when_timer,
    resent_when_timer_without_sack, resent_when_in_loss,     resent_when_tail_probe,   resent_when_sacked_above,
    resent_when_duplicate_acks,     resent_when_short_timer, resent_when_nothing_else,
};

/* ---- episodes ----------------------------------------------------------------------------------------------------------- */

static void resent_enter_loss(struct tl_resent *r)
{
    struct tl_repair *repair = r->repair;
    bool again = repair->rto_seq == r->step->seg->seq && repair->backoff > 0;

    repair->in_loss = true;
    repair->loss_point = tl_seq_after(r->step->end, r->step->self->max) ? r->step->end : r->step->self->max;
    repair->in_recovery = false;
    repair->backoff = (uint8_t)(again && repair->backoff < UINT8_MAX ? repair->backoff + 1 : 1);
    repair->rto_seq = r->step->seg->seq;
    repair->rto_gap_ns = r->gap_ns;
    repair->rto_ns = r->step->seg->time_ns;
}

static void resent_enter_recovery(struct tl_resent *r)
{
    if (!r->in_recovery) {
        r->repair->in_recovery = true;
        r->repair->recovery_point = r->step->self->max;
    }
}

static void resent_note_probe(struct tl_resent *r)
{
    r->repair->probed = true;
    r->repair->probed_una = r->known.una;
}

void tl_resent_find_cause(struct tl_resent *r)
{
    struct cause cause = {TL_RETRANSMISSION_UNKNOWN, TL_CONFIDENCE_NONE}; /* M11 */
    struct tl_shape *shape = r->step->shape;
    size_t i;

    for (i = 0; i < sizeof causes / sizeof causes[0]; i++) {
        if (causes[i](r, &cause)) {
            break;
        }
        cause = (struct cause){TL_RETRANSMISSION_UNKNOWN, TL_CONFIDENCE_NONE};
    }
    shape->retransmission = cause.cause;
    shape->retransmission_confidence = cause.confidence;
    if (cause.cause == TL_RETRANSMISSION_RTO) {
        resent_enter_loss(r);
    } else if (cause.cause == TL_RETRANSMISSION_TLP) {
        resent_note_probe(r);
    } else if (cause.cause == TL_RETRANSMISSION_FAST || cause.cause == TL_RETRANSMISSION_SACK) {
        resent_enter_recovery(r);
    }
}
