/* test_probe.c - tests of tl_probe: keep-alive and window probes with their guards, answers, runs. Challenge ACKs: test_probe_ack.c.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "tl_test.h"

enum { SYN = TL_SYN, SYNACK = TL_SYN | TL_ACK, FIN = TL_FIN | TL_ACK, RST = TL_RST, TS = TL_OPT_TIMESTAMPS };

#define no_probe(t)                                                                                                            \
    do {                                                                                                                       \
        t_is(t, keepalive, PROBE_KIND, NONE);                                                                                  \
        t_is(t, window_probe, PROBE_KIND, NONE);                                                                               \
    } while (0)

/* The client has sent 10 octets, 1001 to 1010, and all are acknowledged; the server's window is as given. */
static void idle_connection(struct t_talk *t, int server_window)
{
    t_established(t);
    t_send(t, SERVER, .flags = TL_ACK);
    t_send(t, CLIENT, .len = 10);
    t_send(t, SERVER, .window = server_window);
}

/* ---- K1: window probe without payload -------------------------------------------------------------------------------------- */

static void k1_octet_before_the_next_one_into_a_closed_window(void **state)
{
    struct t_talk t;

    (void)state;
    idle_connection(&t, T_CLOSED);
    t_send(&t, CLIENT, .seq = 1010, .wait_ns = 200 * T_MS);
    t_is(&t, window_probe, PROBE_KIND, PROBE);
    t_is(&t, keepalive, PROBE_KIND, NONE);
    t_is(&t, probe_confidence, CONFIDENCE, LIKELY);
    t_end(&t);
}

static void k1_any_other_number_is_no_probe(void **state)
{
    static const uint32_t seqs[] = {1009, 1011};
    struct t_talk t;

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        idle_connection(&t, T_CLOSED);
        t_send(&t, CLIENT, .seq = seqs[i], .wait_ns = 200 * T_MS);
        no_probe(&t);
        t_end(&t);
    }
}

/* The update was lost behind the capture: a sender that still probes has not seen it. Once it sends data, it has. */
static void k1_open_run_goes_on_after_a_window_update(void **state)
{
    struct t_talk t;

    (void)state;
    idle_connection(&t, T_CLOSED);
    t_send(&t, CLIENT, .seq = 1010, .wait_ns = 200 * T_MS);
    t_send(&t, SERVER, .window = T_CLOSED);
    t_send(&t, SERVER, .window = 1000, .wait_ns = 300 * T_MS);
    no_probe(&t);
    t_send(&t, CLIENT, .seq = 1010, .wait_ns = 100 * T_MS);
    t_is(&t, window_probe, PROBE_KIND, PROBE);
    assert_int_equal(t.v.refs.probe_number, 2);
    t_send(&t, CLIENT, .len = 10, .wait_ns = 100 * T_MS);
    t_send(&t, SERVER, .flags = TL_ACK);
    t_send(&t, CLIENT, .seq = 1020, .wait_ns = T_SECOND);
    t_is(&t, window_probe, PROBE_KIND, NONE);
    t_is(&t, keepalive, PROBE_KIND, PROBE);
    t_end(&t);
}

/* ---- K2, K3: window probe with payload ------------------------------------------------------------------------------------- */

/* K2: new octets into a closed window; older than max(100 ms, 2 RTT), or it was under way when the window closed. */
static void k2_new_octet(int64_t rtt_ns, int64_t wait_ns, bool probe)
{
    struct t_talk t;

    t_idle(&t, rtt_ns, T_CLOSED);
    t_send(&t, CLIENT, .len = 1, .wait_ns = wait_ns);
    assert_int_equal(t.v.shape.window_probe, probe ? TL_PROBE_KIND_PROBE : TL_PROBE_KIND_NONE);
    if (probe) {
        t_is(&t, probe_confidence, CONFIDENCE, LIKELY);
    }
    t_end(&t);
}

/* threshold: PROBE_SILENCE_NS */
static void k2_new_octet_after_the_patience(void **state)
{
    (void)state;
    k2_new_octet(2 * T_MS, 100 * T_MS, false);
    k2_new_octet(2 * T_MS, 100 * T_MS + 1, true);
    k2_new_octet(100 * T_MS, 200 * T_MS, false);
    k2_new_octet(100 * T_MS, 200 * T_MS + 1, true);
}

