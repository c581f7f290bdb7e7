/* test_probe_run.c - tests of tl_probe: which timer a run of probes without payload belongs to (K6), the octet of a keep-alive (K5),
 * segments cut to the window (K7).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "tl_test.h"

enum { SYN = TL_SYN, SYNACK = TL_SYN | TL_ACK, FIN = TL_FIN | TL_ACK };

/* The client has sent 10 octets, 1001 to 1010; all are acknowledged, and the server's window is closed. */
static void closed_window(struct t_talk *t)
{
    t_established(t);
    t_send(t, SERVER, .flags = TL_ACK);
    t_send(t, CLIENT, .len = 10, .octets = "ab");
    t_send(t, SERVER, .window = T_CLOSED);
}

/* The same, and nothing of the server was captured. */
static void one_way(struct t_talk *t)
{
    t_start(t);
    t_send(t, CLIENT, .seq = 1001, .len = 10, .octets = "ab");
}

/* What probes of the client are taken for, each this long after the one before: a letter for each. k, w keep-alive and window probe,
 * K, W the same as a guess. */
static void runs(void (*begin)(struct t_talk *t), const char *expected, const int64_t *gaps_ms)
{
    struct t_talk t;

    begin(&t);
    for (unsigned i = 0; expected[i]; i++) {
        bool is_window;

        t_send(&t, CLIENT, .seq = 1010, .wait_ns = gaps_ms[i] * T_MS);
        is_window = t.v.shape.window_probe == TL_PROBE_KIND_PROBE;
        assert_true(is_window != (t.v.shape.keepalive == TL_PROBE_KIND_PROBE));
        assert_int_equal(is_window ? 'w' : 'k', expected[i] | 0x20);
        assert_int_equal(t.v.shape.probe_confidence, expected[i] & 0x20 ? TL_CONFIDENCE_LIKELY : TL_CONFIDENCE_GUESS);
        assert_int_equal(t.v.refs.probe_number, i + 1);
    }
    t_end(&t);
}

#define runs(begin, expected, ...) runs(begin, expected, (const int64_t[]){__VA_ARGS__})

/* ---- K6 ---------------------------------------------------------------------------------------------------------------- */

/* Keep-alive timers count whole seconds. */
static void k6_no_keepalive_before_a_second(void **state)
{
    (void)state;
    runs(closed_window, "w", 989);
    runs(closed_window, "W", 990);
    runs(one_way, "w", 989);
    runs(one_way, "K", 990);
}

/* No timer of TCP's own is longer than two minutes. */
/* threshold: LONGEST_TIMER_NS */
static void k6_no_window_probe_after_two_minutes(void **state)
{
    (void)state;
    runs(closed_window, "W", 144000);
    runs(closed_window, "k", 144001);
    runs(one_way, "K", 144000);
    runs(one_way, "k", 144001);
}

/* The gap after the first one equals the silence before it, from 10 % less to 5 % more. */
/* threshold: BACKED_OFF_NS, probe_timer_of */
static void k6_equal_gaps_are_keepalives(void **state)
{
    (void)state;
    runs(closed_window, "Wk", 2000, 1800);
    runs(closed_window, "Wk", 2000, 2100);
    runs(closed_window, "WW", 2000, 1799);
    runs(closed_window, "WW", 2000, 2101);
    runs(one_way, "Kk", 2000, 2000);
    runs(closed_window, "wk", 300, 300); /* a timer that fires so soon and does not double */
}

/* From the third one on both gaps are the timer's own: one that does not grow backs off no more. */
/* threshold: BACKED_OFF_NS, probe_timer_of */
static void k6_gaps_that_do_not_grow_are_keepalives(void **state)
{
    (void)state;
    runs(closed_window, "WWk", 20000, 1000, 1050);
    runs(closed_window, "WWW", 20000, 1000, 1051);
    runs(closed_window, "WWk", 20000, 10000, 1000);
}

/* Back-off ends at a cap, which is at least 60 s. */
/* threshold: BACKED_OFF_NS, probe_timer_of */
static void k6_equal_gaps_at_the_cap_say_nothing(void **state)
{
    (void)state;
    runs(closed_window, "Wk", 47999, 47999);
    runs(closed_window, "WW", 48000, 48000);
}

/* One gap doubled may be a lost keep-alive; twice is back-off. */
/* threshold: probe_doubles */
static void k6_doubled_twice_is_back_off(void **state)
{
    (void)state;
    runs(closed_window, "WWw", 1000, 1600, 2560);
    runs(closed_window, "WWw", 1000, 2400, 5760);
    runs(closed_window, "WWW", 1000, 1599, 2560);
    runs(closed_window, "WWW", 1000, 2000, 4801);
    runs(one_way, "KKw", 1000, 2000, 4000);
    runs(one_way, "KKk", 1000, 2000, 1000); /* the second one was lost before the capture */
}

