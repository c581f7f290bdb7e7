/* tl_course.h - the course that a connection took, for its row: timers, closed windows, silences, the reset, what the path did.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A view like the tally: only whoever makes a table of connections pays for it, and only what a connection has takes memory.
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
    uint32_t mss;     /* 0 = not known */
    uint32_t wscale;  /* UINT32_MAX = none */
    uint32_t ttl;     /* 0 = not known */
    uint16_t options; /* enum tl_option of its SYN */
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

struct tl_course_end;
struct tl_course_quiet;
struct tl_course_rst;

/* The course of a connection; start with all zero. Members are private. */
struct tl_course {
    int64_t last_ns;               /* newest segment */
    struct tl_course_end *end[2];  /* from the first payload, repetition, or closed window on */
    struct tl_course_quiet *quiet; /* from the first long silence, keep-alive, or FIN on */
    struct tl_course_rst *rst;     /* the reset of the row */
    uint32_t max[2], una[2];       /* of each end: sent up to, acknowledged up to; if has_max, has_una */
    uint32_t synack_after_ack;
    uint8_t ttl[2], votes[2]; /* TTL that most segments have, as far as a vote can tell */
    bool has_max[2], has_una[2];
    bool any, acked; /* a segment came; the client's ACK of the SYN-ACK did */
};

/* Tells the next segment of the connection, copies and strays included, in capture order. Returns false when memory ran out: something
 * is missing then. O(1). */
bool tl_course_add(struct tl_course *course, const struct tl_allocator *allocator, const struct tl_segment *segment,
                   const struct tl_result *result);

/* A later segment proved that a retransmission of end `from` was spurious, whose answer said `lost_at` (enum tl_lost_at). O(1). */
void tl_course_prove(struct tl_course *course, unsigned from, unsigned lost_at);

/* All that is known by now, with what the engine knows of the connection. `facts` are those of the same connection. O(1). */
void tl_course_now(const struct tl_course *course, const struct tl_conn *conn, const struct tl_facts *facts,
                   struct tl_course_now *now);

/* Frees what tl_course_add() asked for. */
void tl_course_clear(struct tl_course *course, const struct tl_allocator *allocator);

#endif
