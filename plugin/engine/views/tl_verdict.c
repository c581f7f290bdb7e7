/* tl_verdict.c - one word for a whole connection, from its facts: what failed first counts before how it ended.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "views/tl_verdict.h"

#include "rules/tl_rst_cause.h"

/* One number repeated that often without an answer counts as the end of a connection that the capture does not show to end. It
 * is the least R1 of RFC 9293 3.8.3, at which a TCP has to doubt the path; one or two are everyday. */
enum { INSISTS_MIN = 3 };
/* SYN-ACKs again after the ACK that make a server which does not take it. */
enum { IGNORED_MIN = 2 };

/* A server that closes within this time of the handshake and sends nothing did not serve. Decided, not measured: shorter than
 * the waits that applications configure, which count in whole seconds. */
static const int64_t AT_ONCE_NS = TL_SECOND;
/* A reset this soon after the own FIN belongs to the same close: close() of a socket that is not to linger, or a proxy. */
static const int64_t RST_AT_ONCE_NS = 10 * TL_MS;

/* ---- verdict ------------------------------------------------------------------------------------------------------------- */

/* What the outcome of the handshake alone decides. */
static const uint8_t of_outcome[TL_OUTCOME_COUNT] = {
    [TL_OUTCOME_PENDING] = TL_VERDICT_PENDING,     [TL_OUTCOME_UNANSWERED] = TL_VERDICT_UNANSWERED,
    [TL_OUTCOME_REFUSED] = TL_VERDICT_REFUSED,     [TL_OUTCOME_UNREACHABLE] = TL_VERDICT_UNREACHABLE,
    [TL_OUTCOME_HALF_OPEN] = TL_VERDICT_HALF_OPEN, [TL_OUTCOME_CHALLENGED] = TL_VERDICT_CHALLENGED,
    [TL_OUTCOME_BAD] = TL_VERDICT_REJECTED,
};

/* Answers, perhaps, to segments that were forged or not captured: nothing says that there was a connection. */
static bool verdict_only_resets(const struct tl_conn *conn)
{
    return conn->endpoint[0].segments + conn->endpoint[1].segments ==
           (uint32_t)tl_rsts(&conn->endpoint[0])->count + tl_rsts(&conn->endpoint[1])->count;
}

/* What systems put on every SYN, at least one of them (RFC 7323, RFC 2018); scanners that make their SYNs themselves send none. */
static bool verdict_has_system_options(const struct tl_endpoint *end)
{
    return end->options & (TL_OPT_WINDOW_SCALE | TL_OPT_SACK_PERMITTED | TL_OPT_TIMESTAMPS);
}

/* A lone segment out of nowhere, perhaps again, perhaps answered by resets. */
static enum tl_scan verdict_lone_segment(const struct tl_conn *conn)
{
    static const struct {
        uint8_t flags, scan;
    } kinds[] = {
        {0, TL_SCAN_NULL_FLAGS},           {TL_FIN, TL_SCAN_FIN}, {TL_FIN | TL_PSH | TL_URG, TL_SCAN_XMAS},
        {TL_FIN | TL_ACK, TL_SCAN_MAIMON}, {TL_ACK, TL_SCAN_ACK},
    };
    const struct tl_endpoint *a = &conn->endpoint[0], *b = &conn->endpoint[1];
    bool lone = a->segments - tl_rsts(a)->count == 0 ? tl_rsts(b)->count == 0
                                                     : b->segments == tl_rsts(b)->count && tl_rsts(a)->count == 0;
    bool answered = tl_rsts(a)->count + tl_rsts(b)->count > 0;
    unsigned i;

    for (i = 0; lone && !a->sent_data && !b->sent_data && i < sizeof kinds / sizeof *kinds; i++) {
        /* With ACK set it may as well be late; only the reset says that there is no connection. */
        if (conn->opening.first_flags == kinds[i].flags && (answered || !(kinds[i].flags & TL_ACK))) {
            return (enum tl_scan)kinds[i].scan;
        }
    }
    return TL_SCAN_NONE;
}

/* A whole handshake, no byte, and the client resets at once. */
static bool verdict_is_check(const struct tl_conn *conn)
{
    const struct tl_endpoint *client = &conn->endpoint[conn->client], *server = &conn->endpoint[1 - conn->client];

    return conn->opening.acked && conn->reset.ended && conn->reset.by == conn->client && tl_syns(client)->count > 0 &&
           tl_synacks(server)->count > 0 && !client->sent_data && !server->sent_data && server->unseen_bytes == 0 &&
           client->unseen_bytes == 0 && !client->has_fin && !server->has_fin &&
           conn->reset.ns - conn->opening.ack_ns <= AT_ONCE_NS;
}

/* A device on the path sent the reset that the facts speak of. */
static bool verdict_is_of_path(const struct tl_facts *facts)
{
    return facts->rst_origin == TL_ORIGIN_PATH && facts->rst_origin_confidence != TL_CONFIDENCE_GUESS;
}

static enum tl_scan verdict_scan_of(const struct tl_conn *conn, const struct tl_facts *facts)
{
    const struct tl_endpoint *client = &conn->endpoint[conn->client];

    if (facts->client_rst == TL_CLIENT_RST_AT_ONCE && !client->sent_data && !verdict_has_system_options(client) &&
        !conn->missed_nat) {
        return TL_SCAN_SYN;
    }
    if (verdict_is_check(conn) && !verdict_is_of_path(facts)) {
        return TL_SCAN_CONNECT;
    }
    return verdict_lone_segment(conn);
}

