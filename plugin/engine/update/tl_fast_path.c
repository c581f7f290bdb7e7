/* tl_fast_path.c - ordinary segments without the rules: each condition stands for the rules that it makes silent, and names
 * them.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "update/tl_fast_path.h"

#include "conn/tl_window.h"
#include "rules/tl_apply.h"
#include "rules/tl_path_mtu.h"
#include "rules/tl_probe.h"
#include "rules/tl_rexmit.h"
#include "rules/tl_spurious.h"

/* ---- the connection ----------------------------------------------------------------------------------------------------- */

/* Known to be ESTABLISHED by what it sent itself: the states do not change (tl_states). */
static bool is_established(const struct tl_endpoint *end)
{
    return tl_fsm_state(&end->fsm) == TL_STATE_ESTABLISHED && end->fsm.expected == 0;
}

/* Both directions of the end are known, so that the next number is new and no ACK is beyond what was captured. */
static bool is_known(const struct tl_endpoint *end)
{
    return end->has_max && end->has_seen && end->has_una && end->has_ack && end->max == end->seen &&
           (!end->sent || end->sent->max == end->max);
}

/* Neither FIN nor RST (tl_close, tl_origin), no probes of it (tl_probe), no repetition, no stray segment, window open, and no
 * segment that may be too large for the path (tl_path_mtu). */
static bool is_quiet(const struct tl_endpoint *end)
{
    return !end->has_fin && tl_rsts(end)->count == 0 && tl_probes(end)->count == 0 && end->insists == 0 && end->strays == 0 &&
           end->has_window && end->window > 0 && end->sent_plain && !end->acks_unexpected && !tl_path_mtu_waits(end);
}

/* Nothing of a handshake is left to be found (tl_open). */
static bool is_past_handshake(const struct tl_conn *conn)
{
    const struct tl_endpoint *a = &conn->endpoint[0], *b = &conn->endpoint[1];

    return conn->opening.acked || (conn->midstream && !a->has_isn && !b->has_isn);
}

bool tl_fast_path_is_open(const struct tl_conn *conn)
{
    if (conn->phase != TL_PHASE_ESTABLISHED || !conn->opened || conn->tentative || conn->reset.in != 0 ||
        conn->opening.syn_data != 0) {
        return false;
    }
    for (unsigned i = 0; i < 2; i++) {
        const struct tl_endpoint *end = &conn->endpoint[i];

        if (!is_quiet(end) || !is_known(end) || !is_established(end)) {
            return false;
        }
    }
    return is_past_handshake(conn);
}

/* ---- the segment -------------------------------------------------------------------------------------------------------- */

/* Timestamps as negotiated, and no other option (tl_open's check_timestamps, tl_feedback's blocks). */
static bool has_usual_options(const struct tl_endpoint *self, const struct tl_endpoint *peer, const struct tl_segment *seg)
{
    return seg->sack_count == 0 &&
           (seg->options == TL_OPT_TIMESTAMPS || (seg->options == 0 && !(self->options & peer->options & TL_OPT_TIMESTAMPS)));
}

/* IP IDs may show that something before it was lost (tl_rexmit's has_hidden_original). */
static bool may_hide_original(const struct tl_repair *repair, const struct tl_segment *seg)
{
    return seg->ip_id != 0 && !seg->ipv6 && repair->has_fresh &&
           (int16_t)(uint16_t)(seg->ip_id - repair->fresh_id - repair->fresh_cost) > 0;
}

/* New payload, in order, not the first (that makes the repair), that does not fill the peer's window to the last octet (tl_probe's
 * is_window_limited) nor may be an octet that probes a window of which that peer's update was lost (probes_open_window), while no loss is being repaired (an episode may end with it, tl_resent). */
static bool is_next_data(const struct tl_endpoint *self, const struct tl_endpoint *peer, const struct tl_segment *seg)
{
    const struct tl_repair *repair = self->repair;

    return repair && !repair->in_loss && !repair->in_recovery && seg->len <= UINT16_MAX && seg->len != peer->window &&
           !(seg->len == 1 && peer->reopened) && !may_hide_original(repair, seg);
}

bool tl_fast_path_is(const struct tl_conn *conn, const struct tl_segment *seg)
{
    const struct tl_endpoint *self = &conn->endpoint[seg->from & 1], *peer = &conn->endpoint[1 - (seg->from & 1)];
    bool moves_on = tl_seq_after(seg->ack, self->ack) && tl_seq_after(seg->ack, peer->una);

    if ((seg->flags | TL_PSH) != (TL_ACK | TL_PSH) || seg->seq != self->max || seg->window == 0 ||
        seg->time_ns < conn->before_ns || !has_usual_options(self, peer, seg)) {
        return false;
    }
    if (moves_on ? tl_seq_after(seg->ack, peer->seen) : seg->ack != self->ack || seg->ack != peer->una) {
        return false;
    }
    return seg->len == 0 ? moves_on : is_next_data(self, peer, seg);
}

