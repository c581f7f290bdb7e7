/* test_fsm.c - tests of tl_fsm: every cell of the table, confidence, withdrawal, history.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "tl_test.h"

#include "record/tl_fsm.h"

#define S(state) TL_STATE_##state

/* What RFC 9293 3.3.2 (figure 5), 3.5 and 3.10 say must happen; "" is the section or our own rule (docs/design.md, "States"). */
static const struct {
    enum tl_state state;
    enum tl_fsm_event event;
    enum tl_state via, next; /* via NONE = directly */
} cells[] = {
    /* Nothing known: what an end sends tells its state. */
    {S(UNKNOWN), TL_SENDS_SYN, S(NONE), S(SYN_SENT)},
    {S(UNKNOWN), TL_SENDS_SYNACK, S(NONE), S(SYN_RECEIVED)},
    {S(UNKNOWN), TL_SENDS_SYNCHRONISED, S(NONE), S(ESTABLISHED)},
    {S(UNKNOWN), TL_SENDS_ACK_OF_FIN, S(NONE), S(CLOSE_WAIT)},
    {S(UNKNOWN), TL_SENDS_FIN, S(NONE), S(FIN_WAIT_1)},
    {S(UNKNOWN), TL_SENDS_FIN_ONE_WAY, S(NONE), S(UNKNOWN)},
    {S(UNKNOWN), TL_SENDS_RST, S(NONE), S(CLOSED)},
    {S(UNKNOWN), TL_SENDS_RST_GONE, S(NONE), S(CLOSED)},
    {S(UNKNOWN), TL_GETS_SYN, S(NONE), S(LISTEN)},
    {S(UNKNOWN), TL_GETS_ACK_OF_SYN, S(SYN_RECEIVED), S(ESTABLISHED)},
    {S(UNKNOWN), TL_GETS_RST, S(NONE), S(CLOSED)},
    {S(UNKNOWN), TL_GETS_RST_AS_OPENER, S(NONE), S(CLOSED)},
    /* CLOSED: 3.10.1 OPEN, active and passive. */
    {S(CLOSED), TL_SENDS_SYN, S(NONE), S(SYN_SENT)},
    {S(CLOSED), TL_SENDS_SYNACK, S(NONE), S(SYN_RECEIVED)},
    /* LISTEN: 3.10.7.2 second and third check, 3.10.1 active OPEN from LISTEN. */
    {S(LISTEN), TL_SENDS_SYN, S(NONE), S(SYN_SENT)},
    {S(LISTEN), TL_SENDS_SYNACK, S(NONE), S(SYN_RECEIVED)},
    {S(LISTEN), TL_SENDS_SYNCHRONISED, S(SYN_RECEIVED), S(ESTABLISHED)},
    {S(LISTEN), TL_SENDS_RST, S(NONE), S(CLOSED)},
    {S(LISTEN), TL_SENDS_RST_GONE, S(NONE), S(CLOSED)},
    {S(LISTEN), TL_GETS_ACK_OF_SYN, S(SYN_RECEIVED), S(ESTABLISHED)},
    /* SYN-SENT: 3.10.7.3. A reply-form RST (answer to a wrong ACK) leaves it where it is. */
    {S(SYN_SENT), TL_SENDS_SYNACK, S(NONE), S(SYN_RECEIVED)},
    {S(SYN_SENT), TL_SENDS_SYNCHRONISED, S(NONE), S(ESTABLISHED)},
    {S(SYN_SENT), TL_SENDS_FIN, S(ESTABLISHED), S(FIN_WAIT_1)},
    {S(SYN_SENT), TL_SENDS_FIN_ONE_WAY, S(ESTABLISHED), S(UNKNOWN)},
    {S(SYN_SENT), TL_SENDS_RST, S(NONE), S(CLOSED)},
    {S(SYN_SENT), TL_GETS_SYN, S(NONE), S(SYN_RECEIVED)},
    {S(SYN_SENT), TL_GETS_SYNACK, S(NONE), S(ESTABLISHED)},
    {S(SYN_SENT), TL_GETS_RST, S(NONE), S(CLOSED)},
    {S(SYN_SENT), TL_GETS_RST_AS_OPENER, S(NONE), S(CLOSED)},
    /* SYN-RECEIVED: 3.10.7.4; 3.10.4 CLOSE sends a FIN. */
    {S(SYN_RECEIVED), TL_SENDS_SYNCHRONISED, S(NONE), S(ESTABLISHED)},
    {S(SYN_RECEIVED), TL_SENDS_ACK_OF_FIN, S(ESTABLISHED), S(CLOSE_WAIT)},
    {S(SYN_RECEIVED), TL_SENDS_FIN, S(NONE), S(FIN_WAIT_1)},
    {S(SYN_RECEIVED), TL_SENDS_FIN_ONE_WAY, S(ESTABLISHED), S(UNKNOWN)},
    {S(SYN_RECEIVED), TL_SENDS_RST, S(NONE), S(CLOSED)},
    {S(SYN_RECEIVED), TL_SENDS_RST_GONE, S(NONE), S(CLOSED)},
    {S(SYN_RECEIVED), TL_SENDS_RST_DOUBTFUL, S(NONE), S(UNKNOWN)},
    {S(SYN_RECEIVED), TL_GETS_SYNACK, S(NONE), S(ESTABLISHED)},
    {S(SYN_RECEIVED), TL_GETS_ACK_OF_SYN, S(NONE), S(ESTABLISHED)},
    {S(SYN_RECEIVED), TL_GETS_FIN, S(NONE), S(CLOSE_WAIT)},
    {S(SYN_RECEIVED), TL_GETS_FIN_DOUBTFUL, S(NONE), S(UNKNOWN)},
    {S(SYN_RECEIVED), TL_GETS_RST, S(NONE), S(LISTEN)}, /* opened passively: back to LISTEN */
    {S(SYN_RECEIVED), TL_GETS_RST_AS_OPENER, S(NONE), S(CLOSED)},
    {S(SYN_RECEIVED), TL_GETS_RST_DOUBTFUL, S(NONE), S(UNKNOWN)},
    /* ESTABLISHED */
    {S(ESTABLISHED), TL_SENDS_ACK_OF_FIN, S(NONE), S(CLOSE_WAIT)},
    {S(ESTABLISHED), TL_SENDS_FIN, S(NONE), S(FIN_WAIT_1)},
    {S(ESTABLISHED), TL_SENDS_FIN_ONE_WAY, S(NONE), S(UNKNOWN)},
    {S(ESTABLISHED), TL_SENDS_RST, S(NONE), S(CLOSED)},
    {S(ESTABLISHED), TL_SENDS_RST_GONE, S(NONE), S(CLOSED)},
    {S(ESTABLISHED), TL_SENDS_RST_DOUBTFUL, S(NONE), S(UNKNOWN)},
    {S(ESTABLISHED), TL_GETS_FIN, S(NONE), S(CLOSE_WAIT)},
    {S(ESTABLISHED), TL_GETS_FIN_DOUBTFUL, S(NONE), S(UNKNOWN)},
    {S(ESTABLISHED), TL_GETS_RST, S(NONE), S(CLOSED)},
    {S(ESTABLISHED), TL_GETS_RST_AS_OPENER, S(NONE), S(CLOSED)},
    {S(ESTABLISHED), TL_GETS_RST_DOUBTFUL, S(NONE), S(UNKNOWN)},
    /* FIN-WAIT-1 */
    {S(FIN_WAIT_1), TL_SENDS_ACK_OF_FIN, S(NONE), S(CLOSING)},
    {S(FIN_WAIT_1), TL_SENDS_RST, S(NONE), S(CLOSED)},
    {S(FIN_WAIT_1), TL_SENDS_RST_GONE, S(NONE), S(CLOSED)},
    {S(FIN_WAIT_1), TL_SENDS_RST_DOUBTFUL, S(NONE), S(UNKNOWN)},
    {S(FIN_WAIT_1), TL_GETS_ACK_OF_FIN, S(NONE), S(FIN_WAIT_2)},
    {S(FIN_WAIT_1), TL_GETS_FIN, S(NONE), S(CLOSING)},
    {S(FIN_WAIT_1), TL_GETS_RST, S(NONE), S(CLOSED)},
    {S(FIN_WAIT_1), TL_GETS_RST_AS_OPENER, S(NONE), S(CLOSED)},
    {S(FIN_WAIT_1), TL_GETS_RST_DOUBTFUL, S(NONE), S(UNKNOWN)},
    /* FIN-WAIT-2 */
    {S(FIN_WAIT_2), TL_SENDS_ACK_OF_FIN, S(NONE), S(TIME_WAIT)},
    {S(FIN_WAIT_2), TL_SENDS_RST, S(NONE), S(CLOSED)},
    {S(FIN_WAIT_2), TL_SENDS_RST_GONE, S(NONE), S(CLOSED)},
    {S(FIN_WAIT_2), TL_SENDS_RST_DOUBTFUL, S(NONE), S(UNKNOWN)},
    {S(FIN_WAIT_2), TL_GETS_FIN, S(NONE), S(TIME_WAIT)},
    {S(FIN_WAIT_2), TL_GETS_RST, S(NONE), S(CLOSED)},
    {S(FIN_WAIT_2), TL_GETS_RST_AS_OPENER, S(NONE), S(CLOSED)},
    {S(FIN_WAIT_2), TL_GETS_RST_DOUBTFUL, S(NONE), S(UNKNOWN)},
    /* CLOSE-WAIT: the peer's FIN is known to it, so one-way capture leaves no doubt. */
    {S(CLOSE_WAIT), TL_SENDS_FIN, S(NONE), S(LAST_ACK)},
    {S(CLOSE_WAIT), TL_SENDS_FIN_ONE_WAY, S(NONE), S(LAST_ACK)},
    {S(CLOSE_WAIT), TL_SENDS_RST, S(NONE), S(CLOSED)},
    {S(CLOSE_WAIT), TL_SENDS_RST_GONE, S(NONE), S(CLOSED)},
    {S(CLOSE_WAIT), TL_SENDS_RST_DOUBTFUL, S(NONE), S(UNKNOWN)},
    {S(CLOSE_WAIT), TL_GETS_RST, S(NONE), S(CLOSED)},
    {S(CLOSE_WAIT), TL_GETS_RST_AS_OPENER, S(NONE), S(CLOSED)},
    {S(CLOSE_WAIT), TL_GETS_RST_DOUBTFUL, S(NONE), S(UNKNOWN)},
    /* CLOSING */
    {S(CLOSING), TL_SENDS_RST, S(NONE), S(CLOSED)},
    {S(CLOSING), TL_SENDS_RST_GONE, S(NONE), S(CLOSED)},
    {S(CLOSING), TL_GETS_ACK_OF_FIN, S(NONE), S(TIME_WAIT)},
    {S(CLOSING), TL_GETS_RST, S(NONE), S(CLOSED)},
    {S(CLOSING), TL_GETS_RST_AS_OPENER, S(NONE), S(CLOSED)},
    {S(CLOSING), TL_GETS_RST_DOUBTFUL, S(NONE), S(UNKNOWN)},
    /* LAST-ACK */
    {S(LAST_ACK), TL_SENDS_RST, S(NONE), S(CLOSED)},
    {S(LAST_ACK), TL_SENDS_RST_GONE, S(NONE), S(CLOSED)},
    {S(LAST_ACK), TL_GETS_ACK_OF_FIN, S(NONE), S(CLOSED)},
    {S(LAST_ACK), TL_GETS_RST, S(NONE), S(CLOSED)},
    {S(LAST_ACK), TL_GETS_RST_AS_OPENER, S(NONE), S(CLOSED)},
    {S(LAST_ACK), TL_GETS_RST_DOUBTFUL, S(NONE), S(UNKNOWN)},
    /* TIME-WAIT: it answers by ACK; an end that answers by RST no longer holds it. */
    {S(TIME_WAIT), TL_SENDS_RST, S(NONE), S(CLOSED)},
    {S(TIME_WAIT), TL_SENDS_RST_GONE, S(NONE), S(CLOSED)},
};

