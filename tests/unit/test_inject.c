/* test_inject.c - tests of tl_inject: evidence that a RST is not from the end that it names, with the guard of each bit;
 * the verdict. Stage and signature: test_inject_pattern.c. Rules: docs/design.md, "Evidence of injection".
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "tl_test.h"

#include "rules/tl_inject.h"

enum { SYN = TL_SYN, SYNACK = TL_SYN | TL_ACK, FIN = TL_FIN | TL_ACK, RST = TL_RST, RSTACK = TL_RST | TL_ACK };
enum { TS = TL_OPT_TIMESTAMPS, TTL = 50 };

#define injected_is(t, TAG) t_is(t, injected, INJECTED, TAG)

/* A segment as the engine takes it, with relative numbers; what t_send cannot say is TTL and an exact acknowledgment field. */
struct odd {
    unsigned flags, from, window;
    uint32_t seq, ack, len, tsval;
    int64_t wait_ns;
    uint16_t ip_id, options;
    uint8_t ttl;
};

static void odd_segment(struct t_talk *t, const struct odd *say)
{
    t->now_ns += say->wait_ns == 0 ? T_MS : say->wait_ns == T_SAME_TIME ? 0 : say->wait_ns;
    assert_true(tl_pair_update(t->pair,
                               SEGMENT(.time_ns = t->now_ns, .frame = ++t->frame, .seq = say->seq, .ack = say->ack,
                                       .len = say->len, .window = (uint16_t)say->window, .ip_id = say->ip_id,
                                       .ttl = say->ttl == 0 ? 64 : say->ttl, .flags = (uint8_t)say->flags,
                                       .from = (uint8_t)say->from, .options = say->options, .tsval = say->tsval),
                               &t->v));
}

#define t_odd(t, ...) odd_segment(t, &(struct odd){__VA_ARGS__})

/* The RST that the client would send now: seq 1021, ack 5011, window 1000, TTL 64. Change one thing, and say what it shows. */
#define good_rst .flags = RSTACK, .seq = 1021, .ack = 5011, .window = T_WINDOW

/* Open and acknowledged: the client has sent 1001-1020, in two segments, the server 5001-5010. RTT 2 ms. */
static void open_connection(struct t_talk *t, uint16_t options)
{
    t_syn_sent(t);
    t_send(t, SERVER, .flags = SYNACK, .options = options);
    t_send(t, CLIENT, .flags = TL_ACK, .ip_id = 100, .options = options & TS);
    t_send(t, CLIENT, .len = 10, .ip_id = 101, .options = options & TS, .tsval = 1);
    t_send(t, SERVER, .len = 10, .options = options & TS, .tsval = 1, .tsecr = 1);
    t_send(t, CLIENT, .len = 10, .ip_id = 102, .options = options & TS, .tsval = 2, .tsecr = 1);
    t_send(t, SERVER, .options = options & TS, .tsval = 2, .tsecr = 2);
}

/* As above, with timestamps offered by both SYNs. */
static void open_with_timestamps(struct t_talk *t)
{
    t_start(t);
    t_send(t, CLIENT, .flags = SYN, .options = TS, .tsval = 1);
    t_send(t, SERVER, .flags = SYNACK, .options = TS, .tsval = 1, .tsecr = 1);
    t_send(t, CLIENT, .options = TS, .tsval = 2, .tsecr = 1);
    t_send(t, CLIENT, .len = 20, .options = TS, .tsval = 3, .tsecr = 1);
    t_send(t, SERVER, .len = 10, .options = TS, .tsval = 2, .tsecr = 3);
}

static void evidence_is(const struct t_talk *t, unsigned evidence)
{
    assert_int_equal(t->v.shape.evidence, evidence);
}

/* ---- the verdict ------------------------------------------------------------------------------------------------------- */

