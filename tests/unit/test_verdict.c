/* test_judge.c - tests of tl_verdict: the one word for a connection, and why it failed to open.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What each word means stands in tl_names.def (VERDICT, OPEN_FAILURE); the conversations follow RFC 9293.
 */
#include "tl_test.h"

enum { SYN = TL_SYN, SYNACK = TL_SYN | TL_ACK, FIN = TL_FIN | TL_ACK, RST = TL_RST, RSTACK = TL_RST | TL_ACK };

/* Far beyond everything that decides between "pending" and "unanswered". */
#define T_LATE (3600 * T_SECOND)

/* The word at the end of a capture that goes on for `after_ns`. */
#define judged_after(t, after_ns, TAG)                                                                                         \
    do {                                                                                                                       \
        t_know(t, after_ns);                                                                                                   \
        t_fact_is(t, verdict, VERDICT, TAG);                                                                                   \
    } while (0)
#define judged(t, TAG) judged_after(t, T_LATE, TAG)
#define failed_by(t, TAG) t_fact_is(t, open_failure, OPEN_FAILURE, TAG)

/* The word, and the end of the test. */
#define ends_as(t, TAG)                                                                                                        \
    do {                                                                                                                       \
        judged(t, TAG);                                                                                                        \
        t_end(t);                                                                                                              \
    } while (0)

/* Open for a while; both ends have sent something, and everything is acknowledged. The client's next octet is 1011, the
 * server's 5011. */
static void talk(struct t_talk *t)
{
    t_established(t);
    t_send(t, CLIENT, .len = 10);
    t_send(t, SERVER, .len = 10);
    t_send(t, CLIENT, .flags = TL_ACK);
}

/* Octets of an end that stay unanswered: sent once and then `times` more, each wait twice the one before. */
static void unanswered(struct t_talk *t, unsigned from, unsigned times)
{
    uint32_t seq = t->next[from];

    t_send(t, from, .len = 5);
    for (unsigned i = 0; i < times; i++) {
        t_send(t, from, .seq = seq, .len = 5, .wait_ns = (200 << i) * T_MS);
        t_is(t, segment, SEGMENT, RETRANSMISSION);
    }
}

static void keepalives(struct t_talk *t, unsigned from, unsigned times)
{
    uint32_t seq = t->next[from] - 1;

    for (unsigned i = 0; i < times; i++) {
        t_send(t, from, .seq = seq, .wait_ns = 10 * T_SECOND);
        t_is(t, keepalive, PROBE_KIND, PROBE);
    }
}

/* ---- it never opened --------------------------------------------------------------------------------------------------------- */

/* RFC 6298 2.1: the first timeout is 1 s; three of them must pass before silence says anything. */
static void pending_then_unanswered(void **state)
{
    struct t_talk t;

    (void)state;
    t_syn_sent(&t);
    judged_after(&t, 3 * T_SECOND - 1, PENDING);
    failed_by(&t, NONE);
    judged_after(&t, 3 * T_SECOND, UNANSWERED);
    failed_by(&t, NO_ANSWER);
    t_end(&t);
}

static void pending_then_half_open(void **state)
{
    struct t_talk t;

    (void)state;
    t_syn_received(&t);
    judged_after(&t, 3 * T_SECOND - 1, PENDING);
    failed_by(&t, NONE);
    judged_after(&t, 3 * T_SECOND, HALF_OPEN);
    failed_by(&t, SYNACK_ONLY);
    t_end(&t);
}

/* SYN flood: the server repeats its SYN-ACK as often as it likes, the handshake alone decides. */
static void half_open_however_often_the_server_repeats(void **state)
{
    struct t_talk t;

    (void)state;
    t_syn_received(&t);
    for (unsigned i = 0; i < 5; i++) {
        t_send(&t, SERVER, .flags = SYNACK, .seq = 5000, .wait_ns = (1 << i) * T_SECOND);
    }
    ends_as(&t, HALF_OPEN);
}

static void refused(void **state)
{
    struct t_talk t;

    (void)state;
    t_syn_sent(&t);
    t_send(&t, SERVER, .flags = RSTACK, .raw_seq_0 = true);
    judged(&t, REFUSED);
    failed_by(&t, RESET);
    t_end(&t);
}

static void refused_and_then_accepted_is_open(void **state)
{
    struct t_talk t;

    (void)state;
    t_syn_sent(&t);
    t_send(&t, SERVER, .flags = RSTACK, .raw_seq_0 = true);
    t_send(&t, CLIENT, .flags = SYN, .seq = 1000, .wait_ns = T_SECOND);
    t_send(&t, SERVER, .flags = SYNACK);
    t_send(&t, CLIENT, .flags = TL_ACK);
    judged(&t, OPEN);
    failed_by(&t, NONE);
    t_end(&t);
}

