/* tl_find_end.c - findings about connections that were open and ended badly, or seem to have.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "conn/tl_conn.h"
#include "findings/tl_find.h"

/* Shorter silences are not called idle: programs pause. Decided; the shortest idle timeout that manuals name is 30 s. */
static const int64_t IDLE_MIN_NS = 25 * TL_SECOND;
/* A server's keep-alive time is at least this long. */
static const int64_t RACE_SILENCE_NS = TL_SECOND;
/* A request that comes later had time to learn of the FIN, whatever the path. */
static const int64_t RACE_GAP_NS = 200 * TL_MS;
/* A client waits at least so long before it gives up by a reset, and by a FIN, which may be a program that only ends. */
static const int64_t GIVES_UP_RST_NS = TL_SECOND, GIVES_UP_FIN_NS = 5 * TL_SECOND;
/* And so many times as long as this server takes for others. */
enum { PATIENCE = 10 };
/* Octets: more than a TLS close_notify, which is 24 to 64 with its record (RFC 8446 6.1), or an empty line. */
enum { HARMLESS_OCTETS = 64 };
/* The other end was sending just now. */
static const int64_t FLOWS_NS = 100 * TL_MS;
/* Data that came less than so long ago and is not acknowledged was in transfer. */
static const int64_t IN_TRANSFER_NS = 5 * TL_SECOND;
/* Octets of a download. */
enum { DOWNLOAD_OCTETS = 20000 };

/* An end that is not heard for so long while the other one repeats does not lose a packet now and then. */
static const int64_t SILENT_MIN_NS = 10 * TL_SECOND;

/* What a failure costs its user beyond what was measured. Decided: an error in the middle of work is tried again (8 s), one that says
 * nothing is waited for first (15 s, 20 s), the work of a transfer is lost. */
static const int64_t CUT_COST_NS = 8 * TL_SECOND, SILENT_COST_NS = 15 * TL_SECOND, DIED_COST_NS = 20 * TL_SECOND;
static const int64_t RACE_COST_NS = 5 * TL_SECOND, LATE_COST_NS = 4 * TL_SECOND, HOLE_COST_NS = 30 * TL_SECOND;
static const int64_t WORK_MIN_NS = 3 * TL_SECOND, WORK_MAX_NS = 60 * TL_SECOND, PATIENCE_MAX_NS = 30 * TL_SECOND;

/* ---- what rows ask of the end -------------------------------------------------------------------------------------------- */

static bool find_end_has_verdict(const struct tl_look *look, enum tl_verdict verdict)
{
    return look->c->facts.verdict == verdict;
}

static unsigned find_end_role_of(unsigned side)
{
    return side == TL_SIDE_CLIENT ? 0 : side == TL_SIDE_SERVER ? 1 : TL_NO_ROLE;
}

static bool find_end_owes(const struct tl_case *c, enum tl_side side)
{
    return c->course.owed_by == side && c->course.owed_bytes > 0;
}

/* The evidence of a reset: whose TTL it has. */
static void find_end_measure_ttl(const struct tl_case *c, struct tl_claim *claim)
{
    unsigned role = find_end_role_of(c->facts.rst_sender);
    uint32_t own = role == TL_NO_ROLE ? 0 : c->course.end[role].ttl;

    if (c->course.rst_ttl == 0 || own == 0 || own == c->course.rst_ttl) {
        return;
    }
    tl_claim_measure(claim, TL_MEASURE_TTL, c->course.rst_ttl);
    tl_claim_measure(claim, TL_MEASURE_TTL_OWN, own);
    tl_claim_trait(claim, TL_TRAIT_TTL_ODD, true);
}

static int64_t find_end_octets(const struct tl_case *c)
{
    return (int64_t)(c->bytes[0] + c->bytes[1]);
}

/* ---- closes -------------------------------------------------------------------------------------------------------------- */

