/* test_rst.c - tests of tl_rst that ask for more than a .case file can expect: copies, two connections. The others: rst-form-*.case and
 * rst-cause-*.case; order and times: test_rst_order.c.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "tl_test.h"

enum { SYN = TL_SYN, SYNACK = TL_SYN | TL_ACK, FIN = TL_FIN | TL_ACK, RST = TL_RST, RSTACK = TL_RST | TL_ACK };

#define form_is(t, FORM_TAG) t_is(t, rst_form, RST_FORM, FORM_TAG)
#define cause_is(t, CAUSE_TAG, CONFIDENCE_TAG)                                                                                 \
    do {                                                                                                                       \
        t_is(t, rst_cause, RST_CAUSE, CAUSE_TAG);                                                                              \
        t_is(t, rst_confidence, CONFIDENCE, CONFIDENCE_TAG);                                                                   \
    } while (0)

/* Open for a while; the server has sent more than its SYN-ACK, and everything is acknowledged. */
static void open_connection(struct t_talk *t)
{
    t_established(t);
    t_send(t, SERVER, .len = 10);
    t_send(t, CLIENT, .flags = TL_ACK);
}

/* A copy says nothing new. */
static void copy_of_a_reset_has_no_cause(void **state)
{
    struct t_talk t;

    (void)state;
    open_connection(&t);
    t_send(&t, SERVER, .flags = RSTACK, .ip_id = 8);
    cause_is(&t, ABORT, LIKELY);
    t_send(&t, SERVER, .flags = RSTACK, .ip_id = 8);
    assert_true(t_flag(&t, TL_SHAPE_COPY));
    cause_is(&t, NONE, NONE);
    t_end(&t);
}

/* ---- causes around a SYN: C8 to C11 ------------------------------------------------------------------------------------------ */

/* RFC 9293 3.5.1: the old connection answers by an ACK, the new one resets it. The old one ends. */
static void c8_answer_to_the_challenge_of_the_old_connection(void **state)
{
    struct tl_facts old;
    struct tl_conn *before;
    struct t_talk t;

    (void)state;
    open_connection(&t);
    before = t.v.conn;
    t_send(&t, CLIENT, .flags = SYN, .seq = 90000);
    t_send(&t, SERVER, .seq = 5011, .ack = 1001);
    t_send(&t, CLIENT, .flags = RST, .seq = 1001);
    form_is(&t, REPLY_ACK);
    cause_is(&t, HALF_OPEN_SYN, LIKELY);
    assert_int_equal(t.v.refs.trigger_in, t.frame - 1);
    assert_int_equal(tl_conn_number(t.v.conn), 1);
    t_is(&t, endpoint[CLIENT].state, STATE, SYN_SENT);
    tl_conn_facts(before, t.now_ns, &old);
    assert_int_equal(old.kind, TL_KIND_RST);
    t_end(&t);
}

static void c9_answer_to_an_ack_of_time_wait(void **state)
{
    struct t_talk t;

    (void)state;
    t_established(&t);
    t_send(&t, SERVER, .flags = FIN);
    t_send(&t, CLIENT, .flags = FIN);
    t_send(&t, SERVER, .flags = TL_ACK);
    t_states(&t, CLOSED, TIME_WAIT);
    t_send(&t, CLIENT, .flags = SYN, .seq = 500, .wait_ns = T_SECOND);
    t_is(&t, reuse, REUSE, TIME_WAIT);
    t_send(&t, SERVER, .seq = 5002, .ack = 1002);
    t_is(&t, ack, ACK, TIME_WAIT);
    t_send(&t, CLIENT, .flags = RST, .seq = 1002);
    cause_is(&t, TW_OLD_SYN, LIKELY);
    t_is(&t, rst_effect, RST_EFFECT, UNKNOWN);
    t_end(&t);
}

/* RFC 5961 3.2: an abort with data lost on the way draws a challenge ACK, and the closed end answers that. */
static void c10_answer_to_the_challenge_of_an_earlier_reset(void **state)
{
    struct t_talk t;

    (void)state;
    open_connection(&t);
    t_send(&t, SERVER, .flags = RSTACK, .seq = 5500, .wait_ns = T_SECOND);
    t_is(&t, rst_effect, RST_EFFECT, CHALLENGE);
    t_send(&t, CLIENT, .ack = 5011);
    t_is(&t, ack, ACK, CHALLENGE);
    t_send(&t, SERVER, .flags = RST, .seq = 5011);
    cause_is(&t, ABORT_REPEAT, LIKELY);
    assert_int_equal(t.v.refs.trigger_in, t.frame - 1);
    t_know(&t, 0);
    t_fact_is(&t, kind, KIND, RST);
    t_end(&t);
}

/* RFC 793 3.9: before RFC 5961 a SYN in the window reset the connection. */
static void c11_old_stack_resets_at_a_syn(void **state)
{
    struct t_talk t;

    (void)state;
    open_connection(&t);
    t_send(&t, CLIENT, .flags = SYN, .seq = 1100);
    t_send(&t, SERVER, .flags = RSTACK, .seq = 5011, .ack = 1001);
    cause_is(&t, SYN_IN_WINDOW, LIKELY);
    assert_int_equal(tl_conn_number(t.v.conn), 0);
    t_end(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(copy_of_a_reset_has_no_cause),     cmocka_unit_test(c8_answer_to_the_challenge_of_the_old_connection),
        cmocka_unit_test(c9_answer_to_an_ack_of_time_wait), cmocka_unit_test(c10_answer_to_the_challenge_of_an_earlier_reset),
        cmocka_unit_test(c11_old_stack_resets_at_a_syn),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
