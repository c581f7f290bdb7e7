/* test_rexmit_cause.c - tests of tl_resent: why bytes were sent again, rule by rule, with both sides of each threshold. What is
 * new, late or sent again: test_rexmit.c; what the sender knew: test_rexmit_known.c. Rules: docs/design.md, "Cause".
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "tl_test_resent.h"

#include "conn/tl_conn.h"
#include "rules/tl_rexmit.h"

enum { SYN = TL_SYN, SYNACK = TL_SYN | TL_ACK, FIN = TL_FIN | TL_ACK, SACK = TL_OPT_SACK_PERMITTED };

/* The same, captured beside the client; then `count` segments of 10 octets at once, from 1001 on. Nothing but the SYN-ACK was
 * heard until then. */
static void flight(struct t_talk *t, uint16_t options, int64_t rtt_ns, unsigned count)
{
    open_path(t, options, rtt_ns, 0);
    for (unsigned i = 0; i < count; i++) {
        t_send(t, CLIENT, .len = 10, .wait_ns = T_SAME_TIME);
    }
}

/* The client sends segment number `n` of its flight, from 0, once more. */
#define again(t, n, wait) t_send(t, CLIENT, .seq = 1001 + 10 * (n), .len = 10, .wait_ns = wait)

/* ---- M1: the handshake ------------------------------------------------------------------------------------------------- */

static void m1_syn_and_synack(void **state)
{
    struct t_talk t;

    (void)state;
    t_syn_sent(&t);
    t_is(&t, segment, SEGMENT, NEW);
    t_send(&t, CLIENT, .flags = SYN, .seq = 1000, .wait_ns = T_SECOND);
    cause_is(&t, SYN, CERTAIN);
    assert_int_equal(t.v.refs.original_in, 1);
    assert_int_equal(t.v.refs.retransmission_number, 1);
    t_send(&t, CLIENT, .flags = SYN, .seq = 1000, .wait_ns = 2 * T_SECOND);
    cause_is(&t, SYN, CERTAIN);
    assert_int_equal(t.v.refs.original_in, 1);
    assert_int_equal(t.v.refs.previous_in, 2);
    assert_int_equal(t.v.refs.retransmission_number, 2);
    assert_true(t.v.refs.since_previous_ns == 2 * T_SECOND && t.v.refs.since_original_ns == 3 * T_SECOND);
    t_send(&t, SERVER, .flags = SYNACK);
    t_is(&t, segment, SEGMENT, NEW);
    t_send(&t, SERVER, .flags = SYNACK, .seq = 5000, .wait_ns = T_SECOND);
    cause_is(&t, SYNACK, CERTAIN);
    assert_int_equal(t.v.refs.previous_in, 4);
    t_end(&t);
}

/* ---- M13: only the sender was captured --------------------------------------------------------------------------------- */

static void m13_one_way_time_and_place(void **state)
{
    static const struct {
        unsigned segment;
        int64_t gap_ns;
        enum tl_retransmission cause;
    } rows[] = {
        {0, 190 * T_MS, TL_RETRANSMISSION_RTO},
        {0, 190 * T_MS - 1, TL_RETRANSMISSION_SACK},
        {1, 190 * T_MS, TL_RETRANSMISSION_RTO},
        {1, 190 * T_MS - 1, TL_RETRANSMISSION_TLP},
    };
    struct t_talk t;

    (void)state;
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        t_start(&t);
        t_send(&t, CLIENT, .len = 10);
        t_send(&t, CLIENT, .len = 10, .wait_ns = T_SAME_TIME);
        t_send(&t, CLIENT, .seq = 1000 + 10 * rows[i].segment, .len = 10, .wait_ns = rows[i].gap_ns);
        assert_string_equal(t_name(TL_GROUP_RETRANSMISSION, t.v.shape.retransmission),
                            t_name(TL_GROUP_RETRANSMISSION, rows[i].cause));
        t_is(&t, retransmission_confidence, CONFIDENCE, GUESS);
        assert_false(t_flag(&t, TL_SHAPE_SPURIOUS_SHOWS));
        t_end(&t);
    }
}

