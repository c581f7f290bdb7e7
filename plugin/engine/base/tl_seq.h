/* tl_seq.h - sequence numbers: 32 bits that wrap (RFC 9293 3.4).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Comparison by the sign of the difference is right as long as two numbers are less than 2^31 apart.
 */
#ifndef TL_SEQ_H
#define TL_SEQ_H

#include <stdbool.h>
#include <stdint.h>

static inline int32_t tl_seq_diff(uint32_t a, uint32_t b)
{
    uint32_t d = a - b;

    /* Without the branch the conversion of a value above INT32_MAX would be implementation-defined in C11. */
    return d <= INT32_MAX ? (int32_t)d : -(int32_t)(UINT32_MAX - d) - 1;
}

static inline bool tl_seq_before(uint32_t a, uint32_t b)
{
    return tl_seq_diff(a, b) < 0;
}

static inline bool tl_seq_after(uint32_t a, uint32_t b)
{
    return tl_seq_diff(a, b) > 0;
}

/* Whether low <= a <= high, going upwards from low. */
static inline bool tl_seq_within(uint32_t a, uint32_t low, uint32_t high)
{
    return a - low <= high - low;
}

#endif
