/* tl_open.c - the handshake: step, arithmetic, outcome, timing.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "rules/tl_open.h"

#include "conn/tl_window.h"
#include "rules/tl_reset.h"

/* A SYN counts as unanswered only after this much silence (docs/design.md, thresholds): the least first retry of common
 * systems is 1 s (RFC 6298 2.1), so 3 s, or three times the last gap, cover a retry that is late. */
static const int64_t PENDING_NS = 3 * TL_SECOND;
enum { PENDING_GAPS = 3, SCALE_MAX = 14 /* RFC 7323 2.3 */ };

bool tl_open_synack_fits(const struct tl_conn *conn, const struct tl_endpoint *client, uint32_t ack)
{
    return tl_seq_within(ack, client->isn + 1, client->isn + 1 + conn->syn_data);
}

/* ---- remembering SYNs -------------------------------------------------------------------------------------------------- */

/* What is known of the SYNs or SYN-ACKs of an end, to write to it; NULL when out of memory. */
static struct tl_syns *make_syns(const struct tl_step *step, const struct tl_syns **syns)
{
    struct tl_syns *made = tl_conn_part(step->conn, *syns, &tl_no_syns, sizeof *made);

    if (made) {
        *syns = made;
    }
    return made;
}

static void add_syn(struct tl_syns *syns, const struct tl_segment *seg)
{
    if (syns->count == 0) {
        syns->first_ns = seg->time_ns;
        syns->first_in = seg->frame;
        syns->first_tsval = seg->tsval;
    } else {
        if (syns->count > 1) {
            syns->earlier_in[1] = syns->earlier_in[0];
            syns->earlier_tsval[1] = syns->earlier_tsval[0];
            syns->earlier_in[0] = syns->last_in;
            syns->earlier_tsval[0] = syns->last_tsval;
        }
        syns->gap_ns = seg->time_ns > syns->last_ns ? seg->time_ns - syns->last_ns : 0;
    }
    syns->last_ns = seg->time_ns;
    syns->last_in = seg->frame;
    syns->last_tsval = seg->tsval;
    syns->count += syns->count < UINT16_MAX;
}

static void remember_syn(const struct tl_step *step, const struct tl_syns **at)
{
    struct tl_syns *syns = make_syns(step, at);

    if (syns) {
        add_syn(syns, step->seg);
    }
}

static void learn_isn(struct tl_endpoint *end, const struct tl_segment *seg)
{
    end->isn = seg->seq;
    end->has_isn = true;
    end->has_isn_of_syn = true;
    end->options = seg->options;
    end->scale = seg->window_scale;
    end->mss = seg->options & TL_OPT_MSS ? seg->mss : 0;
}

/* The transmission that the echo `tsecr` answers, or TL_UNKNOWN_NS: after a repetition only timestamps can tell (Karn). */
static int64_t answered_at(const struct tl_syns *syns, const struct tl_segment *seg)
{
    bool echo = (seg->options & TL_OPT_TIMESTAMPS) && syns->first_tsval != syns->last_tsval;

    if (syns->count == 1) {
        return syns->first_ns;
    }
    if (echo && seg->tsecr == syns->first_tsval) {
        return syns->first_ns;
    }
    return echo && seg->tsecr == syns->last_tsval ? syns->last_ns : TL_UNKNOWN_NS;
}

/* RFC 3522: the answer echoes an earlier transmission, so those after it were spurious. */
static void prove_spurious(struct tl_step *step, const struct tl_syns *syns)
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

/* Times one half RTT of the handshake: from the SYN or SYN-ACK in `syns` to the segment that answers it. */
static int64_t time_half_rtt(struct tl_step *step, const struct tl_syns *syns)
{
    int64_t sent_ns = answered_at(syns, step->seg);

    prove_spurious(step, syns);
    if (sent_ns == TL_UNKNOWN_NS) {
        step->conn->ambiguous = true;
        return tl_since(step, syns->last_ns);
    }
    /* An answer to an earlier transmission was late, or is itself a repetition: no measure of the way. */
    if (!step->conn->ambiguous && sent_ns == syns->last_ns) {
        step->self->half_rtt_of_syn = true;
        step->self->half_rtt_count += step->self->half_rtt_count < UINT8_MAX;
        if (step->self->half_rtt_ns == TL_UNKNOWN_NS || tl_since(step, sent_ns) < step->self->half_rtt_ns) {
            step->self->half_rtt_ns = tl_since(step, sent_ns);
        }
    }
    return tl_since(step, sent_ns);
}

/* ---- roles ------------------------------------------------------------------------------------------------------------- */

