/* tl_course.c - follows timers, windows, silences and losses of a connection for its row.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "views/tl_course.h"

#include "conn/tl_conn.h"

/* A shorter silence says nothing of what a device forgets. */
static const int64_t BROKEN_SILENCE_NS = 5 * TL_SECOND;
/* A retransmission of unknown cause counts as a timer's from here on: the least timeout of Linux. */
static const int64_t TIMER_NS = TL_SECOND / 5;
/* SACK blocks so far beyond what was captured are not bytes that the capture lost; so far below it, not old reports. */
enum { SACK_AHEAD = 1 << 20, SACK_BEHIND = 1 << 24 };
/* A segment sent so often, and not acknowledged at that size. */
enum { STUCK_TIMES = 3 };

struct tl_course_end {
    int64_t timer_ns, timer_max_ns;
    int64_t zero_ns, zero_since_ns; /* closed so long in all, and since; if zero */
    int64_t data_ns;                /* its last new payload */
    uint64_t turn_bytes;            /* new payload since the other end's last */
    uint32_t timer_max_in;
    uint32_t lost_before, lost_after, acked_resends, sack_bad;
    uint32_t sent_end, sent_len; /* its last new payload */
    uint32_t again_seq, again_len;
    uint32_t stuck_size, stuck_count;
    uint32_t passed; /* largest payload that was acknowledged */
    uint16_t again_count;
    bool zero, has_again, has_sent;
};

struct tl_course_quiet {
    int64_t survived_ns, pending_ns, keepalive_ns; /* 0 = none */
    int64_t fin_ns, fin_silence_ns;
    int64_t after_fin_ns; /* -1 = none */
    uint64_t after_fin_bytes;
    uint8_t pending_by, fin_by; /* end that broke the silence; of the first FIN */
    bool has_fin;
};

struct tl_course_rst {
    int64_t delay_ns, silence_ns;
    uint64_t unacked;
    uint32_t in, trigger_in;
    uint8_t ttl;
};

static void *course_make(void *part, const struct tl_allocator *allocator, size_t bytes)
{
    return part ? part : allocator->alloc(allocator->context, bytes);
}

static bool course_is_needless(const struct tl_shape *shape)
{
    return shape->spurious != TL_SPURIOUS_NONE && shape->spurious != TL_SPURIOUS_NO && shape->spurious != TL_SPURIOUS_UNKNOWN;
}

static bool course_is_probe(const struct tl_shape *shape)
{
    return shape->keepalive == TL_PROBE_KIND_PROBE || shape->window_probe == TL_PROBE_KIND_PROBE;
}

static bool course_is_new_payload(const struct tl_segment *seg, const struct tl_shape *shape)
{
    return seg->len > 0 && (shape->flags & TL_SHAPE_NEW_DATA) && !course_is_probe(shape) && !(seg->flags & TL_RST) &&
           shape->retransmission == TL_RETRANSMISSION_NONE;
}

/* ---- one end -------------------------------------------------------------------------------------------------------------- */

static bool course_is_by_timer(const struct tl_shape *shape, int64_t wait_ns)
{
    switch (shape->retransmission) {
    case TL_RETRANSMISSION_RTO:
    case TL_RETRANSMISSION_TLP:
    case TL_RETRANSMISSION_SYN:
    case TL_RETRANSMISSION_SYNACK:
        return true;
    case TL_RETRANSMISSION_UNKNOWN:
        return wait_ns >= TIMER_NS;
    default:
        return false;
    }
}

/* The same segment once more: whether its size is what does not get through. */
static void course_add_again(struct tl_course_end *end, const struct tl_segment *seg)
{
    if (!end->has_again || seg->seq != end->again_seq) {
        end->again_seq = seg->seq;
        end->again_len = seg->len;
        end->again_count = 2; /* the first transmission, too */
        end->has_again = true;
    } else if (seg->len == end->again_len) {
        end->again_count += end->again_count < UINT16_MAX;
    } else if (seg->len < end->again_len) {
        end->has_again = false; /* cut: what comes of the pieces is another matter */
    }
    if (end->has_again && end->again_count >= STUCK_TIMES && end->again_len >= end->stuck_size) {
        end->stuck_size = end->again_len;
        end->stuck_count = end->again_count;
    }
}

