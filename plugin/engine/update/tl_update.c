/* tl_update.c - one segment of one connection: the recipe, and what the segment changes.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "update/tl_update.h"

#include "conn/tl_window.h"
#include "rules/tl_apply.h"
#include "rules/tl_close.h"
#include "rules/tl_late.h"
#include "rules/tl_open.h"
#include "rules/tl_origin.h"
#include "rules/tl_outcome.h"
#include "rules/tl_path_mtu.h"
#include "rules/tl_phase.h"
#include "rules/tl_probe.h"
#include "rules/tl_reset.h"
#include "rules/tl_rexmit.h"
#include "rules/tl_rst.h"
#include "rules/tl_sack_fault.h"
#include "rules/tl_states.h"
#include "update/tl_fast_path.h"
#include "views/tl_zeek_view.h"

#include <assert.h>
#include <string.h>

/* Three segments in a row that continue each other far from where the connection was: the capture lost a long stretch. */
enum { STRAYS_TO_RESYNC = 3 };

/* ---- before the rules --------------------------------------------------------------------------------------------------- */

/* R6, R7: a connection that the capture did not see open: roles are a guess by the ports. */
static void update_guess_roles(struct tl_conn *conn, const struct tl_segment *seg)
{
    /* Guess of roles mid-stream. */
    enum { WELL_KNOWN = 1024 };
    const struct tl_endpoints *ends = &conn->pair->ends;
    bool low[2] = {ends->port[0] < WELL_KNOWN, ends->port[1] < WELL_KNOWN};
    unsigned server;

    if (low[0] != low[1]) {
        server = low[1];
    } else if (ends->is_service[0] != ends->is_service[1]) {
        server = ends->is_service[1];
    } else if (ends->port[0] != ends->port[1]) {
        server = ends->port[1] < ends->port[0];
    } else {
        server = 1u - seg->from;
    }
    conn->client = (uint8_t)(1 - server);
    conn->sender_confidence = TL_CONFIDENCE_GUESS;
}

static void update_begin_midstream(struct tl_step *step)
{
    struct tl_conn *conn = step->conn;

    if (conn->phase != TL_PHASE_NONE || step->event == TL_EVENT_SYN || step->event == TL_EVENT_SYNACK) {
        return;
    }
    conn->midstream = true;
    if (!conn->roles_known) {
        update_guess_roles(conn, step->seg);
    }
}

/* Brings a number that its sender had not reached before: then nothing equal to it was captured. The common case, and much
 * cheaper than a look through the recent segments. */
static bool update_is_news(const struct tl_step *step)
{
    const struct tl_endpoint *self = step->self;

    if (step->seg->flags & (TL_SYN | TL_RST)) {
        return false;
    }
    return (step->length > 0 && self->has_max && !tl_seq_before(step->seg->seq, self->max)) ||
           (tl_has(step, TL_ACK) && step->peer->has_una && tl_seq_after(step->seg->ack, step->peer->una));
}

static void update_check_copy(struct tl_step *step)
{
    const struct tl_recent_entry *original;
    const struct tl_syns *syns;
    struct tl_copy_context context;

    if (update_is_news(step)) {
        return;
    }
    syns = tl_syns(step->peer);
    context.rtt_ns = step->rtt_ns;
    context.tick_ns = step->self->repair ? step->self->repair->clock.tick_ns : 0;
    context.peer_syn_in = syns->copy_in > syns->last_in ? syns->copy_in : syns->last_in;
    original = tl_recent_find_copy(&step->self->recent, step->seg, &context);
    if (original) {
        step->original = *original;
        step->copy_of = &step->original;
        step->shape->flags |= TL_SHAPE_COPY;
        step->refs->first_in = step->copy_of->frame;
    }
}

/* Starts the numbers of an end anew where its segments are now. */
static void update_resync(const struct tl_conn *conn, struct tl_endpoint *end, uint32_t seq)
{
    struct tl_scoreboard *sent = tl_conn_scoreboard(conn, end);

    if (sent) {
        tl_scoreboard_restart(sent, seq);
    }
    end->max = end->seen = end->una = seq;
    end->has_max = end->has_seen = end->has_una = true;
    end->strays = 0;
}

