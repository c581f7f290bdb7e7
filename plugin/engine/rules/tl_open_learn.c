/* tl_open_learn.c - what the handshake leaves behind: SYNs and SYN-ACKs, times, roles (RFC 9293 3.5, RFC 7413).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "rules/tl_apply.h"
#include "rules/tl_open.h"
#include "rules/tl_reset.h"

/* ---- remembering SYNs -------------------------------------------------------------------------------------------------- */

/* What is known of the SYNs or SYN-ACKs of an end, to write to it; NULL when out of memory. */
static struct tl_syns *open_learn_make_syns(const struct tl_step *step, struct tl_syns **syns)
{
    struct tl_syns *made = tl_conn_part(step->conn, *syns, sizeof *made);

    if (made) {
        *syns = made;
    }
    return made;
}

static void open_learn_add_syn(struct tl_syns *syns, const struct tl_segment *seg)
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

static void open_learn_remember_syn(const struct tl_step *step, struct tl_syns **at)
{
    struct tl_syns *syns = open_learn_make_syns(step, at);

    if (syns) {
        open_learn_add_syn(syns, step->seg);
    }
}

static void open_learn_learn_isn(struct tl_endpoint *end, const struct tl_segment *seg)
{
    end->isn = seg->seq;
    end->has_isn = true;
    end->has_isn_of_syn = true;
    end->options = seg->options;
    end->scale = seg->window_scale;
    end->mss = seg->options & TL_OPT_MSS ? seg->mss : 0;
}

/* The transmission that the echo `tsecr` answers, or TL_UNKNOWN_NS: after a repetition only timestamps can tell (Karn). */
static int64_t open_learn_answered_at(const struct tl_syns *syns, const struct tl_segment *seg)
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

/* Times one half RTT of the handshake: from the SYN or SYN-ACK in `syns` to the segment that answers it. */
static int64_t open_learn_time_half_rtt(struct tl_step *step, const struct tl_syns *syns)
{
    int64_t sent_ns = open_learn_answered_at(syns, step->seg);

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

static void open_learn_set_client(struct tl_conn *conn, unsigned client, enum tl_confidence confidence)
{
    conn->client = (uint8_t)client;
    conn->sender_confidence = (uint8_t)confidence;
    conn->roles_known = true;
}

/* R4: both ends opened actively. The lower address is shown as the client, so that two captures of one connection agree. */
static void open_learn_set_peers(struct tl_conn *conn)
{
    conn->peers = true;
    open_learn_set_client(conn, 0, TL_CONFIDENCE_CERTAIN);
}

/* ---- SYN, SYN-ACK, ACK -------------------------------------------------------------------------------------------------- */

static void open_learn_learn_first_syn(const struct tl_step *step)
{
    struct tl_conn *conn = step->conn;

    open_learn_learn_isn(step->self, step->seg);
    step->self->syn_extra = step->length - 1;
    if (tl_syns(step->peer)->count > 0) {
        open_learn_set_peers(conn);
        return;
    }
    conn->opening.opener = (uint8_t)step->from;
    conn->opening.syn_data = step->seg->len;
    open_learn_set_client(conn, step->from, TL_CONFIDENCE_CERTAIN); /* R1, R8 */
    if ((step->seg->options & TL_OPT_FAST_OPEN) && step->seg->fast_open_bytes == 0) {
        conn->opening.tfo = TL_TFO_REQUESTED;
    }
}

/* The client goes on with an attempt that a RST had refused: the RST did not reach it, or it did not accept it. */
static void open_learn_reopen(struct tl_conn *conn)
{
    if (conn->reset.ended && !conn->opened) {
        conn->endpoint[0].gone = conn->endpoint[1].gone = false;
        tl_reset_clear(conn);
    }
}

/* A copy may draw an answer, too. */
static void open_learn_note_copy(const struct tl_step *step, struct tl_syns **at)
{
    struct tl_syns *syns = open_learn_make_syns(step, at);

    if (syns) {
        syns->copy_in = step->seg->frame;
    }
}

static void open_learn_learn_syn(struct tl_step *step)
{
    struct tl_endpoint *self = step->self;

    if (step->shape->handshake_step == TL_HANDSHAKE_STEP_SYN_COPY) {
        open_learn_note_copy(step, &self->syns);
        return;
    }
    if (step->shape->handshake_step == TL_HANDSHAKE_STEP_SYN_RETRANSMISSION) {
        open_learn_reopen(step->conn);
    } else if (!step->late && tl_open_is_foreign_syn(step->conn, self)) {
        return;
    } else {
        open_learn_learn_first_syn(step);
    }
    open_learn_remember_syn(step, &self->syns);
}

/* The SYN came again without its data, and that is what the SYN-ACK answers: it echoes a later timestamp than the first one, or
 * nothing tells and it follows the bare one (RFC 7413 4.1.3.1: a client falls back when the path drops such SYNs). */
static bool open_learn_answers_bare_syn(const struct tl_step *step)
{
    const struct tl_syns *syn = tl_syns(step->peer);
    bool echo = (step->seg->options & TL_OPT_TIMESTAMPS) && syn->first_tsval != syn->last_tsval;

    return syn->count > 1 && syn->last_bare && !(echo && step->seg->tsecr == syn->first_tsval);
}

static void open_learn_learn_tfo(const struct tl_step *step)
{
    struct tl_opening *opening = &step->conn->opening;
    uint32_t acked = step->seg->ack - (step->peer->isn + 1);

    if (!(step->peer->options & TL_OPT_FAST_OPEN) || tl_syns(step->peer)->count == 0) {
        return;
    }
    if (opening->syn_data > 0) {
        opening->tfo = acked == opening->syn_data ? TL_TFO_DATA_ACKED : acked > 0 ? TL_TFO_PARTIAL : TL_TFO_DATA_NOT_ACKED;
        if (acked == 0 && open_learn_answers_bare_syn(step)) {
            opening->tfo = TL_TFO_DATA_LOST;
        }
    } else if ((step->seg->options & TL_OPT_FAST_OPEN) && step->seg->fast_open_bytes > 0) {
        opening->tfo = TL_TFO_COOKIE_GIVEN;
    }
}

static void open_learn_note_overtaken(const struct tl_step *step, struct tl_syns **at)
{
    struct tl_syns *syns = open_learn_make_syns(step, at);

    if (syns) {
        syns->count += syns->count < UINT16_MAX;
        syns->last_in = step->seg->frame;
    }
}

/* A SYN-ACK with another number takes the place of the one before, until the client says which one it got. */
static void open_learn_keep_other_synack(struct tl_opening *opening, const struct tl_endpoint *server)
{
    opening->other = (struct tl_other_synack){.isn = server->isn,
                                              .frame = tl_synacks(server)->last_in,
                                              .options = server->options,
                                              .mss = server->mss,
                                              .scale = server->scale,
                                              .known = true};
}

static void open_learn_learn_first_synack(struct tl_step *step)
{
    struct tl_conn *conn = step->conn;
    struct tl_endpoint *self = step->self;

    if (tl_synacks(self)->count > 0) {
        open_learn_keep_other_synack(&conn->opening, self);
    }
    if (step->shape->handshake_step != TL_HANDSHAKE_STEP_SYNACK_CROSS) {
        open_learn_learn_isn(self, step->seg);
    } else {
        self->options |= step->seg->options;
    }
    open_learn_remember_syn(step, &self->synacks);
    open_learn_learn_tfo(step);
    if (tl_syns(step->peer)->count > 0 && !step->late) {
        int64_t half_rtt = open_learn_time_half_rtt(step, tl_syns(step->peer));

        conn->opening.server_half_rtt_ns =
            conn->opening.server_half_rtt_ns == TL_UNKNOWN_NS ? half_rtt : conn->opening.server_half_rtt_ns;
    }
    if (!conn->peers) { /* R2, R3 */
        open_learn_set_client(conn, 1 - step->from,
                              tl_syns(step->peer)->count > 0 ? TL_CONFIDENCE_CERTAIN : TL_CONFIDENCE_LIKELY);
    }
}

static void open_learn_learn_synack(struct tl_step *step)
{
    struct tl_endpoint *self = step->self;

    switch (step->shape->handshake_step) {
    case TL_HANDSHAKE_STEP_SYNACK_RETRANSMISSION:
        open_learn_remember_syn(step, &self->synacks);
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
            open_learn_note_overtaken(step, &self->synacks);
        } else {
            open_learn_learn_first_synack(step);
        }
        break;
    default:
        break;
    }
}

