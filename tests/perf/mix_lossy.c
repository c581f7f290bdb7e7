/* mix_lossy.c - connections that lose and reorder segments, and how their ends answer.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Sixteen servers send at the same time, each in rounds of one flight of segments; one round is one episode of the table below.
 * The capture stands near the server: what is lost between it and the client is captured, what is lost before it is not, and
 * the answer to a segment comes one round trip later. The receiver acknowledges every second segment, and every single one
 * while something is missing (RFC 5681 4.2), with SACK blocks, the most recent first (RFC 2018 4), and D-SACK (RFC 2883 4.1).
 * The sender repairs after three duplicate ACKs (RFC 5681 3.2), or by its timer: Linux's RTO of at least 200 ms plus the round
 * trip.
 */
#include "mixes.h"

#include <stddef.h>
#include <string.h>

#include "frames.h"

enum {
    CONNECTIONS = 16, /* at the same time */
    FLIGHT = 10,      /* segments of a round: the initial window of RFC 6928 */
    ROUNDS = 60,      /* of a connection, then it closes and another one begins */
    RTT_US = 20000,
    SPACING_US = 60, /* between segments of a flight, and between ACKs */
    RTO_US = 221000, /* 200 ms, and the round trip */
};

/* One connection. */
struct flow {
    struct end client, server;
    unsigned rounds;       /* done */
    uint32_t base;         /* sequence number of the first segment of the flight */
    uint16_t ip_id;        /* of that segment: each of the flight has the next one */
    uint32_t sent[FLIGHT]; /* ms, the timestamp of each segment */
};

/* ---- what is sent ------------------------------------------------------------------------------------------------------- */

/* The segment `i` of the flight, as it was sent first. */
static struct segment nth(const struct flow *flow, unsigned i)
{
    return (struct segment){.seq = flow->base + i * MSS_V4,
                            .ack = flow->server.ack,
                            .len = MSS_V4,
                            .tsval = flow->sent[i],
                            .tsecr = flow->server.tsecr,
                            .ip_id = (uint16_t)(flow->ip_id + i),
                            .flags = ACK};
}

/* Segments first..last, that are captured. */
static void send_flight(struct flow *flow, unsigned first, unsigned last)
{
    for (unsigned i = first; i <= last; i++) {
        struct segment segment;

        flow->sent[i] = frames_ms();
        segment = nth(flow, i);
        frames_put(&flow->server, &flow->client, &segment);
        frames_wait(SPACING_US);
    }
}

/* Sends segment `i` again. `counter` is the one of struct counts that it belongs to. */
static void resend(struct flow *flow, unsigned i, uint64_t *counter)
{
    struct segment segment;

    flow->sent[i] = frames_ms();
    segment = nth(flow, i);
    segment.ip_id = flow->server.ip_id++;
    if (frames_put(&flow->server, &flow->client, &segment))
        (*counter)++;
    frames_wait(SPACING_US);
}

/* The client acknowledges the segments below `next`, and reports `count` ranges [from, to) of segments as SACK blocks. The
 * timestamp echoed is that of the segment that last moved the acknowledgment (RFC 7323 4.3). */
static void answer(struct flow *flow, unsigned next, unsigned count, const unsigned sack[][2])
{
    struct segment segment = {.seq = flow->client.seq,
                              .ack = flow->base + next * MSS_V4,
                              .tsval = frames_ms(),
                              .tsecr = flow->client.tsecr,
                              .ip_id = flow->client.ip_id++,
                              .flags = ACK,
                              .sack_count = (uint8_t)count};

    for (unsigned i = 0; i < count; i++) {
        segment.sack[i][0] = flow->base + sack[i][0] * MSS_V4;
        segment.sack[i][1] = flow->base + sack[i][1] * MSS_V4;
    }
    frames_put(&flow->client, &flow->server, &segment);
    flow->server.tsecr = segment.tsval;
    frames_wait(SPACING_US);
}

