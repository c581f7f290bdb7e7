/* test_conn.c - tests of tl_conn: strays and resynchronisation, copies, clocks that run backwards, numbers that wrap, and memory
 * that runs out at any moment. Random streams: test_conn_random.c.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "tl_test.h"

#include "conn/tl_conn.h"

enum { SYN = TL_SYN, SYNACK = TL_SYN | TL_ACK, FIN = TL_FIN | TL_ACK, RST = TL_RST, RSTACK = TL_RST | TL_ACK };
enum { FAR = 0x40000000 };

/* ---- strays ------------------------------------------------------------------------------------------------------------ */

/* Classified, but it changes nothing. */
static void stray_changes_nothing(void **state)
{
    static const unsigned flags[] = {TL_ACK, FIN, T_NO_FLAGS};
    struct t_talk t;

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        t_established(&t);
        t_send(&t, SERVER, .flags = TL_ACK);
        t_send(&t, CLIENT, .flags = flags[i], .seq = FAR, .ack = 5001, .len = 100);
        assert_true(t_flag(&t, TL_SHAPE_STRAY));
        t_is(&t, teardown_step, TEARDOWN_STEP, NONE);
        t_states(&t, ESTABLISHED, ESTABLISHED);
        t_send(&t, CLIENT, .seq = 1001, .ack = 5001, .len = 10);
        assert_false(t_flag(&t, TL_SHAPE_STRAY));
        assert_true(t_flag(&t, TL_SHAPE_NEW_DATA));
        t_end(&t);
    }
}

/* threshold: STRAYS_TO_RESYNC
 * Three in a row, and then the other end acknowledges them: only both together move the connection. One end's numbers alone may be
 * forged, in whoever's name. */
static void three_strays_that_the_peer_acknowledges_move_the_connection(void **state)
{
    struct t_talk t;

    (void)state;
    for (unsigned strays = 2; strays <= 3; strays++) {
        t_established(&t);
        t_send(&t, SERVER, .flags = TL_ACK);
        for (unsigned i = 0; i < strays; i++) {
            t_send(&t, CLIENT, .seq = FAR + i * 100, .ack = 5001, .len = 100);
            assert_true(t_flag(&t, TL_SHAPE_STRAY));
        }
        t_send(&t, SERVER, .seq = 5001, .ack = FAR + strays * 100);
        assert_int_equal(t_flag(&t, TL_SHAPE_STRAY) != 0, strays < 3);
        t_send(&t, CLIENT, .flags = FIN, .seq = FAR + strays * 100, .ack = 5001);
        t_is(&t, teardown_step, TEARDOWN_STEP, FIN1);
        t_send(&t, SERVER, .seq = 5001, .ack = FAR + strays * 100 + 1);
        t_is(&t, teardown_step, TEARDOWN_STEP, FIN1_ACK);
        t_states(&t, FIN_WAIT_2, CLOSE_WAIT);
        t_end(&t);
    }
}

/* What the other end acknowledges lies below them, or above: it goes on where both were. */
static void strays_that_the_peer_does_not_acknowledge_move_nothing(void **state)
{
    static const uint32_t acks[] = {1001, FAR - 1, FAR + 700};
    struct t_talk t;

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        t_established(&t);
        t_send(&t, SERVER, .flags = TL_ACK);
        for (unsigned n = 0; n < 5; n++) {
            t_send(&t, CLIENT, .seq = FAR + n * 100, .ack = 5001, .len = 100);
        }
        t_send(&t, SERVER, .seq = 5001, .ack = acks[i]);
        t_send(&t, CLIENT, .seq = FAR + 500, .ack = 5001, .len = 100);
        assert_true(t_flag(&t, TL_SHAPE_STRAY));
        t_send(&t, CLIENT, .seq = 1001, .ack = 5001, .len = 10);
        assert_false(t_flag(&t, TL_SHAPE_STRAY));
        t_end(&t);
    }
}

/* threshold: STRAYS_TO_RESYNC */
static void strays_that_do_not_continue_each_other_stay_strays(void **state)
{
    struct t_talk t;

    (void)state;
    t_established(&t);
    t_send(&t, SERVER, .flags = TL_ACK);
    for (unsigned i = 1; i < 6; i++) {
        t_send(&t, CLIENT, .seq = FAR + i * 0x08000000, .ack = 5001, .len = 100);
        assert_true(t_flag(&t, TL_SHAPE_STRAY));
    }
    t_end(&t);
}

