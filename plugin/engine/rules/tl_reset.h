/* tl_reset.h - whether a RST ended the connection, and which: struct tl_reset, written here alone.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TL_RESET_H
#define TL_RESET_H

#include "conn/tl_conn.h"

/* Keeps what a RST says of why; the RST that ends the connection is kept rather than the first one. O(1). */
void tl_reset_note(struct tl_conn *conn, const struct tl_rst_seen *rst, bool ends_it);

/* The connection goes on: whatever RST had ended it ended nothing, nor did it decide the handshake. O(1). */
void tl_reset_clear(struct tl_conn *conn);

/* A later segment shows that the RST in this frame, in the name of end `by`, ended nothing: its receiver challenged or ignored it, as
 * `effect` says. O(1). */
void tl_reset_revoke(struct tl_step *step, unsigned by, uint32_t frame, enum tl_rst_effect effect);

/* Whether there was no RST, so that no segment shows what it was, or that it ended nothing. O(1). */
static inline bool tl_reset_is_quiet(const struct tl_conn *conn)
{
    return conn->reset.any.frame == 0;
}

#endif
