/* tl_spurious.c - retransmissions that were not needed, and what proves it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * RFC 2883 and 3708 (D-SACK), RFC 3522 and 4015 (Eifel: the timestamp echo), RFC 9293 3.10.7.4 (old bytes draw an ACK), RFC 4737
 * (reordering).
 */
#include "rules/tl_spurious.h"

#include "base/tl_grow.h"
#include "rules/tl_late.h"

/* "Too fast" needs a half RTT that is long compared with the jitter of one host. */
static const int64_t TOO_FAST_HALF_RTT_NS = 3 * TL_MS;
/* A shorter half RTT is the host itself. */
static const int64_t DSACK_HALF_RTT_NS = TL_MS;
/* The report of a duplicate comes at least this share of the half RTT after the duplicate passed; "too fast" is less than a third. */
enum { DSACK_HALF_RTT_PERCENT = 70, DELIVERED_SHARE = 10, TOO_FAST_SHARE = 3 };
/* A receiver acknowledges within this time, RFC 1122 4.2.3.2. */
static const int64_t DELAYED_ACK_NS = 500 * TL_MS;
/* Samples that make the least half RTT one: an ACK may have been delayed. */
enum { SAMPLES_SURE = 3 };
/* An ACK that passed longer ago than this and two half RTTs has not reached the sender: the least timer, for whoever delays what it takes in. */
static const int64_t CROSSING_NS = 190 * TL_MS;
/* An ACK drawn by a retransmission comes within this and two half RTTs. */
static const int64_t ANSWER_NS = 20 * TL_MS;

/* ---- the ring of retransmissions ---------------------------------------------------------------------------------------- */

static struct tl_resend *spurious_resend_at(const struct tl_repair *repair, unsigned i)
{
    return &repair->resends[(repair->resend_newest + repair->resend_capacity - i) % repair->resend_capacity];
}

static bool spurious_grow(struct tl_repair *repair)
{
    unsigned newest = repair->resend_newest;
    void *resends = tl_grow_ring(repair->allocator, repair->resends, sizeof *repair->resends, repair->resend_capacity, &newest);

    if (resends) {
        repair->resends = resends;
        repair->resend_capacity = (uint8_t)tl_grown(repair->resend_capacity);
        repair->resend_newest = (uint8_t)newest;
    }
    return resends != NULL;
}

static struct tl_resend *spurious_add_resend(struct tl_repair *repair)
{
    if (repair->resend_count == repair->resend_capacity && repair->resend_capacity < TL_RESENDS_MAX && !spurious_grow(repair) &&
        repair->resend_capacity == 0) {
        return NULL;
    }
    repair->resend_newest = (uint8_t)((repair->resend_newest + 1u) % repair->resend_capacity);
    repair->resend_count += repair->resend_count < repair->resend_capacity;
    return spurious_resend_at(repair, 0);
}

/* ---- known at once ------------------------------------------------------------------------------------------------------ */

/* The capture point is beside the receiver: what passed it has arrived. */
static bool spurious_is_beside_receiver(const struct tl_step *step)
{
    return step->rtt_ns != TL_UNKNOWN_NS && step->peer->half_rtt_ns < step->rtt_ns / DELIVERED_SHARE;
}

/* Whether the receiver, beside the capture point, may have taken the bytes before: it would have acknowledged them by whatever it has
 * sent since, or by now. */
static bool spurious_may_be_taken(const struct tl_step *step, const struct tl_scoreboard_result *look)
{
    return step->peer->last_ns <= look->previous.time_ns && tl_since(step, look->previous.time_ns) <= DELAYED_ACK_NS;
}

/* The receiver's host is beside the capture point, has been heard since the bytes passed before, and does not know them: its card or a
 * filter of its own takes them (a checksum that is wrong, for one), or it has no room. */
static bool spurious_is_not_taken(const struct tl_step *step, const struct tl_scoreboard_result *look)
{
    int64_t half_rtt = step->peer->half_rtt_ns > DSACK_HALF_RTT_NS ? step->peer->half_rtt_ns : 0;

    return spurious_is_beside_receiver(step) && look->filled_bytes == 0 &&
           step->peer->last_ns > look->previous.time_ns + half_rtt && tl_seq_before(step->self->una, step->end);
}

