/* tl_judge.c - see tl_judge.h.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "tl_judge.h"

/* One number repeated that often without an answer counts as the end of a connection that the capture does not show to end. It
 * is the least R1 of RFC 9293 3.8.3, at which a TCP has to doubt the path; one or two are everyday. */
enum { INSISTS_MIN = 3 };

/* A server that closes within this time of the handshake and sends nothing did not serve. Decided, not measured: shorter than
 * the waits that applications configure, which count in whole seconds. */
static const int64_t AT_ONCE_NS = TL_SECOND;

/* ---- verdict ------------------------------------------------------------------------------------------------------------- */

/* What the outcome of the handshake alone decides. */
static const uint8_t of_outcome[TL_OUTCOME_COUNT] = {
    [TL_OUTCOME_PENDING] = TL_JUDGEMENT_PENDING,     [TL_OUTCOME_UNANSWERED] = TL_JUDGEMENT_UNANSWERED,
    [TL_OUTCOME_REFUSED] = TL_JUDGEMENT_REFUSED,     [TL_OUTCOME_UNREACHABLE] = TL_JUDGEMENT_UNREACHABLE,
    [TL_OUTCOME_HALF_OPEN] = TL_JUDGEMENT_HALF_OPEN, [TL_OUTCOME_CHALLENGED] = TL_JUDGEMENT_CHALLENGED,
    [TL_OUTCOME_BAD] = TL_JUDGEMENT_REJECTED,
};

/* What the cause of the RST that ended the connection decides. */
static const uint8_t of_cause[TL_RST_CAUSE_COUNT] = {
    [TL_RST_CAUSE_NONE] = TL_JUDGEMENT_RESET,
    [TL_RST_CAUSE_MPTCP] = TL_JUDGEMENT_ABORTED,
    [TL_RST_CAUSE_REFUSED] = TL_JUDGEMENT_REFUSED,
    [TL_RST_CAUSE_REFUSED_BAD] = TL_JUDGEMENT_REJECTED,
    [TL_RST_CAUSE_SYNACK_BAD_ACK] = TL_JUDGEMENT_REJECTED,
    [TL_RST_CAUSE_SYNACK_UNSOLICITED] = TL_JUDGEMENT_REJECTED,
    [TL_RST_CAUSE_SYNACK_REJECTED] = TL_JUDGEMENT_REJECTED,
    [TL_RST_CAUSE_ACK_REJECTED] = TL_JUDGEMENT_REJECTED,
    [TL_RST_CAUSE_HALF_OPEN_SYN] = TL_JUDGEMENT_STATE_LOST,
    [TL_RST_CAUSE_TW_OLD_SYN] = TL_JUDGEMENT_STATE_LOST,
    [TL_RST_CAUSE_ABORT_REPEAT] = TL_JUDGEMENT_ABORTED,
    [TL_RST_CAUSE_SYN_IN_WINDOW] = TL_JUDGEMENT_STATE_LOST,
    [TL_RST_CAUSE_KEEPALIVE_TIMEOUT] = TL_JUDGEMENT_TIMED_OUT,
    [TL_RST_CAUSE_PROBE_TIMEOUT] = TL_JUDGEMENT_TIMED_OUT,
    [TL_RST_CAUSE_RETRANSMISSION_TIMEOUT] = TL_JUDGEMENT_TIMED_OUT,
    [TL_RST_CAUSE_DATA_AFTER_CLOSE] = TL_JUDGEMENT_CLOSED_WITH_RST,
    [TL_RST_CAUSE_AFTER_CLOSE] = TL_JUDGEMENT_CLOSED_WITH_RST,
    [TL_RST_CAUSE_LINGER2] = TL_JUDGEMENT_CLOSED_WITH_RST,
    [TL_RST_CAUSE_HALF_OPEN_PROBE] = TL_JUDGEMENT_STATE_LOST,
    [TL_RST_CAUSE_HALF_OPEN] = TL_JUDGEMENT_STATE_LOST,
    [TL_RST_CAUSE_NO_CONNECTION] = TL_JUDGEMENT_STATE_LOST,
    [TL_RST_CAUSE_ABORT_AFTER_FIN] = TL_JUDGEMENT_ABORTED,
    [TL_RST_CAUSE_ABORT] = TL_JUDGEMENT_ABORTED,
    [TL_RST_CAUSE_OUT_OF_WINDOW] = TL_JUDGEMENT_RESET,
    [TL_RST_CAUSE_AHEAD] = TL_JUDGEMENT_RESET,
    [TL_RST_CAUSE_UNKNOWN] = TL_JUDGEMENT_RESET,
};

