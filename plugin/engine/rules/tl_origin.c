/* tl_origin.c - the evidence about who sent a RST: time, TTL, IP ID, timestamps, and what the end does afterwards.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * X is the end that the RST names, Y the other, T the segment that the RST answers or acknowledges. Thresholds and their reasons:
 * docs/design.md, "Who sent it".
 */
#include "rules/tl_origin.h"

#include <stdlib.h>

static const int64_t PAIR_NS = 2 * TL_SECOND;  /* two RSTs belong together */
static const int64_t MARGIN_NS = 3 * TL_MS;    /* jitter of captures and stacks: less sooner than usual says nothing */
static const int64_t ECHO_NS = 3 * TL_SECOND;  /* a device answers what it has just seen */
static const int64_t BOTH_NS = 2 * TL_MS;      /* RSTs both ways at once */
static const int64_t QUIET_NS = TL_SECOND;     /* after so much silence T is what the RST answers */
static const int64_t IDLE_NS = 10 * TL_SECOND; /* a silence worth naming: shorter ones are pauses of programs */
enum {
    SEQ_MARGIN = 2,     /* octets */
    ID_MARGIN = 1000,   /* steps of an IP ID counter between two segments of one connection */
    ID_ODD = 3000,      /* the same, over the pause before a RST */
    ID_NEXT_STEPS = 8,  /* steps of a counter that only this connection moves */
    ID_PEER_STEPS = 64, /* behind the peer's counter: an echo of a segment that was not captured */
    QUIET_HALF_RTTS = 20,
    IDLE_HALF_RTTS = 50,
    TS_SLACK = 50, /* ticks */
};

static const uint32_t TTL_DIFFERS = TL_EVIDENCE_TTL | TL_EVIDENCE_TTL_NEAR | TL_EVIDENCE_TTL_WEAK;

/* What is looked at together. */
struct look {
    struct tl_step *step;
    const struct tl_recent_entry *answers; /* T, or NULL */
    int64_t gap_ns;                        /* since T */
    struct tl_half_rtt half;               /* of X */
    bool firm;                             /* X cannot have known what the RST carries before T */
    bool active;                           /* as if of a live connection */
    bool reply;
};

static bool origin_is_plain(const struct tl_recent_entry *e)
{
    return !(e->flags & TL_RST);
}

static uint32_t origin_end_of(const struct tl_recent_entry *e)
{
    return e->seq + tl_event_length(e->flags, e->len);
}

/* ---- time --------------------------------------------------------------------------------------------------------------- */

/* The segment whose octets the RST is the first to acknowledge. */
static const struct tl_recent_entry *origin_find_acknowledged(const struct tl_step *step)
{
    const struct tl_recent_entry *e, *best = NULL;
    uint32_t ack = step->seg->ack;

    if (!tl_has(step, TL_ACK) || (step->peer->has_una && !tl_seq_after(ack, step->peer->una))) {
        return NULL;
    }
    for (unsigned i = 0; (e = tl_recent_at(&step->peer->recent, i)) != NULL; i++) {
        uint32_t end = origin_end_of(e);

        if (origin_is_plain(e) && tl_seq_after(ack, e->seq) && !tl_seq_after(ack, end) &&
            (!best || end - ack < origin_end_of(best) - ack || end == origin_end_of(best))) {
            best = e; /* older ones come later */
        }
    }
    return best;
}

/* The oldest segment that the RST may answer, of those that carry something which X has not taken. */
static const struct tl_recent_entry *origin_find_answered(const struct tl_step *step)
{
    const struct tl_recent_entry *e, *oldest = NULL;

    for (unsigned i = 0; (e = tl_recent_at(&step->peer->recent, i)) != NULL; i++) {
        bool carries = origin_end_of(e) != e->seq && (!step->peer->has_una || tl_seq_after(origin_end_of(e), step->peer->una));
        bool bare = tl_has(step, TL_ACK) && !(e->flags & TL_ACK) && origin_end_of(e) == step->seg->ack;

        if (origin_is_plain(e) && (bare || (carries && (e->flags & TL_ACK) && e->ack == step->seg->seq))) {
            oldest = e;
        }
    }
    return oldest;
}

