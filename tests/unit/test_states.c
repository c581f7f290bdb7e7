/* test_states.c - tests of tl_states: from segments to the RFC 9293 states of both ends, and states taken back.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "tl_test.h"

enum { SYN = TL_SYN, SYNACK = TL_SYN | TL_ACK, FIN = TL_FIN | TL_ACK, RST = TL_RST };

#define sure(t, END, CONFIDENCE_TAG) t_is(t, endpoint[END].confidence, CONFIDENCE, CONFIDENCE_TAG)

/* ---- opening: RFC 9293 figures 6 and 8 ------------------------------------------------------------------------------------ */

static void three_way_handshake(void **state)
{
    struct t_talk t;

    (void)state;
    t_syn_sent(&t);
    t_states(&t, SYN_SENT, LISTEN);
    sure(&t, CLIENT, CERTAIN);
    sure(&t, SERVER, GUESS); /* it may as well be CLOSED */
    t_send(&t, SERVER, .flags = SYNACK);
    t_states(&t, ESTABLISHED, SYN_RECEIVED);
    sure(&t, CLIENT, LIKELY); /* once it arrives */
    sure(&t, SERVER, CERTAIN);
    t_send(&t, CLIENT, .flags = TL_ACK);
    t_states(&t, ESTABLISHED, ESTABLISHED);
    sure(&t, CLIENT, CERTAIN);
    sure(&t, SERVER, LIKELY);
    t_send(&t, SERVER, .len = 5);
    t_states(&t, ESTABLISHED, ESTABLISHED);
    sure(&t, SERVER, CERTAIN);
    t_end(&t);
}

static void simultaneous_open(void **state)
{
    struct t_talk t;

    (void)state;
    t_syn_sent(&t);
    t_send(&t, SERVER, .flags = SYN);
    assert_int_equal(t.v.shape.endpoint[SERVER].path[0], TL_STATE_SYN_SENT);
    assert_int_equal(t.v.shape.endpoint[SERVER].path[1], TL_STATE_SYN_RECEIVED);
    t_states(&t, SYN_RECEIVED, SYN_RECEIVED);
    sure(&t, CLIENT, LIKELY);
    sure(&t, SERVER, LIKELY);
    t_send(&t, CLIENT, .flags = SYNACK, .seq = 1000);
    t_states(&t, SYN_RECEIVED, ESTABLISHED);
    sure(&t, CLIENT, CERTAIN);
    t_send(&t, SERVER, .flags = SYNACK, .seq = 5000);
    t_states(&t, ESTABLISHED, ESTABLISHED);
    t_end(&t);
}

/* The SYN-ACK was not captured. */
static void client_that_goes_on_shows_the_states_of_both(void **state)
{
    struct t_talk t;

    (void)state;
    t_syn_sent(&t);
    t_send(&t, CLIENT, .flags = TL_ACK, .ack = 5001);
    t_states(&t, ESTABLISHED, ESTABLISHED);
    assert_int_equal(t.v.shape.endpoint[SERVER].path[0], TL_STATE_SYN_RECEIVED);
    assert_int_equal(t.v.shape.endpoint[SERVER].path[1], TL_STATE_ESTABLISHED);
    sure(&t, CLIENT, CERTAIN);
    sure(&t, SERVER, LIKELY);
    t_end(&t);
}

static void midstream_is_established_but_only_likely(void **state)
{
    struct t_talk t;

    (void)state;
    t_start(&t);
    t_send(&t, CLIENT, .flags = TL_ACK);
    t_is(&t, endpoint[CLIENT].state, STATE, ESTABLISHED);
    sure(&t, CLIENT, LIKELY); /* the other FIN may lie before the capture */
    t_end(&t);
}

/* ---- closing: figures 12 and 13 --------------------------------------------------------------------------------------------- */

