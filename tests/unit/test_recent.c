/* test_recent.c - tests of tl_recent: the ring and each case of the copy test.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "tl_test.h"

#include "record/tl_recent.h"

enum { MS = 1000000 }; /* ns */

/* A ring, its memory, and a context in which nothing is known. */
struct fixture {
    struct tl_test_memory memory;
    struct tl_recent recent;
    struct tl_copy_context context;
};

static void start(struct fixture *f)
{
    tl_test_memory_init(&f->memory);
    tl_recent_init(&f->recent, &f->memory.allocator);
    f->context = (struct tl_copy_context){.rtt_ns = -1};
}

static void finish(struct fixture *f)
{
    tl_recent_free(&f->recent);
    assert_int_equal(f->memory.live, 0);
}

/* A data segment with timestamp and without IP ID, as IPv6 has it. */
static struct tl_segment with_timestamp(uint32_t frame, int64_t time_ns, uint32_t tsval)
{
    return (struct tl_segment){
        .time_ns = time_ns,
        .frame = frame,
        .seq = 1000,
        .ack = 5000,
        .len = 100,
        .tsval = tsval,
        .options = TL_OPT_TIMESTAMPS,
        .window = 500,
        .checksum = 0xbeef,
        .flags = TL_ACK | TL_PSH,
        .ipv6 = true,
    };
}

/* A data segment with IP ID and without timestamp. */
static struct tl_segment with_id(uint32_t frame, uint16_t ip_id)
{
    struct tl_segment segment = with_timestamp(frame, frame * (int64_t)MS, 0);

    segment.options = 0;
    segment.ipv6 = false;
    segment.ip_id = ip_id;
    return segment;
}

/* The frame that the segment is called a copy of, 0 = none. */
static uint32_t copy_of(const struct fixture *f, const struct tl_segment *segment)
{
    const struct tl_recent_entry *entry = tl_recent_find_copy(&f->recent, segment, &f->context);

    return entry ? entry->frame : 0;
}

/* ---- ring -------------------------------------------------------------------------------------------------------------- */

static void sizes_are_as_promised(void **state)
{
    (void)state;
    assert_int_equal(sizeof(struct tl_recent_entry), 40);
    assert_in_range(sizeof(struct tl_recent), 1, 32);
}

static void an_empty_ring_has_nothing(void **state)
{
    struct fixture f;

    (void)state;
    start(&f);
    assert_int_equal(f.recent.count, 0);
    assert_null(tl_recent_at(&f.recent, 0));
    assert_null(tl_recent_at(&f.recent, UINT32_MAX));
    assert_false(f.recent.has_tsval);
    assert_int_equal(copy_of(&f, SEGMENT(.seq = 1)), 0);
    assert_int_equal(f.memory.requests, 0);
    finish(&f);
}

static void an_entry_keeps_the_facts(void **state)
{
    struct tl_segment s = with_timestamp(7, 123456789, 42);
    const struct tl_recent_entry *entry;
    struct fixture f;

    (void)state;
    start(&f);
    s.ip_id = 9;
    s.ttl = 63;
    entry = tl_recent_add(&f.recent, &s);
    assert_non_null(entry);
    assert_ptr_equal(entry, tl_recent_at(&f.recent, 0));
    assert_true(entry->time_ns == s.time_ns && entry->frame == 7 && entry->seq == 1000 && entry->ack == 5000);
    assert_true(entry->len == 100 && entry->tsval == 42 && entry->ip_id == 9 && entry->window == 500);
    assert_true(entry->checksum == 0xbeef && entry->options == TL_OPT_TIMESTAMPS && entry->flags == (TL_ACK | TL_PSH));
    assert_true(entry->ttl == 63 && entry->bits == 0);
    finish(&f);
}

static void the_ring_keeps_the_newest_in_order(void **state)
{
    struct fixture f;

    (void)state;
    start(&f);
    for (uint32_t n = 1; n <= 200; n++) {
        unsigned expected = n < TL_RECENT_MAX ? n : TL_RECENT_MAX;

        assert_non_null(tl_recent_add(&f.recent, SEGMENT(.frame = n)));
        assert_int_equal(f.recent.count, expected);
        for (unsigned i = 0; i < expected; i++) {
            assert_int_equal(tl_recent_at(&f.recent, i)->frame, n - i);
        }
        assert_null(tl_recent_at(&f.recent, expected));
    }
    assert_int_equal(f.memory.requests, 6); /* 1, 4, 8, 16, 32, 64 */
    assert_int_equal(f.memory.live, 1);
    finish(&f);
}

