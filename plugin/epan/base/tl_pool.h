/* tl_pool.h - memory in small pieces that goes all at once, with the file scope.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A capture has as many connections as somebody wants to put into it, and each is several small blocks. wmem puts 16 bytes before
 * each and rounds up to 16; here a block takes what was asked for, rounded up to 8. Who gives one back says how long it is.
 */
#ifndef TL_POOL_H
#define TL_POOL_H

#include <stddef.h>

enum {
    TL_POOL_UNIT = 8,        /* bytes: lengths are rounded up to it, and blocks are aligned to it */
    TL_POOL_BLOCK_MAX = 512, /* bytes: what is longer comes from wmem; there its 16 bytes do not matter */
};

/* A pool. Zeroed memory is an empty one. All members are private. */
struct tl_pool {
    char *free_from;                                      /* what is left of the newest slab, zeroed */
    size_t left;                                          /* bytes */
    void *returned[TL_POOL_BLOCK_MAX / TL_POOL_UNIT + 1]; /* blocks given back, by length; each points to the next */
};

/* Zeroed memory of the file scope. `bytes` is above 0. O(1), and `bytes` to clear. */
void *tl_pool_take(struct tl_pool *pool, size_t bytes);

/* Gives back what tl_pool_take() returned for as many bytes, or NULL. O(1). */
void tl_pool_give(struct tl_pool *pool, void *block, size_t bytes);

#endif
