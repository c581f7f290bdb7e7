/* tl_expert.h - what a segment is as an expert item.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TL_EXPERT_H
#define TL_EXPERT_H

#include "base/tl_compat.h"

#include "input/tl_view.h"

/* One kind of expert item. */
struct tl_expert_item;

/* Registers one expert item, tcplife.expert.<value>, for each row of tl_names.def and tl_errors.def that has a severity. */
void tl_expert_register(int protocol);

/* The expert item that a TCP header deserves, or NULL: the most severe one, and of those the first in this order: origin
 * reset, reset, outcome of the handshake, error of the handshake, step of the teardown, probe, step of the handshake,
 * retransmission, other segment, special ACK, reuse of the ports. All members of the view must be filled. O(1). */
struct tl_expert_item *tl_expert_pick(const struct tl_view *view);

/* Whether anybody would learn of the item: there is a tree, somebody listens to expert items, their column is shown, or it is
 * more severe than all before (the status bar shows the highest). Cheap, whereas adding an item nobody reads costs 1,500
 * instructions. */
bool tl_expert_wanted(const struct tl_expert_item *item, const packet_info *pinfo, const proto_tree *tree);

/* The same of any item, before one is picked: false once nobody listens and the worst there is has been reported. */
bool tl_expert_any_wanted(const packet_info *pinfo, const proto_tree *tree);

/* Whether the item is about an ordinary step, so that a healthy capture has it, too: those of severity Chat. O(1). */
bool tl_expert_is_step(const struct tl_expert_item *item);

/* Adds the item to a frame, below `top` if that is not NULL. */
void tl_expert_add(struct tl_expert_item *item, packet_info *pinfo, proto_item *top);

#endif
