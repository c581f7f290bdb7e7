/* tl_clock.h - in which order, and when, a sender sent its segments: IP ID and timestamps.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The order in a capture is the order of passing, not of sending. Hosts that count up the IP ID, or send timestamps, leave a
 * trace of the order of sending. The timestamp clock also tells when a segment left although the path held it back.
 */
#ifndef TL_CLOCK_H
#define TL_CLOCK_H

#include "tl.h"

struct tl_clock {
    int64_t first_ns; /* when the first TSval passed */
    int64_t tick_ns;  /* of the timestamp clock; 0 = not known yet */
    /* Least of (time - tick * TSval), this window and the one before: how a segment passes that nothing holds back. Windows,
     * because two clocks drift apart. */
    int64_t least_ns[2];
    int64_t window_ns; /* when this window began */
    uint32_t first_tsval;
    uint32_t id_steps; /* steps of the IP ID seen */
    uint32_t id_small; /* of them small steps */
    uint8_t id_close;  /* those of them that are very small; stops at 255 */
    uint16_t id_last;
    bool has_tsval;
    bool has_id;
};

/* Learns from a segment in capture order; copies left out. O(1). */
void tl_clock_learn(struct tl_clock *clock, const struct tl_segment *segment);

/* Whether the sender counts up its IP ID: nine of ten steps between -200 and 2000 (measured on Linux, which counts per
 * connection or, with other traffic, in small jumps). O(1). */
bool tl_clock_counts_ids(const struct tl_clock *clock);

/* When the sender sent a segment that passed at time_ns with this TSval. The same as time_ns unless the path had held it back
 * for at least 3 ms by the sender's clock. O(1). */
int64_t tl_clock_sent_at(const struct tl_clock *clock, int64_t time_ns, uint32_t tsval, bool has_tsval);

/* Which of two transmissions was sent first. Both are given as IP ID (0 = none) and TSval. Returns -1 if a was sent before b,
 * 1 if after, 0 if these numbers do not say. O(1). */
int tl_clock_order(const struct tl_clock *clock, uint16_t id_a, uint16_t id_b, uint32_t tsval_a, uint32_t tsval_b,
                   bool has_tsval);

#endif
