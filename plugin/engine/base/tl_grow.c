/* tl_grow.c - how rings and arrays grow.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "base/tl_grow.h"

#include <string.h>

void *tl_grow(const struct tl_allocator *allocator, void *items, size_t size, unsigned capacity, unsigned first, unsigned to)
{
    unsigned char *larger = allocator->alloc(allocator->context, to * size);
    const unsigned char *old = items;

    if (larger && capacity > 0) {
        memcpy(larger, old + first * size, (capacity - first) * size);
        memcpy(larger + (capacity - first) * size, old, first * size);
        allocator->free(allocator->context, items, capacity * size);
    }
    return larger;
}

void *tl_grow_ring(const struct tl_allocator *allocator, void *items, size_t size, unsigned capacity, unsigned *newest)
{
    unsigned to = tl_grown(capacity), first = capacity > 0 ? (*newest + 1) % capacity : 0;
    void *larger = tl_grow(allocator, items, size, capacity, first, to);

    if (larger) {
        *newest = (capacity + to - 1) % to;
    }
    return larger;
}
