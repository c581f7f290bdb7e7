/* test_account.c - tests of tl_waits and tl_course: what rows tell of a connection beside its counts.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The engine judges; the account follows. What waits were for is the matter of the cases wait-*; here are sums, the end of the capture, the
 * rest of the columns, and memory.
 */
#include "tl_test.h"

#include "views/tl_account.h"
#include "views/tl_wait_state.h"

struct story {
    struct t_talk t;
    struct tl_account account;
    struct tl_waits_now waits;
    struct tl_course_now course;
};

static void tell(struct story *s, unsigned from, const struct t_segment *say)
{
    t_send_segment(&s->t, from, say);
    assert_true(tl_account_add(&s->account, &s->t.memory.allocator, &s->t.segment, &s->t.v));
}

#define s_send(s, from, ...) tell(s, from, &(struct t_segment){__VA_ARGS__})

static void s_start(struct story *s)
{
    s->account = (struct tl_account){0};
    t_start(&s->t);
}

/* A handshake with 40 ms to the server, and none to the client. */
static void s_open(struct story *s)
{
    s_start(s);
    s_send(s, CLIENT, .flags = TL_SYN, .options = TL_OPT_MSS, .mss = 1460);
    s_send(s, SERVER, .flags = TL_SYN | TL_ACK, .options = TL_OPT_MSS, .mss = 1460, .wait_ns = 40 * T_MS);
    s_send(s, CLIENT, .flags = TL_ACK, .wait_ns = T_MS / 10);
}

/* What is known by now. The sums have to be those of the time that passed. */
static void s_look(struct story *s)
{
    struct tl_facts facts;
    int64_t sum = 0;

    tl_conn_facts(s->t.v.conn, s->t.now_ns, &facts);
    tl_waits_now(&s->account.waits, facts.client, &s->waits);
    tl_course_now(&s->account.course, s->t.v.conn, &facts, &s->course);
    for (unsigned i = 0; i < TL_WAIT_SUM_COUNT; i++) {
        assert_true(s->waits.ns[i] >= 0);
        sum += s->waits.ns[i];
    }
    assert_int_equal(sum, facts.last_ns - facts.start_ns);
}

static void s_end(struct story *s)
{
    tl_account_clear(&s->account, &s->t.memory.allocator);
    t_end(&s->t);
}

/* ---- waits ------------------------------------------------------------------------------------------------------------------- */

static void unanswered_syns_wait_for_no_answer(void **state)
{
    struct story s;

    (void)state;
    s_start(&s);
    s_send(&s, CLIENT, .flags = TL_SYN);
    s_send(&s, CLIENT, .flags = TL_SYN, .seq = T_CLIENT_ISN, .wait_ns = T_SECOND);
    s_send(&s, CLIENT, .flags = TL_SYN, .seq = T_CLIENT_ISN, .wait_ns = 2 * T_SECOND);
    s_look(&s);
    assert_int_equal(s.waits.ns[TL_WAIT_SUM_NO_ANSWER], 3 * T_SECOND);
    assert_null(s.account.waits.state); /* SYNs need no memory */
    assert_int_equal(s.course.end[0].timer_ns, 3 * T_SECOND);
    assert_int_equal(s.course.end[0].timer_max_ns, 2 * T_SECOND);
    assert_int_equal(s.course.end[0].timer_max_in, 3);
    s_end(&s);
}

static void a_refused_syn_waits_for_the_handshake(void **state)
{
    struct story s;

    (void)state;
    s_start(&s);
    s_send(&s, CLIENT, .flags = TL_SYN);
    s_send(&s, SERVER, .flags = TL_RST | TL_ACK, .wait_ns = 30 * T_MS);
    s_look(&s);
    assert_int_equal(s.waits.ns[TL_WAIT_SUM_HANDSHAKE], 30 * T_MS);
    s_end(&s);
}

/* Bytes that are not acknowledged when the capture ends: they may be under way, or lost. */
static void what_is_not_acknowledged_at_the_end_is_unknown(void **state)
{
    struct story s;

    (void)state;
    s_open(&s);
    s_send(&s, CLIENT, .len = 100);
    s_send(&s, SERVER, .flags = TL_ACK, .seq = T_SERVER_ISN + 1, .ack = T_CLIENT_ISN + 1, .wait_ns = T_SECOND);
    s_look(&s);
    assert_int_equal(s.waits.ns[TL_WAIT_SUM_UNKNOWN], T_SECOND);
    s_end(&s);
}

