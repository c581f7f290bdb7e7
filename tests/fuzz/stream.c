/* stream.c - see stream.h.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "stream.h"

#include <string.h>

enum { HEAD_BYTES = 2, ZEEK = 0x01, COLD = 0x02, FAILS = 0x80 };

/* Byte 0. */
enum { FROM = 0x01, PAIR_SHIFT = 1, SEQ_SHIFT = 3, ACK_SHIFT = 5, NO_SEGMENT = 0x80, TWO_BITS = 3 };
/* Byte 2. */
enum { LEN_SHIFT = 0, TIME_SHIFT = 2, WINDOW_SHIFT = 4, HAS_OPTIONS = 0x40, HAS_DETAILS = 0x80 };
/* The byte of details. */
enum { FIRST_OCTET = 0x01, LAST_OCTET = 0x02, /* 0x04 says nothing */ IPV6 = 0x08 };

/* How a number is told: the bytes that its distance from the usual takes. */
static const unsigned width[] = {0, 1, 2, 4};

/* How a time is told: 1 ms later, a step of the table, microseconds in 4 bytes, nanoseconds in 8. */
enum { TIME_USUAL, TIME_STEP, TIME_MICROS, TIME_NANOS };

static const int64_t usual_ns = 1000000, start_ns = INT64_C(1700000000000000000), micro_ns = 1000;
static const int64_t steps_ns[] = {
    0,         10000,     100000,     1000000,     5000000,       20000000,    40000000,    100000000,    200000000,
    250000000, 400000000, 1000000000, 3000000000,  6000000000,    60000000000, 75000000000, 241000000000, 7200000000000,
    -1000,     -1000000,  -100000000, -1000000000, -241000000000, INT64_MAX,
};
enum { STEPS = sizeof steps_ns / sizeof steps_ns[0], TTL_USUAL = 64, WINDOW_USUAL = 64240 };

static int64_t add_ns(int64_t time_ns, int64_t step_ns)
{
    return (int64_t)((uint64_t)time_ns + (uint64_t)step_ns); /* any time may come, so it may wrap */
}

static void begin(struct stream *stream, bool cold)
{
    stream->time_ns = start_ns;
    stream->at = HEAD_BYTES;
    for (unsigned pair = 0; pair < STREAM_PAIRS; pair++) {
        for (unsigned end = 0; end < 2; end++) {
            stream->end[pair][end].next = cold ? 0 : 0U - 2000 * (end + 1);
            stream->end[pair][end].window = WINDOW_USUAL;
        }
    }
}

/* What the segment changes of the usual. */
static void note(struct stream *stream, const struct stream_event *event)
{
    const struct tl_segment *seg = &event->segment;
    unsigned from = seg->from & 1;
    uint32_t end = seg->seq + seg->len + !!(seg->flags & TL_SYN) + !!(seg->flags & TL_FIN);

    stream->time_ns = seg->time_ns;
    stream->end[event->pair][from].window = seg->window;
    stream->end[event->pair][from].ip_id = seg->ip_id;
    if (seg->options & TL_OPT_TIMESTAMPS) {
        stream->end[event->pair][from].tsval = seg->tsval;
    }
    if (seg->flags & TL_SYN || (!(seg->flags & TL_RST) && end - stream->end[event->pair][from].next < 0x40000000)) {
        stream->end[event->pair][from].next = end;
    }
}

/* ---- reading ------------------------------------------------------------------------------------------------------------- */

static uint64_t get(struct stream *stream, unsigned bytes)
{
    uint64_t value = 0;

    for (unsigned i = 0; i < bytes && stream->at < stream->size; i++) {
        value |= (uint64_t)stream->bytes[stream->at++] << (8 * i);
    }
    return value;
}

/* A distance: the highest bit of its bytes is the sign. */
static uint32_t get_distance(struct stream *stream, unsigned bytes)
{
    uint32_t value = (uint32_t)get(stream, bytes);
    uint32_t sign = bytes > 0 ? 1U << (8 * bytes - 1) : 0;

    return (value ^ sign) - sign;
}

static int64_t get_time(struct stream *stream, unsigned how)
{
    switch (how) {
    case TIME_USUAL:
        return add_ns(stream->time_ns, usual_ns);
    case TIME_STEP:
        return add_ns(stream->time_ns, steps_ns[get(stream, 1) % STEPS]);
    case TIME_MICROS:
        return add_ns(stream->time_ns, (int64_t)(int32_t)get_distance(stream, 4) * micro_ns);
    default:
        return add_ns(stream->time_ns, (int64_t)get(stream, 8));
    }
}

