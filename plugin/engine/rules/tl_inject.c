/* tl_inject.c - whether a RST was sent by the end that it names.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "rules/tl_inject.h"

#include "conn/tl_window.h"
#include "rules/tl_rst.h"

/* Thresholds and weights: starting values of the literature on injected resets (Weaver et al. 2009), see docs/design.md. */
static const int64_t PAIR_NS = 2 * TL_SECOND;    /* two RSTs belong together */
static const int64_t BURST_NS = 10 * TL_MS;      /* three RSTs at once */
static const int64_t UNDER_WAY_NS = 3 * TL_MS;   /* the sender's segments may still be under way this long */
static const int64_t SILENCE_NS = 3 * TL_SECOND; /* a client that sends nothing for this long has stopped */
enum {
    POSSIBLE_WEIGHT = 3,
    LIKELY_WEIGHT = 5,
    STRONG_WEIGHT = 2,
    STRONG_BITS = 2,
    SEQ_MARGIN = 2,   /* octets */
    TTL_MARGIN = 2,   /* hops */
    ID_MARGIN = 1000, /* steps of the IP ID counter */
    ID_SAMPLES = 3,
    WINDOW_PERCENT = 25,
};

static const struct {
    uint16_t bit;
    uint8_t weight;
} weights[] = {
    {TL_EVIDENCE_SENDER_CONTINUES, 3},
    {TL_EVIDENCE_SEQ_AHEAD, 3},
    {TL_EVIDENCE_STALE_SEQ, 2},
    {TL_EVIDENCE_ACK_CHANGE, 2},
    {TL_EVIDENCE_TTL, 2},
    {TL_EVIDENCE_TTL_WEAK, 1},
    {TL_EVIDENCE_IP_ID, 2},
    {TL_EVIDENCE_NO_TIMESTAMP, 1},
    {TL_EVIDENCE_WINDOW, 1},
    {TL_EVIDENCE_BURST, 1},
    {TL_EVIDENCE_PEER_UNHARMED, 1},
};

enum tl_injected tl_inject_verdict(unsigned evidence)
{
    unsigned total = 0, strong = 0, i;

    for (i = 0; i < sizeof weights / sizeof weights[0]; i++) {
        if (evidence & weights[i].bit) {
            total += weights[i].weight;
            strong += weights[i].weight >= STRONG_WEIGHT;
        }
    }
    if ((evidence & TL_EVIDENCE_SENDER_CONTINUES) && total > 3) {
        return TL_INJECTED_LIKELY;
    }
    if (total >= LIKELY_WEIGHT && strong >= STRONG_BITS) {
        return TL_INJECTED_LIKELY;
    }
    return total >= POSSIBLE_WEIGHT ? TL_INJECTED_POSSIBLE : TL_INJECTED_NO;
}

/* ---- evidence of one RST ------------------------------------------------------------------------------------------------ */

static bool is_reply(const struct tl_step *step)
{
    return step->shape->rst_form == TL_RST_FORM_REPLY_ACK || step->shape->rst_form == TL_RST_FORM_REPLY_NOACK;
}

static unsigned number_evidence(const struct tl_step *step)
{
    const struct tl_endpoint *x = step->self, *y = step->peer;
    const struct tl_segment *seg = step->seg;
    bool pair = x->rst->count > 0 && tl_since(step, x->rst->last_ns) <= PAIR_NS;
    bool ack_wrong = seg->ack != 0 && !(y->has_max && tl_seq_within(seg->ack, y->has_una ? y->una : y->max, y->max));
    unsigned evidence = 0;

    if (pair && !x->has_fin && !y->has_fin && x->has_max && tl_seq_after(seg->seq, x->rst->seq + SEQ_MARGIN) &&
        tl_seq_after(seg->seq, x->max) && x->has_una && tl_seq_after(seg->seq, x->una + SEQ_MARGIN)) {
        evidence |= TL_EVIDENCE_SEQ_AHEAD;
    }
    if (!is_reply(step) && x->has_max && !x->has_fin && tl_seq_before(seg->seq, x->max) && seg->seq != 0 &&
        step->refs->trigger_in == 0) {
        evidence |= TL_EVIDENCE_STALE_SEQ;
    }
    if (pair && seg->ack != x->rst->ack && ack_wrong) {
        evidence |= TL_EVIDENCE_ACK_CHANGE;
    }
    if (x->rst->count > 1 && tl_since(step, x->rst->burst_ns) <= BURST_NS && step->refs->trigger_in == 0) {
        evidence |= TL_EVIDENCE_BURST;
    }
    return evidence;
}

