/* tl_waits.h - what a connection waited for: every interval of its time belongs to exactly one cause.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The unit is the wait: from one event by which the connection gets on to the next. A SYN, new bytes, a FIN, a reset, a retransmission
 * that was needed are such events; a pure ACK, a probe, a copy are none. What ends a wait says what the wait was for. Rules:
 * docs/whole.md, "Waits".
 *
 * A view like the tally: the engine does not need it, only whoever makes a table of connections or shows waits pays for it.
 */
#ifndef TL_WAITS_H
#define TL_WAITS_H

#include "tl.h"

/* What time is booked on. Arrays of two ends: [CLASS + end of the pair]. */
enum tl_wait_class {
    TL_WAIT_CLASS_HANDSHAKE,
    TL_WAIT_CLASS_PROGRAM, /* of two ends */
    TL_WAIT_CLASS_NETWORK = TL_WAIT_CLASS_PROGRAM + 2,
    TL_WAIT_CLASS_LOSS,
    TL_WAIT_CLASS_CLOSED,                           /* window, of two ends */
    TL_WAIT_CLASS_SMALL = TL_WAIT_CLASS_CLOSED + 2, /* window, of two ends */
    TL_WAIT_CLASS_NAGLE = TL_WAIT_CLASS_SMALL + 2,
    TL_WAIT_CLASS_DELAYED_ACK,
    TL_WAIT_CLASS_IDLE,
    TL_WAIT_CLASS_UNKNOWN,
    TL_WAIT_CLASS_COUNT,
};

/* The sums of a row. */
enum tl_wait_sum {
    TL_WAIT_SUM_HANDSHAKE,
    TL_WAIT_SUM_CLIENT,
    TL_WAIT_SUM_SERVER,
    TL_WAIT_SUM_NETWORK,
    TL_WAIT_SUM_LOSS,
    TL_WAIT_SUM_NO_ANSWER,
    TL_WAIT_SUM_CLIENT_WINDOW,
    TL_WAIT_SUM_SERVER_WINDOW,
    TL_WAIT_SUM_SMALL_WINDOW,
    TL_WAIT_SUM_ACK,
    TL_WAIT_SUM_IDLE,
    TL_WAIT_SUM_UNKNOWN,
    TL_WAIT_SUM_COUNT,
};

/* A wait that a segment ended. */
struct tl_wait {
    int64_t ns;                              /* how long it was; 0 = the segment ended none */
    int64_t network_ns, program_ns, loss_ns; /* of it: under way; either end's program; loss */
    uint32_t since_in;                       /* frame of the event before */
    uint8_t reason;                          /* enum tl_wait_for, the largest share */
    uint8_t of;                              /* enum tl_side, whose program or window; NONE = no such reason */
    uint8_t confidence;                      /* enum tl_confidence of it */
};

/* The waits of a connection by now. Arrays of two are by role: 0 = client, 1 = server. */
struct tl_waits_now {
    int64_t ns[TL_WAIT_SUM_COUNT]; /* never negative; they add up to the time from the first to the newest segment */
    int64_t longest_ns[2];         /* longest single wait for a program; -1 = none */
    uint32_t longest_in[2];        /* frame that ends it; 0 = none */
    uint32_t answers;              /* turns of the server that answer bytes of the client */
    uint32_t limited[2];           /* new segments that left less than a full one of the known window */
    uint32_t acks;                 /* waits for Nagle's algorithm or a delayed ACK */
    uint8_t small_of;              /* enum tl_side, whose window was small; NONE = no such wait */
};

struct tl_wait_state;

/* What the SYN of an end offers, as waits need it. */
struct tl_wait_offer {
    uint32_t isn;
    uint32_t leg_us; /* least time from the capture point to this end and back by the handshake; 0 = not known */
    uint16_t mss;    /* 0 = not known */
    uint16_t window;
    uint8_t scale;
    bool has_syn, has_scale, has_timestamps;
    bool again; /* it came more than once: an answer may be to any of them */
};

/* The waits of a connection; start with all zero. Members are private. A connection that consists of SYNs and a reset needs no more. */
struct tl_waits {
    int64_t begin_ns, last_ns; /* first segment, newest time */
    int64_t since_ns;          /* the last event by which it got on */
    int64_t handshake_ns, loss_ns;
    int64_t silent_ns;           /* of loss_ns, since the other end was heard last */
    struct tl_wait_state *state; /* from the first segment that is neither SYN nor RST on; NULL also without memory */
    uint32_t since_in;           /* frame of since_ns */
    struct tl_wait_offer offer[2];
    uint8_t since_end;    /* end that sent it */
    uint8_t heard;        /* end heard last */
    bool any, lost, over; /* a segment came; memory ran out; a RST came */
};

/* Tells the next segment of the connection, copies and strays included, in capture order. `ended` may be NULL. Returns false when memory
 * ran out: the rest of the connection counts as unknown. O(1): at most TL_WAIT_REPORTS steps. */
bool tl_waits_add(struct tl_waits *waits, const struct tl_allocator *allocator, const struct tl_segment *segment,
                  const struct tl_result *result, struct tl_wait *ended);

/* The sums by now: what is under way counts by what is known of it. `client` is the end shown as the client. O(1). */
void tl_waits_now(const struct tl_waits *waits, unsigned client, struct tl_waits_now *now);

/* Frees what tl_waits_add() asked for. */
void tl_waits_clear(struct tl_waits *waits, const struct tl_allocator *allocator);

#endif