static void unreachable(void **state)
{
    struct t_talk t;

    (void)state;
    t_syn_sent(&t);
    tl_pair_unreachable(t.pair, CLIENT, 1000, 3, 1, 2);
    judged_after(&t, 0, UNREACHABLE);
    failed_by(&t, UNREACHABLE);
    t_end(&t);
}

/* RFC 5961 4: an old connection answers the SYN by its own numbers. */
static void challenged(void **state)
{
    struct t_talk t;

    (void)state;
    t_syn_sent(&t);
    t_send(&t, SERVER, .seq = 777777, .ack = 888888);
    judged(&t, CHALLENGED);
    failed_by(&t, CHALLENGE_ACK);
    t_end(&t);
}

/* RFC 9293 3.10.7.3: nobody takes a SYN-ACK that acknowledges another SYN. */
static void wrong_numbers(void **state)
{
    struct t_talk t;

    (void)state;
    t_syn_sent(&t);
    t_send(&t, SERVER, .flags = SYNACK, .ack = 3000);
    judged(&t, REJECTED);
    failed_by(&t, WRONG_NUMBERS);
    t_end(&t);
}

static void client_reset_after(int64_t wait_ns, enum tl_verdict expected)
{
    struct t_talk t;

    t_syn_received(&t);
    t_send(&t, CLIENT, .flags = RST, .wait_ns = wait_ns);
    t_know(&t, 0);
    assert_string_equal(t_name(TL_GROUP_VERDICT, t.facts.verdict), t_name(TL_GROUP_VERDICT, expected));
    failed_by(&t, CLIENT_RESET);
    t_end(&t);
}

/* docs/design.md, 7.3: at once is within 10 ms of the SYN-ACK when the client's half RTT is not known. */
static void scan_is_at_once(void **state)
{
    (void)state;
    client_reset_after(10 * T_MS, TL_VERDICT_SCAN);
    client_reset_after(10 * T_MS + 1, TL_VERDICT_REJECTED);
}

/* A SYN-ACK that nobody asked for, backscatter of a flood: who resets it scans nothing. */
static void unsolicited_synack_is_no_scan(void **state)
{
    struct t_talk t;

    (void)state;
    t_start(&t);
    t_send(&t, SERVER, .flags = SYNACK, .ack = 1001);
    t_send(&t, CLIENT, .flags = RST, .seq = 1001);
    judged(&t, REJECTED);
    t_fact_is(&t, client_rst, CLIENT_RST, NONE);
    t_end(&t);
}

static void server_rejects_the_ack(void **state)
{
    struct t_talk t;

    (void)state;
    t_established(&t);
    t_send(&t, SERVER, .flags = RST);
    judged(&t, REJECTED);
    failed_by(&t, RESET);
    t_end(&t);
}

/* A RST forged in the client's name right after the SYN-ACK: the client goes on, so that it decided nothing. The client of a
 * protocol in which the server speaks first sends no payload; its ACKs show that it lives. */
static void forged_reset_in_the_handshake_is_no_scan(void **state)
{
    struct t_talk t;

    (void)state;
    t_syn_received(&t);
    t_send(&t, CLIENT, .flags = RST, .seq = 1001);
    judged_after(&t, 0, SCAN);
    t_send(&t, CLIENT, .flags = TL_ACK);
    t_send(&t, SERVER, .len = 20, .wait_ns = 5 * T_MS);
    t_send(&t, CLIENT, .flags = TL_ACK);
    judged(&t, OPEN);
    failed_by(&t, NONE);
    t_fact_is(&t, outcome, OUTCOME, COMPLETE);
    t_end(&t);
}

/* ---- reset ------------------------------------------------------------------------------------------------------------------- */

static void aborted(void **state)
{
    struct t_talk t;

    (void)state;
    talk(&t);
    t_send(&t, CLIENT, .flags = RSTACK);
    ends_as(&t, ABORTED);
    talk(&t);
    t_send(&t, CLIENT, .len = 10, .options = TL_OPT_MPTCP);
    t_send(&t, SERVER, .flags = TL_ACK, .options = TL_OPT_MPTCP);
    t_send(&t, SERVER, .flags = RSTACK, .options = TL_OPT_MPTCP_RST);
    ends_as(&t, ABORTED);
}

