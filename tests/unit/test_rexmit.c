/* test_rexmit.c - tests of tl_rexmit: new, late, sent again or captured twice; hidden originals. Why bytes were sent again:
 * test_rexmit_cause.c; what an ACK does: test_rexmit_ack.c. Rules: docs/design.md, "Retransmission and ordering".
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "tl_test_resent.h"

#include "conn/tl_conn.h"
#include "rules/tl_rexmit.h"

enum { SYN = TL_SYN, SYNACK = TL_SYN | TL_ACK, TS = TL_OPT_TIMESTAMPS, SACK = TL_OPT_SACK_PERMITTED };

#define kind_is(t, KIND) t_is(t, segment, SEGMENT, KIND)

/* ---- new bytes --------------------------------------------------------------------------------------------------------- */

static void new_ahead_partial(void **state)
{
    struct t_talk t;

    (void)state;
    open_path(&t, 0, T_MS, T_MS);
    kind_is(&t, NONE); /* a pure ACK */
    t_send(&t, CLIENT, .len = 10);
    kind_is(&t, NEW);
    assert_int_equal(t.v.refs.skipped_bytes, 0);
    t_send(&t, CLIENT, .seq = 1021, .len = 10);
    kind_is(&t, AHEAD);
    assert_int_equal(t.v.refs.skipped_bytes, 10);
    t_send(&t, CLIENT, .seq = 1021, .len = 25);
    kind_is(&t, PARTIAL);
    assert_int_equal(t.v.refs.new_bytes, 15);
    assert_int_equal(t.v.refs.previous_in, 5);
    assert_int_not_equal(t.v.shape.retransmission, TL_RETRANSMISSION_NONE);
    t_is(&t, spurious, SPURIOUS, NONE); /* it brings something */
    t_end(&t);
}

static void retransmission_names_its_transmissions(void **state)
{
    struct t_talk t;

    (void)state;
    open_path(&t, TS, T_MS, T_MS);
    t_send(&t, CLIENT, .len = 10, .options = TS, .tsval = 1);
    t_send(&t, CLIENT, .seq = 1001, .len = 10, .options = TS, .tsval = 301, .wait_ns = 300 * T_MS);
    kind_is(&t, RETRANSMISSION);
    assert_int_equal(t.v.refs.original_in, 4);
    assert_int_equal(t.v.refs.previous_in, 4);
    assert_int_equal(t.v.refs.retransmission_number, 1);
    assert_true(t.v.refs.since_previous_ns == 300 * T_MS && t.v.refs.since_original_ns == 300 * T_MS);
    t_is(&t, lost_at, LOST_AT, AFTER_CAPTURE);
    assert_true(t_flag(&t, TL_SHAPE_SPURIOUS_SHOWS));
    t_send(&t, CLIENT, .seq = 1001, .len = 10, .options = TS, .tsval = 901, .wait_ns = 600 * T_MS);
    assert_int_equal(t.v.refs.original_in, 4);
    assert_int_equal(t.v.refs.previous_in, 5);
    assert_int_equal(t.v.refs.retransmission_number, 2);
    assert_true(t.v.refs.since_previous_ns == 600 * T_MS && t.v.refs.since_original_ns == 900 * T_MS);
    t_end(&t);
}

/* Below everything that was captured, when the start is not known; after a SYN nothing comes before. */
static void bytes_before_the_capture_are_unknown(void **state)
{
    struct t_talk t;

    (void)state;
    t_start(&t);
    t_send(&t, CLIENT, .seq = 2000, .len = 10);
    t_send(&t, CLIENT, .seq = 1990, .len = 10);
    kind_is(&t, UNKNOWN_OLD);
    t_is(&t, retransmission, RETRANSMISSION, NONE);
    t_end(&t);
}

static void resets_and_strays_are_no_repairs(void **state)
{
    struct t_talk t;

    (void)state;
    t_established(&t);
    t_send(&t, CLIENT, .len = 10);
    t_send(&t, CLIENT, .flags = TL_RST | TL_ACK, .seq = 1001, .len = 10); /* text of a reset is no stream, RFC 9293 3.5.3 */
    kind_is(&t, NONE);
    t_end(&t);
    t_established(&t);
    t_send(&t, CLIENT, .seq = 1001 + (1 << 21), .len = 10);
    kind_is(&t, STRAY);
    t_is(&t, retransmission, RETRANSMISSION, NONE);
    t_end(&t);
}

/* ---- bytes in a hole --------------------------------------------------------------------------------------------------- */

