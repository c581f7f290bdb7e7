/* test_rst_order.c - tests of tl_rst: which cause wins when several fit, and both sides of each time threshold.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "tl_test.h"

enum { SYN = TL_SYN, SYNACK = TL_SYN | TL_ACK, FIN = TL_FIN | TL_ACK, RST = TL_RST, RSTACK = TL_RST | TL_ACK };

#define cause_is(t, CAUSE_TAG) t_is(t, rst_cause, RST_CAUSE, CAUSE_TAG)

/* A connection with this round trip, half of it on each side. The server has sent 10 octets, all acknowledged. */
static void open_connection(struct t_talk *t, int64_t rtt_ns)
{
    t_syn_sent(t);
    t_send(t, SERVER, .flags = SYNACK, .wait_ns = rtt_ns / 2);
    t_send(t, CLIENT, .wait_ns = rtt_ns / 2);
    t_send(t, SERVER, .len = 10);
    t_send(t, CLIENT, .wait_ns = rtt_ns / 2);
}

/* The same, and the client has sent keep-alives that nothing answered, 10 s apart. */
static void unanswered_keepalives(struct t_talk *t, unsigned count)
{
    open_connection(t, 2 * T_MS);
    t_send(t, CLIENT, .len = 5);
    t_send(t, SERVER, .flags = TL_ACK);
    for (unsigned i = 0; i < count; i++) {
        t_send(t, CLIENT, .seq = 1005, .wait_ns = 10 * T_SECOND);
    }
}

/* ---- order: the first row that fits wins --------------------------------------------------------------------------------------- */

static void mptcp_wins_over_all(void **state)
{
    struct t_talk t;

    (void)state;
    t_established(&t);
    t_send(&t, CLIENT, .len = 10, .options = TL_OPT_MPTCP);
    t_send(&t, SERVER, .flags = TL_ACK, .options = TL_OPT_MPTCP);
    t_send(&t, SERVER, .flags = RSTACK, .options = TL_OPT_MPTCP_RST);
    cause_is(&t, MPTCP);
    t_end(&t);
}

static void refused_wins_over_no_connection(void **state)
{
    struct t_talk t;

    (void)state;
    t_start(&t);
    t_send(&t, CLIENT, .flags = SYN | TL_FIN); /* nothing of the server was captured; but it is a SYN */
    t_send(&t, SERVER, .flags = RSTACK, .raw_seq_0 = true, .ack = 1002);
    cause_is(&t, REFUSED);
    t_end(&t);
}

static void wrong_synack_wins_over_rejected(void **state)
{
    struct t_talk t;

    (void)state;
    t_syn_received(&t); /* a good one, too */
    t_send(&t, SERVER, .flags = SYNACK, .ack = 900);
    t_send(&t, CLIENT, .flags = RST, .seq = 900);
    cause_is(&t, SYNACK_BAD_ACK);
    t_end(&t);
}

static void unsolicited_wins_over_no_connection(void **state)
{
    struct t_talk t;

    (void)state;
    t_start(&t);
    t_send(&t, SERVER, .flags = SYNACK, .ack = 1001);
    t_send(&t, CLIENT, .flags = RST, .seq = 1001);
    cause_is(&t, SYNACK_UNSOLICITED);
    t_end(&t);
}

static void rejected_wins_over_abort(void **state)
{
    struct t_talk t;

    (void)state;
    t_syn_received(&t);
    t_send(&t, CLIENT, .flags = RSTACK);
    cause_is(&t, SYNACK_REJECTED);
    t_end(&t);
}

static void rejected_ack_wins_over_half_open(void **state)
{
    struct t_talk t;

    (void)state;
    t_established(&t);
    t_send(&t, CLIENT, .len = 5);
    t_send(&t, SERVER, .flags = RST, .seq = 5001);
    cause_is(&t, ACK_REJECTED);
    t_end(&t);
}