/* The reset belongs to the close if it comes with the FIN: all bytes are acknowledged, and the other end had no time for more. */
static void reset_with_the_fin(void **state)
{
    struct t_talk t;

    (void)state;
    t_fin_wait_1(&t);
    t_send(&t, CLIENT, .flags = RSTACK, .wait_ns = 10 * T_MS);
    ends_as(&t, CLOSED_WITH_RST);
    t_fin_wait_1(&t);
    t_send(&t, CLIENT, .flags = RSTACK, .wait_ns = 11 * T_MS);
    ends_as(&t, ABORTED);
    t_fin_wait_1(&t);
    t_send(&t, SERVER, .len = 10, .wait_ns = T_MS);
    t_send(&t, CLIENT, .flags = RSTACK, .ack = 5001,
           .wait_ns = T_MS); /* in answer to these bytes, as gVisor does: data_after_close */
    ends_as(&t, CLOSED_WITH_RST);
    t_fin_wait_1(&t);
    t_send(&t, SERVER, .len = 10, .wait_ns = T_MS);
    t_send(&t, CLIENT, .flags = RSTACK, .ack = 5001, .wait_ns = 20 * T_MS); /* too late for an answer: these bytes are lost */
    ends_as(&t, ABORTED);
}

/* RFC 5961 3.2: a RST that is not exact draws a challenge ACK, and only the exact one that answers it ends the connection. */
static void abort_repeated_after_a_challenge(void **state)
{
    struct t_talk t;

    (void)state;
    talk(&t);
    t_send(&t, SERVER, .len = 10); /* lost behind the capture: the client expects 5011 still */
    t_send(&t, SERVER, .flags = RSTACK);
    t_send(&t, CLIENT, .ack = 5011);
    t_is(&t, ack, ACK, CHALLENGE);
    judged(&t, OPEN);
    t_send(&t, SERVER, .flags = RST, .seq = 5011);
    t_is(&t, rst_cause, RST_CAUSE, ABORT_REPEAT);
    ends_as(&t, ABORTED);
}

static void state_lost(void **state)
{
    struct t_talk t;

    (void)state;
    talk(&t);
    t_send(&t, CLIENT, .len = 5, .wait_ns = T_SECOND);
    t_send(&t, SERVER, .flags = RST, .seq = 5011);
    t_is(&t, rst_cause, RST_CAUSE, HALF_OPEN);
    ends_as(&t, STATE_LOST);
    talk(&t);
    keepalives(&t, CLIENT, 1);
    t_send(&t, SERVER, .flags = RST, .seq = 5011);
    t_is(&t, rst_cause, RST_CAUSE, HALF_OPEN_PROBE);
    ends_as(&t, STATE_LOST);
    t_start(&t);
    t_send(&t, CLIENT, .len = 5);
    t_send(&t, SERVER, .flags = RST, .seq = 5000);
    t_is(&t, rst_cause, RST_CAUSE, NO_CONNECTION);
    ends_as(&t, STATE_LOST);
    talk(&t);
    t_send(&t, CLIENT, .flags = SYN, .seq = 1000); /* as stacks before RFC 5961 answer a SYN inside the window */
    t_send(&t, SERVER, .flags = RSTACK);
    t_is(&t, rst_cause, RST_CAUSE, SYN_IN_WINDOW);
    ends_as(&t, STATE_LOST);
}

/* RFC 9293 3.5.1 figure 9: the client restarted. Its SYN meets the old connection, and its RST ends that one. */
static void state_lost_before_a_new_connection(void **state)
{
    struct tl_conn *old;
    struct t_talk t;

    (void)state;
    talk(&t);
    old = t.v.conn;
    t_send(&t, CLIENT, .flags = SYN, .seq = 70000, .wait_ns = T_SECOND);
    t_send(&t, SERVER, .seq = 5011, .ack = 1011);
    t_send(&t, CLIENT, .flags = RST, .seq = 1011);
    t_is(&t, rst_cause, RST_CAUSE, HALF_OPEN_SYN);
    tl_conn_facts(old, t.now_ns, &t.facts);
    t_fact_is(&t, verdict, VERDICT, STATE_LOST);
    judged_after(&t, 0, CHALLENGED);
    t_end(&t);
}

/* In flight means between what is acknowledged and what was sent: the receiver may expect any number there, but nothing says who
 * sends a RST of such a number without ACK flag. */
static void reset_without_a_known_cause(void **state)
{
    struct t_talk t;

    (void)state;
    talk(&t);
    t_send(&t, SERVER, .len = 10);
    t_send(&t, SERVER, .len = 10);
    t_send(&t, SERVER, .flags = RST, .seq = 5021);
    t_is(&t, rst_cause, RST_CAUSE, UNKNOWN);
    t_is(&t, rst_effect, RST_EFFECT, ACCEPTED);
    ends_as(&t, RESET);
}

/* A FIN without ACK, as scanners send it, opens nothing: the closed port that answers it has lost no connection. */
static void answer_to_a_senseless_segment_lost_nothing(void **state)
{
    struct t_talk t;

    (void)state;
    t_start(&t);
    t_send(&t, CLIENT, .flags = TL_FIN);
    judged(&t, SCAN);
    t_send(&t, SERVER, .flags = RSTACK, .raw_seq_0 = true, .ack = 1001);
    ends_as(&t, SCAN);
}

