/* test_spurious.c - tests of tl_spurious: what proves that a retransmission was not needed, and the guards of each proof.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "tl_test.h"

#include "conn/tl_conn.h"
#include "rules/tl_rexmit.h"

enum { SYN = TL_SYN, SYNACK = TL_SYN | TL_ACK, FIN = TL_FIN | TL_ACK, TS = TL_OPT_TIMESTAMPS, SACK = TL_OPT_SACK_PERMITTED };

#define spurious_is(t, TAG) t_is(t, spurious, SPURIOUS, TAG)

/* What the last segment proves of earlier retransmissions: the n-th one is that frame. */
#define proves(t, n, in, TAG)                                                                                                  \
    do {                                                                                                                       \
        assert_int_equal((t)->v.refs.proved[n].frame, in);                                                                     \
        assert_string_equal(t_name(TL_GROUP_SPURIOUS, (t)->v.refs.proved[n].spurious),                                         \
                            t_name(TL_GROUP_SPURIOUS, TL_SPURIOUS_##TAG));                                                     \
    } while (0)
#define proves_nothing(t) assert_int_equal((t)->v.refs.proved[0].frame, 0)

static int64_t wait_of(int64_t ns)
{
    return ns == 0 ? T_SAME_TIME : ns;
}

/* An open connection captured so far from the server and from the client, both there and back, and `count` segments of the
 * client with 10 octets each, from 1001 on. They are frames 4 and up. */
static void flight(struct t_talk *t, uint16_t options, int64_t server_half_rtt_ns, int64_t client_half_rtt_ns, unsigned count)
{
    t_start(t);
    t_send(t, CLIENT, .flags = SYN, .options = options);
    t_send(t, SERVER, .flags = SYNACK, .options = options, .wait_ns = wait_of(server_half_rtt_ns));
    t_send(t, CLIENT, .flags = TL_ACK, .options = options & TS, .wait_ns = wait_of(client_half_rtt_ns));
    for (unsigned i = 0; i < count; i++) {
        t_send(t, CLIENT, .len = 10, .options = options & TS, .tsval = 100, .wait_ns = T_SAME_TIME);
    }
}

/* The half RTT to the server was measured as often as makes it sure (SAMPLES_SURE). */
static void measured_often(struct t_talk *t)
{
    t->pair->newest->endpoint[1].half_rtt_count = 3;
}

/* The client sends segment number `n` of its flight, from 0, once more. */
#define again(t, n, ...) t_send(t, CLIENT, .seq = 1001 + 10 * (n), .len = 10, __VA_ARGS__)

/* ---- known at once: acknowledged --------------------------------------------------------------------------------------- */

/* Captured beside the server: the ACK passes, and reaches the client 100 ms later. What was sent before crossed it. */
static void acknowledged_before_or_crossing(void **state)
{
    static const int64_t waits_ns[] = {90 * T_MS, 90 * T_MS - 1}; /* 0.9 half_rtt, without timestamps */
    struct t_talk t;

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        flight(&t, 0, 0, 100 * T_MS, 2);
        t_send(&t, SERVER, .ack = 1021, .wait_ns = T_SAME_TIME);
        again(&t, 0, .wait_ns = waits_ns[i]);
        t_is(&t, segment, SEGMENT, RETRANSMISSION);
        if (i == 0) {
            spurious_is(&t, ACKED);
        } else {
            spurious_is(&t, ACKED_CROSSING);
        }
        t_end(&t);
    }
}

/* The same by the echo: it says exactly what the client had got. */
static void acknowledged_before_by_echo(void **state)
{
    static const uint32_t echoes[] = {501, 500};
    struct t_talk t;

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        flight(&t, TS, 0, 100 * T_MS, 2);
        t_send(&t, SERVER, .ack = 1001, .options = TS, .tsval = 500, .tsecr = 100, .wait_ns = T_SAME_TIME);
        t_send(&t, SERVER, .ack = 1021, .options = TS, .tsval = 501, .tsecr = 100, .wait_ns = T_SAME_TIME);
        again(&t, 0, .options = TS, .tsval = 150, .tsecr = echoes[i], .wait_ns = 50 * T_MS);
        if (i == 0) {
            spurious_is(&t, ACKED);
        } else {
            spurious_is(&t, ACKED_CROSSING);
        }
        t_end(&t);
    }
}

