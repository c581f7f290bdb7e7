/* tl_sort.h - sorts in place, without memory and without a worst case.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TL_SORT_H
#define TL_SORT_H

#include <stdbool.h>
#include <stddef.h>

enum { TL_SORT_BYTES_MAX = 64 };

/* Sorts `count` elements of `bytes` <= TL_SORT_BYTES_MAX each. `before` has to order them totally: equal elements end up in no
 * particular order. The C library's qsort() takes memory of its own, and quadratic time from who knows how to ask for it.
 * O(n log n) always (heapsort). */
void tl_sort(void *elements, size_t count, size_t bytes, bool (*before)(const void *a, const void *b));

#endif
