/* tl_find_open.c - findings about connections that did not open, or came in crowds.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "conn/tl_conn.h"
#include "findings/tl_find.h"

/* What a failure costs its user, as far as nothing was measured. Decided: a refusal is seen at once and tried again by hand, a queue
 * that is full holds a request for some seconds. */
static const int64_t REFUSED_COST_NS = 2 * TL_SECOND, REFUSED_AGAIN_NS = 300 * TL_MS;
static const int64_t UNREACHABLE_COST_NS = 3 * TL_SECOND;
static const int64_t QUEUE_COST_NS = 10 * TL_SECOND;
static const int64_t CLOSED_COST_NS = 3 * TL_SECOND, PERHAPS_COST_NS = TL_SECOND;
static const int64_t UNFINISHED_COST_NS = 2 * TL_SECOND;
static const int64_t CROWD_COST_NS = 100 * TL_MS;
/* A SYN without answer: at least the first timeout (RFC 6298 2.1), at most what people wait. */
static const int64_t WAIT_MIN_NS = TL_SECOND, WAIT_MAX_NS = 60 * TL_SECOND;
/* A server that ends the connection later than this has served. */
static const int64_t AT_ONCE_NS = 2 * TL_SECOND;

static bool find_open_has_outcome(const struct tl_look *look, enum tl_outcome outcome)
{
    return look->c->facts.outcome == outcome;
}

/* ---- crowds -------------------------------------------------------------------------------------------------------------- */

static bool find_open_is_of(const struct tl_look *look, enum tl_finding crowd, struct tl_claim *claim)
{
    const struct tl_facts *facts = &look->c->facts;

    if (look->company->crowd != crowd) {
        return false;
    }
    tl_claim_trait(claim, TL_TRAIT_OPEN, facts->synack_attempts > 0 && facts->outcome != TL_OUTCOME_REFUSED);
    tl_claim_trait(claim, TL_TRAIT_REFUSED, facts->outcome == TL_OUTCOME_REFUSED);
    tl_claim_trait(claim, TL_TRAIT_UNANSWERED, facts->outcome == TL_OUTCOME_UNANSWERED || facts->outcome == TL_OUTCOME_PENDING);
    tl_claim_trait(claim, TL_TRAIT_HALF_OPEN, facts->outcome == TL_OUTCOME_HALF_OPEN);
    return true;
}

bool tl_find_unasked_answers(const struct tl_look *look, unsigned role, struct tl_claim *claim)
{
    (void)role;
    claim->cost_ns = CROWD_COST_NS;
    tl_claim_doubt(claim, TL_CONFIDENCE_LIKELY);
    return find_open_is_of(look, TL_FINDING_UNASKED_ANSWERS, claim);
}

bool tl_find_scan(const struct tl_look *look, unsigned role, struct tl_claim *claim)
{
    (void)role;
    return find_open_is_of(look, TL_FINDING_SCAN, claim);
}

bool tl_find_scan_inbound(const struct tl_look *look, unsigned role, struct tl_claim *claim)
{
    (void)role;
    tl_claim_doubt(claim, TL_CONFIDENCE_LIKELY);
    return find_open_is_of(look, TL_FINDING_SCAN_INBOUND, claim);
}

bool tl_find_flood(const struct tl_look *look, unsigned role, struct tl_claim *claim)
{
    (void)role;
    claim->cost_ns = CROWD_COST_NS;
    tl_claim_doubt(claim, TL_CONFIDENCE_LIKELY);
    tl_claim_measure(claim, TL_MEASURE_RATE, look->company->rate);
    return find_open_is_of(look, TL_FINDING_FLOOD, claim);
}

bool tl_find_health_check(const struct tl_look *look, unsigned role, struct tl_claim *claim)
{
    (void)role;
    tl_claim_doubt(claim, TL_CONFIDENCE_LIKELY);
    tl_claim_measure(claim, TL_MEASURE_INTERVAL, look->company->interval_ns);
    return find_open_is_of(look, TL_FINDING_HEALTH_CHECK, claim);
}

/* ---- the SYN ------------------------------------------------------------------------------------------------------------- */

static bool find_open_is_unanswered(const struct tl_look *look)
{
    enum { SYNS_MIN = 2 }; /* of a capture that ends soon after: the first timeout is over */

    return find_open_has_outcome(look, TL_OUTCOME_UNANSWERED) ||
           (find_open_has_outcome(look, TL_OUTCOME_PENDING) && look->c->facts.syn_attempts >= SYNS_MIN);
}