/* Answers, perhaps, to segments that were forged or not captured: nothing says that there was a connection. */
static bool only_resets(const struct tl_conn *conn)
{
    return conn->end[0].segments + conn->end[1].segments == (uint32_t)conn->end[0].rst->count + conn->end[1].rst->count;
}

static bool insists(const struct tl_end *end)
{
    return end->insists >= INSISTS_MIN;
}

/* The reset stands for the last ACK: its sender's FIN was acknowledged, and it acknowledges the other one. */
static bool rst_acks_close(const struct tl_conn *conn)
{
    const struct tl_end *x = &conn->end[conn->rst_by & 1], *y = &conn->end[1 - (conn->rst_by & 1)];

    return tl_fin_acked(x) && y->has_fin && x->rst->ack == y->fin + 1;
}

static enum tl_judgement of_reset(const struct tl_conn *conn, const struct tl_facts *facts)
{
    enum tl_judgement word = (enum tl_judgement)of_cause[facts->rst_cause];

    if (word != TL_JUDGEMENT_REJECTED && facts->injected[conn->rst_by & 1] == TL_INJECTED_LIKELY) {
        return TL_JUDGEMENT_INJECTED;
    }
    if (word == TL_JUDGEMENT_ABORTED && insists(&conn->end[conn->rst_by & 1])) {
        return TL_JUDGEMENT_TIMED_OUT; /* the application had not the patience of the timer */
    }
    if (word == TL_JUDGEMENT_ABORTED && rst_acks_close(conn)) {
        return TL_JUDGEMENT_CLOSED_WITH_RST;
    }
    return word == TL_JUDGEMENT_STATE_LOST && !conn->opened ? TL_JUDGEMENT_RESET : word;
}

static enum tl_judgement verdict_of(const struct tl_conn *conn, const struct tl_facts *facts)
{
    if (of_outcome[facts->outcome] != TL_JUDGEMENT_NONE) {
        return (enum tl_judgement)of_outcome[facts->outcome];
    }
    if (facts->client_rst == TL_CLIENT_RST_AT_ONCE && !conn->end[conn->client].sent_data) {
        return TL_JUDGEMENT_SCAN;
    }
    if (only_resets(conn)) {
        return TL_JUDGEMENT_UNKNOWN;
    }
    if (conn->reset) {
        return of_reset(conn, facts);
    }
    if (conn->finished) {
        return conn->rst_late ? TL_JUDGEMENT_CLOSED_WITH_RST : TL_JUDGEMENT_OK;
    }
    if (insists(&conn->end[0]) || insists(&conn->end[1])) {
        return TL_JUDGEMENT_TIMED_OUT;
    }
    if (conn->superseded) {
        return TL_JUDGEMENT_SUPERSEDED;
    }
    if (conn->end[0].has_fin || conn->end[1].has_fin) {
        return TL_JUDGEMENT_CLOSING;
    }
    return conn->opened ? TL_JUDGEMENT_OPEN : TL_JUDGEMENT_UNKNOWN;
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
    const struct tl_end *server = &conn->end[by];
    int64_t close_ns;

    if (conn->midstream || conn->peers || conn->ack_in == 0 || server->sent_data || server->unseen_bytes > 0) {
        return false;
    }
    if (conn->closer == by && !conn->closer_unknown && !conn->crossed && !server->fin_inferred) {
        close_ns = server->fin_ns;
    } else if (conn->reset && conn->rst_by == by && !conn->end[conn->client].has_fin &&
               facts->injected[by] != TL_INJECTED_LIKELY) {
        close_ns = conn->rst_ns;
    } else {
        return false;
    }
    return close_ns - conn->ack_ns <= AT_ONCE_NS;
}

void tl_judge(const struct tl_conn *conn, struct tl_facts *facts)
{
    facts->verdict = (uint8_t)verdict_of(conn, facts);
    facts->open_failure = failure_of_outcome[facts->outcome];
    if (facts->open_failure == TL_OPEN_FAILURE_NONE && closed_at_once(conn, facts)) {
        facts->open_failure = TL_OPEN_FAILURE_CLOSED_AT_ONCE;
    }
}
