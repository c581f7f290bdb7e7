/* tl_apply.c - what a segment changes: numbers, acknowledgment, windows, whether the connection is open or closed.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * RFC 9293 3.10.7.4 (what an acceptable segment changes: SND.UNA, RCV.NXT, the window), RFC 7323 2.3 and 5.3 (scaled windows, the last
 * timestamp), RFC 7413 4.2 (data on a SYN).
 */
#include "rules/tl_apply.h"

#include "conn/tl_window.h"
#include "rules/tl_rexmit.h"

/* Whether a record that was not made stays so: it would start at `seq`, or does. */
static bool apply_stays_empty(const struct tl_endpoint *end, uint32_t seq)
{
    return !end->sent && end->has_max && end->max == seq;
}

/* Starts the record anew at `seq`, from where on it counts as reached, too. */
static void apply_restart(const struct tl_conn *conn, struct tl_endpoint *end, uint32_t seq)
{
    struct tl_scoreboard *sent = tl_conn_scoreboard(conn, end);

    if (sent) {
        tl_scoreboard_restart(sent, seq);
    }
}

/* ---- what a segment changes ----------------------------------------------------------------------------------------------- */

static void apply_raise(uint32_t *number, bool *known, uint32_t to)
{
    if (!*known || tl_seq_after(to, *number)) {
        *number = to;
        *known = true;
    }
}

/* A SYN that was answered before it was captured: the other end has acknowledged more by now. */
static void apply_start_late(struct tl_step *step)
{
    struct tl_endpoint *self = step->self;
    bool max_known = self->has_max, seen_known = self->has_seen;

    if (step->late) {
        apply_raise(&self->max, &max_known, self->isn + 1);
        apply_raise(&self->seen, &seen_known, self->isn + 1);
        self->has_max = self->has_seen = true;
    }
}

/* A SYN starts the numbers of its sender. The data on it counts only when the SYN-ACK takes it (RFC 7413 4.2). */
static void apply_syn(struct tl_step *step)
{
    struct tl_endpoint *self = step->self;

    switch (step->shape->handshake_step) {
    case TL_HANDSHAKE_STEP_SYN_RETRANSMISSION:
    case TL_HANDSHAKE_STEP_SYNACK_RETRANSMISSION:
    case TL_HANDSHAKE_STEP_SYN_COPY:
    case TL_HANDSHAKE_STEP_SYNACK_COPY:
    case TL_HANDSHAKE_STEP_SYNACK_BAD:
        return;
    default:
        break;
    }
    if (step->conn->opened) {
        apply_start_late(step);
        return;
    }
    if (self->sent) {
        apply_restart(step->conn, self, self->isn + 1);
    }
    self->max = self->seen = self->isn + 1;
    self->has_max = self->has_seen = true;
}

static void apply_tell_record(const struct tl_step *step, bool acks_captured)
{
    struct tl_scoreboard *sent = tl_conn_scoreboard(step->conn, step->self);

    if (sent) {
        tl_scoreboard_expect_acks(sent, acks_captured);
    }
}

/* Nothing of the peer captured: its ACKs will not come either, and the record must not wait for them. */
static void apply_expect_acks(struct tl_step *step)
{
    /* Nothing of the other end captured: no ACK will come. */
    enum { ONE_WAY_SEGMENTS = 16 };

    if (step->peer->segments == 0 && step->self->segments == ONE_WAY_SEGMENTS) {
        apply_tell_record(step, false);
        step->self->acks_unexpected = true;
    } else if (step->self->acks_unexpected && step->peer->segments > 0) {
        apply_tell_record(step, true);
        step->self->acks_unexpected = false;
    }
}

void tl_apply_new_data(struct tl_endpoint *self, const struct tl_segment *seg)
{
    self->octet_seq = seg->seq + seg->len - 1;
    self->octet = seg->last_octet;
    self->has_octet = seg->has_last_octet;
    self->data_ns = seg->time_ns;
    self->data_segments += self->data_segments < UINT8_MAX;
}

void tl_apply_sent(const struct tl_conn *conn, struct tl_endpoint *self, const struct tl_segment *seg)
{
    uint32_t end = seg->seq + tl_event_length(seg->flags, seg->len);
    struct tl_scoreboard *sent;

    if (end == seg->seq && apply_stays_empty(self, seg->seq)) {
        return;
    }
    sent = tl_conn_scoreboard(conn, self);
    if (sent && tl_scoreboard_add(sent, seg) != TL_SCOREBOARD_OK) {
        tl_scoreboard_restart(sent, !self->has_max || tl_seq_after(end, self->max) ? end : self->max);
    }
}

