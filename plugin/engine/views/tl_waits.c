/* tl_waits.c - cuts the time of a connection into waits, and books each on what it was for.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "views/tl_waits.h"

#include "views/tl_wait_state.h"

#include <string.h>

enum { MSS_OF_OLD = 536 /* RFC 9293 3.7.1: without the option */ };

/* ---- sums ----------------------------------------------------------------------------------------------------------------- */

static void waits_add(int64_t sum[TL_WAIT_CLASS_COUNT], int64_t from, int64_t to, unsigned wait_class)
{
    sum[wait_class] += to > from ? to - from : 0;
}

static int64_t waits_clamp(int64_t ns, int64_t low, int64_t high)
{
    return ns < low ? low : ns > high ? high : ns;
}

/* One piece of a wait, of which [from, to) counts as loss whatever it was, unless a window was closed. */
static void waits_add_piece(int64_t sum[TL_WAIT_CLASS_COUNT], const int64_t piece[2], const int64_t lost[2],
                            unsigned wait_class)
{
    bool closed = wait_class == TL_WAIT_CLASS_CLOSED || wait_class == TL_WAIT_CLASS_CLOSED + 1;
    int64_t from = waits_clamp(lost[0], piece[0], piece[1]), to = waits_clamp(lost[1], from, piece[1]);

    if (closed) {
        waits_add(sum, piece[0], piece[1], wait_class);
        return;
    }
    waits_add(sum, piece[0], from, wait_class);
    waits_add(sum, from, to, TL_WAIT_CLASS_LOSS);
    waits_add(sum, to, piece[1], wait_class);
}

/* The wait from since_ns to `now` in classes. */
static void waits_sum_up(const struct tl_waits *waits, const struct tl_wait_split *split, int64_t now,
                         int64_t sum[TL_WAIT_CLASS_COUNT])
{
    const struct tl_wait_state *state = waits->state;
    int64_t lost[2] = {state->lost_from, state->lost_to}, piece[2] = {waits->since_ns, waits->since_ns};

    if (state->loss_from != TL_WAIT_NEVER) {
        lost[0] = lost[0] == TL_WAIT_NEVER ? state->loss_from : lost[0];
        lost[1] = now;
    }
    memset(sum, 0, TL_WAIT_CLASS_COUNT * sizeof *sum);
    for (unsigned i = 0; i < split->count; i++) {
        piece[1] = i + 1 == split->count ? now : waits_clamp(split->piece[i].until, piece[0], now);
        waits_add_piece(sum, piece, lost, split->piece[i].wait_class);
        piece[0] = piece[1];
    }
}

static enum tl_side waits_side_of(unsigned end, unsigned client)
{
    return end == client ? TL_SIDE_CLIENT : TL_SIDE_SERVER;
}

/* The largest share, as a word. */
static void waits_name(const int64_t sum[TL_WAIT_CLASS_COUNT], unsigned client, struct tl_wait *wait)
{
    static const uint8_t words[TL_WAIT_CLASS_COUNT] = {
        [TL_WAIT_CLASS_HANDSHAKE] = TL_WAIT_FOR_HANDSHAKE,
        [TL_WAIT_CLASS_NETWORK] = TL_WAIT_FOR_NETWORK,
        [TL_WAIT_CLASS_LOSS] = TL_WAIT_FOR_LOSS,
        [TL_WAIT_CLASS_CLOSED] = TL_WAIT_FOR_CLOSED_WINDOW,
        [TL_WAIT_CLASS_CLOSED + 1] = TL_WAIT_FOR_CLOSED_WINDOW,
        [TL_WAIT_CLASS_SMALL] = TL_WAIT_FOR_SMALL_WINDOW,
        [TL_WAIT_CLASS_SMALL + 1] = TL_WAIT_FOR_SMALL_WINDOW,
        [TL_WAIT_CLASS_NAGLE] = TL_WAIT_FOR_NAGLE,
        [TL_WAIT_CLASS_DELAYED_ACK] = TL_WAIT_FOR_DELAYED_ACK,
        [TL_WAIT_CLASS_IDLE] = TL_WAIT_FOR_IDLE,
        [TL_WAIT_CLASS_UNKNOWN] = TL_WAIT_FOR_UNKNOWN,
    };
    unsigned most = 0;

    for (unsigned i = 1; i < TL_WAIT_CLASS_COUNT; i++) {
        most = sum[i] > sum[most] ? i : most;
    }
    wait->reason = words[most];
    wait->of = TL_SIDE_NONE;
    if (most == TL_WAIT_CLASS_PROGRAM || most == TL_WAIT_CLASS_PROGRAM + 1) {
        wait->of = (uint8_t)waits_side_of(most - TL_WAIT_CLASS_PROGRAM, client);
        wait->reason = wait->of == TL_SIDE_CLIENT ? TL_WAIT_FOR_CLIENT : TL_WAIT_FOR_SERVER;
    } else if (most >= TL_WAIT_CLASS_CLOSED && most < TL_WAIT_CLASS_NAGLE) {
        wait->of = (uint8_t)waits_side_of((most - TL_WAIT_CLASS_CLOSED) % 2, client);
    }
    wait->network_ns = sum[TL_WAIT_CLASS_NETWORK];
    wait->program_ns = sum[TL_WAIT_CLASS_PROGRAM] + sum[TL_WAIT_CLASS_PROGRAM + 1];
    wait->loss_ns = sum[TL_WAIT_CLASS_LOSS];
}

