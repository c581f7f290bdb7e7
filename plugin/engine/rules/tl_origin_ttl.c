/* tl_origin_ttl.c - what the TTL of a RST shows of who sent it, next to the other segments of the end and of its host.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * RFC 791 3.2: every router takes one off. Systems begin with 32, 64, 128 or 255 (observed), so what is missing to the next of them are
 * hops.
 */
#include "rules/tl_origin.h"

static const int64_t HOP_NS = 50 * TL_MS / 1000; /* no hop takes less there and back */
enum { FAR_HOPS = 8 };                           /* so many hops take a time that can be measured */

static int origin_ttl_start_of(int ttl)
{
    static const int starts[] = {32, 64, 128, 255};
    unsigned i = 0;

    while (i < 3 && ttl > starts[i]) {
        i++;
    }
    return starts[i];
}

static int origin_ttl_hops(int ttl)
{
    return origin_ttl_start_of(ttl) - ttl;
}

static int origin_ttl_apart(int a, int b)
{
    return a > b ? a - b : b - a;
}

static void origin_ttl_collect_ttls(const struct tl_endpoint *x, bool with_syn, struct tl_ttls *ttls)
{
    const struct tl_recent_entry *e;

    *ttls = (struct tl_ttls){0};
    for (unsigned i = 0; (e = tl_recent_at(&x->recent, i)) != NULL; i++) {
        if (!(e->flags & TL_RST) && e->ttl != 0 && (with_syn || !(e->flags & TL_SYN))) {
            tl_ttls_add(ttls, e->ttl);
        }
    }
}

/* How a TTL lies to others. */
struct ttl_distance {
    int ttl, hops;   /* least distance */
    int highest;     /* TTL */
    int fewest_hops; /* of the others */
    uint8_t nearest; /* TTL */
};

static struct ttl_distance origin_ttl_distance_to(const struct tl_ttls *ttls, uint8_t ttl)
{
    struct ttl_distance d = {256, 256, 0, 256, 0};

    for (unsigned i = 0; i < ttls->used; i++) {
        int other = ttls->value[i], by_hops = origin_ttl_apart(origin_ttl_hops(ttl), origin_ttl_hops(other));

        if (origin_ttl_apart(ttl, other) < d.ttl) {
            d.ttl = origin_ttl_apart(ttl, other);
            d.nearest = ttls->value[i];
        }
        d.hops = by_hops < d.hops ? by_hops : d.hops;
        d.highest = other > d.highest ? other : d.highest;
        d.fewest_hops = origin_ttl_hops(other) < d.fewest_hops ? origin_ttl_hops(other) : d.fewest_hops;
    }
    return d;
}

/* S1: the weight of a TTL that X's segments do not have. */
static uint32_t origin_ttl_weigh_ttl(const struct tl_ttls *usual, const struct ttl_distance *d, uint8_t ttl, unsigned total,
                                     bool of_conn)
{
    bool stable = usual->used == 1, other_start = origin_ttl_start_of(ttl) != origin_ttl_start_of(d->highest);

    if (d->hops > 0 && ttl >= 254 && d->highest < 250) {
        return TL_EVIDENCE_TTL;
    }
    if (d->hops >= 2 && of_conn) {
        return stable && total >= 2 && (other_start || d->hops >= 4) ? TL_EVIDENCE_TTL : TL_EVIDENCE_TTL_NEAR;
    }
    if (d->hops >= 1 && stable && total >= 3 && (of_conn || d->hops >= 2)) {
        return TL_EVIDENCE_TTL_NEAR;
    }
    return TL_EVIDENCE_TTL_WEAK;
}

static const struct tl_host *origin_ttl_host_of(const struct tl_conn *conn, unsigned end)
{
    return tl_hosts_find(&conn->pair->tracker->hosts, conn->pair->ends.host[end]);
}

void tl_origin_half_rtt(const struct tl_conn *conn, unsigned end, struct tl_half_rtt *half)
{
    const struct tl_endpoint *x = &conn->endpoint[end];
    const struct tl_host *host = origin_ttl_host_of(conn, end);

    *half = (struct tl_half_rtt){x->half_rtt_ns, x->half_rtt_count, x->half_rtt_of_syn};
    if (!host || host->half_rtt_ns < 0) {
        return;
    }
    if (half->ns < 0 || host->half_rtt_ns < half->ns) {
        half->ns = host->half_rtt_ns;
    }
    half->count = host->half_rtt_count > half->count ? host->half_rtt_count : half->count;
    half->of_syn |= host->half_rtt_of_syn;
}

uint32_t tl_origin_ttl(const struct tl_conn *conn, unsigned end, uint8_t ttl, struct tl_ttls *usual)
{
    const struct tl_endpoint *x = &conn->endpoint[end];
    const struct tl_host *host;
    struct tl_ttls rest;
    struct ttl_distance d;
    struct tl_half_rtt half;
    uint32_t evidence = 0;
    unsigned total;
    bool of_conn;

    origin_ttl_collect_ttls(x, true, usual);
    origin_ttl_collect_ttls(x, false, &rest);
    d = origin_ttl_distance_to(&rest, ttl);
    /* A load balancer or SYN proxy answers the SYN, and the server behind it sends the rest: compare with the rest. */
    if (rest.used > 0 && d.hops >= 2 && origin_ttl_distance_to(usual, ttl).ttl == 0) {
        *usual = rest;
        evidence |= TL_EVIDENCE_AS_SYNACK;
    }
    host = origin_ttl_host_of(conn, end);
    of_conn = usual->used > 0;
    if (host && (!of_conn || (rest.used == 0 && origin_ttl_distance_to(usual, ttl).ttl != 0 &&
                              origin_ttl_distance_to(&host->ttls, ttl).ttl == 0))) {
        *usual = host->ttls; /* a SYN-ACK alone may be a balancer's, too: what the host sends elsewhere counts */
        of_conn = false;
    }
    if (ttl == 0 || usual->used == 0) {
        return 0;
    }
    d = origin_ttl_distance_to(usual, ttl);
    if (d.ttl == 0) {
        return evidence | (of_conn ? TL_EVIDENCE_TTL_SAME : TL_EVIDENCE_TTL_HOST);
    }
    total = tl_ttls_total(usual);
    if (host && host->ttls.used == 1 && usual->used == 1 && host->ttls.value[0] == usual->value[0] &&
        total < tl_ttls_total(&host->ttls)) {
        total = tl_ttls_total(&host->ttls);
    }
    tl_origin_half_rtt(conn, end, &half);
    if (half.ns >= 0 && half.count >= 2 && d.fewest_hops >= FAR_HOPS && half.ns < HOP_NS * d.fewest_hops) {
        return TL_EVIDENCE_TTL_SET;
    }
    return evidence | origin_ttl_weigh_ttl(usual, &d, ttl, total, of_conn);
}

bool tl_origin_is_farther(const struct tl_ttls *usual, uint8_t ttl)
{
    unsigned i = 0;

    while (i < usual->used && origin_ttl_hops(ttl) > origin_ttl_hops(usual->value[i])) {
        i++;
    }
    return i > 0 && i == usual->used;
}

uint8_t tl_origin_nearest(const struct tl_ttls *usual, uint8_t ttl)
{
    return origin_ttl_distance_to(usual, ttl).nearest;
}
