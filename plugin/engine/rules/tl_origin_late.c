/* tl_origin_late.c - what later segments show of a RST: its sender goes on, or accepts what it seemed to refuse.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * RFC 9293 3.10.7.4: an end that has sent a RST has no connection any more, so what goes on shows that it did not. Only a segment with
 * a TTL seen before and with a number close by counts: what goes on may be forged as well as the RST.
 */
#include "rules/tl_origin.h"
#include "rules/tl_rsts.h"

static const int64_t UNDER_WAY_NS = 3 * TL_MS; /* the sender's segments may still be under way this long */
enum {
    GOES_ON_NEAR = 65536,  /* octets from X's last number: more is another connection */
    GOES_ON_FAR = 1 << 24, /* octets that an ACK may move on */
    HOST_SEGMENTS = 4,     /* of each end of a connection that are learnt of its host */
};

static bool origin_late_has_ttl(const struct tl_endpoint *x, uint8_t ttl)
{
    const struct tl_recent_entry *e;

    for (unsigned i = 0; (e = tl_recent_at(&x->recent, i)) != NULL; i++) {
        if (!(e->flags & TL_RST) && e->ttl == ttl) {
            return true;
        }
    }
    return false;
}

static bool origin_late_moves_on(uint32_t from, uint32_t to)
{
    return tl_seq_after(to, from) && to - from < GOES_ON_FAR;
}

/* S7: an end that a RST should have ended brings something new. */
static uint32_t origin_late_goes_on(const struct tl_step *step, const struct tl_rsts *rsts)
{
    int64_t since = tl_since(step, rsts->last_ns);
    int64_t half = step->self->half_rtt_ns == TL_UNKNOWN_NS ? 0 : step->self->half_rtt_ns / 2;
    const struct tl_segment *seg = step->seg;

    if (since <= UNDER_WAY_NS || !rsts->has_self || seg->seq - rsts->self_max + GOES_ON_NEAR > 2 * GOES_ON_NEAR ||
        !origin_late_has_ttl(step->self, seg->ttl)) {
        return 0;
    }
    if (tl_has(step, TL_ACK) && rsts->has_peer && step->peer->has_seen && origin_late_moves_on(rsts->peer_max, seg->ack) &&
        tl_seq_after(step->peer->seen, rsts->peer_max)) {
        return TL_EVIDENCE_GOES_ON;
    }
    if (since <= half) {
        return 0;
    }
    if (seg->len > 0 && origin_late_moves_on(rsts->self_max, step->end)) {
        return TL_EVIDENCE_GOES_ON_DATA;
    }
    return tl_has(step, TL_ACK) && rsts->has_self_ack && origin_late_moves_on(rsts->self_ack, seg->ack)
               ? TL_EVIDENCE_GOES_ON_OLD
               : 0;
}

/* S8: the SYN-ACK of an end that seemed to refuse the SYN. If the SYN came again between, it may answer that one. */
static uint32_t origin_late_accepts(const struct tl_step *step, const struct tl_rsts *rsts)
{
    const struct tl_syns *syn = tl_syns(step->peer);
    int64_t half = step->self->half_rtt_ns == TL_UNKNOWN_NS ? 0 : step->self->half_rtt_ns / 2;

    if (step->self->segments != rsts->count || syn->count == 0 || rsts->ack != step->seg->ack ||
        step->seg->ack != step->peer->isn + 1 + step->peer->syn_extra) {
        return 0;
    }
    if (syn->last_in < rsts->last_in) {
        return TL_EVIDENCE_SYNACK_AFTER;
    }
    return syn->last_ns > rsts->last_ns && tl_since(step, syn->last_ns) < half ? TL_EVIDENCE_SYNACK_LATER : 0;
}