/* The last segment twice: RFC 8985 7.3 sends one probe, not two. */
static void m13_second_probe_is_unknown(void **state)
{
    struct t_talk t;

    (void)state;
    t_start(&t);
    t_send(&t, CLIENT, .len = 10);
    t_send(&t, CLIENT, .seq = 1000, .len = 10, .wait_ns = 50 * T_MS);
    cause_is(&t, TLP, GUESS);
    t_send(&t, CLIENT, .seq = 1000, .len = 10, .wait_ns = 50 * T_MS);
    t_is(&t, retransmission, RETRANSMISSION, UNKNOWN);
    t_end(&t);
}

/* ---- M10: a single segment outstanding --------------------------------------------------------------------------------- */

/* RFC 8985 7.2, RFC 6298: probe and timer send the same segment at the same moment; without SACK there is no probe. */
/* threshold: SILENCE_NS */
static void m10_single_segment_after_silence(void **state)
{
    struct t_talk t;

    (void)state;
    flight(&t, SACK, 100 * T_MS, 1);
    again(&t, 0, 185 * T_MS);
    cause_is(&t, TLP, GUESS);
    assert_true(t_flag(&t, TL_SHAPE_TLP_OR_RTO));
    t_end(&t);
    flight(&t, SACK, 100 * T_MS, 1);
    again(&t, 0, 185 * T_MS - 1); /* too early for the timer: M9 */
    cause_is(&t, TLP, LIKELY);
    assert_false(t_flag(&t, TL_SHAPE_TLP_OR_RTO));
    t_end(&t);
    flight(&t, 0, 100 * T_MS, 1);
    again(&t, 0, 185 * T_MS);
    cause_is(&t, RTO, LIKELY);
    assert_false(t_flag(&t, TL_SHAPE_TLP_OR_RTO));
    t_end(&t);
}

/* The second time it is the timer: one probe only (RFC 8985 7.3). And then the back-off is certain. */
static void m10_only_the_first_time(void **state)
{
    struct t_talk t;

    (void)state;
    flight(&t, SACK, 100 * T_MS, 1);
    again(&t, 0, 210 * T_MS);
    cause_is(&t, TLP, GUESS);
    again(&t, 0, 210 * T_MS);
    cause_is(&t, RTO, LIKELY);
    again(&t, 0, 420 * T_MS);
    cause_is(&t, RTO, CERTAIN);
    assert_int_equal(t.v.refs.retransmission_number, 3);
    t_end(&t);
}

/* The FIN is a segment of one more octet. */
static void m10_fin(void **state)
{
    struct t_talk t;

    (void)state;
    flight(&t, SACK, 100 * T_MS, 0);
    t_send(&t, CLIENT, .flags = FIN, .wait_ns = T_SAME_TIME);
    t_send(&t, CLIENT, .flags = FIN, .seq = 1001, .wait_ns = 300 * T_MS);
    cause_is(&t, TLP, GUESS);
    t_send(&t, CLIENT, .flags = FIN, .seq = 1001, .wait_ns = 600 * T_MS);
    cause_is(&t, RTO, LIKELY);
    t_end(&t);
}

/* ---- M7: the timer, RFC 6298 5 ------------------------------------------------------------------------------------------ */

/* 185 ms of silence, the first byte missing. Below it nothing but feedback that was not captured is left (M12). */
/* threshold: SILENCE_NS */
static void m7_first_byte_after_silence(void **state)
{
    struct t_talk t;

    (void)state;
    flight(&t, 0, 200 * T_MS, 2);
    again(&t, 0, 185 * T_MS);
    cause_is(&t, RTO, LIKELY);
    t_end(&t);
    flight(&t, 0, 200 * T_MS, 2);
    again(&t, 0, 185 * T_MS - 1);
    cause_is(&t, FAST, GUESS);
    t_end(&t);
}

/* Silence counts from what the sender heard last, not from the transmission: it had sent the bytes 200 ms ago. */
static void m7_silence_counts_from_the_last_report(void **state)
{
    static const int64_t heard_ago_ns[] = {185 * T_MS, 185 * T_MS - 1};
    struct t_talk t;

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        flight(&t, 0, 180 * T_MS, 3);
        t_send(&t, SERVER, .ack = 1011, .wait_ns = 185 * T_MS);
        again(&t, 1, heard_ago_ns[i]);
        if (i == 0) {
            cause_is(&t, RTO, LIKELY);
        } else {
            assert_int_not_equal(t.v.shape.retransmission_confidence, TL_CONFIDENCE_CERTAIN);
            assert_true(t.v.shape.retransmission != TL_RETRANSMISSION_RTO ||
                        t.v.shape.retransmission_confidence == TL_CONFIDENCE_LIKELY); /* M7b: gap 370 ms, heard 1 RTT ago */
        }
        t_end(&t);
    }
}

