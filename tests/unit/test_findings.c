/* test_findings.c - the catalogue of findings: each holds where it should, and not of its false friend; crowds, keys, rank.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "findings/tl_findings.h"

#define MS INT64_C(1000000)
#define SECOND INT64_C(1000000000)

enum { CLIENT, SERVER, CASES_MAX = 400 };

/* ---- cases --------------------------------------------------------------------------------------------------------------- */

static struct tl_case cases[CASES_MAX];
static uint32_t case_count;

static void *allocate(void *context, size_t bytes)
{
    (void)context;
    return calloc(1, bytes);
}

static void release(void *context, void *memory, size_t bytes)
{
    (void)context, (void)bytes;
    free(memory);
}

static const struct tl_allocator heap = {allocate, release, NULL};

/* Times that are not known. */
static void know_nothing(struct tl_case *c)
{
    struct tl_course_now *course = &c->course;

    c->facts.irtt_ns = c->facts.setup_ns = c->facts.server_time_ns = c->facts.client_time_ns = -1;
    c->facts.linked = UINT32_MAX;
    course->rst_delay_ns = course->rst_silence_ns = course->idle_survived_ns = course->idle_failed_ns = -1;
    course->keepalive_idle_ns = course->owed_for_ns = course->fin_silence_ns = course->after_fin_ns = -1;
    course->reuse_elapsed_ns = -1;
    course->icmp_type = course->icmp_code = UINT32_MAX;
    for (unsigned role = 0; role < 2; role++) {
        course->end[role].timer_max_ns = course->end[role].reply_min_ns = -1;
        course->end[role].wscale = UINT32_MAX;
        c->waits.longest_ns[role] = -1;
    }
}

/* One more connection, of client 0 to port 80 of server 1: opened, used for a second, closed in good order. */
static struct tl_case *healthy(void)
{
    struct tl_case *c = &cases[case_count];

    assert_true(case_count < CASES_MAX);
    memset(c, 0, sizeof *c);
    know_nothing(c);
    c->facts.number = case_count;
    c->facts.first_in = 1 + case_count * 10;
    c->facts.last_in = c->facts.first_in + 9;
    c->facts.start_ns = case_count * 100 * SECOND;
    c->facts.last_ns = c->facts.start_ns + SECOND;
    c->facts.outcome = TL_OUTCOME_COMPLETE;
    c->facts.verdict = TL_VERDICT_OK;
    c->facts.kind = TL_KIND_FOUR_SEGMENT;
    c->facts.initiator = TL_SIDE_CLIENT;
    c->facts.opened = true;
    c->facts.sender_confidence = TL_CONFIDENCE_CERTAIN;
    c->facts.syn_attempts = c->facts.synack_attempts = 1;
    c->facts.syn_in = c->facts.first_in;
    c->facts.synack_in = c->facts.first_in + 1;
    c->facts.irtt_ns = c->facts.setup_ns = 20 * MS;
    c->facts.server_time_ns = c->facts.client_time_ns = 10 * MS;
    c->facts.position = TL_POSITION_MIDDLE;
    c->duration_ns = SECOND;
    c->bytes[CLIENT] = 200;
    c->bytes[SERVER] = 5000;
    c->segments[CLIENT] = c->segments[SERVER] = 10;
    c->waits.answers = 1;
    c->waits.longest_ns[SERVER] = 50 * MS;
    c->waits.ns[TL_WAIT_SUM_SERVER] = 50 * MS;
    c->host[CLIENT] = 0;
    c->host[SERVER] = 1;
    c->port[CLIENT] = (uint16_t)(40000 + case_count);
    c->port[SERVER] = 80;
    case_count++;
    return c;
}

/* The same without payload that did not open. */
static struct tl_case *unopened(enum tl_outcome outcome, enum tl_verdict verdict)
{
    struct tl_case *c = healthy();

    c->facts.outcome = (uint8_t)outcome;
    c->facts.verdict = (uint8_t)verdict;
    c->facts.kind = c->facts.initiator = 0;
    c->facts.opened = false;
    c->facts.synack_attempts = c->facts.synack_in = 0;
    c->facts.irtt_ns = c->facts.setup_ns = -1;
    c->bytes[CLIENT] = c->bytes[SERVER] = 0;
    c->segments[SERVER] = 0;
    c->waits.answers = 0;
    c->waits.longest_ns[SERVER] = -1;
    c->waits.ns[TL_WAIT_SUM_SERVER] = 0;
    return c;
}

/* A connection that a reset in the name of that end has ended. */
static struct tl_case *reset_by(unsigned role, enum tl_verdict verdict, enum tl_rst_cause cause)
{
    struct tl_case *c = healthy();

    c->facts.verdict = (uint8_t)verdict;
    c->facts.kind = TL_KIND_RST;
    c->facts.rst_cause = (uint8_t)cause;
    c->facts.rst_confidence = TL_CONFIDENCE_LIKELY;
    c->facts.rst_sender = role == CLIENT ? TL_SIDE_CLIENT : TL_SIDE_SERVER;
    c->facts.rst_in = c->facts.any_rst_in = c->facts.last_in;
    c->facts.rst_origin = TL_ORIGIN_END;
    c->facts.rst_origin_confidence = TL_CONFIDENCE_LIKELY;
    c->trouble[role].resets = 1;
    c->course.rst_silence_ns = 10 * MS;
    return c;
}

/* ---- judging ------------------------------------------------------------------------------------------------------------- */

static void read_case(void *data, uint32_t index, struct tl_case *c)
{
    (void)data;
    *c = cases[index];
}

static struct tl_findings *judge(void)
{
    const struct tl_findings_source source = {read_case, NULL, case_count, 1000};
    struct tl_findings *findings = tl_findings_new(&heap, &source);

    assert_non_null(findings);
    return findings;
}