static void marks_stay_when_the_ring_grows(void **state)
{
    struct fixture f;

    (void)state;
    start(&f);
    for (uint32_t n = 0; n < TL_RECENT_MAX; n++) {
        tl_recent_add(&f.recent, SEGMENT(.frame = n))->bits = (uint8_t)n;
    }
    for (unsigned i = 0; i < TL_RECENT_MAX; i++) {
        assert_int_equal(tl_recent_at(&f.recent, i)->bits, TL_RECENT_MAX - 1 - i);
    }
    tl_recent_add(&f.recent, SEGMENT(.frame = 1));
    assert_int_equal(tl_recent_at(&f.recent, 0)->bits, 0);
    finish(&f);
}

static void a_freed_ring_can_be_used_again(void **state)
{
    struct fixture f;

    (void)state;
    start(&f);
    tl_recent_add(&f.recent, SEGMENT(.frame = 1));
    tl_recent_free(&f.recent);
    assert_int_equal(f.recent.count, 0);
    assert_non_null(tl_recent_add(&f.recent, SEGMENT(.frame = 2)));
    finish(&f);
}

static void any_allocation_may_fail(void **state)
{
    static const unsigned rooms[] = {0, 1, 4, 8, 16, 32, TL_RECENT_MAX}; /* tl_grow.h */
    const unsigned last = sizeof rooms / sizeof *rooms;

    (void)state;
    for (unsigned fail = 1; fail <= last; fail++) {
        for (int after = 0; after < 2; after++) {
            struct fixture f;
            unsigned stored = 0;

            start(&f);
            f.memory.fail_at = fail;
            f.memory.fail_after = after != 0;
            for (uint32_t n = 1; n <= 150; n++) {
                stored += tl_recent_add(&f.recent, SEGMENT(.frame = n)) != NULL;
                for (unsigned i = 0; i < f.recent.count; i++) {
                    assert_int_equal(tl_recent_at(&f.recent, i)->frame, n - i);
                }
            }
            /* Without any memory nothing is stored; with some the ring goes on with the size that it has. */
            assert_int_equal(stored, fail == 1 ? (after ? 0 : 149) : 150);
            assert_int_equal(f.recent.count, after ? rooms[fail - 1] : TL_RECENT_MAX);
            finish(&f);
        }
    }
}

static void the_highest_tsval_wraps_and_stays(void **state)
{
    struct fixture f;

    (void)state;
    start(&f);
    for (uint32_t n = 0; n < 100; n++) {
        struct tl_segment s = with_timestamp(n + 1, 0, n == 0 ? 0xfffffff0 : n == 1 ? 5 : 1);

        tl_recent_add(&f.recent, &s);
    }
    tl_recent_add(&f.recent, SEGMENT(.frame = 200, .tsval = 77)); /* no timestamp option */
    assert_true(f.recent.has_tsval);
    assert_int_equal(f.recent.highest_tsval, 5);
    finish(&f);
}

/* ---- copies by IP ID --------------------------------------------------------------------------------------------------- */

/* RFC 6864 4.2: a host may send a segment again as the same packet, but not before its timer, RFC 6298 2.1. */
/* threshold: same_id_ns */
static void equal_ip_id_is_a_copy_before_any_timer(void **state)
{
    struct tl_segment s = with_id(1, 77);
    struct fixture f;

    (void)state;
    start(&f);
    tl_recent_add(&f.recent, &s);
    s.frame = 2;
    s.time_ns += 900LL * MS - 1;
    assert_int_equal(copy_of(&f, &s), 1);
    s.time_ns++;
    assert_int_equal(copy_of(&f, &s), 0);
    finish(&f);
}

static void another_ip_id_is_a_retransmission(void **state)
{
    struct tl_segment s = with_timestamp(1, 0, 10);
    struct fixture f;

    (void)state;
    start(&f);
    s.ipv6 = false;
    s.ip_id = 77;
    tl_recent_add(&f.recent, &s);
    s.ip_id = 78; /* even at the same moment with the same TSval */
    assert_int_equal(copy_of(&f, &s), 0);
    finish(&f);
}

static void ip_id_0_is_no_identity(void **state)
{
    struct tl_segment s = with_id(1, 0);
    struct fixture f;

    (void)state;
    start(&f);
    tl_recent_add(&f.recent, &s);
    assert_int_equal(copy_of(&f, &s), 0);
    s.ipv6 = true;
    assert_int_equal(copy_of(&f, &s), 0);
    finish(&f);
}