/* They may answer anything, forged SYNs for instance, and may end nothing. */
static void only_resets_are_unknown(void **state)
{
    struct t_talk t;

    (void)state;
    t_start(&t);
    t_send(&t, CLIENT, .flags = RST);
    judged(&t, UNKNOWN);
    t_send(&t, CLIENT, .flags = RSTACK, .wait_ns = T_SECOND);
    t_send(&t, SERVER, .flags = RSTACK, .wait_ns = T_SECOND);
    ends_as(&t, UNKNOWN);
}

/* A RST in the server's name with a window that the server never had, and 5 ms later the server goes on. */
static void forge_reset(struct t_talk *t)
{
    t_established(t);
    t_send(t, CLIENT, .len = 10);
    t_send(t, SERVER, .flags = TL_ACK);
    t_send(t, SERVER, .flags = RSTACK, .window = T_WINDOW / 2);
    t_send(t, SERVER, .len = 10, .wait_ns = 5 * T_MS);
}

static void injected(void **state)
{
    struct t_talk t;

    (void)state;
    forge_reset(&t);
    judged(&t, INJECTED);
    failed_by(&t, NONE); /* the server closed nothing, at once or later */
    /* The client, too, goes on: the RST ended nothing. */
    t_send(&t, CLIENT, .flags = TL_ACK);
    ends_as(&t, OPEN);
}

/* The server has said nothing yet: it only acknowledges, after the forged RST, what came before it. */
static void injected_is_not_closed_at_once(void **state)
{
    struct t_talk t;

    (void)state;
    t_established(&t);
    t_send(&t, CLIENT, .len = 10);
    t_send(&t, SERVER, .flags = RSTACK, .ack = 1001, .window = T_WINDOW / 2);
    judged(&t, ABORTED);
    failed_by(&t, CLOSED_AT_ONCE);
    t_send(&t, SERVER, .flags = TL_ACK, .wait_ns = 5 * T_MS);
    judged(&t, ABORTED); /* an ACK of octets captured before the RST may have been under way */
    t_send(&t, CLIENT, .len = 10);
    t_send(&t, SERVER, .flags = TL_ACK, .wait_ns = 5 * T_MS);
    judged(&t, OPEN);
    failed_by(&t, NONE);
    t_end(&t);
}

/* A handshake that failed is told first, whoever ended it. */
static void rejected_wins_over_injected(void **state)
{
    struct t_talk t;

    (void)state;
    t_syn_received(&t);
    t_send(&t, CLIENT, .flags = RSTACK, .window = T_WINDOW / 2, .wait_ns = 100 * T_MS);
    t_send(&t, CLIENT, .len = 10, .wait_ns = 5 * T_MS);
    judged(&t, REJECTED);
    t_end(&t);
}

/* One piece of evidence is not enough. */
static void possibly_injected_is_an_abort(void **state)
{
    struct t_talk t;

    (void)state;
    t_established(&t);
    t_send(&t, SERVER, .flags = RSTACK, .window = T_WINDOW / 2);
    ends_as(&t, ABORTED);
}

/* ---- nobody answers any more --------------------------------------------------------------------------------------------------- */

static void timed_out_by_keepalive(void **state)
{
    struct t_talk t;

    (void)state;
    talk(&t);
    keepalives(&t, CLIENT, 2);
    t_send(&t, CLIENT, .flags = RSTACK, .wait_ns = 10 * T_SECOND);
    t_is(&t, rst_cause, RST_CAUSE, KEEPALIVE_TIMEOUT);
    ends_as(&t, TIMED_OUT);
}

static void timed_out_by_window_probe(void **state)
{
    struct t_talk t;

    (void)state;
    talk(&t);
    t_send(&t, SERVER, .window = T_CLOSED);
    for (unsigned i = 0; i < 2; i++) {
        t_send(&t, CLIENT, .seq = 1010, .wait_ns = (T_SECOND / 5) << i); /* the timer doubles, RFC 9293 3.8.6.1 */
        t_send(&t, SERVER, .window = T_CLOSED);
    }
    judged(&t, OPEN);
    t_send(&t, CLIENT, .flags = RSTACK, .wait_ns = T_SECOND);
    t_is(&t, rst_cause, RST_CAUSE, PROBE_TIMEOUT);
    ends_as(&t, TIMED_OUT);
}

static void timed_out_by_retransmission(void **state)
{
    struct t_talk t;

    (void)state;
    talk(&t);
    unanswered(&t, SERVER, 2);
    t_send(&t, SERVER, .flags = RSTACK, .wait_ns = T_SECOND);
    t_is(&t, rst_cause, RST_CAUSE, RETRANSMISSION_TIMEOUT);
    ends_as(&t, TIMED_OUT);
}

