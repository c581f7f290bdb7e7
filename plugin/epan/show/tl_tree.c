/* tl_tree.c - the tree of one TCP header: which parts it has, and the tag in the Info column.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "show/tl_tree.h"

#include "input/tl_wireshark.h"
#include "show/tl_caption.h"
#include "show/tl_expert.h"
#include "show/tl_item.h"
#include "show/tl_reset_text.h"
#include "show/tl_what.h"
#include "store/tl_found.h"
#include "store/tl_store.h"

static int proto;

void tl_tree_register(int protocol)
{
    proto = protocol;
    tl_item_register(protocol);
    tl_expert_register(protocol);
}

/* ---- one line ---------------------------------------------------------------------------------------------------------- */

/* "TCP Lifecycle: Handshake, SYN 1/3, client SYN-SENT, server LISTEN" */
static void tree_append_summary(proto_item *top, const struct tl_shape *shape, const char *prefix, const char *tag)
{
    const char *phase = tl_name(TL_GROUP_PHASE, shape->phase)->label;
    const char *client = tl_name(TL_GROUP_STATE, shape->endpoint[shape->client & 1].state)->value;
    const char *server = tl_name(TL_GROUP_STATE, shape->endpoint[!(shape->client & 1)].state)->value;

    const struct tl_caption caption = {FIELD_COUNT, {phase, tag, prefix, client, server}};

    if (tl_caption_copy(top, &caption))
        return;
    proto_item_append_text(top, ": %s%s%s%s", phase ? phase : "Unknown", tag ? ", " : "", tag ? prefix : "", tag ? tag : "");
    if (client && server)
        proto_item_append_text(top, ", client %s, server %s", client, server);
    tl_caption_keep(top, &caption);
}

/* ---- the whole --------------------------------------------------------------------------------------------------------- */

/* Whether a retransmission was spurious, as known by now: this segment said so, or a later one did, or by the end nothing did.
 */
static uint8_t tree_spurious_by_now(const struct tl_view *view)
{
    const struct tl_shape *shape = &view->result->shape;
    unsigned proved;

    if (shape->retransmission == TL_RETRANSMISSION_NONE || !view->visited)
        return shape->spurious;
    proved = tl_store_proved(view->result->conn, view->segment->frame);
    if (proved != TL_SPURIOUS_NONE)
        return (uint8_t)proved;
    if (shape->spurious != TL_SPURIOUS_NONE)
        return shape->spurious;
    if (!(shape->flags & TL_SHAPE_SPURIOUS_SHOWS) ||
        tl_conn_heard_in(view->result->conn, 1 - shape->from) < view->segment->frame)
        return TL_SPURIOUS_UNKNOWN; /* nothing of the receiver that could have shown it */
    return TL_SPURIOUS_NO;
}

/* The tag of the segment. A probe or its answer counts as what the rest of its run shows it to be. */
static const char *tree_tag_by_now(struct tl_view *view, const char **prefix)
{
    struct tl_shape by_now = view->result->shape;
    struct tl_what what;
    bool is_probe = by_now.keepalive != TL_PROBE_KIND_NONE || by_now.window_probe != TL_PROBE_KIND_NONE;

    if (is_probe && view->visited)
        tl_store_rename_probe(view->result->conn, view->result->refs.probe_run_in, &by_now);
    tl_view_begin(view);
    if (view->visited && by_now.rst_cause != TL_RST_CAUSE_NONE) {
        tl_conn_rst(view->result->conn, view->segment, &by_now, &view->rst);
        by_now.rst_cause = view->rst.cause;
    }
    by_now.ack = view->ack;
    view->keepalive = by_now.keepalive;
    view->window_probe = by_now.window_probe;
    view->probe_confidence = by_now.probe_confidence;
    what = tl_what(&by_now, view->segment->flags);
    return tl_what_tag(&what, prefix);
}

