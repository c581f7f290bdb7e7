/* test_feedback.c - tests of tl_feedback: SACK and D-SACK blocks, reports, and what the sender knew.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "tl_test.h"

#include "record/tl_scoreboard.h"
#include "rules/tl_feedback.h"

enum { TS = TL_OPT_TIMESTAMPS, UNA = 1000, PEER_SEQ = 7000 };

static struct tl_test_memory memory;
static struct tl_scoreboard sent;
static struct tl_feedback feedback;

/* The sender's record: 20 segments of 10 octets from UNA on, one for each ms; nothing is acknowledged. */
static int start(void **state)
{
    (void)state;
    tl_test_memory_init(&memory);
    tl_scoreboard_init(&sent, &memory.allocator);
    tl_scoreboard_restart(&sent, UNA);
    for (uint32_t i = 0; i < 20; i++) {
        tl_scoreboard_add(&sent,
                          SEGMENT(.time_ns = (i + 1) * T_MS, .frame = i + 1, .seq = UNA + 10 * i, .len = 10, .flags = TL_ACK));
    }
    tl_feedback_init(&feedback, &memory.allocator, UNA);
    return 0;
}

static int finish(void **state)
{
    (void)state;
    tl_feedback_free(&feedback);
    tl_scoreboard_free(&sent);
    assert_int_equal(memory.live, 0);
    return 0;
}

/* Segments first .. last - 1, counted from 0, as a block. */
#define BLOCK(first, last)                                                                                                     \
    {                                                                                                                          \
        UNA + 10 * (first), UNA + 10 * (last)                                                                                  \
    }

static void take_at(int64_t time_ns, int64_t half_rtt_ns, uint32_t ack, const uint32_t blocks[][2], unsigned count)
{
    struct tl_segment segment = {.time_ns = time_ns, .ack = ack, .flags = TL_ACK, .options = TL_OPT_SACK};

    segment.sack_count = (uint8_t)count;
    for (unsigned i = 0; i < count; i++) {
        segment.sack[i][0] = blocks[i][0];
        segment.sack[i][1] = blocks[i][1];
    }
    tl_feedback_sack(&feedback, &sent, &segment, half_rtt_ns);
}

static void take(uint32_t ack, uint32_t left, uint32_t right)
{
    const uint32_t block[1][2] = {{left, right}};

    take_at(100 * T_MS, 0, ack, block, 1);
}

static void sack(uint32_t first, uint32_t last)
{
    take(UNA, UNA + 10 * first, UNA + 10 * last);
}

static void assert_range(unsigned i, uint32_t first, uint32_t last)
{
    assert_true(i < feedback.range_count);
    assert_int_equal(feedback.ranges[i][0], UNA + 10 * first);
    assert_int_equal(feedback.ranges[i][1], UNA + 10 * last);
}

/* ---- ranges, RFC 2018 -------------------------------------------------------------------------------------------------- */

static void ranges_are_kept_sorted_and_merged(void **state)
{
    (void)state;
    sack(8, 9);
    sack(2, 3);
    sack(5, 6);
    assert_int_equal(feedback.range_count, 3);
    assert_range(0, 2, 3);
    assert_range(1, 5, 6);
    assert_range(2, 8, 9);
    sack(3, 5); /* touches both */
    assert_int_equal(feedback.range_count, 2);
    assert_range(0, 2, 6);
    sack(1, 12); /* holds all */
    assert_int_equal(feedback.range_count, 1);
    assert_range(0, 1, 12);
}

static void highest_is_una_without_ranges(void **state)
{
    (void)state;
    tl_feedback_record(&feedback, UNA, SEGMENT(.time_ns = T_MS, .tsval = 10, .options = TS));
    assert_int_equal(tl_feedback_known(&feedback, SEGMENT(.time_ns = T_SECOND, .tsecr = 10, .options = TS), 0).sacked, UNA);
}

static void covers_asks_for_all_of_a_range(void **state)
{
    (void)state;
    sack(2, 4);
    sack(6, 8);
    assert_true(tl_feedback_covers(&feedback, UNA + 20, UNA + 40));
    assert_true(tl_feedback_covers(&feedback, UNA + 65, UNA + 66));
    assert_false(tl_feedback_covers(&feedback, UNA + 19, UNA + 40));
    assert_false(tl_feedback_covers(&feedback, UNA + 20, UNA + 41));
    assert_false(tl_feedback_covers(&feedback, UNA + 20, UNA + 80));
}