/* How many connections have the finding. */
static uint32_t count_of(enum tl_finding finding)
{
    struct tl_findings *findings = judge();
    uint32_t count, found = 0, groups;
    const struct tl_finding_mark *marks = tl_findings_marks(findings, &count);

    for (uint32_t i = 0; i < count; i++) {
        found += marks[i].finding == finding;
    }
    (void)tl_findings_groups(findings, &groups);
    tl_findings_free(findings);
    return found;
}

/* The finding on the first line of the report; NONE if nothing is wrong. */
static enum tl_finding first_finding(void)
{
    struct tl_findings *findings = judge();
    uint32_t count;
    const struct tl_finding_group *groups = tl_findings_groups(findings, &count);
    bool ranked = count > 0 && (groups[0].class == TL_CLASS_BROKEN || groups[0].class == TL_CLASS_SLOW);
    enum tl_finding first = ranked ? (enum tl_finding)groups[0].finding : TL_FINDING_NONE;

    tl_findings_free(findings);
    return first;
}

/* How sure it is. */
static unsigned confidence_of(enum tl_finding finding)
{
    struct tl_findings *findings = judge();
    uint32_t count;
    const struct tl_finding_group *groups = tl_findings_groups(findings, &count);
    unsigned confidence = TL_CONFIDENCE_NONE;

    for (uint32_t i = 0; i < count; i++) {
        confidence = groups[i].finding == finding ? groups[i].confidence : confidence;
    }
    tl_findings_free(findings);
    return confidence;
}

static int begin(void **state)
{
    (void)state;
    case_count = 0;
    return 0;
}

static void test_nothing_wrong(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 20; i++) {
        healthy();
    }
    assert_int_equal(first_finding(), TL_FINDING_NONE);
}

static void test_no_connections(void **state)
{
    (void)state;
    assert_int_equal(first_finding(), TL_FINDING_NONE);
}

/* ---- opening ------------------------------------------------------------------------------------------------------------- */

static void test_no_answer(void **state)
{
    struct tl_case *c = unopened(TL_OUTCOME_UNANSWERED, TL_VERDICT_UNANSWERED);

    (void)state;
    c->facts.syn_attempts = 3;
    assert_int_equal(first_finding(), TL_FINDING_NO_ANSWER);
    assert_int_equal(confidence_of(TL_FINDING_NO_ANSWER), TL_CONFIDENCE_CERTAIN);
    c->facts.syn_attempts = 1;
    assert_int_equal(confidence_of(TL_FINDING_NO_ANSWER), TL_CONFIDENCE_LIKELY);
}

/* threshold: SYNS_MIN */
static void test_no_answer_needs_two_syns_at_the_end(void **state)
{
    struct tl_case *c = unopened(TL_OUTCOME_PENDING, TL_VERDICT_PENDING);

    (void)state;
    assert_int_equal(first_finding(), TL_FINDING_NONE);
    c->facts.syn_attempts = 2;
    assert_int_equal(first_finding(), TL_FINDING_NO_ANSWER);
}

static void test_refused(void **state)
{
    (void)state;
    unopened(TL_OUTCOME_REFUSED, TL_VERDICT_REFUSED);
    assert_int_equal(first_finding(), TL_FINDING_REFUSED);
}

static void test_unreachable(void **state)
{
    (void)state;
    unopened(TL_OUTCOME_UNREACHABLE, TL_VERDICT_UNREACHABLE);
    assert_int_equal(first_finding(), TL_FINDING_UNREACHABLE);
}

static void test_tuple_reused(void **state)
{
    struct tl_case *c = unopened(TL_OUTCOME_UNANSWERED, TL_VERDICT_UNANSWERED);

    (void)state;
    c->facts.syn_attempts = 2;
    assert_int_equal(first_finding(), TL_FINDING_NO_ANSWER);
    c->facts.reuse = TL_REUSE_TIME_WAIT;
    assert_int_equal(first_finding(), TL_FINDING_TUPLE_REUSED);
}

static void test_tuple_reused_and_accepted(void **state)
{
    (void)state;
    healthy()->facts.reuse = TL_REUSE_TIME_WAIT;
    assert_int_equal(first_finding(), TL_FINDING_NONE);
}

static void test_queue_full(void **state)
{
    struct tl_case *c = healthy();

    (void)state;
    c->facts.verdict = TL_VERDICT_TIMED_OUT;
    c->course.synack_after_ack = 3;
    c->trouble[CLIENT].bytes_again = 400;
    assert_int_equal(first_finding(), TL_FINDING_QUEUE_FULL);
}

/* threshold: REPEATS_MIN */
static void test_queue_full_is_no_lost_ack(void **state)
{
    struct tl_case *c = healthy();

    (void)state;
    c->course.synack_after_ack = 1; /* its ACK was lost behind the capture point: once */
    c->trouble[CLIENT].bytes_again = 200;
    assert_int_equal(count_of(TL_FINDING_QUEUE_FULL), 0);
    c->course.synack_after_ack = 2;
    assert_int_equal(count_of(TL_FINDING_QUEUE_FULL), 1);
}

static void test_queue_full_is_no_deferred_accept(void **state)
{
    struct tl_case *c = healthy();

    (void)state;
    c->course.synack_after_ack = 3; /* and the first data is taken at once */
    assert_int_equal(first_finding(), TL_FINDING_NONE);
}

static void test_closed_at_once(void **state)
{
    struct tl_case *c = reset_by(SERVER, TL_VERDICT_REJECTED, TL_RST_CAUSE_ACK_REJECTED);

    (void)state;
    c->bytes[SERVER] = 0;
    assert_int_equal(first_finding(), TL_FINDING_CLOSED_AT_ONCE);
    c->bytes[SERVER] = 1; /* it had served */
    assert_int_equal(count_of(TL_FINDING_CLOSED_AT_ONCE), 0);
}

