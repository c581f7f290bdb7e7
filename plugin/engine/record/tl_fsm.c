/* tl_fsm.c - the RFC 9293 state of one endpoint: the table and the little machine that follows it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "record/tl_fsm.h"

#include <string.h>

/* One cell: go to `next`, entering `via` on the way where RFC 9293 passes through it within one segment. */
struct cell {
    uint8_t next; /* enum tl_state, NONE = stay */
    uint8_t via;  /* enum tl_state, NONE = directly */
    const char *reason;
};

/* Each cell on one line, so that a row reads as a table. */
/* clang-format off */
#define GO(next, reason)                                                                                                       \
    {                                                                                                                          \
        TL_STATE_##next, TL_STATE_NONE, reason                                                                                 \
    }
#define VIA(via, next, reason)                                                                                                 \
    {                                                                                                                          \
        TL_STATE_##next, TL_STATE_##via, reason                                                                                \
    }

/* Whose viewpoint: endpoint E is in the state of the row when the event of the column happens. A cell that is not listed
 * changes nothing: either E ignores such a segment, or it says nothing about E. */
static const struct cell table[TL_STATE_COUNT][TL_FSM_EVENTS] = {
    [TL_STATE_UNKNOWN] =
        {
            [TL_SENDS_SYN] = GO(SYN_SENT, "a SYN is an active open"),
            [TL_SENDS_SYNACK] = GO(SYN_RECEIVED, "a SYN-ACK answers a SYN that arrived in LISTEN"),
            [TL_SENDS_SYNCHRONISED] = GO(ESTABLISHED, "it acknowledges the peer's SYN, so it is synchronised"),
            [TL_SENDS_ACK_OF_FIN] = GO(CLOSE_WAIT, "it acknowledges the peer's FIN and sent none itself"),
            [TL_SENDS_FIN] = GO(FIN_WAIT_1, "it closes, and the peer's FIN was not captured"),
            [TL_SENDS_FIN_ONE_WAY] = GO(UNKNOWN, "FIN-WAIT-1 or LAST-ACK: the peer was never captured"),
            [TL_SENDS_RST] = GO(CLOSED, "ABORT deletes the connection"),
            [TL_SENDS_RST_GONE] = GO(CLOSED, "it answers that there is no connection"),
            [TL_GETS_SYN] = GO(LISTEN, "a SYN goes to an end that may listen"),
            [TL_GETS_ACK_OF_SYN] = VIA(SYN_RECEIVED, ESTABLISHED, "its SYN is acknowledged, so it sent one"),
            [TL_GETS_RST] = GO(CLOSED, "an accepted RST ends the connection"),
            [TL_GETS_RST_AS_OPENER] = GO(CLOSED, "an accepted RST ends the connection"),
        },
    [TL_STATE_CLOSED] =
        {
            [TL_SENDS_SYN] = GO(SYN_SENT, "a SYN is an active open"),
            [TL_SENDS_SYNACK] = GO(SYN_RECEIVED, "a SYN-ACK answers a SYN that arrived in LISTEN"),
        },
    [TL_STATE_LISTEN] =
        {
            [TL_SENDS_SYN] = GO(SYN_SENT, "an active open from LISTEN, or the listener was a wrong guess"),
            [TL_SENDS_SYNACK] = GO(SYN_RECEIVED, "it answers the SYN"),
            [TL_SENDS_SYNCHRONISED] = VIA(SYN_RECEIVED, ESTABLISHED, "its SYN-ACK was not captured"),
            [TL_SENDS_RST] = GO(CLOSED, "ABORT deletes the connection"),
            [TL_SENDS_RST_GONE] = GO(CLOSED, "it answers the SYN by RST: nobody listens"),
            [TL_GETS_ACK_OF_SYN] = VIA(SYN_RECEIVED, ESTABLISHED, "its SYN is acknowledged, so it sent a SYN-ACK"),
        },
    [TL_STATE_SYN_SENT] =
        {
            [TL_SENDS_SYNACK] = GO(SYN_RECEIVED, "it answers a crossing SYN"),
            [TL_SENDS_SYNCHRONISED] = GO(ESTABLISHED, "it acknowledges the peer's SYN"),
            [TL_SENDS_FIN] = VIA(ESTABLISHED, FIN_WAIT_1, "it acknowledges the peer's SYN and closes at once"),
            [TL_SENDS_FIN_ONE_WAY] = VIA(ESTABLISHED, UNKNOWN, "FIN-WAIT-1 or LAST-ACK: the peer was never captured"),
            [TL_SENDS_RST] = GO(CLOSED, "ABORT deletes the connection"),
            [TL_GETS_SYN] = GO(SYN_RECEIVED, "simultaneous open: it answers by SYN-ACK"),
            [TL_GETS_SYNACK] = GO(ESTABLISHED, "its SYN is acknowledged and the peer's SYN arrived"),
            [TL_GETS_RST] = GO(CLOSED, "connection refused"),
            [TL_GETS_RST_AS_OPENER] = GO(CLOSED, "connection refused"),
        },
    [TL_STATE_SYN_RECEIVED] =
        {
            [TL_SENDS_SYNCHRONISED] = GO(ESTABLISHED, "it sends without SYN, so its SYN was acknowledged"),
            [TL_SENDS_ACK_OF_FIN] = VIA(ESTABLISHED, CLOSE_WAIT, "its SYN was acknowledged and the peer has closed"),
            [TL_SENDS_FIN] = GO(FIN_WAIT_1, "CLOSE in SYN-RECEIVED sends a FIN"),
            [TL_SENDS_FIN_ONE_WAY] = VIA(ESTABLISHED, UNKNOWN, "FIN-WAIT-1 or LAST-ACK: the peer was never captured"),
            [TL_SENDS_RST] = GO(CLOSED, "ABORT deletes the connection"),
            [TL_SENDS_RST_GONE] = GO(CLOSED, "it answers that there is no connection"),
            [TL_SENDS_RST_DOUBTFUL] = GO(UNKNOWN, "it, or a device on the path, no longer knows the connection"),
            [TL_GETS_SYNACK] = GO(ESTABLISHED, "simultaneous open: its SYN is acknowledged"),
            [TL_GETS_ACK_OF_SYN] = GO(ESTABLISHED, "its SYN is acknowledged"),
            [TL_GETS_FIN] = GO(CLOSE_WAIT, "the peer closes"),
            [TL_GETS_FIN_DOUBTFUL] = GO(UNKNOWN, "CLOSE-WAIT, or TIME-WAIT if its own FIN was not captured"),
            [TL_GETS_RST] = GO(LISTEN, "a passive open returns to LISTEN"),
            [TL_GETS_RST_AS_OPENER] = GO(CLOSED, "an active open ends: connection refused"),
            [TL_GETS_RST_DOUBTFUL] = GO(UNKNOWN, "the RST may not have arrived"),
        },
    [TL_STATE_ESTABLISHED] =
        {
            [TL_SENDS_ACK_OF_FIN] = GO(CLOSE_WAIT, "it acknowledges the peer's FIN"),
            [TL_SENDS_FIN] = GO(FIN_WAIT_1, "its application closes first"),
            [TL_SENDS_FIN_ONE_WAY] = GO(UNKNOWN, "FIN-WAIT-1 or LAST-ACK: the peer was never captured"),
            [TL_SENDS_RST] = GO(CLOSED, "ABORT deletes the connection"),
            [TL_SENDS_RST_GONE] = GO(CLOSED, "it answers that there is no connection"),
            [TL_SENDS_RST_DOUBTFUL] = GO(UNKNOWN, "it, or a device on the path, no longer knows the connection"),
            [TL_GETS_FIN] = GO(CLOSE_WAIT, "the peer closes"),
            [TL_GETS_FIN_DOUBTFUL] = GO(UNKNOWN, "CLOSE-WAIT, or TIME-WAIT if its own FIN was not captured"),
            [TL_GETS_RST] = GO(CLOSED, "an accepted RST ends the connection"),
            [TL_GETS_RST_AS_OPENER] = GO(CLOSED, "an accepted RST ends the connection"),
            [TL_GETS_RST_DOUBTFUL] = GO(UNKNOWN, "the RST may not have arrived"),
        },
    [TL_STATE_FIN_WAIT_1] =
        {
            [TL_SENDS_ACK_OF_FIN] = GO(CLOSING, "it acknowledges the peer's FIN, its own is not acknowledged yet"),
            [TL_SENDS_RST] = GO(CLOSED, "ABORT deletes the connection"),
            [TL_SENDS_RST_GONE] = GO(CLOSED, "it answers that there is no connection"),
            [TL_SENDS_RST_DOUBTFUL] = GO(UNKNOWN, "it, or a device on the path, no longer knows the connection"),
            [TL_GETS_ACK_OF_FIN] = GO(FIN_WAIT_2, "its FIN is acknowledged"),
            [TL_GETS_FIN] = GO(CLOSING, "the peer closes at the same time"),
            [TL_GETS_RST] = GO(CLOSED, "an accepted RST ends the connection"),
            [TL_GETS_RST_AS_OPENER] = GO(CLOSED, "an accepted RST ends the connection"),
            [TL_GETS_RST_DOUBTFUL] = GO(UNKNOWN, "the RST may not have arrived"),
        },
    [TL_STATE_FIN_WAIT_2] =
        {
            [TL_SENDS_ACK_OF_FIN] = GO(TIME_WAIT, "it acknowledges the peer's FIN: both directions are closed"),
            [TL_SENDS_RST] = GO(CLOSED, "ABORT deletes the connection"),
            [TL_SENDS_RST_GONE] = GO(CLOSED, "it answers that there is no connection"),
            [TL_SENDS_RST_DOUBTFUL] = GO(UNKNOWN, "it, or a device on the path, no longer knows the connection"),
            [TL_GETS_FIN] = GO(TIME_WAIT, "the peer closes too"),
            [TL_GETS_RST] = GO(CLOSED, "an accepted RST ends the connection"),
            [TL_GETS_RST_AS_OPENER] = GO(CLOSED, "an accepted RST ends the connection"),
            [TL_GETS_RST_DOUBTFUL] = GO(UNKNOWN, "the RST may not have arrived"),
        },
    [TL_STATE_CLOSE_WAIT] =
        {
            [TL_SENDS_FIN] = GO(LAST_ACK, "its application closes second"),
            [TL_SENDS_FIN_ONE_WAY] = GO(LAST_ACK, "its application closes second"),
            [TL_SENDS_RST] = GO(CLOSED, "ABORT deletes the connection"),
            [TL_SENDS_RST_GONE] = GO(CLOSED, "it answers that there is no connection"),
            [TL_SENDS_RST_DOUBTFUL] = GO(UNKNOWN, "it, or a device on the path, no longer knows the connection"),
            [TL_GETS_RST] = GO(CLOSED, "an accepted RST ends the connection"),
            [TL_GETS_RST_AS_OPENER] = GO(CLOSED, "an accepted RST ends the connection"),
            [TL_GETS_RST_DOUBTFUL] = GO(UNKNOWN, "the RST may not have arrived"),
        },
    [TL_STATE_CLOSING] =
        {
            [TL_SENDS_RST] = GO(CLOSED, "ABORT deletes the connection"),
            [TL_SENDS_RST_GONE] = GO(CLOSED, "it answers that there is no connection"),
            [TL_GETS_ACK_OF_FIN] = GO(TIME_WAIT, "its FIN is acknowledged too"),
            [TL_GETS_RST] = GO(CLOSED, "an accepted RST ends the connection"),
            [TL_GETS_RST_AS_OPENER] = GO(CLOSED, "an accepted RST ends the connection"),
            [TL_GETS_RST_DOUBTFUL] = GO(UNKNOWN, "the RST may not have arrived"),
        },
    [TL_STATE_LAST_ACK] =
        {
            [TL_SENDS_RST] = GO(CLOSED, "ABORT deletes the connection"),
            [TL_SENDS_RST_GONE] = GO(CLOSED, "it answers that there is no connection"),
            [TL_GETS_ACK_OF_FIN] = GO(CLOSED, "its FIN is acknowledged: the connection is gone"),
            [TL_GETS_RST] = GO(CLOSED, "an accepted RST ends the connection"),
            [TL_GETS_RST_AS_OPENER] = GO(CLOSED, "an accepted RST ends the connection"),
            [TL_GETS_RST_DOUBTFUL] = GO(UNKNOWN, "the RST may not have arrived"),
        },
    [TL_STATE_TIME_WAIT] =
        {
            [TL_SENDS_RST] = GO(CLOSED, "it answers by RST, so it no longer holds TIME-WAIT"),
            [TL_SENDS_RST_GONE] = GO(CLOSED, "it answers by RST, so it no longer holds TIME-WAIT"),
        },
};

