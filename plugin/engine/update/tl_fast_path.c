/* tl_fast_path.c - ordinary segments without the rules, as long as every module says that it is quiet: that it has nothing to say about
 * one but "new". What makes a module quiet stands in its header, next to its rules.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "update/tl_fast_path.h"

#include "conn/tl_window.h"
#include "rules/tl_apply.h"
#include "rules/tl_late.h"
#include "rules/tl_open.h"
#include "rules/tl_path_mtu.h"
#include "rules/tl_probe.h"
#include "rules/tl_reset.h"
#include "rules/tl_rexmit.h"
#include "rules/tl_spurious.h"
#include "rules/tl_states.h"

#include <assert.h>

/* ---- the connection ----------------------------------------------------------------------------------------------------- */

/* What follows when all are quiet: two ends that are known to be ESTABLISHED by what they sent have sent it, and acknowledged. */
static bool fast_path_is_in_full(const struct tl_conn *conn)
{
    for (unsigned i = 0; i < 2; i++) {
        const struct tl_endpoint *end = &conn->endpoint[i];

        if (!end->has_max || !end->has_seen || !end->has_una || !end->has_window || !end->sent_plain || end->has_fin ||
            (end->sent && end->sent->max != end->max)) {
            return false;
        }
    }
    return conn->phase == TL_PHASE_ESTABLISHED && !conn->tentative;
}

/* No repetition without an answer, no stray segment (tl_update counts both). */
static bool fast_path_is_steady(const struct tl_endpoint *end)
{
    return end->insists == 0 && end->strays == 0;
}

bool tl_fast_path_is_open(const struct tl_conn *conn)
{
    bool quiet = tl_open_is_quiet(conn) && tl_reset_is_quiet(conn);

    for (unsigned i = 0; i < 2 && quiet; i++) {
        const struct tl_endpoint *end = &conn->endpoint[i];

        quiet = tl_states_is_quiet(end) && tl_probe_is_quiet(end) && tl_path_mtu_is_quiet(end) && tl_apply_is_quiet(end) &&
                fast_path_is_steady(end);
    }
    assert(!quiet || fast_path_is_in_full(conn));
    (void)fast_path_is_in_full; /* asserts may be off */
    return quiet;
}

/* ---- the segment -------------------------------------------------------------------------------------------------------- */

/* Whether the segment acknowledges as much as the last one, or more of what was captured. */
static bool fast_path_acks_in_order(const struct tl_endpoint *peer, const struct tl_segment *seg)
{
    return seg->ack == peer->una ? seg->len > 0 : tl_seq_after(seg->ack, peer->una) && !tl_seq_after(seg->ack, peer->seen);
}

bool tl_fast_path_is(const struct tl_conn *conn, const struct tl_segment *seg)
{
    const struct tl_endpoint *self = &conn->endpoint[seg->from & 1], *peer = &conn->endpoint[1 - (seg->from & 1)];

    return (seg->flags | TL_PSH) == (TL_ACK | TL_PSH) && seg->seq == self->max && seg->time_ns >= conn->before_ns &&
           fast_path_acks_in_order(peer, seg) && tl_open_is_quiet_about(self, peer, seg) &&
           tl_probe_is_quiet_about(peer, seg) && tl_late_is_quiet_about(self, peer, seg) &&
           (seg->len == 0 || tl_rexmit_is_quiet_about(self, seg));
}

/* ---- what it changes ---------------------------------------------------------------------------------------------------- */

static void fast_path_name(const struct tl_conn *conn, const struct tl_segment *seg, struct tl_shape *shape)
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

/* The next octets. */
static void fast_path_take_payload(const struct tl_conn *conn, struct tl_endpoint *self, const struct tl_segment *seg)
{
    tl_apply_sent(conn, self, seg);
    (void)tl_rexmit_time_echo(self, seg);
    self->max = self->seen = seg->seq + seg->len;
    tl_apply_new_data(self, seg);
    self->trigger_in = 0; /* the next ACK answers this instead */
}

/* Something was sent again before: this ACK may say that it was spurious. The one rule of the fast path that reads a step. */
static void fast_path_prove(struct tl_conn *conn, const struct tl_segment *seg, struct tl_result *result,
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
static void fast_path_report(struct tl_conn *conn, const struct tl_segment *seg, struct tl_result *result,
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
        fast_path_prove(conn, seg, result, acked);
    }
    tl_feedback_record(feedback, peer->una, seg);
}

/* Acknowledges more, all of it captured once or given up. */
static void fast_path_take_ack(struct tl_conn *conn, const struct tl_segment *seg, struct tl_result *result)
{
    struct tl_endpoint *self = &conn->endpoint[seg->from & 1], *peer = &conn->endpoint[1 - (seg->from & 1)];
    struct tl_scoreboard_ack_result acked;

    self->ack_ns = seg->time_ns;
    (void)tl_apply_sent_ack(conn, seg, &acked); /* refuses only what lies beyond all that was captured */
    peer->una = seg->ack;
    result->shape.ack = acked.unseen_bytes > 0 ? TL_ACK_UNSEEN : TL_ACK_NEW;
    fast_path_report(conn, seg, result, &acked);
}

void tl_fast_path_take(struct tl_conn *conn, const struct tl_segment *seg, struct tl_result *result)
{
    struct tl_endpoint *self = &conn->endpoint[seg->from & 1], *peer = &conn->endpoint[1 - (seg->from & 1)];

    fast_path_name(conn, seg, &result->shape);
    if (seg->len > 0) {
        fast_path_take_payload(conn, self, seg);
    }
    if (seg->ack != peer->una) {
        fast_path_take_ack(conn, seg, result);
    } else {
        fast_path_report(conn, seg, result, NULL);
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
