/* tl_fsm.h - the RFC 9293 state of one endpoint, as a passive observer can know it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Two kinds of evidence: what the endpoint sends proves its state (certain); what was captured on its way to the endpoint
 * changes its state only if it arrives (expected, shown as likely). When the endpoint later shows that an expected step did
 * not come about - it repeats its FIN, say - that step is withdrawn.
 */
#ifndef TL_FSM_H
#define TL_FSM_H

#include "tl.h"

/* What happens to endpoint E. SENDS_* were sent by E, GETS_* were captured towards E, REPEATS_* and LIVES_ON take expected
 * steps back. */
enum tl_fsm_event {
    TL_SENDS_SYN,          /* SYN without ACK */
    TL_SENDS_SYNACK,       /* SYN with ACK */
    TL_SENDS_SYNCHRONISED, /* neither SYN nor RST, acknowledges the peer's SYN */
    TL_SENDS_ACK_OF_FIN,   /* acknowledges the peer's FIN */
    TL_SENDS_FIN,          /* FIN, for the first time */
    TL_SENDS_FIN_ONE_WAY,  /* the same, and the peer may have sent one that was not captured */
    TL_SENDS_RST,          /* RST of a live connection */
    TL_SENDS_RST_GONE,     /* RST that says: no connection here */
    TL_SENDS_RST_DOUBTFUL, /* the same, but a device on the path may have sent it */
    TL_GETS_SYN,           /* SYN without ACK */
    TL_GETS_SYNACK,        /* SYN with ACK that fits E's SYN */
    TL_GETS_ACK_OF_SYN,    /* acknowledges E's SYN */
    TL_GETS_ACK_OF_FIN,    /* acknowledges E's FIN */
    TL_GETS_FIN,           /* the peer's FIN, with nothing missing before it */
    TL_GETS_FIN_DOUBTFUL,  /* the same, and E may have sent a FIN before that was not captured */
    TL_GETS_RST,           /* RST that E should accept */
    TL_GETS_RST_AS_OPENER, /* the same, before the handshake is over, and E had sent a SYN of its own */
    TL_GETS_RST_DOUBTFUL,  /* RST that may not have arrived, or whose effect is open */
    TL_FSM_EVENTS
};

enum tl_fsm_withdrawal {
    TL_REPEATS_SYN,    /* E sends its SYN again: nothing that answers it has arrived */
    TL_REPEATS_SYNACK, /* E sends its SYN-ACK again: the ACK of its SYN has not arrived */
    TL_REPEATS_FIN,    /* E sends its FIN again, or a RST that shows the same: the ACK of its FIN has not arrived */
    TL_FIN_UNKNOWN,    /* E sends a FIN that does not acknowledge the peer's FIN: that has not arrived */
    TL_LIVES_ON,       /* E goes on although a RST should have ended it */
    TL_FIN_REFUTED,    /* bytes in the place of a FIN were acknowledged: neither of the two had sent it */
    TL_FSM_WITHDRAWALS
};

enum { TL_FSM_HISTORY_MAX = 16 }; /* states that fit into tl_fsm.history, four bits each */

/* One endpoint. Zeroed memory is an endpoint of which nothing is known. */
struct tl_fsm {
    uint64_t history;   /* states entered, the newest in the lowest four bits; withdrawn ones are gone */
    uint8_t depth;      /* how many */
    uint8_t expected;   /* how many of the newest are only expected */
    uint8_t confidence; /* enum tl_confidence of the newest */
};

/* The state now, enum tl_state; UNKNOWN for zeroed memory. O(1). */
enum tl_state tl_fsm_state(const struct tl_fsm *fsm);

/* Lets one event happen. The states entered are appended to view->path. Total: a pair of state and event that means nothing
 * changes nothing. Source: RFC 9293 3.3.2 and 3.10; see the table in tl_fsm.c. O(1). */
void tl_fsm_apply(struct tl_fsm *fsm, enum tl_fsm_event event, struct tl_endpoint_view *view);

/* Takes back the expected steps that the evidence contradicts; view->withdrawn names the oldest of them. Returns whether any
 * was. O(1). */
bool tl_fsm_withdraw(struct tl_fsm *fsm, enum tl_fsm_withdrawal evidence, struct tl_endpoint_view *view);

/* Lowers or raises the confidence of the newest state. O(1). */
void tl_fsm_trust(struct tl_fsm *fsm, enum tl_confidence confidence);

/* Starts a view of a segment: remembers the state before it. O(1). */
void tl_fsm_view_begin(const struct tl_fsm *fsm, struct tl_endpoint_view *view);

/* Ends the view: state, confidence, and `before` only if the segment changed the state. O(1). */
void tl_fsm_view_end(const struct tl_fsm *fsm, struct tl_endpoint_view *view);

/* The reason of a cell of the table, for tests and documentation; NULL where nothing happens. */
const char *tl_fsm_reason(enum tl_state state, enum tl_fsm_event event);

#endif
