/* tl_test_opener.h - what a record knows of one hole.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TL_TEST_OPENER_H
#define TL_TEST_OPENER_H

#include "record/tl_scoreboard.h"
#include "record/tl_scoreboard_room.h"

/* The opener of the hole that holds byte seq; false if it is in none, or the opener is not known. */
static inline bool tl_test_opener_at(const struct tl_scoreboard *sent, uint32_t seq, struct tl_scoreboard_opener *opener)
{
    *opener = (struct tl_scoreboard_opener){0};
    return seq - sent->floor < sent->max - sent->floor && !tl_scoreboard_find(sent, seq) &&
           tl_room_opener(sent, tl_scoreboard_index(sent, seq), opener);
}

#endif
