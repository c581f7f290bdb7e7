/* tl_test.h - what the unit tests share.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TL_TEST_H
#define TL_TEST_H

/* cmocka.h wants these before it, in this order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "tl.h"

/* A pointer to a segment: SEGMENT(.seq = 1000, .len = 10, .flags = TL_ACK). What is not named is 0. */
#define SEGMENT(...) (&(struct tl_segment){__VA_ARGS__})

/* An allocator that counts and fails on demand. Start with all zero: it never fails. */
struct tl_test_memory {
    struct tl_allocator allocator; /* set by tl_test_memory_init */
    unsigned requests;             /* allocations asked for */
    unsigned live;                 /* allocations not freed */
    unsigned fail_at;              /* the number of the request that fails, from 1; 0 = none */
    bool fail_after;               /* all later ones fail too */
};

enum { TL_TEST_PREFIX = 16 }; /* bytes before a block, which stays aligned: they hold its length */

static inline void *tl_test_alloc(void *context, size_t bytes)
{
    struct tl_test_memory *memory = context;
    void *block;

    memory->requests++;
    if (memory->fail_at &&
        (memory->requests == memory->fail_at || (memory->fail_after && memory->requests > memory->fail_at))) {
        return NULL;
    }
    block = calloc(1, TL_TEST_PREFIX + bytes);
    if (!block) {
        return NULL;
    }
    memory->live++;
    *(size_t *)block = bytes;
    return (char *)block + TL_TEST_PREFIX;
}

static inline void tl_test_free(void *context, void *block, size_t bytes)
{
    struct tl_test_memory *memory = context;
    size_t *asked;

    if (!block) {
        return;
    }
    asked = (size_t *)(void *)((char *)block - TL_TEST_PREFIX);
    assert_int_equal(bytes, *asked);
    memory->live--;
    free(asked);
}

/* Sets the allocator up; `memory` must not move afterwards. */
static inline void tl_test_memory_init(struct tl_test_memory *memory)
{
    *memory = (struct tl_test_memory){.allocator = {tl_test_alloc, tl_test_free, NULL}};
    memory->allocator.context = memory;
}

