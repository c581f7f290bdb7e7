/* test_release.c - tests of tl_release: what stays of connections that were closed long ago, and a live day of them.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "tl_test.h"

#include <string.h>

enum {
    PORT = 443,
    /* A live day, in small: connections a second, and minutes until nothing more than rows may grow. */
    A_SECOND = 150,
    MINUTES = 8,
    WARM_UP = 6,
    /* Bytes that a closed connection of this kind keeps; docs/performance.md promises it. */
    KEPT_MAX = 1600,
    /* Bytes that a connection takes until it is released. */
    LIVE_MAX = 4096,
};

static struct tl_tracker *tracker;
static size_t live; /* bytes */
static uint32_t frame;
static int64_t now_ns;

static void *take(void *context, size_t bytes)
{
    (void)context;
    live += bytes;
    return calloc(1, bytes);
}

static void give(void *context, void *block, size_t bytes)
{
    (void)context;
    live -= block ? bytes : 0;
    free(block);
}

static int start(void **state)
{
    static const struct tl_allocator allocator = {take, give, NULL};

    (void)state;
    live = 0;
    frame = 0;
    now_ns = INT64_C(1700000000) * T_SECOND;
    tracker = tl_tracker_new(&allocator);
    tl_tracker_view_zeek(tracker, true);
    return 0;
}

static int finish(void **state)
{
    (void)state;
    tl_tracker_free(tracker);
    assert_int_equal(live, 0);
    return 0;
}

static struct tl_result say(struct tl_pair *pair, struct tl_segment segment)
{
    struct tl_result result;

    segment.frame = ++frame;
    segment.time_ns = now_ns;
    segment.window = 64240;
    segment.ttl = 64;
    segment.ip_id = (uint16_t)frame;
    segment.options |= segment.flags & TL_SYN ? TL_OPT_SACK_PERMITTED | TL_OPT_MSS : 0;
    segment.mss = 1460;
    segment.options |= TL_OPT_TIMESTAMPS;
    segment.tsval = (uint32_t)(now_ns / T_MS);
    assert_true(tl_pair_update(pair, &segment, &result));
    return result;
}

static struct tl_pair *new_pair(uint16_t port)
{
    const struct tl_endpoints ends = {.port = {port, PORT}, .is_service = {false, true}};
    struct tl_pair *pair = tl_pair_new(tracker, &ends);

    assert_non_null(pair);
    return pair;
}

/* A request and an answer of six segments, and a close by four. The same numbers as a page of the web. */
static struct tl_conn *exchange(struct tl_pair *pair)
{
    struct tl_conn *conn = say(pair, (struct tl_segment){.from = 0, .seq = 1000, .flags = TL_SYN}).conn;

    say(pair, (struct tl_segment){.from = 1, .seq = 5000, .ack = 1001, .flags = TL_SYN | TL_ACK});
    say(pair, (struct tl_segment){.from = 0, .seq = 1001, .ack = 5001, .flags = TL_ACK});
    say(pair, (struct tl_segment){.from = 0, .seq = 1001, .ack = 5001, .len = 400, .flags = TL_ACK | TL_PSH});
    for (uint32_t i = 0; i < 6; i++) {
        say(pair, (struct tl_segment){.from = 1, .seq = 5001 + 1448 * i, .ack = 1401, .len = 1448, .flags = TL_ACK});
        if (i % 2 == 1) {
            say(pair, (struct tl_segment){.from = 0, .seq = 1401, .ack = 5001 + 1448 * (i + 1), .flags = TL_ACK});
        }
    }
    say(pair, (struct tl_segment){.from = 0, .seq = 1401, .ack = 13689, .flags = TL_ACK | TL_FIN});
    say(pair, (struct tl_segment){.from = 1, .seq = 13689, .ack = 1402, .flags = TL_ACK | TL_FIN});
    say(pair, (struct tl_segment){.from = 0, .seq = 1402, .ack = 13690, .flags = TL_ACK});
    return conn;
}

/* Time goes by: keep-alives of another connection, one a second. */
static void wait(struct tl_pair *other, unsigned seconds)
{
    while (seconds-- > 0) {
        now_ns += T_SECOND;
        say(other, (struct tl_segment){.from = 0, .seq = 1, .ack = 1, .flags = TL_ACK});
    }
}

/* threshold: RELEASE_NS */
static void what_is_closed_for_300_s_is_released(void **state)
{
    struct tl_pair *other = new_pair(1), *pair = new_pair(2);
    struct tl_facts before, after;
    struct tl_conn *conn;
    size_t held;

    (void)state;
    wait(other, 400); /* its own ring is full: it holds no more from now on */
    conn = exchange(pair);
    held = live;
    wait(other, 299);
    assert_int_equal(live, held);
    tl_conn_facts(conn, now_ns, &before);
    wait(other, 1);
    assert_true(live + 1000 < held);
    tl_conn_facts(conn, now_ns, &after);
    assert_memory_equal(&before, &after, sizeof before);
    assert_int_equal(tl_conn_heard_in(conn, 0), before.last_in);
    tl_pair_free(pair);
    tl_pair_free(other);
}

