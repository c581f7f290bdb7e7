/* test_conn_random.c - tests of the whole engine with random segments: whatever comes, every answer is one of those listed, the
 * records stay sound, and the same input gives the same answers.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "tl_test.h"

#include "tl_test_sound.h"

enum { SEEDS = 16, SEGMENTS = 4000, PAIRS = 3, ANCHORS = 4 };

/* Where the stream is: numbers that segments are near to, so that they often fit. */
struct stream {
    struct tl_test_memory memory;
    struct tl_tracker *tracker;
    struct tl_pair *pairs[PAIRS];
    uint32_t anchor[PAIRS][2][ANCHORS]; /* raw numbers that were used or acknowledged lately */
    uint32_t random;
    int64_t now_ns;
    uint32_t frame;
    bool starved; /* requests for memory fail at times */
};

static uint32_t pick(struct stream *s, const uint32_t *choices, unsigned count)
{
    return choices[tl_test_below(&s->random, count)];
}

/* A number near one of the anchors, and seldom anywhere. */
static uint32_t number_near(struct stream *s, const uint32_t *anchors)
{
    static const uint32_t steps[] = {0, 0, 0, 0, 0, 1, 0U - 1, 2, 100, 0U - 100, 1460, 70000, 0U - 70000, 1 << 20, 0x40000000};
    uint32_t number = pick(s, anchors, ANCHORS) + pick(s, steps, sizeof steps / sizeof steps[0]);

    return tl_test_below(&s->random, 50) == 0 ? tl_test_random(&s->random) : number;
}

static void move_clock(struct stream *s)
{
    static const int64_t steps[] = {0,          T_MS / 10, T_MS,           T_MS,  5 * T_MS, 50 * T_MS,
                                    250 * T_MS, T_SECOND,  300 * T_SECOND, -T_MS, -T_SECOND};

    s->now_ns += steps[tl_test_below(&s->random, sizeof steps / sizeof steps[0])];
}

static struct tl_segment random_segment(struct stream *s, unsigned pair)
{
    static const uint32_t flags[] = {TL_ACK, TL_ACK,          TL_ACK,          TL_ACK,          TL_ACK, TL_ACK | TL_PSH,
                                     TL_SYN, TL_SYN | TL_ACK, TL_FIN | TL_ACK, TL_FIN | TL_ACK, TL_RST, TL_RST | TL_ACK,
                                     0,      TL_FIN,          TL_SYN | TL_FIN};
    static const uint32_t lengths[] = {0, 0, 0, 0, 1, 1, 10, 1460, 65535, 1 << 20, 0x50000000};
    static const uint32_t windows[] = {0, 1, 1000, 65535};
    static const uint32_t options[] = {0,
                                       0,
                                       TL_OPT_TIMESTAMPS,
                                       TL_OPT_TIMESTAMPS,
                                       TL_OPT_MSS | TL_OPT_WINDOW_SCALE,
                                       TL_OPT_FAST_OPEN,
                                       TL_OPT_SACK,
                                       TL_OPT_SACK_PERMITTED,
                                       TL_OPT_MPTCP_RST,
                                       TL_OPT_BROKEN};
    unsigned from = tl_test_below(&s->random, 2);
    uint32_t any = tl_test_random(&s->random);
    struct tl_segment segment = {
        .time_ns = s->now_ns,
        .frame = ++s->frame,
        .seq = number_near(s, s->anchor[pair][from]),
        .ack = number_near(s, s->anchor[pair][1 - from]),
        .len = pick(s, lengths, sizeof lengths / sizeof lengths[0]),
        .tsval = any >> 24,
        .tsecr = any >> 16 & 0xFF,
        .options = (uint16_t)pick(s, options, sizeof options / sizeof options[0]),
        .window = (uint16_t)pick(s, windows, sizeof windows / sizeof windows[0]),
        .ip_id = (uint16_t)(any >> 8 & 3),
        .flags = (uint8_t)(any % 40 == 0 ? any >> 8 : pick(s, flags, sizeof flags / sizeof flags[0])),
        .window_scale = (uint8_t)(any & 15),
        .fast_open_bytes = (uint8_t)(any & 8),
        .sack_count = (uint8_t)(any & 3),
        .from = (uint8_t)from,
        .ipv6 = any & 1,
    };

    for (unsigned i = 0; i < segment.sack_count; i++) {
        segment.sack[i][0] = number_near(s, s->anchor[pair][1 - from]);
        segment.sack[i][1] = number_near(s, s->anchor[pair][1 - from]);
    }
    return segment;
}

/* Half of the segments move the stream on. */
static void remember_numbers(struct stream *s, unsigned pair, const struct tl_segment *segment)
{
    uint32_t at = tl_test_below(&s->random, 2 * ANCHORS);

    if (at < ANCHORS) {
        s->anchor[pair][segment->from][at] = segment->seq + tl_event_length(segment->flags, segment->len);
        s->anchor[pair][1 - segment->from][at] = segment->ack;
    }
}

/* ---- what must hold ------------------------------------------------------------------------------------------------------ */

static void is_sound(const char *wrong)
{
    assert_string_equal(wrong ? wrong : "sound", "sound");
}

