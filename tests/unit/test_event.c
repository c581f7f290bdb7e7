/* test_event.c - tests of tl_event: all combinations of the flags that matter, with and without payload.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "tl_test.h"

#include "base/tl_event.h"

/* RFC 9293 3.10.7.4 looks at RST first, then at SYN, then at ACK, and at FIN last; a segment without ACK is dropped once the
 * connection is synchronised. Legal is what 3.5 and 3.10 send: SYN, SYN-ACK, ACK, FIN-ACK, RST (3.10.7.1 with ACK: <SEQ=SEG.ACK>
 * <CTL=RST>), RST-ACK (3.10.7.1 without ACK, 3.10.5). */
static const struct {
    unsigned flags;
    enum tl_event event;
    bool legal;
} rows[16] = {
    {0, TL_EVENT_NOTHING, false},
    {TL_FIN, TL_EVENT_FIN, false},
    {TL_SYN, TL_EVENT_SYN, true},
    {TL_SYN | TL_FIN, TL_EVENT_SYN, false},
    {TL_RST, TL_EVENT_RST, true},
    {TL_RST | TL_FIN, TL_EVENT_RST, false},
    {TL_RST | TL_SYN, TL_EVENT_RST, false},
    {TL_RST | TL_SYN | TL_FIN, TL_EVENT_RST, false},
    {TL_ACK, TL_EVENT_ACK, true},
    {TL_ACK | TL_FIN, TL_EVENT_FIN, true},
    {TL_ACK | TL_SYN, TL_EVENT_SYNACK, true},
    {TL_ACK | TL_SYN | TL_FIN, TL_EVENT_SYNACK, false},
    {TL_ACK | TL_RST, TL_EVENT_RST, true},
    {TL_ACK | TL_RST | TL_FIN, TL_EVENT_RST, false},
    {TL_ACK | TL_RST | TL_SYN, TL_EVENT_RST, false},
    {TL_ACK | TL_RST | TL_SYN | TL_FIN, TL_EVENT_RST, false},
};

enum { ROWS = 16, OTHER_FLAGS = TL_PSH | TL_URG | TL_ECE | TL_CWR };

static void each_combination_has_its_event(void **state)
{
    (void)state;
    for (unsigned i = 0; i < ROWS; i++) {
        bool legal = !rows[i].legal;

        assert_int_equal(tl_event_of(rows[i].flags, 0, &legal), rows[i].event);
        assert_int_equal(legal, rows[i].legal);
    }
}

/* PSH, URG and the two bits of RFC 3168 say nothing about the life of the connection: an ECN-setup SYN is a SYN. */
static void other_flags_change_nothing(void **state)
{
    (void)state;
    for (unsigned i = 0; i < ROWS; i++) {
        bool legal = !rows[i].legal;

        assert_int_equal(tl_event_of(rows[i].flags | OTHER_FLAGS, 0, &legal), rows[i].event);
        assert_int_equal(legal, rows[i].legal);
    }
}

/* Payload makes data of an ACK and of nothing else: SYN and FIN may carry payload, that of a RST is text (RFC 9293 3.5.3), and
 * without ACK flag nobody takes it (3.10.7.4, fifth check). */
static void payload_matters_to_an_ack_only(void **state)
{
    (void)state;
    for (unsigned i = 0; i < ROWS; i++) {
        enum tl_event expected = rows[i].event == TL_EVENT_ACK ? TL_EVENT_DATA : rows[i].event;
        bool legal = !rows[i].legal;

        assert_int_equal(tl_event_of(rows[i].flags, 1, &legal), expected);
        assert_int_equal(legal, rows[i].legal);
    }
}

/* SEG.LEN counts SYN and FIN (RFC 9293 3.4); a RST takes no sequence space. */
static void length_counts_syn_and_fin_but_nothing_of_a_rst(void **state)
{
    (void)state;
    assert_int_equal(tl_event_length(0, 0), 0);
    assert_int_equal(tl_event_length(TL_ACK, 0), 0);
    assert_int_equal(tl_event_length(TL_ACK, 7), 7);
    assert_int_equal(tl_event_length(TL_SYN, 0), 1);
    assert_int_equal(tl_event_length(TL_SYN, 7), 8);
    assert_int_equal(tl_event_length(TL_FIN | TL_ACK, 0), 1);
    assert_int_equal(tl_event_length(TL_FIN | TL_ACK, 7), 8);
    assert_int_equal(tl_event_length(TL_SYN | TL_FIN, 7), 9);
    assert_int_equal(tl_event_length(TL_RST, 7), 0);
    assert_int_equal(tl_event_length(TL_RST | TL_SYN | TL_FIN | TL_ACK, 7), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_combination_has_its_event),
        cmocka_unit_test(other_flags_change_nothing),
        cmocka_unit_test(payload_matters_to_an_ack_only),
        cmocka_unit_test(length_counts_syn_and_fin_but_nothing_of_a_rst),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
