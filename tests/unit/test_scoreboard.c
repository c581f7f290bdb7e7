/* test_scoreboard.c - tests of tl_scoreboard: the rules. test_scoreboard_bounds.c has the bounds, test_scoreboard_model.c random operations.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "tl_test_sent.h"

/* ---- rules ------------------------------------------------------------------------------------------------------------- */

static void sizes_are_as_promised(void **state)
{
    (void)state;
    assert_int_equal(sizeof(struct tl_scoreboard_entry), 48);
    assert_int_equal(sizeof(struct tl_scoreboard_opener), 24);
    assert_in_range(sizeof(struct tl_scoreboard), 1, 80);
}

static void an_empty_record_knows_nothing(void **state)
{
    struct tl_scoreboard_opener opener;

    (void)state;
    assert_false(tl_scoreboard_started(&sent));
    assert_null(tl_scoreboard_find(&sent, 0));
    assert_null(tl_room_find_acked(&sent, 0));
    assert_null(tl_scoreboard_at(&sent, 0));
    assert_false(tl_scoreboard_has_hole_below(&sent, 100));
    assert_false(tl_test_opener_at(&sent, 0, &opener));
    check();
    assert_int_equal(memory.requests, 0);
}

static void in_order_data_is_new(void **state)
{
    (void)state;
    add(1000, 100);
    assert_int_equal(result.new_bytes, 100);
    add(1100, 50);
    assert_true(result.new_bytes == 50 && !result.skipped_bytes && !result.previous.tx_count);
    assert_true(tl_scoreboard_una(&sent) == 1000 && tl_scoreboard_max(&sent) == 1150);
    assert_entry(tl_scoreboard_find(&sent, 1099), 1, 1, 1);
    assert_entry(tl_scoreboard_find(&sent, 1100), 2, 2, 1);
    assert_null(tl_scoreboard_find(&sent, 1150));
    assert_null(tl_scoreboard_find(&sent, 999));
    assert_false(tl_scoreboard_has_hole_below(&sent, 1150));
}

static void syn_and_fin_have_an_octet_each(void **state)
{
    (void)state;
    tl_scoreboard_add(&sent, SEGMENT(.frame = 1, .seq = UINT32_MAX, .flags = TL_SYN));
    assert_true(tl_scoreboard_una(&sent) == UINT32_MAX && tl_scoreboard_max(&sent) == 0);
    frame = 1;
    add(UINT32_MAX - 9, 5); /* nothing comes before a SYN: acknowledged, whatever it is */
    assert_true(result.acked_bytes == 5 && !result.before_start);
    assert_int_equal(tl_scoreboard_una(&sent), UINT32_MAX);
}

static void a_retransmission_finds_the_previous_transmission(void **state)
{
    (void)state;
    add(0, 100);
    add(0, 100);
    assert_int_equal(result.repeated_bytes, 100);
    assert_entry(&result.previous, 1, 1, 1);
    add(0, 100);
    assert_entry(&result.previous, 1, 2, 2);
    assert_entry(tl_scoreboard_find(&sent, 50), 1, 3, 3);
    assert_int_equal(sent.count, 1);
}

static void a_retransmission_of_the_middle_splits_the_entry(void **state)
{
    (void)state;
    add(0, 100);
    add(30, 20);
    assert_int_equal(sent.count, 3);
    assert_entry(tl_scoreboard_find(&sent, 29), 1, 1, 1);
    assert_entry(tl_scoreboard_find(&sent, 30), 1, 2, 2);
    assert_entry(tl_scoreboard_find(&sent, 50), 1, 1, 1);
    add(0, 100); /* each piece goes on counting for itself */
    assert_entry(tl_scoreboard_find(&sent, 0), 1, 3, 2);
    assert_entry(tl_scoreboard_find(&sent, 49), 1, 3, 3);
    assert_entry(tl_scoreboard_find(&sent, 99), 1, 3, 2);
}

static void pieces_that_became_equal_are_joined(void **state)
{
    (void)state;
    add(0, 100);
    add(0, 30);
    add(30, 70); /* now both halves were sent twice, but in different frames */
    assert_int_equal(sent.count, 2);
    add(0, 100);
    assert_int_equal(sent.count, 1);
    assert_entry(tl_scoreboard_find(&sent, 0), 1, 4, 3);
}