/* Hops that a TTL has come, if it started at one of the usual values. */
static int hops(int ttl)
{
    static const int starts[] = {32, 64, 128, 255};
    unsigned i = 0;

    while (i < 3 && ttl > starts[i]) {
        i++;
    }
    return starts[i] - ttl;
}

static int distance(int a, int b)
{
    return a > b ? a - b : b - a;
}

/* Compares with the last segments of the same end that came from a live connection. */
static unsigned header_evidence(const struct tl_step *step)
{
    const struct tl_segment *seg = step->seg;
    const struct tl_recent_entry *e, *usual = NULL;
    unsigned evidence = 0, i, samples = 0, small = 0;
    uint16_t id_last = 0, id_before = 0;

    for (i = 0; (e = tl_recent_at(&step->self->recent, i)) != NULL; i++) {
        if (e->flags & TL_RST) {
            continue;
        }
        usual = usual ? usual : e;
        if (e->ip_id != 0) {
            int step_back = (int16_t)(uint16_t)(id_before - e->ip_id);

            id_last = samples == 0 ? e->ip_id : id_last;
            small += samples > 0 && step_back > 0 && step_back <= ID_MARGIN;
            id_before = e->ip_id;
            samples++;
        }
    }
    if (!usual) {
        return 0;
    }
    if (distance(hops(seg->ttl), hops(usual->ttl)) >= TTL_MARGIN) {
        evidence |= TL_EVIDENCE_TTL;
    } else if (distance(seg->ttl, usual->ttl) >= TTL_MARGIN) {
        evidence |= TL_EVIDENCE_TTL_WEAK;
    }
    if (seg->ip_id != 0 && samples >= ID_SAMPLES && small + 1 == samples &&
        distance((int16_t)(uint16_t)(seg->ip_id - id_last), 1) > ID_MARGIN) {
        evidence |= TL_EVIDENCE_IP_ID;
    }
    if (!is_reply(step) && (step->self->options & step->peer->options & TL_OPT_TIMESTAMPS) &&
        !(seg->options & TL_OPT_TIMESTAMPS)) {
        evidence |= TL_EVIDENCE_NO_TIMESTAMP;
    }
    return evidence;
}

/* A live connection sends about the window it sent last; a stateless answer sends 0. */
static bool window_is_odd(const struct tl_step *step)
{
    int64_t last = step->self->window, now = tl_window_of(step);
    int64_t apart = now > last ? now - last : last - now;

    if (is_reply(step)) {
        return now != 0;
    }
    return step->self->has_window && now != 0 && apart * 100 > last * WINDOW_PERCENT;
}

static enum tl_rst_stage stage_of(const struct tl_conn *conn)
{
    const struct tl_endpoint *client = &conn->endpoint[conn->client];

    if (conn->midstream || client->syn->count == 0) {
        return TL_RST_STAGE_MIDSTREAM;
    }
    if (!conn->opened) {
        return TL_RST_STAGE_POST_SYN;
    }
    if (client->data_segments == 0) {
        return TL_RST_STAGE_POST_ACK;
    }
    return client->data_segments == 1 ? TL_RST_STAGE_POST_PSH : TL_RST_STAGE_LATER;
}

static void count_for_signature(struct tl_rsts *rsts, const struct tl_step *step)
{
    uint8_t *count = tl_has(step, TL_ACK) ? &rsts->with_ack : &rsts->bare;

    if (rsts->count == 0) {
        rsts->stage = step->shape->rst_stage;
    } else {
        rsts->acks_differ |= step->seg->ack != rsts->ack;
    }
    rsts->ack_zero |= step->seg->ack == 0;
    *count += *count < UINT8_MAX;
    rsts->burst_ns = rsts->last_ns;
    rsts->last_ns = step->seg->time_ns;
    rsts->seq = step->seg->seq;
    rsts->ack = step->seg->ack;
}

void tl_inject_classify(struct tl_step *step, struct tl_rsts *rsts)
{
    struct tl_shape *shape = step->shape;
    unsigned evidence = 0;

    shape->rst_stage = (uint8_t)stage_of(step->conn);
    /* When the clock ran backwards the order in the file proves nothing. */
    if (!(shape->flags & TL_SHAPE_TIME_BACKWARDS) && shape->rst_cause != TL_RST_CAUSE_REFUSED) {
        evidence = number_evidence(step) | header_evidence(step);
        if (window_is_odd(step)) {
            evidence |= TL_EVIDENCE_WINDOW;
        }
        if (shape->rst_effect == TL_RST_EFFECT_CHALLENGE ||
            (shape->rst_effect == TL_RST_EFFECT_IGNORED && !step->conn->finished && !step->conn->reset.ended)) {
            evidence |= TL_EVIDENCE_PEER_UNHARMED;
        }
    }
    shape->evidence = (uint16_t)evidence;
    shape->injected = (uint8_t)tl_inject_verdict(evidence);
    if (rsts) {
        rsts->evidence = shape->evidence;
        rsts->effect = shape->rst_effect;
        count_for_signature(rsts, step);
    }
}