static void grew_says_whether_something_is_new(void **state)
{
    (void)state;
    sack(2, 4);
    assert_true(feedback.grew);
    sack(2, 4);
    assert_false(feedback.grew);
    sack(3, 4);
    assert_false(feedback.grew);
    sack(2, 5);
    assert_true(feedback.grew);
    tl_feedback_sack(&feedback, &sent, SEGMENT(.ack = UNA, .flags = TL_ACK), 0);
    assert_false(feedback.grew);
}

/* With no room for a ninth range the lowest one goes: it is the next to be acknowledged. */
/* threshold: TL_FEEDBACK_RANGES */
static void lowest_range_goes_when_there_are_too_many(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < TL_FEEDBACK_RANGES + 1; i++) {
        sack(2 * i + 1, 2 * i + 2);
    }
    assert_int_equal(feedback.range_count, TL_FEEDBACK_RANGES);
    assert_range(0, 3, 4);
    assert_range(TL_FEEDBACK_RANGES - 1, 17, 18);
    for (unsigned i = 1; i < TL_FEEDBACK_RANGES; i++) {
        assert_true(feedback.ranges[i][0] > feedback.ranges[i - 1][1]);
    }
}

/* A range in the middle when there is no room. */
static void ranges_stay_sorted_when_one_is_evicted(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < TL_FEEDBACK_RANGES; i++) {
        sack(2 * i + (i >= 4 ? 3 : 1), 2 * i + (i >= 4 ? 4 : 2));
    }
    sack(9, 10);
    assert_int_equal(feedback.range_count, TL_FEEDBACK_RANGES);
    assert_range(0, 3, 4);
    assert_range(2, 7, 8);
    assert_range(3, 9, 10);
    assert_range(4, 11, 12);
}

static void cumulative_ack_drops_ranges_below(void **state)
{

    (void)state;
    sack(2, 4);
    sack(6, 8);
    tl_feedback_duplicate(&feedback, SEGMENT(.frame = 77));
    tl_feedback_acked(&feedback, UNA + 40, INT64_MIN);
    assert_int_equal(feedback.range_count, 1);
    assert_range(0, 6, 8);
    assert_int_equal(feedback.duplicates, 0);
    assert_int_equal(feedback.dupack_first_in, 0);
    tl_feedback_acked(&feedback, UNA + 100, INT64_MIN);
    assert_int_equal(feedback.range_count, 0);
}

static void ranges_across_the_wrap(void **state)
{
    const uint32_t base = UINT32_MAX - 24;

    (void)state;
    tl_scoreboard_restart(&sent, base);
    tl_scoreboard_add(&sent, SEGMENT(.time_ns = T_MS, .frame = 1, .seq = base, .len = 100, .flags = TL_ACK));
    tl_feedback_free(&feedback);
    tl_feedback_init(&feedback, &memory.allocator, base);
    take(base, base + 10, base + 20);
    take(base, base + 30, base + 40);
    take(base, base + 20, base + 30);
    assert_int_equal(feedback.range_count, 1);
    assert_true(tl_feedback_covers(&feedback, base + 10, base + 40));
    assert_int_equal(feedback.ranges[0][1], base + 40);
}

/* A block that is empty, turned round, at or below the ACK, or farther away than any window reaches (RFC 7323 2.3). */
static void senseless_blocks_are_ignored(void **state)
{
    (void)state;
    take(UNA, UNA + 20, UNA + 20);
    take(UNA, UNA + 30, UNA + 20);
    take(UNA, UNA, UNA + 20); /* what the ACK number should have said */
    take(UNA, UNA + 20, UNA + 20 + TL_SCOREBOARD_JUMP_MAX + 1);
    take(UNA, UNA + 200 + TL_SCOREBOARD_JUMP_MAX, UNA + 210 + TL_SCOREBOARD_JUMP_MAX);
    assert_int_equal(feedback.range_count, 0);
    assert_false(feedback.has_dsack);
}

/* ---- D-SACK, RFC 2883 4 -------------------------------------------------------------------------------------------------- */

static void dsack_below_the_ack(void **state)
{
    static const uint32_t blocks[2][2] = {BLOCK(2, 3), BLOCK(8, 9)};

    (void)state;
    take_at(0, 0, UNA + 50, blocks, 2);
    assert_true(feedback.has_dsack);
    assert_int_equal(feedback.dsack[0], UNA + 20);
    assert_int_equal(feedback.dsack[1], UNA + 30);
    assert_int_equal(feedback.range_count, 1);
    assert_range(0, 8, 9);
}