/* The client has sent five segments with these IDs, `step` apart, and one whose ID is `opener`, which leaves a hole
 * 1051-1060. */
static void hole_with_ids(struct t_talk *t, uint16_t first, int step, uint16_t opener)
{
    open_path(t, 0, 100 * T_MS, 0);
    for (int i = 0; i < 5; i++) {
        t_send(t, CLIENT, .len = 10, .ip_id = (uint16_t)(first + i * step));
    }
    t_send(t, CLIENT, .seq = 1061, .len = 10, .ip_id = opener);
    kind_is(t, AHEAD);
}

/* O1: the ID says which was sent first, however late it comes. */
static void o1_ip_id_before_or_after_the_opener(void **state)
{
    static const struct {
        uint16_t first, opener, id;
        enum tl_segment_kind kind;
    } rows[] = {
        {1, 7, 6, TL_SEGMENT_OUT_OF_ORDER},
        {1, 7, 8, TL_SEGMENT_RETRANSMISSION},
        {65530, 2, 65535, TL_SEGMENT_OUT_OF_ORDER},
        {65530, 65535, 2, TL_SEGMENT_RETRANSMISSION},
    };
    static const int64_t waits_ns[] = {T_SAME_TIME, 500 * T_MS};
    struct t_talk t;

    (void)state;
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (unsigned k = 0; k < 2; k++) {
            hole_with_ids(&t, rows[i].first, 1, rows[i].opener);
            t_send(&t, CLIENT, .seq = 1051, .len = 10, .ip_id = rows[i].id, .wait_ns = waits_ns[k]);
            assert_int_equal(t.v.shape.segment, rows[i].kind);
            t_end(&t);
        }
    }
}

/* A host that does not count: what its IDs seem to say is nothing, and the time decides (O5). */
static void o1_not_with_ids_that_do_not_count(void **state)
{
    static const uint16_t ids[] = {1, 65000};
    struct t_talk t;

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        hole_with_ids(&t, 1, 9999, 30000);
        t_send(&t, CLIENT, .seq = 1051, .len = 10, .ip_id = ids[i], .wait_ns = 500 * T_MS);
        kind_is(&t, RETRANSMISSION);
        t_end(&t);
        hole_with_ids(&t, 1, 9999, 30000);
        t_send(&t, CLIENT, .seq = 1051, .len = 10, .ip_id = ids[i], .wait_ns = T_SAME_TIME);
        kind_is(&t, OUT_OF_ORDER);
        t_end(&t);
    }
}

/* O2: the timestamp. The hole is 1011-1020 now, its opener has TSval 500. */
static void hole_with_ts(struct t_talk *t, int64_t rtt_ns)
{
    open_path(t, TS, rtt_ns, 0);
    t_send(t, CLIENT, .len = 10, .options = TS, .tsval = 100);
    t_send(t, CLIENT, .seq = 1021, .len = 10, .options = TS, .tsval = 500, .wait_ns = 400 * T_MS);
    kind_is(t, AHEAD);
}

static void o2_timestamp_before_or_after_the_opener(void **state)
{
    struct t_talk t;

    (void)state;
    hole_with_ts(&t, 100 * T_MS);
    t_send(&t, CLIENT, .seq = 1011, .len = 10, .options = TS, .tsval = 499, .wait_ns = 300 * T_MS);
    kind_is(&t, OUT_OF_ORDER);
    t_is(&t, retransmission, RETRANSMISSION, NONE);
    t_end(&t);
    hole_with_ts(&t, 100 * T_MS);
    t_send(&t, CLIENT, .seq = 1011, .len = 10, .options = TS, .tsval = 501, .wait_ns = T_SAME_TIME);
    kind_is(&t, RETRANSMISSION);
    assert_int_equal(t.v.refs.original_in, 0); /* not captured */
    assert_int_equal(t.v.refs.retransmission_number, 1);
    t_is(&t, lost_at, LOST_AT, BEFORE_CAPTURE);
    t_end(&t);
}

/* O3: equal TSvals, and a retransmission would be a round trip of at least 3 ticks younger. The tick is 1 ms: 400 have
 * passed. */
