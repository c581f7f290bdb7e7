/* test_window.c - tests of tl_window: plausibility, round-trip time, windows, and the effect of a RST at every edge.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "tl_test.h"

#include "conn/tl_conn.h"
#include "conn/tl_window.h"

enum { MIB = 1 << 20, LARGEST_WINDOW = 65535 << 14 };

/* ---- plausibility ------------------------------------------------------------------------------------------------------ */

static bool fits(const struct t_talk *t, uint32_t seq, uint32_t ack)
{
    return tl_window_fits(t->v.conn, SEGMENT(.flags = TL_ACK, .from = CLIENT, .seq = seq, .ack = ack));
}

/* docs/design.md, "Plausible": within W = max(2^20, largest window) of what both have sent. */
/* threshold: PLAUSIBLE_OCTETS */
static void numbers_fit_up_to_one_mebibyte_away(void **state)
{
    struct t_talk t;

    (void)state;
    t_established(&t);
    assert_true(fits(&t, 1001, 5001));
    assert_true(fits(&t, 1001 + MIB, 5001));
    assert_false(fits(&t, 1001 + MIB + 1, 5001));
    assert_true(fits(&t, 1001U - MIB, 5001));
    assert_false(fits(&t, 1001U - MIB - 1, 5001));
    assert_true(fits(&t, 1001, 5001 + MIB));
    assert_false(fits(&t, 1001, 5001 + MIB + 1));
    assert_true(fits(&t, 1001, 5001U - MIB));
    assert_false(fits(&t, 1001, 5001U - MIB - 1));
    t_end(&t);
}

/* Either end's window counts: X may send as far as Y's window reaches, and Y acknowledge as far as X did. */
/* threshold: PLAUSIBLE_OCTETS */
static void a_larger_window_reaches_farther(void **state)
{
    struct t_talk t;

    (void)state;
    for (unsigned wide = CLIENT; wide <= SERVER; wide++) {
        t_start(&t);
        t_send(&t, CLIENT, .flags = TL_SYN, .options = TL_OPT_WINDOW_SCALE, .window_scale = 14);
        t_send(&t, SERVER, .flags = TL_SYN | TL_ACK, .options = TL_OPT_WINDOW_SCALE, .window_scale = 14);
        t_send(&t, CLIENT, .window = 1);
        t_send(&t, wide, .window = 65535);
        assert_true(fits(&t, 1001 + LARGEST_WINDOW, 5001));
        assert_false(fits(&t, 1001 + LARGEST_WINDOW + 1, 5001));
        assert_true(fits(&t, 1001, 5001U - LARGEST_WINDOW));
        assert_false(fits(&t, 1001, 5001U - LARGEST_WINDOW - 1));
        t_end(&t);
    }
}

/* Without the scale a window says less than what it lets through: what is outstanding fits all the same, up to the last ACK. */
static void what_is_outstanding_fits(void **state)
{
    enum { LEN = 60000, MANY = 20 };
    struct t_talk t;

    (void)state;
    t_established(&t);
    t_send(&t, CLIENT, .len = 99);
    t_send(&t, SERVER, .flags = TL_ACK);
    for (unsigned i = 0; i < MANY; i++) {
        t_send(&t, CLIENT, .len = LEN);
    }
    assert_true(fits(&t, 1100, 5001));
    assert_false(fits(&t, 1099, 5001));
    assert_true(tl_window_fits(t.v.conn, SEGMENT(.flags = TL_ACK, .from = SERVER, .seq = 5001, .ack = 1100)));
    assert_false(tl_window_fits(t.v.conn, SEGMENT(.flags = TL_ACK, .from = SERVER, .seq = 5001, .ack = 1099)));
    t_end(&t);
}

/* The segment carries no ACK: its acknowledgment field says nothing. */
static void without_ack_flag_only_the_sequence_number_counts(void **state)
{
    struct t_talk t;

    (void)state;
    t_established(&t);
    assert_true(tl_window_fits(t.v.conn, SEGMENT(.seq = 1001, .ack = 0x80000000)));
    assert_false(tl_window_fits(t.v.conn, SEGMENT(.seq = 0x80000000, .ack = 5001)));
    t_end(&t);
}

