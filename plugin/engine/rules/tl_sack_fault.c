/* tl_sack_fault.c - what a device on the path does to SACK blocks.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * RFC 2018 3 and 4: blocks lie within what the receiver has got, and whoever sends them at all sends them with every duplicate ACK.
 */
#include "rules/tl_sack_fault.h"

#include "rules/tl_probe.h"
#include "rules/tl_rexmit.h"

/* Segments that make it a habit of the path, not of one damaged packet. */
enum { SPOILED_LEAST = 3 };
/* Two copies of one ACK that the network has doubled do not come further apart. */
static const int64_t DOUBLED_NS = 200 * TL_MS;
/* A block may report what came twice (RFC 2883), so much below what is acknowledged. */
enum { BELOW_MOST = 1 << 20 };

/* Whether a block lies outside of everything that this end can have got: below the bytes that it may report as doubled, or beyond its
 * window and all that was sent. */
static bool sack_fault_is_alien(const struct tl_step *step, const uint32_t *block)
{
    const struct tl_endpoint *self = step->self, *peer = step->peer;
    uint32_t ack = step->seg->ack, reach = self->max_window > BELOW_MOST ? self->max_window : BELOW_MOST;
    uint32_t high = tl_seq_after(peer->max, ack + reach) ? peer->max : ack + reach;

    return !tl_seq_within(block[0], ack - reach, high) || !tl_seq_within(block[1], ack - reach, high);
}

static bool sack_fault_has_alien_block(const struct tl_step *step)
{
    for (unsigned i = 0; i < step->seg->sack_count; i++) {
        if (sack_fault_is_alien(step, step->seg->sack[i])) {
            return true;
        }
    }
    return false;
}

/* Whether this ACK may be the one before, doubled by the network, which needs no block. Three that are alike are not: one of them at least
 * is a duplicate ACK. O(TL_RECENT_MAX). */
static bool sack_fault_may_be_doubled(const struct tl_step *step)
{
    const struct tl_recent_entry *e;
    unsigned alike = 0;

    for (unsigned i = 0; (e = tl_recent_at(&step->self->recent, i)) != NULL && tl_since(step, e->time_ns) <= DOUBLED_NS; i++) {
        alike += tl_probe_may_be_copy(step, e, DOUBLED_NS);
    }
    return alike == 1;
}

/* A duplicate ACK without the blocks that both ends agreed on, of an end that has never sent one as far as this capture shows; the snap
 * length has not cut it. */
static bool sack_fault_lacks_blocks(const struct tl_step *step)
{
    return step->shape->ack == TL_ACK_DUP && step->seg->sack_count == 0 && tl_agreed(step, TL_OPT_SACK_PERMITTED) &&
           !(step->seg->options & TL_OPT_BROKEN) && step->peer->repair && !step->peer->repair->seen_sack &&
           !sack_fault_may_be_doubled(step);
}

void tl_sack_fault_learn(struct tl_step *step)
{
    if (step->copy_of || step->stray || !tl_has(step, TL_ACK) || step->event == TL_EVENT_RST || !step->peer->has_max) {
        return;
    }
    if (sack_fault_has_alien_block(step)) {
        tl_count(&step->self->sack_alien);
    } else if (step->seg->sack_count > 0) {
        step->self->sack_bare = 0; /* nobody takes them out */
    } else if (sack_fault_lacks_blocks(step)) {
        tl_count(&step->self->sack_bare);
    }
}

enum tl_sack_fault tl_sack_fault_now(const struct tl_conn *conn)
{
    const struct tl_endpoint *a = &conn->endpoint[0], *b = &conn->endpoint[1];

    if (a->sack_alien >= SPOILED_LEAST || b->sack_alien >= SPOILED_LEAST) {
        return TL_SACK_FAULT_RENUMBERED;
    }
    return a->sack_bare >= SPOILED_LEAST || b->sack_bare >= SPOILED_LEAST ? TL_SACK_FAULT_BLANKED : TL_SACK_FAULT_NONE;
}
