/* test_open.c - tests of tl_open: the steps of a handshake, and who is who. Numbers: test_open_error.c; outcome: test_open_outcome.c.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "tl_test.h"

enum { SYN = TL_SYN, SYNACK = TL_SYN | TL_ACK };

/* ---- SYN --------------------------------------------------------------------------------------------------------------- */

static void first_syn_is_syn(void **state)
{
    struct t_talk t;

    (void)state;
    t_syn_sent(&t);
    t_is(&t, handshake_step, HANDSHAKE_STEP, SYN);
    assert_int_equal(t.v.shape.attempt, 0);
    assert_int_equal(t.v.refs.first_in, 0);
    assert_int_equal(t.v.shape.error, 0);
    t_end(&t);
}

/* The attempt counts from the first one, and all of them point to it. Options may differ: systems drop ECN or scaling. */
static void same_isn_again_is_a_retransmission(void **state)
{
    struct t_talk t;

    (void)state;
    t_start(&t);
    t_send(&t, CLIENT, .flags = SYN | TL_ECE | TL_CWR, .options = TL_OPT_MSS | TL_OPT_WINDOW_SCALE);
    for (unsigned attempt = 1; attempt <= 3; attempt++) {
        t_send(&t, CLIENT, .flags = SYN, .seq = 1000, .options = TL_OPT_MSS, .wait_ns = attempt * T_SECOND);
        t_is(&t, handshake_step, HANDSHAKE_STEP, SYN_RETRANSMISSION);
        assert_int_equal(t.v.shape.attempt, attempt);
        assert_int_equal(t.v.refs.first_in, 1);
    }
    t_end(&t);
}

/* The same IP ID: the same packet twice. It is no attempt. */
static void same_packet_again_is_a_copy(void **state)
{
    struct t_talk t;

    (void)state;
    t_start(&t);
    t_send(&t, CLIENT, .flags = SYN, .ip_id = 7);
    t_send(&t, CLIENT, .flags = SYN, .seq = 1000, .ip_id = 7);
    t_is(&t, handshake_step, HANDSHAKE_STEP, SYN_COPY);
    assert_true(t_flag(&t, TL_SHAPE_COPY));
    t_send(&t, CLIENT, .flags = SYN, .seq = 1000, .ip_id = 8, .wait_ns = T_SECOND);
    t_is(&t, handshake_step, HANDSHAKE_STEP, SYN_RETRANSMISSION);
    assert_int_equal(t.v.shape.attempt, 1);
    t_know(&t, 0);
    assert_int_equal(t.facts.syn_attempts, 2);
    t_end(&t);
}

/* RFC 7413 4.1.1: an empty option asks for a cookie. */
static void empty_fast_open_option_asks_for_a_cookie(void **state)
{
    struct t_talk t;

    (void)state;
    t_start(&t);
    t_send(&t, CLIENT, .flags = SYN, .options = TL_OPT_FAST_OPEN);
    t_is(&t, handshake_step, HANDSHAKE_STEP, SYN_TFO_REQUEST);
    t_end(&t);
}

/* RFC 7413 4.2.1: the cookie, with or without data. */
static void cookie_makes_a_fast_open_syn(void **state)
{
    struct t_talk t;

    (void)state;
    for (uint32_t len = 0; len <= 20; len += 20) {
        t_start(&t);
        t_send(&t, CLIENT, .flags = SYN, .len = len, .options = TL_OPT_FAST_OPEN, .fast_open_bytes = 8);
        t_is(&t, handshake_step, HANDSHAKE_STEP, SYN_TFO_DATA);
        t_know(&t, 0);
        assert_int_equal(t.facts.syn_data, len);
        t_end(&t);
    }
}

static void payload_without_fast_open_is_syn_data(void **state)
{
    struct t_talk t;

    (void)state;
    t_start(&t);
    t_send(&t, CLIENT, .flags = SYN, .len = 5);
    t_is(&t, handshake_step, HANDSHAKE_STEP, SYN_DATA);
    t_end(&t);
}

