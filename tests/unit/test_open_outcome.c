/* test_open_outcome.c - tests of tl_open: how a handshake ended, and its timing. Steps and numbers: test_open.c.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "tl_test.h"

enum { SYN = TL_SYN, SYNACK = TL_SYN | TL_ACK, TS = TL_OPT_TIMESTAMPS };

#define outcome_is(t, after_ns, OUTCOME_TAG)                                                                                   \
    do {                                                                                                                       \
        t_know(t, after_ns);                                                                                                   \
        t_fact_is(t, outcome, OUTCOME, OUTCOME_TAG);                                                                           \
    } while (0)

/* ---- nothing decided yet ----------------------------------------------------------------------------------------------- */

/* docs/design.md, thresholds: max(3 s, 3 times the last gap) after the last SYN. */
/* threshold: PENDING_GAPS, PENDING_NS */
static void syn_is_pending_for_3_s(void **state)
{
    struct t_talk t;

    (void)state;
    t_syn_sent(&t);
    outcome_is(&t, 0, PENDING);
    outcome_is(&t, 3 * T_SECOND - 1, PENDING);
    outcome_is(&t, 3 * T_SECOND, UNANSWERED);
    t_end(&t);
}

static void repeated_syn_is_pending_for_3_times_the_last_gap(void **state)
{
    struct t_talk t;

    (void)state;
    t_syn_sent(&t);
    t_send(&t, CLIENT, .flags = SYN, .seq = 1000, .wait_ns = T_SECOND);
    outcome_is(&t, 3 * T_SECOND - 1, PENDING); /* 3 x 1 s is 3 s, too */
    outcome_is(&t, 3 * T_SECOND, UNANSWERED);
    t_send(&t, CLIENT, .flags = SYN, .seq = 1000, .wait_ns = 2 * T_SECOND);
    outcome_is(&t, 6 * T_SECOND - 1, PENDING);
    outcome_is(&t, 6 * T_SECOND, UNANSWERED);
    t_end(&t);
}

static void synack_is_pending_then_half_open(void **state)
{
    struct t_talk t;

    (void)state;
    t_syn_received(&t);
    outcome_is(&t, 3 * T_SECOND - 1, PENDING);
    outcome_is(&t, 3 * T_SECOND, HALF_OPEN);
    t_send(&t, SERVER, .flags = SYNACK, .seq = 5000, .wait_ns = 4 * T_SECOND);
    outcome_is(&t, 12 * T_SECOND - 1, PENDING);
    outcome_is(&t, 12 * T_SECOND, HALF_OPEN);
    t_end(&t);
}

/* The capture starts with the SYN-ACK: nothing shows that the client went on. */
static void lone_synack_is_no_complete_handshake(void **state)
{
    struct t_talk t;

    (void)state;
    t_start(&t);
    t_send(&t, SERVER, .flags = SYNACK, .ack = 1001);
    outcome_is(&t, 0, PENDING);
    outcome_is(&t, 3 * T_SECOND, HALF_OPEN);
    assert_false(t_flag(&t, TL_SHAPE_PROVES_OUTCOME));
    t_end(&t);
}

/* ---- complete ---------------------------------------------------------------------------------------------------------- */

static void all_three_captured_is_complete(void **state)
{
    struct t_talk t;

    (void)state;
    t_syn_received(&t);
    assert_false(t_flag(&t, TL_SHAPE_PROVES_OUTCOME));
    t_send(&t, CLIENT, .flags = TL_ACK);
    assert_true(t_flag(&t, TL_SHAPE_PROVES_OUTCOME));
    outcome_is(&t, 0, COMPLETE);
    t_fact_is(&t, missing, MISSING, NONE);
    t_send(&t, CLIENT, .len = 5);
    assert_false(t_flag(&t, TL_SHAPE_PROVES_OUTCOME));
    t_end(&t);
}

#define inferred_without(t, MISSING_TAG)                                                                                       \
    do {                                                                                                                       \
        assert_true(t_flag(t, TL_SHAPE_PROVES_OUTCOME));                                                                       \
        outcome_is(t, 0, COMPLETE_INFERRED);                                                                                   \
        t_fact_is(t, missing, MISSING, MISSING_TAG);                                                                           \
    } while (0)

