/* test_rexmit_timer.c - tests of tl_resent: what tells the timer from feedback while duplicate ACKs keep coming. The other causes:
 * test_rexmit_cause.c. Rules: docs/design.md, "Cause".
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "tl_test_resent.h"

#include "conn/tl_conn.h"
#include "rules/tl_rexmit.h"

enum { SYN = TL_SYN, SYNACK = TL_SYN | TL_ACK, SACK = TL_OPT_SACK_PERMITTED };

/* An open connection, captured beside the client, and six segments of 10 octets from 1001 on. */
static void flight_of(struct t_talk *t, uint16_t options, int64_t rtt_ns)
{
    open_path(t, options, rtt_ns, 0);
    for (unsigned i = 0; i < 6; i++) {
        t_send(t, CLIENT, .len = 10, .wait_ns = T_SAME_TIME);
    }
}

/* The same with a round trip of 100 ms. */
static void flight(struct t_talk *t, uint16_t options)
{
    flight_of(t, options, 100 * T_MS);
}

/* The times of without_sack. */
struct times {
    int64_t moved_ns; /* from the flight to the ACK that moves to 1011 */
    int64_t third_ns; /* from there to the third duplicate ACK */
    int64_t first_ns; /* from there to the retransmission that it asks for; 0 = none is captured */
    int64_t again_ns; /* from there to the retransmission in question; a duplicate ACK comes 10 ms before it */
};

/* 1011 and what follows is not acknowledged, and duplicate ACKs come on and on. */
static void without_sack(struct times at, bool timer)
{
    struct t_talk t;

    flight(&t, 0);
    t_send(&t, SERVER, .ack = 1011, .wait_ns = at.moved_ns);
    t_send(&t, SERVER, .ack = 1011, .wait_ns = at.third_ns - 2 * T_MS);
    t_send(&t, SERVER, .ack = 1011);
    t_send(&t, SERVER, .ack = 1011);
    if (at.first_ns != 0) {
        again(&t, 1, at.first_ns);
        cause_is(&t, FAST, CERTAIN);
    }
    t_send(&t, SERVER, .ack = 1011, .wait_ns = at.again_ns - 10 * T_MS);
    again(&t, 1, 10 * T_MS);
    if (timer) {
        cause_is(&t, RTO, LIKELY);
    } else {
        cause_is(&t, FAST, CERTAIN);
    }
    t_end(&t);
}

/* RFC 6582 3.2: the third duplicate ACK, or an ACK that moves there, sends it once. 190 ms after that it was the timer. */
/* threshold: resent_when_timer_without_sack */
static void without_sack_again_by_the_timer(void **state)
{
    (void)state;
    without_sack((struct times){100 * T_MS, 3 * T_MS, T_MS, 190 * T_MS}, true);
    without_sack((struct times){100 * T_MS, 3 * T_MS, T_MS, 190 * T_MS - 1}, false);
}

/* The first repetition, if it comes more than a round trip and 25 ms after the third duplicate ACK, was the timer, too. */
/* threshold: resent_when_timer_without_sack */
static void without_sack_late_after_the_third(void **state)
{
    (void)state;
    without_sack((struct times){100 * T_MS, 100 * T_MS, 0, 125 * T_MS}, true);
    without_sack((struct times){100 * T_MS, 100 * T_MS, 0, 125 * T_MS - 1}, false);
}

/* threshold: DEAF_NS. A round trip of 20 ms: so long after the third duplicate ACK (20 + 5 + 100 ms) it is a timer that is shorter than
 * Linux's (gVisor counts its 200 ms from the ACK before). */
static void without_sack_long_after_the_third(void **state)
{
    static const int64_t after_ns[] = {125 * T_MS, 125 * T_MS - 1};
    struct t_talk t;

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        flight_of(&t, 0, 20 * T_MS);
        t_send(&t, SERVER, .ack = 1011, .wait_ns = 20 * T_MS);
        t_send(&t, SERVER, .ack = 1011);
        t_send(&t, SERVER, .ack = 1011);
        t_send(&t, SERVER, .ack = 1011);
        again(&t, 1, after_ns[i]);
        if (i == 0) {
            cause_is(&t, RTO, LIKELY);
        } else {
            cause_is(&t, FAST, LIKELY);
        }
        t_end(&t);
    }
}

/* The timer runs from the ACK that moved last (RFC 6298 5.3). */
/* threshold: resent_when_timer_without_sack */
static void without_sack_late_after_the_last_new_ack(void **state)
{
    (void)state;
    without_sack((struct times){100 * T_MS, 50 * T_MS, 0, 140 * T_MS}, true);
    without_sack((struct times){100 * T_MS, 50 * T_MS, 0, 140 * T_MS - 1}, false);
}

/* With SACK what was sent again and lost is known to be lost (RFC 8985), however late. */
static void with_sack_it_may_be_feedback(void **state)
{
    struct t_talk t;

    (void)state;
    flight(&t, SACK);
    t_send(&t, SERVER, .ack = 1001, .sack_from = 1021, .wait_ns = 100 * T_MS);
    t_send(&t, SERVER, .ack = 1001, .sack_from = 1031);
    t_send(&t, SERVER, .ack = 1001, .sack_from = 1041);
    again(&t, 0, T_SAME_TIME);
    t_send(&t, CLIENT, .len = 10, .wait_ns = 80 * T_MS);
    t_send(&t, SERVER, .ack = 1001, .sack_from = 1061, .wait_ns = 110 * T_MS);
    again(&t, 0, 10 * T_MS);
    cause_is(&t, SACK, CERTAIN);
    t_end(&t);
}

/* Feedback is answered at once. After a round trip and 25 ms of silence it is no longer certain that it was feedback. */
/* threshold: resent_patience */
static void feedback_is_certain_if_prompt(void **state)
{
    static const int64_t waits_ns[] = {125 * T_MS - 1, 125 * T_MS};
    struct t_talk t;

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        flight(&t, SACK);
        t_send(&t, SERVER, .ack = 1001, .sack_from = 1021, .wait_ns = 50 * T_MS);
        t_send(&t, SERVER, .ack = 1001, .sack_from = 1031, .wait_ns = T_SAME_TIME);
        t_send(&t, SERVER, .ack = 1001, .sack_from = 1041, .wait_ns = T_SAME_TIME);
        again(&t, 1, waits_ns[i]); /* not the first that is missing, so not the timer either */
        if (i == 0) {
            cause_is(&t, SACK, CERTAIN);
        } else {
            cause_is(&t, SACK, LIKELY);
        }
        t_end(&t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_sack_again_by_the_timer),   cmocka_unit_test(without_sack_late_after_the_third),
        cmocka_unit_test(without_sack_long_after_the_third), cmocka_unit_test(without_sack_late_after_the_last_new_ack),
        cmocka_unit_test(with_sack_it_may_be_feedback),      cmocka_unit_test(feedback_is_certain_if_prompt),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