static void set_client(struct tl_conn *conn, unsigned client, enum tl_confidence confidence)
{
    conn->client = (uint8_t)client;
    conn->sender_confidence = (uint8_t)confidence;
    conn->roles_known = true;
}

/* Both ends opened actively. The lower address is shown as the client, so that two captures of one connection agree. */
static void set_peers(struct tl_conn *conn)
{
    conn->peers = true;
    set_client(conn, 0, TL_CONFIDENCE_CERTAIN);
}

/* ---- SYN --------------------------------------------------------------------------------------------------------------- */

static enum tl_handshake_step first_syn_step(const struct tl_segment *seg)
{
    if (seg->options & TL_OPT_FAST_OPEN) {
        return seg->fast_open_bytes == 0 && seg->len == 0 ? TL_HANDSHAKE_STEP_SYN_TFO_REQUEST : TL_HANDSHAKE_STEP_SYN_TFO_DATA;
    }
    return seg->len > 0 ? TL_HANDSHAKE_STEP_SYN_DATA : TL_HANDSHAKE_STEP_SYN;
}

static void check_syn(struct tl_step *step)
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

static void learn_first_syn(struct tl_step *step)
{
    struct tl_conn *conn = step->conn;

    learn_isn(step->self, step->seg);
    step->self->syn_extra = step->length - 1;
    if (step->peer->syn->count == 0) {
        conn->opener = (uint8_t)step->from;
        conn->syn_data = step->seg->len;
        set_client(conn, step->from, TL_CONFIDENCE_CERTAIN);
        if ((step->seg->options & TL_OPT_FAST_OPEN) && step->seg->fast_open_bytes == 0) {
            conn->tfo = TL_TFO_REQUESTED;
        }
    }
}

/* The client goes on with an attempt that a RST had refused: that RST did not reach it, or it did not take it. */
static void reopen(struct tl_conn *conn)
{
    if (conn->reset.ended && !conn->opened) {
        conn->endpoint[0].gone = conn->endpoint[1].gone = false;
        tl_reset_clear(conn);
    }
}

/* A copy may draw an answer, too. */
static void note_copy(const struct tl_step *step, const struct tl_syns **at)
{
    struct tl_syns *syns = make_syns(step, at);

    if (syns) {
        syns->copy_in = step->seg->frame;
    }
}

/* What came since the last SYN and shows that it arrived: a RST (Windows asks again all the same), a challenge ACK that the client has
 * answered by a RST, an ICMP error. Its frame, or 0. */
static uint32_t answer_before(const struct tl_step *step)
{
    const struct tl_conn *conn = step->conn;
    uint32_t syn_in = step->self->syn->last_in;

    if (step->peer->rst->last_in > syn_in) {
        return step->peer->rst->last_in;
    }
    if (conn->has_challenge && step->self->rst->last_in > conn->challenge_in && step->self->rst->last_in > syn_in) {
        return conn->challenge_in;
    }
    return conn->icmp_in > syn_in ? conn->icmp_in : 0;
}

static void classify_syn(struct tl_step *step)
{
    struct tl_endpoint *self = step->self;
    const struct tl_endpoint *peer = step->peer;
    bool repeated = self->syn->count > 0 && step->seg->seq == self->isn;

    check_syn(step);
    if (step->copy_of) {
        step->shape->handshake_step = TL_HANDSHAKE_STEP_SYN_COPY;
        note_copy(step, &self->syn);
        return;
    }
    if (repeated) {
        reopen(step->conn);
        step->shape->handshake_step = TL_HANDSHAKE_STEP_SYN_RETRANSMISSION;
        step->refs->trigger_in = answer_before(step);
        step->shape->attempt = self->syn->count;
        step->refs->first_in = self->syn->first_in;
    } else if (step->conn->opened || self->synack->count > 0) {
        /* A SYN in an open connection, or after the own SYN-ACK: the pair keeps it here only when it is a stray. */
        step->shape->handshake_step = TL_HANDSHAKE_STEP_SYN_CROSS;
        return;
    } else if (peer->syn->count > 0) {
        step->shape->handshake_step = TL_HANDSHAKE_STEP_SYN_CROSS;
        learn_first_syn(step);
        set_peers(step->conn);
    } else {
        step->shape->handshake_step = (uint8_t)first_syn_step(step->seg);
        if (peer->synack->count > 0) {
            step->shape->flags |= TL_SHAPE_REORDERED;
        }
        learn_first_syn(step);
    }
    remember_syn(step, &self->syn);
}

