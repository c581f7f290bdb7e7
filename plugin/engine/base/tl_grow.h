/* tl_grow.h - how rings and arrays grow.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TL_GROW_H
#define TL_GROW_H

/* The capacity after `capacity`: 1, 4, then twice as much. Always a power of two. One entry is all that many connections ever
 * need; those that need a second one mostly need some more. */
static inline unsigned tl_grown(unsigned capacity)
{
    return capacity == 0 ? 1U : capacity == 1 ? 4U : 2U * capacity;
}

#endif
