/* test_origin.c - tests of tl_origin_judge: what evidence adds up to, and what that leaves of a cause. What makes each piece of evidence:
 * tests/cases/rst-origin-*.case. Rules: docs/design.md, "Who sent it".
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "tl_test.h"

#include "record/tl_hosts.h"
#include "rules/tl_origin.h"

#define E(NAME) TL_EVIDENCE_##NAME

/* threshold: GUESS_WEIGHT, LIKELY_WEIGHT, CERTAIN_WEIGHT, CERTAIN_KINDS, SUPPORT_MOST */
static void evidence_adds_up(void **state)
{
    static const struct {
        uint32_t evidence;
        enum tl_origin origin;
        enum tl_confidence confidence;
    } rows[] = {
        {0, TL_ORIGIN_UNKNOWN, TL_CONFIDENCE_NONE},
        /* support proves nothing alone */
        {E(NO_TS) | E(IP_ID) | E(BOTH) | E(ECHO_WINDOW), TL_ORIGIN_UNKNOWN, TL_CONFIDENCE_NONE},
        {E(TTL_WEAK), TL_ORIGIN_UNKNOWN, TL_CONFIDENCE_NONE},                      /* 1 */
        {E(TTL_WEAK) | E(IP_ID), TL_ORIGIN_PATH, TL_CONFIDENCE_GUESS},             /* 2 */
        {E(TTL_WEAK) | E(IP_ID) | E(NO_TS), TL_ORIGIN_PATH, TL_CONFIDENCE_GUESS},  /* 3, but nothing strong */
        {E(TTL_NEAR), TL_ORIGIN_PATH, TL_CONFIDENCE_GUESS},                        /* 2 */
        {E(TTL_NEAR) | E(NO_TS), TL_ORIGIN_PATH, TL_CONFIDENCE_LIKELY},            /* 3 */
        {E(TTL), TL_ORIGIN_PATH, TL_CONFIDENCE_LIKELY},                            /* 3 */
        {E(TTL) | E(NO_TS) | E(IP_ID), TL_ORIGIN_PATH, TL_CONFIDENCE_LIKELY},      /* 5 of two kinds, no proof */
        {E(TTL) | E(TOO_FAST), TL_ORIGIN_PATH, TL_CONFIDENCE_CERTAIN},             /* 6: soon and far */
        {E(TTL) | E(TOO_FAST_IDLE), TL_ORIGIN_PATH, TL_CONFIDENCE_LIKELY},         /* 6, but it may answer something else */
        {E(TOO_FAST) | E(NO_TS) | E(IP_ID), TL_ORIGIN_PATH, TL_CONFIDENCE_LIKELY}, /* 5, the same */
        {E(TOO_FAST_LOOSE), TL_ORIGIN_UNKNOWN, TL_CONFIDENCE_NONE},                /* 1 */
        {E(ECHO_ID), TL_ORIGIN_PATH, TL_CONFIDENCE_LIKELY},
        {E(ECHO_ID) | E(ID_NEXT), TL_ORIGIN_PATH, TL_CONFIDENCE_LIKELY}, /* the next ID is that of the echo */
        {E(ID_SHARED) | E(TTL), TL_ORIGIN_PATH, TL_CONFIDENCE_CERTAIN},
        {E(SEQ_AHEAD) | E(ACK_AHEAD), TL_ORIGIN_PATH, TL_CONFIDENCE_LIKELY},
        {E(SYNACK_AFTER), TL_ORIGIN_PATH, TL_CONFIDENCE_LIKELY}, /* 5, one kind */
        {E(SYNACK_AFTER) | E(TTL_NEAR), TL_ORIGIN_PATH, TL_CONFIDENCE_CERTAIN},
        {E(GOES_ON) | E(TTL_SAME), TL_ORIGIN_PATH, TL_CONFIDENCE_LIKELY},             /* 4 */
        {E(GOES_ON) | E(NO_TS) | E(TTL_SAME), TL_ORIGIN_PATH, TL_CONFIDENCE_CERTAIN}, /* 5 */
        {E(GOES_ON_OLD) | E(TTL_SAME), TL_ORIGIN_PATH, TL_CONFIDENCE_GUESS},          /* 2 */
        /* its own clock or counter: what goes on is forged, or the host answered for its program */
        {E(GOES_ON) | E(TTL_SAME) | E(TS_NEXT), TL_ORIGIN_UNKNOWN, TL_CONFIDENCE_NONE},
        {E(GOES_ON) | E(TTL_SAME) | E(ID_NEXT), TL_ORIGIN_UNKNOWN, TL_CONFIDENCE_NONE},
        {E(GOES_ON) | E(TTL) | E(ID_NEXT), TL_ORIGIN_PATH, TL_CONFIDENCE_CERTAIN},
        /* what speaks for the end weighs against the rest */
        {E(TTL) | E(ID_NEXT), TL_ORIGIN_UNKNOWN, TL_CONFIDENCE_NONE}, /* 1 */
        {E(TTL) | E(TS_NEXT), TL_ORIGIN_UNKNOWN, TL_CONFIDENCE_NONE}, /* 0 */
        {E(TTL_SAME), TL_ORIGIN_END, TL_CONFIDENCE_GUESS},
        {E(TTL_HOST), TL_ORIGIN_UNKNOWN, TL_CONFIDENCE_NONE},
        {E(TTL_HOST) | E(IN_TIME), TL_ORIGIN_END, TL_CONFIDENCE_GUESS},
        {E(TTL_SAME) | E(ID_NEXT), TL_ORIGIN_END, TL_CONFIDENCE_LIKELY},
        {E(TTL_SAME) | E(ID_NEXT) | E(NO_TS), TL_ORIGIN_END, TL_CONFIDENCE_GUESS},
        {E(TTL_SAME) | E(TS_NEXT), TL_ORIGIN_END, TL_CONFIDENCE_LIKELY},
        {E(TTL_SAME) | E(TS_NEXT) | E(ID_NEXT), TL_ORIGIN_END,
         TL_CONFIDENCE_LIKELY}, /* who sees the traffic can write all three */
        {E(TTL_SET), TL_ORIGIN_UNKNOWN, TL_CONFIDENCE_NONE},
        /* the system of an end whose program may have set the TTL, or whom nobody on the path can be behind */
        {E(TTL) | E(TTL_SET), TL_ORIGIN_END, TL_CONFIDENCE_GUESS},
        {E(TTL) | E(TTL_SET) | E(NO_TS) | E(IP_ID), TL_ORIGIN_END, TL_CONFIDENCE_GUESS},
        {E(TTL) | E(TTL_FARTHER), TL_ORIGIN_UNKNOWN, TL_CONFIDENCE_NONE},
        {E(TTL) | E(TTL_FARTHER) | E(NO_TS), TL_ORIGIN_UNKNOWN, TL_CONFIDENCE_NONE},
        {E(TTL) | E(TTL_FARTHER) | E(TOO_FAST), TL_ORIGIN_PATH, TL_CONFIDENCE_CERTAIN}, /* but not sooner than it can */
        {E(TTL) | E(TTL_SET) | E(GOES_ON_OLD), TL_ORIGIN_PATH, TL_CONFIDENCE_LIKELY},   /* 5, and nothing proves it */
        {E(SIBLING) | E(TTL_WEAK), TL_ORIGIN_PATH, TL_CONFIDENCE_LIKELY},
    };

    (void)state;
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint8_t confidence;
        enum tl_origin origin = tl_origin_judge(rows[i].evidence, &confidence);

        if (origin != rows[i].origin || confidence != rows[i].confidence) {
            fail_msg("row %u: origin %d, confidence %d", i, (int)origin, confidence);
        }
    }
}

