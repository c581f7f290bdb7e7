/* test_tally.c - tests of tl_tally: how often what happened on one connection.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Some tests hand verdicts to tl_tally_add() that are made by hand, to look at one counter at a time; the others let the engine
 * judge a conversation.
 */
#include <string.h>

#include "tl_test.h"
#include "views/tl_tally.h"

enum { SYN = TL_SYN, SYNACK = TL_SYN | TL_ACK, FIN = TL_FIN | TL_ACK, RST = TL_RST, RSTACK = TL_RST | TL_ACK };

/* ---- verdicts made by hand ------------------------------------------------------------------------------------------------------ */

/* A tally, and the memory that it takes. Must not move. */
struct count {
    struct tl_test_memory memory;
    struct tl_tally tally;
    int64_t now_ns;
};

static void count_start(struct count *c)
{
    *c = (struct count){.now_ns = 1700000000 * T_SECOND};
    tl_test_memory_init(&c->memory);
}

static void count_end(struct count *c)
{
    tl_tally_clear(&c->tally, &c->memory.allocator);
    assert_int_equal(c->memory.live, 0);
}

static bool add(struct count *c, unsigned from, const struct tl_segment *say, const struct tl_shape *shape,
                const struct tl_refs *refs)
{
    struct tl_segment segment = *say;
    struct tl_result result = {.shape = *shape};

    segment.time_ns = c->now_ns;
    result.shape.from = (uint8_t)from;
    if (refs) {
        result.refs = *refs;
    }
    return tl_tally_add(&c->tally, &c->memory.allocator, &segment, &result);
}

#define SHAPE(...) (&(struct tl_shape){__VA_ARGS__})
#define REFS(...) (&(struct tl_refs){__VA_ARGS__})
#define DATA SEGMENT(.flags = TL_ACK, .len = 10, .window = 1)

static void each_end_has_its_own_counts(void **state)
{
    struct count c;

    (void)state;
    count_start(&c);
    assert_true(add(&c, 0, DATA, SHAPE(0), NULL));
    assert_true(add(&c, 0, DATA, SHAPE(0), NULL));
    assert_true(add(&c, 1, SEGMENT(.flags = TL_ACK, .len = 7, .window = 1), SHAPE(0), NULL));
    assert_int_equal(c.tally.endpoint[0].segments, 2);
    assert_int_equal(c.tally.endpoint[0].bytes, 20);
    assert_int_equal(c.tally.endpoint[1].segments, 1);
    assert_int_equal(c.tally.endpoint[1].bytes, 7);
    count_end(&c);
}

/* Most connections have no trouble, and take no memory for it. */
static void memory_only_for_trouble(void **state)
{
    struct count c;

    (void)state;
    count_start(&c);
    add(&c, 0, DATA, SHAPE(.segment = TL_SEGMENT_NEW, .ack = TL_ACK_NEW), NULL);
    add(&c, 1, DATA, SHAPE(.segment = TL_SEGMENT_AHEAD, .keepalive = TL_PROBE_KIND_ANSWER), NULL);
    assert_int_equal(c.memory.requests, 0);
    add(&c, 1, DATA, SHAPE(.ack = TL_ACK_DUP), NULL);
    add(&c, 1, DATA, SHAPE(.ack = TL_ACK_DUP), NULL);
    assert_int_equal(c.memory.requests, 1);
    assert_null(c.tally.endpoint[0].trouble);
    assert_int_equal(c.tally.endpoint[1].trouble->duplicate_acks, 2);
    count_end(&c);
}