#undef GO
#undef VIA
/* clang-format on */

enum tl_state tl_fsm_state(const struct tl_fsm *fsm)
{
    return fsm->depth == 0 ? TL_STATE_UNKNOWN : (enum tl_state)(fsm->history & 0xF);
}

/* The i-th newest state, 0 = now. */
static enum tl_state fsm_state_at(const struct tl_fsm *fsm, unsigned i)
{
    return (enum tl_state)((fsm->history >> (4 * i)) & 0xF);
}

/* The only writer of a new state. */
static void fsm_set_state(struct tl_fsm *fsm, enum tl_state state, bool certain, struct tl_endpoint_view *view)
{
    unsigned i = 0;

    /* Sixteen states are more than any real connection has; after that the oldest are forgotten. */
    fsm->history = (fsm->history << 4) | (uint64_t)state;
    if (fsm->depth < TL_FSM_HISTORY_MAX) {
        fsm->depth++;
    }
    fsm->expected = (uint8_t)(certain ? 0 : fsm->expected + 1);
    if (fsm->expected > fsm->depth) {
        fsm->expected = fsm->depth;
    }
    fsm->confidence = certain ? TL_CONFIDENCE_CERTAIN : TL_CONFIDENCE_LIKELY;
    while (i < TL_STATE_PATH_MAX - 1 && view->path[i] != TL_STATE_NONE) {
        i++;
    }
    view->path[i] = (uint8_t)state;
}

