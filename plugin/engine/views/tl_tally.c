/* tl_tally.c - counts segments, bytes and times of a connection for its row; a retransmission proved spurious later is
 * counted late.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "views/tl_tally.h"

static bool tally_is_spurious(unsigned spurious)
{
    return spurious != TL_SPURIOUS_NONE && spurious != TL_SPURIOUS_NO && spurious != TL_SPURIOUS_UNKNOWN;
}

/* ---- what is counted on every connection -------------------------------------------------------------------------------- */

/* How a segment and the silence around it belong together. */
struct wait {
    bool before; /* the segment's own timer ended the silence before it: a repetition of something */
    bool after;  /* a timer runs from here */
};

/* The first probe of a run ends a silence of the connection, the later ones a wait of their timer. */
static struct wait tally_wait_of(const struct tl_result *result)
{
    const struct tl_shape *shape = &result->shape;
    bool probe = shape->keepalive == TL_PROBE_KIND_PROBE || shape->window_probe == TL_PROBE_KIND_PROBE;
    bool again = shape->retransmission != TL_RETRANSMISSION_NONE;

    return (struct wait){.before = probe ? result->refs.probe_number > 1 : again, .after = probe || again};
}

/* A clock that runs backwards makes no silence. */
static void tally_add_time(struct tl_tally *tally, unsigned from, int64_t time_ns, struct wait wait)
{
    int64_t idle = tally->any && time_ns > tally->last_ns ? time_ns - tally->last_ns : 0;

    if (!tally->any || from != tally->turn) {
        tally->earlier_idle_ns = tally->turn_idle_ns;
        tally->turn_idle_ns = 0;
        tally->turn = (uint8_t)from;
        tally->waits = false;
    }
    if (idle > tally->turn_idle_ns && !wait.before && !tally->waits) {
        tally->turn_idle_ns = idle;
    }
    if (idle > tally->longest_idle_ns) {
        tally->longest_idle_ns = idle;
    }
    if (!tally->any || time_ns > tally->last_ns) {
        tally->last_ns = time_ns;
    }
    tally->waits = wait.after;
    tally->any = true;
}

/* ---- what is not -------------------------------------------------------------------------------------------------------- */

/* Whether it is a copy in the capture, of which nothing else is counted. */
static bool tally_is_copy(const struct tl_shape *shape)
{
    return shape->duplicate == TL_DUPLICATE_CAPTURE ||
           ((shape->flags & TL_SHAPE_COPY) && shape->duplicate != TL_DUPLICATE_NETWORK);
}

/* The window of a reset means nothing, that of a packet from another time nothing now. */
static bool tally_tells_window(const struct tl_segment *segment, const struct tl_shape *shape)
{
    return !(segment->flags & TL_RST) && shape->duplicate == TL_DUPLICATE_NONE && !(shape->flags & TL_SHAPE_STRAY);
}

static bool tally_closes_window(const struct tl_tally_end *end, const struct tl_segment *segment, const struct tl_shape *shape)
{
    return segment->window == 0 && !end->window_closed && tally_tells_window(segment, shape);
}

static bool tally_is_trouble(const struct tl_tally_end *end, const struct tl_segment *segment, const struct tl_shape *shape)
{
    return shape->retransmission != TL_RETRANSMISSION_NONE || shape->segment == TL_SEGMENT_OUT_OF_ORDER ||
           shape->duplicate != TL_DUPLICATE_NONE || (shape->flags & TL_SHAPE_COPY) || shape->ack == TL_ACK_DUP ||
           shape->keepalive == TL_PROBE_KIND_PROBE || shape->window_probe == TL_PROBE_KIND_PROBE || (segment->flags & TL_RST) ||
           tally_closes_window(end, segment, shape);
}

/* Payload that had been captured before: of a retransmission whose original was, of an original that comes after its
 * retransmission, of what the network doubled, of a keep-alive, which repeats the octet before the next one. */
static uint32_t tally_bytes_again(const struct tl_segment *segment, const struct tl_result *result)
{
    const struct tl_shape *shape = &result->shape;
    bool late_original =
        shape->segment == TL_SEGMENT_OUT_OF_ORDER && result->refs.proved[0].spurious == TL_SPURIOUS_LATE_ORIGINAL;

    if (late_original || shape->duplicate == TL_DUPLICATE_NETWORK || shape->keepalive == TL_PROBE_KIND_PROBE) {
        return segment->len;
    }
    return shape->retransmission != TL_RETRANSMISSION_NONE && result->refs.previous_in != 0
               ? segment->len - result->refs.new_bytes
               : 0;
}

