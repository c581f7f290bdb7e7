/* test_scoreboard_model.c - tests of tl_scoreboard: random operations against a map of bytes, failing memory, random numbers.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The model is as plain as can be: for each byte, what was sent when. It knows nothing of entries, rings and openers.
 */
#include "tl_test.h"

#include <string.h>

#include "tl_test_opener.h"

enum { BYTES = 3000 };

struct byte {
    uint32_t frame, first; /* newest and first transmission; 0 = never captured */
    uint32_t opener;       /* of the hole that holds it or held it */
    uint32_t count;        /* transmissions */
    bool maybe;            /* the record need not know the opener */
};

/* The record under test and its model. Positions are relative to `origin`. */
struct model {
    struct tl_test_memory memory;
    struct tl_scoreboard sent;
    uint32_t random, origin, frame;
    uint32_t una, max;
    bool started, anchored;
    bool exact; /* nothing is merged or forgotten */
    struct byte map[BYTES];
};

static struct tl_segment facts(uint32_t frame, uint32_t seq, uint32_t len)
{
    return (struct tl_segment){
        .time_ns = frame * 1000LL,
        .frame = frame,
        .seq = seq,
        .len = len,
        .tsval = frame * 7,
        .options = TL_OPT_TIMESTAMPS,
        .ip_id = (uint16_t)(frame * 3),
        .flags = TL_ACK,
    };
}

static void init(struct model *m, uint32_t seed, uint32_t origin)
{
    *m = (struct model){.random = seed, .origin = origin, .exact = true};
    tl_test_memory_init(&m->memory);
    tl_scoreboard_init(&m->sent, &m->memory.allocator);
}

static void done(struct model *m)
{
    tl_scoreboard_free(&m->sent);
    assert_int_equal(m->memory.live, 0);
}

/* ---- comparison -------------------------------------------------------------------------------------------------------- */

static void compare_entry(const struct model *m, const struct tl_scoreboard_entry *entry, uint32_t from)
{
    uint32_t to = entry->end - m->origin;

    for (uint32_t b = from; b < to; b++) {
        const struct byte *byte = &m->map[b];

        assert_true(byte->count > 0);
        if (entry->flags & TL_SCOREBOARD_COARSE) {
            continue;
        }
        assert_int_equal(entry->frame, byte->frame);
        assert_int_equal(entry->first_frame, byte->first);
        assert_int_equal(entry->tx_count, byte->count);
        assert_true(entry->time_ns == byte->frame * 1000LL && entry->first_time_ns == byte->first * 1000LL);
        assert_true(entry->tsval == byte->frame * 7 && entry->first_tsval == byte->first * 7);
        assert_true(entry->ip_id == (uint16_t)(byte->frame * 3) && entry->first_ip_id == (uint16_t)(byte->first * 3));
    }
}

static void compare_hole(const struct model *m, uint32_t b)
{
    struct tl_scoreboard_opener opener;
    bool known = tl_test_opener_at(&m->sent, m->origin + b, &opener);

    assert_true(known || m->map[b].maybe);
    if (known) {
        assert_int_equal(opener.frame, m->map[b].opener);
        assert_true(opener.time_ns == opener.frame * 1000LL && opener.tsval == opener.frame * 7);
        assert_int_equal(opener.ip_id, (uint16_t)(opener.frame * 3));
    }
}

static void compare_random_questions(struct model *m)
{
    uint32_t from = tl_test_below(&m->random, BYTES);
    uint32_t floor = m->sent.floor - m->origin;
    const struct tl_scoreboard_entry *acked = tl_room_find_acked(&m->sent, m->origin + from);
    bool hole = false;

    for (uint32_t b = floor; b < from && b < m->max; b++) {
        hole |= m->map[b].count == 0;
    }
    assert_int_equal(tl_scoreboard_has_hole_below(&m->sent, m->origin + from), hole);
    if (acked && m->exact) {
        assert_true(from < m->una);
        assert_int_equal(acked->frame, m->map[from].frame);
    }
}