static void course_add_retransmission(struct tl_course_end *end, const struct tl_segment *seg, const struct tl_result *result)
{
    const struct tl_shape *shape = &result->shape;
    int64_t wait_ns = result->refs.since_previous_ns;

    if (course_is_by_timer(shape, wait_ns) && wait_ns > 0) {
        end->timer_ns += wait_ns;
        if (wait_ns > end->timer_max_ns) {
            end->timer_max_ns = wait_ns;
            end->timer_max_in = seg->frame;
        }
    }
    end->acked_resends += shape->spurious == TL_SPURIOUS_UNHEARD;
    if (!course_is_needless(shape)) {
        end->lost_before += shape->lost_at == TL_LOST_AT_BEFORE_CAPTURE;
        end->lost_after += shape->lost_at == TL_LOST_AT_AFTER_CAPTURE;
    }
    if (seg->len > 0 && !course_is_probe(shape)) {
        course_add_again(end, seg);
    }
}

static void course_add_window(struct tl_course_end *end, const struct tl_segment *seg)
{
    if (seg->window == 0 && !end->zero) {
        end->zero = true;
        end->zero_since_ns = seg->time_ns;
    } else if (seg->window > 0 && end->zero) {
        end->zero = false;
        end->zero_ns += seg->time_ns > end->zero_since_ns ? seg->time_ns - end->zero_since_ns : 0;
    }
}

static unsigned course_bad_blocks(const struct tl_course *course, unsigned peer, const struct tl_segment *seg)
{
    unsigned bad = 0;

    for (unsigned i = 0; course->has_max[peer] && i < seg->sack_count && i < TL_SACK_BLOCKS_MAX; i++) {
        int32_t ahead = tl_seq_diff(seg->sack[i][1], course->max[peer]);

        bad += ahead > SACK_AHEAD || ahead < -SACK_BEHIND;
    }
    return bad;
}

/* The ACK of a segment of `end` came: its size gets through. */
static void course_pass(struct tl_course_end *end, uint32_t ack)
{
    if (!end) {
        return;
    }
    if (end->has_again && tl_seq_after(ack, end->again_seq)) {
        end->stuck_size = end->stuck_size == end->again_len ? 0 : end->stuck_size;
        end->has_again = false;
    }
    if (end->has_sent && !tl_seq_before(ack, end->sent_end) && end->sent_len > end->passed) {
        end->passed = end->sent_len;
    }
}

/* Whether the segment has something that an end keeps. */
static bool course_is_kept(const struct tl_course *course, unsigned from, const struct tl_segment *seg,
                           const struct tl_shape *shape)
{
    return seg->len > 0 || shape->retransmission != TL_RETRANSMISSION_NONE || (seg->window == 0 && !(seg->flags & TL_RST)) ||
           course_bad_blocks(course, 1 - from, seg) > 0;
}

static bool course_add_end(struct tl_course *course, const struct tl_allocator *allocator, const struct tl_segment *seg,
                           const struct tl_result *result)
{
    const struct tl_shape *shape = &result->shape;
    unsigned from = shape->from & 1;
    struct tl_course_end *peer = course->end[1 - from], *end;

    if (!course->end[from] && !course_is_kept(course, from, seg, shape)) {
        return true;
    }
    end = course->end[from] = course_make(course->end[from], allocator, sizeof *end);
    if (!end) {
        return false;
    }
    if (shape->retransmission != TL_RETRANSMISSION_NONE) {
        course_add_retransmission(end, seg, result);
    }
    if (!(seg->flags & TL_RST)) {
        course_add_window(end, seg);
    }
    end->sack_bad += course_bad_blocks(course, 1 - from, seg);
    if (course_is_new_payload(seg, shape)) {
        end->turn_bytes = peer && peer->data_ns != 0 && peer->data_ns > end->data_ns ? seg->len : end->turn_bytes + seg->len;
        end->data_ns = seg->time_ns;
        end->sent_end = seg->seq + seg->len;
        end->sent_len = seg->len;
        end->has_sent = true;
    }
    return true;
}

/* ---- silences and FINs ---------------------------------------------------------------------------------------------------- */

/* The silence that this segment breaks; what a timer sends breaks none. */
static int64_t course_silence_before(const struct tl_course *course, const struct tl_segment *seg,
                                     const struct tl_result *result)
{
    const struct tl_shape *shape = &result->shape;
    bool timer = shape->retransmission != TL_RETRANSMISSION_NONE || (course_is_probe(shape) && result->refs.probe_number > 1);

    return course->any && !timer && seg->time_ns > course->last_ns ? seg->time_ns - course->last_ns : 0;
}

