/* tl_signature.h - how far the connection had come at a RST, and the pattern that the resets in the client's name make.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TL_SIGNATURE_H
#define TL_SIGNATURE_H

#include "conn/tl_conn.h"

/* How far the connection has come. O(1). */
enum tl_rst_stage tl_signature_stage(const struct tl_conn *conn);

/* Counts the RST in this step. Called before it is remembered and after whatever compares it with the one before. `rsts` is the part of
 * its sender, NULL when out of memory. O(1). */
void tl_signature_count(const struct tl_step *step, struct tl_rsts *rsts);

/* The pattern of resets in the client's name, as known at `end_ns`, the end of the capture. O(1). */
enum tl_signature tl_signature_of(const struct tl_conn *conn, int64_t end_ns);

#endif