/* "In a row": one that fits starts the count anew. */
static void segment_that_fits_ends_the_row_of_strays(void **state)
{
    struct t_talk t;

    (void)state;
    t_established(&t);
    t_send(&t, SERVER, .flags = TL_ACK);
    for (unsigned i = 0; i < 3; i++) {
        t_send(&t, CLIENT, .seq = FAR + 200 * i, .ack = 5001, .len = 100);
        assert_true(t_flag(&t, TL_SHAPE_STRAY));
        t_send(&t, CLIENT, .seq = FAR + 200 * i + 100, .ack = 5001, .len = 100);
        assert_true(t_flag(&t, TL_SHAPE_STRAY));
        t_send(&t, CLIENT, .seq = 1001, .ack = 5001);
        assert_false(t_flag(&t, TL_SHAPE_STRAY));
    }
    t_end(&t);
}

/* ---- copies and new data -------------------------------------------------------------------------------------------------- */

static void copy_points_to_its_original_and_teaches_nothing(void **state)
{
    struct t_talk t;

    (void)state;
    t_established(&t);
    t_send(&t, CLIENT, .len = 10, .ip_id = 77);
    assert_true(t_flag(&t, TL_SHAPE_NEW_DATA));
    t_send(&t, CLIENT, .seq = 1001, .len = 10, .ip_id = 77);
    assert_true(t_flag(&t, TL_SHAPE_COPY));
    assert_false(t_flag(&t, TL_SHAPE_NEW_DATA));
    assert_int_equal(t.v.refs.first_in, 4);
    t_send(&t, SERVER, .wait_ns = T_MS / 4); /* a copy makes no round trip ambiguous */
    assert_true(t.v.conn->endpoint[SERVER].half_rtt_ns == T_MS);
    t_end(&t);
}

/* ---- the way there and back ----------------------------------------------------------------------------------------------- */

/* An ACK that a retransmission has drawn is no measure for the bytes above it, which arrived long before. */
static void ack_drawn_by_a_retransmission_measures_nothing(void **state)
{
    struct t_talk t;

    (void)state;
    t_start(&t);
    t_send(&t, CLIENT, .flags = TL_SYN);
    t_send(&t, CLIENT, .flags = TL_SYN, .seq = 1000, .wait_ns = T_SECOND);
    t_send(&t, SERVER, .flags = TL_SYN | TL_ACK); /* of which? */
    t_send(&t, CLIENT, .flags = TL_ACK);
    assert_true(t.v.conn->endpoint[SERVER].half_rtt_ns == -1);
    t_send(&t, CLIENT, .len = 10);
    t_send(&t, CLIENT, .len = 10);
    t_send(&t, CLIENT, .seq = 1001, .len = 10, .wait_ns = 300 * T_MS);
    t_send(&t, SERVER, .ack = 1021, .wait_ns = 20 * T_MS);
    assert_true(t.v.conn->endpoint[SERVER].half_rtt_ns == -1);
    t_send(&t, CLIENT, .len = 10);
    t_send(&t, SERVER, .ack = 1031, .wait_ns = 20 * T_MS);
    assert_true(t.v.conn->endpoint[SERVER].half_rtt_ns == 20 * T_MS);
    t_end(&t);
}

/* A SYN-ACK that echoes the first of two SYNs was late, or is a repetition itself; one that echoes the last is a measure. */
static void answer_to_the_last_syn_measures(void **state)
{
    static const struct {
        uint32_t echo;
        int64_t half_rtt_ns;
    } rows[] = {{10, -1}, {1010, 20 * T_MS}};
    struct t_talk t;

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        t_start(&t);
        t_send(&t, CLIENT, .flags = TL_SYN, .options = TL_OPT_TIMESTAMPS, .tsval = 10);
        t_send(&t, CLIENT, .flags = TL_SYN, .seq = 1000, .options = TL_OPT_TIMESTAMPS, .tsval = 1010, .wait_ns = T_SECOND);
        t_send(&t, SERVER, .flags = TL_SYN | TL_ACK, .options = TL_OPT_TIMESTAMPS, .tsval = 1, .tsecr = rows[i].echo,
               .wait_ns = 20 * T_MS);
        assert_true(t.v.conn->endpoint[SERVER].half_rtt_ns == rows[i].half_rtt_ns);
        t_end(&t);
    }
}