static void compare(struct model *m)
{
    const struct tl_scoreboard_entry *entry;
    const char *wrong = tl_scoreboard_check(&m->sent);
    uint32_t pos;

    if (wrong) {
        fail_msg("after frame %u: %s", (unsigned)m->frame, wrong);
    }
    assert_int_equal(tl_scoreboard_started(&m->sent), m->started);
    if (!m->started) {
        return;
    }
    assert_int_equal(tl_scoreboard_una(&m->sent) - m->origin, m->una);
    assert_int_equal(tl_scoreboard_max(&m->sent) - m->origin, m->max);
    pos = m->sent.floor - m->origin;
    assert_true(!m->exact || pos == m->una);
    for (unsigned i = 0; (entry = tl_scoreboard_at(&m->sent, i)) != NULL; i++) {
        for (; pos < entry->seq - m->origin; pos++) {
            assert_int_equal(m->map[pos].count, 0);
            compare_hole(m, pos);
        }
        compare_entry(m, entry, pos);
        pos = entry->end - m->origin;
    }
    for (; pos < m->max; pos++) {
        assert_int_equal(m->map[pos].count, 0);
        compare_hole(m, pos);
    }
    compare_random_questions(m);
}

/* ---- operations -------------------------------------------------------------------------------------------------------- */

/* Everything up to `to` that is not captured right below max becomes one hole, opened by the newest frame. */
static void model_gap(struct model *m, uint32_t to)
{
    uint32_t from = m->max;

    while (from > m->una && !m->map[from - 1].count) {
        from--;
    }
    for (uint32_t b = from; b < to; b++) {
        m->map[b].opener = m->frame;
        m->map[b].maybe = false;
    }
}

/* The start moves down to `to`: what is not captured there was opened by the lowest byte captured, or belongs to the hole that
 * the record begins with. */
static void model_lower(struct model *m, uint32_t to)
{
    const struct byte *lowest = &m->map[m->una];

    for (uint32_t b = to; b < m->una; b++) {
        m->map[b].opener = lowest->count ? lowest->first : lowest->opener;
        m->map[b].maybe = m->una == m->max || lowest->maybe;
    }
    m->una = to;
}

static void model_add(struct model *m, uint32_t from, uint32_t to)
{
    if (!m->started) {
        m->started = true;
        m->una = m->max = from;
    }
    if (to > from && from < m->una && !m->anchored) {
        model_lower(m, from);
    }
    if (from > m->max) {
        model_gap(m, from);
        m->max = from;
    }
    for (uint32_t b = from; b < to; b++) {
        m->map[b].frame = m->frame;
        m->map[b].first = m->map[b].first ? m->map[b].first : m->frame;
        m->map[b].count++;
    }
    m->max = to > m->max ? to : m->max;
}

/* What the record should say of a segment before it is added. */
static void compare_result(const struct model *m, const struct tl_scoreboard_result *result, uint32_t from, uint32_t to)
{
    uint32_t fresh = 0, filled = 0, repeated = 0, forgotten = 0, below = 0, previous = 0, opener = 0, last_maybe = 0;
    uint32_t floor = m->sent.floor - m->origin;

    for (uint32_t b = from; b < to; b++) {
        bool is_new = !m->started || b >= m->max, inside = !is_new && b >= floor, captured = m->map[b].count > 0;

        fresh += is_new;
        below += !is_new && b < m->una;
        forgotten += !is_new && b >= m->una && b < floor;
        repeated += inside && captured;
        filled += inside && !captured;
        previous = !previous && inside && captured ? m->map[b].frame : previous;
        opener = !opener && inside && !captured ? m->map[b].opener : opener;
        last_maybe |= inside && !captured && m->map[b].maybe;
    }
    assert_true(result->new_bytes == fresh && result->filled_bytes == filled && result->repeated_bytes == repeated);
    assert_true(result->acked_bytes == below && result->forgotten_bytes == forgotten);
    assert_int_equal(result->skipped_bytes, m->started && from > m->max ? from - m->max : 0);
    assert_int_equal(result->before_start, below && !m->anchored);
    if (!(result->previous.flags & (TL_SCOREBOARD_ACKED | TL_SCOREBOARD_COARSE)) && !m->map[from].maybe) {
        assert_int_equal(result->previous.tx_count ? result->previous.frame : 0, previous);
    }
    if ((!below || result->before_start) && !last_maybe) {
        assert_int_equal(result->opener.frame, opener);
    }
}