static void k2_with_octets_under_way_is_data(void **state)
{
    struct t_talk t;

    (void)state;
    idle_connection(&t, 1000);
    t_send(&t, CLIENT, .len = 10);
    t_send(&t, SERVER, .ack = 1011, .window = T_CLOSED); /* 10 octets are not acknowledged */
    t_send(&t, CLIENT, .len = 1, .wait_ns = 500 * T_MS);
    t_is(&t, window_probe, PROBE_KIND, NONE);
    t_end(&t);
}

static void k2_into_an_open_window_is_data(void **state)
{
    struct t_talk t;

    (void)state;
    idle_connection(&t, 1);
    t_send(&t, CLIENT, .len = 1, .wait_ns = 500 * T_MS);
    t_is(&t, window_probe, PROBE_KIND, NONE);
    t_end(&t);
}

/* K3: an octet that was sent before, at una. More than one is a retransmission by the timer. */
/* threshold: probe_is_window_probe */
static void k3_lowest_octets_again_into_a_closed_window(void **state)
{
    struct t_talk t;

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        idle_connection(&t, 1000);
        t_send(&t, CLIENT, .len = 10);
        t_send(&t, SERVER, .ack = 1011, .window = T_CLOSED);
        t_send(&t, CLIENT, .seq = 1011, .len = 1, .wait_ns = 100 * T_MS + i);
        assert_int_equal(t.v.shape.window_probe, i ? TL_PROBE_KIND_PROBE : TL_PROBE_KIND_NONE);
        t_end(&t);
    }
}

/* ---- K4: keep-alive ---------------------------------------------------------------------------------------------------------- */

static void k4_octet_before_the_next_one_when_idle(void **state)
{
    struct t_talk t;

    (void)state;
    idle_connection(&t, 1000);
    t_send(&t, CLIENT, .seq = 1010, .wait_ns = 7200 * T_SECOND);
    t_is(&t, keepalive, PROBE_KIND, PROBE);
    t_is(&t, window_probe, PROBE_KIND, NONE);
    t_is(&t, probe_confidence, CONFIDENCE, CERTAIN);
    assert_int_equal(t.v.refs.probe_number, 1);
    assert_int_equal(t.v.refs.probe_unanswered, 1);
    assert_int_equal(t.v.refs.probe_run_in, t.frame);
    assert_true(t.v.refs.probe_idle_ns == 7200 * T_SECOND);
    t_end(&t);
}

static void k4_not_with_octets_under_way(void **state)
{
    struct t_talk t;

    (void)state;
    idle_connection(&t, 1000);
    t_send(&t, CLIENT, .len = 10);
    t_send(&t, CLIENT, .seq = 1020, .wait_ns = T_SECOND);
    no_probe(&t);
    t_end(&t);
}

/* A pure ACK from before a one-octet segment, captured after it, has the same number: max(3 ms, RTT / 4) tells. */
static void k4_not_an_old_ack(int64_t rtt_ns, int64_t after_ns, bool probe)
{
    struct t_talk t;

    t_idle(&t, rtt_ns, 1000);
    t_send(&t, CLIENT, .len = 1, .wait_ns = T_SECOND);
    t_send(&t, SERVER, .wait_ns = T_SAME_TIME); /* so that nothing is under way */
    t_send(&t, CLIENT, .seq = 1011, .wait_ns = after_ns);
    assert_int_equal(t.v.shape.keepalive, probe ? TL_PROBE_KIND_PROBE : TL_PROBE_KIND_NONE);
    t_end(&t);
}

/* threshold: OLD_ACK_NS */
static void k4_not_within_the_time_of_reordering(void **state)
{
    (void)state;
    k4_not_an_old_ack(2 * T_MS, 3 * T_MS - 1, false);
    k4_not_an_old_ack(2 * T_MS, 3 * T_MS, true);
}