static void new_data_is_what_ends_beyond_all_before(void **state)
{
    struct t_talk t;

    (void)state;
    t_established(&t);
    t_send(&t, CLIENT, .seq = 1011, .len = 10); /* ahead of a hole */
    assert_true(t_flag(&t, TL_SHAPE_NEW_DATA));
    t_send(&t, CLIENT, .seq = 1011, .len = 10, .wait_ns = 300 * T_MS);
    assert_false(t_flag(&t, TL_SHAPE_NEW_DATA));
    t_send(&t, CLIENT, .seq = 1011, .len = 11, .wait_ns = 300 * T_MS);
    assert_true(t_flag(&t, TL_SHAPE_NEW_DATA));
    t_send(&t, CLIENT, .flags = FIN);
    assert_false(t_flag(&t, TL_SHAPE_NEW_DATA)); /* no payload */
    t_end(&t);
}

/* ---- time -------------------------------------------------------------------------------------------------------------- */

static void time_that_runs_backwards_is_flagged_and_counts_as_none(void **state)
{
    struct t_talk t;

    (void)state;
    t_syn_sent(&t);
    assert_false(t_flag(&t, TL_SHAPE_TIME_BACKWARDS));
    t_send(&t, SERVER, .flags = SYNACK, .wait_ns = -5 * T_MS);
    assert_true(t_flag(&t, TL_SHAPE_TIME_BACKWARDS));
    t_send(&t, CLIENT, .wait_ns = T_SAME_TIME);
    t_know(&t, 0);
    assert_true(t.facts.server_time_ns == 0);
    assert_true(t.facts.client_time_ns == 0);
    assert_true(t.facts.setup_ns == 0);
    t_send(&t, CLIENT, .flags = FIN, .wait_ns = 20 * T_MS);
    assert_false(t_flag(&t, TL_SHAPE_TIME_BACKWARDS));
    t_send(&t, SERVER, .wait_ns = -2 * T_MS);
    assert_true(t_flag(&t, TL_SHAPE_TIME_BACKWARDS));
    t_know(&t, 0);
    assert_true(t.facts.fin_wait_ns == 0);
    assert_true(t.facts.last_ns == t.now_ns + 2 * T_MS); /* the latest time, not the last one */
    t_end(&t);
}

/* ---- whole connections, as tables -------------------------------------------------------------------------------------------- */

struct line {
    unsigned from;
    struct t_segment say;
};

enum { LINES_MAX = 20 };

/* Four lives that between them enter every part of the engine. Later lines use the numbers of the fixture's ends. */
static const struct line scripts[][LINES_MAX] = {
    {/* data with a hole, keep-alive, half-close, orderly close, last ACK lost, ports used again */
     {CLIENT, {.flags = SYN}},
     {SERVER, {.flags = SYNACK}},
     {CLIENT, {.flags = TL_ACK}},
     {CLIENT, {.seq = 1011, .len = 10}},
     {CLIENT, {.seq = 1001, .len = 10}},
     {SERVER, {.len = 20}},
     {CLIENT, {.flags = TL_ACK}},
     {CLIENT, {.seq = 1020, .wait_ns = 10 * T_SECOND}},
     {SERVER, {.flags = TL_ACK}},
     {CLIENT, {.flags = FIN, .len = 1}},
     {SERVER, {.flags = TL_ACK}},
     {SERVER, {.len = 5}},
     {CLIENT, {.flags = TL_ACK}},
     {SERVER, {.flags = FIN}},
     {CLIENT, {.flags = TL_ACK}},
     {SERVER, {.flags = FIN, .seq = 5026, .wait_ns = T_SECOND}},
     {CLIENT, {.flags = TL_ACK}},
     {SERVER, {.flags = SYN, .seq = 9000, .wait_ns = T_SECOND}},
     {CLIENT, {.seq = 1022, .ack = 5027}},
     {SERVER, {.flags = RST, .seq = 5027}}},
    {/* simultaneous open and close */
     {CLIENT, {.flags = SYN}},
     {SERVER, {.flags = SYN}},
     {CLIENT, {.flags = SYNACK, .seq = 1000}},
     {SERVER, {.flags = SYNACK, .seq = 5000}},
     {CLIENT, {.len = 10}},
     {SERVER, {.len = 10}},
     {CLIENT, {.flags = FIN, .ack = 5011}},
     {SERVER, {.flags = FIN, .ack = 1011}},
     {CLIENT, {.flags = TL_ACK}},
     {SERVER, {.flags = TL_ACK}}},
    {/* repeated SYN and SYN-ACK, closed window, challenge ACK, resets */
     {CLIENT, {.flags = SYN}},
     {CLIENT, {.flags = SYN, .seq = 1000, .wait_ns = T_SECOND}},
     {SERVER, {.flags = SYNACK}},
     {SERVER, {.flags = SYNACK, .seq = 5000, .wait_ns = T_SECOND}},
     {CLIENT, {.flags = TL_ACK}},
     {CLIENT, {.len = 10}},
     {SERVER, {.window = T_CLOSED}},
     {CLIENT, {.seq = 1010, .wait_ns = 300 * T_MS}},
     {SERVER, {.window = T_CLOSED}},
     {CLIENT, {.len = 1, .wait_ns = 300 * T_MS}},
     {SERVER, {.flags = RSTACK, .seq = 5100}},
     {CLIENT, {.ack = 5001}},
     {SERVER, {.flags = RST, .seq = 5001}},
     {CLIENT, {.len = 5}},
     {SERVER, {.flags = RST, .seq = 5001}}},
    {/* a SYN into an open connection: challenged, reset, opened anew */
     {CLIENT, {.flags = SYN}},
     {SERVER, {.flags = SYNACK}},
     {CLIENT, {.flags = TL_ACK}},
     {SERVER, {.len = 10}},
     {CLIENT, {.flags = SYN, .seq = 90000, .wait_ns = T_SECOND}},
     {SERVER, {.ack = 1001}},
     {CLIENT, {.flags = RST, .seq = 1001}},
     {CLIENT, {.flags = SYN, .seq = 90000, .wait_ns = T_SECOND}},
     {SERVER, {.flags = SYNACK, .seq = 70000, .ack = 90001}},
     {CLIENT, {.seq = 90001, .ack = 70001}},
     {CLIENT, {.seq = 90001, .ack = 70001, .len = 10}},
     {SERVER, {.flags = RSTACK, .seq = 70001, .ack = 90011}}},
};