static void origin_late_learn_host(const struct tl_step *step)
{
    const struct tl_tracker *tracker = step->conn->pair->tracker;
    struct tl_hosts *hosts = &step->conn->pair->tracker->hosts;
    uint64_t key = step->conn->pair->ends.host[step->from];

    if (step->seg->ttl == 0) {
        return;
    }
    tl_hosts_ttl(hosts, &tracker->allocator, key, step->seg->ttl, step->seg->frame);
    if (step->self->half_rtt_of_syn && (step->event == TL_EVENT_SYNACK || step->opens)) {
        tl_hosts_half_rtt(hosts, key, step->self->half_rtt_ns, true);
    }
}

/* Keeps what `found` shows of the RSTs so far. */
static void origin_late_note_later(struct tl_step *step, struct tl_rsts *rsts, uint32_t found)
{
    uint8_t confidence;

    /* The lower the bit, the more it weighs. */
    if (rsts->later_in == rsts->last_in && rsts->later != 0 && rsts->later <= found) {
        return;
    }
    if (tl_origin_judge(rsts->evidence | found, &confidence) == TL_ORIGIN_PATH && confidence != TL_CONFIDENCE_GUESS) {
        step->refs->disowned_in = rsts->last_in;
    }
    rsts->later = found;
    rsts->later_in = rsts->last_in;
}

void tl_origin_learn(struct tl_step *step)
{
    const struct tl_rsts *rsts = tl_rsts(step->self);
    struct tl_rsts *made;
    uint32_t found;

    if (step->copy_of || step->stray || step->event == TL_EVENT_RST || (step->shape->flags & TL_SHAPE_TIME_BACKWARDS)) {
        return;
    }
    if (step->self->segments < HOST_SEGMENTS) {
        origin_late_learn_host(step);
    }
    if (rsts->count == 0) {
        return;
    }
    found = step->event == TL_EVENT_SYNACK ? origin_late_accepts(step, rsts)
            : step->event == TL_EVENT_SYN  ? 0
                                           : origin_late_goes_on(step, rsts);
    made = found ? step->self->rsts : NULL;
    if (made) {
        origin_late_note_later(step, made, found);
    }
}

/* X aborts by itself, and all that a packet can show says that it is X: so it still had the connection when the earlier RSTs were sent. */
void tl_origin_learn_reset(struct tl_step *step)
{
    struct tl_rsts *made = step->self->rsts;
    int64_t half = step->self->half_rtt_ns == TL_UNKNOWN_NS ? 0 : step->self->half_rtt_ns / 2;
    const struct tl_shape *shape = step->shape;

    if (!made || made->count == 0 || made->own || !made->has_self || shape->rst_form != TL_RST_FORM_ACTIVE ||
        !tl_origin_is_own(shape->evidence) || shape->origin != TL_ORIGIN_END ||
        tl_since(step, made->last_ns) <= tl_max_ns(UNDER_WAY_NS, half)) {
        return;
    }
    origin_late_note_later(step, made, TL_EVIDENCE_GOES_ON_DATA);
}

struct tl_host_rst tl_origin_host_rst(const struct tl_step *step)
{
    const struct tl_pair *pair = step->conn->pair;
    struct tl_host_rst rst = {.from = pair->ends.host[step->from],
                              .to = pair->ends.host[1 - step->from],
                              .ip_id = step->seg->ip_id,
                              .ttl = step->seg->ttl};

    /* Pairs have clocks of their own. Without a sign, so that no time, however odd, overflows. */
    rst.ns = (int64_t)((uint64_t)pair->base_ns + (uint64_t)step->seg->time_ns);
    return rst;
}

