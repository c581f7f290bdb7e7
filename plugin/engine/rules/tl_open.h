/* tl_open.h - the handshake: step, arithmetic, timing (docs/design.md, "Handshake").
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TL_OPEN_H
#define TL_OPEN_H

#include "conn/tl_conn.h"

/* Names the step of the handshake and checks its numbers, from the connection as it was before the segment. Writes only shape and
 * refs of the step. O(1). */
void tl_open_name(const struct tl_conn *conn, struct tl_step *step);

/* Remembers what the handshake needs: SYNs and SYN-ACKs, times, roles. Call after tl_open_name(), before the segment is applied.
 * When memory runs out the SYN counts as not seen. O(1). */
void tl_open_learn(struct tl_step *step);

/* Whether the segment answers the SYN by the numbers of a connection that is older than the capture: an ACK of an end that has said
 * nothing else (RFC 9293 3.5.1, RFC 5961 4). Its numbers may lie anywhere. O(1). */
bool tl_open_is_challenge(const struct tl_conn *conn, const struct tl_step *step);

/* Whether the segment acknowledges the first of two SYN-ACKs with different numbers, as the client's third segment does that got
 * that one. O(1). */
bool tl_open_picks_other_synack(const struct tl_conn *conn, const struct tl_step *step);

/* The SYN was answered by a challenge ACK, in `frame`, that acknowledges `ack`. O(1). */
void tl_open_note_challenge(struct tl_conn *conn, uint32_t frame, uint32_t ack);

/* An ICMP error that quotes the SYN. */
struct tl_open_icmp {
    uint32_t frame;
    uint8_t type, code;
};

/* Keeps the first one, and the frame of the last, as long as the handshake is not over. O(1). */
void tl_open_note_unreachable(struct tl_conn *conn, const struct tl_open_icmp *error);

/* Whether the SYN-ACK acknowledges this end's SYN, and perhaps the data on it. O(1). */
bool tl_open_synack_fits(const struct tl_conn *conn, const struct tl_endpoint *client, uint32_t ack);

/* Whether the SYN is not one that its sender can open this connection with: that is open, or has its SYN-ACK. The pair keeps it here
 * only when it is a stray. O(1). */
bool tl_open_is_foreign_syn(const struct tl_conn *conn, const struct tl_endpoint *self);

/* Whether the handshake is over, and no data was on the SYN that may come again. An end that is known to be ESTABLISHED by what it sent
 * has sent the only ACK that tl_open names, unless the SYN-ACK was not captured: then what the server sends shows that an ACK has reached
 * it, and the next one that is captured gets the name. O(1). */
static inline bool tl_open_is_quiet(const struct tl_conn *conn)
{
    const struct tl_endpoint *client = &conn->endpoint[conn->client & 1], *server = &conn->endpoint[1 - (conn->client & 1)];
    bool waits = !conn->opening.acked && !conn->peers && tl_syns(client)->count > 0 && tl_synacks(server)->count == 0;

    return conn->opened && !waits && conn->opening.syn_data == 0;
}

/* Whether the segment has timestamps as the SYNs agreed on them, and no other option. O(1). */
static inline bool tl_open_is_quiet_about(const struct tl_endpoint *self, const struct tl_endpoint *peer,
                                          const struct tl_segment *seg)
{
    return seg->options == TL_OPT_TIMESTAMPS || (seg->options == 0 && !(self->options & peer->options & TL_OPT_TIMESTAMPS));
}

#endif