/* Lost probes: the gaps of a doubling timer grow still, those of a steady one come back. */
static void k6_lost_probes(void **state)
{
    (void)state;
    runs(closed_window, "wwwww", 230, 460, 920, 1840 + 3680, 7360);
    runs(closed_window, "WWWw", 230 + 460 + 920 + 1840, 3680, 7360, 14720); /* 3 were lost */
    runs(one_way, "wwww", 230, 460, 920, 1840);
    runs(one_way, "Kkkk", 1000, 1000, 2000, 1000);
}

/* An open window is a fact: whatever the times, nobody asks for it. */
static void k6_an_open_window_decides(void **state)
{
    struct t_talk t;

    (void)state;
    t_established(&t);
    t_send(&t, SERVER, .flags = TL_ACK);
    t_send(&t, CLIENT, .len = 10);
    t_send(&t, SERVER, .flags = TL_ACK);
    for (int64_t gap_ns = 300 * T_MS; gap_ns < 20 * T_SECOND; gap_ns *= 2) {
        t_send(&t, CLIENT, .seq = 1010, .wait_ns = gap_ns);
        t_is(&t, keepalive, PROBE_KIND, PROBE);
        t_is(&t, probe_confidence, CONFIDENCE, CERTAIN);
    }
    t_end(&t);
}

/* The probe that decides says so of the whole run, and only that one; answers are what the run is taken for. */
static void k6_one_probe_names_the_run(void **state)
{
    struct t_talk t;

    (void)state;
    closed_window(&t);
    for (unsigned i = 0; i < 3; i++) {
        t_send(&t, CLIENT, .seq = 1010, .wait_ns = T_SECOND);
        assert_int_equal(t.v.shape.flags & TL_SHAPE_NAMES_RUN, i == 1 ? TL_SHAPE_NAMES_RUN : 0);
        assert_int_equal(t.v.refs.probe_run_in, 7);
        t_send(&t, SERVER, .window = T_CLOSED, .wait_ns = T_SAME_TIME);
        assert_int_equal(i ? t.v.shape.keepalive : t.v.shape.window_probe, TL_PROBE_KIND_ANSWER);
        assert_int_equal(t.v.shape.probe_confidence, i ? TL_CONFIDENCE_LIKELY : TL_CONFIDENCE_GUESS);
    }
    t_end(&t);
}

/* A keep-alive that was certain, for the window was open, is no window probe later. */
static void k6_a_certain_run_is_not_renamed(void **state)
{
    struct t_talk t;

    (void)state;
    t_established(&t);
    t_send(&t, SERVER, .flags = TL_ACK);
    t_send(&t, CLIENT, .len = 10);
    t_send(&t, SERVER, .flags = TL_ACK);
    t_send(&t, CLIENT, .seq = 1010, .wait_ns = 5 * T_SECOND);
    t_is(&t, keepalive, PROBE_KIND, PROBE);
    t_send(&t, SERVER, .window = T_CLOSED, .wait_ns = T_SAME_TIME);
    t_send(&t, CLIENT, .seq = 1010, .wait_ns = 300 * T_MS);
    t_is(&t, window_probe, PROBE_KIND, PROBE);
    assert_int_equal(t.v.refs.probe_number, 1);
    assert_int_equal(t.v.shape.flags & TL_SHAPE_NAMES_RUN, 0);
    t_end(&t);
}

/* ---- K5 ---------------------------------------------------------------------------------------------------------------- */

/* The last octet sent was 'b'. Half a second is too short for it to be a keep-alive again. */
static void k5_octet(const char *octets, bool keepalive, bool certain)
{
    struct t_talk t;

    t_established(&t);
    t_send(&t, SERVER, .flags = TL_ACK);
    t_send(&t, CLIENT, .len = 10, .octets = "ab");
    t_send(&t, SERVER, .flags = TL_ACK);
    t_send(&t, CLIENT, .seq = 1010, .len = 1, .octets = {octets[0], octets[0]}, .wait_ns = T_SECOND / 2);
    assert_int_equal(t.v.shape.keepalive, keepalive ? TL_PROBE_KIND_PROBE : TL_PROBE_KIND_NONE);
    if (keepalive) {
        assert_int_equal(t.v.shape.probe_confidence, certain ? TL_CONFIDENCE_CERTAIN : TL_CONFIDENCE_LIKELY);
    }
    t_end(&t);
}

static void k5_another_octet_is_garbage(void **state)
{
    (void)state;
    k5_octet("x", true, true);
    k5_octet("b", false, false); /* the same octet again: a retransmission */
    k5_octet("", false, false);  /* not captured */
}

/* The octet before it is not known: more was acknowledged than captured, or the payload was cut off. */
static void k5_unknown_octet_is_no_evidence(void **state)
{
    struct t_talk t;

    (void)state;
    for (unsigned cut = 0; cut < 2; cut++) {
        t_established(&t);
        t_send(&t, SERVER, .flags = TL_ACK);
        t_send(&t, CLIENT, .len = 10, .octets = {'a', cut ? 0 : 'b'});
        t_send(&t, SERVER, .ack = cut ? 1011 : 1012);
        t_send(&t, CLIENT, .seq = cut ? 1010 : 1011, .len = 1, .octets = "xx", .wait_ns = T_SECOND / 2);
        t_is(&t, keepalive, PROBE_KIND, NONE);
        t_end(&t);
    }
}