static void orderly_close(void **state)
{
    struct t_talk t;

    (void)state;
    t_fin_wait_1(&t);
    t_states(&t, FIN_WAIT_1, CLOSE_WAIT);
    sure(&t, CLIENT, CERTAIN);
    sure(&t, SERVER, LIKELY);
    t_send(&t, SERVER, .flags = TL_ACK);
    t_states(&t, FIN_WAIT_2, CLOSE_WAIT);
    sure(&t, CLIENT, LIKELY);
    sure(&t, SERVER, CERTAIN);
    t_send(&t, SERVER, .flags = FIN);
    t_states(&t, TIME_WAIT, LAST_ACK);
    sure(&t, CLIENT, LIKELY);
    sure(&t, SERVER, CERTAIN);
    t_send(&t, CLIENT, .flags = TL_ACK);
    t_states(&t, TIME_WAIT, CLOSED);
    sure(&t, CLIENT, CERTAIN);
    sure(&t, SERVER, LIKELY);
    t_end(&t);
}

/* FIN-WAIT-1, peer FIN that acknowledges the own one: through FIN-WAIT-2 to TIME-WAIT. */
static void fin_wait_1_gets_fin_with_ack_of_fin_goes_to_time_wait(void **state)
{
    struct t_talk t;

    (void)state;
    t_fin_wait_1(&t);
    t_send(&t, SERVER, .flags = FIN);
    t_states(&t, TIME_WAIT, LAST_ACK);
    assert_int_equal(t.v.shape.endpoint[CLIENT].before, TL_STATE_FIN_WAIT_1);
    assert_int_equal(t.v.shape.endpoint[CLIENT].path[0], TL_STATE_FIN_WAIT_2);
    assert_int_equal(t.v.shape.endpoint[CLIENT].path[1], TL_STATE_TIME_WAIT);
    t_end(&t);
}

/* Its FIN does not acknowledge the peer's: CLOSE-WAIT had not come about. */
static void crossing_fin_withdraws_close_wait(void **state)
{
    struct t_talk t;

    (void)state;
    t_fin_wait_1(&t);
    t_is(&t, endpoint[SERVER].state, STATE, CLOSE_WAIT);
    t_send(&t, SERVER, .flags = FIN, .ack = 1001);
    t_is(&t, endpoint[SERVER].withdrawn, STATE, CLOSE_WAIT);
    t_states(&t, CLOSING, CLOSING);
    assert_int_equal(t.v.shape.endpoint[SERVER].path[0], TL_STATE_FIN_WAIT_1);
    assert_int_equal(t.v.shape.endpoint[SERVER].path[1], TL_STATE_CLOSING);
    sure(&t, SERVER, LIKELY);
    t_send(&t, SERVER, .flags = TL_ACK, .ack = 1002);
    t_states(&t, TIME_WAIT, CLOSING);
    sure(&t, SERVER, CERTAIN);
    t_send(&t, CLIENT, .flags = TL_ACK);
    t_states(&t, TIME_WAIT, TIME_WAIT);
    t_end(&t);
}

/* RFC 9293 3.10.4: CLOSE in SYN-RECEIVED. */
static void fin_in_syn_received_goes_to_fin_wait_1(void **state)
{
    struct t_talk t;

    (void)state;
    t_syn_received(&t);
    t_send(&t, SERVER, .flags = FIN);
    t_is(&t, endpoint[SERVER].state, STATE, FIN_WAIT_1);
    assert_int_equal(t.v.shape.endpoint[SERVER].path[0], TL_STATE_FIN_WAIT_1);
    t_end(&t);
}

/* The peer was never captured: FIN-WAIT-1 or LAST-ACK, nobody can tell. */
static void fin_of_one_direction_leaves_both_unknown(void **state)
{
    struct t_talk t;

    (void)state;
    t_start(&t);
    t_send(&t, SERVER, .len = 5, .ack = 1001);
    t_send(&t, SERVER, .flags = FIN, .ack = 1001);
    t_states(&t, UNKNOWN, UNKNOWN);
    sure(&t, SERVER, NONE);
    t_end(&t);
}

/* ---- taken back ----------------------------------------------------------------------------------------------------------- */