/* possible: weight 3. likely: weight 5 with two bits of 2 or more, or sender_continues and anything else. */
/* threshold: LIKELY_WEIGHT, POSSIBLE_WEIGHT, STRONG_BITS, STRONG_WEIGHT */
static void verdict_by_weight(void **state)
{
    static const struct {
        unsigned evidence;
        enum tl_injected verdict;
    } rows[] = {
        {0, TL_INJECTED_NO},
        {TL_EVIDENCE_TTL, TL_INJECTED_NO},
        {TL_EVIDENCE_WINDOW | TL_EVIDENCE_BURST, TL_INJECTED_NO},
        {TL_EVIDENCE_WINDOW | TL_EVIDENCE_BURST | TL_EVIDENCE_NO_TIMESTAMP, TL_INJECTED_POSSIBLE},
        {TL_EVIDENCE_TTL | TL_EVIDENCE_TTL_WEAK, TL_INJECTED_POSSIBLE},
        {TL_EVIDENCE_SEQ_AHEAD, TL_INJECTED_POSSIBLE},
        {TL_EVIDENCE_SENDER_CONTINUES, TL_INJECTED_POSSIBLE},
        {TL_EVIDENCE_STALE_SEQ | TL_EVIDENCE_TTL, TL_INJECTED_POSSIBLE},                           /* 4 */
        {TL_EVIDENCE_STALE_SEQ | TL_EVIDENCE_ACK_CHANGE | TL_EVIDENCE_WINDOW, TL_INJECTED_LIKELY}, /* 5, two strong */
        {TL_EVIDENCE_SEQ_AHEAD | TL_EVIDENCE_IP_ID, TL_INJECTED_LIKELY},
        {TL_EVIDENCE_SEQ_AHEAD | TL_EVIDENCE_WINDOW | TL_EVIDENCE_BURST, TL_INJECTED_POSSIBLE}, /* 5, one strong */
        {TL_EVIDENCE_TTL_WEAK | TL_EVIDENCE_NO_TIMESTAMP | TL_EVIDENCE_WINDOW | TL_EVIDENCE_BURST | TL_EVIDENCE_PEER_UNHARMED,
         TL_INJECTED_POSSIBLE}, /* 5, none strong */
        {TL_EVIDENCE_SENDER_CONTINUES | TL_EVIDENCE_WINDOW, TL_INJECTED_LIKELY},
        {TL_EVIDENCE_SENDER_CONTINUES | TL_EVIDENCE_PEER_UNHARMED, TL_INJECTED_LIKELY},
    };

    (void)state;
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(tl_inject_verdict(rows[i].evidence), rows[i].verdict);
    }
}

static void ordinary_reset_shows_nothing(void **state)
{
    struct t_talk t;

    (void)state;
    open_connection(&t, 0);
    t_odd(&t, good_rst, .ip_id = 103);
    evidence_is(&t, 0);
    injected_is(&t, NO);
    t_end(&t);
    open_connection(&t, 0);
    t_odd(&t, .flags = RST, .seq = 1021, .wait_ns = T_SECOND); /* stateless answer: no ID, no window */
    evidence_is(&t, 0);
    t_end(&t);
    t_syn_sent(&t); /* a refusal shows nothing, whatever it looks like */
    t_odd(&t, .flags = RSTACK, .from = SERVER, .ack = 1001, .window = 9999, .ttl = 200);
    t_is(&t, rst_cause, RST_CAUSE, REFUSED);
    evidence_is(&t, 0);
    t_end(&t);
}

/* ---- evidence in one RST ------------------------------------------------------------------------------------------------ */

/* Hops from the next initial TTL of 32, 64, 128, 255: the client's 64 is 0 hops. */
/* threshold: ID_MARGIN, ID_SAMPLES, SEQ_MARGIN, TTL_MARGIN, WINDOW_PERCENT */
static void ttl(void **state)
{
    static const struct {
        uint8_t ttl;
        unsigned evidence;
    } rows[] = {
        {63, 0},
        {62, TL_EVIDENCE_TTL},
        {65, TL_EVIDENCE_TTL},
        {128, TL_EVIDENCE_TTL_WEAK},
        {127, TL_EVIDENCE_TTL_WEAK},
        {126, TL_EVIDENCE_TTL},
        {255, TL_EVIDENCE_TTL_WEAK},
        {32, TL_EVIDENCE_TTL_WEAK},
        {1, TL_EVIDENCE_TTL},
    };
    struct t_talk t;

    (void)state;
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        open_connection(&t, 0);
        t_odd(&t, good_rst, .ip_id = 103, .ttl = rows[i].ttl);
        evidence_is(&t, rows[i].evidence);
        t_end(&t);
    }
}

