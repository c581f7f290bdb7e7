/* tl_hash.h - a hash for tables whose keys whoever sends the packets can choose.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Multilinear hashing: the upper half of key[0] + sum of key[i + 1] * word[i], modulo 2^64. With a random key it is strongly
 * universal: whatever two inputs are, if they differ, each pair of hashes is equally likely. So whoever does not know the key cannot
 * choose inputs of which more collide, on the average, than of random ones, in whatever bits of the hash a table uses.
 * Source: Lemire and Kaser, "Strongly universal string hashing is fast", The Computer Journal 57(11), 2014, theorem 3.1.
 */
#ifndef TL_HASH_H
#define TL_HASH_H

#include <stdint.h>

enum { TL_HASH_WORDS_MAX = 24 }; /* words of 32 bits in the longest input */

struct tl_hash {
    uint64_t key[TL_HASH_WORDS_MAX + 1];
};

/* Draws a new key. `random` gives 32 random bits at each call. O(TL_HASH_WORDS_MAX). */
static inline void tl_hash_draw(struct tl_hash *hash, uint32_t (*random)(void))
{
    for (unsigned i = 0; i <= TL_HASH_WORDS_MAX; i++)
        hash->key[i] = (uint64_t)random() << 32 | random();
}

/* The sum to begin with. */
static inline uint64_t tl_hash_begin(const struct tl_hash *hash)
{
    return hash->key[0];
}

/* Adds word `i` < TL_HASH_WORDS_MAX of the input; in any order, each at most once. A word left out counts as 0. */
static inline uint64_t tl_hash_add(const struct tl_hash *hash, uint64_t sum, unsigned i, uint32_t word)
{
    return sum + hash->key[i + 1] * word;
}

/* The hash of all that was added: 32 random bits. */
static inline uint32_t tl_hash_end(uint64_t sum)
{
    return (uint32_t)(sum >> 32);
}

#endif
