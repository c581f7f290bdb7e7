/* tl_scoreboard.c - the data record of one direction.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "record/tl_scoreboard.h"

#include "base/tl_event.h"
#include "base/tl_seq.h"
#include "record/tl_scoreboard_room.h"

/* Pieces of one segment that keep a history each. What it sends again above them becomes one entry with the last: else whoever sends
 * thousands of octets one by one makes each later segment over them as dear. A sender that joins small segments when it sends them
 * again (RFC 9293 3.7.1) joins fewer. */
enum { FINE_PIECES = 32 };

/* Where a segment goes: bytes [low, high), in place of entries first .. last - 1, as at most `pieces` entries. */
struct span {
    uint32_t low, high;
    unsigned first, last, pieces;
};

/* ---- life -------------------------------------------------------------------------------------------------------------- */

void tl_scoreboard_init(struct tl_scoreboard *sent, const struct tl_allocator *allocator)
{
    *sent = (struct tl_scoreboard){.allocator = allocator, .limit = TL_SCOREBOARD_ENTRIES_MAX};
}

void tl_scoreboard_free(struct tl_scoreboard *sent)
{
    tl_room_free_entries(sent);
    sent->allocator->free(sent->allocator->context, sent->acked, sent->acked_capacity * sizeof *sent->acked);
    tl_scoreboard_init(sent, sent->allocator);
}

void tl_scoreboard_close(struct tl_scoreboard *sent)
{
    tl_room_free_entries(sent);
    sent->floor = sent->whole = sent->max;
    sent->anchored = true;
}

void tl_scoreboard_restart(struct tl_scoreboard *sent, uint32_t seq)
{
    sent->first = sent->count = sent->opener_count = sent->acked_count = 0;
    sent->una = sent->floor = sent->max = sent->whole = seq;
    sent->started = sent->anchored = true;
}

/* ---- adding ------------------------------------------------------------------------------------------------------------ */

static struct tl_scoreboard_entry scoreboard_first_transmission(const struct tl_segment *segment, uint32_t seq, uint32_t end,
                                                                unsigned flags)
{
    uint32_t tsval = segment->options & TL_OPT_TIMESTAMPS ? segment->tsval : 0;

    return (struct tl_scoreboard_entry){
        .time_ns = segment->time_ns,
        .first_time_ns = segment->time_ns,
        .seq = seq,
        .end = end,
        .frame = segment->frame,
        .first_frame = segment->frame,
        .tsval = tsval,
        .first_tsval = tsval,
        .ip_id = segment->ip_id,
        .first_ip_id = segment->ip_id,
        .tx_count = 1,
        .flags = (uint8_t)flags,
    };
}

/* The same bytes once more: what `old` says of the first transmission and their number goes on. */
static struct tl_scoreboard_entry scoreboard_next_transmission(struct tl_scoreboard_entry entry,
                                                               const struct tl_scoreboard_entry *old)
{
    entry.first_time_ns = old->first_time_ns;
    entry.first_frame = old->first_frame;
    entry.first_tsval = old->first_tsval;
    entry.first_ip_id = old->first_ip_id;
    entry.tx_count = (uint16_t)(old->tx_count < UINT16_MAX ? old->tx_count + 1 : UINT16_MAX);
    entry.flags = (uint8_t)(old->flags & ~TL_SCOREBOARD_OPENER);
    return entry;
}

/* The part of a segment that is to become entries: from floor on. False if there is none. */
static bool scoreboard_clip(const struct tl_scoreboard *sent, const struct tl_segment *segment, uint32_t *low, uint32_t *high)
{
    int64_t ahead = tl_seq_diff(segment->seq, sent->max), floor = -(int64_t)tl_room_above(sent, sent->max);

    *high = segment->seq + tl_event_length(segment->flags, segment->len);
    *low = ahead < floor ? sent->floor : segment->seq;
    return sent->started && ahead + tl_event_length(segment->flags, segment->len) > floor;
}

static struct span scoreboard_plan(const struct tl_scoreboard *sent, uint32_t low, uint32_t high)
{
    struct span span = {.low = low, .high = high, .first = tl_scoreboard_index(sent, low)};
    uint32_t pos = tl_room_above(sent, low), from = pos, to = tl_room_above(sent, high);
    unsigned i;