enum { CELLS = sizeof cells / sizeof cells[0] };

/* A machine that is certainly in a state, with one state before it so that something is left when it is taken back. */
static struct tl_fsm in(enum tl_state state)
{
    return (struct tl_fsm){.history = (uint64_t)S(LISTEN) << 4 | state, .depth = 2, .confidence = TL_CONFIDENCE_CERTAIN};
}

/* The same, but that state is only expected. */
static struct tl_fsm expected_in(enum tl_state state)
{
    struct tl_fsm fsm = in(state);

    fsm.expected = 1;
    fsm.confidence = TL_CONFIDENCE_LIKELY;
    return fsm;
}

static bool sends(unsigned event)
{
    return event <= TL_SENDS_RST_DOUBTFUL;
}

static int find_cell(unsigned state, unsigned event)
{
    for (int i = 0; i < CELLS; i++) {
        if (cells[i].state == state && cells[i].event == event) {
            return i;
        }
    }
    return -1;
}

/* ---- the table --------------------------------------------------------------------------------------------------------- */

static void each_cell_leads_where_the_rfc_says(void **state)
{
    (void)state;
    for (unsigned i = 0; i < CELLS; i++) {
        bool direct = cells[i].via == S(NONE), moves = cells[i].next != cells[i].state;
        struct tl_fsm fsm = in(cells[i].state);
        struct tl_endpoint_view view;

        tl_fsm_view_begin(&fsm, &view);
        tl_fsm_apply(&fsm, cells[i].event, &view);
        tl_fsm_view_end(&fsm, &view);
        assert_string_equal(t_name(TL_GROUP_STATE, tl_fsm_state(&fsm)), t_name(TL_GROUP_STATE, cells[i].next));
        assert_int_equal(view.state, cells[i].next);
        assert_int_equal(view.before, moves ? cells[i].state : S(NONE));
        assert_int_equal(view.path[0], !moves ? S(NONE) : direct ? cells[i].next : cells[i].via);
        assert_int_equal(view.path[1], moves && !direct ? cells[i].next : S(NONE));
        assert_int_equal(view.withdrawn, S(NONE));
        assert_non_null(tl_fsm_reason(cells[i].state, cells[i].event));
    }
}

