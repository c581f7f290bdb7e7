/* tl_input.h - the only reader of Wireshark's TCP: the TCP headers of a frame, read and classified.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A small dissector stands in front of TCP in the "ip.proto" table. It sees every TCP header with its addresses and lengths, on
 * each pass, whether or not anybody wants a protocol tree; it notes what it sees and hands on to the real TCP. The
 * post-dissector asks for the list after the frame.
 *
 * Which TCP headers count: not those quoted in ICMP errors, not those of sampled packets (sFlow, IPFIX), not those of IP
 * fragments that were not reassembled, and not those whose first 16 bytes were not captured or whose header length is
 * impossible.
 */
#ifndef TL_INPUT_H
#define TL_INPUT_H

#include "base/tl_compat.h"

#include "../engine/tl.h"
#include "../engine/views/tl_waits.h"

/* One TCP header of the frame and what is thought of it. */
struct tl_header {
    struct tl_segment segment;
    struct tl_result result;
    struct tl_wait wait;    /* that it ended, if it was followed and is long enough to be shown */
    const uint8_t *payload; /* of a RST, as captured; valid as long as the frame is dissected. NULL = none */
    unsigned payload_size;
    bool decided; /* whether there is an answer */
    bool visited; /* whether the capture was read before, so that facts of the connection are final */
};

/* Registers the dissector in front of TCP and the store. `protocol` is tcplife's; while it is disabled everything passes
 * straight through. Call once, when protocols are registered. */
void tl_input_register(int protocol);

/* Puts the dissector in front of TCP. Call when protocols are handed off. */
void tl_input_handoff(void);

/* The TCP headers of the frame just dissected, outer ones first, and their `count`. If TCP was dissected without passing
 * through here (for instance by "Decode As" ip.proto 6 = tcp), reads the one TCP layer of `tree` instead; a tree that was not
 * built for display does not hold what is needed, and the count is 0. Valid until the next frame. Call once for each frame, TCP
 * or not: on the first pass it notes the time of the frame. */
const struct tl_header *tl_input_headers(packet_info *pinfo, proto_tree *tree, unsigned *count);

/* Forgets the frame. Call at its end. */
void tl_input_end(void);

#endif