/* A request that was acknowledged and not answered until the capture ends. */
static void the_server_owes_at_the_end(void **state)
{
    struct story s;

    (void)state;
    s_open(&s);
    s_send(&s, CLIENT, .len = 100);
    s_send(&s, CLIENT, .len = 50);
    s_send(&s, SERVER, .flags = TL_ACK, .wait_ns = 40 * T_MS);
    s_send(&s, CLIENT, .flags = TL_ACK, .wait_ns = 5 * T_SECOND);
    s_look(&s);
    assert_int_equal(s.waits.ns[TL_WAIT_SUM_SERVER], 5 * T_SECOND);
    assert_int_equal(s.course.owed_by, TL_SIDE_SERVER);
    assert_int_equal(s.course.owed_for_ns, 5 * T_SECOND + 40 * T_MS);
    assert_int_equal(s.course.owed_bytes, 150);
    s_send(&s, SERVER, .len = 10);
    s_look(&s);
    assert_int_equal(s.course.owed_by, TL_SIDE_NONE);
    assert_int_equal(s.waits.answers, 1);
    assert_int_equal(s.waits.longest_in[1], 8);
    assert_int_equal(s.waits.longest_in[0], 4); /* the client sent a millisecond after the handshake */
    s_end(&s);
}

/* What nothing answers until the other end is never heard again is no repair. */
static void a_dead_peer_gives_no_answer(void **state)
{
    struct story s;

    (void)state;
    s_open(&s);
    s_send(&s, CLIENT, .len = 100);
    for (int i = 1; i <= 3; i++) {
        s_send(&s, CLIENT, .len = 100, .seq = T_CLIENT_ISN + 1, .wait_ns = i * T_SECOND);
    }
    s_look(&s);
    assert_int_equal(s.waits.ns[TL_WAIT_SUM_NO_ANSWER], 6 * T_SECOND);
    assert_int_equal(s.waits.ns[TL_WAIT_SUM_LOSS], 0);
    s_send(&s, SERVER, .flags = TL_ACK, .wait_ns = 40 * T_MS);
    s_look(&s);
    assert_int_equal(s.waits.ns[TL_WAIT_SUM_LOSS], 6 * T_SECOND);
    assert_int_equal(s.waits.ns[TL_WAIT_SUM_NO_ANSWER], 0);
    s_end(&s);
}

/* threshold: SAMPLES_FOR_SECOND */
static void the_second_least_leg_counts_from_16_samples_on(void **state)
{
    struct tl_wait_end end = {0};

    (void)state;
    tl_wait_end_begin(&end, &(struct tl_wait_offer){0});
    assert_int_equal(tl_wait_leg(&end), 0);
    tl_wait_sample(&end, 2 * T_MS);
    for (int i = 2; i <= 15; i++) {
        tl_wait_sample(&end, (20 + i) * T_MS);
    }
    assert_int_equal(tl_wait_leg(&end), 2 * T_MS);
    tl_wait_sample(&end, 30 * T_MS);
    assert_int_equal(tl_wait_leg(&end), 22 * T_MS);
}

/* A clock that runs backwards takes no time back. */
static void time_never_runs_backwards(void **state)
{
    struct story s;

    (void)state;
    s_open(&s);
    s_send(&s, CLIENT, .len = 100);
    s_send(&s, SERVER, .len = 10, .wait_ns = -T_SECOND);
    s_send(&s, CLIENT, .len = 10, .wait_ns = 3 * T_SECOND);
    s_look(&s);
    s_end(&s);
}

static void without_memory_all_is_unknown(void **state)
{
    struct story s;

    (void)state;
    s_start(&s);
    s_send(&s, CLIENT, .flags = TL_SYN);
    s_send(&s, SERVER, .flags = TL_SYN | TL_ACK, .wait_ns = 40 * T_MS);
    t_send_segment(&s.t, CLIENT, &(struct t_segment){.flags = TL_ACK});
    s.t.memory.fail_at = s.t.memory.requests + 1;
    assert_false(tl_account_add(&s.account, &s.t.memory.allocator, &s.t.segment, &s.t.v));
    s.t.memory.fail_at = 0;
    t_send_segment(&s.t, CLIENT, &(struct t_segment){.len = 10, .wait_ns = T_SECOND});
    assert_false(tl_waits_add(&s.account.waits, &s.t.memory.allocator, &s.t.segment, &s.t.v, NULL));
    s_look(&s);
    assert_int_equal(s.waits.ns[TL_WAIT_SUM_UNKNOWN], T_SECOND + T_MS);
    s_end(&s);
}

