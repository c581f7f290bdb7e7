/* tl_findings.c - judges all connections in three rounds: learn of each, judge each, sum up the claims.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "findings/tl_findings.h"

#include <string.h>

#include "conn/tl_conn.h"
#include "findings/tl_company.h"
#include "findings/tl_sort.h"

/* Thresholds: decided. */
enum {
    PORTS_MIN = 3,    /* ports of one host that are told as one */
    KEYS_MAX = 3,     /* keys of one finding that are told one by one */
    KEY_PART = 4,     /* else those that have one part in so many of what the finding costs */
    DOUBTFUL_MIN = 3, /* of more connections than that, if three in ten are incomplete */
    DOUBTFUL_PERCENT = 30,
};

/* One claim, without what was measured. */
struct entry {
    struct tl_key key;
    int64_t cost_ns;
    uint32_t index;  /* of the connection */
    uint16_t group;  /* number */
    uint8_t finding; /* enum tl_finding */
    uint8_t ordinal; /* among the claims on the connection */
};

struct tl_findings {
    struct tl_allocator allocator;
    struct tl_findings_source source;
    struct tl_summary summary;
    struct tl_brief *briefs;
    struct tl_host_seen *hosts;
    struct tl_company *companies;
    int64_t *gaps;
    struct entry *entries;
    uint32_t entry_count, entry_room;
    struct tl_finding_group *groups;
    uint32_t group_count;
    struct tl_finding_mark *marks;
};

/* ---- memory -------------------------------------------------------------------------------------------------------------- */

static void *findings_take(const struct tl_allocator *allocator, size_t count, size_t bytes)
{
    return allocator->alloc(allocator->context, (count > 0 ? count : 1) * bytes);
}

static void findings_give(const struct tl_allocator *allocator, void *memory, size_t count, size_t bytes)
{
    if (memory) {
        allocator->free(allocator->context, memory, (count > 0 ? count : 1) * bytes);
    }
}

/* What is needed while it is decided. */
static void findings_give_back_scratch(struct tl_findings *findings)
{
    const struct tl_allocator *allocator = &findings->allocator;
    uint32_t count = findings->source.count;

    findings_give(allocator, findings->briefs, count, sizeof *findings->briefs);
    findings_give(allocator, findings->hosts, findings->source.hosts, sizeof *findings->hosts);
    findings_give(allocator, findings->companies, count, sizeof *findings->companies);
    findings_give(allocator, findings->gaps, count, sizeof *findings->gaps);
    findings_give(allocator, findings->entries, findings->entry_room, sizeof *findings->entries);
    findings->briefs = NULL;
    findings->hosts = NULL;
    findings->companies = NULL;
    findings->gaps = NULL;
    findings->entries = NULL;
}

static bool findings_take_scratch(struct tl_findings *findings)
{
    const struct tl_allocator *allocator = &findings->allocator;
    uint32_t count = findings->source.count;

    findings->briefs = findings_take(allocator, count, sizeof *findings->briefs);
    findings->hosts = findings_take(allocator, findings->source.hosts, sizeof *findings->hosts);
    findings->companies = findings_take(allocator, count, sizeof *findings->companies);
    findings->gaps = findings_take(allocator, count, sizeof *findings->gaps);
    return findings->briefs && findings->hosts && findings->companies && findings->gaps;
}

void tl_findings_free(struct tl_findings *findings)
{
    if (!findings) {
        return;
    }
    findings_give_back_scratch(findings);
    findings_give(&findings->allocator, findings->groups, findings->group_count, sizeof *findings->groups);
    findings_give(&findings->allocator, findings->marks, findings->entry_count, sizeof *findings->marks);
    findings_give(&(struct tl_allocator){findings->allocator.alloc, findings->allocator.free, findings->allocator.context},
                  findings, 1, sizeof *findings);
}

/* ---- round 1: learn ------------------------------------------------------------------------------------------------------ */

static void findings_sum_up_quality(struct tl_summary *summary, const struct tl_facts *facts)
{
    summary->lossy += (facts->capture & TL_CAPTURE_LOSSY) != 0;
    summary->asymmetric += (facts->capture & TL_CAPTURE_ASYMMETRIC) != 0;
    summary->doubled += (facts->capture & TL_CAPTURE_DOUBLED) != 0;
    summary->offload += (facts->capture & TL_CAPTURE_OFFLOAD) != 0;
    summary->backwards += (facts->capture & TL_CAPTURE_BACKWARDS) != 0;
    summary->midstream += facts->outcome == TL_OUTCOME_NOT_CAPTURED;
    summary->positions[facts->position < TL_POSITION_COUNT ? facts->position : 0]++;
}

static bool findings_is_still_open(const struct tl_facts *facts)
{
    return facts->verdict == TL_VERDICT_OPEN || facts->verdict == TL_VERDICT_CLOSING || facts->verdict == TL_VERDICT_PENDING;
}