/* Bytes, or the place where they would be, of a segment without SYN and RST. */
static void apply_bytes(struct tl_step *step)
{
    struct tl_endpoint *self = step->self;
    bool max_known = self->has_max, seen_known = self->has_seen;

    apply_expect_acks(step);
    /* The octet of a keep-alive is an old one or garbage; that of a window probe is data which the receiver may take. */
    if (step->is_probe && (step->seg->len == 0 || step->shape->keepalive != TL_PROBE_KIND_NONE)) {
        return;
    }
    tl_apply_sent(step->conn, self, step->seg);
    apply_raise(&self->max, &max_known, step->end);
    apply_raise(&self->seen, &seen_known, step->end);
    self->has_max = max_known;
    self->has_seen = seen_known;
    self->sent_plain = true;
    if (step->seg->len > 0) {
        self->begin = self->sent_data ? self->begin : step->seg->seq;
        self->sent_data = true;
        if (step->new_bytes) {
            tl_apply_new_data(self, step->seg);
        }
    }
}

/* Time from the peer's bytes to this ACK, if they were sent once (Karn) and in order, and nothing that was sent later, a
 * retransmission of bytes below them, drew it. */
static void apply_learn_half_rtt(struct tl_endpoint *self, int64_t time_ns, const struct tl_scoreboard_ack_result *acked)
{
    const struct tl_scoreboard_entry *last = &acked->last;
    int64_t half_rtt = time_ns - last->time_ns;

    if (last->tx_count != 1 || (last->flags & (TL_SCOREBOARD_FILLED | TL_SCOREBOARD_COARSE)) || half_rtt < 0 ||
        acked->newest_ns > last->time_ns) {
        return;
    }
    self->half_rtt_count += self->half_rtt_count < UINT8_MAX;
    if (self->half_rtt_ns == TL_UNKNOWN_NS || half_rtt < self->half_rtt_ns) {
        self->half_rtt_ns = half_rtt;
    }
}

/* Tells the record of `end` of the ACK, and `acked` what that did. False when it is refused. */
static bool apply_acknowledge(const struct tl_conn *conn, struct tl_endpoint *end, uint32_t ack,
                              struct tl_scoreboard_ack_result *acked)
{
    struct tl_scoreboard *sent = apply_stays_empty(end, ack) ? NULL : tl_conn_scoreboard(conn, end);

    if (sent) {
        return tl_scoreboard_ack(sent, ack, acked) != TL_SCOREBOARD_REFUSED;
    }
    *acked = (struct tl_scoreboard_ack_result){.una_before = ack, .newest_ns = INT64_MIN};
    return true;
}

/* Bytes that were never captured although the capture ran; those that were sent before it began do not count as lost. */
static uint32_t apply_unseen_since_begin(const struct tl_conn *conn, const struct tl_endpoint *end, uint32_t ack,
                                         const struct tl_scoreboard_ack_result *acked)
{
    uint32_t before = 0;

    if (conn->midstream && (!end->sent_data || !tl_seq_after(ack, end->begin))) {
        return 0;
    }
    if (conn->midstream && tl_seq_after(end->begin, acked->una_before)) {
        before = end->begin - acked->una_before;
    }
    return acked->unseen_bytes > before ? acked->unseen_bytes - before : 0;
}

bool tl_apply_sent_ack(struct tl_conn *conn, const struct tl_segment *seg, struct tl_scoreboard_ack_result *acked)
{
    struct tl_endpoint *self = &conn->endpoint[seg->from & 1], *peer = &conn->endpoint[1 - (seg->from & 1)];

    if (!apply_acknowledge(conn, peer, seg->ack, acked)) {
        return false;
    }
    apply_learn_half_rtt(self, seg->time_ns, acked);
    peer->seen_bytes += acked->captured_bytes + acked->forgotten_bytes;
    acked->unseen_bytes = apply_unseen_since_begin(conn, peer, seg->ack, acked);
    peer->unseen_bytes += acked->unseen_bytes;
    peer->capture |= acked->last.flags & TL_SCOREBOARD_COARSE ? TL_CAPTURE_COARSE : 0;
    return true;
}

static void apply_ack(struct tl_step *step)
{
    struct tl_endpoint *self = step->self, *peer = step->peer;
    uint32_t ack = step->seg->ack;
    struct tl_scoreboard_ack_result result;
    bool took;
    bool known = peer->has_una, max_known = peer->has_max;

    tl_rexmit_before_ack(step);
    if (known && !tl_seq_after(ack, peer->una)) {
        tl_rexmit_after_ack(step, NULL);
        return;
    }
    if (peer->has_seen && tl_seq_after(ack, peer->seen) && !(known && tl_seq_after(peer->una, peer->seen))) {
        peer->unseen_in = step->seg->frame;
        peer->unseen_ns = step->seg->time_ns;
    }
    self->ack_ns = step->seg->time_ns;
    took = tl_apply_sent_ack(step->conn, step->seg, &result);
    if (!took) {
        apply_restart(step->conn, peer, ack);
    }
    peer->una = ack;
    peer->has_una = true;
    apply_raise(&peer->max, &max_known, ack);
    peer->has_max = max_known;
    peer->fin_repeated = peer->fin_repeated && !step->acks_fin;
    tl_rexmit_after_ack(step, took ? &result : NULL);
}

