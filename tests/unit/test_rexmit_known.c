/* test_rexmit_known.c - tests of tl_resent: a cause depends on what the sender knew, and when it sent; not on what has passed
 * the capture point. The causes: test_rexmit_cause.c. Rules: docs/design.md, "What the sender knew".
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "tl_test_resent.h"

enum { SYN = TL_SYN, SYNACK = TL_SYN | TL_ACK, TS = TL_OPT_TIMESTAMPS };

/* Captured beside the server: three duplicate ACKs pass, and 100 ms later what the client sent in answer. What it sends before
 * that cannot be the answer. Without timestamps 0.9 of the half RTT decides. */
/* threshold: feedback_travel */
static void knowledge_by_leg(void **state)
{
    static const int64_t waits_ns[] = {90 * T_MS, 90 * T_MS - 1};
    struct t_talk t;

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        open_path(&t, 0, 0, 100 * T_MS);
        t_send(&t, CLIENT, .len = 10, .wait_ns = T_SAME_TIME);
        t_send(&t, CLIENT, .len = 10, .wait_ns = T_SAME_TIME);
        for (unsigned k = 0; k < 3; k++) {
            t_send(&t, SERVER, .ack = 1001, .wait_ns = T_SAME_TIME);
        }
        again(&t, 0, waits_ns[i]);
        if (i == 0) {
            cause_is(&t, FAST, CERTAIN);
        } else {
            cause_is(&t, FAST, GUESS); /* M12: the reports had not reached it */
        }
        t_end(&t);
    }
}

/* RFC 7323 3.2: the TSecr of the retransmission says which reports had come, however long it took. */
static void knowledge_by_echo(void **state)
{
    static const uint32_t echoes[] = {212, 211};
    struct t_talk t;

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        t_start(&t);
        t_send(&t, CLIENT, .flags = SYN, .options = TS, .tsval = 10);
        t_send(&t, SERVER, .flags = SYNACK, .options = TS, .tsval = 200, .tsecr = 10, .wait_ns = T_SAME_TIME);
        t_send(&t, CLIENT, .flags = TL_ACK, .options = TS, .tsval = 110, .tsecr = 200, .wait_ns = 100 * T_MS);
        t_send(&t, CLIENT, .len = 10, .options = TS, .tsval = 110, .tsecr = 200, .wait_ns = T_SAME_TIME);
        t_send(&t, CLIENT, .len = 10, .options = TS, .tsval = 110, .tsecr = 200, .wait_ns = T_SAME_TIME);
        for (uint32_t k = 0; k < 3; k++) {
            t_send(&t, SERVER, .ack = 1001, .options = TS, .tsval = 210 + k, .tsecr = 110, .wait_ns = T_SAME_TIME);
        }
        t_send(&t, CLIENT, .seq = 1001, .len = 10, .options = TS, .tsval = 260, .tsecr = echoes[i], .wait_ns = 150 * T_MS);
        t_is(&t, retransmission, RETRANSMISSION, FAST);
        assert_int_equal(t.v.shape.retransmission_confidence, i == 0 ? TL_CONFIDENCE_CERTAIN : TL_CONFIDENCE_LIKELY);
        t_end(&t);
    }
}

/* The whole path stalls for 0.7 s. By its timestamp the fast retransmission left 30 ms after its segment, and was held back. */
static void stalled_path_is_no_timeout(void **state)
{
    static const struct {
        uint32_t tsval;
        bool timer;
    } rows[] = {{230, false}, {930, true}};
    struct t_talk t;

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        open_path(&t, TS, 0, 20 * T_MS);
        for (uint32_t k = 1; k <= 10; k++) { /* a tick of 1 ms shows */
            t_send(&t, CLIENT, .len = 10, .options = TS, .tsval = 20 * k, .tsecr = 1, .wait_ns = 20 * T_MS);
            t_send(&t, SERVER, .options = TS, .tsval = 500 + k, .tsecr = 20 * k, .wait_ns = T_SAME_TIME);
        }
        t_send(&t, CLIENT, .len = 10, .options = TS, .tsval = 200, .tsecr = 510, .wait_ns = T_SAME_TIME);
        t_send(&t, CLIENT, .len = 10, .options = TS, .tsval = 200, .tsecr = 510, .wait_ns = T_SAME_TIME);
        t_send(&t, CLIENT, .seq = 1101, .len = 10, .options = TS, .tsval = rows[i].tsval, .tsecr = 510, .wait_ns = 730 * T_MS);
        if (rows[i].timer) {
            cause_is(&t, RTO, LIKELY);
        } else {
            cause_is(&t, FAST, GUESS);
        }
        t_end(&t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knowledge_by_leg),
        cmocka_unit_test(knowledge_by_echo),
        cmocka_unit_test(stalled_path_is_no_timeout),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