static void waits_book(struct tl_waits *waits, const int64_t sum[TL_WAIT_CLASS_COUNT], const struct tl_wait_heard *heard)
{
    struct tl_wait_state *state = waits->state;

    for (unsigned i = 0; i < TL_WAIT_CLASS_COUNT; i++) {
        state->ns[i] += sum[i];
    }
    waits->silent_ns += sum[TL_WAIT_CLASS_LOSS];
    state->acks += sum[TL_WAIT_CLASS_NAGLE] + sum[TL_WAIT_CLASS_DELAYED_ACK] > 0;
    for (unsigned i = 0; i < 2; i++) {
        if (sum[TL_WAIT_CLASS_PROGRAM + i] > state->longest_ns[i]) {
            state->longest_ns[i] = sum[TL_WAIT_CLASS_PROGRAM + i];
            state->longest_in[i] = heard->seg->frame;
        }
    }
    state->lost_from = state->lost_to = state->acked_part = state->acked_all = state->needless = TL_WAIT_NEVER;
    state->keepalive = false;
}

/* ---- one segment ---------------------------------------------------------------------------------------------------------- */

static bool waits_is_needless(const struct tl_shape *shape)
{
    return shape->spurious != TL_SPURIOUS_NONE && shape->spurious != TL_SPURIOUS_NO && shape->spurious != TL_SPURIOUS_UNKNOWN;
}

static struct tl_wait_heard waits_hear(const struct tl_segment *seg, const struct tl_result *result, int64_t now)
{
    const struct tl_shape *shape = &result->shape;
    unsigned kind = shape->segment;
    struct tl_wait_heard heard = {.seg = seg, .shape = shape, .refs = &result->refs, .now = now, .xi = shape->from & 1};

    heard.syn = seg->flags & TL_SYN;
    heard.fin = seg->flags & TL_FIN;
    heard.rst = seg->flags & TL_RST;
    heard.end = seg->seq + seg->len + heard.syn + heard.fin;
    heard.brings = (seg->len > 0 || heard.syn || heard.fin) && !heard.rst;
    heard.probe = shape->window_probe == TL_PROBE_KIND_PROBE || shape->retransmission == TL_RETRANSMISSION_WINDOW_PROBE;
    heard.keepalive = shape->keepalive == TL_PROBE_KIND_PROBE;
    heard.needless = waits_is_needless(shape);
    heard.is_new =
        heard.brings && !heard.probe && !heard.keepalive &&
        (kind == TL_SEGMENT_NEW || kind == TL_SEGMENT_AHEAD || kind == TL_SEGMENT_PARTIAL || kind == TL_SEGMENT_OUT_OF_ORDER);
    heard.again =
        shape->retransmission != TL_RETRANSMISSION_NONE && !heard.probe && !heard.keepalive && (!heard.needless || heard.syn);
    return heard;
}

/* Takes over what the SYNs told: legs, and the window of the SYN-ACK, which is the last thing that came of it. */
static void waits_begin_ends(struct tl_waits *waits, const struct tl_allocator *allocator, const struct tl_wait_heard *heard)
{
    struct tl_wait_state *state = waits->state;
    unsigned last = waits->since_end;
    const struct tl_wait_offer *offer = &waits->offer[last], *other = &waits->offer[1 - last];

    for (unsigned i = 0; i < 2; i++) {
        tl_wait_end_begin(&state->end[i], &waits->offer[i]);
    }
    if (!offer->has_syn || !other->has_syn) {
        return;
    }
    if (heard->xi != last && !offer->again && heard->now > waits->since_ns) {
        tl_wait_sample(&state->end[heard->xi], heard->now - waits->since_ns);
    }
    (void)tl_wait_report_add(&state->end[1 - last], &state->end[last], allocator,
                             &(struct tl_wait_report){
                                 .ns = waits->since_ns,
                                 .covered = TL_WAIT_NEVER,
                                 .ack = other->isn + 1,
                                 .window = offer->window,
                                 .moves = true,
                             });
}

