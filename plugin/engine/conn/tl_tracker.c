/* tl_tracker.c - what all connections of a capture share: memory, numbers, the clock.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "conn/tl_conn.h"

struct tl_tracker *tl_tracker_new(const struct tl_allocator *allocator)
{
    struct tl_tracker *tracker = allocator->alloc(allocator->context, sizeof *tracker);

    if (tracker) {
        tracker->allocator = *allocator;
    }
    return tracker;
}

void tl_tracker_free(struct tl_tracker *tracker)
{
    if (tracker) {
        tl_hosts_free(&tracker->hosts, &tracker->allocator);
        tracker->allocator.free(tracker->allocator.context, tracker, sizeof *tracker);
    }
}

void tl_tracker_view_zeek(struct tl_tracker *tracker, bool follow)
{
    tracker->views_zeek = follow;
}

int64_t tl_tracker_time(const struct tl_tracker *tracker, int64_t time_ns)
{
    uint64_t ahead = (uint64_t)time_ns - (uint64_t)tracker->base_ns, behind = (uint64_t)tracker->base_ns - (uint64_t)time_ns;

    if (time_ns >= tracker->base_ns) {
        return ahead < (uint64_t)TL_TIME_SPAN_NS ? (int64_t)ahead : TL_TIME_SPAN_NS;
    }
    return behind < (uint64_t)TL_TIME_SPAN_NS ? -(int64_t)behind : -TL_TIME_SPAN_NS;
}