/* ---- SYN-ACK ----------------------------------------------------------------------------------------------------------- */

static void check_synack_options(struct tl_step *step)
{
    unsigned negotiated = TL_OPT_WINDOW_SCALE | TL_OPT_TIMESTAMPS | TL_OPT_SACK_PERMITTED;

    if (step->peer->syn->count > 0 && (step->seg->options & negotiated & ~step->peer->options)) {
        step->shape->error |= TL_ERROR_OPT_NOT_OFFERED;
    }
}

static void learn_tfo(struct tl_step *step)
{
    struct tl_conn *conn = step->conn;
    uint32_t acked = step->seg->ack - (step->peer->isn + 1);

    if (!(step->peer->options & TL_OPT_FAST_OPEN) || step->peer->syn->count == 0) {
        return;
    }
    if (conn->syn_data > 0) {
        conn->tfo = acked == conn->syn_data ? TL_TFO_DATA_ACKED : acked == 0 ? TL_TFO_DATA_NOT_ACKED : TL_TFO_PARTIAL;
    } else if ((step->seg->options & TL_OPT_FAST_OPEN) && step->seg->fast_open_bytes > 0) {
        conn->tfo = TL_TFO_COOKIE_GIVEN;
    }
}

static void classify_bad_synack(struct tl_step *step)
{
    step->shape->handshake_step = TL_HANDSHAKE_STEP_SYNACK_BAD;
    step->shape->error |= TL_ERROR_SYNACK_ACK;
    step->refs->ack_delta = tl_seq_diff(step->seg->ack, step->peer->isn + 1);
    step->conn->bad_synack |= !step->conn->opened;
}

/* Older than the one captured before it: the original, overtaken on the way by its own repetition. */
static bool is_overtaken(const struct tl_syns *syns, const struct tl_segment *seg)
{
    return (seg->options & TL_OPT_TIMESTAMPS) && tl_seq_before(seg->tsval, syns->last_tsval);
}

static void note_overtaken(const struct tl_step *step, const struct tl_syns **at)
{
    struct tl_syns *syns = make_syns(step, at);

    if (syns) {
        syns->count += syns->count < UINT16_MAX;
        syns->last_in = step->seg->frame;
    }
}

static void repeat_synack(struct tl_step *step)
{
    const struct tl_endpoint *client = step->peer;
    struct tl_endpoint *self = step->self;
    bool asked = client->syn->count > 1 && client->syn->last_in > self->synack->last_in;

    if (is_overtaken(self->synack, step->seg)) {
        step->shape->handshake_step = TL_HANDSHAKE_STEP_SYNACK;
        step->shape->flags |= TL_SHAPE_REORDERED;
        note_overtaken(step, &self->synack);
        return;
    }
    step->shape->handshake_step = TL_HANDSHAKE_STEP_SYNACK_RETRANSMISSION;
    step->shape->attempt = self->synack->count;
    step->shape->synack_why = asked ? TL_SYNACK_WHY_SYN_RETRANSMISSION : TL_SYNACK_WHY_TIMER;
    step->refs->first_in = self->synack->first_in;
    remember_syn(step, &self->synack);
}

static void first_synack(struct tl_step *step)
{
    struct tl_conn *conn = step->conn;
    struct tl_endpoint *self = step->self;
    bool crossing = self->syn->count > 0 && step->seg->seq == self->isn;

    step->shape->handshake_step = crossing ? TL_HANDSHAKE_STEP_SYNACK_CROSS : TL_HANDSHAKE_STEP_SYNACK;
    check_synack_options(step);
    if (!crossing) {
        learn_isn(self, step->seg);
    } else {
        self->options |= step->seg->options;
    }
    remember_syn(step, &self->synack);
    learn_tfo(step);
    if (step->peer->syn->count > 0) {
        int64_t half_rtt = time_half_rtt(step, step->peer->syn);

        conn->server_half_rtt_ns = conn->server_half_rtt_ns == TL_UNKNOWN_NS ? half_rtt : conn->server_half_rtt_ns;
    }
    if (!conn->peers) {
        set_client(conn, 1 - step->from, step->peer->syn->count > 0 ? TL_CONFIDENCE_CERTAIN : TL_CONFIDENCE_LIKELY);
    }
}