void tl_apply_timestamps(struct tl_endpoint *self, const struct tl_segment *seg)
{
    if (!(seg->options & TL_OPT_TIMESTAMPS)) {
        return;
    }
    if (!self->has_tsval || tl_seq_after(seg->tsval, self->tsval)) {
        self->tsval = seg->tsval;
        self->has_tsval = true;
    }
    self->tsecr = seg->tsecr;
    self->has_echo = (seg->flags & TL_ACK) && seg->tsecr != 0;
}

/* Whether a segment of the server without SYN shows that the client's ACK, not captured, has reached it. */
static bool apply_server_proves_ack(const struct tl_step *step)
{
    const struct tl_endpoint *client = step->peer;
    bool knows_syn = tl_has(step, TL_ACK) && client->has_isn && tl_seq_after(step->seg->ack, client->isn);
    bool beyond = knows_syn && tl_seq_after(step->seg->ack, client->isn + 1 + step->conn->opening.syn_data);

    if (step->event == TL_EVENT_SYNACK) {
        return false;
    }
    if (tl_synacks(step->self)->count == 0 || step->conn->opening.tfo >= TL_TFO_DATA_ACKED) {
        /* Data with an older number belongs to a connection from before the SYN. */
        return step->conn->opening.tfo < TL_TFO_DATA_ACKED && tl_syns(client)->count > 0 && knows_syn &&
               step->event == TL_EVENT_DATA;
    }
    if (client->segments == 0) {
        return true;
    }
    return step->event == TL_EVENT_DATA || (step->event == TL_EVENT_ACK && beyond);
}

/* Whether the segment completes the handshake, or shows that it was completed. */
static bool apply_opens(const struct tl_step *step)
{
    const struct tl_conn *conn = step->conn;
    bool is_client = conn->client == step->from && !conn->peers;

    if (conn->midstream) {
        return tl_has(step, TL_ACK) && step->legal;
    }
    if (conn->opening.acked) {
        return true;
    }
    if (conn->peers) {
        return step->self->has_una && step->peer->has_una && tl_has(step, TL_ACK);
    }
    return !is_client && apply_server_proves_ack(step);
}

static bool apply_all_closed(const struct tl_conn *conn)
{
    return tl_fin_acked(&conn->endpoint[0]) && tl_fin_acked(&conn->endpoint[1]);
}

static void apply_close_record(struct tl_endpoint *end)
{
    if (end->sent) {
        tl_scoreboard_close(end->sent);
    }
}

static void apply_settle(struct tl_step *step)
{
    struct tl_conn *conn = step->conn;

    if (!conn->opened && step->event != TL_EVENT_RST && step->event != TL_EVENT_SYN && apply_opens(step)) {
        conn->opened = true;
        step->opens = true;
    }
    if (!conn->finished && !conn->reset.ended && apply_all_closed(conn)) {
        conn->finished = true;
        conn->finish_ns = step->seg->time_ns;
        step->finishes = true;
        apply_close_record(step->self);
        apply_close_record(step->peer);
    }
}

static bool apply_counts(const struct tl_step *step)
{
    return !step->stray && !step->copy_of && step->event != TL_EVENT_RST && step->event != TL_EVENT_NOTHING;
}

void tl_apply_segment(struct tl_step *step)
{
    const struct tl_segment *seg = step->seg;
    bool bad_synack = step->shape->handshake_step == TL_HANDSHAKE_STEP_SYNACK_BAD;
    bool syn = step->event == TL_EVENT_SYN || step->event == TL_EVENT_SYNACK;

    /* A challenge ACK speaks of another connection. */
    if (!apply_counts(step) || !(syn || step->legal) || step->shape->handshake_step == TL_HANDSHAKE_STEP_CHALLENGE_ACK) {
        return;
    }
    if (syn) {
        apply_syn(step);
    } else {
        apply_bytes(step);
    }
    if (tl_has(step, TL_ACK) && !bad_synack) {
        apply_ack(step);
    }
    tl_apply_timestamps(step->self, seg);
    if (!bad_synack) {
        tl_window_learn(step->self, step->peer, step->seg);
    }
    apply_settle(step);
}

/* What may draw a challenge ACK: a SYN into an open connection, or a SYN-ACK that comes again, copies included. */
void tl_apply_challenge_trigger(struct tl_step *step)
{
    struct tl_endpoint *self = step->self;
    bool again = step->event == TL_EVENT_SYNACK && tl_synacks(self)->count + (step->copy_of != NULL) > 1;

    if (step->event == TL_EVENT_RST) {
        return; /* the RST rules did it */
    }
    if (again || (step->event == TL_EVENT_SYN && step->conn->opened)) {
        tl_challenge_trigger(self, step->seg, false);
    } else if (step->length > 0 && !step->stray && !step->copy_of) {
        self->trigger_in = 0; /* the next ACK answers this instead */
    }
}
