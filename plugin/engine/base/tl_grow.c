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
    unsigned to = tl_grown(capacity);
    void *larger;

    if (capacity == 0) {
        *newest = to - 1; /* the next one is the first */
        return allocator->alloc(allocator->context, to * size);
    }
    larger = tl_grow(allocator, items, size, capacity, (*newest + 1) % capacity, to);
    *newest = larger ? capacity - 1 : *newest;
    return larger;
}