static void dsack_inside_the_second_block(void **state)
{
    static const uint32_t blocks[3][2] = {BLOCK(8, 9), BLOCK(7, 10), BLOCK(3, 4)};

    (void)state;
    take_at(0, 0, UNA, blocks, 3);
    assert_true(feedback.has_dsack);
    assert_int_equal(feedback.dsack[0], UNA + 80);
    assert_int_equal(feedback.dsack[1], UNA + 90);
    assert_int_equal(feedback.range_count, 2);
    assert_range(0, 3, 4);
    assert_range(1, 7, 10);
}

/* The first block alone, or beside the second one, reports what is new (RFC 2018 4). Only the last segment counts. */
static void other_first_blocks_are_no_dsack(void **state)
{
    static const uint32_t apart[2][2] = {BLOCK(8, 9), BLOCK(3, 5)};
    static const uint32_t larger[2][2] = {BLOCK(7, 10), BLOCK(8, 9)};
    static const uint32_t twice[1][2] = {BLOCK(0, 1)};

    (void)state;
    take_at(0, 0, UNA + 10, twice, 1);
    assert_true(feedback.has_dsack);
    take_at(0, 0, UNA + 10, apart, 2);
    assert_false(feedback.has_dsack);
    take_at(0, 0, UNA + 10, larger, 2);
    assert_false(feedback.has_dsack);
    take_at(0, 0, UNA + 10, apart, 1);
    assert_false(feedback.has_dsack);
}

/* ---- the newest transmission delivered, RFC 8985 --------------------------------------------------------------------------
 * */

static void newest_delivered_is_the_latest_that_is_covered(void **state)
{
    (void)state;
    sack(4, 6);
    assert_true(feedback.newest_ns == 6 * T_MS);
    sack(1, 2); /* sent before: says nothing newer */
    assert_true(feedback.newest_ns == 6 * T_MS);
    sack(4, 9);
    assert_true(feedback.newest_ns == 9 * T_MS);
}

/* Sent twice: the second transmission was delivered only if there was time enough to answer it. */
static void newest_delivered_of_what_was_sent_twice(void **state)
{
    static const uint32_t block[1][2] = {BLOCK(3, 4)};

    (void)state;
    tl_scoreboard_add(&sent, SEGMENT(.time_ns = 80 * T_MS, .frame = 30, .seq = UNA + 30, .len = 10, .flags = TL_ACK));
    take_at(100 * T_MS, 20 * T_MS + 1, UNA, block, 1);
    assert_true(feedback.newest_ns == 4 * T_MS);
    tl_feedback_free(&feedback);
    tl_feedback_init(&feedback, &memory.allocator, UNA);
    take_at(100 * T_MS, -1, UNA, block, 1); /* the half RTT is not known */
    assert_true(feedback.newest_ns == 4 * T_MS);
    tl_feedback_free(&feedback);
    tl_feedback_init(&feedback, &memory.allocator, UNA);
    take_at(100 * T_MS, 20 * T_MS, UNA, block, 1);
    assert_true(feedback.newest_ns == 80 * T_MS);
}

/* Above the twenty segments of 10 octets, 200 of one octet, sent later the lower they are. */
static void add_octets_downwards(void)
{
    for (uint32_t i = 200; i-- > 0;) {
        tl_scoreboard_add(
            &sent, SEGMENT(.time_ns = (1000 - i) * T_MS, .frame = 1000 - i, .seq = UNA + 200 + i, .len = 1, .flags = TL_ACK));
    }
}

/* A block over 128 segments: the oldest of them, sent last, counts. threshold: LOOKED_MAX */
static void all_of_128_segments_are_looked_at(void **state)
{
    (void)state;
    add_octets_downwards();
    take(UNA, UNA + 200, UNA + 200 + 128);
    assert_true(feedback.newest_ns == 1000 * T_MS);
}

/* Of 129 the lowest is left out. threshold: LOOKED_MAX */
static void of_129_segments_the_upper_ones_are_looked_at(void **state)
{
    (void)state;
    add_octets_downwards();
    take(UNA, UNA + 200, UNA + 200 + 129);
    assert_true(feedback.newest_ns == 999 * T_MS);
}

/* ---- reports ----------------------------------------------------------------------------------------------------------- */