/* Whether an expert item may come from the facts of the connection rather than from the segment itself. */
static bool tree_expert_needs_facts(const struct tl_view *view)
{
    const struct tl_shape *shape = &view->result->shape;

    return view->visited || (shape->flags & TL_SHAPE_PROVES_OUTCOME) || shape->handshake_step == TL_HANDSHAKE_STEP_SYNACK;
}

/* Fills the answers that later segments may have changed, and the facts of the connection if they are needed. */
static void tree_look(struct tl_view *view, bool needs_facts)
{
    if (needs_facts)
        tl_conn_facts(view->result->conn, tl_store_end(), &view->facts);
    view->spurious = tree_spurious_by_now(view);
    if (view->visited && needs_facts && tl_found_is_set())
        view->findings = tl_found_of(view->facts.number, &view->finding_count);
    view->has_zeek = view->visited && needs_facts && view->segment->frame == view->facts.last_in &&
                     tl_conn_zeek(view->result->conn, &view->zeek);
}

/* Whether the shape says what any transfer consists of, so that only fields show it: no tag, no expert item. Asked first because
 * it is true of nearly all segments. */
static bool tree_is_silent(const struct tl_shape *shape)
{
    const unsigned loud = TL_SHAPE_COPY | TL_SHAPE_STRAY | TL_SHAPE_PROVES_OUTCOME;

    return !((shape->flags & loud) | shape->error | shape->reuse | shape->handshake_step | shape->teardown_step |
             shape->rst_cause | shape->keepalive | shape->window_probe | shape->retransmission) &&
           (shape->segment == TL_SEGMENT_NONE || shape->segment == TL_SEGMENT_NEW) &&
           (shape->ack == TL_ACK_NONE || shape->ack == TL_ACK_NEW);
}

/* Whether anything but fields can show the segment: an expert item or the Info column. */
static bool tree_has_reader(const packet_info *pinfo, const proto_tree *tree, const struct tl_options *options)
{
    return tl_expert_any_wanted(pinfo, tree) || (options->info_tag && pinfo->cinfo);
}

/* `wanted` = somebody reads the fields. */
static void tree_show(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, const struct tl_header *header,
                      const struct tl_options *options, bool wanted)
{
    const struct tl_shape *shape = &header->result.shape;
    struct tl_view view = {.segment = &header->segment,
                           .result = &header->result,
                           .language = options->explanation_language,
                           .rst_text = wanted ? tl_reset_text(pinfo->pool, header) : NULL,
                           .visited = PINFO_FD_VISITED(pinfo),
                           .wait = header->wait};
    const char *prefix, *tag;
    struct tl_expert_item *expert;
    proto_item *top = NULL;

    tag = tree_tag_by_now(&view, &prefix);
    if (!wanted && !tag && shape->error == 0 && shape->reuse == TL_REUSE_NONE && !(shape->flags & TL_SHAPE_PROVES_OUTCOME))
        return;
    tree_look(&view, wanted || tree_expert_needs_facts(&view));
    expert = tl_expert_pick(&view);
    if (expert && !(tl_expert_wanted(expert, pinfo, tree) && (options->expert_steps || !tl_expert_is_step(expert))))
        expert = NULL;
    if (tree && (wanted || expert)) {
        top = proto_tree_add_item(tree, proto, tvb, 0, 0, ENC_NA);
        proto_item_set_generated(top);
        tree_append_summary(top, shape, prefix, tag);
    }
    if (wanted) {
        view.wireshark = tl_wireshark_flags(tree);
        tl_item_show(top, tvb, pinfo, &view);
    }
    if (expert)
        tl_expert_add(expert, pinfo, top);
    if (tag && options->info_tag)
        col_append_fstr(pinfo->cinfo, COL_INFO, " [%s%s]", prefix, tag);
}

void tl_tree_show(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, const struct tl_header *header,
                  const struct tl_options *options)
{
    bool wanted = proto_field_is_referenced(tree, proto);

    if (wanted || (!tree_is_silent(&header->result.shape) && tree_has_reader(pinfo, tree, options)))
        tree_show(tvb, pinfo, tree, header, options, wanted);
}