static void fsm_confirm_all(struct tl_fsm *fsm)
{
    if (fsm->depth > 0) {
        fsm->expected = 0;
        fsm->confidence = TL_CONFIDENCE_CERTAIN;
    }
}

/* Whether sending `event` proves that the expected state, reached from `from`, has come about. */
static bool fsm_proves(enum tl_fsm_event event, enum tl_state state, enum tl_state from)
{
    switch (event) {
    case TL_SENDS_SYNCHRONISED:
        return state == TL_STATE_SYN_RECEIVED || state == TL_STATE_ESTABLISHED;
    case TL_SENDS_ACK_OF_FIN:
        /* TIME-WAIT out of CLOSING needs the ACK of the own FIN, of which this says nothing. */
        return state == TL_STATE_CLOSE_WAIT || state == TL_STATE_CLOSING ||
               (state == TL_STATE_TIME_WAIT && from == TL_STATE_FIN_WAIT_2);
    case TL_SENDS_SYNACK:
        return state == TL_STATE_SYN_RECEIVED;
    default:
        return false;
    }
}

/* Confirms the expected states up to the newest one that the event proves. */
static void fsm_confirm(struct tl_fsm *fsm, enum tl_fsm_event event)
{
    unsigned i;

    for (i = 0; i < fsm->expected; i++) {
        enum tl_state from = i + 1u < fsm->depth ? fsm_state_at(fsm, i + 1) : TL_STATE_UNKNOWN;

        if (fsm_proves(event, fsm_state_at(fsm, i), from)) {
            fsm->expected = (uint8_t)i;
            break;
        }
    }
    if (fsm->expected == 0 && fsm->confidence == TL_CONFIDENCE_LIKELY &&
        fsm_proves(event, fsm_state_at(fsm, 0), TL_STATE_FIN_WAIT_2)) {
        fsm->confidence = TL_CONFIDENCE_CERTAIN;
    }
}

