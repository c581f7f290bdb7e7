/* tl_path_mtu.c - segments that are too large for the path: ICMP errors that say so, and paths that swallow them in silence.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * RFC 1191 and 8201 (ICMP errors), RFC 2923 2.1 (black holes), RFC 5927 (which errors count), RFC 9293 3.7.1 (sizes that every path
 * carries).
 */
#include "rules/tl_path_mtu.h"

#include "rules/tl_rexmit.h"

/* Octets of the headers of IP and TCP without options (RFC 791 3.1, RFC 8200 3, RFC 9293 3.1), and of timestamps (RFC 7323 3.2 with
 * the padding that all use). */
enum { HEADERS_IPV4 = 40, HEADERS_IPV6 = 60, TIMESTAMPS_BYTES = 12 };
/* No MTU is smaller: RFC 1191 3, RFC 8200 5. */
enum { LEAST_MTU_IPV4 = 68, LEAST_MTU_IPV6 = 1280 };
/* Every path carries payloads of up to this size: RFC 9293 3.7.1. */
enum { ANY_PATH_IPV4 = 536, ANY_PATH_IPV6 = 1220 };
/* Timeouts of one segment that shows a black hole: with the first transmission it was lost three times. */
enum { TIMEOUTS_SURE = 2 };

static struct tl_mtu_seen *path_mtu_make(const struct tl_conn *conn, struct tl_endpoint *end)
{
    const struct tl_allocator *allocator = &conn->pair->tracker->allocator;

    if (!end->mtu_seen) {
        end->mtu_seen = allocator->alloc(allocator->context, sizeof *end->mtu_seen);
    }
    return end->mtu_seen;
}

void tl_path_mtu_free(const struct tl_allocator *allocator, struct tl_endpoint *end)
{
    allocator->free(allocator->context, end->mtu_seen, sizeof *end->mtu_seen);
    end->mtu_seen = NULL;
}

/* ---- ICMP errors -------------------------------------------------------------------------------------------------------- */

/* Payload that an MTU leaves, at most. */
static uint32_t path_mtu_payload_of(uint32_t mtu, bool ipv6, bool timestamps)
{
    uint32_t headers = (ipv6 ? HEADERS_IPV6 : HEADERS_IPV4) + (timestamps ? TIMESTAMPS_BYTES : 0);

    return mtu > headers ? mtu - headers : 0;
}

/* Whether an MTU is one that a router can have (0 = an old one that names none) and too small for what it quotes. */
static bool path_mtu_is_sane(const struct tl_too_big *error, const struct tl_scoreboard_entry *quoted)
{
    return error->mtu == 0 || (error->mtu >= (error->ipv6 ? LEAST_MTU_IPV6 : LEAST_MTU_IPV4) &&
                               quoted->end - quoted->seq > path_mtu_payload_of(error->mtu, error->ipv6, quoted->tsval != 0));
}

/* One more error about what was sent before the first one: its sender has heard the first. */
static bool path_mtu_repeats(const struct tl_mtu_seen *seen, const struct tl_too_big *error,
                             const struct tl_scoreboard_entry *quoted)
{
    return seen->icmp_in != 0 && seen->mtu == error->mtu && quoted->time_ns <= seen->icmp_ns;
}

bool tl_path_mtu_take(struct tl_conn *conn, const struct tl_too_big *error)
{
    struct tl_endpoint *end = &conn->endpoint[error->from & 1];
    const struct tl_scoreboard_entry *quoted = tl_scoreboard_find(tl_scoreboard_of(end), error->seq);
    struct tl_mtu_seen *seen;

    if (!quoted || !path_mtu_is_sane(error, quoted)) {
        return false;
    }
    seen = path_mtu_make(conn, end);
    if (!seen || path_mtu_repeats(seen, error, quoted)) {
        return true;
    }
    seen->first_in = seen->first_in != 0 ? seen->first_in : error->frame;
    seen->least = seen->least == 0 || (error->mtu != 0 && error->mtu < seen->least) ? error->mtu : seen->least;
    seen->icmp_in = error->frame;
    seen->mtu = error->mtu;
    seen->icmp_ns = seen->drawn_ns = error->time_ns;
    seen->sent_end = end->max;
    seen->drew = false;
    return true;
}

bool tl_path_mtu_draws(const struct tl_step *step, const struct tl_scoreboard_entry *previous, int64_t most_ns)
{
    const struct tl_mtu_seen *seen = step->self->mtu_seen;
    const struct tl_segment *seg = step->seg;
    uint32_t was = previous->end - previous->seq, fits;

    if (!seen || seen->icmp_in == 0 || previous->tx_count == 0 || previous->time_ns > seen->icmp_ns ||
        !tl_seq_before(seg->seq, seen->sent_end) || tl_since(step, seen->drawn_ns) > most_ns) {
        return false;
    }
    fits = seen->mtu != 0 ? path_mtu_payload_of(seen->mtu, seg->ipv6, seg->options & TL_OPT_TIMESTAMPS) : was - 1;
    if (seg->len > fits && !(step->self->capture & TL_CAPTURE_OFFLOAD)) {
        return false;
    }
    /* The rest of a segment that was cut, or whatever follows where everything is sent again from there on, as 4.4BSD does. */
    return was > fits || (seen->drew && seg->seq == seen->drawn_end);
}