/* R1 of RFC 9293 3.8.3 is at least 3 retransmissions. */
/* threshold: INSISTS_MIN */
static void timed_out_from_the_third_retransmission(void **state)
{
    struct t_talk t;

    (void)state;
    for (unsigned from = 0; from < 2; from++) {
        talk(&t);
        unanswered(&t, from, 2);
        judged(&t, OPEN);
        t_send(&t, from, .seq = t.next[from] - 5, .len = 5, .wait_ns = T_SECOND);
        ends_as(&t, TIMED_OUT);
    }
}

static void timed_out_from_the_third_probe(void **state)
{
    struct t_talk t;

    (void)state;
    talk(&t);
    keepalives(&t, CLIENT, 2);
    judged(&t, OPEN);
    keepalives(&t, CLIENT, 1);
    ends_as(&t, TIMED_OUT);
    talk(&t);
    t_send(&t, SERVER, .window = T_CLOSED);
    t_send(&t, CLIENT, .seq = 1010, .wait_ns = T_SECOND);
    t_send(&t, CLIENT, .seq = 1010, .wait_ns = 2 * T_SECOND);
    judged(&t, OPEN);
    t_send(&t, CLIENT, .seq = 1010, .wait_ns = 4 * T_SECOND);
    ends_as(&t, TIMED_OUT);
}

static void timed_out_from_the_third_repetition_of_the_fin(void **state)
{
    struct t_talk t;

    (void)state;
    t_last_ack(&t);
    for (unsigned i = 0; i < 2; i++) {
        t_send(&t, SERVER, .flags = FIN, .seq = 5001, .wait_ns = (200 << i) * T_MS);
    }
    judged(&t, CLOSING);
    t_send(&t, SERVER, .flags = FIN, .seq = 5001, .wait_ns = T_SECOND);
    judged(&t, TIMED_OUT);
    t_send(&t, CLIENT, .flags = TL_ACK); /* and yet it answers */
    ends_as(&t, OK);
}

static void answered_probes_time_nothing_out(void **state)
{
    struct t_talk t;

    (void)state;
    talk(&t);
    for (unsigned i = 0; i < 5; i++) {
        keepalives(&t, CLIENT, 1);
        t_send(&t, SERVER, .flags = TL_ACK);
        t_is(&t, keepalive, PROBE_KIND, ANSWER);
    }
    ends_as(&t, OPEN);
}

/* What was lost together is repaired together: three numbers in one round trip are no three timeouts. */
static void repairs_of_one_flight_are_no_timeouts(void **state)
{
    struct t_talk t;

    (void)state;
    talk(&t);
    for (unsigned i = 0; i < 4; i++) {
        t_send(&t, CLIENT, .len = 10);
    }
    for (unsigned i = 0; i < 4; i++) {
        t_send(&t, CLIENT, .seq = 1011 + 10 * i, .len = 10, .wait_ns = i == 0 ? 200 * T_MS : 0);
        t_is(&t, segment, SEGMENT, RETRANSMISSION);
    }
    ends_as(&t, OPEN);
}

static void copies_are_no_retransmissions(void **state)
{
    struct t_talk t;

    (void)state;
    talk(&t);
    t_send(&t, CLIENT, .len = 5, .ip_id = 7);
    for (unsigned i = 0; i < 2; i++) {
        t_send(&t, CLIENT, .seq = 1011, .len = 5, .ip_id = (uint16_t)(8 + i), .wait_ns = (200 << i) * T_MS);
        t_send(&t, CLIENT, .seq = 1011, .len = 5, .ip_id = (uint16_t)(8 + i), .wait_ns = T_MS / 10);
        t_is(&t, segment, SEGMENT, DUPLICATE);
    }
    ends_as(&t, OPEN);
}

/* Anything but a repetition of its own says that the peer is there. */
static void any_word_of_the_peer_is_an_answer(void **state)
{
    struct t_talk t;

    (void)state;
    talk(&t);
    unanswered(&t, CLIENT, 2);
    t_send(&t, SERVER, .ack = 1011); /* duplicate ACK */
    t_send(&t, CLIENT, .seq = 1011, .len = 5, .wait_ns = T_SECOND);
    t_send(&t, CLIENT, .seq = 1011, .len = 5, .wait_ns = 2 * T_SECOND);
    ends_as(&t, OPEN);
}

/* Both ends have data outstanding and neither hears the other. */
static void both_repeat_themselves(void **state)
{
    struct t_talk t;

    (void)state;
    talk(&t);
    t_send(&t, CLIENT, .len = 5);
    t_send(&t, SERVER, .len = 5, .ack = 1011);
    for (unsigned i = 0; i < 3; i++) {
        judged(&t, OPEN);
        t_send(&t, CLIENT, .seq = 1011, .len = 5, .ack = 5011, .wait_ns = (200 << i) * T_MS);
        t_send(&t, SERVER, .seq = 5011, .len = 5, .ack = 1011, .wait_ns = 10 * T_MS);
    }
    ends_as(&t, TIMED_OUT);
}