static bool fsm_is_sending(enum tl_fsm_event event)
{
    return event < TL_GETS_SYN;
}

void tl_fsm_apply(struct tl_fsm *fsm, enum tl_fsm_event event, struct tl_endpoint_view *view)
{
    enum tl_state state = tl_fsm_state(fsm);
    const struct cell *cell = &table[state][event];
    bool certain = fsm_is_sending(event);

    if (certain && fsm->expected > 0) {
        fsm_confirm(fsm, event);
    }
    if (cell->next == TL_STATE_NONE || cell->next == state) {
        return;
    }
    /* Leaving a state by sending proves that it had been reached. */
    if (certain) {
        fsm_confirm_all(fsm);
    }
    if (cell->via != TL_STATE_NONE) {
        fsm_set_state(fsm, (enum tl_state)cell->via, certain, view);
    }
    fsm_set_state(fsm, (enum tl_state)cell->next, certain, view);
}

/* The states that each piece of evidence takes back while they are only expected, one bit each. */
#define BIT(state) (1u << TL_STATE_##state)
static const unsigned withdraws[TL_FSM_WITHDRAWALS] = {
    [TL_REPEATS_SYN] = BIT(SYN_RECEIVED) | BIT(ESTABLISHED) | BIT(CLOSE_WAIT) | BIT(CLOSED) | BIT(UNKNOWN),
    [TL_REPEATS_SYNACK] = BIT(ESTABLISHED) | BIT(CLOSE_WAIT) | BIT(LISTEN) | BIT(CLOSED) | BIT(UNKNOWN),
    [TL_REPEATS_FIN] = BIT(FIN_WAIT_2) | BIT(TIME_WAIT) | BIT(CLOSED) | BIT(UNKNOWN),
    [TL_FIN_UNKNOWN] = BIT(CLOSE_WAIT),
    [TL_LIVES_ON] = BIT(CLOSED) | BIT(UNKNOWN) | BIT(LISTEN),
    [TL_FIN_REFUTED] = BIT(FIN_WAIT_1) | BIT(FIN_WAIT_2) | BIT(CLOSE_WAIT) | BIT(CLOSING) | BIT(TIME_WAIT),
};
#undef BIT