/* C10 before C15 to C19: the same RST is after a reset of its own, too. */
static void abort_repeat_wins_over_after_close(void **state)
{
    struct t_talk t;

    (void)state;
    open_connection(&t, 2 * T_MS);
    t_send(&t, SERVER, .flags = FIN, .wait_ns = T_SECOND);
    t_send(&t, SERVER, .flags = RSTACK, .seq = 5500);
    t_send(&t, CLIENT, .ack = 5011);
    t_is(&t, ack, ACK, CHALLENGE);
    t_send(&t, SERVER, .flags = RST, .seq = 5011);
    cause_is(&t, ABORT_REPEAT);
    t_end(&t);
}

/* C11 before C12. */
static void syn_in_window_wins_over_keepalive_timeout(void **state)
{
    struct t_talk t;

    (void)state;
    unanswered_keepalives(&t, 2);
    t_send(&t, SERVER, .flags = SYN, .seq = 5100, .wait_ns = 10 * T_SECOND);
    t_send(&t, CLIENT, .flags = RSTACK, .seq = 1006, .ack = 5011);
    cause_is(&t, SYN_IN_WINDOW);
    t_end(&t);
}

/* C12 before C21. */
static void keepalive_timeout_wins_over_abort_after_fin(void **state)
{
    struct t_talk t;

    (void)state;
    t_fin_wait_2(&t);
    t_send(&t, CLIENT, .seq = 1001, .wait_ns = 10 * T_SECOND);
    t_send(&t, CLIENT, .seq = 1001, .wait_ns = 10 * T_SECOND);
    t_send(&t, CLIENT, .flags = RSTACK, .wait_ns = 10 * T_SECOND);
    cause_is(&t, KEEPALIVE_TIMEOUT);
    t_end(&t);
}

/* C14 before C21. */
static void retransmission_timeout_wins_over_abort_after_fin(void **state)
{
    struct t_talk t;

    (void)state;
    open_connection(&t, 2 * T_MS);
    t_send(&t, CLIENT, .flags = FIN);
    for (unsigned i = 0; i < 3; i++) {
        t_send(&t, CLIENT, .flags = FIN, .seq = 1001, .wait_ns = (200 << i) * T_MS);
    }
    t_send(&t, CLIENT, .flags = RSTACK, .wait_ns = T_SECOND);
    cause_is(&t, RETRANSMISSION_TIMEOUT);
    t_end(&t);
}

/* C15 before C17: the data explains the RST, not the ACK of the FIN before it. */
static void data_after_close_wins_over_linger2(void **state)
{
    struct t_talk t;

    (void)state;
    t_fin_wait_2(&t);
    t_send(&t, SERVER, .len = 10);
    t_send(&t, CLIENT, .flags = RST, .seq = 1002);
    cause_is(&t, DATA_AFTER_CLOSE);
    t_end(&t);
}

/* C15 only while not both FINs are acknowledged. */
static void after_close_wins_over_data_once_both_fins_are_acknowledged(void **state)
{
    struct t_talk t;

    (void)state;
    t_time_wait(&t);
    t_send(&t, CLIENT, .seq = 1002, .len = 5);
    t_send(&t, SERVER, .flags = RST, .seq = 5002);
    cause_is(&t, AFTER_CLOSE);
    t_end(&t);
}

/* C17b before C18: that end had sent a FIN, it need not have crashed. */
static void after_close_wins_over_half_open_probe(void **state)
{
    struct t_talk t;

    (void)state;
    t_established(&t);
    t_send(&t, SERVER, .len = 10);
    t_send(&t, CLIENT, .flags = FIN);
    t_send(&t, SERVER, .flags = TL_ACK);
    t_send(&t, SERVER, .seq = 5010, .wait_ns = 7200 * T_SECOND);
    t_is(&t, keepalive, PROBE_KIND, PROBE);
    t_send(&t, CLIENT, .flags = RST, .seq = 1002);
    cause_is(&t, AFTER_CLOSE);
    t_end(&t);
}

