/* tl_item.c - registers the fields (tl_fields.def) and adds one to the tree, with its label.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "show/tl_item.h"

#include "base/tl_text.h"
#include "show/tl_caption.h"
#include "show/tl_explain.h"
#include "show/tl_what.h"

enum subtree { SUBTREE_TOP, SUBTREE_PART, SUBTREE_COUNT };

static int fields[FIELD_COUNT];
static int subtrees[SUBTREE_COUNT];

enum { VALUES_MAX = 40 }; /* more than the longest group of tl_names.def has rows */

/* The first field behind the subtree of each, and the one with the confidence of an answer; FIELD_COUNT = none. */
static uint8_t after[FIELD_COUNT];
static enum tl_field confidences[FIELD_COUNT];

/* The labels that tell people more than the words, by group and value. */
static const char *labels[TL_GROUP_COUNT][VALUES_MAX];

#define HF_NONE FT_NONE, BASE_NONE
#define HF_STRING FT_STRING, BASE_NONE
#define HF_COUNT FT_UINT32, BASE_DEC
#define HF_INT FT_INT32, BASE_DEC
#define HF_FRAME FT_FRAMENUM, BASE_NONE
#define HF_TIME FT_RELATIVE_TIME, BASE_NONE
#define HF_YES FT_BOOLEAN, BASE_NONE

/* Whether a label tells people more than the word does: not so if they differ in case and '_' only. */
static bool item_says_more(const char *label, const char *word)
{
    while (*word && (g_ascii_tolower(*label) == g_ascii_tolower(*word) || (*word == '_' && *label == ' '))) {
        word++;
        label++;
    }
    return *word || *label;
}

/* Notes which labels are worth showing. */
static void item_compare_labels(void)
{
    for (unsigned group = 0; group < TL_GROUP_COUNT; group++) {
        for (unsigned value = 0; value < MIN(tl_group_names((enum tl_group)group)->count, VALUES_MAX); value++) {
            const struct tl_name *name = tl_name((enum tl_group)group, value);

            labels[group][value] = name->value && item_says_more(name->label, name->value) ? name->label : NULL;
        }
    }
}

static bool item_is_below(unsigned field, unsigned above)
{
    while (field != above && field != FIELD_TOP)
        field = tl_field_rows[field].below;
    return field == above;
}

/* Notes which fields stand below which. */
static void item_find_subtrees(void)
{
    for (unsigned field = 0; field < FIELD_COUNT; field++) {
        unsigned next = field + 1;

        confidences[field] = FIELD_COUNT;
        for (; next < FIELD_COUNT && item_is_below(next, field); next++) {
            if (tl_field_rows[next].group == TL_GROUP_CONFIDENCE && tl_field_rows[next].below == field)
                confidences[field] = (enum tl_field)next;
        }
        after[field] = (uint8_t)next;
    }
}