/* RFC 7323 5: the older TSval was sent earlier, however late it is captured. */
static void k4_timestamps_tell_an_old_ack(void **state)
{
    static const struct {
        uint32_t tsval;
        int64_t wait_ns;
        bool probe;
    } acks[] = {
        {499, T_SECOND, false}, /* an older timestamp: sent before the payload, however late it comes */
        {500, T_MS, false},     /* the same tick: time decides, and nobody probes that soon */
        {500, T_SECOND, true},
    };
    struct t_talk t;

    (void)state;
    for (unsigned i = 0; i < sizeof acks / sizeof acks[0]; i++) {
        t_start(&t);
        t_send(&t, CLIENT, .flags = SYN, .options = TS, .tsval = 100);
        t_send(&t, SERVER, .flags = SYNACK, .options = TS, .tsval = 7, .tsecr = 100);
        t_send(&t, CLIENT, .options = TS, .tsval = 101, .tsecr = 7);
        t_send(&t, CLIENT, .len = 1, .options = TS, .tsval = 500, .tsecr = 7);
        t_send(&t, SERVER, .options = TS, .tsval = 8, .tsecr = 500);
        t_send(&t, CLIENT, .seq = 1001, .options = TS, .tsval = acks[i].tsval, .tsecr = 7, .wait_ns = acks[i].wait_ns);
        assert_int_equal(t.v.shape.keepalive, acks[i].probe ? TL_PROBE_KIND_PROBE : TL_PROBE_KIND_NONE);
        t_end(&t);
    }
}

/* Only one direction captured: nobody knows what is acknowledged. 200 ms of silence have to do. No keep-alive timer is so
 * short. */
/* threshold: ONE_WAY_SILENCE_NS */
static void k4_one_way_after_silence(void **state)
{
    struct t_talk t;

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        t_start(&t);
        t_send(&t, CLIENT, .len = 10);
        t_send(&t, CLIENT, .seq = 1009, .wait_ns = 200 * T_MS - 1 + i);
        assert_int_equal(t.v.shape.window_probe, i ? TL_PROBE_KIND_PROBE : TL_PROBE_KIND_NONE);
        t_is(&t, keepalive, PROBE_KIND, NONE);
        t_end(&t);
    }
}

/* The FIN counts: its octet is the one before the next. */
static void k4_in_fin_wait_2_the_octet_is_the_fin(void **state)
{
    struct t_talk t;

    (void)state;
    t_fin_wait_2(&t);
    t_send(&t, CLIENT, .seq = 1001, .wait_ns = 7200 * T_SECOND);
    t_is(&t, keepalive, PROBE_KIND, PROBE);
    t_end(&t);
}

static void k4_not_before_the_handshake_is_over(void **state)
{
    struct t_talk t;

    (void)state;
    t_syn_received(&t);
    t_send(&t, CLIENT, .seq = 1000, .wait_ns = T_SECOND);
    t_is(&t, keepalive, PROBE_KIND, NONE);
    t_end(&t);
}

/* ---- K5: keep-alive with an octet of garbage ----------------------------------------------------------------------------------- */

/* RFC 9293 3.8.4. One second since anything but probes and answers. */
/* threshold: GARBAGE_SILENCE_NS */
static void k5_old_octet_after_a_second(void **state)
{
    struct t_talk t;

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        idle_connection(&t, 1000);
        t_send(&t, CLIENT, .seq = 1010, .len = 1, .wait_ns = T_SECOND - 1 + i);
        assert_int_equal(t.v.shape.keepalive, i ? TL_PROBE_KIND_PROBE : TL_PROBE_KIND_NONE);
        if (i) {
            t_is(&t, probe_confidence, CONFIDENCE, LIKELY);
        }
        t_end(&t);
    }
}

static void k5_previous_probe_of_the_run_is_enough(void **state)
{
    struct t_talk t;

    (void)state;
    idle_connection(&t, 1000);
    t_send(&t, CLIENT, .seq = 1010, .len = 1, .wait_ns = 2 * T_SECOND);
    t_send(&t, CLIENT, .seq = 1010, .len = 1, .wait_ns = 500 * T_MS);
    t_is(&t, keepalive, PROBE_KIND, PROBE);
    assert_int_equal(t.v.refs.probe_number, 2);
    t_end(&t);
}

static void k5_two_octets_are_a_retransmission(void **state)
{
    struct t_talk t;

    (void)state;
    idle_connection(&t, 1000);
    t_send(&t, CLIENT, .seq = 1009, .len = 2, .wait_ns = 10 * T_SECOND);
    no_probe(&t);
    t_send(&t, CLIENT, .seq = 1010, .len = 2, .wait_ns = 10 * T_SECOND);
    no_probe(&t);
    t_end(&t);
}

/* K5 asks for a window that is not closed. */
static void k5_not_into_a_closed_window(void **state)
{
    struct t_talk t;

    (void)state;
    idle_connection(&t, T_CLOSED);
    t_send(&t, CLIENT, .seq = 1010, .len = 1, .wait_ns = 10 * T_SECOND);
    t_is(&t, keepalive, PROBE_KIND, NONE);
    t_end(&t);
}