static void syn_while_the_other_syn_is_unanswered_crosses(void **state)
{
    struct t_talk t;

    (void)state;
    t_syn_sent(&t);
    t_send(&t, SERVER, .flags = SYN);
    t_is(&t, handshake_step, HANDSHAKE_STEP, SYN_CROSS);
    assert_int_equal(tl_conn_number(t.v.conn), 0);
    t_send(&t, SERVER, .flags = SYN, .seq = 5000, .wait_ns = T_SECOND);
    t_is(&t, handshake_step, HANDSHAKE_STEP, SYN_RETRANSMISSION);
    t_end(&t);
}

/* Captured behind the SYN-ACK that answers it: still the SYN of the same connection. */
static void syn_captured_after_its_synack_is_reordered(void **state)
{
    struct t_talk t;

    (void)state;
    t_start(&t);
    t_send(&t, SERVER, .flags = SYNACK, .ack = 1001);
    t_send(&t, CLIENT, .flags = SYN);
    t_is(&t, handshake_step, HANDSHAKE_STEP, SYN);
    assert_true(t_flag(&t, TL_SHAPE_REORDERED));
    assert_int_equal(tl_conn_number(t.v.conn), 0);
    t_is(&t, sender, SENDER, CLIENT);
    t_is(&t, sender_confidence, CONFIDENCE, CERTAIN);
    t_end(&t);
}

/* ---- SYN-ACK ----------------------------------------------------------------------------------------------------------- */

/* RFC 9293 3.10.7.3: SND.UNA < SEG.ACK =< SND.NXT, data on the SYN included (RFC 7413 3). */
static void synack_with_ack(uint32_t syn_len, uint32_t ack, bool good)
{
    struct t_talk t;

    t_start(&t);
    t_send(&t, CLIENT, .flags = SYN, .len = syn_len);
    t_send(&t, SERVER, .flags = SYNACK, .ack = ack);
    if (good) {
        t_is(&t, handshake_step, HANDSHAKE_STEP, SYNACK);
        assert_int_equal(t.v.shape.error, 0);
        assert_int_equal(t.v.refs.ack_delta, 0);
    } else {
        t_is(&t, handshake_step, HANDSHAKE_STEP, SYNACK_BAD);
        assert_int_equal(t.v.shape.error, TL_ERROR_SYNACK_ACK);
        assert_int_equal(t.v.refs.ack_delta, (int32_t)(ack - 1001));
    }
    t_end(&t);
}

static void synack_must_acknowledge_the_syn_and_at_most_its_data(void **state)
{
    (void)state;
    synack_with_ack(0, 1000, false);
    synack_with_ack(0, 1001, true);
    synack_with_ack(0, 1002, false);
    synack_with_ack(5, 1000, false);
    synack_with_ack(5, 1001, true);
    synack_with_ack(5, 1003, true);
    synack_with_ack(5, 1006, true);
    synack_with_ack(5, 1007, false);
    synack_with_ack(0, 0x80000000, false);
}

static void synack_again_because_the_syn_came_again(void **state)
{
    struct t_talk t;

    (void)state;
    t_syn_received(&t);
    t_send(&t, CLIENT, .flags = SYN, .seq = 1000, .wait_ns = T_SECOND);
    t_send(&t, SERVER, .flags = SYNACK, .seq = 5000);
    t_is(&t, handshake_step, HANDSHAKE_STEP, SYNACK_RETRANSMISSION);
    t_is(&t, synack_why, SYNACK_WHY, SYN_RETRANSMISSION);
    assert_int_equal(t.v.shape.attempt, 1);
    assert_int_equal(t.v.refs.first_in, 2);
    t_send(&t, SERVER, .flags = SYNACK, .seq = 5000, .wait_ns = T_SECOND); /* no other SYN since then */
    t_is(&t, synack_why, SYNACK_WHY, TIMER);
    assert_int_equal(t.v.shape.attempt, 2);
    t_end(&t);
}

