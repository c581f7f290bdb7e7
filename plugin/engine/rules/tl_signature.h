/* tl_signature.h - how far the connection had come at a RST, and the pattern that the resets in the client's name make.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TL_SIGNATURE_H
#define TL_SIGNATURE_H

#include "conn/tl_conn.h"

/* Names the stage of the RST in this step, and counts it. Called before the RST is remembered and after whatever compares it with the one
 * before. `rsts` is the part of its sender, NULL when out of memory. O(1). */
void tl_signature_count(struct tl_step *step, struct tl_rsts *rsts);

/* The pattern of resets in the client's name, as known at `end_ns`, the end of the capture. O(1). */
enum tl_signature tl_signature_of(const struct tl_conn *conn, int64_t end_ns);

#endif
