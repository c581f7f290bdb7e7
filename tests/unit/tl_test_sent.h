/* tl_test_sent.h - the fixture of test_sent.c and test_sent_bounds.c: one record, and short ways to feed it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TL_TEST_SENT_H
#define TL_TEST_SENT_H

#include "tl_test.h"

#include "record/tl_scoreboard.h"
#include "record/tl_scoreboard_room.h"
#include "tl_test_opener.h"

static struct tl_test_memory memory;
static struct tl_scoreboard sent;
static struct tl_scoreboard_result result;
static struct tl_scoreboard_ack_result acked;
static uint32_t frame; /* of the newest segment */

static inline int start(void **state)
{
    (void)state;
    tl_test_memory_init(&memory);
    tl_scoreboard_init(&sent, &memory.allocator);
    frame = 0;
    return 0;
}

static inline int finish(void **state)
{
    (void)state;
    tl_scoreboard_free(&sent);
    assert_int_equal(memory.live, 0);
    return 0;
}

static inline void check(void)
{
    const char *wrong = tl_scoreboard_check(&sent);

    if (wrong) {
        fail_msg("after frame %u: %s", (unsigned)frame, wrong);
    }
}

/* Every fact of a segment follows from its frame number. */
static inline struct tl_segment data(uint32_t number, uint32_t seq, uint32_t len)
{
    return (struct tl_segment){
        .time_ns = number * 1000LL,
        .frame = number,
        .seq = seq,
        .len = len,
        .tsval = number * 7,
        .options = TL_OPT_TIMESTAMPS,
        .ip_id = (uint16_t)(number * 3),
        .flags = TL_ACK,
    };
}

/* Adds [seq, seq + len) as the next frame and returns the frame. */
static inline uint32_t add(uint32_t seq, uint32_t len)
{
    struct tl_segment segment = data(++frame, seq, len);

    assert_int_equal(tl_scoreboard_look(&sent, &segment, &result), TL_SCOREBOARD_OK);
    assert_int_equal(tl_scoreboard_add(&sent, &segment), TL_SCOREBOARD_OK);
    assert_int_equal(
        result.new_bytes + result.filled_bytes + result.repeated_bytes + result.forgotten_bytes + result.acked_bytes, len);
    check();
    return frame;
}

static inline void ack(uint32_t number)
{
    assert_int_equal(tl_scoreboard_ack(&sent, number, &acked), TL_SCOREBOARD_OK);
    check();
}

/* Byte seq is held by an entry first sent in `first`, last in `last`, `count` times. */
static inline void assert_entry(const struct tl_scoreboard_entry *entry, uint32_t first, uint32_t last, unsigned count)
{
    assert_non_null(entry);
    assert_int_equal(entry->first_frame, first);
    assert_int_equal(entry->frame, last);
    assert_int_equal(entry->tx_count, count);
    assert_true(entry->time_ns == last * 1000LL && entry->first_time_ns == first * 1000LL);
    assert_true(entry->tsval == last * 7 && entry->first_tsval == first * 7);
    assert_true(entry->ip_id == (uint16_t)(last * 3) && entry->first_ip_id == (uint16_t)(first * 3));
}

static inline void assert_opener(uint32_t seq, uint32_t opener_frame)
{
    struct tl_scoreboard_opener opener;

    assert_int_equal(tl_test_opener_at(&sent, seq, &opener), opener_frame != 0);
    assert_int_equal(opener.frame, opener_frame);
    assert_true(opener.time_ns == opener_frame * 1000LL && opener.tsval == opener_frame * 7);
    assert_int_equal(opener.ip_id, (uint16_t)(opener_frame * 3));
}

#define SENT_TEST(name) cmocka_unit_test_setup_teardown(name, start, finish)

#endif