static void report(int64_t time_ns, uint16_t options, uint32_t tsval, uint32_t una)
{

    tl_feedback_acked(&feedback, una, INT64_MIN);
    tl_feedback_record(&feedback, una,
                       SEGMENT(.time_ns = time_ns, .seq = PEER_SEQ, .tsval = tsval, .ack = una, .options = options));
}

/* `behind`: the sender has not got all that came before the reports. */
static uint32_t known_una(int64_t time_ns, uint16_t options, uint32_t tsecr, int64_t half_rtt_ns, bool behind)
{
    const struct tl_segment *segment =
        SEGMENT(.time_ns = time_ns, .ack = behind ? PEER_SEQ - 1 : PEER_SEQ, .tsecr = tsecr, .options = options);

    return tl_feedback_known(&feedback, segment, half_rtt_ns).una;
}

static void nothing_is_known_before_the_first_report(void **state)
{
    struct tl_report known = tl_feedback_known(&feedback, SEGMENT(.time_ns = T_SECOND), 0);

    (void)state;
    assert_int_equal(known.una, UNA);
    assert_int_equal(known.sacked, UNA);
    assert_int_equal(known.duplicates, 0);
    assert_true(known.time_ns == 0 && known.newest_ns == 0);
}

/* RFC 7323 3.2: TSecr is the newest TSval that the sender has got. When it passed does not matter. */
static void echo_tells_what_the_sender_knew(void **state)
{
    (void)state;
    report(100 * T_MS, TS, 10, UNA + 10);
    report(200 * T_MS, TS, 20, UNA + 20);
    report(300 * T_MS, TS, 30, UNA + 30);
    assert_int_equal(known_una(T_SECOND, TS, 9, 0, false), UNA);
    assert_int_equal(known_una(T_SECOND, TS, 10, 0, false), UNA + 10);
    assert_int_equal(known_una(T_SECOND, TS, 29, 0, false), UNA + 20);
    assert_int_equal(known_una(T_SECOND, TS, 30, 0, false), UNA + 30);
    assert_int_equal(known_una(300 * T_MS, TS, 30, 90 * T_MS, false), UNA + 30);
}

/* A segment above a hole does not move TSecr (RFC 7323 4.3): of a report that stands above what the sender has got the echo
 * cannot tell. It counts if it passed 1.1 half RTT + 1 ms before. */
/* threshold: feedback_travel */
static void frozen_echo_is_helped_by_the_leg(void **state)
{
    const int64_t half_rtt = 100 * T_MS, due = 311 * T_MS;

    (void)state;
    report(100 * T_MS, TS, 10, UNA + 10);
    report(200 * T_MS, TS, 20, UNA + 20);
    assert_int_equal(known_una(due, TS, 10, half_rtt, false), UNA + 10);
    assert_int_equal(known_una(due - 1, TS, 10, half_rtt, true), UNA + 10);
    assert_int_equal(known_una(due, TS, 10, half_rtt, true), UNA + 20);
}

/* Without timestamps 0.9 half RTT decides. */
/* threshold: feedback_travel */
static void without_timestamps_the_leg_decides(void **state)
{
    (void)state;
    report(100 * T_MS, 0, 0, UNA + 10);
    report(200 * T_MS, 0, 0, UNA + 20);
    assert_int_equal(known_una(190 * T_MS - 1, 0, 0, 100 * T_MS, false), UNA);
    assert_int_equal(known_una(190 * T_MS, 0, 0, 100 * T_MS, false), UNA + 10);
    assert_int_equal(known_una(290 * T_MS - 1, 0, 0, 100 * T_MS, false), UNA + 10);
    assert_int_equal(known_una(290 * T_MS, 0, 0, 100 * T_MS, false), UNA + 20);
}

/* A half RTT under 1 ms is the host itself, and so is one that was never measured: what passes is known at once. */
/* threshold: HALF_RTT_LEAST_NS */
static void leg_under_a_millisecond_counts_as_none(void **state)
{
    (void)state;
    report(200 * T_MS, 0, 0, UNA + 20);
    assert_int_equal(known_una(200 * T_MS, 0, 0, T_MS - 1, false), UNA + 20);
    assert_int_equal(known_una(200 * T_MS, 0, 0, -1, false), UNA + 20);
    assert_int_equal(known_una(200 * T_MS + 900000 - 1, 0, 0, T_MS, false), UNA);
    assert_int_equal(known_una(200 * T_MS + 900000, 0, 0, T_MS, false), UNA + 20);
}