static void all_other_cells_change_nothing(void **state)
{
    (void)state;
    for (unsigned from = S(CLOSED); from < TL_STATE_COUNT; from++) {
        for (unsigned event = 0; event < TL_FSM_EVENTS; event++) {
            struct tl_fsm fsm = in((enum tl_state)from), before = fsm;
            struct tl_endpoint_view view;

            if (find_cell(from, event) >= 0) {
                continue;
            }
            tl_fsm_view_begin(&fsm, &view);
            tl_fsm_apply(&fsm, (enum tl_fsm_event)event, &view);
            tl_fsm_view_end(&fsm, &view);
            assert_memory_equal(&fsm, &before, sizeof fsm);
            assert_int_equal(view.before, S(NONE));
            assert_int_equal(view.path[0], S(NONE));
            assert_null(tl_fsm_reason((enum tl_state)from, (enum tl_fsm_event)event));
        }
    }
}

/* RFC 9293 3.10.7.4: a SYN-RECEIVED that "came from SYN-SENT" was opened actively, and the RST refuses it. */
static void syn_received_out_of_syn_sent_gets_rst_and_is_closed(void **state)
{
    struct tl_fsm fsm = in(S(SYN_SENT));
    struct tl_endpoint_view view = {0};

    (void)state;
    tl_fsm_apply(&fsm, TL_GETS_SYN, &view);
    tl_fsm_apply(&fsm, TL_SENDS_SYNACK, &view);
    assert_int_equal(tl_fsm_state(&fsm), S(SYN_RECEIVED));
    tl_fsm_apply(&fsm, TL_GETS_RST_AS_OPENER, &view);
    assert_int_equal(tl_fsm_state(&fsm), S(CLOSED));
    assert_int_equal(fsm.confidence, TL_CONFIDENCE_LIKELY);
}