/* All of it must have been acknowledged, and it must bring nothing new. */
static void partly_acknowledged_is_not_spurious(void **state)
{
    struct t_talk t;

    (void)state;
    flight(&t, 0, 0, 0, 2);
    t_send(&t, SERVER, .ack = 1015);
    again(&t, 1, .wait_ns = 50 * T_MS);
    spurious_is(&t, NONE);
    t_end(&t);
    flight(&t, 0, 0, 0, 2);
    t_send(&t, SERVER, .ack = 1021);
    t_send(&t, CLIENT, .seq = 1011, .len = 20);
    t_is(&t, segment, SEGMENT, PARTIAL);
    spurious_is(&t, NONE);
    t_end(&t);
}

/* ---- known at once: SACKed ---------------------------------------------------------------------------------------------- */

static void sacked_before(void **state)
{
    static const int64_t waits_ns[] = {90 * T_MS, 90 * T_MS - 1};
    struct t_talk t;

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        flight(&t, SACK, 0, 100 * T_MS, 3);
        t_send(&t, SERVER, .ack = 1001, .sack_from = 1011, .wait_ns = T_SAME_TIME);
        again(&t, 1, .wait_ns = waits_ns[i]);
        if (i == 0) {
            spurious_is(&t, SACKED);
        } else {
            spurious_is(&t, NONE); /* the report was on its way */
        }
        t_end(&t);
    }
    flight(&t, SACK, 0, 0, 3);
    t_send(&t, SERVER, .ack = 1001, .sack_from = 1016);
    again(&t, 1, .wait_ns = 50 * T_MS); /* 1011 to 1020: half of it */
    spurious_is(&t, NONE);
    t_end(&t);
}

/* ---- known at once: delivered ------------------------------------------------------------------------------------------- */

/* No timestamps, no SACK, and the receiver's half RTT under a tenth of the RTT of 100 ms: what passed has arrived. */
/* threshold: DELIVERED_SHARE */
static void delivered_beside_the_receiver(void **state)
{
    static const struct {
        uint16_t options;
        int64_t server_half_rtt_ns;
        bool delivered;
    } rows[] = {
        {0, 10 * T_MS - 1, true},
        {0, 10 * T_MS, false},
        {SACK, 10 * T_MS - 1, false},
        {TS, 10 * T_MS - 1, false},
    };
    struct t_talk t;

    (void)state;
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        flight(&t, rows[i].options, rows[i].server_half_rtt_ns, 100 * T_MS - rows[i].server_half_rtt_ns, 2);
        again(&t, 0, .options = rows[i].options & TS, .tsval = 400, .wait_ns = 300 * T_MS);
        t_is(&t, segment, SEGMENT, RETRANSMISSION);
        assert_int_equal(t.v.shape.spurious, rows[i].delivered ? TL_SPURIOUS_DELIVERED : TL_SPURIOUS_NONE);
        t_end(&t);
    }
}

/* Bytes that were lost before the capture point have not arrived. */
static void delivered_only_what_was_captured(void **state)
{
    struct t_talk t;

    (void)state;
    flight(&t, 0, 0, 100 * T_MS, 1);
    t_send(&t, CLIENT, .seq = 1021, .len = 10);
    again(&t, 1, .wait_ns = 300 * T_MS); /* the hole */
    t_is(&t, segment, SEGMENT, RETRANSMISSION);
    spurious_is(&t, NONE);
    t_end(&t);
}

/* ---- proved by D-SACK, RFC 2883 ------------------------------------------------------------------------------------------ */

static void dsack_proves_the_retransmission(void **state)
{
    struct t_talk t;

    (void)state;
    flight(&t, SACK, 100 * T_MS, 0, 2);
    again(&t, 0, .wait_ns = 300 * T_MS); /* frame 6 */
    spurious_is(&t, NONE);
    assert_true(t_flag(&t, TL_SHAPE_SPURIOUS_SHOWS));
    t_send(&t, SERVER, .ack = 1021, .wait_ns = 60 * T_MS);
    proves_nothing(&t);
    t_send(&t, SERVER, .ack = 1021, .sack_from = 1001, .wait_ns = 40 * T_MS);
    proves(&t, 0, 6, DSACK);
    t_send(&t, SERVER, .ack = 1021, .sack_from = 1001); /* each report is of one copy */
    proves_nothing(&t);
    t_end(&t);
}

