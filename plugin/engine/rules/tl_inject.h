/* tl_inject.h - whether a RST was sent by the end that it names, and the pattern that resets make.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Neutral facts: load balancers, NAT devices and firewalls send resets in the name of an endpoint for good reasons.
 */
#ifndef TL_INJECT_H
#define TL_INJECT_H

#include "conn/tl_conn.h"

/* Collects the evidence about the RST in this step, and counts it for the signature. Called after the cause is known and before
 * the RST is remembered. `rsts` is the part of its sender, NULL when out of memory. O(TL_RECENT_MAX). */
void tl_inject_classify(struct tl_step *step, struct tl_rsts *rsts);

/* A segment of an end that a RST should have ended: if it brings something new, that RST was not its own. O(1). */
void tl_inject_learn(struct tl_step *step);

/* The verdict on a set of evidence. O(1). */
enum tl_injected tl_inject_verdict(unsigned evidence);

/* The pattern of resets in the client's name, as known at `end_ns`, the end of the capture. O(1). */
enum tl_signature tl_inject_signature(const struct tl_conn *conn, int64_t end_ns);

#endif