/* Nobody but who has seen `e` knows its acknowledgment number: X had got further, and no earlier segment carries it. */
static bool origin_is_alone(const struct tl_step *step, const struct tl_recent_entry *e)
{
    const struct tl_recent_entry *other;

    if (!(e->flags & TL_ACK) || !step->self->has_max || !tl_seq_before(e->ack, step->self->max)) {
        return false;
    }
    for (unsigned i = 0; (other = tl_recent_at(&step->peer->recent, i)) != NULL; i++) {
        if (other->ack == e->ack && other->frame < e->frame) {
            return false;
        }
    }
    return true;
}

static void origin_find_answer(struct look *look)
{
    struct tl_step *step = look->step;

    look->answers = origin_find_acknowledged(step);
    look->firm = look->answers != NULL;
    if (!look->answers) {
        look->answers = origin_find_answered(step);
        look->firm = look->answers && origin_is_alone(step, look->answers);
    }
    if (look->answers) {
        look->gap_ns = step->seg->time_ns - look->answers->time_ns;
    }
}

/* Silence of both ends before `frame`, which is of `time_ns`; negative when nothing is captured before. */
static int64_t origin_silence_before(const struct tl_step *step, uint32_t frame, int64_t time_ns)
{
    int64_t last_ns = INT64_MIN;

    for (unsigned end = 0; end < 2; end++) {
        const struct tl_recent *recent = &step->conn->endpoint[end].recent;
        const struct tl_recent_entry *e;

        for (unsigned i = 0; (e = tl_recent_at(recent, i)) != NULL; i++) {
            last_ns = e->frame < frame && e->time_ns > last_ns ? e->time_ns : last_ns;
        }
    }
    return last_ns == INT64_MIN ? -1 : time_ns - last_ns;
}

/* S2: how much sooner than X answers a device must be: the fewer samples, the surer. */
static int64_t origin_soonest(const struct look *look)
{
    if (!look->half.of_syn) {
        return -1; /* all samples may be of delayed ACKs */
    }
    return look->half.count >= 5 ? look->half.ns / 2 : look->half.count >= 2 ? look->half.ns / 3 : look->half.ns / 5;
}

static uint32_t origin_time_evidence(const struct look *look)
{
    int64_t half_rtt = look->half.ns, gap = look->gap_ns, silence;

    if (!look->answers || half_rtt < 0 || gap < 0) {
        return 0;
    }
    if (gap > origin_soonest(look) || half_rtt - gap < MARGIN_NS) {
        return gap >= half_rtt / 10 * 9 ? TL_EVIDENCE_IN_TIME : 0;
    }
    if (look->firm) {
        return TL_EVIDENCE_TOO_FAST;
    }
    silence = origin_silence_before(look->step, look->answers->frame, look->answers->time_ns);
    if (silence < tl_max_ns(QUIET_NS, QUIET_HALF_RTTS * half_rtt)) {
        return TL_EVIDENCE_TOO_FAST_LOOSE;
    }
    return silence >= IDLE_HALF_RTTS * half_rtt && gap <= half_rtt / 5 && look->half.count >= 2 ? TL_EVIDENCE_TOO_FAST_IDLE
                                                                                                : TL_EVIDENCE_TOO_FAST_QUIET;
}

/* ---- timestamps --------------------------------------------------------------------------------------------------------- */

static const struct tl_recent_entry *origin_newest_plain(const struct tl_endpoint *end, unsigned options)
{
    const struct tl_recent_entry *e;
    unsigned i = 0;

    while ((e = tl_recent_at(&end->recent, i)) != NULL && (!origin_is_plain(e) || (e->options & options) != options)) {
        i++;
    }
    return e;
}

/* S4: the clock of X goes on, at most 1.1 ticks a ms (RFC 7323 5.4 allows no faster one). */
static uint32_t origin_timestamp_evidence(const struct look *look)
{
    const struct tl_step *step = look->step;
    const struct tl_recent_entry *last = origin_newest_plain(step->self, TL_OPT_TIMESTAMPS);
    int64_t ticks, most;

    if (!last || !origin_newest_plain(step->peer, TL_OPT_TIMESTAMPS)) {
        return 0;
    }
    if (!(step->seg->options & TL_OPT_TIMESTAMPS)) {
        return look->active && !look->reply ? TL_EVIDENCE_NO_TS : 0;
    }
    ticks = (int32_t)(step->seg->tsval - last->tsval);
    most = tl_since(step, last->time_ns) / 10 * 11 / TL_MS + TS_SLACK;
    if (ticks >= 0 && ticks <= most) {
        return TL_EVIDENCE_TS_NEXT;
    }
    return step->seg->tsval == 0 ? 0 : TL_EVIDENCE_TS_ODD;
}