static void synack_again_by_timer(void **state)
{
    struct t_talk t;

    (void)state;
    t_syn_sent(&t);
    t_send(&t, CLIENT, .flags = SYN, .seq = 1000, .wait_ns = T_SECOND); /* before the first SYN-ACK: does not count */
    t_send(&t, SERVER, .flags = SYNACK);
    t_is(&t, synack_why, SYNACK_WHY, NONE);
    t_send(&t, SERVER, .flags = SYNACK, .seq = 5000, .wait_ns = T_SECOND);
    t_is(&t, handshake_step, HANDSHAKE_STEP, SYNACK_RETRANSMISSION);
    t_is(&t, synack_why, SYNACK_WHY, TIMER);
    t_end(&t);
}

/* "Since the last SYN-ACK" means by order in the file: a coarse or stepping clock does not change it. */
static void the_order_of_frames_tells_why_a_synack_came_again(void **state)
{
    struct t_talk t;

    (void)state;
    t_syn_sent(&t);
    t_send(&t, CLIENT, .flags = SYN, .seq = 1000, .wait_ns = T_SECOND);
    t_send(&t, SERVER, .flags = SYNACK, .wait_ns = T_SAME_TIME);
    t_send(&t, SERVER, .flags = SYNACK, .seq = 5000, .wait_ns = T_SECOND);
    t_is(&t, synack_why, SYNACK_WHY, TIMER);
    t_end(&t);

    t_syn_received(&t);
    t_send(&t, CLIENT, .flags = SYN, .seq = 1000, .wait_ns = -T_SECOND);
    t_send(&t, SERVER, .flags = SYNACK, .seq = 5000);
    t_is(&t, synack_why, SYNACK_WHY, SYN_RETRANSMISSION);
    t_end(&t);
}

static void synack_copy_is_no_retransmission(void **state)
{
    struct t_talk t;

    (void)state;
    t_syn_sent(&t);
    t_send(&t, SERVER, .flags = SYNACK, .ip_id = 9);
    t_send(&t, SERVER, .flags = SYNACK, .seq = 5000, .ip_id = 9);
    t_is(&t, handshake_step, HANDSHAKE_STEP, SYNACK_COPY);
    t_know(&t, 0);
    assert_int_equal(t.facts.synack_attempts, 1);
    t_end(&t);
}

/* RFC 9293 figure 8: each SYN-ACK repeats the ISN of its sender's own SYN. From the second one on it is a retransmission. */
static void synack_with_the_number_of_the_own_syn_crosses(void **state)
{
    struct t_talk t;

    (void)state;
    t_syn_sent(&t);
    t_send(&t, SERVER, .flags = SYN);
    t_send(&t, CLIENT, .flags = SYNACK, .seq = 1000);
    t_is(&t, handshake_step, HANDSHAKE_STEP, SYNACK_CROSS);
    t_send(&t, CLIENT, .flags = SYNACK, .seq = 1000, .wait_ns = T_SECOND);
    t_is(&t, handshake_step, HANDSHAKE_STEP, SYNACK_RETRANSMISSION);
    t_send(&t, SERVER, .flags = SYNACK, .seq = 5000);
    t_is(&t, handshake_step, HANDSHAKE_STEP, SYNACK_CROSS);
    t_end(&t);
}

/* ---- third segment and the rest ------------------------------------------------------------------------------------------ */

static void first_ack_of_the_client_is_ack(void **state)
{
    struct t_talk t;

    (void)state;
    t_established(&t);
    t_is(&t, handshake_step, HANDSHAKE_STEP, ACK);
    t_know(&t, 0);
    assert_int_equal(t.facts.ack_in, 3);
    t_send(&t, CLIENT, .flags = TL_ACK);
    t_is(&t, handshake_step, HANDSHAKE_STEP, NONE);
    t_end(&t);
}

static void first_ack_with_payload_is_ack_data(void **state)
{
    struct t_talk t;

    (void)state;
    t_syn_received(&t);
    t_send(&t, CLIENT, .len = 10);
    t_is(&t, handshake_step, HANDSHAKE_STEP, ACK_DATA);
    t_is(&t, phase, PHASE, HANDSHAKE);
    t_end(&t);
}

