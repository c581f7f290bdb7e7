/* tl_flow.c - the flow graph: an arrow for each segment, a comment where it changes a state or has a reason.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "tables/tl_flow.h"

#include "base/tl_compat.h"

#include "show/tl_endpoint_text.h"
#include "show/tl_value.h"
#include "show/tl_what.h"
#include "store/tl_store.h"
#include "tables/tl_tap.h"

enum { LABEL_WIDTH = 20 }; /* characters that fit on an arrow of the text form: NODE_CHARS_WIDTH of sequence_analysis.c */

/* ---- the arrow ---------------------------------------------------------------------------------------------------------- */

static const char *flow_bytes_text(wmem_allocator_t *pool, uint32_t bytes)
{
    return bytes == 1 ? "1 byte" : wmem_strdup_printf(pool, "%u bytes", bytes);
}

static const char *flow_tag_of(const struct tl_header *header, const char **prefix)
{
    const struct tl_what what = tl_what(&header->result.shape, header->segment.flags);

    return tl_what_tag(&what, prefix);
}

static const char *flow_label_of(wmem_allocator_t *pool, const struct tl_header *header)
{
    const char *prefix;
    const char *tag = flow_tag_of(header, &prefix);

    if (tag)
        return wmem_strdup_printf(pool, "%s%s", prefix, tag);
    if (header->segment.len > 0)
        return flow_bytes_text(pool, header->segment.len);
    return header->segment.flags & TL_ACK ? "ACK" : "no ACK, no bytes";
}

/* ---- what stands beside it ---------------------------------------------------------------------------------------------- */

/* Appends a part, separated from what stands there already. */
static void flow_add_part(wmem_strbuf_t *comment, const char *part)
{
    if (wmem_strbuf_get_len(comment) > 0)
        wmem_strbuf_append(comment, "; ");
    wmem_strbuf_append(comment, part);
}

/* "client", "server", or its address where nothing tells which it is. */
static const char *flow_end_name(wmem_allocator_t *pool, const struct tl_result *result, unsigned end)
{
    unsigned sender = result->shape.sender;

    if (sender != TL_SENDER_CLIENT && sender != TL_SENDER_SERVER)
        return tl_endpoint_text(pool, result->conn, end);
    return end == result->shape.client ? "client" : "server";
}

/* "ESTABLISHED -> FIN-WAIT-1", "SYN-SENT" when nothing is known of before, "not ESTABLISHED but SYN-SENT" when an expected state
 * did not come about; NULL when nothing changes. */
static const char *flow_change_of(wmem_allocator_t *pool, const struct tl_endpoint_view *end)
{
    const char *state = tl_name(TL_GROUP_STATE, end->state)->value;

    if (end->withdrawn != TL_STATE_NONE)
        return wmem_strdup_printf(pool, "not %s but %s", tl_name(TL_GROUP_STATE, end->withdrawn)->value, state);
    if (end->before == TL_STATE_UNKNOWN || end->before == TL_STATE_NONE)
        return end->before == TL_STATE_UNKNOWN ? state : NULL;
    return tl_value_path(end, wmem_alloc(pool, TL_VALUE_TEXT_SIZE));
}

/* "client ESTABLISHED -> FIN-WAIT-1, server ESTABLISHED -> CLOSE-WAIT" */
static void flow_add_changes(wmem_allocator_t *pool, wmem_strbuf_t *comment, const struct tl_result *result)
{
    const char *separator = "";

    for (unsigned role = 0; role < 2; role++) {
        unsigned end = role == 0 ? result->shape.client & 1 : !(result->shape.client & 1);
        const char *change = flow_change_of(pool, &result->shape.endpoint[end]);

        if (!change)
            continue;
        wmem_strbuf_append_printf(comment, "%s%s %s", separator, flow_end_name(pool, result, end), change);
        separator = ", ";
    }
}

/* "why: Nothing listens there, or a firewall says so (certain, see frame 1)"; nothing for NONE. */
static void flow_add_reason(wmem_strbuf_t *comment, const struct tl_name *cause, unsigned confidence, uint32_t frame)
{
    const char *sure = tl_name(TL_GROUP_CONFIDENCE, confidence)->label;

    if (!cause->meaning)
        return;
    flow_add_part(comment, "why: ");
    wmem_strbuf_append_len(comment, cause->meaning, strlen(cause->meaning) - 1); /* without the full stop */
    if (sure && frame != 0)
        wmem_strbuf_append_printf(comment, " (%s, see frame %u)", sure, frame);
    else if (sure)
        wmem_strbuf_append_printf(comment, " (%s)", sure);
    else if (frame != 0)
        wmem_strbuf_append_printf(comment, " (see frame %u)", frame);
}

static void flow_add_reasons(wmem_strbuf_t *comment, const struct tl_result *result)
{
    const struct tl_shape *shape = &result->shape;

    flow_add_reason(comment, tl_name(TL_GROUP_RST_CAUSE, shape->rst_cause), shape->rst_confidence, result->refs.trigger_in);
    if (shape->synack_why != TL_SYNACK_WHY_NONE)
        flow_add_reason(comment, tl_name(TL_GROUP_SYNACK_WHY, shape->synack_why), shape->retransmission_confidence,
                        result->refs.original_in);
    else
        flow_add_reason(comment, tl_name(TL_GROUP_RETRANSMISSION, shape->retransmission), shape->retransmission_confidence,
                        result->refs.original_in);
}

/* What counts most comes first, because windows cut the rest off; the frame, because reasons refer to frames, and the phase come last.
 * What does not fit on the arrow is repeated. */
