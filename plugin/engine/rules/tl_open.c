/* tl_open.c - the handshake: step, arithmetic, what came of the segment before (RFC 9293 3.5 and 3.10.7, RFC 7413).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "rules/tl_open.h"

#include "conn/tl_window.h"

enum { SCALE_MAX = 14 /* RFC 7323 2.3 */ };
/* A SYN-ACK again later than this, or than two half RTTs, after the ACK passed did not cross it; 1 s, the first timer of RFC 6298
 * 2.1, while the half RTT of the server is not known. */
static const int64_t CROSSING_NS = 20 * TL_MS, CROSSING_UNKNOWN_NS = TL_SECOND;

bool tl_open_synack_fits(const struct tl_conn *conn, const struct tl_endpoint *client, uint32_t ack)
{
    return tl_seq_within(ack, client->isn + 1, client->isn + 1 + conn->opening.syn_data);
}

/* RFC 3522: the answer echoes an earlier transmission, so those after it were spurious. */
static void open_name_spurious(struct tl_step *step, const struct tl_syns *syns)
{
    const uint32_t frames[3] = {syns->last_in, syns->earlier_in[0], syns->earlier_in[1]};
    const uint32_t tsvals[3] = {syns->last_tsval, syns->earlier_tsval[0], syns->earlier_tsval[1]};
    unsigned i;

    for (i = 0; i < 3 && syns->count > 1 && (step->seg->options & TL_OPT_TIMESTAMPS); i++) {
        if (frames[i] != 0 && tl_seq_before(step->seg->tsecr, tsvals[i])) {
            step->refs->proved[i].frame = frames[i];
            step->refs->proved[i].spurious = TL_SPURIOUS_TS_ECHO;
        }
    }
}

/* ---- SYN --------------------------------------------------------------------------------------------------------------- */

static enum tl_handshake_step open_first_syn_step(const struct tl_segment *seg)
{
    if (seg->options & TL_OPT_FAST_OPEN) {
        return seg->fast_open_bytes == 0 && seg->len == 0 ? TL_HANDSHAKE_STEP_SYN_TFO_REQUEST : TL_HANDSHAKE_STEP_SYN_TFO_DATA;
    }
    return seg->len > 0 ? TL_HANDSHAKE_STEP_SYN_DATA : TL_HANDSHAKE_STEP_SYN;
}

static void open_check_syn(struct tl_step *step)
{
    const struct tl_segment *seg = step->seg;
    unsigned error = step->legal ? 0 : TL_ERROR_FLAGS;

    if (step->event == TL_EVENT_SYN && seg->ack != 0) {
        error |= TL_ERROR_SYN_ACK_FIELD;
    }
    if ((seg->options & TL_OPT_WINDOW_SCALE) && seg->window_scale > SCALE_MAX) {
        error |= TL_ERROR_WSCALE_RANGE;
    }
    step->shape->error |= (uint16_t)error;
}

bool tl_open_is_foreign_syn(const struct tl_conn *conn, const struct tl_endpoint *self)
{
    return conn->opened || tl_synacks(self)->count > 0;
}

/* Why the SYN comes again: what came of the last one. `in` is the frame that shows it. */
static enum tl_syn_why open_why_again(const struct tl_conn *conn, const struct tl_step *step, uint32_t *in)
{
    const struct tl_opening *opening = &conn->opening;
    const struct tl_rsts *rst = tl_rsts(step->peer);
    uint32_t last_in = tl_syns(step->self)->last_in;

    if (rst->last_in > last_in) {
        *in = rst->last_in;
        return conn->reset.ended ? TL_SYN_WHY_REFUSED : TL_SYN_WHY_UNUSABLE;
    }
    if (opening->has_challenge && opening->challenge_in > last_in) {
        *in = opening->challenge_in;
        return TL_SYN_WHY_CHALLENGED;
    }
    if (opening->bad_in > last_in) {
        *in = opening->bad_in;
        return TL_SYN_WHY_UNUSABLE;
    }
    *in = opening->icmp_last_in > last_in ? opening->icmp_last_in : 0;
    return *in != 0 ? TL_SYN_WHY_UNREACHABLE : TL_SYN_WHY_TIMER;
}