bool tl_find_keepalive_race(const struct tl_look *look, unsigned role, struct tl_claim *claim)
{
    const struct tl_case *c = look->c;
    int64_t round_trip_ns = tl_max_ns(c->facts.irtt_ns, 0);

    (void)role;
    if (c->facts.initiator != TL_SIDE_SERVER || c->course.fin_silence_ns < RACE_SILENCE_NS || c->waits.answers == 0 ||
        c->course.after_fin_bytes <= HARMLESS_OCTETS || c->course.after_fin_ns < 0 ||
        c->course.after_fin_ns > round_trip_ns + RACE_GAP_NS) {
        return false;
    }
    claim->cost_ns = RACE_COST_NS;
    claim->frame = c->facts.fin1_in;
    tl_claim_doubt(claim, TL_CONFIDENCE_LIKELY);
    tl_claim_measure(claim, TL_MEASURE_SILENCE, c->course.fin_silence_ns);
    tl_claim_measure(claim, TL_MEASURE_AFTER, c->course.after_fin_ns);
    return true;
}

static bool find_end_is_closing_reset(const struct tl_case *c)
{
    switch (c->facts.rst_cause) {
    case TL_RST_CAUSE_DATA_AFTER_CLOSE:
    case TL_RST_CAUSE_AFTER_CLOSE:
    case TL_RST_CAUSE_LINGER2:
    case TL_RST_CAUSE_ABORT_AFTER_FIN:
        return c->facts.any_rst_in != 0;
    default:
        return false;
    }
}

bool tl_find_data_lost_after_close(const struct tl_look *look, unsigned role, struct tl_claim *claim)
{
    const struct tl_case *c = look->c;

    (void)role;
    if (c->facts.rst_cause != TL_RST_CAUSE_DATA_AFTER_CLOSE || c->course.rst_unacked <= HARMLESS_OCTETS) {
        return false;
    }
    claim->role = (uint8_t)find_end_role_of(c->facts.rst_sender);
    claim->cost_ns = LATE_COST_NS;
    claim->frame = c->facts.any_rst_in;
    tl_claim_doubt(claim, TL_CONFIDENCE_LIKELY);
    tl_claim_measure(claim, TL_MEASURE_UNACKED, (int64_t)c->course.rst_unacked);
    tl_claim_measure(claim, TL_MEASURE_AFTER, c->course.after_fin_ns);
    return claim->role != TL_NO_ROLE;
}

bool tl_find_rst_after_close(const struct tl_look *look, unsigned role, struct tl_claim *claim)
{
    const struct tl_case *c = look->c;

    (void)role;
    if (!find_end_has_verdict(look, TL_VERDICT_CLOSED_WITH_RST) || !find_end_is_closing_reset(c)) {
        return false;
    }
    claim->frame = c->facts.any_rst_in;
    tl_claim_doubt(claim, TL_CONFIDENCE_LIKELY);
    tl_claim_measure(claim, TL_MEASURE_UNACKED, c->course.rst_unacked > 0 ? (int64_t)c->course.rst_unacked : -1);
    return true;
}

/* ---- after a silence ----------------------------------------------------------------------------------------------------- */

enum way { WAY_NONE, WAY_DROPPED, WAY_RST_ANSWERS, WAY_RST_UNASKED };

/* How a connection that was silent before turned out to be dead. */
static enum way find_end_way_of(const struct tl_case *c)
{
    switch (c->facts.verdict) {
    case TL_VERDICT_TIMED_OUT:
        return WAY_DROPPED;
    case TL_VERDICT_STATE_LOST:
        return WAY_RST_ANSWERS;
    case TL_VERDICT_INJECTED:
        return c->course.rst_trigger_in != 0 ? WAY_RST_ANSWERS : WAY_RST_UNASKED;
    case TL_VERDICT_ABORTED:
    case TL_VERDICT_RESET:
        return find_end_is_closing_reset(c) ? WAY_NONE : c->course.rst_trigger_in != 0 ? WAY_RST_ANSWERS : WAY_RST_UNASKED;
    default:
        return WAY_NONE;
    }
}

/* A keep-alive timer's own silence says nothing of the device: it forgot at some time before. */
static bool find_end_probe_found_it(const struct tl_case *c)
{
    return c->facts.rst_cause == TL_RST_CAUSE_KEEPALIVE_TIMEOUT || c->facts.rst_cause == TL_RST_CAUSE_HALF_OPEN_PROBE ||
           (c->course.keepalive_idle_ns > 0 && c->course.keepalive_idle_ns >= IDLE_MIN_NS);
}