static void syn_not_captured_is_inferred(void **state)
{
    struct t_talk t;

    (void)state;
    t_start(&t);
    t_send(&t, SERVER, .flags = SYNACK, .ack = 1001);
    t_send(&t, CLIENT, .seq = 1001);
    inferred_without(&t, SYN);
    t_end(&t);
}

/* docs/design.md, outcome (a): only an end that has processed a SYN-ACK goes on behind its SYN. */
static void synack_not_captured_is_inferred(void **state)
{
    struct t_talk t;

    (void)state;
    t_syn_sent(&t);
    t_send(&t, CLIENT, .len = 10, .ack = 5001);
    inferred_without(&t, SYNACK);
    t_states(&t, ESTABLISHED, ESTABLISHED);
    t_end(&t);
}

static void ack_not_captured_is_inferred_from_data_of_the_server(void **state)
{
    struct t_talk t;

    (void)state;
    t_syn_received(&t);
    t_send(&t, SERVER, .len = 10);
    inferred_without(&t, ACK);
    t_send(&t, CLIENT, .flags = TL_ACK); /* captured late, after all */
    outcome_is(&t, 0, COMPLETE);
    t_end(&t);
}

/* (b): the client's direction was never captured. */
static void client_not_captured_is_inferred_from_any_segment_of_the_server(void **state)
{
    struct t_talk t;

    (void)state;
    t_start(&t);
    t_send(&t, SERVER, .flags = SYNACK, .ack = 1001);
    t_send(&t, SERVER, .ack = 1011);
    inferred_without(&t, SYN);
    t_end(&t);
}

/* RFC 7413 4.2: a server may send data before the third segment when it took the data on the SYN. */
static void fast_open_data_of_the_server_infers_nothing(void **state)
{
    struct t_talk t;

    (void)state;
    t_start(&t);
    t_send(&t, CLIENT, .flags = SYN, .len = 5, .options = TL_OPT_FAST_OPEN, .fast_open_bytes = 8);
    t_send(&t, SERVER, .flags = SYNACK, .ack = 1006);
    t_send(&t, SERVER, .len = 100, .ack = 1006);
    outcome_is(&t, 0, PENDING);
    t_is(&t, phase, PHASE, HANDSHAKE);
    t_send(&t, CLIENT, .ack = 5101);
    outcome_is(&t, 0, COMPLETE);
    t_end(&t);
}

static void lone_rst_is_not_captured(void **state)
{
    struct t_talk t;

    (void)state;
    t_start(&t);
    t_send(&t, CLIENT, .flags = TL_RST);
    outcome_is(&t, 10 * T_SECOND, NOT_CAPTURED);
    t_end(&t);
}

static void midstream_is_not_captured(void **state)
{
    struct t_talk t;

    (void)state;
    t_midstream(&t);
    outcome_is(&t, 10 * T_SECOND, NOT_CAPTURED);
    t_end(&t);
}

/* ---- both ends open ---------------------------------------------------------------------------------------------------- */

/* RFC 9293 figure 8: complete when each ISN + 1 has been acknowledged; no further ACK is needed. */
static void crossing_syns_and_synacks_are_a_simultaneous_open(void **state)
{
    struct t_talk t;

    (void)state;
    t_syn_sent(&t);
    t_send(&t, SERVER, .flags = SYN);
    t_send(&t, CLIENT, .flags = SYNACK, .seq = 1000);
    assert_false(t_flag(&t, TL_SHAPE_PROVES_OUTCOME));
    t_send(&t, SERVER, .flags = SYNACK, .seq = 5000);
    assert_true(t_flag(&t, TL_SHAPE_PROVES_OUTCOME));
    outcome_is(&t, 0, SIMULTANEOUS);
    t_states(&t, ESTABLISHED, ESTABLISHED);
    t_end(&t);
}

static void one_synack_between_crossing_syns_is_a_split_handshake(void **state)
{
    struct t_talk t;

    (void)state;
    t_syn_sent(&t);
    t_send(&t, SERVER, .flags = SYN);
    t_send(&t, CLIENT, .flags = SYNACK, .seq = 1000);
    t_send(&t, SERVER, .flags = TL_ACK);
    outcome_is(&t, 0, SPLIT);
    t_send(&t, CLIENT, .len = 5);
    t_is(&t, phase, PHASE, ESTABLISHED);
    t_is(&t, sender, SENDER, CLIENT);
    t_end(&t);
}

