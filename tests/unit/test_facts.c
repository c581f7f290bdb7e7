/* test_facts.c - tests of tl_facts: what is told of a connection, at any moment.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "tl_test.h"

enum { SYN = TL_SYN, SYNACK = TL_SYN | TL_ACK, FIN = TL_FIN | TL_ACK, RST = TL_RST, RSTACK = TL_RST | TL_ACK };

/* ---- counts and numbers --------------------------------------------------------------------------------------------------- */

static void one_syn_is_all_there_is(void **state)
{
    struct t_talk t;

    (void)state;
    t_syn_sent(&t);
    t_know(&t, 0);
    assert_int_equal(t.facts.number, 0);
    assert_int_equal(t.facts.incarnation, 1);
    assert_int_equal(t.facts.client, CLIENT);
    assert_true(t.facts.has_isn[CLIENT]);
    assert_int_equal(t.facts.isn[CLIENT], 1000);
    assert_false(t.facts.has_isn[SERVER]);
    assert_false(t.facts.has_fin[CLIENT] || t.facts.has_fin[SERVER]);
    assert_int_equal(t.facts.segments[CLIENT], 1);
    assert_int_equal(t.facts.segments[SERVER], 0);
    assert_int_equal(t.facts.syn_attempts, 1);
    assert_int_equal(t.facts.synack_attempts, 0);
    assert_int_equal(t.facts.syn_in, 1);
    assert_int_equal(t.facts.synack_in, 0);
    assert_int_equal(t.facts.ack_in, 0);
    assert_int_equal(t.facts.rst_in, 0);
    assert_true(t.facts.start_ns == t.now_ns && t.facts.last_ns == t.now_ns);
    t_fact_is(&t, kind, KIND, OPEN);
    t_fact_is(&t, initiator, SIDE, NONE);
    t_fact_is(&t, time_wait, SIDE, NONE);
    t_fact_is(&t, reuse, REUSE, NONE);
    t_end(&t);
}

/* -1, not 0: what was not measured is not known. */
static void durations_are_unknown_until_measured(void **state)
{
    struct t_talk t;

    (void)state;
    t_midstream(&t);
    t_know(&t, 0);
    assert_true(t.facts.server_time_ns == -1 && t.facts.client_time_ns == -1 && t.facts.irtt_ns == -1);
    assert_true(t.facts.setup_ns == -1 && t.facts.delay_by_loss_ns == -1);
    assert_true(t.facts.teardown_ns == -1 && t.facts.fin_wait_ns == -1 && t.facts.close_wait_ns == -1);
    t_send(&t, CLIENT, .flags = FIN);
    t_know(&t, 0);
    assert_true(t.facts.teardown_ns == -1 && t.facts.fin_wait_ns == -1 && t.facts.close_wait_ns == -1);
    t_end(&t);
}

static void copies_count_as_segments_but_not_as_attempts(void **state)
{
    struct t_talk t;

    (void)state;
    t_start(&t);
    t_send(&t, CLIENT, .flags = SYN, .ip_id = 1);
    t_send(&t, CLIENT, .flags = SYN, .seq = 1000, .ip_id = 1);
    t_send(&t, CLIENT, .flags = SYN, .seq = 1000, .ip_id = 2, .wait_ns = T_SECOND);
    t_know(&t, 0);
    assert_int_equal(t.facts.segments[CLIENT], 3);
    assert_int_equal(t.facts.syn_attempts, 2);
    assert_int_equal(t.facts.syn_in, 1);
    t_end(&t);
}

/* In the order of the file, copies included; of this connection, not of the pair. */
static void first_and_last_frame_are_told(void **state)
{
    struct t_talk t;

    (void)state;
    t_syn_sent(&t);
    t_know(&t, 0);
    assert_int_equal(t.facts.first_in, 1);
    assert_int_equal(t.facts.last_in, 1);
    t.frame = 6; /* other frames in between */
    t_send(&t, SERVER, .flags = RSTACK);
    t_send(&t, CLIENT, .flags = SYN, .seq = 1000, .wait_ns = -T_SECOND);
    t_know(&t, 0);
    assert_int_equal(t.facts.first_in, 1);
    assert_int_equal(t.facts.last_in, 8);
    t_send(&t, CLIENT, .flags = SYN, .seq = 9000);
    t_know(&t, 0);
    assert_int_equal(t.facts.incarnation, 2);
    assert_int_equal(t.facts.first_in, 9);
    assert_int_equal(t.facts.last_in, 9);
    t_end(&t);
}

