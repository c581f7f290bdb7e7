/* tl_item.c - registers the fields (tl_fields.def) and adds one to the tree, with its label.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "show/tl_item.h"

#include <string.h>

#include "show/tl_caption.h"

enum subtree { SUBTREE_TOP, SUBTREE_PART, SUBTREE_COUNT };

static int fields[FIELD_COUNT];
static int subtrees[SUBTREE_COUNT];

enum { VALUES_MAX = 40 }; /* more than the longest group of tl_names.def has rows */

/* The labels that tell people more than the words, by group and value. */
static const char *labels[TL_GROUP_COUNT][VALUES_MAX];

#define TL_TYPE_NONE FT_NONE, BASE_NONE
#define TL_TYPE_STRING FT_STRING, BASE_NONE
#define TL_TYPE_COUNT FT_UINT32, BASE_DEC
#define TL_TYPE_INT FT_INT32, BASE_DEC
#define TL_TYPE_FRAME FT_FRAMENUM, BASE_NONE
#define TL_TYPE_TIME FT_RELATIVE_TIME, BASE_NONE
#define TL_TYPE_YES FT_BOOLEAN, BASE_NONE

/* Whether a label tells people more than the word does: not so if they differ in case and '_' only. */
static bool says_more(const char *label, const char *word)
{
    while (*word && (g_ascii_tolower(*label) == g_ascii_tolower(*word) || (*word == '_' && *label == ' '))) {
        word++;
        label++;
    }
    return *word || *label;
}

/* Notes which labels are worth showing. */
static void compare_labels(void)
{
    for (unsigned group = 0; group < TL_GROUP_COUNT; group++) {
        for (unsigned value = 0; value < MIN(tl_group_names((enum tl_group)group)->count, VALUES_MAX); value++) {
            const struct tl_name *name = tl_name((enum tl_group)group, value);

            labels[group][value] = name->value && says_more(name->label, name->value) ? name->label : NULL;
        }
    }
}

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
    compare_labels();
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

/* Adds the word of a value that has one, with the label for people and a remark beside it. `remark` may be NULL. */
static proto_item *add_name(const struct tl_branch *branch, enum tl_field field, enum tl_group group, unsigned value,
                            const char *remark)
{
    const char *word = tl_name(group, value)->value;
    const char *label = labels[group][MIN(value, VALUES_MAX - 1)];
    const struct tl_caption caption = {(int)field, {word, label, remark}};
    proto_item *item = proto_tree_add_string(branch->tree, fields[field], branch->tvb, 0, 0, word);

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
    if (tl_name(group, value)->value)
        add_name(branch, field, group, value, NULL);
}

struct tl_branch tl_item_answer(const struct tl_branch *branch, enum tl_field field, enum tl_group group, unsigned value,
                                unsigned confidence)
{
    const char *word = tl_name(group, value)->value;
    const char *remark = confidence > TL_CONFIDENCE_CERTAIN ? tl_name(TL_GROUP_CONFIDENCE, confidence)->label : NULL;
    struct tl_branch below;

    if (!word)
        return *branch;
    if (strcmp(word, "unknown") == 0)
        return branch_below(branch, add_name(branch, field, group, value, NULL));
    below = branch_below(branch, add_name(branch, field, group, value, remark));
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