/* RFC 9293 3.10.7.4: a synchronised end answers every SYN bit by an ACK; so it is a challenge ACK, too. */
static void ack_of_a_repeated_synack(void **state)
{
    struct t_talk t;

    (void)state;
    t_established(&t);
    t_send(&t, SERVER, .flags = SYNACK, .seq = 5000, .wait_ns = T_SECOND);
    t_send(&t, CLIENT, .flags = TL_ACK);
    t_is(&t, handshake_step, HANDSHAKE_STEP, ACK_AGAIN);
    t_is(&t, ack, ACK, CHALLENGE);
    assert_int_equal(t.v.refs.trigger_in, 4);
    t_end(&t);
}

static void server_acknowledges_the_syn_without_one_of_its_own(void **state)
{
    struct t_talk t;

    (void)state;
    t_syn_sent(&t);
    t_send(&t, SERVER, .ack = 1001);
    t_is(&t, handshake_step, HANDSHAKE_STEP, ACK_BEFORE_SYNACK);
    assert_int_not_equal(t.v.shape.ack, TL_ACK_CHALLENGE);
    t_end(&t);
}

/* RFC 5961 4, RFC 9293 3.5.1: numbers of a connection that is older than the capture. */
static void server_answers_the_syn_by_old_numbers(void **state)
{
    struct t_talk t;

    (void)state;
    t_syn_sent(&t);
    t_send(&t, SERVER, .seq = 9000, .ack = 777);
    t_is(&t, handshake_step, HANDSHAKE_STEP, CHALLENGE_ACK);
    t_is(&t, ack, ACK, CHALLENGE);
    assert_int_equal(t.v.refs.trigger_in, 1);
    t_states(&t, SYN_SENT, LISTEN);
    t_end(&t);
}

static void client_payload_before_the_synack_is_early(void **state)
{
    struct t_talk t;

    (void)state;
    t_syn_sent(&t);
    t_send(&t, CLIENT, .flags = T_NO_FLAGS | TL_PSH, .len = 10);
    t_is(&t, handshake_step, HANDSHAKE_STEP, EARLY_DATA);
    t_end(&t);
}

/* RFC 9293 3.10.4: CLOSE in SYN-RECEIVED sends a FIN. */
static void server_fin_before_the_ack_is_early(void **state)
{
    struct t_talk t;

    (void)state;
    t_syn_received(&t);
    t_send(&t, SERVER, .flags = TL_FIN | TL_ACK);
    t_is(&t, handshake_step, HANDSHAKE_STEP, EARLY_FIN);
    t_is(&t, endpoint[SERVER].state, STATE, FIN_WAIT_1);
    t_end(&t);
}

/* ---- roles ------------------------------------------------------------------------------------------------------------- */

#define sender_is(t, SENDER_TAG, CONFIDENCE_TAG)                                                                               \
    do {                                                                                                                       \
        t_is(t, sender, SENDER, SENDER_TAG);                                                                                   \
        t_is(t, sender_confidence, CONFIDENCE, CONFIDENCE_TAG);                                                                \
    } while (0)

/* R1, R2. */
static void who_sends_the_syn_is_the_client(void **state)
{
    struct t_talk t;

    (void)state;
    t_start(&t);
    t_send(&t, SERVER, .flags = SYN); /* whatever the ports look like */
    sender_is(&t, CLIENT, CERTAIN);
    t_send(&t, CLIENT, .flags = SYNACK);
    sender_is(&t, SERVER, CERTAIN);
    assert_int_equal(t.v.shape.client, SERVER);
    t_end(&t);
}

/* R3: the SYN was not captured. */
static void who_sends_a_lone_synack_is_likely_the_server(void **state)
{
    struct t_talk t;

    (void)state;
    t_start(&t);
    t_send(&t, CLIENT, .flags = SYNACK);
    sender_is(&t, SERVER, LIKELY);
    t_end(&t);
}

/* R3, second half: nobody had asked for that SYN-ACK (backscatter, a SYN-ACK scan), so it shows no server. */
static void a_synack_that_only_draws_a_rst_shows_no_server(void **state)
{
    struct t_talk t;

    (void)state;
    t_start(&t);
    t_send(&t, SERVER, .flags = SYNACK, .ack = 1001);
    t_send(&t, CLIENT, .flags = TL_RST, .seq = 1001);
    t_is(&t, rst_cause, RST_CAUSE, SYNACK_UNSOLICITED);
    t_is(&t, sender, SENDER, UNKNOWN);
    t_end(&t);
}

