/* tl_open.c - the handshake: step, arithmetic, timing (RFC 9293 3.5 and 3.10.7, RFC 7413).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "rules/tl_open.h"

#include "conn/tl_window.h"
#include "rules/tl_apply.h"
#include "rules/tl_reset.h"

enum { SCALE_MAX = 14 /* RFC 7323 2.3 */ };
/* A SYN-ACK again later than this, or than two half RTTs, after the ACK passed did not cross it; 1 s, the first timer of RFC 6298
 * 2.1, while the half RTT of the server is not known. */
static const int64_t CROSSING_NS = 20 * TL_MS, CROSSING_UNKNOWN_NS = TL_SECOND;

bool tl_open_synack_fits(const struct tl_conn *conn, const struct tl_endpoint *client, uint32_t ack)
{
    return tl_seq_within(ack, client->isn + 1, client->isn + 1 + conn->opening.syn_data);
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
    syns->last_bare = seg->len == 0;
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
static void name_spurious(struct tl_step *step, const struct tl_syns *syns)
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

    if (sent_ns == TL_UNKNOWN_NS) {
        step->conn->opening.ambiguous = true;
        return tl_since(step, syns->last_ns);
    }
    /* An answer to an earlier transmission was late, or is itself a repetition: no measure of the way. */
    if (!step->conn->opening.ambiguous && sent_ns == syns->last_ns) {
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

/* A SYN in an open connection, or after the own SYN-ACK: the pair keeps it here only when it is a stray. */
static bool is_syn_of_another(const struct tl_conn *conn, const struct tl_endpoint *self)
{
    return conn->opened || self->synack->count > 0;
}

/* Why the SYN comes again: what came of the last one. `in` is the frame that shows it. */
static enum tl_syn_why why_again(const struct tl_conn *conn, const struct tl_step *step, uint32_t *in)
{
    const struct tl_opening *opening = &conn->opening;
    const struct tl_rsts *rst = step->peer->rst;
    uint32_t last_in = step->self->syn->last_in;

    if (rst->last_in > last_in) {
        *in = rst->last_in;
        return rst->last_effect == TL_RST_EFFECT_ACCEPTED ? TL_SYN_WHY_REFUSED : TL_SYN_WHY_UNUSABLE;
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

static void name_syn(const struct tl_conn *conn, struct tl_step *step)
{
    const struct tl_endpoint *self = step->self, *peer = step->peer;

    check_syn(step);
    if (step->copy_of) {
        step->shape->handshake_step = TL_HANDSHAKE_STEP_SYN_COPY;
    } else if (self->syn->count > 0 && step->seg->seq == self->isn) {
        step->shape->handshake_step = TL_HANDSHAKE_STEP_SYN_RETRANSMISSION;
        step->shape->attempt = self->syn->count;
        step->shape->syn_why = (uint8_t)why_again(conn, step, &step->refs->trigger_in);
        step->refs->first_in = self->syn->first_in;
    } else if (is_syn_of_another(conn, self) || peer->syn->count > 0) {
        step->shape->handshake_step = TL_HANDSHAKE_STEP_SYN_CROSS;
    } else {
        step->shape->handshake_step = (uint8_t)first_syn_step(step->seg);
        step->shape->flags |= peer->synack->count > 0 ? TL_SHAPE_REORDERED : 0;
    }
}

static void learn_first_syn(const struct tl_step *step)
{
    struct tl_conn *conn = step->conn;

    learn_isn(step->self, step->seg);
    step->self->syn_extra = step->length - 1;
    if (step->peer->syn->count > 0) {
        set_peers(conn);
        return;
    }
    conn->opening.opener = (uint8_t)step->from;
    conn->opening.syn_data = step->seg->len;
    set_client(conn, step->from, TL_CONFIDENCE_CERTAIN);
    if ((step->seg->options & TL_OPT_FAST_OPEN) && step->seg->fast_open_bytes == 0) {
        conn->opening.tfo = TL_TFO_REQUESTED;
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

static void learn_syn(struct tl_step *step)
{
    struct tl_endpoint *self = step->self;

    if (step->shape->handshake_step == TL_HANDSHAKE_STEP_SYN_COPY) {
        note_copy(step, &self->syn);
        return;
    }
    if (step->shape->handshake_step == TL_HANDSHAKE_STEP_SYN_RETRANSMISSION) {
        reopen(step->conn);
    } else if (is_syn_of_another(step->conn, self)) {
        return;
    } else {
        learn_first_syn(step);
    }
    remember_syn(step, &self->syn);
}

/* ---- SYN-ACK ----------------------------------------------------------------------------------------------------------- */

static bool is_crossing(const struct tl_step *step)
{
    return step->self->syn->count > 0 && step->seg->seq == step->self->isn;
}

static void name_synack_options(struct tl_step *step)
{
    unsigned negotiated = TL_OPT_WINDOW_SCALE | TL_OPT_TIMESTAMPS | TL_OPT_SACK_PERMITTED;

    if (step->peer->syn->count > 0 && (step->seg->options & negotiated & ~step->peer->options)) {
        step->shape->error |= TL_ERROR_OPT_NOT_OFFERED;
    }
}

static void name_bad_synack(struct tl_step *step)
{
    step->shape->handshake_step = TL_HANDSHAKE_STEP_SYNACK_BAD;
    step->shape->error |= TL_ERROR_SYNACK_ACK;
    step->refs->ack_delta = tl_seq_diff(step->seg->ack, step->peer->isn + 1);
}

/* Older than the one captured before it: the original, overtaken on the way by its own repetition. */
static bool is_overtaken(const struct tl_syns *syns, const struct tl_segment *seg)
{
    return (seg->options & TL_OPT_TIMESTAMPS) && tl_seq_before(seg->tsval, syns->last_tsval);
}

/* The ACK of the SYN-ACK had passed so long ago that it is not under way any more: the server did not take it, or it was lost
 * behind the capture point. */
static bool is_ack_not_taken(const struct tl_conn *conn, const struct tl_step *step)
{
    int64_t half_rtt = step->self->half_rtt_ns;
    int64_t under_way = half_rtt == TL_UNKNOWN_NS ? CROSSING_UNKNOWN_NS : tl_max_ns(CROSSING_NS, 2 * half_rtt);

    return conn->opening.acked && tl_since(step, conn->opening.ack_ns) > under_way;
}

static enum tl_synack_why why_synack_again(const struct tl_conn *conn, const struct tl_step *step)
{
    const struct tl_endpoint *client = step->peer, *self = step->self;

    if (client->syn->count > 1 && client->syn->last_in > self->synack->last_in) {
        return TL_SYNACK_WHY_SYN_RETRANSMISSION;
    }
    return is_ack_not_taken(conn, step) ? TL_SYNACK_WHY_ACK_NOT_TAKEN : TL_SYNACK_WHY_TIMER;
}

static void name_synack_again(const struct tl_conn *conn, struct tl_step *step)
{
    const struct tl_endpoint *self = step->self;

    if (is_overtaken(self->synack, step->seg)) {
        step->shape->handshake_step = TL_HANDSHAKE_STEP_SYNACK;
        step->shape->flags |= TL_SHAPE_REORDERED;
        return;
    }
    step->shape->handshake_step = TL_HANDSHAKE_STEP_SYNACK_RETRANSMISSION;
    step->shape->attempt = self->synack->count;
    step->shape->synack_why = (uint8_t)why_synack_again(conn, step);
    step->refs->first_in = self->synack->first_in;
}

static void name_synack(const struct tl_conn *conn, struct tl_step *step)
{
    const struct tl_endpoint *self = step->self, *peer = step->peer;

    check_syn(step);
    if (step->copy_of) {
        step->shape->handshake_step = TL_HANDSHAKE_STEP_SYNACK_COPY;
    } else if (peer->syn->count > 0 && !tl_open_synack_fits(conn, peer, step->seg->ack)) {
        name_bad_synack(step);
    } else if (self->synack->count > 0 && step->seg->seq == self->isn) {
        name_synack_again(conn, step);
    } else if (conn->opened) {
        /* Not the SYN-ACK that opened this connection: it changes nothing. */
        step->shape->handshake_step = TL_HANDSHAKE_STEP_SYNACK_BAD;
        step->shape->error |= TL_ERROR_SYNACK_ISN;
    } else {
        step->shape->error |= self->synack->count > 0 ? TL_ERROR_SYNACK_ISN : 0;
        step->shape->handshake_step = is_crossing(step) ? TL_HANDSHAKE_STEP_SYNACK_CROSS : TL_HANDSHAKE_STEP_SYNACK;
        name_synack_options(step);
        if (peer->syn->count > 0) {
            name_spurious(step, peer->syn);
        }
    }
}

/* The SYN came again without its data, and that is what the SYN-ACK answers: it echoes a later timestamp than the first one, or
 * nothing tells and it follows the bare one (RFC 7413 4.1.3.1: a client falls back when the path drops such SYNs). */
static bool answers_bare_syn(const struct tl_step *step)
{
    const struct tl_syns *syn = step->peer->syn;
    bool echo = (step->seg->options & TL_OPT_TIMESTAMPS) && syn->first_tsval != syn->last_tsval;

    return syn->count > 1 && syn->last_bare && !(echo && step->seg->tsecr == syn->first_tsval);
}

static void learn_tfo(const struct tl_step *step)
{
    struct tl_opening *opening = &step->conn->opening;
    uint32_t acked = step->seg->ack - (step->peer->isn + 1);

    if (!(step->peer->options & TL_OPT_FAST_OPEN) || step->peer->syn->count == 0) {
        return;
    }
    if (opening->syn_data > 0) {
        opening->tfo = acked == opening->syn_data ? TL_TFO_DATA_ACKED : acked > 0 ? TL_TFO_PARTIAL : TL_TFO_DATA_NOT_ACKED;
        if (acked == 0 && answers_bare_syn(step)) {
            opening->tfo = TL_TFO_DATA_LOST;
        }
    } else if ((step->seg->options & TL_OPT_FAST_OPEN) && step->seg->fast_open_bytes > 0) {
        opening->tfo = TL_TFO_COOKIE_GIVEN;
    }
}

static void note_overtaken(const struct tl_step *step, const struct tl_syns **at)
{
    struct tl_syns *syns = make_syns(step, at);

    if (syns) {
        syns->count += syns->count < UINT16_MAX;
        syns->last_in = step->seg->frame;
    }
}

/* A SYN-ACK with another number takes the place of the one before, until the client says which one it got. */
static void keep_other_synack(struct tl_opening *opening, const struct tl_endpoint *server)
{
    opening->other = (struct tl_other_synack){.isn = server->isn,
                                              .frame = server->synack->last_in,
                                              .options = server->options,
                                              .mss = server->mss,
                                              .scale = server->scale,
                                              .known = true};
}

static void learn_first_synack(struct tl_step *step)
{
    struct tl_conn *conn = step->conn;
    struct tl_endpoint *self = step->self;

    if (self->synack->count > 0) {
        keep_other_synack(&conn->opening, self);
    }
    if (!is_crossing(step)) {
        learn_isn(self, step->seg);
    } else {
        self->options |= step->seg->options;
    }
    remember_syn(step, &self->synack);
    learn_tfo(step);
    if (step->peer->syn->count > 0) {
        int64_t half_rtt = time_half_rtt(step, step->peer->syn);

        conn->opening.server_half_rtt_ns =
            conn->opening.server_half_rtt_ns == TL_UNKNOWN_NS ? half_rtt : conn->opening.server_half_rtt_ns;
    }
    if (!conn->peers) {
        set_client(conn, 1 - step->from, step->peer->syn->count > 0 ? TL_CONFIDENCE_CERTAIN : TL_CONFIDENCE_LIKELY);
    }
}

static void learn_synack(struct tl_step *step)
{
    struct tl_endpoint *self = step->self;

    switch (step->shape->handshake_step) {
    case TL_HANDSHAKE_STEP_SYNACK_RETRANSMISSION:
        remember_syn(step, &self->synack);
        if (step->shape->synack_why == TL_SYNACK_WHY_ACK_NOT_TAKEN) {
            step->conn->opening.ignored += step->conn->opening.ignored < UINT8_MAX;
        }
        break;
    case TL_HANDSHAKE_STEP_SYNACK_BAD:
        step->conn->opening.bad_synack |= !step->conn->opened;
        step->conn->opening.bad_in = step->seg->frame;
        break;
    case TL_HANDSHAKE_STEP_SYNACK:
    case TL_HANDSHAKE_STEP_SYNACK_CROSS:
        if (step->shape->flags & TL_SHAPE_REORDERED) {
            note_overtaken(step, &self->synack);
        } else {
            learn_first_synack(step);
        }
        break;
    default:
        break;
    }
}

/* ---- the rest of the handshake ------------------------------------------------------------------------------------------ */

/* Numbers of the client's first ACK. A number beyond what was captured is no error: the capture may have lost it. */
static void check_first_ack(struct tl_step *step)
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

static void name_first_ack(struct tl_step *step)
{
    check_first_ack(step);
    step->shape->handshake_step = step->seg->len > 0 ? TL_HANDSHAKE_STEP_ACK_DATA : TL_HANDSHAKE_STEP_ACK;
    if (step->peer->synack->count > 0) {
        name_spurious(step, step->peer->synack);
    }
}

static bool is_quiet(const struct tl_endpoint *end)
{
    return end->synack->count == 0 && end->syn->count == 0;
}

bool tl_open_is_challenge(const struct tl_conn *conn, const struct tl_step *step)
{
    const struct tl_endpoint *client = step->peer;

    return step->event == TL_EVENT_ACK && step->legal && !conn->opened && !conn->opening.acked && !conn->peers &&
           conn->client != step->from && is_quiet(step->self) && !step->self->sent_plain && client->syn->count > 0 &&
           !client->sent_plain && !tl_open_synack_fits(conn, client, step->seg->ack);
}

/* A segment of the passive end, with neither SYN nor RST, before the client's ACK was captured. */
static void name_server_plain(const struct tl_conn *conn, struct tl_step *step)
{
    const struct tl_endpoint *client = step->peer;
    bool quiet = is_quiet(step->self);

    if (step->event == TL_EVENT_FIN && !quiet) {
        step->shape->handshake_step = TL_HANDSHAKE_STEP_EARLY_FIN;
        return;
    }
    if (step->event != TL_EVENT_ACK || !quiet || client->syn->count == 0 || client->sent_plain) {
        return;
    }
    if (step->seg->ack == client->isn + 1) {
        step->shape->handshake_step = TL_HANDSHAKE_STEP_ACK_BEFORE_SYNACK;
    } else if (tl_open_is_challenge(conn, step)) {
        step->shape->handshake_step = TL_HANDSHAKE_STEP_CHALLENGE_ACK;
        step->shape->ack = TL_ACK_CHALLENGE;
        step->refs->trigger_in = client->syn->last_in;
    }
}

/* The SYN-ACK was not captured, but only an end that has processed one goes on behind its SYN. */
static bool proves_unseen_synack(const struct tl_step *step)
{
    const struct tl_endpoint *self = step->self;

    return self->syn->count > 0 && step->peer->synack->count == 0 && tl_seq_after(step->seg->seq, self->isn);
}

bool tl_open_picks_other_synack(const struct tl_conn *conn, const struct tl_step *step)
{
    const struct tl_other_synack *other = &conn->opening.other;

    return other->known && !conn->opened && conn->client == step->from && tl_has(step, TL_ACK) &&
           !(step->seg->flags & (TL_SYN | TL_RST)) && step->seg->ack == other->isn + 1 && step->peer->isn != other->isn;
}

static void name_plain(const struct tl_conn *conn, struct tl_step *step)
{
    const struct tl_endpoint *self = step->self, *peer = step->peer;
    bool is_client = conn->client == step->from;
    bool acks = tl_has(step, TL_ACK) && peer->has_isn_of_syn &&
                (tl_seq_after(step->seg->ack, peer->isn) || tl_open_picks_other_synack(conn, step));

    if (conn->opening.acked || step->copy_of || (conn->opened && !is_client)) {
        return;
    }
    if (!tl_has(step, TL_ACK)) {
        if (is_client && step->seg->len > 0 && self->syn->count > 0 && !conn->opened) {
            step->shape->handshake_step = TL_HANDSHAKE_STEP_EARLY_DATA;
        }
        return;
    }
    if (conn->peers ? acks && self->synack->count == 0 : is_client && (acks || proves_unseen_synack(step))) {
        name_first_ack(step);
    } else if (!conn->opened && !is_client && !conn->peers) {
        name_server_plain(conn, step);
    }
}

/* The client got the first SYN-ACK: the numbers of the server are those, and the later one is the stray. */
static void pick_other_synack(struct tl_conn *conn, struct tl_endpoint *server)
{
    const struct tl_other_synack other = conn->opening.other;

    server->isn = other.isn;
    server->options = other.options;
    server->mss = other.mss;
    server->scale = other.scale;
    server->max = server->seen = other.isn + 1;
    if (server->scoreboard != &tl_no_scoreboard) {
        tl_scoreboard_restart(tl_apply_record(conn, server), other.isn + 1);
    }
}

static void learn_first_ack(struct tl_step *step)
{
    struct tl_conn *conn = step->conn;

    if (tl_open_picks_other_synack(conn, step)) {
        pick_other_synack(conn, step->peer);
    }
    conn->opening.ack_in = step->seg->frame;
    conn->opening.ack_ns = step->seg->time_ns;
    conn->opening.acked = true;
    if (step->peer->synack->count > 0) {
        conn->opening.client_half_rtt_ns = time_half_rtt(step, step->peer->synack);
    }
    if (conn->peers && step->peer->synack->count > 0 && step->self->synack->count == 0) {
        /* Split handshake: this end answered the SYN by a bare SYN and completes with an ACK (RFC 9293 allows it). */
        conn->peers = false;
        set_client(conn, conn->opening.opener, TL_CONFIDENCE_LIKELY);
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

/* ---- every segment ------------------------------------------------------------------------------------------------------ */

void tl_open_name(const struct tl_conn *conn, struct tl_step *step)
{
    if (step->event == TL_EVENT_SYN) {
        name_syn(conn, step);
        return;
    }
    if (step->event == TL_EVENT_SYNACK) {
        name_synack(conn, step);
        return;
    }
    if (!step->legal) {
        step->shape->error |= TL_ERROR_FLAGS;
    }
    if (step->event != TL_EVENT_RST && !step->stray) {
        check_timestamps(step);
        name_plain(conn, step);
    }
}

void tl_open_note_challenge(struct tl_conn *conn, uint32_t frame, uint32_t ack)
{
    conn->opening.has_challenge = true;
    conn->opening.challenge_in = frame;
    conn->opening.challenge_ack = ack;
}

void tl_open_learn(struct tl_step *step)
{
    if (step->event == TL_EVENT_SYN) {
        learn_syn(step);
        return;
    }
    if (step->event == TL_EVENT_SYNACK) {
        learn_synack(step);
        return;
    }
    switch (step->shape->handshake_step) {
    case TL_HANDSHAKE_STEP_ACK:
    case TL_HANDSHAKE_STEP_ACK_DATA:
        learn_first_ack(step);
        break;
    case TL_HANDSHAKE_STEP_CHALLENGE_ACK:
        tl_open_note_challenge(step->conn, step->seg->frame, step->seg->ack);
        break;
    default:
        break;
    }
}

void tl_open_note_unreachable(struct tl_conn *conn, const struct tl_open_icmp *error)
{
    if (conn->opened) {
        return;
    }
    conn->opening.icmp_last_in = error->frame;
    if (conn->opening.icmp_in != 0) {
        return;
    }
    conn->opening.icmp_in = error->frame;
    conn->opening.icmp_type = error->type;
    conn->opening.icmp_code = error->code;
}
