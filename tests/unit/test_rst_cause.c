/* test_rst_cause.c - tests of tl_rst: the causes of resets in an open or closing connection. Order and times: test_rst_order.c.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "tl_test_rst.h"

enum { FIN = TL_FIN | TL_ACK, RST = TL_RST, RSTACK = TL_RST | TL_ACK };

/* ---- causes of an end that gives up: C12 to C14 -------------------------------------------------------------------------------- */

static void c12_keepalives_unanswered(void **state)
{
    struct t_talk t;

    (void)state;
    for (unsigned probes = 1; probes <= 2; probes++) {
        open_connection(&t);
        t_send(&t, CLIENT, .len = 5);
        t_send(&t, SERVER, .flags = TL_ACK);
        for (unsigned i = 0; i < probes; i++) {
            t_send(&t, CLIENT, .seq = 1005, .wait_ns = 10 * T_SECOND);
        }
        t_send(&t, CLIENT, .flags = RSTACK, .wait_ns = 10 * T_SECOND);
        t_is(&t, rst_cause, RST_CAUSE, KEEPALIVE_TIMEOUT);
        assert_int_equal(t.v.shape.rst_confidence, TL_CONFIDENCE_LIKELY);
        t_end(&t);
    }
}

/* The client's window probes, answered or not: the window stays closed. */
static void c13_window_stays_closed(void **state)
{
    struct t_talk t;

    (void)state;
    for (unsigned answered = 0; answered < 2; answered++) {
        open_connection(&t);
        t_send(&t, CLIENT, .len = 5);
        t_send(&t, SERVER, .window = T_CLOSED);
        for (unsigned i = 0; i < 2; i++) {
            t_send(&t, CLIENT, .seq = 1005, .wait_ns = (i + 1) * T_SECOND / 2);
            t_is(&t, window_probe, PROBE_KIND, PROBE);
            if (answered) {
                t_send(&t, SERVER, .window = T_CLOSED);
            }
        }
        t_send(&t, CLIENT, .flags = RSTACK, .wait_ns = T_SECOND);
        cause_is(&t, PROBE_TIMEOUT, LIKELY);
        t_end(&t);
    }
}

static void c14_retransmissions_unanswered(void **state)
{
    struct t_talk t;

    (void)state;
    open_connection(&t);
    t_send(&t, CLIENT, .len = 5);
    for (unsigned i = 0; i < 3; i++) {
        t_send(&t, CLIENT, .seq = 1001, .len = 5, .wait_ns = (200 << i) * T_MS);
    }
    t_send(&t, CLIENT, .flags = RSTACK, .wait_ns = T_SECOND);
    cause_is(&t, RETRANSMISSION_TIMEOUT, LIKELY);
    t_end(&t);
}

/* ---- causes after a close: C15 to C17b ----------------------------------------------------------------------------------------- */

static void c15_data_meets_an_end_that_has_closed(void **state)
{
    struct t_talk t;

    (void)state;
    t_fin_wait_2(&t);
    t_send(&t, SERVER, .len = 10);
    t_send(&t, CLIENT, .flags = RST, .seq = 1002);
    cause_is(&t, DATA_AFTER_CLOSE, LIKELY);
    assert_int_equal(t.v.refs.trigger_in, 6);
    t_end(&t);
}

static void c16_segment_after_both_fins(void **state)
{
    struct t_talk t;

    (void)state;
    t_time_wait(&t);
    t_send(&t, CLIENT, .seq = 1002, .len = 5, .wait_ns = T_SECOND);
    t_send(&t, SERVER, .flags = RST, .seq = 5002);
    cause_is(&t, AFTER_CLOSE, LIKELY);
    t_end(&t);
}

static void c16_segment_after_an_earlier_reset(void **state)
{
    struct t_talk t;

    (void)state;
    open_connection(&t);
    t_send(&t, SERVER, .flags = RSTACK);
    t_send(&t, CLIENT, .len = 5);
    t_send(&t, SERVER, .flags = RST, .seq = 5011);
    cause_is(&t, AFTER_CLOSE, LIKELY);
    t_end(&t);
}

/* The FIN comes again, long after its ACK, to an end that no longer holds TIME-WAIT: that ACK had been lost. */
static void c16_repeated_fin_after_time_wait(void **state)
{
    struct t_talk t;

    (void)state;
    t_time_wait(&t);
    t_send(&t, SERVER, .flags = FIN, .seq = 5001, .wait_ns = 70 * T_SECOND);
    t_send(&t, CLIENT, .flags = RST, .seq = 1002);
    form_is(&t, REPLY_ACK);
    cause_is(&t, AFTER_CLOSE, LIKELY);
    assert_int_equal(t.v.refs.trigger_in, t.frame - 1);
    t_end(&t);
}

static void c17_end_does_not_wait_for_the_other_fin(void **state)
{
    struct t_talk t;

    (void)state;
    t_fin_wait_2(&t);
    t_send(&t, CLIENT, .flags = RST, .seq = 1002);
    cause_is(&t, LINGER2, LIKELY);
    assert_int_equal(t.v.refs.trigger_in, 5);
    t_end(&t);
}

static void c17b_other_fin_meets_an_end_that_is_gone(void **state)
{
    struct t_talk t;

    (void)state;
    t_fin_wait_2(&t);
    t_send(&t, SERVER, .flags = FIN, .wait_ns = 70 * T_SECOND);
    t_send(&t, CLIENT, .flags = RST, .seq = 1002);
    t_is(&t, rst_cause, RST_CAUSE, AFTER_CLOSE);
    assert_int_equal(t.v.refs.trigger_in, 6);
    t_end(&t);
}