static void open_name_syn(const struct tl_conn *conn, struct tl_step *step)
{
    const struct tl_endpoint *self = step->self, *peer = step->peer;

    open_check_syn(step);
    if (step->copy_of) {
        step->shape->handshake_step = TL_HANDSHAKE_STEP_SYN_COPY;
    } else if (tl_syns(self)->count > 0 && step->seg->seq == self->isn) {
        step->shape->handshake_step = TL_HANDSHAKE_STEP_SYN_RETRANSMISSION;
        step->shape->attempt = tl_syns(self)->count;
        step->shape->syn_why = (uint8_t)open_why_again(conn, step, &step->refs->trigger_in);
        step->refs->first_in = tl_syns(self)->first_in;
    } else if (!step->late && (tl_open_is_foreign_syn(conn, self) || tl_syns(peer)->count > 0)) {
        step->shape->handshake_step = TL_HANDSHAKE_STEP_SYN_CROSS;
    } else {
        step->shape->handshake_step = (uint8_t)open_first_syn_step(step->seg);
        step->shape->flags |= tl_synacks(peer)->count > 0 ? TL_SHAPE_REORDERED : 0;
    }
}

/* ---- SYN-ACK ----------------------------------------------------------------------------------------------------------- */

static bool open_is_crossing(const struct tl_step *step)
{
    return tl_syns(step->self)->count > 0 && step->seg->seq == step->self->isn;
}

static void open_name_synack_options(struct tl_step *step)
{
    unsigned negotiated = TL_OPT_WINDOW_SCALE | TL_OPT_TIMESTAMPS | TL_OPT_SACK_PERMITTED;

    if (tl_syns(step->peer)->count > 0 && (step->seg->options & negotiated & ~step->peer->options)) {
        step->shape->error |= TL_ERROR_OPT_NOT_OFFERED;
    }
}

static void open_name_bad_synack(struct tl_step *step)
{
    step->shape->handshake_step = TL_HANDSHAKE_STEP_SYNACK_BAD;
    step->shape->error |= TL_ERROR_SYNACK_ACK;
    step->refs->ack_delta = tl_seq_diff(step->seg->ack, step->peer->isn + 1);
}

/* Older than the one captured before it: the original, overtaken on the way by its own repetition. */
static bool open_is_overtaken(const struct tl_syns *syns, const struct tl_segment *seg)
{
    return (seg->options & TL_OPT_TIMESTAMPS) && tl_seq_before(seg->tsval, syns->last_tsval);
}

/* The ACK of the SYN-ACK had passed so long ago that it is not under way any more: the server did not take it, or it was lost
 * behind the capture point. */
static bool open_is_ack_not_taken(const struct tl_conn *conn, const struct tl_step *step)
{
    int64_t half_rtt = step->self->half_rtt_ns;
    int64_t under_way = half_rtt == TL_UNKNOWN_NS ? CROSSING_UNKNOWN_NS : tl_max_ns(CROSSING_NS, 2 * half_rtt);

    return conn->opening.acked && tl_since(step, conn->opening.ack_ns) > under_way;
}

static enum tl_synack_why open_why_synack_again(const struct tl_conn *conn, const struct tl_step *step)
{
    const struct tl_endpoint *client = step->peer, *self = step->self;

    if (tl_syns(client)->count > 1 && tl_syns(client)->last_in > tl_synacks(self)->last_in) {
        return TL_SYNACK_WHY_SYN_RETRANSMISSION;
    }
    return open_is_ack_not_taken(conn, step) ? TL_SYNACK_WHY_ACK_NOT_TAKEN : TL_SYNACK_WHY_TIMER;
}

static void open_name_synack_again(const struct tl_conn *conn, struct tl_step *step)
{
    const struct tl_endpoint *self = step->self;

    if (open_is_overtaken(tl_synacks(self), step->seg)) {
        step->shape->handshake_step = TL_HANDSHAKE_STEP_SYNACK;
        step->shape->flags |= TL_SHAPE_REORDERED;
        return;
    }
    step->shape->handshake_step = TL_HANDSHAKE_STEP_SYNACK_RETRANSMISSION;
    step->shape->attempt = tl_synacks(self)->count;
    step->shape->synack_why = (uint8_t)open_why_synack_again(conn, step);
    step->refs->first_in = tl_synacks(self)->first_in;
}