/* The report comes at least 0.7 half RTT after the duplicate passed. */
/* threshold: DSACK_HALF_RTT_NS, DSACK_HALF_RTT_PERCENT */
static void dsack_not_sooner_than_the_leg(void **state)
{
    static const int64_t waits_ns[] = {70 * T_MS, 70 * T_MS - 1};
    struct t_talk t;

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        flight(&t, SACK, 100 * T_MS, 0, 2);
        again(&t, 0, .wait_ns = 300 * T_MS);
        t_send(&t, SERVER, .ack = 1001, .sack_from = 1001 - 500, .wait_ns = T_SAME_TIME); /* of something else */
        proves_nothing(&t);
        t_send(&t, SERVER, .ack = 1021, .sack_from = 1001, .wait_ns = waits_ns[i]);
        if (i == 0) {
            proves(&t, 0, 6, DSACK);
        } else {
            proves_nothing(&t);
        }
        t_end(&t);
    }
}

/* A half RTT under 1 ms is the jitter of a host, and a report may come at once. */
/* threshold: DSACK_HALF_RTT_NS, DSACK_HALF_RTT_PERCENT */
static void dsack_at_once_beside_the_receiver(void **state)
{
    static const int64_t legs_ns[] = {T_MS - 1, T_MS};
    struct t_talk t;

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        flight(&t, SACK, legs_ns[i], 20 * T_MS, 2);
        again(&t, 0, .wait_ns = 300 * T_MS);
        t_send(&t, SERVER, .ack = 1021, .sack_from = 1001, .wait_ns = T_MS / 2);
        if (i == 0) {
            proves(&t, 0, 6, DSACK);
        } else {
            proves_nothing(&t);
        }
        t_end(&t);
    }
}

/* Several copies. A duplicate that ends where the ACK stands is in the window, and the echo is its own (RFC 7323 4.3): that copy,
 * else the newest that is not marked yet. */
static void dsack_means_the_copy_that_it_echoes(void **state)
{
    static const struct {
        uint32_t ack, echo, first_in, then_in;
    } rows[] = {{1011, 400, 6, 7}, {1011, 700, 7, 6}, {1011, 100, 7, 6}, {1021, 400, 7, 6}, {1021, 700, 7, 6}};
    struct t_talk t;

    (void)state;
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        flight(&t, SACK | TS, 100 * T_MS, 0, rows[i].ack == 1011 ? 1 : 2);
        again(&t, 0, .options = TS, .tsval = 400, .wait_ns = 300 * T_MS);
        again(&t, 0, .options = TS, .tsval = 700, .wait_ns = 300 * T_MS);
        t_send(&t, SERVER, .ack = rows[i].ack, .options = TS, .tsval = 900, .tsecr = 700, .wait_ns = 100 * T_MS);
        proves_nothing(&t);
        t_send(&t, SERVER, .ack = rows[i].ack, .sack_from = 1001, .options = TS, .tsval = 901, .tsecr = rows[i].echo);
        proves(&t, 0, rows[i].first_in - (rows[i].ack == 1011), DSACK);
        t_send(&t, SERVER, .ack = rows[i].ack, .sack_from = 1001, .options = TS, .tsval = 902, .tsecr = rows[i].echo);
        proves(&t, 0, rows[i].then_in - (rows[i].ack == 1011), DSACK);
        t_end(&t);
    }
}

/* What it echoes has arrived, however short the time: then the half RTT was measured too long. */
static void dsack_with_the_echo_at_any_time(void **state)
{
    static const uint32_t echoes[] = {400, 100};
    struct t_talk t;

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        flight(&t, SACK | TS, 100 * T_MS, 0, 1);
        again(&t, 0, .options = TS, .tsval = 400, .wait_ns = 300 * T_MS);
        t_send(&t, SERVER, .ack = 1011, .sack_from = 1001, .options = TS, .tsval = 900, .tsecr = echoes[i],
               .wait_ns = 60 * T_MS);
        if (i == 0) {
            proves(&t, 0, 5, DSACK);
        } else {
            proves(&t, 0, 5, TS_ECHO);
        }
        t_end(&t);
    }
}

