/* tl_compat.h - what differs between Wireshark versions, and nothing else.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Only this file and plugin.c may test the version. Supported: 4.0, 4.4 and 4.6.
 */
#ifndef TL_COMPAT_H
#define TL_COMPAT_H

#include <stdbool.h>

#include <epan/packet.h>
#include <ws_version.h>

#define TL_WIRESHARK_AT_LEAST(major, minor)                                                                                    \
    (WIRESHARK_VERSION_MAJOR > (major) || (WIRESHARK_VERSION_MAJOR == (major) && WIRESHARK_VERSION_MINOR >= (minor)))

/* The type behind the pointer of a yes/no preference: gboolean (an int) before 4.4, bool since. */
#if TL_WIRESHARK_AT_LEAST(4, 4)
typedef bool tl_pref_bool;
#else
typedef gboolean tl_pref_bool;
#endif

/* What the function behind a -z argument returns: nothing before 4.6, whether it worked since. */
#if TL_WIRESHARK_AT_LEAST(4, 6)
#define TL_STAT_INIT bool
#define TL_STAT_INIT_DONE return true
#else
#define TL_STAT_INIT void
#define TL_STAT_INIT_DONE return
#endif

/* Value of an unsigned tree item. `field_info.value` is a struct before 4.2, a pointer since. */
#if TL_WIRESHARK_AT_LEAST(4, 2)
#define TL_FINFO_UINT(finfo) fvalue_get_uinteger((finfo)->value)
#else
#define TL_FINFO_UINT(finfo) fvalue_get_uinteger(&(finfo)->value)
#endif

#endif
