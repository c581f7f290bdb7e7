/* fixed_seed.c - takes chance out of Wireshark's hash tables, for counting instructions. Preloaded into tshark.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * wmem draws the seed of its hash tables from GLib when a program starts (wmem_init_hashing). With another seed each time, the
 * instructions of one and the same run differ by up to 0.1 %, which is more than what some goals allow for noise.
 */
#include <stdint.h>

__attribute__((visibility("default"))) uint32_t g_random_int(void);

/* 2^32 / golden ratio: a multiplier that spreads keys well, as a drawn one does most times. */
uint32_t g_random_int(void)
{
    return 0x9E3779B1u;
}
