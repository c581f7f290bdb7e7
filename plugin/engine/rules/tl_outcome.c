/* tl_outcome.c - what has become of the handshake (RFC 9293 3.5).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "rules/tl_outcome.h"

/* A SYN counts as unanswered only after this much silence (docs/design.md, thresholds): the least first retry of common
 * systems is 1 s (RFC 6298 2.1), so 3 s, or three times the last gap, cover a retry that is late. */
static const int64_t PENDING_NS = 3 * TL_SECOND;
enum { PENDING_GAPS = 3 };

static bool outcome_all_three_captured(const struct tl_conn *conn)
{
    const struct tl_endpoint *client = &conn->endpoint[conn->client], *server = &conn->endpoint[1 - conn->client];

    return conn->opening.acked && tl_syns(client)->count > 0 && tl_synacks(server)->count > 0;
}

/* A SYN or SYN-ACK of this end was captured. */
static bool outcome_has_syn(const struct tl_endpoint *end)
{
    return tl_syns(end)->count > 0 || tl_synacks(end)->count > 0;
}

enum tl_outcome tl_outcome_proved(const struct tl_conn *conn)
{
    const struct tl_endpoint *a = &conn->endpoint[0], *b = &conn->endpoint[1];

    if (!outcome_has_syn(a) && !outcome_has_syn(b)) {
        return conn->midstream ? TL_OUTCOME_NOT_CAPTURED : TL_OUTCOME_NONE;
    }
    if (conn->opened && tl_syns(a)->count > 0 && tl_syns(b)->count > 0) {
        return tl_synacks(a)->count > 0 && tl_synacks(b)->count > 0 ? TL_OUTCOME_SIMULTANEOUS : TL_OUTCOME_SPLIT;
    }
    if (conn->outcome != TL_OUTCOME_NONE) {
        return (enum tl_outcome)conn->outcome;
    }
    if (outcome_all_three_captured(conn)) {
        return TL_OUTCOME_COMPLETE;
    }
    if (conn->opened) {
        return TL_OUTCOME_COMPLETE_INFERRED;
    }
    return conn->opening.has_challenge && tl_synacks(a)->count + tl_synacks(b)->count == 0 ? TL_OUTCOME_CHALLENGED
                                                                                           : TL_OUTCOME_NONE;
}

/* Too early to call the last SYN or SYN-ACK unanswered. */
static bool outcome_still_waiting(const struct tl_syns *syns, int64_t end_ns)
{
    return end_ns - syns->last_ns < tl_max_ns(PENDING_NS, PENDING_GAPS * syns->gap_ns);
}

enum tl_outcome tl_outcome_at(const struct tl_conn *conn, int64_t end_ns)
{
    enum tl_outcome proved = tl_outcome_proved(conn);
    const struct tl_endpoint *client = &conn->endpoint[conn->client], *server = &conn->endpoint[1 - conn->client];

    if (proved != TL_OUTCOME_NONE) {
        return proved;
    }
    if (tl_synacks(server)->count > 0) {
        return outcome_still_waiting(tl_synacks(server), end_ns) ? TL_OUTCOME_PENDING : TL_OUTCOME_HALF_OPEN;
    }
    if (conn->opening.bad_synack) {
        return TL_OUTCOME_BAD;
    }
    if (conn->opening.icmp_in != 0) {
        return TL_OUTCOME_UNREACHABLE;
    }
    if (tl_syns(client)->count > 0) {
        if (outcome_still_waiting(tl_syns(client), end_ns)) {
            return TL_OUTCOME_PENDING;
        }
        /* A reset that the client can take has decided before. */
        return tl_rsts(server)->count > 0 ? TL_OUTCOME_BAD : TL_OUTCOME_UNANSWERED;
    }
    return TL_OUTCOME_UNKNOWN;
}