/* Counts a run of so many probes, or takes it back. */
static void tally_count_run(struct tl_trouble *trouble, bool is_window, uint32_t runs, uint32_t probes)
{
    *(is_window ? &trouble->window_probe_runs : &trouble->keepalive_runs) += runs;
    *(is_window ? &trouble->window_probes : &trouble->keepalive_probes) += probes;
}

/* A later probe may show that all of its run were of the other kind. */
static void tally_add_probe(struct tl_trouble *trouble, const struct tl_shape *shape, const struct tl_refs *refs)
{
    bool is_window = shape->window_probe == TL_PROBE_KIND_PROBE;

    if (!is_window && shape->keepalive != TL_PROBE_KIND_PROBE) {
        return;
    }
    if (refs->probe_number == 1) {
        trouble->run_probes = 0;
        tally_count_run(trouble, is_window, 1, 0);
    } else if ((shape->flags & TL_SHAPE_NAMES_RUN) && is_window != trouble->run_is_window) {
        tally_count_run(trouble, trouble->run_is_window, UINT32_MAX, 0U - trouble->run_probes);
        tally_count_run(trouble, is_window, 1, trouble->run_probes);
    }
    trouble->run_is_window = is_window;
    trouble->run_probes++;
    tally_count_run(trouble, is_window, 0, 1);
}

static void tally_add_trouble(struct tl_tally_end *end, const struct tl_segment *segment, const struct tl_result *result)
{
    const struct tl_shape *shape = &result->shape;
    struct tl_trouble *trouble = end->trouble;

    if (tally_is_copy(shape)) {
        trouble->copies++;
        return;
    }
    trouble->bytes_again += tally_bytes_again(segment, result);
    trouble->duplicates += shape->duplicate == TL_DUPLICATE_NETWORK;
    trouble->out_of_order += shape->segment == TL_SEGMENT_OUT_OF_ORDER;
    trouble->duplicate_acks += shape->ack == TL_ACK_DUP;
    trouble->resets += (segment->flags & TL_RST) != 0;
    trouble->zero_windows += tally_closes_window(end, segment, shape);
    tally_add_probe(trouble, shape, &result->refs);
    if (shape->retransmission != TL_RETRANSMISSION_NONE) {
        trouble->retransmissions[shape->retransmission]++;
        trouble->spurious += tally_is_spurious(shape->spurious);
    }
}

/* ---- both --------------------------------------------------------------------------------------------------------------- */

bool tl_tally_add(struct tl_tally *tally, const struct tl_allocator *allocator, const struct tl_segment *segment,
                  const struct tl_result *result)
{
    unsigned from = result->shape.from & 1;
    struct tl_tally_end *end = &tally->endpoint[from];

    if (tally_is_trouble(end, segment, &result->shape)) {
        if (!end->trouble) {
            end->trouble = allocator->alloc(allocator->context, sizeof *end->trouble);
        }
        if (!end->trouble) {
            return false;
        }
        tally_add_trouble(end, segment, result);
    }
    if (tally_is_copy(&result->shape)) {
        return true;
    }
    end->segments++;
    end->bytes += segment->flags & TL_RST ? 0 : segment->len; /* text on a RST is no stream: RFC 9293 3.5.3 */
    if (tally_tells_window(segment, &result->shape)) {
        end->window_closed = segment->window == 0;
    }
    tally_add_time(tally, from, segment->time_ns, tally_wait_of(result));
    return true;
}

void tl_tally_prove(struct tl_tally *tally, unsigned from, unsigned at_once)
{
    struct tl_trouble *trouble = tally->endpoint[from & 1].trouble;

    if (trouble && !tally_is_spurious(at_once)) {
        trouble->spurious++;
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
    allocator->free(allocator->context, tally->endpoint[0].trouble, sizeof *tally->endpoint[0].trouble);
    allocator->free(allocator->context, tally->endpoint[1].trouble, sizeof *tally->endpoint[1].trouble);
    *tally = (struct tl_tally){0};
}
