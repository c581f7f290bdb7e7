/* tl_rst_form.h - how a RST was made, and which segment it answers.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Internal to tl_rst.c, which decides why it was sent.
 */
#ifndef TL_RST_FORM_H
#define TL_RST_FORM_H

#include "conn/tl_conn.h"

/* What the rules look at besides the step. */
struct tl_rst {
    struct tl_step *step;
    struct tl_recent_entry *trigger; /* in the peer's ring, or NULL */
    const struct tl_recent_entry
        *takes; /* a young segment that the RST is the first to acknowledge: it may be an answer; or NULL */
    const struct tl_recent_entry *met; /* payload that this end had not acknowledged and that may have drawn the RST; or NULL */
    uint32_t trigger_in;               /* its frame; also set when it belongs to another connection */
    uint8_t form;                      /* enum tl_rst_form */
    uint8_t effect_confidence;
    bool challenged; /* the trigger is the challenge ACK that answered this connection's SYN */
};

/* Nothing else of this end was captured. */
static inline bool tl_sent_only_rsts(const struct tl_endpoint *end)
{
    return end->segments == tl_rsts(end)->count;
}

/* Fills in form and trigger; step must be there. O(32). */
void tl_rst_find_form(struct tl_rst *rst);

#endif