/* A repetition that acknowledges something new answers. */
static void repetition_with_a_new_ack_answers(void **state)
{
    struct t_talk t;

    (void)state;
    talk(&t);
    t_send(&t, SERVER, .len = 5);
    unanswered(&t, CLIENT, 2);
    t_send(&t, SERVER, .seq = 5011, .len = 5, .ack = 1016, .wait_ns = 900 * T_MS);
    t_is(&t, ack, ACK, NEW);
    t_send(&t, CLIENT, .len = 5);
    ends_as(&t, OPEN);
}

/* A RST that the receiver ignores, and a segment of another time: neither is an answer. */
static void strangers_do_not_answer(void **state)
{
    struct t_talk t;

    (void)state;
    talk(&t);
    unanswered(&t, CLIENT, 2);
    t_send(&t, SERVER, .flags = RST, .seq = 5012 + T_WINDOW);
    t_is(&t, rst_cause, RST_CAUSE, OUT_OF_WINDOW);
    t_send(&t, SERVER, .seq = 5011 + (1 << 30));
    assert_true(t_flag(&t, TL_SHAPE_STRAY));
    judged(&t, OPEN);
    t_send(&t, CLIENT, .seq = 1011, .len = 5, .ack = 5011, .wait_ns = T_SECOND);
    ends_as(&t, TIMED_OUT);
}

/* Only one direction was captured. Who repeats data has heard nothing; who sends new data has. A keep-alive comes again even if
 * it was answered. */
static void one_direction(void **state)
{
    struct t_talk t;

    (void)state;
    t_start(&t);
    t_send(&t, CLIENT, .len = 5);
    unanswered(&t, CLIENT, 3);
    judged(&t, TIMED_OUT);
    t_send(&t, CLIENT, .len = 5);
    judged(&t, OPEN);
    for (unsigned i = 0; i < 5; i++) {
        t_send(&t, CLIENT, .seq = t.next[CLIENT] - 1, .wait_ns = 60 * T_SECOND);
        t_is(&t, keepalive, PROBE_KIND, PROBE);
    }
    ends_as(&t, OPEN);
}

/* The application has less patience than TCP: what it aborts had timed out if nobody answered for long enough. */
static void abort_without_an_answer(unsigned times, enum tl_verdict expected)
{
    struct t_talk t;

    talk(&t);
    unanswered(&t, CLIENT, times);
    t_send(&t, CLIENT, .flags = RSTACK, .wait_ns = 10 * T_MS); /* before the timer */
    t_is(&t, rst_cause, RST_CAUSE, ABORT);
    t_know(&t, 0);
    assert_string_equal(t_name(TL_GROUP_VERDICT, t.facts.verdict), t_name(TL_GROUP_VERDICT, expected));
    t_end(&t);
}

/* threshold: INSISTS_MIN */
static void abort_of_a_dead_connection_timed_out(void **state)
{
    (void)state;
    abort_without_an_answer(2, TL_VERDICT_ABORTED);
    abort_without_an_answer(3, TL_VERDICT_TIMED_OUT);
}

/* ---- closed -------------------------------------------------------------------------------------------------------------------- */

static void ok(void **state)
{
    struct t_talk t;

    (void)state;
    t_time_wait(&t);
    ends_as(&t, OK);
    t_midstream(&t);
    t_send(&t, CLIENT, .flags = FIN);
    t_send(&t, SERVER, .flags = FIN);
    t_send(&t, CLIENT, .flags = TL_ACK);
    ends_as(&t, OK);
    /* Both FINs cross. */
    t_established(&t);
    t_send(&t, CLIENT, .flags = FIN);
    t_send(&t, SERVER, .flags = FIN, .ack = 1001);
    t_send(&t, CLIENT, .ack = 5002);
    t_send(&t, SERVER, .ack = 1002);
    judged(&t, OK);
    failed_by(&t, NONE);
    t_end(&t);
}

/* A RST outside the window ends nothing, whoever sent it. */
static void ok_after_a_reset_out_of_window(void **state)
{
    struct t_talk t;

    (void)state;
    talk(&t);
    t_send(&t, SERVER, .flags = RST, .seq = 5012 + T_WINDOW);
    t_send(&t, CLIENT, .flags = FIN);
    t_send(&t, SERVER, .flags = FIN);
    t_send(&t, CLIENT, .flags = TL_ACK);
    judged(&t, OK);
    t_fact_is(&t, rst_cause, RST_CAUSE, OUT_OF_WINDOW);
    t_end(&t);
}

/* Whatever the form of a RST after the close, it lost nothing: an answer, or sent by an application that is in a hurry. A RST
 * that ended nothing before does not hide it. */
