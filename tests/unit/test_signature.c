/* test_inject_pattern.c - tests of tl_signature: stage of a RST, and the pattern that the resets in the client's name make. Rules:
 * docs/design.md, "Stage and signature".
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "tl_test.h"

enum { SYN = TL_SYN, FIN = TL_FIN | TL_ACK, RST = TL_RST, RSTACK = TL_RST | TL_ACK };

/* As far as the stage says: SYN, handshake, one payload of the client, two. */
static void come_to(struct t_talk *t, enum tl_rst_stage stage)
{
    if (stage == TL_RST_STAGE_POST_SYN) {
        t_syn_sent(t);
        return;
    }
    t_established(t);
    for (unsigned i = TL_RST_STAGE_POST_ACK; i < (unsigned)stage; i++) {
        t_send(t, CLIENT, .len = 10);
    }
}

static void stage_of_each_reset(void **state)
{
    struct t_talk t;

    (void)state;
    for (unsigned stage = TL_RST_STAGE_POST_SYN; stage <= TL_RST_STAGE_LATER; stage++) {
        for (unsigned from = 0; from < 2; from++) {
            come_to(&t, stage);
            t_send(&t, from, .flags = RSTACK);
            assert_int_equal(t.v.shape.rst_stage, stage);
            t_end(&t);
        }
    }
    come_to(&t, TL_RST_STAGE_POST_PSH); /* the same payload again is no second one */
    t_send(&t, CLIENT, .seq = 1001, .len = 10, .wait_ns = T_SECOND);
    t_send(&t, CLIENT, .flags = RSTACK);
    t_is(&t, rst_stage, RST_STAGE, POST_PSH);
    t_end(&t);
    t_midstream(&t);
    t_send(&t, CLIENT, .flags = RSTACK);
    t_is(&t, rst_stage, RST_STAGE, MIDSTREAM);
    t_end(&t);
}

/* The 19 patterns. Silence: no reset. */
/* threshold: SILENCE_NS */
static void signatures(void **state)
{
#define AT(STAGE) TL_RST_STAGE_##STAGE
#define IS(NAME) TL_SIGNATURE_##NAME
    static const struct {
        enum tl_rst_stage stage;
        unsigned resets[2];
        uint32_t acks[2];
        enum tl_signature signature;
    } rows[] = {
        {AT(POST_SYN), {0, 0}, {0, 0}, IS(SYN_NONE)},
        {AT(POST_SYN), {RST, 0}, {0, 0}, IS(SYN_RST)},
        {AT(POST_SYN), {RSTACK, 0}, {1, 0}, IS(SYN_RSTACK)},
        {AT(POST_SYN), {RST, RSTACK}, {0, 1}, IS(SYN_RST_RSTACK)},
        {AT(POST_ACK), {0, 0}, {0, 0}, IS(ACK_NONE)},
        {AT(POST_ACK), {RST, 0}, {0, 0}, IS(ACK_RST)},
        {AT(POST_ACK), {RSTACK, 0}, {5001, 0}, IS(ACK_RSTACK)},
        {AT(POST_ACK), {RST, RST}, {0, 0}, IS(ACK_RST_RST)},
        {AT(POST_ACK), {RSTACK, RSTACK}, {5001, 5001}, IS(ACK_RSTACK_RSTACK)},
        {AT(POST_PSH), {0, 0}, {0, 0}, IS(PSH_NONE)},
        {AT(POST_PSH), {RST, 0}, {0, 0}, IS(PSH_RST)},
        {AT(POST_PSH), {RSTACK, 0}, {5001, 0}, IS(PSH_RSTACK)},
        {AT(POST_PSH), {RSTACK, RST}, {5001, 0}, IS(PSH_RST_RSTACK)},
        {AT(POST_PSH), {RSTACK, RSTACK}, {5001, 5001}, IS(PSH_RSTACK_RSTACK)},
        {AT(POST_PSH), {RST, RST}, {7, 7}, IS(PSH_RST_SAME)},
        {AT(POST_PSH), {RST, RST}, {7, 8}, IS(PSH_RST_DIFFERENT)},
        {AT(POST_PSH), {RST, RST}, {7, 0}, IS(PSH_RST_ZERO)},
        {AT(LATER), {RST, 0}, {0, 0}, IS(DATA_RST)},
        {AT(LATER), {RSTACK, 0}, {5001, 0}, IS(DATA_RSTACK)},
        {AT(LATER), {0, 0}, {0, 0}, IS(NONE)},
        {AT(POST_ACK), {RST, RSTACK}, {0, 5001}, IS(NONE)}, /* no name for it */
    };
#undef AT
#undef IS
    struct t_talk t;

    (void)state;
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        come_to(&t, rows[i].stage);
        for (unsigned k = 0; k < 2 && rows[i].resets[k] != 0; k++) {
            t_send(&t, CLIENT, .flags = rows[i].resets[k], .ack = rows[i].acks[k], .field_ack = rows[i].acks[k] != 0);
        }
        t_know(&t, 3 * T_SECOND);
        assert_string_equal(t_name(TL_GROUP_SIGNATURE, t.facts.signature), t_name(TL_GROUP_SIGNATURE, rows[i].signature));
        t_end(&t);
    }
}

/* Silence takes 3 s, and no reset by the other end; FIN, two openers or a start mid-stream make no pattern; copies do not
 * count. */
/* threshold: SILENCE_NS */
static void what_makes_no_signature(void **state)
{
    struct t_talk t;

    (void)state;
    come_to(&t, TL_RST_STAGE_POST_ACK);
    t_know(&t, 3 * T_SECOND - 1);
    t_fact_is(&t, signature, SIGNATURE, NONE);
    t_send(&t, SERVER, .flags = RSTACK);
    t_know(&t, 10 * T_SECOND);
    t_fact_is(&t, signature, SIGNATURE, NONE);
    t_end(&t);
    come_to(&t, TL_RST_STAGE_POST_PSH);
    t_send(&t, CLIENT, .flags = FIN);
    t_send(&t, CLIENT, .flags = RST);
    t_know(&t, 0);
    t_fact_is(&t, signature, SIGNATURE, NONE);
    t_end(&t);
    t_syn_sent(&t);
    t_send(&t, SERVER, .flags = SYN);
    t_send(&t, CLIENT, .flags = RST);
    t_know(&t, 0);
    t_fact_is(&t, signature, SIGNATURE, NONE);
    t_end(&t);
    t_midstream(&t);
    t_send(&t, CLIENT, .flags = RST);
    t_know(&t, 0);
    t_fact_is(&t, signature, SIGNATURE, NONE);
    t_end(&t);
    come_to(&t, TL_RST_STAGE_POST_PSH);
    t_send(&t, CLIENT, .flags = RST, .ip_id = 9);
    t_send(&t, CLIENT, .flags = RST, .ip_id = 9);
    assert_true(t_flag(&t, TL_SHAPE_COPY));
    t_know(&t, 0);
    t_fact_is(&t, signature, SIGNATURE, PSH_RST);
    t_end(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stage_of_each_reset),
        cmocka_unit_test(signatures),
        cmocka_unit_test(what_makes_no_signature),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
