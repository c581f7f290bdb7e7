/* tl_needless.h - retransmissions that were not needed, and what proves it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TL_NEEDLESS_H
#define TL_NEEDLESS_H

#include "tl_rexmit.h"

/* A retransmission was sent: is it needless by what had passed before, and if not, remember it. O(1) amortised. */
void tl_needless_begin(struct tl_step *step, const struct tl_report *known, const struct tl_sent_result *look,
                       bool captured_before);

/* The original of bytes that were sent again came after all: the retransmissions were needless. O(TL_RESENDS_MAX). */
void tl_needless_late_original(struct tl_step *step);

/* What the ACK in this step, sent by the receiver, proves of the peer's retransmissions. `acked` as for tl_rexmit_after_ack.
 * O(TL_RESENDS_MAX). */
void tl_needless_prove(struct tl_step *step, const struct tl_sent_ack_result *acked);

#endif