/* threshold: AT_ONCE_NS */
static void test_closed_at_once_is_soon(void **state)
{
    struct tl_case *c = reset_by(SERVER, TL_VERDICT_REJECTED, TL_RST_CAUSE_ACK_REJECTED);

    (void)state;
    c->bytes[SERVER] = 0;
    c->final_idle_ns = 2 * SECOND;
    assert_int_equal(count_of(TL_FINDING_CLOSED_AT_ONCE), 1);
    c->final_idle_ns++;
    assert_int_equal(count_of(TL_FINDING_CLOSED_AT_ONCE), 0);
}

static void test_handshake_unfinished(void **state)
{
    struct tl_case *c = unopened(TL_OUTCOME_HALF_OPEN, TL_VERDICT_HALF_OPEN);

    (void)state;
    c->facts.synack_attempts = 4;
    assert_int_equal(first_finding(), TL_FINDING_HANDSHAKE_UNFINISHED);
}

static void test_client_gave_up_is_a_note(void **state)
{
    struct tl_case *c = unopened(TL_OUTCOME_CLIENT_RST, TL_VERDICT_REJECTED);

    (void)state;
    assert_int_equal(first_finding(), TL_FINDING_NONE);
    assert_int_equal(count_of(TL_FINDING_CLIENT_GAVE_UP), 1);
    c->facts.scan = TL_SCAN_SYN;
    assert_int_equal(count_of(TL_FINDING_CLIENT_GAVE_UP), 0);
}

/* ---- crowds -------------------------------------------------------------------------------------------------------------- */

/* threshold: TARGETS_MIN */
static void test_scan(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 14; i++) {
        unopened(TL_OUTCOME_REFUSED, TL_VERDICT_REFUSED)->port[SERVER] = (uint16_t)(1000 + i);
    }
    assert_int_equal(count_of(TL_FINDING_SCAN), 0);
    unopened(TL_OUTCOME_REFUSED, TL_VERDICT_REFUSED)->port[SERVER] = 2000;
    assert_int_equal(count_of(TL_FINDING_SCAN), 15);
    assert_int_equal(first_finding(), TL_FINDING_NONE);
}

static void test_scan_of_hosts(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 15; i++) {
        unopened(TL_OUTCOME_UNANSWERED, TL_VERDICT_UNANSWERED)->host[SERVER] = 10 + i;
    }
    assert_int_equal(count_of(TL_FINDING_SCAN), 15);
}

static void test_scan_is_no_browser(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 30; i++) {
        healthy()->host[SERVER] = 10 + i;
    }
    assert_int_equal(count_of(TL_FINDING_SCAN), 0);
}

/* threshold: STRANGERS_MIN, STRANGE_PORTS_MIN */
static void test_scan_inbound(void **state)
{
    struct tl_case *c;

    (void)state;
    for (unsigned i = 0; i < 8; i++) {
        c = unopened(TL_OUTCOME_REFUSED, TL_VERDICT_REFUSED);
        c->host[CLIENT] = 100 + i;
        c->port[SERVER] = (uint16_t)(1000 + i % 4);
    }
    assert_int_equal(count_of(TL_FINDING_SCAN_INBOUND), 8);
    c->host[CLIENT] = 100; /* seven clients */
    assert_int_equal(count_of(TL_FINDING_SCAN_INBOUND), 0);
    c->host[CLIENT] = 107;
    cases[3].port[SERVER] = cases[7].port[SERVER] = 1000; /* three ports */
    assert_int_equal(count_of(TL_FINDING_SCAN_INBOUND), 0);
}

static void test_service_that_is_down_is_no_scan(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 20; i++) {
        unopened(TL_OUTCOME_REFUSED, TL_VERDICT_REFUSED)->host[CLIENT] = 100 + i;
    }
    assert_int_equal(first_finding(), TL_FINDING_REFUSED);
    assert_int_equal(count_of(TL_FINDING_REFUSED), 20);
}

/* threshold: FLOOD_MIN */
static void test_flood(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 99; i++) {
        struct tl_case *c = unopened(TL_OUTCOME_HALF_OPEN, TL_VERDICT_HALF_OPEN);

        c->host[CLIENT] = 100 + i;
        c->facts.start_ns = i * MS;
    }
    assert_int_equal(count_of(TL_FINDING_FLOOD), 0);
    unopened(TL_OUTCOME_HALF_OPEN, TL_VERDICT_HALF_OPEN)->host[CLIENT] = 300;
    assert_int_equal(count_of(TL_FINDING_FLOOD), 100);
    assert_int_equal(first_finding(), TL_FINDING_FLOOD);
}

/* threshold: FLOOD_RATE */
static void test_flood_of_one_client_is_fast(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 102; i++) {
        unopened(TL_OUTCOME_HALF_OPEN, TL_VERDICT_HALF_OPEN)->facts.start_ns = i * 19 * MS; /* 53 in a second */
    }
    assert_int_equal(count_of(TL_FINDING_FLOOD), 102);
    for (unsigned i = 0; i < 102; i++) {
        cases[i].facts.start_ns = i * 21 * MS;
    }
    assert_int_equal(count_of(TL_FINDING_FLOOD), 0);
}

static void test_victim_of_a_flood_does_not_scan(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 15; i++) {
        struct tl_case *c = unopened(TL_OUTCOME_UNKNOWN, TL_VERDICT_UNKNOWN);

        c->segments[CLIENT] = 0;
        c->segments[SERVER] = 1;
        c->facts.synack_attempts = 1;
        c->host[SERVER] = 10 + i;
    }
    assert_int_equal(first_finding(), TL_FINDING_UNASKED_ANSWERS);
    assert_int_equal(count_of(TL_FINDING_SCAN), 0);
}

static void make_checks(unsigned count, int64_t interval_ns)
{
    for (unsigned i = 0; i < count; i++) {
        struct tl_case *c = healthy();

        c->bytes[CLIENT] = c->bytes[SERVER] = 0;
        c->waits.answers = 0;
        c->facts.start_ns = i * interval_ns;
    }
}