/* ---- refused, reset, challenged ------------------------------------------------------------------------------------------ */

static void rst_of_the_syn_is_refused(void **state)
{
    struct t_talk t;

    (void)state;
    t_syn_sent(&t);
    t_send(&t, SERVER, .flags = TL_RST | TL_ACK, .raw_seq_0 = true, .ack = 1001);
    assert_true(t_flag(&t, TL_SHAPE_PROVES_OUTCOME));
    outcome_is(&t, 0, REFUSED);
    t_is(&t, handshake_step, HANDSHAKE_STEP, RST_SYN);
    t_end(&t);
}

/* RFC 9293 3.10.7.3: an unacceptable RST leaves SYN-SENT alone, so the outcome stays open. */
static void rst_that_the_client_ignores_refuses_nothing(void **state)
{
    struct t_talk t;

    (void)state;
    t_syn_sent(&t);
    t_send(&t, SERVER, .flags = TL_RST | TL_ACK, .raw_seq_0 = true, .ack = 1002);
    outcome_is(&t, 0, PENDING);
    t_send(&t, SERVER, .flags = SYNACK);
    t_send(&t, CLIENT, .flags = TL_ACK);
    outcome_is(&t, 0, COMPLETE);
    t_end(&t);
}

/* When the client resets, after the SYN-ACK: max(10 ms, 2 half RTTs), 0.9 s between SYN and SYN-ACK. */
static void client_rst_after(int64_t syn_to_synack_ns, int64_t synack_to_rst_ns, bool synack_again, enum tl_client_rst when)
{
    struct t_talk t;

    t_syn_sent(&t);
    t_send(&t, SERVER, .flags = SYNACK, .wait_ns = syn_to_synack_ns);
    if (synack_again) {
        t_send(&t, SERVER, .flags = SYNACK, .seq = 5000);
    }
    t_send(&t, CLIENT, .flags = TL_RST, .seq = 1001, .wait_ns = synack_to_rst_ns);
    outcome_is(&t, 0, CLIENT_RST);
    assert_string_equal(t_name(TL_GROUP_CLIENT_RST, t.facts.client_rst), t_name(TL_GROUP_CLIENT_RST, when));
    t_is(&t, handshake_step, HANDSHAKE_STEP, RST_SYNACK);
    t_end(&t);
}

/* threshold: AT_ONCE_NS */
static void client_rst_at_once_late_or_other(void **state)
{
    (void)state;
    client_rst_after(T_MS, 10 * T_MS, false, TL_CLIENT_RST_AT_ONCE);
    client_rst_after(T_MS, 10 * T_MS + 1, false, TL_CLIENT_RST_OTHER);
    client_rst_after(900 * T_MS, T_MS, false, TL_CLIENT_RST_AT_ONCE);
    client_rst_after(900 * T_MS + 1, T_MS, false, TL_CLIENT_RST_LATE);
    client_rst_after(T_MS, T_MS, true, TL_CLIENT_RST_LATE);
}

static void server_rst_before_or_after_the_ack(void **state)
{
    struct t_talk t;

    (void)state;
    t_syn_received(&t);
    t_send(&t, SERVER, .flags = TL_RST | TL_ACK);
    outcome_is(&t, 0, SERVER_RST);
    t_end(&t);

    t_established(&t); /* the ACK is answered: its ACK number comes back */
    t_send(&t, SERVER, .flags = TL_RST, .seq = 5001);
    t_is(&t, rst_cause, RST_CAUSE, ACK_REJECTED);
    t_is(&t, handshake_step, HANDSHAKE_STEP, RST_ACK);
    outcome_is(&t, 0, SERVER_RST);
    t_end(&t);
}

static void old_numbers_in_answer_are_challenged(void **state)
{
    struct t_talk t;

    (void)state;
    t_syn_sent(&t);
    t_send(&t, SERVER, .seq = 9000, .ack = 777);
    assert_true(t_flag(&t, TL_SHAPE_PROVES_OUTCOME));
    outcome_is(&t, 10 * T_SECOND, CHALLENGED);
    t_end(&t);
}