/* ---- answers ------------------------------------------------------------------------------------------------------------- */

/* RTT + 200 ms if nothing new is said, RTT + 20 ms with another window, 220 ms while the round trip is not known. */
static void answer_after(int64_t rtt_ns, int64_t wait_ns, int window, bool answers)
{
    struct t_talk t;

    if (rtt_ns > 0) {
        t_idle(&t, rtt_ns, 1000);
        t_send(&t, CLIENT, .seq = 1010, .wait_ns = 10 * T_SECOND);
    } else {
        t_midstream(&t);
        t_send(&t, CLIENT, .seq = 999, .wait_ns = 10 * T_SECOND);
    }
    t_is(&t, keepalive, PROBE_KIND, PROBE);
    t_send(&t, SERVER, .wait_ns = wait_ns, .window = window);
    assert_int_equal(t.v.shape.keepalive, answers ? TL_PROBE_KIND_ANSWER : TL_PROBE_KIND_NONE);
    assert_int_equal(t.v.refs.trigger_in, answers ? t.frame - 1 : 0);
    t_end(&t);
}

/* threshold: ANSWER_NS, ANSWER_UNKNOWN_NS */
static void answer_comes_about_a_round_trip_later(void **state)
{
    const int same = T_WINDOW, other = 2 * T_WINDOW;

    (void)state;
    answer_after(2 * T_MS, 22 * T_MS, other, true);
    answer_after(2 * T_MS, 22 * T_MS + 1, other, false);
    answer_after(100 * T_MS, 120 * T_MS, other, true);
    answer_after(100 * T_MS, 120 * T_MS + 1, other, false);
    answer_after(2 * T_MS, 202 * T_MS, same, true);
    answer_after(2 * T_MS, 202 * T_MS + 1, same, false);
    answer_after(100 * T_MS, 300 * T_MS, same, true);
    answer_after(100 * T_MS, 300 * T_MS + 1, same, false);
    answer_after(0, 220 * T_MS, same, true);
    answer_after(0, 220 * T_MS + 1, same, false);
}

static void answer_repeats_the_expected_numbers(void **state)
{
    struct t_talk t;

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        idle_connection(&t, 1000);
        t_send(&t, CLIENT, .seq = 1010, .wait_ns = 10 * T_SECOND);
        t_send(&t, SERVER, .ack = i == 1 ? 1010 : 1011, .seq = i == 2 ? 5002 : 5001);
        assert_int_equal(t.v.shape.keepalive, i == 0 ? TL_PROBE_KIND_ANSWER : TL_PROBE_KIND_NONE);
        t_end(&t);
    }
}

static void only_the_first_answer_counts(void **state)
{
    struct t_talk t;

    (void)state;
    idle_connection(&t, 1000);
    t_send(&t, CLIENT, .seq = 1010, .wait_ns = 10 * T_SECOND);
    t_send(&t, SERVER, .flags = TL_ACK);
    t_is(&t, keepalive, PROBE_KIND, ANSWER);
    t_send(&t, SERVER, .flags = TL_ACK);
    t_is(&t, keepalive, PROBE_KIND, NONE);
    t_end(&t);
}

static void copy_of_an_answer_is_a_copy(void **state)
{
    struct t_talk t;

    (void)state;
    idle_connection(&t, 1000);
    t_send(&t, CLIENT, .seq = 1010, .wait_ns = 10 * T_SECOND);
    t_send(&t, SERVER, .ip_id = 6);
    t_send(&t, SERVER, .ip_id = 6);
    assert_true(t_flag(&t, TL_SHAPE_COPY));
    t_is(&t, keepalive, PROBE_KIND, NONE);
    t_end(&t);
}

static void answer_to_a_window_probe_by_its_window(void **state)
{
    struct t_talk t;

    (void)state;
    idle_connection(&t, T_CLOSED);
    t_send(&t, CLIENT, .seq = 1010, .wait_ns = 200 * T_MS);
    t_send(&t, SERVER, .window = T_CLOSED);
    t_is(&t, window_probe, PROBE_KIND, ANSWER);
    t_send(&t, CLIENT, .seq = 1010, .wait_ns = 400 * T_MS);
    t_send(&t, SERVER, .window = 1);
    t_is(&t, window_probe, PROBE_KIND, OPEN);
    t_end(&t);
}