/* At least three IDs that count up by 1 to 1,000; the RST more than 1,000 off the next one; 0 says nothing. */
/* threshold: ID_MARGIN, ID_SAMPLES, SEQ_MARGIN, TTL_MARGIN, WINDOW_PERCENT */
static void ip_id(void **state)
{
    static const struct {
        uint16_t id;
        bool odd;
    } rows[] = {{103, false}, {1103, false}, {1104, true}, {0, false}, {64639, false}, {64638, true}, {30000, true}};
    struct t_talk t;

    (void)state;
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        open_connection(&t, 0);
        t_odd(&t, good_rst, .ip_id = rows[i].id);
        evidence_is(&t, rows[i].odd ? TL_EVIDENCE_IP_ID : 0);
        t_end(&t);
    }
}

/* threshold: ID_MARGIN, ID_SAMPLES, SEQ_MARGIN, TTL_MARGIN, WINDOW_PERCENT */
static void ip_id_needs_three_that_count(void **state)
{
    static const struct {
        uint16_t ids[3];
        bool odd;
    } rows[] = {{{0, 101, 102}, false}, {{1, 2, 3}, true},  {{1, 1001, 2001}, true},  {{1, 1002, 1003}, false},
                {{3, 2, 1}, false},     {{5, 5, 6}, false}, {{65534, 65535, 1}, true}};
    struct t_talk t;

    (void)state;
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        t_syn_received(&t);
        for (unsigned k = 0; k < 3; k++) {
            t_send(&t, CLIENT, .len = 10, .ip_id = rows[i].ids[k]);
        }
        t_odd(&t, .flags = RSTACK, .seq = 1031, .ack = 5001, .window = T_WINDOW, .ip_id = 30000);
        evidence_is(&t, rows[i].odd ? TL_EVIDENCE_IP_ID : 0);
        t_end(&t);
    }
}

/* RFC 7323 3.2 asks for timestamps on a RST. A stateless answer has none. */
static void no_timestamp(void **state)
{
    struct t_talk t;

    (void)state;
    open_with_timestamps(&t);
    t_odd(&t, good_rst);
    evidence_is(&t, TL_EVIDENCE_NO_TIMESTAMP);
    t_end(&t);
    open_with_timestamps(&t);
    t_odd(&t, good_rst, .options = TS, .tsval = 5);
    evidence_is(&t, 0);
    t_end(&t);
    open_with_timestamps(&t);
    t_odd(&t, .flags = RST, .seq = 1021);
    t_is(&t, rst_form, RST_FORM, REPLY_ACK);
    evidence_is(&t, 0);
    t_end(&t);
    open_connection(&t, TS); /* only the server offered them */
    t_odd(&t, good_rst, .ip_id = 103);
    evidence_is(&t, 0);
    t_end(&t);
}

/* A live connection sends about its last window, 25 % off at most, or 0; a stateless answer sends 0. */
/* threshold: ID_MARGIN, ID_SAMPLES, SEQ_MARGIN, TTL_MARGIN, WINDOW_PERCENT */
static void window(void **state)
{
    static const struct {
        unsigned window;
        bool odd;
    } rows[] = {{1000, false}, {1250, false}, {1251, true}, {750, false}, {749, true}, {0, false}, {65535, true}};
    struct t_talk t;

    (void)state;
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        open_connection(&t, 0);
        t_odd(&t, .flags = RSTACK, .seq = 1021, .ack = 5011, .window = rows[i].window, .ip_id = 103);
        evidence_is(&t, rows[i].odd ? TL_EVIDENCE_WINDOW : 0);
        t_end(&t);
    }
    open_connection(&t, 0);
    t_odd(&t, .flags = RST, .seq = 1021, .window = 1);
    t_is(&t, rst_form, RST_FORM, REPLY_ACK);
    evidence_is(&t, TL_EVIDENCE_WINDOW);
    t_end(&t);
}

/* RFC 7323 2.2: the window of a SYN-ACK is not scaled, that of the RST after it is. 65,160 and 509 << 7 are the same window. */
/* threshold: ID_MARGIN, ID_SAMPLES, SEQ_MARGIN, TTL_MARGIN, WINDOW_PERCENT */
static void window_is_compared_after_scaling(void **state)
{
    struct t_talk t;

    (void)state;
    t_start(&t);
    t_send(&t, CLIENT, .flags = SYN, .options = TL_OPT_WINDOW_SCALE, .window_scale = 7, .window = 64240);
    t_send(&t, SERVER, .flags = SYNACK, .options = TL_OPT_WINDOW_SCALE, .window_scale = 7, .window = 65160);
    t_send(&t, CLIENT, .len = 10, .window = 502);
    t_odd(&t, .flags = RSTACK, .from = SERVER, .seq = 5001, .ack = 1011, .window = 509);
    t_is(&t, rst_form, RST_FORM, ACTIVE);
    evidence_is(&t, 0);
    t_end(&t);
}