/* Ended by an end that had nothing to wait for, or that gave up what it waited for. */
static bool find_end_is_by_the_end(const struct tl_case *c, enum way way)
{
    return way == WAY_RST_UNASKED && !tl_case_reset_by_path(c);
}

bool tl_find_idle_cut(const struct tl_look *look, unsigned role, struct tl_claim *claim)
{
    const struct tl_case *c = look->c;
    int64_t silence_ns = tl_case_silence(c);
    enum way way = find_end_way_of(c);

    (void)role;
    if (way == WAY_NONE || silence_ns < IDLE_MIN_NS || find_end_is_by_the_end(c, way)) {
        return false;
    }
    claim->cost_ns = way == WAY_DROPPED ? SILENT_COST_NS : CUT_COST_NS;
    claim->frame = c->facts.any_rst_in != 0 ? c->facts.any_rst_in : c->facts.last_in;
    claim->key.variant = (uint8_t)way;
    tl_claim_doubt(claim, TL_CONFIDENCE_LIKELY);
    if (tl_usual_timeout(silence_ns) == 0 && !tl_case_reset_by_path(c)) {
        tl_claim_doubt(claim, TL_CONFIDENCE_GUESS);
    }
    tl_claim_measure(claim, TL_MEASURE_SILENCE, silence_ns);
    tl_claim_measure(claim, TL_MEASURE_SURVIVED, c->course.idle_survived_ns);
    tl_claim_trait(claim, TL_TRAIT_DROPPED, way == WAY_DROPPED);
    tl_claim_trait(claim, TL_TRAIT_RST_ANSWERS, way == WAY_RST_ANSWERS);
    tl_claim_trait(claim, TL_TRAIT_RST_UNASKED, way == WAY_RST_UNASKED);
    tl_claim_trait(claim, TL_TRAIT_KEEPALIVE, find_end_probe_found_it(c));
    find_end_measure_ttl(c, claim);
    return true;
}

bool tl_find_idle_ended(const struct tl_look *look, unsigned role, struct tl_claim *claim)
{
    const struct tl_case *c = look->c;

    (void)role;
    if (tl_case_silence(c) < IDLE_MIN_NS || !find_end_is_by_the_end(c, find_end_way_of(c)) ||
        find_end_owes(c, TL_SIDE_SERVER) || c->course.rst_unacked > HARMLESS_OCTETS) {
        return false;
    }
    claim->role = (uint8_t)find_end_role_of(c->facts.rst_sender);
    claim->frame = c->facts.any_rst_in;
    tl_claim_doubt(claim, TL_CONFIDENCE_LIKELY);
    tl_claim_measure(claim, TL_MEASURE_SILENCE, tl_case_silence(c));
    return claim->role != TL_NO_ROLE;
}

/* ---- in the middle ------------------------------------------------------------------------------------------------------- */

bool tl_find_reset_by_path(const struct tl_look *look, unsigned role, struct tl_claim *claim)
{
    const struct tl_case *c = look->c;
    unsigned named = find_end_role_of(c->facts.rst_sender);

    (void)role;
    if (!find_end_has_verdict(look, TL_VERDICT_INJECTED) && !(c->facts.rst_in != 0 && tl_case_reset_by_path(c))) {
        return false;
    }
    claim->cost_ns = CUT_COST_NS;
    claim->frame = c->facts.any_rst_in;
    tl_claim_doubt(claim, c->facts.rst_origin_confidence);
    find_end_measure_ttl(c, claim);
    tl_claim_measure(claim, TL_MEASURE_OCTETS, find_end_octets(c));
    if (c->course.rst_delay_ns >= 0 && named != TL_NO_ROLE && c->course.rst_delay_ns < c->course.end[named].reply_min_ns) {
        tl_claim_measure(claim, TL_MEASURE_DELAY, c->course.rst_delay_ns);
        tl_claim_measure(claim, TL_MEASURE_REPLY_MIN, c->course.end[named].reply_min_ns);
    }
    return true;
}

/* The end whose segments are lost: the one that had to repeat more. */
static unsigned find_end_repeats_more(const struct tl_case *c)
{
    uint32_t client = c->retransmissions[0] + c->trouble[0].keepalive_probes + c->trouble[0].window_probes;
    uint32_t server = c->retransmissions[1] + c->trouble[1].keepalive_probes + c->trouble[1].window_probes;

    return server > client;
}

