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
#include <epan/tap.h>
#include <ws_version.h>

#define TL_WIRESHARK_AT_LEAST(major, minor)                                                                                    \
    (WIRESHARK_VERSION_MAJOR > (major) || (WIRESHARK_VERSION_MAJOR == (major) && WIRESHARK_VERSION_MINOR >= (minor)))

/* Yes or no in Wireshark's structs, and in what callbacks return: gboolean (an int) before 4.4, bool since. */
#if TL_WIRESHARK_AT_LEAST(4, 4)
typedef bool tl_bool;
#else
typedef gboolean tl_bool;
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

/* Parameters of the callbacks of a conversation filter, and what register_conversation_filter() wants after them. */
#if TL_WIRESHARK_AT_LEAST(4, 2)
#define TL_CONV_FILTER_PARAMETERS struct _packet_info *pinfo, G_GNUC_UNUSED void *data
#define TL_CONV_FILTER_DATA , NULL
#else
#define TL_CONV_FILTER_PARAMETERS struct _packet_info *pinfo
#define TL_CONV_FILTER_DATA
#endif

/* How tshark prints a statistics tree: a preference since 4.6. */
#if TL_WIRESHARK_AT_LEAST(4, 6)
#define TL_STATS_TREE_FORMAT prefs.st_format
#else
#define TL_STATS_TREE_FORMAT ST_FORMAT_PLAIN
#endif

/* An empty string with room for `size` bytes before it has to grow. */
static inline wmem_strbuf_t *tl_strbuf_new(wmem_allocator_t *pool, size_t size)
{
#if TL_WIRESHARK_AT_LEAST(4, 2)
    return wmem_strbuf_new_sized(pool, size);
#else
    return wmem_strbuf_sized_new(pool, size, 0);
#endif
}

/* ---- flow graphs -------------------------------------------------------------------------------------------------------- */

/* epan/sequence_analysis.h is not installed. What follows declares what the plugin uses of it: functions that the library
 * exports, and the leading members, equal in all versions, of structs that only the library allocates. */

enum { TL_FLOW_HOSTS_MAX = 40 }; /* MAX_NUM_NODES there */

typedef struct _seq_analysis_item {
    uint32_t frame_number;
    address src_addr;
    uint16_t port_src;
    address dst_addr;
    uint16_t port_dst;
    char *frame_label;
    char *time_str;
    char *comment;
    uint16_t conv_num;
    unsigned fg_color;
    unsigned bg_color;
    tl_bool has_color_filter;
    tl_bool display;
    unsigned src_node;
    unsigned dst_node;
    uint16_t line_style;
} seq_analysis_item_t;

typedef struct _seq_analysis_info {
    const char *name;
    tl_bool any_addr;
    int nconv;
    GQueue *items; /* seq_analysis_item_t */
} seq_analysis_info_t;

void register_seq_analysis(const char *name, const char *ui_name, int proto_id, const char *tap, unsigned tap_flags,
                           tap_packet_cb packet);
seq_analysis_item_t *sequence_analysis_create_sai_with_addresses(packet_info *pinfo, seq_analysis_info_t *info);
void sequence_analysis_use_color_filter(packet_info *pinfo, seq_analysis_item_t *item);

#endif