/* A candidate that carries something wins over an older one that does not (docs/design.md, F2). */
static void trigger_that_carries_something_wins(void **state)
{
    struct t_talk t;

    (void)state;
    open_connection(&t, 2 * T_MS);
    t_send(&t, SERVER, .len = 10); /* so that the RST is not at max */
    t_send(&t, CLIENT, .ack = 5011, .wait_ns = T_SECOND);
    t_send(&t, CLIENT, .ack = 5011, .len = 5);
    t_send(&t, CLIENT, .ack = 5011, .len = 5);
    t_send(&t, SERVER, .flags = RST, .seq = 5011);
    assert_int_equal(t.v.refs.trigger_in, t.frame - 2); /* the older of the two */
    t_end(&t);
}

static void oldest_trigger_wins_if_none_carries_anything(void **state)
{
    struct t_talk t;

    (void)state;
    open_connection(&t, 2 * T_MS);
    t_send(&t, SERVER, .len = 10);
    t_send(&t, CLIENT, .ack = 5011, .wait_ns = T_SECOND);
    t_send(&t, CLIENT, .ack = 5011, .window = 1001);
    t_send(&t, SERVER, .flags = RST, .seq = 5011);
    assert_int_equal(t.v.refs.trigger_in, t.frame - 2);
    t_end(&t);
}

/* ---- times ------------------------------------------------------------------------------------------------------------- */

/* F2: max(2 RTT, 250 ms). An older candidate with data loses to a younger ACK; if all are old the youngest wins. */
static void trigger_at_age(int64_t rtt_ns, int64_t age_ns, bool young)
{
    struct t_talk t;
    uint32_t data;

    open_connection(&t, rtt_ns);
    t_send(&t, SERVER, .len = 10);
    t_send(&t, CLIENT, .ack = 5011, .len = 5, .wait_ns = 10 * T_SECOND);
    data = t.frame;
    t_send(&t, CLIENT, .ack = 5011, .wait_ns = age_ns - T_MS);
    t_send(&t, SERVER, .flags = RST, .seq = 5011);
    t_is(&t, rst_form, RST_FORM, REPLY_ACK);
    assert_int_equal(t.v.refs.trigger_in, young ? data : data + 1);
    t_end(&t);
}

/* threshold: TRIGGER_NS */
static void trigger_is_younger_than_250_ms_or_two_round_trips(void **state)
{
    (void)state;
    trigger_at_age(2 * T_MS, 250 * T_MS, true);
    trigger_at_age(2 * T_MS, 250 * T_MS + 1, false);
    trigger_at_age(200 * T_MS, 400 * T_MS, true);
    trigger_at_age(200 * T_MS, 400 * T_MS + 1, false);
}

/* F2 against F4, where both fit: max(2 RTT, 20 ms) after a pure ACK, or 1 s while the round trip is not known. Payload that X has
 * not acknowledged explains the RST for as long as it can be a trigger. */
static void bare_or_reply(int64_t rtt_ns, uint32_t len, int64_t age_ns, bool bare)
{
    struct t_talk t;

    if (rtt_ns > 0) {
        open_connection(&t, rtt_ns);
    } else {
        t_midstream(&t);
    }
    t_send(&t, CLIENT, .len = len, .wait_ns = 10 * T_SECOND);
    t_send(&t, SERVER, .flags = RST, .wait_ns = age_ns);
    if (bare) {
        t_is(&t, rst_form, RST_FORM, BARE);
        cause_is(&t, ABORT);
    } else {
        t_is(&t, rst_form, RST_FORM, REPLY_ACK);
        cause_is(&t, HALF_OPEN);
    }
    t_end(&t);
}

/* threshold: BARE_NS, BARE_UNKNOWN_NS */
static void bare_after_20_ms_or_two_round_trips_or_a_second(void **state)
{
    (void)state;
    bare_or_reply(2 * T_MS, 0, 20 * T_MS, false);
    bare_or_reply(2 * T_MS, 0, 20 * T_MS + 1, true);
    bare_or_reply(100 * T_MS, 0, 200 * T_MS, false);
    bare_or_reply(100 * T_MS, 0, 200 * T_MS + 1, true);
    bare_or_reply(0, 5, T_SECOND, false);
    bare_or_reply(0, 5, T_SECOND + 1, true);
}

