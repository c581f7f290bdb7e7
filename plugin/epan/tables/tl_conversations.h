/* tl_conversations.h - "TCP Lifecycle" in the Conversations and Endpoints windows.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 *     tshark -z conv,tcplife[,filter]    or: Statistics > Conversations, type "TCP Lifecycle"
 *
 * The rows of these windows have the menu "Apply as Filter", which the tables of the Statistics menu lack. Unlike the type "TCP"
 * a row is one connection: a reuse of the ports has a row of its own, and its filter names tcplife.conn.
 */
#ifndef TL_CONVERSATIONS_H
#define TL_CONVERSATIONS_H

/* Makes the type known. `protocol` is tcplife's. Call once, when protocols are registered. */
void tl_conversations_register(int protocol);

#endif