/* There is no octet at the number of a FIN. */
static void k5_octet_at_the_fin_is_garbage(void **state)
{
    struct t_talk t;

    (void)state;
    t_fin_wait_2(&t);
    t_send(&t, CLIENT, .seq = 1001, .len = 1, .wait_ns = T_SECOND / 2);
    t_is(&t, keepalive, PROBE_KIND, PROBE);
    t_is(&t, probe_confidence, CONFIDENCE, CERTAIN);
    t_end(&t);
}

/* ---- K7 ---------------------------------------------------------------------------------------------------------------- */

struct cut {
    uint16_t mss, window;
    uint32_t len;
    int64_t wait_ns;
};

static bool is_cut(const struct cut *cut)
{
    struct t_talk t;
    bool is;

    t_start(&t);
    t_send(&t, CLIENT, .flags = SYN);
    t_send(&t, SERVER, .flags = SYNACK, .options = cut->mss ? TL_OPT_MSS : 0, .mss = cut->mss, .wait_ns = 10 * T_MS);
    t_send(&t, CLIENT, .wait_ns = 10 * T_MS);
    t_send(&t, CLIENT, .len = 1000);
    t_send(&t, SERVER, .window = cut->window, .wait_ns = 10 * T_MS);
    t_send(&t, CLIENT, .len = cut->len, .wait_ns = cut->wait_ns);
    is = t.v.shape.flags & TL_SHAPE_WINDOW_LIMITED;
    assert_int_equal(t.v.shape.segment, TL_SEGMENT_NEW);
    t_end(&t);
    return is;
}

#define is_cut(...) is_cut(&(struct cut){__VA_ARGS__})

/* RTT 20 ms, or 11 by the data: the wait is 100 ms and a round trip, RFC 9293 3.8.6.2.1. */
/* threshold: OVERRIDE_NS, OVERRIDE_UNKNOWN_NS */
static void k7_fills_a_small_window_after_a_wait(void **state)
{
    (void)state;
    assert_true(is_cut(1460, 300, 300, 200 * T_MS));
    assert_false(is_cut(1460, 300, 300, 119 * T_MS));
    assert_true(is_cut(1460, 300, 300, 120 * T_MS));
}

/* The SYN was not captured, and the data came twice: nobody knows the round trip. */
/* threshold: OVERRIDE_NS, OVERRIDE_UNKNOWN_NS */
static void k7_without_a_round_trip(void **state)
{
    struct t_talk t;

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        t_start(&t);
        t_send(&t, SERVER, .flags = SYNACK, .options = TL_OPT_MSS, .mss = 1460);
        t_send(&t, CLIENT, .flags = TL_ACK);
        t_send(&t, CLIENT, .len = 1000);
        t_send(&t, CLIENT, .seq = t.next[CLIENT] - 1000, .len = 1000, .wait_ns = 200 * T_MS);
        t_send(&t, SERVER, .window = 300);
        t_send(&t, CLIENT, .len = 300, .wait_ns = 299 * T_MS + i * T_MS);
        assert_int_equal(t.v.shape.flags & TL_SHAPE_WINDOW_LIMITED, i ? TL_SHAPE_WINDOW_LIMITED : 0);
        t_end(&t);
    }
}

static void k7_only_to_the_last_octet(void **state)
{
    (void)state;
    assert_false(is_cut(1460, 300, 299, 200 * T_MS));
    assert_false(is_cut(1460, 300, 301, 200 * T_MS));
}

/* A whole segment was not cut to anything; where the MSS is not known nobody can tell. */
static void k7_below_the_mss(void **state)
{
    (void)state;
    assert_true(is_cut(301, 300, 300, 200 * T_MS));
    assert_false(is_cut(300, 300, 300, 200 * T_MS));
    assert_false(is_cut(0, 300, 300, 200 * T_MS));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(k6_no_keepalive_before_a_second),
        cmocka_unit_test(k6_no_window_probe_after_two_minutes),
        cmocka_unit_test(k6_equal_gaps_are_keepalives),
        cmocka_unit_test(k6_gaps_that_do_not_grow_are_keepalives),
        cmocka_unit_test(k6_equal_gaps_at_the_cap_say_nothing),
        cmocka_unit_test(k6_doubled_twice_is_back_off),
        cmocka_unit_test(k6_lost_probes),
        cmocka_unit_test(k6_an_open_window_decides),
        cmocka_unit_test(k6_one_probe_names_the_run),
        cmocka_unit_test(k6_a_certain_run_is_not_renamed),
        cmocka_unit_test(k5_another_octet_is_garbage),
        cmocka_unit_test(k5_unknown_octet_is_no_evidence),
        cmocka_unit_test(k5_octet_at_the_fin_is_garbage),
        cmocka_unit_test(k7_fills_a_small_window_after_a_wait),
        cmocka_unit_test(k7_without_a_round_trip),
        cmocka_unit_test(k7_only_to_the_last_octet),
        cmocka_unit_test(k7_below_the_mss),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
