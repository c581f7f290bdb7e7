/* tl_account.h - everything that a row tells of a connection besides the engine's facts: counts, waits, course.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TL_ACCOUNT_H
#define TL_ACCOUNT_H

#include "views/tl_course.h"
#include "views/tl_tally.h"
#include "views/tl_waits.h"

/* Start with all zero. */
struct tl_account {
    struct tl_tally tally;
    struct tl_waits waits;
    struct tl_course course;
};

/* Tells the next segment of the connection, in capture order. Returns false when memory ran out: something is missing then. O(1). */
bool tl_account_add(struct tl_account *account, const struct tl_allocator *allocator, const struct tl_segment *segment,
                    const struct tl_result *result);

/* A retransmission of end `from` was proved to be spurious. `at_once` and `lost_at` are what the shape of its own answer said:
 * enum tl_spurious, enum tl_lost_at. */
void tl_account_prove(struct tl_account *account, unsigned from, unsigned at_once, unsigned lost_at);

/* Frees what tl_account_add() asked for. */
void tl_account_clear(struct tl_account *account, const struct tl_allocator *allocator);

#endif
