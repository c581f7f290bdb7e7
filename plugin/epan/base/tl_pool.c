/* tl_pool.c - cuts small blocks without headers from large ones, and keeps the freed ones by size.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "base/tl_pool.h"

#include <string.h>

#include "base/tl_compat.h"

#include <epan/wmem_scopes.h>

enum { SLAB_BYTES = 32 * 1024 };

static size_t pool_units_of(size_t bytes)
{
    return (bytes + TL_POOL_UNIT - 1) / TL_POOL_UNIT;
}

/* What is left of the old slab is shorter than a block, so it has a list to go to. */
static void pool_new_slab(struct tl_pool *pool)
{
    if (pool->left > 0)
        tl_pool_give(pool, pool->free_from, pool->left);
    pool->free_from = wmem_alloc0(wmem_file_scope(), SLAB_BYTES);
    pool->left = SLAB_BYTES;
}

void *tl_pool_take(struct tl_pool *pool, size_t bytes)
{
    size_t units = pool_units_of(bytes);
    void *block;

    if (bytes > TL_POOL_BLOCK_MAX)
        return wmem_alloc0(wmem_file_scope(), bytes);
    block = pool->returned[units];
    if (block) {
        memcpy(&pool->returned[units], block, sizeof(void *));
        return memset(block, 0, units * TL_POOL_UNIT);
    }
    if (pool->left < units * TL_POOL_UNIT)
        pool_new_slab(pool);
    block = pool->free_from;
    pool->free_from += units * TL_POOL_UNIT;
    pool->left -= units * TL_POOL_UNIT;
    return block;
}

void tl_pool_give(struct tl_pool *pool, void *block, size_t bytes)
{
    size_t units = pool_units_of(bytes);

    if (!block)
        return;
    if (bytes > TL_POOL_BLOCK_MAX) {
        wmem_free(wmem_file_scope(), block);
        return;
    }
    memcpy(block, &pool->returned[units], sizeof(void *));
    pool->returned[units] = block;
}
