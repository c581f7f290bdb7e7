/* tl_window.c - plausibility, round-trip time, windows, and what a RST does to its receiver.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "conn/tl_window.h"

/* Octets by which a number may miss what was captured and still belong to the connection, if no larger window was advertised:
 * captures lose segments, and 1 MiB is more than most windows and far less than the distance of random numbers. */
enum { PLAUSIBLE_OCTETS = 1 << 20, SCALE_MAX = 14 /* RFC 7323 2.3 */ };

/* Whether a number of the direction of `end` is within `reach` of what that had sent; what it still has to hear of is, however much
 * that is. */
static bool window_near(uint32_t number, const struct tl_endpoint *end, uint32_t reach)
{
    uint32_t low = end->max - reach;

    if (end->has_una && tl_seq_before(end->una, low)) {
        low = end->una;
    }
    return tl_seq_within(number, low, end->max + reach);
}

bool tl_window_fits(const struct tl_conn *conn, const struct tl_segment *seg)
{
    const struct tl_endpoint *self = &conn->endpoint[seg->from];
    const struct tl_endpoint *peer = &conn->endpoint[1 - seg->from];
    uint32_t reach = PLAUSIBLE_OCTETS;

    if (seg->flags & (TL_SYN | TL_RST)) {
        return true;
    }
    if (self->max_window > reach) {
        reach = self->max_window;
    }
    if (peer->max_window > reach) {
        reach = peer->max_window;
    }
    if (self->has_max && !window_near(seg->seq, self, reach)) {
        return false;
    }
    return !(seg->flags & TL_ACK) || !peer->has_max || window_near(seg->ack, peer, reach);
}

int64_t tl_window_rtt(const struct tl_conn *conn)
{
    if (conn->endpoint[0].half_rtt_ns == TL_UNKNOWN_NS || conn->endpoint[1].half_rtt_ns == TL_UNKNOWN_NS) {
        return TL_UNKNOWN_NS;
    }
    return conn->endpoint[0].half_rtt_ns + conn->endpoint[1].half_rtt_ns;
}

int64_t tl_window_patience(const struct tl_step *step, int64_t at_least_ns, int times)
{
    return tl_max_ns(at_least_ns, step->rtt_ns == TL_UNKNOWN_NS ? 0 : times * step->rtt_ns);
}

/* The shift of the windows of `self`, or -1 while it is not known. Both SYNs must offer it (RFC 7323 2.2). */
static int window_shift_of(const struct tl_endpoint *self, const struct tl_endpoint *peer)
{
    if (!self->has_isn_of_syn || !peer->has_isn_of_syn) {
        return -1;
    }
    if (!(self->options & TL_OPT_WINDOW_SCALE) || !(peer->options & TL_OPT_WINDOW_SCALE)) {
        return 0;
    }
    return self->scale > SCALE_MAX ? SCALE_MAX : self->scale;
}

static uint32_t window_of(const struct tl_endpoint *self, const struct tl_endpoint *peer, const struct tl_segment *seg)
{
    int shift = seg->flags & TL_SYN ? 0 : window_shift_of(self, peer);

    return (uint32_t)seg->window << (shift > 0 ? shift : 0);
}

void tl_window_learn(struct tl_endpoint *self, const struct tl_endpoint *peer, const struct tl_segment *seg)
{
    if (seg->window == 0 && (!self->has_window || self->window > 0)) {
        self->closed_in = seg->frame;
        self->reopened = false;
    } else if (seg->window > 0 && self->has_window && self->window == 0) {
        self->open_tsval = seg->tsval;
        self->reopened = true;
    }
    self->window = window_of(self, peer, seg);
    self->has_window = true;
    self->last_window = seg->window;
    if (self->window > self->max_window) {
        self->max_window = self->window;
    }
}

/* A RST that reaches an end in SYN-SENT counts by its ACK alone (RFC 9293 3.10.7.3). If a SYN-ACK of the sender was captured,
 * that end may be synchronised by now. */
static enum tl_rst_effect window_effect_in_syn_sent(const struct tl_step *step, uint8_t *confidence)
{
    const struct tl_endpoint *y = step->peer;
    *confidence = TL_CONFIDENCE_CERTAIN;
    if (tl_has(step, TL_ACK)) {
        bool fits = tl_seq_within(step->seg->ack, y->isn + 1, y->isn + 1 + y->syn_extra);

        return fits ? TL_RST_EFFECT_ACCEPTED : TL_RST_EFFECT_IGNORED;
    }
    if (tl_synacks(step->self)->count > 0 && step->seg->seq == step->self->isn + 1) {
        *confidence = TL_CONFIDENCE_LIKELY;
        return TL_RST_EFFECT_ACCEPTED;
    }
    return TL_RST_EFFECT_IGNORED;
}

/* The receiver has said nothing yet that tells which number it expects. */
static enum tl_rst_effect window_effect_unheard(const struct tl_step *step, uint8_t *confidence)
{
    const struct tl_endpoint *x = step->self;

    *confidence = TL_CONFIDENCE_GUESS;
    if (!x->has_max || step->seg->seq == x->max) {
        return TL_RST_EFFECT_ACCEPTED;
    }
    *confidence = TL_CONFIDENCE_NONE;
    return TL_RST_EFFECT_UNKNOWN;
}

enum tl_rst_effect tl_window_rst_effect(const struct tl_step *step, uint8_t *confidence)
{
    const struct tl_endpoint *x = step->self, *y = step->peer;
    uint32_t seq = step->seg->seq, low, high;

    *confidence = TL_CONFIDENCE_CERTAIN;
    switch (tl_fsm_state(&y->fsm)) {
    case TL_STATE_CLOSED:
        return TL_RST_EFFECT_IGNORED;
    case TL_STATE_TIME_WAIT:
        *confidence = TL_CONFIDENCE_NONE;
        return TL_RST_EFFECT_UNKNOWN; /* RFC 1337 */
    case TL_STATE_SYN_SENT:
        return window_effect_in_syn_sent(step, confidence);
    default:
        break;
    }
    if (!x->has_una) {
        bool opening = x->has_isn_of_syn && seq == x->isn + 1;

        *confidence = TL_CONFIDENCE_LIKELY;
        return opening ? TL_RST_EFFECT_ACCEPTED : window_effect_unheard(step, confidence);
    }
    low = x->una;
    high = x->has_max && tl_seq_after(x->max, low) ? x->max : low;
    if (tl_seq_within(seq, low, high) && (seq == low || !tl_scoreboard_has_hole_below(tl_scoreboard_of(x), seq))) {
        /* Which of these the receiver expects next depends on what has arrived: the capture does not say. */
        *confidence = low == high ? TL_CONFIDENCE_CERTAIN : TL_CONFIDENCE_LIKELY;
        return TL_RST_EFFECT_ACCEPTED;
    }
    if (tl_seq_before(seq, low)) {
        return TL_RST_EFFECT_IGNORED;
    }
    if (!y->has_window || window_shift_of(y, x) < 0) {
        *confidence = TL_CONFIDENCE_NONE;
        return TL_RST_EFFECT_UNKNOWN;
    }
    return tl_seq_within(seq, low, low + y->window) ? TL_RST_EFFECT_CHALLENGE : TL_RST_EFFECT_IGNORED;
}