static bool find_end_is_dead(const struct tl_look *look)
{
    return find_end_has_verdict(look, TL_VERDICT_TIMED_OUT) || find_end_has_verdict(look, TL_VERDICT_ABORTED) ||
           find_end_has_verdict(look, TL_VERDICT_CLOSING) || find_end_has_verdict(look, TL_VERDICT_INJECTED);
}

bool tl_find_mtu_black_hole(const struct tl_look *look, unsigned role, struct tl_claim *claim)
{
    const struct tl_case *c = look->c;
    unsigned sender = find_end_repeats_more(c);
    bool dead = find_end_is_dead(look);

    (void)role;
    if (c->facts.path_mtu != TL_PATH_MTU_BLACK_HOLE) {
        return false;
    }
    claim->role = (uint8_t)sender;
    claim->cost_ns = dead ? HOLE_COST_NS : tl_max_ns(c->course.end[sender].timer_ns, WORK_MIN_NS);
    tl_claim_doubt(claim, c->facts.path_mtu_confidence);
    tl_claim_measure(claim, TL_MEASURE_SIZE, c->facts.path_mtu_lost);
    tl_claim_measure(claim, TL_MEASURE_PASSED, c->course.passed_size > 0 ? (int64_t)c->course.passed_size : -1);
    tl_claim_measure(claim, TL_MEASURE_MTU, c->facts.path_mtu_bytes > 0 ? (int64_t)c->facts.path_mtu_bytes : -1);
    tl_claim_trait(claim, TL_TRAIT_DEAD, dead);
    return true;
}

/* The capture ends while one end still repeats and hears nothing. */
static bool find_end_is_silent_to_the_end(const struct tl_look *look)
{
    return find_end_has_verdict(look, TL_VERDICT_OPEN) && look->c->waits.ns[TL_WAIT_SUM_NO_ANSWER] >= SILENT_MIN_NS;
}

bool tl_find_peer_died(const struct tl_look *look, unsigned role, struct tl_claim *claim)
{
    const struct tl_case *c = look->c;
    unsigned sender = find_end_repeats_more(c);

    (void)role;
    if (!find_end_has_verdict(look, TL_VERDICT_TIMED_OUT) && !find_end_is_silent_to_the_end(look)) {
        return false;
    }
    claim->role = (uint8_t)(1 - sender);
    claim->cost_ns = DIED_COST_NS;
    claim->frame = c->facts.last_in;
    tl_claim_doubt(claim, TL_CONFIDENCE_LIKELY);
    tl_claim_measure(claim, TL_MEASURE_RESENT,
                     c->retransmissions[sender] + c->trouble[sender].keepalive_probes + c->trouble[sender].window_probes);
    tl_claim_measure(claim, TL_MEASURE_SILENCE,
                     c->waits.ns[TL_WAIT_SUM_NO_ANSWER] > 0 ? c->waits.ns[TL_WAIT_SUM_NO_ANSWER] : -1);
    return true;
}

bool tl_find_state_lost(const struct tl_look *look, unsigned role, struct tl_claim *claim)
{
    const struct tl_case *c = look->c;

    (void)role;
    if (!find_end_has_verdict(look, TL_VERDICT_STATE_LOST)) {
        return false;
    }
    claim->role = (uint8_t)find_end_role_of(c->facts.rst_sender);
    claim->cost_ns = CUT_COST_NS;
    claim->frame = c->facts.any_rst_in;
    tl_claim_doubt(claim, tl_max_ns(c->facts.rst_confidence, TL_CONFIDENCE_LIKELY));
    tl_claim_measure(claim, TL_MEASURE_SILENCE, tl_case_silence(c));
    return claim->role != TL_NO_ROLE;
}

/* ---- aborts -------------------------------------------------------------------------------------------------------------- */

static bool find_end_is_abort(const struct tl_look *look)
{
    return find_end_has_verdict(look, TL_VERDICT_ABORTED) ||
           (find_end_has_verdict(look, TL_VERDICT_RESET) && look->c->facts.rst_cause == TL_RST_CAUSE_ABORT);
}

