/* tl_reset.c - whether a RST ended the connection, and which.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * RFC 5961 3.2: a RST that is not exact draws a challenge ACK and ends nothing; one outside the window is dropped. Both show only
 * by what comes later, so a RST that counted may have to be taken back.
 */
#include "rules/tl_reset.h"

#include "rules/tl_rsts.h"

void tl_reset_note(struct tl_conn *conn, const struct tl_rst_seen *rst, bool ends_it)
{
    struct tl_reset *reset = &conn->reset;

    if (ends_it) {
        reset->ended = true;
        reset->by = rst->end;
        reset->in = rst->frame;
        reset->ns = rst->ns;
    }
    if (ends_it || reset->any.frame == 0) {
        reset->any = *rst;
    }
}

void tl_reset_clear(struct tl_conn *conn)
{
    conn->reset.ended = false;
    conn->reset.by = TL_NO_ENDPOINT;
    conn->outcome = TL_OUTCOME_NONE;
}

void tl_reset_revoke(struct tl_step *step, unsigned by, uint32_t frame, enum tl_rst_effect effect)
{
    struct tl_conn *conn = step->conn;
    struct tl_rsts *rsts = conn->endpoint[by].rsts;

    step->refs->revoked_in = frame;
    if (rsts) {
        rsts->effect = (uint8_t)effect;
        rsts->unharmed_in = frame;
    }
    if (conn->reset.ended && conn->reset.by == by && conn->reset.in == frame) {
        tl_reset_clear(conn);
    }
}
