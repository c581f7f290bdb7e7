/* tl_states.h - from a classified segment to the states of both ends.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TL_STATES_H
#define TL_STATES_H

#include "conn/tl_conn.h"

/* Advances the states of the sender and of the receiver, and writes both views into the shape. Called after the segment was
 * applied to the connection. O(1). */
void tl_states_update(struct tl_step *step);

/* Whether an ordinary segment leaves the state of this end: it is known to be ESTABLISHED by what it sent itself. O(1). */
static inline bool tl_states_is_quiet(const struct tl_endpoint *end)
{
    return tl_fsm_state(&end->fsm) == TL_STATE_ESTABLISHED && end->fsm.expected == 0;
}

#endif
