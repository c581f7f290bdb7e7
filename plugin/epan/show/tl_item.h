/* tl_item.h - the fields, and how one gets into the tree.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The rules that hold for every field are kept here: all are generated, a fact that does not hold has no item, a reference on
 * the first pass points only backwards.
 */
#ifndef TL_ITEM_H
#define TL_ITEM_H

#include "input/tl_compat.h"

#include "show/tl_view.h"

/* The fields of tl_fields.def, in its order: FIELD_PHASE ... */
enum tl_field {
#define TL_FIELD(id, name, label, type, blurb, values, when) FIELD_##id,
#include "tl_fields.def"
#undef TL_FIELD
    FIELD_COUNT
};

/* Where the next item goes and what it tells of. */
struct tl_branch {
    proto_tree *tree;
    tvbuff_t *tvb;
    packet_info *pinfo;
    const struct tl_view *view;
};

/* Registers the fields of tl_fields.def and the subtrees. */
void tl_item_register(int protocol);

/* Whether somebody reads the field, so that a costly text is worth making. */
bool tl_item_wanted(const struct tl_branch *branch, enum tl_field field);

/* Turns the item of the whole protocol into a branch. */
struct tl_branch tl_item_trunk(proto_item *top, tvbuff_t *tvb, packet_info *pinfo, const struct tl_view *view);

/* Opens a subtree with a heading, a field of type NONE. `label` goes after it; NULL = nothing. */
struct tl_branch tl_item_heading(const struct tl_branch *parent, enum tl_field field, const char *label);

void tl_item_text(const struct tl_branch *branch, enum tl_field field, const char *text);

/* Adds the word of a value, with the label for people beside it where that says more. Nothing for NONE. */
void tl_item_name(const struct tl_branch *branch, enum tl_field field, enum tl_group group, unsigned value);

/* The same, with `confidence` in the field that follows in tl_fields.def, below it; "unknown" has none. Returns the branch
 * below. */
struct tl_branch tl_item_answer(const struct tl_branch *branch, enum tl_field field, enum tl_group group, unsigned value,
                                unsigned confidence);

void tl_item_count(const struct tl_branch *branch, enum tl_field field, uint32_t count);
void tl_item_int(const struct tl_branch *branch, enum tl_field field, int32_t number);

/* Adds a frame reference, on the first pass only to frames that were seen already. Nothing for 0 or the frame itself. */
void tl_item_frame(const struct tl_branch *branch, enum tl_field field, uint32_t frame);

/* Adds a duration in ns; nothing for a negative one, which means unknown. */
void tl_item_time(const struct tl_branch *branch, enum tl_field field, int64_t ns);

/* Adds a yes; nothing for a no. */
void tl_item_yes(const struct tl_branch *branch, enum tl_field field, bool holds);

/* One bit of a mask and its word. */
struct tl_bit {
    unsigned bit;
    const char *word;
};

/* Adds the words of the bits that are set, joined by a comma; nothing for an empty mask. `words` ends with a row of zeroes. */
void tl_item_bits(const struct tl_branch *branch, enum tl_field field, const struct tl_bit *words, unsigned mask);

#endif
