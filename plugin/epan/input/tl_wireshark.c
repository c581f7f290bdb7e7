/* tl_wireshark.c - reads Wireshark's own flags of a segment and picks the sentence about the difference (tl_wireshark.def).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "input/tl_wireshark.h"

#include <epan/epan_dissect.h>
#include <epan/packet.h>
#include <epan/plugin_if.h>

#include "../engine/base/tl_seq.h"

/* ---- Wireshark's flags ------------------------------------------------------------------------------------------------- */

enum flag {
#define TL_WIRESHARK_FLAG(tag, name, ...) FLAG_##tag,
#include "input/tl_wireshark.def"
    FLAG_COUNT
};

enum flag_bit {
#define TL_WIRESHARK_FLAG(tag, name, ...) tag = 1 << FLAG_##tag,
#include "input/tl_wireshark.def"
};

static const struct {
    const char *name;
    const char *words[TL_LANGUAGES];
} flag_rows[FLAG_COUNT] = {
#define TL_WIRESHARK_FLAG(tag, name, ...) {"tcp.analysis." name, {__VA_ARGS__}},
#include "input/tl_wireshark.def"
};

static const char *const wait_fields[] = {"tcplife.wait",      "tcplife.wait.for",     "tcplife.wait.for.confidence",
                                          "tcplife.wait.of",   "tcplife.wait.network", "tcplife.wait.program",
                                          "tcplife.wait.loss", "tcplife.wait.since_in"};

enum { WAIT_FIELDS = G_N_ELEMENTS(wait_fields) };

static struct {
    int tcplife, explanation, tcp;
    int waits[WAIT_FIELDS];
    bool may_look_back;    /* a window: frames are looked at in any order */
    int any;               /* the item of TCP that has all flags below it */
    int flags[FLAG_COUNT]; /* -1 in a Wireshark without the field */
} ids;

bool tl_wireshark_in_window(void)
{
    ws_info_t *info = NULL;

    plugin_if_get_ws_info(&info);
    return info && info->ws_info_supported;
}

/* A file is opened. */
static void wireshark_open_file(void)
{
    ids.may_look_back = tl_wireshark_in_window();
}

void tl_wireshark_handoff(void)
{
    register_init_routine(wireshark_open_file);
    ids.tcplife = proto_registrar_get_id_byname("tcplife");
    for (int i = 0; i < WAIT_FIELDS; i++)
        ids.waits[i] = proto_registrar_get_id_byname(wait_fields[i]);
    ids.explanation = proto_registrar_get_id_byname("tcplife.explanation");
    ids.tcp = proto_registrar_get_id_byname("tcp");
    ids.any = proto_registrar_get_id_byname("tcp.analysis.flags");
    for (int i = 0; i < FLAG_COUNT; i++)
        ids.flags[i] = proto_registrar_get_id_byname(flag_rows[i].name);
}

/* A visible tree has every item, asked for or not. */
static bool wireshark_has_every_item(const proto_tree *tree)
{
    return PTREE_DATA(tree)->visible && ids.any > 0;
}

bool tl_wireshark_reads_waits(proto_tree *tree)
{
    if (ids.may_look_back)
        return true;
    if (!tree || !proto_field_is_referenced(tree, ids.tcplife))
        return false;
    if (proto_field_is_referenced(tree, ids.explanation))
        return true;
    for (int i = 0; i < WAIT_FIELDS; i++) {
        if (proto_field_is_referenced(tree, ids.waits[i]))
            return true;
    }
    return false;
}

void tl_wireshark_ask(proto_tree *tree)
{
    epan_dissect_t dissection;

    if (!tree || !proto_field_is_referenced(tree, ids.explanation))
        return;
    dissection.tree = proto_tree_get_root(tree); /* the only member that priming reads */
    if (wireshark_has_every_item(tree)) {
        epan_dissect_prime_with_hfid(&dissection, ids.any); /* so that it can be looked up */
        return;
    }
    epan_dissect_prime_with_hfid(&dissection, ids.tcp);
    for (int i = 0; i < FLAG_COUNT; i++) {
        if (ids.flags[i] > 0)
            epan_dissect_prime_with_hfid(&dissection, ids.flags[i]);
    }
}

static unsigned wireshark_items_of(proto_tree *tree, int id)
{
    const GPtrArray *items = id > 0 ? proto_get_finfo_ptr_array(tree, id) : NULL;

    return items ? items->len : 0;
}

/* What a tree has of both. */
struct census {
    unsigned headers; /* of TCP */
    unsigned flags;
};

static void wireshark_count_item(proto_node *node, void *data)
{
    struct census *census = (struct census *)data;
    int id = PNODE_FINFO(node) ? PNODE_FINFO(node)->hfinfo->id : -1;

    census->headers += id == ids.tcp;
    for (int i = 0; i < FLAG_COUNT; i++)
        census->flags |= id > 0 && id == ids.flags[i] ? 1u << i : 0;
    proto_tree_children_foreach(node, wireshark_count_item, census);
}

/* Looks at each item, which is cheaper than to have eleven kinds of items ready to be looked up in every frame. */
static struct census wireshark_census_by_walk(proto_tree *tree)
{
    struct census census = {0, 0};

