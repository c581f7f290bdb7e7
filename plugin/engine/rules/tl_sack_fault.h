/* tl_sack_fault.h - what a device on the path does to SACK blocks: it blanks them, or changes sequence numbers and not the blocks.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Rules: docs/design.md, "Spoiled SACK blocks". RFC 2018 3 and 4.
 */
#ifndef TL_SACK_FAULT_H
#define TL_SACK_FAULT_H

#include "conn/tl_conn.h"

/* The segment was applied, and its ACK named: counts what its SACK blocks, or the lack of them, show. O(blocks + TL_RECENT_MAX). */
void tl_sack_fault_learn(struct tl_step *step);

/* What is known of the connection by now. O(1). */
enum tl_sack_fault tl_sack_fault_now(const struct tl_conn *conn);

#endif
