/* tl_path_mtu.h - segments that are too large for the path: ICMP errors that say so, and paths that swallow them in silence.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Rules: docs/design.md, "Path MTU". RFC 1191, RFC 8201, RFC 2923 2.1 (black holes), RFC 5927 4.1 (which ICMP error counts).
 */
#ifndef TL_PATH_MTU_H
#define TL_PATH_MTU_H

#include "conn/tl_conn.h"

/* What the path has shown to the segments of one end. Made when there is something to keep; private, but for tests. */
struct tl_mtu_seen {
    int64_t icmp_ns;     /* the ICMP error that counts now */
    int64_t drawn_ns;    /* it, or the last segment that it drew */
    int64_t sure_ns;     /* the timeout that made the black hole known */
    uint32_t icmp_in;    /* frame; 0 = none */
    uint32_t first_in;   /* frame of the first one */
    uint32_t mtu, least; /* that it names, and the least that any named; 0 = none */
    uint32_t sent_end;   /* what the end had sent when it came */
    uint32_t drawn_end;  /* where the last segment ended that it drew, if drew */
    uint32_t seq, size;  /* the segment that the timer repeats: first number, payload; size 0 = none */
    uint32_t lost;       /* payload of the segment that showed a black hole; 0 = none */
    uint8_t timeouts;    /* of it, at that size; stops at 255 */
    uint8_t confidence;  /* enum tl_confidence of the black hole */
    bool drew;
    bool cut; /* it was sent in smaller segments since */
};

/* What is known of a connection's path by now. */
struct tl_path_mtu_now {
    uint8_t kind;       /* enum tl_path_mtu */
    uint8_t confidence; /* enum tl_confidence of it */
    uint32_t icmp_in;   /* frame of the first ICMP error that counts; 0 = none */
    uint32_t mtu;       /* the least that such an error names, octets of IP packet; 0 = none did */
    uint32_t lost;      /* black hole: payload of the segment that did not get through, bytes */
};

/* An ICMP error, its time on the pair's clock. False, and nothing is learnt, unless the segment that it quotes is one of this
 * connection, captured, not acknowledged, and larger than the MTU that the error names. O(log n). */
bool tl_path_mtu_take(struct tl_conn *conn, const struct tl_too_big *error);

/* Whether an ICMP error draws this retransmission of bytes last sent as `previous`: they were outstanding at the error, too large for
 * what it says, fit now, and come at most `most_ns` after it or after the last ones that it drew. O(1). */
bool tl_path_mtu_draws(const struct tl_step *step, const struct tl_scoreboard_entry *previous, int64_t most_ns);

/* The segment was applied: what it drew or shows of the path. O(1), at a timeout O(entries not acknowledged). */
void tl_path_mtu_learn(struct tl_step *step);

/* Whether the next ACK tells nothing of the segments of this end. O(1). */
bool tl_path_mtu_is_quiet(const struct tl_endpoint *end);

/* O(1). */
void tl_path_mtu_now(const struct tl_conn *conn, struct tl_path_mtu_now *now);

/* Frees what is kept of this end. */
void tl_path_mtu_free(const struct tl_allocator *allocator, struct tl_endpoint *end);

#endif
