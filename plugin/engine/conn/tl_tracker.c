/* tl_tracker.c - what all connections of a capture share: memory and numbers; and the clock of a pair.
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

/* to - from, at most `limit` away from 0. */
static int64_t tracker_between(int64_t from, int64_t to, int64_t limit)
{
    uint64_t ahead = (uint64_t)to - (uint64_t)from, behind = (uint64_t)from - (uint64_t)to;

    if (to >= from) {
        return ahead < (uint64_t)limit ? (int64_t)ahead : limit;
    }
    return behind < (uint64_t)limit ? -(int64_t)behind : -limit;
}

int64_t tl_ns_between(int64_t from, int64_t to)
{
    return tracker_between(from, to, INT64_MAX);
}

int64_t tl_pair_time(const struct tl_pair *pair, int64_t time_ns)
{
    return tracker_between(pair->base_ns, time_ns, TL_TIME_SPAN_NS);
}

/* The capture time that is `ours` before `time_ns`, at the limits where there is none. */
static int64_t tracker_base_for(int64_t time_ns, int64_t ours)
{
    if (ours > 0) {
        return time_ns > INT64_MIN + ours ? time_ns - ours : INT64_MIN;
    }
    return time_ns < INT64_MAX + ours ? time_ns - ours : INT64_MAX;
}

int64_t tl_pair_tick(struct tl_pair *pair, int64_t time_ns)
{
    int64_t since = tracker_between(pair->last_ns, time_ns, TL_TIME_JUMP_NS);

    if (!pair->has_base) {
        pair->base_ns = tracker_base_for(time_ns, TL_SECOND);
        pair->has_base = true;
    } else if (since == TL_TIME_JUMP_NS || since == -TL_TIME_JUMP_NS) {
        pair->jump_ns = tracker_between(0, tl_pair_time(pair, pair->last_ns) + since, TL_TIME_SPAN_NS);
        pair->base_ns = tracker_base_for(time_ns, pair->jump_ns);
        pair->has_jump = true;
    }
    pair->last_ns = time_ns;
    return tl_pair_time(pair, time_ns);
}