static void cause_follows_the_origin(void **state)
{
    /* clang-format off */
#define ROW(evidence, origin, sure, said, said_sure, flags, stage, cause, confidence)                                          \
    {{evidence, TL_ORIGIN_##origin, TL_CONFIDENCE_##sure, TL_RST_CAUSE_##said, TL_CONFIDENCE_##said_sure, 0}, flags,           \
     TL_RST_STAGE_##stage, TL_RST_CAUSE_##cause, TL_CONFIDENCE_##confidence}
    static const struct {
        struct tl_rst_now now;
        unsigned flags;
        enum tl_rst_stage stage;
        enum tl_rst_cause cause;
        enum tl_confidence confidence;
    } rows[] = {
        ROW(0, END, LIKELY, ABORT, LIKELY, 0, LATER, ABORT, LIKELY),
        ROW(0, PATH, GUESS, ABORT, LIKELY, 0, LATER, ABORT, LIKELY),
        ROW(0, PATH, LIKELY, ABORT, LIKELY, 0, LATER, DEVICE_STATE, LIKELY),
        ROW(0, PATH, LIKELY, ABORT, LIKELY, 0, POST_PSH, DEVICE_POLICY, LIKELY),
        ROW(E(BOTH), PATH, LIKELY, AFTER_CLOSE, GUESS, 0, LATER, DEVICE_POLICY, LIKELY),
        ROW(0, PATH, CERTAIN, ABORT, LIKELY, TL_SHAPE_RST_AFTER_IDLE, POST_PSH, DEVICE_IDLE, LIKELY),
        /* true of a device, too, but says less than that it was one */
        ROW(0, PATH, LIKELY, HALF_OPEN, LIKELY, 0, LATER, HALF_OPEN, LIKELY),
        ROW(0, PATH, CERTAIN, HALF_OPEN, LIKELY, 0, LATER, DEVICE_STATE, LIKELY),
        ROW(0, PATH, CERTAIN, REFUSED, LIKELY, 0, POST_SYN, REFUSED, LIKELY),
    };
#undef ROW
    /* clang-format on */

    (void)state;
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct tl_rst_now now = rows[i].now;

        tl_origin_amend(&now, rows[i].flags, rows[i].stage);
        assert_int_equal(now.cause, rows[i].cause);
        assert_int_equal(now.confidence, rows[i].confidence);
    }
}

/* ---- hosts -------------------------------------------------------------------------------------------------------------- */

static void *take(void *context, size_t bytes)
{
    (void)context;
    return calloc(1, bytes);
}

static void give(void *context, void *memory, size_t bytes)
{
    (void)context;
    (void)bytes;
    free(memory);
}

static const struct tl_allocator memory = {take, give, NULL};

/* threshold: TL_HOSTS_MAX, TL_HOSTS_WAYS */
static void hosts_are_bounded(void **state)
{
    struct tl_hosts hosts = {0};

    (void)state;
    assert_null(tl_hosts_find(&hosts, 1));
    for (uint64_t key = 1; key <= 2 * TL_HOSTS_MAX; key++) {
        tl_hosts_ttl(&hosts, &memory, key, 64, (uint32_t)key);
    }
    assert_non_null(tl_hosts_find(&hosts, 2 * TL_HOSTS_MAX));
    assert_null(tl_hosts_find(&hosts, 1)); /* the oldest went */
    tl_hosts_ttl(&hosts, &memory, 0, 64, 1);
    assert_null(tl_hosts_find(&hosts, 0)); /* no host */
    tl_hosts_free(&hosts, &memory);
}

/* threshold: TL_HOST_TTLS */
static void ttls_are_counted(void **state)
{
    struct tl_ttls ttls = {0};

    (void)state;
    for (uint8_t ttl = 60; ttl < 66; ttl++) {
        tl_ttls_add(&ttls, ttl);
        tl_ttls_add(&ttls, ttl);
    }
    assert_int_equal(ttls.used, TL_HOST_TTLS);
    assert_int_equal(tl_ttls_total(&ttls), 2 * TL_HOST_TTLS);
}

/* threshold: ROW_NS, ROW_STEPS */
static void rows_of_ip_ids(void **state)
{
    static const struct {
        struct tl_host_rst rst;
        unsigned row;
    } rows[] = {
        {{.ns = 10000 * T_MS, .from = 1, .to = 2, .ip_id = 101, .ttl = 60}, 1},
        {{.ns = 10000 * T_MS, .from = 1, .to = 2, .ip_id = 116, .ttl = 60}, 1},
        {{.ns = 10000 * T_MS, .from = 1, .to = 2, .ip_id = 117, .ttl = 60}, 0},
        {{.ns = 10000 * T_MS, .from = 1, .to = 2, .ip_id = 100, .ttl = 60}, 0},
        {{.ns = 10000 * T_MS + 1, .from = 1, .to = 2, .ip_id = 101, .ttl = 60}, 0},
        {{.ns = 10000 * T_MS, .from = 1, .to = 2, .ip_id = 101, .ttl = 61}, 0},
        {{.ns = 10000 * T_MS, .from = 3, .to = 2, .ip_id = 101, .ttl = 60}, 0},
        {{.ns = 10000 * T_MS, .from = 1, .to = 3, .ip_id = 101, .ttl = 60}, 0},
    };
    struct tl_hosts hosts = {0};

    (void)state;
    tl_hosts_rst(&hosts, &memory, &(struct tl_host_rst){.ns = 0, .from = 3, .to = 4, .ip_id = 100, .ttl = 60});
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(tl_hosts_rsts_before(&hosts, &rows[i].rst, false), rows[i].row);
    }
    assert_int_equal(tl_hosts_rsts_before(&hosts, &rows[6].rst, true), 1); /* in the name of the same host */
    assert_int_equal(tl_hosts_rsts_before(&hosts, &rows[0].rst, true), 0);
    tl_hosts_free(&hosts, &memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(evidence_adds_up), cmocka_unit_test(cause_follows_the_origin), cmocka_unit_test(hosts_are_bounded),
        cmocka_unit_test(ttls_are_counted), cmocka_unit_test(rows_of_ip_ids),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