static void a_copy_equals_its_original_in_all_else(void **state)
{
    const struct tl_segment original = with_id(1, 77);
    struct tl_segment s[8], other;
    struct fixture f;

    (void)state;
    start(&f);
    tl_recent_add(&f.recent, &original);
    for (unsigned i = 0; i < 8; i++) {
        s[i] = original;
        s[i].time_ns += MS;
    }
    s[0].seq++;
    s[1].ack++;
    s[2].len++;
    s[3].flags ^= TL_PSH;
    s[4].window++;
    s[5].checksum++;
    s[6].options = TL_OPT_SACK;
    s[7].ttl = 9; /* a router was passed in between: a copy all the same */
    for (unsigned i = 0; i < 7; i++) {
        assert_int_equal(copy_of(&f, &s[i]), 0);
    }
    assert_int_equal(copy_of(&f, &s[7]), 1);
    other = s[7];
    other.checksum++; /* and it rewrote an option */
    assert_int_equal(copy_of(&f, &other), 1);
    other = s[5];
    other.time_ns--; /* within a millisecond: before and after the network card made the checksum */
    assert_int_equal(copy_of(&f, &other), 1);
    finish(&f);
}

static void equal_ip_id_with_another_timestamp_is_a_retransmission(void **state)
{
    struct tl_segment s = with_timestamp(1, 0, 10);
    struct fixture f;

    (void)state;
    start(&f);
    s.ipv6 = false;
    s.ip_id = 77; /* the sender puts 77 into every packet */
    tl_recent_add(&f.recent, &s);
    s.tsval = 300;
    assert_int_equal(copy_of(&f, &s), 0);
    finish(&f);
}

/* threshold: CONSTANT_ID_SEGMENTS */
static void a_constant_ip_id_is_no_identity(void **state)
{
    struct fixture f;
    struct tl_segment s = with_id(1, 0);

    (void)state;
    start(&f);
    s.flags = TL_SYN;
    tl_recent_add(&f.recent, &s); /* the SYN's ID does not count */
    for (uint32_t frame = 2; frame <= 4; frame++) {
        s = with_id(frame, 77);
        s.seq += frame * 100;
        tl_recent_add(&f.recent, &s);
        s.frame = 10;
        /* Two other segments with the ID could be chance, or a network card that cuts up one large segment. */
        assert_int_equal(copy_of(&f, &s), frame);
    }
    s = with_id(5, 77);
    tl_recent_add(&f.recent, &s);
    assert_int_equal(copy_of(&f, &s), 0);
    s = with_id(6, 78); /* it does use other IDs */
    tl_recent_add(&f.recent, &s);
    s.ip_id = 77;
    assert_int_equal(copy_of(&f, &s), 5);
    finish(&f);
}

static void copies_do_not_make_an_ip_id_constant(void **state)
{
    struct tl_segment s = with_id(1, 77);
    struct fixture f;

    (void)state;
    start(&f);
    for (uint32_t frame = 1; frame < 20; frame++) {
        s.frame = frame;
        tl_recent_add(&f.recent, &s);
    }
    s.frame = 20;
    assert_int_equal(copy_of(&f, &s), 19);
    finish(&f);
}

static void pure_acks_can_be_copies_by_ip_id(void **state)
{
    struct tl_segment s = with_id(1, 77);
    struct fixture f;

    (void)state;
    start(&f);
    s.len = 0;
    s.flags = TL_ACK;
    tl_recent_add(&f.recent, &s);
    assert_int_equal(copy_of(&f, &s), 1);
    finish(&f);
}

/* ---- copies by timestamp ----------------------------------------------------------------------------------------------- */

/* Whether a segment sent again `age_ns` later with equal TSval is a copy, with what is known of the round trip and tick. */
static bool is_copy_after(int64_t age_ns, int64_t rtt_ns, int64_t tick_ns)
{
    struct tl_segment s = with_timestamp(1, 1000LL * MS, 10);
    struct fixture f;
    bool answer;

    start(&f);
    f.context.rtt_ns = rtt_ns;
    f.context.tick_ns = tick_ns;
    tl_recent_add(&f.recent, &s);
    s.frame = 2;
    s.time_ns += age_ns;
    answer = copy_of(&f, &s) == 1;
    finish(&f);
    return answer;
}

/* threshold: COPY_TICKS, TICKS_APART */
static void equal_tsval_is_a_copy_if_the_round_trip_is_three_ticks(void **state)
{
    (void)state;
    assert_true(is_copy_after(37 * MS / 10, 3 * MS, 1 * MS));
    assert_true(is_copy_after(10000LL * MS, 3 * MS, 1 * MS));
    assert_true(is_copy_after(10000LL * MS, 300LL * MS, 100 * MS));
    assert_false(is_copy_after(10000LL * MS, 3 * MS - 1, 1 * MS));
    assert_false(is_copy_after(10000LL * MS, 299LL * MS, 100 * MS));
}

