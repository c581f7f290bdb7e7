/* tl_course.h - the course that a connection took, for its row: timers, closed windows, silences, what the path did.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A view like the tally: only whoever makes a table of connections pays for it.
 */
#ifndef TL_COURSE_H
#define TL_COURSE_H

#include "tl.h"

/* What is said of one end. Times in ns; -1 = not known, or there was none. */
struct tl_course_end_now {
    int64_t timer_ns; /* waits before its retransmissions by timer, together */
    int64_t timer_max_ns;
    int64_t zero_window_ns; /* its window was closed so long */
    int64_t reply_min_ns;   /* least time from the capture point to it and back */
    uint64_t window_max;    /* bytes */
    uint32_t timer_max_in;  /* frame */
    uint32_t lost_before, lost_after;
    uint32_t acked_resends;
    uint32_t sack_bad;
    uint32_t window_limited; /* segments */
    uint32_t mss;            /* 0 = not known */
    uint32_t wscale;         /* UINT32_MAX = none */
    uint32_t ttl;            /* 0 = not known */
    uint16_t options;        /* enum tl_option of its SYN */
};

/* What is said of the connection. Arrays of two are by role: 0 = client, 1 = server. Frames: 0 = none; times: -1 = none. */
struct tl_course_now {
    struct tl_course_end_now end[2];
    int64_t rst_delay_ns, rst_silence_ns;
    int64_t idle_survived_ns, idle_failed_ns, keepalive_idle_ns;
    int64_t owed_for_ns, fin_silence_ns, after_fin_ns, reuse_elapsed_ns;
    uint64_t rst_unacked, owed_bytes, after_fin_bytes;
    uint32_t rst_ttl, rst_trigger_in;
    uint32_t synack_after_ack;
    uint32_t stuck_size, stuck_count, passed_size;
    uint32_t icmp_in, icmp_mtu;
    uint32_t icmp_type, icmp_code; /* UINT32_MAX = not known */
    uint8_t still_closed;          /* enum tl_side */
    uint8_t owed_by;               /* enum tl_side */
};

#endif
