/* frames.h - writes Ethernet frames with TCP and UDP to a pcap file, and counts what it wrote.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Shared by the mixes of make_capture. Everything is a function of the arguments of the program: no clock, no other source of
 * chance than frames_random(). The first SNAP bytes of each frame are captured: headers, and zeroes for payload.
 */
#ifndef FRAMES_H
#define FRAMES_H

#include <stdbool.h>
#include <stdint.h>

enum { FIN = 0x01, SYN = 0x02, RST = 0x04, PSH = 0x08, ACK = 0x10 };

enum {
    MSS_V4 = 1448,       /* payload bytes of a full segment: 1500 - 20 (IPv4) - 20 - 12 (timestamps) */
    MSS_V6 = 1428,       /* the same for IPv6 */
    SACK_BLOCKS_MAX = 3, /* that fit beside timestamps (RFC 2018 3) */
};

/* One end of one connection, or of a UDP exchange. */
struct end {
    uint32_t address; /* IPv4; the low 32 bits of an IPv6 address */
    uint32_t seq;     /* next sequence number to send */
    uint32_t ack;     /* next sequence number expected */
    uint32_t tsecr;   /* timestamp to echo, ms */
    uint16_t port;
    uint16_t ip_id; /* of the next packet */
    bool ipv6;
};

/* What frames_put() writes as it is told. */
struct segment {
    uint32_t seq, ack, len; /* len: payload bytes on the wire */
    uint32_t tsval, tsecr;  /* ms */
    uint16_t ip_id;
    uint8_t flags;
    uint8_t sack_count;
    uint32_t sack[SACK_BLOCKS_MAX][2]; /* left and right edge, most recent block first (RFC 2018 4) */
};

/* What was written, in frames unless it says otherwise. */
struct counts {
    uint64_t frames, tcp, udp;
    uint64_t connections;     /* TCP connections of which at least one segment was written */
    uint64_t retransmissions; /* segments whose payload stands in an earlier frame, too */
    uint64_t filled;          /* segments sent again whose first transmission was lost before the point of capture */
    uint64_t reordered;       /* segments captured behind later ones of the same end */
    uint64_t sacks;           /* segments with SACK blocks */
};

/* Starts the file on standard output. It ends after `wanted` frames: what is sent after that is dropped and not counted. */
void frames_begin(uint64_t wanted);

/* Whether the file is full. */
bool frames_full(void);

/* The counts, which callers that know more (retransmissions) add to only if the frame is written: see frames_put(). */
struct counts *frames_counts(void);

/* The clock: microseconds since 1970, moved by the mixes. A frame has the time at which it is written. */
void frames_wait(int64_t microseconds);
uint32_t frames_ms(void);

/* The next number of a fixed sequence (xorshift64*), below `limit`, which is not 0. */
uint32_t frames_random(uint32_t limit);

/* Writes one TCP segment; changes neither end. Returns false when the file is full. */
bool frames_put(const struct end *from, const struct end *to, const struct segment *segment);

/* Sends the next segment of `from`: numbers, acknowledgment, timestamps and IP ID follow from the ends, which go on. */
void frames_send(struct end *from, struct end *to, unsigned flags, uint32_t len);

/* Writes one UDP datagram with `len` bytes, the first `size` of them from `payload`. */
void frames_udp(struct end *from, const struct end *to, const uint8_t *payload, uint32_t size, uint32_t len);

/* The ends of connection number `n`: end[0] is the client. Up to 16,000,000 of them share no address and port. */
void frames_ends(struct end end[2], uint32_t n, bool ipv6);

#endif
