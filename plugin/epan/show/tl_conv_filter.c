/* tl_conv_filter.c - the entry in Wireshark's menu "Conversation Filter" that selects one connection.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "show/tl_conv_filter.h"

#include "base/tl_compat.h"

#include <epan/conversation_filter.h>

#include "store/tl_store.h"

/* The connection of the innermost TCP header of a frame; NULL if it has none. */
static const struct tl_conn *conv_filter_connection_of(const packet_info *pinfo)
{
    const struct tl_conn *conn = NULL;
    struct tl_result result;

    for (unsigned layer = 0; tl_store_read(pinfo->num, layer, &result); layer++)
        conn = result.conn;
    return conn;
}

static tl_bool conv_filter_is_valid(TL_CONV_FILTER_PARAMETERS)
{
    return conv_filter_connection_of(pinfo) != NULL;
}

/* The caller frees it. */
static char *conv_filter_build_filter(TL_CONV_FILTER_PARAMETERS)
{
    const struct tl_conn *conn = conv_filter_connection_of(pinfo);

    return conn ? g_strdup_printf("tcplife.conn == %u", tl_conn_number(conn)) : NULL;
}

void tl_conv_filter_register(void)
{
    register_conversation_filter("tcplife", "TCP Lifecycle connection", conv_filter_is_valid,
                                 conv_filter_build_filter TL_CONV_FILTER_DATA);
}