static void get_options(struct stream *stream, const struct stream_event *event, struct tl_segment *seg)
{
    unsigned from = seg->from;

    seg->options = (uint16_t)get(stream, 2);
    if (seg->options & TL_OPT_MSS) {
        seg->mss = (uint16_t)get(stream, 2);
    }
    if (seg->options & TL_OPT_WINDOW_SCALE) {
        seg->window_scale = (uint8_t)get(stream, 1);
    }
    if (seg->options & TL_OPT_SACK) {
        seg->sack_count = (uint8_t)(get(stream, 1) % (TL_SACK_BLOCKS_MAX + 1));
        for (unsigned i = 0; i < seg->sack_count; i++) {
            seg->sack[i][0] = stream->end[event->pair][1 - from].next + get_distance(stream, 4);
            seg->sack[i][1] = seg->sack[i][0] + get_distance(stream, 4);
        }
    }
    if (seg->options & TL_OPT_TIMESTAMPS) {
        seg->tsval = stream->end[event->pair][from].tsval + get_distance(stream, 4);
        seg->tsecr = stream->end[event->pair][1 - from].tsval + get_distance(stream, 4);
    }
    if (seg->options & TL_OPT_FAST_OPEN) {
        seg->fast_open_bytes = (uint8_t)get(stream, 1);
    }
    if (seg->options & TL_OPT_MPTCP_RST) {
        seg->mptcp_rst_reason = (uint8_t)get(stream, 1);
    }
}

static void get_details(struct stream *stream, struct tl_segment *seg)
{
    unsigned bits = (unsigned)get(stream, 1);

    seg->ttl = (uint8_t)get(stream, 1);
    seg->ip_id = (uint16_t)(seg->ip_id + get_distance(stream, 2));
    seg->checksum = (uint16_t)get(stream, 2);
    seg->ipv6 = bits & IPV6;
    seg->has_octet = bits & FIRST_OCTET;
    seg->has_last_octet = bits & LAST_OCTET;
    seg->first_octet = seg->has_octet ? (uint8_t)get(stream, 1) : 0;
    seg->last_octet = seg->has_last_octet ? (uint8_t)get(stream, 1) : 0;
}

static void get_icmp(struct stream *stream, struct stream_event *event)
{
    event->kind = STREAM_ICMP;
    event->icmp_type = (unsigned)get(stream, 1);
    event->icmp_code = (unsigned)get(stream, 1);
    event->icmp_mtu = stream_is_too_big(event) ? (unsigned)get(stream, 2) : 0;
    event->segment.time_ns = stream->time_ns;
    event->segment.seq = stream->end[event->pair][event->segment.from].next + get_distance(stream, 4);
}

struct stream_head stream_read(struct stream *stream, const uint8_t *bytes, size_t size)
{
    struct stream_head head = {false, false, 0};

    memset(stream, 0, sizeof *stream);
    stream->bytes = bytes;
    stream->size = size;
    if (size >= HEAD_BYTES) {
        head = (struct stream_head){bytes[0] & ZEEK, bytes[0] & COLD, bytes[0] & FAILS ? bytes[1] : 0};
    }
    begin(stream, head.cold);
    return head;
}

struct stream_event stream_next(struct stream *stream)
{
    struct stream_event event = {.kind = STREAM_END};
    struct tl_segment *seg = &event.segment;
    unsigned who, how, from;

    if (stream->at >= stream->size) {
        return event;
    }
    who = (unsigned)get(stream, 1);
    seg->from = (uint8_t)(from = who & FROM);
    seg->frame = ++stream->frame;
    event.pair = who >> PAIR_SHIFT & (STREAM_PAIRS - 1);
    if (who & NO_SEGMENT) {
        get_icmp(stream, &event);
        return event;
    }
    event.kind = STREAM_SEGMENT;
    seg->flags = (uint8_t)get(stream, 1);
    how = (unsigned)get(stream, 1);
    seg->seq = stream->end[event.pair][from].next + get_distance(stream, width[who >> SEQ_SHIFT & TWO_BITS]);
    seg->ack = seg->flags & TL_ACK ? stream->end[event.pair][1 - from].next : 0;
    seg->ack += get_distance(stream, width[who >> ACK_SHIFT & TWO_BITS]);
    seg->len = (uint32_t)get(stream, width[how >> LEN_SHIFT & TWO_BITS]);
    seg->time_ns = get_time(stream, how >> TIME_SHIFT & TWO_BITS);
    seg->window = stream->end[event.pair][from].window;
    seg->window = (uint16_t)(seg->window + get_distance(stream, width[how >> WINDOW_SHIFT & TWO_BITS]));
    seg->ttl = TTL_USUAL;
    seg->ip_id = (uint16_t)(stream->end[event.pair][from].ip_id + 1);
    if (how & HAS_OPTIONS) {
        get_options(stream, &event, seg);
    }
    if (how & HAS_DETAILS) {
        get_details(stream, seg);
    }
    note(stream, &event);
    return event;
}

/* ---- writing ------------------------------------------------------------------------------------------------------------- */

static void put(struct stream *stream, uint64_t value, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++, stream->at++) {
        if (stream->at < stream->size) {
            stream->out[stream->at] = (uint8_t)(value >> (8 * i));
        }
    }
}

/* The least way to tell a number; `is_signed` as get_distance reads it. */
static unsigned how_to_tell(uint32_t value, bool is_signed)
{
    unsigned how = 0;

    while (how < TWO_BITS) {
        uint32_t half = is_signed && width[how] > 0 ? 1U << (8 * width[how] - 1) : 0;

        if ((uint64_t)(uint32_t)(value + half) >> (8 * width[how]) == 0) {
            break;
        }
        how++;
    }
    return how;
}