static void zeroed_memory_is_unknown(void **state)
{
    struct tl_fsm fsm = {0};
    struct tl_endpoint_view view;

    (void)state;
    assert_int_equal(tl_fsm_state(&fsm), S(UNKNOWN));
    tl_fsm_view_begin(&fsm, &view);
    tl_fsm_view_end(&fsm, &view);
    assert_int_equal(view.state, S(UNKNOWN));
    assert_int_equal(view.confidence, TL_CONFIDENCE_NONE);
    assert_int_equal(view.before, S(NONE));
}

/* ---- confidence -------------------------------------------------------------------------------------------------------- */

/* What an end sends proves its state; what is on its way to it is expected only (docs/design.md, "States"). */
static void sending_is_certain_and_getting_is_expected(void **state)
{
    (void)state;
    for (unsigned i = 0; i < CELLS; i++) {
        struct tl_fsm fsm = in(cells[i].state);
        struct tl_endpoint_view view = {0};

        if (cells[i].next == cells[i].state) {
            continue;
        }
        tl_fsm_apply(&fsm, cells[i].event, &view);
        assert_int_equal(fsm.confidence, sends(cells[i].event) ? TL_CONFIDENCE_CERTAIN : TL_CONFIDENCE_LIKELY);
        assert_int_equal(fsm.expected, sends(cells[i].event) ? 0 : cells[i].via == S(NONE) ? 1 : 2);
    }
}

