/* test_clock.c - tests of tl_clock: the tick of a timestamp clock, segments that the path held back, the order of sending.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "tl_test.h"

#include "base/tl_clock.h"

enum { TS = TL_OPT_TIMESTAMPS, TSVAL = 1000 };

static const int64_t START_NS = 5 * T_SECOND;

/* A segment that passes `passed_ns` after the first one. */
static void learn(struct tl_clock *clock, int64_t passed_ns, uint32_t tsval)
{
    tl_clock_learn(clock, SEGMENT(.time_ns = START_NS + passed_ns, .tsval = tsval, .options = TS));
}

/* Starts a clock with TSval TSVAL and lets it count `ticks` of `tick_ns` each. */
static struct tl_clock clock_after(int64_t ticks, int64_t tick_ns)
{
    struct tl_clock clock = {0};

    learn(&clock, 0, TSVAL);
    learn(&clock, ticks * tick_ns, TSVAL + (uint32_t)ticks);
    return clock;
}

static int64_t sent_at(const struct tl_clock *clock, int64_t passed_ns, uint32_t tsval)
{
    return tl_clock_sent_at(clock, START_NS + passed_ns, tsval, true) - START_NS;
}

/* ---- the tick ---------------------------------------------------------------------------------------------------------- */

/* RFC 7323 5.4: a clock ticks every 1 ms to 1 s; these are the ones in use. */
static void ticks_in_use_are_found(void **state)
{
    static const int64_t ticks_ms[] = {1, 2, 4, 10, 100};

    (void)state;
    for (unsigned i = 0; i < sizeof ticks_ms / sizeof ticks_ms[0]; i++) {
        assert_int_equal(clock_after(50, ticks_ms[i] * T_MS).tick_ns, ticks_ms[i] * T_MS);
        assert_int_equal(clock_after(100000, ticks_ms[i] * T_MS).tick_ns, ticks_ms[i] * T_MS);
    }
}

static void other_ticks_are_not_guessed(void **state)
{
    static const int64_t ticks_us[] = {1, 500, 1500, 3000, 6000, 20000, 50000, 1000000};

    (void)state;
    for (unsigned i = 0; i < sizeof ticks_us / sizeof ticks_us[0]; i++) {
        assert_int_equal(clock_after(100, ticks_us[i] * 1000).tick_ns, 0);
    }
}

/* threshold: TICKS_LEAST, TICK_PERCENT */
static void tick_needs_50_ticks(void **state)
{
    (void)state;
    assert_int_equal(clock_after(49, T_MS).tick_ns, 0);
    assert_int_equal(clock_after(50, T_MS).tick_ns, T_MS);
}

/* Up to 15 % off, to either side: 50 ticks then take 42.5 to 57.5 ms. */
/* threshold: TICKS_LEAST, TICK_PERCENT */
static void tick_may_be_15_percent_off(void **state)
{
    (void)state;
    assert_int_equal(clock_after(50, 850000).tick_ns, T_MS);
    assert_int_equal(clock_after(50, 849999).tick_ns, 0);
    assert_int_equal(clock_after(50, 1150000).tick_ns, T_MS);
    assert_int_equal(clock_after(50, 1150001).tick_ns, 0);
    assert_int_equal(clock_after(50, 1700000).tick_ns, 2 * T_MS);
    assert_int_equal(clock_after(50, 1699999).tick_ns, 0);
}

/* What came too early to tell does not spoil the answer: the slope counts from the first segment. */
static void tick_is_found_once_the_slope_fits(void **state)
{
    struct tl_clock clock = clock_after(50, 1500000); /* the path held this one back by 25 ms */

    (void)state;
    assert_int_equal(clock.tick_ns, 0);
    learn(&clock, 200 * T_MS, TSVAL + 200);
    assert_int_equal(clock.tick_ns, T_MS);
}

