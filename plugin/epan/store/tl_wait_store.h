/* tl_wait_store.h - the waits of one capture file, by frame, for those who show them.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Waits are followed only where somebody reads them: then from the first segment on, on whichever pass. Nothing is kept otherwise.
 */
#ifndef TL_WAIT_STORE_H
#define TL_WAIT_STORE_H

#include "../engine/views/tl_waits.h"

/* A shorter wait is not shown: it tells of the host, not of who waits for whom. */
#define TL_WAIT_SHOWN_NS INT64_C(1000000)

/* Makes Wireshark open the store with each file. Call once, when protocols are registered. */
void tl_wait_store_register(void);

/* Tells the `layer`-th TCP header of a frame, if all before it were told; one that was told before changes nothing, but on the first
 * pass (`visited` false), where a read filter can give the number of a rejected frame to the next one. O(1) amortised. */
void tl_wait_store_tell(unsigned layer, const struct tl_segment *segment, const struct tl_result *result, bool visited);

/* The wait that this header ended, if it was long enough to be shown; false if there is none, or it was not told. O(1). */
bool tl_wait_store_find(uint32_t frame, unsigned layer, struct tl_wait *wait);

#endif
