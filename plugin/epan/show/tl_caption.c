/* tl_caption.c - a small cache of item texts, by the words that they are made of.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "show/tl_caption.h"

#include <string.h>

/* The captions of the last segments: one in each place, the later one takes it. */
enum { PLACES = 128 };

static struct {
    struct tl_caption caption;
    item_label_t text; /* as Wireshark composed it, with whatever its version keeps beside the text */
} kept[PLACES];

static unsigned caption_place_of(const struct tl_caption *caption)
{
    uint64_t sum = (unsigned)caption->field;

    for (int i = 0; i < TL_CAPTION_WORDS; i++)
        sum = sum * 31 + (uintptr_t)caption->words[i];
    return (sum ^ sum >> 7) % PLACES;
}

static bool caption_is_same(const struct tl_caption *a, const struct tl_caption *b)
{
    bool same = a->field == b->field;

    for (int i = 0; i < TL_CAPTION_WORDS; i++)
        same &= a->words[i] == b->words[i];
    return same;
}

/* In a tree that nobody sees, items may be made up and have no text. */
static bool caption_has_text(const proto_item *item)
{
    return item && PTREE_DATA(item)->visible && PITEM_FINFO(item);
}

bool tl_caption_copy(proto_item *item, const struct tl_caption *caption)
{
    unsigned place = caption_place_of(caption);
    item_label_t *text;

    if (!caption_has_text(item) || PITEM_FINFO(item)->rep || !caption_is_same(&kept[place].caption, caption))
        return false;
    text = wmem_new(PNODE_POOL(item), item_label_t);
    *text = kept[place].text;
    PITEM_FINFO(item)->rep = text;
    return true;
}

void tl_caption_keep(const proto_item *item, const struct tl_caption *caption)
{
    unsigned place = caption_place_of(caption);

    if (!caption_has_text(item) || !PITEM_FINFO(item)->rep)
        return;
    kept[place].caption = *caption;
    kept[place].text = *PITEM_FINFO(item)->rep;
}