static void course_add_fin(struct tl_course_quiet *quiet, const struct tl_segment *seg, unsigned from, int64_t silence_ns)
{
    if (!quiet->has_fin) {
        quiet->has_fin = true;
        quiet->fin_by = (uint8_t)from;
        quiet->fin_ns = seg->time_ns;
        quiet->fin_silence_ns = silence_ns;
        quiet->after_fin_ns = -1;
    }
}

static void course_add_after_fin(struct tl_course_quiet *quiet, const struct tl_segment *seg)
{
    if (quiet->after_fin_ns < 0) {
        quiet->after_fin_ns = seg->time_ns > quiet->fin_ns ? seg->time_ns - quiet->fin_ns : 0;
    }
    quiet->after_fin_bytes += seg->len;
}

static bool course_add_quiet(struct tl_course *course, const struct tl_allocator *allocator, const struct tl_segment *seg,
                             const struct tl_result *result)
{
    const struct tl_shape *shape = &result->shape;
    unsigned from = shape->from & 1;
    int64_t silence_ns = course_silence_before(course, seg, result);
    bool asks = shape->keepalive == TL_PROBE_KIND_PROBE && result->refs.probe_number <= 1;
    bool is_fin = (seg->flags & TL_FIN) && !(seg->flags & TL_RST);
    struct tl_course_quiet *quiet;

    if (!course->quiet && silence_ns < BROKEN_SILENCE_NS && !asks && !is_fin) {
        return true;
    }
    quiet = course->quiet = course_make(course->quiet, allocator, sizeof *quiet);
    if (!quiet) {
        return false;
    }
    if (silence_ns >= BROKEN_SILENCE_NS) {
        quiet->pending_ns = silence_ns;
        quiet->pending_by = (uint8_t)from;
    } else if (quiet->pending_ns > 0 && from != quiet->pending_by && !(seg->flags & TL_RST)) {
        quiet->survived_ns = quiet->pending_ns > quiet->survived_ns ? quiet->pending_ns : quiet->survived_ns;
        quiet->pending_ns = 0;
    }
    if (asks && result->refs.probe_idle_ns > quiet->keepalive_ns) {
        quiet->keepalive_ns = result->refs.probe_idle_ns;
    }
    if (quiet->has_fin && from != quiet->fin_by && course_is_new_payload(seg, shape)) {
        course_add_after_fin(quiet, seg);
    }
    if (is_fin) {
        course_add_fin(quiet, seg, from, silence_ns);
    }
    return true;
}

/* ---- the reset ------------------------------------------------------------------------------------------------------------ */

/* Keeps the reset that the row speaks of: so far it is this one, or there was none. */
static bool course_add_rst(struct tl_course *course, const struct tl_allocator *allocator, const struct tl_segment *seg,
                           const struct tl_result *result)
{
    unsigned peer = 1 - (result->shape.from & 1);
    const struct tl_refs *refs = &result->refs;
    uint32_t named = tl_conn_rst_in(result->conn);
    struct tl_course_rst *rst;

    if (course->rst && named != seg->frame) {
        return true;
    }
    rst = course->rst = course_make(course->rst, allocator, sizeof *rst);
    if (!rst) {
        return false;
    }
    rst->in = seg->frame;
    rst->ttl = seg->ttl;
    rst->trigger_in = refs->trigger_in != 0 ? refs->trigger_in : refs->gap_in;
    rst->delay_ns = refs->gap_in != 0 && refs->gap_in == rst->trigger_in ? refs->gap_ns : -1;
    rst->silence_ns = course->any && seg->time_ns > course->last_ns ? seg->time_ns - course->last_ns : 0;
    if ((result->shape.flags & TL_SHAPE_RST_AFTER_IDLE) && refs->silence_ns > rst->silence_ns) {
        rst->silence_ns = refs->silence_ns;
    }
    rst->unacked = 0;
    if (course->has_max[peer] && course->has_una[peer] && tl_seq_after(course->max[peer], course->una[peer])) {
        rst->unacked = course->max[peer] - course->una[peer];
    }
    return true;
}

/* ---- one segment ---------------------------------------------------------------------------------------------------------- */

