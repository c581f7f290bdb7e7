/* tl_origin_judge.c - the evidence about who sent a RST, weighed; and what follows for its cause.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Weights: found on captures with known truth, see docs/design.md, "Who sent it". RFC 9293 3.5.2 and 3.10.5 say what ends send; that
 * devices send RSTs in their name is RFC 3360's subject.
 */
#include "rules/tl_origin.h"
#include "rules/tl_rst_cause.h"

enum kind { SUPPORT, PROOF, TIME, HOPS, ID, NUMBERS, LATER };

enum { GUESS_WEIGHT = 2, LIKELY_WEIGHT = 3, CERTAIN_WEIGHT = 5, CERTAIN_KINDS = 2, SUPPORT_MOST = 2 };

static const struct {
    uint32_t bit;
    uint8_t weight;
    uint8_t kind; /* enum kind */
} weights[] = {
    {TL_EVIDENCE_SYNACK_AFTER, 5, PROOF}, {TL_EVIDENCE_GOES_ON, 4, PROOF},       {TL_EVIDENCE_GOES_ON_DATA, 3, PROOF},
    {TL_EVIDENCE_TOO_FAST, 3, TIME},      {TL_EVIDENCE_TOO_FAST_IDLE, 3, TIME},  {TL_EVIDENCE_TTL, 3, HOPS},
    {TL_EVIDENCE_ID_SHARED, 3, ID},       {TL_EVIDENCE_ECHO_ID, 3, ID},          {TL_EVIDENCE_ECHO_DATA, 3, ID},
    {TL_EVIDENCE_GOES_ON_OLD, 2, LATER},  {TL_EVIDENCE_SYNACK_LATER, 2, LATER},  {TL_EVIDENCE_TOO_FAST_QUIET, 2, TIME},
    {TL_EVIDENCE_TTL_NEAR, 2, HOPS},      {TL_EVIDENCE_ID_FOREIGN, 2, ID},       {TL_EVIDENCE_TS_ODD, 2, NUMBERS},
    {TL_EVIDENCE_SEQ_AHEAD, 2, NUMBERS},  {TL_EVIDENCE_ACK_AHEAD, 2, NUMBERS},   {TL_EVIDENCE_TOO_FAST_LOOSE, 1, TIME},
    {TL_EVIDENCE_TTL_WEAK, 1, HOPS},      {TL_EVIDENCE_NO_TS, 1, SUPPORT},       {TL_EVIDENCE_IP_ID, 1, SUPPORT},
    {TL_EVIDENCE_BOTH, 1, SUPPORT},       {TL_EVIDENCE_ECHO_WINDOW, 1, SUPPORT},
};

static const uint32_t PROOFS = TL_EVIDENCE_SYNACK_AFTER | TL_EVIDENCE_GOES_ON | TL_EVIDENCE_GOES_ON_DATA;
static const uint32_t WENT_ON = TL_EVIDENCE_GOES_ON | TL_EVIDENCE_GOES_ON_DATA;
static const uint32_t HOPS_DIFFER = TL_EVIDENCE_TTL | TL_EVIDENCE_TTL_NEAR;
static const uint32_t TTL_DIFFERS = TL_EVIDENCE_TTL | TL_EVIDENCE_TTL_NEAR | TL_EVIDENCE_TTL_WEAK;
static const uint32_t SOON = TL_EVIDENCE_TOO_FAST | TL_EVIDENCE_TOO_FAST_IDLE | TL_EVIDENCE_TOO_FAST_QUIET;

/* What the bits add up to. */
struct sum {
    int weight;
    unsigned kinds;
    bool strong;
};

static bool origin_judge_next_id(uint32_t evidence)
{
    return (evidence & TL_EVIDENCE_ID_NEXT) && !(evidence & TL_EVIDENCE_ECHO_ID);
}

bool tl_origin_is_own(uint32_t evidence)
{
    return (evidence & TL_EVIDENCE_TS_NEXT) && origin_judge_next_id(evidence) && !(evidence & TTL_DIFFERS);
}

/* What speaks for the end weighs against everything but a proof. */
static int origin_judge_weight_for_end(uint32_t evidence)
{
    int weight = 0;

    if (evidence & PROOFS) {
        return 0;
    }
    weight += evidence & TL_EVIDENCE_TS_NEXT ? 3 : 0;
    weight += origin_judge_next_id(evidence) && !(evidence & TL_EVIDENCE_ID_SHARED) ? 2 : 0;
    return weight + ((evidence & TL_EVIDENCE_TTL_SAME) && (evidence & TL_EVIDENCE_IN_TIME) && !(evidence & SOON) ? 1 : 0);
}

/* Whether nothing but the TTL speaks for a device, and that may be of X's system, or is of nobody on the path. */
static bool origin_judge_is_ttl_of_system(uint32_t evidence)
{
    uint32_t strong = 0;

    for (unsigned i = 0; i < sizeof weights / sizeof weights[0]; i++) {
        strong |= weights[i].weight > 1 && weights[i].kind != HOPS ? weights[i].bit : 0;
    }
    return (evidence & (TL_EVIDENCE_TTL_SET | TL_EVIDENCE_TTL_FARTHER)) && !(evidence & strong);
}

static struct sum origin_judge_add_up(uint32_t evidence)
{
    struct sum sum = {0, 0, false};
    unsigned kinds = 0, support = 0;

