/* test_probe_ack.c - tests of tl_probe: challenge ACKs and the ACKs of TIME-WAIT. Probes: test_probe.c.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "tl_test.h"

enum { SYN = TL_SYN, SYNACK = TL_SYN | TL_ACK, RST = TL_RST };

#define no_challenge(t)                                                                                                        \
    do {                                                                                                                       \
        assert_int_not_equal((t)->v.shape.ack, TL_ACK_CHALLENGE);                                                              \
        assert_int_not_equal((t)->v.shape.ack, TL_ACK_TIME_WAIT);                                                              \
    } while (0)

/* RFC 9293 3.10.7.4: a repeated SYN-ACK draws an ACK. max(200 ms, 2 RTT). */
static void challenge_after(int64_t rtt_ns, int64_t wait_ns, bool challenge)
{
    struct t_talk t;

    t_idle(&t, rtt_ns, 1000);
    t_send(&t, SERVER, .flags = SYNACK, .seq = 5000, .ack = 1001, .wait_ns = T_SECOND);
    t_send(&t, CLIENT, .wait_ns = wait_ns);
    assert_int_equal(t.v.shape.ack == TL_ACK_CHALLENGE, challenge);
    assert_int_equal(t.v.refs.trigger_in, challenge ? t.frame - 1 : 0);
    t_end(&t);
}

/* threshold: CHALLENGE_NS */
static void challenge_comes_within_200_ms_or_two_round_trips(void **state)
{
    (void)state;
    challenge_after(2 * T_MS, 200 * T_MS, true);
    challenge_after(2 * T_MS, 200 * T_MS + 1, false);
    challenge_after(200 * T_MS, 400 * T_MS, true);
    challenge_after(200 * T_MS, 400 * T_MS + 1, false);
}

static void copied_synack_draws_a_challenge_too(void **state)
{
    struct t_talk t;

    (void)state;
    t_syn_sent(&t);
    t_send(&t, SERVER, .flags = SYNACK, .ip_id = 4);
    t_send(&t, CLIENT, .flags = TL_ACK);
    no_challenge(&t); /* the handshake's ACK never counts */
    t_send(&t, SERVER, .flags = SYNACK, .seq = 5000, .ip_id = 4);
    t_send(&t, CLIENT, .flags = TL_ACK);
    t_is(&t, ack, ACK, CHALLENGE);
    t_end(&t);
}

static void each_trigger_draws_one_challenge(void **state)
{
    struct t_talk t;

    (void)state;
    t_established(&t);
    t_send(&t, SERVER, .flags = SYNACK, .seq = 5000);
    t_send(&t, CLIENT, .flags = TL_ACK);
    t_is(&t, ack, ACK, CHALLENGE);
    t_send(&t, CLIENT, .flags = TL_ACK);
    no_challenge(&t);
    t_end(&t);
}

/* Data that asks for an ACK comes between: that ACK answers the data. */
static void ack_of_data_is_no_challenge(void **state)
{
    struct t_talk t;

    (void)state;
    t_established(&t);
    t_send(&t, SERVER, .flags = SYNACK, .seq = 5000);
    t_send(&t, SERVER, .len = 5);
    t_send(&t, CLIENT, .flags = TL_ACK);
    no_challenge(&t);
    t_end(&t);
}

static void challenged_rst(void **state)
{
    struct t_talk t;

    (void)state;
    t_established(&t);
    t_send(&t, SERVER, .flags = RST, .seq = 5500);
    t_is(&t, rst_effect, RST_EFFECT, CHALLENGE);
    t_send(&t, CLIENT, .flags = TL_ACK);
    t_is(&t, ack, ACK, CHALLENGE);
    assert_int_equal(t.v.refs.trigger_in, 4);
    t_end(&t);
}

/* RFC 5961 3.2: a RST outside the window draws nothing. */
static void ignored_rst_draws_nothing(void **state)
{
    struct t_talk t;

    (void)state;
    t_established(&t);
    t_send(&t, SERVER, .flags = RST, .seq = 8000);
    t_send(&t, CLIENT, .flags = TL_ACK);
    no_challenge(&t);
    t_end(&t);
}

/* RFC 5961 4.2: a SYN in an open connection. */
static void challenged_syn(void **state)
{
    struct t_talk t;

    (void)state;
    t_established(&t);
    t_send(&t, SERVER, .flags = TL_ACK);
    t_send(&t, CLIENT, .flags = SYN, .seq = 90000);
    t_send(&t, SERVER, .ack = 1001);
    t_is(&t, ack, ACK, CHALLENGE);
    assert_int_equal(t.v.refs.trigger_in, 5);
    t_end(&t);
}

/* The same from TIME-WAIT has a name of its own. */
static void time_wait_answers_a_syn(void **state)
{
    struct t_talk t;

    (void)state;
    t_time_wait(&t);
    t_send(&t, SERVER, .flags = SYN, .seq = 90000);
    t_send(&t, CLIENT, .ack = 5002);
    t_is(&t, ack, ACK, TIME_WAIT);
    t_is(&t, endpoint[CLIENT].state, STATE, TIME_WAIT);
    t_end(&t);
}

