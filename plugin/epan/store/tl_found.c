/* tl_found.c - the marks of a report, by the running numbers of the connections.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "store/tl_found.h"

#include <glib.h>

static struct {
    struct tl_finding_mark *marks; /* ascending by connection */
    uint32_t count;
    bool is_set;
} found;

void tl_found_clear(void)
{
    g_free(found.marks);
    found.marks = NULL;
    found.count = 0;
    found.is_set = false;
}

void tl_found_set(const struct tl_finding_mark *marks, uint32_t count)
{
    tl_found_clear();
    found.marks = g_new(struct tl_finding_mark, MAX(count, 1));
    for (uint32_t i = 0; i < count; i++)
        found.marks[i] = marks[i];
    found.count = count;
    found.is_set = true;
}

bool tl_found_is_set(void)
{
    return found.is_set;
}

const struct tl_finding_mark *tl_found_of(uint32_t conn, unsigned *count)
{
    uint32_t low = 0, high = found.count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (found.marks[middle].conn < conn)
            low = middle + 1;
        else
            high = middle;
    }
    *count = 0;
    while (low + *count < found.count && found.marks[low + *count].conn == conn)
        ++*count;
    return *count > 0 ? &found.marks[low] : NULL;
}
