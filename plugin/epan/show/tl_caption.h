/* tl_caption.h - what a tree item reads, composed once for all segments of which it reads the same.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Wireshark composes the text of an item by its printf when something is appended to it: 1,000 instructions and more, for words
 * that are the same on segment after segment. So the text that it composed is kept and copied.
 */
#ifndef TL_CAPTION_H
#define TL_CAPTION_H

#include "base/tl_compat.h"

enum { TL_CAPTION_WORDS = 5 };

/* What the text is made of: a field without a value, or one whose value is among the words, and constant words. The words count
 * by address, so none may be in memory whose content changes. */
struct tl_caption {
    int field;
    const char *words[TL_CAPTION_WORDS];
};

/* Copies to the item, which must be new, the text that an item with the same caption had. Returns false if none was kept: then
 * append the words, and call tl_caption_keep(). */
bool tl_caption_copy(proto_item *item, const struct tl_caption *caption);

/* Keeps the text of the item. */
void tl_caption_keep(const proto_item *item, const struct tl_caption *caption);

#endif