/* ---- proved by the echo, RFC 3522 ---------------------------------------------------------------------------------------- */

/* The ACK that advances from exactly the hole echoes an older timestamp: an earlier copy filled it. */
static void echo_of_an_earlier_copy(void **state)
{
    static const struct {
        uint32_t echo;
        bool spurious;
    } rows[] = {{100, true}, {399, true}, {400, false}, {401, false}};
    struct t_talk t;

    (void)state;
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        flight(&t, TS, 100 * T_MS, 0, 2);
        again(&t, 0, .options = TS, .tsval = 400, .wait_ns = 300 * T_MS);
        t_send(&t, SERVER, .ack = 1021, .options = TS, .tsval = 900, .tsecr = rows[i].echo, .wait_ns = 100 * T_MS);
        if (rows[i].spurious) {
            proves(&t, 0, 6, TS_ECHO);
        } else {
            proves_nothing(&t);
        }
        t_end(&t);
    }
}

/* Not of another hole: the ACK that comes to 1011 and past it echoes what filled the first one (RFC 7323 4.3). */
static void echo_says_nothing_of_other_holes(void **state)
{
    struct t_talk t;

    (void)state;
    flight(&t, TS, 100 * T_MS, 0, 3);
    again(&t, 1, .options = TS, .tsval = 400, .wait_ns = 300 * T_MS);
    t_send(&t, SERVER, .ack = 1031, .options = TS, .tsval = 900, .tsecr = 100, .wait_ns = 100 * T_MS);
    proves_nothing(&t);
    t_end(&t);
}

static void echo_needs_timestamps_on_both(void **state)
{
    struct t_talk t;

    (void)state;
    flight(&t, TS, 100 * T_MS, 0, 2);
    again(&t, 0, .options = TS, .tsval = 400, .wait_ns = 300 * T_MS);
    t_send(&t, SERVER, .ack = 1021, .wait_ns = 100 * T_MS);
    proves_nothing(&t);
    t_end(&t);
    flight(&t, TS, 100 * T_MS, 0, 2);
    again(&t, 0, .wait_ns = 300 * T_MS);
    t_send(&t, SERVER, .ack = 1021, .options = TS, .tsval = 900, .tsecr = 100, .wait_ns = 100 * T_MS);
    proves_nothing(&t);
    t_end(&t);
}

/* RFC 7323 5.2: also across the wrap of the clock. */
static void echo_across_the_wrap(void **state)
{
    struct t_talk t;

    (void)state;
    flight(&t, TS, 100 * T_MS, 0, 0);
    t_send(&t, CLIENT, .len = 10, .options = TS, .tsval = UINT32_MAX - 5);
    again(&t, 0, .options = TS, .tsval = 294, .wait_ns = 300 * T_MS);
    t_is(&t, segment, SEGMENT, RETRANSMISSION);
    t_send(&t, SERVER, .ack = 1011, .options = TS, .tsval = 900, .tsecr = UINT32_MAX - 5, .wait_ns = 100 * T_MS);
    proves(&t, 0, 5, TS_ECHO);
    t_end(&t);
}

/* The SYN, too: the SYN-ACK echoes the first one. */
static void echo_of_the_first_syn(void **state)
{
    static const uint32_t echoes[] = {10, 1010};
    struct t_talk t;

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        t_start(&t);
        t_send(&t, CLIENT, .flags = SYN, .options = TS, .tsval = 10);
        t_send(&t, CLIENT, .flags = SYN, .seq = 1000, .options = TS, .tsval = 1010, .wait_ns = T_SECOND);
        t_send(&t, SERVER, .flags = SYNACK, .options = TS, .tsval = 1, .tsecr = echoes[i], .wait_ns = 200 * T_MS);
        if (i == 0) {
            proves(&t, 0, 2, TS_ECHO);
        } else {
            proves_nothing(&t);
        }
        t_end(&t);
    }
}

/* ---- proved by time ------------------------------------------------------------------------------------------------------ */