static void a_segment_partly_new_is_both(void **state)
{
    (void)state;
    add(0, 100);
    add(60, 100);
    assert_true(result.repeated_bytes == 40 && result.new_bytes == 60 && !result.filled_bytes);
    assert_entry(tl_scoreboard_find(&sent, 60), 1, 2, 2);
    assert_entry(tl_scoreboard_find(&sent, 100), 2, 2, 1);
    assert_int_equal(tl_scoreboard_find(&sent, 100)->flags, 0);
}

static void a_gap_is_a_hole_with_an_opener(void **state)
{
    (void)state;
    add(0, 100);
    add(300, 100);
    assert_true(result.skipped_bytes == 200 && result.new_bytes == 100);
    assert_false(tl_scoreboard_has_hole_below(&sent, 100));
    assert_true(tl_scoreboard_has_hole_below(&sent, 101));
    assert_true(tl_scoreboard_has_hole_below(&sent, 5000));
    assert_false(tl_scoreboard_has_hole_below(&sent, UINT32_MAX));
    assert_null(tl_scoreboard_find(&sent, 100));
    assert_opener(100, 2);
    assert_opener(299, 2);
    assert_opener(99, 0);
    assert_opener(300, 0);
    assert_int_equal(memory.live, 1); /* ordinary holes need no opener of their own */
    add(100, 200);
    assert_int_equal(result.filled_bytes, 200);
    assert_int_equal(result.opener.frame, 2);
    assert_int_equal(tl_scoreboard_find(&sent, 100)->flags, TL_SCOREBOARD_FILLED);
    assert_false(tl_scoreboard_has_hole_below(&sent, 400));
}

static void the_opener_stays_when_the_hole_is_filled_from_either_side(void **state)
{
    (void)state;
    add(0, 100);
    add(300, 100);
    add(100, 50);
    assert_opener(150, 2);
    add(250, 50);
    assert_opener(150, 2);
    assert_opener(249, 2);
    add(250, 50); /* repeating the entry above the hole changes nothing */
    assert_opener(249, 2);
    add(150, 100);
    assert_int_equal(result.opener.frame, 2);
    assert_false(tl_scoreboard_has_hole_below(&sent, 400));
}

static void the_opener_is_copied_when_the_hole_is_split(void **state)
{
    (void)state;
    add(0, 100);
    add(300, 100);
    add(200, 10);
    assert_int_equal(result.opener.frame, 2);
    assert_opener(150, 2);
    assert_opener(250, 2);
    add(500, 100); /* another hole has another opener */
    assert_opener(450, 5 - 1);
    add(50, 460); /* fills all of it at once */
    assert_true(result.filled_bytes == 100 + 90 + 100 && result.repeated_bytes == 50 + 10 + 100 + 10);
    assert_int_equal(result.opener.frame, 2);
    assert_false(tl_scoreboard_has_hole_below(&sent, 600));
    assert_entry(tl_scoreboard_find(&sent, 205), 3, 5, 2);
}

static void a_pure_ack_beyond_max_opens_a_hole(void **state)
{
    (void)state;
    add(0, 100);
    add(200, 0);
    assert_true(result.skipped_bytes == 100 && !result.new_bytes);
    assert_int_equal(tl_scoreboard_max(&sent), 200);
    assert_opener(150, 2);
    add(50, 0); /* elsewhere it says nothing */
    add(200, 0);
    assert_int_equal(sent.count, 1);
    add(200, 100);
    assert_true(!result.skipped_bytes && result.new_bytes == 100);
    assert_opener(150, 2); /* not the data that came next */
    add(150, 100);
    assert_true(result.filled_bytes == 50 && result.repeated_bytes == 50 && result.opener.frame == 2);
    assert_opener(149, 2);
}

static void a_hole_below_max_grows_with_the_next_gap(void **state)
{
    (void)state;
    add(0, 100);
    add(200, 0);
    add(300, 100);
    assert_int_equal(result.skipped_bytes, 100);
    assert_opener(150, 3);
    add(500, 0);
    add(600, 0);
    assert_opener(450, 5);
    add(550, 100); /* across max */
    assert_true(result.filled_bytes == 50 && result.new_bytes == 50);
    assert_opener(450, 5);
}

