/* tl_find_slow.c - findings about time that was lost, and about the capture itself.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "conn/tl_conn.h"
#include "findings/tl_find.h"

enum { RESENT_MIN = 3 };              /* fewer are no finding, unless they took long */
enum { LOSS_OF = 200, ODD_OF = 100 }; /* one segment in so many: 0.5 % and 1 % */
static const int64_t TIMER_MIN_NS = 500 * TL_MS;
static const int64_t REPAIR_COST_NS = 20 * TL_MS; /* of a loss that is repaired within a round trip or two */
static const int64_t ODD_COST_NS = 10 * TL_MS;    /* of a segment that was overtaken or sent needlessly */
static const int64_t ACK_COST_NS = 200 * TL_MS;   /* of data sent again: the least timeout in use */
static const int64_t SACK_COST_NS = 100 * TL_MS;
static const int64_t SLOW_OPEN_NS = 500 * TL_MS;
static const int64_t LONG_MIN_NS = 300 * TL_MS, LONG_MAX_NS = 3 * TL_SECOND;
static const int64_t CLOSED_MIN_NS = 200 * TL_MS; /* a window that is closed for less is a dip */
static const int64_t SMALL_MIN_NS = 200 * TL_MS, SMALL_ROUND_TRIP_NS = 5 * TL_MS;
static const int64_t ACKS_MIN_NS = 400 * TL_MS;
static const int64_t THINKS_MIN_NS = 500 * TL_MS, THINKS_SUM_NS = TL_SECOND, THINKS_MAX_NS = 30 * TL_SECOND;
enum { LIMITED_MIN = 10, ACKS_MIN = 4, ACKS_PERCENT = 3, THINKS_PERCENT = 20, SACKS_MIN = 3 };

/* Time that may be right as it is counts for 30 % of it. */
static int64_t find_slow_perhaps(int64_t ns)
{
    return ns / 10 * 3;
}

/* ---- loss ---------------------------------------------------------------------------------------------------------------- */

struct repairs {
    uint32_t by_acks, by_timer, needed;
};

/* What an end had to send again. Window probes, Fast Open data and segments that ICMP called too large were not lost; SYNs are
 * counted elsewhere. */
static struct repairs find_slow_repairs_of(const struct tl_trouble *trouble)
{
    const uint32_t *cause = trouble->retransmissions;
    struct repairs repairs = {
        .by_acks = cause[TL_RETRANSMISSION_FAST] + cause[TL_RETRANSMISSION_SACK],
        .by_timer = cause[TL_RETRANSMISSION_RTO] + cause[TL_RETRANSMISSION_TLP] + cause[TL_RETRANSMISSION_UNKNOWN] +
                    cause[TL_RETRANSMISSION_RTO_RECOVERY],
    };
    uint32_t all = repairs.by_acks + repairs.by_timer;

    repairs.needed = all > trouble->spurious ? all - trouble->spurious : 0;
    return repairs;
}

/* Whether a failure explains what was sent again. */
static bool find_slow_is_explained(const struct tl_look *look)
{
    switch (look->claimed) {
    case TL_FINDING_SCAN:
    case TL_FINDING_SCAN_INBOUND:
    case TL_FINDING_FLOOD:
    case TL_FINDING_UNASKED_ANSWERS:
    case TL_FINDING_NO_ANSWER:
    case TL_FINDING_QUEUE_FULL:
    case TL_FINDING_IDLE_CUT:
    case TL_FINDING_PEER_DIED:
    case TL_FINDING_STATE_LOST:
    case TL_FINDING_MTU_BLACK_HOLE:
    case TL_FINDING_DATA_LOST_AFTER_CLOSE:
    case TL_FINDING_TUPLE_REUSED:
    case TL_FINDING_CLOSED_AT_ONCE:
        return true;
    default:
        return false;
    }
}

static bool find_slow_acks_are_lost(const struct tl_case *c, unsigned role)
{
    uint32_t again = c->course.end[role].acked_resends;

    return again >= RESENT_MIN && again * 2 >= c->retransmissions[role];
}

/* What is 0 is not worth a word. */
static int64_t find_slow_or_unknown(uint32_t count)
{
    return count > 0 ? (int64_t)count : -1;
}