static void expected_state_is_confirmed_by(enum tl_state via, enum tl_fsm_event got, enum tl_fsm_event sent, bool confirmed)
{
    struct tl_fsm fsm = in(via);
    struct tl_endpoint_view view = {0};
    enum tl_state reached;

    tl_fsm_apply(&fsm, got, &view);
    reached = tl_fsm_state(&fsm);
    tl_fsm_apply(&fsm, sent, &view);
    assert_int_equal(tl_fsm_state(&fsm), reached);
    assert_int_equal(fsm.expected, confirmed ? 0 : 1);
    assert_int_equal(fsm.confidence, confirmed ? TL_CONFIDENCE_CERTAIN : TL_CONFIDENCE_LIKELY);
}

/* An expected state becomes certain when the endpoint's own ACK or flags show that it has processed the segment. */
static void own_segments_confirm_an_expected_state(void **state)
{
    (void)state;
    expected_state_is_confirmed_by(S(SYN_SENT), TL_GETS_SYNACK, TL_SENDS_SYNCHRONISED, true);
    expected_state_is_confirmed_by(S(SYN_SENT), TL_GETS_SYN, TL_SENDS_SYNACK, true);
    expected_state_is_confirmed_by(S(SYN_RECEIVED), TL_GETS_ACK_OF_SYN, TL_SENDS_SYNCHRONISED, true);
    expected_state_is_confirmed_by(S(ESTABLISHED), TL_GETS_FIN, TL_SENDS_ACK_OF_FIN, true);
    expected_state_is_confirmed_by(S(FIN_WAIT_1), TL_GETS_FIN, TL_SENDS_ACK_OF_FIN, true);
    expected_state_is_confirmed_by(S(FIN_WAIT_2), TL_GETS_FIN, TL_SENDS_ACK_OF_FIN, true);
    /* These say nothing of the FIN. */
    expected_state_is_confirmed_by(S(ESTABLISHED), TL_GETS_FIN, TL_SENDS_SYNCHRONISED, false);
    expected_state_is_confirmed_by(S(FIN_WAIT_1), TL_GETS_ACK_OF_FIN, TL_SENDS_SYNCHRONISED, false);
    /* Out of CLOSING the ACK of the own FIN leads to TIME-WAIT, and the ACK of the peer's FIN does not show that it came. */
    expected_state_is_confirmed_by(S(CLOSING), TL_GETS_ACK_OF_FIN, TL_SENDS_ACK_OF_FIN, false);
}