/* Counts a stray segment: how many of them continue each other, and where. */
static void update_count_stray(struct tl_step *step)
{
    struct tl_endpoint *self = step->self;
    const struct tl_segment *seg = step->seg;
    uint32_t reach = self->max_window > UINT16_MAX ? self->max_window : UINT16_MAX;

    if (self->strays > 0 && tl_seq_within(seg->seq, self->stray_seq, self->stray_seq + reach)) {
        self->strays += self->strays < UINT8_MAX;
    } else {
        self->strays = 1;
        self->stray_from = seg->seq;
    }
    self->stray_seq = step->end;
    self->stray_ack = seg->ack;
    self->has_stray_ack = tl_has(step, TL_ACK);
}

/* Whether the stray segments of `end` are what it really sends: its peer acknowledges them, or nothing of the peer is captured. Numbers
 * that one end alone invents, in whoever's name, move nobody (SECURITY.md). */
static bool update_is_confirmed(const struct tl_endpoint *end, const struct tl_endpoint *peer)
{
    if (end->strays < STRAYS_TO_RESYNC) {
        return false;
    }
    return peer->segments == 0 ||
           (peer->strays > 0 && peer->has_stray_ack && tl_seq_within(peer->stray_ack, end->stray_from, end->stray_seq));
}

/* Segments whose numbers fit nothing are classified and change nothing, until several continue each other and the other end
 * acknowledges them. */
static void update_check_stray(struct tl_step *step)
{
    struct tl_endpoint *self = step->self, *peer = step->peer;

    if (tl_window_fits(step->conn, step->seg)) {
        self->strays = 0;
        return;
    }
    update_count_stray(step);
    if (update_is_confirmed(peer, self)) {
        update_resync(step->conn, peer, self->has_stray_ack ? self->stray_ack : peer->stray_seq);
    }
    if (update_is_confirmed(self, peer)) {
        update_resync(step->conn, self, step->seg->seq);
        if (peer->segments == 0 && tl_has(step, TL_ACK)) {
            update_resync(step->conn, peer, step->seg->ack);
        }
    }
    if (tl_window_fits(step->conn, step->seg)) {
        return;
    }
    step->stray = true;
    step->shape->flags |= TL_SHAPE_STRAY;
}

/* The other end has answered the segment before it was captured, and it is no repetition. */
static bool update_is_late(const struct tl_step *step)
{
    if (step->event == TL_EVENT_SYN) {
        return !step->copy_of && tl_late_is_syn(step->conn, step->seg);
    }
    return step->event == TL_EVENT_SYNACK ? tl_late_is_synack(step->conn, step) : tl_late_is(step);
}

static void update_begin(struct tl_step *step, struct tl_conn *conn, const struct tl_segment *seg, struct tl_result *result)
{
    memset(step, 0, sizeof *step);
    step->seg = seg;
    step->conn = conn;
    step->from = seg->from & 1;
    step->self = &conn->endpoint[step->from];
    step->peer = &conn->endpoint[1 - step->from];
    step->peer_fsm = conn->tentative && conn->previous ? &conn->previous->endpoint[1 - step->from].fsm : &step->peer->fsm;
    step->shape = &result->shape;
    step->refs = &result->refs;
    step->event = tl_event_of(seg->flags, seg->len, &step->legal);
    step->length = tl_event_length(seg->flags, seg->len);
    step->end = seg->seq + step->length;
    step->rtt_ns = tl_window_rtt(conn);
    step->phase_before = conn->phase;
    if (seg->time_ns < conn->before_ns) {
        step->shape->flags |= TL_SHAPE_TIME_BACKWARDS;
    }
    update_begin_midstream(step);
    update_check_copy(step);
    if (!step->copy_of && !tl_open_is_challenge(conn, step) && !tl_open_picks_other_synack(conn, step)) {
        update_check_stray(step);
    }
    step->late = update_is_late(step);
    step->new_bytes = step->length > 0 && (step->late || !step->self->has_max || tl_seq_after(step->end, step->self->max));
    if (step->new_bytes && seg->len > 0) {
        step->shape->flags |= TL_SHAPE_NEW_DATA;
    }
}

/* ---- after the rules ---------------------------------------------------------------------------------------------------- */

/* Keeps the segment among the recent ones, with the marks that later rules look for. */
static void update_remember(struct tl_step *step)
{
    struct tl_recent_entry *entry = tl_recent_add(&step->self->recent, step->seg);

    if (entry && step->is_probe) {
        entry->bits |= TL_MARK_PROBE;
    }
    if (entry && step->shape->ack == TL_ACK_CHALLENGE) {
        entry->bits |= TL_MARK_CHALLENGE;
    }
}