    for (i = span.first; i < sent->count && tl_room_above(sent, tl_room_entry(sent, i)->seq) < to; i++) {
        uint32_t seq = tl_room_above(sent, tl_room_entry(sent, i)->seq);
        uint32_t end = tl_room_above(sent, tl_room_entry(sent, i)->end);

        span.pieces += 1U + (seq < from) + (seq > pos) + (end > to);
        pos = end;
    }
    span.last = i;
    span.pieces += pos < to;
    return span;
}

/* Writes a piece at position w, or joins it to the one before if that differs in nothing else, or if both are of this segment and
 * it has enough of them, new bytes left out. Returns the next position. */
static unsigned scoreboard_emit(struct tl_scoreboard *sent, unsigned first, unsigned w, const struct tl_scoreboard_entry *piece)
{
    struct tl_scoreboard_entry *last = w > first ? tl_room_entry(sent, w - 1) : NULL;

    if (last && last->end == piece->seq && tl_room_same_history(last, piece)) {
        last->end = piece->end;
        return w;
    }
    if (w - first >= FINE_PIECES && last->end == piece->seq && last->frame == piece->frame &&
        (piece->tx_count > 1 || (piece->flags & TL_SCOREBOARD_FILLED))) {
        last->end = piece->end;
        last->flags |= piece->flags | TL_SCOREBOARD_COARSE;
        last->tx_count = piece->tx_count > last->tx_count ? piece->tx_count : last->tx_count;
        return w;
    }
    *tl_room_entry(sent, w) = *piece;
    return w + 1;
}

/* Replaces the entries of the span by what they are after the segment. Reading stays ahead of writing, for each entry read
 * yields one piece or more, and `pieces` counts all of them. */
static void scoreboard_write_span(struct tl_scoreboard *sent, const struct span *span, const struct tl_segment *segment)
{
    unsigned extra = span->pieces - (span->last - span->first), w = span->first;
    uint32_t pos = span->low;

    tl_room_open(sent, span->first, extra);
    for (unsigned r = span->first + extra; r < span->last + extra; r++) {
        const struct tl_scoreboard_entry old = *tl_room_entry(sent, r);
        bool cut = tl_room_above(sent, old.seq) < tl_room_above(sent, span->low);
        bool rest = tl_room_above(sent, old.end) > tl_room_above(sent, span->high);
        uint32_t from = cut ? span->low : old.seq;
        struct tl_scoreboard_entry piece;

        if (cut) {
            piece = old;
            piece.end = from;
            w = scoreboard_emit(sent, span->first, w, &piece);
        } else if (from != pos) {
            piece = scoreboard_first_transmission(segment, pos, from, TL_SCOREBOARD_FILLED);
            w = scoreboard_emit(sent, span->first, w, &piece);
        }
        piece =
            scoreboard_next_transmission(scoreboard_first_transmission(segment, from, rest ? span->high : old.end, 0), &old);
        if (old.seq == span->low) {
            piece.flags |= old.flags & TL_SCOREBOARD_OPENER; /* the hole below is still there */
        }
        w = scoreboard_emit(sent, span->first, w, &piece);
        if (rest) {
            piece = old;
            piece.seq = span->high;
            piece.flags &= (uint8_t)~TL_SCOREBOARD_OPENER;
            w = scoreboard_emit(sent, span->first, w, &piece);
        }
        pos = old.end;
    }
    if (tl_room_above(sent, pos) < tl_room_above(sent, span->high)) {
        bool old_bytes = tl_room_above(sent, pos) < tl_room_above(sent, sent->max);
        struct tl_scoreboard_entry piece =
            scoreboard_first_transmission(segment, pos, span->high, old_bytes ? TL_SCOREBOARD_FILLED : 0);

        w = scoreboard_emit(sent, span->first, w, &piece);
    }
    tl_room_close(sent, w, span->last + extra - w);
}

/* Moves `whole` on over entries that follow without a gap. Each entry is passed once. */
static void scoreboard_extend_whole(struct tl_scoreboard *sent)
{
    for (unsigned i = tl_scoreboard_index(sent, sent->whole); i < sent->count; i++) {
        const struct tl_scoreboard_entry *entry = tl_room_entry(sent, i);

        if (tl_room_above(sent, entry->seq) > tl_room_above(sent, sent->whole)) {
            return;
        }
        sent->whole = entry->end;
    }
}

