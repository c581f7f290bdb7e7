/* tl_phase.c - which part of the connection's life a segment belongs to.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * RFC 9293 3.5 (opening), 3.6 (closing), 3.10.7.4 and RFC 5961 3.2 (which resets end a connection).
 */
#include "rules/tl_phase.h"

/* The phase of the segment and the phase after it. */
struct phases {
    enum tl_phase now, after;
};

static struct phases phase_stay(enum tl_phase phase)
{
    return (struct phases){phase, phase};
}

static struct phases phase_of_rst(const struct tl_step *step, enum tl_phase before)
{
    switch (before) {
    case TL_PHASE_NONE:
        return (struct phases){TL_PHASE_UNKNOWN, TL_PHASE_CLOSED}; /* P16 */
    case TL_PHASE_HANDSHAKE:                                       /* P3 */
        return (struct phases){TL_PHASE_HANDSHAKE, step->rst_effective ? TL_PHASE_CLOSED : TL_PHASE_HANDSHAKE};
    case TL_PHASE_ESTABLISHED:
    case TL_PHASE_TEARDOWN:
    case TL_PHASE_HALF_CLOSED:
        /* P7, P7b: one that the receiver ignores or challenges ends nothing. */
        return step->rst_effective ? (struct phases){TL_PHASE_TEARDOWN, TL_PHASE_CLOSED} : phase_stay(before);
    default:
        return phase_stay(before);
    }
}

static struct phases phase_of_fin(const struct tl_step *step, enum tl_phase before)
{
    bool first_sent =
        step->shape->teardown_step >= TL_TEARDOWN_STEP_FIN1 && step->shape->teardown_step <= TL_TEARDOWN_STEP_FIN2_CROSS;

    if (step->opens &&
        (step->shape->handshake_step == TL_HANDSHAKE_STEP_ACK || step->shape->handshake_step == TL_HANDSHAKE_STEP_ACK_DATA)) {
        return (struct phases){TL_PHASE_HANDSHAKE, TL_PHASE_TEARDOWN}; /* P4: it completes the handshake first */
    }
    if (before == TL_PHASE_TIME_WAIT || before == TL_PHASE_CLOSED || step->copy_of ||
        (!first_sent && before != TL_PHASE_NONE)) {
        return phase_stay(before);
    }
    return phase_stay(TL_PHASE_TEARDOWN); /* P6, P11 */
}

/* Before the handshake is over, or as the first segment captured. */
static struct phases phase_of_early(const struct tl_step *step, enum tl_phase before)
{
    const struct tl_conn *conn = step->conn;

    if (step->shape->handshake_step == TL_HANDSHAKE_STEP_ACK || step->shape->handshake_step == TL_HANDSHAKE_STEP_ACK_DATA) {
        return (struct phases){TL_PHASE_HANDSHAKE, conn->opened ? TL_PHASE_ESTABLISHED : TL_PHASE_HANDSHAKE}; /* P4 */
    }
    if (conn->opened) {
        return phase_stay(TL_PHASE_ESTABLISHED); /* P4b, P5, P15 */
    }
    return phase_stay(before == TL_PHASE_NONE ? TL_PHASE_UNKNOWN : TL_PHASE_HANDSHAKE);
}

static struct phases phase_of_plain(const struct tl_step *step, enum tl_phase before)
{
    switch (before) {
    case TL_PHASE_NONE:
    case TL_PHASE_UNKNOWN:
    case TL_PHASE_HANDSHAKE:
        return phase_of_early(step, before);
    case TL_PHASE_TEARDOWN:
    case TL_PHASE_HALF_CLOSED:
        if (step->finishes) {
            return phase_stay(TL_PHASE_TEARDOWN);
        }
        /* P8, P9, P10: new payload by the end that has not closed, which knows that the other end has, makes it half closed. */
        return step->shape->teardown_step == TL_TEARDOWN_STEP_HALF_CLOSE_DATA ||
                       (step->new_bytes && step->acks_fin && !step->self->has_fin)
                   ? phase_stay(TL_PHASE_HALF_CLOSED)
                   : phase_stay(before);
    default: /* P13, P14, P17 */
        return phase_stay(before);
    }
}

/* P1, P2: opening, or opened already. */
static struct phases phase_of_syn(const struct tl_step *step, enum tl_phase before)
{
    bool opening = !step->conn->opened;

    if (step->opens) {
        return (struct phases){TL_PHASE_HANDSHAKE, TL_PHASE_ESTABLISHED}; /* P4b: simultaneous open, no ACK need follow */
    }
    return (struct phases){TL_PHASE_HANDSHAKE, opening || before == TL_PHASE_NONE ? TL_PHASE_HANDSHAKE : before};
}

void tl_phase_name(const struct tl_conn *conn, struct tl_step *step)
{
    enum tl_phase before = (enum tl_phase)conn->phase;
    struct phases phases = phase_stay(before == TL_PHASE_NONE ? TL_PHASE_UNKNOWN : before);

    if (before == TL_PHASE_CLOSED && !conn->reset.ended && conn->phase_open != TL_PHASE_NONE) {
        before = (enum tl_phase)conn->phase_open; /* P14b: the RST that had closed it was revoked */
        phases = phase_stay(before);
    }
    if (step->refutes_fin && !conn->endpoint[0].has_fin && !conn->endpoint[1].has_fin &&
        (before == TL_PHASE_TEARDOWN || before == TL_PHASE_HALF_CLOSED)) {
        before = TL_PHASE_ESTABLISHED; /* nobody has closed */
    }
    if (step->event == TL_EVENT_SYN || step->event == TL_EVENT_SYNACK) {
        phases = phase_of_syn(step, before);
    } else if (step->event == TL_EVENT_RST) {
        phases = phase_of_rst(step, before);
    } else if (step->event == TL_EVENT_FIN && step->legal && !step->stray) {
        phases = phase_of_fin(step, before);
    } else if (step->legal && !step->stray) {
        phases = phase_of_plain(step, before);
    }
    if (step->finishes) { /* P12 */
        phases.after = TL_PHASE_TIME_WAIT;
    }
    step->shape->phase = (uint8_t)phases.now;
    step->phase_left = (uint8_t)before;
    step->phase_after = (uint8_t)phases.after;
}

void tl_phase_learn(struct tl_step *step)
{
    struct tl_conn *conn = step->conn;

    if (step->phase_after == TL_PHASE_CLOSED && step->phase_left != TL_PHASE_CLOSED) {
        conn->phase_open = step->phase_left;
    }
    conn->phase = step->phase_after;
}