/* One segment of a kind moves one counter, by one. */
static void one_counter_for_each_kind(void **state)
{
    static const struct {
        struct tl_segment segment;
        struct tl_shape shape;
        size_t counter;
    } kinds[] = {
        {{.window = 1}, {.segment = TL_SEGMENT_OUT_OF_ORDER}, offsetof(struct tl_trouble, out_of_order)},
        {{.window = 1}, {.duplicate = TL_DUPLICATE_NETWORK}, offsetof(struct tl_trouble, duplicates)},
        {{.window = 1}, {.duplicate = TL_DUPLICATE_CAPTURE}, offsetof(struct tl_trouble, copies)},
        {{.window = 1}, {.flags = TL_SHAPE_COPY}, offsetof(struct tl_trouble, copies)},
        {{.window = 1}, {.ack = TL_ACK_DUP}, offsetof(struct tl_trouble, duplicate_acks)},
        {{.window = 1}, {.keepalive = TL_PROBE_KIND_PROBE}, offsetof(struct tl_trouble, keepalive_probes)},
        {{.window = 1}, {.window_probe = TL_PROBE_KIND_PROBE}, offsetof(struct tl_trouble, window_probes)},
        {{.window = 0}, {0}, offsetof(struct tl_trouble, zero_windows)},
        {{.flags = RST}, {0}, offsetof(struct tl_trouble, resets)},
    };

    (void)state;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        struct tl_trouble expected = {0};
        struct count c;

        count_start(&c);
        assert_true(add(&c, 1, &kinds[i].segment, &kinds[i].shape, REFS(.probe_number = 2)));
        *(uint32_t *)((char *)&expected + kinds[i].counter) = 1;
        expected.run_probes = c.tally.endpoint[1].trouble->run_probes; /* what the last run is made of is no count */
        expected.run_is_window = c.tally.endpoint[1].trouble->run_is_window;
        assert_memory_equal(c.tally.endpoint[1].trouble, &expected, sizeof expected);
        assert_null(c.tally.endpoint[0].trouble);
        count_end(&c);
    }
}

static void retransmissions_by_cause(void **state)
{
    struct count c;

    (void)state;
    count_start(&c);
    for (unsigned cause = TL_RETRANSMISSION_NONE + 1; cause < TL_RETRANSMISSION_COUNT; cause++) {
        for (unsigned i = 0; i < cause; i++) {
            add(&c, 0, DATA, SHAPE(.retransmission = (uint8_t)cause), NULL);
        }
        assert_int_equal(c.tally.endpoint[0].trouble->retransmissions[cause], cause);
        assert_int_equal(tl_trouble_retransmissions(c.tally.endpoint[0].trouble), cause * (cause + 1) / 2);
    }
    assert_int_equal(c.tally.endpoint[0].trouble->retransmissions[TL_RETRANSMISSION_NONE], 0);
    count_end(&c);
}

static void only_what_is_known_to_be_spurious_counts(void **state)
{
    struct count c;
    uint32_t expected = 0;

    (void)state;
    count_start(&c);
    for (unsigned spurious = TL_SPURIOUS_NONE; spurious < TL_SPURIOUS_COUNT; spurious++) {
        add(&c, 0, DATA, SHAPE(.retransmission = TL_RETRANSMISSION_RTO, .spurious = (uint8_t)spurious), NULL);
        expected += spurious != TL_SPURIOUS_NONE && spurious != TL_SPURIOUS_NO && spurious != TL_SPURIOUS_UNKNOWN;
        assert_int_equal(c.tally.endpoint[0].trouble->spurious, expected);
    }
    count_end(&c);
}

/* What a later segment proves counts once: what was known at once is counted already. */
static void proofs(void **state)
{
    struct count c;

    (void)state;
    count_start(&c);
    add(&c, 0, DATA, SHAPE(.retransmission = TL_RETRANSMISSION_RTO), NULL);
    tl_tally_prove(&c.tally, 0, TL_SPURIOUS_NONE);
    assert_int_equal(c.tally.endpoint[0].trouble->spurious, 1);
    tl_tally_prove(&c.tally, 0, TL_SPURIOUS_UNKNOWN);
    tl_tally_prove(&c.tally, 0, TL_SPURIOUS_NO);
    assert_int_equal(c.tally.endpoint[0].trouble->spurious, 3);
    tl_tally_prove(&c.tally, 0, TL_SPURIOUS_ACKED);
    assert_int_equal(c.tally.endpoint[0].trouble->spurious, 3);
    tl_tally_prove(&c.tally, 1, TL_SPURIOUS_NONE); /* nothing of this end was counted: memory had run out */
    assert_null(c.tally.endpoint[1].trouble);
    count_end(&c);
}