/* FIN-WAIT-1, peer FIN that acknowledges the own FIN: both steps are expected, the ACK of the peer's FIN confirms both. */
static void ack_of_fin_confirms_all_steps_up_to_time_wait(void **state)
{
    struct tl_fsm fsm = in(S(FIN_WAIT_1));
    struct tl_endpoint_view view = {0};

    (void)state;
    tl_fsm_apply(&fsm, TL_GETS_ACK_OF_FIN, &view);
    tl_fsm_apply(&fsm, TL_GETS_FIN, &view);
    assert_int_equal(fsm.expected, 2);
    assert_int_equal(view.path[0], S(FIN_WAIT_2));
    assert_int_equal(view.path[1], S(TIME_WAIT));
    tl_fsm_apply(&fsm, TL_SENDS_ACK_OF_FIN, &view);
    assert_int_equal(fsm.expected, 0);
    assert_int_equal(fsm.confidence, TL_CONFIDENCE_CERTAIN);
}

static void leaving_a_state_by_sending_confirms_it(void **state)
{
    struct tl_fsm fsm = in(S(SYN_SENT));
    struct tl_endpoint_view view = {0};

    (void)state;
    tl_fsm_apply(&fsm, TL_GETS_SYNACK, &view);
    tl_fsm_apply(&fsm, TL_SENDS_FIN, &view);
    assert_int_equal(tl_fsm_state(&fsm), S(FIN_WAIT_1));
    assert_int_equal(fsm.expected, 0);
    assert_false(tl_fsm_withdraw(&fsm, TL_REPEATS_SYN, &view));
}

static void trust_lowers_and_raises_the_newest_state(void **state)
{
    struct tl_fsm fsm = in(S(ESTABLISHED));

    (void)state;
    tl_fsm_trust(&fsm, TL_CONFIDENCE_GUESS);
    assert_int_equal(fsm.confidence, TL_CONFIDENCE_GUESS);
    assert_int_equal(fsm.expected, 1);
    tl_fsm_trust(&fsm, TL_CONFIDENCE_CERTAIN);
    assert_int_equal(fsm.confidence, TL_CONFIDENCE_CERTAIN);
}

/* No confidence in not knowing. */
static void unknown_has_no_confidence(void **state)
{
    struct tl_fsm fsm = in(S(ESTABLISHED));
    struct tl_endpoint_view view;

    (void)state;
    tl_fsm_view_begin(&fsm, &view);
    tl_fsm_apply(&fsm, TL_GETS_RST_DOUBTFUL, &view);
    tl_fsm_view_end(&fsm, &view);
    assert_int_equal(view.state, S(UNKNOWN));
    assert_int_equal(view.confidence, TL_CONFIDENCE_NONE);
    assert_int_equal(view.before, S(ESTABLISHED));
}

/* ---- withdrawal -------------------------------------------------------------------------------------------------------- */