static const char *flow_comment_of(wmem_allocator_t *pool, const struct tl_header *header, const char *label)
{
    wmem_strbuf_t *comment = wmem_strbuf_new(pool, "");
    const char *prefix;

    flow_add_changes(pool, comment, &header->result);
    flow_add_reasons(comment, &header->result);
    if (strlen(label) > LABEL_WIDTH)
        flow_add_part(comment, label);
    if (header->segment.len > 0 && flow_tag_of(header, &prefix))
        flow_add_part(comment, flow_bytes_text(pool, header->segment.len));
    flow_add_part(comment, wmem_strdup_printf(pool, "frame %u, %s", header->segment.frame,
                                              tl_name(TL_GROUP_PHASE, header->result.shape.phase)->label));
    return wmem_strbuf_get_str(comment);
}

/* ---- the columns -------------------------------------------------------------------------------------------------------- */

/* The hosts of one graph. Wireshark gives a column to the first TL_FLOW_HOSTS_MAX and draws the arrows of others wrongly. */
struct columns {
    address hosts[TL_FLOW_HOSTS_MAX];
    unsigned count;
    bool full_told;
};

static GHashTable *graphs; /* seq_analysis_info_t -> struct columns */

static void flow_clear_columns(struct columns *columns)
{
    for (unsigned i = 0; i < columns->count; i++)
        free_address(&columns->hosts[i]);
    memset(columns, 0, sizeof *columns);
}

/* A graph without arrows begins anew: nobody tells when one is emptied or freed, and its memory may serve another one. */
static struct columns *flow_columns_of(seq_analysis_info_t *graph)
{
    struct columns *columns = g_hash_table_lookup(graphs, graph);

    if (!columns) {
        columns = g_new0(struct columns, 1);
        g_hash_table_insert(graphs, graph, columns);
    }
    if (g_queue_is_empty(graph->items))
        flow_clear_columns(columns);
    return columns;
}

static bool flow_has_column(const struct columns *columns, const address *host)
{
    for (unsigned i = 0; i < columns->count; i++) {
        if (addresses_equal(&columns->hosts[i], host))
            return true;
    }
    return false;
}

/* Gives both hosts a column. Returns false, with nothing changed, when there are not enough. */
static bool flow_take_columns(struct columns *columns, const address *hosts)
{
    bool has[2] = {flow_has_column(columns, &hosts[0]), flow_has_column(columns, &hosts[1])};

    if (addresses_equal(&hosts[0], &hosts[1]))
        has[1] = true;
    if (columns->count + !has[0] + !has[1] > TL_FLOW_HOSTS_MAX)
        return false;
    for (unsigned i = 0; i < 2; i++) {
        if (!has[i])
            copy_address(&columns->hosts[columns->count++], &hosts[i]);
    }
    return true;
}

/* Says beside the last arrow that others are missing. */
static void flow_tell_full(seq_analysis_info_t *graph, struct columns *columns)
{
    seq_analysis_item_t *last = g_queue_peek_tail(graph->items);
    char *comment = last->comment;

    if (columns->full_told)
        return;
    columns->full_told = true;
    last->comment =
        g_strdup_printf("%s [%d hosts have a column; the segments of others are left out from here on: use a filter]", comment,
                        TL_FLOW_HOSTS_MAX);
    g_free(comment);
}

/* ---- the tap ------------------------------------------------------------------------------------------------------------ */

static seq_analysis_item_t *flow_new_arrow(packet_info *pinfo, seq_analysis_info_t *graph, const address hosts[2])
{
    seq_analysis_item_t *arrow = sequence_analysis_create_sai_with_addresses(pinfo, graph);

    if (!arrow)
        return NULL;
    /* Those of the packet are the innermost ones. */
    free_address(&arrow->src_addr);
    free_address(&arrow->dst_addr);
    copy_address(&arrow->src_addr, &hosts[0]);
    copy_address(&arrow->dst_addr, &hosts[1]);
    sequence_analysis_use_color_filter(pinfo, arrow);
    return arrow;
}

static tap_packet_status flow_add_arrow(void *tap, packet_info *pinfo, epan_dissect_t *edt, const void *data, tap_flags_t flags)
{
    seq_analysis_info_t *graph = tap;
    struct columns *columns = flow_columns_of(graph);
    const struct tl_header *header = data;
    const struct tl_endpoints *ends = tl_conn_ends(header->result.conn);
    unsigned from = header->result.shape.from & 1;
    seq_analysis_item_t *arrow;
    address hosts[2];

    (void)edt, (void)flags;
    tl_pairs_address(header->result.conn, from, &hosts[0]);
    tl_pairs_address(header->result.conn, !from, &hosts[1]);
    if (!flow_take_columns(columns, hosts)) {
        flow_tell_full(graph, columns);
        return TAP_PACKET_DONT_REDRAW;
    }
    arrow = flow_new_arrow(pinfo, graph, hosts);
    if (!arrow)
        return TAP_PACKET_DONT_REDRAW;
    arrow->frame_number = pinfo->num;
    arrow->port_src = ends->port[from];
    arrow->port_dst = ends->port[!from];
    arrow->frame_label = g_strdup(flow_label_of(pinfo->pool, header));
    arrow->comment = g_strdup(flow_comment_of(pinfo->pool, header, arrow->frame_label));
    arrow->conv_num = (uint16_t)tl_conn_number(header->result.conn);
    arrow->line_style = 1;
    arrow->display = true;
    g_queue_push_tail(graph->items, arrow);
    return TAP_PACKET_REDRAW;
}

void tl_flow_register(int protocol)
{
    graphs = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    register_seq_analysis("tcplife", "TCP Lifecycle", protocol, TL_TAP_NAME, TL_REQUIRES_NOTHING, flow_add_arrow);
}
