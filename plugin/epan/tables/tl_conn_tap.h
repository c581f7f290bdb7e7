/* tl_conn_tap.h - tshark -z tcplife,conn and its kin: one row for each connection on standard output.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 *     -z tcplife,conn[,filter]   a table for people
 *     -z tcplife,csv[,filter]    -z tcplife,tsv[,filter]    -z tcplife,json[,filter]
 *
 * Rows come at the end of the capture, in the order in which the connections began, and are final in one pass. A filter selects
 * connections: those of which at least one segment passes it; their rows are those of the whole connection all the same.
 * Memory: 300 bytes for a connection, 112 more for an end of one that had any of struct tl_trouble (tl_tally.h), and from its handshake
 * on 416, with 512 for the reports of each end, for its waits (tl_waits.h).
 */
#ifndef TL_CONN_TAP_H
#define TL_CONN_TAP_H

#include "base/tl_compat.h"

/* Makes the arguments known. Call once, when protocols are registered. */
void tl_conn_tap_register(void);

#endif