/* Behind bytes of the same end that had passed; not when it answers something, not after a FIN, not number 0. */
static void stale_seq(void **state)
{
    struct t_talk t;

    (void)state;
    open_connection(&t, 0);
    t_odd(&t, .flags = RSTACK, .seq = 1020, .ack = 5011, .window = T_WINDOW, .ip_id = 103);
    assert_true(t.v.shape.evidence & TL_EVIDENCE_STALE_SEQ);
    assert_true(t.v.shape.evidence & TL_EVIDENCE_PEER_UNHARMED); /* below the window: ignored */
    injected_is(&t, POSSIBLE);
    t_end(&t);
    open_connection(&t, 0);
    t_odd(&t, .flags = RSTACK, .seq = 0, .ack = 5011, .window = T_WINDOW, .ip_id = 103);
    assert_false(t.v.shape.evidence & TL_EVIDENCE_STALE_SEQ);
    t_end(&t);
    open_connection(&t, 0);
    t_send(&t, CLIENT, .flags = FIN, .ip_id = 103);
    t_odd(&t, .flags = RSTACK, .seq = 1021, .ack = 5011, .window = T_WINDOW, .ip_id = 104);
    assert_false(t.v.shape.evidence & TL_EVIDENCE_STALE_SEQ);
    t_end(&t);
    open_connection(&t, 0);
    t_send(&t, CLIENT, .len = 10, .ip_id = 103);
    t_odd(&t, .flags = RST, .seq = 1021); /* answers the ACK before: stateless */
    t_is(&t, rst_form, RST_FORM, REPLY_ACK);
    assert_false(t.v.shape.evidence & TL_EVIDENCE_STALE_SEQ);
    t_end(&t);
}

/* RFC 5961 3.2: challenged, or ignored while the connection is open. After the end nothing is left to be harmed. */
static void peer_unharmed(void **state)
{
    struct t_talk t;

    (void)state;
    open_connection(&t, 0);
    t_odd(&t, .flags = RST, .seq = 1521, .wait_ns = T_SECOND);
    t_is(&t, rst_effect, RST_EFFECT, CHALLENGE);
    evidence_is(&t, TL_EVIDENCE_PEER_UNHARMED);
    t_end(&t);
    open_connection(&t, 0);
    t_odd(&t, .flags = RST, .seq = 900000, .wait_ns = T_SECOND);
    t_is(&t, rst_effect, RST_EFFECT, IGNORED);
    evidence_is(&t, TL_EVIDENCE_PEER_UNHARMED);
    t_end(&t);
    open_connection(&t, 0);
    t_odd(&t, good_rst, .ip_id = 103);
    t_odd(&t, .flags = RST, .seq = 900000, .wait_ns = 10 * T_SECOND);
    assert_false(t.v.shape.evidence & TL_EVIDENCE_PEER_UNHARMED);
    t_end(&t);
}

/* A late fact: the challenge ACK shows that the RST ended nothing. */
static void challenge_shows_the_peer_unharmed(void **state)
{
    struct t_talk t;

    (void)state;
    open_connection(&t, 0);
    t_odd(&t, good_rst, .ip_id = 103);
    evidence_is(&t, 0);
    t_send(&t, SERVER, .ack = 1021);
    t_is(&t, ack, ACK, CHALLENGE);
    assert_int_equal(t.v.refs.revoked_in, 8);
    t_know(&t, 0);
    assert_int_equal(t.facts.evidence[CLIENT], TL_EVIDENCE_PEER_UNHARMED);
    t_end(&t);
}

/* ---- evidence in several ------------------------------------------------------------------------------------------------ */