/* threshold: copy_ns */
static void without_round_trip_equal_tsval_is_a_copy_within_a_millisecond(void **state)
{
    (void)state;
    assert_true(is_copy_after(MS - 1, -1, 0));
    assert_false(is_copy_after(MS, -1, 0));
    assert_false(is_copy_after(MS, -1, 1));
}

/* threshold: recent_tsval_shows_copy */
static void with_a_coarse_or_unknown_tick_it_is_a_copy_within_half_a_round_trip(void **state)
{
    (void)state;
    assert_true(is_copy_after(20 * MS - 1, 40 * MS, 0));
    assert_false(is_copy_after(20 * MS, 40 * MS, 0));
    assert_true(is_copy_after(20 * MS - 1, 40 * MS, 100 * MS));
    assert_false(is_copy_after(20 * MS, 40 * MS, 100 * MS));
    assert_false(is_copy_after(0, 0, 0)); /* no time at all to go by */
}

static void a_clock_that_runs_backwards_counts_as_no_time(void **state)
{
    (void)state;
    assert_true(is_copy_after(-500LL * MS, -1, 0));
    assert_true(is_copy_after(-500LL * MS, 40 * MS, 0));
    assert_true(is_copy_after(INT64_MIN, -1, 0));
}

static void extreme_times_do_no_harm(void **state)
{
    struct tl_segment s = with_timestamp(1, INT64_MIN, 10);
    struct fixture f;

    (void)state;
    start(&f);
    tl_recent_add(&f.recent, &s);
    s.time_ns = INT64_MAX;
    f.context.tick_ns = INT64_MAX;
    assert_int_equal(copy_of(&f, &s), 0);
    f.context.rtt_ns = INT64_MAX;
    assert_int_equal(copy_of(&f, &s), 0);
    finish(&f);
}

static void a_tsval_below_the_highest_is_a_copy(void **state)
{
    struct tl_segment s = with_timestamp(1, 0, 10), later = with_timestamp(2, 5 * MS, 11);
    struct fixture f;

    (void)state;
    start(&f);
    tl_recent_add(&f.recent, &s);
    s.time_ns = 90LL * MS;
    assert_int_equal(copy_of(&f, &s), 0);
    later.seq += 100;
    tl_recent_add(&f.recent, &later);
    assert_int_equal(copy_of(&f, &s), 1);
    s.tsval = 9; /* old, but no segment with that TSval is known */
    assert_int_equal(copy_of(&f, &s), 0);
    finish(&f);
}

static void another_tsval_or_checksum_is_a_retransmission(void **state)
{
    struct tl_segment s = with_timestamp(1, 0, 10);
    struct fixture f;

    (void)state;
    start(&f);
    tl_recent_add(&f.recent, &s);
    s.tsval = 11;
    assert_int_equal(copy_of(&f, &s), 0);
    s.tsval = 10;
    s.checksum++;
    assert_int_equal(copy_of(&f, &s), 0);
    s.checksum--;
    assert_int_equal(copy_of(&f, &s), 1);
    finish(&f);
}

static void pure_acks_and_resets_without_ip_id_are_never_copies(void **state)
{
    struct tl_segment s = with_timestamp(1, 0, 10), later = with_timestamp(3, 0, 99);
    struct fixture f;

    (void)state;
    start(&f);
    s.len = 0;
    s.flags = TL_ACK;
    tl_recent_add(&f.recent, &s);
    assert_int_equal(copy_of(&f, &s), 0);
    s.flags = TL_RST | TL_ACK;
    s.len = 4;
    s.frame = 2;
    tl_recent_add(&f.recent, &s);
    assert_int_equal(copy_of(&f, &s), 0);
    tl_recent_add(&f.recent, &later);
    assert_int_equal(copy_of(&f, &s), 0);
    s.flags = TL_FIN | TL_ACK; /* a FIN has an octet of its own */
    s.len = 0;
    s.frame = 4;
    tl_recent_add(&f.recent, &s);
    assert_int_equal(copy_of(&f, &s), 4);
    finish(&f);
}

static void without_ip_id_and_timestamp_nothing_is_a_copy(void **state)
{
    struct tl_segment s = with_timestamp(1, 0, 10);
    struct fixture f;

    (void)state;
    start(&f);
    s.options = 0;
    tl_recent_add(&f.recent, &s);
    assert_int_equal(copy_of(&f, &s), 0);
    finish(&f);
}