/* Which is the third: what a sender without SACK answers (RFC 5681 3.2). A new acknowledgment starts the count again. */
static void third_duplicate_has_a_time(void **state)
{

    (void)state;
    for (int64_t i = 1; i <= 4; i++) {
        tl_feedback_duplicate(&feedback, SEGMENT(.time_ns = i * T_MS));
        assert_true(feedback.third_ns == (i < 3 ? 0 : 3 * T_MS));
    }
    tl_feedback_acked(&feedback, UNA + 10, INT64_MIN);
    assert_true(feedback.third_ns == 0);
}

/* Reports with one TSval acknowledge 10, 20 and 30. Who sends 20 again knew up to there, and nobody's later report; who sends 5
 * again knew none of them. */
#define RESENT(octet, echo) SEGMENT(.time_ns = T_SECOND, .seq = UNA + (octet), .ack = PEER_SEQ, .tsecr = echo, .options = TS)

static void resender_knew_the_first_of_several_with_one_tsval(void **state)
{
    struct tl_report known;

    (void)state;
    report(100 * T_MS, TS, 1, UNA);
    report(200 * T_MS, TS, 2, UNA + 10);
    report(201 * T_MS, TS, 2, UNA + 20);
    report(202 * T_MS, TS, 2, UNA + 30);
    known = tl_feedback_known_to_resender(&feedback, RESENT(20, 2), 0);
    assert_int_equal(known.una, UNA + 20);
    assert_int_equal(known.sacked, UNA + 20);
    assert_int_equal(known.duplicates, 0);
    assert_true(known.time_ns == 200 * T_MS && known.una_ns == 200 * T_MS);
    known = tl_feedback_known_to_resender(&feedback, RESENT(5, 2), 0);
    assert_int_equal(known.una, UNA);
    assert_true(known.time_ns == 100 * T_MS);
    known = tl_feedback_known_to_resender(&feedback, RESENT(20, 1), 0);
    assert_int_equal(known.una, UNA);
}

static void report_says_all_that_was_told(void **state)
{
    struct tl_report known;

    (void)state;
    sack(4, 6);
    tl_feedback_duplicate(&feedback, SEGMENT(.frame = 41));
    assert_int_equal(tl_feedback_duplicate(&feedback, SEGMENT(.frame = 42)), 2);
    assert_int_equal(feedback.dupack_first_in, 41);
    tl_feedback_record(&feedback, UNA, SEGMENT(.time_ns = 150 * T_MS, .tsval = 10, .options = TS));
    known = tl_feedback_known(&feedback, SEGMENT(.time_ns = T_SECOND, .tsecr = 10, .options = TS), 0);
    assert_int_equal(known.una, UNA);
    assert_int_equal(known.sacked, UNA + 60);
    assert_int_equal(known.duplicates, 2);
    assert_true(known.time_ns == 150 * T_MS && known.newest_ns == 6 * T_MS);
}

/* One record for each TSval, the newest segment with it; without timestamps one for each segment. */
static void one_report_for_each_tsval(void **state)
{
    struct tl_report known;

    (void)state;
    report(100 * T_MS, TS, 10, UNA + 10);
    report(101 * T_MS, TS, 10, UNA + 20);
    assert_int_equal(feedback.count, 1);
    known = tl_feedback_known(&feedback, SEGMENT(.tsecr = 10, .options = TS), 0);
    assert_int_equal(known.una, UNA + 20);
    assert_true(known.time_ns == 101 * T_MS && known.first_ns == 100 * T_MS);
    report(102 * T_MS, TS, 11, UNA + 30);
    assert_int_equal(feedback.count, 2);
    report(103 * T_MS, 0, 0, UNA + 40);
    report(104 * T_MS, 0, 0, UNA + 50);
    assert_int_equal(feedback.count, 4);
}

/* threshold: TL_FEEDBACK_MAX */
static void ring_grows_to_32(void **state)
{
    (void)state;
    for (uint32_t i = 1; i <= 100; i++) {
        unsigned capacity = i <= 1 ? 1 : i <= 4 ? 4 : i <= 8 ? 8 : i <= 16 ? 16 : 32;

        report(i * T_MS, TS, i, UNA + i);
        assert_int_equal(feedback.capacity, capacity);
        assert_int_equal(feedback.count, i < TL_FEEDBACK_MAX ? i : TL_FEEDBACK_MAX);
        assert_int_equal(known_una(0, TS, i, 0, false), UNA + i);
        if (i > 1) {
            assert_int_equal(known_una(0, TS, i - 1, 0, false), UNA + i - 1);
        }
        if (i > 31) {
            assert_int_equal(known_una(0, TS, i - 31, 0, false), UNA + i - 31);
        }
    }
}