/* The client got the first SYN-ACK: the numbers of the server are those, and the later one is the stray. */
static void open_learn_pick_other_synack(struct tl_conn *conn, struct tl_endpoint *server)
{
    const struct tl_other_synack other = conn->opening.other;

    server->isn = other.isn;
    server->options = other.options;
    server->mss = other.mss;
    server->scale = other.scale;
    server->max = server->seen = other.isn + 1;
    if (server->sent) {
        tl_scoreboard_restart(server->sent, other.isn + 1);
    }
}

static void open_learn_learn_first_ack(struct tl_step *step)
{
    struct tl_conn *conn = step->conn;

    if (tl_open_picks_other_synack(conn, step)) {
        open_learn_pick_other_synack(conn, step->peer);
    }
    conn->opening.ack_in = step->seg->frame;
    conn->opening.ack_ns = step->seg->time_ns;
    conn->opening.acked = true;
    if (tl_synacks(step->peer)->count > 0) {
        conn->opening.client_half_rtt_ns = open_learn_time_half_rtt(step, tl_synacks(step->peer));
    }
    if (conn->peers && tl_synacks(step->peer)->count > 0 && tl_synacks(step->self)->count == 0) {
        /* R4b: split handshake: this end answered the SYN by a bare SYN and completes with an ACK (RFC 9293 allows it). */
        conn->peers = false;
        open_learn_set_client(conn, conn->opening.opener, TL_CONFIDENCE_LIKELY);
    }
}

/* ---- every segment ------------------------------------------------------------------------------------------------------ */

void tl_open_note_challenge(struct tl_conn *conn, uint32_t frame, uint32_t ack)
{
    conn->opening.has_challenge = true;
    conn->opening.challenge_in = frame;
    conn->opening.challenge_ack = ack;
}

void tl_open_learn(struct tl_step *step)
{
    if (step->event == TL_EVENT_SYN) {
        open_learn_learn_syn(step);
        return;
    }
    if (step->event == TL_EVENT_SYNACK) {
        open_learn_learn_synack(step);
        return;
    }
    switch (step->shape->handshake_step) {
    case TL_HANDSHAKE_STEP_ACK:
    case TL_HANDSHAKE_STEP_ACK_DATA:
        open_learn_learn_first_ack(step);
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
