/* tl_scoreboard_room.c - entries, openers and the ring of acknowledged entries.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "record/tl_scoreboard_room.h"

#include "base/tl_grow.h"
#include "base/tl_seq.h"

/* How far the ring can reach below una: one ACK can pass INT32_MAX + TL_SCOREBOARD_JUMP_MAX bytes, and tl_room_age looks after at
 * most TL_SCOREBOARD_JUMP_MAX / 2 more. Below 2^32, so that no number is taken for another one. */
static const uint32_t acked_age_max = (uint32_t)INT32_MAX + TL_SCOREBOARD_JUMP_MAX + TL_SCOREBOARD_JUMP_MAX / 2;

static void scoreboard_room_give_back(const struct tl_scoreboard *sent, void *memory, size_t bytes)
{
    sent->allocator->free(sent->allocator->context, memory, bytes);
}

/* ---- entries ----------------------------------------------------------------------------------------------------------- */

unsigned tl_scoreboard_index(const struct tl_scoreboard *sent, uint32_t seq)
{
    unsigned low = 0, high = sent->count;

    if (tl_room_above(sent, seq) >= tl_room_above(sent, sent->max)) {
        return tl_seq_before(seq, sent->max) ? 0 : sent->count;
    }
    while (low < high) {
        unsigned middle = low + (high - low) / 2;

        if (tl_room_above(sent, tl_room_entry(sent, middle)->end) > tl_room_above(sent, seq)) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low;
}

const struct tl_scoreboard_entry *tl_scoreboard_at(const struct tl_scoreboard *sent, unsigned i)
{
    return i < sent->count ? tl_room_entry(sent, i) : NULL;
}

struct tl_scoreboard_entry *tl_room_find(const struct tl_scoreboard *sent, uint32_t seq)
{
    unsigned i = tl_scoreboard_index(sent, seq);
    struct tl_scoreboard_entry *entry = i < sent->count ? tl_room_entry(sent, i) : NULL;

    return entry && seq - entry->seq < entry->end - entry->seq ? entry : NULL;
}

bool tl_room_grow_entries(struct tl_scoreboard *sent, unsigned needed)
{
    unsigned capacity = sent->capacity ? sent->capacity : tl_grown(0);
    void *entries;

    while (capacity < needed && capacity < sent->limit) {
        capacity = tl_grown(capacity);
    }
    if (capacity == sent->capacity) {
        return true;
    }
    entries = tl_grow(sent->allocator, sent->entries, sizeof *sent->entries, sent->capacity, sent->first, capacity);
    if (!entries) {
        return false;
    }
    sent->entries = entries;
    sent->capacity = (uint16_t)capacity;
    sent->first = 0;
    return true;
}

void tl_room_open(struct tl_scoreboard *sent, unsigned i, unsigned extra)
{
    unsigned count = sent->count;

    if (!extra) {
        return;
    }
    sent->count = (uint16_t)(count + extra);
    if (i < count - i) {
        sent->first = (uint16_t)((sent->first + sent->capacity - extra) & (sent->capacity - 1U));
        for (unsigned k = 0; k < i; k++) {
            *tl_room_entry(sent, k) = *tl_room_entry(sent, k + extra);
        }
    } else {
        for (unsigned k = count; k-- > i;) {
            *tl_room_entry(sent, k + extra) = *tl_room_entry(sent, k);
        }
    }
}

void tl_room_close(struct tl_scoreboard *sent, unsigned i, unsigned excess)
{
    unsigned after = sent->count - i - excess;

    if (!excess) {
        return;
    }
    if (i < after) {
        for (unsigned k = i; k-- > 0;) {
            *tl_room_entry(sent, k + excess) = *tl_room_entry(sent, k);
        }
        sent->first = (uint16_t)((sent->first + excess) & (sent->capacity - 1U));
    } else {
        for (unsigned k = i; k < i + after; k++) {
            *tl_room_entry(sent, k) = *tl_room_entry(sent, k + excess);
        }
    }
    sent->count = (uint16_t)(sent->count - excess);
}

bool tl_room_same_history(const struct tl_scoreboard_entry *a, const struct tl_scoreboard_entry *b)
{
    return a->frame == b->frame && a->first_frame == b->first_frame && a->tx_count == b->tx_count &&
           ((a->flags ^ b->flags) & ~TL_SCOREBOARD_OPENER) == 0;
}

void tl_room_free_entries(struct tl_scoreboard *sent)
{
    scoreboard_room_give_back(sent, sent->entries, sent->capacity * sizeof *sent->entries);
    scoreboard_room_give_back(sent, sent->openers, sent->opener_capacity * sizeof *sent->openers);
    sent->entries = NULL;
    sent->openers = NULL;
    sent->first = sent->count = sent->capacity = 0;
    sent->opener_count = sent->opener_capacity = 0;
}

/* ---- openers ----------------------------------------------------------------------------------------------------------- */

/* Position of the first stored opener with its key at or above seq. */
static unsigned scoreboard_room_opener_index(const struct tl_scoreboard *sent, uint32_t seq)
{
    unsigned low = 0, high = sent->opener_count;

    while (low < high) {
        unsigned middle = low + (high - low) / 2;

        if (tl_room_above(sent, sent->openers[middle].seq) >= tl_room_above(sent, seq)) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low;
}

bool tl_room_grow_openers(struct tl_scoreboard *sent)
{
    unsigned capacity = tl_grown(sent->opener_capacity);
    void *openers;

    if (sent->opener_count < sent->opener_capacity || sent->opener_capacity == TL_SCOREBOARD_OPENERS_MAX) {
        return true;
    }
    openers = tl_grow(sent->allocator, sent->openers, sizeof *sent->openers, sent->opener_capacity, 0, capacity);
    if (!openers) {
        return false;
    }
    sent->openers = openers;
    sent->opener_capacity = (uint16_t)capacity;
    return true;
}

/* Removes the stored openers at positions from .. to - 1. */
static void scoreboard_room_remove_openers(struct tl_scoreboard *sent, unsigned from, unsigned to)
{
    for (unsigned i = to; i < sent->opener_count; i++) {
        sent->openers[from + i - to] = sent->openers[i];
    }
    sent->opener_count = (uint16_t)(sent->opener_count - (to - from));
}

void tl_room_put_opener(struct tl_scoreboard *sent, const struct tl_scoreboard_opener *opener)
{
    unsigned at;

    if (sent->opener_count == sent->opener_capacity) {
        scoreboard_room_remove_openers(sent, 0, 1);
    }
    at = scoreboard_room_opener_index(sent, opener->seq);
    for (unsigned i = sent->opener_count; i > at; i--) {
        sent->openers[i] = sent->openers[i - 1];
    }
    sent->openers[at] = *opener;
    sent->opener_count++;
}

void tl_room_drop_openers(struct tl_scoreboard *sent, uint32_t low, uint32_t high)
{
    unsigned from, to;

    if (!sent->opener_count) {
        return;
    }
    /* Keys up to and including `low` stay, as do those above `high`; neither plus one can wrap: both are near the record. */
    from = scoreboard_room_opener_index(sent, low + 1);
    to = scoreboard_room_opener_index(sent, high + 1);
    if (from < to) {
        scoreboard_room_remove_openers(sent, from, to);
    }
}

bool tl_room_opener(const struct tl_scoreboard *sent, unsigned i, struct tl_scoreboard_opener *opener)
{
    const struct tl_scoreboard_entry *entry = i < sent->count ? tl_room_entry(sent, i) : NULL;
    uint32_t key = entry ? entry->seq : sent->max;
    unsigned at;

    *opener = (struct tl_scoreboard_opener){.seq = key};
    if (entry && !(entry->flags & TL_SCOREBOARD_OPENER)) {
        opener->time_ns = entry->first_time_ns;
        opener->frame = entry->first_frame;
        opener->tsval = entry->first_tsval;
        opener->ip_id = entry->first_ip_id;
        return true;
    }
    at = scoreboard_room_opener_index(sent, key);
    if (at == sent->opener_count || sent->openers[at].seq != key) {
        return false;
    }
    *opener = sent->openers[at];
    return true;
}

/* ---- ring -------------------------------------------------------------------------------------------------------------- */

struct tl_scoreboard_entry *tl_room_acked(const struct tl_scoreboard *sent, unsigned i)
{
    unsigned back = sent->acked_newest + sent->acked_capacity;

    return i < sent->acked_count ? &sent->acked[(back - i) % sent->acked_capacity] : NULL;
}

struct tl_scoreboard_entry *tl_room_find_acked(const struct tl_scoreboard *sent, uint32_t seq)
{
    struct tl_scoreboard_entry *entry;

    for (unsigned i = 0; (entry = tl_room_acked(sent, i)) != NULL; i++) {
        if (seq - entry->seq < entry->end - entry->seq) {
            return entry;
        }
    }
    return NULL;
}

bool tl_room_grow_acked(struct tl_scoreboard *sent)
{
    unsigned newest = sent->acked_newest;
    void *acked;

    if (sent->acked_count < sent->acked_capacity || sent->acked_capacity == TL_SCOREBOARD_ACKED_MAX) {
        return true;
    }
    acked = tl_grow_ring(sent->allocator, sent->acked, sizeof *sent->acked, sent->acked_capacity, &newest);
    if (!acked) {
        return sent->acked_capacity > 0;
    }
    sent->acked = acked;
    sent->acked_newest = (uint16_t)newest;
    sent->acked_capacity = (uint16_t)tl_grown(sent->acked_capacity);
    return true;
}

/* What nobody captured can be long: of more than TL_SCOREBOARD_JUMP_MAX the upper end is kept. */
static void scoreboard_room_trim(struct tl_scoreboard_entry *entry)
{
    if (entry->end - entry->seq > TL_SCOREBOARD_JUMP_MAX) {
        entry->seq = entry->end - TL_SCOREBOARD_JUMP_MAX;
    }
}

bool tl_room_remember(struct tl_scoreboard *sent, const struct tl_scoreboard_entry *entry)
{
    struct tl_scoreboard_entry *newest = tl_room_acked(sent, 0);

    if (newest && newest->end == entry->seq && tl_room_same_history(newest, entry)) {
        newest->end = entry->end;
        scoreboard_room_trim(newest);
        return true;
    }
    if (!tl_room_grow_acked(sent)) {
        return false;
    }
    sent->acked_newest = (uint16_t)((sent->acked_newest + 1) % sent->acked_capacity);
    if (sent->acked_count < sent->acked_capacity) {
        sent->acked_count++;
    }
    *tl_room_acked(sent, 0) = *entry;
    scoreboard_room_trim(tl_room_acked(sent, 0));
    return true;
}

void tl_room_age(struct tl_scoreboard *sent, uint32_t advance)
{
    unsigned kept = 0, gone;

    sent->aged += advance; /* cannot overflow: below 2^29, and una moves by at most 3 * 2^30 */
    if (sent->aged < TL_SCOREBOARD_JUMP_MAX / 2) {
        return;
    }
    sent->aged = 0;
    for (unsigned i = sent->acked_count; i-- > 0;) {
        struct tl_scoreboard_entry entry = *tl_room_acked(sent, i);

        if ((uint64_t)(sent->una - entry.seq) + advance <= TL_SCOREBOARD_JUMP_MAX) {
            *tl_room_acked(sent, sent->acked_count - 1U - kept++) = entry;
        }
    }
    gone = sent->acked_count - kept;
    if (gone) {
        sent->acked_newest = (uint16_t)((sent->acked_newest + sent->acked_capacity - gone) % sent->acked_capacity);
    }
    sent->acked_count = (uint16_t)kept;
}

/* ---- invariants -------------------------------------------------------------------------------------------------------- */

static const char *scoreboard_room_check_entries(const struct tl_scoreboard *sent)
{
    uint32_t pos = 0, whole = 0, max = tl_room_above(sent, sent->max);
    unsigned flagged = 0;

    for (unsigned i = 0; i < sent->count; i++) {
        const struct tl_scoreboard_entry *entry = tl_room_entry(sent, i);
        uint32_t seq = tl_room_above(sent, entry->seq), end = tl_room_above(sent, entry->end);

        if (end <= seq) {
            return "an entry is empty";
        }
        if (seq < pos || end > max) {
            return "entries overlap, are out of order or out of bounds";
        }
        if (!entry->tx_count) {
            return "an entry was never transmitted";
        }
        if (entry->flags & TL_SCOREBOARD_ACKED) {
            return "an acknowledged entry is not in the ring";
        }
        if ((entry->flags & TL_SCOREBOARD_OPENER) && seq == pos) {
            return "an entry with no hole below has an opener";
        }
        flagged += !!(entry->flags & TL_SCOREBOARD_OPENER);
        if (whole == seq) {
            whole = end;
        }
        pos = end;
    }
    if (tl_room_above(sent, sent->whole) != whole) {
        return "whole is not where the lowest hole starts";
    }
    if (sent->opener_count > flagged + (pos != max)) {
        return "more openers than holes that need one";
    }
    return NULL;
}

static const char *scoreboard_room_check_openers(const struct tl_scoreboard *sent)
{
    uint32_t before = 0;

    for (unsigned i = 0; i < sent->opener_count; i++) {
        uint32_t key = tl_room_above(sent, sent->openers[i].seq);
        unsigned above = tl_scoreboard_index(sent, sent->openers[i].seq);
        const struct tl_scoreboard_entry *entry = tl_scoreboard_at(sent, above);

        if (key <= before) {
            return "openers are out of order";
        }
        if (entry ? entry->seq != sent->openers[i].seq || !(entry->flags & TL_SCOREBOARD_OPENER)
                  : sent->openers[i].seq != sent->max) {
            return "an opener has no hole";
        }
        before = key;
    }
    return NULL;
}

static const char *scoreboard_room_check_acked(const struct tl_scoreboard *sent)
{
    for (unsigned i = 0; i < sent->acked_count; i++) {
        const struct tl_scoreboard_entry *entry = tl_room_acked(sent, i);

        if (entry->end - entry->seq - 1 >= TL_SCOREBOARD_JUMP_MAX) {
            return "an acknowledged entry is empty or too long";
        }
        if (sent->una - entry->seq > acked_age_max) {
            return "an acknowledged entry is above una or too old";
        }
        if (!(entry->flags & TL_SCOREBOARD_ACKED) || (entry->flags & TL_SCOREBOARD_OPENER)) {
            return "an acknowledged entry has the wrong flags";
        }
    }
    return NULL;
}

const char *tl_scoreboard_check(const struct tl_scoreboard *sent)
{
    const char *wrong;

    if (sent->count > sent->capacity || sent->count > sent->limit || sent->capacity > TL_SCOREBOARD_ENTRIES_MAX) {
        return "more entries than allowed";
    }
    if (sent->capacity & (sent->capacity - 1U)) {
        return "the capacity is no power of two";
    }
    if (sent->opener_count > sent->opener_capacity || sent->opener_capacity > TL_SCOREBOARD_OPENERS_MAX) {
        return "more openers than allowed";
    }
    if (sent->acked_count > sent->acked_capacity || sent->acked_capacity > TL_SCOREBOARD_ACKED_MAX) {
        return "more acknowledged entries than allowed";
    }
    if (!sent->started && (sent->count || sent->opener_count || sent->acked_count)) {
        return "entries before the start";
    }
    if (sent->max - sent->una > INT32_MAX || sent->floor - sent->una > sent->max - sent->una) {
        return "una, floor and max are out of order";
    }
    wrong = scoreboard_room_check_entries(sent);
    if (!wrong) {
        wrong = scoreboard_room_check_openers(sent);
    }
    return wrong ? wrong : scoreboard_room_check_acked(sent);
}
