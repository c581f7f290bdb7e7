/* test_rst.c - tests of tl_rst: form, trigger, causes around a handshake. Others: test_rst_cause.c; order and times: test_rst_order.c.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "tl_test_rst.h"

enum { SYN = TL_SYN, SYNACK = TL_SYN | TL_ACK, FIN = TL_FIN | TL_ACK, RST = TL_RST, RSTACK = TL_RST | TL_ACK };

/* ---- forms ------------------------------------------------------------------------------------------------------------- */

/* F1, RFC 9293 3.5.2 group 1: <SEQ=0><ACK=SEG.SEQ+SEG.LEN><CTL=RST,ACK> answers a segment without ACK flag. */
static void reply_noack_acknowledges_all_of_a_segment_without_ack(void **state)
{
    static const struct {
        unsigned flags;
        uint32_t len, ack;
    } triggers[] = {{SYN, 0, 1001}, {SYN, 5, 1006}, {TL_FIN, 0, 1001}, {SYN | TL_FIN, 0, 1002}, {T_NO_FLAGS, 7, 1007}};
    struct t_talk t;

    (void)state;
    for (unsigned i = 0; i < sizeof triggers / sizeof triggers[0]; i++) {
        t_start(&t);
        t_send(&t, CLIENT, .flags = triggers[i].flags, .len = triggers[i].len);
        t_send(&t, SERVER, .flags = RSTACK, .raw_seq_0 = true, .ack = triggers[i].ack);
        form_is(&t, REPLY_NOACK);
        assert_int_equal(t.v.refs.trigger_in, 1);
        t_end(&t);
    }
}

/* The receiver tests the ACK only: another number is the same form, as long as the end has sent nothing but resets. */
static void reply_noack_with_another_number(void **state)
{
    struct t_talk t;

    (void)state;
    t_syn_sent(&t);
    t_send(&t, SERVER, .flags = RSTACK, .seq = 7777, .ack = 1001);
    form_is(&t, REPLY_NOACK);
    cause_is(&t, REFUSED, LIKELY);
    t_end(&t);
}

/* F2, group 1 and 2: <SEQ=SEG.ACK><CTL=RST>. */
static void reply_ack_carries_the_ack_number_of_its_trigger(void **state)
{
    struct t_talk t;

    (void)state;
    open_connection(&t);
    t_send(&t, CLIENT, .len = 5);
    t_send(&t, SERVER, .flags = RST, .seq = 5011);
    form_is(&t, REPLY_ACK);
    assert_int_equal(t.v.refs.trigger_in, t.frame - 1);
    t_end(&t);
}

/* Octets that the end has acknowledged were taken by a live connection: nothing to answer by RST. */
static void reply_ack_never_answers_what_was_acknowledged(void **state)
{
    struct t_talk t;
    uint32_t stray;

    (void)state;
    open_connection(&t);
    t_send(&t, CLIENT, .len = 5);
    t_send(&t, SERVER, .flags = TL_ACK);
    t_send(&t, CLIENT, .len = 5);
    stray = t.frame;
    t_send(&t, SERVER, .flags = RST, .seq = 5011);
    assert_int_equal(t.v.refs.trigger_in, stray);
    t_end(&t);
}

/* F3, RFC 9293 3.10.5. The client has acknowledged up to 5001, 100 octets are under way, its window ends at 6001. The server
 * has acknowledged up to 1001, which is all the client sent, and its window is 1000: not all need have been captured. */
static void active_within_both_windows(void **state)
{
    static const struct {
        uint32_t seq, ack;
        bool active;
    } numbers[] = {
        {5001, 1001, true},  {5101, 1001, true}, {6001, 1001, true},  {5000, 1001, false},
        {6002, 1001, false}, {5101, 2001, true}, {5101, 2002, false}, {5101, 1000, false},
    };
    struct t_talk t;

    (void)state;
    for (unsigned i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        t_established(&t);
        t_send(&t, SERVER, .len = 100);
        t_send(&t, SERVER, .flags = RSTACK, .seq = numbers[i].seq, .ack = numbers[i].ack);
        if (numbers[i].active) {
            form_is(&t, ACTIVE);
        } else {
            form_is(&t, OTHER);
        }
        t_end(&t);
    }
}

static void bare_stands_at_max_and_answers_nothing(void **state)
{
    struct t_talk t;

    (void)state;
    open_connection(&t);
    t_send(&t, SERVER, .len = 10); /* no segment of the client has this as its ACK number */
    t_send(&t, SERVER, .flags = RST, .seq = 5021);
    form_is(&t, BARE);
    assert_int_equal(t.v.refs.trigger_in, 0);
    cause_is(&t, ABORT, LIKELY);
    t_end(&t);
}

static void anything_else_is_other(void **state)
{
    struct t_talk t;

    (void)state;
    open_connection(&t);
    t_send(&t, SERVER, .flags = RST, .seq = 5012);
    form_is(&t, OTHER);
    t_end(&t);
}