/* The whole payload came again, a part of it, or none: the original had been lost before the capture point. */
static void bytes_that_had_been_captured_before(void **state)
{
    static const struct {
        struct tl_shape shape;
        struct tl_refs refs;
        uint64_t expected;
    } kinds[] = {
        {{.retransmission = TL_RETRANSMISSION_RTO}, {.previous_in = 1}, 10},
        {{.retransmission = TL_RETRANSMISSION_RTO}, {.previous_in = 1, .new_bytes = 4}, 6},
        {{.retransmission = TL_RETRANSMISSION_RTO}, {.previous_in = 0}, 0},
        {{.duplicate = TL_DUPLICATE_NETWORK, .flags = TL_SHAPE_COPY}, {.previous_in = 0}, 10},
        {{.duplicate = TL_DUPLICATE_CAPTURE, .flags = TL_SHAPE_COPY}, {.previous_in = 0}, 0},
        {{.keepalive = TL_PROBE_KIND_PROBE}, {.previous_in = 0}, 10},
        {{.window_probe = TL_PROBE_KIND_PROBE}, {.previous_in = 0}, 0},
        {{.segment = TL_SEGMENT_OUT_OF_ORDER}, {.previous_in = 0}, 0},
        {{.segment = TL_SEGMENT_OUT_OF_ORDER}, {.proved[0] = {1, TL_SPURIOUS_LATE_ORIGINAL}}, 10},
    };

    (void)state;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        struct count c;

        count_start(&c);
        add(&c, 0, DATA, &kinds[i].shape, &kinds[i].refs);
        assert_int_equal(c.tally.endpoint[0].trouble->bytes_again, kinds[i].expected);
        count_end(&c);
    }
}

/* A packet captured twice is one packet, and says nothing new. */
static void copies_count_nowhere_else(void **state)
{
    struct count c;

    (void)state;
    count_start(&c);
    add(&c, 0, DATA, SHAPE(0), NULL);
    c.now_ns += T_SECOND;
    add(&c, 0, SEGMENT(.len = 10, .window = 0), SHAPE(.flags = TL_SHAPE_COPY, .duplicate = TL_DUPLICATE_CAPTURE), NULL);
    assert_int_equal(c.tally.endpoint[0].segments, 1);
    assert_int_equal(c.tally.endpoint[0].bytes, 10);
    assert_int_equal(c.tally.endpoint[0].trouble->copies, 1);
    assert_int_equal(c.tally.endpoint[0].trouble->zero_windows, 0);
    assert_int_equal(c.tally.longest_idle_ns, 0);
    assert_false(c.tally.endpoint[0].window_closed);
    count_end(&c);
}

static void runs_begin_with_their_first_probe(void **state)
{
    static const uint32_t numbers[] = {1, 2, 3, 1, 2};
    struct count c;

    (void)state;
    count_start(&c);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        add(&c, 0, DATA, SHAPE(.keepalive = TL_PROBE_KIND_PROBE), REFS(.probe_number = numbers[i]));
        add(&c, 1, DATA, SHAPE(.window_probe = TL_PROBE_KIND_PROBE), REFS(.probe_number = numbers[i]));
    }
    assert_int_equal(c.tally.endpoint[0].trouble->keepalive_probes, 5);
    assert_int_equal(c.tally.endpoint[0].trouble->keepalive_runs, 2);
    assert_int_equal(c.tally.endpoint[1].trouble->window_probes, 5);
    assert_int_equal(c.tally.endpoint[1].trouble->window_probe_runs, 2);
    count_end(&c);
}

static void window_of_size(struct count *c, unsigned flags, uint16_t window, uint32_t expected)
{
    add(c, 0, SEGMENT(.flags = (uint8_t)flags, .window = window), SHAPE(0), NULL);
    assert_int_equal(c->tally.endpoint[0].trouble ? c->tally.endpoint[0].trouble->zero_windows : 0, expected);
}

