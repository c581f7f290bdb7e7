/* tl_challenge.c - ACKs that answer what does not fit the open connection: challenge ACKs, and those of TIME-WAIT.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * RFC 5961 3.2 (RSTs in the window), 4.2 (SYNs), RFC 9293 3.10.7.4 (segments that are not acceptable).
 */
#include "conn/tl_window.h"
#include "rules/tl_probe.h"
#include "rules/tl_rexmit.h"

static const int64_t ANSWER_NS = 20 * TL_MS;     /* an answer comes within a round trip and this */
static const int64_t HALF_RTT_KNOWN_NS = TL_MS;  /* a shorter half RTT is jitter */
static const int64_t CHALLENGE_NS = 200 * TL_MS; /* a challenge ACK comes within this, or two round trips */

/* A SACK block that was not reported before: the ACK answers data, not a SYN or RST. */
static bool challenge_reports_news(const struct tl_step *step)
{
    const struct tl_segment *seg = step->seg;
    unsigned i;

    for (i = 0; i < seg->sack_count && step->peer->repair; i++) {
        if (tl_seq_after(seg->sack[i][1], seg->ack) &&
            !tl_feedback_covers(&step->peer->repair->feedback, seg->sack[i][0], seg->sack[i][1])) {
            return true;
        }
    }
    return false;
}

/* Whether this pure ACK only repeats what its sender has said before. */
static bool challenge_repeats_itself(const struct tl_step *step)
{
    const struct tl_endpoint *self = step->self;

    return step->event == TL_EVENT_ACK && !step->stray && !step->copy_of && step->peer->has_una && self->has_max &&
           step->seg->ack == step->peer->una && step->seg->seq == self->max && !challenge_reports_news(step);
}

/* Whether this segment of the peer makes its receiver send the same ACK again: old bytes or a probe since the ACK number moved,
 * bytes above a hole, or an ACK that was overtaken (PAWS, RFC 7323 5.3, and old ACKs draw one, too). Bytes lost behind the
 * capture point draw one as well, but with a SACK block. */
static bool challenge_draws_ack(const struct tl_step *step, const struct tl_recent_entry *e,
                                const struct tl_recent_entry *before)
{
    const struct tl_endpoint *self = step->self, *peer = step->peer;
    bool carries = tl_event_length(e->flags, e->len) > 0 || (e->bits & TL_MARK_PROBE);
    bool old_bytes = e->time_ns >= self->ack_ns && tl_seq_before(e->seq, peer->una);
    bool above_hole = tl_seq_after(e->seq, peer->una) && tl_scoreboard_has_hole_below(tl_scoreboard_of(peer), e->seq);
    bool overtaken = before && (e->flags & before->flags & TL_ACK) &&
                     (tl_seq_before(e->ack, before->ack) ||
                      ((e->options & before->options & TL_OPT_TIMESTAMPS) && tl_seq_before(e->tsval, before->tsval)));

    return (carries && (old_bytes || above_hole)) || overtaken || tl_seq_after(e->seq, peer->una + self->max_window);
}

bool tl_probe_may_be_copy(const struct tl_step *step, const struct tl_recent_entry *before, int64_t patience)
{
    const struct tl_segment *seg = step->seg;
    bool own_id = !seg->ipv6 && seg->ip_id != 0 && seg->ip_id != before->ip_id;
    bool newer = (seg->options & before->options & TL_OPT_TIMESTAMPS) && tl_seq_after(seg->tsval, before->tsval);
    bool equal = before->seq == seg->seq && before->len == 0 && before->ack == seg->ack && before->flags == seg->flags;

    return equal && !own_id && !newer && tl_since(step, before->time_ns) <= patience;
}

bool tl_probe_may_answer(const struct tl_step *step, int64_t sent_ns)
{
    /* An answer cannot come before its trigger has arrived; a shorter half RTT is jitter. */
    enum { HALF_RTT_PERCENT = 85 };
    int64_t half_rtt = step->self->half_rtt_ns;

    return half_rtt < HALF_RTT_KNOWN_NS || tl_since(step, sent_ns) >= half_rtt / 100 * HALF_RTT_PERCENT;
}

/* Whether bytes are outstanding of which this ACK may say that they are missing. Then it would bring a SACK block, but options may be cut
 * off by the snap length, and devices blank the blocks of a connection: an end that never showed one here may have none to show. */
static bool challenge_may_be_duplicate_ack(const struct tl_step *step)
{
    const struct tl_endpoint *peer = step->peer;
    bool shows_sack = peer->repair && peer->repair->seen_sack && !(step->seg->options & TL_OPT_BROKEN);
    const struct tl_scoreboard_entry *first =
        peer->has_una ? tl_scoreboard_at(tl_scoreboard_of(peer), tl_scoreboard_index(tl_scoreboard_of(peer), peer->una)) : NULL;

    bool in_time = first && (step->self->half_rtt_ns == TL_UNKNOWN_NS ? tl_since(step, first->first_time_ns) >= ANSWER_NS
                                                                      : tl_probe_may_answer(step, first->first_time_ns));

    return in_time && !shows_sack;
}

/* A third ACK with the same number that nothing captured explains: a forged SYN or RST entered behind the capture point. An option
 * of Multipath TCP explains it: the ACK may end the data of that layer. */