/* ---- course ------------------------------------------------------------------------------------------------------------------ */

/* threshold: BROKEN_SILENCE_NS */
static void a_silence_is_survived_when_the_other_end_goes_on(void **state)
{
    struct story s;

    (void)state;
    s_open(&s);
    s_send(&s, CLIENT, .len = 10);
    s_send(&s, SERVER, .len = 10, .wait_ns = 5 * T_SECOND - 1);
    s_send(&s, CLIENT, .flags = TL_ACK);
    s_look(&s);
    assert_int_equal(s.course.idle_survived_ns, -1);
    s_send(&s, CLIENT, .len = 10, .wait_ns = 5 * T_SECOND);
    s_look(&s);
    assert_int_equal(s.course.idle_failed_ns, 5 * T_SECOND); /* nobody has answered it */
    s_send(&s, SERVER, .flags = TL_ACK);
    s_look(&s);
    assert_int_equal(s.course.idle_survived_ns, 5 * T_SECOND);
    assert_int_equal(s.course.idle_failed_ns, -1);
    s_end(&s);
}

static void a_reset_survives_no_silence(void **state)
{
    struct story s;

    (void)state;
    s_open(&s);
    s_send(&s, CLIENT, .len = 10);
    s_send(&s, SERVER, .len = 10);
    s_send(&s, CLIENT, .flags = TL_ACK);
    s_send(&s, CLIENT, .len = 30, .wait_ns = 400 * T_SECOND);
    s_send(&s, SERVER, .flags = TL_RST, .wait_ns = 5 * T_MS);
    s_look(&s);
    assert_int_equal(s.course.idle_failed_ns, 400 * T_SECOND);
    assert_int_equal(s.course.rst_silence_ns, 400 * T_SECOND);
    assert_int_equal(s.course.rst_unacked, 30);
    assert_int_equal(s.course.rst_trigger_in, 7);
    assert_int_equal(s.course.rst_delay_ns, 5 * T_MS);
    s_end(&s);
}

/* threshold: STUCK_TIMES */
static void a_segment_sent_three_times_is_stuck(void **state)
{
    struct story s;

    (void)state;
    s_open(&s);
    s_send(&s, CLIENT, .len = 100);
    s_send(&s, SERVER, .flags = TL_ACK);
    s_send(&s, CLIENT, .len = 1400);
    s_send(&s, CLIENT, .len = 1400, .seq = T_CLIENT_ISN + 101, .wait_ns = T_SECOND);
    s_look(&s);
    assert_int_equal(s.course.stuck_size, 0);
    s_send(&s, CLIENT, .len = 1400, .seq = T_CLIENT_ISN + 101, .wait_ns = 2 * T_SECOND);
    s_look(&s);
    assert_int_equal(s.course.stuck_size, 1400);
    assert_int_equal(s.course.stuck_count, 3);
    assert_int_equal(s.course.passed_size, 100);
    s_send(&s, SERVER, .flags = TL_ACK);
    s_look(&s);
    assert_int_equal(s.course.stuck_size, 0); /* it does get through */
    s_end(&s);
}

static void a_window_is_closed_until_it_opens(void **state)
{
    struct story s;

    (void)state;
    s_open(&s);
    s_send(&s, CLIENT, .len = 10);
    s_send(&s, SERVER, .flags = TL_ACK, .window = T_CLOSED);
    s_send(&s, SERVER, .flags = TL_ACK, .wait_ns = 3 * T_SECOND);
    s_look(&s);
    assert_int_equal(s.course.end[1].zero_window_ns, 3 * T_SECOND);
    assert_int_equal(s.course.still_closed, TL_SIDE_NONE);
    s_send(&s, SERVER, .flags = TL_ACK, .window = T_CLOSED);
    s_send(&s, CLIENT, .flags = TL_ACK, .wait_ns = T_SECOND);
    s_look(&s);
    assert_int_equal(s.course.end[1].zero_window_ns, 4 * T_SECOND);
    assert_int_equal(s.course.still_closed, TL_SIDE_SERVER);
    s_end(&s);
}