/* RFC 6298 5.5: the timer doubles; with jitter 1.5 to 2.6 times. */
/* threshold: BACKOFF_SURE, resent_when_timer */
static void m7_certain_when_it_backs_off(void **state)
{
    static const struct {
        int64_t second_ns;
        bool certain;
    } rows[] = {
        {300 * T_MS - 1, false}, {300 * T_MS, true}, {400 * T_MS, true}, {520 * T_MS, true}, {520 * T_MS + 1, false},
    };
    struct t_talk t;

    (void)state;
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        flight(&t, 0, 100 * T_MS, 2);
        again(&t, 0, 200 * T_MS);
        cause_is(&t, RTO, LIKELY);
        again(&t, 0, rows[i].second_ns);
        t_is(&t, retransmission, RETRANSMISSION, RTO);
        assert_int_equal(t.v.shape.retransmission_confidence, rows[i].certain ? TL_CONFIDENCE_CERTAIN : TL_CONFIDENCE_LIKELY);
        t_end(&t);
    }
}

/* Another segment timed out: the back-off begins anew. */
static void m7_other_bytes_are_no_back_off(void **state)
{
    struct t_talk t;

    (void)state;
    flight(&t, 0, 100 * T_MS, 3);
    again(&t, 0, 200 * T_MS);
    t_send(&t, SERVER, .ack = 1011, .wait_ns = 100 * T_MS);
    again(&t, 1, 400 * T_MS);
    cause_is(&t, RTO, LIKELY);
    t_end(&t);
}

/* ---- M7b: the timer in spite of the evidence ---------------------------------------------------------------------------- */

/* Three duplicate ACKs, the fast retransmission was lost. The timer: 190 ms after it, an RTT and 25 ms after the last report. With
 * SACK; without it test_rexmit_timer.c. */
/* threshold: ANSWERS_NS */
static void m7b_lost_retransmission(void **state)
{
    static const struct {
        int64_t dup_after_ns, gap_ns;
        bool timer, certain;
    } rows[] = {
        {T_MS, 190 * T_MS, true, false},
        {T_MS, 190 * T_MS - 1, false, false},
        {135 * T_MS, 190 * T_MS, true, false},     /* heard 55 ms ago */
        {135 * T_MS + 1, 190 * T_MS, false, true}, /* less */
    };
    struct t_talk t;

    (void)state;
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        flight(&t, SACK, 100 * T_MS, 6);
        t_send(&t, SERVER, .ack = 1001, .sack_from = 1011, .wait_ns = 100 * T_MS);
        t_send(&t, SERVER, .ack = 1001, .sack_from = 1021);
        t_send(&t, SERVER, .ack = 1001, .sack_from = 1031);
        again(&t, 0, T_SAME_TIME);
        cause_is(&t, SACK, CERTAIN);
        t_send(&t, SERVER, .ack = 1001, .sack_from = 1041, .wait_ns = rows[i].dup_after_ns);
        again(&t, 0, rows[i].gap_ns - rows[i].dup_after_ns);
        if (rows[i].timer) {
            cause_is(&t, RTO, LIKELY);
        } else if (rows[i].certain) {
            cause_is(&t, SACK, CERTAIN);
        } else {
            cause_is(&t, SACK, LIKELY);
        }
        t_end(&t);
    }
}

/* threshold: ANSWERS_NS. Half a round trip of 12 ms, and 5 ms. */
static void m7b_margin_is_at_least_5_ms(void **state)
{
    static const int64_t heard_ago_ns[] = {11 * T_MS, 11 * T_MS - 1};
    struct t_talk t;

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        flight(&t, 0, 12 * T_MS, 6);
        t_send(&t, SERVER, .ack = 1001, .wait_ns = 300 * T_MS - heard_ago_ns[i]);
        again(&t, 0, heard_ago_ns[i]);
        if (i == 0) {
            cause_is(&t, RTO, LIKELY);
        } else {
            cause_is(&t, FAST, LIKELY);
        }
        t_end(&t);
    }
}

/* ---- M8 and the loss episode, RFC 5681 3.1 ------------------------------------------------------------------------------ */

