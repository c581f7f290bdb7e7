/* tl_phase.h - which part of the connection's life a segment belongs to.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TL_PHASE_H
#define TL_PHASE_H

#include "conn/tl_conn.h"

/* Writes the phase of the segment into the shape, and the phase after it into the connection. Called after everything else.
 * O(1). Rules: docs/design.md, "Phase". */
void tl_phase_update(struct tl_step *step);

#endif
