/* tl_conv_filter.h - "TCP Lifecycle connection" among the conversation filters of the packet list.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The filter of a packet's connection: tcplife.conn == N. Unlike tcp.stream it tells a reuse of the ports from the connection
 * before. Where a packet has several TCP headers (tunnels), the innermost counts, as it does in the packet list.
 */
#ifndef TL_CONV_FILTER_H
#define TL_CONV_FILTER_H

/* Makes the filter known. Call once, when protocols are registered. */
void tl_conv_filter_register(void);

#endif
