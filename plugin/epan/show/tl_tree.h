/* tl_tree.h - an answer as tree items, expert item and tag in the Info column.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TL_TREE_H
#define TL_TREE_H

#include "base/tl_compat.h"

#include "base/tl_text.h"
#include "input/tl_input.h"

/* Registers the fields of tl_fields.def, their subtrees and the expert items. */
void tl_tree_register(int protocol);

/* What users may choose: the preferences. */
struct tl_options {
    bool info_tag;     /* append the segment's step to the Info column */
    bool expert_steps; /* add expert items for ordinary steps */
    enum tl_language explanation_language;
};

/* Shows one TCP header of a frame. `tree` may be NULL: the expert item and the Info column do not need one. Does next to nothing
 * for an ordinary segment when nobody reads the fields. */
void tl_tree_show(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, const struct tl_header *header,
                  const struct tl_options *options);

#endif
