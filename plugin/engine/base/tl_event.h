/* tl_event.h - flags and length of a segment as one event.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TL_EVENT_H
#define TL_EVENT_H

#include "tl.h"

enum tl_event {
    TL_EVENT_NOTHING, /* neither ACK nor SYN, FIN or RST: no sender makes it after the handshake began */
    TL_EVENT_SYN,
    TL_EVENT_SYNACK,
    TL_EVENT_ACK, /* no payload */
    TL_EVENT_DATA,
    TL_EVENT_FIN, /* with or without payload */
    TL_EVENT_RST,
};

/* The event of a segment, and whether its flags are a combination that TCP sends (RFC 9293 3.1, 3.10). SYN wins over FIN:
 * a receiver looks at SYN first (3.10.7.4). RST wins over all. O(1). */
enum tl_event tl_event_of(unsigned flags, uint32_t len, bool *legal);

/* Sequence numbers that a segment occupies: payload, SYN and FIN (RFC 9293 3.4, SEG.LEN); none for RST, whose payload is text
 * (3.5.2). O(1). */
static inline uint32_t tl_event_length(unsigned flags, uint32_t len)
{
    return flags & TL_RST ? 0 : len + !!(flags & TL_SYN) + !!(flags & TL_FIN);
}

#endif