static void m8_after_the_timeout_until_all_is_acknowledged(void **state)
{
    struct t_talk t;

    (void)state;
    flight(&t, SACK, 100 * T_MS, 4);
    again(&t, 0, 200 * T_MS);
    cause_is(&t, RTO, LIKELY);
    t_send(&t, SERVER, .ack = 1011, .wait_ns = 100 * T_MS);
    again(&t, 1, T_SAME_TIME);
    cause_is(&t, RTO_RECOVERY, LIKELY);
    again(&t, 2, T_SAME_TIME);
    cause_is(&t, RTO_RECOVERY, LIKELY);
    t_send(&t, SERVER, .ack = 1031, .wait_ns = 100 * T_MS);
    again(&t, 3, T_SAME_TIME); /* up to the point that was reached when the timer fired */
    cause_is(&t, RTO_RECOVERY, LIKELY);
    t_send(&t, CLIENT, .len = 10);
    t_send(&t, CLIENT, .len = 10);
    t_send(&t, SERVER, .ack = 1041, .wait_ns = 100 * T_MS); /* the loss is over */
    again(&t, 4, 10 * T_MS);
    t_is(&t, retransmission, RETRANSMISSION, UNKNOWN); /* no SACK block was ever captured, and the probe sends the last one */
    t_end(&t);
}

/* ---- M9: tail loss probe, RFC 8985 7.2 ---------------------------------------------------------------------------------- */

/* The last segment after 1.2 RTT; the timer would have sent the first one. */
/* threshold: resent_when_tail_probe */
static void m9_last_segment_after_silence(void **state)
{
    struct t_talk t;

    (void)state;
    flight(&t, SACK, 100 * T_MS, 2);
    again(&t, 1, 120 * T_MS);
    cause_is(&t, TLP, CERTAIN);
    t_end(&t);
    flight(&t, SACK, 100 * T_MS, 2);
    again(&t, 1, 120 * T_MS - 1);
    t_is(&t, retransmission, RETRANSMISSION, UNKNOWN); /* M11 */
    t_is(&t, retransmission_confidence, CONFIDENCE, NONE);
    t_end(&t);
    flight(&t, 0, 100 * T_MS, 2); /* no probe without SACK (RFC 8985 7) */
    again(&t, 1, 120 * T_MS);
    t_is(&t, retransmission, RETRANSMISSION, UNKNOWN);
    t_end(&t);
    flight(&t, SACK, 100 * T_MS, 1); /* a single segment, too early for the timer */
    again(&t, 0, 120 * T_MS);
    cause_is(&t, TLP, LIKELY);
    t_end(&t);
}

/* The RTT is not known: at least 2 ms. */
/* threshold: resent_when_tail_probe */
static void m9_at_least_2_ms(void **state)
{
    static const int64_t quiet_ns[] = {2 * T_MS, 2 * T_MS - 1};
    struct t_talk t;

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        t_midstream(&t);
        t_send(&t, CLIENT, .len = 10, .wait_ns = T_SAME_TIME);
        t_send(&t, CLIENT, .len = 10, .wait_ns = T_SAME_TIME);
        t_send(&t, CLIENT, .len = 10, .wait_ns = T_SAME_TIME);
        t_send(&t, SERVER, .ack = 1010, .wait_ns = T_SAME_TIME);
        t_send(&t, CLIENT, .seq = 1020, .len = 10, .wait_ns = quiet_ns[i]);
        if (i == 0) {
            cause_is(&t, TLP, CERTAIN);
        } else {
            t_is(&t, retransmission, RETRANSMISSION, UNKNOWN);
        }
        t_end(&t);
    }
}

/* Something was reported: no silence to be broken. RFC 8985 7.2: no probe while in recovery, or with the segment SACKed. */
static void m9_not_with_evidence(void **state)
{
    struct t_talk t;

    (void)state;
    flight(&t, SACK, 100 * T_MS, 4);
    t_send(&t, SERVER, .ack = 1001, .sack_from = 1011, .wait_ns = 100 * T_MS);
    assert_int_equal(t.v.refs.dupack_number, 1);
    again(&t, 3, 150 * T_MS); /* above what was reported: a fast retransmission sends SND.UNA, RFC 5681 3.2 */
    t_is(&t, retransmission, RETRANSMISSION, UNKNOWN);
    t_end(&t);
    flight(&t, SACK, 100 * T_MS, 3);
    t_send(&t, SERVER, .ack = 1001, .sack_from = 1021, .wait_ns = 100 * T_MS);
    again(&t, 2, 150 * T_MS); /* it is the one that was reported */
    assert_int_not_equal(t.v.shape.retransmission, TL_RETRANSMISSION_TLP);
    t_end(&t);
    flight(&t, SACK, 100 * T_MS, 3);
    again(&t, 0, 10 * T_MS); /* no feedback was captured */
    t_is(&t, retransmission, RETRANSMISSION, UNKNOWN);
    t_end(&t);
}