static void repeated_syn_takes_established_back(void **state)
{
    struct t_talk t;

    (void)state;
    t_syn_received(&t);
    t_send(&t, CLIENT, .flags = SYN, .seq = 1000, .wait_ns = T_SECOND);
    t_is(&t, endpoint[CLIENT].state, STATE, SYN_SENT);
    t_is(&t, endpoint[CLIENT].withdrawn, STATE, ESTABLISHED);
    sure(&t, CLIENT, CERTAIN);
    t_end(&t);
}

static void repeated_synack_takes_established_back(void **state)
{
    struct t_talk t;

    (void)state;
    t_established(&t);
    t_send(&t, SERVER, .flags = SYNACK, .seq = 5000, .wait_ns = T_SECOND);
    t_states(&t, ESTABLISHED, SYN_RECEIVED);
    t_is(&t, endpoint[SERVER].withdrawn, STATE, ESTABLISHED);
    t_send(&t, CLIENT, .flags = TL_ACK);
    t_states(&t, ESTABLISHED, ESTABLISHED);
    t_end(&t);
}

/* A server that was certainly established does not fall back: that SYN-ACK was old. */
static void repeated_synack_does_not_take_a_certain_state_back(void **state)
{
    struct t_talk t;

    (void)state;
    t_established(&t);
    t_send(&t, SERVER, .len = 5);
    t_send(&t, SERVER, .flags = SYNACK, .seq = 5000, .wait_ns = T_SECOND);
    t_states(&t, ESTABLISHED, ESTABLISHED);
    t_is(&t, endpoint[SERVER].withdrawn, STATE, NONE);
    t_end(&t);
}

static void repeated_fin_takes_fin_wait_2_back(void **state)
{
    struct t_talk t;

    (void)state;
    t_fin_wait_2(&t);
    t_send(&t, CLIENT, .flags = FIN, .seq = 1001, .wait_ns = T_SECOND);
    t_is(&t, endpoint[CLIENT].state, STATE, FIN_WAIT_1);
    t_is(&t, endpoint[CLIENT].withdrawn, STATE, FIN_WAIT_2);
    t_send(&t, SERVER, .flags = TL_ACK);
    t_is(&t, endpoint[CLIENT].state, STATE, FIN_WAIT_2);
    t_end(&t);
}

/* The last ACK was lost: the server is back in LAST-ACK until it comes again. */
static void repeated_fin_takes_closed_back(void **state)
{
    struct t_talk t;

    (void)state;
    t_time_wait(&t);
    t_send(&t, SERVER, .flags = FIN, .seq = 5001, .wait_ns = T_SECOND);
    t_states(&t, TIME_WAIT, LAST_ACK);
    t_is(&t, endpoint[SERVER].withdrawn, STATE, CLOSED);
    t_send(&t, CLIENT, .flags = TL_ACK);
    t_states(&t, TIME_WAIT, CLOSED);
    t_end(&t);
}

static void copies_take_nothing_back(void **state)
{
    struct t_talk t;

    (void)state;
    t_fin_wait_2(&t);
    t_send(&t, SERVER, .flags = FIN, .ip_id = 4);
    t_send(&t, CLIENT, .flags = TL_ACK);
    t_send(&t, SERVER, .flags = FIN, .seq = 5001, .ip_id = 4);
    assert_true(t_flag(&t, TL_SHAPE_COPY));
    t_states(&t, TIME_WAIT, CLOSED);
    t_is(&t, endpoint[SERVER].withdrawn, STATE, NONE);
    t_end(&t);
}

static void history_leaves_withdrawn_states_out(void **state)
{
    static const enum tl_state server[] = {TL_STATE_LISTEN,     TL_STATE_SYN_RECEIVED, TL_STATE_ESTABLISHED,
                                           TL_STATE_CLOSE_WAIT, TL_STATE_LAST_ACK,     TL_STATE_CLOSED};
    uint64_t expected = 0;
    struct t_talk t;

    (void)state;
    t_time_wait(&t);
    t_send(&t, SERVER, .flags = FIN, .seq = 5001, .wait_ns = T_SECOND);
    t_send(&t, CLIENT, .flags = TL_ACK);
    for (unsigned i = 0; i < sizeof server / sizeof server[0]; i++) {
        expected = expected << 4 | server[i];
    }
    t_know(&t, 0);
    assert_true(t.facts.history[SERVER] == expected);
    t_end(&t);
}

