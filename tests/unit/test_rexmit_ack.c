/* test_rexmit_ack.c - tests of tl_rexmit: what an ACK does, and which ones count as duplicates (RFC 5681 2).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "tl_test.h"

enum { SYN = TL_SYN, SYNACK = TL_SYN | TL_ACK, FIN = TL_FIN | TL_ACK, SACK = TL_OPT_SACK_PERMITTED };

/* An open connection captured beside the client, RTT 20 ms. The client sends. */
static void open_path(struct t_talk *t, uint16_t options)
{
    t_start(t);
    t_send(t, CLIENT, .flags = SYN, .options = options);
    t_send(t, SERVER, .flags = SYNACK, .options = options, .wait_ns = 20 * T_MS);
    t_send(t, CLIENT, .flags = TL_ACK, .wait_ns = T_SAME_TIME);
}

/* Three segments of the client are outstanding, from 1001 on; the server has sent 10 octets of its own before. */
static void outstanding(struct t_talk *t)
{
    open_path(t, 0);
    t_send(t, SERVER, .len = 10);
    t_send(t, CLIENT, .len = 10);
    t_send(t, CLIENT, .len = 10);
    t_send(t, CLIENT, .len = 10);
    t_send(t, SERVER, .ack = 1011);
    t_is(t, ack, ACK, NEW);
}

static void duplicate_acks_are_counted(void **state)
{
    struct t_talk t;

    (void)state;
    outstanding(&t);
    for (unsigned i = 1; i <= 4; i++) {
        t_send(&t, SERVER, .ack = 1011);
        t_is(&t, ack, ACK, DUP);
        assert_int_equal(t.v.refs.dupack_number, i);
        assert_int_equal(t.v.refs.dupack_first_in, 9);
    }
    t_send(&t, SERVER, .ack = 1021);
    t_is(&t, ack, ACK, NEW);
    assert_int_equal(t.v.refs.dupack_number, 0);
    t_send(&t, SERVER, .ack = 1021);
    assert_int_equal(t.v.refs.dupack_number, 1);
    assert_int_equal(t.v.refs.dupack_first_in, 14);
    t_end(&t);
}

/* (e) the window is the same; (b) no payload; (d) it is the highest ACK; (a) bytes are outstanding. */
static void what_is_no_duplicate_ack(void **state)
{
    struct t_talk t;

    (void)state;
    outstanding(&t);
    t_send(&t, SERVER, .ack = 1011, .window = 2000);
    t_is(&t, ack, ACK, WINDOW_UPDATE);
    t_send(&t, SERVER, .ack = 1011, .window = 2000, .len = 10);
    t_is(&t, ack, ACK, NONE);
    t_send(&t, SERVER, .ack = 1001, .window = 2000);
    t_is(&t, ack, ACK, OLD);
    t_send(&t, SERVER, .ack = 1011, .window = 2000, .flags = FIN);
    t_is(&t, ack, ACK, NONE);
    t_end(&t);
    outstanding(&t);
    t_send(&t, SERVER, .ack = 1031);
    t_send(&t, SERVER, .ack = 1031);
    assert_int_not_equal(t.v.shape.ack, TL_ACK_DUP);
    assert_int_equal(t.v.refs.dupack_number, 0);
    t_end(&t);
}

/* RFC 6675 2: an ACK with news by SACK counts, whatever its window. */
static void sack_counts_in_spite_of_the_window(void **state)
{
    struct t_talk t;

    (void)state;
    outstanding(&t);
    t_send(&t, SERVER, .ack = 1011, .window = 990, .sack_from = 1021);
    t_is(&t, ack, ACK, DUP);
    assert_int_equal(t.v.refs.dupack_number, 1);
    t_send(&t, SERVER, .ack = 1011, .window = 980, .sack_from = 1021); /* nothing new */
    t_is(&t, ack, ACK, WINDOW_UPDATE);
    t_end(&t);
}

/* RFC 2883: an ACK that only reports a duplicate is no sign of loss. With a block that is new as well it is. */
static void report_of_a_duplicate_does_not_count(void **state)
{
    struct t_talk t;

    (void)state;
    outstanding(&t);
    t_send(&t, SERVER, .ack = 1011, .sack_from = 1001);
    assert_int_equal(t.v.refs.dupack_number, 0);
    t_send(&t, SERVER, .ack = 1011, .sack_from = 1021);
    assert_int_equal(t.v.refs.dupack_number, 1);
    t_end(&t);
}

static void copies_of_an_ack_do_not_count(void **state)
{
    struct t_talk t;

    (void)state;
    outstanding(&t);
    t_send(&t, SERVER, .ack = 1011, .ip_id = 900);
    assert_int_equal(t.v.refs.dupack_number, 1);
    t_send(&t, SERVER, .ack = 1011, .ip_id = 900);
    assert_true(t_flag(&t, TL_SHAPE_COPY));
    assert_int_equal(t.v.refs.dupack_number, 0);
    t_send(&t, SERVER, .ack = 1011, .ip_id = 901);
    assert_int_equal(t.v.refs.dupack_number, 2);
    t_end(&t);
}

/* Of keep-alive: everything is acknowledged, and the answer repeats it (RFC 9293 3.8.4). */
static void answers_to_probes_do_not_count(void **state)
{
    struct t_talk t;

    (void)state;
    outstanding(&t);
    t_send(&t, SERVER, .ack = 1031);
    t_send(&t, CLIENT, .seq = 1030, .wait_ns = 10 * T_SECOND);
    t_is(&t, keepalive, PROBE_KIND, PROBE);
    t_send(&t, SERVER, .ack = 1031);
    t_is(&t, keepalive, PROBE_KIND, ANSWER);
    t_is(&t, ack, ACK, NONE);
    assert_int_equal(t.v.refs.dupack_number, 0);
    t_end(&t);
}

/* SACK is in use and this ACK has no block: it does not report a hole, and nothing captured drew it (RFC 5961). */
static void challenge_without_visible_trigger_does_not_count(void **state)
{
    struct t_talk t;

    (void)state;
    open_path(&t, SACK);
    t_send(&t, CLIENT, .len = 10);
    t_send(&t, SERVER, .ack = 1001, .sack_from = 1001, .wait_ns = 20 * T_MS); /* it shows SACK blocks */
    t_send(&t, SERVER, .ack = 1011);
    t_send(&t, CLIENT, .len = 10, .wait_ns = 300 * T_MS);
    t_send(&t, SERVER, .ack = 1011, .ip_id = 1);
    t_is(&t, ack, ACK, DUP);
    t_send(&t, SERVER, .ack = 1011, .ip_id = 2);
    t_is(&t, ack, ACK, CHALLENGE);
    assert_int_equal(t.v.refs.dupack_number, 0);
    t_end(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(duplicate_acks_are_counted),
        cmocka_unit_test(what_is_no_duplicate_ack),
        cmocka_unit_test(sack_counts_in_spite_of_the_window),
        cmocka_unit_test(report_of_a_duplicate_does_not_count),
        cmocka_unit_test(copies_of_an_ack_do_not_count),
        cmocka_unit_test(answers_to_probes_do_not_count),
        cmocka_unit_test(challenge_without_visible_trigger_does_not_count),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
