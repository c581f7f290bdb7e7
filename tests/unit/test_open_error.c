/* test_open_error.c - tests of tl_open: handshake arithmetic that does not fit. Steps: test_open.c.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "tl_test.h"

enum { SYN = TL_SYN, SYNACK = TL_SYN | TL_ACK };

/* ---- errors ------------------------------------------------------------------------------------------------------------ */

/* RFC 9293 3.5: the third segment acknowledges the server's ISN + 1. */
static void first_ack_beyond_the_server_is_an_error(void **state)
{
    struct t_talk t;

    (void)state;
    t_syn_received(&t);
    t_send(&t, CLIENT, .ack = 5002);
    assert_int_equal(t.v.shape.error, TL_ERROR_ACK_ACK);
    t_end(&t);

    t_syn_received(&t);
    t_send(&t, SERVER, .len = 10); /* more to acknowledge */
    t_send(&t, CLIENT, .ack = 5011);
    assert_int_equal(t.v.shape.error, 0);
    t_end(&t);
}

static void first_ack_with_seq(uint32_t seq, unsigned error)
{
    struct t_talk t;

    t_syn_received(&t);
    t_send(&t, CLIENT, .seq = seq);
    assert_int_equal(t.v.shape.error, error);
    t_end(&t);
}

/* Above ISN + 1 segments may have been lost before the capture point, but only as many as the server's window takes. */
static void first_ack_must_continue_behind_the_syn(void **state)
{
    (void)state;
    first_ack_with_seq(1000, TL_ERROR_ACK_SEQ);
    first_ack_with_seq(1001, 0);
    first_ack_with_seq(1001 + T_WINDOW, 0);
    first_ack_with_seq(1001 + T_WINDOW + 1, TL_ERROR_ACK_SEQ);
}

static void synack_again_with_another_isn_is_an_error(void **state)
{
    struct t_talk t;

    (void)state;
    t_syn_received(&t);
    t_send(&t, SERVER, .flags = SYNACK, .seq = 7000, .wait_ns = T_SECOND);
    assert_int_equal(t.v.shape.error, TL_ERROR_SYNACK_ISN);
    t_end(&t);

    t_established(&t);
    t_send(&t, SERVER, .flags = SYNACK, .seq = 7000, .wait_ns = T_SECOND);
    assert_int_equal(t.v.shape.error, TL_ERROR_SYNACK_ISN);
    assert_int_equal(tl_conn_number(t.v.conn), 0);
    t_send(&t, CLIENT, .len = 10, .ack = 5001); /* the connection goes on with the first one */
    t_is(&t, phase, PHASE, ESTABLISHED);
    t_end(&t);
}

/* RFC 7323 1.3 and 3.2, RFC 2018 2: each only if the SYN had it. MSS needs no offer. */
static void synack_option(uint16_t offered, uint16_t answered, unsigned error)
{
    struct t_talk t;

    t_start(&t);
    t_send(&t, CLIENT, .flags = SYN, .options = offered);
    t_send(&t, SERVER, .flags = SYNACK, .options = answered);
    assert_int_equal(t.v.shape.error, error);
    t_end(&t);
}

static void synack_may_carry_only_what_the_syn_offered(void **state)
{
    const uint16_t options[] = {TL_OPT_WINDOW_SCALE, TL_OPT_TIMESTAMPS, TL_OPT_SACK_PERMITTED};

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        synack_option(TL_OPT_MSS, options[i], TL_ERROR_OPT_NOT_OFFERED);
        synack_option(options[i], options[i], 0);
        synack_option(options[i], 0, 0);
    }
    synack_option(0, TL_OPT_MSS, 0);
}

static void synack_alone_is_not_compared_with_a_syn_not_captured(void **state)
{
    struct t_talk t;

    (void)state;
    t_start(&t);
    t_send(&t, SERVER, .flags = SYNACK, .options = TL_OPT_TIMESTAMPS | TL_OPT_WINDOW_SCALE);
    assert_int_equal(t.v.shape.error, 0);
    t_end(&t);
}