static enum tl_sender update_sender_of(const struct tl_conn *conn, unsigned from)
{
    if (conn->peers || conn->roles_refuted) {
        return conn->peers ? TL_SENDER_PEER : TL_SENDER_UNKNOWN;
    }
    return conn->client == from ? TL_SENDER_CLIENT : TL_SENDER_SERVER;
}

/* What a segment of `self` shows of the capture itself. */
static void update_judge_capture(struct tl_endpoint *self, const struct tl_endpoint *peer, const struct tl_segment *seg,
                                 unsigned flags, const struct tl_recent_entry *copy_of)
{
    /* Offload. */
    enum { FIRST_SEGMENTS = 20, MSS_PERCENT = 150 };

    if (flags & TL_SHAPE_TIME_BACKWARDS) {
        self->capture |= TL_CAPTURE_BACKWARDS;
    }
    if (peer->mss > 0 && (uint64_t)seg->len * 100 > (uint64_t)peer->mss * MSS_PERCENT) {
        self->capture |= TL_CAPTURE_OFFLOAD;
    }
    if (seg->options & TL_OPT_CUT) {
        self->capture |= TL_CAPTURE_SNAPPED;
    }
    if (copy_of && self->segments < FIRST_SEGMENTS) {
        self->copies++;
    }
    if (copy_of && copy_of->ttl != seg->ttl) {
        self->capture |= TL_CAPTURE_ROUTED | (copy_of->ttl < seg->ttl ? TL_CAPTURE_CLOCKS : 0);
    }
}

/* What is proved of the connection: compared before and after a segment, it tells which segment proves what. */
struct proved {
    enum tl_outcome outcome;
    bool close;
};

static struct proved update_proved_of(const struct tl_conn *conn)
{
    struct proved proved = {.outcome = tl_outcome_proved(conn)};

    (void)tl_close_kind(conn, &proved.close);
    return proved;
}

/* Payload and ACKs of an open connection that no FIN or RST has touched prove nothing about its ends: the common case. */
static bool update_may_prove(const struct tl_conn *conn, const struct tl_segment *seg)
{
    return !conn->opened || (seg->flags & (TL_SYN | TL_FIN | TL_RST)) || conn->endpoint[0].has_fin ||
           conn->endpoint[1].has_fin || conn->reset.in != 0;
}

static void update_mark_proofs(struct tl_step *step, const struct proved *before)
{
    struct proved after = update_proved_of(step->conn);

    if (after.outcome != before->outcome && after.outcome != TL_OUTCOME_NONE) {
        step->shape->flags |= TL_SHAPE_PROVES_OUTCOME;
    }
    if (after.close && !before->close) {
        step->shape->flags |= TL_SHAPE_PROVES_CLOSE;
    }
}

/* Whether the segment only repeats, or asks whether anybody is there. */
static bool update_insists(const struct tl_shape *shape)
{
    return shape->retransmission != TL_RETRANSMISSION_NONE || shape->keepalive == TL_PROBE_KIND_PROBE ||
           shape->window_probe == TL_PROBE_KIND_PROBE;
}

/* Counts how often each end has repeated one number and nothing answered: what is lost together and repaired together says
 * nothing of the peer. Only timers repeat one number. */
static void update_count_insisting(struct tl_step *step)
{
    struct tl_endpoint *self = step->self;
    bool again = update_insists(step->shape);
    bool only_fin = (step->seg->flags & TL_FIN) && step->seg->len == 0;
    bool hears = step->shape->ack == TL_ACK_NEW || step->shape->ack == TL_ACK_UNSEEN;

    if (step->copy_of || step->stray || step->event == TL_EVENT_RST) {
        return; /* perhaps not from this end, or of another time */
    }
    /* A FIN says only that the application has closed: the end has not heard anything by it, nor by repeating it. */
    if (hears ||
        (again ? step->seg->seq != self->insists_seq && !(only_fin && self->insists > 0) : step->new_bytes && !only_fin)) {
        self->insists = 0;
    }
    /* Who repeats data has no answer; a probe may have one that was not captured. */
    if (again && self->insists < UINT8_MAX && (step->peer->segments > 0 || !step->is_probe)) {
        self->insists++;
        self->insists_seq = only_fin && self->insists > 1 ? self->insists_seq : step->seg->seq;
    }
    /* Two ends that only repeat themselves do not hear each other. */
    if (!again || hears) {
        step->peer->insists = 0;
    }
}

