/* tl_stats_tree.c - the tree of counts: its branches are a table, each equal to a display filter.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "tables/tl_stats_tree.h"

#include "base/tl_compat.h"

#include <stdio.h>

#include <epan/prefs.h>
#include <epan/stats_tree_priv.h>
#include <wsutil/report_message.h>

#include "input/tl_wireshark.h"
#include "store/tl_store.h"
#include "tables/tl_argument.h"
#include "tables/tl_record.h"
#include "tables/tl_tap.h"

static const char name[] = "tcplife,tree";

/* ---- what is counted ---------------------------------------------------------------------------------------------------- */

/* A branch with a leaf for each value of a group. `offset` is that of the value in the struct that is counted. */
struct branch {
    const char *title;
    enum tl_group group;
    size_t offset;
};

/* Of each segment, in struct tl_shape. Below each cause of a reset stand its senders. */
enum { BY_PHASE, BY_RST, BY_RETRANSMISSION, SEGMENT_BRANCHES };
static const struct branch segment_branches[SEGMENT_BRANCHES] = {
    [BY_PHASE] = {"Segments by phase", TL_GROUP_PHASE, offsetof(struct tl_shape, phase)},
    [BY_RST] = {"Resets by cause and sender", TL_GROUP_RST_CAUSE, offsetof(struct tl_shape, rst_cause)},
    [BY_RETRANSMISSION] = {"Retransmissions by cause", TL_GROUP_RETRANSMISSION, offsetof(struct tl_shape, retransmission)},
};

/* Of each connection, in struct tl_facts. */
enum { BY_OUTCOME, BY_KIND, BY_VERDICT, CONN_BRANCHES };
static const struct branch conn_branches[CONN_BRANCHES] = {
    [BY_OUTCOME] = {"Connections by outcome of the handshake", TL_GROUP_OUTCOME, offsetof(struct tl_facts, outcome)},
    [BY_KIND] = {"Connections by kind of close", TL_GROUP_KIND, offsetof(struct tl_facts, kind)},
    [BY_VERDICT] = {"Connections by verdict", TL_GROUP_VERDICT, offsetof(struct tl_facts, verdict)},
};

enum {
    ALL = 0,         /* the place of NONE holds the sum */
    VALUES_MAX = 32, /* more than any group of conn_branches has */
};
G_STATIC_ASSERT((int)TL_OUTCOME_COUNT <= VALUES_MAX);
G_STATIC_ASSERT((int)TL_KIND_COUNT <= VALUES_MAX);
G_STATIC_ASSERT((int)TL_VERDICT_COUNT <= VALUES_MAX);

/* One tree that is open. */
struct tree {
    stats_tree *nodes;
    int segment_ids[SEGMENT_BRANCHES];
    int conn_ids[CONN_BRANCHES];
    gint counts[CONN_BRANCHES][VALUES_MAX];
    GPtrArray *conns; /* by number: NULL = none of its segments came by, COUNTED, or a connection to be counted at the end */
};

static const char counted; /* its address marks a connection that is in `counts` */
#define COUNTED ((gpointer)&counted)

static GHashTable *trees; /* stats_tree -> struct tree */

static unsigned stats_value_at(const void *answers, const struct branch *branch)
{
    return *((const uint8_t *)answers + branch->offset);
}

/* ---- segments ----------------------------------------------------------------------------------------------------------- */

static void stats_count_segment(const struct tree *tree, const struct tl_shape *shape)
{
    for (unsigned i = 0; i < SEGMENT_BRANCHES; i++) {
        const struct branch *branch = &segment_branches[i];
        const char *label = tl_name(branch->group, stats_value_at(shape, branch))->label;
        int leaf;

        if (!label)
            continue;
        tick_stat_node(tree->nodes, branch->title, 0, TRUE);
        leaf = tick_stat_node(tree->nodes, label, tree->segment_ids[i], i == BY_RST);
        if (i == BY_RST)
            tick_stat_node(tree->nodes, tl_name(TL_GROUP_SENDER, shape->sender)->label, leaf, FALSE);
    }
}

/* ---- connections -------------------------------------------------------------------------------------------------------- */

/* Counts a connection as what it is by now. Where the value is NONE the question does not arise. */
static void stats_count_connection(struct tree *tree, const struct tl_conn *conn)
{
    struct tl_facts facts;

    tl_record_facts(conn, &facts);
    for (unsigned i = 0; i < CONN_BRANCHES; i++) {
        const struct branch *branch = &conn_branches[i];
        unsigned value = stats_value_at(&facts, branch);
        gint *counts = tree->counts[i];

        if (value == 0 || value >= VALUES_MAX)
            continue;
        set_stat_node(tree->nodes, branch->title, 0, TRUE, ++counts[ALL]);
        set_stat_node(tree->nodes, tl_name(branch->group, value)->label, tree->conn_ids[i], FALSE, ++counts[value]);
    }
}