/* threshold: BARE_NS, BARE_UNKNOWN_NS */
static void bare_after_payload_that_is_no_trigger_any_more(void **state)
{
    (void)state;
    bare_or_reply(2 * T_MS, 5, 250 * T_MS, false);
    bare_or_reply(2 * T_MS, 5, 250 * T_MS + 1, true);
    bare_or_reply(200 * T_MS, 5, 400 * T_MS, false);
    bare_or_reply(200 * T_MS, 5, 400 * T_MS + 1, true);
}

/* C11: max(200 ms, 2 RTT). */
static void reset_after_a_syn(int64_t rtt_ns, int64_t wait_ns, enum tl_rst_cause cause)
{
    struct t_talk t;

    open_connection(&t, rtt_ns);
    t_send(&t, CLIENT, .flags = SYN, .seq = 1100);
    t_send(&t, SERVER, .flags = RSTACK, .seq = 5011, .ack = 1001, .wait_ns = wait_ns);
    assert_string_equal(t_name(TL_GROUP_RST_CAUSE, t.v.shape.rst_cause), t_name(TL_GROUP_RST_CAUSE, cause));
    t_end(&t);
}

/* threshold: SYN_ANSWER_NS */
static void syn_in_window_within_200_ms_or_two_round_trips(void **state)
{
    (void)state;
    reset_after_a_syn(2 * T_MS, 200 * T_MS, TL_RST_CAUSE_SYN_IN_WINDOW);
    reset_after_a_syn(2 * T_MS, 200 * T_MS + 1, TL_RST_CAUSE_ABORT);
    reset_after_a_syn(200 * T_MS, 400 * T_MS, TL_RST_CAUSE_SYN_IN_WINDOW);
    reset_after_a_syn(200 * T_MS, 400 * T_MS + 1, TL_RST_CAUSE_ABORT);
}

/* C12: the gap after the last probe is longer than a round trip, or its answer may be on the way. */
static void keepalive_timeout_needs_more_than_a_round_trip(void **state)
{
    struct t_talk t;

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        unanswered_keepalives(&t, 1);
        t_send(&t, CLIENT, .flags = RSTACK, .wait_ns = 2 * T_MS + i);
        if (i) {
            cause_is(&t, KEEPALIVE_TIMEOUT);
        } else {
            cause_is(&t, ABORT);
        }
        t_end(&t);
    }
}

/* C12: whatever the gap, never certain: a program may abort at the same time. */
static void keepalive_timeout_is_likely(void **state)
{
    struct t_talk t;

    (void)state;
    unanswered_keepalives(&t, 2);
    t_send(&t, CLIENT, .flags = RSTACK, .wait_ns = 10 * T_SECOND);
    cause_is(&t, KEEPALIVE_TIMEOUT);
    t_is(&t, rst_confidence, CONFIDENCE, LIKELY);
    t_end(&t);
}

/* The answers may have been lost behind the capture point, and the RST comes when the next probe was due: only a guess. */
/* threshold: rst_why_keepalive_answer_lost */
static void answered_keepalives_time_out_only_on_time(void **state)
{
    static const struct {
        int64_t wait_ns;
        bool due;
    } gaps[] = {{9 * T_SECOND, true}, {9 * T_SECOND - 1, false}, {11 * T_SECOND, true}, {11 * T_SECOND + 1, false}};
    struct t_talk t;

    (void)state;
    for (unsigned i = 0; i < sizeof gaps / sizeof gaps[0]; i++) {
        unanswered_keepalives(&t, 2);
        t_send(&t, SERVER, .flags = TL_ACK, .wait_ns = T_SAME_TIME);
        t_send(&t, CLIENT, .flags = RSTACK, .wait_ns = gaps[i].wait_ns);
        if (gaps[i].due) {
            cause_is(&t, KEEPALIVE_TIMEOUT);
            t_is(&t, rst_confidence, CONFIDENCE, GUESS);
        } else {
            cause_is(&t, ABORT);
        }
        t_end(&t);
    }
}