/* Makes the bytes of a span captured once more. There is room. */
static void scoreboard_cover(struct tl_scoreboard *sent, const struct span *span, const struct tl_segment *segment)
{
    const uint32_t low = span->low, high = span->high;
    uint32_t below = span->first ? tl_room_entry(sent, span->first - 1)->end : sent->floor;
    bool in_hole =
        span->first == sent->count || tl_room_above(sent, tl_room_entry(sent, span->first)->seq) > tl_room_above(sent, low);
    /* The lower part of a hole, or of the one right below max, stays: its opener is that of the whole hole. */
    bool inherits = in_hole && below != low && tl_room_above(sent, low) <= tl_room_above(sent, sent->max);
    struct tl_scoreboard_entry *above_it;
    struct tl_scoreboard_opener opener = {0};
    bool known = inherits && tl_room_opener(sent, span->first, &opener);

    scoreboard_write_span(sent, span, segment);
    tl_room_drop_openers(sent, inherits ? low - 1 : low, high);
    if (tl_room_above(sent, low) > tl_room_above(sent, sent->max)) {
        tl_room_drop_openers(sent, sent->max - 1, sent->max); /* the hole below max has become part of a larger one */
    }
    above_it = tl_room_find(sent, high);
    if (above_it && above_it->seq == high) {
        above_it->flags &= (uint8_t)~TL_SCOREBOARD_OPENER; /* the hole below it is filled */
    }
    if (inherits) {
        tl_room_entry(sent, span->first)->flags |= TL_SCOREBOARD_OPENER;
    }
    opener.seq = low;
    if (known) {
        tl_room_put_opener(sent, &opener);
    }
}

/* ---- leaving ----------------------------------------------------------------------------------------------------------- */

static bool scoreboard_pass_hole(struct tl_scoreboard *sent, uint32_t from, uint32_t to, unsigned i,
                                 struct tl_scoreboard_ack_result *result)
{
    struct tl_scoreboard_entry hole = {.seq = from, .end = to, .flags = TL_SCOREBOARD_ACKED};
    struct tl_scoreboard_opener opener;

    result->unseen_bytes += to - from;
    tl_room_opener(sent, i, &opener);
    hole.first_time_ns = opener.time_ns;
    hole.first_frame = opener.frame;
    hole.first_tsval = opener.tsval;
    hole.first_ip_id = opener.ip_id;
    return tl_room_remember(sent, &hole);
}

static bool scoreboard_pass_entry(struct tl_scoreboard *sent, const struct tl_scoreboard_entry *entry,
                                  struct tl_scoreboard_ack_result *result)
{
    result->last = *entry;
    result->last.flags = (uint8_t)((entry->flags & ~TL_SCOREBOARD_OPENER) | TL_SCOREBOARD_ACKED);
    result->captured_bytes += entry->end - entry->seq;
    if (entry->time_ns > result->newest_ns) {
        result->newest_ns = entry->time_ns;
    }
    return tl_room_remember(sent, &result->last);
}

/* Moves floor up to `to`, which may be beyond max. With a result, what lies below is acknowledged and goes to the ring;
 * without one it is forgotten. False: the ring had no memory. O(1) amortised: an entry leaves once. */