/* ---- resets ------------------------------------------------------------------------------------------------------------ */

static void refused_syn_closes_both(void **state)
{
    struct t_talk t;

    (void)state;
    t_syn_sent(&t);
    t_send(&t, SERVER, .flags = RST | TL_ACK, .raw_seq_0 = true, .ack = 1001);
    t_states(&t, CLOSED, CLOSED);
    sure(&t, CLIENT, LIKELY);
    t_end(&t);
}

/* RFC 9293 3.10.7.4, second check: opened passively, SYN-RECEIVED returns to LISTEN. */
static void syn_received_gets_rst_returns_to_listen(void **state)
{
    struct t_talk t;

    (void)state;
    t_syn_received(&t);
    t_send(&t, CLIENT, .flags = RST, .seq = 1001);
    t_states(&t, CLOSED, LISTEN);
    t_end(&t);
}

/* The same check: "If this connection was initiated with an active OPEN (i.e., came from SYN-SENT state)" it is CLOSED. */
static void syn_received_after_syn_sent_gets_rst_is_closed(void **state)
{
    struct t_talk t;

    (void)state;
    t_syn_sent(&t);
    t_send(&t, SERVER, .flags = SYN);
    t_send(&t, CLIENT, .flags = SYNACK, .seq = 1000);
    t_is(&t, endpoint[CLIENT].state, STATE, SYN_RECEIVED);
    t_send(&t, SERVER, .flags = RST | TL_ACK, .seq = 5001, .ack = 1001);
    t_is(&t, rst_effect, RST_EFFECT, ACCEPTED);
    t_is(&t, endpoint[CLIENT].state, STATE, CLOSED);
    t_end(&t);
}

/* The sender, too, only likely: its address may be somebody else's. Certain when TTL, IP ID and timestamps are its own. */
static void abort_closes_both_ends_likely(void **state)
{
    struct t_talk t;

    (void)state;
    t_established(&t);
    t_send(&t, CLIENT, .flags = RST | TL_ACK);
    t_states(&t, CLOSED, CLOSED);
    sure(&t, CLIENT, LIKELY);
    sure(&t, SERVER, LIKELY);
    t_end(&t);
}

/* Challenged or ignored: the receiver's state stays; out of the window perhaps nobody at that end sent it. */
static void rst_outside_the_window_changes_nobody(void **state)
{
    struct t_talk t;

    (void)state;
    t_established(&t);
    t_send(&t, SERVER, .flags = RST, .seq = 8000);
    t_is(&t, rst_cause, RST_CAUSE, OUT_OF_WINDOW);
    t_states(&t, ESTABLISHED, ESTABLISHED);
    t_send(&t, SERVER, .flags = RST, .seq = 5500);
    t_is(&t, rst_cause, RST_CAUSE, AHEAD);
    t_states(&t, ESTABLISHED, ESTABLISHED);
    t_end(&t);
}

/* A device on the path may have answered in its name. */
static void end_that_lost_the_connection_is_unknown(void **state)
{
    struct t_talk t;

    (void)state;
    t_established(&t);
    t_send(&t, SERVER, .len = 5);
    t_send(&t, CLIENT, .flags = TL_ACK);
    t_send(&t, CLIENT, .len = 5);
    t_send(&t, SERVER, .flags = RST, .seq = 5006);
    t_is(&t, rst_cause, RST_CAUSE, HALF_OPEN);
    t_is(&t, endpoint[SERVER].state, STATE, UNKNOWN);
    t_end(&t);
}