/* Makes the memory of a connection that is past its SYNs. */
static void waits_begin_state(struct tl_waits *waits, const struct tl_allocator *allocator, const struct tl_wait_heard *heard)
{
    struct tl_wait_state *state = allocator->alloc(allocator->context, sizeof *state);

    waits->state = state;
    waits->lost = state == NULL;
    if (!state) {
        return;
    }
    state->loss_from = state->lost_from = state->lost_to = TL_WAIT_NEVER;
    state->acked_part = state->acked_all = state->needless = TL_WAIT_NEVER;
    state->data = TL_WAIT_NOBODY;
    waits_begin_ends(waits, allocator, heard);
}

/* SYN, SYN-ACK, and a RST that answers them. */
static void waits_add_opening(struct tl_waits *waits, const struct tl_wait_heard *heard, struct tl_wait *ended)
{
    const struct tl_segment *seg = heard->seg;
    int64_t wait = heard->now - waits->since_ns;
    struct tl_wait_offer *offer = &waits->offer[heard->xi];
    bool is_loss = heard->syn && heard->shape->retransmission != TL_RETRANSMISSION_NONE;

    *(is_loss ? &waits->loss_ns : &waits->handshake_ns) += wait;
    waits->silent_ns += is_loss ? wait : 0;
    ended->ns = wait;
    ended->loss_ns = is_loss ? wait : 0;
    ended->reason = is_loss ? TL_WAIT_FOR_LOSS : TL_WAIT_FOR_HANDSHAKE;
    ended->confidence = TL_CONFIDENCE_LIKELY;
    ended->since_in = waits->since_in;
    waits->since_ns = heard->now;
    waits->since_in = seg->frame;
    waits->since_end = (uint8_t)heard->xi;
    offer->again = offer->again || offer->has_syn;
    if (!heard->syn || offer->has_syn) {
        return;
    }
    if ((seg->flags & TL_ACK) && waits->offer[1 - heard->xi].has_syn && !waits->offer[1 - heard->xi].again && wait > 0 &&
        wait / 1000 < UINT32_MAX) {
        offer->leg_us = (uint32_t)(wait / 1000);
    }
    offer->has_syn = true;
    offer->isn = seg->seq;
    offer->window = seg->window;
    offer->mss = seg->options & TL_OPT_MSS ? seg->mss : MSS_OF_OLD;
    offer->scale = seg->window_scale;
    offer->has_scale = seg->options & TL_OPT_WINDOW_SCALE;
    offer->has_timestamps = seg->options & TL_OPT_TIMESTAMPS;
}

/* The wait that this segment ends; nothing is learnt from it yet. */
static void waits_end_wait(struct tl_waits *waits, struct tl_wait_heard *heard, unsigned client, struct tl_wait *ended)
{
    struct tl_wait_state *state = waits->state;
    struct tl_wait_event event = {
        .waits = waits,
        .seg = heard->seg,
        .now = heard->now,
        .x = heard->xi,
        .client = client,
        .cause = heard->shape->retransmission,
        .opens = heard->opens,
        .again = heard->again,
        .hidden = heard->refs->original_in == 0,
        .acks_fin = heard->acks_fin,
    };
    struct tl_wait_split split = {.count = 0};
    int64_t sum[TL_WAIT_CLASS_COUNT];

    tl_wait_decide(&event, &split);
    waits_sum_up(waits, &split, heard->now, sum);
    ended->ns = heard->now - waits->since_ns;
    waits_name(sum, client, ended);
    ended->confidence = event.guessed || ended->reason == TL_WAIT_FOR_UNKNOWN ? TL_CONFIDENCE_GUESS : TL_CONFIDENCE_LIKELY;
    if (heard->shape->sender == TL_SENDER_SERVER && heard->is_new && heard->seg->len > 0 && state->data == client) {
        state->answers++;
    }
    waits_book(waits, sum, heard);
}

/* The client's side of the handshake, or a segment that shows it to be over. */
static bool waits_completes(const struct tl_waits *waits, const struct tl_wait_heard *heard)
{
    unsigned step = heard->shape->handshake_step;

    return !waits->state->opened && (step == TL_HANDSHAKE_STEP_ACK || step == TL_HANDSHAKE_STEP_ACK_DATA);
}

