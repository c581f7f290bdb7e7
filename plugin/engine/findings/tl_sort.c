/* tl_sort.c - sorts by heapsort: moves elements by their bytes.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "findings/tl_sort.h"

#include <assert.h>
#include <string.h>

/* Lets the element that belongs at `hole` or below, and is kept aside, find its place in the heap. */
static void sort_sift(char *elements, size_t hole, size_t count, size_t bytes, bool (*before)(const void *a, const void *b))
{
    char aside[TL_SORT_BYTES_MAX];

    memcpy(aside, elements + hole * bytes, bytes);
    for (size_t child; (child = 2 * hole + 1) < count; hole = child) {
        if (child + 1 < count && before(elements + child * bytes, elements + (child + 1) * bytes)) {
            child++;
        }
        if (!before(aside, elements + child * bytes)) {
            break;
        }
        memcpy(elements + hole * bytes, elements + child * bytes, bytes);
    }
    memcpy(elements + hole * bytes, aside, bytes);
}

void tl_sort(void *elements, size_t count, size_t bytes, bool (*before)(const void *a, const void *b))
{
    char *first = elements, last[TL_SORT_BYTES_MAX];

    assert(bytes <= TL_SORT_BYTES_MAX);
    for (size_t i = count / 2; i-- > 0;) {
        sort_sift(first, i, count, bytes, before);
    }
    for (size_t i = count; i-- > 1;) {
        memcpy(last, first + i * bytes, bytes);
        memcpy(first + i * bytes, first, bytes);
        memcpy(first, last, bytes);
        sort_sift(first, 0, i, bytes, before);
    }
}
