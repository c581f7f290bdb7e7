/* tl_zeek.h - what Zeek would call a connection: conn_state and history of its conn.log.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * An emulation of Zeek's own, simpler view of TCP, for people who compare a capture with Zeek's log; no rule of the rest of the
 * engine depends on it, and it depends on none. Rules in docs/zeek.md, with what is not emulated.
 *
 * Numbers are 32 bits that wrap (Zeek's are 64), relative to the start of their direction where nothing else is said.
 */
#ifndef TL_ZEEK_H
#define TL_ZEEK_H

#include "tl.h"

/* Pieces of a direction above a hole that are kept apart. When there are more, the hole below the highest piece counts as
 * filled, so that `G` may come late. */
enum { TL_ZEEK_PIECES_MAX = 2 };

/* The states that Zeek gives an end. */
enum tl_zeek_end_state {
    TL_ZEEK_INACTIVE,     /* nothing seen of it */
    TL_ZEEK_SYN_SENT,     /* its SYN, as originator */
    TL_ZEEK_SYN_ACK_SENT, /* its SYN-ACK, as originator */
    TL_ZEEK_PARTIAL,      /* packets, but no SYN */
    TL_ZEEK_ESTABLISHED,  /* its SYN answered, or answering */
    TL_ZEEK_CLOSED,       /* its FIN */
    TL_ZEEK_RESET,        /* its RST */
};

/* Octets from `from` to before `to`. */
struct tl_zeek_piece {
    uint32_t from, to;
};

/* One end, and the direction that it sends. */
struct tl_zeek_end {
    uint32_t start;                                 /* raw number of its SYN, or one below its first octet */
    uint32_t last;                                  /* raw, end of the highest segment */
    uint32_t ack;                                   /* raw, highest acknowledgment by the other end */
    uint32_t next;                                  /* where the octets end that were captured without a hole, or given up */
    struct tl_zeek_piece piece[TL_ZEEK_PIECES_MAX]; /* captured above `next`, ascending, holes between them */
    uint32_t syn, fin, rst;                         /* of the last SYN, FIN (behind it) and RST */
    uint32_t resent, closed_windows, gaps;
    uint8_t state, before; /* enum tl_zeek_end_state, now and before that */
    uint8_t pieces;
    bool has_fin;
};

/* One connection as Zeek sees it. */
struct tl_zeek {
    struct tl_zeek_end endpoint[2]; /* by end of the pair */
    uint16_t port[2];
    char letters[TL_ZEEK_LETTERS_MAX];
    uint8_t count;      /* of letters */
    uint8_t originator; /* end of the pair */
    uint8_t seen[2];    /* letters that are given once, by role: originator first */
    bool met[2];        /* whether a packet of a role was seen */
    bool begun;
    bool cut;     /* there were more letters */
    bool partial; /* one role's first packet was no SYN */
};

/* Begins a connection of which nothing was seen. Only the ports of `ends` matter. */
void tl_zeek_init(struct tl_zeek *zeek, const struct tl_endpoints *ends);

/* Takes the next packet, in capture order, copies included. O(1). */
void tl_zeek_update(struct tl_zeek *zeek, const struct tl_segment *seg);

/* conn_state by now; TL_ZEEK_STATE_NONE before the first packet. O(1). */
enum tl_zeek_state tl_zeek_conn_state(const struct tl_zeek *zeek);

/* Writes the history by now, NUL-terminated and cut to `size` bytes. TL_ZEEK_HISTORY_SIZE bytes are enough. */
void tl_zeek_history(const struct tl_zeek *zeek, char *out, size_t size);

#endif