/* threshold: COPY_TICKS, TICKS_APART */
static void o3_equal_timestamps_and_three_ticks(void **state)
{
    struct t_talk t;

    (void)state;
    hole_with_ts(&t, 3 * T_MS);
    t_send(&t, CLIENT, .seq = 1011, .len = 10, .options = TS, .tsval = 500, .wait_ns = 300 * T_MS);
    kind_is(&t, OUT_OF_ORDER);
    t_end(&t);
    hole_with_ts(&t, 3 * T_MS - 1);
    t_send(&t, CLIENT, .seq = 1011, .len = 10, .options = TS, .tsval = 500, .wait_ns = 300 * T_MS);
    kind_is(&t, RETRANSMISSION);
    t_end(&t);
}

/* O4: acknowledged although it was never captured: the capture missed the original, and this is another transmission. */
static void o4_acknowledged_before(void **state)
{
    struct t_talk t;

    (void)state;
    open_path(&t, 0, 100 * T_MS, 0);
    t_send(&t, CLIENT, .len = 10);
    t_send(&t, CLIENT, .seq = 1021, .len = 10);
    t_send(&t, SERVER, .ack = 1031, .wait_ns = T_SAME_TIME);
    t_is(&t, ack, ACK, UNSEEN);
    t_send(&t, CLIENT, .seq = 1011, .len = 10, .wait_ns = T_SAME_TIME);
    kind_is(&t, RETRANSMISSION);
    t_is(&t, lost_at, LOST_AT, CAPTURE_DROP);
    t_end(&t);
}

/* O5: younger than 3 ms, or 0.85 of the half RTT to the sender and back: no answer to the hole can have come. O6: else, if a round
 * trip was measured, it was sent again. */
/* threshold: LATE_NS */
static void o5_o6_time_since_the_opener(void **state)
{
    static const struct {
        int64_t half_rtt_ns, wait_ns;
        enum tl_segment_kind kind;
    } rows[] = {
        {0, 3 * T_MS - 1, TL_SEGMENT_OUT_OF_ORDER},
        {0, 3 * T_MS, TL_SEGMENT_RETRANSMISSION},
        {100 * T_MS, 85 * T_MS - 1, TL_SEGMENT_OUT_OF_ORDER},
        {100 * T_MS, 85 * T_MS, TL_SEGMENT_RETRANSMISSION},
    };
    struct t_talk t;

    (void)state;
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        open_path(&t, 0, 20 * T_MS, rows[i].half_rtt_ns);
        t_send(&t, CLIENT, .seq = 1011, .len = 10);
        t_send(&t, CLIENT, .seq = 1001, .len = 10, .wait_ns = rows[i].wait_ns);
        assert_int_equal(t.v.shape.segment, rows[i].kind);
        t_end(&t);
    }
    t_midstream(&t);
    t_send(&t, CLIENT, .seq = 1010, .len = 10);
    t_send(&t, CLIENT, .seq = 1000, .len = 10, .wait_ns = 3 * T_MS);
    kind_is(&t, UNKNOWN_OLD);
    t_end(&t);
}

/* It is the opener that counts, not the newest segment: what fills a hole in parts is compared with the same one each time. */
static void opener_stays_when_a_hole_is_filled_in_parts(void **state)
{
    struct t_talk t;

    (void)state;
    hole_with_ts(&t, 100 * T_MS);
    t_send(&t, CLIENT, .len = 10, .options = TS, .tsval = 900);
    t_send(&t, CLIENT, .seq = 1016, .len = 5, .options = TS, .tsval = 800);
    kind_is(&t, RETRANSMISSION); /* after the opener, although before the newest */
    t_send(&t, CLIENT, .seq = 1011, .len = 5, .options = TS, .tsval = 499);
    kind_is(&t, OUT_OF_ORDER); /* before the opener, although 1016-1020 came after it */
    t_end(&t);
}

/* 8a: captured before, and yet sent before every captured copy: the original, overtaken by its own retransmission. */
static void overtaken_original(void **state)
{
    struct t_talk t;

    (void)state;
    hole_with_ts(&t, 100 * T_MS);
    t_send(&t, CLIENT, .seq = 1011, .len = 10, .options = TS, .tsval = 800, .wait_ns = 300 * T_MS);
    kind_is(&t, RETRANSMISSION);
    t_send(&t, CLIENT, .seq = 1011, .len = 10, .options = TS, .tsval = 499);
    kind_is(&t, OUT_OF_ORDER);
    t_end(&t);
    hole_with_ids(&t, 1, 1, 7);
    t_send(&t, CLIENT, .seq = 1051, .len = 10, .ip_id = 8, .wait_ns = 300 * T_MS);
    kind_is(&t, RETRANSMISSION);
    t_send(&t, CLIENT, .seq = 1051, .len = 10, .ip_id = 6);
    kind_is(&t, OUT_OF_ORDER);
    t_send(&t, CLIENT, .seq = 1051, .len = 10, .ip_id = 9); /* one more retransmission is one */
    kind_is(&t, RETRANSMISSION);
    t_end(&t);
}

