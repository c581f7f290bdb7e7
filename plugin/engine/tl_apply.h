/* tl_apply.h - what a segment changes: numbers, acknowledgment, windows, whether the connection is open or closed.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TL_APPLY_H
#define TL_APPLY_H

#include "tl_conn.h"

/* Applies a classified segment to both ends. Copies, strays, RSTs and segments without ACK change nothing. O(1) amortised. */
void tl_apply_segment(struct tl_step *step);

/* Remembers a SYN or SYN-ACK that may draw a challenge ACK. Called after tl_apply_segment. O(1). */
void tl_apply_poke(struct tl_step *step);

#endif
