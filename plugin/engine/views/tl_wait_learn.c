/* tl_wait_learn.c - what the waits of a connection learn from a segment: ACKs and windows, losses, bytes.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "views/tl_wait_state.h"

enum { SCALE_MAX = 14 /* RFC 7323 2.3 */ };

/* ---- losses --------------------------------------------------------------------------------------------------------------- */

static void wait_learn_open_loss(struct tl_wait_state *state, int64_t now)
{
    state->loss_from = state->loss_from == TL_WAIT_NEVER ? now : state->loss_from;
}

static void wait_learn_close_loss(struct tl_waits *waits, int64_t now)
{
    struct tl_wait_state *state = waits->state;

    for (unsigned i = 0; i < 2; i++) {
        if (state->end[i].repairs || state->end[i].has_hole) {
            return;
        }
    }
    if (state->loss_from != TL_WAIT_NEVER) {
        state->lost_from = state->lost_from == TL_WAIT_NEVER ? state->loss_from : state->lost_from;
        state->lost_to = now;
        state->loss_from = TL_WAIT_NEVER;
    }
}

/* ---- what an ACK says ----------------------------------------------------------------------------------------------------- */

static uint32_t wait_learn_window_of(const struct tl_waits *waits, const struct tl_wait_heard *heard)
{
    const struct tl_wait_offer *self = &waits->offer[heard->xi], *peer = &waits->offer[1 - heard->xi];
    unsigned scale = self->scale > SCALE_MAX ? SCALE_MAX : self->scale;

    if (heard->seg->window == 0 || heard->syn) {
        return heard->seg->window;
    }
    if (!self->has_syn || !peer->has_syn) {
        return TL_WAIT_WINDOW_UNKNOWN;
    }
    return (uint32_t)heard->seg->window << (self->has_scale && peer->has_scale ? scale : 0);
}

/* Whether the ACK comes with an answer, and would be the first to time the leg of its sender. */
static bool wait_learn_answers_first(const struct tl_wait_heard *heard)
{
    return heard->seg->len > 0 && tl_wait_leg_measured(heard->x) == TL_WAIT_NEVER && heard->y->timed_ns != TL_WAIT_NEVER &&
           (heard->seg->flags & TL_ACK) && !tl_seq_before(heard->seg->ack, heard->y->timed_end);
}

/* The most that the leg can be, for the turns that follow. */
static void wait_learn_learn_from_answer(const struct tl_wait_heard *heard)
{
    if (wait_learn_answers_first(heard)) {
        tl_wait_sample(heard->x, heard->now - heard->y->timed_ns);
        heard->y->timed_ns = TL_WAIT_NEVER;
    }
}

/* When the newest segment of Y passed that this ACK covers, and the leg that it times. */
static void wait_learn_time_ack(const struct tl_wait_heard *heard, struct tl_wait_report *report)
{
    struct tl_wait_end *y = heard->y;

    if (y->has_sent && !tl_seq_before(report->ack, y->sent_end)) {
        report->covered = y->sent_ns;
    } else if (y->has_before && !tl_seq_before(report->ack, y->before_end)) {
        report->covered = y->before_ns;
    }
    report->is_exact = report->covered != TL_WAIT_NEVER;
    if (wait_learn_answers_first(heard)) {
        return; /* the time of this very turn says nothing of its own trip: see wait_learn_learn_from_answer() */
    }
    if (y->timed_ns != TL_WAIT_NEVER && !tl_seq_before(report->ack, y->timed_end)) {
        if (!y->repairs && !heard->probe && !heard->keepalive) {
            tl_wait_sample(heard->x, heard->now - y->timed_ns);
        }
        report->covered = report->is_exact ? report->covered : y->timed_ns;
        y->timed_ns = TL_WAIT_NEVER;
    } else if (!report->is_exact && heard->x->count > 0) {
        const struct tl_wait_report *last = &heard->x->reports[heard->x->newest];

        report->covered = last->covered == TL_WAIT_NEVER ? TL_WAIT_NEVER : heard->now - (last->ns - last->covered);
    }
}