static void classify_synack(struct tl_step *step)
{
    struct tl_endpoint *self = step->self;
    bool known = step->peer->syn->count > 0;
    bool same_isn = self->synack->count > 0 && step->seg->seq == self->isn;

    check_syn(step);
    if (step->copy_of) {
        step->shape->handshake_step = TL_HANDSHAKE_STEP_SYNACK_COPY;
    } else if (known && !tl_open_synack_fits(step->conn, step->peer, step->seg->ack)) {
        classify_bad_synack(step);
    } else if (same_isn) {
        repeat_synack(step);
    } else if (step->conn->opened) {
        /* Not the SYN-ACK that opened this connection: it changes nothing. */
        step->shape->handshake_step = TL_HANDSHAKE_STEP_SYNACK_BAD;
        step->shape->error |= TL_ERROR_SYNACK_ISN;
    } else {
        if (self->synack->count > 0) {
            step->shape->error |= TL_ERROR_SYNACK_ISN;
        }
        first_synack(step);
    }
}

/* ---- the rest of the handshake ------------------------------------------------------------------------------------------ */

/* Numbers of the client's first ACK. A number beyond what was captured is no error: the capture may have lost it. */
static void check_first_ack(struct tl_step *step)
{
    const struct tl_segment *seg = step->seg;
    const struct tl_endpoint *client = step->self, *server = step->peer;
    uint32_t expected = client->has_una ? client->una : client->isn + 1;

    if (server->has_isn_of_syn && tl_seq_after(seg->ack, server->max) && !server->sent_plain) {
        step->shape->error |= TL_ERROR_ACK_ACK;
    }
    if (client->has_isn_of_syn && tl_seq_before(seg->seq, client->isn + 1)) {
        step->shape->error |= TL_ERROR_ACK_SEQ;
    }
    if (client->has_isn_of_syn && tl_seq_after(seg->seq, expected + (server->window > 0 ? server->window : 0xFFFF))) {
        step->shape->error |= TL_ERROR_ACK_SEQ;
    }
}

static void classify_first_ack(struct tl_step *step)
{
    struct tl_conn *conn = step->conn;

    check_first_ack(step);
    step->shape->handshake_step = step->seg->len > 0 ? TL_HANDSHAKE_STEP_ACK_DATA : TL_HANDSHAKE_STEP_ACK;
    conn->ack_in = step->seg->frame;
    conn->ack_ns = step->seg->time_ns;
    conn->handshake_acked = true;
    if (step->peer->synack->count > 0) {
        conn->client_half_rtt_ns = time_half_rtt(step, step->peer->synack);
    }
    if (conn->peers && step->peer->synack->count == 0 && step->self->synack->count == 0) {
        return;
    }
    if (conn->peers && step->self->synack->count == 0) {
        /* Split handshake: this end answered the SYN by a bare SYN and completes with an ACK (RFC 9293 allows it). */
        conn->peers = false;
        set_client(conn, conn->opener, TL_CONFIDENCE_LIKELY);
    }
}

/* A segment of the passive end, with neither SYN nor RST, before the client's ACK was captured. */
static void classify_server_plain(struct tl_step *step)
{
    const struct tl_endpoint *client = step->peer;
    bool quiet = step->self->synack->count == 0 && step->self->syn->count == 0;

    if (step->event == TL_EVENT_FIN && !quiet) {
        step->shape->handshake_step = TL_HANDSHAKE_STEP_EARLY_FIN;
        return;
    }
    if (step->event != TL_EVENT_ACK || !quiet || client->syn->count == 0 || client->sent_plain) {
        return;
    }
    if (step->seg->ack == client->isn + 1) {
        step->shape->handshake_step = TL_HANDSHAKE_STEP_ACK_BEFORE_SYNACK;
    } else if (!tl_open_synack_fits(step->conn, client, step->seg->ack)) {
        /* Numbers of a connection that is older than the capture. */
        step->shape->handshake_step = TL_HANDSHAKE_STEP_CHALLENGE_ACK;
        step->shape->ack = TL_ACK_CHALLENGE;
        step->refs->trigger_in = client->syn->last_in;
        step->conn->has_challenge = true;
        step->conn->challenge_in = step->seg->frame;
        step->conn->challenge_ack = step->seg->ack;
    }
}

/* The SYN-ACK was not captured, but only an end that has processed one goes on behind its SYN. */
static bool proves_unseen_synack(const struct tl_step *step)
{
    const struct tl_endpoint *self = step->self;

    return self->syn->count > 0 && step->peer->synack->count == 0 && tl_seq_after(step->seg->seq, self->isn);
}