/* The client acknowledges all below `next`; segment `i` is the one that let it. */
static void acknowledge(struct flow *flow, unsigned next, unsigned i)
{
    flow->client.tsecr = flow->sent[i];
    answer(flow, next, 0, NULL);
}

/* ACKs of segments first..last-1, which arrive in order: one for two, and one for a last single one. */
static void acknowledge_in_order(struct flow *flow, unsigned first, unsigned last)
{
    for (unsigned i = first; i < last; i += 2)
        acknowledge(flow, i + 2 <= last ? i + 2 : last, i);
}

/* Duplicate ACKs while segment `hole` is missing: one for each of the segments from..to-1 that arrive behind it. */
static void report_hole(struct flow *flow, unsigned hole, unsigned from, unsigned to)
{
    for (unsigned i = from; i < to; i++)
        answer(flow, hole, 1, (const unsigned[][2]){{hole + 1, i + 1}});
}

/* ---- episodes ----------------------------------------------------------------------------------------------------------- */

static void nothing_lost(struct flow *flow)
{
    send_flight(flow, 0, FLIGHT - 1);
    frames_wait(RTT_US);
    acknowledge_in_order(flow, 0, FLIGHT);
}

/* The answers to a flight without segment `hole`, and its repair after three duplicate ACKs. */
static void repair_hole(struct flow *flow, unsigned hole, uint64_t *counter)
{
    acknowledge_in_order(flow, 0, hole);
    report_hole(flow, hole, hole + 1, hole + 4);
    resend(flow, hole, counter);
    report_hole(flow, hole, hole + 4, FLIGHT);
    frames_wait(RTT_US);
    acknowledge(flow, FLIGHT, hole);
}

/* Lost behind the point of capture: captured twice. */
static void one_lost(struct flow *flow)
{
    send_flight(flow, 0, FLIGHT - 1);
    frames_wait(RTT_US);
    repair_hole(flow, frames_random(FLIGHT - 4), &frames_counts()->retransmissions);
}

/* Lost before the point of capture: captured when it is sent again. */
static void one_lost_unseen(struct flow *flow)
{
    unsigned hole = 1 + frames_random(FLIGHT - 5);

    send_flight(flow, 0, hole - 1);
    frames_wait(SPACING_US);
    send_flight(flow, hole + 1, FLIGHT - 1);
    frames_wait(RTT_US);
    repair_hole(flow, hole, &frames_counts()->filled);
}

/* Segments 2 and 5 of the flight are lost: two holes, two SACK blocks. */
static void two_lost(struct flow *flow)
{
    uint64_t *counter = &frames_counts()->retransmissions;

    send_flight(flow, 0, FLIGHT - 1);
    frames_wait(RTT_US);
    acknowledge_in_order(flow, 0, 2);
    report_hole(flow, 2, 3, 5);
    answer(flow, 2, 2, (const unsigned[][2]){{6, 7}, {3, 5}});
    resend(flow, 2, counter);
    for (unsigned i = 7; i < FLIGHT; i++)
        answer(flow, 2, 2, (const unsigned[][2]){{6, i + 1}, {3, 5}});
    resend(flow, 5, counter);
    frames_wait(RTT_US);
    flow->client.tsecr = flow->sent[2];
    answer(flow, 5, 1, (const unsigned[][2]){{6, FLIGHT}});
    acknowledge(flow, FLIGHT, 5);
}

/* Segment `late` is overtaken by the two behind it, before the point of capture. */
static void reordered(struct flow *flow)
{
    unsigned late = 1 + frames_random(FLIGHT - 4);
    struct segment segment;

    send_flight(flow, 0, late - 1);
    flow->sent[late] = frames_ms();
    frames_wait(SPACING_US);
    send_flight(flow, late + 1, late + 2);
    segment = nth(flow, late);
    if (frames_put(&flow->server, &flow->client, &segment))
        frames_counts()->reordered++;
    frames_wait(SPACING_US);
    send_flight(flow, late + 3, FLIGHT - 1);
    frames_wait(RTT_US);
    acknowledge_in_order(flow, 0, late);
    report_hole(flow, late, late + 1, late + 3);
    acknowledge(flow, late + 3, late);
    acknowledge_in_order(flow, late + 3, FLIGHT);
}

