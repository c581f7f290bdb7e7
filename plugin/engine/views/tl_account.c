/* tl_account.c - tells each segment to all that a row is made of.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "views/tl_account.h"

bool tl_account_add(struct tl_account *account, const struct tl_allocator *allocator, const struct tl_segment *segment,
                    const struct tl_result *result)
{
    bool counted = tl_tally_add(&account->tally, allocator, segment, result);
    bool waited = tl_waits_add(&account->waits, allocator, segment, result, NULL);

    return tl_course_add(&account->course, allocator, segment, result) && counted && waited;
}

void tl_account_prove(struct tl_account *account, unsigned from, unsigned at_once, unsigned lost_at)
{
    bool known = at_once != TL_SPURIOUS_NONE && at_once != TL_SPURIOUS_NO && at_once != TL_SPURIOUS_UNKNOWN;

    tl_tally_prove(&account->tally, from, at_once);
    if (!known) {
        tl_course_prove(&account->course, from, lost_at);
    }
}

void tl_account_clear(struct tl_account *account, const struct tl_allocator *allocator)
{
    tl_tally_clear(&account->tally, allocator);
    tl_waits_clear(&account->waits, allocator);
    tl_course_clear(&account->course, allocator);
}