void tl_origin_remember(struct tl_step *step, struct tl_rsts *rsts, bool judged)
{
    const struct tl_shape *shape = step->shape;
    const struct tl_endpoint *x = step->self, *y = step->peer;
    struct tl_hosts *hosts = &step->conn->pair->tracker->hosts;
    struct tl_host_rst rst = tl_origin_host_rst(step);
    bool path = tl_of_path(shape);

    if (judged && rst.from != 0 && rst.ip_id != 0) {
        tl_hosts_rst(hosts, &step->conn->pair->tracker->allocator, &rst);
    }
    if (!rsts) {
        return;
    }
    rsts->evidence = shape->evidence;
    rsts->own |= shape->origin == TL_ORIGIN_END && shape->origin_confidence != TL_CONFIDENCE_GUESS;
    rsts->has_self = x->has_max && (x->sent_plain || tl_synacks(x)->count > 0); /* SYN-SENT answers by RST, and lives */
    rsts->self_max = x->max;
    rsts->has_self_ack = y->has_una;
    rsts->self_ack = y->una;
    rsts->has_peer = y->has_max;
    rsts->peer_max = y->max;
    if (path && (shape->evidence & (TL_EVIDENCE_TTL | TL_EVIDENCE_TTL_NEAR | TL_EVIDENCE_TTL_WEAK))) {
        rsts->path_ttl = step->seg->ttl;
        rsts->path_in = step->seg->frame;
    }
}

/* Whatever an end did after a RST in its name, it did after the earlier ones, too. */
static uint32_t origin_late_evidence_by_now(const struct tl_conn *conn, const struct tl_rst_seen *seen)
{
    const uint32_t of_ttl = TL_EVIDENCE_TTL | TL_EVIDENCE_TTL_NEAR | TL_EVIDENCE_TTL_WEAK | TL_EVIDENCE_TTL_SAME |
                            TL_EVIDENCE_TTL_HOST | TL_EVIDENCE_TTL_SET | TL_EVIDENCE_TTL_FARTHER;
    const struct tl_rsts *rsts = tl_rsts(&conn->endpoint[seen->end]);
    uint32_t evidence = seen->evidence;
    struct tl_ttls usual;

    if (rsts->later_in != 0 && seen->frame <= rsts->later_in) {
        evidence |= rsts->later;
    }
    if (!(evidence & of_ttl)) {
        evidence |= tl_origin_ttl(conn, seen->end, seen->ttl, &usual); /* nothing of X had been captured before */
    }
    if (seen->ttl != 0 && seen->ttl == rsts->path_ttl && seen->frame != rsts->path_in && (evidence & of_ttl) &&
        !(evidence & (TL_EVIDENCE_TTL_SAME | TL_EVIDENCE_TS_NEXT | TL_EVIDENCE_ID_NEXT))) {
        evidence |= TL_EVIDENCE_SIBLING;
    }
    return evidence;
}

void tl_origin_by_now(const struct tl_conn *conn, const struct tl_rst_seen *seen, struct tl_rst_now *now)
{
    const struct tl_rsts *rsts = tl_rsts(&conn->endpoint[seen->end]);

    *now = (struct tl_rst_now){.cause = seen->cause, .confidence = seen->confidence, .effect = seen->effect};
    if (rsts->unharmed_in == seen->frame) {
        now->effect = rsts->effect;
    }
    now->origin = seen->judged ? TL_ORIGIN_UNKNOWN : TL_ORIGIN_NONE;
    if (seen->judged) {
        now->evidence = origin_late_evidence_by_now(conn, seen);
        now->origin = (uint8_t)tl_origin_judge(now->evidence, &now->origin_confidence);
        tl_origin_amend(now, seen->flags, (enum tl_rst_stage)seen->stage);
    }
}

void tl_conn_rst(const struct tl_conn *conn, const struct tl_segment *seg, const struct tl_shape *shape, struct tl_rst_now *now)
{
    struct tl_rst_seen seen = {
        .frame = seg->frame,
        .evidence = shape->evidence,
        .flags = shape->flags,
        .end = shape->from & 1,
        .cause = shape->rst_cause,
        .confidence = shape->rst_confidence,
        .effect = shape->rst_effect,
        .stage = shape->rst_stage,
        .ttl = seg->ttl,
        .judged =
            shape->origin != TL_ORIGIN_NONE && !(seg->flags & (TL_SYN | TL_FIN)) && !(shape->flags & TL_SHAPE_TIME_BACKWARDS),
    };

    tl_origin_by_now(conn, &seen, now);
    if (shape->origin != TL_ORIGIN_NONE && !seen.judged) {
        now->origin = TL_ORIGIN_UNKNOWN;
    }
}