static void data_on_the_syn_is_told(void **state)
{
    struct t_talk t;

    (void)state;
    t_start(&t);
    t_send(&t, CLIENT, .flags = SYN, .len = 33);
    t_know(&t, 0);
    assert_int_equal(t.facts.syn_data, 33);
    t_end(&t);
}

/* Facts change with what is learnt, and asking changes nothing: the same question gets the same answer. */
static void asking_changes_nothing(void **state)
{
    struct tl_facts first;
    struct t_talk t;

    (void)state;
    t_time_wait(&t);
    t_know(&t, 5 * T_SECOND);
    first = t.facts;
    t_know(&t, 0);
    t_know(&t, -100 * T_SECOND); /* before the connection began */
    t_know(&t, 5 * T_SECOND);
    assert_memory_equal(&first, &t.facts, sizeof first);
    t_end(&t);
}

/* ---- where the capture was taken -------------------------------------------------------------------------------------------- */

static void position_after(int64_t server_ns, int64_t client_ns, enum tl_position expected)
{
    struct t_talk t;

    t_syn_sent(&t);
    t_send(&t, SERVER, .flags = SYNACK, .wait_ns = server_ns);
    t_send(&t, CLIENT, .wait_ns = client_ns);
    t_know(&t, 0);
    assert_string_equal(t_name(TL_GROUP_POSITION, t.facts.position), t_name(TL_GROUP_POSITION, expected));
    t_end(&t);
}

/* docs/design.md, thresholds: share of the server below 0.1, above 0.9; all below 0.2 ms is one host. */
/* threshold: LOCAL_NS, NEAR_PERCENT */
static void position_by_the_share_of_the_server(void **state)
{
    (void)state;
    position_after(10 * T_MS - 1, 90 * T_MS + 1, TL_POSITION_NEAR_SERVER);
    position_after(10 * T_MS, 90 * T_MS, TL_POSITION_MIDDLE);
    position_after(50 * T_MS, 50 * T_MS, TL_POSITION_MIDDLE);
    position_after(90 * T_MS, 10 * T_MS, TL_POSITION_MIDDLE);
    position_after(90 * T_MS + 1, 10 * T_MS - 1, TL_POSITION_NEAR_CLIENT);
    position_after(T_MS / 10, T_MS / 10 - 1, TL_POSITION_LOCAL);
    position_after(T_MS / 10, T_MS / 10, TL_POSITION_MIDDLE);
}

static void position_is_unknown_without_a_clear_handshake(void **state)
{
    struct t_talk t;

    (void)state;
    t_syn_received(&t);
    t_know(&t, 0);
    t_fact_is(&t, position, POSITION, UNKNOWN);
    t_end(&t);
    t_midstream(&t);
    t_know(&t, 0);
    t_fact_is(&t, position, POSITION, UNKNOWN);
    t_end(&t);
}

/* ---- resets ------------------------------------------------------------------------------------------------------------ */

static void rst_in_is_the_one_that_ended_it(void **state)
{
    struct t_talk t;

    (void)state;
    t_established(&t);
    t_send(&t, SERVER, .flags = RST, .seq = 9000); /* ends nothing */
    t_know(&t, 0);
    assert_int_equal(t.facts.rst_in, 0);
    t_send(&t, SERVER, .flags = RSTACK);
    t_send(&t, SERVER, .flags = RSTACK);
    t_know(&t, 0);
    assert_int_equal(t.facts.rst_in, 5);
    t_end(&t);
}

/* ---- what the capture cannot tell ------------------------------------------------------------------------------------------- */

