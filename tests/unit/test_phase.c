/* test_phase.c - tests of tl_phase: the rules P1 to P17 (docs/design.md, "Phase"), one test for each.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "tl_test.h"

enum { SYN = TL_SYN, SYNACK = TL_SYN | TL_ACK, FIN = TL_FIN | TL_ACK, RST = TL_RST };

#define phase_is(t, PHASE_TAG) t_is(t, phase, PHASE, PHASE_TAG)

static void p1_syn_and_synack_are_handshake(void **state)
{
    struct t_talk t;

    (void)state;
    t_syn_sent(&t);
    phase_is(&t, HANDSHAKE);
    t_send(&t, SERVER, .flags = SYNACK);
    phase_is(&t, HANDSHAKE);
    t_end(&t);
}

/* The SYN of a tentative connection, and the RST that follows the challenge, belong to an attempt to open. */
static void p1_tentative_syn_is_handshake_and_the_old_connection_goes_on(void **state)
{
    struct t_talk t;

    (void)state;
    t_established(&t);
    t_send(&t, CLIENT, .flags = SYN, .seq = 90000);
    phase_is(&t, HANDSHAKE);
    t_send(&t, SERVER, .seq = 5001, .ack = 1001);
    t_is(&t, ack, ACK, CHALLENGE);
    phase_is(&t, ESTABLISHED);
    t_send(&t, CLIENT, .seq = 1001, .len = 5);
    phase_is(&t, ESTABLISHED);
    t_end(&t);
}

static void p2_repeated_syn_and_synack_after_opening_change_nothing(void **state)
{
    struct t_talk t;

    (void)state;
    t_established(&t);
    t_send(&t, SERVER, .flags = SYNACK, .seq = 5000);
    phase_is(&t, HANDSHAKE);
    t_send(&t, CLIENT, .flags = SYN, .seq = 1000);
    phase_is(&t, HANDSHAKE);
    t_send(&t, CLIENT, .len = 5);
    phase_is(&t, ESTABLISHED);
    t_end(&t);
}

static void p3_accepted_rst_in_the_handshake_closes(void **state)
{
    struct t_talk t;

    (void)state;
    t_syn_sent(&t);
    t_send(&t, SERVER, .flags = RST | TL_ACK, .raw_seq_0 = true, .ack = 1001);
    phase_is(&t, HANDSHAKE);
    t_send(&t, CLIENT, .flags = TL_ACK);
    phase_is(&t, CLOSED);
    t_end(&t);
}

static void p3_ignored_rst_in_the_handshake_closes_nothing(void **state)
{
    struct t_talk t;

    (void)state;
    t_syn_sent(&t);
    t_send(&t, SERVER, .flags = RST | TL_ACK, .raw_seq_0 = true, .ack = 1002);
    phase_is(&t, HANDSHAKE);
    t_send(&t, SERVER, .flags = SYNACK);
    t_send(&t, CLIENT, .flags = TL_ACK);
    phase_is(&t, HANDSHAKE);
    t_send(&t, CLIENT, .len = 5);
    phase_is(&t, ESTABLISHED);
    t_end(&t);
}

static void p4_third_segment_is_handshake_and_opens(void **state)
{
    struct t_talk t;

    (void)state;
    t_established(&t);
    phase_is(&t, HANDSHAKE);
    t_send(&t, SERVER, .flags = TL_ACK);
    phase_is(&t, ESTABLISHED);
    t_end(&t);

    t_syn_received(&t);
    t_send(&t, CLIENT, .len = 10); /* even if it carries data */
    phase_is(&t, HANDSHAKE);
    t_send(&t, CLIENT, .len = 10);
    phase_is(&t, ESTABLISHED);
    t_end(&t);
}

/* Between peers no third segment comes: the one after which each ISN + 1 is acknowledged opens. */
static void p4b_second_synack_opens_between_peers(void **state)
{
    struct t_talk t;

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        t_syn_sent(&t);
        t_send(&t, SERVER, .flags = SYN);
        t_send(&t, CLIENT, .flags = SYNACK, .seq = 1000);
        phase_is(&t, HANDSHAKE);
        t_send(&t, SERVER, .flags = SYNACK, .seq = 5000);
        phase_is(&t, HANDSHAKE);
        if (i == 0) {
            t_send(&t, SERVER, .flags = TL_ACK);
            phase_is(&t, ESTABLISHED);
        } else {
            t_send(&t, SERVER, .flags = RST | TL_ACK); /* P7: the connection was established */
            phase_is(&t, TEARDOWN);
        }
        t_end(&t);
    }
}