/* The ACK comes sooner than a third of the way there and back, and that is more than the jitter of a host, 3 ms. */
/* threshold: TOO_FAST_HALF_RTT_NS, TOO_FAST_SHARE */
static void acknowledged_too_soon(void **state)
{
    static const struct {
        int64_t half_rtt_ns, wait_ns;
        bool spurious;
    } rows[] = {
        {90 * T_MS, 30 * T_MS - 1, true},
        {90 * T_MS, 30 * T_MS, false},
        {3 * T_MS + 3, T_MS, true},
        {3 * T_MS, T_MS - 1, false},
    };
    struct t_talk t;

    (void)state;
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        flight(&t, 0, rows[i].half_rtt_ns, 0, 2);
        measured_often(&t);
        again(&t, 0, .wait_ns = 300 * T_MS);
        t_send(&t, SERVER, .ack = 1021, .wait_ns = rows[i].wait_ns);
        if (rows[i].spurious) {
            proves(&t, 0, 6, TOO_FAST);
        } else {
            proves_nothing(&t);
        }
        t_end(&t);
    }
}

/* The first SACK that covers it does as well; once it was answered in time, later reports are no proof. */
static void sacked_too_soon(void **state)
{
    struct t_talk t;

    (void)state;
    flight(&t, SACK, 100 * T_MS, 0, 3);
    measured_often(&t);
    again(&t, 1, .wait_ns = 300 * T_MS);
    t_send(&t, SERVER, .ack = 1001, .sack_from = 1011, .wait_ns = 30 * T_MS);
    proves(&t, 0, 7, TOO_FAST);
    t_end(&t);
    flight(&t, SACK, 100 * T_MS, 0, 3);
    measured_often(&t);
    t_send(&t, SERVER, .ack = 1001, .sack_from = 1021, .wait_ns = 100 * T_MS);
    again(&t, 0, .wait_ns = T_SAME_TIME);
    t_send(&t, SERVER, .ack = 1001, .sack_from = 1021, .wait_ns = 30 * T_MS); /* covers something else */
    proves_nothing(&t);
    t_end(&t);
}

/* A retransmission whose original was lost before the capture point can be answered at once: beside the sender it passed long
 * ago. The bytes must have been captured before. */
static void too_soon_only_if_captured_before(void **state)
{
    struct t_talk t;

    (void)state;
    flight(&t, 0, 100 * T_MS, 0, 1);
    measured_often(&t);
    t_send(&t, CLIENT, .seq = 1021, .len = 10);
    again(&t, 1, .wait_ns = 300 * T_MS); /* the hole */
    t_send(&t, SERVER, .ack = 1031, .wait_ns = 30 * T_MS);
    proves_nothing(&t);
    t_end(&t);
}

/* An ACK that echoes the retransmission, or something later, answers it. */
static void too_soon_only_without_its_echo(void **state)
{
    static const struct {
        uint32_t echo;
        bool spurious;
    } rows[] = {{399, true}, {400, false}, {401, false}};
    struct t_talk t;

    (void)state;
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        flight(&t, TS, 100 * T_MS, 0, 3);
        measured_often(&t);
        again(&t, 1, .options = TS, .tsval = 400, .wait_ns = 300 * T_MS); /* not the first that is missing: no TS_ECHO */
        t_send(&t, SERVER, .ack = 1031, .options = TS, .tsval = 900, .tsecr = rows[i].echo, .wait_ns = 30 * T_MS);
        if (rows[i].spurious) {
            proves(&t, 0, 7, TOO_FAST);
        } else {
            proves_nothing(&t);
        }
        t_end(&t);
    }
}

/* ---- the original comes late --------------------------------------------------------------------------------------------- */

static void late_original_proves_its_retransmissions(void **state)
{
    struct t_talk t;

    (void)state;
    flight(&t, TS, 100 * T_MS, 0, 1);
    measured_often(&t);
    t_send(&t, CLIENT, .seq = 1021, .len = 10, .options = TS, .tsval = 110); /* 5: leaves a hole */
    again(&t, 1, .options = TS, .tsval = 400, .wait_ns = 300 * T_MS);        /* 6, 7: twice */
    again(&t, 1, .options = TS, .tsval = 900, .wait_ns = 500 * T_MS);
    again(&t, 1, .options = TS, .tsval = 105);
    t_is(&t, segment, SEGMENT, OUT_OF_ORDER);
    t_is(&t, retransmission, RETRANSMISSION, NONE);
    proves(&t, 0, 7, LATE_ORIGINAL);
    proves(&t, 1, 6, LATE_ORIGINAL);
    t_send(&t, SERVER, .ack = 1031, .options = TS, .tsval = 1, .tsecr = 105, .wait_ns = 100 * T_MS);
    proves_nothing(&t); /* once is enough */
    t_end(&t);
}