/* Whether the ACK of the bytes passed so lately that it may still be on its way to their sender: twice as long as the way was at its best,
 * and room for the sender's own delay. */
static bool spurious_ack_is_under_way(const struct tl_step *step)
{
    int64_t half_rtt = tl_max_ns(step->self->half_rtt_ns, 0);

    return step->self->half_rtt_ns == TL_UNKNOWN_NS || tl_since(step, step->peer->ack_ns) <= 2 * half_rtt + CROSSING_NS;
}

static enum tl_spurious spurious_known_spurious(const struct tl_step *step, const struct tl_report *known,
                                                const struct tl_scoreboard_result *look, bool captured_before)
{
    const struct tl_repair *repair = step->self->repair;
    bool timestamps = step->seg->options & TL_OPT_TIMESTAMPS;

    if (look->new_bytes > 0) {
        return TL_SPURIOUS_NONE;
    }
    if (step->self->has_una && !tl_seq_after(step->end, step->self->una)) {
        if (tl_late_may_fill(step)) {
            return TL_SPURIOUS_NONE;
        }
        return !tl_seq_after(step->end, known->una) ? TL_SPURIOUS_ACKED
               : spurious_ack_is_under_way(step)    ? TL_SPURIOUS_ACKED_CROSSING
                                                    : TL_SPURIOUS_UNHEARD;
    }
    if (tl_feedback_covers(&repair->feedback, step->seg->seq, step->end) && !tl_seq_before(known->sacked, step->end)) {
        return TL_SPURIOUS_SACKED;
    }
    if (captured_before && !timestamps && !repair->seen_sack && look->filled_bytes == 0 && spurious_is_beside_receiver(step) &&
        spurious_may_be_taken(step, look) && !tl_agreed(step, TL_OPT_SACK_PERMITTED)) {
        return TL_SPURIOUS_DELIVERED;
    }
    return TL_SPURIOUS_NONE;
}

void tl_spurious_begin(struct tl_step *step, const struct tl_report *known, const struct tl_scoreboard_result *look,
                       bool captured_before)
{
    struct tl_resend *resend = spurious_add_resend(step->self->repair);

    step->shape->spurious = (uint8_t)spurious_known_spurious(step, known, look, captured_before);
    if (step->shape->spurious == TL_SPURIOUS_UNHEARD) {
        tl_count(&step->self->unheard);
    } else if (captured_before && look->new_bytes == 0 && spurious_is_not_taken(step, look)) {
        tl_count(&step->self->not_taken);
    }
    if (!resend) {
        return;
    }
    *resend = (struct tl_resend){
        .time_ns = step->seg->time_ns,
        .frame = step->seg->frame,
        .seq = step->seg->seq,
        .end = step->end,
        .twice = step->seg->seq,
        .tsval = step->seg->tsval,
        .has_tsval = (step->seg->options & TL_OPT_TIMESTAMPS) != 0,
        .captured_before = captured_before && look->filled_bytes == 0,
        .answered = step->shape->spurious != TL_SPURIOUS_NONE,
        .proved = step->shape->spurious != TL_SPURIOUS_NONE,
    };
}

/* ---- proved later ------------------------------------------------------------------------------------------------------- */

static void spurious_prove(struct tl_step *step, struct tl_resend *resend, enum tl_spurious spurious)
{
    unsigned i = 0;

    resend->proved = true;
    while (i < TL_PROVED_MAX && step->refs->proved[i].frame != 0) {
        i++;
    }
    if (i < TL_PROVED_MAX) {
        step->refs->proved[i].frame = resend->frame;
        step->refs->proved[i].spurious = spurious;
    }
}

void tl_spurious_late_original(struct tl_step *step)
{
    struct tl_repair *repair = step->self->repair;
    unsigned i;

    for (i = 0; i < repair->resend_count; i++) {
        struct tl_resend *resend = spurious_resend_at(repair, i);

        if (!resend->proved && !tl_seq_before(resend->seq, step->seg->seq) && !tl_seq_after(resend->end, step->end)) {
            spurious_prove(step, resend, TL_SPURIOUS_LATE_ORIGINAL);
        }
    }
}