static void each_trigger_draws_one_reset(void **state)
{
    struct t_talk t;

    (void)state;
    open_connection(&t);
    t_send(&t, CLIENT, .len = 5);
    t_send(&t, CLIENT, .len = 5);
    t_send(&t, SERVER, .flags = RST, .seq = 5011);
    assert_int_equal(t.v.refs.trigger_in, 6);
    t_send(&t, SERVER, .flags = RST, .seq = 5011);
    assert_int_equal(t.v.refs.trigger_in, 7);
    t_end(&t);
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

/* ---- causes in the handshake: C2 to C7 ------------------------------------------------------------------------------------- */

static void c2_refused(void **state)
{
    struct t_talk t;

    (void)state;
    t_syn_sent(&t);
    t_send(&t, SERVER, .flags = RSTACK, .raw_seq_0 = true, .ack = 1001);
    cause_is(&t, REFUSED, LIKELY);
    t_is(&t, rst_effect, RST_EFFECT, ACCEPTED);
    t_send(&t, CLIENT, .flags = SYN, .seq = 1000, .wait_ns = T_SECOND); /* and once more */
    t_send(&t, SERVER, .flags = RSTACK, .raw_seq_0 = true, .ack = 1001);
    cause_is(&t, REFUSED, LIKELY);
    t_end(&t);
}

static void c2_refused_syn_with_fin(void **state)
{
    struct t_talk t;

    (void)state;
    t_start(&t);
    t_send(&t, CLIENT, .flags = SYN | TL_FIN);
    t_send(&t, SERVER, .flags = RSTACK, .raw_seq_0 = true, .ack = 1002);
    cause_is(&t, REFUSED, LIKELY);
    t_end(&t);
}

static void c3_refused_by_a_wrong_number(void **state)
{
    struct t_talk t;

    (void)state;
    t_syn_sent(&t);
    t_send(&t, SERVER, .flags = RSTACK, .raw_seq_0 = true, .ack = 1002);
    t_is(&t, rst_cause, RST_CAUSE, REFUSED_BAD);
    t_is(&t, rst_effect, RST_EFFECT, IGNORED);
    t_end(&t);

    t_syn_sent(&t);
    t_send(&t, SERVER, .flags = RST, .raw_seq_0 = true);
    t_is(&t, rst_cause, RST_CAUSE, REFUSED_BAD);
    t_end(&t);
}

static void c4_answer_to_a_wrong_synack(void **state)
{
    struct t_talk t;

    (void)state;
    t_syn_sent(&t);
    t_send(&t, SERVER, .flags = SYNACK, .ack = 900);
    t_send(&t, CLIENT, .flags = RST, .seq = 900);
    cause_is(&t, SYNACK_BAD_ACK, LIKELY);
    assert_int_equal(t.v.refs.trigger_in, 2);
    t_end(&t);
}

static void c5_answer_to_a_synack_nobody_asked_for(void **state)
{
    struct t_talk t;

    (void)state;
    t_start(&t);
    t_send(&t, SERVER, .flags = SYNACK, .ack = 1001);
    t_send(&t, CLIENT, .flags = RST, .seq = 1001);
    cause_is(&t, SYNACK_UNSOLICITED, LIKELY);
    t_end(&t);
}

static void c6_client_rejects_the_synack(void **state)
{
    struct t_talk t;

    (void)state;
    t_syn_received(&t);
    t_send(&t, CLIENT, .flags = RST, .seq = 1001); /* a scan */
    form_is(&t, REPLY_ACK);
    cause_is(&t, SYNACK_REJECTED, LIKELY);
    t_end(&t);

    t_syn_received(&t);
    t_send(&t, CLIENT, .flags = RSTACK); /* its application aborted */
    form_is(&t, ACTIVE);
    cause_is(&t, SYNACK_REJECTED, LIKELY);
    t_end(&t);
}

static void c7_server_rejects_the_ack_or_the_first_data(void **state)
{
    struct t_talk t;

    (void)state;
    for (uint32_t len = 0; len <= 10; len += 10) {
        t_syn_received(&t);
        t_send(&t, CLIENT, .len = len);
        t_send(&t, SERVER, .flags = RST, .seq = 5001);
        cause_is(&t, ACK_REJECTED, LIKELY);
        assert_int_equal(t.v.refs.trigger_in, 3);
        t_end(&t);
    }
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

/* The old connection is older than the capture: only the ACK number tells. */
static void c8_answer_to_the_challenge_of_a_connection_not_captured(void **state)
{
    struct t_talk t;

    (void)state;
    t_syn_sent(&t);
    t_send(&t, SERVER, .seq = 9000, .ack = 777);
    t_send(&t, CLIENT, .flags = RST, .seq = 777);
    cause_is(&t, HALF_OPEN_SYN, LIKELY);
    assert_int_equal(t.v.refs.trigger_in, 2);
    t_is(&t, endpoint[CLIENT].state, STATE, SYN_SENT);
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
        cmocka_unit_test(reply_noack_acknowledges_all_of_a_segment_without_ack),
        cmocka_unit_test(reply_noack_with_another_number),
        cmocka_unit_test(reply_ack_carries_the_ack_number_of_its_trigger),
        cmocka_unit_test(reply_ack_never_answers_what_was_acknowledged),
        cmocka_unit_test(active_within_both_windows),
        cmocka_unit_test(bare_stands_at_max_and_answers_nothing),
        cmocka_unit_test(anything_else_is_other),
        cmocka_unit_test(each_trigger_draws_one_reset),
        cmocka_unit_test(copy_of_a_reset_has_no_cause),
        cmocka_unit_test(c2_refused),
        cmocka_unit_test(c2_refused_syn_with_fin),
        cmocka_unit_test(c3_refused_by_a_wrong_number),
        cmocka_unit_test(c4_answer_to_a_wrong_synack),
        cmocka_unit_test(c5_answer_to_a_synack_nobody_asked_for),
        cmocka_unit_test(c6_client_rejects_the_synack),
        cmocka_unit_test(c7_server_rejects_the_ack_or_the_first_data),
        cmocka_unit_test(c8_answer_to_the_challenge_of_the_old_connection),
        cmocka_unit_test(c8_answer_to_the_challenge_of_a_connection_not_captured),
        cmocka_unit_test(c9_answer_to_an_ack_of_time_wait),
        cmocka_unit_test(c10_answer_to_the_challenge_of_an_earlier_reset),
        cmocka_unit_test(c11_old_stack_resets_at_a_syn),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