/* threshold: CHECKS_MIN */
static void test_health_check(void **state)
{
    (void)state;
    make_checks(3, 5 * SECOND);
    assert_int_equal(count_of(TL_FINDING_HEALTH_CHECK), 0);
    healthy();
    begin(NULL);
    make_checks(4, 5 * SECOND);
    assert_int_equal(count_of(TL_FINDING_HEALTH_CHECK), 4);
    assert_int_equal(first_finding(), TL_FINDING_NONE);
}

/* threshold: CHECK_INTERVAL_NS */
static void test_health_check_is_not_hasty(void **state)
{
    (void)state;
    make_checks(6, 499 * MS);
    assert_int_equal(count_of(TL_FINDING_HEALTH_CHECK), 0);
    begin(NULL);
    make_checks(6, 500 * MS);
    assert_int_equal(count_of(TL_FINDING_HEALTH_CHECK), 6);
}

static void test_health_check_has_no_payload(void **state)
{
    (void)state;
    make_checks(6, 5 * SECOND);
    for (unsigned i = 0; i < 6; i++) {
        cases[i].bytes[CLIENT] = cases[i].bytes[SERVER] = 100;
    }
    assert_int_equal(count_of(TL_FINDING_HEALTH_CHECK), 0);
}

/* ---- ends ---------------------------------------------------------------------------------------------------------------- */

static struct tl_case *race(void)
{
    struct tl_case *c = healthy();

    c->facts.initiator = TL_SIDE_SERVER;
    c->facts.fin1_in = 5;
    c->course.fin_silence_ns = 5 * SECOND;
    c->course.after_fin_ns = 10 * MS;
    c->course.after_fin_bytes = 200;
    return c;
}

static void test_keepalive_race(void **state)
{
    (void)state;
    race();
    assert_int_equal(first_finding(), TL_FINDING_KEEPALIVE_RACE);
}

/* threshold: RACE_SILENCE_NS, RACE_GAP_NS, HARMLESS_OCTETS */
static void test_keepalive_race_bounds(void **state)
{
    struct tl_case *c = race();

    (void)state;
    c->course.fin_silence_ns = SECOND;
    c->course.after_fin_ns = 220 * MS; /* a round trip of 20 ms and 200 ms */
    c->course.after_fin_bytes = 65;
    assert_int_equal(count_of(TL_FINDING_KEEPALIVE_RACE), 1);
    c->course.fin_silence_ns--;
    assert_int_equal(count_of(TL_FINDING_KEEPALIVE_RACE), 0);
    c->course.fin_silence_ns++;
    c->course.after_fin_ns++;
    assert_int_equal(count_of(TL_FINDING_KEEPALIVE_RACE), 0);
    c->course.after_fin_ns--;
    c->course.after_fin_bytes = 64; /* close_notify */
    assert_int_equal(count_of(TL_FINDING_KEEPALIVE_RACE), 0);
}

/* threshold: IDLE_MIN_NS */
static void test_idle_cut(void **state)
{
    struct tl_case *c = reset_by(SERVER, TL_VERDICT_STATE_LOST, TL_RST_CAUSE_HALF_OPEN);

    (void)state;
    c->final_idle_ns = 25 * SECOND;
    assert_int_equal(first_finding(), TL_FINDING_IDLE_CUT);
    c->final_idle_ns--;
    assert_int_equal(first_finding(), TL_FINDING_STATE_LOST);
}

static void test_idle_cut_silences_that_agree(void **state)
{
    struct tl_case *c = reset_by(SERVER, TL_VERDICT_STATE_LOST, TL_RST_CAUSE_HALF_OPEN);

    (void)state;
    c->final_idle_ns = 437 * SECOND; /* no usual timeout */
    assert_int_equal(confidence_of(TL_FINDING_IDLE_CUT), TL_CONFIDENCE_GUESS);
    c = reset_by(SERVER, TL_VERDICT_STATE_LOST, TL_RST_CAUSE_HALF_OPEN);
    c->final_idle_ns = 440 * SECOND;
    assert_int_equal(confidence_of(TL_FINDING_IDLE_CUT), TL_CONFIDENCE_LIKELY);
}

static void test_idle_ended_by_a_program(void **state)
{
    struct tl_case *c = reset_by(SERVER, TL_VERDICT_ABORTED, TL_RST_CAUSE_ABORT);

    (void)state;
    c->course.rst_silence_ns = 60 * SECOND;
    assert_int_equal(first_finding(), TL_FINDING_NONE);
    assert_int_equal(count_of(TL_FINDING_IDLE_ENDED), 1);
    c->course.owed_by = TL_SIDE_SERVER;
    c->course.owed_bytes = 300;
    assert_int_equal(count_of(TL_FINDING_IDLE_ENDED), 0);
    assert_int_equal(first_finding(), TL_FINDING_ABORTED);
}

static void test_reset_by_path(void **state)
{
    struct tl_case *c = reset_by(SERVER, TL_VERDICT_INJECTED, TL_RST_CAUSE_DEVICE_POLICY);

    (void)state;
    c->facts.rst_origin = TL_ORIGIN_PATH;
    assert_int_equal(first_finding(), TL_FINDING_RESET_BY_PATH);
    assert_int_equal(confidence_of(TL_FINDING_RESET_BY_PATH), TL_CONFIDENCE_LIKELY);
    c->course.rst_silence_ns = 300 * SECOND;
    assert_int_equal(first_finding(), TL_FINDING_IDLE_CUT);
}

static void test_data_lost_after_close(void **state)
{
    struct tl_case *c = reset_by(SERVER, TL_VERDICT_CLOSED_WITH_RST, TL_RST_CAUSE_DATA_AFTER_CLOSE);

    (void)state;
    c->course.rst_unacked = 65;
    assert_int_equal(first_finding(), TL_FINDING_DATA_LOST_AFTER_CLOSE);
    c->course.rst_unacked = 64;
    assert_int_equal(first_finding(), TL_FINDING_NONE);
    assert_int_equal(count_of(TL_FINDING_RST_AFTER_CLOSE), 1);
}