static void p5_payload_of_the_server_before_the_ack(void **state)
{
    struct t_talk t;

    (void)state;
    t_syn_received(&t);
    t_send(&t, SERVER, .len = 10); /* the ACK was not captured */
    phase_is(&t, ESTABLISHED);
    t_end(&t);

    t_start(&t);
    t_send(&t, CLIENT, .flags = SYN, .len = 5, .options = TL_OPT_FAST_OPEN, .fast_open_bytes = 8);
    t_send(&t, SERVER, .flags = SYNACK, .ack = 1006);
    t_send(&t, SERVER, .len = 10, .ack = 1006); /* Fast Open: the server need not wait for it */
    phase_is(&t, HANDSHAKE);
    t_send(&t, CLIENT, .flags = TL_ACK);
    phase_is(&t, HANDSHAKE);
    t_send(&t, SERVER, .len = 10);
    phase_is(&t, ESTABLISHED);
    t_end(&t);
}

static void p6_fin_begins_the_teardown(void **state)
{
    struct t_talk t;

    (void)state;
    t_fin_wait_1(&t);
    phase_is(&t, TEARDOWN);
    t_send(&t, SERVER, .flags = TL_ACK);
    phase_is(&t, TEARDOWN);
    t_end(&t);

    t_syn_received(&t);
    t_send(&t, SERVER, .flags = FIN);
    phase_is(&t, TEARDOWN);
    t_end(&t);

    t_start(&t);
    t_send(&t, SERVER, .flags = FIN); /* first segment captured */
    phase_is(&t, TEARDOWN);
    t_end(&t);
}

static void p7_effective_rst_is_teardown_and_closes(void **state)
{
    struct t_talk t;

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        t_established(&t);
        if (i > 0) {
            t_send(&t, CLIENT, .flags = FIN);
        }
        if (i > 1) {
            t_send(&t, SERVER, .len = 10); /* half closed */
            phase_is(&t, HALF_CLOSED);
        }
        t_send(&t, SERVER, .flags = RST | TL_ACK);
        phase_is(&t, TEARDOWN);
        t_send(&t, SERVER, .flags = RST | TL_ACK);
        phase_is(&t, CLOSED);
        t_end(&t);
    }
}

/* An ignored or challenged RST takes the phase before and ends nothing. */
static void p7_rst_without_effect_takes_the_phase_before(void **state)
{
    static const uint32_t seqs[] = {4000, 5500, 8000};
    struct t_talk t;

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        t_established(&t);
        t_send(&t, SERVER, .flags = RST, .seq = seqs[i]);
        phase_is(&t, ESTABLISHED);
        t_send(&t, SERVER, .len = 5);
        phase_is(&t, ESTABLISHED);
        t_end(&t);
    }
}

static void p8_new_data_after_the_other_fin_is_half_closed(void **state)
{
    struct t_talk t;

    (void)state;
    t_fin_wait_2(&t);
    t_send(&t, SERVER, .len = 10);
    phase_is(&t, HALF_CLOSED);
    t_end(&t);

    t_fin_wait_1(&t);
    t_send(&t, SERVER, .len = 10); /* the same segment acknowledges the FIN */
    phase_is(&t, HALF_CLOSED);
    t_end(&t);
}

static void p9_data_before_the_fin_was_known_is_teardown(void **state)
{
    struct t_talk t;

    (void)state;
    t_fin_wait_1(&t);
    t_send(&t, SERVER, .len = 10, .ack = 1001);
    phase_is(&t, TEARDOWN);
    t_end(&t);
}