/* The retransmission that a D-SACK reports, each report being of one copy: the newest that can have drawn it and is not
 * reported yet. The echo names it only if the duplicate reached the edge of what had been acknowledged: what lies below that is
 * refused before TS.Recent is set (RFC 7323 5.3 R2 and R3), and the echo is that of the bytes that were needed. */
static struct tl_resend *spurious_reported(const struct tl_step *step)
{
    struct tl_repair *repair = step->peer->repair;
    const struct tl_feedback *feedback = &repair->feedback;
    int64_t least_ns = step->self->half_rtt_ns < DSACK_HALF_RTT_NS ? 0 : step->self->half_rtt_ns / 100 * DSACK_HALF_RTT_PERCENT;
    bool echoes = (step->seg->options & TL_OPT_TIMESTAMPS) && feedback->dsack[1] == step->seg->ack;
    struct tl_resend *found = NULL;
    unsigned i;

    for (i = 0; i < repair->resend_count; i++) {
        struct tl_resend *resend = spurious_resend_at(repair, i);
        bool overlaps = !tl_seq_before(resend->twice, feedback->dsack[0]) && tl_seq_before(resend->twice, feedback->dsack[1]);

        if (!overlaps || resend->reported) {
            continue;
        }
        if (echoes && resend->has_tsval && resend->tsval == step->seg->tsecr) {
            return resend; /* whatever the half RTT was thought to be: it has arrived */
        }
        if (!found && tl_since(step, resend->time_ns) >= least_ns) {
            found = resend;
        }
    }
    return found;
}

static void spurious_prove_by_dsack(struct tl_step *step)
{
    struct tl_resend *resend = spurious_reported(step);

    if (!resend) {
        return;
    }
    resend->twice = step->peer->repair->feedback.dsack[1];
    if (tl_seq_before(resend->twice, resend->end)) {
        return; /* the rest was needed, as far as is known: what was captured whole may have travelled in parts */
    }
    resend->reported = true;
    if (!resend->proved) {
        spurious_prove(step, resend, TL_SPURIOUS_DSACK);
    }
}

/* Whether bytes above the acknowledged ones were sent at such a time that this ACK may be the duplicate ACK that they draw. */
static bool spurious_is_drawn_by_later_bytes(const struct tl_step *step, int64_t least_ns, int64_t most_ns)
{
    const struct tl_recent_entry *e;
    unsigned i;

    for (i = 0; (e = tl_recent_at(&step->peer->recent, i)) != NULL; i++) {
        int64_t age_ns = tl_since(step, e->time_ns);
        uint32_t octets = tl_event_length(e->flags, e->len);

        if (age_ns > most_ns) {
            return false;
        }
        if (age_ns >= least_ns && octets > 0 && tl_seq_after(e->seq + octets, step->peer->una)) {
            return true;
        }
    }
    return i == TL_RECENT_MAX; /* more may have been sent before what is remembered */
}

/* Whether this ACK only repeats the last one, and nothing but old bytes can have drawn it: RFC 9293 3.10.7.4 answers them so. With
 * SACK a D-SACK would say more. */
static bool spurious_repeats_last_ack(const struct tl_step *step, const struct tl_scoreboard_ack_result *acked)
{
    const struct tl_endpoint *self = step->self, *peer = step->peer;
    const struct tl_shape *shape = step->shape;
    bool no_sack = self->has_isn_of_syn && peer->has_isn_of_syn && !tl_agreed(step, TL_OPT_SACK_PERMITTED);
    bool named = shape->keepalive != TL_PROBE_KIND_NONE || shape->window_probe != TL_PROBE_KIND_NONE ||
                 shape->teardown_step != TL_TEARDOWN_STEP_NONE || shape->handshake_step != TL_HANDSHAKE_STEP_NONE ||
                 (shape->ack != TL_ACK_NONE && shape->ack != TL_ACK_DUP);

    return !acked && no_sack && !named && step->event == TL_EVENT_ACK && step->seg->sack_count == 0 &&
           step->seg->ack == peer->una && step->seg->window == self->last_window;
}