static void findings_sum_up(struct tl_summary *summary, const struct tl_case *c)
{
    const struct tl_facts *facts = &c->facts;

    for (unsigned role = 0; role < 2; role++) {
        summary->segments += c->segments[role];
        summary->bytes += c->bytes[role];
        summary->bytes_again += c->trouble[role].bytes_again;
    }
    for (unsigned i = 0; i < TL_WAIT_SUM_COUNT; i++) {
        summary->waits_ns[i] += c->waits.ns[i];
    }
    summary->connection_ns += c->duration_ns;
    summary->opened += tl_case_opened(c);
    summary->failed += facts->open_failure != TL_OPEN_FAILURE_NONE;
    summary->closed_well += facts->verdict == TL_VERDICT_OK || facts->verdict == TL_VERDICT_CLOSED_WITH_RST;
    summary->still_open += findings_is_still_open(facts);
    summary->first_ns = summary->connections == 0 ? facts->start_ns : tl_min_ns(summary->first_ns, facts->start_ns);
    summary->last_ns = summary->connections == 0 ? facts->last_ns : tl_max_ns(summary->last_ns, facts->last_ns);
    if (facts->setup_ns > summary->slowest_setup_ns) {
        summary->slowest_setup_ns = facts->setup_ns;
        summary->slowest_setup_in = facts->first_in;
    }
    if (c->waits.longest_ns[1] > summary->longest_answer_ns) {
        summary->longest_answer_ns = c->waits.longest_ns[1];
        summary->longest_answer_in = c->waits.longest_in[1];
    }
    findings_sum_up_quality(summary, facts);
    summary->connections++;
}

static void findings_learn(struct tl_findings *findings)
{
    struct tl_summary *summary = &findings->summary;
    struct tl_case c;

    for (uint32_t i = 0; i < findings->source.count; i++) {
        findings->source.read(findings->source.data, i, &c);
        findings_sum_up(summary, &c);
        tl_brief_fill(&c, i, &findings->briefs[i]);
        for (unsigned role = 0; role < 2; role++) {
            struct tl_host_seen *host = &findings->hosts[c.host[role]];

            host->up = host->up || c.segments[role] > 0;
            if (c.course.end[role].ttl > 0) {
                host->ttl = (uint8_t)c.course.end[role].ttl;
            }
        }
    }
    summary->doubtful = summary->connections > DOUBTFUL_MIN && (uint64_t)(summary->lossy + summary->asymmetric) * 100 >
                                                                   (uint64_t)summary->connections * DOUBTFUL_PERCENT;
    tl_company_learn(findings->briefs, findings->source.count, findings->hosts, findings->gaps, findings->companies);
}

/* ---- round 2: judge ------------------------------------------------------------------------------------------------------ */

static bool findings_make_room(struct tl_findings *findings)
{
    uint32_t room = findings->entry_room > 0 ? findings->entry_room * 2 : 256;
    struct entry *entries;

    if (findings->entry_room - findings->entry_count >= TL_CLAIMS_MAX) {
        return true;
    }
    entries = findings_take(&findings->allocator, room, sizeof *entries);
    if (!entries) {
        return false;
    }
    if (findings->entries) {
        memcpy(entries, findings->entries, findings->entry_count * sizeof *entries);
    }
    findings_give(&findings->allocator, findings->entries, findings->entry_room, sizeof *entries);
    findings->entries = entries;
    findings->entry_room = room;
    return true;
}

static bool findings_judge(struct tl_findings *findings)
{
    struct tl_claim claims[TL_CLAIMS_MAX];
    struct tl_case c;

    for (uint32_t i = 0; i < findings->source.count; i++) {
        unsigned count;

        if (!findings_make_room(findings)) {
            return false;
        }
        findings->source.read(findings->source.data, i, &c);
        count = tl_finding_judge(&c, &findings->companies[i], claims);
        for (unsigned k = 0; k < count; k++) {
            findings->entries[findings->entry_count++] = (struct entry){
                .key = claims[k].key,
                .cost_ns = claims[k].cost_ns,
                .index = i,
                .finding = claims[k].finding,
                .ordinal = (uint8_t)k,
            };
        }
    }
    return true;
}

/* ---- keys ---------------------------------------------------------------------------------------------------------------- */

static int findings_by_number(uint32_t a, uint32_t b)
{
    return (a > b) - (a < b);
}

/* Whatever keys of a finding are told together when they are many. */
static int findings_by_family(const struct entry *a, const struct entry *b)
{
    int order = findings_by_number(a->finding, b->finding);

    order = order ? order : findings_by_number(a->key.variant, b->key.variant);
    order = order ? order : findings_by_number(a->key.side, b->key.side);
    return order ? order : findings_by_number(a->key.icmp, b->key.icmp);
}

