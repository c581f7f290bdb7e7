/* tl_pairs.h - the pairs of addresses and ports of a capture.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A hash table with chains. An entry has the two addresses in their length: two of IPv4 are 8 bytes, of IPv6 32.
 */
#ifndef TL_PAIRS_H
#define TL_PAIRS_H

#include "base/tl_compat.h"

#include <epan/address.h>
#include <epan/packet.h>

#include "../engine/tl.h"
#include "base/tl_hash.h"
#include "base/tl_pool.h"

enum { TL_PAIRS_NEAR = 64 }; /* pairs found without the hash table; a power of two */

/* One direction between two ends, as an IP and a TCP header name it. */
struct tl_flow {
    const address *source;
    const address *destination;
    uint16_t source_port;
    uint16_t destination_port;
};

struct tl_pair_entry;

/* All pairs. All members are private. */
struct tl_pairs {
    struct tl_tracker *tracker;
    struct tl_pool *pool;
    dissector_table_t services;
    const struct tl_hash *hash;
    struct tl_pair_entry *near[TL_PAIRS_NEAR]; /* those seen last, by the sum of their ports */
    struct tl_pair_entry **buckets;
    uint32_t bucket_count; /* a power of two */
    uint32_t count;        /* of entries */
};

/* Starts without pairs. They and their entries come from the tracker's allocator and the pool, and go with the file scope. `hash`
 * must outlive them. */
void tl_pairs_open(struct tl_pairs *pairs, struct tl_tracker *tracker, struct tl_pool *pool, const struct tl_hash *hash);

/* The pair that a flow belongs to, see tl_store_pair(). */
struct tl_pair *tl_pairs_find(struct tl_pairs *pairs, const struct tl_flow *flow, bool create, unsigned *from);

/* The address of end 0 or 1 of a connection. It points into the entry: valid as long as the capture file. O(1). */
void tl_pairs_address(const struct tl_conn *conn, unsigned end, address *name);

#endif
