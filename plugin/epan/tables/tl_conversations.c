/* tl_conversations.c - connections as rows of Wireshark's Conversations and Endpoints windows, which can be applied as filters.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "tables/tl_conversations.h"

#include "base/tl_compat.h"

#include <stdio.h>

#include <epan/conversation_table.h>

#include "store/tl_store.h"
#include "tables/tl_tap.h"

/* With CONVERSATION_TCP the windows would take the number of a row for a tcp.stream in "Follow Stream" and "Graph". This is
 * another type whose ports they show. */
static const conversation_type row_type = CONVERSATION_SCTP;

/* ---- filters of a row --------------------------------------------------------------------------------------------------- */

/* Wireshark makes a filter of a row as NAME==address && NAME==port and so on. These are the names, for IPv4 and IPv6. */
static const char *conversations_field_of(conv_filter_type_e what, bool ipv6)
{
    switch (what) {
    case CONV_FT_SRC_ADDRESS:
        return ipv6 ? "ipv6.src" : "ip.src";
    case CONV_FT_DST_ADDRESS:
        return ipv6 ? "ipv6.dst" : "ip.dst";
    case CONV_FT_ANY_ADDRESS:
        return ipv6 ? "ipv6.addr" : "ip.addr";
    case CONV_FT_SRC_PORT:
        return "tcp.srcport";
    case CONV_FT_DST_PORT:
        return "tcp.dstport";
    case CONV_FT_ANY_PORT:
        return "tcp.port";
    default:
        return CONV_FILTER_INVALID;
    }
}

static bool conversations_is_address(conv_filter_type_e what)
{
    return what == CONV_FT_SRC_ADDRESS || what == CONV_FT_DST_ADDRESS || what == CONV_FT_ANY_ADDRESS;
}

/* There is no name for the connection itself, so its number goes before each name of an address. The text is read before the
 * next call, or is the same. */
static const char *conversations_conversation_field(struct _conversation_item_t *row, conv_filter_type_e what)
{
    static char text[64];
    const char *field = conversations_field_of(what, row->src_address.type == AT_IPv6);

    if (!conversations_is_address(what))
        return field;
    snprintf(text, sizeof text, "tcplife.conn==%u && %s", row->conv_id, field);
    return text;
}

static const char *conversations_endpoint_field(struct _endpoint_item_t *row, conv_filter_type_e what)
{
    return conversations_field_of(what, row->myaddress.type == AT_IPv6);
}

/* ---- rows --------------------------------------------------------------------------------------------------------------- */

/* Address and port of the two ends, the sender of the segment first. */
struct ends {
    address name[2];
    uint16_t port[2];
};

static struct ends conversations_ends_of(const struct tl_result *result)
{
    const struct tl_endpoints *ports = tl_conn_ends(result->conn);
    struct ends ends;

    for (unsigned i = 0; i < 2; i++) {
        unsigned end = (result->shape.from ^ i) & 1;

        tl_pairs_address(result->conn, end, &ends.name[i]);
        ends.port[i] = ports->port[end];
    }
    return ends;
}

static tap_packet_status conversations_add_conversation(void *tap, packet_info *pinfo, epan_dissect_t *edt, const void *data,
                                                        tap_flags_t flags)
{
    static ct_dissector_info_t filters = {conversations_conversation_field};
    const struct tl_result *result = &((const struct tl_header *)data)->result;
    struct ends ends = conversations_ends_of(result);
    conv_hash_t *rows = tap;

    (void)edt;
    rows->flags = flags;
    add_conversation_table_data_with_conv_id(rows, &ends.name[0], &ends.name[1], ends.port[0], ends.port[1],
                                             tl_conn_number(result->conn), 1, (int)pinfo->fd->pkt_len, &pinfo->rel_ts,
                                             &pinfo->abs_ts, &filters, row_type);
    return TAP_PACKET_REDRAW;
}

static tap_packet_status conversations_add_endpoints(void *tap, packet_info *pinfo, epan_dissect_t *edt, const void *data,
                                                     tap_flags_t flags)
{
    static et_dissector_info_t filters = {conversations_endpoint_field};
    struct ends ends = conversations_ends_of(&((const struct tl_header *)data)->result);
    conv_hash_t *rows = tap;

    (void)edt;
    rows->flags = flags;
    for (unsigned i = 0; i < 2; i++)
        add_endpoint_table_data(rows, &ends.name[i], ends.port[i], i == 0, 1, (int)pinfo->fd->pkt_len, &filters, row_type);
    return TAP_PACKET_REDRAW;
}

void tl_conversations_register(int protocol)
{
    register_conversation_table(protocol, false, conversations_add_conversation, conversations_add_endpoints);
}
