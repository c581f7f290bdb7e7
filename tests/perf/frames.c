/* frames.c - see frames.h.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "frames.h"

#include <stdio.h>
#include <string.h>

enum {
    SNAP = 96,     /* bytes captured of a frame, as `tcpdump -s 96` does */
    ETHERNET = 14, /* bytes of header, here and below */
    IPV4 = 20,
    IPV6 = 40,
    TCP = 20,
    UDP = 8,
    PROTOCOL_TCP = 6,
    PROTOCOL_UDP = 17,
    OPTIONS_MAX = 40,   /* bytes (RFC 9293 3.1) */
    PORT_FIRST = 49152, /* clients use the dynamic ports, which belong to no protocol (RFC 6335 6) */
    PORTS = 16384,
    WINDOW_SYN = 64240, /* as Linux offers, not scaled */
    WINDOW = 501,       /* 64128 bytes with a shift of 7 */
};

static int64_t now_us = INT64_C(1700000000000000);
static uint64_t state = UINT64_C(0x9E3779B97F4A7C15);
static uint64_t wanted;
static struct counts counts;

/* ---- clock, chance, counts ---------------------------------------------------------------------------------------------- */

void frames_wait(int64_t microseconds)
{
    now_us += microseconds;
}

uint32_t frames_ms(void)
{
    return (uint32_t)(now_us / 1000);
}

uint32_t frames_random(uint32_t limit)
{
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return (uint32_t)((state * UINT64_C(2685821657736338717)) >> 33) % limit;
}

bool frames_full(void)
{
    return counts.frames >= wanted;
}

struct counts *frames_counts(void)
{
    return &counts;
}

/* ---- bytes -------------------------------------------------------------------------------------------------------------- */

static void put16(uint8_t *p, unsigned v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
    put16(p, v >> 16);
    put16(p + 2, v & 0xFFFF);
}

static void write_record(const uint8_t *frame, uint32_t length)
{
    uint32_t captured = length < SNAP ? length : SNAP;
    uint32_t record[4] = {(uint32_t)(now_us / 1000000), (uint32_t)(now_us % 1000000), captured, length};

    fwrite(record, sizeof record, 1, stdout);
    fwrite(frame, captured, 1, stdout);
    counts.frames++;
}

void frames_begin(uint64_t wanted_frames)
{
    uint32_t header[6] = {0xA1B2C3D4u, 2 | 4u << 16, 0, 0, SNAP, 1};

    wanted = wanted_frames;
    fwrite(header, sizeof header, 1, stdout);
}

/* Ethernet and IP in front of `payload` bytes. Returns the length of both. */
static uint32_t put_ip(uint8_t *frame, const struct end *from, const struct end *to, unsigned protocol, uint16_t ip_id,
                       uint32_t payload)
{
    static const uint8_t ethernet[ETHERNET] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2};
    uint8_t *ip = frame + ETHERNET;

    memcpy(frame, ethernet, sizeof ethernet);
    put16(frame + 12, from->ipv6 ? 0x86DD : 0x0800);
    if (from->ipv6) {
        ip[0] = 0x60;
        put16(ip + 4, payload);
        ip[6] = (uint8_t)protocol;
        ip[7] = 64;
        put32(ip + 8, 0x20010DB8);
        put32(ip + 20, from->address);
        put32(ip + 24, 0x20010DB8);
        put32(ip + 36, to->address);
        return ETHERNET + IPV6;
    }
    ip[0] = 0x45;
    put16(ip + 2, IPV4 + payload);
    put16(ip + 4, ip_id);
    ip[6] = 0x40;
    ip[8] = 64;
    ip[9] = (uint8_t)protocol;
    put32(ip + 12, from->address);
    put32(ip + 16, to->address);
    return ETHERNET + IPV4;
}

/* The options of a SYN as Linux sends them: MSS, SACK permitted, timestamps, window scale. */
static uint32_t put_syn_options(uint8_t *p, const struct end *from, const struct segment *segment)
{
    static const uint8_t options[] = {2, 4, 5, 180, 4, 2, 8, 10, 0, 0, 0, 0, 0, 0, 0, 0, 1, 3, 3, 7};

    memcpy(p, options, sizeof options);
    if (from->ipv6)
        put16(p + 2, 1440);
    put32(p + 8, segment->tsval);
    put32(p + 12, segment->tsecr);
    return sizeof options;
}

