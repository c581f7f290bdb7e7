/* tl_test_zeek.h - conversations in a few words, for the tests of tl_zeek.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A conversation is a text of packets, separated by blanks. Each begins with who sends it, C (end 0) or S (end 1), and what:
 *
 *     CS    C's SYN              SH    S's SYN-ACK
 *     CA    an ACK               CD    10 octets of payload with the ACK flag
 *     CF    FIN+ACK              CR    RST with the ACK flag; Cr without
 *     CN    no flag at all       CX:SF any flags, by their first letters S F R A
 *
 * The numbers are the next ones of both ends. Behind it may stand, in any order: @N sequence number, ^N acknowledgment number,
 * both relative to the initial sequence number of the end that they count; +N octets of payload; w a closed window.
 */
#ifndef TL_TEST_ZEEK_H
#define TL_TEST_ZEEK_H

#include "tl_test.h"

#include <stdio.h>
#include <string.h>

#include "record/tl_zeek.h"

/* Neither port is one that Zeek knows. */
static const struct tl_endpoints plain_ports = {.port = {40000, 50000}};
/* S has a port that Zeek knows. */
static const struct tl_endpoints web_ports = {.port = {40000, 80}};

/* A connection as Zeek sees it, and what its ends send next. */
struct z_talk {
    struct tl_zeek zeek;
    uint32_t isn[2];
    uint32_t next[2]; /* relative */
};

static inline unsigned z_flags(char what, const char *text)
{
    static const struct {
        char what;
        unsigned flags;
    } known[] = {
        {'S', TL_SYN},          {'H', TL_SYN | TL_ACK}, {'A', TL_ACK},          {'D', TL_ACK},
        {'F', TL_FIN | TL_ACK}, {'r', TL_RST},          {'R', TL_RST | TL_ACK}, {'N', 0},
    };
    unsigned flags = 0;

    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (known[i].what == what) {
            return known[i].flags;
        }
    }
    assert_int_equal(what, 'X');
    for (text = strchr(text, ':') + 1; *text && strchr("SFRA", *text); text++) {
        flags |= *text == 'S' ? TL_SYN : *text == 'F' ? TL_FIN : *text == 'R' ? TL_RST : TL_ACK;
    }
    return flags;
}

/* The number behind `mark`, or `other` if it does not stand there. */
static inline uint32_t z_number(const char *text, char mark, uint32_t other)
{
    const char *at = strchr(text, mark);

    return at ? (uint32_t)strtol(at + 1, NULL, 10) : other;
}

static inline void z_packet(struct z_talk *z, const char *text)
{
    unsigned from = text[0] == 'C' ? 0 : 1, to = 1 - from, flags = z_flags(text[1], text);
    uint32_t len = z_number(text, '+', text[1] == 'D' ? 10 : 0), seq = z_number(text, '@', z->next[from]);
    uint32_t end = seq + len + !!(flags & TL_SYN) + !!(flags & TL_FIN);
    struct tl_segment segment = {
        .from = (uint8_t)from,
        .flags = (uint8_t)flags,
        .seq = z->isn[from] + seq,
        .ack = flags & TL_ACK ? z->isn[to] + z_number(text, '^', z->next[to]) : 0,
        .len = len,
        .window = strchr(text, 'w') ? 0 : 1000,
    };

    if (!(flags & TL_RST) && (int32_t)(end - z->next[from]) > 0) {
        z->next[from] = end;
    }
    tl_zeek_update(&z->zeek, &segment);
}

static inline void z_begin(struct z_talk *z, const struct tl_endpoints *ends)
{
    *z = (struct z_talk){.isn = {1000, 5000}};
    tl_zeek_init(&z->zeek, ends);
}

static inline void z_say(struct z_talk *z, const char *packets)
{
    char packet[32];
    int used;

    while (sscanf(packets, "%31s%n", packet, &used) == 1) {
        z_packet(z, packet);
        packets += used;
    }
}

/* conn_state and history so far: "S1 ShA". */
static inline const char *z_words(const struct z_talk *z, char *text, size_t size)
{
    char history[TL_ZEEK_HISTORY_SIZE];

    tl_zeek_history(&z->zeek, history, sizeof history);
    snprintf(text, size, "%s %s", tl_name(TL_GROUP_ZEEK_STATE, tl_zeek_conn_state(&z->zeek))->value, history);
    return text;
}

static inline void z_is(const struct z_talk *z, const char *packets, const char *expected)
{
    char text[128];

    if (strcmp(z_words(z, text, sizeof text), expected) != 0) {
        fail_msg("%s: %s, expected %s", packets, text, expected);
    }
}

/* A whole conversation, and what Zeek says at its end. */
static inline void z_check(const struct tl_endpoints *ends, const char *packets, const char *expected)
{
    struct z_talk z;

    z_begin(&z, ends);
    z_say(&z, packets);
    z_is(&z, packets, expected);
}

#endif