static void test_mtu_black_hole(void **state)
{
    struct tl_case *c = healthy();

    (void)state;
    c->facts.path_mtu = TL_PATH_MTU_BLACK_HOLE;
    c->facts.path_mtu_confidence = TL_CONFIDENCE_LIKELY;
    c->facts.verdict = TL_VERDICT_TIMED_OUT;
    assert_int_equal(first_finding(), TL_FINDING_MTU_BLACK_HOLE);
    c->facts.path_mtu = TL_PATH_MTU_ICMP;
    c->facts.verdict = TL_VERDICT_OK;
    assert_int_equal(first_finding(), TL_FINDING_NONE);
    assert_int_equal(count_of(TL_FINDING_TOO_BIG), 1);
}

static void test_peer_died(void **state)
{
    struct tl_case *c = healthy();
    struct tl_findings *findings;
    uint32_t count;

    (void)state;
    c->facts.verdict = TL_VERDICT_TIMED_OUT;
    c->retransmissions[CLIENT] = 6;
    findings = judge();
    assert_int_equal(tl_findings_groups(findings, &count)->finding, TL_FINDING_PEER_DIED);
    assert_int_equal(tl_findings_groups(findings, &count)->key.side, SERVER);
    tl_findings_free(findings);
}

/* threshold: SILENT_MIN_NS */
static void test_silent_to_the_end_of_the_capture(void **state)
{
    struct tl_case *c = healthy();

    (void)state;
    c->facts.verdict = TL_VERDICT_OPEN;
    c->retransmissions[CLIENT] = 2;
    c->waits.ns[TL_WAIT_SUM_NO_ANSWER] = 10 * SECOND;
    assert_int_equal(first_finding(), TL_FINDING_PEER_DIED);
    c->waits.ns[TL_WAIT_SUM_NO_ANSWER]--;
    assert_int_equal(first_finding(), TL_FINDING_NONE);
}

/* threshold: GIVES_UP_RST_NS, PATIENCE */
static void test_gave_up_waiting(void **state)
{
    struct tl_case *c = reset_by(CLIENT, TL_VERDICT_ABORTED, TL_RST_CAUSE_ABORT);

    (void)state;
    healthy(); /* this server answers, in 50 ms */
    c->waits.answers = 0;
    c->waits.ns[TL_WAIT_SUM_SERVER] = 0;
    c->bytes[SERVER] = 0;
    c->course.owed_by = TL_SIDE_SERVER;
    c->course.owed_bytes = 300;
    c->course.owed_for_ns = SECOND;
    assert_int_equal(count_of(TL_FINDING_GAVE_UP_WAITING), 1);
    c->course.owed_for_ns--;
    assert_int_equal(count_of(TL_FINDING_GAVE_UP_WAITING), 0);
    c->course.owed_for_ns = 3 * SECOND;
    cases[1].waits.ns[TL_WAIT_SUM_SERVER] = 300 * MS; /* ten times that are not over */
    assert_int_equal(count_of(TL_FINDING_GAVE_UP_WAITING), 1);
    cases[1].waits.ns[TL_WAIT_SUM_SERVER] = 301 * MS;
    assert_int_equal(count_of(TL_FINDING_GAVE_UP_WAITING), 0);
}

static void test_upload_is_no_waiting(void **state)
{
    struct tl_case *c = reset_by(CLIENT, TL_VERDICT_ABORTED, TL_RST_CAUSE_ABORT);

    (void)state;
    c->waits.answers = 0; /* a server that never answers anybody */
    c->bytes[SERVER] = 0;
    c->course.owed_by = TL_SIDE_SERVER;
    c->course.owed_bytes = 300000;
    c->course.owed_for_ns = 20 * SECOND;
    assert_int_equal(count_of(TL_FINDING_GAVE_UP_WAITING), 0);
}

static void test_aborted(void **state)
{
    struct tl_case *c = reset_by(SERVER, TL_VERDICT_ABORTED, TL_RST_CAUSE_ABORT);

    (void)state;
    assert_int_equal(first_finding(), TL_FINDING_NONE);
    assert_int_equal(count_of(TL_FINDING_ENDED_BY_RST), 1);
    c->course.rst_unacked = 65;
    assert_int_equal(first_finding(), TL_FINDING_ABORTED);
    c->course.rst_unacked = 64;
    assert_int_equal(first_finding(), TL_FINDING_NONE);
}

/* ---- slow ---------------------------------------------------------------------------------------------------------------- */

/* threshold: RESENT_MIN, LOSS_OF */
static void test_loss(void **state)
{
    struct tl_case *c = healthy();

    (void)state;
    c->segments[SERVER] = 600;
    c->trouble[SERVER].retransmissions[TL_RETRANSMISSION_SACK] = 3;
    assert_int_equal(first_finding(), TL_FINDING_LOSS);
    c->segments[SERVER] = 601;
    assert_int_equal(first_finding(), TL_FINDING_NONE);
    c->segments[SERVER] = 10;
    c->trouble[SERVER].retransmissions[TL_RETRANSMISSION_SACK] = 2;
    assert_int_equal(first_finding(), TL_FINDING_NONE);
}

/* threshold: TIMER_MIN_NS */
static void test_loss_that_takes_long(void **state)
{
    struct tl_case *c = healthy();

    (void)state;
    c->segments[SERVER] = 10000;
    c->trouble[SERVER].retransmissions[TL_RETRANSMISSION_RTO] = 1;
    c->course.end[SERVER].timer_ns = 500 * MS;
    assert_int_equal(first_finding(), TL_FINDING_LOSS);
    c->course.end[SERVER].timer_ns--;
    assert_int_equal(first_finding(), TL_FINDING_NONE);
}

