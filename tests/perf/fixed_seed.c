/* fixed_seed.c - takes chance out of Wireshark's hash tables, for counting instructions. Preloaded into tshark.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * wmem draws the seed of its hash tables from GLib when a program starts (wmem_init_hashing), the plugin with each file. With another seed each time, the
 * instructions of one and the same run differ by up to 0.1 %, which is more than what some goals allow for noise.
 */
#include <stdint.h>

__attribute__((visibility("default"))) uint32_t g_random_int(void);

/* Multiples of 2^32 / golden ratio, an odd multiplier: spread well, as drawn numbers are most times. Wireshark takes the first as a
 * multiplier, the plugin those of a later sequence as the key of its hash. */
uint32_t g_random_int(void)
{
    static uint32_t drawn;

    drawn += 0x9E3779B1u;
    return drawn ^ drawn >> 15;
}
