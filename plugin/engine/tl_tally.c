/* tl_tally.c - see tl_tally.h.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "tl_tally.h"

static bool is_needless(unsigned needless)
{
    return needless != TL_NEEDLESS_NONE && needless != TL_NEEDLESS_NO && needless != TL_NEEDLESS_UNKNOWN;
}

/* ---- what is counted on every connection -------------------------------------------------------------------------------- */

/* A clock that runs backwards makes no silence. */
static void add_time(struct tl_tally *tally, unsigned from, int64_t time_ns)
{
    int64_t idle = tally->any && time_ns > tally->last_ns ? time_ns - tally->last_ns : 0;

    if (!tally->any || from != tally->turn) {
        tally->earlier_idle_ns = tally->turn_idle_ns;
        tally->turn_idle_ns = idle;
        tally->turn = (uint8_t)from;
    }
    if (idle > tally->longest_idle_ns) {
        tally->longest_idle_ns = idle;
    }
    if (!tally->any || time_ns > tally->last_ns) {
        tally->last_ns = time_ns;
    }
    tally->any = true;
}

/* ---- what is not -------------------------------------------------------------------------------------------------------- */

/* Whether it is a copy in the capture, of which nothing else is counted. */
static bool is_copy(const struct tl_shape *shape)
{
    return shape->duplicate == TL_DUPLICATE_CAPTURE ||
           ((shape->flags & TL_SHAPE_COPY) && shape->duplicate != TL_DUPLICATE_NETWORK);
}

/* The window of a reset means nothing. */
static bool closes_window(const struct tl_segment *segment)
{
    return segment->window == 0 && !(segment->flags & TL_RST);
}

static bool is_trouble(const struct tl_tally_end *end, const struct tl_segment *segment, const struct tl_shape *shape)
{
    return shape->retransmission != TL_RETRANSMISSION_NONE || shape->segment == TL_SEGMENT_OUT_OF_ORDER ||
           shape->duplicate != TL_DUPLICATE_NONE || (shape->flags & TL_SHAPE_COPY) || shape->ack == TL_ACK_DUP ||
           shape->keepalive == TL_PROBE_KIND_PROBE || shape->window_probe == TL_PROBE_KIND_PROBE || (segment->flags & TL_RST) ||
           (closes_window(segment) && !end->window_closed);
}

static void add_probe(struct tl_trouble *trouble, const struct tl_shape *shape, const struct tl_refs *refs)
{
    bool first = refs->probe_number == 1;

    if (shape->keepalive == TL_PROBE_KIND_PROBE) {
        trouble->keepalive_probes++;
        trouble->keepalive_runs += first;
    }
    if (shape->window_probe == TL_PROBE_KIND_PROBE) {
        trouble->window_probes++;
        trouble->window_probe_runs += first;
    }
}

static void add_trouble(struct tl_tally_end *end, const struct tl_segment *segment, const struct tl_verdict *verdict)
{
    const struct tl_shape *shape = &verdict->shape;
    struct tl_trouble *trouble = end->trouble;

    if (is_copy(shape)) {
        trouble->copies++;
        return;
    }
    trouble->duplicates += shape->duplicate == TL_DUPLICATE_NETWORK;
    trouble->out_of_order += shape->segment == TL_SEGMENT_OUT_OF_ORDER;
    trouble->duplicate_acks += shape->ack == TL_ACK_DUP;
    trouble->resets += (segment->flags & TL_RST) != 0;
    trouble->zero_windows += closes_window(segment) && !end->window_closed;
    add_probe(trouble, shape, &verdict->refs);
    if (shape->retransmission != TL_RETRANSMISSION_NONE) {
        trouble->retransmissions[shape->retransmission]++;
        trouble->needless += is_needless(shape->needless);
        trouble->bytes_again += shape->flags & TL_SHAPE_NEW_DATA ? 0 : segment->len;
    }
}

/* ---- both --------------------------------------------------------------------------------------------------------------- */

bool tl_tally_add(struct tl_tally *tally, const struct tl_allocator *allocator, const struct tl_segment *segment,
                  const struct tl_verdict *verdict)
{
    unsigned from = verdict->shape.from & 1;
    struct tl_tally_end *end = &tally->end[from];

    if (is_trouble(end, segment, &verdict->shape)) {
        if (!end->trouble) {
            end->trouble = allocator->alloc(allocator->context, sizeof *end->trouble);
        }
        if (!end->trouble) {
            return false;
        }
        add_trouble(end, segment, verdict);
    }
    if (is_copy(&verdict->shape)) {
        return true;
    }
    end->segments++;
    end->bytes += segment->len;
    if (!(segment->flags & TL_RST)) {
        end->window_closed = closes_window(segment);
    }
    add_time(tally, from, segment->time_ns);
    return true;
}

void tl_tally_prove(struct tl_tally *tally, unsigned from, unsigned at_once)
{
    struct tl_trouble *trouble = tally->end[from & 1].trouble;

    if (trouble && !is_needless(at_once)) {
        trouble->needless++;
    }
}

int64_t tl_tally_final_idle(const struct tl_tally *tally)
{
    return tally->turn_idle_ns > tally->earlier_idle_ns ? tally->turn_idle_ns : tally->earlier_idle_ns;
}

uint32_t tl_trouble_retransmissions(const struct tl_trouble *trouble)
{
    uint32_t sum = 0;

    for (unsigned cause = TL_RETRANSMISSION_NONE + 1; cause < TL_RETRANSMISSION_COUNT; cause++) {
        sum += trouble->retransmissions[cause];
    }
    return sum;
}

void tl_tally_clear(struct tl_tally *tally, const struct tl_allocator *allocator)
{
    allocator->free(allocator->context, tally->end[0].trouble);
    allocator->free(allocator->context, tally->end[1].trouble);
    *tally = (struct tl_tally){0};
}
