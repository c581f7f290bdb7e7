/* test_close.c - tests of tl_close: the steps of a teardown, its kind, who began, who holds TIME-WAIT.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "tl_test.h"

enum { FIN = TL_FIN | TL_ACK };

#define step_is(t, STEP_TAG) t_is(t, teardown_step, TEARDOWN_STEP, STEP_TAG)

#define close_is(t, KIND_TAG, INITIATOR_TAG, TIME_WAIT_TAG)                                                                    \
    do {                                                                                                                       \
        t_know(t, 0);                                                                                                          \
        t_fact_is(t, kind, KIND, KIND_TAG);                                                                                    \
        t_fact_is(t, initiator, SIDE, INITIATOR_TAG);                                                                          \
        t_fact_is(t, time_wait, SIDE, TIME_WAIT_TAG);                                                                          \
    } while (0)

/* ---- orderly closes ---------------------------------------------------------------------------------------------------- */

/* RFC 9293 3.6 figure 12. Numbers of the FINs, frames and durations beside. */
static void four_segments(void **state)
{
    struct t_talk t;

    (void)state;
    t_established(&t);
    step_is(&t, NONE);
    close_is(&t, OPEN, NONE, NONE);
    t_send(&t, CLIENT, .flags = FIN);
    step_is(&t, FIN1);
    close_is(&t, ONE_SIDED, CLIENT, UNKNOWN);
    assert_int_equal(t.facts.fin1_ack_in, 0);
    t_send(&t, SERVER, .wait_ns = 5 * T_MS);
    step_is(&t, FIN1_ACK);
    close_is(&t, ONE_SIDED, CLIENT, UNKNOWN);
    assert_int_equal(t.facts.fin1_ack_in, 5);
    t_send(&t, SERVER, .flags = FIN, .wait_ns = 100 * T_MS);
    step_is(&t, FIN2);
    close_is(&t, UNFINISHED, CLIENT, UNKNOWN);
    assert_false(t_flag(&t, TL_SHAPE_PROVES_CLOSE));
    t_send(&t, CLIENT, .wait_ns = 7 * T_MS);
    step_is(&t, FIN2_ACK);
    assert_true(t_flag(&t, TL_SHAPE_PROVES_CLOSE));
    close_is(&t, FOUR_SEGMENT, CLIENT, CLIENT);
    t_fact_is(&t, kind_confidence, CONFIDENCE, CERTAIN);
    assert_int_equal(t.facts.fin[CLIENT], 1001);
    assert_int_equal(t.facts.fin[SERVER], 5001);
    assert_int_equal(t.facts.fin1_in, 4);
    assert_int_equal(t.facts.fin1_ack_in, 5);
    assert_int_equal(t.facts.fin2_in, 6);
    assert_true(t.facts.fin_wait_ns == 5 * T_MS);
    assert_true(t.facts.close_wait_ns == 100 * T_MS);
    assert_true(t.facts.teardown_ns == 112 * T_MS);
    t_end(&t);
}

static void three_segments_by_the_server(void **state)
{
    struct t_talk t;

    (void)state;
    t_established(&t);
    t_send(&t, SERVER, .flags = FIN);
    step_is(&t, FIN1);
    t_send(&t, CLIENT, .flags = FIN);
    step_is(&t, FIN2_ACK1);
    t_send(&t, SERVER, .flags = TL_ACK);
    step_is(&t, FIN2_ACK);
    close_is(&t, THREE_SEGMENT, SERVER, SERVER);
    assert_true(t.facts.close_wait_ns == 0);
    t_end(&t);
}

/* RFC 9293 figure 13: the second FIN does not acknowledge the first one. */
static void simultaneous_close(void **state)
{
    struct t_talk t;

    (void)state;
    t_established(&t);
    t_send(&t, CLIENT, .flags = FIN);
    t_send(&t, SERVER, .flags = FIN, .ack = 1001);
    step_is(&t, FIN2_CROSS);
    t_states(&t, CLOSING, CLOSING);
    t_send(&t, CLIENT, .flags = TL_ACK);
    step_is(&t, FIN2_ACK);
    t_send(&t, SERVER, .flags = TL_ACK);
    step_is(&t, FIN1_ACK_LATE);
    t_states(&t, TIME_WAIT, TIME_WAIT);
    close_is(&t, SIMULTANEOUS, BOTH, BOTH);
    t_end(&t);
}