/* ---- nothing captured that draws it ------------------------------------------------------------------------------------------ */

/* What may vary about an ACK that a forged segment behind the capture point has drawn (docs/design.md, "Challenge ACKs", 2). */
struct unseen {
    uint16_t options;  /* of both SYNs */
    bool data;         /* the client has sent its ACK number twice before, else once */
    bool peer_repeats; /* the server repeats old octets, which draws an ACK, too */
    bool fin;          /* the client has closed */
    int window;        /* of the ACK */
    bool mptcp;        /* an option of Multipath TCP on the ACK */
    bool sack;         /* a SACK block on the ACK: octets were lost behind the capture point */
};

static void ack_without_trigger(struct unseen u, bool challenge)
{
    struct t_talk t;

    t_start(&t);
    t_send(&t, CLIENT, .flags = SYN, .options = u.options);
    t_send(&t, SERVER, .flags = SYNACK, .options = u.options);
    t_send(&t, CLIENT, .flags = TL_ACK);
    t_send(&t, SERVER, .len = 10);
    t_send(&t, CLIENT, .flags = TL_ACK);
    if (u.data) {
        t_send(&t, CLIENT, .len = 10);
        t_send(&t, SERVER, .flags = TL_ACK);
    }
    if (u.fin) {
        t_send(&t, CLIENT, .flags = TL_FIN | TL_ACK);
        t_send(&t, SERVER, .flags = TL_ACK);
    }
    t_send(&t, SERVER, .wait_ns = 10 * T_SECOND);
    if (u.peer_repeats) {
        t_send(&t, SERVER, .seq = 5001, .len = 10);
    }
    t_send(&t, CLIENT, .window = u.window, .sack_from = u.sack ? 5100 : 0, .options = u.mptcp ? TL_OPT_MPTCP : 0);
    assert_int_equal(t.v.shape.ack == TL_ACK_CHALLENGE, challenge);
    if (challenge) {
        assert_int_equal(t.v.refs.trigger_in, 0); /* not captured */
    }
    t_end(&t);
}

/* threshold: SAME_BEFORE */
static void third_equal_ack_that_nothing_explains_is_a_challenge(void **state)
{
    const uint16_t sack = TL_OPT_SACK_PERMITTED;

    (void)state;
    ack_without_trigger((struct unseen){.options = sack, .data = true}, true);
    ack_without_trigger((struct unseen){.options = sack}, false);
    ack_without_trigger((struct unseen){.data = true}, false);
    ack_without_trigger((struct unseen){.options = sack, .data = true, .peer_repeats = true}, false);
    ack_without_trigger((struct unseen){.options = sack, .data = true, .fin = true}, false);
    ack_without_trigger((struct unseen){.options = sack, .data = true, .window = 2 * T_WINDOW}, false);
    ack_without_trigger((struct unseen){.options = sack, .data = true, .sack = true}, false);
    ack_without_trigger((struct unseen){.options = sack, .data = true, .mptcp = true}, false);
}

/* The server has sent nothing but its SYN-ACK: a copy of it must have drawn the ACK, if that is a new packet (an IP ID of its own). */
/* threshold: SAME_BEFORE */
static void second_ack_after_the_handshake_is_a_challenge(void **state)
{
    static const struct {
        uint16_t ip_id;
        bool server_sent, challenge;
    } rows[] = {{3, false, true}, {0, false, false}, {3, true, false}};
    const uint16_t sack = TL_OPT_SACK_PERMITTED;
    struct t_talk t;

    (void)state;
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        t_start(&t);
        t_send(&t, CLIENT, .flags = SYN, .options = sack, .ip_id = 1);
        t_send(&t, SERVER, .flags = SYNACK, .options = sack);
        t_send(&t, CLIENT, .flags = TL_ACK, .ip_id = 2, .wait_ns = 20 * T_MS);
        if (rows[i].server_sent) {
            t_send(&t, SERVER, .flags = TL_ACK);
        }
        t_send(&t, CLIENT, .flags = TL_ACK, .ip_id = rows[i].ip_id);
        assert_int_equal(t.v.shape.ack == TL_ACK_CHALLENGE, rows[i].challenge);
        if (rows[i].challenge) {
            t_is(&t, probe_confidence, CONFIDENCE, GUESS);
            assert_int_equal(t.v.refs.trigger_in, 0);
        }
        t_end(&t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(challenge_comes_within_200_ms_or_two_round_trips),
        cmocka_unit_test(copied_synack_draws_a_challenge_too),
        cmocka_unit_test(each_trigger_draws_one_challenge),
        cmocka_unit_test(ack_of_data_is_no_challenge),
        cmocka_unit_test(challenged_rst),
        cmocka_unit_test(ignored_rst_draws_nothing),
        cmocka_unit_test(challenged_syn),
        cmocka_unit_test(time_wait_answers_a_syn),
        cmocka_unit_test(third_equal_ack_that_nothing_explains_is_a_challenge),
        cmocka_unit_test(second_ack_after_the_handshake_is_a_challenge),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