/* The SYN that the SYN-ACK answers; 0 when nothing tells which of several. */
static uint32_t open_answered_in(const struct tl_syns *syn, const struct tl_segment *seg)
{
    bool echo = (seg->options & TL_OPT_TIMESTAMPS) && syn->first_tsval != syn->last_tsval;

    if (syn->count == 1 || (echo && seg->tsecr == syn->first_tsval)) {
        return syn->first_in;
    }
    return echo && seg->tsecr == syn->last_tsval ? syn->last_in : 0;
}

static void open_name_synack(const struct tl_conn *conn, struct tl_step *step)
{
    const struct tl_endpoint *self = step->self, *peer = step->peer;

    open_check_syn(step);
    if (step->copy_of) {
        step->shape->handshake_step = TL_HANDSHAKE_STEP_SYNACK_COPY;
    } else if (tl_syns(peer)->count > 0 && !tl_open_synack_fits(conn, peer, step->seg->ack)) {
        open_name_bad_synack(step);
    } else if (tl_synacks(self)->count > 0 && step->seg->seq == self->isn) {
        open_name_synack_again(conn, step);
    } else if (conn->opened && !step->late) {
        /* Not the SYN-ACK that opened this connection: it changes nothing. */
        step->shape->handshake_step = TL_HANDSHAKE_STEP_SYNACK_BAD;
        step->shape->error |= TL_ERROR_SYNACK_ISN;
    } else {
        step->shape->error |= tl_synacks(self)->count > 0 ? TL_ERROR_SYNACK_ISN : 0;
        step->shape->handshake_step = open_is_crossing(step) ? TL_HANDSHAKE_STEP_SYNACK_CROSS : TL_HANDSHAKE_STEP_SYNACK;
        open_name_synack_options(step);
        if (tl_syns(peer)->count > 0) {
            open_name_spurious(step, tl_syns(peer));
            step->refs->trigger_in = open_answered_in(tl_syns(peer), step->seg);
        }
    }
}

/* ---- the rest of the handshake ------------------------------------------------------------------------------------------ */

/* Numbers of the client's first ACK. A number beyond what was captured is no error: the capture may have lost it. */
static void open_check_first_ack(struct tl_step *step)
{
    const struct tl_segment *seg = step->seg;
    const struct tl_endpoint *client = step->self, *server = step->peer;
    uint32_t expected = client->has_una ? client->una : client->isn + 1;

    if (server->has_isn_of_syn && tl_seq_after(seg->ack, server->max) && !server->sent_plain &&
        !tl_open_picks_other_synack(step->conn, step)) {
        step->shape->error |= TL_ERROR_ACK_ACK;
    }
    if (client->has_isn_of_syn && tl_seq_before(seg->seq, client->isn + 1)) {
        step->shape->error |= TL_ERROR_ACK_SEQ;
    }
    if (client->has_isn_of_syn && tl_seq_after(seg->seq, expected + (server->window > 0 ? server->window : 0xFFFF))) {
        step->shape->error |= TL_ERROR_ACK_SEQ;
    }
}

static void open_name_first_ack(struct tl_step *step)
{
    open_check_first_ack(step);
    step->shape->handshake_step = step->seg->len > 0 ? TL_HANDSHAKE_STEP_ACK_DATA : TL_HANDSHAKE_STEP_ACK;
    if (tl_synacks(step->peer)->count > 0) {
        open_name_spurious(step, tl_synacks(step->peer));
    }
}

static bool open_is_quiet(const struct tl_endpoint *end)
{
    return tl_synacks(end)->count == 0 && tl_syns(end)->count == 0;
}

bool tl_open_is_challenge(const struct tl_conn *conn, const struct tl_step *step)
{
    const struct tl_endpoint *client = step->peer;

    return step->event == TL_EVENT_ACK && step->legal && !conn->opened && !conn->opening.acked && !conn->peers &&
           conn->client != step->from && open_is_quiet(step->self) && !step->self->sent_plain && tl_syns(client)->count > 0 &&
           !client->sent_plain && !tl_open_synack_fits(conn, client, step->seg->ack);
}

