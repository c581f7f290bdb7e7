/* tl_reset_text.h - what the sender of a reset wrote into it for people: a text as payload, a code as window.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TL_RESET_TEXT_H
#define TL_RESET_TEXT_H

#include "base/tl_language.h"
#include "input/tl_input.h"

enum { TL_RESET_TEXT_MOST = 100 }; /* octets shown: a cause is a few words */

/* The text in a reset, from the pool: what is printable ASCII as it is, everything else as a dot. NULL when the segment is no reset, has
 * no captured payload, or less than half of it is printable. O(TL_RESET_TEXT_MOST). */
const char *tl_reset_text(wmem_allocator_t *pool, const struct tl_header *header);

/* What the window of a reset says by its vendor's documents, in each language; NULL when it is no documented code. O(1). */
const char *const *tl_reset_code(const struct tl_segment *segment);

#endif
