/* packet-tcplife.c - the protocol, its preferences and the post-dissector.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "packet-tcplife.h"

#include "base/tl_compat.h"

#include <epan/prefs.h>
#include <wsutil/report_message.h>

#include "input/tl_input.h"
#include "report/tl_report_late.h"
#include "report/tl_report_tap.h"
#include "report/tl_report_window.h"
#include "show/tl_conv_filter.h"
#include "show/tl_tree.h"
#include "tables/tl_conn_table.h"
#include "tables/tl_conn_tap.h"
#include "tables/tl_conversations.h"
#include "tables/tl_flow.h"
#include "tables/tl_server_table.h"
#include "tables/tl_stats_tree.h"
#include "tables/tl_tap.h"

static int proto_tcplife = -1;

/* ---- preferences ------------------------------------------------------------------------------------------------------- */

/* One variable for each, of the type that Wireshark writes to: pref_info_tag ... */
#define TL_PREFERENCE_YES(name, standard, title, what) static tl_bool pref_##name = standard;
#define TL_PREFERENCE_LANGUAGE(name, standard, title, what) static const char *pref_##name = standard;
#include "tl_preferences.def"

/* Called when a preference has changed by a window, a file or a command line. */
static void apply_preferences(void)
{
    enum tl_language language;

    if (!tl_language_named(pref_explanation_language, &language))
        report_warning("tcplife.explanation_language: there is no language \"%s\", so explanations are in English. "
                       "Choose en or zh-CN.",
                       pref_explanation_language);
}

/* The language of that name, English if there is none. The last name is kept with its answer, because sharkd changes a preference
 * without a word. */
static enum tl_language explanation_language(void)
{
    static char *name;
    static enum tl_language language;

    if (g_strcmp0(name, pref_explanation_language) != 0) {
        g_free(name);
        name = g_strdup(pref_explanation_language);
        language = TL_ENGLISH;
        tl_language_named(name ? name : "", &language);
    }
    return language;
}

/* Wireshark dissects again when one of them changes: that is what it does unless told otherwise. */
static void register_preferences(void)
{
    module_t *module = prefs_register_protocol(proto_tcplife, apply_preferences);

#define TL_PREFERENCE_YES(name, standard, title, what) prefs_register_bool_preference(module, #name, title, what, &pref_##name);
#define TL_PREFERENCE_LANGUAGE(name, standard, title, what)                                                                    \
    prefs_register_string_preference(module, #name, title, what, &pref_##name);
#include "tl_preferences.def"
}

/* ---- dissection -------------------------------------------------------------------------------------------------------- */

/* Called after everything else of a frame, TCP or not. */
static int dissect_tcplife(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, void *data)
{
    const struct tl_options options = {pref_info_tag, pref_expert_steps, explanation_language()};
    unsigned count;
    const struct tl_header *headers = tl_input_headers(pinfo, tree, &count);

    (void)data;
    tl_report_late_count(pinfo, tree, headers, count);
    for (unsigned i = 0; i < count; i++) {
        if (headers[i].decided)
            tl_tree_show(tvb, pinfo, tree, &headers[i], &options);
    }
    tl_tap_queue(pinfo, headers, count);
    tl_input_end();
    return (int)tvb_captured_length(tvb);
}

/* ---- registration ------------------------------------------------------------------------------------------------------ */

void tcplife_register(void)
{
    int helper;

    proto_tcplife = proto_register_protocol("TCP Lifecycle", "TCP Lifecycle", "tcplife");
    tl_tree_register(proto_tcplife);
    register_preferences();
    tl_input_register(proto_tcplife);
    tl_tap_register();
    tl_conn_tap_register();
    tl_report_late_register();
    tl_report_window_register(explanation_language);
    tl_report_tap_register(explanation_language);
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