static int findings_by_key(const struct entry *a, const struct entry *b)
{
    int order = findings_by_number(a->key.is_many, b->key.is_many);

    order = order ? order : findings_by_number(a->key.to, b->key.to);
    order = order ? order : findings_by_number(a->key.port, b->key.port);
    return order ? order : findings_by_number(a->key.from, b->key.from);
}

static bool findings_in_order_of_keys(const void *one, const void *other)
{
    const struct entry *a = one, *b = other;
    int order = findings_by_family(a, b);

    order = order ? order : findings_by_key(a, b);
    order = order ? order : findings_by_number(a->index, b->index);
    return order ? order < 0 : a->ordinal < b->ordinal;
}

static bool findings_in_order_of_connections(const void *one, const void *other)
{
    const struct entry *a = one, *b = other;

    return a->index != b->index ? a->index < b->index : a->ordinal < b->ordinal;
}

/* Entries in a row, from `first` up to `end`. */
struct stretch {
    struct entry *first, *end;
};

/* The end of the entries that have the same key as the first one. */
static struct entry *findings_end_of_key(const struct stretch *all)
{
    struct entry *entry = all->first;

    while (entry < all->end && findings_by_key(entry, all->first) == 0) {
        entry++;
    }
    return entry;
}

static struct entry *findings_end_of_host(const struct stretch *all)
{
    struct entry *entry = all->first;

    while (entry < all->end && entry->key.to == all->first->key.to) {
        entry++;
    }
    return entry;
}

static uint32_t findings_count_keys(struct stretch all)
{
    uint32_t count = 0;

    for (; all.first < all.end; all.first = findings_end_of_key(&all)) {
        count++;
    }
    return count;
}

/* Several ports of one host become one key. */
static void findings_fold_ports(struct stretch family)
{
    while (family.first < family.end) {
        struct stretch host = {family.first, findings_end_of_host(&family)};
        bool folds = host.first->key.port != 0 && findings_count_keys(host) >= PORTS_MIN;

        for (struct entry *entry = host.first; entry < host.end && folds; entry++) {
            entry->key.port = 0;
        }
        family.first = host.end;
    }
}

/* What decides which keys are told one by one: what they cost, or how many they are where nothing costs anything. */
static int64_t findings_weight(struct stretch all, bool by_cost)
{
    int64_t sum = 0;

    for (; all.first < all.end; all.first++) {
        sum += by_cost ? all.first->cost_ns / 1000 : 1; /* us: a sum of a million hours fits */
    }
    return sum;
}

/* Too many keys: the light ones become one. */
static void findings_fold_keys(struct stretch family)
{
    bool by_cost = findings_weight(family, true) > 0;
    int64_t all = findings_weight(family, by_cost);

    if (findings_count_keys(family) <= KEYS_MAX) {
        return;
    }
    while (family.first < family.end) {
        struct stretch key = {family.first, findings_end_of_key(&family)};
        bool stays = findings_weight(key, by_cost) >= all / KEY_PART;

        for (struct entry *entry = key.first; entry < key.end && !stays; entry++) {
            entry->key.from = entry->key.to = entry->key.port = 0;
            entry->key.is_many = 1;
        }
        family.first = key.end;
    }
}

static void findings_fold(struct tl_findings *findings)
{
    struct stretch all = {findings->entries, findings->entries + findings->entry_count};

    tl_sort(findings->entries, findings->entry_count, sizeof *findings->entries, findings_in_order_of_keys);
    while (all.first < all.end) {
        struct stretch family = {all.first, all.first};

        while (family.end < all.end && findings_by_family(family.end, all.first) == 0) {
            family.end++;
        }
        findings_fold_ports(family);
        findings_fold_keys(family);
        all.first = family.end;
    }
}

/* ---- round 3: sum up ----------------------------------------------------------------------------------------------------- */

/* Numbers the groups, in the order of their keys. Beyond TL_GROUPS_MAX, which no family reaches alone, the last one takes the rest. */
static bool findings_make_groups(struct tl_findings *findings)
{
    uint32_t count = 0;

    tl_sort(findings->entries, findings->entry_count, sizeof *findings->entries, findings_in_order_of_keys);
    for (uint32_t i = 0; i < findings->entry_count; i++) {
        struct entry *entry = &findings->entries[i];

        if (count == 0 ||
            ((findings_by_family(entry, entry - 1) != 0 || findings_by_key(entry, entry - 1) != 0) && count < TL_GROUPS_MAX)) {
            count++;
        }
        entry->group = (uint16_t)(count - 1);
    }
    findings->group_count = count;
    findings->groups = findings_take(&findings->allocator, count, sizeof *findings->groups);
    if (!findings->groups) {
        return false;
    }
    for (uint32_t i = 0; i < findings->entry_count; i++) {
        struct tl_finding_group *group = &findings->groups[findings->entries[i].group];

        group->key = findings->entries[i].key;
        group->finding = findings->entries[i].finding;
        group->class = tl_finding_rows[group->finding].class;
    }
    return true;
}