/* The second one within 2 s: more than 2 above the first, above everything sent, and no FIN. */
/* threshold: ID_MARGIN, ID_SAMPLES, PAIR_NS, SEQ_MARGIN, TTL_MARGIN, WINDOW_PERCENT */
static void seq_ahead(void **state)
{
    static const struct {
        uint32_t seq;
        int64_t wait_ns;
        bool ahead;
    } rows[] = {{1024, T_MS, true}, {1023, T_MS, false}, {1024, 2 * T_SECOND, true}, {1024, 2 * T_SECOND + 1, false}};
    struct t_talk t;

    (void)state;
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        open_connection(&t, 0);
        t_odd(&t, good_rst, .ip_id = 103);
        t_odd(&t, .flags = RSTACK, .seq = rows[i].seq, .ack = 5011, .window = T_WINDOW, .ip_id = 104,
              .wait_ns = rows[i].wait_ns);
        assert_int_equal((t.v.shape.evidence & TL_EVIDENCE_SEQ_AHEAD) != 0, rows[i].ahead);
        t_end(&t);
    }
    for (unsigned from = 0; from < 2; from++) {
        open_connection(&t, 0);
        t_send(&t, from, .flags = FIN, .ip_id = 103);
        t_odd(&t, .flags = RSTACK, .seq = 1022, .ack = 5011, .window = T_WINDOW, .ip_id = 104);
        t_odd(&t, .flags = RSTACK, .seq = 1525, .ack = 5011, .window = T_WINDOW, .ip_id = 105);
        assert_false(t.v.shape.evidence & TL_EVIDENCE_SEQ_AHEAD);
        t_end(&t);
    }
}

/* Another ACK field within 2 s, neither 0 nor one of the numbers that the client may acknowledge. */
/* threshold: PAIR_NS */
static void ack_change(void **state)
{
    static const struct {
        uint32_t ack;
        int64_t wait_ns;
        bool change;
    } rows[] = {
        {5011, T_MS, false}, {5021, T_MS, false}, {5022, T_MS, true},         {5010, T_MS, true},
        {0, T_MS, false},    {9000, T_MS, true},  {9000, 2 * T_SECOND, true}, {9000, 2 * T_SECOND + 1, false},
    };
    struct t_talk t;

    (void)state;
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        open_connection(&t, 0);
        t_send(&t, CLIENT, .ip_id = 103); /* acknowledges up to 5011 */
        t_send(&t, SERVER, .len = 10);    /* up to 5021 is out */
        t_odd(&t, good_rst, .ip_id = 104);
        t_odd(&t, .flags = RSTACK, .seq = 1021, .ack = rows[i].ack, .window = T_WINDOW, .ip_id = 105,
              .wait_ns = rows[i].wait_ns);
        assert_int_equal((t.v.shape.evidence & TL_EVIDENCE_ACK_CHANGE) != 0, rows[i].change);
        t_end(&t);
    }
}

/* The third within 10 ms, without a trigger of its own. */
/* threshold: BURST_NS */
static void burst(void **state)
{
    static const int64_t waits_ns[] = {5 * T_MS, 5 * T_MS + 1};
    struct t_talk t;

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        open_connection(&t, 0);
        t_odd(&t, good_rst, .ip_id = 103);
        t_odd(&t, good_rst, .ip_id = 104, .wait_ns = 5 * T_MS);
        assert_false(t.v.shape.evidence & TL_EVIDENCE_BURST);
        t_odd(&t, good_rst, .ip_id = 105, .wait_ns = waits_ns[i]);
        assert_int_equal((t.v.shape.evidence & TL_EVIDENCE_BURST) != 0, i == 0);
        t_end(&t);
    }
}

/* Three segments of the server meet a closed client: three answers are no burst. */
static void answers_are_no_burst(void **state)
{
    struct t_talk t;

    (void)state;
    open_connection(&t, 0);
    for (unsigned i = 0; i < 3; i++) {
        t_send(&t, SERVER, .len = 10);
    }
    for (unsigned i = 0; i < 3; i++) {
        t_odd(&t, .flags = RST, .seq = 1021);
        t_is(&t, rst_form, RST_FORM, REPLY_ACK);
        assert_false(t.v.shape.evidence & TL_EVIDENCE_BURST);
    }
    t_end(&t);
}

/* ---- the sender goes on -------------------------------------------------------------------------------------------------- */

