/* tl_rst_cause.h - what follows from the cause of a RST.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TL_RST_CAUSE_H
#define TL_RST_CAUSE_H

#include "tl.h"

/* What a RST says of the state of its sender (RFC 9293 3.10.5, 3.10.7). */
enum tl_rst_sender {
    TL_RST_SENDER_SILENT,   /* nothing: perhaps it is not from this end at all */
    TL_RST_SENDER_BY_FORM,  /* a live form aborts, an answer says that nothing is there */
    TL_RST_SENDER_ANSWERS,  /* the same, but once a device has answered for it, it may do so again */
    TL_RST_SENDER_DOUBTFUL, /* nothing is there, or a device on the path said so */
    TL_RST_SENDER_WAITS,    /* it goes on waiting in SYN-SENT */
    TL_RST_SENDER_DECLINES, /* it did not take the SYN-ACK, and closes */
};

/* What else a RST refers to. */
enum tl_rst_link { TL_RST_LINK_NONE, TL_RST_LINK_PROBES, TL_RST_LINK_FIRST_RST };

/* A row of tl_rst_cause.def; its head says what each member means. */
struct tl_rst_traits {
    uint8_t step;   /* enum tl_handshake_step */
    uint8_t sender; /* enum tl_rst_sender */
    uint8_t link;   /* enum tl_rst_link */
    uint8_t word;   /* enum tl_verdict */
    bool may_end;   /* ends a connection by its form or effect */
    bool gone;      /* its sender has no connection any more */
    bool deaf;      /* nothing reaches its receiver */
    bool of_end;    /* speaks of the end that the RST names, so it cannot stand when a device sent the RST */
    bool yields;    /* holds of a device, too, but says less than the words for one */
};

/* The traits of a cause. Total: below TL_RST_CAUSE_COUNT; NONE has those of a RST that says nothing. O(1). */
const struct tl_rst_traits *tl_rst_traits(enum tl_rst_cause cause);

#endif
