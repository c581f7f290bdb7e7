/* tl_wait_end.c - what the waits of a connection remember of an end: its leg, its segments, its reports.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "views/tl_wait_state.h"

/* A shorter leg is the host itself, or its own network: what is measured then is no way. */
static const int64_t LEG_LEAST_NS = TL_MS;
/* From so many samples on the second least counts: one alone may be a clock that stuck. */
enum { SAMPLES_FOR_SECOND = 16 };
/* Reports of so small a part of the leg count as one, at the time of the first, so that those kept reach back two legs. */
enum { LEG_PARTS = TL_WAIT_REPORTS / 2 };
enum { TIMESTAMP_OCTETS = 12, MSS_LEAST = 536 /* RFC 9293 3.7.1 */ };

void tl_wait_end_begin(struct tl_wait_end *end, const struct tl_wait_offer *offer)
{
    end->leg_ns = end->second_ns = TL_WAIT_NEVER;
    end->sent_ns = end->before_ns = end->timed_ns = end->probed_ns = TL_WAIT_NEVER;
    if (offer->leg_us > 0) {
        tl_wait_sample(end, (int64_t)offer->leg_us * 1000);
    }
}

int64_t tl_wait_leg_measured(const struct tl_wait_end *end)
{
    return end->samples >= SAMPLES_FOR_SECOND ? end->second_ns : end->leg_ns;
}

int64_t tl_wait_leg(const struct tl_wait_end *end)
{
    int64_t leg = tl_wait_leg_measured(end);

    return leg == TL_WAIT_NEVER || leg < LEG_LEAST_NS ? 0 : leg;
}

void tl_wait_sample(struct tl_wait_end *end, int64_t ns)
{
    end->samples += end->samples < UINT8_MAX;
    if (end->leg_ns == TL_WAIT_NEVER || ns < end->leg_ns) {
        end->second_ns = end->leg_ns == TL_WAIT_NEVER ? ns : end->leg_ns;
        end->leg_ns = ns;
    } else if (ns < end->second_ns || end->samples == 2) {
        end->second_ns = ns;
    }
}

uint32_t tl_wait_mss(const struct tl_waits *waits, unsigned end)
{
    const struct tl_wait_offer *self = &waits->offer[end], *peer = &waits->offer[1 - end];
    uint32_t seen = waits->state->end[end].len_max;

    if (peer->mss == 0) {
        return seen > MSS_LEAST ? seen : MSS_LEAST;
    }
    if (self->has_timestamps && peer->has_timestamps && peer->mss > TIMESTAMP_OCTETS) {
        return peer->mss - TIMESTAMP_OCTETS;
    }
    return peer->mss;
}

const struct tl_wait_report *tl_wait_report_at(const struct tl_wait_end *end, unsigned i)
{
    if (i >= end->count) {
        return NULL;
    }
    return &end->reports[(end->newest + TL_WAIT_REPORTS + 1 - end->count + i) % TL_WAIT_REPORTS];
}

/* Whether two reports say the same of the window that their sender, which has sent up to `sent_end`, waits for. */
static bool wait_end_same_room(const struct tl_wait_report *a, const struct tl_wait_report *b, uint32_t sent_end)
{
    return (a->window == 0) == (b->window == 0) &&
           tl_seq_after(a->ack + a->window, sent_end) == tl_seq_after(b->ack + b->window, sent_end);
}

bool tl_wait_report_add(const struct tl_wait_end *x, struct tl_wait_end *y, const struct tl_allocator *allocator,
                        const struct tl_wait_report *report)
{
    struct tl_wait_report *last;

    if (!y->reports) {
        y->reports = allocator->alloc(allocator->context, TL_WAIT_REPORTS * sizeof *y->reports);
    }
    if (!y->reports) {
        return false;
    }
    last = &y->reports[y->newest];
    if (y->count > 0 && report->ns - last->ns < tl_wait_leg(x) / LEG_PARTS && wait_end_same_room(last, report, x->sent_end)) {
        int64_t first = last->ns;
        bool moves = last->moves || report->moves;

        *last = *report;
        last->ns = first;
        last->moves = moves;
        return true;
    }
    y->newest = (uint8_t)((y->newest + 1) % TL_WAIT_REPORTS);
    y->count += y->count < TL_WAIT_REPORTS;
    y->reports[y->newest] = *report;
    return true;
}

bool tl_wait_edge(const struct tl_wait_state *state, unsigned x, int64_t ns, uint32_t *edge)
{
    const struct tl_wait_end *y = &state->end[1 - x];
    int64_t leg = tl_wait_leg(&state->end[x]);
    const struct tl_wait_report *report;
    bool any = false;

    for (unsigned i = 0; (report = tl_wait_report_at(y, i)) != NULL && tl_wait_knows(leg, report, ns); i++) {
        if (!any || tl_seq_after(report->ack + report->window, *edge)) {
            *edge = report->ack + report->window;
        }
        any = true;
    }
    return any;
}