bool tl_find_loss(const struct tl_look *look, unsigned role, struct tl_claim *claim)
{
    const struct tl_case *c = look->c;
    const struct tl_course_end_now *course = &c->course.end[role];
    struct repairs repairs = find_slow_repairs_of(&c->trouble[role]);
    bool many = repairs.needed >= RESENT_MIN && (uint64_t)repairs.needed * LOSS_OF >= c->segments[role];
    bool late = repairs.by_timer > 0 && repairs.needed > 0 && course->timer_ns >= TIMER_MIN_NS;

    if ((!many && !late) || find_slow_is_explained(look) || find_slow_acks_are_lost(c, role) ||
        c->facts.capture & TL_CAPTURE_ASYMMETRIC) {
        return false;
    }
    claim->role = (uint8_t)role;
    claim->cost_ns = tl_max_ns(course->timer_ns, 0) + REPAIR_COST_NS * repairs.needed;
    claim->frame = course->timer_max_in;
    tl_claim_doubt(claim, TL_CONFIDENCE_LIKELY);
    tl_claim_measure(claim, TL_MEASURE_RESENT, repairs.needed);
    tl_claim_measure(claim, TL_MEASURE_SEGMENTS, c->segments[role]);
    tl_claim_measure(claim, TL_MEASURE_BY_ACKS, find_slow_or_unknown(repairs.by_acks));
    tl_claim_measure(claim, TL_MEASURE_BY_TIMER, find_slow_or_unknown(repairs.by_timer));
    tl_claim_measure(claim, TL_MEASURE_TIMER, course->timer_ns);
    tl_claim_measure(claim, TL_MEASURE_TIMER_MAX, course->timer_max_ns);
    tl_claim_measure(claim, TL_MEASURE_LOST_BEFORE, find_slow_or_unknown(course->lost_before));
    tl_claim_measure(claim, TL_MEASURE_LOST_AFTER, find_slow_or_unknown(course->lost_after));
    return true;
}

bool tl_find_acks_lost(const struct tl_look *look, unsigned role, struct tl_claim *claim)
{
    const struct tl_case *c = look->c;
    uint32_t again = c->course.end[role].acked_resends;

    if (!find_slow_acks_are_lost(c, role) || find_slow_is_explained(look)) {
        return false;
    }
    claim->role = (uint8_t)role;
    claim->cost_ns = tl_max_ns(c->course.end[role].timer_ns, ACK_COST_NS * again);
    tl_claim_doubt(claim, TL_CONFIDENCE_LIKELY);
    tl_claim_measure(claim, TL_MEASURE_TIMES, again);
    return true;
}

/* ---- sent again or overtaken without loss -------------------------------------------------------------------------------- */

static bool find_slow_is_noteworthy(const struct tl_case *c, unsigned role, uint32_t count)
{
    return count >= RESENT_MIN && (uint64_t)count * ODD_OF >= c->segments[role];
}

static void find_slow_fill_odd(const struct tl_case *c, unsigned role, struct tl_claim *claim)
{
    const struct tl_trouble *trouble = &c->trouble[role];

    claim->role = (uint8_t)role;
    claim->cost_ns = ODD_COST_NS * ((int64_t)trouble->out_of_order + trouble->spurious);
    tl_claim_doubt(claim, TL_CONFIDENCE_LIKELY);
    tl_claim_measure(claim, TL_MEASURE_OVERTAKEN, trouble->out_of_order);
    tl_claim_measure(claim, TL_MEASURE_NEEDLESS, trouble->spurious > 0 ? (int64_t)trouble->spurious : -1);
    tl_claim_measure(claim, TL_MEASURE_SEGMENTS, c->segments[role]);
}

bool tl_find_reordering(const struct tl_look *look, unsigned role, struct tl_claim *claim)
{
    const struct tl_case *c = look->c;

    if (!find_slow_is_noteworthy(c, role, c->trouble[role].out_of_order) || c->facts.capture & TL_CAPTURE_DOUBLED) {
        return false;
    }
    find_slow_fill_odd(c, role, claim);
    return true;
}

bool tl_find_spurious(const struct tl_look *look, unsigned role, struct tl_claim *claim)
{
    const struct tl_case *c = look->c;

    if (!find_slow_is_noteworthy(c, role, c->trouble[role].spurious) ||
        find_slow_is_noteworthy(c, role, c->trouble[role].out_of_order) || find_slow_acks_are_lost(c, role) ||
        find_slow_is_explained(look)) {
        return false;
    }
    find_slow_fill_odd(c, role, claim);
    return true;
}

bool tl_find_sack_broken(const struct tl_look *look, unsigned role, struct tl_claim *claim)
{
    uint32_t bad = look->c->course.end[role].sack_bad;

    if (bad < SACKS_MIN) {
        return false;
    }
    claim->role = (uint8_t)role;
    claim->cost_ns = SACK_COST_NS * bad;
    tl_claim_doubt(claim, TL_CONFIDENCE_LIKELY);
    tl_claim_measure(claim, TL_MEASURE_SACK_BAD, bad);
    return true;
}

/* ---- opening ------------------------------------------------------------------------------------------------------------- */

