/* tl_parse.h - the bytes of a TCP header -> struct tl_segment.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TL_PARSE_H
#define TL_PARSE_H

#include "../engine/tl.h"

enum {
    TL_HEADER_MIN = 20,    /* bytes of a TCP header without options (RFC 9293 3.1) */
    TL_HEADER_NEEDED = 16, /* captured bytes that an answer needs: ports to window; Wireshark 4.0 draws the same line */
};

/* Big-endian numbers at `bytes`, which has 2 or 4 of them. */
static inline uint16_t tl_get16(const uint8_t *bytes)
{
    return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

static inline uint32_t tl_get32(const uint8_t *bytes)
{
    return (uint32_t)tl_get16(bytes) << 16 | tl_get16(bytes + 2);
}

/* Reads a TCP header into the members of `segment` that a TCP header tells: seq, ack, len, window, checksum, flags, options and
 * the first and the last payload byte. The other members are left alone, and those of options that are absent too (start from
 * zeroes).
 *
 * `bytes` has `captured` bytes from the start of the header on. `reported` is the length of header and payload on the wire, by
 * the IP header. Options that were not captured count as a broken option list. Returns false, with nothing written, when fewer
 * than TL_HEADER_NEEDED bytes were captured, or the header's own length is below 20 or above `reported`. Never reads beyond
 * `captured`. O(1). Source: RFC 9293 3.1. */
bool tl_parse_header(const uint8_t *bytes, size_t captured, size_t reported, struct tl_segment *segment);

#endif