/* What every segment changes. */
static void update_finish(struct tl_conn *conn, const struct tl_segment *seg, struct tl_shape *shape,
                          const struct tl_recent_entry *copy_of)
{
    unsigned from = seg->from & 1;
    struct tl_endpoint *self = &conn->endpoint[from];

    if (conn->midstream) {
        shape->flags |= TL_SHAPE_MIDSTREAM;
    }
    shape->sender = (uint8_t)update_sender_of(conn, from);
    shape->sender_confidence = conn->sender_confidence;
    shape->client = conn->client;
    shape->from = (uint8_t)from;
    update_judge_capture(self, &conn->endpoint[1 - from], seg, shape->flags, copy_of);
    self->segments++;
    conn->last_in = seg->frame;
    conn->before_ns = seg->time_ns;
    if (seg->time_ns > conn->last_ns) {
        conn->last_ns = seg->time_ns;
    }
}

/* A challenge ACK: what drew it is answered; a RST that drew it ended nothing. */
static void update_answer_challenge_trigger(struct tl_step *step)
{
    struct tl_conn *newest = step->conn->pair->newest;
    bool drawn_by_tentative = newest != step->conn && newest->tentative && newest->previous == step->conn;

    bool answers = step->shape->ack == TL_ACK_CHALLENGE || step->shape->ack == TL_ACK_TIME_WAIT;

    if (!answers || step->peer->trigger_in == 0 || step->refs->trigger_in != step->peer->trigger_in) {
        return;
    }
    if (step->peer->trigger_is_rst) {
        tl_reset_revoke(step, 1 - step->from, step->peer->trigger_in, TL_RST_EFFECT_CHALLENGE);
    } else if (drawn_by_tentative && tl_syns(&newest->endpoint[1 - step->from])->count > 0) {
        tl_open_note_challenge(newest, step->seg->frame, step->seg->ack);
    }
    if (tl_probe_may_answer(step, step->peer->trigger_ns)) {
        step->peer->trigger_in = 0;
    } else {
        step->peer->trigger_first_ns = step->peer->trigger_ns; /* several are under way: the next answer is to the next one */
    }
}

/* ---- the recipe --------------------------------------------------------------------------------------------------------- */

/* What has been done for a segment, as the steps of the recipe need it of each other. */
enum done {
    DONE_PROBE = 0x0001,     /* keep-alive or window probe, or the answer to one */
    DONE_HANDSHAKE = 0x0002, /* handshake_step, roles */
    DONE_RST = 0x0004,       /* form, cause, effect */
    DONE_ACK = 0x0008,       /* challenge ACK or not */
    DONE_TEARDOWN = 0x0010,  /* teardown_step, FINs inferred */
    DONE_BYTES = 0x0020,     /* kind of segment, cause of a retransmission */
    DONE_APPLIED = 0x0040,   /* numbers, windows, opened, finished */
    DONE_ORIGIN = 0x0080,    /* RSTs that the segment disowns */
    DONE_TRIGGER = 0x0100,   /* what may draw a challenge ACK */
    DONE_STATES = 0x0200,
    DONE_ANSWERED = 0x0400, /* challenge triggers that the segment answers */
    DONE_LEARNT = 0x0800,   /* SYNs, roles, FINs and their ACKs */
};

#define NAMED (DONE_PROBE | DONE_HANDSHAKE | DONE_RST | DONE_ACK | DONE_TEARDOWN | DONE_BYTES)

static void update_doubt(uint8_t *confidence, bool is_across)
{
    *confidence = is_across && *confidence == TL_CONFIDENCE_CERTAIN ? TL_CONFIDENCE_LIKELY : *confidence;
}

/* Nothing is certain by a difference of times between which the clock was set, nor by the order of two directions one of which is
 * written late. */
static void update_doubt_time(struct tl_step *step)
{
    bool is_across = tl_is_across_jump(step) || ((step->self->capture | step->peer->capture) & TL_CAPTURE_LATE);

    update_doubt(&step->shape->retransmission_confidence, is_across);
    update_doubt(&step->shape->probe_confidence, is_across);
}

