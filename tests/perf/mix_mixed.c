/* mix_mixed.c - what passes a busy place: TCP of several kinds, over IPv4 and IPv6, among UDP.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Some exchanges are under way at any time. Each follows a script, one step whenever its turn comes; chance says whose turn it
 * is, so that segments of different connections stand between each other.
 */
#include "mixes.h"

#include <stddef.h>
#include <string.h>

#include "frames.h"

enum { SLOTS = 24, WAIT_MAX_US = 400, IPV6_OF_10 = 3, LEN_FULL = 0xFFFF };

/* One packet: who sends it, its flags, its payload (LEN_FULL: a full segment). */
struct step {
    uint8_t from;
    uint8_t flags;
    uint16_t len;
};

/* clang-format off */
#define OPEN {0, SYN, 0}, {1, SYN | ACK, 0}, {0, ACK, 0}
#define CLOSE {0, FIN | ACK, 0}, {1, FIN | ACK, 0}, {0, ACK, 0}
#define TWO_FULL(end) {end, ACK, LEN_FULL}, {end, ACK, LEN_FULL}, {!(end), ACK, 0}

static const struct step web[] = {OPEN, {0, PSH | ACK, 400}, {1, ACK, 0}, TWO_FULL(1), TWO_FULL(1), {1, PSH | ACK, 700},
                                  {0, ACK, 0}, CLOSE};
static const struct step upload[] = {OPEN, TWO_FULL(0), TWO_FULL(0), TWO_FULL(0), TWO_FULL(0), TWO_FULL(0), TWO_FULL(0),
                                     {1, PSH | ACK, 120}, {0, ACK, 0}, CLOSE};
static const struct step aborted[] = {OPEN, {0, PSH | ACK, 300}, {1, ACK, 0}, TWO_FULL(1), {0, RST | ACK, 0}};
static const struct step refused[] = {{0, SYN, 0}, {1, RST | ACK, 0}};
static const struct step unanswered[] = {{0, SYN, 0}};
static const struct step dns[] = {{0, 0, 29}, {1, 0, 45}};
static const struct step stream[] = {{0, 0, 60}, {1, 0, 1200}, {1, 0, 1200}, {1, 0, 1200}, {1, 0, 1200}, {0, 0, 40}};
/* clang-format on */

/* How often each of them begins, of 100; UDP datagrams are about a third of all frames. */
static const struct script {
    unsigned percent;
    bool tcp;
    uint16_t port; /* of the server */
    unsigned count;
    const struct step *steps;
} scripts[] = {
    {24, true, 443, sizeof web / sizeof *web, web},
    {4, true, 443, sizeof upload / sizeof *upload, upload},
    {4, true, 443, sizeof aborted / sizeof *aborted, aborted},
    {5, true, 8443, sizeof refused / sizeof *refused, refused},
    {3, true, 8443, sizeof unanswered / sizeof *unanswered, unanswered},
    {30, false, 53, sizeof dns / sizeof *dns, dns},
    {30, false, 40123, sizeof stream / sizeof *stream, stream}, /* a port of nobody: what it carries stays opaque */
};

/* "www.example" IN A: a query, and behind it the one answer that a response has (RFC 1035 4.1). */
static const uint8_t dns_bytes[] = {0x12, 0x34, 0x01, 0,   0,   1,   0,   0,   0,    0, 0, 0,   3, 'w', 'w',
                                    'w',  7,    'e',  'x', 'a', 'm', 'p', 'l', 'e',  0, 0, 1,   0, 1,   0xC0,
                                    12,   0,    1,    0,   1,   0,   0,   1,   0x2C, 0, 4, 192, 0, 2,   1};

/* One exchange under way; `script` is NULL before the first one. */
struct slot {
    const struct script *script;
    unsigned done; /* steps */
    struct end end[2];
};

/* Starts the exchange of this number, of the kind that chance says. */
static void begin(struct slot *slot, uint32_t number)
{
    unsigned dice = frames_random(100), i = 0;

    for (; dice >= scripts[i].percent; i++)
        dice -= scripts[i].percent;
    slot->script = &scripts[i];
    slot->done = 0;
    frames_ends(slot->end, number, scripts[i].steps != dns && frames_random(10) < IPV6_OF_10); /* DNS: captured whole */
    slot->end[1].port = scripts[i].port;
    if (scripts[i].steps == refused)
        slot->end[1].seq = 0; /* RFC 9293 3.10.7.1 */
    frames_counts()->connections += scripts[i].tcp;
}

static void send_datagram(struct slot *slot, const struct step *step)
{
    struct end *from = &slot->end[step->from], *to = &slot->end[!step->from];
    uint8_t payload[sizeof dns_bytes] = {0};

    if (slot->script->steps == dns) {
        memcpy(payload, dns_bytes, step->len);
        payload[0] = (uint8_t)(slot->end[0].port >> 8);
        payload[1] = (uint8_t)slot->end[0].port;
        if (step->from == 1) {
            payload[2] = 0x81; /* response */
            payload[3] = 0x80;
            payload[7] = 1; /* answers */
        }
    }
    frames_udp(from, to, payload, sizeof payload, step->len);
}

static void take_step(struct slot *slot)
{
    const struct step *step = &slot->script->steps[slot->done++];
    struct end *from = &slot->end[step->from], *to = &slot->end[!step->from];

    if (!slot->script->tcp)
        send_datagram(slot, step);
    else
        frames_send(from, to, step->flags, step->len != LEN_FULL ? step->len : from->ipv6 ? MSS_V6 : MSS_V4);
}

void mix_mixed(void)
{
    struct slot slots[SLOTS] = {0};
    uint32_t number = 0;

    while (!frames_full()) {
        struct slot *slot = &slots[frames_random(SLOTS)];

        if (!slot->script || slot->done == slot->script->count)
            begin(slot, number++);
        take_step(slot);
        frames_wait(1 + frames_random(WAIT_MAX_US));
    }
}