/* ---- runs ---------------------------------------------------------------------------------------------------------------- */

static void run_counts_probes_and_those_unanswered(void **state)
{
    struct t_talk t;
    uint32_t first;

    (void)state;
    idle_connection(&t, 1000);
    t_send(&t, CLIENT, .seq = 1010, .wait_ns = 60 * T_SECOND);
    first = t.frame;
    t_send(&t, SERVER, .flags = TL_ACK);
    assert_int_equal(t.v.refs.probe_run_in, first);
    t_send(&t, CLIENT, .seq = 1010, .wait_ns = 10 * T_SECOND);
    assert_int_equal(t.v.refs.probe_number, 2);
    assert_int_equal(t.v.refs.probe_unanswered, 1);
    t_send(&t, CLIENT, .seq = 1010, .wait_ns = 20 * T_SECOND);
    assert_int_equal(t.v.refs.probe_number, 3);
    assert_int_equal(t.v.refs.probe_unanswered, 2);
    assert_int_equal(t.v.refs.probe_run_in, first);
    assert_true(t.v.refs.probe_interval_ns == 20 * T_SECOND);
    t_end(&t);
}

static void own_segment_ends_the_run(void **state)
{
    struct t_talk t;

    (void)state;
    idle_connection(&t, 1000);
    t_send(&t, CLIENT, .seq = 1010, .wait_ns = 60 * T_SECOND);
    t_send(&t, SERVER, .flags = TL_ACK);
    t_send(&t, CLIENT, .len = 5);
    t_send(&t, SERVER, .flags = TL_ACK);
    t_send(&t, CLIENT, .seq = 1015, .wait_ns = 60 * T_SECOND);
    assert_int_equal(t.v.refs.probe_number, 1);
    assert_int_equal(t.v.refs.probe_run_in, t.frame);
    t_end(&t);
}

/* Any segment of the peer closes "unanswered", even one that is no answer. */
static void any_segment_of_the_peer_ends_unanswered(void **state)
{
    struct t_talk t;

    (void)state;
    idle_connection(&t, 1000);
    t_send(&t, CLIENT, .seq = 1010, .wait_ns = 60 * T_SECOND);
    t_send(&t, SERVER, .wait_ns = 5 * T_SECOND);
    no_probe(&t);
    t_send(&t, CLIENT, .seq = 1010, .wait_ns = 5 * T_SECOND);
    assert_int_equal(t.v.refs.probe_number, 2);
    assert_int_equal(t.v.refs.probe_unanswered, 1);
    t_end(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(k1_octet_before_the_next_one_into_a_closed_window),
        cmocka_unit_test(k1_any_other_number_is_no_probe),
        cmocka_unit_test(k1_open_run_goes_on_after_a_window_update),
        cmocka_unit_test(k2_new_octet_after_the_patience),
        cmocka_unit_test(k2_with_octets_under_way_is_data),
        cmocka_unit_test(k2_into_an_open_window_is_data),
        cmocka_unit_test(k3_lowest_octets_again_into_a_closed_window),
        cmocka_unit_test(k4_octet_before_the_next_one_when_idle),
        cmocka_unit_test(k4_not_with_octets_under_way),
        cmocka_unit_test(k4_not_within_the_time_of_reordering),
        cmocka_unit_test(k4_timestamps_tell_an_old_ack),
        cmocka_unit_test(k4_one_way_after_silence),
        cmocka_unit_test(k4_in_fin_wait_2_the_octet_is_the_fin),
        cmocka_unit_test(k4_not_before_the_handshake_is_over),
        cmocka_unit_test(k5_old_octet_after_a_second),
        cmocka_unit_test(k5_previous_probe_of_the_run_is_enough),
        cmocka_unit_test(k5_two_octets_are_a_retransmission),
        cmocka_unit_test(k5_not_into_a_closed_window),
        cmocka_unit_test(answer_comes_about_a_round_trip_later),
        cmocka_unit_test(answer_repeats_the_expected_numbers),
        cmocka_unit_test(only_the_first_answer_counts),
        cmocka_unit_test(copy_of_an_answer_is_a_copy),
        cmocka_unit_test(answer_to_a_window_probe_by_its_window),
        cmocka_unit_test(run_counts_probes_and_those_unanswered),
        cmocka_unit_test(own_segment_ends_the_run),
        cmocka_unit_test(any_segment_of_the_peer_ends_unanswered),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