bool tl_fsm_withdraw(struct tl_fsm *fsm, enum tl_fsm_withdrawal evidence, struct tl_endpoint_view *view)
{
    /* A RST in E's own name is certain to close E unless E lives on: then somebody else sent it. */
    unsigned least = evidence == TL_LIVES_ON || evidence == TL_FIN_REFUTED ? 0 : 1;
    bool any = false;

    while (fsm->expected >= least && fsm->depth > 1 && (withdraws[evidence] >> tl_fsm_state(fsm)) & 1) {
        view->withdrawn = (uint8_t)tl_fsm_state(fsm);
        fsm->history >>= 4;
        fsm->depth--;
        fsm->expected -= fsm->expected > 0;
        any = true;
    }
    if (any) {
        fsm->confidence = fsm->expected > 0 ? TL_CONFIDENCE_LIKELY : TL_CONFIDENCE_CERTAIN;
    }
    return any;
}

void tl_fsm_trust(struct tl_fsm *fsm, enum tl_confidence confidence)
{
    fsm->confidence = (uint8_t)confidence;
    if (confidence == TL_CONFIDENCE_CERTAIN) {
        fsm->expected = 0;
    }
    if (confidence != TL_CONFIDENCE_CERTAIN && fsm->expected == 0 && fsm->depth > 0) {
        fsm->expected = 1;
    }
}

void tl_fsm_view_begin(const struct tl_fsm *fsm, struct tl_endpoint_view *view)
{
    memset(view, 0, sizeof *view);
    view->before = (uint8_t)tl_fsm_state(fsm);
}

void tl_fsm_view_end(const struct tl_fsm *fsm, struct tl_endpoint_view *view)
{
    view->state = (uint8_t)tl_fsm_state(fsm);
    view->confidence = view->state == TL_STATE_UNKNOWN ? TL_CONFIDENCE_NONE : fsm->confidence;
    if (view->path[0] == TL_STATE_NONE && view->before == view->state) {
        view->before = TL_STATE_NONE;
    }
}

const char *tl_fsm_reason(enum tl_state state, enum tl_fsm_event event)
{
    return table[state][event].reason;
}