static void a_synack_is_a_copy_before_any_timer_if_no_syn_came_in_between(void **state)
{
    struct tl_segment s = with_timestamp(5, 0, 10);
    struct fixture f;

    (void)state;
    start(&f);
    s.flags = TL_SYN | TL_ACK;
    s.len = 0;
    tl_recent_add(&f.recent, &s);
    s.frame = 8;
    s.time_ns = 190 * MS - 1;
    assert_int_equal(copy_of(&f, &s), 5);
    f.context.peer_syn_in = 4;
    assert_int_equal(copy_of(&f, &s), 5);
    f.context.peer_syn_in = 7;
    assert_int_equal(copy_of(&f, &s), 0);
    f.context.peer_syn_in = 4;
    s.time_ns = 190 * MS;
    f.context.rtt_ns = 100LL * MS; /* serves data only */
    f.context.tick_ns = MS;
    assert_int_equal(copy_of(&f, &s), 0);
    finish(&f);
}

/* threshold: copy_of_syn_ns */
static void a_syn_is_a_copy_before_any_timer(void **state)
{
    struct tl_segment s = with_timestamp(5, 0, 10);
    struct fixture f;

    (void)state;
    start(&f);
    s.flags = TL_SYN;
    s.len = 0;
    tl_recent_add(&f.recent, &s);
    s.time_ns = 190 * MS - 1;
    f.context.peer_syn_in = 7; /* a crossing SYN does not matter */
    assert_int_equal(copy_of(&f, &s), 5);
    s.time_ns = 190 * MS;
    assert_int_equal(copy_of(&f, &s), 0);
    finish(&f);
}

/* threshold: TL_RECENT_MAX */
static void the_newest_original_is_found_among_the_last_64(void **state)
{
    struct fixture f;
    struct tl_segment s;

    (void)state;
    start(&f);
    for (uint32_t frame = 1; frame <= TL_RECENT_MAX + 1; frame++) {
        s = with_id(frame, (uint16_t)frame);
        s.seq = frame * 1000;
        tl_recent_add(&f.recent, &s);
    }
    s = with_id(2, 2);
    s.seq = 2000;
    assert_int_equal(copy_of(&f, &s), 2);
    s = with_id(1, 1);
    s.seq = 1000;
    assert_int_equal(copy_of(&f, &s), 0);
    finish(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_are_as_promised),
        cmocka_unit_test(an_empty_ring_has_nothing),
        cmocka_unit_test(an_entry_keeps_the_facts),
        cmocka_unit_test(the_ring_keeps_the_newest_in_order),
        cmocka_unit_test(marks_stay_when_the_ring_grows),
        cmocka_unit_test(a_freed_ring_can_be_used_again),
        cmocka_unit_test(any_allocation_may_fail),
        cmocka_unit_test(the_highest_tsval_wraps_and_stays),
        cmocka_unit_test(equal_ip_id_is_a_copy_before_any_timer),
        cmocka_unit_test(another_ip_id_is_a_retransmission),
        cmocka_unit_test(ip_id_0_is_no_identity),
        cmocka_unit_test(a_copy_equals_its_original_in_all_else),
        cmocka_unit_test(equal_ip_id_with_another_timestamp_is_a_retransmission),
        cmocka_unit_test(a_constant_ip_id_is_no_identity),
        cmocka_unit_test(copies_do_not_make_an_ip_id_constant),
        cmocka_unit_test(pure_acks_can_be_copies_by_ip_id),
        cmocka_unit_test(equal_tsval_is_a_copy_if_the_round_trip_is_three_ticks),
        cmocka_unit_test(without_round_trip_equal_tsval_is_a_copy_within_a_millisecond),
        cmocka_unit_test(with_a_coarse_or_unknown_tick_it_is_a_copy_within_half_a_round_trip),
        cmocka_unit_test(a_clock_that_runs_backwards_counts_as_no_time),
        cmocka_unit_test(extreme_times_do_no_harm),
        cmocka_unit_test(a_tsval_below_the_highest_is_a_copy),
        cmocka_unit_test(another_tsval_or_checksum_is_a_retransmission),
        cmocka_unit_test(pure_acks_and_resets_without_ip_id_are_never_copies),
        cmocka_unit_test(without_ip_id_and_timestamp_nothing_is_a_copy),
        cmocka_unit_test(a_synack_is_a_copy_before_any_timer_if_no_syn_came_in_between),
        cmocka_unit_test(a_syn_is_a_copy_before_any_timer),
        cmocka_unit_test(the_newest_original_is_found_among_the_last_64),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