/* R4: the lower address is shown as the client, whoever was captured first. */
static void both_are_peers_in_a_simultaneous_open(void **state)
{
    struct t_talk t;

    (void)state;
    for (unsigned first = CLIENT; first <= SERVER; first++) {
        t_start(&t);
        t_send(&t, first, .flags = SYN);
        t_send(&t, 1 - first, .flags = SYN);
        sender_is(&t, PEER, CERTAIN);
        assert_int_equal(t.v.shape.client, 0);
        t_end(&t);
    }
}

/* R6, R7: ports tell, but it is a guess. */
static void midstream_roles(uint16_t port0, bool service0, uint16_t port1, bool service1, unsigned first, unsigned client)
{
    struct t_talk t;
    const struct tl_endpoints ends = {.port = {port0, port1}, .is_service = {service0, service1}};

    t_start(&t);
    tl_pair_free(t.pair);
    t.pair = tl_pair_new(t.tracker, &ends);
    t_send(&t, first, .flags = TL_ACK);
    assert_int_equal(t.v.shape.client, client);
    t_is(&t, sender_confidence, CONFIDENCE, GUESS);
    assert_true(t_flag(&t, TL_SHAPE_MIDSTREAM));
    t_end(&t);
}

/* threshold: WELL_KNOWN */
static void midstream_roles_are_guessed_by_the_ports(void **state)
{
    (void)state;
    midstream_roles(40000, false, 1023, false, CLIENT, 0); /* exactly one below 1024 */
    midstream_roles(1023, false, 40000, false, CLIENT, 1);
    midstream_roles(1024, false, 1023, false, SERVER, 0);
    midstream_roles(40000, false, 8080, true, CLIENT, 0); /* exactly one registered */
    midstream_roles(8080, true, 9090, false, CLIENT, 1);
    midstream_roles(9090, true, 8080, true, CLIENT, 0);     /* both: the lower number serves */
    midstream_roles(50000, false, 60000, false, SERVER, 1); /* neither */
    midstream_roles(5000, false, 5000, false, CLIENT, 0);   /* equal: the first sender is the client */
    midstream_roles(5000, false, 5000, false, SERVER, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_syn_is_syn),
        cmocka_unit_test(same_isn_again_is_a_retransmission),
        cmocka_unit_test(same_packet_again_is_a_copy),
        cmocka_unit_test(empty_fast_open_option_asks_for_a_cookie),
        cmocka_unit_test(cookie_makes_a_fast_open_syn),
        cmocka_unit_test(payload_without_fast_open_is_syn_data),
        cmocka_unit_test(syn_while_the_other_syn_is_unanswered_crosses),
        cmocka_unit_test(syn_captured_after_its_synack_is_reordered),
        cmocka_unit_test(synack_must_acknowledge_the_syn_and_at_most_its_data),
        cmocka_unit_test(synack_again_because_the_syn_came_again),
        cmocka_unit_test(synack_again_by_timer),
        cmocka_unit_test(the_order_of_frames_tells_why_a_synack_came_again),
        cmocka_unit_test(synack_copy_is_no_retransmission),
        cmocka_unit_test(synack_with_the_number_of_the_own_syn_crosses),
        cmocka_unit_test(first_ack_of_the_client_is_ack),
        cmocka_unit_test(first_ack_with_payload_is_ack_data),
        cmocka_unit_test(ack_of_a_repeated_synack),
        cmocka_unit_test(server_acknowledges_the_syn_without_one_of_its_own),
        cmocka_unit_test(server_answers_the_syn_by_old_numbers),
        cmocka_unit_test(client_payload_before_the_synack_is_early),
        cmocka_unit_test(server_fin_before_the_ack_is_early),
        cmocka_unit_test(who_sends_the_syn_is_the_client),
        cmocka_unit_test(who_sends_a_lone_synack_is_likely_the_server),
        cmocka_unit_test(a_synack_that_only_draws_a_rst_shows_no_server),
        cmocka_unit_test(both_are_peers_in_a_simultaneous_open),
        cmocka_unit_test(midstream_roles_are_guessed_by_the_ports),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