enum { SCRIPTS = sizeof scripts / sizeof scripts[0] };

static bool line_is_used(const struct line *line)
{
    return line->say.flags != 0 || line->say.len != 0 || line->say.seq != 0 || line->say.ack != 0 || line->say.window != 0;
}

/* Plays a script and stores what was said of each line. Returns the number of lines. */
static unsigned play(const struct line *script, uint32_t client_base, uint32_t server_base, struct tl_result *said)
{
    struct t_talk t;
    unsigned lines = 0;

    t_start(&t);
    t.base[CLIENT] = client_base;
    t.base[SERVER] = server_base;
    while (lines < LINES_MAX && line_is_used(&script[lines])) {
        t_send_segment(&t, script[lines].from, &script[lines].say);
        assert_true(t.learnt);
        said[lines++] = t.v;
    }
    t_end(&t);
    return lines;
}

/* RFC 9293 3.4: all arithmetic is modulo 2^32, so moving the numbers changes no answer. Every place wraps once. */
static void answers_do_not_depend_on_where_the_numbers_wrap(void **state)
{
    struct tl_result plain[LINES_MAX], wrapped[LINES_MAX];

    (void)state;
    for (unsigned s = 0; s < SCRIPTS; s++) {
        unsigned lines = play(scripts[s], 0, 0, plain);

        for (uint32_t k = 0; k < 30; k++) {
            play(scripts[s], 0U - T_CLIENT_ISN - k, 0U - T_SERVER_ISN - (29 - k), wrapped);
            for (unsigned i = 0; i < lines; i++) {
                assert_memory_equal(&plain[i].shape, &wrapped[i].shape, sizeof plain[i].shape);
                assert_memory_equal(&plain[i].refs, &wrapped[i].refs, sizeof plain[i].refs);
            }
        }
    }
}

/* The same where the sign of the number changes. */
static void answers_do_not_depend_on_the_sign_bit(void **state)
{
    struct tl_result plain[LINES_MAX], moved[LINES_MAX];

    (void)state;
    for (unsigned s = 0; s < SCRIPTS; s++) {
        unsigned lines = play(scripts[s], 0, 0, plain);

        for (uint32_t k = 0; k < 30; k++) {
            play(scripts[s], 0x80000000 - T_CLIENT_ISN - k, 0x80000000 - T_SERVER_ISN - (29 - k), moved);
            for (unsigned i = 0; i < lines; i++) {
                assert_memory_equal(&plain[i].shape, &moved[i].shape, sizeof plain[i].shape);
            }
        }
    }
}