bool tl_find_gave_up_waiting(const struct tl_look *look, unsigned role, struct tl_claim *claim)
{
    const struct tl_case *c = look->c;
    bool by_rst = find_end_is_abort(look) && c->facts.rst_sender == TL_SIDE_CLIENT;
    bool by_fin = c->facts.initiator == TL_SIDE_CLIENT && c->facts.fin1_in != 0 && !by_rst;

    (void)role;
    if (!(by_rst || by_fin) || c->course.owed_by != TL_SIDE_SERVER || c->course.owed_bytes <= HARMLESS_OCTETS ||
        c->course.owed_for_ns < (by_rst ? GIVES_UP_RST_NS : GIVES_UP_FIN_NS)) {
        return false;
    }
    if (look->company->answer_ns < 0 || c->course.owed_for_ns / PATIENCE < look->company->answer_ns) {
        return false; /* it never answers, as a sink does, or takes that long for others, too */
    }
    claim->cost_ns = tl_min_ns(c->course.owed_for_ns, PATIENCE_MAX_NS);
    claim->frame = by_rst ? c->facts.any_rst_in : c->facts.fin1_in;
    tl_claim_doubt(claim, TL_CONFIDENCE_LIKELY);
    tl_claim_measure(claim, TL_MEASURE_WAITED, c->course.owed_for_ns);
    tl_claim_trait(claim, TL_TRAIT_BY_RST, by_rst);
    tl_claim_trait(claim, TL_TRAIT_BY_FIN, by_fin);
    return true;
}

/* Whether something was owed to somebody when one end aborted. */
static bool find_end_does_harm(const struct tl_case *c)
{
    bool by_server = c->facts.rst_sender == TL_SIDE_SERVER;
    bool flows = c->course.rst_silence_ns >= 0 && c->course.rst_silence_ns < FLOWS_NS;

    if (c->course.rst_unacked > HARMLESS_OCTETS && c->course.rst_silence_ns < IN_TRANSFER_NS) {
        return true;
    }
    if (by_server) {
        return find_end_owes(c, TL_SIDE_SERVER);
    }
    return flows && c->bytes[1] > DOWNLOAD_OCTETS && !find_end_owes(c, TL_SIDE_SERVER) && c->course.rst_unacked > 0;
}

static bool find_end_fill_abort(const struct tl_case *c, struct tl_claim *claim)
{
    claim->role = (uint8_t)find_end_role_of(c->facts.rst_sender);
    claim->frame = c->facts.any_rst_in;
    tl_claim_doubt(claim, tl_max_ns(c->facts.rst_confidence, TL_CONFIDENCE_LIKELY));
    tl_claim_measure(claim, TL_MEASURE_DURATION, c->duration_ns);
    tl_claim_measure(claim, TL_MEASURE_OCTETS, find_end_octets(c));
    tl_claim_measure(claim, TL_MEASURE_UNACKED, c->course.rst_unacked > 0 ? (int64_t)c->course.rst_unacked : -1);
    tl_claim_trait(claim, TL_TRAIT_OWED, find_end_owes(c, TL_SIDE_SERVER));
    return claim->role != TL_NO_ROLE;
}

bool tl_find_aborted(const struct tl_look *look, unsigned role, struct tl_claim *claim)
{
    (void)role;
    if (!find_end_is_abort(look) || !find_end_does_harm(look->c)) {
        return false;
    }
    claim->cost_ns = tl_min_ns(tl_max_ns(look->c->duration_ns, WORK_MIN_NS), WORK_MAX_NS);
    return find_end_fill_abort(look->c, claim);
}

bool tl_find_ended_by_rst(const struct tl_look *look, unsigned role, struct tl_claim *claim)
{
    (void)role;
    return find_end_is_abort(look) && find_end_fill_abort(look->c, claim);
}

bool tl_find_too_big(const struct tl_look *look, unsigned role, struct tl_claim *claim)
{
    const struct tl_facts *facts = &look->c->facts;

    (void)role;
    if (facts->path_mtu != TL_PATH_MTU_ICMP) {
        return false;
    }
    claim->role = (uint8_t)(look->c->bytes[1] > look->c->bytes[0]);
    claim->frame = facts->path_mtu_icmp_in;
    tl_claim_measure(claim, TL_MEASURE_MTU, facts->path_mtu_bytes > 0 ? (int64_t)facts->path_mtu_bytes : -1);
    return true;
}