/* ---- hidden originals -------------------------------------------------------------------------------------------------- */

/* The client has sent five segments with IDs 1 to 5, and all are acknowledged just now. RTT 100 ms. */
static void counting_client(struct t_talk *t, uint16_t options)
{
    open_path(t, options, 100 * T_MS, 0);
    for (uint16_t i = 1; i <= 5; i++) {
        t_send(t, CLIENT, .len = 10, .ip_id = i, .wait_ns = i == 5 ? 10 * T_SECOND : T_SAME_TIME); /* the counter is its own */
    }
    t_send(t, SERVER, .ack = 1051, .wait_ns = 100 * T_MS);
}

/* An ID is missing, and the sender was silent for as long as its timer takes: the original was lost before the capture point.
 * */
/* threshold: IDS_MOST, MSS_DEFAULT */
static void hidden_original_after_190_ms(void **state)
{
    static const struct {
        uint16_t id;
        int64_t quiet_ns;
        enum tl_segment_kind kind;
    } rows[] = {
        {7, 190 * T_MS, TL_SEGMENT_RETRANSMISSION},  {7, 190 * T_MS - 1, TL_SEGMENT_NEW}, {6, 190 * T_MS, TL_SEGMENT_NEW},
        {70, 190 * T_MS, TL_SEGMENT_RETRANSMISSION}, {71, 190 * T_MS, TL_SEGMENT_NEW},    {0, 190 * T_MS, TL_SEGMENT_NEW},
    };
    struct t_talk t;

    (void)state;
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        counting_client(&t, SACK);
        t_send(&t, CLIENT, .len = 10, .ip_id = rows[i].id, .wait_ns = rows[i].quiet_ns);
        assert_int_equal(t.v.shape.segment, rows[i].kind);
        if (rows[i].kind == TL_SEGMENT_RETRANSMISSION) {
            t_is(&t, retransmission, RETRANSMISSION, TLP);
            t_is(&t, retransmission_confidence, CONFIDENCE, GUESS);
            assert_true(t_flag(&t, TL_SHAPE_TLP_OR_RTO));
            t_is(&t, lost_at, LOST_AT, BEFORE_CAPTURE);
            assert_int_equal(t.v.refs.original_in, 0);
        }
        t_end(&t);
    }
    counting_client(&t, 0);
    t_send(&t, CLIENT, .len = 10, .ip_id = 7, .wait_ns = 190 * T_MS);
    t_is(&t, retransmission, RETRANSMISSION, RTO);
    t_end(&t);
}

/* A probe repeats the last segment, so that it opens a hole: 1.5 RTT + 2 ms of silence are enough. */
/* threshold: IDS_MOST, MSS_DEFAULT */
static void hidden_original_that_opens_a_hole(void **state)
{
    static const struct {
        uint16_t id;
        int64_t quiet_ns;
        enum tl_segment_kind kind;
    } rows[] = {
        {8, 152 * T_MS, TL_SEGMENT_RETRANSMISSION},
        {8, 152 * T_MS - 1, TL_SEGMENT_AHEAD},
        {7, 152 * T_MS, TL_SEGMENT_AHEAD}, /* 6 was the segment in the hole */
    };
    struct t_talk t;

    (void)state;
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        counting_client(&t, SACK);
        t_send(&t, CLIENT, .seq = 1061, .len = 10, .ip_id = rows[i].id, .wait_ns = rows[i].quiet_ns);
        assert_int_equal(t.v.shape.segment, rows[i].kind);
        if (rows[i].kind == TL_SEGMENT_RETRANSMISSION) {
            t_is(&t, retransmission, RETRANSMISSION, TLP);
            t_is(&t, retransmission_confidence, CONFIDENCE, GUESS);
        }
        t_end(&t);
    }
}

/* Offload cuts a segment after it was captured: 3,000 octets used three IDs. */
/* threshold: IDS_MOST, MSS_DEFAULT */
static void hidden_original_after_a_large_segment(void **state)
{
    static const uint16_t ids[] = {9, 10};
    struct t_talk t;

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        counting_client(&t, SACK);
        t_send(&t, CLIENT, .len = 3000, .ip_id = 6, .wait_ns = T_SAME_TIME);
        t_send(&t, SERVER, .ack = 4051, .wait_ns = 100 * T_MS);
        t_send(&t, CLIENT, .len = 10, .ip_id = ids[i], .wait_ns = 190 * T_MS);
        assert_int_equal(t.v.shape.segment, i == 0 ? TL_SEGMENT_NEW : TL_SEGMENT_RETRANSMISSION);
        t_end(&t);
    }
}