/* RFC 7323 3.2: once negotiated, timestamps are on every segment but a RST. */
static void timestamps_missing_after_they_were_negotiated(void **state)
{
    struct t_talk t;

    (void)state;
    t_start(&t);
    t_send(&t, CLIENT, .flags = SYN, .options = TL_OPT_TIMESTAMPS, .tsval = 10);
    t_send(&t, SERVER, .flags = SYNACK, .options = TL_OPT_TIMESTAMPS, .tsval = 20, .tsecr = 10);
    t_send(&t, CLIENT, .options = TL_OPT_TIMESTAMPS, .tsval = 11, .tsecr = 20);
    assert_int_equal(t.v.shape.error, 0);
    t_send(&t, CLIENT, .len = 10);
    assert_int_equal(t.v.shape.error, TL_ERROR_OPT_LOST);
    t_send(&t, SERVER, .flags = TL_RST);
    assert_int_equal(t.v.shape.error, 0);
    t_end(&t);
}

static void timestamps_not_negotiated_are_not_missed(void **state)
{
    struct t_talk t;

    (void)state;
    t_start(&t);
    t_send(&t, CLIENT, .flags = SYN, .options = TL_OPT_TIMESTAMPS, .tsval = 10);
    t_send(&t, SERVER, .flags = SYNACK);
    t_send(&t, CLIENT, .len = 10);
    assert_int_equal(t.v.shape.error, 0);
    t_end(&t);
}

/* RFC 7323 2.3. */
/* threshold: SCALE_MAX */
static void window_scale_is_at_most_14(void **state)
{
    struct t_talk t;

    (void)state;
    for (uint8_t scale = 14; scale <= 15; scale++) {
        unsigned error = scale > 14 ? TL_ERROR_WSCALE_RANGE : 0;

        t_start(&t);
        t_send(&t, CLIENT, .flags = SYN, .options = TL_OPT_WINDOW_SCALE, .window_scale = scale);
        assert_int_equal(t.v.shape.error, error);
        t_send(&t, SERVER, .flags = SYNACK, .options = TL_OPT_WINDOW_SCALE, .window_scale = scale);
        assert_int_equal(t.v.shape.error, error);
        t_end(&t);
    }
}

static void flags_that_no_sender_combines(void **state)
{
    static const unsigned bad[] = {TL_SYN | TL_FIN, TL_SYN | TL_RST, TL_FIN, T_NO_FLAGS, TL_SYN | TL_FIN | TL_ACK};
    struct t_talk t;

    (void)state;
    for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        t_start(&t);
        t_send(&t, CLIENT, .flags = bad[i]);
        assert_int_equal(t.v.shape.error, TL_ERROR_FLAGS);
        t_end(&t);
    }
}

static void acknowledgment_field_of_a_syn_should_be_zero(void **state)
{
    struct t_talk t;

    (void)state;
    t_start(&t);
    t_send(&t, CLIENT, .flags = SYN, .field_ack = true);
    assert_int_equal(t.v.shape.error, TL_ERROR_SYN_ACK_FIELD);
    t_end(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_ack_beyond_the_server_is_an_error),
        cmocka_unit_test(first_ack_must_continue_behind_the_syn),
        cmocka_unit_test(synack_again_with_another_isn_is_an_error),
        cmocka_unit_test(synack_may_carry_only_what_the_syn_offered),
        cmocka_unit_test(synack_alone_is_not_compared_with_a_syn_not_captured),
        cmocka_unit_test(timestamps_missing_after_they_were_negotiated),
        cmocka_unit_test(timestamps_not_negotiated_are_not_missed),
        cmocka_unit_test(window_scale_is_at_most_14),
        cmocka_unit_test(flags_that_no_sender_combines),
        cmocka_unit_test(acknowledgment_field_of_a_syn_should_be_zero),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