bool tl_wait_learn_ack(struct tl_waits *waits, const struct tl_allocator *allocator, const struct tl_wait_heard *heard)
{
    struct tl_wait_state *state = waits->state;
    struct tl_wait_end *x = heard->x, *y = heard->y;
    struct tl_wait_report report = {.ns = heard->now, .covered = TL_WAIT_NEVER, .ack = heard->seg->ack};

    report.window = wait_learn_window_of(waits, heard);
    report.moves = !y->has_una || tl_seq_after(report.ack, y->una);
    wait_learn_time_ack(heard, &report);
    if (report.moves) {
        y->una = report.ack;
        y->has_una = true;
    }
    if ((y->repairs && !tl_seq_before(y->una, y->repair)) || (y->has_hole && !tl_seq_before(report.ack, y->hole))) {
        y->repairs = y->repairs && tl_seq_before(y->una, y->repair);
        y->has_hole = y->has_hole && tl_seq_before(report.ack, y->hole);
        wait_learn_close_loss(waits, heard->now);
    }
    if (report.window == 0 && !heard->syn && y->has_sent && !tl_seq_before(report.ack, y->sent_end)) {
        y->limited = true;
    }
    if (report.window != TL_WAIT_WINDOW_UNKNOWN && !heard->syn && report.window > x->window_max) {
        x->window_max = report.window;
    }
    if (report.moves && waits->since_end != heard->xi && heard->seg->len == 0 && !heard->fin && y->has_max) {
        if (tl_seq_before(report.ack, y->max)) {
            state->acked_part = heard->now;
        } else if (state->acked_all == TL_WAIT_NEVER) {
            state->acked_all = heard->now;
        }
    }
    return tl_wait_report_add(y, x, allocator, &report);
}

/* The first duplicate ACK is the first sign of a loss, unless the hole was captured itself. */
void tl_wait_learn_duplicate(struct tl_waits *waits, const struct tl_wait_heard *heard)
{
    struct tl_wait_end *y = heard->y;

    if (heard->refs->dupack_number == 0 || !y->has_max || y->repairs || heard->probe || heard->keepalive ||
        (y->has_hole_last && tl_seq_before(heard->seg->ack, y->hole_last))) {
        return;
    }
    y->repair = y->max;
    y->repairs = true;
    wait_learn_open_loss(waits->state, heard->now);
}

/* ---- what a segment brings ------------------------------------------------------------------------------------------------ */

static void wait_learn_take_new(struct tl_waits *waits, const struct tl_wait_heard *heard)
{
    struct tl_wait_state *state = waits->state;
    struct tl_wait_end *x = heard->x;
    uint32_t edge, len = heard->seg->len;

    if (len > 0) {
        bool known = tl_wait_edge(state, heard->xi, heard->now, &edge);

        x->len = len;
        x->len_max = len > x->len_max ? len : x->len_max;
        x->limited = known && tl_seq_diff(edge, heard->end) < (int32_t)tl_wait_mss(waits, heard->xi);
        x->limited_count += x->limited;
        x->before_end = x->sent_end;
        x->before_ns = x->sent_ns;
        x->has_before = x->has_sent;
        x->sent_end = heard->end;
        x->has_sent = true;
        x->probed_ns = TL_WAIT_NEVER;
    }
    x->sent_ns = heard->now;
    if (!x->has_max || tl_seq_after(heard->end, x->max)) {
        x->max = heard->end;
        x->has_max = true;
    }
    if (x->timed_ns == TL_WAIT_NEVER && heard->shape->segment == TL_SEGMENT_NEW) {
        x->timed_ns = heard->now;
        x->timed_end = heard->end;
    }
    if (heard->shape->segment == TL_SEGMENT_AHEAD) {
        x->hole = x->hole_last = heard->seg->seq;
        x->has_hole = x->has_hole_last = true;
        wait_learn_open_loss(state, heard->now);
    }
}

void tl_wait_learn_bytes(struct tl_waits *waits, const struct tl_wait_heard *heard)
{
    struct tl_wait_end *x = heard->x;
    unsigned kind = heard->shape->segment;
    bool fills = kind == TL_SEGMENT_RETRANSMISSION || kind == TL_SEGMENT_OUT_OF_ORDER || kind == TL_SEGMENT_PARTIAL;

    wait_learn_learn_from_answer(heard);
    if (x->has_hole && fills && !tl_seq_before(heard->end, x->hole)) {
        x->has_hole = false;
        wait_learn_close_loss(waits, heard->now);
    }
    if (heard->probe && heard->seg->len > 0 && x->has_max && tl_seq_after(heard->end, x->max)) {
        x->max = x->sent_end = heard->end;
    }
    if (!heard->brings || heard->probe || heard->keepalive || heard->rst) {
        return;
    }
    if (heard->is_new || !x->has_max) {
        wait_learn_take_new(waits, heard);
    } else {
        x->timed_ns = TL_WAIT_NEVER; /* Karn: an ACK may be of either transmission */
    }
    x->fin = x->fin || heard->fin;
}