static void old_window_of_size(struct count *c, uint16_t window, uint32_t expected)
{
    add(c, 0, SEGMENT(.window = window), SHAPE(.duplicate = TL_DUPLICATE_NETWORK), NULL);
    add(c, 0, SEGMENT(.window = window), SHAPE(.flags = TL_SHAPE_STRAY), NULL);
    assert_int_equal(c->tally.endpoint[0].trouble->zero_windows, expected);
}

/* A window is closed once, however often its end says so. A reset has window 0 and means nothing by it; neither closes it a
 * window nor opens one. Packets that were long under way speak of another time. */
static void zero_windows(void **state)
{
    struct count c;

    (void)state;
    count_start(&c);
    window_of_size(&c, TL_ACK, 1, 0);
    window_of_size(&c, TL_ACK, 0, 1);
    window_of_size(&c, TL_ACK, 0, 1);
    window_of_size(&c, TL_ACK, 1, 1);
    window_of_size(&c, RST, 0, 1);
    window_of_size(&c, TL_ACK, 0, 2);
    window_of_size(&c, RST, 500, 2);
    window_of_size(&c, TL_ACK, 0, 2);
    old_window_of_size(&c, 1, 2);
    window_of_size(&c, TL_ACK, 0, 2);
    window_of_size(&c, FIN, 1, 2);
    old_window_of_size(&c, 0, 2);
    window_of_size(&c, TL_ACK, 0, 3);
    count_end(&c);
}

/* ---- silence ---------------------------------------------------------------------------------------------------------------- */

static void longest_idle(void **state)
{
    struct count c;

    (void)state;
    count_start(&c);
    add(&c, 0, DATA, SHAPE(0), NULL);
    assert_int_equal(c.tally.longest_idle_ns, 0);
    c.now_ns += 5 * T_SECOND;
    add(&c, 0, DATA, SHAPE(0), NULL);
    c.now_ns += 3 * T_SECOND;
    add(&c, 1, DATA, SHAPE(0), NULL);
    assert_int_equal(c.tally.longest_idle_ns, 5 * T_SECOND);
    count_end(&c);
}

/* Back by 10 s, and forward again by 4 and by 7: only the last second lies behind everything before. */
static void time_that_runs_backwards_makes_no_silence(void **state)
{
    struct count c;

    (void)state;
    count_start(&c);
    add(&c, 0, DATA, SHAPE(0), NULL);
    c.now_ns -= 10 * T_SECOND;
    add(&c, 1, DATA, SHAPE(0), NULL);
    c.now_ns += 4 * T_SECOND;
    add(&c, 0, DATA, SHAPE(0), NULL);
    assert_int_equal(c.tally.longest_idle_ns, 0);
    assert_int_equal(tl_tally_final_idle(&c.tally), 0);
    c.now_ns += 7 * T_SECOND;
    add(&c, 1, DATA, SHAPE(0), NULL);
    assert_int_equal(c.tally.longest_idle_ns, T_SECOND);
    count_end(&c);
}

static void times_before_1970(void **state)
{
    struct count c;

    (void)state;
    count_start(&c);
    c.now_ns = -5 * T_SECOND;
    add(&c, 0, DATA, SHAPE(0), NULL);
    c.now_ns = -3 * T_SECOND;
    add(&c, 0, DATA, SHAPE(0), NULL);
    assert_int_equal(c.tally.longest_idle_ns, 2 * T_SECOND);
    count_end(&c);
}

/* The engine judges; the tally counts. */
struct counted_talk {
    struct t_talk t;
    struct tl_tally tally;
};

static void tell(struct counted_talk *c, unsigned from, const struct t_segment *say)
{
    t_send_segment(&c->t, from, say);
    assert_true(tl_tally_add(&c->tally, &c->t.memory.allocator, &c->t.segment, &c->t.v));
}

#define c_send(c, from, ...) tell(c, from, &(struct t_segment){__VA_ARGS__})

/* Request and response, a round trip of 2 ms; the client had the last word. */
static void c_start(struct counted_talk *c)
{
    c->tally = (struct tl_tally){0};
    t_start(&c->t);
    c_send(c, CLIENT, .flags = SYN);
    c_send(c, SERVER, .flags = SYNACK);
    c_send(c, CLIENT, .flags = TL_ACK);
    c_send(c, CLIENT, .len = 10);
    c_send(c, SERVER, .len = 20);
    c_send(c, CLIENT, .flags = TL_ACK);
}

