/* tl_states.h - from a classified segment to the states of both ends.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TL_STATES_H
#define TL_STATES_H

#include "conn/tl_conn.h"

/* Says what the segment does to the states of its sender and of its receiver, and writes both views into the shape. Called after the
 * segment was applied. Writes only the step. O(1). */
void tl_states_name(const struct tl_conn *conn, struct tl_step *step);

/* Keeps the states as tl_states_name() left them, and takes back a RST that ended nothing. O(1). */
void tl_states_learn(struct tl_step *step);

/* Whether an ordinary segment leaves the state of this end: it is known to be ESTABLISHED by what it sent itself. O(1). */
static inline bool tl_states_is_quiet(const struct tl_endpoint *end)
{
    return tl_fsm_state(&end->fsm) == TL_STATE_ESTABLISHED && end->fsm.expected == 0;
}

#endif
