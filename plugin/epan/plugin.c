/* plugin.c - what Wireshark looks for when it loads the plugin.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * These symbols are the only ones that the library exports.
 */
#include "base/tl_compat.h"

#include <ws_symbol_export.h>

#include "packet-tcplife.h"

#ifndef TCPLIFE_VERSION
#define TCPLIFE_VERSION "0.0.0"
#endif

#define TEXT_OF(number) #number
#define VERSION_TEXT(major, minor) TEXT_OF(major) "." TEXT_OF(minor)

WS_DLL_PUBLIC const char plugin_version[];
WS_DLL_PUBLIC const char plugin_build[];
WS_DLL_PUBLIC const int plugin_want_major;
WS_DLL_PUBLIC const int plugin_want_minor;
WS_DLL_PUBLIC void plugin_register(void);
WS_DLL_PUBLIC uint32_t plugin_describe(void);

WS_DLL_PUBLIC_DEF const char plugin_version[] = TCPLIFE_VERSION;
/* For tcplife-doctor, which reads it in a file that Wireshark refuses to load. */
WS_DLL_PUBLIC_DEF const char plugin_build[] =
    "tcplife " TCPLIFE_VERSION " for Wireshark " VERSION_TEXT(WIRESHARK_VERSION_MAJOR, WIRESHARK_VERSION_MINOR);
WS_DLL_PUBLIC_DEF const int plugin_want_major = WIRESHARK_VERSION_MAJOR;
WS_DLL_PUBLIC_DEF const int plugin_want_minor = WIRESHARK_VERSION_MINOR;

/* Called once by Wireshark after it has loaded the library. */
WS_DLL_PUBLIC_DEF void plugin_register(void)
{
    static proto_plugin plugin = {
        .register_protoinfo = tcplife_register,
        .register_handoff = tcplife_handoff,
    };

    proto_register_plugin(&plugin);
}

/* What kind of plugin this is: 1 = dissector. Versions before 4.2 do not ask. */
WS_DLL_PUBLIC_DEF uint32_t plugin_describe(void)
{
    return 1;
}