/* ---- IP ID -------------------------------------------------------------------------------------------------------------- */

/* The IP IDs of one end before the RST, 0 left out. */
struct ids {
    unsigned segments, count; /* all of them; those with an ID */
    unsigned steps;           /* between IDs, */
    unsigned small, next;     /* of at most ID_MARGIN; of the newest ones: at most ID_NEXT_STEPS in a row */
    unsigned newest_steps;    /* how many were looked at for that */
    uint16_t last, another;   /* the newest; one that differs from it */
    int nearest;              /* least distance to the ID in question, either way */
};

static void origin_collect_ids(const struct tl_endpoint *end, uint16_t id, struct ids *ids)
{
    const struct tl_recent_entry *e;
    uint16_t later = 0;

    *ids = (struct ids){.nearest = UINT16_MAX};
    for (unsigned i = 0; (e = tl_recent_at(&end->recent, i)) != NULL; i++) {
        uint16_t step = (uint16_t)(later - e->ip_id);
        int distance = abs((int16_t)(uint16_t)(e->ip_id - id));

        if (!origin_is_plain(e)) {
            continue;
        }
        ids->segments++;
        if (e->ip_id == 0 && !(ids->count == 1 && later <= ID_NEXT_STEPS)) {
            continue; /* no ID, unless the counter of this end began there */
        }
        ids->nearest = distance < ids->nearest ? distance : ids->nearest;
        if (ids->count == 0) {
            ids->last = e->ip_id;
        } else {
            ids->steps++;
            ids->small += step >= 1 && step <= ID_MARGIN;
            ids->newest_steps += ids->steps <= ID_NEXT_STEPS;
            ids->next += ids->steps <= ID_NEXT_STEPS && step >= 1 && step <= ID_NEXT_STEPS;
        }
        ids->another = e->ip_id != ids->last ? e->ip_id : ids->another;
        ids->count++;
        later = e->ip_id;
    }
}

/* S3: a segment of Y with this IP ID that the device has just seen. */
static const struct tl_recent_entry *origin_find_echoed(const struct tl_step *step)
{
    const struct tl_recent_entry *e;

    for (unsigned i = 0; (e = tl_recent_at(&step->peer->recent, i)) != NULL; i++) {
        if (origin_is_plain(e) && e->ip_id == step->seg->ip_id && tl_since(step, e->time_ns) <= ECHO_NS) {
            return e;
        }
    }
    return NULL;
}

static uint32_t origin_own_id_evidence(const struct look *look, const struct ids *x)
{
    uint16_t id = look->step->seg->ip_id, on = (uint16_t)(id - x->last);
    bool counts = x->steps >= 2 && x->small == x->steps;

    if (id == 0) {
        return counts && look->active ? TL_EVIDENCE_IP_ID : 0;
    }
    if (x->count == 0) {
        return x->segments >= 2 ? TL_EVIDENCE_IP_ID : 0;
    }
    if (on >= 1 && on <= ID_NEXT_STEPS) {
        return x->steps > 0 && x->next == x->newest_steps ? TL_EVIDENCE_ID_NEXT : 0;
    }
    return counts && (on < 1 || on > ID_ODD) ? TL_EVIDENCE_IP_ID : 0;
}