/* What names a segment sees the connection as it was, and cannot change it. */
static void update_name_opening(struct tl_step *step)
{
    tl_open_name(step->conn, step);
}

static void update_name_rst(struct tl_step *step)
{
    tl_rst_name(step->conn, step);
}

static void update_name_closing(struct tl_step *step)
{
    tl_close_name(step->conn, step);
}

/* What the names before them say is learnt before the segment is applied. */
static void update_learn_names(struct tl_step *step)
{
    tl_rst_learn(step);
    tl_open_learn(step);
    tl_close_learn(step);
}

/* States and phase are named from the connection as the segment leaves it. */
static void update_take_states(struct tl_step *step)
{
    tl_states_name(step->conn, step);
    tl_states_learn(step);
}

static void update_take_phase(struct tl_step *step)
{
    tl_phase_name(step->conn, step);
    tl_phase_learn(step);
}

/* Every rule module in its order: first what the segment is, from the connection as it was, then what it changes. `after` is
 * what a step reads of others; tl_update() asserts that it was done. */
static const struct {
    void (*run)(struct tl_step *step);
    unsigned does, after;
} recipe[] = {
    {tl_probe_classify, DONE_PROBE, 0},
    {update_name_opening, DONE_HANDSHAKE, 0},
    {update_name_rst, DONE_RST, DONE_HANDSHAKE},
    {tl_probe_classify_ack, DONE_ACK, DONE_PROBE | DONE_HANDSHAKE},
    {update_name_closing, DONE_TEARDOWN, DONE_RST | DONE_PROBE},
    {tl_rexmit_classify, DONE_BYTES, DONE_PROBE | DONE_HANDSHAKE | DONE_TEARDOWN},
    {update_doubt_time, 0, NAMED},
    {update_learn_names, DONE_LEARNT, NAMED},
    {tl_late_learn, 0, NAMED},
    {tl_apply_segment, DONE_APPLIED, NAMED | DONE_LEARNT},
    {tl_rexmit_learn, 0, DONE_APPLIED},
    {tl_path_mtu_learn, 0, DONE_APPLIED},
    {tl_sack_fault_learn, 0, DONE_APPLIED | DONE_ACK},
    {tl_origin_learn, DONE_ORIGIN, DONE_APPLIED | DONE_ACK},
    {tl_apply_challenge_trigger, DONE_TRIGGER, DONE_APPLIED},
    {update_take_states, DONE_STATES, DONE_APPLIED | DONE_ORIGIN},
    {update_answer_challenge_trigger, DONE_ANSWERED, DONE_TRIGGER | DONE_STATES},
    {update_take_phase, 0, DONE_STATES | DONE_ANSWERED},
    {tl_probe_learn, 0, DONE_ANSWERED},
    {update_remember, 0, DONE_ACK},
    {update_count_insisting, 0, NAMED},
};

static void update_by_rules(struct tl_conn *conn, const struct tl_segment *seg, struct tl_result *result)
{
    struct tl_step step;
    struct proved before = {TL_OUTCOME_NONE, false};
    bool may = update_may_prove(conn, seg);
    unsigned done = 0;

    if (may) {
        before = update_proved_of(conn);
    }
    update_begin(&step, conn, seg, result);
    for (size_t i = 0; i < sizeof recipe / sizeof *recipe; i++) {
        assert((done & recipe[i].after) == recipe[i].after);
        recipe[i].run(&step);
        done |= recipe[i].does;
    }
    (void)done; /* asserts may be off */
    update_finish(conn, seg, &result->shape, step.copy_of);
    if (may) {
        update_mark_proofs(&step, &before);
    }
    conn->fast_path = tl_fast_path_is_open(conn);
    tl_zeek_view_judge(conn);
}

void tl_update(struct tl_conn *conn, const struct tl_segment *seg, struct tl_result *result)
{
    result->conn = conn;
    if (conn->fast_path && !conn->pair->tracker->no_fast_path && tl_fast_path_is(conn, seg)) {
        tl_zeek_view_fast(conn, seg);
        tl_fast_path_take(conn, seg, result);
        update_finish(conn, seg, &result->shape, NULL);
    } else {
        tl_zeek_view_segment(conn, seg);
        update_by_rules(conn, seg, result);
    }
}