static void step_add(struct model *m, uint32_t from, uint32_t len)
{
    uint32_t to = from + len < BYTES ? from + len : BYTES;
    struct tl_segment segment = facts(++m->frame, m->origin + from, to - from);
    struct tl_scoreboard_result looked;
    enum tl_scoreboard_status status;

    assert_int_equal(tl_scoreboard_look(&m->sent, &segment, &looked), TL_SCOREBOARD_OK);
    compare_result(m, &looked, from, to);
    status = tl_scoreboard_add(&m->sent, &segment);
    if (status == TL_SCOREBOARD_OK) {
        model_add(m, from, to);
    } else {
        assert_int_equal(status, TL_SCOREBOARD_NO_MEMORY);
    }
}

static void step_ack(struct model *m, uint32_t to)
{
    uint32_t captured = 0, forgotten = 0, newest = 0, floor = m->sent.floor - m->origin, before = m->una;
    struct tl_scoreboard_ack_result result;

    assert_int_not_equal(tl_scoreboard_ack(&m->sent, m->origin + to, &result), TL_SCOREBOARD_REFUSED);
    if (!m->started) {
        m->started = true;
        m->una = m->max = before = to;
    } else if (!m->anchored && to < m->una) {
        model_lower(m, to);
    }
    m->anchored = true;
    for (uint32_t b = m->una; b < to; b++) {
        forgotten += b < floor;
        captured += b >= floor && m->map[b].count > 0;
        newest = b >= floor && m->map[b].count > 0 && m->map[b].frame > newest ? m->map[b].frame : newest;
    }
    assert_true(result.captured_bytes == captured && result.forgotten_bytes == forgotten);
    assert_int_equal(result.una_before - m->origin, before);
    assert_int_equal(result.unseen_bytes, to > m->una ? to - m->una - captured - forgotten : 0);
    if (to > m->una && m->exact) {
        assert_int_equal(result.last.frame, m->map[to - 1].frame);
        assert_true(result.newest_ns == (newest ? newest * 1000LL : INT64_MIN));
    }
    m->una = to > m->una ? to : m->una;
    m->max = to > m->max ? to : m->max;
}

/* One random operation near max, with segments up to `longest` bytes. */
static void step(struct model *m, uint32_t longest)
{
    uint32_t kind = tl_test_below(&m->random, 100), len = 1 + tl_test_below(&m->random, longest), from = m->max;

    if (!m->started) {
        from = 200 + tl_test_below(&m->random, 50);
    } else if (kind >= 45 && kind < 60) {
        from += tl_test_below(&m->random, longest); /* opens a hole */
    } else if (kind >= 60) {
        from = m->una - (m->una < 40 ? m->una : 40);
        from += tl_test_below(&m->random, m->max - from + 1); /* old, or across max */
    }
    if (m->started && kind >= 93) {
        from = m->una + tl_test_below(&m->random, (m->max - m->una) / 2 + 2);
    }
    if (from >= BYTES || kind >= 93) {
        step_ack(m, from < BYTES ? from : m->max);
    } else {
        step_add(m, from, kind == 58 ? 0 : len);
    }
    compare(m);
}

/* ---- tests ------------------------------------------------------------------------------------------------------------- */