/* The next number of a fixed sequence (xorshift32); *state must not be 0. The same everywhere, unlike rand. */
static inline uint32_t tl_test_random(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

/* A number from 0 to below - 1. */
static inline uint32_t tl_test_below(uint32_t *state, uint32_t below)
{
    return tl_test_random(state) % below;
}

/* ---- a conversation, told segment by segment ---------------------------------------------------------------------------- */

/* End 0 opens actively in the conversations below, and end 1 listens on a well-known port. */
enum { CLIENT = 0, SERVER = 1 };

enum {
    T_CLIENT_ISN = 1000, /* relative numbers: raw ones are t_talk.base above them */
    T_SERVER_ISN = 5000,
    T_WINDOW = 1000,    /* what t_send puts into the window field if nothing is said */
    T_CLOSED = -1,      /* for .window: zero */
    T_NO_FLAGS = 0x100, /* for .flags: none at all */
};
#define T_MS INT64_C(1000000)
#define T_SECOND INT64_C(1000000000)
#define T_SAME_TIME INT64_MIN

/* A conversation of one pair, its last segment, and what the engine said of that. */
struct t_talk {
    struct tl_test_memory memory;
    struct tl_tracker *tracker;
    struct tl_pair *pair;
    struct tl_segment segment;
    struct tl_result v;
    struct tl_facts facts; /* t_know writes them */
    int64_t now_ns;
    uint32_t frame;
    uint32_t base[2]; /* set before the first segment to move the numbers of an end, for instance across the wrap */
    uint32_t next[2]; /* relative number of the next octet of each end */
    bool learnt;      /* what tl_pair_update returned */
};

/* One segment as t_send takes it. What is not named is filled in as said there. */
struct t_segment {
    int64_t wait_ns;   /* since the segment before; 0 = 1 ms; may be negative, or T_SAME_TIME */
    uint32_t seq, ack; /* relative; 0 = the next octet of the sender, all that the other end has sent */
    uint32_t len;
    uint32_t tsval, tsecr; /* if options say so */
    uint32_t sack_from;    /* relative; one SACK block of 10 octets from here; 0 = none */
    int window;            /* 0 = T_WINDOW */
    unsigned flags;        /* 0 = TL_ACK */
    uint16_t options, ip_id, mss;
    uint8_t window_scale, fast_open_bytes;
    char octets[3]; /* first and last payload octet, a string; "" = not captured */
    bool raw_seq_0; /* the raw sequence number is 0 */
    bool field_ack; /* fill the acknowledgment field in although the ACK flag is off */
};

static inline void t_start(struct t_talk *t)
{
    const struct tl_endpoints ends = {.port = {40000, 80}, .is_service = {false, true}};

    *t = (struct t_talk){.now_ns = 1700000000 * T_SECOND, .next = {T_CLIENT_ISN, T_SERVER_ISN}};
    tl_test_memory_init(&t->memory);
    t->tracker = tl_tracker_new(&t->memory.allocator);
    t->pair = tl_pair_new(t->tracker, &ends);
}

/* Frees everything; nothing may be left. */
static inline void t_end(struct t_talk *t)
{
    tl_pair_free(t->pair);
    tl_tracker_free(t->tracker);
    assert_int_equal(t->memory.live, 0);
}

static inline void t_send_segment(struct t_talk *t, unsigned from, const struct t_segment *say)
{
    unsigned to = 1 - from, flags = say->flags == 0 ? TL_ACK : say->flags & 0xFF;
    uint32_t seq = say->seq != 0 ? say->seq : t->next[from], ack = say->ack != 0 ? say->ack : t->next[to];
    uint32_t end = seq + say->len + !!(flags & TL_SYN) + !!(flags & TL_FIN);
    struct tl_segment segment = {
        .frame = ++t->frame,
        .seq = say->raw_seq_0 ? 0 : t->base[from] + seq,
        .ack = (flags & TL_ACK) || say->field_ack ? t->base[to] + ack : 0,
        .len = say->len,
        .tsval = say->tsval,
        .tsecr = say->tsecr,
        .options = say->options,
        .window = (uint16_t)(say->window == 0          ? T_WINDOW
                             : say->window == T_CLOSED ? 0
                                                       : say->window),
        .ip_id = say->ip_id,
        .mss = say->mss,
        .flags = (uint8_t)flags,
        .window_scale = say->window_scale,
        .fast_open_bytes = say->fast_open_bytes,
        .first_octet = (uint8_t)say->octets[0],
        .last_octet = (uint8_t)say->octets[1],
        .from = (uint8_t)from,
        .has_octet = say->octets[0] != 0,
        .has_last_octet = say->octets[1] != 0,
        .ttl = 64,
    };

    if (say->sack_from != 0) {
        segment.options |= TL_OPT_SACK;
        segment.sack_count = 1;
        segment.sack[0][0] = t->base[to] + say->sack_from;
        segment.sack[0][1] = segment.sack[0][0] + 10;
    }
    t->now_ns += say->wait_ns == 0 ? T_MS : say->wait_ns == T_SAME_TIME ? 0 : say->wait_ns;
    segment.time_ns = t->now_ns;
    if (!(flags & TL_RST) && !say->raw_seq_0 && (int32_t)(end - t->next[from]) > 0) {
        t->next[from] = end;
    }
    t->segment = segment;
    t->learnt = tl_pair_update(t->pair, &segment, &t->v);
}

/* The next segment, sent by end `from`: t_send(&t, CLIENT, .flags = TL_SYN). Without flags it is an ACK, or data by .len. */
#define t_send(t, from, ...) t_send_segment(t, from, &(struct t_segment){__VA_ARGS__})

/* What is known of the connection of the last segment, `after_ns` later. */
static inline void t_know(struct t_talk *t, int64_t after_ns)
{
    tl_conn_facts(t->v.conn, t->now_ns + after_ns, &t->facts);
}

static inline const char *t_name(enum tl_group group, unsigned value)
{
    const char *name = tl_name(group, value)->value;

    return name ? name : "(none)";
}

/* What the engine says, by name: a failure shows both words. `member` is one of the shape, of the facts. */
#define t_is(t, member, GROUP, TAG)                                                                                            \
    assert_string_equal(t_name(TL_GROUP_##GROUP, (t)->v.shape.member), t_name(TL_GROUP_##GROUP, TL_##GROUP##_##TAG))
#define t_fact_is(t, member, GROUP, TAG)                                                                                       \
    assert_string_equal(t_name(TL_GROUP_##GROUP, (t)->facts.member), t_name(TL_GROUP_##GROUP, TL_##GROUP##_##TAG))

/* States of both ends after the segment, client first. */
#define t_states(t, CLIENT_STATE, SERVER_STATE)                                                                                \
    do {                                                                                                                       \
        t_is(t, endpoint[CLIENT].state, STATE, CLIENT_STATE);                                                                  \
        t_is(t, endpoint[SERVER].state, STATE, SERVER_STATE);                                                                  \
    } while (0)

static inline bool t_flag(const struct t_talk *t, enum tl_shape_flag flag)
{
    return (t->v.shape.flags & flag) != 0;
}

/* Fixtures: a connection that is already so far. Segments are 1 ms apart, so a round trip takes 2 ms. */
static inline void t_syn_sent(struct t_talk *t)
{
    t_start(t);
    t_send(t, CLIENT, .flags = TL_SYN);
}

static inline void t_syn_received(struct t_talk *t)
{
    t_syn_sent(t);
    t_send(t, SERVER, .flags = TL_SYN | TL_ACK);
}

static inline void t_established(struct t_talk *t)
{
    t_syn_received(t);
    t_send(t, CLIENT, .flags = TL_ACK);
}

/* A connection with this round trip, half of it on each side. The client has sent 10 octets, 1001 to 1010, and all are acknowledged;
 * the server's window is as given. */
static inline void t_idle(struct t_talk *t, int64_t rtt_ns, int server_window)
{
    t_syn_sent(t);
    t_send(t, SERVER, .flags = TL_SYN | TL_ACK, .wait_ns = rtt_ns / 2);
    t_send(t, CLIENT, .wait_ns = rtt_ns / 2);
    t_send(t, CLIENT, .len = 10);
    t_send(t, SERVER, .window = server_window, .wait_ns = rtt_ns / 2);
}

/* The capture begins in an open connection: no scale of the windows is known, no round trip. */
static inline void t_midstream(struct t_talk *t)
{
    t_start(t);
    t_send(t, CLIENT, .flags = TL_ACK);
    t_send(t, SERVER, .flags = TL_ACK);
}

/* The client closes first. */
static inline void t_fin_wait_1(struct t_talk *t)
{
    t_established(t);
    t_send(t, CLIENT, .flags = TL_FIN | TL_ACK);
}

static inline void t_fin_wait_2(struct t_talk *t)
{
    t_fin_wait_1(t);
    t_send(t, SERVER, .flags = TL_ACK);
}

static inline void t_last_ack(struct t_talk *t)
{
    t_fin_wait_2(t);
    t_send(t, SERVER, .flags = TL_FIN | TL_ACK);
}

/* The client holds TIME-WAIT. */
static inline void t_time_wait(struct t_talk *t)
{
    t_last_ack(t);
    t_send(t, CLIENT, .flags = TL_ACK);
}

#endif