static void clock_that_stands_or_runs_backwards_has_no_tick(void **state)
{
    struct tl_clock clock = clock_after(0, T_MS);

    (void)state;
    learn(&clock, T_SECOND, TSVAL);
    learn(&clock, 2 * T_SECOND, TSVAL - 100);
    learn(&clock, -T_SECOND, TSVAL + 100);
    assert_int_equal(clock.tick_ns, 0);
}

/* RFC 7323 5.2: TSvals wrap like sequence numbers. */
static void tick_across_the_wrap(void **state)
{
    struct tl_clock clock = {0};

    (void)state;
    learn(&clock, 0, UINT32_MAX - 9);
    learn(&clock, 100 * T_MS, 90);
    assert_int_equal(clock.tick_ns, T_MS);
    assert_int_equal(sent_at(&clock, 150 * T_MS, 130), 140 * T_MS);
}

/* ---- when it was sent -------------------------------------------------------------------------------------------------- */

/* The path held a segment back if that is at least 3 ms by the sender's clock. */
/* threshold: HELD_BACK_NS */
static void held_back_by_3_ms_counts(void **state)
{
    struct tl_clock clock = clock_after(100, T_MS);

    (void)state;
    assert_int_equal(sent_at(&clock, 200 * T_MS, TSVAL + 200), 200 * T_MS);
    assert_int_equal(sent_at(&clock, 203 * T_MS - 1, TSVAL + 200), 203 * T_MS - 1);
    assert_int_equal(sent_at(&clock, 203 * T_MS, TSVAL + 200), 200 * T_MS);
    assert_int_equal(sent_at(&clock, 900 * T_MS, TSVAL + 200), 200 * T_MS);
}

static void nothing_is_dated_back_without_tick_or_timestamp(void **state)
{
    struct tl_clock clock = clock_after(49, T_MS);

    (void)state;
    assert_int_equal(sent_at(&clock, 900 * T_MS, TSVAL + 200), 900 * T_MS);
    clock = clock_after(100, T_MS);
    assert_true(tl_clock_sent_at(&clock, START_NS + 900 * T_MS, TSVAL, false) == START_NS + 900 * T_MS);
}

/* The least delay is what nothing holds back: a first segment that was late itself makes the others early, not the others. */
static void least_delay_is_the_measure(void **state)
{
    struct tl_clock clock = {0};

    (void)state;
    learn(&clock, 0, TSVAL); /* held back by 20 ms */
    learn(&clock, 380 * T_MS, TSVAL + 400);
    assert_int_equal(clock.tick_ns, T_MS);
    assert_int_equal(sent_at(&clock, 480 * T_MS, TSVAL + 500), 480 * T_MS);
    assert_int_equal(sent_at(&clock, 500 * T_MS, TSVAL + 500), 480 * T_MS);
}

/* Two clocks drift apart: a sender whose clock is 100 ppm slow seems 1 ms later every 10 s. After 100 s that is 10 ms, and yet
 * nothing was held back. */
/* threshold: WINDOW_NS */
static void drift_is_no_delay(void **state)
{
    struct tl_clock clock = {0};

    (void)state;
    for (int64_t s = 0; s <= 100; s++) {
        int64_t passed_ns = s * T_SECOND + s * T_SECOND / 10000;

        assert_int_equal(sent_at(&clock, passed_ns, TSVAL + (uint32_t)s * 1000), passed_ns);
        learn(&clock, passed_ns, TSVAL + (uint32_t)s * 1000);
    }
}

/* The same after silence: only this and the last window of 10 s tell the least delay. 100 ppm are 100 ms after 1,000 s. */
/* threshold: WINDOW_NS */
static void drift_during_silence_is_no_delay(void **state)
{
    struct tl_clock clock = clock_after(1000, T_MS);
    int64_t passed_ns = 1000 * T_SECOND + 100 * T_MS;

    (void)state;
    assert_int_equal(sent_at(&clock, passed_ns, TSVAL + 1000000), passed_ns);
    learn(&clock, passed_ns, TSVAL + 1000000);
    assert_int_equal(sent_at(&clock, passed_ns + T_SECOND, TSVAL + 1001000), passed_ns + T_SECOND);
}