/* SYN and RST are judged by rules of their own: the RST that answers a SYN has sequence number 0. */
static void syn_and_rst_always_fit(void **state)
{
    static const uint8_t flags[] = {TL_SYN, TL_SYN | TL_ACK, TL_RST, TL_RST | TL_ACK};
    struct t_talk t;

    (void)state;
    t_established(&t);
    for (unsigned i = 0; i < sizeof flags; i++) {
        assert_true(tl_window_fits(t.v.conn, SEGMENT(.flags = flags[i], .seq = 0x80000000, .ack = 0x90000000)));
    }
    t_end(&t);
}

static void everything_fits_where_nothing_is_known(void **state)
{
    struct t_talk t;

    (void)state;
    t_start(&t);
    t_send(&t, CLIENT, .flags = TL_RST);
    assert_true(fits(&t, 0x80000000, 0x12345678));
    t_end(&t);
}

/* ---- round trip and patience --------------------------------------------------------------------------------------------- */

static int64_t rtt(const struct t_talk *t)
{
    return tl_window_rtt(t->v.conn);
}

/* The half RTT to the server is SYN -> SYN-ACK, the one to the client SYN-ACK -> ACK. */
static void round_trip_is_the_sum_of_both_legs(void **state)
{
    struct t_talk t;

    (void)state;
    t_syn_sent(&t);
    assert_true(rtt(&t) == TL_UNKNOWN_NS);
    t_send(&t, SERVER, .flags = TL_SYN | TL_ACK, .wait_ns = 30 * T_MS);
    assert_true(rtt(&t) == TL_UNKNOWN_NS);
    t_send(&t, CLIENT, .wait_ns = 2 * T_MS);
    assert_true(rtt(&t) == 32 * T_MS);
    t_end(&t);
}

static void the_least_time_of_each_leg_counts(void **state)
{
    struct t_talk t;

    (void)state;
    t_established(&t);
    t_send(&t, CLIENT, .len = 10);
    t_send(&t, SERVER, .wait_ns = 40 * T_MS); /* a delayed ACK is no longer path */
    assert_true(rtt(&t) == 2 * T_MS);
    t_send(&t, CLIENT, .len = 10);
    t_send(&t, SERVER, .wait_ns = T_MS / 2);
    assert_true(rtt(&t) == T_MS + T_MS / 2);
    t_end(&t);
}

/* Karn: a segment sent twice does not tell which transmission was acknowledged (RFC 6298 3). */
static void repeated_data_is_not_timed(void **state)
{
    struct t_talk t;

    (void)state;
    t_established(&t);
    t_send(&t, CLIENT, .len = 10);
    t_send(&t, CLIENT, .seq = 1001, .len = 10, .wait_ns = 300 * T_MS);
    t_send(&t, SERVER, .wait_ns = T_MS / 10);
    assert_true(rtt(&t) == 2 * T_MS);
    t_end(&t);
}

static void patience_is_the_longer_of_a_fixed_time_and_round_trips(void **state)
{
    struct tl_step step = {.rtt_ns = TL_UNKNOWN_NS};

    (void)state;
    assert_true(tl_window_patience(&step, 200 * T_MS, 2) == 200 * T_MS);
    step.rtt_ns = 100 * T_MS;
    assert_true(tl_window_patience(&step, 200 * T_MS, 2) == 200 * T_MS);
    step.rtt_ns = 100 * T_MS + 1;
    assert_true(tl_window_patience(&step, 200 * T_MS, 2) == 200 * T_MS + 2);
}

/* ---- windows ----------------------------------------------------------------------------------------------------------- */

/* Window of each end after a handshake with these options, and an ACK of each. RFC 7323 2.2 and 2.3. */
static void windows_after(uint16_t client_options, uint8_t client_scale, uint16_t server_options, uint8_t server_scale,
                          uint32_t client_window, uint32_t server_window)
{
    struct t_talk t;

    t_start(&t);
    t_send(&t, CLIENT, .flags = TL_SYN, .options = client_options, .window_scale = client_scale);
    assert_int_equal(t.v.conn->endpoint[CLIENT].window, T_WINDOW); /* on a SYN never scaled */
    t_send(&t, SERVER, .flags = TL_SYN | TL_ACK, .options = server_options, .window_scale = server_scale);
    assert_int_equal(t.v.conn->endpoint[SERVER].window, T_WINDOW);
    t_send(&t, CLIENT, .flags = TL_ACK);
    t_send(&t, SERVER, .flags = TL_ACK);
    assert_int_equal(t.v.conn->endpoint[CLIENT].window, client_window);
    assert_int_equal(t.v.conn->endpoint[SERVER].window, server_window);
    t_end(&t);
}