/* The SYN comes into TIME-WAIT or an open connection, and the server keeps that. */
bool tl_find_tuple_reused(const struct tl_look *look, unsigned role, struct tl_claim *claim)
{
    const struct tl_facts *facts = &look->c->facts;
    bool ignored = find_open_is_unanswered(look) && facts->syn_attempts > 1 && facts->reuse == TL_REUSE_TIME_WAIT;
    bool odd = find_open_has_outcome(look, TL_OUTCOME_BAD); /* what answered is of another connection, or no TCP's */

    (void)role;
    if (!ignored && !odd && !find_open_has_outcome(look, TL_OUTCOME_CHALLENGED) && facts->reuse != TL_REUSE_REJECTED) {
        return false;
    }
    claim->cost_ns = tl_max_ns(look->c->duration_ns, UNREACHABLE_COST_NS);
    tl_claim_doubt(claim, odd ? TL_CONFIDENCE_GUESS : TL_CONFIDENCE_LIKELY);
    tl_claim_measure(claim, TL_MEASURE_SYNS, facts->syn_attempts);
    tl_claim_measure(claim, TL_MEASURE_SILENCE, look->c->course.reuse_elapsed_ns);
    return true;
}

bool tl_find_no_answer(const struct tl_look *look, unsigned role, struct tl_claim *claim)
{
    const struct tl_case *c = look->c;
    bool answers = look->company->port_answers;

    (void)role;
    if (!find_open_is_unanswered(look) || c->facts.any_rst_in != 0) {
        return false;
    }
    claim->cost_ns = c->facts.syn_attempts == 1 ? tl_max_ns(c->duration_ns, WAIT_MIN_NS)
                                                : tl_min_ns(tl_max_ns(c->duration_ns, 2 * WAIT_MIN_NS) / 2 * 3, WAIT_MAX_NS);
    if (c->facts.syn_attempts == 1) {
        tl_claim_doubt(claim, TL_CONFIDENCE_LIKELY);
    }
    tl_claim_measure(claim, TL_MEASURE_SYNS, c->facts.syn_attempts);
    tl_claim_measure(claim, TL_MEASURE_WAITED, c->duration_ns);
    tl_claim_trait(claim, TL_TRAIT_PORT_ANSWERS, answers);
    tl_claim_trait(claim, TL_TRAIT_HOST_UP, !answers && look->company->host_up);
    tl_claim_trait(claim, TL_TRAIT_HOST_SILENT, !answers && !look->company->host_up);
    claim->key.variant = answers ? 2 : look->company->host_up ? 1 : 0;
    return true;
}

bool tl_find_refused(const struct tl_look *look, unsigned role, struct tl_claim *claim)
{
    const struct tl_case *c = look->c;

    (void)role;
    if (!find_open_has_outcome(look, TL_OUTCOME_REFUSED) && c->facts.verdict != TL_VERDICT_REFUSED) {
        return false;
    }
    claim->cost_ns = REFUSED_COST_NS + REFUSED_AGAIN_NS * tl_min_ns(c->facts.syn_attempts, 100);
    claim->frame = c->facts.any_rst_in;
    tl_claim_measure(claim, TL_MEASURE_SYNS, c->facts.syn_attempts);
    tl_claim_measure(claim, TL_MEASURE_DELAY, c->course.rst_delay_ns);
    if (c->course.rst_ttl > 0 && look->company->host_ttl > 0) {
        tl_claim_measure(claim, TL_MEASURE_TTL, c->course.rst_ttl);
        tl_claim_measure(claim, TL_MEASURE_TTL_OWN, look->company->host_ttl);
    }
    return true;
}

bool tl_find_unreachable(const struct tl_look *look, unsigned role, struct tl_claim *claim)
{
    (void)role;
    if (!find_open_has_outcome(look, TL_OUTCOME_UNREACHABLE)) {
        return false;
    }
    claim->cost_ns = UNREACHABLE_COST_NS;
    claim->frame = look->c->facts.icmp_in;
    tl_claim_measure(claim, TL_MEASURE_SYNS, look->c->facts.syn_attempts);
    return true;
}

/* ---- the SYN-ACK and its ACK --------------------------------------------------------------------------------------------- */

static bool find_open_failed(const struct tl_case *c)
{
    switch (c->facts.verdict) {
    case TL_VERDICT_TIMED_OUT:
    case TL_VERDICT_ABORTED:
    case TL_VERDICT_REJECTED:
    case TL_VERDICT_RESET:
    case TL_VERDICT_HALF_OPEN:
        return true;
    default:
        return false;
    }
}

/* Whether the client's data had to come again: with TCP_DEFER_ACCEPT the first of it completes the handshake at once. */
static bool find_open_data_waits(const struct tl_case *c)
{
    return c->bytes[0] > 0 && c->trouble[0].bytes_again > 0;
}