static void findings_add_claims(struct tl_findings *findings)
{
    struct tl_claim claims[TL_CLAIMS_MAX];
    struct tl_case c;
    uint32_t read = UINT32_MAX;

    tl_sort(findings->entries, findings->entry_count, sizeof *findings->entries, findings_in_order_of_connections);
    for (uint32_t i = 0; i < findings->entry_count; i++) {
        const struct entry *entry = &findings->entries[i];

        if (entry->index != read) {
            findings->source.read(findings->source.data, entry->index, &c);
            tl_finding_judge(&c, &findings->companies[entry->index], claims);
            read = entry->index;
        }
        tl_finding_group_add(&findings->groups[entry->group], &c, &claims[entry->ordinal]);
        findings->marks[i] = (struct tl_finding_mark){c.facts.number, entry->group, entry->finding, 0};
    }
}

/* ---- rank ---------------------------------------------------------------------------------------------------------------- */

static unsigned findings_place_of(const struct tl_finding_group *group)
{
    return group->class == TL_CLASS_NOTE ? 1 : group->class == TL_CLASS_CAVEAT ? 2 : 0;
}

/* A place in the report; groups are too large to be moved about. */
struct place {
    const struct tl_finding_group *group;
};

static bool findings_ranks_before(const void *one, const void *other)
{
    const struct tl_finding_group *a = ((const struct place *)one)->group, *b = ((const struct place *)other)->group;

    if (findings_place_of(a) != findings_place_of(b)) {
        return findings_place_of(a) < findings_place_of(b);
    }
    if (a->score_ns != b->score_ns) {
        return a->score_ns > b->score_ns;
    }
    return a->connections != b->connections ? a->connections > b->connections : a < b;
}

/* Puts the groups into their order, and renames them in the marks. */
static bool findings_rank(struct tl_findings *findings)
{
    const struct tl_allocator *allocator = &findings->allocator;
    uint32_t count = findings->group_count;
    struct place *places = findings_take(allocator, count, sizeof *places);
    struct tl_finding_group *groups = findings_take(allocator, count, sizeof *groups);

    for (uint32_t i = 0; i < count && places && groups; i++) {
        tl_finding_group_settle(&findings->groups[i], findings->summary.doubtful);
        places[i].group = &findings->groups[i];
    }
    if (!places || !groups) {
        findings_give(allocator, places, count, sizeof *places);
        findings_give(allocator, groups, count, sizeof *groups);
        return false;
    }
    tl_sort(places, count, sizeof *places, findings_ranks_before);
    for (uint32_t i = 0; i < count; i++) {
        findings->groups[places[i].group - findings->groups].number = i + 1;
        groups[i] = *places[i].group;
    }
    for (uint32_t i = 0; i < findings->entry_count; i++) {
        findings->marks[i].group = (uint16_t)findings->groups[findings->marks[i].group].number;
    }
    findings_give(allocator, places, count, sizeof *places);
    findings_give(allocator, findings->groups, count, sizeof *groups);
    findings->groups = groups;
    return true;
}

/* ---- the whole ----------------------------------------------------------------------------------------------------------- */

static bool findings_decide(struct tl_findings *findings)
{
    if (!findings_take_scratch(findings)) {
        return false;
    }
    findings_learn(findings);
    if (!findings_judge(findings)) {
        return false;
    }
    findings_fold(findings);
    findings->marks = findings_take(&findings->allocator, findings->entry_count, sizeof *findings->marks);
    if (!findings->marks || !findings_make_groups(findings)) {
        return false;
    }
    findings_add_claims(findings);
    return findings_rank(findings);
}

struct tl_findings *tl_findings_new(const struct tl_allocator *allocator, const struct tl_findings_source *source)
{
    struct tl_findings *findings = findings_take(allocator, 1, sizeof *findings);

    if (!findings) {
        return NULL;
    }
    findings->allocator = *allocator;
    findings->source = *source;
    if (!findings_decide(findings)) {
        tl_findings_free(findings);
        return NULL;
    }
    findings_give_back_scratch(findings);
    return findings;
}

const struct tl_finding_group *tl_findings_groups(const struct tl_findings *findings, uint32_t *count)
{
    *count = findings->group_count;
    return findings->groups;
}

const struct tl_summary *tl_findings_summary(const struct tl_findings *findings)
{
    return &findings->summary;
}

const struct tl_finding_mark *tl_findings_marks(const struct tl_findings *findings, uint32_t *count)
{
    *count = findings->entry_count;
    return findings->marks;
}