static bool scoreboard_retire(struct tl_scoreboard *sent, uint32_t to, struct tl_scoreboard_ack_result *result)
{
    uint32_t pos = sent->floor, limit = tl_room_above(sent, to);
    bool remembered = true;
    unsigned n;

    for (n = 0; n < sent->count && tl_room_above(sent, tl_room_entry(sent, n)->seq) < limit; n++) {
        struct tl_scoreboard_entry part = *tl_room_entry(sent, n);
        bool cut = tl_room_above(sent, part.end) > limit;

        if (result && part.seq != pos) {
            remembered &= scoreboard_pass_hole(sent, pos, part.seq, n, result);
        }
        if (cut) {
            part.end = tl_room_entry(sent, n)->seq = to;
        }
        if (result) {
            remembered &= scoreboard_pass_entry(sent, &part, result);
        }
        pos = part.end;
        if (cut) {
            break;
        }
    }
    if (result && pos != to) {
        remembered &= scoreboard_pass_hole(sent, pos, to, n, result);
    }
    if (result && result->last.end != to) {
        result->last = (struct tl_scoreboard_entry){0};
    }
    if (limit > tl_room_above(sent, sent->max)) {
        sent->max = to;
    }
    tl_room_drop_openers(sent, sent->floor, to);
    if (n) {
        sent->first = (uint16_t)((sent->first + n) & (sent->capacity - 1U));
    }
    sent->count = (uint16_t)(sent->count - n);
    if (sent->count && tl_room_entry(sent, 0)->seq == to) {
        tl_room_entry(sent, 0)->flags &= (uint8_t)~TL_SCOREBOARD_OPENER;
    }
    if (tl_room_above(sent, sent->whole) < limit) {
        sent->whole = to;
    }
    sent->floor = to;
    if (sent->whole == to) {
        scoreboard_extend_whole(sent);
    }
    return remembered;
}

/* Makes at most `target` entries of more. First neighbours with equal tx_count become one, pair by pair from the oldest, only
 * as many as needed: what is recent stays exact. What cannot be merged is forgotten from the oldest on. O(n). */
static void scoreboard_compact(struct tl_scoreboard *sent, unsigned target)
{
    unsigned count = sent->count, w = 0;

    for (unsigned r = 0; r < count; r++, w++) {
        struct tl_scoreboard_entry *entry = tl_room_entry(sent, w);
        const struct tl_scoreboard_entry *next = tl_scoreboard_at(sent, r + 1);

        *entry = *tl_room_entry(sent, r);
        if (count - (r - w) <= target || !next || next->seq != entry->end || next->tx_count != entry->tx_count) {
            continue;
        }
        entry->end = next->end;
        entry->flags |= (uint8_t)(next->flags | TL_SCOREBOARD_COARSE);
        r++;
    }
    sent->count = (uint16_t)w;
    if (w > target) {
        scoreboard_retire(sent, tl_room_entry(sent, w - target - 1)->end, NULL);
        sent->anchored = true; /* bytes below floor are forgotten now: no hole can begin there any more */
    }
}

/* No more than the largest window can be in flight (RFC 7323 2.3). So everything below `to` was acknowledged, although no ACK
 * was captured; else a long one-way capture would outgrow the sequence space. */
static void scoreboard_forget(struct tl_scoreboard *sent, uint32_t to)
{
    tl_room_age(sent, to - sent->una);
    if (to - sent->una > sent->floor - sent->una) {
        scoreboard_retire(sent, to, NULL);
    }
    sent->una = to;
    sent->anchored = true;
}

/* ---- changes ----------------------------------------------------------------------------------------------------------- */

/* Plans where the segment goes, and says how many entries more than now that takes at most. */
static unsigned scoreboard_entries_needed(const struct tl_scoreboard *sent, const struct tl_segment *segment,
                                          const struct tl_scoreboard_result *result, struct span *span)
{
    unsigned below = !sent->started || result->before_start; /* the record will be made to reach down to the segment */
    uint32_t low, high;

    *span = (struct span){0};
    if (!scoreboard_clip(sent, segment, &low, &high)) {
        return below;
    }
    *span = scoreboard_plan(sent, low, high);
    return span->pieces - (span->last - span->first) + below;
}

/* Memory for all that the segment needs, and no more entries than allowed. `span`: where it goes, as long as scoreboard_make_reach() moves
 * nothing. False: nothing changed. */
static bool scoreboard_reserve(struct tl_scoreboard *sent, const struct tl_segment *segment,
                               const struct tl_scoreboard_result *result, struct span *span)
{
    uint32_t captured_to = sent->count ? tl_room_entry(sent, sent->count - 1U)->end : sent->floor;
    unsigned needed = scoreboard_entries_needed(sent, segment, result, span), target = sent->limit - sent->limit / 4U;

    if (needed && !tl_room_grow_entries(sent, sent->count + needed)) {
        return false;
    }
    if ((result->filled_bytes || captured_to != sent->max) && !tl_room_grow_openers(sent)) {
        return false;
    }
    if (result->acked_bytes && !result->before_start && !tl_room_grow_acked(sent)) {
        return false;
    }
    /* At half the limit minus two even a segment that fills every hole finds room. */
    for (; sent->count + needed > sent->limit; target = sent->limit / 2U - 2) {
        scoreboard_compact(sent, target);
        needed = scoreboard_entries_needed(sent, segment, result, span);
    }
    return true;
}