void tl_item_register(int protocol)
{
    static hf_register_info info[] = {
#define TL_FIELD(id, name, label, type, what, values, below, when, value)                                                      \
    {&fields[FIELD_##id], {label, "tcplife." name, HF_##type, NULL, 0x0, what, HFILL}},
#include "tl_fields.def"
    };
    static int *subtree_ids[SUBTREE_COUNT];

    for (int i = 0; i < FIELD_COUNT; i++)
        fields[i] = -1;
    for (int i = 0; i < SUBTREE_COUNT; i++) {
        subtrees[i] = -1;
        subtree_ids[i] = &subtrees[i];
    }
    item_compare_labels();
    item_find_subtrees();
    proto_register_field_array(protocol, info, G_N_ELEMENTS(info));
    proto_register_subtree_array(subtree_ids, SUBTREE_COUNT);
}

bool tl_item_reads_findings(proto_tree *tree)
{
    return proto_field_is_referenced(tree, fields[FIELD_FINDING]) ||
           proto_field_is_referenced(tree, fields[FIELD_FINDING_GROUP]);
}

/* ---- items ------------------------------------------------------------------------------------------------------------- */

/* Where the next item goes and what it tells of. */
struct branch {
    proto_tree *tree;
    tvbuff_t *tvb;
    packet_info *pinfo;
    const struct tl_view *view;
};

enum { LINE_COLUMNS = 100, INDENT = 2 };

static proto_item *item_add_heading(const struct branch *branch, enum tl_field field, unsigned group, int64_t value)
{
    const char *label = group < TL_GROUP_COUNT ? tl_name((enum tl_group)group, (unsigned)value)->label : NULL;
    proto_item *item = proto_tree_add_item(branch->tree, fields[field], branch->tvb, 0, 0, ENC_NA);
    const struct tl_caption caption = {(int)field, {label}};

    proto_item_set_generated(item);
    if (label && !tl_caption_copy(item, &caption)) {
        proto_item_append_text(item, ": %s", label);
        tl_caption_keep(item, &caption);
    }
    return item;
}

/* The label of an answer's confidence; NULL if it is certain or has none. */
static const char *item_doubt(const struct tl_view *view, enum tl_field field)
{
    enum tl_field confidence = confidences[field];
    int64_t value;

    if (confidence == FIELD_COUNT || !tl_value(view, confidence, &value) || value <= TL_CONFIDENCE_CERTAIN)
        return NULL;
    return tl_name(TL_GROUP_CONFIDENCE, (unsigned)value)->label;
}

/* Adds the word of a value, with the label for people beside it where that says more, and the confidence. */
static proto_item *item_add_name(const struct branch *branch, enum tl_field field, unsigned group, unsigned value)
{
    const char *word = tl_name((enum tl_group)group, value)->value;
    const char *label = labels[group][MIN(value, VALUES_MAX - 1)];
    const char *remark = item_doubt(branch->view, field);
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

static bool item_is_read(const struct branch *branch, enum tl_field field)
{
    return proto_field_is_referenced(branch->tree, fields[field]);
}

/* Adds the explanation. It is longer than Wireshark shows of an item: this one reads its first line, and one for each other line
 * stands behind. */
static proto_item *item_add_explanation(const struct branch *branch)
{
    wmem_allocator_t *pool = branch->pinfo->pool;
    const char *text = tl_explain(pool, branch->view), *rest;
    bool is_new;
    size_t length = tl_text_line(text, LINE_COLUMNS, &rest, &is_new);
    proto_item *item = proto_tree_add_string_format(branch->tree, fields[FIELD_EXPLANATION], branch->tvb, 0, 0, text, "%.*s",
                                                    (int)length, text);

    while (*rest && item_is_read(branch, FIELD_EXPLANATION_LINE)) {
        int indent = is_new ? 0 : INDENT;
        const char *from = rest, *line;

        length = tl_text_line(from, LINE_COLUMNS - INDENT, &rest, &is_new);
        line = wmem_strndup(pool, from, length);
        proto_item_set_generated(proto_tree_add_string_format(branch->tree, fields[FIELD_EXPLANATION_LINE], branch->tvb, 0, 0,
                                                              line, "%*s%s", indent, "", line));
    }
    return item;
}

/* Adds a text that has to be made first, unless nobody reads it. */
static proto_item *item_add_text(const struct branch *branch, enum tl_field field, int64_t value)
{
    char buffer[TL_VALUE_TEXT_SIZE];

    if (field == FIELD_EXPLANATION_LINE || !item_is_read(branch, field))
        return NULL;
    if (field == FIELD_EXPLANATION)
        return item_add_explanation(branch);
    if (field == FIELD_WHAT)
        return proto_tree_add_string(branch->tree, fields[field], branch->tvb, 0, 0,
                                     tl_what_text(branch->pinfo->pool, branch->view));
    return proto_tree_add_string(branch->tree, fields[field], branch->tvb, 0, 0,
                                 tl_value_text(branch->view, field, value, buffer));
}

/* Adds the findings of the connection, each with its group. */
static proto_item *item_add_findings(const struct branch *branch)
{
    const struct tl_view *view = branch->view;
    proto_item *item = NULL;

    for (unsigned i = 0; i < view->finding_count; i++) {
        const char *word = tl_finding_rows[view->findings[i].finding].word;

        item = proto_tree_add_string(branch->tree, fields[FIELD_FINDING], branch->tvb, 0, 0, word);
        proto_item_set_generated(item);
        item = proto_tree_add_uint(branch->tree, fields[FIELD_FINDING_GROUP], branch->tvb, 0, 0, view->findings[i].group);
        proto_item_set_generated(item);
    }
    return item;
}

static proto_item *item_add_item(const struct branch *branch, enum tl_field field, int64_t value)
{
    const struct tl_field_row *row = &tl_field_rows[field];
    nstime_t time;

    if (field == FIELD_FINDING)
        return item_add_findings(branch);
    if (field == FIELD_FINDING_GROUP)
        return NULL; /* stands behind each finding already */
    switch ((enum tl_type)row->type) {
    case TL_TYPE_NONE:
        return item_add_heading(branch, field, row->group, value);
    case TL_TYPE_STRING:
        return row->group < TL_GROUP_COUNT ? item_add_name(branch, field, row->group, (unsigned)value)
                                           : item_add_text(branch, field, value);
    case TL_TYPE_INT:
        return proto_tree_add_int(branch->tree, fields[field], branch->tvb, 0, 0, (int32_t)value);
    case TL_TYPE_TIME:
        time.secs = (time_t)(value / 1000000000);
        time.nsecs = (int)(value % 1000000000);
        return proto_tree_add_time(branch->tree, fields[field], branch->tvb, 0, 0, &time);
    case TL_TYPE_YES:
        return proto_tree_add_boolean(branch->tree, fields[field], branch->tvb, 0, 0, 1);
    default:
        return proto_tree_add_uint(branch->tree, fields[field], branch->tvb, 0, 0, (uint32_t)value);
    }
}

/* Adds the fields from `field` on, up to `end`, and what stands below them. */
static void item_show_fields(const struct branch *branch, enum tl_field field, enum tl_field end)
{
    int64_t value;

    while ((field = tl_value_next(branch->view, field, end, after, &value)) != end) {
        proto_item *item = item_add_item(branch, field, value);
        enum tl_field next = (enum tl_field)after[field];

        proto_item_set_generated(item);
        if (next > field + 1) {
            struct branch below = *branch;

            below.tree = proto_item_add_subtree(item, subtrees[SUBTREE_PART]);
            item_show_fields(&below, (enum tl_field)(field + 1), next);
        }
        field = next;
    }
}

void tl_item_show(proto_item *top, tvbuff_t *tvb, packet_info *pinfo, const struct tl_view *view)
{
    const struct branch trunk = {proto_item_add_subtree(top, subtrees[SUBTREE_TOP]), tvb, pinfo, view};

    item_show_fields(&trunk, (enum tl_field)0, FIELD_COUNT);
}