/* The last segment is lost: nothing behind it can report that, only the timer repairs it. */
static void tail_lost(struct flow *flow)
{
    send_flight(flow, 0, FLIGHT - 1);
    frames_wait(RTT_US);
    acknowledge_in_order(flow, 0, FLIGHT - 1);
    frames_wait(RTO_US);
    resend(flow, FLIGHT - 1, &frames_counts()->retransmissions);
    frames_wait(RTT_US);
    acknowledge(flow, FLIGHT, FLIGHT - 1);
}

/* The ACKs come late: the timer sends the first segment again, spuriously, and a D-SACK says so. */
static void spurious(struct flow *flow)
{
    uint32_t echo;

    send_flight(flow, 0, FLIGHT - 1);
    echo = flow->sent[0];
    frames_wait(RTO_US);
    resend(flow, 0, &frames_counts()->retransmissions);
    flow->client.tsecr = echo;
    answer(flow, 2, 0, NULL);
    acknowledge_in_order(flow, 2, FLIGHT);
    frames_wait(RTT_US);
    answer(flow, FLIGHT, 1, (const unsigned[][2]){{0, 1}});
}

/* How often, of 100 rounds. Losses of some percent of the rounds, one each in some hundred segments, are those of a bad radio
 * link: many enough to measure, while most segments are ordinary ones, as everywhere. */
static const struct episode {
    unsigned percent;
    void (*play)(struct flow *flow);
} episodes[] = {
    {64, nothing_lost}, {12, one_lost}, {5, one_lost_unseen}, {5, two_lost}, {8, reordered}, {3, tail_lost}, {3, spurious},
};

static void play_round(struct flow *flow)
{
    unsigned dice = frames_random(100), i = 0;

    flow->base = flow->server.seq;
    flow->ip_id = flow->server.ip_id;
    flow->server.ip_id = (uint16_t)(flow->server.ip_id + FLIGHT);
    for (; dice >= episodes[i].percent; i++)
        dice -= episodes[i].percent;
    episodes[i].play(flow);
    flow->server.seq += FLIGHT * MSS_V4;
    flow->client.ack = flow->server.seq;
    flow->rounds++;
}

/* ---- connections -------------------------------------------------------------------------------------------------------- */

static void open_flow(struct flow *flow)
{
    struct end end[2];

    memset(flow, 0, sizeof *flow);
    frames_ends(end, (uint32_t)frames_counts()->connections++, false);
    frames_send(&end[0], &end[1], SYN, 0);
    frames_wait(RTT_US);
    frames_send(&end[1], &end[0], SYN | ACK, 0);
    frames_wait(SPACING_US);
    frames_send(&end[0], &end[1], ACK, 0);
    frames_wait(SPACING_US);
    frames_send(&end[0], &end[1], PSH | ACK, 400);
    frames_wait(SPACING_US);
    flow->client = end[0];
    flow->server = end[1];
}

static void close_flow(struct flow *flow)
{
    frames_send(&flow->server, &flow->client, FIN | ACK, 0);
    frames_wait(RTT_US);
    frames_send(&flow->client, &flow->server, FIN | ACK, 0);
    frames_wait(SPACING_US);
    frames_send(&flow->server, &flow->client, ACK, 0);
    frames_wait(SPACING_US);
    flow->rounds = 0;
}

void mix_lossy(void)
{
    struct flow flows[CONNECTIONS] = {0};

    while (!frames_full()) {
        for (unsigned n = 0; n < CONNECTIONS && !frames_full(); n++) {
            struct flow *flow = &flows[n];

            if (flow->rounds == 0)
                open_flow(flow);
            play_round(flow);
            if (flow->rounds == ROUNDS)
                close_flow(flow);
        }
    }
}