/* What the segment means for the waits, with what is known of its ends. */
static void waits_judge(const struct tl_waits *waits, struct tl_wait_heard *heard)
{
    struct tl_wait_state *state = waits->state;
    const struct tl_segment *seg = heard->seg;
    int64_t leg;

    heard->x = &state->end[heard->xi];
    heard->y = &state->end[1 - heard->xi];
    leg = tl_wait_leg_measured(heard->x);
    /* Beside its sender nothing can be lost before the capture point. */
    if (heard->again && !heard->syn && heard->refs->original_in == 0 && leg != TL_WAIT_NEVER && leg < TL_MS &&
        heard->shape->segment == TL_SEGMENT_RETRANSMISSION && heard->x->has_max && !tl_seq_before(seg->seq, heard->x->max)) {
        heard->again = false;
        heard->is_new = true;
    }
    heard->opens = heard->syn || waits_completes(waits, heard);
    heard->acks_fin = (seg->flags & TL_ACK) && !heard->brings && !heard->rst && heard->y->fin && !heard->y->fin_acked &&
                      waits->since_end != heard->xi && heard->y->has_max && !tl_seq_before(seg->ack, heard->y->max);
}

static void waits_add_segment(struct tl_waits *waits, const struct tl_allocator *allocator, struct tl_wait_heard *heard,
                              unsigned client, struct tl_wait *ended)
{
    struct tl_wait_state *state = waits->state;
    bool gets_on;

    waits_judge(waits, heard);
    if ((heard->seg->flags & TL_ACK) && !heard->rst) {
        waits->lost = !tl_wait_learn_ack(waits, allocator, heard) || waits->lost;
        tl_wait_learn_duplicate(waits, heard);
    }
    if (heard->probe) {
        heard->x->probed_ns = heard->now;
    }
    if (heard->needless && heard->shape->retransmission == TL_RETRANSMISSION_RTO && waits->since_end == heard->xi) {
        state->needless = heard->now;
    }
    state->keepalive = state->keepalive || heard->shape->keepalive != TL_PROBE_KIND_NONE;
    waits->over = waits->over && !heard->is_new;
    gets_on = heard->is_new || heard->again || heard->opens || heard->acks_fin || (heard->rst && !waits->over);
    if (gets_on) {
        waits_end_wait(waits, heard, client, ended);
        ended->since_in = waits->since_in;
        waits->since_ns = heard->now;
        waits->since_in = heard->seg->frame;
        waits->since_end = (uint8_t)heard->xi;
        state->opened = state->opened || (heard->opens && !heard->syn);
        heard->y->fin_acked = heard->y->fin_acked || heard->acks_fin;
        state->data = heard->is_new && heard->seg->len > 0 ? (uint8_t)heard->xi : state->data;
    }
    tl_wait_learn_bytes(waits, heard);
}

static bool waits_ends_connection(const struct tl_shape *shape)
{
    return shape->rst_effect != TL_RST_EFFECT_IGNORED && shape->rst_effect != TL_RST_EFFECT_CHALLENGE;
}

/* Both FINs are acknowledged. */
static bool waits_is_closed(const struct tl_wait_state *state)
{
    for (unsigned i = 0; i < 2; i++) {
        const struct tl_wait_end *end = &state->end[i];

        if (!end->fin || !end->has_una || !end->has_max || tl_seq_before(end->una, end->max)) {
            return false;
        }
    }
    return true;
}

bool tl_waits_add(struct tl_waits *waits, const struct tl_allocator *allocator, const struct tl_segment *segment,
                  const struct tl_result *result, struct tl_wait *ended)
{
    struct tl_wait nobody;
    struct tl_wait *wait = ended ? ended : &nobody;
    int64_t now = !waits->any || segment->time_ns > waits->last_ns ? segment->time_ns : waits->last_ns;
    struct tl_wait_heard heard = waits_hear(segment, result, now);

    *wait = (struct tl_wait){0};
    if (!waits->any) {
        waits->any = true;
        waits->begin_ns = waits->since_ns = now;
        waits->since_end = waits->heard = (uint8_t)heard.xi;
        waits->since_in = segment->frame;
    }
    waits->last_ns = now;
    if (waits->lost || (result->shape.flags & (TL_SHAPE_COPY | TL_SHAPE_STRAY))) {
        return !waits->lost;
    }
    waits->silent_ns = heard.xi == waits->heard ? waits->silent_ns : 0;
    waits->heard = (uint8_t)heard.xi;
    if (!waits->state && !heard.syn && !heard.rst) {
        waits_begin_state(waits, allocator, &heard);
    }
    if (waits->state) {
        waits_add_segment(waits, allocator, &heard, result->shape.client & 1, wait);
        waits->over = waits->over || waits_is_closed(waits->state);
    } else if (!waits->lost) {
        waits_add_opening(waits, &heard, wait);
    }
    waits->over = waits->over || (heard.rst && waits_ends_connection(&result->shape));
    return !waits->lost;
}

