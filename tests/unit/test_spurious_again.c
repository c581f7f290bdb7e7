/* test_spurious_again.c - tests of tl_spurious: an ACK that says nothing new proves a retransmission spurious. The other proofs:
 * test_spurious.c.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "tl_test.h"

#include "conn/tl_conn.h"
#include "rules/tl_rexmit.h"

enum { SYN = TL_SYN, SYNACK = TL_SYN | TL_ACK, SACK = TL_OPT_SACK_PERMITTED };

/* What differs from the story of repeated_ack. */
struct repeated {
    uint16_t options;       /* of the SYNs */
    int64_t half_rtt_ns;    /* 0 = 100 ms */
    int64_t wait_ns;        /* from the retransmissions to the repeated ACK; 0 = 100 ms */
    int64_t new_data_ns;    /* new data so long before the repeated ACK; 0 = none */
    int window;             /* of the repeated ACK */
    bool once, sacks, data; /* one retransmission only; a SACK block on it; payload on it */
};

/* Frames 4 to 6: 1001, 1011 and 1021. By the timer 1001 (7) and 1011 (8) again; one ACK covers both. The first filled the hole; what
 * draws the same ACK once more is the second. */
static void repeated_ack(struct repeated how, unsigned proved_in)
{
    int64_t half_rtt_ns = how.half_rtt_ns != 0 ? how.half_rtt_ns : 100 * T_MS,
            wait_ns = how.wait_ns != 0 ? how.wait_ns : half_rtt_ns;
    int64_t ack_ns = half_rtt_ns / 2;
    struct t_talk t;

    t_start(&t);
    t_send(&t, CLIENT, .flags = SYN, .options = how.options);
    t_send(&t, SERVER, .flags = SYNACK, .options = how.options, .wait_ns = half_rtt_ns);
    t_send(&t, CLIENT, .flags = TL_ACK, .wait_ns = T_SAME_TIME);
    for (unsigned i = 0; i < 3; i++) {
        t_send(&t, CLIENT, .len = 10, .wait_ns = T_SAME_TIME);
    }
    t_send(&t, CLIENT, .seq = 1001, .len = 10, .wait_ns = 300 * T_MS);
    if (!how.once) {
        t_send(&t, CLIENT, .seq = 1011, .len = 10, .wait_ns = T_SAME_TIME);
    }
    t_send(&t, SERVER, .ack = 1031, .wait_ns = ack_ns);
    assert_int_equal(t.v.refs.proved[0].frame, 0);
    if (how.new_data_ns != 0) {
        t_send(&t, CLIENT, .len = 10, .wait_ns = wait_ns - ack_ns - how.new_data_ns);
    }
    t_send(&t, SERVER, .ack = 1031, .window = how.window, .sack_from = how.sacks ? 1041 : 0, .len = how.data ? 10 : 0,
           .wait_ns = how.new_data_ns != 0 ? how.new_data_ns : wait_ns - ack_ns);
    assert_int_equal(t.v.refs.proved[0].frame, proved_in);
    assert_int_equal(t.v.refs.proved[0].spurious, proved_in != 0 ? TL_SPURIOUS_ANSWERED_AGAIN : TL_SPURIOUS_NONE);
    t_end(&t);
}

static void answered_by_the_same_ack_again(void **state)
{
    (void)state;
    repeated_ack((struct repeated){0}, 8);
    repeated_ack((struct repeated){.once = true}, 0); /* it filled the hole */
    repeated_ack((struct repeated){.options = SACK}, 0);
    repeated_ack((struct repeated){.sacks = true}, 0);
    repeated_ack((struct repeated){.data = true}, 0);
    repeated_ack((struct repeated){.window = 2 * T_WINDOW}, 0);
    repeated_ack((struct repeated){.half_rtt_ns = 3 * T_MS + 1000}, 8); /* shorter is the jitter of a host */
    repeated_ack((struct repeated){.half_rtt_ns = 3 * T_MS}, 0);
}

/* The answer comes 0.7 half RTT to two half RTTs and 20 ms after what drew it. */
/* threshold: ANSWER_NS, DSACK_HALF_RTT_PERCENT */
static void answered_again_in_time(void **state)
{
    (void)state;
    repeated_ack((struct repeated){.wait_ns = 70 * T_MS}, 8);
    repeated_ack((struct repeated){.wait_ns = 70 * T_MS - 1}, 0);
    repeated_ack((struct repeated){.wait_ns = 220 * T_MS}, 8);
    repeated_ack((struct repeated){.wait_ns = 220 * T_MS + 1}, 0);
}

/* Bytes above what is acknowledged draw a duplicate ACK in the same time if they met a hole. */
/* threshold: ANSWER_NS, DSACK_HALF_RTT_PERCENT */
static void answered_again_unless_later_bytes_can_have_drawn_it(void **state)
{
    (void)state;
    repeated_ack((struct repeated){.wait_ns = 200 * T_MS, .new_data_ns = 70 * T_MS}, 0);
    repeated_ack((struct repeated){.wait_ns = 200 * T_MS, .new_data_ns = 70 * T_MS - 1}, 8);
}

/* What was sent before the retransmission that filled the hole has drawn its duplicate ACKs before the ACK that moved. */
static void answered_again_whatever_was_sent_before(void **state)
{
    static const bool before[] = {true, false};
    struct t_talk t;

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        t_start(&t);
        t_send(&t, CLIENT, .flags = SYN);
        t_send(&t, SERVER, .flags = SYNACK, .wait_ns = 100 * T_MS);
        t_send(&t, CLIENT, .flags = TL_ACK, .wait_ns = T_SAME_TIME);
        for (unsigned n = 0; n < 3; n++) {
            t_send(&t, CLIENT, .len = 10, .wait_ns = T_SAME_TIME);
        }
        if (before[i]) {
            t_send(&t, CLIENT, .len = 10, .wait_ns = 299 * T_MS); /* 1031, beyond a hole for all that is known */
        }
        t_send(&t, CLIENT, .seq = 1001, .len = 10, .wait_ns = before[i] ? T_MS : 300 * T_MS);
        if (!before[i]) {
            t_send(&t, CLIENT, .len = 10, .wait_ns = T_MS);
        }
        t_send(&t, CLIENT, .seq = 1011, .len = 10, .wait_ns = T_MS);
        t_send(&t, SERVER, .ack = 1031, .wait_ns = 98 * T_MS);
        t_send(&t, SERVER, .ack = 1031, .wait_ns = 2 * T_MS);
        assert_int_equal(t.v.refs.proved[0].frame, before[i] ? 9 : 0);
        t_end(&t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answered_by_the_same_ack_again),
        cmocka_unit_test(answered_again_in_time),
        cmocka_unit_test(answered_again_unless_later_bytes_can_have_drawn_it),
        cmocka_unit_test(answered_again_whatever_was_sent_before),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
