/* tl_shapes.h - the distinct shapes of a capture (struct tl_shape), numbered.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TL_SHAPES_H
#define TL_SHAPES_H

#include "base/tl_compat.h"

#include <epan/wmem_scopes.h>

#include "../engine/tl.h"
#include "base/tl_hash.h"

enum { TL_SHAPES_NEAR = 64 }; /* shapes found without the table; a power of two */

/* The shapes, and a hash table of their numbers with open addressing, at most half full. All members are private. */
struct tl_shapes {
    wmem_allocator_t *scope;
    const struct tl_hash *hash;
    struct tl_shape *list;
    uint32_t near[TL_SHAPES_NEAR]; /* the number of the newest at each place_of_kind(), 0 = none */
    uint32_t *table;
    uint32_t count;
    uint32_t capacity; /* of list; the table has twice as many places */
    uint32_t limit;    /* no more shapes than this */
};

/* Starts without shapes. They live in `scope` and go with it; `hash` must outlive them. O(1). */
void tl_shapes_open(struct tl_shapes *shapes, wmem_allocator_t *scope, const struct tl_hash *hash, uint32_t limit);

/* The number of a shape, from 1; one that is new is added. 0: it is new, and there are `limit` others already. O(1) amortised. */
uint32_t tl_shapes_number(struct tl_shapes *shapes, const struct tl_shape *shape);

/* The shape with a number that tl_shapes_number() gave, not 0. Valid until a shape is added. O(1). */
const struct tl_shape *tl_shapes_at(const struct tl_shapes *shapes, uint32_t number);

#endif