/* It was not heard before, the RST probably did not arrive either. */
static void end_that_answered_no_probe_is_unknown(void **state)
{
    struct t_talk t;

    (void)state;
    t_established(&t);
    t_send(&t, SERVER, .flags = TL_ACK);
    t_send(&t, CLIENT, .len = 5);
    t_send(&t, SERVER, .flags = TL_ACK);
    for (unsigned i = 0; i < 3; i++) {
        t_send(&t, CLIENT, .seq = 1005, .wait_ns = 10 * T_SECOND);
        t_is(&t, keepalive, PROBE_KIND, PROBE);
    }
    t_send(&t, CLIENT, .flags = RST | TL_ACK, .wait_ns = 10 * T_SECOND);
    t_is(&t, rst_cause, RST_CAUSE, KEEPALIVE_TIMEOUT);
    t_states(&t, CLOSED, UNKNOWN);
    t_end(&t);
}

/* TIME-WAIT answers by ACK; an end that answers by RST no longer holds it. */
static void time_wait_that_answers_by_rst_is_closed(void **state)
{
    struct t_talk t;

    (void)state;
    t_time_wait(&t);
    t_send(&t, SERVER, .flags = FIN, .seq = 5001, .wait_ns = T_SECOND);
    t_send(&t, CLIENT, .flags = RST, .seq = 1002);
    t_is(&t, rst_form, RST_FORM, REPLY_ACK);
    t_is(&t, endpoint[CLIENT].state, STATE, CLOSED);
    sure(&t, CLIENT, LIKELY);
    t_end(&t);
}

/* RFC 9293 3.10.7.4 closes, RFC 1337 says ignore it: only the exact number can matter. */
static void time_wait_that_gets_an_exact_rst_is_a_guess(void **state)
{
    struct t_talk t;

    (void)state;
    t_time_wait(&t);
    t_send(&t, SERVER, .flags = RST, .seq = 5000);
    t_is(&t, endpoint[CLIENT].state, STATE, TIME_WAIT);
    sure(&t, CLIENT, CERTAIN);
    t_send(&t, SERVER, .flags = RST, .seq = 5002);
    t_is(&t, endpoint[CLIENT].state, STATE, TIME_WAIT);
    sure(&t, CLIENT, GUESS);
    t_end(&t);
}

/* RFC 9293 3.10.7.3: the answer to a wrong SYN-ACK leaves SYN-SENT. */
static void client_that_rejects_a_wrong_synack_stays_in_syn_sent(void **state)
{
    struct t_talk t;

    (void)state;
    t_syn_sent(&t);
    t_send(&t, SERVER, .flags = SYNACK, .ack = 900);
    t_states(&t, SYN_SENT, LISTEN);
    t_send(&t, CLIENT, .flags = RST, .seq = 900);
    t_is(&t, endpoint[CLIENT].state, STATE, SYN_SENT);
    t_end(&t);
}

/* ---- life after a RST ---------------------------------------------------------------------------------------------------- */

/* docs/design.md, "States taken back": a receiver that sends later than max(3 ms, RTT) did not get the RST. */
static void receiver_goes_on(int64_t rtt_ns, int64_t after_ns, bool alive)
{
    struct t_talk t;

    t_syn_sent(&t);
    t_send(&t, SERVER, .flags = SYNACK, .wait_ns = rtt_ns / 2);
    t_send(&t, CLIENT, .wait_ns = rtt_ns - rtt_ns / 2);
    t_send(&t, SERVER, .flags = TL_ACK);
    t_send(&t, SERVER, .flags = RST | TL_ACK);
    t_states(&t, CLOSED, CLOSED);
    t_send(&t, CLIENT, .len = 5, .wait_ns = after_ns);
    assert_int_equal(t.v.shape.endpoint[CLIENT].withdrawn, alive ? TL_STATE_CLOSED : TL_STATE_NONE);
    assert_int_equal(t.v.shape.endpoint[CLIENT].state, alive ? TL_STATE_ESTABLISHED : TL_STATE_CLOSED);
    t_is(&t, endpoint[SERVER].state, STATE, CLOSED);
    t_end(&t);
}

