/* tl_test_resent.h - what the tests of bytes sent again share.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TL_TEST_RESENT_H
#define TL_TEST_RESENT_H

#include "tl_test.h"

#define cause_is(t, CAUSE, SURE)                                                                                               \
    do {                                                                                                                       \
        t_is(t, segment, SEGMENT, RETRANSMISSION);                                                                             \
        t_is(t, retransmission, RETRANSMISSION, CAUSE);                                                                        \
        t_is(t, retransmission_confidence, CONFIDENCE, SURE);                                                                  \
    } while (0)

/* The client sends segment number `n` of its flight, from 0, once more. */
#define again(t, n, wait) t_send(t, CLIENT, .seq = 1001 + 10 * (n), .len = 10, .wait_ns = wait)

/* Not exactly at once: 0 would mean 1 ms to t_send. */
static inline int64_t wait_of(int64_t ns)
{
    return ns == 0 ? T_SAME_TIME : ns;
}

/* An open connection captured so far from the server and from the client, both there and back. The client sends. */
static inline void open_path(struct t_talk *t, uint16_t options, int64_t server_half_rtt_ns, int64_t client_half_rtt_ns)
{
    t_start(t);
    t_send(t, CLIENT, .flags = TL_SYN, .options = options);
    t_send(t, SERVER, .flags = TL_SYN | TL_ACK, .options = options, .wait_ns = wait_of(server_half_rtt_ns));
    t_send(t, CLIENT, .flags = TL_ACK, .wait_ns = wait_of(client_half_rtt_ns));
}

#endif