/* docs/design.md, "Honesty": 16 segments of one end and none of the other. */
/* threshold: ENOUGH */
static void asymmetric_from_16_segments_of_one_end_on(void **state)
{
    struct t_talk t;

    (void)state;
    t_start(&t);
    for (unsigned i = 1; i <= 16; i++) {
        t_send(&t, CLIENT, .len = 10);
        t_know(&t, 0);
        assert_int_equal((t.facts.capture & TL_CAPTURE_ASYMMETRIC) != 0, i == 16);
    }
    t_send(&t, SERVER, .flags = TL_ACK);
    t_know(&t, 0);
    assert_false(t.facts.capture & TL_CAPTURE_ASYMMETRIC);
    t_end(&t);
}

/* More than 30 % of the first 20 segments. */
/* threshold: DOUBLED_PERCENT, FIRST_SEGMENTS, LOSSY_PERCENT */
static void doubled_by_the_share_of_copies(void **state)
{
    struct t_talk t;

    (void)state;
    for (unsigned copies = 6; copies <= 7; copies++) {
        t_start(&t);
        for (unsigned i = 0; i < 20 - copies; i++) {
            t_send(&t, CLIENT, .len = 10, .ip_id = (uint16_t)(i + 1));
            if (i < copies) {
                t_send(&t, CLIENT, .seq = 1000 + 10 * i, .len = 10, .ip_id = (uint16_t)(i + 1));
                assert_true(t_flag(&t, TL_SHAPE_COPY));
            }
        }
        t_know(&t, 0);
        assert_int_equal((t.facts.capture & TL_CAPTURE_DOUBLED) != 0, copies == 7);
        t_end(&t);
    }
}

/* More than 1 % of the octets acknowledged were never captured. */
/* threshold: DOUBLED_PERCENT, FIRST_SEGMENTS, LOSSY_PERCENT */
static void lossy_by_the_share_of_octets_never_captured(void **state)
{
    struct t_talk t;

    (void)state;
    for (unsigned lost = 10; lost <= 11; lost++) {
        t_established(&t);
        t_send(&t, CLIENT, .len = 1000 - lost);
        t_send(&t, SERVER, .flags = TL_ACK);
        t_send(&t, SERVER, .ack = 2001);
        t_know(&t, 0);
        assert_int_equal((t.facts.capture & TL_CAPTURE_LOSSY) != 0, lost == 11);
        t_end(&t);
    }
}

/* More than 1.5 times what the other end asked for: captured before cutting, or after joining. */
/* threshold: MSS_PERCENT */
static void offload_by_the_size_of_segments(void **state)
{
    struct t_talk t;

    (void)state;
    for (unsigned len = 1500; len <= 1501; len++) {
        t_syn_sent(&t);
        t_send(&t, SERVER, .flags = SYNACK, .options = TL_OPT_MSS, .mss = 1000);
        t_send(&t, CLIENT, .flags = TL_ACK);
        t_send(&t, CLIENT, .len = len);
        t_know(&t, 0);
        assert_int_equal((t.facts.capture & TL_CAPTURE_OFFLOAD) != 0, len == 1501);
        t_end(&t);
    }
}

static void backwards_once_the_clock_was(void **state)
{
    struct t_talk t;

    (void)state;
    t_established(&t);
    t_know(&t, 0);
    assert_false(t.facts.capture & TL_CAPTURE_BACKWARDS);
    t_send(&t, CLIENT, .len = 5, .wait_ns = -1);
    t_know(&t, 0);
    assert_true(t.facts.capture & TL_CAPTURE_BACKWARDS);
    t_end(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_syn_is_all_there_is),
        cmocka_unit_test(durations_are_unknown_until_measured),
        cmocka_unit_test(copies_count_as_segments_but_not_as_attempts),
        cmocka_unit_test(first_and_last_frame_are_told),
        cmocka_unit_test(data_on_the_syn_is_told),
        cmocka_unit_test(asking_changes_nothing),
        cmocka_unit_test(position_by_the_share_of_the_server),
        cmocka_unit_test(position_is_unknown_without_a_clear_handshake),
        cmocka_unit_test(rst_in_is_the_one_that_ended_it),
        cmocka_unit_test(asymmetric_from_16_segments_of_one_end_on),
        cmocka_unit_test(doubled_by_the_share_of_copies),
        cmocka_unit_test(lossy_by_the_share_of_octets_never_captured),
        cmocka_unit_test(offload_by_the_size_of_segments),
        cmocka_unit_test(backwards_once_the_clock_was),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