bool tl_find_syn_lost(const struct tl_look *look, unsigned role, struct tl_claim *claim)
{
    const struct tl_facts *facts = &look->c->facts;
    bool near_server = tl_case_is_at_server(look->c);

    if (role != 0 || !tl_case_opened(look->c) || facts->syn_attempts < 2 || facts->setup_ns <= SLOW_OPEN_NS ||
        find_slow_is_explained(look)) {
        return false;
    }
    claim->cost_ns = facts->setup_ns;
    claim->key.variant = near_server;
    tl_claim_doubt(claim, TL_CONFIDENCE_LIKELY);
    tl_claim_measure(claim, TL_MEASURE_WAITED, facts->setup_ns);
    tl_claim_measure(claim, TL_MEASURE_SYNS, facts->syn_attempts);
    tl_claim_trait(claim, TL_TRAIT_NEAR_SERVER, near_server);
    return true;
}

bool tl_find_long_round_trip(const struct tl_look *look, unsigned role, struct tl_claim *claim)
{
    const struct tl_facts *facts = &look->c->facts;
    bool far_server = facts->server_time_ns > facts->client_time_ns;

    if (role != 0 || facts->syn_attempts != 1 || facts->synack_attempts != 1 || facts->setup_ns < LONG_MIN_NS ||
        facts->setup_ns > LONG_MAX_NS || find_slow_is_explained(look)) {
        return false;
    }
    claim->role = 0;
    claim->cost_ns = find_slow_perhaps(facts->setup_ns);
    tl_claim_doubt(claim, TL_CONFIDENCE_LIKELY);
    tl_claim_measure(claim, TL_MEASURE_ROUND_TRIP, facts->setup_ns);
    tl_claim_measure(claim, TL_MEASURE_FAR, tl_max_ns(facts->server_time_ns, facts->client_time_ns));
    tl_claim_trait(claim, TL_TRAIT_FAR_SERVER, far_server);
    tl_claim_trait(claim, TL_TRAIT_FAR_CLIENT, !far_server);
    claim->key.variant = far_server;
    return true;
}

/* ---- windows ------------------------------------------------------------------------------------------------------------- */

static enum tl_side find_slow_side_of(unsigned role)
{
    return role == 0 ? TL_SIDE_CLIENT : TL_SIDE_SERVER;
}

static bool find_slow_is_side(unsigned side, unsigned role)
{
    return side == find_slow_side_of(role) || side == TL_SIDE_BOTH;
}

bool tl_find_window_closed(const struct tl_look *look, unsigned role, struct tl_claim *claim)
{
    const struct tl_case *c = look->c;
    const struct tl_course_end_now *course = &c->course.end[role];

    if (course->zero_window_ns < CLOSED_MIN_NS || c->trouble[role].zero_windows == 0) {
        return false;
    }
    claim->role = (uint8_t)role;
    claim->cost_ns = course->zero_window_ns;
    tl_claim_doubt(claim, TL_CONFIDENCE_LIKELY);
    tl_claim_measure(claim, TL_MEASURE_TIMES, c->trouble[role].zero_windows);
    tl_claim_measure(claim, TL_MEASURE_CLOSED, course->zero_window_ns);
    tl_claim_measure(claim, TL_MEASURE_WINDOW, course->window_max > 0 ? (int64_t)course->window_max : -1);
    tl_claim_trait(claim, TL_TRAIT_STILL_CLOSED, find_slow_is_side(c->course.still_closed, role));
    return true;
}

/* Whether the SYN or SYN-ACK of that end was captured and offers no scaling. */
static bool find_slow_offers_no_scaling(const struct tl_case *c, unsigned role)
{
    bool seen = role == 0 ? c->facts.syn_in != 0 : c->facts.synack_in != 0;

    return seen && !(c->course.end[role].options & TL_OPT_WINDOW_SCALE);
}

/* `role` is the sender; its peer's window is small. */
bool tl_find_window_small(const struct tl_look *look, unsigned role, struct tl_claim *claim)
{
    const struct tl_case *c = look->c;
    int64_t waited_ns = c->waits.ns[TL_WAIT_SUM_SMALL_WINDOW];
    bool client_none = find_slow_offers_no_scaling(c, 0), server_none = find_slow_offers_no_scaling(c, 1);

    if (!find_slow_is_side(c->waits.small_of, 1 - role) || waited_ns <= SMALL_MIN_NS || c->waits.limited[role] < LIMITED_MIN ||
        c->facts.irtt_ns < SMALL_ROUND_TRIP_NS) {
        return false;
    }
    claim->role = (uint8_t)role;
    claim->cost_ns = find_slow_perhaps(waited_ns);
    claim->key.variant = client_none ? 1 : server_none ? 2 : 0;
    tl_claim_doubt(claim, TL_CONFIDENCE_LIKELY);
    tl_claim_measure(claim, TL_MEASURE_LIMITED, c->waits.limited[role]);
    tl_claim_measure(claim, TL_MEASURE_SEGMENTS, c->segments[role]);
    tl_claim_measure(claim, TL_MEASURE_WINDOW, (int64_t)c->course.end[1 - role].window_max);
    tl_claim_measure(claim, TL_MEASURE_ROUND_TRIP, c->facts.irtt_ns);
    tl_claim_measure(claim, TL_MEASURE_WAITED, waited_ns);
    tl_claim_trait(claim, TL_TRAIT_NO_SCALING, client_none || server_none);
    tl_claim_trait(claim, TL_TRAIT_CLIENT_NO_SCALING, client_none);
    tl_claim_trait(claim, TL_TRAIT_SERVER_NO_SCALING, !client_none && server_none);
    return true;
}

