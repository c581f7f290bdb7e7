/* tl_waits.h - what a connection waited for: every interval of its time belongs to exactly one cause.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A view like the tally: the engine does not need it, only whoever makes a table of connections or shows waits pays for it.
 */
#ifndef TL_WAITS_H
#define TL_WAITS_H

#include "tl.h"

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

/* The waits of a connection by now. Arrays of two are by role: 0 = client, 1 = server. */
struct tl_waits_now {
    int64_t ns[TL_WAIT_SUM_COUNT]; /* never negative; they add up to the time from the first to the newest segment */
    int64_t longest_ns[2];         /* longest single wait for a program; -1 = none */
    uint32_t longest_in[2];        /* frame that ends it; 0 = none */
    uint32_t answers;              /* turns of the server that answer bytes of the client */
    uint32_t acks;                 /* waits for Nagle's algorithm or a delayed ACK */
    uint8_t small_of;              /* enum tl_side, whose window was small; NONE = no such wait */
};

#endif
