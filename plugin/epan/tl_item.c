/* tl_item.c - see tl_item.h.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "tl_item.h"

#include <string.h>

#include "tl_caption.h"

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

    const struct tl_caption caption = {(int)field, {label}};

    proto_item_set_generated(item);
    if (label && !tl_caption_copy(item, &caption)) {
        proto_item_append_text(item, ": %s", label);
        tl_caption_keep(item, &caption);
    }
    return branch_below(parent, item);
}

/* ---- words ------------------------------------------------------------------------------------------------------------- */

void tl_item_text(const struct tl_branch *branch, enum tl_field field, const char *text)
{
    proto_item_set_generated(proto_tree_add_string(branch->tree, fields[field], branch->tvb, 0, 0, text));
}

static char lower(char c)
{
    return (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

/* Whether a label tells people more than the word does: not so if they differ in case and '_' only. */
static bool says_more(const char *label, const char *word)
{
    if (strcmp(label, word) == 0) /* most are */
        return false;
    while (*word && (lower(*label) == lower(*word) || (*word == '_' && *label == ' '))) {
        word++;
        label++;
    }
    return *word || *label;
}

/* Adds the word of a value, with the label for people and a remark beside it. `remark` may be NULL. */
static proto_item *add_name(const struct tl_branch *branch, enum tl_field field, const struct tl_name *name, const char *remark)
{
    const char *label = says_more(name->label, name->value) ? name->label : NULL;
    const struct tl_caption caption = {(int)field, {name->value, label, remark}};
    proto_item *item = proto_tree_add_string(branch->tree, fields[field], branch->tvb, 0, 0, name->value);

    proto_item_set_generated(item);
    if ((!label && !remark) || tl_caption_copy(item, &caption))
        return item;
    if (label)
        proto_item_append_text(item, " (%s)", label);
    if (remark)
        proto_item_append_text(item, ", %s", remark);
    tl_caption_keep(item, &caption);
    return item;
}

void tl_item_name(const struct tl_branch *branch, enum tl_field field, enum tl_group group, unsigned value)
{
    const struct tl_name *name = tl_name(group, value);

    if (name->value)
        add_name(branch, field, name, NULL);
}

struct tl_branch tl_item_answer(const struct tl_branch *branch, enum tl_field field, enum tl_group group, unsigned value,
                                unsigned confidence)
{
    const struct tl_name *name = tl_name(group, value), *sure = tl_name(TL_GROUP_CONFIDENCE, confidence);
    struct tl_branch below;
    const char *remark;
    bool is_known;

    if (!name->value)
        return *branch;
    is_known = strcmp(name->value, "unknown") != 0;
    remark = is_known && confidence > TL_CONFIDENCE_CERTAIN ? sure->label : NULL;
    below = branch_below(branch, add_name(branch, field, name, remark));
    if (is_known && sure->value)
        add_name(&below, field + 1, sure, NULL);
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