/* Starts the record, or moves its lower edge, so that the segment lies within. Whether it did. */
static bool scoreboard_make_reach(struct tl_scoreboard *sent, const struct tl_segment *segment,
                                  const struct tl_scoreboard_result *result)
{
    uint32_t end = segment->seq + tl_event_length(segment->flags, segment->len);
    bool moved = !sent->started || result->before_start;

    if (!sent->started) {
        tl_scoreboard_restart(sent, segment->seq);
        sent->anchored = (segment->flags & TL_SYN) != 0; /* nothing comes before a SYN */
    } else if (result->before_start && !sent->anchored) {
        sent->una = sent->floor = sent->whole = segment->seq;
    }
    if ((result->new_bytes || result->skipped_bytes) && end - sent->una > INT32_MAX) {
        scoreboard_forget(sent, end - TL_SCOREBOARD_JUMP_MAX);
        return true;
    }
    return moved;
}

/* A segment without octets: if it starts beyond max, bytes before it were sent and not captured. */
static enum tl_scoreboard_status scoreboard_add_empty(struct tl_scoreboard *sent, const struct tl_segment *segment,
                                                      const struct tl_scoreboard_result *result)
{
    const struct tl_scoreboard_entry facts = scoreboard_first_transmission(segment, 0, 0, 0);
    const struct tl_scoreboard_opener opener = {facts.time_ns, facts.frame, facts.tsval, segment->seq, facts.ip_id, 0};

    if (result->skipped_bytes && !tl_room_grow_openers(sent)) {
        return TL_SCOREBOARD_NO_MEMORY;
    }
    (void)scoreboard_make_reach(sent, segment, result);
    if (!result->skipped_bytes) {
        return TL_SCOREBOARD_OK;
    }
    tl_room_drop_openers(sent, sent->max - 1, sent->max);
    sent->max = segment->seq;
    tl_room_put_opener(sent, &opener);
    return TL_SCOREBOARD_OK;
}

/* The ring entry that holds exactly [seq, end), unless a newer one holds part of that; else NULL. */
static struct tl_scoreboard_entry *scoreboard_find_same_acked(const struct tl_scoreboard *sent, uint32_t seq, uint32_t end)
{
    struct tl_scoreboard_entry *entry;

    for (unsigned i = 0; (entry = tl_room_acked(sent, i)) != NULL; i++) {
        if (entry->seq == seq && entry->end == end) {
            return entry;
        }
        if (seq - entry->seq < entry->end - entry->seq || entry->seq - seq < end - seq) {
            return NULL;
        }
    }
    return NULL;
}

/* Adds the acknowledged part of a segment to the ring. Where it lies across entries it takes the history of the lowest one.
 * Older entries stay below it, since the newest that holds a byte counts. */
static void scoreboard_remember_again(struct tl_scoreboard *sent, const struct tl_segment *segment,
                                      const struct tl_scoreboard_result *result)
{
    const struct tl_scoreboard_entry *previous = &result->previous;
    uint32_t seq = segment->seq, end = seq + result->acked_bytes;
    struct tl_scoreboard_entry *same = scoreboard_find_same_acked(sent, seq, end);
    struct tl_scoreboard_entry entry =
        scoreboard_first_transmission(segment, seq, end, TL_SCOREBOARD_ACKED | TL_SCOREBOARD_FILLED);

    if (sent->una - seq > TL_SCOREBOARD_JUMP_MAX) {
        return;
    }
    if (previous->tx_count && (previous->flags & TL_SCOREBOARD_ACKED)) {
        uint32_t length = previous->end - previous->seq;

        entry = scoreboard_next_transmission(entry, previous);
        if (seq - previous->seq > length || end - previous->seq > length) {
            entry.flags |= TL_SCOREBOARD_COARSE;
        }
    }
    if (same) {
        *same = entry;
    } else {
        tl_room_remember(sent, &entry);
    }
}