/* docs/design.md, "States taken back": which expected state each piece of evidence contradicts. */
static bool contradicts(enum tl_fsm_withdrawal evidence, unsigned state)
{
    switch (evidence) {
    case TL_REPEATS_SYN: /* back to SYN-SENT */
        return state == S(SYN_RECEIVED) || state == S(ESTABLISHED) || state == S(CLOSE_WAIT) || state == S(CLOSED) ||
               state == S(UNKNOWN);
    case TL_REPEATS_SYNACK: /* back to SYN-RECEIVED */
        return state == S(ESTABLISHED) || state == S(CLOSE_WAIT) || state == S(CLOSED) || state == S(LISTEN) ||
               state == S(UNKNOWN);
    case TL_REPEATS_FIN: /* the state before FIN-WAIT-2, TIME-WAIT or CLOSED */
        return state == S(FIN_WAIT_2) || state == S(TIME_WAIT) || state == S(CLOSED) || state == S(UNKNOWN);
    case TL_FIN_UNKNOWN: /* its FIN does not acknowledge the peer's */
        return state == S(CLOSE_WAIT);
    default: /* lives on after a RST */
        return state == S(CLOSED) || state == S(UNKNOWN) || state == S(LISTEN);
    }
}

static void evidence_takes_back_what_it_contradicts(void **state)
{
    (void)state;
    for (unsigned evidence = 0; evidence < TL_FSM_WITHDRAWALS; evidence++) {
        for (unsigned at = S(CLOSED); at < TL_STATE_COUNT; at++) {
            bool back = contradicts((enum tl_fsm_withdrawal)evidence, at);
            struct tl_fsm fsm = expected_in((enum tl_state)at);
            struct tl_endpoint_view view = {0};

            fsm.history = (uint64_t)S(FIN_WAIT_1) << 4 | at; /* not one that is taken back, too */
            assert_int_equal(tl_fsm_withdraw(&fsm, (enum tl_fsm_withdrawal)evidence, &view), back);
            assert_int_equal(tl_fsm_state(&fsm), back ? S(FIN_WAIT_1) : at);
            assert_int_equal(view.withdrawn, back ? at : S(NONE));
            assert_int_equal(fsm.depth, back ? 1 : 2);
            assert_int_equal(fsm.confidence, back ? TL_CONFIDENCE_CERTAIN : TL_CONFIDENCE_LIKELY);
        }
    }
}

/* Certain states stay, except that an end which goes on did not send the RST that closed it. */
static void certain_states_stay_unless_the_end_lives_on(void **state)
{
    (void)state;
    for (unsigned evidence = 0; evidence < TL_FSM_WITHDRAWALS; evidence++) {
        for (unsigned at = S(CLOSED); at < TL_STATE_COUNT; at++) {
            bool back = evidence == TL_LIVES_ON && contradicts(TL_LIVES_ON, at);
            struct tl_fsm fsm = in((enum tl_state)at);
            struct tl_endpoint_view view = {0};

            fsm.history = (uint64_t)S(FIN_WAIT_1) << 4 | at;
            assert_int_equal(tl_fsm_withdraw(&fsm, (enum tl_fsm_withdrawal)evidence, &view), back);
            assert_int_equal(tl_fsm_state(&fsm), back ? S(FIN_WAIT_1) : at);
        }
    }
}

static void several_expected_states_are_taken_back_together(void **state)
{
    struct tl_fsm fsm = in(S(FIN_WAIT_1));
    struct tl_endpoint_view view = {0};

    (void)state;
    tl_fsm_apply(&fsm, TL_GETS_ACK_OF_FIN, &view);
    tl_fsm_apply(&fsm, TL_GETS_FIN, &view);
    assert_int_equal(tl_fsm_state(&fsm), S(TIME_WAIT));
    assert_true(tl_fsm_withdraw(&fsm, TL_REPEATS_FIN, &view));
    assert_int_equal(tl_fsm_state(&fsm), S(FIN_WAIT_1));
    assert_int_equal(view.withdrawn, S(FIN_WAIT_2)); /* the oldest of them */
    assert_int_equal(fsm.confidence, TL_CONFIDENCE_CERTAIN);
    assert_false(tl_fsm_withdraw(&fsm, TL_REPEATS_FIN, &view));
}