bool tl_find_options_stripped(const struct tl_look *look, unsigned role, struct tl_claim *claim)
{
    const struct tl_case *c = look->c;
    unsigned asked = c->course.end[0].options, given = c->course.end[1].options;
    bool no_sack = (asked & TL_OPT_SACK_PERMITTED) && !(given & TL_OPT_SACK_PERMITTED) && look->company->gives_sack;
    bool no_scaling = (asked & TL_OPT_WINDOW_SCALE) && !(given & TL_OPT_WINDOW_SCALE) && look->company->gives_scaling;

    if (role != 0 || !tl_case_opened(c) || c->facts.synack_in == 0 || !(no_sack || no_scaling)) {
        return false;
    }
    claim->cost_ns = SACK_COST_NS;
    claim->frame = c->facts.synack_in;
    tl_claim_doubt(claim, TL_CONFIDENCE_GUESS);
    tl_claim_trait(claim, TL_TRAIT_NO_SCALING, no_scaling);
    return true;
}

/* ---- programs ------------------------------------------------------------------------------------------------------------ */

bool tl_find_delayed_ack(const struct tl_look *look, unsigned role, struct tl_claim *claim)
{
    const struct tl_case *c = look->c;
    int64_t waited_ns = c->waits.ns[TL_WAIT_SUM_ACK];

    if (role != 0 || c->waits.acks < ACKS_MIN || waited_ns < ACKS_MIN_NS || waited_ns < c->duration_ns / 100 * ACKS_PERCENT) {
        return false;
    }
    claim->cost_ns = waited_ns;
    tl_claim_doubt(claim, TL_CONFIDENCE_LIKELY);
    tl_claim_measure(claim, TL_MEASURE_TIMES, c->waits.acks);
    tl_claim_measure(claim, TL_MEASURE_WAITED, waited_ns);
    return true;
}

/* A push stream has many pauses for each answer, the longest of which is short against all of them. */
static bool find_slow_is_push(const struct tl_case *c)
{
    return c->waits.ns[TL_WAIT_SUM_SERVER] / 2 > c->waits.longest_ns[1] * c->waits.answers;
}

/* What ended the longest wait was a reset or came after a FIN of the server: no answer. */
static bool find_slow_is_an_end(const struct tl_case *c)
{
    uint32_t in = c->waits.longest_in[1];

    return in != 0 && (in == c->facts.any_rst_in ||
                       (c->facts.initiator == TL_SIDE_SERVER && c->facts.fin1_in != 0 && in >= c->facts.fin1_in));
}

bool tl_find_slow_server(const struct tl_look *look, unsigned role, struct tl_claim *claim)
{
    const struct tl_case *c = look->c;
    int64_t thought_ns = c->waits.ns[TL_WAIT_SUM_SERVER], longest_ns = c->waits.longest_ns[1];

    if (role != 0 || c->waits.answers == 0 || longest_ns < THINKS_MIN_NS || thought_ns < THINKS_SUM_NS ||
        longest_ns / 3 < c->facts.irtt_ns || thought_ns < c->duration_ns / 100 * THINKS_PERCENT || find_slow_is_push(c) ||
        find_slow_is_an_end(c) || c->facts.sender_confidence == TL_CONFIDENCE_GUESS) {
        return false;
    }
    claim->cost_ns = find_slow_perhaps(tl_min_ns(thought_ns, THINKS_MAX_NS));
    claim->frame = c->waits.longest_in[1];
    tl_claim_doubt(claim, TL_CONFIDENCE_LIKELY);
    tl_claim_measure(claim, TL_MEASURE_ANSWERS, c->waits.answers);
    tl_claim_measure(claim, TL_MEASURE_THOUGHT, thought_ns);
    tl_claim_measure(claim, TL_MEASURE_LONGEST, longest_ns);
    tl_claim_measure(claim, TL_MEASURE_DURATION, c->duration_ns);
    return true;
}

/* ---- the capture --------------------------------------------------------------------------------------------------------- */

bool tl_find_capture_quality(const struct tl_look *look, unsigned role, struct tl_claim *claim)
{
    (void)claim;
    return role == 0 && look->c->facts.capture & (TL_CAPTURE_LOSSY | TL_CAPTURE_ASYMMETRIC);
}