static void reset_after_the_close(void **state)
{
    struct t_talk t;

    (void)state;
    t_time_wait(&t);
    t_send(&t, CLIENT, .seq = 1002, .len = 5, .wait_ns = T_SECOND);
    t_send(&t, SERVER, .flags = RST, .seq = 5002);
    ends_as(&t, CLOSED_WITH_RST);
    t_time_wait(&t);
    t_send(&t, CLIENT, .flags = RSTACK);
    ends_as(&t, CLOSED_WITH_RST);
    talk(&t);
    t_send(&t, SERVER, .flags = RST, .seq = 5012 + T_WINDOW);
    t_send(&t, CLIENT, .flags = FIN);
    t_send(&t, SERVER, .flags = FIN);
    t_send(&t, CLIENT, .flags = TL_ACK);
    t_send(&t, SERVER, .flags = RST, .seq = 5012);
    ends_as(&t, CLOSED_WITH_RST);
}

static void reset_by_a_closed_end(void **state)
{
    struct t_talk t;

    (void)state;
    t_fin_wait_2(&t);
    t_send(&t, SERVER, .len = 10);
    t_send(&t, CLIENT, .flags = RST, .seq = 1002);
    t_is(&t, rst_cause, RST_CAUSE, DATA_AFTER_CLOSE);
    ends_as(&t, CLOSED_WITH_RST);
    t_fin_wait_2(&t);
    t_send(&t, CLIENT, .flags = RST, .seq = 1002);
    t_is(&t, rst_cause, RST_CAUSE, LINGER2);
    ends_as(&t, CLOSED_WITH_RST);
    t_last_ack(&t);
    t_send(&t, CLIENT, .flags = RST, .seq = 1002);
    t_is(&t, rst_cause, RST_CAUSE, AFTER_CLOSE);
    ends_as(&t, CLOSED_WITH_RST);
}

/* FIN, FIN with ACK, RST with the ACK number of the last ACK: everything of both ends has arrived. */
static void reset_in_place_of_the_last_ack(void **state)
{
    struct t_talk t;

    (void)state;
    t_last_ack(&t);
    t_send(&t, CLIENT, .flags = RSTACK, .ack = 5002);
    t_is(&t, rst_cause, RST_CAUSE, ABORT_AFTER_FIN);
    ends_as(&t, CLOSED_WITH_RST);
    t_last_ack(&t);
    t_send(&t, CLIENT, .flags = RSTACK, .ack = 5001); /* the other FIN has not arrived: it carried nothing */
    t_is(&t, rst_cause, RST_CAUSE, ABORT_AFTER_FIN);
    ends_as(&t, CLOSED_WITH_RST);
    t_fin_wait_1(&t);
    t_send(&t, SERVER, .flags = FIN, .ack = 1001); /* nobody knows whether the client's FIN arrived: both have closed */
    t_send(&t, CLIENT, .flags = RSTACK, .ack = 5002);
    t_is(&t, rst_cause, RST_CAUSE, ABORT_AFTER_FIN);
    ends_as(&t, CLOSED_WITH_RST);
}

static void closing(void **state)
{
    struct t_talk t;

    (void)state;
    t_fin_wait_1(&t);
    ends_as(&t, CLOSING);
    t_fin_wait_2(&t);
    ends_as(&t, CLOSING);
    t_last_ack(&t);
    ends_as(&t, CLOSING);
}

static void open_is_open(void **state)
{
    struct t_talk t;

    (void)state;
    t_established(&t);
    judged(&t, OPEN);
    failed_by(&t, NONE);
    t_end(&t);
    t_midstream(&t);
    ends_as(&t, OPEN);
}

/* The server accepts another SYN: it had no longer the old connection, or took the new one for better. */
static void superseded(void **state)
{
    struct tl_conn *old;
    struct t_talk t;

    (void)state;
    for (unsigned closed = 0; closed < 2; closed++) {
        closed ? t_time_wait(&t) : talk(&t);
        old = t.v.conn;
        t_send(&t, CLIENT, .flags = SYN, .seq = 70000, .wait_ns = T_SECOND);
        t_send(&t, SERVER, .flags = SYNACK, .seq = 90000, .ack = 70001);
        tl_conn_facts(old, t.now_ns, &t.facts);
        if (closed) {
            t_fact_is(&t, verdict, VERDICT, OK);
        } else {
            t_fact_is(&t, verdict, VERDICT, SUPERSEDED);
        }
        t_end(&t);
    }
}

/* ---- accepted and closed at once ------------------------------------------------------------------------------------------------ */

static void server_closes_after(int64_t wait_ns, unsigned flags, enum tl_open_failure expected)
{
    struct t_talk t;

    t_established(&t);
    t_send(&t, SERVER, .flags = flags, .wait_ns = wait_ns);
    t_know(&t, 0);
    assert_string_equal(t_name(TL_GROUP_OPEN_FAILURE, t.facts.open_failure), t_name(TL_GROUP_OPEN_FAILURE, expected));
    t_end(&t);
}

