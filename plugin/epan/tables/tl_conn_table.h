/* tl_conn_table.h - the table of connections as a window of Wireshark.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 *     Statistics > TCP Lifecycle Connections    or: wireshark -z tcplife,conn[,filter]
 *
 * The columns are those of "tshark -z tcplife,conn" (tl_columns.def) and one more: the display filter of the row. As there, a
 * filter selects connections, those of which at least one segment passes, and their rows are those of the whole connection.
 */
#ifndef TL_CONN_TABLE_H
#define TL_CONN_TABLE_H

#include "base/tl_compat.h"

/* Makes the window known. Call once, when protocols are registered and after tl_input_register(). */
void tl_conn_table_register(void);

/* Opens the window if this is the graphical Wireshark. `filter` may be NULL. Returns false in tshark. Call it when a -z argument is
 * started. */
bool tl_conn_table_open_in_gui(const char *filter);

#endif
