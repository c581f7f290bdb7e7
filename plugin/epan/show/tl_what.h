/* tl_what.h - what a segment is, in a few words: the most telling fact about it comes first.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TL_WHAT_H
#define TL_WHAT_H

#include "base/tl_compat.h"

#include "input/tl_view.h"

enum tl_what_kind {
#define TL_WHAT(kind, tag, ...) TL_WHAT_##kind,
#include "show/tl_what.def"
    TL_WHAT_COUNT
};

/* The fact, and the value of tl_names.def that it is about; 0 where the kind says it all. */
struct tl_what {
    enum tl_what_kind kind;
    enum tl_group group;
    unsigned value;
};

/* Picks the most telling fact about a segment with that shape and those flags (TL_ACK ...). O(1). */
struct tl_what tl_what(const struct tl_shape *shape, uint8_t flags);

/* The words for the Info column: *prefix and, returned, a label; NULL if the segment is as any transfer has. Both are constants. O(1). */
const char *tl_what_tag(const struct tl_what *what, const char **prefix);

/* What the segment is, in view->language, with what later segments have shown by now. The string belongs to `pool`. Costs some
 * hundred instructions: call it only when somebody reads it. */
const char *tl_what_text(wmem_allocator_t *pool, const struct tl_view *view);

#endif
