/* stream.h - a fuzzer's input as a stream of segments of several connections, and back.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Random bytes as raw headers hardly ever fit each other. So numbers are told as distances from what the sender would send
 * next, times as distances from the segment before, and what is usual takes no bytes: then a changed byte is a slightly odd
 * conversation. Everything that struct tl_segment can hold can be told, so that every scenario of tests/cases is an input.
 *
 * An input is two bytes (struct stream_head), then records:
 *   byte 0     end, pair, how seq and ack are told; or, with the highest bit, an event that is no segment
 *   byte 1     flags of TCP
 *   byte 2     how length, time and window are told; whether options and details follow
 *   then       the numbers, as told, least byte first
 */
#ifndef FUZZ_STREAM_H
#define FUZZ_STREAM_H

#include "tl.h"

enum { STREAM_PAIRS = 4 };

/* What the whole input is run with. */
struct stream_head {
    bool zeek;        /* connections are followed as Zeek sees them */
    bool cold;        /* numbers start at 0, else near the wrap */
    uint8_t fail_nth; /* every n-th request for memory fails; 0 = none does */
};

enum stream_kind { STREAM_END, STREAM_SEGMENT, STREAM_ICMP };

struct stream_event {
    enum stream_kind kind;
    unsigned pair;
    struct tl_segment segment;     /* STREAM_ICMP: frame, from, seq and time only */
    unsigned icmp_type, icmp_code; /* STREAM_ICMP */
    unsigned icmp_mtu;             /* the same, if stream_is_too_big() */
};

/* Whether an event of kind STREAM_ICMP says that a packet is too large: by ICMPv6 (type 2), or by ICMP (type 3, code 4). */
static inline bool stream_is_too_big(const struct stream_event *event)
{
    return event->icmp_type == 2 || (event->icmp_type == 3 && event->icmp_code == 4);
}

/* What both the reader and the writer know of the stream so far. */
struct stream {
    const uint8_t *bytes; /* reader */
    uint8_t *out;         /* writer */
    size_t at, size;      /* position; bytes that there are, or that there is room for */
    int64_t time_ns;
    uint32_t frame;
    struct {
        uint32_t next; /* what this end sends next, if all goes well */
        uint32_t tsval;
        uint16_t window, ip_id;
    } end[STREAM_PAIRS][2];
};

/* Starts reading. `bytes` must stay. */
struct stream_head stream_read(struct stream *stream, const uint8_t *bytes, size_t size);

/* The next event; STREAM_END when the bytes are used up. Total: any bytes are a stream. */
struct stream_event stream_next(struct stream *stream);

/* Starts writing into `size` bytes. */
void stream_write(struct stream *stream, uint8_t *out, size_t size, const struct stream_head *head);

/* Appends an event so that stream_next gives it back. False: no room left. */
bool stream_put(struct stream *stream, const struct stream_event *event);

#endif