/* When the newest retransmission was sent that is known to have filled a hole. Its ACK has come, and so have the duplicate ACKs that
 * whatever was sent before it drew. */
static int64_t spurious_filled_at(const struct tl_repair *repair)
{
    unsigned i = 0;

    while (i < repair->resend_count && !spurious_resend_at(repair, i)->filled) {
        i++;
    }
    return i < repair->resend_count ? spurious_resend_at(repair, i)->time_ns : 0;
}

/* Each such ACK is about the newest retransmission that can have drawn it; the one that filled a hole drew the ACK before. */
static void spurious_prove_by_repeated_ack(struct tl_step *step, const struct tl_scoreboard_ack_result *acked)
{
    struct tl_repair *repair = step->peer->repair;
    int64_t half_rtt = step->self->half_rtt_ns, least_ns = half_rtt / 100 * DSACK_HALF_RTT_PERCENT,
            most_ns = 2 * half_rtt + ANSWER_NS;
    unsigned i;

    if (half_rtt <= TOO_FAST_HALF_RTT_NS || !spurious_repeats_last_ack(step, acked) ||
        spurious_is_drawn_by_later_bytes(step, least_ns, tl_min_ns(most_ns, tl_since(step, spurious_filled_at(repair))))) {
        return;
    }
    for (i = 0; i < repair->resend_count; i++) {
        struct tl_resend *resend = spurious_resend_at(repair, i);
        int64_t age_ns = tl_since(step, resend->time_ns);

        if (age_ns >= least_ns && age_ns <= most_ns && !resend->filled && !resend->reported &&
            !tl_seq_after(resend->end, step->peer->una)) {
            resend->reported = true;
            if (!resend->proved) {
                spurious_prove(step, resend, TL_SPURIOUS_ANSWERED_AGAIN);
            }
            return;
        }
    }
}

static void spurious_prove_by_ack(struct tl_step *step, struct tl_resend *resend, const struct tl_scoreboard_ack_result *acked)
{
    const struct tl_feedback *feedback = &step->peer->repair->feedback;
    bool covered = !tl_seq_after(resend->end, step->peer->una) || tl_feedback_covers(feedback, resend->seq, resend->end);
    int64_t half_rtt = step->self->half_rtt_ns;
    bool first = covered && !resend->answered;
    bool echoes = resend->has_tsval && (step->seg->options & TL_OPT_TIMESTAMPS);
    bool echoes_older = echoes && tl_seq_before(step->seg->tsecr, resend->tsval);

    if (acked && acked->una_before == resend->seq && echoes_older) {
        /* RFC 3522: the ACK that fills exactly this hole echoes an older timestamp, so an earlier copy filled it. */
        spurious_prove(step, resend, TL_SPURIOUS_TS_ECHO);
    } else if (first && resend->captured_before && (echoes_older || !echoes) && half_rtt > TOO_FAST_HALF_RTT_NS &&
               step->self->half_rtt_count >= SAMPLES_SURE && tl_since(step, resend->time_ns) < half_rtt / TOO_FAST_SHARE) {
        spurious_prove(step, resend,
                       TL_SPURIOUS_TOO_FAST); /* an echo of it would show that the half RTT was measured too long */
    } else if (acked && acked->una_before == resend->seq) {
        resend->filled = true;
    }
    resend->answered |= covered;
}

void tl_spurious_prove(struct tl_step *step, const struct tl_scoreboard_ack_result *acked)
{
    struct tl_repair *repair = step->peer->repair;
    unsigned i;

    if (repair->resend_count == 0) {
        return;
    }
    if (repair->feedback.has_dsack) {
        spurious_prove_by_dsack(step);
    }
    spurious_prove_by_repeated_ack(step, acked);
    for (i = 0; i < repair->resend_count; i++) {
        struct tl_resend *resend = spurious_resend_at(repair, i);

        if (!resend->proved && !resend->answered) {
            spurious_prove_by_ack(step, resend, acked);
        }
    }
}
