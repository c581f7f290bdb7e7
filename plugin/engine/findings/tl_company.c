/* tl_company.c - sorts the connections by who is common to them, and looks at each run of equal ones.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "findings/tl_company.h"

#include "conn/tl_conn.h"
#include "findings/tl_sort.h"

/* Thresholds: decided, tried on captures of scans, worms, floods and browsers. */
enum {
    TARGETS_MIN = 15,      /* of a scan: more ports or hosts than a program has connections without payload */
    STRANGERS_MIN = 8,     /* clients that try ports of one host, none of which is open */
    STRANGE_PORTS_MIN = 4, /* and the ports */
    FLOOD_MIN = 100,       /* SYNs */
    FLOOD_RATE = 50,       /* in a second */
    CHECKS_MIN = 4,        /* of a row of health checks */
    CHECK_SPREAD = 4,      /* intervals differ by less than one part in so many from their median */
};
static const int64_t FLOOD_SPAN_NS = 100 * TL_MS;
static const int64_t CHECK_INTERVAL_NS = 500 * TL_MS;
static const int64_t SHORT_NS = TL_SECOND; /* a connection without payload that takes no longer asked for nothing */

/* ---- briefs -------------------------------------------------------------------------------------------------------------- */

static unsigned company_flags_of_outcome(const struct tl_facts *facts)
{
    switch (facts->outcome) {
    case TL_OUTCOME_PENDING:
    case TL_OUTCOME_UNANSWERED:
        return TL_BRIEF_FAILED | TL_BRIEF_DENIED | TL_BRIEF_FLOOD | (facts->syn_attempts == 1 ? TL_BRIEF_LONE_SYN : 0);
    case TL_OUTCOME_REFUSED:
        return TL_BRIEF_FAILED | TL_BRIEF_DENIED | TL_BRIEF_FLOOD;
    case TL_OUTCOME_UNREACHABLE:
        return TL_BRIEF_FAILED | TL_BRIEF_DENIED;
    case TL_OUTCOME_HALF_OPEN:
        return TL_BRIEF_FAILED | TL_BRIEF_FLOOD;
    case TL_OUTCOME_SERVER_RST:
        return TL_BRIEF_FAILED;
    case TL_OUTCOME_CLIENT_RST:
        return TL_BRIEF_FAILED | TL_BRIEF_FLOOD | TL_BRIEF_CHECK;
    case TL_OUTCOME_COMPLETE:
    case TL_OUTCOME_COMPLETE_INFERRED:
        return TL_BRIEF_CHECK;
    default:
        return 0;
    }
}

static unsigned company_flags_of(const struct tl_case *c)
{
    unsigned flags = 0;

    if (tl_case_is_empty(c)) {
        flags = TL_BRIEF_EMPTY | company_flags_of_outcome(&c->facts);
        if (c->segments[0] == 0 && c->segments[1] > 0) {
            flags = TL_BRIEF_EMPTY | TL_BRIEF_UNASKED;
        } else if (flags & TL_BRIEF_FAILED || c->facts.scan != TL_SCAN_NONE || c->duration_ns < SHORT_NS) {
            flags |= TL_BRIEF_BARE;
        }
    }
    if (c->segments[1] > 0 && (tl_case_opened(c) || c->facts.outcome == TL_OUTCOME_NOT_CAPTURED)) {
        flags |= TL_BRIEF_LIVED;
    }
    if (c->course.end[0].options & c->course.end[1].options & TL_OPT_SACK_PERMITTED) {
        flags |= TL_BRIEF_SACK;
    }
    if (c->course.end[0].options & c->course.end[1].options & TL_OPT_WINDOW_SCALE) {
        flags |= TL_BRIEF_SCALING;
    }
    return flags;
}

void tl_brief_fill(const struct tl_case *c, uint32_t index, struct tl_brief *brief)
{
    *brief = (struct tl_brief){
        .start_ns = c->facts.start_ns,
        .thought_ns = c->waits.ns[TL_WAIT_SUM_SERVER],
        .index = index,
        .client = c->host[0],
        .server = c->host[1],
        .answers = c->waits.answers,
        .syns = c->facts.syn_attempts,
        .port = c->port[1],
        .flags = (uint16_t)company_flags_of(c),
    };
}

/* ---- orders -------------------------------------------------------------------------------------------------------------- */

static int company_by_number(uint32_t a, uint32_t b)
{
    return (a > b) - (a < b);
}