static void test_loss_is_not_what_was_needless(void **state)
{
    struct tl_case *c = healthy();

    (void)state;
    c->trouble[SERVER].retransmissions[TL_RETRANSMISSION_RTO] = 3;
    c->trouble[SERVER].spurious = 3;
    assert_int_equal(count_of(TL_FINDING_LOSS), 0);
    assert_int_equal(count_of(TL_FINDING_SPURIOUS), 1);
}

static void test_loss_is_not_a_dead_peer(void **state)
{
    struct tl_case *c = healthy();

    (void)state;
    c->facts.verdict = TL_VERDICT_TIMED_OUT;
    c->trouble[CLIENT].retransmissions[TL_RETRANSMISSION_RTO] = c->retransmissions[CLIENT] = 6;
    c->course.end[CLIENT].timer_ns = 9 * SECOND;
    assert_int_equal(count_of(TL_FINDING_LOSS), 0);
    assert_int_equal(first_finding(), TL_FINDING_PEER_DIED);
}

static void test_acks_lost(void **state)
{
    struct tl_case *c = healthy();

    (void)state;
    c->retransmissions[SERVER] = 6;
    c->trouble[SERVER].retransmissions[TL_RETRANSMISSION_RTO] = 6;
    c->course.end[SERVER].acked_resends = 3;
    assert_int_equal(first_finding(), TL_FINDING_ACKS_LOST);
    assert_int_equal(count_of(TL_FINDING_LOSS), 0);
    c->retransmissions[SERVER] = 7; /* most of it was lost itself */
    assert_int_equal(count_of(TL_FINDING_ACKS_LOST), 0);
}

/* threshold: ODD_OF */
static void test_reordering(void **state)
{
    struct tl_case *c = healthy();

    (void)state;
    c->segments[SERVER] = 300;
    c->trouble[SERVER].out_of_order = 3;
    assert_int_equal(count_of(TL_FINDING_REORDERING), 1);
    c->segments[SERVER] = 301;
    assert_int_equal(count_of(TL_FINDING_REORDERING), 0);
    c->segments[SERVER] = 300;
    c->facts.capture = TL_CAPTURE_DOUBLED; /* a mirror of both ports */
    assert_int_equal(count_of(TL_FINDING_REORDERING), 0);
}

/* threshold: SLOW_OPEN_NS */
static void test_syn_lost(void **state)
{
    struct tl_case *c = healthy();

    (void)state;
    c->facts.syn_attempts = 2;
    c->facts.setup_ns = 500 * MS + 1;
    assert_int_equal(first_finding(), TL_FINDING_SYN_LOST);
    c->facts.setup_ns--;
    assert_int_equal(first_finding(), TL_FINDING_NONE);
    c->facts.setup_ns = SECOND;
    c->facts.syn_attempts = 1; /* a long path */
    assert_int_equal(count_of(TL_FINDING_SYN_LOST), 0);
}

/* threshold: LONG_MIN_NS, LONG_MAX_NS */
static void test_long_round_trip(void **state)
{
    struct tl_case *c = healthy();

    (void)state;
    c->facts.setup_ns = 300 * MS;
    assert_int_equal(first_finding(), TL_FINDING_LONG_ROUND_TRIP);
    c->facts.setup_ns--;
    assert_int_equal(first_finding(), TL_FINDING_NONE);
    c->facts.setup_ns = 3 * SECOND;
    assert_int_equal(first_finding(), TL_FINDING_LONG_ROUND_TRIP);
    c->facts.setup_ns++;
    assert_int_equal(first_finding(), TL_FINDING_NONE);
}

/* threshold: CLOSED_MIN_NS */
static void test_window_closed(void **state)
{
    struct tl_case *c = healthy();

    (void)state;
    c->trouble[CLIENT].zero_windows = 1;
    c->course.end[CLIENT].zero_window_ns = 200 * MS;
    assert_int_equal(first_finding(), TL_FINDING_WINDOW_CLOSED);
    c->course.end[CLIENT].zero_window_ns--; /* a dip */
    assert_int_equal(first_finding(), TL_FINDING_NONE);
}

/* threshold: SMALL_MIN_NS, SMALL_ROUND_TRIP_NS, LIMITED_MIN */
static void test_window_small(void **state)
{
    struct tl_case *c = healthy();

    (void)state;
    c->waits.small_of = TL_SIDE_CLIENT;
    c->waits.ns[TL_WAIT_SUM_SMALL_WINDOW] = 200 * MS + 1;
    c->waits.limited[SERVER] = 10;
    c->facts.irtt_ns = 5 * MS;
    assert_int_equal(first_finding(), TL_FINDING_WINDOW_SMALL);
    c->facts.irtt_ns--; /* a printer beside its host */
    assert_int_equal(first_finding(), TL_FINDING_NONE);
    c->facts.irtt_ns++;
    c->waits.limited[SERVER] = 9;
    assert_int_equal(first_finding(), TL_FINDING_NONE);
    c->waits.limited[SERVER] = 10;
    c->waits.ns[TL_WAIT_SUM_SMALL_WINDOW]--;
    assert_int_equal(first_finding(), TL_FINDING_NONE);
}

/* threshold: ACKS_MIN, ACKS_MIN_NS, ACKS_PERCENT */
static void test_delayed_ack(void **state)
{
    struct tl_case *c = healthy();

    (void)state;
    c->waits.acks = 4;
    c->waits.ns[TL_WAIT_SUM_ACK] = 400 * MS;
    assert_int_equal(first_finding(), TL_FINDING_DELAYED_ACK);
    c->waits.acks = 3;
    assert_int_equal(first_finding(), TL_FINDING_NONE);
    c->waits.acks = 4;
    c->waits.ns[TL_WAIT_SUM_ACK]--;
    assert_int_equal(first_finding(), TL_FINDING_NONE);
    c->waits.ns[TL_WAIT_SUM_ACK]++;
    c->duration_ns = 14 * SECOND; /* 2.9 % */
    assert_int_equal(first_finding(), TL_FINDING_NONE);
}