/* C13: two probes at least. */
/* threshold: PROBES_LEAST */
static void one_window_probe_times_nothing_out(void **state)
{
    struct t_talk t;

    (void)state;
    open_connection(&t, 2 * T_MS);
    t_send(&t, CLIENT, .len = 5);
    t_send(&t, SERVER, .window = T_CLOSED);
    t_send(&t, CLIENT, .seq = 1005, .wait_ns = T_SECOND);
    t_is(&t, window_probe, PROBE_KIND, PROBE);
    t_send(&t, CLIENT, .flags = RSTACK, .wait_ns = T_SECOND);
    cause_is(&t, ABORT);
    t_end(&t);
}

/* C14: not sooner after the last transmission than that one after the one before. */
/* threshold: REPEATS_TIMEOUT */
static void retransmission_timeout_needs_the_last_gap(void **state)
{
    struct t_talk t;

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        open_connection(&t, 2 * T_MS);
        t_send(&t, CLIENT, .len = 5);
        for (unsigned k = 0; k < 3; k++) {
            t_send(&t, CLIENT, .seq = 1001, .len = 5, .wait_ns = (200 << k) * T_MS);
        }
        t_send(&t, CLIENT, .flags = RSTACK, .wait_ns = 800 * T_MS - 1 + i);
        if (i) {
            cause_is(&t, RETRANSMISSION_TIMEOUT);
        } else {
            cause_is(&t, ABORT);
        }
        t_end(&t);
    }
}

static void retransmissions_are_not_timed_out_if_the_peer_was_heard(void **state)
{
    struct t_talk t;

    (void)state;
    open_connection(&t, 2 * T_MS);
    t_send(&t, CLIENT, .len = 5);
    for (unsigned k = 0; k < 3; k++) {
        t_send(&t, CLIENT, .seq = 1001, .len = 5, .wait_ns = (200 << k) * T_MS);
    }
    t_send(&t, SERVER, .ack = 1001);
    t_send(&t, CLIENT, .flags = RSTACK, .wait_ns = 2 * T_SECOND);
    cause_is(&t, ABORT);
    t_end(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mptcp_wins_over_all),
        cmocka_unit_test(refused_wins_over_no_connection),
        cmocka_unit_test(wrong_synack_wins_over_rejected),
        cmocka_unit_test(unsolicited_wins_over_no_connection),
        cmocka_unit_test(rejected_wins_over_abort),
        cmocka_unit_test(rejected_ack_wins_over_half_open),
        cmocka_unit_test(abort_repeat_wins_over_after_close),
        cmocka_unit_test(syn_in_window_wins_over_keepalive_timeout),
        cmocka_unit_test(keepalive_timeout_wins_over_abort_after_fin),
        cmocka_unit_test(retransmission_timeout_wins_over_abort_after_fin),
        cmocka_unit_test(data_after_close_wins_over_linger2),
        cmocka_unit_test(after_close_wins_over_data_once_both_fins_are_acknowledged),
        cmocka_unit_test(after_close_wins_over_half_open_probe),
        cmocka_unit_test(trigger_that_carries_something_wins),
        cmocka_unit_test(oldest_trigger_wins_if_none_carries_anything),
        cmocka_unit_test(trigger_is_younger_than_250_ms_or_two_round_trips),
        cmocka_unit_test(bare_after_20_ms_or_two_round_trips_or_a_second),
        cmocka_unit_test(bare_after_payload_that_is_no_trigger_any_more),
        cmocka_unit_test(syn_in_window_within_200_ms_or_two_round_trips),
        cmocka_unit_test(keepalive_timeout_needs_more_than_a_round_trip),
        cmocka_unit_test(keepalive_timeout_is_likely),
        cmocka_unit_test(answered_keepalives_time_out_only_on_time),
        cmocka_unit_test(one_window_probe_times_nothing_out),
        cmocka_unit_test(retransmission_timeout_needs_the_last_gap),
        cmocka_unit_test(retransmissions_are_not_timed_out_if_the_peer_was_heard),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