/* A window ends after 10 s, and counts for another one. */
/* threshold: WINDOW_NS */
static void window_of_10_s_counts_twice(void **state)
{
    struct tl_clock clock = clock_after(1000, T_MS);

    (void)state;
    learn(&clock, 10 * T_SECOND + 5 * T_MS, TSVAL + 10000); /* second window: all of it 5 ms late */
    assert_int_equal(sent_at(&clock, 15 * T_SECOND + 5 * T_MS, TSVAL + 15000), 15 * T_SECOND);
    learn(&clock, 20 * T_SECOND + 6 * T_MS, TSVAL + 20000); /* third window */
    assert_int_equal(sent_at(&clock, 21 * T_SECOND + 5 * T_MS, TSVAL + 21000), 21 * T_SECOND + 5 * T_MS);
}

/* ---- the order --------------------------------------------------------------------------------------------------------- */

static void learn_id(struct tl_clock *clock, int id)
{
    tl_clock_learn(clock, SEGMENT(.ip_id = (uint16_t)id));
}

/* Feeds IDs that begin at `id` and take these steps. */
static bool counts(int id, const int *steps, unsigned count)
{
    struct tl_clock clock = {0};

    learn_id(&clock, id);
    for (unsigned i = 0; i < count; i++) {
        learn_id(&clock, id += steps[i]);
    }
    return tl_clock_counts_ids(&clock);
}

/* Steps of -200 to 2000, but not 0, and at least four of them. */
/* threshold: ID_AHEAD, ID_BACK, ID_PERCENT, ID_STEPS_LEAST */
static void ids_count_if_steps_are_small(void **state)
{
    static const struct {
        int steps[4];
        bool counts;
    } rows[] = {
        {{1, 1, 1, 1}, true},
        {{2000, 2000, 2000, 2000}, true},
        {{2000, 2000, 2000, 2001}, false},
        {{-200, 1, 1, 1}, true},
        {{-201, 1, 1, 1}, false},
        {{1, 0, 1, 1}, false},
        {{1, 1, 1, 30000}, false},
        {{-30000, 20000, -25000, 1}, false},
    };

    (void)state;
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(counts(1000, rows[i].steps, 4), rows[i].counts);
    }
    assert_false(counts(1000, rows[1].steps, 3));
    assert_true(counts(65530, rows[1].steps, 4)); /* across the wrap */
}

/* threshold: ID_CLOSE, ID_CLOSE_LEAST */
static void two_very_small_steps_are_enough(void **state)
{
    static const struct {
        int steps[2];
        bool counts;
    } rows[] = {{{1, 1}, true}, {{64, 64}, true}, {{64, 65}, false}, {{-1, 1}, false}, {{0, 1}, false}};

    (void)state;
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(counts(1000, rows[i].steps, 2), rows[i].counts);
    }
    assert_false(counts(1000, rows[0].steps, 1));
}

/* threshold: ID_AHEAD, ID_BACK, ID_PERCENT, ID_STEPS_LEAST */
static void nine_steps_of_ten_are_enough(void **state)
{
    static const int steps[] = {1, 1, 1, 9999, 1, 1, 1, 1, 1, 1, 9999};

    (void)state;
    assert_true(counts(1, steps, 10));  /* 9 of 10 */
    assert_false(counts(1, steps, 11)); /* 9 of 11 */
}

/* RFC 6864: an ID of 0 says nothing, and IPv6 has none. */
static void ids_of_0_and_ipv6_are_left_out(void **state)
{
    struct tl_clock clock = {0};

    (void)state;
    for (int i = 0; i < 5; i++) {
        learn_id(&clock, 1 + i);
        learn_id(&clock, 0);
        tl_clock_learn(&clock, SEGMENT(.ip_id = 40000, .ipv6 = true));
    }
    assert_true(tl_clock_counts_ids(&clock));
    clock = (struct tl_clock){0};
    for (int i = 0; i < 50; i++) {
        learn_id(&clock, 0);
    }
    assert_false(tl_clock_counts_ids(&clock));
}