static void path_mtu_note_drawn(struct tl_step *step)
{
    struct tl_mtu_seen *seen = step->self->mtu_seen;

    seen->drew = true;
    seen->drawn_ns = step->seg->time_ns;
    seen->drawn_end = step->end;
    step->refs->trigger_in = seen->icmp_in;
    step->refs->trigger_bytes = seen->mtu;
}

/* ---- black holes -------------------------------------------------------------------------------------------------------- */

/* Octets that a range and an entry have in common. */
static uint32_t path_mtu_common(const struct tl_scoreboard_entry *entry, const uint32_t *range)
{
    uint32_t left = tl_seq_after(range[0], entry->seq) ? range[0] : entry->seq;
    uint32_t right = tl_seq_before(range[1], entry->end) ? range[1] : entry->end;

    return tl_seq_before(left, right) ? right - left : 0;
}

enum { SACKED_LOOKED_MAX = 256 }; /* segments: 365 KiB of the usual ones, and large ones are among them from the first */

/* The largest segment among those above the lost one that the receiver has reported, the first SACKED_LOOKED_MAX of them; 0 = it has reported
 * none. Captured before offload cuts it, a part of one counts as one. */
static uint32_t path_mtu_largest_reported(const struct tl_step *step)
{
    const struct tl_feedback *feedback = &step->self->repair->feedback;
    const struct tl_scoreboard_entry *entry;
    uint32_t largest = 0;
    unsigned i, r, looked = 0;

    for (r = 0; r < feedback->range_count; r++) {
        const uint32_t *range = feedback->ranges[r];

        for (i = tl_scoreboard_index(tl_scoreboard_of(step->self), range[0]);
             (entry = tl_scoreboard_at(tl_scoreboard_of(step->self), i)) != NULL && tl_seq_before(entry->seq, range[1]) &&
             looked < SACKED_LOOKED_MAX;
             i++, looked++) {
            uint32_t size = path_mtu_common(entry, range);

            largest = size > largest ? size : largest;
        }
    }
    return largest;
}

/* The largest segment among the last ones acknowledged, the SYN left out; 0 = none. */
static uint32_t path_mtu_largest_acknowledged(const struct tl_endpoint *end)
{
    const struct tl_scoreboard_entry *entry;
    uint32_t largest = 0;
    unsigned i;

    for (i = 0; (entry = tl_scoreboard_acked_at(tl_scoreboard_of(end), i)) != NULL; i++) {
        uint32_t size = entry->end - entry->seq;

        if (entry->tx_count > 0 && !(end->has_isn && entry->seq == end->isn) && size > largest) {
            largest = size;
        }
    }
    return largest;
}

/* The timer has repeated a large segment often enough: do smaller ones get through, and none of its size? */
static void path_mtu_judge(const struct tl_step *step, struct tl_mtu_seen *seen)
{
    uint32_t reported = path_mtu_largest_reported(step), before = path_mtu_largest_acknowledged(step->self);

    if (reported >= seen->size || before >= seen->size || reported + before == 0) {
        return;
    }
    if (seen->lost == 0) {
        seen->lost = seen->size;
        seen->sure_ns = step->seg->time_ns;
    }
    if (reported > 0) {
        seen->confidence = TL_CONFIDENCE_LIKELY;
    } else if (seen->confidence == TL_CONFIDENCE_NONE) {
        seen->confidence = TL_CONFIDENCE_GUESS; /* if the receiver is alive: tl_path_mtu_now() */
    }
}

/* Whether a segment could be too large for some path, is one (not cut later), the first that the receiver lacks, and fits its
 * window. */
static bool path_mtu_is_large_head(const struct tl_step *step)
{
    const struct tl_segment *seg = step->seg;

    return seg->len > (seg->ipv6 ? ANY_PATH_IPV6 : ANY_PATH_IPV4) && step->self->has_una && seg->seq == step->self->una &&
           step->peer->segments > 0 && seg->len <= step->peer->window && (step->peer->mss == 0 || seg->len <= step->peer->mss);
}