static void c_end(struct counted_talk *c)
{
    tl_tally_clear(&c->tally, &c->t.memory.allocator);
    t_end(&c->t);
}

/* The commonest dead connection: idle for an hour, then the end that spoke last speaks again, and a RST answers. */
static void idle_before_the_segment_that_found_it_dead(void **state)
{
    struct counted_talk c;

    (void)state;
    for (unsigned from = 0; from < 2; from++) {
        c_start(&c);
        c_send(&c, from, .len = 10, .wait_ns = 3600 * T_SECOND);
        c_send(&c, 1 - from, .flags = RST, .wait_ns = 30 * T_MS);
        assert_int_equal(tl_tally_final_idle(&c.tally), 3600 * T_SECOND);
        c_end(&c);
    }
}

static void idle_before_a_reset_out_of_the_blue(void **state)
{
    struct counted_talk c;

    (void)state;
    for (unsigned from = 0; from < 2; from++) {
        c_start(&c);
        c_send(&c, from, .flags = RSTACK, .wait_ns = 3600 * T_SECOND);
        assert_int_equal(tl_tally_final_idle(&c.tally), 3600 * T_SECOND);
        c_end(&c);
    }
}

/* The waits of the retransmission timer, longer than the silence before, are no idling; nor is the one before the RST. */
static void idle_without_the_waits_of_the_timer(void **state)
{
    struct counted_talk c;

    (void)state;
    c_start(&c);
    c_send(&c, CLIENT, .len = 10, .wait_ns = 5 * T_SECOND);
    for (unsigned i = 0; i < 5; i++) {
        c_send(&c, CLIENT, .seq = 1011, .len = 10, .wait_ns = (1 << i) * T_SECOND);
        t_is(&c.t, segment, SEGMENT, RETRANSMISSION);
    }
    c_send(&c, CLIENT, .flags = RSTACK, .wait_ns = 32 * T_SECOND);
    assert_int_equal(tl_tally_final_idle(&c.tally), 5 * T_SECOND);
    assert_int_equal(c.tally.longest_idle_ns, 32 * T_SECOND);
    assert_int_equal(tl_trouble_retransmissions(c.tally.endpoint[CLIENT].trouble), 5);
    assert_int_equal(c.tally.endpoint[CLIENT].trouble->bytes_again, 50);
    c_end(&c);
}

/* Keep-alive after 30 s, then every 75 s; what matters is how long the connection was idle before somebody asked. */
static void idle_before_the_first_keepalive(void **state)
{
    struct counted_talk c;

    (void)state;
    c_start(&c);
    c_send(&c, CLIENT, .seq = 1010, .wait_ns = 30 * T_SECOND);
    t_is(&c.t, keepalive, PROBE_KIND, PROBE);
    for (unsigned i = 0; i < 8; i++) {
        c_send(&c, CLIENT, .seq = 1010, .wait_ns = 75 * T_SECOND);
    }
    c_send(&c, CLIENT, .flags = RSTACK, .wait_ns = 75 * T_SECOND);
    assert_int_equal(tl_tally_final_idle(&c.tally), 30 * T_SECOND);
    assert_int_equal(c.tally.endpoint[CLIENT].trouble->keepalive_probes, 9);
    assert_int_equal(c.tally.endpoint[CLIENT].trouble->keepalive_runs, 1);
    assert_int_equal(c.tally.endpoint[CLIENT].trouble->bytes_again, 0);
    c_end(&c);
}

/* Only the last exchange counts: after the silence the connection was alive. */
static void idle_of_a_connection_that_woke_up(void **state)
{
    struct counted_talk c;

    (void)state;
    c_start(&c);
    c_send(&c, CLIENT, .len = 10, .wait_ns = 3600 * T_SECOND);
    c_send(&c, SERVER, .len = 20, .wait_ns = 30 * T_MS);
    c_send(&c, CLIENT, .flags = TL_ACK, .wait_ns = 10 * T_MS);
    c_send(&c, SERVER, .flags = RSTACK, .wait_ns = 20 * T_MS);
    assert_int_equal(tl_tally_final_idle(&c.tally), 20 * T_MS);
    c_end(&c);
}