/* ---- memory ------------------------------------------------------------------------------------------------------------ */

static void records_are_sound(const struct tl_conn *conn)
{
    for (unsigned i = 0; i < 2; i++) {
        const char *wrong = tl_scoreboard_check(tl_scoreboard_of(&conn->endpoint[i]));

        assert_string_equal(wrong ? wrong : "sound", "sound");
    }
}

/* Plays a script while the n-th request for memory fails, or all from the n-th on. Returns whether any failed. */
static bool play_with_failure(const struct line *script, unsigned n, bool and_all_after)
{
    struct tl_facts facts;
    struct t_talk t;

    t_start(&t);
    t.memory.fail_at = n;
    t.memory.fail_after = and_all_after;
    for (unsigned i = 0; i < LINES_MAX && line_is_used(&script[i]); i++) {
        t_send_segment(&t, script[i].from, &script[i].say);
        if (t.learnt) {
            assert_non_null(t.v.conn);
            assert_int_not_equal(t.v.shape.endpoint[0].state, TL_STATE_NONE);
            records_are_sound(t.v.conn);
            tl_conn_facts(t.v.conn, t.now_ns, &facts);
        } else {
            assert_null(t.v.conn);
        }
    }
    t_end(&t);
    return t.memory.requests >= n;
}

static void memory_may_run_out_at_any_moment(void **state)
{
    enum { ENOUGH = 200 };

    (void)state;
    for (unsigned s = 0; s < SCRIPTS; s++) {
        for (unsigned after = 0; after < 2; after++) {
            unsigned n = 3; /* the first two are the tracker and the pair */

            while (play_with_failure(scripts[s], n, after) && n < ENOUGH) {
                n++;
            }
            assert_in_range(n, 4, ENOUGH - 1);
        }
    }
}

static void tracker_and_pair_may_not_be_had(void **state)
{
    const struct tl_endpoints ends = {.port = {1, 2}};
    struct tl_test_memory memory;
    struct tl_tracker *tracker;

    (void)state;
    tl_test_memory_init(&memory);
    memory.fail_at = 1;
    assert_null(tl_tracker_new(&memory.allocator));
    tracker = tl_tracker_new(&memory.allocator);
    assert_non_null(tracker);
    memory.fail_at = 3;
    assert_null(tl_pair_new(tracker, &ends));
    tl_pair_free(NULL);
    tl_tracker_free(tracker);
    tl_tracker_free(NULL);
    assert_int_equal(memory.live, 0);
}

/* Without memory for a new connection nothing is learnt, and the next segment finds everything as it was. */
static void failed_segment_counts_as_not_seen(void **state)
{
    struct t_talk t;

    (void)state;
    t_start(&t);
    t.memory.fail_at = 3;
    t_send(&t, CLIENT, .flags = SYN);
    assert_false(t.learnt);
    t_send(&t, CLIENT, .flags = SYN, .seq = 1000, .wait_ns = T_SECOND);
    assert_true(t.learnt);
    t_is(&t, handshake_step, HANDSHAKE_STEP, SYN);
    assert_int_equal(tl_conn_number(t.v.conn), 0);
    t_end(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stray_changes_nothing),
        cmocka_unit_test(three_strays_that_the_peer_acknowledges_move_the_connection),
        cmocka_unit_test(strays_that_the_peer_does_not_acknowledge_move_nothing),
        cmocka_unit_test(strays_that_do_not_continue_each_other_stay_strays),
        cmocka_unit_test(segment_that_fits_ends_the_row_of_strays),
        cmocka_unit_test(copy_points_to_its_original_and_teaches_nothing),
        cmocka_unit_test(ack_drawn_by_a_retransmission_measures_nothing),
        cmocka_unit_test(answer_to_the_last_syn_measures),
        cmocka_unit_test(new_data_is_what_ends_beyond_all_before),
        cmocka_unit_test(time_that_runs_backwards_is_flagged_and_counts_as_none),
        cmocka_unit_test(answers_do_not_depend_on_where_the_numbers_wrap),
        cmocka_unit_test(answers_do_not_depend_on_the_sign_bit),
        cmocka_unit_test(memory_may_run_out_at_any_moment),
        cmocka_unit_test(tracker_and_pair_may_not_be_had),
        cmocka_unit_test(failed_segment_counts_as_not_seen),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
