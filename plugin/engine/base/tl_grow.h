/* tl_grow.h - how rings and arrays grow.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TL_GROW_H
#define TL_GROW_H

#include "tl.h"

/* The capacity after `capacity`: 1, 4, then twice as much. Always a power of two. One entry is all that many connections ever
 * need; those that need a second one mostly need some more. */
static inline unsigned tl_grown(unsigned capacity)
{
    return capacity == 0 ? 1U : capacity == 1 ? 4U : 2U * capacity;
}

/* Moves a ring of `capacity` places of `size` bytes into a larger one of `to` places, the place `first` to the front and the others
 * in their order behind it; an array is a ring with `first` 0. Returns the larger one; NULL when there is no memory: then nothing has
 * changed. O(capacity). */
void *tl_grow(const struct tl_allocator *allocator, void *items, size_t size, unsigned capacity, unsigned first, unsigned to);

/* The same for a full ring of which `newest` is the last place written; sets that to where the entry is now. */
void *tl_grow_ring(const struct tl_allocator *allocator, void *items, size_t size, unsigned capacity, unsigned *newest);

#endif