static void classify_plain(struct tl_step *step)
{
    struct tl_conn *conn = step->conn;
    const struct tl_endpoint *self = step->self, *peer = step->peer;
    bool is_client = conn->client == step->from;
    bool acks = tl_has(step, TL_ACK) && peer->has_isn_of_syn && tl_seq_after(step->seg->ack, peer->isn);

    if (conn->handshake_acked || step->copy_of || (conn->opened && !is_client)) {
        return;
    }
    if (!tl_has(step, TL_ACK)) {
        if (is_client && step->seg->len > 0 && self->syn->count > 0 && !conn->opened) {
            step->shape->handshake_step = TL_HANDSHAKE_STEP_EARLY_DATA;
        }
        return;
    }
    if (conn->peers ? acks && self->synack->count == 0 : is_client && (acks || proves_unseen_synack(step))) {
        classify_first_ack(step);
    } else if (!conn->opened && !is_client && !conn->peers) {
        classify_server_plain(step);
    }
}

/* Timestamps, once negotiated, are on every segment but RST (RFC 7323 3.2). */
static void check_timestamps(struct tl_step *step)
{
    bool negotiated = step->self->has_isn_of_syn && step->peer->has_isn_of_syn &&
                      (step->self->options & step->peer->options & TL_OPT_TIMESTAMPS);

    if (negotiated && !(step->seg->options & (TL_OPT_TIMESTAMPS | TL_OPT_BROKEN))) {
        step->shape->error |= TL_ERROR_OPT_LOST;
    }
}

void tl_open_classify(struct tl_step *step)
{
    switch (step->event) {
    case TL_EVENT_SYN:
        classify_syn(step);
        break;
    case TL_EVENT_SYNACK:
        classify_synack(step);
        break;
    case TL_EVENT_RST:
        if (!step->legal) {
            step->shape->error |= TL_ERROR_FLAGS;
        }
        break;
    default:
        if (!step->legal) {
            step->shape->error |= TL_ERROR_FLAGS;
        }
        if (!step->stray) {
            check_timestamps(step);
            classify_plain(step);
        }
        break;
    }
}

/* ---- outcome ----------------------------------------------------------------------------------------------------------- */

static bool all_three_captured(const struct tl_conn *conn)
{
    const struct tl_endpoint *client = &conn->endpoint[conn->client], *server = &conn->endpoint[1 - conn->client];

    return client->syn->count > 0 && server->synack->count > 0 && conn->handshake_acked;
}

enum tl_outcome tl_open_proved(const struct tl_conn *conn)
{
    const struct tl_endpoint *a = &conn->endpoint[0], *b = &conn->endpoint[1];
    bool captured = a->syn->count + a->synack->count + b->syn->count + b->synack->count > 0;

    if (!captured) {
        return conn->midstream ? TL_OUTCOME_NOT_CAPTURED : TL_OUTCOME_NONE;
    }
    if (a->syn->count > 0 && b->syn->count > 0 && conn->opened) {
        return a->synack->count > 0 && b->synack->count > 0 ? TL_OUTCOME_SIMULTANEOUS : TL_OUTCOME_SPLIT;
    }
    if (conn->outcome != TL_OUTCOME_NONE) {
        return (enum tl_outcome)conn->outcome;
    }
    if (all_three_captured(conn)) {
        return TL_OUTCOME_COMPLETE;
    }
    if (conn->opened) {
        return TL_OUTCOME_COMPLETE_INFERRED;
    }
    return conn->has_challenge && a->synack->count + b->synack->count == 0 ? TL_OUTCOME_CHALLENGED : TL_OUTCOME_NONE;
}

/* Too early to call the last SYN or SYN-ACK unanswered. */
static bool still_waiting(const struct tl_syns *syns, int64_t end_ns)
{
    return end_ns - syns->last_ns < tl_max_ns(PENDING_NS, PENDING_GAPS * syns->gap_ns);
}

enum tl_outcome tl_open_outcome(const struct tl_conn *conn, int64_t end_ns)
{
    enum tl_outcome proved = tl_open_proved(conn);
    const struct tl_endpoint *client = &conn->endpoint[conn->client], *server = &conn->endpoint[1 - conn->client];

    if (proved != TL_OUTCOME_NONE) {
        return proved;
    }
    if (server->synack->count > 0) {
        return still_waiting(server->synack, end_ns) ? TL_OUTCOME_PENDING : TL_OUTCOME_HALF_OPEN;
    }
    if (conn->bad_synack) {
        return TL_OUTCOME_BAD;
    }
    if (conn->icmp_in != 0) {
        return TL_OUTCOME_UNREACHABLE;
    }
    if (client->syn->count > 0) {
        return still_waiting(client->syn, end_ns) ? TL_OUTCOME_PENDING : TL_OUTCOME_UNANSWERED;
    }
    return TL_OUTCOME_UNKNOWN;
}