static unsigned how_to_tell_time(int64_t step_ns)
{
    if (step_ns == usual_ns) {
        return TIME_USUAL;
    }
    return step_ns % micro_ns == 0 && step_ns / micro_ns == (int32_t)(step_ns / micro_ns) ? TIME_MICROS : TIME_NANOS;
}

static void put_options(struct stream *stream, const struct stream_event *event)
{
    const struct tl_segment *seg = &event->segment;
    unsigned from = seg->from;

    put(stream, seg->options, 2);
    put(stream, seg->mss, seg->options & TL_OPT_MSS ? 2 : 0);
    put(stream, seg->window_scale, seg->options & TL_OPT_WINDOW_SCALE ? 1 : 0);
    if (seg->options & TL_OPT_SACK) {
        put(stream, seg->sack_count, 1);
        for (unsigned i = 0; i < seg->sack_count; i++) {
            put(stream, seg->sack[i][0] - stream->end[event->pair][1 - from].next, 4);
            put(stream, seg->sack[i][1] - seg->sack[i][0], 4);
        }
    }
    if (seg->options & TL_OPT_TIMESTAMPS) {
        put(stream, seg->tsval - stream->end[event->pair][from].tsval, 4);
        put(stream, seg->tsecr - stream->end[event->pair][1 - from].tsval, 4);
    }
    put(stream, seg->fast_open_bytes, seg->options & TL_OPT_FAST_OPEN ? 1 : 0);
    put(stream, seg->mptcp_rst_reason, seg->options & TL_OPT_MPTCP_RST ? 1 : 0);
}

static void put_details(struct stream *stream, const struct stream_event *event)
{
    const struct tl_segment *seg = &event->segment;
    unsigned bits = (seg->has_octet ? FIRST_OCTET : 0) | (seg->has_last_octet ? LAST_OCTET : 0) | (seg->ipv6 ? IPV6 : 0);

    put(stream, bits, 1);
    put(stream, seg->ttl, 1);
    put(stream, (uint16_t)(seg->ip_id - stream->end[event->pair][seg->from].ip_id - 1), 2);
    put(stream, seg->checksum, 2);
    put(stream, seg->first_octet, seg->has_octet ? 1 : 0);
    put(stream, seg->last_octet, seg->has_last_octet ? 1 : 0);
}

void stream_write(struct stream *stream, uint8_t *out, size_t size, const struct stream_head *head)
{
    memset(stream, 0, sizeof *stream);
    stream->out = out;
    stream->size = size;
    put(stream, (head->zeek ? ZEEK : 0) | (head->cold ? COLD : 0) | (head->fail_nth > 0 ? FAILS : 0), 1);
    put(stream, head->fail_nth, 1);
    begin(stream, head->cold);
}

static bool put_icmp(struct stream *stream, const struct stream_event *event)
{
    unsigned from = event->segment.from;

    put(stream, NO_SEGMENT | from | event->pair << PAIR_SHIFT, 1);
    put(stream, event->icmp_type, 1);
    put(stream, event->icmp_code, 1);
    if (stream_is_too_big(event)) {
        put(stream, event->icmp_mtu, 2);
    }
    put(stream, event->segment.seq - stream->end[event->pair][from].next, 4);
    return stream->at <= stream->size;
}

bool stream_put(struct stream *stream, const struct stream_event *event)
{
    const struct tl_segment *seg = &event->segment;
    unsigned from = seg->from;
    uint32_t seq = seg->seq - stream->end[event->pair][from].next;
    uint32_t ack = seg->ack - (seg->flags & TL_ACK ? stream->end[event->pair][1 - from].next : 0);
    uint32_t window = (uint32_t)(seg->window - stream->end[event->pair][from].window);
    int64_t step_ns = seg->time_ns - stream->time_ns;
    unsigned time = how_to_tell_time(step_ns), len = how_to_tell(seg->len, false), win = how_to_tell(window, true);

    if (event->kind == STREAM_ICMP) {
        return put_icmp(stream, event);
    }
    put(stream, from | event->pair << PAIR_SHIFT | how_to_tell(seq, true) << SEQ_SHIFT | how_to_tell(ack, true) << ACK_SHIFT,
        1);
    put(stream, seg->flags, 1);
    put(stream, len << LEN_SHIFT | time << TIME_SHIFT | win << WINDOW_SHIFT | (seg->options ? HAS_OPTIONS : 0) | HAS_DETAILS,
        1);
    put(stream, seq, width[how_to_tell(seq, true)]);
    put(stream, ack, width[how_to_tell(ack, true)]);
    put(stream, seg->len, width[len]);
    put(stream, (uint64_t)(time == TIME_MICROS ? step_ns / micro_ns : step_ns),
        time == TIME_MICROS  ? 4
        : time == TIME_NANOS ? 8
                             : 0);
    put(stream, window, width[win]);
    if (seg->options) {
        put_options(stream, event);
    }
    put_details(stream, event);
    note(stream, event);
    return stream->at <= stream->size;
}