/* threshold: AT_ONCE_NS */
static void closed_at_once_is_within_a_second(void **state)
{
    (void)state;
    server_closes_after(T_SECOND, FIN, TL_OPEN_FAILURE_CLOSED_AT_ONCE);
    server_closes_after(T_SECOND + 1, FIN, TL_OPEN_FAILURE_NONE);
    server_closes_after(T_SECOND, RSTACK, TL_OPEN_FAILURE_CLOSED_AT_ONCE);
    server_closes_after(T_SECOND + 1, RSTACK, TL_OPEN_FAILURE_NONE);
}

/* It said something, or said what was not captured; the client closed first, or at the same time; the handshake was not seen. */
static void not_closed_at_once(void **state)
{
    struct t_talk t;

    (void)state;
    t_established(&t);
    t_send(&t, SERVER, .len = 1);
    t_send(&t, SERVER, .flags = FIN);
    t_know(&t, 0);
    failed_by(&t, NONE);
    t_end(&t);
    t_established(&t);
    t_send(&t, CLIENT, .ack = 5101); /* 100 octets were not captured */
    t_send(&t, SERVER, .flags = FIN, .seq = 5101);
    t_know(&t, 0);
    failed_by(&t, NONE);
    t_end(&t);
    t_last_ack(&t);
    t_know(&t, 0);
    failed_by(&t, NONE);
    t_end(&t);
    t_fin_wait_1(&t);
    t_send(&t, SERVER, .flags = RSTACK);
    t_know(&t, 0);
    failed_by(&t, NONE);
    t_end(&t);
    t_established(&t);
    t_send(&t, SERVER, .flags = FIN);
    t_send(&t, CLIENT, .flags = FIN, .ack = 5001);
    t_know(&t, 0);
    failed_by(&t, NONE);
    t_end(&t);
    t_midstream(&t);
    t_send(&t, SERVER, .flags = FIN);
    t_know(&t, 0);
    failed_by(&t, NONE);
    t_end(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pending_then_unanswered),
        cmocka_unit_test(pending_then_half_open),
        cmocka_unit_test(half_open_however_often_the_server_repeats),
        cmocka_unit_test(refused),
        cmocka_unit_test(refused_and_then_accepted_is_open),
        cmocka_unit_test(unreachable),
        cmocka_unit_test(challenged),
        cmocka_unit_test(wrong_numbers),
        cmocka_unit_test(scan_is_at_once),
        cmocka_unit_test(unsolicited_synack_is_no_scan),
        cmocka_unit_test(server_rejects_the_ack),
        cmocka_unit_test(forged_reset_in_the_handshake_is_no_scan),
        cmocka_unit_test(aborted),
        cmocka_unit_test(reset_with_the_fin),
        cmocka_unit_test(abort_repeated_after_a_challenge),
        cmocka_unit_test(state_lost),
        cmocka_unit_test(state_lost_before_a_new_connection),
        cmocka_unit_test(reset_without_a_known_cause),
        cmocka_unit_test(answer_to_a_senseless_segment_lost_nothing),
        cmocka_unit_test(only_resets_are_unknown),
        cmocka_unit_test(injected),
        cmocka_unit_test(injected_is_not_closed_at_once),
        cmocka_unit_test(rejected_wins_over_injected),
        cmocka_unit_test(possibly_injected_is_an_abort),
        cmocka_unit_test(timed_out_by_keepalive),
        cmocka_unit_test(timed_out_by_window_probe),
        cmocka_unit_test(timed_out_by_retransmission),
        cmocka_unit_test(timed_out_from_the_third_retransmission),
        cmocka_unit_test(timed_out_from_the_third_probe),
        cmocka_unit_test(timed_out_from_the_third_repetition_of_the_fin),
        cmocka_unit_test(answered_probes_time_nothing_out),
        cmocka_unit_test(repairs_of_one_flight_are_no_timeouts),
        cmocka_unit_test(copies_are_no_retransmissions),
        cmocka_unit_test(any_word_of_the_peer_is_an_answer),
        cmocka_unit_test(both_repeat_themselves),
        cmocka_unit_test(repetition_with_a_new_ack_answers),
        cmocka_unit_test(strangers_do_not_answer),
        cmocka_unit_test(one_direction),
        cmocka_unit_test(abort_of_a_dead_connection_timed_out),
        cmocka_unit_test(ok),
        cmocka_unit_test(ok_after_a_reset_out_of_window),
        cmocka_unit_test(reset_after_the_close),
        cmocka_unit_test(reset_by_a_closed_end),
        cmocka_unit_test(reset_in_place_of_the_last_ack),
        cmocka_unit_test(closing),
        cmocka_unit_test(open_is_open),
        cmocka_unit_test(superseded),
        cmocka_unit_test(closed_at_once_is_within_a_second),
        cmocka_unit_test(not_closed_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
