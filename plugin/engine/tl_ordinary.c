/* tl_ordinary.c - see tl_ordinary.h.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Each condition stands for the rules that it makes silent; their names are given.
 */
#include "tl_ordinary.h"

#include "tl_rexmit.h"

/* ---- the connection ----------------------------------------------------------------------------------------------------- */

/* Known to be ESTABLISHED by what it sent itself: the states do not change (tl_states). */
static bool is_established(const struct tl_end *end)
{
    return tl_fsm_state(&end->fsm) == TL_STATE_ESTABLISHED && end->fsm.expected == 0;
}

/* Both directions of the end are known, so that the next number is new and no ACK is beyond what was captured. */
static bool is_known(const struct tl_end *end)
{
    return end->has_max && end->has_seen && end->has_una && end->has_ack && end->max == end->seen &&
           (end->sent == &tl_no_sent || end->sent->max == end->max);
}

/* Neither FIN nor RST (tl_close, tl_inject), no probes of it (tl_probe), no repetition, no stray segment, window open. */
static bool is_quiet(const struct tl_end *end)
{
    return !end->has_fin && end->rst->count == 0 && end->probe->count == 0 && end->insists == 0 && end->strays == 0 &&
           end->has_window && end->window > 0 && end->segments > 0 && !end->acks_unexpected;
}

/* Nothing of a handshake is left to be found (tl_open). */
static bool is_past_handshake(const struct tl_conn *conn)
{
    const struct tl_end *a = &conn->end[0], *b = &conn->end[1];

    return conn->handshake_acked || (conn->midstream && !a->has_isn && !b->has_isn);
}

bool tl_ordinary_is_calm(const struct tl_conn *conn)
{
    if (conn->phase != TL_PHASE_ESTABLISHED || !conn->opened || conn->tentative || conn->rst_in != 0 || conn->syn_data != 0) {
        return false;
    }
    for (unsigned i = 0; i < 2; i++) {
        const struct tl_end *end = &conn->end[i];

        if (!is_quiet(end) || !is_known(end) || !is_established(end)) {
            return false;
        }
    }
    return is_past_handshake(conn);
}

/* ---- the segment -------------------------------------------------------------------------------------------------------- */

/* Timestamps as negotiated, and no other option (tl_open's check_timestamps, tl_feedback's blocks). */
static bool has_usual_options(const struct tl_end *self, const struct tl_end *peer, const struct tl_segment *seg)
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

/* New payload, in order, that does not fill the peer's window to the last octet (tl_probe's is_window_limited), while no loss is
 * being repaired (an episode may end with it, tl_resent). */
static bool is_next_data(const struct tl_end *self, const struct tl_end *peer, const struct tl_segment *seg)
{
    const struct tl_repair *repair = self->repair;

    return repair && !repair->in_loss && !repair->in_recovery && seg->len <= UINT16_MAX && seg->len != peer->window &&
           !may_hide_original(repair, seg);
}

bool tl_ordinary_is(const struct tl_conn *conn, const struct tl_segment *seg)
{
    const struct tl_end *self = &conn->end[seg->from & 1], *peer = &conn->end[1 - (seg->from & 1)];
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

void tl_ordinary_name(struct tl_step *step)
{
    struct tl_shape *shape = step->shape;

    shape->phase = TL_PHASE_ESTABLISHED;
    if (step->length > 0) {
        shape->flags |= TL_SHAPE_NEW_DATA;
        shape->segment = TL_SEGMENT_NEW;
    }
    for (unsigned i = 0; i < 2; i++) {
        shape->end[i].state = TL_STATE_ESTABLISHED;
        shape->end[i].confidence = step->conn->end[i].fsm.confidence;
    }
}
