/* test_pair.c - tests of tl_pair: which connection a segment belongs to, when ports are used again. Rules I0 to I5 and the
 * resolution of a tentative connection: docs/design.md, "Incarnations".
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "tl_test.h"

enum { SYN = TL_SYN, SYNACK = TL_SYN | TL_ACK, FIN = TL_FIN | TL_ACK, RST = TL_RST, RSTACK = TL_RST | TL_ACK };
enum { NEW_ISN = 90000 };

#define conn_is(t, number) assert_int_equal(tl_conn_number((t)->v.conn), number)
#define reuse_is(t, REUSE_TAG) t_is(t, reuse, REUSE, REUSE_TAG)

/* What is known of a connection that is not that of the last segment. */
static struct tl_facts facts_of(const struct t_talk *t, const struct tl_conn *conn, int64_t after_ns)
{
    struct tl_facts facts;

    tl_conn_facts(conn, t->now_ns + after_ns, &facts);
    return facts;
}

#define facts_are(facts, member, GROUP, TAG)                                                                                   \
    assert_string_equal(t_name(TL_GROUP_##GROUP, (facts).member), t_name(TL_GROUP_##GROUP, TL_##GROUP##_##TAG))

/* An open connection, number 0, and a SYN of the client with another number, number 1. */
static struct tl_conn *tentative(struct t_talk *t)
{
    t_established(t);
    t_send(t, SERVER, .flags = TL_ACK);
    t_send(t, CLIENT, .flags = SYN, .seq = NEW_ISN);
    conn_is(t, 1);
    return t->v.conn;
}

/* ---- I0, I1: the same connection --------------------------------------------------------------------------------------------- */

static void i0_crossing_syn_belongs_to_the_connection(void **state)
{
    struct t_talk t;

    (void)state;
    t_syn_sent(&t);
    t_send(&t, SERVER, .flags = SYN);
    conn_is(&t, 0);
    reuse_is(&t, NONE);
    t_end(&t);
}

static void i1_same_isn_belongs_to_the_connection_at_any_time(void **state)
{
    struct t_talk t;

    (void)state;
    t_time_wait(&t);
    t_send(&t, CLIENT, .flags = SYN, .seq = 1000, .wait_ns = 500 * T_SECOND);
    conn_is(&t, 0);
    t_end(&t);
}

/* Known from a SYN-ACK, too. */
static void i1_isn_of_the_synack_counts(void **state)
{
    struct t_talk t;

    (void)state;
    t_established(&t);
    t_send(&t, SERVER, .flags = SYN, .seq = 5000);
    conn_is(&t, 0);
    t_end(&t);
}

/* ---- I2: after a reset ---------------------------------------------------------------------------------------------------- */

static void i2_after_rst_is_confirmed_by_a_synack(void **state)
{
    struct t_talk t;

    (void)state;
    t_established(&t);
    t_send(&t, SERVER, .flags = RSTACK);
    t_send(&t, CLIENT, .flags = SYN, .seq = NEW_ISN, .wait_ns = 2 * T_SECOND);
    conn_is(&t, 1);
    reuse_is(&t, AFTER_RST);
    assert_true(t.v.refs.reuse_elapsed_ns == 2 * T_SECOND);
    t_send(&t, SERVER, .flags = SYNACK, .seq = 70000);
    conn_is(&t, 1);
    t_know(&t, 0);
    t_fact_is(&t, reuse, REUSE, AFTER_RST);
    assert_int_equal(t.facts.incarnation, 2);
    t_end(&t);
}

/* The RST had not been taken after all: the old connection answers. */
static void i2_after_rst_is_tentative(void **state)
{
    struct t_talk t;

    (void)state;
    t_established(&t);
    t_send(&t, SERVER, .len = 10);
    t_send(&t, CLIENT, .flags = TL_ACK);
    t_send(&t, CLIENT, .flags = RSTACK);
    t_send(&t, CLIENT, .flags = SYN, .seq = NEW_ISN, .wait_ns = T_SECOND);
    t_send(&t, SERVER, .seq = 5011, .ack = 1001);
    conn_is(&t, 0);
    t_is(&t, ack, ACK, CHALLENGE);
    t_end(&t);
}

/* ---- I3: after an orderly close ---------------------------------------------------------------------------------------------- */

/* RFC 9293 3.4.2: 2 MSL are 240 s. */
static void reuse_after_close(int64_t elapsed_ns, unsigned from, enum tl_reuse reuse)
{
    struct t_talk t;

    t_time_wait(&t); /* the client holds TIME-WAIT */
    t_send(&t, from, .flags = SYN, .seq = NEW_ISN, .wait_ns = elapsed_ns);
    conn_is(&t, 1);
    assert_string_equal(t_name(TL_GROUP_REUSE, t.v.shape.reuse), t_name(TL_GROUP_REUSE, reuse));
    assert_true(t.v.refs.reuse_elapsed_ns == elapsed_ns);
    t_end(&t);
}

/* threshold: TWO_MSL_NS */
static void i3_time_wait_lasts_240_s_whoever_holds_it(void **state)
{
    (void)state;
    reuse_after_close(240 * T_SECOND - 1, SERVER, TL_REUSE_TIME_WAIT);
    reuse_after_close(240 * T_SECOND, SERVER, TL_REUSE_AFTER_CLOSE);
    reuse_after_close(240 * T_SECOND - 1, CLIENT, TL_REUSE_TIME_WAIT);
    reuse_after_close(240 * T_SECOND, CLIENT, TL_REUSE_AFTER_CLOSE);
}

/* The peer holds it and may answer by an ACK: tentative. The holder reuses its own port: final. */
static void i3_is_tentative_only_if_the_peer_holds_it(void **state)
{
    struct t_talk t;

    (void)state;
    t_time_wait(&t);
    t_send(&t, SERVER, .flags = SYN, .seq = NEW_ISN);
    t_send(&t, CLIENT, .seq = 1002, .ack = 5002);
    conn_is(&t, 0);
    t_is(&t, ack, ACK, TIME_WAIT);
    t_end(&t);

    t_time_wait(&t);
    t_send(&t, CLIENT, .flags = SYN, .seq = 3000);
    t_send(&t, SERVER, .seq = 5002, .ack = 3001); /* near both: the new one is final */
    conn_is(&t, 1);
    t_end(&t);
}

static void i3_synack_out_of_time_wait_confirms(void **state)
{
    struct t_talk t;

    (void)state;
    t_time_wait(&t);
    t_send(&t, SERVER, .flags = SYN, .seq = NEW_ISN, .wait_ns = T_SECOND);
    t_states(&t, TIME_WAIT, SYN_SENT);
    t_send(&t, CLIENT, .flags = SYNACK, .seq = 70000, .ack = NEW_ISN + 1);
    conn_is(&t, 1);
    reuse_is(&t, TIME_WAIT);
    t_is(&t, endpoint[CLIENT].state, STATE, SYN_RECEIVED);
    t_end(&t);
}

/* ---- I4: the application tries again ----------------------------------------------------------------------------------------- */

static void i4_another_isn_after_no_answer_is_a_retry(void **state)
{
    struct tl_conn *first;
    struct t_talk t;

    (void)state;
    t_syn_sent(&t);
    first = t.v.conn;
    t_send(&t, CLIENT, .flags = SYN, .seq = NEW_ISN, .wait_ns = 5 * T_SECOND);
    conn_is(&t, 1);
    reuse_is(&t, RETRY_NEW_ISN);
    t_send(&t, SERVER, .flags = SYNACK, .ack = NEW_ISN + 1);
    conn_is(&t, 1);
    t_is(&t, handshake_step, HANDSHAKE_STEP, SYNACK);
    facts_are(facts_of(&t, first, 0), outcome, OUTCOME, UNANSWERED);
    t_end(&t);
}

/* A late answer to the first attempt belongs to that. */
static void i4_late_synack_belongs_to_the_first_attempt(void **state)
{
    struct t_talk t;

    (void)state;
    t_syn_sent(&t);
    t_send(&t, CLIENT, .flags = SYN, .seq = NEW_ISN, .wait_ns = 5 * T_SECOND);
    t_send(&t, SERVER, .flags = SYNACK, .ack = 1001);
    conn_is(&t, 0);
    t_is(&t, handshake_step, HANDSHAKE_STEP, SYNACK);
    assert_int_equal(t.v.shape.error, 0);
    t_end(&t);
}

/* ---- I5: into an open connection --------------------------------------------------------------------------------------------- */

static void i5_tentative_leaves_the_server_where_it_is(void **state)
{
    struct t_talk t;

    (void)state;
    tentative(&t);
    reuse_is(&t, TENTATIVE);
    t_states(&t, SYN_SENT, ESTABLISHED);
    t_end(&t);
}

static void i5_synack_confirms_and_supersedes(void **state)
{
    struct tl_conn *old, *new;
    struct t_talk t;

    (void)state;
    t_established(&t);
    old = t.v.conn;
    t_send(&t, CLIENT, .flags = SYN, .seq = NEW_ISN, .wait_ns = T_SECOND);
    new = t.v.conn;
    t_send(&t, SERVER, .flags = SYNACK, .seq = 70000, .ack = NEW_ISN + 1);
    assert_ptr_equal(t.v.conn, new);
    reuse_is(&t, SUPERSEDE);
    t_is(&t, endpoint[SERVER].state, STATE, SYN_RECEIVED);
    t_send(&t, CLIENT, .flags = TL_ACK);
    conn_is(&t, 1);
    facts_are(facts_of(&t, old, 0), kind, KIND, SUPERSEDED);
    facts_are(facts_of(&t, new, 0), reuse, REUSE, SUPERSEDE);
    facts_are(facts_of(&t, new, 0), outcome, OUTCOME, COMPLETE);
    t_end(&t);
}

static void i5_a_synack_that_does_not_fit_confirms_nothing(void **state)
{
    struct t_talk t;

    (void)state;
    tentative(&t);
    t_send(&t, SERVER, .flags = SYNACK, .seq = 5000, .ack = 1001); /* the old one's, again */
    conn_is(&t, 0);
    t_end(&t);
}

/* RFC 5961 4: both go on with the numbers of the old connection. */
static void i5_challenge_without_a_reset_rejects_the_syn(void **state)
{
    struct tl_conn *new;
    struct t_talk t;

    (void)state;
    new = tentative(&t);
    t_send(&t, SERVER, .seq = 5001, .ack = 1001);
    conn_is(&t, 0);
    t_is(&t, ack, ACK, CHALLENGE);
    facts_are(facts_of(&t, new, 0), outcome, OUTCOME, CHALLENGED);
    for (unsigned i = 0; i < 3; i++) {
        t_send(&t, CLIENT, .seq = 1001 + 5 * i, .len = 5, .ack = 5001, .wait_ns = T_SECOND);
        conn_is(&t, 0);
        t_is(&t, phase, PHASE, ESTABLISHED);
        t_send(&t, SERVER, .seq = 5001, .ack = 1006 + 5 * i);
        conn_is(&t, 0);
        t_states(&t, ESTABLISHED, ESTABLISHED);
    }
    facts_are(facts_of(&t, new, 0), reuse, REUSE, REJECTED);
    t_end(&t);
}

static void i5_challenge_and_reset_end_the_old_connection(void **state)
{
    struct tl_conn *old, *new;
    struct t_talk t;

    (void)state;
    t_established(&t);
    t_send(&t, SERVER, .flags = TL_ACK);
    old = t.v.conn;
    t_send(&t, CLIENT, .flags = SYN, .seq = NEW_ISN);
    new = t.v.conn;
    t_send(&t, SERVER, .seq = 5001, .ack = 1001);
    t_send(&t, CLIENT, .flags = RST, .seq = 1001);
    assert_ptr_equal(t.v.conn, new);
    t_is(&t, rst_cause, RST_CAUSE, HALF_OPEN_SYN);
    facts_are(facts_of(&t, old, 0), kind, KIND, RST);
    t_send(&t, CLIENT, .flags = SYN, .seq = NEW_ISN, .wait_ns = T_SECOND);
    assert_ptr_equal(t.v.conn, new); /* before and after the RST */
    t_is(&t, handshake_step, HANDSHAKE_STEP, SYN_RETRANSMISSION);
    t_send(&t, SERVER, .flags = SYNACK, .seq = 70000, .ack = NEW_ISN + 1);
    t_send(&t, CLIENT, .seq = NEW_ISN + 1, .ack = 70001);
    assert_ptr_equal(t.v.conn, new);
    facts_are(facts_of(&t, new, 0), outcome, OUTCOME, COMPLETE);
    facts_are(facts_of(&t, old, 0), kind, KIND, RST); /* not superseded */
    t_end(&t);
}

static void i5_refused_syn_leaves_the_old_connection_alone(void **state)
{
    struct tl_conn *new;
    struct t_talk t;

    (void)state;
    new = tentative(&t);
    t_send(&t, SERVER, .flags = RSTACK, .raw_seq_0 = true, .ack = NEW_ISN + 1);
    assert_ptr_equal(t.v.conn, new);
    t_is(&t, rst_cause, RST_CAUSE, REFUSED);
    facts_are(facts_of(&t, new, 0), outcome, OUTCOME, REFUSED);
    t_end(&t);
}

static void i5_unanswered_syn_leaves_the_old_connection_alone(void **state)
{
    struct tl_conn *new;
    struct t_talk t;

    (void)state;
    new = tentative(&t);
    t_send(&t, CLIENT, .seq = 1001, .ack = 5001, .len = 5, .wait_ns = T_SECOND);
    conn_is(&t, 0);
    t_is(&t, phase, PHASE, ESTABLISHED);
    t_know(&t, 0);
    t_fact_is(&t, kind, KIND, OPEN);
    facts_are(facts_of(&t, new, 3 * T_SECOND), outcome, OUTCOME, UNANSWERED);
    t_end(&t);
}

/* A reset with the numbers of the old connection belongs to that. */
static void i5_abort_of_the_old_connection_belongs_to_it(void **state)
{
    struct t_talk t;

    (void)state;
    tentative(&t);
    t_send(&t, SERVER, .flags = RSTACK, .seq = 5001, .ack = 1001, .wait_ns = T_SECOND);
    conn_is(&t, 0);
    t_is(&t, rst_cause, RST_CAUSE, ABORT);
    t_end(&t);
}

static void i5_third_syn_is_another_attempt(void **state)
{
    struct t_talk t;

    (void)state;
    tentative(&t);
    t_send(&t, CLIENT, .flags = SYN, .seq = NEW_ISN, .wait_ns = T_SECOND);
    conn_is(&t, 1);
    t_send(&t, CLIENT, .flags = SYN, .seq = 2 * NEW_ISN, .wait_ns = T_SECOND);
    conn_is(&t, 2);
    reuse_is(&t, RETRY_NEW_ISN);
    t_send(&t, CLIENT, .seq = 1001, .ack = 5001, .len = 5); /* and the open connection still goes on */
    conn_is(&t, 0);
    t_send(&t, SERVER, .flags = SYNACK, .seq = 70000, .ack = 2 * NEW_ISN + 1);
    conn_is(&t, 2);
    t_end(&t);
}

/* ---- segments of the connection before --------------------------------------------------------------------------------------- */

static void late_segment_of_the_old_connection_belongs_to_it(void **state)
{
    struct t_talk t;

    (void)state;
    t_time_wait(&t);
    t_send(&t, CLIENT, .flags = SYN, .seq = 0x10000000, .wait_ns = T_SECOND);
    t_send(&t, SERVER, .flags = SYNACK, .seq = 0x20000000, .ack = 0x10000001);
    t_send(&t, CLIENT, .seq = 0x10000001, .ack = 0x20000001);
    conn_is(&t, 1);
    t_send(&t, SERVER, .flags = FIN, .seq = 5001, .ack = 1002);
    conn_is(&t, 0);
    t_is(&t, teardown_step, TEARDOWN_STEP, FIN_RETRANSMISSION);
    t_send(&t, CLIENT, .flags = RST, .seq = 1002);
    conn_is(&t, 0);
    t_send(&t, SERVER, .seq = 0x20000001, .ack = 0x10000001, .len = 5);
    conn_is(&t, 1);
    t_end(&t);
}

/* The SYN of the old connection, delayed in the network. */
static void late_syn_of_the_old_connection_belongs_to_it(void **state)
{
    struct t_talk t;

    (void)state;
    t_established(&t);
    t_send(&t, CLIENT, .flags = SYN, .seq = NEW_ISN, .wait_ns = T_SECOND);
    t_send(&t, SERVER, .flags = SYNACK, .seq = 70000, .ack = NEW_ISN + 1);
    t_send(&t, CLIENT, .flags = SYN, .seq = 1000);
    conn_is(&t, 0);
    t_end(&t);
}

/* The SYN-ACK was not captured, but the client goes on with the new numbers. */
static void i5_client_that_goes_on_confirms(void **state)
{
    struct t_talk t;

    (void)state;
    t_established(&t);
    t_send(&t, CLIENT, .flags = SYN, .seq = 0x40000000, .wait_ns = T_SECOND);
    t_send(&t, CLIENT, .seq = 0x40000001, .ack = 0x50000001);
    conn_is(&t, 1);
    t_know(&t, 0);
    t_fact_is(&t, outcome, OUTCOME, COMPLETE_INFERRED);
    t_fact_is(&t, reuse, REUSE, SUPERSEDE);
    t_end(&t);
}

/* What was said of an older connection stays readable, and each has its number. */
static void connections_are_numbered_and_kept(void **state)
{
    enum { CONNECTIONS = 5 };
    struct tl_conn *conns[CONNECTIONS];
    struct t_talk t;

    (void)state;
    t_start(&t);
    for (unsigned i = 0; i < CONNECTIONS; i++) {
        t_send(&t, CLIENT, .flags = SYN, .seq = 1000 + 100000 * i, .wait_ns = T_SECOND);
        t_send(&t, SERVER, .flags = RSTACK, .raw_seq_0 = true, .ack = 1001 + 100000 * i);
        conns[i] = t.v.conn;
    }
    for (unsigned i = 0; i < CONNECTIONS; i++) {
        struct tl_facts facts = facts_of(&t, conns[i], 0);

        assert_int_equal(facts.number, i);
        assert_int_equal(facts.incarnation, i + 1);
        assert_int_equal(facts.isn[CLIENT], 1000 + 100000 * i);
        facts_are(facts, outcome, OUTCOME, REFUSED);
    }
    t_end(&t);
}

static void numbers_run_on_over_pairs(void **state)
{
    const struct tl_endpoints ends = {.port = {50000, 443}};
    struct tl_result result;
    struct tl_pair *other;
    struct t_talk t;

    (void)state;
    t_syn_sent(&t);
    other = tl_pair_new(t.tracker, &ends);
    assert_true(tl_pair_update(other, SEGMENT(.flags = TL_SYN, .seq = 1, .frame = 9), &result));
    assert_int_equal(tl_conn_number(result.conn), 1);
    tl_pair_free(other);
    t_end(&t);
}

/* ---- ICMP -------------------------------------------------------------------------------------------------------------- */

static void icmp_counts_only_for_a_syn_that_waits(void **state)
{
    struct t_talk t;

    (void)state;
    t_start(&t);
    tl_pair_unreachable(t.pair, CLIENT, 1000, 3, 1, 1); /* no connection at all */
    t_send(&t, CLIENT, .flags = SYN);
    tl_pair_unreachable(t.pair, CLIENT, 999, 3, 1, 2);  /* another number */
    tl_pair_unreachable(t.pair, SERVER, 1000, 3, 1, 3); /* the other direction */
    t_know(&t, 10 * T_SECOND);
    t_fact_is(&t, outcome, OUTCOME, UNANSWERED);
    assert_int_equal(t.facts.icmp_in, 0);
    t_send(&t, SERVER, .flags = SYNACK);
    t_send(&t, CLIENT, .flags = TL_ACK);
    tl_pair_unreachable(t.pair, CLIENT, 1000, 3, 1, 4); /* open already */
    t_know(&t, 0);
    t_fact_is(&t, outcome, OUTCOME, COMPLETE);
    assert_int_equal(t.facts.icmp_in, 0);
    t_end(&t);
}

static void icmp_about_a_tentative_syn(void **state)
{
    struct tl_conn *new;
    struct t_talk t;

    (void)state;
    new = tentative(&t);
    tl_pair_unreachable(t.pair, CLIENT, NEW_ISN, 3, 13, 6);
    facts_are(facts_of(&t, new, 0), outcome, OUTCOME, UNREACHABLE);
    t_end(&t);
}

/* The first attempt waits as well: its ICMP error may come after the second SYN. */
static void icmp_about_the_attempt_before(void **state)
{
    struct tl_conn *first;
    struct t_talk t;

    (void)state;
    t_syn_sent(&t);
    first = t.v.conn;
    t_send(&t, CLIENT, .flags = SYN, .seq = NEW_ISN, .wait_ns = T_SECOND);
    tl_pair_unreachable(t.pair, CLIENT, 1000, 3, 1, 3);
    facts_are(facts_of(&t, first, 0), outcome, OUTCOME, UNREACHABLE);
    t_know(&t, 0);
    t_fact_is(&t, outcome, OUTCOME, PENDING);
    t_end(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(i0_crossing_syn_belongs_to_the_connection),
        cmocka_unit_test(i1_same_isn_belongs_to_the_connection_at_any_time),
        cmocka_unit_test(i1_isn_of_the_synack_counts),
        cmocka_unit_test(i2_after_rst_is_confirmed_by_a_synack),
        cmocka_unit_test(i2_after_rst_is_tentative),
        cmocka_unit_test(i3_time_wait_lasts_240_s_whoever_holds_it),
        cmocka_unit_test(i3_is_tentative_only_if_the_peer_holds_it),
        cmocka_unit_test(i3_synack_out_of_time_wait_confirms),
        cmocka_unit_test(i4_another_isn_after_no_answer_is_a_retry),
        cmocka_unit_test(i4_late_synack_belongs_to_the_first_attempt),
        cmocka_unit_test(i5_tentative_leaves_the_server_where_it_is),
        cmocka_unit_test(i5_synack_confirms_and_supersedes),
        cmocka_unit_test(i5_a_synack_that_does_not_fit_confirms_nothing),
        cmocka_unit_test(i5_challenge_without_a_reset_rejects_the_syn),
        cmocka_unit_test(i5_challenge_and_reset_end_the_old_connection),
        cmocka_unit_test(i5_refused_syn_leaves_the_old_connection_alone),
        cmocka_unit_test(i5_unanswered_syn_leaves_the_old_connection_alone),
        cmocka_unit_test(i5_abort_of_the_old_connection_belongs_to_it),
        cmocka_unit_test(i5_third_syn_is_another_attempt),
        cmocka_unit_test(late_segment_of_the_old_connection_belongs_to_it),
        cmocka_unit_test(late_syn_of_the_old_connection_belongs_to_it),
        cmocka_unit_test(i5_client_that_goes_on_confirms),
        cmocka_unit_test(connections_are_numbered_and_kept),
        cmocka_unit_test(numbers_run_on_over_pairs),
        cmocka_unit_test(icmp_counts_only_for_a_syn_that_waits),
        cmocka_unit_test(icmp_about_a_tentative_syn),
        cmocka_unit_test(icmp_about_the_attempt_before),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