static void path_mtu_note_timeout(struct tl_step *step)
{
    const struct tl_segment *seg = step->seg;
    struct tl_mtu_seen *seen;

    if (!path_mtu_is_large_head(step)) {
        return;
    }
    seen = path_mtu_make(step->conn, step->self);
    if (!seen) {
        return;
    }
    if (seen->size == 0 || seen->seq != seg->seq || seg->len > seen->size) {
        seen->seq = seg->seq;
        seen->size = seg->len;
        seen->timeouts = 0;
        seen->cut = false;
    }
    if (!seen->cut && seg->len == seen->size) {
        seen->timeouts += seen->timeouts < UINT8_MAX;
        if (seen->timeouts >= TIMEOUTS_SURE) {
            path_mtu_judge(step, seen);
        }
    }
}

static void path_mtu_note_again(struct tl_step *step)
{
    struct tl_mtu_seen *seen = step->self->mtu_seen;
    bool same = seen && seen->size > 0 && seen->seq == step->seg->seq;

    if (same && step->seg->len < seen->size) {
        seen->cut = seen->size <= step->peer->window; /* not because only so much is allowed */
    } else if (step->shape->retransmission == TL_RETRANSMISSION_RTO) {
        path_mtu_note_timeout(step);
    }
}

/* The receiver has moved on from the segment that the timer repeated: by the smaller segment alone, or at its full size. */
static void path_mtu_note_ack(struct tl_mtu_seen *seen, uint32_t una)
{
    if (seen->size == 0 || !tl_seq_after(una, seen->seq)) {
        return;
    }
    if (seen->timeouts >= TIMEOUTS_SURE && seen->cut && tl_seq_before(una, seen->seq + seen->size)) {
        seen->lost = seen->size;
        seen->confidence = TL_CONFIDENCE_LIKELY;
        seen->sure_ns = 0;
    } else if (!seen->cut && seen->lost == seen->size) {
        seen->lost = 0;
        seen->confidence = TL_CONFIDENCE_NONE;
    }
    seen->size = 0;
}

void tl_path_mtu_learn(struct tl_step *step)
{
    uint8_t cause = step->shape->retransmission;

    if (step->copy_of || step->stray || step->event == TL_EVENT_RST) {
        return;
    }
    if (cause == TL_RETRANSMISSION_PMTU) {
        path_mtu_note_drawn(step);
    }
    if (cause != TL_RETRANSMISSION_NONE && cause != TL_RETRANSMISSION_WINDOW_PROBE && step->seg->len > 0 &&
        step->self->repair) {
        path_mtu_note_again(step);
    }
    if (step->peer->mtu_seen && step->peer->has_una) {
        path_mtu_note_ack(step->peer->mtu_seen, step->peer->una);
    }
}

bool tl_path_mtu_is_quiet(const struct tl_endpoint *end)
{
    return !end->mtu_seen || end->mtu_seen->size == 0;
}

/* ---- by now ------------------------------------------------------------------------------------------------------------- */

/* How sure it is by now that large segments of this end are swallowed. A path that is dead swallows them, too: while nothing smaller is
 * known to have arrived, the receiver has to be heard again. */
static enum tl_confidence path_mtu_black_hole(const struct tl_mtu_seen *seen, const struct tl_endpoint *receiver)
{
    if (seen->lost == 0 || (seen->confidence == TL_CONFIDENCE_GUESS && receiver->last_ns <= seen->sure_ns)) {
        return TL_CONFIDENCE_NONE;
    }
    return (enum tl_confidence)seen->confidence;
}

static void path_mtu_add(const struct tl_conn *conn, unsigned from, struct tl_path_mtu_now *now)
{
    const struct tl_mtu_seen *seen = conn->endpoint[from].mtu_seen;
    enum tl_confidence confidence = path_mtu_black_hole(seen, &conn->endpoint[1 - from]);

    if (seen->first_in != 0 && (now->icmp_in == 0 || seen->first_in < now->icmp_in)) {
        now->icmp_in = seen->first_in;
    }
    if (seen->least != 0 && (now->mtu == 0 || seen->least < now->mtu)) {
        now->mtu = seen->least;
    }
    if (confidence != TL_CONFIDENCE_NONE && (now->confidence == TL_CONFIDENCE_NONE || confidence < now->confidence)) {
        now->kind = TL_PATH_MTU_BLACK_HOLE;
        now->confidence = (uint8_t)confidence;
        now->lost = seen->lost;
    }
}

void tl_path_mtu_now(const struct tl_conn *conn, struct tl_path_mtu_now *now)
{
    unsigned i;

    *now = (struct tl_path_mtu_now){.kind = TL_PATH_MTU_NONE};
    for (i = 0; i < 2; i++) {
        if (conn->endpoint[i].mtu_seen) {
            path_mtu_add(conn, i, now);
        }
    }
    if (now->kind == TL_PATH_MTU_NONE && now->icmp_in != 0) {
        now->kind = TL_PATH_MTU_ICMP;
        now->confidence = TL_CONFIDENCE_LIKELY;
    }
}