static void random_operations_agree_with_a_map_of_bytes(void **state)
{
    static const uint32_t origins[] = {0, 1000, 0xffffffff - 200, 0xffffffff - 1500, 0x80000000U - 1000, 0x7fffffff};
    static const uint32_t longest[] = {3, 10, 40, 200};
    static struct model m;

    (void)state;
    for (uint32_t run = 0; run < 120; run++) {
        init(&m, run + 1, origins[run % 6]);
        if (run % 3 == 0) {
            step_ack(&m, 100);
        }
        for (unsigned i = 0; i < 3000 && m.una < BYTES - 100; i++) {
            step(&m, longest[run % 4]);
        }
        done(&m);
    }
}

static void random_operations_agree_while_full(void **state)
{
    static struct model m;

    (void)state;
    for (uint32_t run = 0; run < 60; run++) {
        init(&m, 1000 + run, 0xffffffff - 1500);
        m.exact = false;
        tl_scoreboard_expect_acks(&m.sent, false);
        step_ack(&m, 100);
        for (unsigned i = 0; i < 1500 && m.max < BYTES - 10; i++) {
            step(&m, 3 + run % 10);
        }
        done(&m);
    }
}

/* Every allocation fails once, alone or with all later ones: what was there is still there, and nothing leaks. */
static void any_allocation_may_fail(void **state)
{
    static struct model m;
    unsigned requests = 0;

    (void)state;
    for (unsigned fail = 0; fail <= 2 * requests; fail++) {
        init(&m, 77, 0xffffffff - 1000);
        m.memory.fail_at = (fail + 1) / 2;
        m.memory.fail_after = fail % 2;
        for (unsigned i = 0; i < 600; i++) {
            step(&m, 10);
        }
        requests = fail ? requests : m.memory.requests;
        done(&m);
    }
    assert_in_range(requests, 8, 1000); /* entries, openers and the ring all grew */
}

static void random_numbers_break_no_invariant(void **state)
{
    static struct model m;

    (void)state;
    for (uint32_t run = 0; run < 20; run++) {
        init(&m, 5000 + run, 0);
        for (uint32_t i = 0; i < 5000; i++) {
            uint32_t a = tl_test_random(&m.random), b = tl_test_random(&m.random), kind = tl_test_below(&m.random, 64);
            uint32_t near = tl_scoreboard_max(&m.sent) + (a & 0xffff) - 0x8000;
            uint32_t far = tl_scoreboard_max(&m.sent) + (a >> (run % 8)) - (0x80000000U >> (run % 8));
            uint32_t seq = kind % 4 == 0 ? a : kind % 4 == 1 ? far : near;
            struct tl_segment segment = facts(i, seq, b & 1 ? b >> (b % 32) : (b >> 8) & 0x7ff);
            struct tl_scoreboard_ack_result acked;
            const char *wrong;

            segment.flags = (uint8_t)(kind == 20 ? a >> 8 : TL_ACK);
            if (kind == 0) {
                tl_scoreboard_restart(&m.sent, a);
            } else if (kind == 2) {
                tl_scoreboard_expect_acks(&m.sent, b & 1);
            } else if (kind == 3 && run % 2) {
                tl_scoreboard_close(&m.sent);
            } else if (kind < 10) {
                tl_scoreboard_ack(&m.sent, seq, &acked);
            } else {
                tl_scoreboard_add(&m.sent, &segment);
            }
            wrong = tl_scoreboard_check(&m.sent);
            if (wrong) {
                fail_msg("run %u, operation %u: %s", (unsigned)run, (unsigned)i, wrong);
            }
            (void)tl_scoreboard_has_hole_below(&m.sent, b);
        }
        done(&m);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_operations_agree_with_a_map_of_bytes),
        cmocka_unit_test(random_operations_agree_while_full),
        cmocka_unit_test(any_allocation_may_fail),
        cmocka_unit_test(random_numbers_break_no_invariant),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