/* Whether the answers of a connection are final is known only on a later pass; on the first one they wait for the end. */
static void stats_meet_connection(struct tree *tree, struct tl_conn *conn, bool visited)
{
    uint32_t number = tl_conn_number(conn);

    if (number >= tree->conns->len)
        g_ptr_array_set_size(tree->conns, (gint)number + 1);
    if (g_ptr_array_index(tree->conns, number))
        return;
    g_ptr_array_index(tree->conns, number) = visited ? COUNTED : (gpointer)conn;
    if (visited)
        stats_count_connection(tree, conn);
}

/* The capture is at its end: counts those that waited for it. */
static void stats_settle(struct tree *tree)
{
    for (guint i = 0; i < tree->conns->len; i++) {
        gpointer conn = g_ptr_array_index(tree->conns, i);

        if (conn && conn != COUNTED)
            stats_count_connection(tree, conn);
    }
    g_ptr_array_set_size(tree->conns, 0);
}

/* ---- life of a tree ----------------------------------------------------------------------------------------------------- */

static void stats_free_tree(gpointer data)
{
    struct tree *tree = data;

    g_ptr_array_free(tree->conns, TRUE);
    g_free(tree);
}

/* Called for a new tree, and by the window once more when it is emptied. */
static void stats_init(stats_tree *nodes)
{
    struct tree *tree = g_new0(struct tree, 1);

    tree->nodes = nodes;
    tree->conns = g_ptr_array_new();
    g_hash_table_replace(trees, nodes, tree);
    for (unsigned i = 0; i < SEGMENT_BRANCHES; i++)
        tree->segment_ids[i] = stats_tree_create_node(nodes, segment_branches[i].title, 0, STAT_DT_INT, TRUE);
    for (unsigned i = 0; i < CONN_BRANCHES; i++)
        tree->conn_ids[i] = stats_tree_create_node(nodes, conn_branches[i].title, 0, STAT_DT_INT, TRUE);
}

static tap_packet_status stats_packet(stats_tree *nodes, packet_info *pinfo, epan_dissect_t *edt, const void *data,
                                      tap_flags_t flags)
{
    const struct tl_header *header = data;
    struct tree *tree = g_hash_table_lookup(trees, nodes);

    (void)pinfo, (void)edt, (void)flags;
    if (!tree)
        return TAP_PACKET_DONT_REDRAW;
    stats_count_segment(tree, &header->result.shape);
    stats_meet_connection(tree, header->result.conn, header->visited);
    return TAP_PACKET_REDRAW;
}

static void stats_cleanup(stats_tree *nodes)
{
    g_hash_table_remove(trees, nodes);
}

/* The file goes away, and with it the connections. A long capture of tshark may go on in another file. */
static void stats_settle_all(void)
{
    GHashTableIter all;
    gpointer tree;

    g_hash_table_iter_init(&all, trees);
    while (g_hash_table_iter_next(&all, NULL, &tree))
        stats_settle(tree);
}

/* ---- tshark ------------------------------------------------------------------------------------------------------------- */

static void stats_draw(void *data)
{
    stats_tree *nodes = data;
    GString *text;

    stats_settle(g_hash_table_lookup(trees, nodes));
    text = stats_tree_format_as_str(nodes, TL_STATS_TREE_FORMAT, stats_tree_get_default_sort_col(nodes),
                                    stats_tree_is_default_sort_DESC(nodes));
    printf("%s", text->str);
    g_string_free(text, TRUE);
    tl_argument_written();
}

static void stats_finish(void *nodes)
{
    stats_tree_free(nodes);
}

/* tshark has this for all trees. With ours connections are counted when the capture has ended and not before, and a wrong filter
 * ends the program. */
static TL_STAT_INIT stats_start(const char *argument, void *data)
{
    static const struct tl_listener listener = {stats_tree_packet, stats_tree_reset, stats_draw, stats_finish};
    const char *filter = tl_argument_filter(argument, name);
    stats_tree *nodes;

    (void)data;
    if (tl_wireshark_in_window()) {
        report_warning("\"-z %s\" is for tshark. The tree is in the menu: Statistics > TCP Lifecycle.", name);
        TL_STAT_INIT_DONE;
    }
    nodes = stats_tree_new(stats_tree_get_cfg_by_abbr("tcplife"), NULL, filter);
    tl_argument_listen(TL_TAP_NAME, &listener, nodes, filter);
    stats_init(nodes);
    TL_STAT_INIT_DONE;
}

void tl_stats_tree_register(void)
{
    trees = g_hash_table_new_full(NULL, NULL, NULL, stats_free_tree);
    stats_tree_register_plugin(TL_TAP_NAME, "tcplife", "TCP Lifecycle", 0, stats_packet, stats_init, stats_cleanup);
    register_cleanup_routine(stats_settle_all);
    tl_argument_register(name, stats_start, NULL);
}