static void only_wrong_synacks_are_bad(void **state)
{
    struct t_talk t;

    (void)state;
    t_syn_sent(&t);
    t_send(&t, SERVER, .flags = SYNACK, .ack = 1002);
    outcome_is(&t, 0, BAD);
    t_send(&t, CLIENT, .flags = TL_RST, .seq = 1002); /* RFC 9293 3.10.7.3: stays in SYN-SENT */
    t_is(&t, rst_cause, RST_CAUSE, SYNACK_BAD_ACK);
    outcome_is(&t, 0, BAD);
    t_is(&t, endpoint[CLIENT].state, STATE, SYN_SENT);
    t_send(&t, SERVER, .flags = SYNACK, .ack = 1001); /* and takes the right one */
    t_is(&t, handshake_step, HANDSHAKE_STEP, SYNACK);
    t_send(&t, CLIENT, .flags = TL_ACK);
    outcome_is(&t, 0, COMPLETE);
    t_end(&t);
}

/* ---- Fast Open --------------------------------------------------------------------------------------------------------- */

static void fast_open_result(uint32_t data, uint8_t cookie, uint32_t ack, uint8_t answer_cookie, enum tl_tfo expected)
{
    struct t_talk t;

    t_start(&t);
    t_send(&t, CLIENT, .flags = SYN, .len = data, .options = TL_OPT_FAST_OPEN, .fast_open_bytes = cookie);
    t_know(&t, 0);
    assert_int_equal(t.facts.tfo, cookie == 0 ? TL_TFO_REQUESTED : TL_TFO_NONE); /* a SYN with a cookie asks for none */
    t_send(&t, SERVER, .flags = SYNACK, .ack = ack, .options = answer_cookie ? TL_OPT_FAST_OPEN : 0,
           .fast_open_bytes = answer_cookie);
    t_know(&t, 0);
    assert_string_equal(t_name(TL_GROUP_TFO, t.facts.tfo), t_name(TL_GROUP_TFO, expected));
    t_end(&t);
}

/* RFC 7413 4.1 and 4.2. */
static void what_fast_open_did(void **state)
{
    (void)state;
    fast_open_result(0, 0, 1001, 8, TL_TFO_COOKIE_GIVEN);
    fast_open_result(0, 0, 1001, 0, TL_TFO_REQUESTED);
    fast_open_result(20, 8, 1021, 0, TL_TFO_DATA_ACKED);
    fast_open_result(20, 8, 1001, 0, TL_TFO_DATA_NOT_ACKED);
    fast_open_result(20, 8, 1011, 0, TL_TFO_PARTIAL);
}

static void no_fast_open_option_no_fast_open(void **state)
{
    struct t_talk t;

    (void)state;
    t_established(&t);
    t_know(&t, 0);
    t_fact_is(&t, tfo, TFO, NONE);
    t_end(&t);
}

/* Data that the server did not take is sent again: no segment before the new one is missing, so a RST at max is exact. */
static void refused_fast_open_data_is_sent_again_as_new(void **state)
{
    struct t_talk t;

    (void)state;
    t_start(&t);
    t_send(&t, CLIENT, .flags = SYN, .len = 20, .options = TL_OPT_FAST_OPEN, .fast_open_bytes = 8);
    t_send(&t, SERVER, .flags = SYNACK, .ack = 1001);
    t_send(&t, CLIENT, .seq = 1001, .len = 20);
    t_is(&t, handshake_step, HANDSHAKE_STEP, ACK_DATA);
    assert_int_equal(t.v.shape.error, 0);
    assert_true(t_flag(&t, TL_SHAPE_NEW_DATA));
    t_end(&t);
}

/* ---- ICMP -------------------------------------------------------------------------------------------------------------- */

static void icmp_error_about_the_syn_is_unreachable(void **state)
{
    struct t_talk t;

    (void)state;
    t_syn_sent(&t);
    tl_pair_unreachable(t.pair, CLIENT, 1000, 3, 13, 2);
    outcome_is(&t, 0, UNREACHABLE);
    assert_int_equal(t.facts.icmp_in, 2);
    assert_int_equal(t.facts.icmp_type, 3);
    assert_int_equal(t.facts.icmp_code, 13);
    tl_pair_unreachable(t.pair, CLIENT, 1000, 3, 1, 3); /* the first one stays */
    t_know(&t, 0);
    assert_int_equal(t.facts.icmp_in, 2);
    t_end(&t);
}

