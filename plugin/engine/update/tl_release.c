/* tl_release.c - gives back what a connection needs no longer once it has been closed for long.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "update/tl_release.h"

#include "rules/tl_rexmit.h"

/* No rule looks farther back than two maximum segment lifetimes, 240 s (TWO_MSL_NS in tl_pair.c, RFC 9293 3.4.2), and no timer is longer
 * than 144 s (tl_probe.c). */
static const int64_t RELEASE_NS = 300 * TL_SECOND;
/* One segment moves the clock no further: else a single forged time would release everything. An idle link only releases later. */
static const int64_t STEP_MOST_NS = TL_SECOND;

static bool release_is_closed(const struct tl_conn *conn)
{
    return conn->finished || conn->reset.ended || conn->superseded;
}

static void release_append(struct tl_tracker *tracker, struct tl_conn *conn)
{
    conn->release_ns = tracker->clock_ns;
    conn->release_in = conn->last_in;
    conn->later = NULL;
    if (tracker->last_closed) {
        tracker->last_closed->later = conn;
    } else {
        tracker->first_closed = conn;
    }
    tracker->last_closed = conn;
    conn->waits = true;
}

static void release_remove_first(struct tl_tracker *tracker)
{
    struct tl_conn *conn = tracker->first_closed;

    tracker->first_closed = conn->later;
    if (!tracker->first_closed) {
        tracker->last_closed = NULL;
    }
    conn->later = NULL;
    conn->waits = false;
}

static void release(struct tl_conn *conn)
{
    for (unsigned i = 0; i < 2; i++) {
        struct tl_endpoint *end = &conn->endpoint[i];

        tl_rexmit_free(end);
        tl_recent_keep_newest(&end->recent);
        if (end->sent) { /* what was sent last stays known */
            uint32_t max = tl_scoreboard_max(end->sent);

            tl_scoreboard_free(end->sent);
            tl_scoreboard_restart(end->sent, max);
        }
    }
    conn->fast_path = false;
}

void tl_release_tick(struct tl_tracker *tracker, int64_t time_ns)
{
    enum { AT_ONCE = 2 };

    if (time_ns > tracker->before_ns && tracker->ticks) {
        uint64_t since = (uint64_t)time_ns - (uint64_t)tracker->before_ns;

        tracker->clock_ns += since < (uint64_t)STEP_MOST_NS ? (int64_t)since : STEP_MOST_NS;
    }
    tracker->ticks = true;
    tracker->before_ns = time_ns;
    for (unsigned i = 0; i < AT_ONCE && tracker->first_closed; i++) {
        struct tl_conn *conn = tracker->first_closed;

        if (tracker->clock_ns - conn->release_ns < RELEASE_NS) {
            return;
        }
        release_remove_first(tracker);
        if (!release_is_closed(conn)) {
            continue; /* its RST was taken back */
        }
        if (conn->last_in != conn->release_in) {
            release_append(tracker, conn); /* it was heard since */
        } else {
            release(conn);
        }
    }
}

void tl_release_watch(struct tl_conn *conn)
{
    if (!conn->waits && release_is_closed(conn)) {
        release_append(conn->pair->tracker, conn);
    }
}

void tl_release_forget(struct tl_conn *conn)
{
    struct tl_tracker *tracker = conn->pair->tracker;
    struct tl_conn *before = NULL, *at = conn->waits ? tracker->first_closed : NULL;

    while (at && at != conn) {
        before = at;
        at = at->later;
    }
    if (!at) {
        return;
    }
    if (before) {
        before->later = conn->later;
    } else {
        tracker->first_closed = conn->later;
    }
    if (tracker->last_closed == conn) {
        tracker->last_closed = before;
    }
    conn->waits = false;
}
