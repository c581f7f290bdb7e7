/* test_follow.c - tests of tl_zeek_view: which connections are followed as Zeek sees them, and what that takes.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "tl_test.h"

#include <string.h>

#include "record/tl_zeek.h"

enum { SYN = TL_SYN, SYNACK = TL_SYN | TL_ACK, FIN = TL_FIN | TL_ACK, RST = TL_RST };

static void start_following(struct t_talk *t)
{
    t_start(t);
    tl_tracker_view_zeek(t->tracker, true);
}

static void words_are(struct t_talk *t, const char *conn_state, const char *history)
{
    struct tl_zeek_words words;

    assert_true(tl_conn_zeek(t->v.conn, &words));
    assert_string_equal(t_name(TL_GROUP_ZEEK_STATE, words.conn_state), conn_state);
    assert_string_equal(words.history, history);
}

static void no_words(struct t_talk *t)
{
    static const struct tl_zeek_words none;
    struct tl_zeek_words words;

    memset(&words, 1, sizeof words);
    assert_false(tl_conn_zeek(t->v.conn, &words));
    assert_memory_equal(&words, &none, sizeof words);
}

static void the_words_follow_the_segments(void **state)
{
    struct t_talk t;

    (void)state;
    start_following(&t);
    t_send(&t, CLIENT, .flags = SYN);
    words_are(&t, "S0", "S");
    t_send(&t, CLIENT, .flags = SYN, .seq = 1000);
    words_are(&t, "S0", "S");
    t_send(&t, SERVER, .flags = SYNACK);
    words_are(&t, "S1", "Sh");
    t_send(&t, SERVER, .flags = SYNACK, .seq = 5000);
    words_are(&t, "S1", "Sh");
    t_send(&t, CLIENT, .flags = TL_ACK);
    words_are(&t, "S1", "ShA");
    t_send(&t, CLIENT, .len = 100);
    t_send(&t, CLIENT, .len = 100, .seq = 1001);
    words_are(&t, "S1", "ShADT");
    t_send(&t, CLIENT, .flags = FIN);
    t_send(&t, SERVER, .flags = FIN);
    words_are(&t, "SF", "ShADTFf");
    t_end(&t);
}

/* Copies too are packets to Zeek, and so are segments whose numbers fit nothing. */
static void copies_and_strays_are_followed(void **state)
{
    struct t_talk t;

    (void)state;
    start_following(&t);
    t_send(&t, CLIENT, .flags = SYN);
    t_send(&t, SERVER, .flags = SYNACK);
    t_send(&t, CLIENT, .len = 100, .ip_id = 7);
    t_send(&t, CLIENT, .len = 100, .ip_id = 7, .seq = 1001);
    assert_true(t_flag(&t, TL_SHAPE_COPY));
    words_are(&t, "S1", "ShDT");
    t_send(&t, SERVER, .seq = 1 << 30);
    assert_true(t_flag(&t, TL_SHAPE_STRAY));
    words_are(&t, "S1", "ShDTa");
    t_end(&t);
}

/* A hole right behind the handshake shows that the view made up for it has the right numbers. */
static void the_view_starts_from_the_handshake(void **state)
{
    struct t_talk t;

    (void)state;
    start_following(&t);
    t_send(&t, CLIENT, .flags = SYN);
    t_send(&t, SERVER, .flags = SYNACK);
    t_send(&t, CLIENT, .len = 1, .seq = 1002);
    t_send(&t, SERVER, .flags = TL_ACK, .ack = 1003);
    words_are(&t, "S1", "ShDaG"); /* octet 1001 was not captured */
    t_send(&t, SERVER, .len = 1, .seq = 5002);
    t_send(&t, CLIENT, .flags = TL_ACK, .ack = 5003);
    words_are(&t, "S1", "ShDaGdAg"); /* nor was 5001 */
    t_end(&t);
    start_following(&t);
    t_send(&t, CLIENT, .flags = SYN);
    t_send(&t, SERVER, .flags = RST | TL_ACK);
    words_are(&t, "REJ", "Sr");
    t_end(&t);
    start_following(&t); /* the same, opened by end 1 */
    t_send(&t, SERVER, .flags = SYN);
    t_send(&t, CLIENT, .flags = SYNACK);
    t_send(&t, SERVER, .len = 1, .seq = 5002);
    t_send(&t, CLIENT, .flags = TL_ACK, .ack = 5003);
    words_are(&t, "S1", "ShDaG");
    t_end(&t);
}