static struct tl_clock counting(void)
{
    struct tl_clock clock = {0};

    for (int i = 1; i <= 5; i++) {
        learn_id(&clock, i);
    }
    return clock;
}

static void order_by_id(void **state)
{
    struct tl_clock clock = counting();

    (void)state;
    assert_int_equal(tl_clock_order(&clock, 10, 11, 0, 0, false), -1);
    assert_int_equal(tl_clock_order(&clock, 11, 10, 0, 0, false), 1);
    assert_int_equal(tl_clock_order(&clock, 65535, 1, 0, 0, false), -1);
    assert_int_equal(tl_clock_order(&clock, 1, 65535, 0, 0, false), 1);
    assert_int_equal(tl_clock_order(&clock, 10, 10, 0, 0, false), 0);
    assert_int_equal(tl_clock_order(&clock, 0, 10, 0, 0, false), 0);
    assert_int_equal(tl_clock_order(&clock, 10, 0, 0, 0, false), 0);
    /* Too far apart to say anything: 16 bits may have gone round. */
    assert_int_equal(tl_clock_order(&clock, 2010, 10, 0, 0, false), 1);
    assert_int_equal(tl_clock_order(&clock, 2011, 10, 0, 0, false), 0);
    assert_int_equal(tl_clock_order(&clock, 2011, 10, 7, 8, true), -1);
    /* The ID wins over the timestamp, which may be equal or, after a retransmission, not what the order is about. */
    assert_int_equal(tl_clock_order(&clock, 10, 11, 7, 7, true), -1);
    assert_int_equal(tl_clock_order(&clock, 10, 11, 8, 7, true), -1);
}

/* A host that does not count: the timestamp tells, if it differs. */
static void order_by_timestamp(void **state)
{
    struct tl_clock clock = {0};

    (void)state;
    assert_int_equal(tl_clock_order(&clock, 11, 10, 7, 8, true), -1);
    assert_int_equal(tl_clock_order(&clock, 10, 11, 8, 7, true), 1);
    assert_int_equal(tl_clock_order(&clock, 10, 11, 7, 7, true), 0);
    assert_int_equal(tl_clock_order(&clock, 10, 11, 7, 8, false), 0);
    assert_int_equal(tl_clock_order(&clock, 0, 0, UINT32_MAX, 0, true), -1);
    assert_int_equal(tl_clock_order(&clock, 0, 0, 0, UINT32_MAX, true), 1);
    clock = counting();
    assert_int_equal(tl_clock_order(&clock, 0, 10, 7, 8, true), -1);
    assert_int_equal(tl_clock_order(&clock, 10, 10, 8, 7, true), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ticks_in_use_are_found),
        cmocka_unit_test(other_ticks_are_not_guessed),
        cmocka_unit_test(tick_needs_50_ticks),
        cmocka_unit_test(tick_may_be_15_percent_off),
        cmocka_unit_test(tick_is_found_once_the_slope_fits),
        cmocka_unit_test(clock_that_stands_or_runs_backwards_has_no_tick),
        cmocka_unit_test(tick_across_the_wrap),
        cmocka_unit_test(held_back_by_3_ms_counts),
        cmocka_unit_test(nothing_is_dated_back_without_tick_or_timestamp),
        cmocka_unit_test(least_delay_is_the_measure),
        cmocka_unit_test(drift_is_no_delay),
        cmocka_unit_test(drift_during_silence_is_no_delay),
        cmocka_unit_test(window_of_10_s_counts_twice),
        cmocka_unit_test(ids_count_if_steps_are_small),
        cmocka_unit_test(two_very_small_steps_are_enough),
        cmocka_unit_test(nine_steps_of_ten_are_enough),
        cmocka_unit_test(ids_of_0_and_ipv6_are_left_out),
        cmocka_unit_test(order_by_id),
        cmocka_unit_test(order_by_timestamp),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
