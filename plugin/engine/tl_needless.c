/* tl_needless.c - retransmissions that were not needed, and what proves it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "tl_needless.h"

/* "Too fast" needs a leg that is long compared with the jitter of one host. */
static const int64_t TOO_FAST_LEG_NS = 3 * TL_MS;
/* The report of a duplicate comes at least this share of the leg after the duplicate passed. */
enum { DSACK_LEG_PERCENT = 70, DELIVERED_SHARE = 10 };

/* ---- the ring of retransmissions ---------------------------------------------------------------------------------------- */

static struct tl_resend *resend_at(const struct tl_repair *repair, unsigned i)
{
    return &repair->resends[(repair->resend_newest + repair->resend_capacity - i) % repair->resend_capacity];
}

static bool grow(struct tl_repair *repair)
{
    unsigned capacity = repair->resend_capacity == 0 ? TL_RESENDS_FIRST : repair->resend_capacity * 2u, i;
    const struct tl_allocator *allocator = repair->allocator;
    struct tl_resend *resends = allocator->alloc(allocator->context, capacity * sizeof *resends);

    if (!resends) {
        return false;
    }
    for (i = 0; i < repair->resend_count; i++) {
        resends[repair->resend_count - 1 - i] = *resend_at(repair, i);
    }
    allocator->free(allocator->context, repair->resends);
    repair->resends = resends;
    repair->resend_capacity = (uint8_t)capacity;
    repair->resend_newest = (uint8_t)(repair->resend_count > 0 ? repair->resend_count - 1u : capacity - 1u);
    return true;
}

static struct tl_resend *add_resend(struct tl_repair *repair)
{
    if (repair->resend_count == repair->resend_capacity && repair->resend_capacity < TL_RESENDS_MAX && !grow(repair) &&
        repair->resend_capacity == 0) {
        return NULL;
    }
    repair->resend_newest = (uint8_t)((repair->resend_newest + 1u) % repair->resend_capacity);
    repair->resend_count += repair->resend_count < repair->resend_capacity;
    return resend_at(repair, 0);
}

/* ---- known at once ------------------------------------------------------------------------------------------------------ */

/* The capture point is beside the receiver: what passed it has arrived. */
static bool is_beside_receiver(const struct tl_step *step)
{
    return step->rtt_ns != TL_UNKNOWN_NS && step->peer->leg_ns < step->rtt_ns / DELIVERED_SHARE;
}

static enum tl_needless known_needless(const struct tl_step *step, const struct tl_report *known,
                                       const struct tl_sent_result *look, bool captured_before)
{
    const struct tl_repair *repair = step->self->repair;
    bool timestamps = step->seg->options & TL_OPT_TIMESTAMPS;

    if (look->new_bytes > 0) {
        return TL_NEEDLESS_NONE;
    }
    if (step->self->has_una && !tl_seq_after(step->end, step->self->una)) {
        return tl_seq_after(step->end, known->una) ? TL_NEEDLESS_ACKED_CROSSING : TL_NEEDLESS_ACKED;
    }
    if (tl_feedback_covers(&repair->feedback, step->seg->seq, step->end) && !tl_seq_before(known->sacked, step->end)) {
        return TL_NEEDLESS_SACKED;
    }
    if (captured_before && !timestamps && !repair->seen_sack && look->filled_bytes == 0 && is_beside_receiver(step) &&
        !(step->self->options & step->peer->options & TL_OPT_SACK_PERMITTED)) {
        return TL_NEEDLESS_DELIVERED;
    }
    return TL_NEEDLESS_NONE;
}

void tl_needless_begin(struct tl_step *step, const struct tl_report *known, const struct tl_sent_result *look,
                       bool captured_before)
{
    struct tl_resend *resend = add_resend(step->self->repair);

    step->shape->needless = (uint8_t)known_needless(step, known, look, captured_before);
    if (!resend) {
        return;
    }
    *resend = (struct tl_resend){
        .time_ns = step->seg->time_ns,
        .frame = step->seg->frame,
        .seq = step->seg->seq,
        .end = step->end,
        .tsval = step->seg->tsval,
        .has_tsval = (step->seg->options & TL_OPT_TIMESTAMPS) != 0,
        .captured_before = captured_before && look->filled_bytes == 0,
        .answered = step->shape->needless != TL_NEEDLESS_NONE,
        .proved = step->shape->needless != TL_NEEDLESS_NONE,
    };
}