/* The missing ID was an ACK of something that the server sent. */
static void no_hidden_original_when_an_ack_was_owed(void **state)
{
    struct t_talk t;

    (void)state;
    counting_client(&t, SACK);
    t_send(&t, SERVER, .len = 10);
    t_send(&t, CLIENT, .len = 10, .ip_id = 7, .wait_ns = 300 * T_MS);
    kind_is(&t, NEW);
    t_end(&t);
}

/* ---- Fast Open, window probes -------------------------------------------------------------------------------------------- */

/* RFC 7413 4.2.2: data of the SYN that the SYN-ACK did not take is sent again; nothing was lost. */
static void data_of_a_fast_open_syn_again(void **state)
{
    struct t_talk t;

    (void)state;
    t_start(&t);
    t_send(&t, CLIENT, .flags = SYN, .options = TL_OPT_FAST_OPEN, .fast_open_bytes = 8, .len = 100);
    kind_is(&t, NEW);
    t_send(&t, SERVER, .flags = SYNACK, .ack = 1001, .wait_ns = 100 * T_MS);
    t_send(&t, CLIENT, .seq = 1001, .len = 100);
    kind_is(&t, RETRANSMISSION);
    t_is(&t, retransmission, RETRANSMISSION, SYN_DATA);
    t_is(&t, retransmission_confidence, CONFIDENCE, CERTAIN);
    t_is(&t, spurious, SPURIOUS, NO);
    assert_int_equal(t.v.refs.original_in, 1);
    assert_true(t.v.refs.since_original_ns == 101 * T_MS);
    t_send(&t, CLIENT, .len = 10);
    kind_is(&t, NEW);
    t_end(&t);
}

/* RFC 9293 3.8.6.1: one new octet into a closed window, and the same one again. Longer old data is the timer's. */
static void window_probes(void **state)
{
    struct t_talk t;

    (void)state;
    open_path(&t, 0, 20 * T_MS, 0);
    t_send(&t, CLIENT, .len = 10);
    t_send(&t, SERVER, .window = T_CLOSED, .wait_ns = 20 * T_MS);
    t_send(&t, CLIENT, .len = 1, .wait_ns = 300 * T_MS);
    kind_is(&t, PROBE);
    t_is(&t, retransmission, RETRANSMISSION, NONE);
    t_send(&t, SERVER, .ack = 1011, .window = T_CLOSED, .wait_ns = 20 * T_MS);
    t_is(&t, ack, ACK, NONE); /* the answer to a probe is no duplicate ACK */
    t_send(&t, CLIENT, .seq = 1011, .len = 1, .wait_ns = 600 * T_MS);
    kind_is(&t, PROBE);
    t_is(&t, retransmission, RETRANSMISSION, WINDOW_PROBE);
    t_is(&t, retransmission_confidence, CONFIDENCE, LIKELY);
    t_end(&t);
    open_path(&t, 0, 20 * T_MS, 0);
    t_send(&t, CLIENT, .len = 10);
    t_send(&t, SERVER, .ack = 1001, .window = T_CLOSED, .wait_ns = 20 * T_MS);
    t_send(&t, CLIENT, .seq = 1001, .len = 10, .wait_ns = 300 * T_MS);
    kind_is(&t, RETRANSMISSION);
    t_is(&t, retransmission, RETRANSMISSION, RTO);
    t_end(&t);
}

/* ---- copies ------------------------------------------------------------------------------------------------------------ */