static bool challenge_answers_unseen(const struct tl_step *step)
{
    /* With one there was a false challenge on a real mail server; after silence, and right after the handshake, little else
     * draws an ACK. */
    enum { SAME_BEFORE = 2 };
    const struct tl_endpoint *self = step->self, *peer = step->peer;
    int64_t patience = step->rtt_ns == TL_UNKNOWN_NS ? CHALLENGE_NS : 2 * step->rtt_ns + ANSWER_NS;
    /* When the peer has been quiet for longer than an answer takes, one is enough, and the echo may be of any segment captured. */
    bool quiet = tl_since(step, peer->last_ns) > patience;
    /* Nor does much else draw a new packet right after the handshake, from a peer that has sent its SYN-ACK only: that came twice. */
    unsigned enough = quiet || !peer->sent_plain ? 1 : SAME_BEFORE;
    uint32_t newest_echo = quiet && peer->has_tsval ? peer->tsval : self->tsecr;
    const struct tl_recent_entry *e;
    unsigned i, same = 0;

    if ((peer->capture & TL_CAPTURE_LATE) || (step->seg->options & TL_OPT_CUT)) {
        return false; /* what it answers is still to be written; what it reports was cut off */
    }
    if (tl_probes(peer)->count > 0 && !tl_probes(peer)->answered) {
        return false; /* a late answer to the probe */
    }
    if (challenge_may_be_duplicate_ack(step) || (peer->has_window && peer->window == 0)) {
        return false; /* or it asks for the window: some stacks (gVisor) probe without an octet, at the next number */
    }
    if (!tl_agreed(step, TL_OPT_SACK_PERMITTED) || step->seg->sack_count > 0 || (step->seg->options & TL_OPT_MPTCP) ||
        self->has_fin || peer->has_fin || !self->has_window || self->last_window != step->seg->window ||
        !step->conn->opening.acked ||
        ((step->seg->options & TL_OPT_TIMESTAMPS) && tl_seq_after(step->seg->tsecr, newest_echo))) {
        return false;
    }
    for (i = 0; (e = tl_recent_at(&self->recent, i)) != NULL && same < enough; i++) {
        if (e->ack == step->seg->ack && (e->flags & (TL_ACK | TL_RST)) == TL_ACK) {
            if (tl_probe_may_be_copy(step, e, patience)) {
                return false;
            }
            same++;
        }
    }
    for (i = 0; (e = tl_recent_at(&peer->recent, i)) != NULL && tl_since(step, e->time_ns) <= patience; i++) {
        if (challenge_draws_ack(step, e, tl_recent_at(&peer->recent, i + 1))) {
            return false;
        }
    }
    return same == enough && peer->segments > 0;
}

/* Whether each young RST of the peer has just the number that this ACK expects: accepted, never challenged, RFC 5961 3.2. What is expected
 * only grows, so it was no other number when they came. */
static bool challenge_all_resets_exact(const struct tl_step *step)
{
    const struct tl_recent_entry *e;

    for (unsigned i = 0; (e = tl_recent_at(&step->peer->recent, i)) != NULL && e->time_ns >= step->peer->trigger_first_ns;
         i++) {
        if ((e->flags & TL_RST) && e->seq != step->seg->ack) {
            return false;
        }
    }
    return true;
}

/* Whether this ACK comes when an answer to the peer's last SYN or RST may come. */
static bool challenge_is_prompt_answer(const struct tl_step *step)
{
    const struct tl_endpoint *peer = step->peer;

    if (peer->trigger_is_rst && challenge_all_resets_exact(step)) {
        return false;
    }
    return peer->trigger_in != 0 && tl_since(step, peer->trigger_ns) <= tl_window_patience(step, CHALLENGE_NS, 2) &&
           tl_probe_may_answer(step, peer->trigger_first_ns);
}

static bool challenge_is_answer_or_probe(const struct tl_step *step)
{
    return step->is_probe || step->shape->keepalive != TL_PROBE_KIND_NONE || step->shape->window_probe != TL_PROBE_KIND_NONE;
}

void tl_probe_classify_ack(struct tl_step *step)
{
    struct tl_endpoint *peer = step->peer;
    const struct tl_recent_entry *newest = tl_recent_at(&step->self->recent, 0);
    bool handshake = step->shape->handshake_step == TL_HANDSHAKE_STEP_ACK;

    if (handshake || !challenge_repeats_itself(step) || challenge_is_answer_or_probe(step)) {
        return;
    }
    if (!challenge_is_prompt_answer(step)) {
        if (step->phase_before == TL_PHASE_ESTABLISHED && challenge_answers_unseen(step)) {
            step->shape->ack = TL_ACK_CHALLENGE;
            step->shape->probe_confidence = TL_CONFIDENCE_GUESS;
        }
        return;
    }
    step->refs->trigger_in = peer->trigger_in;
    step->shape->probe_confidence =
        newest && tl_probe_may_be_copy(step, newest, CHALLENGE_NS) ? TL_CONFIDENCE_LIKELY : TL_CONFIDENCE_CERTAIN;
    if (tl_fsm_state(&step->self->fsm) == TL_STATE_TIME_WAIT) {
        step->shape->ack = TL_ACK_TIME_WAIT;
    } else {
        step->shape->ack = TL_ACK_CHALLENGE;
        if (tl_synacks(peer)->count > 1 && peer->trigger_in == tl_synacks(peer)->last_in && !step->conn->opening.other.known) {
            step->shape->handshake_step = TL_HANDSHAKE_STEP_ACK_AGAIN;
            /* It was synchronised already when that SYN-ACK came. */
            step->refs->proved[0].frame = tl_synacks(peer)->last_in;
            step->refs->proved[0].spurious =
                step->conn->opening.ignored == 0 ? TL_SPURIOUS_ACKED_CROSSING : TL_SPURIOUS_UNHEARD;
        }
    }
}