/* ---- what it changes ---------------------------------------------------------------------------------------------------- */

static void name(const struct tl_conn *conn, const struct tl_segment *seg, struct tl_shape *shape)
{
    shape->phase = TL_PHASE_ESTABLISHED;
    if (seg->len > 0) {
        shape->flags |= TL_SHAPE_NEW_DATA;
        shape->segment = TL_SEGMENT_NEW;
    }
    for (unsigned i = 0; i < 2; i++) {
        shape->endpoint[i].state = TL_STATE_ESTABLISHED;
        shape->endpoint[i].confidence = conn->endpoint[i].fsm.confidence;
    }
}

/* The next octets. Without memory for them the record no longer reaches as far as the connection, which is quiet no more. */
static bool take_payload(const struct tl_conn *conn, struct tl_endpoint *self, const struct tl_segment *seg)
{
    struct tl_scoreboard *sent = tl_conn_scoreboard(conn, self);
    bool kept = sent && tl_scoreboard_add(sent, seg) == TL_SCOREBOARD_OK;

    (void)tl_rexmit_time_echo(self, seg);
    self->max = self->seen = seg->seq + seg->len;
    tl_apply_new_data(self, seg);
    self->trigger_in = 0; /* the next ACK answers this instead */
    return kept;
}

/* Something was sent again before: this ACK may say that it was spurious. The one rule of the fast path that reads a step. */
static void prove(struct tl_conn *conn, const struct tl_segment *seg, struct tl_result *result,
                  const struct tl_scoreboard_ack_result *acked)
{
    struct tl_step step = {
        .seg = seg,
        .conn = conn,
        .self = &conn->endpoint[seg->from & 1],
        .peer = &conn->endpoint[1 - (seg->from & 1)],
        .shape = &result->shape,
        .refs = &result->refs,
        .event = seg->len > 0 ? TL_EVENT_DATA : TL_EVENT_ACK,
        .from = seg->from & 1,
    };

    tl_spurious_prove(&step, acked);
}

/* What the ACK reports to the peer; `acked` is NULL if it only repeats the last one. There are no SACK blocks. */
static void report(struct tl_conn *conn, const struct tl_segment *seg, struct tl_result *result,
                   const struct tl_scoreboard_ack_result *acked)
{
    struct tl_endpoint *peer = &conn->endpoint[1 - (seg->from & 1)];
    struct tl_feedback *feedback = peer->repair ? &peer->repair->feedback : NULL;

    if (!feedback) {
        return;
    }
    feedback->has_dsack = feedback->grew = false;
    if (acked) {
        tl_feedback_acked(feedback, peer->una, acked->newest_ns);
    }
    if (peer->repair->resend_count > 0) {
        prove(conn, seg, result, acked);
    }
    tl_feedback_record(feedback, seg);
}

/* Acknowledges more, all of it captured once or given up. */
static void take_ack(struct tl_conn *conn, const struct tl_segment *seg, struct tl_result *result)
{
    struct tl_endpoint *self = &conn->endpoint[seg->from & 1], *peer = &conn->endpoint[1 - (seg->from & 1)];
    struct tl_scoreboard_ack_result acked;

    self->ack = seg->ack;
    self->ack_ns = seg->time_ns;
    (void)tl_apply_sent_ack(conn, seg, &acked); /* refuses only what lies beyond all that was captured */
    peer->una = seg->ack;
    result->shape.ack = acked.unseen_bytes > 0 ? TL_ACK_UNSEEN : TL_ACK_NEW;
    report(conn, seg, result, &acked);
}

void tl_fast_path_take(struct tl_conn *conn, const struct tl_segment *seg, struct tl_result *result)
{
    struct tl_endpoint *self = &conn->endpoint[seg->from & 1], *peer = &conn->endpoint[1 - (seg->from & 1)];

    name(conn, seg, &result->shape);
    if (seg->len > 0) {
        conn->fast_path = take_payload(conn, self, seg);
    }
    if (seg->ack != self->ack) {
        take_ack(conn, seg, result);
    } else {
        report(conn, seg, result, NULL);
    }
    tl_apply_timestamps(self, seg);
    tl_window_learn(self, peer, seg);
    if (self->repair) {
        tl_rexmit_learn_sender(self->repair, peer, seg);
    }
    tl_probe_end_runs(conn, seg);
    tl_recent_add(&self->recent, seg);
    result->fast_path = result->refs.proved[0].frame == 0; /* an ACK may prove that a retransmission was spurious */
}
