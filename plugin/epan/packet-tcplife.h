/* packet-tcplife.h - the protocol "TCP Lifecycle".
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef PACKET_TCPLIFE_H
#define PACKET_TCPLIFE_H

/* Registers the protocol with its fields, expert items and preferences. Wireshark calls it once, before tcplife_handoff(). */
void tcplife_register(void);

/* Puts the dissector in front of TCP. Wireshark calls it once, when all protocols are registered. */
void tcplife_handoff(void);

#endif
