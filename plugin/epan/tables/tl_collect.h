/* tl_collect.h - counts of all connections of a capture, for whoever makes something of them at its end.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TL_COLLECT_H
#define TL_COLLECT_H

#include "base/tl_compat.h"

#include "../engine/views/tl_account.h"
#include "input/tl_input.h"

/* What is counted of one connection. */
struct tl_collected {
    struct tl_account account;
    const struct tl_conn *conn;
    bool selected; /* by the filter */
};

struct tl_collection {
    GPtrArray *entries; /* struct tl_collected, by number of the connection; NULL = nothing of it came by */
    int64_t origin_ns;  /* earliest time of any segment */
};

struct tl_collection *tl_collection_new(void);

/* NULL is allowed. */
void tl_collection_free(struct tl_collection *collection);

/* Forgets everything. */
void tl_collection_clear(struct tl_collection *collection);

/* Counts a header that was decided. O(1) amortised. */
struct tl_collected *tl_collection_add(struct tl_collection *collection, const struct tl_header *header);

/* The entry of its connection, which is made if need be. O(1) amortised. */
struct tl_collected *tl_collection_entry(struct tl_collection *collection, const struct tl_header *header);

/* Counts what later segments have proved, at the end of the capture. Call once. O(proofs). */
void tl_collection_prove(struct tl_collection *collection);

#endif