/* threshold: UNDER_WAY_NS */
static void receiver_that_goes_on_later_than_a_round_trip_did_not_get_the_rst(void **state)
{
    (void)state;
    receiver_goes_on(T_MS, 3 * T_MS, false);
    receiver_goes_on(T_MS, 3 * T_MS + 1, true);
    receiver_goes_on(40 * T_MS, 40 * T_MS, false);
    receiver_goes_on(40 * T_MS, 40 * T_MS + 1, true);
}

/* RFC 5961 3.2: a challenge ACK shows that the RST was not taken, as soon as the RST can have got there. */
static void challenge_ack_takes_closed_back_at_once(void **state)
{
    struct t_talk t;

    (void)state;
    t_established(&t);
    t_send(&t, SERVER, .len = 100);
    t_send(&t, SERVER, .flags = RST | TL_ACK);
    t_states(&t, CLOSED, CLOSED);
    t_send(&t, CLIENT, .ack = 5001, .wait_ns = 20 * T_MS);
    t_is(&t, ack, ACK, CHALLENGE);
    t_is(&t, endpoint[CLIENT].state, STATE, ESTABLISHED);
    t_is(&t, endpoint[CLIENT].withdrawn, STATE, CLOSED);
    t_end(&t);
}

/* The sender of the RST itself sends new bytes: somebody else had sent the RST. */
static void sender_that_goes_on_had_not_sent_the_rst(void **state)
{
    struct t_talk t;

    (void)state;
    t_established(&t);
    t_send(&t, SERVER, .len = 5);
    t_send(&t, CLIENT, .flags = TL_ACK);
    t_send(&t, SERVER, .flags = RST | TL_ACK);
    t_send(&t, SERVER, .len = 5, .wait_ns = 100 * T_MS);
    t_is(&t, endpoint[SERVER].state, STATE, ESTABLISHED);
    t_is(&t, endpoint[SERVER].withdrawn, STATE, CLOSED);
    t_end(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(three_way_handshake),
        cmocka_unit_test(simultaneous_open),
        cmocka_unit_test(client_that_goes_on_shows_the_states_of_both),
        cmocka_unit_test(midstream_is_established_but_only_likely),
        cmocka_unit_test(orderly_close),
        cmocka_unit_test(fin_wait_1_gets_fin_with_ack_of_fin_goes_to_time_wait),
        cmocka_unit_test(crossing_fin_withdraws_close_wait),
        cmocka_unit_test(fin_in_syn_received_goes_to_fin_wait_1),
        cmocka_unit_test(fin_of_one_direction_leaves_both_unknown),
        cmocka_unit_test(repeated_syn_takes_established_back),
        cmocka_unit_test(repeated_synack_takes_established_back),
        cmocka_unit_test(repeated_synack_does_not_take_a_certain_state_back),
        cmocka_unit_test(repeated_fin_takes_fin_wait_2_back),
        cmocka_unit_test(repeated_fin_takes_closed_back),
        cmocka_unit_test(copies_take_nothing_back),
        cmocka_unit_test(history_leaves_withdrawn_states_out),
        cmocka_unit_test(refused_syn_closes_both),
        cmocka_unit_test(syn_received_gets_rst_returns_to_listen),
        cmocka_unit_test(syn_received_after_syn_sent_gets_rst_is_closed),
        cmocka_unit_test(abort_closes_both_ends_likely),
        cmocka_unit_test(rst_outside_the_window_changes_nobody),
        cmocka_unit_test(end_that_lost_the_connection_is_unknown),
        cmocka_unit_test(end_that_answered_no_probe_is_unknown),
        cmocka_unit_test(time_wait_that_answers_by_rst_is_closed),
        cmocka_unit_test(time_wait_that_gets_an_exact_rst_is_a_guess),
        cmocka_unit_test(client_that_rejects_a_wrong_synack_stays_in_syn_sent),
        cmocka_unit_test(receiver_that_goes_on_later_than_a_round_trip_did_not_get_the_rst),
        cmocka_unit_test(challenge_ack_takes_closed_back_at_once),
        cmocka_unit_test(sender_that_goes_on_had_not_sent_the_rst),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
