/* tl_verdict.c - one word for a whole connection, from its facts: what failed first counts before how it ended.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "views/tl_verdict.h"

#include "rules/tl_rst_cause.h"

/* One number repeated that often without an answer counts as the end of a connection that the capture does not show to end. It
 * is the least R1 of RFC 9293 3.8.3, at which a TCP has to doubt the path; one or two are everyday. */
enum { INSISTS_MIN = 3 };

/* A server that closes within this time of the handshake and sends nothing did not serve. Decided, not measured: shorter than
 * the waits that applications configure, which count in whole seconds. */
static const int64_t AT_ONCE_NS = TL_SECOND;

/* ---- verdict ------------------------------------------------------------------------------------------------------------- */

/* What the outcome of the handshake alone decides. */
static const uint8_t of_outcome[TL_OUTCOME_COUNT] = {
    [TL_OUTCOME_PENDING] = TL_VERDICT_PENDING,     [TL_OUTCOME_UNANSWERED] = TL_VERDICT_UNANSWERED,
    [TL_OUTCOME_REFUSED] = TL_VERDICT_REFUSED,     [TL_OUTCOME_UNREACHABLE] = TL_VERDICT_UNREACHABLE,
    [TL_OUTCOME_HALF_OPEN] = TL_VERDICT_HALF_OPEN, [TL_OUTCOME_CHALLENGED] = TL_VERDICT_CHALLENGED,
    [TL_OUTCOME_BAD] = TL_VERDICT_REJECTED,
};

/* Answers, perhaps, to segments that were forged or not captured: nothing says that there was a connection. */
static bool only_resets(const struct tl_conn *conn)
{
    return conn->endpoint[0].segments + conn->endpoint[1].segments ==
           (uint32_t)conn->endpoint[0].rst->count + conn->endpoint[1].rst->count;
}

static bool insists(const struct tl_endpoint *end)
{
    return end->insists >= INSISTS_MIN;
}

/* The reset stands for the last ACK: its sender's FIN was acknowledged, and it acknowledges the other one. */
static bool rst_acks_close(const struct tl_conn *conn)
{
    const struct tl_endpoint *x = &conn->endpoint[conn->reset.by & 1], *y = &conn->endpoint[1 - (conn->reset.by & 1)];

    return tl_fin_acked(x) && y->has_fin && x->rst->ack == y->fin + 1;
}

/* A device on the path sent the reset that the facts speak of. */
static bool is_of_path(const struct tl_facts *facts)
{
    return facts->rst_origin == TL_ORIGIN_PATH && facts->rst_origin_confidence != TL_CONFIDENCE_GUESS;
}

static enum tl_verdict of_reset(const struct tl_conn *conn, const struct tl_facts *facts)
{
    enum tl_verdict word = (enum tl_verdict)tl_rst_traits((enum tl_rst_cause)facts->rst_cause)->word;

    if (word != TL_VERDICT_REJECTED && word != TL_VERDICT_REFUSED && is_of_path(facts)) {
        return TL_VERDICT_INJECTED;
    }
    if (word == TL_VERDICT_ABORTED && insists(&conn->endpoint[conn->reset.by & 1])) {
        return TL_VERDICT_TIMED_OUT; /* the application had not the patience of the timer */
    }
    if (word == TL_VERDICT_ABORTED && rst_acks_close(conn)) {
        return TL_VERDICT_CLOSED_WITH_RST;
    }
    return word == TL_VERDICT_STATE_LOST && !conn->opened ? TL_VERDICT_RESET : word;
}

static enum tl_verdict verdict_of(const struct tl_conn *conn, const struct tl_facts *facts)
{
    if (of_outcome[facts->outcome] != TL_VERDICT_NONE) {
        return (enum tl_verdict)of_outcome[facts->outcome];
    }
    if (facts->client_rst == TL_CLIENT_RST_AT_ONCE && !conn->endpoint[conn->client].sent_data) {
        return TL_VERDICT_SCAN;
    }
    if (only_resets(conn)) {
        return TL_VERDICT_UNKNOWN;
    }
    if (conn->reset.ended) {
        return of_reset(conn, facts);
    }
    if (conn->finished) {
        return conn->rst_late ? TL_VERDICT_CLOSED_WITH_RST : TL_VERDICT_OK;
    }
    if (insists(&conn->endpoint[0]) || insists(&conn->endpoint[1])) {
        return TL_VERDICT_TIMED_OUT;
    }
    if (conn->superseded) {
        return TL_VERDICT_SUPERSEDED;
    }
    if (conn->endpoint[0].has_fin || conn->endpoint[1].has_fin) {
        return TL_VERDICT_CLOSING;
    }
    return conn->opened ? TL_VERDICT_OPEN : TL_VERDICT_UNKNOWN;
}

/* ---- why it failed to open ------------------------------------------------------------------------------------------------ */

static const uint8_t failure_of_outcome[TL_OUTCOME_COUNT] = {
    [TL_OUTCOME_UNANSWERED] = TL_OPEN_FAILURE_NO_ANSWER,     [TL_OUTCOME_REFUSED] = TL_OPEN_FAILURE_RESET,
    [TL_OUTCOME_UNREACHABLE] = TL_OPEN_FAILURE_UNREACHABLE,  [TL_OUTCOME_HALF_OPEN] = TL_OPEN_FAILURE_SYNACK_ONLY,
    [TL_OUTCOME_CLIENT_RST] = TL_OPEN_FAILURE_CLIENT_RESET,  [TL_OUTCOME_SERVER_RST] = TL_OPEN_FAILURE_RESET,
    [TL_OUTCOME_CHALLENGED] = TL_OPEN_FAILURE_CHALLENGE_ACK, [TL_OUTCOME_BAD] = TL_OPEN_FAILURE_WRONG_NUMBERS,
};

/* The server was the first to close, soon after the handshake, and sent nothing. FINs that cross have no first one. */
static bool closed_at_once(const struct tl_conn *conn, const struct tl_facts *facts)
{
    unsigned by = 1u - conn->client;
    const struct tl_endpoint *server = &conn->endpoint[by];
    int64_t close_ns;

    if (conn->midstream || conn->peers || conn->ack_in == 0 || server->sent_data || server->unseen_bytes > 0) {
        return false;
    }
    if (conn->closer == by && !conn->closer_unknown && !conn->crossed && !server->fin_inferred) {
        close_ns = server->fin_ns;
    } else if (conn->reset.ended && conn->reset.by == by && !conn->endpoint[conn->client].has_fin && !is_of_path(facts)) {
        close_ns = conn->reset.ns;
    } else {
        return false;
    }
    return close_ns - conn->ack_ns <= AT_ONCE_NS;
}

void tl_verdict(const struct tl_conn *conn, struct tl_facts *facts)
{
    facts->verdict = (uint8_t)verdict_of(conn, facts);
    facts->open_failure = failure_of_outcome[facts->outcome];
    if (facts->open_failure == TL_OPEN_FAILURE_NONE && closed_at_once(conn, facts)) {
        facts->open_failure = TL_OPEN_FAILURE_CLOSED_AT_ONCE;
    }
}