static uint32_t origin_id_evidence(const struct look *look, uint32_t ttl_bits)
{
    const struct tl_step *step = look->step;
    const struct tl_segment *seg = step->seg;
    const struct tl_hosts *hosts = &step->conn->pair->tracker->hosts;
    struct tl_host_rst rst = tl_origin_host_rst(step);
    const struct tl_recent_entry *echoed;
    struct ids x, y;
    uint32_t evidence;
    bool far;
    unsigned row;

    if (seg->ipv6) {
        return 0;
    }
    origin_collect_ids(step->self, seg->ip_id, &x);
    origin_collect_ids(step->peer, seg->ip_id, &y);
    evidence = origin_own_id_evidence(look, &x);
    if (seg->ip_id == 0) {
        return evidence;
    }
    far = x.count == 0 || x.nearest > ID_MARGIN;
    row = far && (ttl_bits || x.count > 0) && (!(ttl_bits & TL_EVIDENCE_TTL_SAME) || x.count >= 2)
              ? tl_hosts_rsts_before(hosts, &rst, false)
              : 0;
    if (row >= (ttl_bits & TTL_DIFFERS ? 1U : 2U)) {
        evidence |= TL_EVIDENCE_ID_SHARED;
    }
    echoed = far && x.another != 0 && y.another != 0 ? origin_find_echoed(step) : NULL;
    if (echoed) {
        step->refs->echo_in = echoed->frame;
        return evidence | TL_EVIDENCE_ECHO_ID;
    }
    if (far && x.another != 0 && y.steps >= 2 && y.small == y.steps && (uint16_t)(y.last - seg->ip_id) <= ID_PEER_STEPS) {
        evidence |= TL_EVIDENCE_ID_FOREIGN;
    }
    /* A stack of its own: another counter, another first TTL, and no timestamps. */
    if (far && x.count > 0 && look->active && (ttl_bits & TTL_DIFFERS) &&
        origin_timestamp_evidence(look) == TL_EVIDENCE_NO_TS && tl_hosts_rsts_before(hosts, &rst, true) > 0) {
        evidence |= TL_EVIDENCE_ID_FOREIGN;
    }
    return evidence;
}

/* ---- the rest of the header --------------------------------------------------------------------------------------------- */

static bool origin_is_acked_by_peer(const struct tl_step *step, uint32_t seq)
{
    const struct tl_recent_entry *e;

    for (unsigned i = 0; (e = tl_recent_at(&step->peer->recent, i)) != NULL; i++) {
        if ((e->flags & TL_ACK) && e->ack == seq) {
            return true;
        }
    }
    return false;
}

/* S5: a second RST that reckons with segments which never came (Weaver et al. 2009). */
static uint32_t origin_number_evidence(const struct tl_step *step)
{
    const struct tl_endpoint *x = step->self, *y = step->peer;
    const struct tl_segment *seg = step->seg;
    uint32_t evidence = 0;

    if (tl_rsts(x)->count == 0 || tl_since(step, tl_rsts(x)->last_ns) > PAIR_NS || !x->has_max) {
        return 0;
    }
    if (tl_seq_after(seg->seq, tl_rsts(x)->seq + SEQ_MARGIN) && tl_seq_after(seg->seq, x->max + SEQ_MARGIN) &&
        !origin_is_acked_by_peer(step, seg->seq)) {
        evidence |= TL_EVIDENCE_SEQ_AHEAD;
    }
    if (tl_has(step, TL_ACK) && tl_rsts(x)->had_ack && seg->ack != tl_rsts(x)->ack && y->has_max &&
        tl_seq_after(seg->ack, y->max)) {
        evidence |= TL_EVIDENCE_ACK_AHEAD;
    }
    return evidence;
}

/* S6: window or payload of T. Stacks that put text into a RST do not make it as long as what they answer. */
static uint32_t origin_echo_evidence(const struct look *look)
{
    enum { PAYLOAD_LEAST = 8 }; /* octets: shorter ones are equal by chance */
    const struct tl_step *step = look->step;
    const struct tl_recent_entry *last = origin_newest_plain(step->peer, 0), *e;
    uint32_t evidence = 0;
    bool used = false;

    if (!last || tl_since(step, last->time_ns) > ECHO_NS) {
        return 0;
    }
    if (step->seg->len >= PAYLOAD_LEAST && step->seg->len == last->len) {
        evidence |= TL_EVIDENCE_ECHO_DATA;
    }
    for (unsigned i = 0; (e = tl_recent_at(&step->self->recent, i)) != NULL; i++) {
        used |= origin_is_plain(e) && e->window == step->seg->window;
    }
    if (step->seg->window != 0 && step->seg->window == last->window && !used && origin_newest_plain(step->self, 0)) {
        evidence |= TL_EVIDENCE_ECHO_WINDOW;
    }
    return evidence;
}