/* ---- many -------------------------------------------------------------------------------------------------------------- */

/* At most four are named by one segment. The last 32 retransmissions are remembered. */
/* threshold: TL_RESENDS_MAX */
static void many_retransmissions(void **state)
{
    struct t_talk t;

    (void)state;
    flight(&t, SACK | TS, 100 * T_MS, 0, 40);
    measured_often(&t);
    for (uint32_t i = 0; i < 40; i++) {
        again(&t, i, .options = TS, .tsval = 500 + i); /* frames 44 to 83 */
    }
    t_send(&t, SERVER, .ack = 1401, .options = TS, .tsval = 1, .tsecr = 100); /* 1 ms after the last, 40 ms after the first */
    for (unsigned i = 0; i < TL_PROVED_MAX; i++) {
        proves(&t, i, 83 - i, TOO_FAST);
    }
    t_end(&t);
    flight(&t, SACK | TS, 100 * T_MS, 0, 40);
    measured_often(&t);
    for (uint32_t i = 0; i < 40; i++) {
        again(&t, i, .options = TS, .tsval = 500 + i);
    }
    t_send(&t, SERVER, .ack = 1401, .options = TS, .tsval = 1, .tsecr = 540, .wait_ns = 200 * T_MS);
    proves_nothing(&t);
    t_send(&t, SERVER, .ack = 1401, .sack_from = 1081, .options = TS, .tsval = 2, .tsecr = 508);
    proves(&t, 0, 52, DSACK); /* the 32nd from the end */
    t_send(&t, SERVER, .ack = 1401, .sack_from = 1071, .options = TS, .tsval = 3, .tsecr = 507);
    proves_nothing(&t); /* forgotten */
    t_end(&t);
}

/* Without timestamps, without SACK: nothing would show it. Nor with one direction only. */
static void whether_it_would_show(void **state)
{
    static const uint16_t options[] = {0, TS, SACK};
    struct t_talk t;

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        flight(&t, options[i], 100 * T_MS, 0, 2);
        measured_often(&t);
        again(&t, 0, .options = options[i] & TS, .tsval = 400, .wait_ns = 300 * T_MS);
        assert_int_equal(t_flag(&t, TL_SHAPE_SPURIOUS_SHOWS), i > 0);
        t_end(&t);
    }
    t_start(&t);
    t_send(&t, CLIENT, .len = 10, .options = TS, .tsval = 1);
    t_send(&t, CLIENT, .seq = 1000, .len = 10, .options = TS, .tsval = 300, .wait_ns = 300 * T_MS);
    assert_false(t_flag(&t, TL_SHAPE_SPURIOUS_SHOWS));
    t_end(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(acknowledged_before_or_crossing),
        cmocka_unit_test(acknowledged_before_by_echo),
        cmocka_unit_test(partly_acknowledged_is_not_spurious),
        cmocka_unit_test(sacked_before),
        cmocka_unit_test(delivered_beside_the_receiver),
        cmocka_unit_test(delivered_only_what_was_captured),
        cmocka_unit_test(dsack_proves_the_retransmission),
        cmocka_unit_test(dsack_not_sooner_than_the_leg),
        cmocka_unit_test(dsack_at_once_beside_the_receiver),
        cmocka_unit_test(dsack_means_the_copy_that_it_echoes),
        cmocka_unit_test(dsack_with_the_echo_at_any_time),
        cmocka_unit_test(echo_of_an_earlier_copy),
        cmocka_unit_test(echo_says_nothing_of_other_holes),
        cmocka_unit_test(echo_needs_timestamps_on_both),
        cmocka_unit_test(echo_across_the_wrap),
        cmocka_unit_test(echo_of_the_first_syn),
        cmocka_unit_test(acknowledged_too_soon),
        cmocka_unit_test(sacked_too_soon),
        cmocka_unit_test(too_soon_only_if_captured_before),
        cmocka_unit_test(too_soon_only_without_its_echo),
        cmocka_unit_test(late_original_proves_its_retransmissions),
        cmocka_unit_test(many_retransmissions),
        cmocka_unit_test(whether_it_would_show),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