static void the_first_state_is_never_taken_back(void **state)
{
    struct tl_fsm fsm = {.history = S(CLOSED), .depth = 1, .expected = 1, .confidence = TL_CONFIDENCE_LIKELY};
    struct tl_endpoint_view view = {0};

    (void)state;
    assert_false(tl_fsm_withdraw(&fsm, TL_LIVES_ON, &view));
    assert_int_equal(tl_fsm_state(&fsm), S(CLOSED));
}

/* ---- history ----------------------------------------------------------------------------------------------------------- */

static void history_has_one_nibble_for_each_state_oldest_first(void **state)
{
    static const enum tl_fsm_event active_close[] = {TL_SENDS_SYN,       TL_GETS_SYNACK, TL_SENDS_SYNCHRONISED, TL_SENDS_FIN,
                                                     TL_GETS_ACK_OF_FIN, TL_GETS_FIN,    TL_SENDS_ACK_OF_FIN};
    static const enum tl_state states[] = {S(SYN_SENT), S(ESTABLISHED), S(FIN_WAIT_1), S(FIN_WAIT_2), S(TIME_WAIT)};
    struct tl_fsm fsm = {0};
    uint64_t expected = 0;

    (void)state;
    for (unsigned i = 0; i < sizeof active_close / sizeof active_close[0]; i++) {
        struct tl_endpoint_view view = {0};

        tl_fsm_apply(&fsm, active_close[i], &view);
    }
    for (unsigned i = 0; i < sizeof states / sizeof states[0]; i++) {
        expected = expected << 4 | states[i];
    }
    assert_true(fsm.history == expected);
    assert_int_equal(fsm.depth, 5);
    assert_int_equal(fsm.confidence, TL_CONFIDENCE_CERTAIN);
}

/* threshold: TL_FSM_HISTORY_MAX */
static void history_keeps_the_newest_sixteen(void **state)
{
    struct tl_fsm fsm = {0};

    (void)state;
    for (unsigned i = 0; i < 20; i++) {
        struct tl_endpoint_view view = {0};

        tl_fsm_apply(&fsm, i % 2 ? TL_SENDS_RST : TL_SENDS_SYN, &view); /* SYN-SENT, CLOSED, SYN-SENT ... */
        assert_int_equal(tl_fsm_state(&fsm), i % 2 ? S(CLOSED) : S(SYN_SENT));
    }
    assert_int_equal(fsm.depth, TL_FSM_HISTORY_MAX);
    assert_int_equal(fsm.history >> 60, S(SYN_SENT));
    assert_int_equal(fsm.history & 0xF, S(CLOSED));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_cell_leads_where_the_rfc_says),
        cmocka_unit_test(all_other_cells_change_nothing),
        cmocka_unit_test(syn_received_out_of_syn_sent_gets_rst_and_is_closed),
        cmocka_unit_test(zeroed_memory_is_unknown),
        cmocka_unit_test(sending_is_certain_and_getting_is_expected),
        cmocka_unit_test(own_segments_confirm_an_expected_state),
        cmocka_unit_test(ack_of_fin_confirms_all_steps_up_to_time_wait),
        cmocka_unit_test(leaving_a_state_by_sending_confirms_it),
        cmocka_unit_test(trust_lowers_and_raises_the_newest_state),
        cmocka_unit_test(unknown_has_no_confidence),
        cmocka_unit_test(evidence_takes_back_what_it_contradicts),
        cmocka_unit_test(certain_states_stay_unless_the_end_lives_on),
        cmocka_unit_test(several_expected_states_are_taken_back_together),
        cmocka_unit_test(the_first_state_is_never_taken_back),
        cmocka_unit_test(history_has_one_nibble_for_each_state_oldest_first),
        cmocka_unit_test(history_keeps_the_newest_sixteen),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