    if (origin_judge_is_ttl_of_system(evidence)) {
        return (struct sum){.weight = evidence & TL_EVIDENCE_TTL_SET ? 0 : 1};
    }
    for (unsigned i = 0; i < sizeof weights / sizeof weights[0]; i++) {
        if (!(evidence & weights[i].bit)) {
            continue;
        }
        if (weights[i].kind == SUPPORT) {
            support++;
            continue;
        }
        sum.weight += weights[i].weight;
        sum.strong |= weights[i].weight > 1;
        kinds |= weights[i].weight > 1 && weights[i].kind != LATER ? 1U << weights[i].kind : 0;
    }
    if (support > 0 && (sum.strong || (evidence & TTL_DIFFERS))) {
        sum.weight += support < SUPPORT_MOST ? (int)support : SUPPORT_MOST;
    }
    kinds |= evidence & (TL_EVIDENCE_NO_TS | TL_EVIDENCE_IP_ID | TL_EVIDENCE_BOTH) ? 1U << SUPPORT : 0;
    for (; kinds > 0; kinds >>= 1) {
        sum.kinds += kinds & 1;
    }
    sum.weight -= origin_judge_weight_for_end(evidence);
    return sum;
}

static bool origin_judge_is_certain(uint32_t evidence, const struct sum *sum)
{
    bool sure = (evidence & (PROOFS | TL_EVIDENCE_ID_SHARED | TL_EVIDENCE_ECHO_DATA)) ||
                ((evidence & TL_EVIDENCE_TOO_FAST) && (evidence & HOPS_DIFFER));

    return sum->weight >= CERTAIN_WEIGHT && sum->kinds >= CERTAIN_KINDS && sum->strong && sure;
}

/* Never certain: who sees the traffic can write X's next IP ID, its clock and its TTL as well. */
static enum tl_origin origin_judge_judge_end(uint32_t evidence, uint8_t *confidence)
{
    bool same = evidence & TL_EVIDENCE_TTL_SAME, ts = evidence & TL_EVIDENCE_TS_NEXT;
    bool id = origin_judge_next_id(evidence);

    if (tl_origin_is_own(evidence)) {
        *confidence = TL_CONFIDENCE_LIKELY;
    } else if (same && (ts || id) && !(evidence & TL_EVIDENCE_NO_TS)) {
        *confidence = TL_CONFIDENCE_LIKELY;
    } else if (same || ((evidence & TL_EVIDENCE_TTL_SET) && (evidence & TTL_DIFFERS)) ||
               ((evidence & TL_EVIDENCE_TTL_HOST) && (evidence & TL_EVIDENCE_IN_TIME))) {
        *confidence = TL_CONFIDENCE_GUESS;
    } else {
        return TL_ORIGIN_UNKNOWN;
    }
    return TL_ORIGIN_END;
}

enum tl_origin tl_origin_judge(uint32_t evidence, uint8_t *confidence)
{
    struct sum sum = origin_judge_add_up(evidence);

    *confidence = TL_CONFIDENCE_NONE;
    if ((evidence & WENT_ON) && ((evidence & TL_EVIDENCE_TS_NEXT) || origin_judge_next_id(evidence)) &&
        !(evidence & TTL_DIFFERS)) {
        return TL_ORIGIN_UNKNOWN; /* what goes on is forged, or the host itself answered what its program knows */
    }
    if (origin_judge_is_certain(evidence, &sum)) {
        *confidence = TL_CONFIDENCE_CERTAIN;
    } else if ((sum.weight >= LIKELY_WEIGHT && sum.strong) || (evidence & TL_EVIDENCE_SIBLING)) {
        *confidence = TL_CONFIDENCE_LIKELY;
    } else if (sum.weight >= GUESS_WEIGHT && (sum.strong || (evidence & TTL_DIFFERS))) {
        *confidence = TL_CONFIDENCE_GUESS;
    } else {
        return sum.weight > 0 && (evidence & (SOON | TTL_DIFFERS)) ? TL_ORIGIN_UNKNOWN
                                                                   : origin_judge_judge_end(evidence, confidence);
    }
    return TL_ORIGIN_PATH;
}

static enum tl_rst_cause origin_judge_device_cause(const struct tl_rst_now *now, unsigned flags, enum tl_rst_stage stage)
{
    if (flags & TL_SHAPE_RST_AFTER_IDLE) {
        return TL_RST_CAUSE_DEVICE_IDLE;
    }
    if (stage == TL_RST_STAGE_POST_PSH || (now->evidence & TL_EVIDENCE_BOTH)) {
        return TL_RST_CAUSE_DEVICE_POLICY;
    }
    return TL_RST_CAUSE_DEVICE_STATE;
}

void tl_origin_amend(struct tl_rst_now *now, unsigned flags, enum tl_rst_stage stage)
{
    bool path = now->origin == TL_ORIGIN_PATH && now->origin_confidence != TL_CONFIDENCE_GUESS;
    bool sure = path && now->origin_confidence == TL_CONFIDENCE_CERTAIN;
    const struct tl_rst_traits *traits = tl_rst_traits((enum tl_rst_cause)now->cause);

    if ((path && traits->of_end) || (sure && traits->yields)) {
        now->cause = (uint8_t)origin_judge_device_cause(now, flags, stage);
        now->confidence = TL_CONFIDENCE_LIKELY;
    }
}