/* ---- what the engine makes of it ------------------------------------------------------------------------------------------------ */

/* Data on a SYN that the SYN-ACK does not take comes again (RFC 7413 4.2.2). */
static void fast_open_data_again(void **state)
{
    struct counted_talk c = {0};

    (void)state;
    t_start(&c.t);
    c_send(&c, CLIENT, .flags = SYN, .len = 33, .options = TL_OPT_FAST_OPEN, .fast_open_bytes = 8);
    c_send(&c, SERVER, .flags = SYNACK, .ack = 1001);
    c_send(&c, CLIENT, .seq = 1001, .len = 33);
    assert_int_equal(c.tally.endpoint[CLIENT].bytes, 66);
    assert_int_equal(c.tally.endpoint[CLIENT].trouble->bytes_again, 33);
    assert_int_equal(c.tally.endpoint[CLIENT].trouble->retransmissions[TL_RETRANSMISSION_SYN_DATA], 1);
    assert_int_equal(c.tally.endpoint[CLIENT].trouble->spurious, 0);
    c_end(&c);
}

/* Captured twice: within 1 ms. Delivered twice: later (docs/design.md, 4.5). By the IP ID it is the same packet both times. */
static void copies_and_duplicates(void **state)
{
    struct counted_talk c;

    (void)state;
    c_start(&c);
    c_send(&c, CLIENT, .len = 10, .ip_id = 7);
    c_send(&c, CLIENT, .seq = 1011, .len = 10, .ip_id = 7, .wait_ns = T_MS / 10);
    c_send(&c, CLIENT, .seq = 1011, .len = 10, .ip_id = 7, .wait_ns = 50 * T_MS);
    assert_int_equal(c.tally.endpoint[CLIENT].segments, 4 + 2);
    assert_int_equal(c.tally.endpoint[CLIENT].bytes, 10 + 20);
    assert_int_equal(c.tally.endpoint[CLIENT].trouble->copies, 1);
    assert_int_equal(c.tally.endpoint[CLIENT].trouble->duplicates, 1);
    assert_int_equal(c.tally.endpoint[CLIENT].trouble->bytes_again, 10);
    c_end(&c);
}

/* The receiver closes its window, says so again when it is probed, opens it, and closes it again. */
static void window_closed_and_probed(void **state)
{
    struct counted_talk c;

    (void)state;
    c_start(&c);
    c_send(&c, SERVER, .window = T_CLOSED);
    for (unsigned i = 0; i < 3; i++) {
        c_send(&c, CLIENT, .seq = 1010, .wait_ns = (T_SECOND / 5) << i); /* the timer doubles, RFC 9293 3.8.6.1 */
        c_send(&c, SERVER, .window = T_CLOSED);
    }
    c_send(&c, SERVER, .flags = TL_ACK);
    c_send(&c, CLIENT, .len = 10);
    c_send(&c, SERVER, .window = T_CLOSED);
    c_send(&c, CLIENT, .seq = 1020, .wait_ns = T_SECOND);
    assert_int_equal(c.tally.endpoint[SERVER].trouble->zero_windows, 2);
    assert_int_equal(c.tally.endpoint[CLIENT].trouble->window_probes, 4);
    assert_int_equal(c.tally.endpoint[CLIENT].trouble->window_probe_runs, 2);
    assert_int_equal(c.tally.endpoint[CLIENT].trouble->zero_windows, 0);
    c_end(&c);
}

/* An idle sender asks a receiver whose window is closed, every second: the third probe shows by its timer that the run is one of
 * keep-alives, and so were the two before, which the closed window made window probes. */
