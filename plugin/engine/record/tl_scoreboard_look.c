/* tl_scoreboard_look.c - questions to the data record of one direction; nothing here changes it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "record/tl_scoreboard.h"

#include "base/tl_event.h"
#include "base/tl_seq.h"
#include "record/tl_scoreboard_room.h"

/* ---- questions --------------------------------------------------------------------------------------------------------- */

bool tl_scoreboard_started(const struct tl_scoreboard *sent)
{
    return sent->started;
}

uint32_t tl_scoreboard_una(const struct tl_scoreboard *sent)
{
    return sent->una;
}

uint32_t tl_scoreboard_max(const struct tl_scoreboard *sent)
{
    return sent->max;
}

const struct tl_scoreboard_entry *tl_scoreboard_find(const struct tl_scoreboard *sent, uint32_t seq)
{
    return tl_room_find(sent, seq);
}

const struct tl_scoreboard_entry *tl_scoreboard_acked_at(const struct tl_scoreboard *sent, unsigned i)
{
    return tl_room_acked(sent, i);
}

bool tl_scoreboard_has_hole_below(const struct tl_scoreboard *sent, uint32_t seq)
{
    uint32_t to = tl_room_above(sent, seq), max = tl_room_above(sent, sent->max);

    if (to > max) {
        to = tl_seq_before(seq, sent->max) ? 0 : max;
    }
    return tl_room_above(sent, sent->whole) < to;
}

/* ---- what a segment is ------------------------------------------------------------------------------------------------- */

/* Length of what two ranges share. Positions are distances from max, so that a segment on either side can be compared. */
static uint32_t scoreboard_look_shared(int64_t low, int64_t high, int64_t from, int64_t to)
{
    low = low > from ? low : from;
    high = high < to ? high : to;
    return high > low ? (uint32_t)(high - low) : 0;
}

/* The acknowledged part of a segment: finds in the ring what its lowest remembered byte was. */
static void scoreboard_look_look_acked(const struct tl_scoreboard *sent, uint32_t seq, struct tl_scoreboard_result *result)
{
    const struct tl_scoreboard_entry *previous = NULL, *hole = NULL, *entry;
    uint32_t length = result->acked_bytes;

    for (unsigned i = 0; (entry = tl_room_acked(sent, i)) != NULL; i++) {
        const struct tl_scoreboard_entry **best = entry->tx_count ? &previous : &hole;
        uint32_t start = seq - entry->seq < entry->end - entry->seq ? seq : entry->seq;
        uint32_t best_start = *best && (*best)->seq - seq < length ? (*best)->seq - seq : 0;

        /* Only if no newer entry holds that byte, and it is lower than what was found in newer entries. */
        if (start - seq < length && (!*best || start - seq < best_start) && tl_room_find_acked(sent, start) == entry) {
            *best = entry;
        }
    }
    if (previous) {
        result->previous = *previous;
    }
    if (hole) {
        result->opener = (struct tl_scoreboard_opener){hole->first_time_ns, hole->first_frame, hole->first_tsval,
                                                       hole->end,           hole->first_ip_id, 0};
    }
}

/* The part of a segment between floor and max: bytes in entries and in holes. */
static void scoreboard_look_look_inside(const struct tl_scoreboard *sent, uint32_t low, uint32_t high,
                                        struct tl_scoreboard_result *result)
{
    uint32_t to = tl_room_above(sent, high), pos = tl_room_above(sent, low);
    unsigned first = tl_scoreboard_index(sent, low), i;

    for (i = first; i < sent->count && tl_room_above(sent, tl_room_entry(sent, i)->seq) < to; i++) {
        const struct tl_scoreboard_entry *entry = tl_room_entry(sent, i);
        uint32_t from = tl_room_above(sent, entry->seq), end = tl_room_above(sent, entry->end);

        if (from > pos && !result->opener.frame) {
            tl_room_opener(sent, i, &result->opener);
        }
        if (from > pos) {
            result->filled_bytes += from - pos;
        }
        if (!result->previous.tx_count) {
            result->previous = *entry;
        }
        result->repeated_bytes += (end < to ? end : to) - (from > pos ? from : pos);
        pos = end;
    }
    if (pos < to && !result->opener.frame) {
        tl_room_opener(sent, i, &result->opener);
    }
    if (pos < to) {
        result->filled_bytes += to - pos;
    }
}

enum tl_scoreboard_status tl_scoreboard_look(const struct tl_scoreboard *sent, const struct tl_segment *segment,
                                             struct tl_scoreboard_result *result)
{
    uint32_t octets = tl_event_length(segment->flags, segment->len), inside;
    int64_t ahead = sent->started ? tl_seq_diff(segment->seq, sent->max) : 0, end = ahead + octets;
    int64_t floor = -(int64_t)tl_room_above(sent, sent->max), una = -(int64_t)(sent->max - sent->una);

    *result = (struct tl_scoreboard_result){0};
    if (ahead == INT32_MIN || octets > TL_SCOREBOARD_JUMP_MAX || segment->len > TL_SCOREBOARD_JUMP_MAX ||
        end > TL_SCOREBOARD_JUMP_MAX) {
        return TL_SCOREBOARD_REFUSED;
    }
    if (!sent->started) {
        result->new_bytes = octets;
        return TL_SCOREBOARD_OK;
    }
    result->skipped_bytes = ahead > 0 ? (uint32_t)ahead : 0;
    result->new_bytes = scoreboard_look_shared(ahead, end, 0, INT64_MAX);
    result->acked_bytes = scoreboard_look_shared(ahead, end, INT64_MIN, una);
    result->forgotten_bytes = scoreboard_look_shared(ahead, end, una, floor);
    result->before_start = result->acked_bytes > 0 && !sent->anchored;
    if (result->acked_bytes && !result->before_start) {
        scoreboard_look_look_acked(sent, segment->seq, result);
    }
    inside = scoreboard_look_shared(ahead, end, floor, 0);
    if (inside) {
        scoreboard_look_look_inside(sent, ahead < floor ? sent->floor : segment->seq,
                                    end < 0 ? segment->seq + octets : sent->max, result);
    }
    return TL_SCOREBOARD_OK;
}