/* What it knew has left the ring: the oldest report is nearest to it. */
/* threshold: TL_FEEDBACK_MAX */
static void oldest_report_stands_for_what_is_forgotten(void **state)
{
    (void)state;
    for (uint32_t i = 1; i <= 32; i++) {
        report(i * T_MS, TS, 100 + i, UNA + i);
    }
    assert_int_equal(known_una(0, TS, 100, 0, false), UNA);
    report(33 * T_MS, TS, 133, UNA + 33);
    assert_int_equal(known_una(0, TS, 101, 0, false), UNA + 2);
    assert_int_equal(known_una(0, TS, 100, 0, false), UNA + 2);
}

static void without_memory_a_report_is_forgotten(void **state)
{
    unsigned before;

    (void)state;
    memory.fail_at = memory.requests + 1;
    report(T_MS, TS, 1, UNA + 1);
    assert_int_equal(feedback.count, 0);
    assert_int_equal(known_una(0, TS, 1, 0, false), UNA);
    for (uint32_t i = 2; i <= 5; i++) {
        report(i * T_MS, TS, i, UNA + i);
    }
    before = memory.requests;
    memory.fail_at = before + 1; /* the ring cannot grow: it gives up its oldest */
    for (uint32_t i = 6; i <= 7; i++) {
        memory.fail_at = memory.requests + 1;
        report(i * T_MS, TS, i, UNA + i);
        assert_int_equal(feedback.count, 4);
        assert_int_equal(known_una(0, TS, i, 0, false), UNA + i);
        assert_int_equal(known_una(0, TS, i - 3, 0, false), UNA + i - 3);
        assert_int_equal(known_una(0, TS, 1, 0, false), UNA + i - 3);
    }
    memory.fail_at = 0;
    report(8 * T_MS, TS, 8, UNA + 8);
    assert_int_equal(feedback.count, 5);
    for (uint32_t i = 4; i <= 8; i++) {
        assert_int_equal(known_una(0, TS, i, 0, false), UNA + i);
    }
}

#define FEEDBACK_TEST(name) cmocka_unit_test_setup_teardown(name, start, finish)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FEEDBACK_TEST(ranges_are_kept_sorted_and_merged),
        FEEDBACK_TEST(highest_is_una_without_ranges),
        FEEDBACK_TEST(covers_asks_for_all_of_a_range),
        FEEDBACK_TEST(grew_says_whether_something_is_new),
        FEEDBACK_TEST(lowest_range_goes_when_there_are_too_many),
        FEEDBACK_TEST(ranges_stay_sorted_when_one_is_evicted),
        FEEDBACK_TEST(cumulative_ack_drops_ranges_below),
        FEEDBACK_TEST(ranges_across_the_wrap),
        FEEDBACK_TEST(senseless_blocks_are_ignored),
        FEEDBACK_TEST(dsack_below_the_ack),
        FEEDBACK_TEST(dsack_inside_the_second_block),
        FEEDBACK_TEST(other_first_blocks_are_no_dsack),
        FEEDBACK_TEST(newest_delivered_is_the_latest_that_is_covered),
        FEEDBACK_TEST(newest_delivered_of_what_was_sent_twice),
        FEEDBACK_TEST(all_of_128_segments_are_looked_at),
        FEEDBACK_TEST(of_129_segments_the_upper_ones_are_looked_at),
        FEEDBACK_TEST(nothing_is_known_before_the_first_report),
        FEEDBACK_TEST(echo_tells_what_the_sender_knew),
        FEEDBACK_TEST(frozen_echo_is_helped_by_the_leg),
        FEEDBACK_TEST(without_timestamps_the_leg_decides),
        FEEDBACK_TEST(leg_under_a_millisecond_counts_as_none),
        FEEDBACK_TEST(third_duplicate_has_a_time),
        FEEDBACK_TEST(resender_knew_the_first_of_several_with_one_tsval),
        FEEDBACK_TEST(report_says_all_that_was_told),
        FEEDBACK_TEST(one_report_for_each_tsval),
        FEEDBACK_TEST(ring_grows_to_32),
        FEEDBACK_TEST(oldest_report_stands_for_what_is_forgotten),
        FEEDBACK_TEST(without_memory_a_report_is_forgotten),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