static void run_that_gets_another_name(void **state)
{
    struct counted_talk c;

    (void)state;
    c_start(&c);
    c_send(&c, SERVER, .window = T_CLOSED);
    c_send(&c, CLIENT, .seq = 1010, .wait_ns = 2 * T_SECOND);
    assert_int_equal(c.tally.endpoint[CLIENT].trouble->window_probes, 1);
    assert_int_equal(c.tally.endpoint[CLIENT].trouble->window_probe_runs, 1);
    for (unsigned i = 0; i < 3; i++) {
        c_send(&c, CLIENT, .seq = 1010, .wait_ns = T_SECOND);
    }
    assert_int_equal(c.tally.endpoint[CLIENT].trouble->window_probes, 0);
    assert_int_equal(c.tally.endpoint[CLIENT].trouble->window_probe_runs, 0);
    assert_int_equal(c.tally.endpoint[CLIENT].trouble->keepalive_probes, 4);
    assert_int_equal(c.tally.endpoint[CLIENT].trouble->keepalive_runs, 1);
    c_end(&c);
}

/* ---- memory ----------------------------------------------------------------------------------------------------------------- */

/* Whichever request fails: nothing of that segment is counted, and the next one counts as ever. */
static void out_of_memory(void **state)
{
    (void)state;
    for (unsigned fail_at = 1; fail_at <= 2; fail_at++) {
        struct tl_tally before;
        struct count c;

        count_start(&c);
        c.memory.fail_at = fail_at;
        for (unsigned from = 0; from < 2; from++) {
            add(&c, from, DATA, SHAPE(0), NULL);
            c.now_ns += T_SECOND;
            before = c.tally;
            assert_int_equal(add(&c, from, DATA, SHAPE(.ack = TL_ACK_DUP), NULL), from + 1 != fail_at);
            assert_int_equal(memcmp(&before, &c.tally, sizeof before) == 0, from + 1 == fail_at);
        }
        assert_true(add(&c, fail_at - 1, DATA, SHAPE(.ack = TL_ACK_DUP), NULL));
        assert_int_equal(c.tally.endpoint[fail_at - 1].segments, 2);
        assert_int_equal(c.tally.endpoint[fail_at - 1].trouble->duplicate_acks, 1);
        count_end(&c);
    }
}

static void clearing_leaves_nothing(void **state)
{
    const struct tl_tally empty = {0};
    struct count c;

    (void)state;
    count_start(&c);
    add(&c, 0, SEGMENT(.flags = RST), SHAPE(0), NULL);
    add(&c, 1, SEGMENT(.flags = RST), SHAPE(0), NULL);
    tl_tally_clear(&c.tally, &c.memory.allocator);
    assert_int_equal(c.memory.live, 0);
    assert_memory_equal(&c.tally, &empty, sizeof empty);
    count_end(&c); /* again */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_end_has_its_own_counts),
        cmocka_unit_test(memory_only_for_trouble),
        cmocka_unit_test(one_counter_for_each_kind),
        cmocka_unit_test(retransmissions_by_cause),
        cmocka_unit_test(only_what_is_known_to_be_spurious_counts),
        cmocka_unit_test(proofs),
        cmocka_unit_test(bytes_that_had_been_captured_before),
        cmocka_unit_test(copies_count_nowhere_else),
        cmocka_unit_test(runs_begin_with_their_first_probe),
        cmocka_unit_test(zero_windows),
        cmocka_unit_test(longest_idle),
        cmocka_unit_test(time_that_runs_backwards_makes_no_silence),
        cmocka_unit_test(times_before_1970),
        cmocka_unit_test(idle_before_the_segment_that_found_it_dead),
        cmocka_unit_test(idle_before_a_reset_out_of_the_blue),
        cmocka_unit_test(idle_without_the_waits_of_the_timer),
        cmocka_unit_test(idle_before_the_first_keepalive),
        cmocka_unit_test(idle_of_a_connection_that_woke_up),
        cmocka_unit_test(fast_open_data_again),
        cmocka_unit_test(copies_and_duplicates),
        cmocka_unit_test(window_closed_and_probed),
        cmocka_unit_test(run_that_gets_another_name),
        cmocka_unit_test(out_of_memory),
        cmocka_unit_test(clearing_leaves_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