/* threshold: THINKS_MIN_NS, THINKS_SUM_NS, THINKS_PERCENT */
static void test_slow_server(void **state)
{
    struct tl_case *c = healthy();

    (void)state;
    c->duration_ns = 5 * SECOND;
    c->waits.answers = 2;
    c->waits.ns[TL_WAIT_SUM_SERVER] = SECOND;
    c->waits.longest_ns[SERVER] = 500 * MS;
    assert_int_equal(first_finding(), TL_FINDING_SLOW_SERVER);
    c->waits.longest_ns[SERVER]--;
    assert_int_equal(first_finding(), TL_FINDING_NONE);
    c->waits.longest_ns[SERVER]++;
    c->waits.ns[TL_WAIT_SUM_SERVER]--;
    assert_int_equal(first_finding(), TL_FINDING_NONE);
    c->waits.ns[TL_WAIT_SUM_SERVER]++;
    c->duration_ns = 6 * SECOND; /* 17 % */
    assert_int_equal(first_finding(), TL_FINDING_NONE);
    c->duration_ns = 5 * SECOND;
    c->facts.sender_confidence = TL_CONFIDENCE_GUESS; /* who is the server? */
    assert_int_equal(first_finding(), TL_FINDING_NONE);
}

static void test_close_is_no_slow_answer(void **state)
{
    struct tl_case *c = healthy();

    (void)state;
    c->duration_ns = 60 * SECOND;
    c->waits.longest_ns[SERVER] = c->waits.ns[TL_WAIT_SUM_SERVER] = 45 * SECOND;
    c->waits.longest_in[SERVER] = c->facts.last_in;
    assert_int_equal(first_finding(), TL_FINDING_SLOW_SERVER);
    c->facts.any_rst_in = c->facts.last_in;
    assert_int_equal(first_finding(), TL_FINDING_NONE);
    c->facts.any_rst_in = 0;
    c->facts.initiator = TL_SIDE_SERVER;
    c->facts.fin1_in = c->facts.last_in;
    assert_int_equal(first_finding(), TL_FINDING_NONE);
}

static void test_push_stream_is_no_slow_server(void **state)
{
    struct tl_case *c = healthy();

    (void)state;
    c->duration_ns = 60 * SECOND;
    c->waits.longest_ns[SERVER] = SECOND; /* something each second, asked for once */
    c->waits.ns[TL_WAIT_SUM_SERVER] = 59 * SECOND;
    assert_int_equal(first_finding(), TL_FINDING_NONE);
}

/* threshold: SACKS_MIN */
static void test_sack_broken(void **state)
{
    struct tl_case *c = healthy();

    (void)state;
    c->course.end[CLIENT].sack_bad = 3;
    assert_int_equal(first_finding(), TL_FINDING_SACK_BROKEN);
    c->course.end[CLIENT].sack_bad = 2;
    assert_int_equal(first_finding(), TL_FINDING_NONE);
}

static void test_options_stripped(void **state)
{
    struct tl_case *c = healthy();

    (void)state;
    c->course.end[CLIENT].options = TL_OPT_MSS | TL_OPT_SACK_PERMITTED;
    c->course.end[SERVER].options = TL_OPT_MSS;
    assert_int_equal(first_finding(), TL_FINDING_NONE); /* the server may have none */
    c = healthy();
    c->course.end[CLIENT].options = c->course.end[SERVER].options = TL_OPT_MSS | TL_OPT_SACK_PERMITTED;
    assert_int_equal(count_of(TL_FINDING_OPTIONS_STRIPPED), 1);
}

/* ---- the capture, keys, rank --------------------------------------------------------------------------------------------- */

/* threshold: DOUBTFUL_MIN, DOUBTFUL_PERCENT */
static void test_capture_faults_lower_everything(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 6; i++) {
        healthy();
    }
    unopened(TL_OUTCOME_REFUSED, TL_VERDICT_REFUSED);
    assert_int_equal(confidence_of(TL_FINDING_REFUSED), TL_CONFIDENCE_CERTAIN);
    cases[0].facts.capture = cases[1].facts.capture = TL_CAPTURE_LOSSY; /* 2 of 7 */
    assert_int_equal(confidence_of(TL_FINDING_REFUSED), TL_CONFIDENCE_CERTAIN);
    cases[2].facts.capture = TL_CAPTURE_LOSSY; /* 3 of 7 */
    assert_int_equal(confidence_of(TL_FINDING_REFUSED), TL_CONFIDENCE_GUESS);
    assert_int_equal(count_of(TL_FINDING_CAPTURE_QUALITY), 3);
}

/* threshold: PORTS_MIN, KEYS_MAX, KEY_PART */
static void test_many_keys_become_one(void **state)
{
    struct tl_findings *findings;
    const struct tl_finding_group *groups;
    uint32_t count;

    (void)state;
    for (unsigned i = 0; i < 8; i++) {
        unopened(TL_OUTCOME_REFUSED, TL_VERDICT_REFUSED)->host[SERVER] = 10 + i / 2;
    }
    findings = judge(); /* four servers with a quarter each */
    groups = tl_findings_groups(findings, &count);
    assert_int_equal(count, 4);
    tl_findings_free(findings);
    unopened(TL_OUTCOME_REFUSED, TL_VERDICT_REFUSED)->host[SERVER] = 20;
    findings = judge();
    groups = tl_findings_groups(findings, &count);
    assert_int_equal(count, 1);
    assert_int_equal(groups[0].connections, 9);
    assert_true(groups[0].key.is_many);
    tl_findings_free(findings);
}

