/* tl_signature.c - how far the connection had come at a RST, and the pattern that the resets in the client's name make.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Observed: the names follow published measurements of resets that devices send; ordinary causes make most of the patterns, too.
 */
#include "rules/tl_signature.h"

static const int64_t SILENCE_NS = 3 * TL_SECOND; /* a client that sends nothing for this long has stopped */

enum tl_rst_stage tl_signature_stage(const struct tl_conn *conn)
{
    const struct tl_endpoint *client = &conn->endpoint[conn->client];

    if (conn->midstream || tl_syns(client)->count == 0) {
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

void tl_signature_count(const struct tl_step *step, struct tl_rsts *rsts)
{
    uint8_t *count;

    if (!rsts) {
        return;
    }
    count = tl_has(step, TL_ACK) ? &rsts->with_ack : &rsts->bare;
    if (rsts->count == 0) {
        rsts->stage = step->shape->rst_stage;
    } else {
        rsts->acks_differ |= step->seg->ack != rsts->ack;
    }
    rsts->ack_zero |= step->seg->ack == 0;
    *count += *count < UINT8_MAX;
    rsts->last_ns = step->seg->time_ns;
    rsts->seq = step->seg->seq;
    rsts->ack = step->seg->ack;
    rsts->had_ack = tl_has(step, TL_ACK);
}

/* ---- signature ---------------------------------------------------------------------------------------------------------- */

static enum tl_signature signature_silent(const struct tl_conn *conn, int64_t end_ns)
{
    const struct tl_endpoint *client = &conn->endpoint[conn->client];

    if (end_ns - client->last_ns < SILENCE_NS || conn->reset.ended) {
        return TL_SIGNATURE_NONE;
    }
    switch (tl_signature_stage(conn)) {
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

static enum tl_signature signature_after_first_data(const struct tl_endpoint *client)
{
    if (tl_rsts(client)->bare > 0 && tl_rsts(client)->with_ack > 0) {
        return TL_SIGNATURE_PSH_RST_RSTACK;
    }
    if (tl_rsts(client)->with_ack > 0) {
        return tl_rsts(client)->with_ack > 1 ? TL_SIGNATURE_PSH_RSTACK_RSTACK : TL_SIGNATURE_PSH_RSTACK;
    }
    if (tl_rsts(client)->bare == 1) {
        return TL_SIGNATURE_PSH_RST;
    }
    if (!tl_rsts(client)->acks_differ) {
        return TL_SIGNATURE_PSH_RST_SAME;
    }
    return tl_rsts(client)->ack_zero ? TL_SIGNATURE_PSH_RST_ZERO : TL_SIGNATURE_PSH_RST_DIFFERENT;
}

enum tl_signature tl_signature_of(const struct tl_conn *conn, int64_t end_ns)
{
    const struct tl_endpoint *client = &conn->endpoint[conn->client];
    bool both = tl_rsts(client)->bare > 0 && tl_rsts(client)->with_ack > 0;

    if (conn->peers || conn->endpoint[0].has_fin || conn->endpoint[1].has_fin || tl_syns(client)->count == 0) {
        return TL_SIGNATURE_NONE;
    }
    if (tl_rsts(client)->count == 0) {
        return signature_silent(conn, end_ns);
    }
    switch (tl_rsts(client)->stage) {
    case TL_RST_STAGE_POST_SYN:
        return both ? TL_SIGNATURE_SYN_RST_RSTACK : tl_rsts(client)->bare > 0 ? TL_SIGNATURE_SYN_RST : TL_SIGNATURE_SYN_RSTACK;
    case TL_RST_STAGE_POST_ACK:
        if (both) {
            return TL_SIGNATURE_NONE; /* no name for it */
        }
        if (tl_rsts(client)->bare > 0) {
            return tl_rsts(client)->bare > 1 ? TL_SIGNATURE_ACK_RST_RST : TL_SIGNATURE_ACK_RST;
        }
        return tl_rsts(client)->with_ack > 1 ? TL_SIGNATURE_ACK_RSTACK_RSTACK : TL_SIGNATURE_ACK_RSTACK;
    case TL_RST_STAGE_POST_PSH:
        return signature_after_first_data(client);
    case TL_RST_STAGE_LATER:
        return tl_rsts(client)->bare > 0 ? TL_SIGNATURE_DATA_RST : TL_SIGNATURE_DATA_RSTACK;
    default:
        return TL_SIGNATURE_NONE;
    }
}