static void bytes_behind_the_first_fin_are_counted(void **state)
{
    struct story s;

    (void)state;
    s_open(&s);
    s_send(&s, CLIENT, .len = 10);
    s_send(&s, SERVER, .flags = TL_FIN | TL_ACK, .wait_ns = 7 * T_SECOND);
    s_send(&s, CLIENT, .len = 20, .wait_ns = 50 * T_MS);
    s_send(&s, CLIENT, .len = 30);
    s_look(&s);
    assert_int_equal(s.course.fin_silence_ns, 7 * T_SECOND);
    assert_int_equal(s.course.after_fin_ns, 50 * T_MS);
    assert_int_equal(s.course.after_fin_bytes, 50);
    s_end(&s);
}

static void a_synack_after_its_ack_is_counted(void **state)
{
    struct story s;

    (void)state;
    s_open(&s);
    s_send(&s, SERVER, .flags = TL_SYN | TL_ACK, .seq = T_SERVER_ISN, .wait_ns = T_SECOND);
    s_look(&s);
    assert_int_equal(s.course.synack_after_ack, 1);
    assert_int_equal(s.course.end[0].mss, 1460);
    assert_int_equal(s.course.end[0].wscale, UINT32_MAX);
    assert_int_equal(s.course.end[1].reply_min_ns, 40 * T_MS);
    s_end(&s);
}

/* threshold: SACK_AHEAD, SACK_BEHIND */
static void sack_blocks_of_other_numbers_are_bad(void **state)
{
    enum { SENT = T_CLIENT_ISN + 11, BLOCK = 10 };
    static const struct {
        uint32_t from;
        unsigned bad;
    } blocks[] = {{SENT + (1 << 20) - BLOCK, 0},
                  {SENT + (1 << 20) - BLOCK + 1, 1},
                  {SENT - (1U << 24) - BLOCK, 0},
                  {SENT - (1U << 24) - BLOCK - 1, 1}};
    struct story s;

    (void)state;
    for (unsigned i = 0; i < sizeof blocks / sizeof *blocks; i++) {
        s_open(&s);
        s_send(&s, CLIENT, .len = 10);
        s_send(&s, SERVER, .flags = TL_ACK, .options = TL_OPT_SACK, .sack_from = blocks[i].from);
        s_look(&s);
        assert_int_equal(s.course.end[1].sack_bad, blocks[i].bad);
        s_end(&s);
    }
}

static void memory_only_for_what_there_is(void **state)
{
    struct story s;
    unsigned before;

    (void)state;
    s_open(&s);
    before = s.t.memory.live;
    s_send(&s, CLIENT, .flags = TL_ACK);
    assert_null(s.account.course.end[0]);
    assert_null(s.account.course.quiet);
    assert_null(s.account.course.rst);
    assert_true(s.t.memory.live <= before + 1); /* a ring of the engine may have grown */
    s_end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unanswered_syns_wait_for_no_answer),
        cmocka_unit_test(a_refused_syn_waits_for_the_handshake),
        cmocka_unit_test(what_is_not_acknowledged_at_the_end_is_unknown),
        cmocka_unit_test(the_server_owes_at_the_end),
        cmocka_unit_test(a_dead_peer_gives_no_answer),
        cmocka_unit_test(the_second_least_leg_counts_from_16_samples_on),
        cmocka_unit_test(time_never_runs_backwards),
        cmocka_unit_test(without_memory_all_is_unknown),
        cmocka_unit_test(a_silence_is_survived_when_the_other_end_goes_on),
        cmocka_unit_test(a_reset_survives_no_silence),
        cmocka_unit_test(a_segment_sent_three_times_is_stuck),
        cmocka_unit_test(a_window_is_closed_until_it_opens),
        cmocka_unit_test(bytes_behind_the_first_fin_are_counted),
        cmocka_unit_test(a_synack_after_its_ack_is_counted),
        cmocka_unit_test(sack_blocks_of_other_numbers_are_bad),
        cmocka_unit_test(memory_only_for_what_there_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