/* The options of other segments: timestamps, and SACK blocks if there are any. */
static uint32_t put_options(uint8_t *p, const struct segment *segment)
{
    static const uint8_t timestamps[] = {1, 1, 8, 10}, sack[] = {1, 1, 5};
    uint8_t *start = p;

    memcpy(p, timestamps, sizeof timestamps);
    put32(p + 4, segment->tsval);
    put32(p + 8, segment->tsecr);
    p += 12;
    if (segment->sack_count == 0)
        return (uint32_t)(p - start);
    memcpy(p, sack, sizeof sack);
    p[3] = (uint8_t)(2 + 8 * segment->sack_count);
    p += 4;
    for (unsigned i = 0; i < segment->sack_count; i++, p += 8) {
        put32(p, segment->sack[i][0]);
        put32(p + 4, segment->sack[i][1]);
    }
    return (uint32_t)(p - start);
}

/* ---- TCP and UDP -------------------------------------------------------------------------------------------------------- */

bool frames_put(const struct end *from, const struct end *to, const struct segment *segment)
{
    uint8_t frame[SNAP + OPTIONS_MAX] = {0}, options[OPTIONS_MAX];
    bool refuses = segment->flags & RST && segment->seq == 0; /* a closed port knows neither options nor a window */
    uint32_t size, at;
    uint8_t *tcp;

    if (frames_full())
        return false;
    size = segment->flags & SYN ? put_syn_options(options, from, segment) : put_options(options, segment);
    if (refuses)
        size = 0;
    at = put_ip(frame, from, to, PROTOCOL_TCP, segment->ip_id, TCP + size + segment->len);
    tcp = frame + at;
    put16(tcp, from->port);
    put16(tcp + 2, to->port);
    put32(tcp + 4, segment->seq);
    put32(tcp + 8, segment->flags & ACK ? segment->ack : 0);
    tcp[12] = (uint8_t)((TCP + size) / 4 << 4);
    tcp[13] = segment->flags;
    put16(tcp + 14, refuses ? 0 : segment->flags & SYN ? WINDOW_SYN : WINDOW);
    put16(tcp + 16, (segment->seq * 31 + segment->ack * 17 + segment->tsval) >> 8 & 0xFFFF); /* copies alike, others not */
    memcpy(tcp + TCP, options, size);
    write_record(frame, at + TCP + size + segment->len);
    counts.tcp++;
    counts.sacks += segment->sack_count > 0;
    return true;
}

void frames_send(struct end *from, struct end *to, unsigned flags, uint32_t len)
{
    struct segment segment = {.seq = from->seq,
                              .ack = from->ack,
                              .len = len,
                              .tsval = frames_ms(),
                              .tsecr = from->tsecr,
                              .ip_id = from->ip_id++,
                              .flags = (uint8_t)flags};

    frames_put(from, to, &segment);
    from->seq += len + ((flags & SYN) != 0) + ((flags & FIN) != 0);
    to->ack = from->seq;
    to->tsecr = segment.tsval;
}

void frames_udp(struct end *from, const struct end *to, const uint8_t *payload, uint32_t size, uint32_t len)
{
    uint8_t frame[SNAP + OPTIONS_MAX] = {0};
    uint32_t at;

    if (frames_full())
        return;
    at = put_ip(frame, from, to, PROTOCOL_UDP, from->ip_id++, UDP + len);
    put16(frame + at, from->port);
    put16(frame + at + 2, to->port);
    put16(frame + at + 4, UDP + len);
    put16(frame + at + 6, 0x1234); /* not 0, which IPv6 does not allow; the payload to check it by is not captured */
    memcpy(frame + at + UDP, payload, size < SNAP - at - UDP ? size : SNAP - at - UDP);
    write_record(frame, at + UDP + len);
    counts.udp++;
}

void frames_ends(struct end end[2], uint32_t n, bool ipv6)
{
    memset(end, 0, 2 * sizeof end[0]);
    end[0] = (struct end){.address = 0x0A000000u + n / PORTS,
                          .port = (uint16_t)(PORT_FIRST + n % PORTS),
                          .seq = n * 2654435761u,
                          .ip_id = (uint16_t)(n * 7 + 1),
                          .ipv6 = ipv6};
    end[1] = (struct end){
        .address = 0xC0A80001u, .port = 443, .seq = n * 40503u + 7u, .ip_id = (uint16_t)(n * 11 + 1), .ipv6 = ipv6};
}