static void fin_with_data_stands_behind_the_data(void **state)
{
    struct t_talk t;

    (void)state;
    t_established(&t);
    t_send(&t, CLIENT, .flags = FIN, .len = 10);
    step_is(&t, FIN1);
    t_send(&t, SERVER, .ack = 1011); /* the data, not the FIN */
    step_is(&t, NONE);
    t_send(&t, SERVER, .ack = 1012);
    step_is(&t, FIN1_ACK);
    t_know(&t, 0);
    assert_int_equal(t.facts.fin[CLIENT], 1011);
    t_end(&t);
}

/* ---- half-close and trailing data ---------------------------------------------------------------------------------------- */

static void data_after_the_other_fin_is_half_close(void **state)
{
    struct t_talk t;

    (void)state;
    t_fin_wait_2(&t);
    t_send(&t, SERVER, .len = 10);
    step_is(&t, HALF_CLOSE_DATA);
    t_send(&t, CLIENT, .flags = TL_ACK);
    t_send(&t, SERVER, .flags = FIN);
    step_is(&t, FIN2);
    t_send(&t, CLIENT, .flags = TL_ACK);
    close_is(&t, HALF_CLOSE, CLIENT, CLIENT);
    t_fact_is(&t, kind_confidence, CONFIDENCE, LIKELY);
    t_end(&t);
}

/* docs/design.md: fin1_ack wins over half_close_data, the kind still becomes half_close. */
static void data_that_is_also_the_ack_of_the_fin(void **state)
{
    struct t_talk t;

    (void)state;
    t_fin_wait_1(&t);
    t_send(&t, SERVER, .len = 10);
    step_is(&t, FIN1_ACK);
    t_send(&t, SERVER, .flags = FIN);
    t_send(&t, CLIENT, .flags = TL_ACK);
    close_is(&t, HALF_CLOSE, CLIENT, CLIENT);
    t_end(&t);
}

static void data_before_the_other_fin_was_known_trails(void **state)
{
    struct t_talk t;

    (void)state;
    t_fin_wait_1(&t);
    t_send(&t, SERVER, .len = 10, .ack = 1001);
    step_is(&t, TRAILING_DATA);
    t_send(&t, SERVER, .flags = FIN, .ack = 1002);
    step_is(&t, FIN2_ACK1);
    t_send(&t, CLIENT, .flags = TL_ACK);
    close_is(&t, THREE_SEGMENT, CLIENT, CLIENT);
    t_end(&t);
}

/* Bytes that were sent before do not show that anybody wrote after the FIN. */
static void repeated_data_is_no_step(void **state)
{
    struct t_talk t;

    (void)state;
    t_established(&t);
    t_send(&t, SERVER, .len = 10);
    t_send(&t, CLIENT, .flags = FIN, .ack = 5001);
    t_send(&t, SERVER, .seq = 5001, .len = 10, .ack = 1001, .wait_ns = 300 * T_MS);
    step_is(&t, NONE);
    t_send(&t, SERVER, .flags = TL_ACK);
    t_send(&t, SERVER, .seq = 5001, .len = 10, .wait_ns = 300 * T_MS);
    step_is(&t, NONE);
    t_send(&t, SERVER, .flags = FIN);
    t_send(&t, CLIENT, .flags = TL_ACK);
    close_is(&t, FOUR_SEGMENT, CLIENT, CLIENT);
    t_end(&t);
}

/* ---- repeated FINs ------------------------------------------------------------------------------------------------------- */

static void fin_again_and_again(void **state)
{
    struct t_talk t;

    (void)state;
    t_fin_wait_1(&t);
    for (unsigned attempt = 1; attempt <= 3; attempt++) {
        t_send(&t, CLIENT, .flags = FIN, .seq = 1001, .wait_ns = attempt * T_SECOND);
        step_is(&t, FIN_RETRANSMISSION);
        assert_int_equal(t.v.shape.attempt, attempt);
        assert_int_equal(t.v.refs.first_in, 4);
    }
    t_send(&t, SERVER, .flags = TL_ACK);
    step_is(&t, FIN1_ACK);
    t_end(&t);
}

