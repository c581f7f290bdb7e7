/* tl_shapes.c - keeps each distinct shape of a result once: a hash table with open addressing, at most half full.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "store/tl_shapes.h"

#include <string.h>

enum {
    SHAPES_FIRST = 256, /* shapes before the table first grows; a power of two */
    SHAPE_WORDS = (sizeof(struct tl_shape) + 7) / 8,
    SHAPE_HALVES = (sizeof(struct tl_shape) + 3) / 4,
};

_Static_assert(SHAPE_HALVES <= (int)TL_HASH_WORDS_MAX, "a shape is longer than the longest key of the hash");

void tl_shapes_open(struct tl_shapes *shapes, wmem_allocator_t *scope, const struct tl_hash *hash, uint32_t limit)
{
    *shapes = (struct tl_shapes){.scope = scope, .hash = hash, .limit = limit};
}

const struct tl_shape *tl_shapes_at(const struct tl_shapes *shapes, uint32_t number)
{
    return &shapes->list[number - 1];
}

static uint32_t shapes_hash_shape(const struct tl_hash *hash, const struct tl_shape *shape)
{
    uint32_t words[SHAPE_HALVES] = {0};
    uint64_t sum = tl_hash_begin(hash);

    memcpy(words, shape, sizeof *shape);
    for (unsigned i = 0; i < SHAPE_HALVES; i++)
        sum = tl_hash_add(hash, sum, i, words[i]);
    return tl_hash_end(sum);
}

/* Nearly always asked of equal ones, so that it compares all words at once; a call of memcmp() would take longer. */
static bool shapes_is_same_shape(const struct tl_shape *a, const struct tl_shape *b)
{
    uint64_t words_a[SHAPE_WORDS] = {0}, words_b[SHAPE_WORDS] = {0}, differ = 0;

    memcpy(words_a, a, sizeof *a);
    memcpy(words_b, b, sizeof *b);
    for (size_t i = 0; i < SHAPE_WORDS; i++)
        differ |= words_a[i] ^ words_b[i];
    return differ == 0;
}

/* The place of a shape in the table, or the free place where it belongs. The table has one. */
static uint32_t *shapes_find_place(const struct tl_shapes *shapes, const struct tl_shape *shape)
{
    uint32_t mask = shapes->capacity * 2 - 1;
    uint32_t place = shapes_hash_shape(shapes->hash, shape) & mask;

    while (shapes->table[place] && !shapes_is_same_shape(tl_shapes_at(shapes, shapes->table[place]), shape))
        place = (place + 1) & mask;
    return &shapes->table[place];
}

static void shapes_grow(struct tl_shapes *shapes)
{
    shapes->capacity = shapes->capacity ? shapes->capacity * 2 : SHAPES_FIRST;
    shapes->list = wmem_realloc(shapes->scope, shapes->list, shapes->capacity * sizeof *shapes->list);
    wmem_free(shapes->scope, shapes->table);
    shapes->table = wmem_alloc0(shapes->scope, (size_t)shapes->capacity * 2 * sizeof *shapes->table);
    for (uint32_t i = 0; i < shapes->count; i++)
        *shapes_find_place(shapes, &shapes->list[i]) = i + 1;
}

/* Where the number of a shape like this one was put last: by what differs between the segments of one connection. */
static unsigned shapes_place_of_kind(const struct tl_shape *shape)
{
    unsigned kind =
        shape->handshake_step * 5U + shape->teardown_step * 3U + shape->ack * 7U + shape->segment + shape->sender * 11U;

    return (kind << 1 | (shape->from & 1)) & (TL_SHAPES_NEAR - 1);
}

/* Adds a shape that is not there. 0 when there are too many. */
static uint32_t shapes_add(struct tl_shapes *shapes, const struct tl_shape *shape)
{
    if (shapes->count == shapes->limit)
        return 0;
    if (shapes->count == shapes->capacity)
        shapes_grow(shapes);
    shapes->list[shapes->count] = *shape;
    return *shapes_find_place(shapes, shape) = ++shapes->count;
}

uint32_t tl_shapes_number(struct tl_shapes *shapes, const struct tl_shape *shape)
{
    uint32_t *near = &shapes->near[shapes_place_of_kind(shape)];
    uint32_t number;

    if (*near && shapes_is_same_shape(tl_shapes_at(shapes, *near), shape))
        return *near;
    number = shapes->capacity ? *shapes_find_place(shapes, shape) : 0; /* at the limit, too: what is known is found */
    if (number == 0)
        number = shapes_add(shapes, shape);
    if (number != 0)
        *near = number;
    return number;
}