/* What is not plain shows in a letter, whether the SYN has it or the SYN-ACK. */
static void an_odd_handshake_is_followed_from_the_start(void **state)
{
    static const struct {
        struct t_segment syn, synack;
        const char *history;
    } rows[] = {
        {{.flags = SYN, .window = T_CLOSED}, {.flags = SYNACK}, "SWh"},
        {{.flags = SYN, .len = 5}, {.flags = SYNACK}, "STh"},
        {{.flags = SYN}, {.flags = SYNACK, .window = T_CLOSED}, "Shw"},
        {{.flags = SYN}, {.flags = SYNACK, .len = 5}, "Sht"},
        {{.flags = SYN}, {.flags = SYNACK, .ack = 1002}, "ShG"}, /* acknowledges an octet that was not captured */
        {{.flags = SYN}, {.flags = SYN}, "Ss"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct t_talk t;

        start_following(&t);
        t_send_segment(&t, CLIENT, &rows[i].syn);
        t_send_segment(&t, SERVER, &rows[i].synack);
        words_are(&t, "S1", rows[i].history);
        t_end(&t);
    }
}

static void a_repeated_syn_after_the_synack_changes_nothing(void **state)
{
    struct t_talk t;

    (void)state;
    start_following(&t);
    t_send(&t, CLIENT, .flags = SYN);
    t_send(&t, SERVER, .flags = SYNACK);
    t_send(&t, CLIENT, .flags = SYN, .seq = 1000, .wait_ns = T_SECOND);
    t_send(&t, SERVER, .flags = SYNACK, .seq = 5000);
    t_send(&t, CLIENT, .flags = TL_ACK);
    words_are(&t, "S1", "ShA");
    t_end(&t);
}

/* Allocations of a handshake, and one segment more. */
static void live_after(bool follow, unsigned live[3])
{
    struct t_talk t;

    t_start(&t);
    tl_tracker_view_zeek(t.tracker, follow);
    t_send(&t, CLIENT, .flags = SYN);
    live[0] = t.memory.live;
    t_send(&t, SERVER, .flags = SYNACK);
    live[1] = t.memory.live;
    t_send(&t, CLIENT, .flags = TL_ACK);
    live[2] = t.memory.live;
    t_end(&t);
}

static void a_half_open_connection_takes_no_memory(void **state)
{
    unsigned without[3], with[3];

    (void)state;
    live_after(false, without);
    live_after(true, with);
    assert_int_equal(with[0], without[0]);
    assert_int_equal(with[1], without[1]);
    assert_int_equal(with[2], without[2] + 1);
    assert_true(sizeof(struct tl_zeek) <= 192); /* as docs/design.md says */
}

static void nothing_is_followed_unless_asked(void **state)
{
    struct t_talk t;

    (void)state;
    t_start(&t);
    t_send(&t, CLIENT, .flags = SYN);
    no_words(&t);
    tl_tracker_view_zeek(t.tracker, true); /* too late for this connection */
    t_send(&t, SERVER, .flags = SYNACK);
    no_words(&t);
    t_send(&t, SERVER, .flags = RST | TL_ACK);
    no_words(&t);
    t_send(&t, CLIENT, .flags = SYN, .seq = 9000); /* in time for the next one */
    words_are(&t, "S0", "S");
    tl_tracker_view_zeek(t.tracker, false); /* that goes on */
    t_send(&t, SERVER, .flags = SYNACK, .seq = 9000, .ack = 9001);
    t_send(&t, CLIENT, .flags = TL_ACK, .seq = 9001, .ack = 9001);
    words_are(&t, "S1", "ShA");
    t_end(&t);
}

static void without_memory_there_are_no_words(void **state)
{
    struct t_talk t;

    (void)state;
    start_following(&t);
    t_send(&t, CLIENT, .flags = SYN);
    t_send(&t, SERVER, .flags = SYNACK);
    t.memory.fail_at = t.memory.requests + 1;
    t_send(&t, CLIENT, .flags = TL_ACK);
    assert_true(t.learnt);
    t_states(&t, ESTABLISHED, ESTABLISHED);
    no_words(&t);
    t_send(&t, CLIENT, .len = 10);
    no_words(&t);
    t_end(&t);
}

static void the_originator_is_told(void **state)
{
    struct tl_zeek_words words;
    struct t_talk t;

    (void)state;
    start_following(&t);
    t_send(&t, SERVER, .len = 10); /* port 80, mid-stream */
    assert_true(tl_conn_zeek(t.v.conn, &words));
    assert_int_equal(words.originator, CLIENT);
    words_are(&t, "OTH", "^d");
    t_end(&t);
    start_following(&t);
    t_send(&t, SERVER, .flags = SYN);
    assert_true(tl_conn_zeek(t.v.conn, &words));
    assert_int_equal(words.originator, SERVER);
    t_end(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_words_follow_the_segments),
        cmocka_unit_test(copies_and_strays_are_followed),
        cmocka_unit_test(the_view_starts_from_the_handshake),
        cmocka_unit_test(an_odd_handshake_is_followed_from_the_start),
        cmocka_unit_test(a_repeated_syn_after_the_synack_changes_nothing),
        cmocka_unit_test(a_half_open_connection_takes_no_memory),
        cmocka_unit_test(nothing_is_followed_unless_asked),
        cmocka_unit_test(without_memory_there_are_no_words),
        cmocka_unit_test(the_originator_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
