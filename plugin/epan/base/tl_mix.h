/* tl_mix.h - the step of the store's hash functions.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TL_MIX_H
#define TL_MIX_H

#include <stdint.h>

/* Spreads the bits of a word over the ones above and below (Knuth 6.4: multiplication by 2^64 / golden ratio). */
static inline uint64_t tl_mix(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * 0x9E3779B97F4A7C15u;
    return hash ^ hash >> 32;
}

#endif