static bool company_then_by_start(const struct tl_brief *a, const struct tl_brief *b)
{
    return a->start_ns != b->start_ns ? a->start_ns < b->start_ns : a->index < b->index;
}

static bool company_by_client_server_port(const void *one, const void *other)
{
    const struct tl_brief *a = one, *b = other;
    int order = company_by_number(a->client, b->client);

    order = order ? order : company_by_number(a->server, b->server);
    order = order ? order : company_by_number(a->port, b->port);
    return order ? order < 0 : company_then_by_start(a, b);
}

static bool company_by_client_port_server(const void *one, const void *other)
{
    const struct tl_brief *a = one, *b = other;
    int order = company_by_number(a->client, b->client);

    order = order ? order : company_by_number(a->port, b->port);
    order = order ? order : company_by_number(a->server, b->server);
    return order ? order < 0 : company_then_by_start(a, b);
}

static bool company_by_server_port_client(const void *one, const void *other)
{
    const struct tl_brief *a = one, *b = other;
    int order = company_by_number(a->server, b->server);

    order = order ? order : company_by_number(a->port, b->port);
    order = order ? order : company_by_number(a->client, b->client);
    return order ? order < 0 : company_then_by_start(a, b);
}

static bool company_by_server_client(const void *one, const void *other)
{
    const struct tl_brief *a = one, *b = other;
    int order = company_by_number(a->server, b->server);

    order = order ? order : company_by_number(a->client, b->client);
    return order ? order < 0 : company_then_by_start(a, b);
}

/* ---- runs ---------------------------------------------------------------------------------------------------------------- */

/* Briefs in a row that are equal in what the run is of. */
struct run {
    struct tl_brief *first;
    uint32_t count;
    const struct tl_host_seen *hosts;
    struct tl_company *companies;
    int64_t *gaps;
};

typedef bool (*same)(const struct tl_brief *a, const struct tl_brief *b);

static bool company_same_client(const struct tl_brief *a, const struct tl_brief *b)
{
    return a->client == b->client;
}

static bool company_same_server(const struct tl_brief *a, const struct tl_brief *b)
{
    return a->server == b->server;
}

static bool company_same_client_server(const struct tl_brief *a, const struct tl_brief *b)
{
    return a->client == b->client && a->server == b->server;
}

static bool company_same_client_port(const struct tl_brief *a, const struct tl_brief *b)
{
    return a->client == b->client && a->port == b->port;
}

static bool company_same_service(const struct tl_brief *a, const struct tl_brief *b)
{
    return a->server == b->server && a->port == b->port;
}

static bool company_same_service_client(const struct tl_brief *a, const struct tl_brief *b)
{
    return company_same_service(a, b) && a->client == b->client;
}

static bool company_any(const struct tl_brief *a, const struct tl_brief *b)
{
    (void)a, (void)b;
    return true;
}

/* Calls `look` for each run of equal ones within a run. */
static void company_each(const struct run *all, same is_same, void (*look)(const struct run *run))
{
    struct run run = *all;
    uint32_t end;

    for (uint32_t at = 0; at < all->count; at = end) {
        for (end = at + 1; end < all->count && is_same(&all->first[at], &all->first[end]); end++) {
        }
        run.first = &all->first[at];
        run.count = end - at;
        look(&run);
    }
}

static struct tl_company *company_of(const struct run *run, uint32_t i)
{
    return &run->companies[run->first[i].index];
}

/* Not yet one of a crowd, and with these flags. */
static bool company_fits(const struct run *run, uint32_t i, unsigned flags)
{
    return (run->first[i].flags & flags) == flags && company_of(run, i)->crowd == TL_FINDING_NONE;
}

static uint32_t company_count_fitting(const struct run *run, unsigned flags)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < run->count; i++) {
        count += company_fits(run, i, flags);
    }
    return count;
}

/* How many different ones there are among those that fit; equal ones have to stand in a row. */
static uint32_t company_count_different(const struct run *run, unsigned flags, same is_same)
{
    const struct tl_brief *last = NULL;
    uint32_t count = 0;

    for (uint32_t i = 0; i < run->count; i++) {
        if (company_fits(run, i, flags)) {
            count += !last || !is_same(last, &run->first[i]);
            last = &run->first[i];
        }
    }
    return count;
}

static void company_claim(const struct run *run, unsigned flags, enum tl_finding crowd)
{
    for (uint32_t i = 0; i < run->count; i++) {
        if (company_fits(run, i, flags)) {
            company_of(run, i)->crowd = (uint8_t)crowd;
        }
    }
}