static void test_ports_of_one_host(void **state)
{
    struct tl_findings *findings;
    uint32_t count;

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        unopened(TL_OUTCOME_REFUSED, TL_VERDICT_REFUSED)->port[SERVER] = (uint16_t)(80 + i);
    }
    findings = judge();
    (void)tl_findings_groups(findings, &count);
    assert_int_equal(count, 2);
    tl_findings_free(findings);
    unopened(TL_OUTCOME_REFUSED, TL_VERDICT_REFUSED)->port[SERVER] = 443;
    findings = judge();
    (void)tl_findings_groups(findings, &count);
    assert_int_equal(count, 1);
    tl_findings_free(findings);
}

/* Several faults among healthy connections: the dearest first, and none of the healthy ones is accused. */
static void test_mixture(void **state)
{
    static const enum tl_finding order[] = {TL_FINDING_PEER_DIED, TL_FINDING_IDLE_CUT, TL_FINDING_WINDOW_CLOSED,
                                            TL_FINDING_REFUSED};
    struct tl_findings *findings;
    const struct tl_finding_group *groups;
    uint32_t count, marks;

    (void)state;
    for (unsigned i = 0; i < 125; i++) {
        healthy();
    }
    for (unsigned i = 0; i < 10; i++) {
        struct tl_case *c = healthy();

        c->facts.verdict = TL_VERDICT_TIMED_OUT; /* 10 x 20 s, likely: 160 s */
        c->retransmissions[CLIENT] = 5;
        c->port[SERVER] = 9200;
    }
    for (unsigned i = 0; i < 12; i++) {
        reset_by(SERVER, TL_VERDICT_STATE_LOST, TL_RST_CAUSE_HALF_OPEN)->final_idle_ns = 350 * SECOND; /* 12 x 8 s: 77 s */
    }
    unopened(TL_OUTCOME_REFUSED, TL_VERDICT_REFUSED); /* 2.3 s, certain */
    cases[0].trouble[SERVER].zero_windows = 1;
    cases[0].course.end[SERVER].zero_window_ns = 4 * SECOND; /* 3.2 s */
    findings = judge();
    groups = tl_findings_groups(findings, &count);
    assert_int_equal(count, 4);
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(groups[i].finding, order[i]);
        assert_int_equal(groups[i].number, i + 1);
    }
    (void)tl_findings_marks(findings, &marks);
    assert_int_equal(marks, 10 + 12 + 1 + 1);
    tl_findings_free(findings);
}

/* Memory that runs out at any time gives no report, and nothing is leaked or freed twice. */
static size_t allocations_left;

static void *allocate_some(void *context, size_t bytes)
{
    (void)context;
    return allocations_left-- > 0 ? calloc(1, bytes) : NULL;
}

static void test_without_memory(void **state)
{
    const struct tl_allocator scarce = {allocate_some, release, NULL};
    struct tl_findings *findings = NULL;
    size_t allowed = 0;

    (void)state;
    for (unsigned i = 0; i < 40; i++) {
        unopened(TL_OUTCOME_REFUSED, TL_VERDICT_REFUSED)->host[SERVER] = 10 + i;
    }
    for (; !findings; allowed++) {
        const struct tl_findings_source source = {read_case, NULL, case_count, 1000};

        allocations_left = allowed;
        findings = tl_findings_new(&scarce, &source);
        assert_true(allowed < 50);
    }
    assert_true(allowed > 5);
    tl_findings_free(findings);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, begin)
    const struct CMUnitTest tests[] = {
        TEST(test_nothing_wrong),
        TEST(test_no_connections),
        TEST(test_no_answer),
        TEST(test_no_answer_needs_two_syns_at_the_end),
        TEST(test_refused),
        TEST(test_unreachable),
        TEST(test_tuple_reused),
        TEST(test_tuple_reused_and_accepted),
        TEST(test_queue_full),
        TEST(test_queue_full_is_no_lost_ack),
        TEST(test_queue_full_is_no_deferred_accept),
        TEST(test_closed_at_once),
        TEST(test_closed_at_once_is_soon),
        TEST(test_handshake_unfinished),
        TEST(test_client_gave_up_is_a_note),
        TEST(test_scan),
        TEST(test_scan_of_hosts),
        TEST(test_scan_is_no_browser),
        TEST(test_scan_inbound),
        TEST(test_service_that_is_down_is_no_scan),
        TEST(test_flood),
        TEST(test_flood_of_one_client_is_fast),
        TEST(test_victim_of_a_flood_does_not_scan),
        TEST(test_health_check),
        TEST(test_health_check_is_not_hasty),
        TEST(test_health_check_has_no_payload),
        TEST(test_keepalive_race),
        TEST(test_keepalive_race_bounds),
        TEST(test_idle_cut),
        TEST(test_idle_cut_silences_that_agree),
        TEST(test_idle_ended_by_a_program),
        TEST(test_reset_by_path),
        TEST(test_data_lost_after_close),
        TEST(test_mtu_black_hole),
        TEST(test_peer_died),
        TEST(test_silent_to_the_end_of_the_capture),
        TEST(test_gave_up_waiting),
        TEST(test_upload_is_no_waiting),
        TEST(test_aborted),
        TEST(test_loss),
        TEST(test_loss_that_takes_long),
        TEST(test_loss_is_not_what_was_needless),
        TEST(test_loss_is_not_a_dead_peer),
        TEST(test_acks_lost),
        TEST(test_reordering),
        TEST(test_syn_lost),
        TEST(test_long_round_trip),
        TEST(test_window_closed),
        TEST(test_window_small),
        TEST(test_delayed_ack),
        TEST(test_slow_server),
        TEST(test_close_is_no_slow_answer),
        TEST(test_push_stream_is_no_slow_server),
        TEST(test_sack_broken),
        TEST(test_options_stripped),
        TEST(test_capture_faults_lower_everything),
        TEST(test_many_keys_become_one),
        TEST(test_ports_of_one_host),
        TEST(test_mixture),
        TEST(test_without_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