/* ---- the row -------------------------------------------------------------------------------------------------------------- */

/* What is under way at the end, in classes. */
static void waits_sum_rest(const struct tl_waits *waits, unsigned client, int64_t sum[TL_WAIT_CLASS_COUNT])
{
    struct tl_wait_split split = {.count = 0};

    memset(sum, 0, TL_WAIT_CLASS_COUNT * sizeof *sum);
    if (waits->state && !waits->lost) {
        tl_wait_decide_end(waits, client, &split);
        waits_sum_up(waits, &split, waits->last_ns, sum);
    } else {
        sum[waits->over ? TL_WAIT_CLASS_IDLE : TL_WAIT_CLASS_UNKNOWN] = waits->last_ns - waits->since_ns;
    }
}

void tl_waits_now(const struct tl_waits *waits, unsigned client, struct tl_waits_now *now)
{
    const struct tl_wait_state *state = waits->state;
    int64_t sum[TL_WAIT_CLASS_COUNT], silent;

    *now = (struct tl_waits_now){.longest_ns = {-1, -1}};
    waits_sum_rest(waits, client, sum);
    silent = waits->silent_ns + sum[TL_WAIT_CLASS_LOSS];
    for (unsigned i = 0; state && i < TL_WAIT_CLASS_COUNT; i++) {
        sum[i] += state->ns[i];
    }
    now->ns[TL_WAIT_SUM_HANDSHAKE] = waits->handshake_ns + sum[TL_WAIT_CLASS_HANDSHAKE];
    now->ns[TL_WAIT_SUM_CLIENT] = sum[TL_WAIT_CLASS_PROGRAM + client];
    now->ns[TL_WAIT_SUM_SERVER] = sum[TL_WAIT_CLASS_PROGRAM + 1 - client];
    now->ns[TL_WAIT_SUM_NETWORK] = sum[TL_WAIT_CLASS_NETWORK];
    now->ns[TL_WAIT_SUM_LOSS] = waits->loss_ns + sum[TL_WAIT_CLASS_LOSS] - silent;
    now->ns[TL_WAIT_SUM_NO_ANSWER] = silent;
    now->ns[TL_WAIT_SUM_CLIENT_WINDOW] = sum[TL_WAIT_CLASS_CLOSED + client];
    now->ns[TL_WAIT_SUM_SERVER_WINDOW] = sum[TL_WAIT_CLASS_CLOSED + 1 - client];
    now->ns[TL_WAIT_SUM_SMALL_WINDOW] = sum[TL_WAIT_CLASS_SMALL] + sum[TL_WAIT_CLASS_SMALL + 1];
    now->ns[TL_WAIT_SUM_ACK] = sum[TL_WAIT_CLASS_NAGLE] + sum[TL_WAIT_CLASS_DELAYED_ACK];
    now->ns[TL_WAIT_SUM_IDLE] = sum[TL_WAIT_CLASS_IDLE];
    now->ns[TL_WAIT_SUM_UNKNOWN] = sum[TL_WAIT_CLASS_UNKNOWN];
    if (now->ns[TL_WAIT_SUM_SMALL_WINDOW] > 0) {
        bool first = sum[TL_WAIT_CLASS_SMALL] > 0, second = sum[TL_WAIT_CLASS_SMALL + 1] > 0;

        now->small_of = first && second ? TL_SIDE_BOTH : (uint8_t)waits_side_of(first ? 0 : 1, client);
    }
    for (unsigned i = 0; state && i < 2; i++) {
        unsigned end = i == 0 ? client : 1 - client;

        now->longest_ns[i] = state->longest_in[end] != 0 ? state->longest_ns[end] : -1;
        now->longest_in[i] = state->longest_in[end];
        now->limited[i] = state->end[end].limited_count;
    }
    now->answers = state ? state->answers : 0;
    now->acks = state ? state->acks : 0;
}

void tl_waits_clear(struct tl_waits *waits, const struct tl_allocator *allocator)
{
    struct tl_wait_state *state = waits->state;

    for (unsigned i = 0; state && i < 2; i++) {
        allocator->free(allocator->context, state->end[i].reports, TL_WAIT_REPORTS * sizeof *state->end[i].reports);
    }
    allocator->free(allocator->context, state, sizeof *state);
    *waits = (struct tl_waits){0};
}