static void tcp_that_answers_after_all_wins_over_icmp(void **state)
{
    struct t_talk t;

    (void)state;
    t_syn_sent(&t);
    tl_pair_unreachable(t.pair, CLIENT, 1000, 3, 1, 2);
    t_send(&t, SERVER, .flags = SYNACK);
    outcome_is(&t, 0, PENDING);
    t_send(&t, CLIENT, .flags = TL_ACK);
    outcome_is(&t, 0, COMPLETE);
    t_end(&t);
}

/* Order of the outcomes: bad, refused, unreachable. */
static void refusal_and_wrong_numbers_win_over_icmp(void **state)
{
    struct t_talk t;

    (void)state;
    t_syn_sent(&t);
    tl_pair_unreachable(t.pair, CLIENT, 1000, 3, 1, 2);
    t_send(&t, SERVER, .flags = TL_RST | TL_ACK, .raw_seq_0 = true, .ack = 1001);
    outcome_is(&t, 0, REFUSED);
    t_end(&t);

    t_syn_sent(&t);
    tl_pair_unreachable(t.pair, CLIENT, 1000, 3, 1, 2);
    t_send(&t, SERVER, .flags = SYNACK, .ack = 1002);
    outcome_is(&t, 0, BAD);
    t_end(&t);
}

/* ---- timing ------------------------------------------------------------------------------------------------------------ */

#define times_are(t, server, client, irtt, setup, lost)                                                                        \
    do {                                                                                                                       \
        t_know(t, 0);                                                                                                          \
        assert_true((t)->facts.server_time_ns == (server));                                                                    \
        assert_true((t)->facts.client_time_ns == (client));                                                                    \
        assert_true((t)->facts.irtt_ns == (irtt));                                                                             \
        assert_true((t)->facts.setup_ns == (setup));                                                                           \
        assert_true((t)->facts.delay_by_loss_ns == (lost));                                                                    \
    } while (0)

static void times_of_a_plain_handshake(void **state)
{
    struct t_talk t;

    (void)state;
    t_syn_sent(&t);
    times_are(&t, -1, -1, -1, -1, -1);
    t_send(&t, SERVER, .flags = SYNACK, .wait_ns = 30 * T_MS);
    times_are(&t, 30 * T_MS, -1, -1, -1, -1);
    t_send(&t, CLIENT, .wait_ns = 2 * T_MS);
    times_are(&t, 30 * T_MS, 2 * T_MS, 32 * T_MS, 32 * T_MS, 0);
    assert_false(t.facts.ambiguous);
    t_end(&t);
}

/* Karn: nobody can tell which SYN was answered. The last one gives the lower bound. */
static void repeated_syn_is_ambiguous_without_timestamps(void **state)
{
    struct t_talk t;

    (void)state;
    t_syn_sent(&t);
    t_send(&t, CLIENT, .flags = SYN, .seq = 1000, .wait_ns = T_SECOND);
    t_send(&t, SERVER, .flags = SYNACK, .wait_ns = 30 * T_MS);
    t_send(&t, CLIENT, .wait_ns = 2 * T_MS);
    times_are(&t, 30 * T_MS, 2 * T_MS, 32 * T_MS, T_SECOND + 32 * T_MS, T_SECOND);
    assert_true(t.facts.ambiguous);
    t_fact_is(&t, position, POSITION, UNKNOWN);
    t_end(&t);
}

/* RFC 7323 4: the echo names the SYN that was answered. */
static void timestamps_tell_which_syn_was_answered(void **state)
{
    struct t_talk t;

    (void)state;
    for (unsigned answered = 0; answered < 2; answered++) {
        int64_t server = answered ? 30 * T_MS : T_SECOND + 30 * T_MS;

        t_start(&t);
        t_send(&t, CLIENT, .flags = SYN, .options = TS, .tsval = 100);
        t_send(&t, CLIENT, .flags = SYN, .seq = 1000, .options = TS, .tsval = 1100, .wait_ns = T_SECOND);
        t_send(&t, SERVER, .flags = SYNACK, .options = TS, .tsval = 7, .tsecr = answered ? 1100 : 100, .wait_ns = 30 * T_MS);
        t_send(&t, CLIENT, .options = TS, .tsval = 1132, .tsecr = 7, .wait_ns = 2 * T_MS);
        times_are(&t, server, 2 * T_MS, server + 2 * T_MS, T_SECOND + 32 * T_MS, T_SECOND + 32 * T_MS - server - 2 * T_MS);
        assert_false(t.facts.ambiguous);
        t_end(&t);
    }
}

