/* tl_zeek_take.h - one packet of an emulated connection.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Internal to tl_zeek.
 */
#ifndef TL_ZEEK_TAKE_H
#define TL_ZEEK_TAKE_H

#include "record/tl_zeek.h"

enum tl_zeek_role { TL_ZEEK_ORIGINATOR, TL_ZEEK_RESPONDER };

/* Letters that a role gives once, or again only with another number. S and H count as one. */
enum tl_zeek_seen {
    TL_ZEEK_SEEN_SYN = 0x01,
    TL_ZEEK_SEEN_FIN = 0x02,
    TL_ZEEK_SEEN_RST = 0x04,
    TL_ZEEK_SEEN_I = 0x08,
    TL_ZEEK_SEEN_D = 0x10,
    TL_ZEEK_SEEN_A = 0x20,
    TL_ZEEK_SEEN_Q = 0x40
};

static inline enum tl_zeek_role tl_zeek_role_of(const struct tl_zeek *zeek, unsigned end)
{
    return end == zeek->originator ? TL_ZEEK_ORIGINATOR : TL_ZEEK_RESPONDER;
}

/* Whether the role of the end gave the letter before. O(1). */
static inline bool tl_zeek_has_told(const struct tl_zeek *zeek, unsigned end, enum tl_zeek_seen seen)
{
    return zeek->seen[tl_zeek_role_of(zeek, end)] & seen;
}

/* Gives the letter unless the role of the end gave it before. Returns whether it did. O(1). */
bool tl_zeek_tell_once(struct tl_zeek *zeek, unsigned end, enum tl_zeek_seen seen, char letter);

/* Takes any packet: letters, numbers, states and holes, in the order in which Zeek writes the letters. O(1). */
void tl_zeek_take(struct tl_zeek *zeek, const struct tl_segment *seg);

#endif