static void course_raise(uint32_t *number, bool *known, uint32_t to)
{
    if (!*known || tl_seq_after(to, *number)) {
        *number = to;
        *known = true;
    }
}

/* The TTL that most segments have: Boyer and Moore's vote. */
static void course_vote(struct tl_course *course, unsigned from, uint8_t ttl)
{
    if (course->votes[from] == 0) {
        course->ttl[from] = ttl;
    }
    if (course->ttl[from] != ttl) {
        course->votes[from]--;
    } else if (course->votes[from] < UINT8_MAX) {
        course->votes[from]++;
    }
}

static void course_add_numbers(struct tl_course *course, const struct tl_segment *seg, const struct tl_shape *shape)
{
    unsigned from = shape->from & 1;
    uint32_t octets = seg->len + !!(seg->flags & TL_SYN) + !!(seg->flags & TL_FIN);
    bool synack = (seg->flags & (TL_SYN | TL_ACK)) == (TL_SYN | TL_ACK);

    course->synack_after_ack += synack && course->acked;
    course->acked =
        course->acked || shape->handshake_step == TL_HANDSHAKE_STEP_ACK || shape->handshake_step == TL_HANDSHAKE_STEP_ACK_DATA;
    course_vote(course, from, seg->ttl);
    if (octets > 0 && shape->keepalive != TL_PROBE_KIND_PROBE) {
        course_raise(&course->max[from], &course->has_max[from], seg->seq + octets);
    }
    if ((seg->flags & TL_ACK) && shape->handshake_step != TL_HANDSHAKE_STEP_SYNACK_BAD) {
        course_raise(&course->una[1 - from], &course->has_una[1 - from], seg->ack);
        course_pass(course->end[1 - from], course->una[1 - from]);
    }
}

bool tl_course_add(struct tl_course *course, const struct tl_allocator *allocator, const struct tl_segment *segment,
                   const struct tl_result *result)
{
    bool kept = true;

    if (!(result->shape.flags & (TL_SHAPE_COPY | TL_SHAPE_STRAY))) {
        kept = course_add_quiet(course, allocator, segment, result) && kept;
        kept = course_add_end(course, allocator, segment, result) && kept;
        if (segment->flags & TL_RST) {
            kept = course_add_rst(course, allocator, segment, result) && kept;
        } else {
            course_add_numbers(course, segment, &result->shape);
        }
    }
    if (!course->any || segment->time_ns > course->last_ns) {
        course->last_ns = segment->time_ns;
    }
    course->any = true;
    return kept;
}

void tl_course_prove(struct tl_course *course, unsigned from, unsigned lost_at)
{
    struct tl_course_end *end = course->end[from & 1];

    if (end && lost_at == TL_LOST_AT_BEFORE_CAPTURE) {
        end->lost_before -= end->lost_before > 0;
    } else if (end && lost_at == TL_LOST_AT_AFTER_CAPTURE) {
        end->lost_after -= end->lost_after > 0;
    }
}

/* ---- the row -------------------------------------------------------------------------------------------------------------- */

static int64_t course_or_none(int64_t ns)
{
    return ns > 0 ? ns : -1;
}

static void course_write_end(const struct tl_course *course, unsigned i, const struct tl_conn *conn,
                             struct tl_course_end_now *now)
{
    const struct tl_course_end *end = course->end[i];
    struct tl_end_facts facts;

    tl_conn_end(conn, i, &facts);
    *now = (struct tl_course_end_now){
        .timer_max_ns = -1,
        .reply_min_ns = facts.half_rtt_ns,
        .window_max = facts.window_max,
        .mss = facts.mss,
        .wscale = facts.options & TL_OPT_WINDOW_SCALE ? facts.scale : UINT32_MAX,
        .options = facts.options,
        .ttl = course->votes[i] > 0 ? course->ttl[i] : 0,
    };
    if (!end) {
        return;
    }
    now->timer_ns = end->timer_ns;
    now->timer_max_ns = course_or_none(end->timer_max_ns);
    now->timer_max_in = end->timer_max_in;
    now->lost_before = end->lost_before;
    now->lost_after = end->lost_after;
    now->acked_resends = end->acked_resends;
    now->sack_bad = end->sack_bad;
    now->zero_window_ns = end->zero_ns;
    if (end->zero && course->last_ns > end->zero_since_ns) {
        now->zero_window_ns += course->last_ns - end->zero_since_ns;
    }
}