static enum tl_verdict verdict_of_scan(enum tl_scan scan)
{
    switch (scan) {
    case TL_SCAN_SYN:
    case TL_SCAN_FIN:
    case TL_SCAN_NULL_FLAGS:
    case TL_SCAN_XMAS:
        return TL_VERDICT_SCAN;
    case TL_SCAN_CONNECT:
        return TL_VERDICT_CHECKED;
    default:
        return scan == TL_SCAN_NONE ? TL_VERDICT_NONE : TL_VERDICT_NO_CONNECTION;
    }
}

static bool verdict_insists(const struct tl_endpoint *end)
{
    return end->insists >= INSISTS_MIN;
}

/* Everything that the end sent before its FIN, or at all, was acknowledged. */
static bool verdict_all_acked(const struct tl_endpoint *end)
{
    return end->has_una && !tl_seq_before(end->una, end->has_fin ? end->fin : end->max);
}

/* The reset comes after the FIN of its sender, all bytes of both ends are acknowledged, and the other end has closed, too, or has
 * had no time to send anything since: nothing can be lost but what it sends later. */
static bool verdict_rst_loses_nothing(const struct tl_conn *conn)
{
    const struct tl_endpoint *x = &conn->endpoint[conn->reset.by & 1], *y = &conn->endpoint[1 - (conn->reset.by & 1)];

    return x->has_fin && verdict_all_acked(x) && verdict_all_acked(y) &&
           (y->has_fin || conn->reset.ns - x->fin_ns <= RST_AT_ONCE_NS);
}

static enum tl_verdict verdict_of_reset(const struct tl_conn *conn, const struct tl_facts *facts)
{
    enum tl_verdict word = (enum tl_verdict)tl_rst_traits((enum tl_rst_cause)facts->rst_cause)->word;

    if (word != TL_VERDICT_REJECTED && word != TL_VERDICT_REFUSED && verdict_is_of_path(facts)) {
        return TL_VERDICT_INJECTED;
    }
    if (word == TL_VERDICT_ABORTED && verdict_insists(&conn->endpoint[conn->reset.by & 1])) {
        return TL_VERDICT_TIMED_OUT; /* the application had not the patience of the timer */
    }
    if (word == TL_VERDICT_ABORTED && verdict_rst_loses_nothing(conn)) {
        return TL_VERDICT_CLOSED_WITH_RST;
    }
    return word == TL_VERDICT_STATE_LOST && !conn->opened ? TL_VERDICT_RESET : word;
}

static enum tl_verdict verdict_of(const struct tl_conn *conn, const struct tl_facts *facts)
{
    if (of_outcome[facts->outcome] != TL_VERDICT_NONE) {
        return (enum tl_verdict)of_outcome[facts->outcome];
    }
    if (verdict_of_scan((enum tl_scan)facts->scan) != TL_VERDICT_NONE) {
        return verdict_of_scan((enum tl_scan)facts->scan);
    }
    if (verdict_only_resets(conn)) {
        return TL_VERDICT_UNKNOWN;
    }
    if (conn->reset.ended) {
        return verdict_of_reset(conn, facts);
    }
    if (conn->finished) {
        return conn->rst_late ? TL_VERDICT_CLOSED_WITH_RST : TL_VERDICT_OK;
    }
    if (verdict_insists(&conn->endpoint[0]) || verdict_insists(&conn->endpoint[1])) {
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
static bool verdict_closed_at_once(const struct tl_conn *conn, const struct tl_facts *facts)
{
    unsigned by = 1u - conn->client;
    const struct tl_endpoint *server = &conn->endpoint[by];
    int64_t close_ns;

    if (conn->midstream || conn->peers || conn->opening.ack_in == 0 || server->sent_data || server->unseen_bytes > 0) {
        return false;
    }
    if (conn->closing.closer == by && !conn->closing.closer_unknown && !conn->closing.crossed && !server->fin_inferred) {
        close_ns = server->fin_ns;
    } else if (conn->reset.ended && conn->reset.by == by && !conn->endpoint[conn->client].has_fin &&
               !verdict_is_of_path(facts)) {
        close_ns = conn->reset.ns;
    } else {
        return false;
    }
    return close_ns - conn->opening.ack_ns <= AT_ONCE_NS;
}

/* The server went on with its SYN-ACKs although it should have had the ACK, and sent nothing else. One may be TCP_DEFER_ACCEPT. */
static bool verdict_is_ack_not_taken(const struct tl_conn *conn)
{
    const struct tl_endpoint *server = &conn->endpoint[1 - conn->client];

    return conn->opening.ignored >= IGNORED_MIN && !server->sent_plain && server->unseen_bytes == 0;
}

void tl_verdict(const struct tl_conn *conn, struct tl_facts *facts)
{
    facts->scan = (uint8_t)verdict_scan_of(conn, facts);
    facts->verdict = (uint8_t)verdict_of(conn, facts);
    facts->open_failure = verdict_is_ack_not_taken(conn) ? TL_OPEN_FAILURE_ACK_NOT_TAKEN : failure_of_outcome[facts->outcome];
    if (facts->open_failure == TL_OPEN_FAILURE_NONE && verdict_closed_at_once(conn, facts)) {
        facts->open_failure = TL_OPEN_FAILURE_CLOSED_AT_ONCE;
    }
}