/* Within 1 ms, or with another TTL: captured at two points. Else the network doubled it (RFC 5236). */
/* threshold: CAPTURE_COPY_NS */
static void copies_of_the_capture_and_of_the_network(void **state)
{
    static const struct {
        int64_t wait_ns;
        uint8_t ttl;
        enum tl_duplicate kind;
    } rows[] = {
        {0, 64, TL_DUPLICATE_CAPTURE},
        {T_MS, 64, TL_DUPLICATE_CAPTURE},
        {T_MS + 1, 64, TL_DUPLICATE_NETWORK},
        {20 * T_MS, 63, TL_DUPLICATE_CAPTURE},
    };
    struct t_talk t;

    (void)state;
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (uint32_t len = 0; len <= 10; len += 10) {
            t_established(&t);
            t_send(&t, CLIENT, .len = len, .ip_id = 77);
            assert_true(
                tl_pair_update(t.pair,
                               SEGMENT(.time_ns = t.now_ns + rows[i].wait_ns, .frame = 5, .seq = 1001, .ack = 5001, .len = len,
                                       .window = T_WINDOW, .ip_id = 77, .flags = TL_ACK, .ttl = rows[i].ttl),
                               &t.v));
            assert_int_equal(t.v.shape.duplicate, rows[i].kind);
            assert_int_equal(t.v.refs.first_in, 4);
            assert_int_equal(t.v.shape.segment, len > 0 ? TL_SEGMENT_DUPLICATE : TL_SEGMENT_NONE);
            t_is(&t, retransmission, RETRANSMISSION, NONE);
            t_end(&t);
        }
    }
}

/* ---- memory ------------------------------------------------------------------------------------------------------------ */

/* A lossy exchange while the n-th request for memory fails, or all from the n-th on. Returns whether any did. */
static bool lossy_exchange(unsigned n, bool and_all_after)
{
    struct t_talk t;

    t_start(&t);
    t.memory.fail_at = n;
    t.memory.fail_after = and_all_after;
    t_send(&t, CLIENT, .flags = SYN, .options = SACK | TS, .tsval = 1);
    t_send(&t, SERVER, .flags = SYNACK, .options = SACK | TS, .tsval = 1, .tsecr = 1);
    t_send(&t, CLIENT, .flags = TL_ACK, .options = TS, .tsval = 2, .tsecr = 1);
    for (uint32_t i = 0; i < 40; i++) { /* each second segment is lost before the capture point, and comes again */
        uint32_t seq = 1001 + 20 * i;

        t_send(&t, CLIENT, .seq = seq + 10, .len = 10, .options = TS, .tsval = 10 + 10 * i, .tsecr = 1 + i);
        t_send(&t, SERVER, .ack = seq, .sack_from = seq + 10, .options = TS, .tsval = 2 + i, .tsecr = 9 + 10 * i);
        t_send(&t, CLIENT, .seq = seq, .len = 10, .options = TS, .tsval = 15 + 10 * i, .tsecr = 2 + i, .wait_ns = 5 * T_MS);
        t_send(&t, CLIENT, .seq = seq, .len = 10, .options = TS, .tsval = 17 + 10 * i, .tsecr = 2 + i, .wait_ns = 2 * T_MS);
        if (i % 4 == 3) {
            t_send(&t, SERVER, .ack = seq + 20, .options = TS, .tsval = 3 + i, .tsecr = 15 + 10 * i);
        }
    }
    t_end(&t);
    return t.memory.requests >= n;
}

static void memory_may_run_out_at_any_moment(void **state)
{
    enum { ENOUGH = 200 };

    (void)state;
    for (unsigned after = 0; after < 2; after++) {
        unsigned n = 3; /* the first two are the tracker and the pair */

        while (lossy_exchange(n, after) && n < ENOUGH) {
            n++;
        }
        assert_in_range(n, 10, ENOUGH - 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(new_ahead_partial),
        cmocka_unit_test(retransmission_names_its_transmissions),
        cmocka_unit_test(bytes_before_the_capture_are_unknown),
        cmocka_unit_test(resets_and_strays_are_no_repairs),
        cmocka_unit_test(o1_ip_id_before_or_after_the_opener),
        cmocka_unit_test(o1_not_with_ids_that_do_not_count),
        cmocka_unit_test(o2_timestamp_before_or_after_the_opener),
        cmocka_unit_test(o3_equal_timestamps_and_three_ticks),
        cmocka_unit_test(o4_acknowledged_before),
        cmocka_unit_test(o5_o6_time_since_the_opener),
        cmocka_unit_test(opener_stays_when_a_hole_is_filled_in_parts),
        cmocka_unit_test(overtaken_original),
        cmocka_unit_test(hidden_original_after_190_ms),
        cmocka_unit_test(hidden_original_that_opens_a_hole),
        cmocka_unit_test(hidden_original_after_a_large_segment),
        cmocka_unit_test(no_hidden_original_when_an_ack_was_owed),
        cmocka_unit_test(data_of_a_fast_open_syn_again),
        cmocka_unit_test(window_probes),
        cmocka_unit_test(copies_of_the_capture_and_of_the_network),
        cmocka_unit_test(memory_may_run_out_at_any_moment),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