    if (wireshark_items_of(tree, ids.any) > 0)
        proto_tree_children_foreach(tree, wireshark_count_item, &census);
    return census;
}

static struct census wireshark_census_by_look_up(proto_tree *tree)
{
    struct census census = {wireshark_items_of(tree, ids.tcp), 0};

    for (int i = 0; i < FLAG_COUNT; i++)
        census.flags |= wireshark_items_of(tree, ids.flags[i]) > 0 ? 1u << i : 0;
    return census;
}

unsigned tl_wireshark_flags(proto_tree *tree)
{
    struct census census = wireshark_has_every_item(tree) ? wireshark_census_by_walk(tree) : wireshark_census_by_look_up(tree);

    return census.headers == 1 ? census.flags : 0;
}

/* ---- our answer -------------------------------------------------------------------------------------------------------- */

static bool wireshark_is_pure_ack(const struct tl_view *view)
{
    return view->segment->len == 0 && (view->segment->flags & (TL_ACK | TL_SYN | TL_FIN | TL_RST)) == TL_ACK;
}

static bool wireshark_is_copy(const struct tl_view *view)
{
    return view->result->shape.flags & TL_SHAPE_COPY;
}

static bool wireshark_is_window_probe(const struct tl_view *view)
{
    return view->result->shape.window_probe == TL_PROBE_KIND_PROBE;
}

static bool wireshark_answers_window_probe(const struct tl_view *view)
{
    return view->result->shape.window_probe > TL_PROBE_KIND_PROBE;
}

static bool wireshark_answers_stray(const struct tl_view *view)
{
    return view->result->shape.ack == TL_ACK_CHALLENGE || view->result->shape.ack == TL_ACK_TIME_WAIT;
}

static bool wireshark_answers_fin_again(const struct tl_view *view)
{
    return view->result->shape.teardown_step == TL_TEARDOWN_STEP_FIN_REACK;
}

/* D-SACK, the first block below the ACK number (RFC 2883 4.1), and no more. */
static bool wireshark_reports_twice(const struct tl_view *view)
{
    const struct tl_segment *segment = view->segment;

    return view->result->shape.ack != TL_ACK_DUP && segment->sack_count > 0 && !tl_seq_after(segment->sack[0][1], segment->ack);
}

static bool wireshark_is_ordinary_ack(const struct tl_view *view)
{
    return wireshark_is_pure_ack(view) && view->result->shape.ack == TL_ACK_NONE;
}

static bool wireshark_is_dupack_with_sack(const struct tl_view *view)
{
    return view->result->shape.ack == TL_ACK_DUP && view->segment->sack_count > 0;
}

static bool wireshark_is_no_probe(const struct tl_view *view)
{
    return wireshark_is_pure_ack(view) && view->result->shape.keepalive != TL_PROBE_KIND_PROBE &&
           !wireshark_is_window_probe(view);
}

static bool wireshark_is_no_answer(const struct tl_view *view)
{
    return view->result->shape.keepalive == TL_PROBE_KIND_NONE && view->result->shape.window_probe == TL_PROBE_KIND_NONE;
}

static bool wireshark_is_late(const struct tl_view *view)
{
    return view->result->shape.segment == TL_SEGMENT_OUT_OF_ORDER;
}

static bool wireshark_is_resent(const struct tl_view *view)
{
    return view->result->shape.retransmission != TL_RETRANSMISSION_NONE;
}

static bool wireshark_is_hidden(const struct tl_view *view)
{
    return wireshark_is_resent(view) && view->result->refs.original_in == 0;
}

static bool wireshark_is_tail_probe(const struct tl_view *view)
{
    return view->result->shape.retransmission == TL_RETRANSMISSION_TLP;
}

static bool wireshark_is_crossing_synack(const struct tl_view *view)
{
    return view->result->shape.handshake_step == TL_HANDSHAKE_STEP_SYNACK_CROSS;
}

static bool wireshark_is_new(const struct tl_view *view)
{
    return view->result->shape.segment == TL_SEGMENT_NEW;
}

static bool wireshark_acks_what_was_seen(const struct tl_view *view)
{
    return view->result->shape.ack != TL_ACK_UNSEEN;
}

/* ---- both -------------------------------------------------------------------------------------------------------------- */

static const struct {
    bool (*holds)(const struct tl_view *view);
    unsigned flags;
    const char *text[TL_LANGUAGES];
} differences[] = {
#define TL_DIFFERENCE(tag, holds, flags, ...) {wireshark_##holds, flags, {__VA_ARGS__}},
#include "input/tl_wireshark.def"
};

bool tl_wireshark_differs(const struct tl_view *view, struct tl_difference *difference)
{
    for (size_t i = 0; i < G_N_ELEMENTS(differences); i++) {
        unsigned flags = view->wireshark & differences[i].flags;

        if (flags == 0 || !differences[i].holds(view))
            continue;
        difference->text = differences[i].text;
        difference->flag = flag_rows[g_bit_nth_lsf(flags, -1)].words;
        return true;
    }
    return false;
}