/* A segment of the passive end, with neither SYN nor RST, before the client's ACK was captured. */
static void open_name_server_plain(const struct tl_conn *conn, struct tl_step *step)
{
    const struct tl_endpoint *client = step->peer;
    bool quiet = open_is_quiet(step->self);

    if (step->event == TL_EVENT_FIN && !quiet) {
        step->shape->handshake_step = TL_HANDSHAKE_STEP_EARLY_FIN;
        return;
    }
    if (step->event != TL_EVENT_ACK || !quiet || tl_syns(client)->count == 0 || client->sent_plain) {
        return;
    }
    if (step->seg->ack == client->isn + 1) {
        step->shape->handshake_step = TL_HANDSHAKE_STEP_ACK_BEFORE_SYNACK;
    } else if (tl_open_is_challenge(conn, step)) {
        step->shape->handshake_step = TL_HANDSHAKE_STEP_CHALLENGE_ACK;
        step->shape->ack = TL_ACK_CHALLENGE;
        step->refs->trigger_in = tl_syns(client)->last_in;
    }
}

/* The SYN-ACK was not captured, but only an end that has processed one goes on behind its SYN. */
static bool open_proves_unseen_synack(const struct tl_step *step)
{
    const struct tl_endpoint *self = step->self;

    return tl_syns(self)->count > 0 && tl_synacks(step->peer)->count == 0 && tl_seq_after(step->seg->seq, self->isn);
}

bool tl_open_picks_other_synack(const struct tl_conn *conn, const struct tl_step *step)
{
    const struct tl_other_synack *other = &conn->opening.other;

    return other->known && !conn->opened && conn->client == step->from && tl_has(step, TL_ACK) &&
           !(step->seg->flags & (TL_SYN | TL_RST)) && step->seg->ack == other->isn + 1 && step->peer->isn != other->isn;
}

static void open_name_plain(const struct tl_conn *conn, struct tl_step *step)
{
    const struct tl_endpoint *self = step->self, *peer = step->peer;
    bool is_client = conn->client == step->from;
    bool acks = tl_has(step, TL_ACK) && peer->has_isn_of_syn &&
                (tl_seq_after(step->seg->ack, peer->isn) || tl_open_picks_other_synack(conn, step));

    if (conn->opening.acked || step->copy_of || (conn->opened && !is_client)) {
        return;
    }
    if (!tl_has(step, TL_ACK)) {
        if (is_client && step->seg->len > 0 && tl_syns(self)->count > 0 && !conn->opened) {
            step->shape->handshake_step = TL_HANDSHAKE_STEP_EARLY_DATA;
        }
        return;
    }
    if (conn->peers ? acks && tl_synacks(self)->count == 0 : is_client && (acks || open_proves_unseen_synack(step))) {
        open_name_first_ack(step);
    } else if (!conn->opened && !is_client && !conn->peers) {
        open_name_server_plain(conn, step);
    }
}

/* Timestamps, once negotiated, are on every segment but RST (RFC 7323 3.2). */
static void open_check_timestamps(struct tl_step *step)
{
    bool negotiated = step->self->has_isn_of_syn && step->peer->has_isn_of_syn &&
                      (step->self->options & step->peer->options & TL_OPT_TIMESTAMPS);

    if (negotiated && !(step->seg->options & (TL_OPT_TIMESTAMPS | TL_OPT_BROKEN))) {
        step->shape->error |= TL_ERROR_OPT_LOST;
    }
}

/* ---- every segment ------------------------------------------------------------------------------------------------------ */

void tl_open_name(const struct tl_conn *conn, struct tl_step *step)
{
    if (step->event == TL_EVENT_SYN) {
        open_name_syn(conn, step);
        return;
    }
    if (step->event == TL_EVENT_SYNACK) {
        open_name_synack(conn, step);
        return;
    }
    if (!step->legal) {
        step->shape->error |= TL_ERROR_FLAGS;
    }
    if (step->event != TL_EVENT_RST && !step->stray) {
        open_check_timestamps(step);
        open_name_plain(conn, step);
    }
}
