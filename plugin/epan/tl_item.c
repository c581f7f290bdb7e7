/* tl_item.c - see tl_item.h.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "tl_item.h"

#include <string.h>

enum subtree { SUBTREE_TOP, SUBTREE_PART, SUBTREE_COUNT };

static int fields[FIELD_COUNT];
static int subtrees[SUBTREE_COUNT];

#define TL_TYPE_NONE FT_NONE, BASE_NONE
#define TL_TYPE_STRING FT_STRING, BASE_NONE
#define TL_TYPE_COUNT FT_UINT32, BASE_DEC
#define TL_TYPE_INT FT_INT32, BASE_DEC
#define TL_TYPE_FRAME FT_FRAMENUM, BASE_NONE
#define TL_TYPE_TIME FT_RELATIVE_TIME, BASE_NONE
#define TL_TYPE_YES FT_BOOLEAN, BASE_NONE

void tl_item_register(int protocol)
{
    static hf_register_info info[] = {
#define TL_FIELD(id, name, label, type, blurb, values, when)                                                                   \
    {&fields[FIELD_##id], {label, "tcplife." name, TL_TYPE_##type, NULL, 0x0, blurb, HFILL}},
#include "tl_fields.def"
#undef TL_FIELD
    };
    static int *subtree_ids[SUBTREE_COUNT];

    for (int i = 0; i < FIELD_COUNT; i++)
        fields[i] = -1;
    for (int i = 0; i < SUBTREE_COUNT; i++) {
        subtrees[i] = -1;
        subtree_ids[i] = &subtrees[i];
    }
    proto_register_field_array(protocol, info, G_N_ELEMENTS(info));
    proto_register_subtree_array(subtree_ids, SUBTREE_COUNT);
}

bool tl_item_wanted(const struct tl_branch *branch, enum tl_field field)
{
    return proto_field_is_referenced(branch->tree, fields[field]);
}

/* ---- branches ---------------------------------------------------------------------------------------------------------- */

struct tl_branch tl_item_trunk(proto_item *top, tvbuff_t *tvb, packet_info *pinfo, const struct tl_view *view)
{
    return (struct tl_branch){proto_item_add_subtree(top, subtrees[SUBTREE_TOP]), tvb, pinfo, view};
}

static struct tl_branch branch_below(const struct tl_branch *parent, proto_item *item)
{
    struct tl_branch child = *parent;

    child.tree = proto_item_add_subtree(item, subtrees[SUBTREE_PART]);
    return child;
}

struct tl_branch tl_item_heading(const struct tl_branch *parent, enum tl_field field, const char *label)
{
    proto_item *item = proto_tree_add_item(parent->tree, fields[field], parent->tvb, 0, 0, ENC_NA);

    proto_item_set_generated(item);
    if (label)
        proto_item_append_text(item, ": %s", label);
    return branch_below(parent, item);
}

/* ---- words ------------------------------------------------------------------------------------------------------------- */

void tl_item_text(const struct tl_branch *branch, enum tl_field field, const char *text)
{
    proto_item_set_generated(proto_tree_add_string(branch->tree, fields[field], branch->tvb, 0, 0, text));
}

/* Whether a label tells people more than the word does: not so if they differ in case and '_' only. */
static bool says_more(const char *label, const char *word)
{
    while (*word && (g_ascii_tolower(*label) == g_ascii_tolower(*word) || (*word == '_' && *label == ' '))) {
        word++;
        label++;
    }
    return *word || *label;
}

proto_item *tl_item_name(const struct tl_branch *branch, enum tl_field field, enum tl_group group, unsigned value)
{
    const struct tl_name *name = tl_name(group, value);
    proto_item *item;

    if (!name->value)
        return NULL;
    item = proto_tree_add_string(branch->tree, fields[field], branch->tvb, 0, 0, name->value);
    proto_item_set_generated(item);
    if (says_more(name->label, name->value))
        proto_item_append_text(item, " (%s)", name->label);
    return item;
}

struct tl_branch tl_item_answer(const struct tl_branch *branch, enum tl_field field, enum tl_group group, unsigned value,
                                unsigned confidence)
{
    proto_item *item = tl_item_name(branch, field, group, value);
    struct tl_branch below = *branch;

    if (!item)
        return below;
    below = branch_below(branch, item);
    if (strcmp(tl_name(group, value)->value, "unknown") == 0)
        return below;
    if (confidence > TL_CONFIDENCE_CERTAIN)
        proto_item_append_text(item, ", %s", tl_name(TL_GROUP_CONFIDENCE, confidence)->label);
    tl_item_name(&below, field + 1, TL_GROUP_CONFIDENCE, confidence);
    return below;
}

void tl_item_bits(const struct tl_branch *branch, enum tl_field field, const struct tl_bit *words, unsigned mask)
{
    wmem_strbuf_t *text;

    if (mask == 0 || !tl_item_wanted(branch, field))
        return;
    text = wmem_strbuf_new(branch->pinfo->pool, NULL);
    for (; words->bit != 0; words++) {
        if (mask & words->bit)
            wmem_strbuf_append_printf(text, "%s%s", wmem_strbuf_get_len(text) > 0 ? "," : "", words->word);
    }
    tl_item_text(branch, field, wmem_strbuf_get_str(text));
}

/* ---- numbers ----------------------------------------------------------------------------------------------------------- */

void tl_item_count(const struct tl_branch *branch, enum tl_field field, uint32_t count)
{
    proto_item_set_generated(proto_tree_add_uint(branch->tree, fields[field], branch->tvb, 0, 0, count));
}

void tl_item_int(const struct tl_branch *branch, enum tl_field field, int32_t number)
{
    proto_item_set_generated(proto_tree_add_int(branch->tree, fields[field], branch->tvb, 0, 0, number));
}

void tl_item_frame(const struct tl_branch *branch, enum tl_field field, uint32_t frame)
{
    uint32_t own = branch->view->segment->frame;

    if (frame != 0 && frame != own && (branch->view->visited || frame < own))
        tl_item_count(branch, field, frame);
}

void tl_item_time(const struct tl_branch *branch, enum tl_field field, int64_t ns)
{
    nstime_t time;

    if (ns < 0)
        return;
    time.secs = (time_t)(ns / 1000000000);
    time.nsecs = (int)(ns % 1000000000);
    proto_item_set_generated(proto_tree_add_time(branch->tree, fields[field], branch->tvb, 0, 0, &time));
}

void tl_item_yes(const struct tl_branch *branch, enum tl_field field, bool holds)
{
    if (holds)
        proto_item_set_generated(proto_tree_add_boolean(branch->tree, fields[field], branch->tvb, 0, 0, 1));
}
