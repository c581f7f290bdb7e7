/* tl_item.h - the fields of tl_fields.def as items of the tree.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TL_ITEM_H
#define TL_ITEM_H

#include "base/tl_compat.h"

#include "show/tl_value.h"

/* Registers the fields of tl_fields.def and the subtrees. */
void tl_item_register(int protocol);

/* Adds to the item of the whole protocol every field that the view has, each below the one that tl_fields.def says. All are
 * generated. A text that is costly to make is made only when somebody reads it. */
void tl_item_show(proto_item *top, tvbuff_t *tvb, packet_info *pinfo, const struct tl_view *view);

/* Whether somebody reads tcplife.finding or tcplife.finding.group in this tree. O(1). */
bool tl_item_reads_findings(proto_tree *tree);

#endif