static void equal_or_foreign_timestamps_tell_nothing(void **state)
{
    struct t_talk t;

    (void)state;
    for (unsigned echo = 100; echo <= 101; echo++) {
        t_start(&t);
        t_send(&t, CLIENT, .flags = SYN, .options = TS, .tsval = 100);
        t_send(&t, CLIENT, .flags = SYN, .seq = 1000, .options = TS, .tsval = 100, .wait_ns = T_SECOND);
        t_send(&t, SERVER, .flags = SYNACK, .options = TS, .tsval = 7, .tsecr = echo);
        t_know(&t, 0);
        assert_true(t.facts.ambiguous);
        t_end(&t);
    }
}

static void repeated_synack_is_ambiguous_without_timestamps(void **state)
{
    struct t_talk t;

    (void)state;
    t_syn_received(&t);
    t_send(&t, SERVER, .flags = SYNACK, .seq = 5000, .wait_ns = T_SECOND);
    t_send(&t, CLIENT, .wait_ns = 2 * T_MS);
    times_are(&t, T_MS, 2 * T_MS, 3 * T_MS, T_SECOND + 3 * T_MS, T_SECOND);
    assert_true(t.facts.ambiguous);
    t_end(&t);
}

/* A copy is not a second transmission. */
static void copies_make_nothing_ambiguous(void **state)
{
    struct t_talk t;

    (void)state;
    t_start(&t);
    t_send(&t, CLIENT, .flags = SYN, .ip_id = 3);
    t_send(&t, CLIENT, .flags = SYN, .seq = 1000, .ip_id = 3);
    t_send(&t, SERVER, .flags = SYNACK);
    t_send(&t, CLIENT, .flags = TL_ACK);
    times_are(&t, 2 * T_MS, T_MS, 3 * T_MS, 3 * T_MS, 0);
    assert_false(t.facts.ambiguous);
    t_end(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(syn_is_pending_for_3_s),
        cmocka_unit_test(repeated_syn_is_pending_for_3_times_the_last_gap),
        cmocka_unit_test(synack_is_pending_then_half_open),
        cmocka_unit_test(lone_synack_is_no_complete_handshake),
        cmocka_unit_test(all_three_captured_is_complete),
        cmocka_unit_test(syn_not_captured_is_inferred),
        cmocka_unit_test(synack_not_captured_is_inferred),
        cmocka_unit_test(ack_not_captured_is_inferred_from_data_of_the_server),
        cmocka_unit_test(client_not_captured_is_inferred_from_any_segment_of_the_server),
        cmocka_unit_test(fast_open_data_of_the_server_infers_nothing),
        cmocka_unit_test(lone_rst_is_not_captured),
        cmocka_unit_test(midstream_is_not_captured),
        cmocka_unit_test(crossing_syns_and_synacks_are_a_simultaneous_open),
        cmocka_unit_test(one_synack_between_crossing_syns_is_a_split_handshake),
        cmocka_unit_test(rst_of_the_syn_is_refused),
        cmocka_unit_test(rst_that_the_client_ignores_refuses_nothing),
        cmocka_unit_test(client_rst_at_once_late_or_other),
        cmocka_unit_test(server_rst_before_or_after_the_ack),
        cmocka_unit_test(old_numbers_in_answer_are_challenged),
        cmocka_unit_test(only_wrong_synacks_are_bad),
        cmocka_unit_test(what_fast_open_did),
        cmocka_unit_test(no_fast_open_option_no_fast_open),
        cmocka_unit_test(refused_fast_open_data_is_sent_again_as_new),
        cmocka_unit_test(icmp_error_about_the_syn_is_unreachable),
        cmocka_unit_test(tcp_that_answers_after_all_wins_over_icmp),
        cmocka_unit_test(refusal_and_wrong_numbers_win_over_icmp),
        cmocka_unit_test(times_of_a_plain_handshake),
        cmocka_unit_test(repeated_syn_is_ambiguous_without_timestamps),
        cmocka_unit_test(timestamps_tell_which_syn_was_answered),
        cmocka_unit_test(equal_or_foreign_timestamps_tell_nothing),
        cmocka_unit_test(repeated_synack_is_ambiguous_without_timestamps),
        cmocka_unit_test(copies_make_nothing_ambiguous),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