static void course_write_quiet(const struct tl_course_quiet *quiet, struct tl_course_now *now)
{
    now->idle_survived_ns = now->idle_failed_ns = now->keepalive_idle_ns = now->fin_silence_ns = now->after_fin_ns = -1;
    if (!quiet) {
        return;
    }
    now->idle_survived_ns = course_or_none(quiet->survived_ns);
    now->idle_failed_ns = course_or_none(quiet->pending_ns);
    now->keepalive_idle_ns = course_or_none(quiet->keepalive_ns);
    if (quiet->has_fin) {
        now->fin_silence_ns = quiet->fin_silence_ns;
        now->after_fin_ns = quiet->after_fin_ns;
        now->after_fin_bytes = quiet->after_fin_bytes;
    }
}

/* The client's last bytes were acknowledged, and the server has sent none after them. */
static void course_write_owed(const struct tl_course *course, unsigned client, struct tl_course_now *now)
{
    const struct tl_course_end *asked = course->end[client], *answers = course->end[1 - client];

    now->owed_for_ns = -1;
    if (!asked || !asked->has_sent || (answers && answers->has_sent && answers->data_ns >= asked->data_ns) ||
        !course->has_una[client] || tl_seq_before(course->una[client], asked->sent_end)) {
        return;
    }
    now->owed_by = TL_SIDE_SERVER;
    now->owed_for_ns = course->last_ns > asked->data_ns ? course->last_ns - asked->data_ns : 0;
    now->owed_bytes = asked->turn_bytes;
}

static void course_write_stuck(const struct tl_course *course, struct tl_course_now *now)
{
    for (unsigned i = 0; i < 2; i++) {
        const struct tl_course_end *end = course->end[i];

        if (end && end->stuck_size > now->stuck_size) {
            now->stuck_size = end->stuck_size;
            now->stuck_count = end->stuck_count;
            now->passed_size = end->passed;
        }
    }
}

static void course_write_still_closed(const struct tl_course *course, unsigned client, struct tl_course_now *now)
{
    bool closed[2] = {course->end[client] && course->end[client]->zero,
                      course->end[1 - client] && course->end[1 - client]->zero};

    if (closed[0] || closed[1]) {
        now->still_closed = closed[0] && closed[1] ? TL_SIDE_BOTH : closed[0] ? TL_SIDE_CLIENT : TL_SIDE_SERVER;
    }
}

void tl_course_now(const struct tl_course *course, const struct tl_conn *conn, const struct tl_facts *facts,
                   struct tl_course_now *now)
{
    unsigned client = facts->client & 1;
    const struct tl_course_rst *rst = course->rst;

    *now = (struct tl_course_now){.synack_after_ack = course->synack_after_ack, .rst_delay_ns = -1, .rst_silence_ns = -1};
    course_write_end(course, client, conn, &now->end[0]);
    course_write_end(course, 1 - client, conn, &now->end[1]);
    course_write_quiet(course->quiet, now);
    course_write_owed(course, client, now);
    course_write_stuck(course, now);
    course_write_still_closed(course, client, now);
    if (rst) {
        now->rst_ttl = rst->ttl;
        now->rst_trigger_in = rst->trigger_in;
        now->rst_delay_ns = rst->delay_ns;
        now->rst_silence_ns = rst->silence_ns;
        now->rst_unacked = rst->unacked;
    }
    now->icmp_in = facts->icmp_in != 0 ? facts->icmp_in : facts->path_mtu_icmp_in;
    now->icmp_mtu = facts->path_mtu_bytes;
    now->icmp_type = facts->icmp_in != 0 && facts->icmp_type != UINT8_MAX ? facts->icmp_type : UINT32_MAX;
    now->icmp_code = now->icmp_type != UINT32_MAX ? facts->icmp_code : UINT32_MAX;
    now->reuse_elapsed_ns = tl_conn_reuse_elapsed(conn);
}

void tl_course_clear(struct tl_course *course, const struct tl_allocator *allocator)
{
    for (unsigned i = 0; i < 2; i++) {
        allocator->free(allocator->context, course->end[i], sizeof *course->end[i]);
    }
    allocator->free(allocator->context, course->quiet, sizeof *course->quiet);
    allocator->free(allocator->context, course->rst, sizeof *course->rst);
    *course = (struct tl_course){0};
}
