/* tl_spurious.h - retransmissions that were not needed, and what proves it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TL_SPURIOUS_H
#define TL_SPURIOUS_H

#include "rules/tl_rexmit.h"

/* A retransmission was sent: is it spurious by what had passed before, and if not, remember it. O(1) amortised. */
void tl_spurious_begin(struct tl_step *step, const struct tl_report *known, const struct tl_scoreboard_result *look,
                       bool captured_before);

/* The original of bytes that were sent again came after all: the retransmissions were spurious. O(TL_RESENDS_MAX). */
void tl_spurious_late_original(struct tl_step *step);

/* What the ACK in this step, sent by the receiver, proves of the peer's retransmissions. `acked` as for tl_rexmit_after_ack.
 * O(TL_RESENDS_MAX). */
void tl_spurious_prove(struct tl_step *step, const struct tl_scoreboard_ack_result *acked);

#endif
