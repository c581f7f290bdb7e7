/* packet-tcplife.c - the protocol, its preferences and the post-dissector.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "packet-tcplife.h"

#include "tl_compat.h"

#include <epan/prefs.h>

#include "tl_conn_table.h"
#include "tl_conn_tap.h"
#include "tl_conv_filter.h"
#include "tl_conversations.h"
#include "tl_flow.h"
#include "tl_input.h"
#include "tl_server_table.h"
#include "tl_stats_tree.h"
#include "tl_tap.h"
#include "tl_tree.h"

static int proto_tcplife = -1;
static tl_bool pref_info_tag = true;

/* Called after everything else of a frame, TCP or not. */
static int dissect_tcplife(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, void *data)
{
    unsigned count;
    const struct tl_header *headers = tl_input_headers(pinfo, tree, &count);

    (void)data;
    for (unsigned i = 0; i < count; i++) {
        if (headers[i].decided)
            tl_tree_show(tvb, pinfo, tree, &headers[i], pref_info_tag);
    }
    tl_tap_queue(pinfo, headers, count);
    tl_input_end();
    return (int)tvb_captured_length(tvb);
}

static void register_preferences(void)
{
    module_t *module = prefs_register_protocol(proto_tcplife, NULL);

    prefs_register_bool_preference(module, "info_tag", "Tag the Info column",
                                   "Append what a segment does in the life of its connection to the Info column, for instance "
                                   "\"[SYN 1/3]\" or \"[RST: refused]\". Ordinary segments get no tag.",
                                   &pref_info_tag);
}

void tcplife_register(void)
{
    int helper;

    proto_tcplife = proto_register_protocol("TCP Lifecycle", "TCP Lifecycle", "tcplife");
    tl_tree_register(proto_tcplife);
    register_preferences();
    tl_input_register(proto_tcplife);
    tl_tap_register();
    tl_conn_tap_register();
    tl_conn_table_register();
    tl_server_table_register();
    tl_stats_tree_register();
    tl_flow_register(proto_tcplife);
    tl_conv_filter_register();
    tl_conversations_register(proto_tcplife);

    /* The handle belongs to a protocol in the name of ours: such a dissector is called with less ado, and switched on and off
     * with its parent. */
    helper = proto_register_protocol_in_name_only("TCP Lifecycle, after the frame", "TCP Lifecycle (after the frame)",
                                                  "tcplife.after_frame", proto_tcplife, FT_PROTOCOL);
    register_postdissector(create_dissector_handle(dissect_tcplife, helper));
}

void tcplife_handoff(void)
{
    tl_input_handoff();
}