/* Something new later than max(3 ms, RTT / 2): the RST was not its own. */
static void continues(int64_t rtt_ns, int64_t wait_ns, bool proves)
{
    struct t_talk t;

    t_syn_sent(&t);
    t_send(&t, SERVER, .flags = SYNACK, .wait_ns = rtt_ns / 2);
    t_send(&t, CLIENT, .wait_ns = rtt_ns / 2);
    t_odd(&t, .flags = RSTACK, .seq = 1001, .ack = 5001, .window = T_WINDOW);
    t_send(&t, CLIENT, .len = 10, .wait_ns = wait_ns);
    assert_int_equal(t.v.refs.disowned_in, proves ? 4 : 0);
    t_know(&t, 0);
    assert_int_equal(t.facts.evidence[CLIENT], proves ? TL_EVIDENCE_SENDER_CONTINUES : 0);
    assert_int_equal(t.facts.injected[CLIENT], proves ? TL_INJECTED_POSSIBLE : TL_INJECTED_NO);
    t_end(&t);
}

/* threshold: UNDER_WAY_NS */
static void sender_continues(void **state)
{
    (void)state;
    continues(2 * T_MS, 3 * T_MS, false);
    continues(2 * T_MS, 3 * T_MS + 1, true);
    continues(100 * T_MS, 50 * T_MS, false);
    continues(100 * T_MS, 50 * T_MS + 1, true);
}

/* Only what is new: payload, or an acknowledgment, of bytes captured or not. Old bytes and ACKs may have been under way. */
static void only_news_shows_that_the_sender_continues(void **state)
{
    struct t_talk t;

    (void)state;
    open_connection(&t, 0);
    t_send(&t, SERVER, .len = 10);
    t_odd(&t, good_rst, .ip_id = 103);
    t_send(&t, CLIENT, .seq = 1011, .len = 10, .ack = 5011, .wait_ns = T_SECOND);
    assert_int_equal(t.v.refs.disowned_in, 0);
    t_send(&t, CLIENT, .ack = 5021, .wait_ns = T_SECOND);
    assert_int_equal(t.v.refs.disowned_in, 9);
    t_end(&t);
    open_connection(&t, 0);
    t_odd(&t, good_rst, .ip_id = 103);
    t_send(&t, CLIENT, .ack = 5050, .wait_ns = T_SECOND); /* the capture missed what it acknowledges */
    t_is(&t, ack, ACK, UNSEEN);
    assert_int_equal(t.v.refs.disowned_in, 8);
    t_end(&t);
}

/* A RST that answered a segment says only that there was no connection then. */
static void answer_is_not_disowned(void **state)
{
    struct t_talk t;

    (void)state;
    open_connection(&t, 0);
    t_odd(&t, .flags = RST, .seq = 1021);
    t_is(&t, rst_form, RST_FORM, REPLY_ACK);
    t_send(&t, CLIENT, .len = 10, .wait_ns = T_SECOND);
    assert_int_equal(t.v.refs.disowned_in, 0);
    t_end(&t);
}

/* When the clock of the capture runs backwards, nothing is collected. */
static void nothing_when_time_runs_backwards(void **state)
{
    struct t_talk t;

    (void)state;
    open_connection(&t, 0);
    t_odd(&t, .flags = RSTACK, .seq = 1001, .ack = 9000, .window = 60000, .ttl = TTL, .ip_id = 40000, .wait_ns = -T_MS);
    assert_true(t_flag(&t, TL_SHAPE_TIME_BACKWARDS));
    evidence_is(&t, 0);
    injected_is(&t, NO);
    t_end(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(verdict_by_weight),
        cmocka_unit_test(ordinary_reset_shows_nothing),
        cmocka_unit_test(ttl),
        cmocka_unit_test(ip_id),
        cmocka_unit_test(ip_id_needs_three_that_count),
        cmocka_unit_test(no_timestamp),
        cmocka_unit_test(window),
        cmocka_unit_test(window_is_compared_after_scaling),
        cmocka_unit_test(stale_seq),
        cmocka_unit_test(peer_unharmed),
        cmocka_unit_test(challenge_shows_the_peer_unharmed),
        cmocka_unit_test(seq_ahead),
        cmocka_unit_test(ack_change),
        cmocka_unit_test(burst),
        cmocka_unit_test(answers_are_no_burst),
        cmocka_unit_test(sender_continues),
        cmocka_unit_test(only_news_shows_that_the_sender_continues),
        cmocka_unit_test(answer_is_not_disowned),
        cmocka_unit_test(nothing_when_time_runs_backwards),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