/* ---- M5: SACK above, RFC 6675, RFC 8985 -------------------------------------------------------------------------------- */

static void m5_sacked_above(void **state)
{
    struct t_talk t;

    (void)state;
    flight(&t, SACK, 100 * T_MS, 5);
    t_send(&t, SERVER, .ack = 1001, .sack_from = 1011, .wait_ns = 100 * T_MS);
    t_send(&t, SERVER, .ack = 1001, .sack_from = 1021);
    again(&t, 0, T_SAME_TIME); /* two duplicate ACKs: RACK may, RFC 6675 may not */
    cause_is(&t, SACK, LIKELY);
    t_send(&t, SERVER, .ack = 1001, .sack_from = 1031);
    again(&t, 0, T_SAME_TIME); /* three: RFC 6675 5 (2) */
    cause_is(&t, SACK, CERTAIN);
    t_end(&t);
}

/* SACK blocks show that SACK is in use, whatever the SYNs said; without them and without SACK it is fast retransmission. */
static void m5_blocks_show_that_sack_is_in_use(void **state)
{
    struct t_talk t;

    (void)state;
    flight(&t, 0, 100 * T_MS, 3);
    t_send(&t, SERVER, .ack = 1001, .sack_from = 1011, .wait_ns = 100 * T_MS);
    again(&t, 0, T_SAME_TIME);
    cause_is(&t, SACK, LIKELY);
    t_end(&t);
}

/* RFC 8985 6.2: what was sent later is delivered, so this is lost. Segments 0 and 1 are lost; 0, sent again, arrives. */
static void m5_sent_later_and_delivered(void **state)
{
    static const uint16_t options[] = {SACK, 0};
    struct t_talk t;

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        flight(&t, options[i], 100 * T_MS, 2);
        again(&t, 0, 50 * T_MS); /* by feedback that was not captured */
        t_send(&t, SERVER, .ack = 1011, .wait_ns = 100 * T_MS);
        again(&t, 1, T_SAME_TIME);
        if (i == 0) {
            cause_is(&t, SACK, LIKELY);
        } else {
            cause_is(&t, FAST, LIKELY);
        }
        t_end(&t);
    }
}

/* ---- M4, M6: duplicate ACKs, RFC 5681 3.2, RFC 6582 ---------------------------------------------------------------------- */

/* threshold: DUPACKS_SURE */
static void m4_three_duplicate_acks_are_certain(void **state)
{
    struct t_talk t;

    (void)state;
    for (unsigned dups = 1; dups <= 4; dups++) {
        flight(&t, 0, 100 * T_MS, 6);
        t_send(&t, SERVER, .ack = 1001, .wait_ns = 100 * T_MS);
        for (unsigned i = 1; i < dups; i++) {
            t_send(&t, SERVER, .ack = 1001);
        }
        again(&t, 0, T_SAME_TIME);
        t_is(&t, retransmission, RETRANSMISSION, FAST);
        assert_int_equal(t.v.shape.retransmission_confidence, dups >= 3 ? TL_CONFIDENCE_CERTAIN : TL_CONFIDENCE_LIKELY);
        t_end(&t);
    }
}

/* RFC 6582 3.2: a partial ACK in recovery; the recovery ends where the sender had got to when it began. */
static void m6_partial_ack_in_recovery(void **state)
{
    struct t_talk t;

    (void)state;
    flight(&t, 0, 100 * T_MS, 6);
    t_send(&t, SERVER, .ack = 1001, .wait_ns = 100 * T_MS);
    t_send(&t, SERVER, .ack = 1001);
    t_send(&t, SERVER, .ack = 1001);
    again(&t, 0, T_SAME_TIME);
    cause_is(&t, FAST, CERTAIN);
    t_send(&t, CLIENT, .len = 10);
    t_send(&t, CLIENT, .len = 10);
    t_send(&t, SERVER, .ack = 1021, .wait_ns = 100 * T_MS);
    again(&t, 2, T_SAME_TIME);
    cause_is(&t, FAST, LIKELY);
    t_send(&t, SERVER, .ack = 1061, .wait_ns = 100 * T_MS); /* all that was out when it began */
    t_send(&t, CLIENT, .len = 10);
    again(&t, 8, 20 * T_MS);
    t_is(&t, retransmission, RETRANSMISSION, UNKNOWN);
    t_end(&t);
}

