/* tl_store.h - what is kept for one capture file: connections by address and port, answers by frame.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Everything lives in Wireshark's file scope and goes away with the file. An answer costs 8 bytes for each frame that has one:
 * the shapes (struct tl_shape) of a capture are few, so each distinct one is kept once and a frame keeps its number; the
 * numbers of a segment (struct tl_refs) are kept only when they are not all 0.
 *
 * Frames are named by their number. Under a read filter a rejected frame gives its number to the next one, so the newest write
 * wins, and writing the first header of a frame forgets the others.
 */
#ifndef TL_STORE_H
#define TL_STORE_H

#include "base/tl_compat.h"

#include <epan/address.h>

#include "../engine/tl.h"
#include "store/tl_pairs.h"

/* Makes Wireshark open the store with each file and close it after. Call once, when protocols are registered. */
void tl_store_register(void);

/* The pair that a flow belongs to, and in `from` the end of it (0 or 1) that is the flow's source; end 0 is the one with the
 * lower address, then port. With `create` a pair is made when there is none. NULL when there is none, memory ran out, or an
 * address has more than 16 bytes. One look-up in a hash table at most; none for the pairs seen last. */
struct tl_pair *tl_store_pair(const struct tl_flow *flow, bool create, unsigned *from);

/* The connection with this running number, which must have been given out. O(1). */
const struct tl_conn *tl_store_conn(uint32_t number);

/* Keeps the answer for the `layer`-th TCP header (0 = outermost) of a frame. Layers of a frame must be written in order, layer
 * 0 first. O(1) amortised. */
void tl_store_write(uint32_t frame, unsigned layer, const struct tl_result *result);

/* How many answers tl_store_write() has kept so far. O(1). */
uint64_t tl_store_headers(void);

/* Finds what tl_store_write() kept. Returns false when there is nothing. O(1). */
bool tl_store_read(uint32_t frame, unsigned layer, struct tl_result *result);

/* Keeps that the retransmission in an earlier frame of a connection was spurious, and why (enum tl_spurious). O(1) amortised.
 */
void tl_store_prove(const struct tl_conn *conn, uint32_t frame, unsigned spurious);

/* What tl_store_prove() kept: enum tl_spurious, NONE if nothing. O(1). */
unsigned tl_store_proved(const struct tl_conn *conn, uint32_t frame);

/* A retransmission that a later segment proved to be spurious. */
struct tl_proof {
    uint32_t conn; /* number of its connection */
    uint32_t frame;
    uint8_t from;     /* end that sent it */
    uint8_t at_once;  /* what its own answer said: enum tl_spurious */
    uint8_t lost_at;  /* and enum tl_lost_at */
    uint8_t spurious; /* what was proved: enum tl_spurious */
};

/* Calls `use` for everything that tl_store_prove() kept, in no order. O(all of it). */
void tl_store_each_proof(void (*use)(const struct tl_proof *proof, void *data), void *data);

/* Keeps what a run of probes turned out to be: a probe whose shape has TL_SHAPE_NAMES_RUN says it of the run that began in frame
 * `run_in`. The last word counts. O(1) amortised. */
void tl_store_name_run(const struct tl_conn *conn, uint32_t run_in, const struct tl_shape *shape);

/* Puts what tl_store_name_run() kept into a shape of that run, the kind of probe and the confidence, unless the shape is certain
 * of them or nothing was kept. O(1). */
void tl_store_rename_probe(const struct tl_conn *conn, uint32_t run_in, struct tl_shape *shape);

/* Keeps who sent the first ICMP error about a connection: an address of 4 or 16 bytes. O(1). */
void tl_store_note_icmp(const struct tl_conn *conn, bool ipv6, const uint8_t *sender);

/* What tl_store_note_icmp() kept; false if nothing. The address is valid as long as the file. O(1). */
bool tl_store_icmp_sender(const struct tl_conn *conn, address *sender);

/* Notes that a frame with this time (ns since 1970) is part of the capture. Call for each frame, TCP or not. */
void tl_store_saw(int64_t time_ns);

/* The latest time that tl_store_saw() was told, ns since 1970; INT64_MIN before the first. */
int64_t tl_store_end(void);

#endif
