/* tl_tap.h - the tap "tcplife": every classified TCP header, for whoever counts them.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Statistics listen to this tap. What they are handed is a const struct tl_header (tl_input.h), once for each TCP header of a
 * frame that has an answer, outer ones first; it is valid during the call. It comes with or without a protocol tree, on
 * whichever pass Wireshark runs its taps. Facts of the whole connection are asked for when the table is drawn
 * (tl_conn_facts()): then the whole capture is known, also in one pass.
 */
#ifndef TL_TAP_H
#define TL_TAP_H

#include "base/tl_compat.h"

#include "input/tl_input.h"

/* The name to give to register_tap_listener(). */
#define TL_TAP_NAME "tcplife"

/* Registers the tap. Call once, when protocols are registered. */
void tl_tap_register(void);

/* Hands the headers of the frame to the listeners. Costs one comparison when nobody listens. */
void tl_tap_queue(packet_info *pinfo, const struct tl_header *headers, unsigned count);

#endif