/* ---- services ------------------------------------------------------------------------------------------------------------ */

/* Order by server and port: what one connection shows of the service holds for all. */
static void company_look_at_service(const struct run *run)
{
    int64_t thought_ns = 0, answers = 0;
    unsigned flags = 0;

    for (uint32_t i = 0; i < run->count; i++) {
        flags |= run->first[i].flags;
        answers += run->first[i].answers;
        thought_ns += run->first[i].thought_ns;
    }
    for (uint32_t i = 0; i < run->count; i++) {
        struct tl_company *company = company_of(run, i);
        const struct tl_host_seen *host = &run->hosts[run->first[i].server];

        company->port_answers = (flags & TL_BRIEF_LIVED) != 0;
        company->gives_sack = (flags & TL_BRIEF_SACK) != 0;
        company->gives_scaling = (flags & TL_BRIEF_SCALING) != 0;
        company->answer_ns = answers > 0 ? thought_ns / answers : -1;
        company->host_up = host->up;
        company->host_ttl = host->ttl;
    }
}

/* ---- crowds -------------------------------------------------------------------------------------------------------------- */

/* Order by client, server, port. */
static void company_look_for_unasked(const struct run *run)
{
    if (company_count_different(run, TL_BRIEF_UNASKED, company_same_server) >= TARGETS_MIN) {
        company_claim(run, TL_BRIEF_UNASKED, TL_FINDING_UNASKED_ANSWERS);
    }
}

static void company_look_for_port_scan(const struct run *run)
{
    if (company_count_different(run, TL_BRIEF_BARE, company_same_service) >= TARGETS_MIN) {
        company_claim(run, TL_BRIEF_BARE, TL_FINDING_SCAN);
    }
}

/* Order by client, port, server. Half of the hosts must have denied: else it is a program with many peers. */
static void company_look_for_host_scan(const struct run *run)
{
    uint32_t hosts = company_count_different(run, TL_BRIEF_BARE, company_same_server);

    if (hosts >= TARGETS_MIN && company_count_fitting(run, TL_BRIEF_BARE | TL_BRIEF_DENIED) * 2 > hosts) {
        company_claim(run, TL_BRIEF_BARE, TL_FINDING_SCAN);
    }
}

/* Order by server, port, client. */
static void company_look_for_strange_ports(const struct run *run)
{
    uint32_t ports = 0;

    for (uint32_t i = 0; i < run->count; i++) {
        if (company_fits(run, i, TL_BRIEF_FAILED) && !company_of(run, i)->port_answers) {
            run->first[i].flags |= TL_BRIEF_CANDIDATE;
        }
    }
    ports = company_count_different(run, TL_BRIEF_CANDIDATE, company_same_service);
    for (uint32_t i = 0; i < run->count && ports < STRANGE_PORTS_MIN; i++) {
        run->first[i].flags &= (uint16_t)~TL_BRIEF_CANDIDATE;
    }
}

/* Order by server, client. */
static void company_look_for_strangers(const struct run *run)
{
    if (company_count_different(run, TL_BRIEF_CANDIDATE, company_same_client) >= STRANGERS_MIN) {
        company_claim(run, TL_BRIEF_CANDIDATE, TL_FINDING_SCAN_INBOUND);
    }
}

/* SYNs a second, from the first to the last of those that fit. */
static uint32_t company_rate_of(const struct run *run, unsigned flags, uint32_t count)
{
    int64_t first_ns = INT64_MAX, last_ns = INT64_MIN, span_ns;

    for (uint32_t i = 0; i < run->count; i++) {
        if (company_fits(run, i, flags)) {
            first_ns = tl_min_ns(first_ns, run->first[i].start_ns);
            last_ns = tl_max_ns(last_ns, run->first[i].start_ns);
        }
    }
    span_ns = tl_max_ns(tl_ns_between(first_ns, last_ns), FLOOD_SPAN_NS);
    return (uint32_t)(count * (double)TL_SECOND / (double)span_ns);
}

static void company_claim_flood(const struct run *run, unsigned flags, uint32_t rate)
{
    for (uint32_t i = 0; i < run->count; i++) {
        if (company_fits(run, i, flags)) {
            company_of(run, i)->rate = rate;
        }
    }
    company_claim(run, flags, TL_FINDING_FLOOD);
}