/* The ordinary case, without the search: the octets that follow the last ones, nothing missing below, room for them. */
static bool scoreboard_append(struct tl_scoreboard *sent, const struct tl_segment *segment)
{
    uint32_t octets = tl_event_length(segment->flags, segment->len), high = segment->seq + octets;

    if (!sent->started || segment->seq != sent->max || sent->whole != sent->max || octets == 0 || octets > UINT16_MAX ||
        sent->opener_count > 0 || sent->count >= sent->limit || high - sent->una > INT32_MAX) {
        return false;
    }
    if (sent->count == sent->capacity && !tl_room_grow_entries(sent, sent->count + 1U)) {
        return false;
    }
    *tl_room_entry(sent, sent->count) = scoreboard_first_transmission(segment, segment->seq, high, 0);
    sent->count++;
    sent->max = sent->whole = high;
    return true;
}

enum tl_scoreboard_status tl_scoreboard_add(struct tl_scoreboard *sent, const struct tl_segment *segment)
{
    struct tl_scoreboard_result result;
    enum tl_scoreboard_status status;
    struct span span;
    bool moved;

    if (scoreboard_append(sent, segment)) {
        return TL_SCOREBOARD_OK;
    }
    status = tl_scoreboard_look(sent, segment, &result);
    if (status != TL_SCOREBOARD_OK) {
        return status;
    }
    if (!tl_event_length(segment->flags, segment->len)) {
        return scoreboard_add_empty(sent, segment, &result);
    }
    if (!scoreboard_reserve(sent, segment, &result, &span)) {
        return TL_SCOREBOARD_NO_MEMORY;
    }
    moved = scoreboard_make_reach(sent, segment, &result);
    if (result.acked_bytes && !result.before_start) {
        scoreboard_remember_again(sent, segment, &result);
    }
    if (moved) {
        (void)scoreboard_entries_needed(sent, segment, &result, &span);
    }
    if (span.low == span.high) {
        return TL_SCOREBOARD_OK; /* all of it is acknowledged */
    }
    scoreboard_cover(sent, &span, segment);
    if (tl_seq_after(span.high, sent->max)) {
        sent->max = span.high;
    }
    if (tl_seq_within(sent->whole, span.low, span.high)) {
        sent->whole = span.high;
        scoreboard_extend_whole(sent);
    }
    return TL_SCOREBOARD_OK;
}

enum tl_scoreboard_status tl_scoreboard_ack(struct tl_scoreboard *sent, uint32_t ack, struct tl_scoreboard_ack_result *result)
{
    int32_t beyond = sent->started ? tl_seq_diff(ack, sent->max) : 0;
    bool refused = beyond > TL_SCOREBOARD_JUMP_MAX || beyond == INT32_MIN, remembered = true;
    uint32_t advance = ack - sent->una, known = sent->floor - sent->una;

    *result = (struct tl_scoreboard_ack_result){.una_before = sent->started ? sent->una : ack, .newest_ns = INT64_MIN};
    if (refused) {
        return TL_SCOREBOARD_REFUSED;
    }
    if (!sent->started) {
        tl_scoreboard_restart(sent, ack);
    } else if (beyond <= 0 && !tl_seq_within(ack, sent->una, sent->max)) {
        if (!sent->anchored) {
            sent->una = sent->floor = sent->whole = ack; /* what lies between was sent before the capture began */
        }
        sent->anchored = true;
    } else {
        sent->anchored = true;
        result->forgotten_bytes = advance < known ? advance : known;
        tl_room_age(sent, advance);
        if (advance > known) {
            remembered = scoreboard_retire(sent, ack, result);
        }
        sent->una = ack;
    }
    return remembered ? TL_SCOREBOARD_OK : TL_SCOREBOARD_NO_MEMORY;
}

void tl_scoreboard_expect_acks(struct tl_scoreboard *sent, bool captured)
{
    sent->limit = captured ? TL_SCOREBOARD_ENTRIES_MAX : TL_SCOREBOARD_ENTRIES_NO_ACKS;
    if (sent->count > sent->limit) {
        scoreboard_compact(sent, sent->limit - sent->limit / 4U);
    }
}