/* Nothing is known of the numbers of its segments any more but the highest, and that is enough for what may still come. */
static void a_segment_after_that_is_taken(void **state)
{
    struct tl_pair *other = new_pair(1), *pair = new_pair(2);
    struct tl_result result;

    (void)state;
    exchange(pair);
    wait(other, 301);
    result = say(pair, (struct tl_segment){.from = 0, .seq = 1001, .ack = 5001, .len = 400, .flags = TL_ACK | TL_PSH});
    assert_int_equal(result.shape.segment, TL_SEGMENT_RETRANSMISSION); /* acknowledged long ago, and its TSval is new */
    wait(other, 241); /* TIME-WAIT is over */
    result = say(pair, (struct tl_segment){.from = 0, .seq = 90000, .flags = TL_SYN});
    assert_int_equal(result.shape.reuse, TL_REUSE_AFTER_CLOSE);
    tl_pair_free(pair);
    tl_pair_free(other);
}

static void what_is_heard_waits_again(void **state)
{
    struct tl_pair *other = new_pair(1), *pair = new_pair(2);
    size_t held;

    (void)state;
    wait(other, 400);
    exchange(pair);
    wait(other, 200);
    say(pair, (struct tl_segment){.from = 0, .seq = 1402, .ack = 13690, .flags = TL_ACK});
    held = live;
    wait(other, 299);
    assert_int_equal(live, held);
    wait(other, 301); /* it was looked at after 300 s, and waits 300 from there */
    assert_true(live + 1000 < held);
    tl_pair_free(pair);
    tl_pair_free(other);
}

/* A time that somebody forged. threshold: STEP_MOST_NS */
static void one_segment_moves_the_clock_by_a_second(void **state)
{
    struct tl_pair *other = new_pair(1), *pair = new_pair(2);
    size_t held;

    (void)state;
    wait(other, 400);
    exchange(pair);
    held = live;
    now_ns += 1000000 * T_SECOND;
    wait(other, 299);
    assert_int_equal(live, held);
    wait(other, 1);
    assert_true(live + 1000 < held);
    tl_pair_free(pair);
    tl_pair_free(other);
}

/* Whoever frees a pair while it waits leaves nothing behind in the tracker. */
static void a_pair_that_waits_can_be_freed(void **state)
{
    struct tl_pair *pairs[3];

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        pairs[i] = new_pair((uint16_t)(i + 1));
        exchange(pairs[i]);
    }
    tl_pair_free(pairs[1]);
    tl_pair_free(pairs[2]);
    pairs[1] = new_pair(5);
    exchange(pairs[1]);
    wait(pairs[0], 400);
    tl_pair_free(pairs[0]);
    tl_pair_free(pairs[1]);
}

/* 150 connections a second. After the first minutes, what grows is what the rows need; a day of it is 12,960,000 times that. */
static void a_live_day_grows_by_its_rows_only(void **state)
{
    const unsigned count = A_SECOND * 60 * MINUTES, warm = A_SECOND * 60 * WARM_UP;
    struct tl_pair **pairs = calloc(count, sizeof *pairs);
    size_t at_first = 0;

    (void)state;
    assert_non_null(pairs);
    for (unsigned i = 0; i < count; i++) {
        now_ns += T_SECOND / A_SECOND;
        pairs[i] = new_pair((uint16_t)i);
        exchange(pairs[i]);
        at_first = i + 1 == warm ? live : at_first;
    }
    assert_true(live - at_first <= (size_t)(count - warm) * KEPT_MAX);
    assert_true(live <= (size_t)count * KEPT_MAX + (size_t)A_SECOND * 300 * (LIVE_MAX - KEPT_MAX));
    print_message("kept of each: %zu bytes; in all %zu\n", (live - at_first) / (count - warm), live);
    for (unsigned i = 0; i < count; i++) { /* the oldest first: it stands first among those that wait */
        tl_pair_free(pairs[i]);
    }
    free(pairs);
}

#define RELEASE_TEST(name) cmocka_unit_test_setup_teardown(name, start, finish)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RELEASE_TEST(what_is_closed_for_300_s_is_released),
        RELEASE_TEST(a_segment_after_that_is_taken),
        RELEASE_TEST(what_is_heard_waits_again),
        RELEASE_TEST(one_segment_moves_the_clock_by_a_second),
        RELEASE_TEST(a_pair_that_waits_can_be_freed),
        RELEASE_TEST(a_live_day_grows_by_its_rows_only),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