/* ---- the rest: C1, C18 to C24 ---------------------------------------------------------------------------------------------------- */

static void c1_multipath_says_so(void **state)
{
    struct t_talk t;

    (void)state;
    /* Both ends, one, or none speak it: the option of a connection that never did means nothing. */
    for (unsigned speakers = 0; speakers < 4; speakers++) {
        open_connection(&t);
        t_send(&t, CLIENT, .len = 10, .options = speakers & 1 ? TL_OPT_MPTCP : 0);
        t_send(&t, SERVER, .flags = TL_ACK, .options = speakers & 2 ? TL_OPT_MPTCP : 0);
        t_send(&t, SERVER, .flags = RSTACK, .options = TL_OPT_MPTCP_RST);
        if (speakers == 3) {
            cause_is(&t, MPTCP, LIKELY);
        } else {
            cause_is(&t, ABORT, LIKELY);
        }
        t_end(&t);
    }
}

static void c18_probe_meets_no_connection(void **state)
{
    struct t_talk t;

    (void)state;
    open_connection(&t);
    t_send(&t, CLIENT, .len = 5);
    t_send(&t, SERVER, .flags = TL_ACK);
    t_send(&t, CLIENT, .seq = 1005, .wait_ns = 7200 * T_SECOND);
    t_is(&t, keepalive, PROBE_KIND, PROBE);
    t_send(&t, SERVER, .flags = RST, .seq = 5011);
    t_is(&t, rst_cause, RST_CAUSE, HALF_OPEN_PROBE);
    t_end(&t);
}

static void c19_data_meets_no_connection(void **state)
{
    struct t_talk t;

    (void)state;
    open_connection(&t);
    t_send(&t, CLIENT, .len = 5, .wait_ns = T_SECOND);
    t_send(&t, SERVER, .flags = RST, .seq = 5011);
    cause_is(&t, HALF_OPEN, LIKELY);
    t_end(&t);
}

static void c20_nothing_of_this_end_was_captured(void **state)
{
    struct t_talk t;

    (void)state;
    t_start(&t);
    t_send(&t, CLIENT, .len = 5);
    t_send(&t, SERVER, .flags = RST, .seq = 5000);
    cause_is(&t, NO_CONNECTION, LIKELY);
    t_end(&t);

    t_start(&t);
    t_send(&t, CLIENT, .flags = TL_FIN); /* a scan: F1, and no SYN */
    t_send(&t, SERVER, .flags = RSTACK, .raw_seq_0 = true, .ack = 1001);
    cause_is(&t, NO_CONNECTION, LIKELY);
    t_end(&t);
}

static void c21_abort_after_the_own_fin(void **state)
{
    struct t_talk t;

    (void)state;
    t_fin_wait_1(&t);
    t_send(&t, CLIENT, .flags = RSTACK);
    cause_is(&t, ABORT_AFTER_FIN, LIKELY);
    t_end(&t);
}

static void c22_abort(void **state)
{
    struct t_talk t;

    (void)state;
    open_connection(&t);
    t_send(&t, CLIENT, .flags = RSTACK);
    cause_is(&t, ABORT, LIKELY);
    t_end(&t);
}

static void c23_out_of_window(void **state)
{
    struct t_talk t;

    (void)state;
    open_connection(&t);
    t_send(&t, SERVER, .flags = RST, .seq = 5012 + T_WINDOW);
    cause_is(&t, OUT_OF_WINDOW, LIKELY);
    t_is(&t, rst_effect, RST_EFFECT, IGNORED);
    t_end(&t);
}

static void c24_ahead_of_everything_in_the_window(void **state)
{
    struct t_talk t;

    (void)state;
    open_connection(&t);
    t_send(&t, SERVER, .flags = RST, .seq = 5011 + T_WINDOW);
    cause_is(&t, AHEAD, GUESS);
    t_is(&t, rst_effect, RST_EFFECT, CHALLENGE);
    t_end(&t);
}

static void c25_unknown_is_an_answer(void **state)
{
    struct t_talk t;

    (void)state;
    t_midstream(&t);
    t_send(&t, SERVER, .flags = RST, .seq = 5500);
    cause_is(&t, UNKNOWN, NONE);
    t_is(&t, rst_effect, RST_EFFECT, UNKNOWN);
    t_end(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(c12_keepalives_unanswered),
        cmocka_unit_test(c13_window_stays_closed),
        cmocka_unit_test(c14_retransmissions_unanswered),
        cmocka_unit_test(c15_data_meets_an_end_that_has_closed),
        cmocka_unit_test(c16_segment_after_both_fins),
        cmocka_unit_test(c16_segment_after_an_earlier_reset),
        cmocka_unit_test(c16_repeated_fin_after_time_wait),
        cmocka_unit_test(c17_end_does_not_wait_for_the_other_fin),
        cmocka_unit_test(c17b_other_fin_meets_an_end_that_is_gone),
        cmocka_unit_test(c1_multipath_says_so),
        cmocka_unit_test(c18_probe_meets_no_connection),
        cmocka_unit_test(c19_data_meets_no_connection),
        cmocka_unit_test(c20_nothing_of_this_end_was_captured),
        cmocka_unit_test(c21_abort_after_the_own_fin),
        cmocka_unit_test(c22_abort),
        cmocka_unit_test(c23_out_of_window),
        cmocka_unit_test(c24_ahead_of_everything_in_the_window),
        cmocka_unit_test(c25_unknown_is_an_answer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
