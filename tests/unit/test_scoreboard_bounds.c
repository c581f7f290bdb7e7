/* test_scoreboard_bounds.c - tests of tl_scoreboard: refusals, the sequence space, full records, and the checker itself.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "tl_test_sent.h"

/* ---- bounds ------------------------------------------------------------------------------------------------------------ */

static void what_is_not_plausible_is_refused(void **state)
{
    struct tl_segment segment;

    (void)state;
    add(0, 100);
    segment = data(2, 100 + TL_SCOREBOARD_JUMP_MAX, 1);
    assert_int_equal(tl_scoreboard_add(&sent, &segment), TL_SCOREBOARD_REFUSED);
    segment = data(2, 100 + 0x80000000U, 0);
    assert_int_equal(tl_scoreboard_add(&sent, &segment), TL_SCOREBOARD_REFUSED);
    segment = data(2, 100, TL_SCOREBOARD_JUMP_MAX + 1U);
    assert_int_equal(tl_scoreboard_add(&sent, &segment), TL_SCOREBOARD_REFUSED);
    segment = data(2, 100, UINT32_MAX);
    segment.flags = TL_SYN | TL_FIN;
    assert_int_equal(tl_scoreboard_look(&sent, &segment, &result), TL_SCOREBOARD_REFUSED);
    assert_int_equal(tl_scoreboard_ack(&sent, 101 + TL_SCOREBOARD_JUMP_MAX, &acked), TL_SCOREBOARD_REFUSED);
    assert_int_equal(tl_scoreboard_ack(&sent, 100 + 0x80000000U, &acked), TL_SCOREBOARD_REFUSED);
    assert_true(sent.count == 1 && tl_scoreboard_max(&sent) == 100 && tl_scoreboard_una(&sent) == 0);
    segment = data(2, 100, TL_SCOREBOARD_JUMP_MAX);
    assert_int_equal(tl_scoreboard_add(&sent, &segment), TL_SCOREBOARD_OK);
    check();
}

static void a_long_capture_without_acks_goes_on(void **state)
{
    (void)state;
    ack(0);
    for (uint32_t i = 0; i < 700; i++) { /* 10.5 GiB: twice round */
        add(i << 24, 1 << 24);
        assert_int_equal(result.new_bytes, 1 << 24);
    }
    assert_true(tl_scoreboard_max(&sent) - tl_scoreboard_una(&sent) >= TL_SCOREBOARD_JUMP_MAX);
}

static void numbers_that_wrapped_are_not_taken_for_old_ones(void **state)
{
    (void)state;
    add(0, 100);
    ack(100);
    for (uint32_t i = 1; i <= 16; i++) { /* once round, by ACKs alone, into one entry that would grow and grow */
        ack(100 + (i << 28));
        assert_int_equal(acked.unseen_bytes, 1 << 28);
    }
    add(50, 50);
    assert_true(result.acked_bytes == 50 && !result.previous.tx_count);
}

static void a_full_record_merges_the_oldest(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 5000; i++) {
        add(i * 10, 10);
        assert_in_range(sent.count, 1, TL_SCOREBOARD_ENTRIES_MAX);
    }
    assert_true(sent.floor == 0 && tl_scoreboard_at(&sent, 0)->seq == 0 && !tl_scoreboard_has_hole_below(&sent, 50000));
    assert_true(tl_scoreboard_find(&sent, 0)->flags & TL_SCOREBOARD_COARSE);
    assert_entry(tl_scoreboard_find(&sent, 0), 1, 1, 1);
    for (uint32_t i = 4500; i < 5000; i++) {
        assert_entry(tl_scoreboard_find(&sent, i * 10), i + 1, i + 1, 1);
        assert_false(tl_scoreboard_find(&sent, i * 10)->flags & TL_SCOREBOARD_COARSE);
    }
    ack(50000);
    assert_int_equal(acked.captured_bytes, 50000);
}

static void what_cannot_be_merged_is_forgotten_from_the_oldest(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 3000; i++) {
        add(i * 20, 10);
    }
    assert_true(sent.floor > 0 && tl_scoreboard_una(&sent) == 0);
    assert_entry(tl_scoreboard_find(&sent, 2999 * 20), 3000, 3000, 1);
    add(0, 10);
    assert_int_equal(result.forgotten_bytes, 10);
    add(0, 60000); /* fills every hole at once */
    assert_true(result.forgotten_bytes == sent.floor || sent.count < TL_SCOREBOARD_ENTRIES_MAX);
    assert_false(tl_scoreboard_has_hole_below(&sent, 60000));
    ack(60000);
    assert_int_equal(acked.captured_bytes + acked.forgotten_bytes, 60000);
}

static void a_segment_across_all_holes_of_a_full_record_finds_room(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < TL_SCOREBOARD_ENTRIES_MAX; i++) {
        add(i * 20, 10);
    }
    assert_int_equal(sent.count, TL_SCOREBOARD_ENTRIES_MAX);
    add(5, TL_SCOREBOARD_ENTRIES_MAX * 20);
    assert_false(tl_scoreboard_has_hole_below(&sent, tl_scoreboard_max(&sent)));
    /* The oldest 1,026 had to go: half the limit minus two stay. Then the hole below the 1,027th is the first piece, that one the second,
     * and so on: the 32nd is the 1,042nd, and joins all above. */
    assert_entry(tl_scoreboard_find(&sent, 1040 * 20), 1041, frame, 2);
    assert_entry(tl_scoreboard_find(&sent, TL_SCOREBOARD_ENTRIES_MAX * 20 - 20), 1042, frame, 2);
    assert_entry(tl_scoreboard_find(&sent, TL_SCOREBOARD_ENTRIES_MAX * 20 - 10), frame, frame, 1);
}

