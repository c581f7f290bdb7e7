/* tl_phase.h - which part of the connection's life a segment belongs to.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TL_PHASE_H
#define TL_PHASE_H

#include "conn/tl_conn.h"

/* Says which phase the segment belongs to, in the shape, and which comes after it, in the step. Called after everything else. O(1). */
void tl_phase_name(const struct tl_conn *conn, struct tl_step *step);

/* Keeps the phase that comes after the segment. O(1). */
void tl_phase_learn(struct tl_step *step);

#endif