/* RFC 9293 3.10.7.4: TIME-WAIT acknowledges a FIN that comes again; once for each, and for a copy, too. */
static void time_wait_acknowledges_the_fin_again(void **state)
{
    struct t_talk t;

    (void)state;
    t_time_wait(&t);
    t_send(&t, SERVER, .flags = FIN, .seq = 5001, .wait_ns = T_SECOND);
    step_is(&t, FIN_RETRANSMISSION);
    t_send(&t, CLIENT, .flags = TL_ACK);
    step_is(&t, FIN_REACK);
    assert_int_not_equal(t.v.shape.ack, TL_ACK_CHALLENGE);
    t_send(&t, CLIENT, .flags = TL_ACK);
    step_is(&t, NONE);
    close_is(&t, FOUR_SEGMENT, CLIENT, CLIENT);
    t_end(&t);
}

static void copied_fin_is_no_retransmission_but_is_acknowledged(void **state)
{
    struct t_talk t;

    (void)state;
    t_fin_wait_2(&t);
    t_send(&t, SERVER, .flags = FIN, .ip_id = 5);
    t_send(&t, CLIENT, .flags = TL_ACK);
    t_send(&t, SERVER, .flags = FIN, .seq = 5001, .ip_id = 5);
    step_is(&t, FIN_COPY);
    assert_int_equal(t.v.shape.attempt, 0);
    t_send(&t, CLIENT, .flags = TL_ACK);
    step_is(&t, FIN_REACK);
    t_end(&t);
}

/* ---- protocol errors ----------------------------------------------------------------------------------------------------- */

/* RFC 9293 3.4: the FIN has one place in the stream. */
static void fin_at_another_number_has_moved(void **state)
{
    struct t_talk t;

    (void)state;
    t_fin_wait_1(&t);
    t_send(&t, CLIENT, .flags = FIN, .seq = 1001, .len = 5);
    step_is(&t, FIN_MOVED);
    t_end(&t);
}

static void payload_at_and_behind_the_own_fin(void **state)
{
    struct t_talk t;

    (void)state;
    t_established(&t);
    t_send(&t, CLIENT, .len = 10);
    t_send(&t, CLIENT, .flags = FIN);
    t_send(&t, CLIENT, .seq = 1001, .len = 10, .wait_ns = T_SECOND); /* up to the FIN: sent again */
    step_is(&t, NONE);
    t_send(&t, CLIENT, .seq = 1001, .len = 11);
    step_is(&t, DATA_AFTER_FIN);
    t_end(&t);
}

/* ---- resets ------------------------------------------------------------------------------------------------------------ */

static void rst_without_fin(void **state)
{
    struct t_talk t;

    (void)state;
    t_established(&t);
    t_send(&t, CLIENT, .flags = TL_RST | TL_ACK);
    step_is(&t, RST);
    assert_true(t_flag(&t, TL_SHAPE_PROVES_CLOSE));
    close_is(&t, RST, CLIENT, NOBODY);
    assert_int_equal(t.facts.rst_in, 4);
    t_end(&t);
}

static void rst_by_the_end_that_sent_its_fin(void **state)
{
    struct t_talk t;

    (void)state;
    t_fin_wait_1(&t);
    t_send(&t, CLIENT, .flags = TL_RST | TL_ACK);
    step_is(&t, RST_AFTER_FIN);
    close_is(&t, FIN_RST, CLIENT, NOBODY);
    t_end(&t);
}

static void rst_by_the_other_end(void **state)
{
    struct t_talk t;

    (void)state;
    t_fin_wait_1(&t);
    t_send(&t, SERVER, .flags = TL_RST | TL_ACK);
    step_is(&t, RST_BY_PEER);
    close_is(&t, FIN_PEER_RST, CLIENT, NOBODY);
    t_end(&t);
}

/* A RST after the complete exchange changes nothing. */
static void rst_after_both_fins_is_late(void **state)
{
    struct t_talk t;

    (void)state;
    t_time_wait(&t);
    t_send(&t, SERVER, .flags = TL_RST);
    step_is(&t, RST_LATE);
    close_is(&t, FOUR_SEGMENT, CLIENT, CLIENT);
    t_end(&t);
}

/* RFC 5961 3.2: ignored below the window, challenged above hi; neither ends anything. */
static void rst_that_ends_nothing_gets_no_step(void **state)
{
    static const uint32_t seqs[] = {4000, 5500, 8000};
    struct t_talk t;

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        t_established(&t);
        t_send(&t, SERVER, .flags = TL_RST, .seq = seqs[i]);
        step_is(&t, NONE);
        close_is(&t, OPEN, NONE, NONE);
        t_end(&t);
    }
}

