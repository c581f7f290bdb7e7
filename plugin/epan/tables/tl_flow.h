/* tl_flow.h - the flow graph "TCP Lifecycle": who sent what to whom, and what it changed.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 *     tshark -z flow,tcplife,standard[,filter]    or: Statistics > Flow Graph, flow type "TCP Lifecycle"
 *
 * One arrow for each TCP header. On it stands what the segment is, next to it the phase, the change of state of both ends, and
 * for a reset or retransmission the reason. "standard" and "network" make no difference: TCP has network addresses.
 */
#ifndef TL_FLOW_H
#define TL_FLOW_H

/* Makes the flow type known. `protocol` is tcplife's. Call once, when protocols are registered. */
void tl_flow_register(int protocol);

#endif