static void an_ack_moves_entries_to_the_ring(void **state)
{
    (void)state;
    add(0, 100);
    add(100, 100);
    add(0, 100);
    ack(150);
    assert_true(acked.una_before == 0 && acked.captured_bytes == 150 && !acked.unseen_bytes);
    assert_entry(&acked.last, 2, 2, 1);
    assert_entry(tl_room_find_acked(&sent, 0), 1, 3, 2);
    assert_int_equal(acked.newest_ns, tl_room_find_acked(&sent, 0)->time_ns);
    assert_int_equal(tl_scoreboard_una(&sent), 150);
    assert_null(tl_scoreboard_find(&sent, 149));
    assert_entry(tl_scoreboard_find(&sent, 150), 2, 2, 1);
    assert_entry(tl_room_find_acked(&sent, 149), 2, 2, 1);
    assert_entry(tl_scoreboard_acked_at(&sent, 1), 1, 3, 2);
    ack(200);
    assert_null(tl_scoreboard_acked_at(&sent, 2)); /* the pieces of frame 2 are one entry again */
    assert_int_equal(tl_scoreboard_acked_at(&sent, 0)->seq, 100);
    ack(120); /* an old ACK */
    assert_true(!acked.captured_bytes && acked.una_before == 200);
}

static void an_ack_passes_holes(void **state)
{
    (void)state;
    add(0, 100);
    add(200, 100);
    ack(150);
    assert_true(acked.captured_bytes == 100 && acked.unseen_bytes == 50 && !acked.last.tx_count);
    assert_opener(175, 2);
    ack(500); /* beyond all that was captured */
    assert_true(acked.captured_bytes == 100 && acked.unseen_bytes == 250);
    assert_int_equal(tl_scoreboard_max(&sent), 500);
    assert_int_equal(tl_room_find_acked(&sent, 160)->tx_count, 0);
    assert_int_equal(tl_room_find_acked(&sent, 160)->first_frame, 2);
    add(100, 100); /* comes after its ACK */
    assert_true(result.acked_bytes == 100 && !result.previous.tx_count && result.opener.frame == 2);
    assert_entry(tl_room_find_acked(&sent, 160), 3, 3, 1);
}

static void a_spurious_retransmission_finds_its_original(void **state)
{
    (void)state;
    add(0, 100);
    add(100, 100);
    ack(200);
    add(100, 150);
    assert_true(result.acked_bytes == 100 && result.new_bytes == 50);
    assert_true(result.previous.flags & TL_SCOREBOARD_ACKED);
    assert_entry(&result.previous, 2, 2, 1);
    add(100, 100);
    assert_entry(&result.previous, 2, 3, 2);
    add(50, 100); /* across two: counts from the lowest */
    assert_entry(&result.previous, 1, 1, 1);
    assert_true(tl_room_find_acked(&sent, 100)->flags & TL_SCOREBOARD_COARSE);
    assert_entry(tl_room_find_acked(&sent, 149), 1, 5, 2);
    assert_entry(tl_room_find_acked(&sent, 150), 2, 4, 3);
}

/* threshold: TL_SCOREBOARD_ACKED_MAX */
static void the_ring_keeps_32(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 100; i++) {
        add(i * 10, 10);
    }
    ack(1000);
    assert_null(tl_scoreboard_acked_at(&sent, TL_SCOREBOARD_ACKED_MAX));
    for (unsigned i = 0; i < TL_SCOREBOARD_ACKED_MAX; i++) {
        assert_int_equal(tl_scoreboard_acked_at(&sent, i)->frame, 100 - i);
    }
    add(10, 10);
    assert_true(result.acked_bytes == 10 && !result.previous.tx_count);
}

static void the_first_ack_may_lie_below_the_first_byte(void **state)
{
    (void)state;
    add(1000, 100);
    ack(900);
    assert_true(tl_scoreboard_una(&sent) == 900 && tl_scoreboard_has_hole_below(&sent, 1000));
    add(900, 100);
    assert_true(result.filled_bytes == 100 && result.opener.frame == 1 && !result.before_start);
    ack(850); /* later ones may not */
    assert_int_equal(tl_scoreboard_una(&sent), 900);
}