/* P8 asks for new bytes. */
static void p9_repeated_data_after_a_fin_keeps_the_phase(void **state)
{
    struct t_talk t;

    (void)state;
    t_established(&t);
    t_send(&t, SERVER, .len = 10);
    t_send(&t, CLIENT, .flags = FIN, .ack = 5001);
    t_send(&t, SERVER, .seq = 5001, .len = 10, .ack = 1002, .wait_ns = 300 * T_MS);
    phase_is(&t, TEARDOWN);
    t_end(&t);
}

static void p10_ack_stays_half_closed(void **state)
{
    struct t_talk t;

    (void)state;
    t_fin_wait_2(&t);
    t_send(&t, SERVER, .len = 10);
    t_send(&t, CLIENT, .flags = TL_ACK);
    phase_is(&t, HALF_CLOSED);
    t_send(&t, CLIENT, .window = 2000);
    phase_is(&t, HALF_CLOSED);
    t_end(&t);
}

static void p11_second_fin_is_teardown(void **state)
{
    struct t_talk t;

    (void)state;
    t_fin_wait_2(&t);
    t_send(&t, SERVER, .len = 10);
    t_send(&t, SERVER, .flags = FIN);
    phase_is(&t, TEARDOWN);
    t_end(&t);
}

static void p12_ack_of_both_fins_is_teardown_and_then_time_wait(void **state)
{
    struct t_talk t;

    (void)state;
    t_time_wait(&t);
    phase_is(&t, TEARDOWN);
    t_send(&t, SERVER, .flags = FIN, .seq = 5001);
    phase_is(&t, TIME_WAIT);
    t_end(&t);
}

static void p13_everything_after_both_fins_is_time_wait(void **state)
{
    struct t_talk t;

    (void)state;
    t_time_wait(&t);
    t_send(&t, CLIENT, .flags = TL_ACK);
    phase_is(&t, TIME_WAIT);
    t_send(&t, SERVER, .flags = RST);
    phase_is(&t, TIME_WAIT);
    t_send(&t, SERVER, .seq = 5001, .len = 5);
    phase_is(&t, TIME_WAIT);
    t_end(&t);
}

static void p14_everything_after_a_reset_is_closed(void **state)
{
    struct t_talk t;

    (void)state;
    t_established(&t);
    t_send(&t, SERVER, .flags = RST | TL_ACK);
    t_send(&t, CLIENT, .len = 5);
    phase_is(&t, CLOSED);
    t_send(&t, CLIENT, .flags = FIN);
    phase_is(&t, CLOSED);
    t_send(&t, CLIENT, .flags = RST);
    phase_is(&t, CLOSED);
    t_end(&t);
}

/* The sender of the RST goes on with new payload and the other end acknowledges it: it was not its RST. */
static void p14_close_that_was_wrong_is_taken_back(void **state)
{
    struct t_talk t;

    (void)state;
    t_established(&t);
    t_send(&t, SERVER, .flags = RST | TL_ACK);
    t_send(&t, SERVER, .len = 5, .wait_ns = 100 * T_MS);
    t_send(&t, CLIENT, .flags = TL_ACK);
    phase_is(&t, ESTABLISHED);
    t_know(&t, 0);
    t_fact_is(&t, kind, KIND, OPEN);
    t_end(&t);
}

/* RFC 5961 3.2: the challenge ACK shows that the RST was not taken. */
static void p14_challenge_ack_takes_the_close_back(void **state)
{
    struct t_talk t;

    (void)state;
    t_established(&t);
    t_send(&t, SERVER, .len = 10);
    t_send(&t, SERVER, .flags = RST, .seq = 5011);
    phase_is(&t, TEARDOWN);
    t_send(&t, CLIENT, .ack = 5001);
    t_is(&t, ack, ACK, CHALLENGE);
    phase_is(&t, ESTABLISHED);
    t_end(&t);
}

static void p15_first_plain_segment_is_established(void **state)
{
    struct t_talk t;

    (void)state;
    t_start(&t);
    t_send(&t, CLIENT, .len = 10);
    phase_is(&t, ESTABLISHED);
    assert_true(t_flag(&t, TL_SHAPE_MIDSTREAM));
    t_send(&t, SERVER, .flags = TL_ACK);
    phase_is(&t, ESTABLISHED);
    assert_true(t_flag(&t, TL_SHAPE_MIDSTREAM));
    t_end(&t);
}