static void windows_are_scaled_only_if_both_syns_offer_it(void **state)
{
    (void)state;
    windows_after(TL_OPT_WINDOW_SCALE, 3, TL_OPT_WINDOW_SCALE, 5, 1000 << 3, 1000 << 5);
    windows_after(TL_OPT_WINDOW_SCALE, 3, 0, 0, 1000, 1000);
    windows_after(0, 0, TL_OPT_WINDOW_SCALE, 5, 1000, 1000);
    windows_after(0, 3, 0, 5, 1000, 1000);
}

/* RFC 7323 2.3: a larger shift is taken for 14. */
/* threshold: SCALE_MAX */
static void a_shift_above_14_counts_as_14(void **state)
{
    (void)state;
    windows_after(TL_OPT_WINDOW_SCALE, 14, TL_OPT_WINDOW_SCALE, 15, 1000 << 14, 1000 << 14);
}

/* ---- effect of a RST --------------------------------------------------------------------------------------------------- */

/* What the receiver does with a RST of `from`, and how sure that is. */
static enum tl_rst_effect effect(const struct t_talk *t, unsigned from, unsigned flags, uint32_t seq, uint32_t ack,
                                 enum tl_confidence *confidence)
{
    const struct tl_segment segment = {
        .flags = (uint8_t)(TL_RST | flags), .seq = seq, .ack = ack, .from = (uint8_t)from, .time_ns = t->now_ns};
    struct tl_conn *conn = t->v.conn;
    struct tl_step step = {.seg = &segment, .conn = conn, .self = &conn->endpoint[from], .peer = &conn->endpoint[1 - from]};
    uint8_t sure = 99;
    enum tl_rst_effect answer = tl_window_rst_effect(&step, &sure);

    *confidence = sure;
    return answer;
}