/* In active form its sender is closed in any case, whether the receiver takes it or not. */
static void active_rst_ends_the_connection_even_if_challenged(void **state)
{
    struct t_talk t;

    (void)state;
    t_established(&t);
    t_send(&t, SERVER, .flags = TL_RST | TL_ACK, .seq = 5500);
    t_is(&t, rst_effect, RST_EFFECT, CHALLENGE);
    step_is(&t, RST);
    close_is(&t, RST, SERVER, NOBODY);
    t_end(&t);
}

static void rst_in_the_handshake_is_no_teardown(void **state)
{
    struct t_talk t;

    (void)state;
    t_syn_sent(&t);
    t_send(&t, SERVER, .flags = TL_RST | TL_ACK, .raw_seq_0 = true, .ack = 1001);
    step_is(&t, NONE);
    t_end(&t);
}

/* ---- FIN that was not captured ------------------------------------------------------------------------------------------- */

/* The server's FIN is lost to the capture; the client acknowledges one octet that was never captured, and closes. */
static void one_octet_acknowledged_and_a_fin_shows_the_other_fin(void **state)
{
    struct t_talk t;

    (void)state;
    t_established(&t);
    t_send(&t, CLIENT, .ack = 5002);
    step_is(&t, NONE);
    t_send(&t, CLIENT, .flags = FIN, .ack = 5002, .wait_ns = 50 * T_MS);
    t_send(&t, SERVER, .seq = 5002);
    step_is(&t, FIN2_ACK);
    close_is(&t, FOUR_SEGMENT, SERVER, SERVER);
    t_fact_is(&t, kind_confidence, CONFIDENCE, LIKELY);
    assert_int_equal(t.facts.fin[SERVER], 5001);
    assert_int_equal(t.facts.fin1_in, 0);
    assert_int_equal(t.facts.fin1_ack_in, 4);
    assert_true(t.facts.close_wait_ns == 50 * T_MS);
    t_end(&t);
}

/* Its time is that of the segment that acknowledges it, not of a gap that was acknowledged long ago. */
static void unseen_fin_after_an_earlier_gap_in_the_capture(void **state)
{
    struct t_talk t;

    (void)state;
    t_established(&t);
    t_send(&t, CLIENT, .ack = 5101); /* 100 octets were not captured */
    t_send(&t, SERVER, .seq = 5101, .len = 10);
    t_send(&t, CLIENT, .ack = 5111);
    t_send(&t, CLIENT, .ack = 5112, .wait_ns = T_SECOND); /* frame 7 */
    t_send(&t, CLIENT, .flags = FIN, .ack = 5112, .wait_ns = 50 * T_MS);
    t_know(&t, 0);
    t_fact_is(&t, initiator, SIDE, SERVER);
    assert_int_equal(t.facts.fin1_ack_in, 7);
    assert_true(t.facts.close_wait_ns == 50 * T_MS);
    t_end(&t);
}

/* The FIN that acknowledges the octet may be the first segment that does. */
static void unseen_fin_acknowledged_by_the_second_fin(void **state)
{
    struct t_talk t;

    (void)state;
    t_established(&t);
    t_send(&t, CLIENT, .flags = FIN, .ack = 5002);
    t_know(&t, 0);
    t_fact_is(&t, initiator, SIDE, SERVER);
    t_is(&t, endpoint[CLIENT].state, STATE, LAST_ACK);
    t_end(&t);
}

static void unseen_fin_acknowledged_by_the_second_fin_after_a_gap(void **state)
{
    struct t_talk t;

    (void)state;
    t_established(&t);
    t_send(&t, CLIENT, .ack = 5101); /* 100 octets were not captured */
    t_send(&t, SERVER, .seq = 5101, .len = 10);
    t_send(&t, CLIENT, .flags = FIN, .ack = 5112, .wait_ns = T_SECOND);
    t_know(&t, 0);
    t_fact_is(&t, initiator, SIDE, SERVER);
    assert_int_equal(t.facts.fin1_ack_in, t.frame);
    assert_true(t.facts.close_wait_ns == 0);
    t_end(&t);
}

