/* tl_finding_group.c - adds up the claims of one finding, and decides how sure they are together.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "findings/tl_finding_group.h"

#include "conn/tl_conn.h"

/* ---- sets of names ------------------------------------------------------------------------------------------------------- */

static void finding_group_add_server(struct tl_finding_group *group, uint64_t server)
{
    uint32_t at = group->server_count;

    while (at > 0 && group->servers[at - 1] > server) {
        at--;
    }
    if (at > 0 && group->servers[at - 1] == server) {
        return;
    }
    if (group->server_count == TL_GROUP_NAMES) {
        group->names_overflow = true;
        return;
    }
    for (uint32_t i = group->server_count++; i > at; i--) {
        group->servers[i] = group->servers[i - 1];
    }
    group->servers[at] = server;
}

static void finding_group_add_client(struct tl_finding_group *group, uint32_t client)
{
    uint32_t at = group->client_count;

    while (at > 0 && group->clients[at - 1] > client) {
        at--;
    }
    if (at > 0 && group->clients[at - 1] == client) {
        return;
    }
    if (group->client_count == TL_GROUP_NAMES) {
        group->names_overflow = true;
        return;
    }
    for (uint32_t i = group->client_count++; i > at; i--) {
        group->clients[i] = group->clients[i - 1];
    }
    group->clients[at] = client;
}

/* ---- claims -------------------------------------------------------------------------------------------------------------- */

static void finding_group_add_connection(struct tl_finding_group *group, uint32_t number)
{
    struct tl_conn_range *last =
        group->range_count > 0 && group->range_count <= TL_GROUP_RANGES ? &group->ranges[group->range_count - 1] : NULL;

    if (group->connections > 0 && group->last_conn == number) {
        return; /* both ends of it */
    }
    group->connections++;
    group->last_conn = number;
    if (last && last->last + 1 == number) {
        last->last = number;
    } else if (group->range_count < TL_GROUP_RANGES) {
        group->ranges[group->range_count++] = (struct tl_conn_range){number, number};
    } else {
        group->range_count = TL_GROUP_RANGES + 1;
    }
}

static void finding_group_add_value(struct tl_span *span, int64_t value)
{
    span->min = span->count == 0 ? value : tl_min_ns(span->min, value);
    span->max = span->count == 0 ? value : tl_max_ns(span->max, value);
    span->sum = value > INT64_MAX - span->sum ? INT64_MAX : span->sum + value;
    span->count++;
}

void tl_finding_group_add(struct tl_finding_group *group, const struct tl_case *c, const struct tl_claim *claim)
{
    finding_group_add_connection(group, c->facts.number);
    finding_group_add_server(group, (uint64_t)c->host[1] << 16 | c->port[1]);
    finding_group_add_client(group, c->host[0]);
    group->cost_ns = claim->cost_ns > INT64_MAX - group->cost_ns ? INT64_MAX : group->cost_ns + claim->cost_ns;
    group->sure[claim->confidence & 3]++;
    if (group->frame_count < TL_GROUP_FRAMES) {
        group->frames[group->frame_count] = claim->frame;
    }
    group->frame_count++;
    for (unsigned trait = 0; trait < TL_TRAIT_COUNT; trait++) {
        group->traits[trait] += tl_claim_has(claim, (enum tl_trait)trait);
    }
    for (unsigned measure = 0; measure < TL_MEASURE_COUNT; measure++) {
        if (claim->measured >> measure & 1) {
            finding_group_add_value(&group->spans[measure], claim->value[measure]);
        }
    }
}

/* ---- confidence ---------------------------------------------------------------------------------------------------------- */

int64_t tl_score(int64_t cost_ns, unsigned confidence)
{
    return confidence == TL_CONFIDENCE_CERTAIN  ? cost_ns
           : confidence == TL_CONFIDENCE_LIKELY ? cost_ns / 10 * 8
                                                : cost_ns / 10 * 5;
}

/* Silences that are nearly the same each time have one cause. */
static bool finding_group_agrees(const struct tl_finding_group *group)
{
    const struct tl_span *silence = &group->spans[TL_MEASURE_SILENCE];

    return group->finding == TL_FINDING_IDLE_CUT && group->connections > 1 && silence->max / 13 < silence->min / 10;
}

void tl_finding_group_settle(struct tl_finding_group *group, bool doubtful)
{
    uint32_t claims = group->sure[1] + group->sure[2] + group->sure[3];

    if (group->sure[TL_CONFIDENCE_CERTAIN] == claims) {
        group->confidence = TL_CONFIDENCE_CERTAIN;
    } else if (group->sure[TL_CONFIDENCE_GUESS] * 2 <= claims || finding_group_agrees(group)) {
        group->confidence = TL_CONFIDENCE_LIKELY;
    } else {
        group->confidence = TL_CONFIDENCE_GUESS;
    }
    if (doubtful && group->class != TL_CLASS_CAVEAT) {
        group->confidence = TL_CONFIDENCE_GUESS;
    }
    group->score_ns =
        group->class == TL_CLASS_BROKEN || group->class == TL_CLASS_SLOW ? tl_score(group->cost_ns, group->confidence) : 0;
}