static void before_the_first_ack_the_start_may_move_down(void **state)
{
    (void)state;
    add(1000, 100);
    add(800, 100);
    assert_true(result.acked_bytes == 100 && result.before_start);
    assert_int_equal(tl_scoreboard_una(&sent), 800);
    assert_opener(950, 1);
    add(800, 100);
    assert_true(result.repeated_bytes == 100 && !result.before_start);
    assert_entry(&result.previous, 2, 2, 1);
    ack(850);
    add(700, 200);
    assert_true(result.acked_bytes == 150 && result.repeated_bytes == 50 && !result.before_start);
    assert_int_equal(tl_scoreboard_una(&sent), 850);
}

static void an_ack_can_come_first(void **state)
{
    (void)state;
    ack(5000);
    assert_true(tl_scoreboard_started(&sent) && acked.una_before == 5000);
    add(5100, 10);
    assert_int_equal(result.skipped_bytes, 100);
    add(4000, 10);
    assert_true(result.acked_bytes == 10 && !result.before_start);
}

static void close_and_restart_forget(void **state)
{
    (void)state;
    add(0, 100);
    add(200, 100);
    ack(50);
    tl_scoreboard_close(&sent);
    check();
    assert_int_equal(memory.live, 1);
    assert_true(tl_scoreboard_una(&sent) == 50 && tl_scoreboard_max(&sent) == 300);
    add(40, 100);
    assert_true(result.acked_bytes == 10 && result.forgotten_bytes == 90);
    assert_entry(&result.previous, 1, 1, 1);
    ack(200);
    assert_int_equal(acked.forgotten_bytes, 150);
    tl_scoreboard_restart(&sent, 7);
    check();
    assert_true(tl_scoreboard_una(&sent) == 7 && tl_scoreboard_max(&sent) == 7 && !tl_room_find_acked(&sent, 45));
}

static void the_walk_goes_upwards(void **state)
{
    (void)state;
    add(0, 10);
    add(20, 10);
    add(30, 10);
    assert_int_equal(tl_scoreboard_index(&sent, 0), 0);
    assert_int_equal(tl_scoreboard_index(&sent, 10), 1);
    assert_int_equal(tl_scoreboard_index(&sent, 35), 2);
    assert_int_equal(tl_scoreboard_index(&sent, 40), 3);
    assert_int_equal(tl_scoreboard_index(&sent, UINT32_MAX), 0);
    assert_int_equal(tl_scoreboard_at(&sent, 2)->seq, 30);
    assert_null(tl_scoreboard_at(&sent, 3));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SENT_TEST(sizes_are_as_promised),
        SENT_TEST(an_empty_record_knows_nothing),
        SENT_TEST(in_order_data_is_new),
        SENT_TEST(syn_and_fin_have_an_octet_each),
        SENT_TEST(a_retransmission_finds_the_previous_transmission),
        SENT_TEST(a_retransmission_of_the_middle_splits_the_entry),
        SENT_TEST(pieces_that_became_equal_are_joined),
        SENT_TEST(a_segment_partly_new_is_both),
        SENT_TEST(a_gap_is_a_hole_with_an_opener),
        SENT_TEST(the_opener_stays_when_the_hole_is_filled_from_either_side),
        SENT_TEST(the_opener_is_copied_when_the_hole_is_split),
        SENT_TEST(a_pure_ack_beyond_max_opens_a_hole),
        SENT_TEST(a_hole_below_max_grows_with_the_next_gap),
        SENT_TEST(an_ack_moves_entries_to_the_ring),
        SENT_TEST(an_ack_passes_holes),
        SENT_TEST(a_spurious_retransmission_finds_its_original),
        SENT_TEST(the_ring_keeps_32),
        SENT_TEST(the_first_ack_may_lie_below_the_first_byte),
        SENT_TEST(before_the_first_ack_the_start_may_move_down),
        SENT_TEST(an_ack_can_come_first),
        SENT_TEST(close_and_restart_forget),
        SENT_TEST(the_walk_goes_upwards),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