#define effect_is(t, from, flags, seq, ack, EFFECT, CONFIDENCE)                                                                \
    do {                                                                                                                       \
        enum tl_confidence sure;                                                                                               \
        enum tl_rst_effect answer = effect(t, from, flags, seq, ack, &sure);                                                   \
        assert_string_equal(t_name(TL_GROUP_RST_EFFECT, answer), t_name(TL_GROUP_RST_EFFECT, TL_RST_EFFECT_##EFFECT));         \
        assert_string_equal(t_name(TL_GROUP_CONFIDENCE, sure), t_name(TL_GROUP_CONFIDENCE, TL_CONFIDENCE_##CONFIDENCE));       \
    } while (0)

/* RFC 5961 3.2. The client has acknowledged up to lo = 5001, 100 octets up to hi = 5101 are under way, and its window of 1000
 * ends at right = 6001. Which of lo .. hi it expects next depends on what has arrived. */
static void effect_at_each_edge_of_the_window(void **state)
{
    struct t_talk t;

    (void)state;
    t_established(&t);
    t_send(&t, SERVER, .len = 100);
    effect_is(&t, SERVER, 0, 5000, 0, IGNORED, CERTAIN);
    effect_is(&t, SERVER, 0, 5001, 0, ACCEPTED, LIKELY);
    effect_is(&t, SERVER, 0, 5101, 0, ACCEPTED, LIKELY);
    effect_is(&t, SERVER, 0, 5102, 0, CHALLENGE, CERTAIN);
    effect_is(&t, SERVER, 0, 6001, 0, CHALLENGE, CERTAIN);
    effect_is(&t, SERVER, 0, 6002, 0, IGNORED, CERTAIN);
    effect_is(&t, SERVER, 0, 5001U - 0x7FFFFFFF, 0, IGNORED, CERTAIN);
    t_end(&t);
}

static void effect_is_certain_when_nothing_is_under_way(void **state)
{
    struct t_talk t;

    (void)state;
    t_established(&t);
    t_send(&t, SERVER, .len = 100);
    t_send(&t, CLIENT, .flags = TL_ACK);
    effect_is(&t, SERVER, 0, 5100, 0, IGNORED, CERTAIN);
    effect_is(&t, SERVER, 0, 5101, 0, ACCEPTED, CERTAIN);
    effect_is(&t, SERVER, 0, 5102, 0, CHALLENGE, CERTAIN);
    effect_is(&t, SERVER, 0, 6101, 0, CHALLENGE, CERTAIN);
    effect_is(&t, SERVER, 0, 6102, 0, IGNORED, CERTAIN);
    t_end(&t);
}

/* hi is the end of the contiguous bytes: what lies beyond a hole cannot be expected next. */
static void effect_beyond_a_hole_is_challenge(void **state)
{
    struct t_talk t;

    (void)state;
    t_established(&t);
    t_send(&t, SERVER, .len = 100);
    t_send(&t, SERVER, .seq = 5201, .len = 100);
    effect_is(&t, SERVER, 0, 5101, 0, ACCEPTED, LIKELY);
    effect_is(&t, SERVER, 0, 5102, 0, CHALLENGE, CERTAIN);
    effect_is(&t, SERVER, 0, 5301, 0, CHALLENGE, CERTAIN);
    t_end(&t);
}

/* RFC 9293 3.10.7.4: a window of zero still takes a RST with exactly the next number. */
static void effect_with_closed_window(void **state)
{
    struct t_talk t;

    (void)state;
    t_established(&t);
    t_send(&t, CLIENT, .window = T_CLOSED);
    effect_is(&t, SERVER, 0, 5000, 0, IGNORED, CERTAIN);
    effect_is(&t, SERVER, 0, 5001, 0, ACCEPTED, CERTAIN);
    effect_is(&t, SERVER, 0, 5002, 0, IGNORED, CERTAIN);
    t_end(&t);
}

/* RFC 9293 3.10.7.3: in SYN-SENT a RST counts if its ACK is acceptable. */
static void effect_in_syn_sent_depends_on_the_ack(void **state)
{
    struct t_talk t;

    (void)state;
    t_syn_sent(&t);
    effect_is(&t, SERVER, TL_ACK, 0, 1000, IGNORED, CERTAIN);
    effect_is(&t, SERVER, TL_ACK, 0, 1001, ACCEPTED, CERTAIN);
    effect_is(&t, SERVER, TL_ACK, 77777, 1001, ACCEPTED, CERTAIN); /* its sequence number does not matter */
    effect_is(&t, SERVER, TL_ACK, 0, 1002, IGNORED, CERTAIN);
    effect_is(&t, SERVER, 0, 0, 0, IGNORED, CERTAIN);
    effect_is(&t, SERVER, 0, 1001, 1001, IGNORED, CERTAIN);
    t_end(&t);
}

static void effect_in_syn_sent_covers_data_on_the_syn(void **state)
{
    struct t_talk t;

    (void)state;
    t_start(&t);
    t_send(&t, CLIENT, .flags = TL_SYN, .len = 5);
    effect_is(&t, SERVER, TL_ACK, 0, 1000, IGNORED, CERTAIN);
    effect_is(&t, SERVER, TL_ACK, 0, 1001, ACCEPTED, CERTAIN);
    effect_is(&t, SERVER, TL_ACK, 0, 1006, ACCEPTED, CERTAIN);
    effect_is(&t, SERVER, TL_ACK, 0, 1007, IGNORED, CERTAIN);
    t_end(&t);
}

/* The client repeated its SYN, so the SYN-ACK had not come; it may have by now. */
static void effect_in_syn_sent_behind_a_synack(void **state)
{
    struct t_talk t;

    (void)state;
    t_syn_received(&t);
    t_send(&t, CLIENT, .flags = TL_SYN, .seq = 1000, .wait_ns = T_SECOND);
    t_is(&t, endpoint[CLIENT].state, STATE, SYN_SENT);
    effect_is(&t, SERVER, 0, 5001, 0, ACCEPTED, LIKELY);
    effect_is(&t, SERVER, 0, 5002, 0, IGNORED, CERTAIN);
    effect_is(&t, SERVER, 0, 5000, 0, IGNORED, CERTAIN);
    t_end(&t);
}

/* The client has acknowledged nothing yet: only the number behind the SYN-ACK is sure to be the next one. */
static void effect_before_the_first_ack(void **state)
{
    struct t_talk t;

    (void)state;
    t_syn_received(&t);
    effect_is(&t, SERVER, 0, 5001, 0, ACCEPTED, LIKELY);
    effect_is(&t, SERVER, 0, 5002, 0, UNKNOWN, NONE);
    t_end(&t);
}

static void effect_on_a_closed_end_is_ignored(void **state)
{
    struct t_talk t;

    (void)state;
    t_time_wait(&t);
    t_states(&t, TIME_WAIT, CLOSED);
    effect_is(&t, CLIENT, 0, 1002, 0, IGNORED, CERTAIN);
    t_end(&t);
}

/* RFC 9293 3.10.7.4 closes, RFC 1337 ignores it, and systems differ. */
static void effect_in_time_wait_is_unknown(void **state)
{
    struct t_talk t;

    (void)state;
    t_time_wait(&t);
    effect_is(&t, SERVER, 0, 5002, 0, UNKNOWN, NONE);
    t_end(&t);
}

/* Without the SYNs the scale of the window is not known: what is at or below hi is, what is above is not. */
static void effect_without_window_scale(void **state)
{
    struct t_talk t;

    (void)state;
    t_midstream(&t);
    effect_is(&t, SERVER, 0, 4999, 0, IGNORED, CERTAIN);
    effect_is(&t, SERVER, 0, 5000, 0, ACCEPTED, CERTAIN);
    effect_is(&t, SERVER, 0, 5001, 0, UNKNOWN, NONE);
    effect_is(&t, SERVER, 0, 5000 + MIB, 0, UNKNOWN, NONE);
    t_end(&t);
}

/* Only the sender was captured: a guess, and only where it stands. */
static void effect_when_the_receiver_was_never_heard(void **state)
{
    struct t_talk t;

    (void)state;
    t_start(&t);
    t_send(&t, SERVER, .len = 100);
    effect_is(&t, SERVER, 0, 5100, 0, ACCEPTED, GUESS);
    effect_is(&t, SERVER, 0, 5000, 0, UNKNOWN, NONE);
    effect_is(&t, SERVER, 0, 5101, 0, UNKNOWN, NONE);
    t_end(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_fit_up_to_one_mebibyte_away),
        cmocka_unit_test(a_larger_window_reaches_farther),
        cmocka_unit_test(what_is_outstanding_fits),
        cmocka_unit_test(without_ack_flag_only_the_sequence_number_counts),
        cmocka_unit_test(syn_and_rst_always_fit),
        cmocka_unit_test(everything_fits_where_nothing_is_known),
        cmocka_unit_test(round_trip_is_the_sum_of_both_legs),
        cmocka_unit_test(the_least_time_of_each_leg_counts),
        cmocka_unit_test(repeated_data_is_not_timed),
        cmocka_unit_test(patience_is_the_longer_of_a_fixed_time_and_round_trips),
        cmocka_unit_test(windows_are_scaled_only_if_both_syns_offer_it),
        cmocka_unit_test(a_shift_above_14_counts_as_14),
        cmocka_unit_test(effect_at_each_edge_of_the_window),
        cmocka_unit_test(effect_is_certain_when_nothing_is_under_way),
        cmocka_unit_test(effect_beyond_a_hole_is_challenge),
        cmocka_unit_test(effect_with_closed_window),
        cmocka_unit_test(effect_in_syn_sent_depends_on_the_ack),
        cmocka_unit_test(effect_in_syn_sent_covers_data_on_the_syn),
        cmocka_unit_test(effect_in_syn_sent_behind_a_synack),
        cmocka_unit_test(effect_before_the_first_ack),
        cmocka_unit_test(effect_on_a_closed_end_is_ignored),
        cmocka_unit_test(effect_in_time_wait_is_unknown),
        cmocka_unit_test(effect_without_window_scale),
        cmocka_unit_test(effect_when_the_receiver_was_never_heard),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