static void p16_lone_rst_is_unknown_and_then_closed(void **state)
{
    struct t_talk t;

    (void)state;
    t_start(&t);
    t_send(&t, CLIENT, .flags = RST);
    phase_is(&t, UNKNOWN);
    t_send(&t, CLIENT, .flags = RST);
    phase_is(&t, CLOSED);
    t_end(&t);
}

/* Without ACK flag nobody takes it (RFC 9293 3.10.7.4). */
static void p17_senseless_segment_takes_the_phase_before(void **state)
{
    struct t_talk t;

    (void)state;
    t_start(&t);
    t_send(&t, CLIENT, .flags = T_NO_FLAGS);
    phase_is(&t, UNKNOWN);
    t_end(&t);

    t_established(&t);
    t_send(&t, CLIENT, .flags = T_NO_FLAGS, .len = 5);
    phase_is(&t, ESTABLISHED);
    t_send(&t, CLIENT, .flags = TL_FIN);
    phase_is(&t, ESTABLISHED);
    t_end(&t);
}

static void probes_and_silence_never_change_the_phase(void **state)
{
    struct t_talk t;

    (void)state;
    t_fin_wait_2(&t);
    t_send(&t, CLIENT, .seq = 1001, .wait_ns = 7200 * T_SECOND);
    t_is(&t, keepalive, PROBE_KIND, PROBE);
    phase_is(&t, TEARDOWN);
    t_send(&t, SERVER, .flags = TL_ACK);
    t_is(&t, keepalive, PROBE_KIND, ANSWER);
    phase_is(&t, TEARDOWN);
    t_end(&t);
}

/* A stray belongs to nothing: it takes the phase and leaves it. */
static void strays_never_change_the_phase(void **state)
{
    struct t_talk t;

    (void)state;
    t_established(&t);
    t_send(&t, CLIENT, .flags = FIN, .seq = 0x40000000);
    assert_true(t_flag(&t, TL_SHAPE_STRAY));
    phase_is(&t, ESTABLISHED);
    t_send(&t, SERVER, .len = 5, .ack = 1001);
    phase_is(&t, ESTABLISHED);
    t_end(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(p1_syn_and_synack_are_handshake),
        cmocka_unit_test(p1_tentative_syn_is_handshake_and_the_old_connection_goes_on),
        cmocka_unit_test(p2_repeated_syn_and_synack_after_opening_change_nothing),
        cmocka_unit_test(p3_accepted_rst_in_the_handshake_closes),
        cmocka_unit_test(p3_ignored_rst_in_the_handshake_closes_nothing),
        cmocka_unit_test(p4_third_segment_is_handshake_and_opens),
        cmocka_unit_test(p4b_second_synack_opens_between_peers),
        cmocka_unit_test(p5_payload_of_the_server_before_the_ack),
        cmocka_unit_test(p6_fin_begins_the_teardown),
        cmocka_unit_test(p7_effective_rst_is_teardown_and_closes),
        cmocka_unit_test(p7_rst_without_effect_takes_the_phase_before),
        cmocka_unit_test(p8_new_data_after_the_other_fin_is_half_closed),
        cmocka_unit_test(p9_data_before_the_fin_was_known_is_teardown),
        cmocka_unit_test(p9_repeated_data_after_a_fin_keeps_the_phase),
        cmocka_unit_test(p10_ack_stays_half_closed),
        cmocka_unit_test(p11_second_fin_is_teardown),
        cmocka_unit_test(p12_ack_of_both_fins_is_teardown_and_then_time_wait),
        cmocka_unit_test(p13_everything_after_both_fins_is_time_wait),
        cmocka_unit_test(p14_everything_after_a_reset_is_closed),
        cmocka_unit_test(p14_close_that_was_wrong_is_taken_back),
        cmocka_unit_test(p14_challenge_ack_takes_the_close_back),
        cmocka_unit_test(p15_first_plain_segment_is_established),
        cmocka_unit_test(p16_lone_rst_is_unknown_and_then_closed),
        cmocka_unit_test(p17_senseless_segment_takes_the_phase_before),
        cmocka_unit_test(probes_and_silence_never_change_the_phase),
        cmocka_unit_test(strays_never_change_the_phase),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