/* threshold: FINE_PIECES */
static void a_segment_over_32_entries_keeps_each(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 32; i++) {
        add(i, 1);
    }
    add(0, 32);
    assert_int_equal(sent.count, 32);
    assert_entry(tl_scoreboard_find(&sent, 31), 32, frame, 2);
    assert_int_equal(tl_scoreboard_find(&sent, 31)->flags & TL_SCOREBOARD_COARSE, 0);
}

/* Else each segment over two thousand octets that were sent one by one would take as long as they. threshold: FINE_PIECES */
static void a_segment_over_more_joins_those_above(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 33; i++) {
        add(i, 1);
    }
    add(0, 34);
    assert_int_equal(sent.count, 33);
    assert_entry(tl_scoreboard_find(&sent, 30), 31, frame, 2);
    assert_entry(tl_scoreboard_find(&sent, 32), 32, frame, 2);
    assert_int_equal(tl_scoreboard_find(&sent, 32)->flags & TL_SCOREBOARD_COARSE, TL_SCOREBOARD_COARSE);
    assert_entry(tl_scoreboard_find(&sent, 33), frame, frame, 1); /* new */
}

/* threshold: TL_SCOREBOARD_OPENERS_MAX */
static void too_many_stored_openers_are_forgotten_from_the_lowest(void **state)
{
    (void)state;
    add(0, 10);
    add(100000, 10);
    for (uint32_t i = 1; i <= 100; i++) {
        add(i * 100, 10); /* each splits the hole: an opener to store */
    }
    assert_opener(99000, 2);
    assert_opener(100 * 100 - 1, 2);
    assert_opener(50, 0); /* not known, rather than wrong */
    add(20, 10);
    assert_opener(15, 0);
}

/* threshold: ONE_WAY_SEGMENTS, TL_SCOREBOARD_ENTRIES_NO_ACKS */
static void without_acks_64_entries_are_kept(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 500; i++) {
        add(i * 10, 10);
    }
    tl_scoreboard_expect_acks(&sent, false);
    check();
    for (uint32_t i = 500; i < 2000; i++) {
        add(i * 10, 10);
        assert_in_range(sent.count, 1, TL_SCOREBOARD_ENTRIES_NO_ACKS);
    }
    add(19990, 10);
    assert_entry(&result.previous, 2000, 2000, 1);
    tl_scoreboard_expect_acks(&sent, true);
    for (uint32_t i = 2000; i < 2100; i++) {
        add(i * 10, 10);
    }
    assert_true(sent.count > 100);
}

/* Runs the checker with one thing made wrong. */
#define ASSERT_NOTICED(wrong)                                                                                                  \
    do {                                                                                                                       \
        struct tl_scoreboard good = sent;                                                                                      \
        struct tl_scoreboard_entry entry = sent.entries[0], ring = sent.acked[0];                                              \
        struct tl_scoreboard_opener opener = sent.openers[0];                                                                  \
        wrong;                                                                                                                 \
        assert_non_null(tl_scoreboard_check(&sent));                                                                           \
        sent = good;                                                                                                           \
        sent.entries[0] = entry;                                                                                               \
        sent.acked[0] = ring;                                                                                                  \
        sent.openers[0] = opener;                                                                                              \
        check();                                                                                                               \
    } while (0)

static void the_checker_notices(void **state)
{
    (void)state;
    add(0, 100);
    ack(50); /* entries[0] is [50, 100), the hole above it is split */
    add(300, 100);
    add(200, 10);
    ASSERT_NOTICED(sent.entries[0].end = 50);
    ASSERT_NOTICED(sent.entries[0].seq = 40);
    ASSERT_NOTICED(sent.entries[0].end = 250);
    ASSERT_NOTICED(sent.entries[0].tx_count = 0);
    ASSERT_NOTICED(sent.entries[0].flags |= TL_SCOREBOARD_ACKED);
    ASSERT_NOTICED(sent.entries[0].flags |= TL_SCOREBOARD_OPENER);
    ASSERT_NOTICED(sent.whole = 99);
    ASSERT_NOTICED(sent.max = 350);
    ASSERT_NOTICED(sent.una = 60);
    ASSERT_NOTICED(sent.max = sent.una + 0x80000000U);
    ASSERT_NOTICED(sent.started = false);
    ASSERT_NOTICED(sent.count = 9);
    ASSERT_NOTICED(sent.capacity = 7);
    ASSERT_NOTICED(sent.limit = 2);
    ASSERT_NOTICED(sent.openers[0].seq = 201);
    ASSERT_NOTICED(sent.openers[0].seq = 50);
    ASSERT_NOTICED(sent.opener_count = 5);
    ASSERT_NOTICED(sent.acked_count = 5);
    ASSERT_NOTICED(sent.acked[0].end = 0);
    ASSERT_NOTICED(sent.acked[0].flags = 0);
    ASSERT_NOTICED(sent.acked[0].seq = 60);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SENT_TEST(what_is_not_plausible_is_refused),
        SENT_TEST(a_long_capture_without_acks_goes_on),
        SENT_TEST(numbers_that_wrapped_are_not_taken_for_old_ones),
        SENT_TEST(a_full_record_merges_the_oldest),
        SENT_TEST(what_cannot_be_merged_is_forgotten_from_the_oldest),
        SENT_TEST(a_segment_across_all_holes_of_a_full_record_finds_room),
        SENT_TEST(a_segment_over_32_entries_keeps_each),
        SENT_TEST(a_segment_over_more_joins_those_above),
        SENT_TEST(too_many_stored_openers_are_forgotten_from_the_lowest),
        SENT_TEST(without_acks_64_entries_are_kept),
        SENT_TEST(the_checker_notices),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