/* ---- proved later ------------------------------------------------------------------------------------------------------- */

static void prove(struct tl_step *step, struct tl_resend *resend, enum tl_needless needless)
{
    unsigned i = 0;

    resend->proved = true;
    while (i < TL_PROVED_MAX && step->refs->proved[i].frame != 0) {
        i++;
    }
    if (i < TL_PROVED_MAX) {
        step->refs->proved[i].frame = resend->frame;
        step->refs->proved[i].needless = needless;
    }
}

void tl_needless_late_original(struct tl_step *step)
{
    struct tl_repair *repair = step->self->repair;
    unsigned i;

    for (i = 0; i < repair->resend_count; i++) {
        struct tl_resend *resend = resend_at(repair, i);

        if (!resend->proved && !tl_seq_before(resend->seq, step->seg->seq) && !tl_seq_after(resend->end, step->end)) {
            prove(step, resend, TL_NEEDLESS_LATE_ORIGINAL);
        }
    }
}

/* The retransmission that a D-SACK reports: the one whose timestamp it echoes, else the newest that it can mean. Each report is
 * of one copy. */
static void prove_by_dsack(struct tl_step *step)
{
    struct tl_repair *repair = step->peer->repair;
    const struct tl_feedback *feedback = &repair->feedback;
    int64_t least_ns = step->self->leg_ns < 0 ? 0 : step->self->leg_ns / 100 * DSACK_LEG_PERCENT;
    struct tl_resend *found = NULL;
    unsigned i;

    for (i = 0; i < repair->resend_count; i++) {
        struct tl_resend *resend = resend_at(repair, i);
        bool overlaps = tl_seq_before(resend->seq, feedback->dsack[1]) && tl_seq_after(resend->end, feedback->dsack[0]);

        if (!overlaps || resend->proved || tl_since(step, resend->time_ns) < least_ns) {
            continue;
        }
        if (resend->has_tsval && (step->seg->options & TL_OPT_TIMESTAMPS) && resend->tsval == step->seg->tsecr) {
            found = resend;
            break;
        }
        found = found ? found : resend;
    }
    if (found) {
        prove(step, found, TL_NEEDLESS_DSACK);
    }
}

static void prove_by_ack(struct tl_step *step, struct tl_resend *resend, const struct tl_sent_ack_result *acked)
{
    const struct tl_feedback *feedback = &step->peer->repair->feedback;
    bool covered = !tl_seq_after(resend->end, step->peer->una) || tl_feedback_covers(feedback, resend->seq, resend->end);
    int64_t leg = step->self->leg_ns;
    bool first = covered && !resend->answered;

    if (acked && acked->una_before == resend->seq && resend->has_tsval && (step->seg->options & TL_OPT_TIMESTAMPS) &&
        tl_seq_before(step->seg->tsecr, resend->tsval)) {
        /* RFC 3522: the ACK that fills exactly this hole echoes an older timestamp, so an earlier copy filled it. */
        prove(step, resend, TL_NEEDLESS_TS_ECHO);
    } else if (first && resend->captured_before && leg > TOO_FAST_LEG_NS && tl_since(step, resend->time_ns) < leg / 2) {
        prove(step, resend, TL_NEEDLESS_TOO_FAST);
    }
    resend->answered |= covered;
}

void tl_needless_prove(struct tl_step *step, const struct tl_sent_ack_result *acked)
{
    struct tl_repair *repair = step->peer->repair;
    unsigned i;

    if (repair->resend_count == 0) {
        return;
    }
    if (repair->feedback.has_dsack) {
        prove_by_dsack(step);
    }
    for (i = 0; i < repair->resend_count; i++) {
        struct tl_resend *resend = resend_at(repair, i);

        if (!resend->proved && !resend->answered) {
            prove_by_ack(step, resend, acked);
        }
    }
}