void tl_inject_learn(struct tl_step *step)
{
    const struct tl_rsts *rsts = step->self->rst;
    int64_t limit = tl_max_ns(UNDER_WAY_NS, step->rtt_ns == TL_UNKNOWN_NS ? 0 : step->rtt_ns / 2);
    bool news = step->new_bytes || step->shape->ack == TL_ACK_NEW || step->shape->ack == TL_ACK_UNSEEN;

    if (rsts->count == 0 || step->event == TL_EVENT_RST || step->copy_of || step->stray || !news ||
        (rsts->evidence & TL_EVIDENCE_SENDER_CONTINUES) || tl_since(step, rsts->last_ns) <= limit ||
        (step->shape->flags & TL_SHAPE_TIME_BACKWARDS) || rsts->was_reply) {
        return;
    }
    tl_rst_made(step->conn, step->self)->evidence |= TL_EVIDENCE_SENDER_CONTINUES;
    step->refs->disowned_in = rsts->last_in;
}

/* ---- signature ---------------------------------------------------------------------------------------------------------- */

static enum tl_signature silent(const struct tl_conn *conn, int64_t end_ns)
{
    const struct tl_endpoint *client = &conn->endpoint[conn->client];

    if (end_ns - client->last_ns < SILENCE_NS || conn->reset.ended) {
        return TL_SIGNATURE_NONE;
    }
    switch (stage_of(conn)) {
    case TL_RST_STAGE_POST_SYN:
        return TL_SIGNATURE_SYN_NONE;
    case TL_RST_STAGE_POST_ACK:
        return TL_SIGNATURE_ACK_NONE;
    case TL_RST_STAGE_POST_PSH:
        return TL_SIGNATURE_PSH_NONE;
    default:
        return TL_SIGNATURE_NONE;
    }
}

static enum tl_signature after_first_data(const struct tl_endpoint *client)
{
    if (client->rst->bare > 0 && client->rst->with_ack > 0) {
        return TL_SIGNATURE_PSH_RST_RSTACK;
    }
    if (client->rst->with_ack > 0) {
        return client->rst->with_ack > 1 ? TL_SIGNATURE_PSH_RSTACK_RSTACK : TL_SIGNATURE_PSH_RSTACK;
    }
    if (client->rst->bare == 1) {
        return TL_SIGNATURE_PSH_RST;
    }
    if (!client->rst->acks_differ) {
        return TL_SIGNATURE_PSH_RST_SAME;
    }
    return client->rst->ack_zero ? TL_SIGNATURE_PSH_RST_ZERO : TL_SIGNATURE_PSH_RST_DIFFERENT;
}

enum tl_signature tl_inject_signature(const struct tl_conn *conn, int64_t end_ns)
{
    const struct tl_endpoint *client = &conn->endpoint[conn->client];
    bool both = client->rst->bare > 0 && client->rst->with_ack > 0;

    if (conn->peers || conn->endpoint[0].has_fin || conn->endpoint[1].has_fin || client->syn->count == 0) {
        return TL_SIGNATURE_NONE;
    }
    if (client->rst->count == 0) {
        return silent(conn, end_ns);
    }
    switch (client->rst->stage) {
    case TL_RST_STAGE_POST_SYN:
        return both ? TL_SIGNATURE_SYN_RST_RSTACK : client->rst->bare > 0 ? TL_SIGNATURE_SYN_RST : TL_SIGNATURE_SYN_RSTACK;
    case TL_RST_STAGE_POST_ACK:
        if (both) {
            return TL_SIGNATURE_NONE; /* no name for it */
        }
        if (client->rst->bare > 0) {
            return client->rst->bare > 1 ? TL_SIGNATURE_ACK_RST_RST : TL_SIGNATURE_ACK_RST;
        }
        return client->rst->with_ack > 1 ? TL_SIGNATURE_ACK_RSTACK_RSTACK : TL_SIGNATURE_ACK_RSTACK;
    case TL_RST_STAGE_POST_PSH:
        return after_first_data(client);
    case TL_RST_STAGE_LATER:
        return client->rst->bare > 0 ? TL_SIGNATURE_DATA_RST : TL_SIGNATURE_DATA_RSTACK;
    default:
        return TL_SIGNATURE_NONE;
    }
}
