/* tl_parts.h - the parts of a verdict as items of the tree, one function for each subject.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Each adds nothing when its subject does not arise for the segment.
 */
#ifndef TL_PARTS_H
#define TL_PARTS_H

#include "show/tl_item.h"

/* Phase, sender, states of both ends, connection. */
void tl_part_place(const struct tl_branch *branch);
void tl_part_handshake(const struct tl_branch *branch);
void tl_part_teardown(const struct tl_branch *branch);
void tl_part_reset(const struct tl_branch *branch);
/* Keep-alive and window probes and their answers. */
void tl_part_probes(const struct tl_branch *branch);
/* Whether the bytes are new; retransmission, duplicate. */
void tl_part_bytes(const struct tl_branch *branch);
/* What the acknowledgment does, and what it proves of earlier frames. */
void tl_part_ack(const struct tl_branch *branch);
/* Zeek's words, on the last frame of the connection. */
void tl_part_zeek(const struct tl_branch *branch);
/* What the capture cannot tell. */
void tl_part_capture(const struct tl_branch *branch);

#endif