/* Every connection is followed, if there is memory. */
static void zeek_has_words(const struct stream *s, const struct tl_conn *conn)
{
    struct tl_zeek_words words;

    if (!tl_conn_zeek(conn, &words)) {
        assert_true(s->starved);
        return;
    }
    is_sound(tl_unsound_words(&words));
}

/* ---- the streams --------------------------------------------------------------------------------------------------------- */

static void start_stream(struct stream *s, uint32_t seed)
{
    const struct tl_endpoints ends = {.port = {40000, 80}, .is_service = {false, true}};

    *s = (struct stream){.random = seed * 2654435761U | 1, .now_ns = 1700000000 * T_SECOND};
    tl_test_memory_init(&s->memory);
    s->tracker = tl_tracker_new(&s->memory.allocator);
    tl_tracker_view_zeek(s->tracker, true);
    for (unsigned i = 0; i < PAIRS; i++) {
        s->pairs[i] = tl_pair_new(s->tracker, &ends);
        for (unsigned a = 0; a < ANCHORS; a++) {
            s->anchor[i][0][a] = 0U - 2000; /* about to wrap */
            s->anchor[i][1][a] = 5000;
        }
    }
}

static void end_stream(struct stream *s)
{
    for (unsigned i = 0; i < PAIRS; i++) {
        tl_pair_free(s->pairs[i]);
    }
    tl_tracker_free(s->tracker);
    assert_int_equal(s->memory.live, 0);
}

/* FNV-1a: two runs that differ in one byte give different sums. */
static uint64_t add_to_sum(uint64_t sum, const void *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        sum = (sum ^ ((const unsigned char *)bytes)[i]) * UINT64_C(1099511628211);
    }
    return sum;
}

/* Sends one random segment and checks everything. Returns the sum with the answer added. */
static uint64_t send_random(struct stream *s, uint64_t sum)
{
    unsigned pair = tl_test_below(&s->random, PAIRS);
    struct tl_result result;
    struct tl_segment segment;

    move_clock(s);
    segment = random_segment(s, pair);
    if (!tl_pair_update(s->pairs[pair], &segment, &result)) {
        return sum;
    }
    is_sound(tl_unsound(&result, &segment, s->now_ns));
    zeek_has_words(s, result.conn);
    remember_numbers(s, pair, &segment);
    if (tl_test_below(&s->random, 100) == 0) {
        tl_pair_unreachable(s->pairs[pair], segment.from, segment.seq, 3, 1, segment.frame);
    }
    if (tl_test_below(&s->random, 20) == 0) {
        tl_pair_too_big(s->pairs[pair], &(struct tl_too_big){.time_ns = segment.time_ns,
                                                             .frame = segment.frame,
                                                             .seq = segment.seq,
                                                             .mtu = tl_test_below(&s->random, 1500),
                                                             .from = segment.from,
                                                             .ipv6 = segment.ipv6});
    }
    sum = add_to_sum(sum, &result.shape, sizeof result.shape);
    return add_to_sum(sum, &result.refs, sizeof result.refs);
}

static uint64_t run_stream(uint32_t seed)
{
    uint64_t sum = UINT64_C(14695981039346656037);
    struct stream s;

    start_stream(&s, seed);
    for (unsigned i = 0; i < SEGMENTS; i++) {
        sum = send_random(&s, sum);
    }
    end_stream(&s);
    return sum;
}

static void random_streams_get_sound_answers_twice_the_same(void **state)
{
    (void)state;
    for (uint32_t seed = 1; seed <= SEEDS; seed++) {
        uint64_t sum = run_stream(seed);

        assert_true(sum == run_stream(seed));
    }
}

/* Every tenth request for memory fails. */
static void random_streams_survive_lack_of_memory(void **state)
{
    (void)state;
    for (uint32_t seed = 1; seed <= SEEDS; seed++) {
        struct stream s;
        uint64_t sum = 0;

        start_stream(&s, seed + 1000);
        s.starved = true;
        for (unsigned i = 0; i < SEGMENTS; i++) {
            s.memory.fail_at = i % 10 == 0 ? s.memory.requests + 1 : 0;
            sum = send_random(&s, sum);
        }
        end_stream(&s);
    }
}

/* "Total: any segment is accepted" includes times that nobody has lived through. */
static void extreme_times_overflow_nothing(void **state)
{
    static const int64_t times[] = {INT64_MIN, INT64_MAX, -1, 0, 1, INT64_MIN + 1, INT64_MAX - 1};
    enum { TIMES = sizeof times / sizeof times[0] };
    struct stream s;

    (void)state;
    start_stream(&s, 4711);
    for (unsigned i = 0; i < SEGMENTS; i++) {
        unsigned pair = tl_test_below(&s.random, PAIRS);
        struct tl_segment segment = random_segment(&s, pair);
        struct tl_result result;

        segment.time_ns = times[tl_test_below(&s.random, TIMES)];
        assert_true(tl_pair_update(s.pairs[pair], &segment, &result));
        is_sound(tl_unsound(&result, &segment, times[tl_test_below(&s.random, TIMES)]));
        remember_numbers(&s, pair, &segment);
    }
    end_stream(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_streams_get_sound_answers_twice_the_same),
        cmocka_unit_test(random_streams_survive_lack_of_memory),
        cmocka_unit_test(extreme_times_overflow_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