/* ---- M7c, M12, M11 ----------------------------------------------------------------------------------------------------- */

/* A timer with a least value below 200 ms: 1.5 RTT + 10 ms of silence, an RTT since the transmission. */
/* threshold: resent_when_short_timer */
static void m7c_short_timer(void **state)
{
    struct t_talk t;

    (void)state;
    flight(&t, 0, 100 * T_MS, 2);
    again(&t, 0, 160 * T_MS);
    cause_is(&t, RTO, GUESS);
    t_end(&t);
    flight(&t, 0, 100 * T_MS, 2);
    again(&t, 0, 160 * T_MS - 1);
    cause_is(&t, FAST, GUESS);
    t_end(&t);
    flight(&t, 0, 100 * T_MS, 0);
    t_send(&t, CLIENT, .len = 10, .wait_ns = 60 * T_MS);
    t_send(&t, CLIENT, .len = 10, .wait_ns = T_SAME_TIME);
    again(&t, 0, 100 * T_MS); /* silent for 160 ms, sent 100 ms ago */
    cause_is(&t, RTO, GUESS);
    t_end(&t);
    flight(&t, 0, 100 * T_MS, 0);
    t_send(&t, CLIENT, .len = 10, .wait_ns = 60 * T_MS + 1);
    t_send(&t, CLIENT, .len = 10, .wait_ns = T_SAME_TIME);
    again(&t, 0, 100 * T_MS - 1);
    cause_is(&t, FAST, GUESS);
    t_end(&t);
}

/* Not the last segment, too early for a timer: feedback that was not captured. Later than 190 ms nothing is known. */
static void m12_by_exclusion(void **state)
{
    static const uint16_t options[] = {SACK, 0};
    struct t_talk t;

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        flight(&t, options[i], 300 * T_MS, 3);
        again(&t, 1, 190 * T_MS - 1); /* not the head, so no timer either */
        /* With SACK, and no block ever captured, there was no report that it could have heard. */
        assert_int_equal(t.v.shape.retransmission_confidence, i == 0 ? TL_CONFIDENCE_NONE : TL_CONFIDENCE_GUESS);
        assert_int_equal(t.v.shape.retransmission, i == 0 ? TL_RETRANSMISSION_UNKNOWN : TL_RETRANSMISSION_FAST);
        t_end(&t);
        flight(&t, options[i], 300 * T_MS, 3);
        again(&t, 1, 190 * T_MS);
        t_is(&t, retransmission, RETRANSMISSION, UNKNOWN);
        t_is(&t, retransmission_confidence, CONFIDENCE, NONE);
        t_end(&t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(m1_syn_and_synack),
        cmocka_unit_test(m13_one_way_time_and_place),
        cmocka_unit_test(m13_second_probe_is_unknown),
        cmocka_unit_test(m10_single_segment_after_silence),
        cmocka_unit_test(m10_only_the_first_time),
        cmocka_unit_test(m10_fin),
        cmocka_unit_test(m7_first_byte_after_silence),
        cmocka_unit_test(m7_silence_counts_from_the_last_report),
        cmocka_unit_test(m7_certain_when_it_backs_off),
        cmocka_unit_test(m7_other_bytes_are_no_back_off),
        cmocka_unit_test(m7b_lost_retransmission),
        cmocka_unit_test(m7b_margin_is_at_least_5_ms),
        cmocka_unit_test(m8_after_the_timeout_until_all_is_acknowledged),
        cmocka_unit_test(m9_last_segment_after_silence),
        cmocka_unit_test(m9_at_least_2_ms),
        cmocka_unit_test(m9_not_with_evidence),
        cmocka_unit_test(m5_sacked_above),
        cmocka_unit_test(m5_blocks_show_that_sack_is_in_use),
        cmocka_unit_test(m5_sent_later_and_delivered),
        cmocka_unit_test(m4_three_duplicate_acks_are_certain),
        cmocka_unit_test(m6_partial_ack_in_recovery),
        cmocka_unit_test(m7c_short_timer),
        cmocka_unit_test(m12_by_exclusion),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