/* Order by client; the whole capture: SYNs of invented addresses to whatever server. */
static void company_look_for_spoofed(const struct run *run)
{
    uint32_t count = company_count_fitting(run, TL_BRIEF_LONE_SYN);

    if (count >= FLOOD_MIN && company_count_different(run, TL_BRIEF_LONE_SYN, company_same_client) * 2 > count) {
        company_claim_flood(run, TL_BRIEF_LONE_SYN, company_rate_of(run, TL_BRIEF_LONE_SYN, count));
    }
}

/* Order by server, port, client. */
static void company_look_for_flood(const struct run *run)
{
    uint32_t count = company_count_fitting(run, TL_BRIEF_FLOOD), rate;
    uint64_t syns = 0;

    if (count < FLOOD_MIN) {
        return;
    }
    for (uint32_t i = 0; i < run->count; i++) {
        syns += company_fits(run, i, TL_BRIEF_FLOOD) ? run->first[i].syns : 0;
    }
    rate = company_rate_of(run, TL_BRIEF_FLOOD, count);
    if (syns * 2 < (uint64_t)count * 3 &&
        (rate > FLOOD_RATE || company_count_different(run, TL_BRIEF_FLOOD, company_same_client) * 2 > count)) {
        company_claim_flood(run, TL_BRIEF_FLOOD, rate);
    }
}

static bool company_shorter(const void *one, const void *other)
{
    return *(const int64_t *)one < *(const int64_t *)other;
}

/* Order by server, port, client, start. */
static void company_look_for_checks(const struct run *run)
{
    int64_t last_ns = 0, median_ns;
    uint32_t gaps = 0, regular = 0, count = company_count_fitting(run, TL_BRIEF_CHECK);
    bool any_yet = false;

    if (count < CHECKS_MIN) {
        return;
    }
    for (uint32_t i = 0; i < run->count; i++) {
        if (!company_fits(run, i, TL_BRIEF_CHECK)) {
            continue;
        }
        if (any_yet) {
            run->gaps[gaps++] = tl_ns_between(last_ns, run->first[i].start_ns);
        }
        last_ns = run->first[i].start_ns;
        any_yet = true;
    }
    tl_sort(run->gaps, gaps, sizeof *run->gaps, company_shorter);
    median_ns = run->gaps[gaps / 2];
    for (uint32_t i = 0; i < gaps; i++) {
        int64_t off_ns = run->gaps[i] - median_ns;

        regular += (off_ns < 0 ? -off_ns : off_ns) < median_ns / CHECK_SPREAD;
    }
    if (median_ns < CHECK_INTERVAL_NS || regular * 10 < gaps * 7) {
        return;
    }
    for (uint32_t i = 0; i < run->count; i++) {
        if (company_fits(run, i, TL_BRIEF_CHECK)) {
            company_of(run, i)->interval_ns = median_ns;
        }
    }
    company_claim(run, TL_BRIEF_CHECK, TL_FINDING_HEALTH_CHECK);
}

void tl_company_learn(struct tl_brief *briefs, uint32_t count, const struct tl_host_seen *hosts, int64_t *gaps,
                      struct tl_company *companies)
{
    const struct run all = {briefs, count, hosts, companies, gaps};

    tl_sort(briefs, count, sizeof *briefs, company_by_server_port_client);
    company_each(&all, company_same_service, company_look_at_service);
    if (count < CHECKS_MIN) {
        return;
    }
    tl_sort(briefs, count, sizeof *briefs, company_by_client_server_port);
    company_each(&all, company_same_client, company_look_for_unasked);
    company_each(&all, company_same_client_server, company_look_for_port_scan);
    tl_sort(briefs, count, sizeof *briefs, company_by_client_port_server);
    company_each(&all, company_same_client_port, company_look_for_host_scan);
    tl_sort(briefs, count, sizeof *briefs, company_by_server_port_client);
    company_each(&all, company_same_server, company_look_for_strange_ports);
    tl_sort(briefs, count, sizeof *briefs, company_by_server_client);
    company_each(&all, company_same_server, company_look_for_strangers);
    tl_sort(briefs, count, sizeof *briefs, company_by_client_server_port);
    company_each(&all, company_any, company_look_for_spoofed);
    tl_sort(briefs, count, sizeof *briefs, company_by_server_port_client);
    company_each(&all, company_same_service, company_look_for_flood);
    company_each(&all, company_same_service_client, company_look_for_checks);
}
