/* tl_stats_tree.h - how many: phases, resets, retransmissions, outcomes, closes, verdicts.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 *     tshark -z tcplife,tree[,filter]    or: Statistics > TCP Lifecycle
 *
 * Segments are counted one by one: each number is what the same display filter finds. A connection is counted once, with its
 * final answer, also in one pass; under a filter, if at least one of its segments passes. Memory: 8 bytes for a connection.
 */
#ifndef TL_STATS_TREE_H
#define TL_STATS_TREE_H

/* Makes the tree known. Call once, when protocols are registered and after tl_input_register(). */
void tl_stats_tree_register(void);

#endif
