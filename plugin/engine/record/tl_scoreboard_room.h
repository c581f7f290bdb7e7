/* tl_scoreboard_room.h - where tl_scoreboard keeps things: entries, openers and the ring of acknowledged entries. For tl_scoreboard*.c only.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * No rules here, only room: three arrays that grow (tl_grow.h) up to a bound. Every tl_room_grow_... is called before anything
 * changes, so that running out of memory loses nothing.
 *
 * Sequence numbers inside the record are compared by their distance above `floor`. That distance is below 2^31 for all that is
 * stored and below 2^32 for a segment that may be added, so plain unsigned comparison is right across the wrap.
 */
#ifndef TL_SCOREBOARD_ROOM_H
#define TL_SCOREBOARD_ROOM_H

#include "record/tl_scoreboard.h"

static inline uint32_t tl_room_above(const struct tl_scoreboard *sent, uint32_t seq)
{
    return seq - sent->floor;
}

/* Entry i of sent->count, lowest first; slots past the last one are allowed up to the capacity. */
static inline struct tl_scoreboard_entry *tl_room_entry(const struct tl_scoreboard *sent, unsigned i)
{
    return &sent->entries[(sent->first + i) & (sent->capacity - 1U)];
}

/* ---- entries ----------------------------------------------------------------------------------------------------------- */

/* The entry that holds byte seq, or NULL. O(log n). */
struct tl_scoreboard_entry *tl_room_find(const struct tl_scoreboard *sent, uint32_t seq);

/* Capacity for `needed` entries, or for sent->limit if that is less. False: no memory. */
bool tl_room_grow_entries(struct tl_scoreboard *sent, unsigned needed);

/* Makes `extra` undefined entries at position i. The capacity must suffice. O(entries on the shorter side of i). */
void tl_room_open(struct tl_scoreboard *sent, unsigned i, unsigned extra);

/* Removes `excess` entries at position i. O(entries on the shorter side of i). */
void tl_room_close(struct tl_scoreboard *sent, unsigned i, unsigned excess);

/* Whether two entries differ only in the bytes that they hold. */
bool tl_room_same_history(const struct tl_scoreboard_entry *a, const struct tl_scoreboard_entry *b);

/* Frees entries and openers, not the ring. */
void tl_room_free_entries(struct tl_scoreboard *sent);

/* ---- openers ----------------------------------------------------------------------------------------------------------- */

/* The entry above a hole usually is what the opener sent, and its first transmission is the opener. Only where the hole was
 * filled from above or in the middle, or opened by a segment without octets, the opener has to be stored: sorted, the key is
 * the end of the hole, the entry there has TL_SCOREBOARD_OPENER. (A hole right below max has no entry above.) */

/* Room for one more. False: no memory. */
bool tl_room_grow_openers(struct tl_scoreboard *sent);

/* Stores an opener, after tl_room_grow_openers. At TL_SCOREBOARD_OPENERS_MAX the lowest goes; its hole has no known opener then. */
void tl_room_put_opener(struct tl_scoreboard *sent, const struct tl_scoreboard_opener *opener);

/* Forgets the stored openers with keys in (low, high]. */
void tl_room_drop_openers(struct tl_scoreboard *sent, uint32_t low, uint32_t high);

/* The opener of the hole below entry i, or of the one below max if i is the number of entries. False and zeroes, `seq`
 * excepted: not known. */
bool tl_room_opener(const struct tl_scoreboard *sent, unsigned i, struct tl_scoreboard_opener *opener);

/* ---- ring -------------------------------------------------------------------------------------------------------------- */

/* The i-th newest, NULL past the end. */
struct tl_scoreboard_entry *tl_room_acked(const struct tl_scoreboard *sent, unsigned i);

/* The newest that holds byte seq, or NULL. */
struct tl_scoreboard_entry *tl_room_find_acked(const struct tl_scoreboard *sent, uint32_t seq);

/* Room for one more. A ring that cannot grow gives up its oldest instead; false only if there is no ring at all. */
bool tl_room_grow_acked(struct tl_scoreboard *sent);

/* Adds to the ring. An entry acknowledged piece by piece is put together again. False: no memory. */
bool tl_room_remember(struct tl_scoreboard *sent, const struct tl_scoreboard_entry *entry);

/* Before una moves on by `advance`: forgets what would lie more than TL_SCOREBOARD_JUMP_MAX below it, lest a number that has wrapped
 * be taken for an old one. O(1) amortised over the bytes acknowledged. */
void tl_room_age(struct tl_scoreboard *sent, uint32_t advance);

#endif