static uint32_t origin_both_evidence(const struct look *look)
{
    const struct tl_rsts *other = tl_rsts(look->step->peer);
    int64_t limit = tl_max_ns(BOTH_NS, look->half.ns / 4);
    bool near = other->count > 0 && tl_since(look->step, other->last_ns) <= limit;

    return near && origin_newest_plain(look->step->self, 0) && origin_newest_plain(look->step->peer, 0) ? TL_EVIDENCE_BOTH : 0;
}

/* ---- one RST ------------------------------------------------------------------------------------------------------------ */

static void origin_measure_silence(struct look *look)
{
    struct tl_step *step = look->step;
    const struct tl_recent_entry *from = look->answers;
    int64_t silence;

    for (unsigned i = 0; !from && step->refs->trigger_in != 0 && tl_recent_at(&step->peer->recent, i); i++) {
        const struct tl_recent_entry *e = tl_recent_at(&step->peer->recent, i);

        from = e->frame == step->refs->trigger_in ? e : NULL;
    }
    silence = from ? origin_silence_before(step, from->frame, from->time_ns)
                   : origin_silence_before(step, step->seg->frame, step->seg->time_ns);
    if (silence >= IDLE_NS) {
        step->shape->flags |= TL_SHAPE_RST_AFTER_IDLE;
        step->refs->silence_ns = silence;
    }
}

static void origin_note_numbers(const struct look *look, const struct tl_ttls *usual)
{
    struct tl_refs *refs = look->step->refs;

    refs->gap_ns = refs->half_rtt_ns = -1;
    if (look->answers) {
        refs->gap_ns = look->gap_ns;
        refs->gap_in = look->answers->frame;
    }
    if (look->half.of_syn) {
        refs->half_rtt_ns = look->half.ns;
        refs->half_rtt_count = look->half.count;
    }
    if (usual->used > 0) {
        refs->usual_ttl = tl_origin_nearest(usual, look->step->seg->ttl);
    }
}

/* The TTL differs, and that need not be a device's: the program may have set the one of its socket (IP_TTL; RFC 5082), and when the socket
 * is gone its system must answer, by its own. Or the hops say that nobody on the path sent it: they are more than X's. */
static uint32_t origin_system_evidence(const struct look *look, uint32_t found, const struct tl_ttls *usual)
{
    const struct tl_endpoint *x = look->step->self;
    bool met_fin = x->has_fin && look->answers && look->answers->len > 0;
    bool farther = tl_origin_is_farther(usual, look->step->seg->ttl) && (look->reply || (found & TL_EVIDENCE_IN_TIME));

    if (!(found & (TTL_DIFFERS | TL_EVIDENCE_TTL_SET))) {
        return 0;
    }
    if (look->reply && (tl_rsts(x)->own || met_fin)) {
        return TL_EVIDENCE_TTL_SET | (found & TTL_DIFFERS ? 0 : TL_EVIDENCE_TTL_WEAK);
    }
    return (found & TTL_DIFFERS) && farther ? TL_EVIDENCE_TTL_FARTHER : 0;
}

bool tl_origin_classify(struct tl_step *step)
{
    struct tl_shape *shape = step->shape;
    struct look look = {.step = step,
                        .active = shape->rst_form == TL_RST_FORM_ACTIVE,
                        .reply = shape->rst_form == TL_RST_FORM_REPLY_ACK || shape->rst_form == TL_RST_FORM_REPLY_NOACK};
    struct tl_ttls usual;
    uint32_t ttl_bits;

    shape->origin = TL_ORIGIN_UNKNOWN;
    if ((step->seg->flags & (TL_SYN | TL_FIN)) || (shape->flags & TL_SHAPE_TIME_BACKWARDS)) {
        return false;
    }
    tl_origin_half_rtt(step->conn, step->from, &look.half);
    origin_find_answer(&look);
    origin_measure_silence(&look);
    ttl_bits = tl_origin_ttl(step->conn, step->from, step->seg->ttl, &usual);
    origin_note_numbers(&look, &usual);
    shape->evidence = ttl_bits | origin_time_evidence(&look) | origin_id_evidence(&look, ttl_bits) |
                      origin_timestamp_evidence(&look) | origin_number_evidence(step) | origin_echo_evidence(&look) |
                      origin_both_evidence(&look);
    shape->evidence |= origin_system_evidence(&look, shape->evidence, &usual);
    shape->origin = (uint8_t)tl_origin_judge(shape->evidence, &shape->origin_confidence);
    return true;
}