/* The server, or a proxy in its place, sent more than SYN-ACKs and resets: it took the ACK in the end, and how the connection
 * ended later says nothing of its start. */
static bool find_open_has_taken(const struct tl_case *c)
{
    return c->segments[1] > c->facts.synack_attempts + c->trouble[1].resets;
}

static bool find_open_ack_is_ignored(const struct tl_case *c)
{
    enum { REPEATS_MIN = 2 };
    uint32_t repeats = c->course.synack_after_ack;

    if (c->facts.open_failure == TL_OPEN_FAILURE_ACK_NOT_TAKEN) {
        return true;
    }
    if (repeats >= REPEATS_MIN) {
        return find_open_data_waits(c) || c->bytes[0] == 0;
    }
    return repeats > 0 &&
           ((find_open_failed(c) && !find_open_has_taken(c)) || (find_open_data_waits(c) && tl_case_is_at_server(c)));
}

bool tl_find_queue_full(const struct tl_look *look, unsigned role, struct tl_claim *claim)
{
    const struct tl_case *c = look->c;
    uint32_t repeats = c->course.synack_after_ack;

    (void)role;
    if (!find_open_ack_is_ignored(c)) {
        return false;
    }
    claim->cost_ns = QUEUE_COST_NS;
    claim->frame = c->facts.ack_in;
    tl_claim_doubt(claim, find_open_data_waits(c) ? TL_CONFIDENCE_LIKELY : TL_CONFIDENCE_GUESS);
    tl_claim_measure(claim, TL_MEASURE_TIMES, repeats > 0 ? repeats : c->facts.synack_attempts - 1);
    tl_claim_trait(claim, TL_TRAIT_REQUEST, c->bytes[0] > 0);
    tl_claim_trait(claim, TL_TRAIT_NEAR_CLIENT, c->facts.position == TL_POSITION_NEAR_CLIENT);
    return true;
}

/* Time from the first segment to the close; negative = not known: the FIN was not acknowledged, so nothing was measured from it. */
static int64_t find_open_closed_after(const struct tl_case *c, bool by_rst)
{
    return by_rst ? c->duration_ns : c->facts.teardown_ns >= 0 ? c->duration_ns - c->facts.teardown_ns : -1;
}

bool tl_find_closed_at_once(const struct tl_look *look, unsigned role, struct tl_claim *claim)
{
    const struct tl_case *c = look->c;
    bool by_rst = c->trouble[1].resets > 0, request = c->bytes[0] > 0;
    bool holds = find_open_has_outcome(look, TL_OUTCOME_SERVER_RST) ||
                 c->facts.open_failure == TL_OPEN_FAILURE_CLOSED_AT_ONCE ||
                 (c->facts.rst_in != 0 && c->facts.rst_cause == TL_RST_CAUSE_ACK_REJECTED);

    (void)role;
    if (!holds || tl_case_silence(c) > AT_ONCE_NS || c->bytes[1] > 0) {
        return false;
    }
    claim->cost_ns = by_rst || !request ? CLOSED_COST_NS : PERHAPS_COST_NS;
    claim->frame = by_rst ? c->facts.any_rst_in : c->facts.fin1_in;
    claim->key.variant = by_rst;
    tl_claim_doubt(claim, by_rst ? TL_CONFIDENCE_LIKELY : TL_CONFIDENCE_GUESS);
    tl_claim_measure(claim, TL_MEASURE_AFTER, find_open_closed_after(c, by_rst));
    tl_claim_trait(claim, TL_TRAIT_BY_RST, by_rst);
    tl_claim_trait(claim, TL_TRAIT_BY_FIN, !by_rst);
    tl_claim_trait(claim, TL_TRAIT_REQUEST, request);
    return true;
}

bool tl_find_handshake_unfinished(const struct tl_look *look, unsigned role, struct tl_claim *claim)
{
    (void)role;
    if (!find_open_has_outcome(look, TL_OUTCOME_HALF_OPEN)) {
        return false;
    }
    claim->cost_ns = UNFINISHED_COST_NS;
    tl_claim_measure(claim, TL_MEASURE_SYNACKS, look->c->facts.synack_attempts);
    return true;
}

bool tl_find_client_gave_up(const struct tl_look *look, unsigned role, struct tl_claim *claim)
{
    (void)role;
    if (!find_open_has_outcome(look, TL_OUTCOME_CLIENT_RST) || look->c->facts.scan != TL_SCAN_NONE) {
        return false;
    }
    claim->frame = look->c->facts.any_rst_in;
    tl_claim_measure(claim, TL_MEASURE_DELAY, look->c->facts.server_time_ns);
    return true;
}
