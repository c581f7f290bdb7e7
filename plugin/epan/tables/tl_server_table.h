/* tl_server_table.h - the table of servers: -z tcplife,servers, and the window of the same name.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 *     tshark -z tcplife,servers[,filter]    or: Statistics > TCP Lifecycle Servers
 *
 * One row for each address and port to which somebody tried to connect. A filter selects connections: those of which at least one
 * segment passes. Answers are final, also in one pass.
 */
#ifndef TL_SERVER_TABLE_H
#define TL_SERVER_TABLE_H

/* Makes both known. Call once, when protocols are registered and after tl_input_register(). */
void tl_server_table_register(void);

#endif