static void payload_at_the_place_of_an_unseen_fin_cancels_it(void **state)
{
    struct t_talk t;

    (void)state;
    t_established(&t);
    t_send(&t, CLIENT, .flags = FIN, .ack = 5002);
    t_send(&t, SERVER, .seq = 5001, .len = 10); /* it was a byte of data, captured late */
    t_know(&t, 0);
    assert_false(t.facts.has_fin[SERVER]);
    t_fact_is(&t, kind, KIND, ONE_SIDED);
    t_fact_is(&t, initiator, SIDE, CLIENT);
    t_end(&t);
}

/* With more octets the FIN may hide among them: the kind as observed, who began is not known. */
static void more_octets_not_captured_hide_who_closed_first(void **state)
{
    struct t_talk t;

    (void)state;
    t_established(&t);
    t_send(&t, CLIENT, .flags = FIN, .ack = 5003);
    t_know(&t, 0);
    t_fact_is(&t, kind, KIND, ONE_SIDED);
    t_fact_is(&t, initiator, SIDE, UNKNOWN);
    assert_false(t.facts.has_fin[SERVER]);
    t_end(&t);
}

/* A FIN acknowledged looks like one byte of data, so nobody can tell who closed first. */
static void one_direction_only(void **state)
{
    struct t_talk t;

    (void)state;
    t_start(&t);
    t_send(&t, SERVER, .len = 10, .ack = 1001);
    t_send(&t, SERVER, .flags = FIN, .ack = 1001);
    t_send(&t, SERVER, .ack = 1002);
    close_is(&t, ONE_SIDED, UNKNOWN, UNKNOWN);
    t_end(&t);
}

/* RFC 9293 3.10.7.4, eighth check: a FIN counts only when everything before it has arrived. */
static void fin_behind_a_hole_closes_nothing_yet(void **state)
{
    struct t_talk t;

    (void)state;
    t_established(&t);
    t_send(&t, CLIENT, .flags = FIN, .seq = 1101);
    step_is(&t, FIN1);
    t_states(&t, FIN_WAIT_1, ESTABLISHED);
    t_send(&t, CLIENT, .seq = 1001, .len = 100, .wait_ns = 300 * T_MS);
    t_states(&t, FIN_WAIT_1, CLOSE_WAIT);
    t_end(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(four_segments),
        cmocka_unit_test(three_segments_by_the_server),
        cmocka_unit_test(simultaneous_close),
        cmocka_unit_test(fin_with_data_stands_behind_the_data),
        cmocka_unit_test(data_after_the_other_fin_is_half_close),
        cmocka_unit_test(data_that_is_also_the_ack_of_the_fin),
        cmocka_unit_test(data_before_the_other_fin_was_known_trails),
        cmocka_unit_test(repeated_data_is_no_step),
        cmocka_unit_test(fin_again_and_again),
        cmocka_unit_test(time_wait_acknowledges_the_fin_again),
        cmocka_unit_test(copied_fin_is_no_retransmission_but_is_acknowledged),
        cmocka_unit_test(fin_at_another_number_has_moved),
        cmocka_unit_test(payload_at_and_behind_the_own_fin),
        cmocka_unit_test(rst_without_fin),
        cmocka_unit_test(rst_by_the_end_that_sent_its_fin),
        cmocka_unit_test(rst_by_the_other_end),
        cmocka_unit_test(rst_after_both_fins_is_late),
        cmocka_unit_test(rst_that_ends_nothing_gets_no_step),
        cmocka_unit_test(active_rst_ends_the_connection_even_if_challenged),
        cmocka_unit_test(rst_in_the_handshake_is_no_teardown),
        cmocka_unit_test(one_octet_acknowledged_and_a_fin_shows_the_other_fin),
        cmocka_unit_test(unseen_fin_after_an_earlier_gap_in_the_capture),
        cmocka_unit_test(unseen_fin_acknowledged_by_the_second_fin),
        cmocka_unit_test(unseen_fin_acknowledged_by_the_second_fin_after_a_gap),
        cmocka_unit_test(payload_at_the_place_of_an_unseen_fin_cancels_it),
        cmocka_unit_test(more_octets_not_captured_hide_who_closed_first),
        cmocka_unit_test(one_direction_only),
        cmocka_unit_test(fin_behind_a_hole_closes_nothing_yet),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
