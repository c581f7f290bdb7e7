/* tl_value.c - the value of a field and whether it is shown, from tl_fields.def and tl_when.def.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "show/tl_value.h"

#include <stdio.h>

const struct tl_field_row tl_field_rows[FIELD_COUNT] = {
#define TL_FIELD(id, name, label, type, what, values, below, when, value)                                                      \
    [FIELD_##id] = {name, TL_TYPE_##type, TL_GROUP_##values, FIELD_##below},
#include "tl_fields.def"
};

/* The names that the expressions of the tables may use. */
#define TL_VALUE_NAMES                                                                                                         \
    const struct tl_segment *segment = view->segment;                                                                          \
    const struct tl_shape *shape = &view->result->shape;                                                                       \
    const struct tl_refs *refs = &view->result->refs;                                                                          \
    const struct tl_facts *facts = &view->facts;                                                                               \
    const struct tl_endpoint_view *client = &shape->endpoint[shape->client & 1];                                               \
    const struct tl_endpoint_view *server = &shape->endpoint[!(shape->client & 1)];                                            \
    (void)segment, (void)refs, (void)facts, (void)client, (void)server

#define TL_WHEN(name, words, condition)                                                                                        \
    static inline bool when_##name(const struct tl_view *view)                                                                 \
    {                                                                                                                          \
        TL_VALUE_NAMES;                                                                                                        \
        return condition;                                                                                                      \
    }
#include "tl_when.def"

/* Whether a value is there at all, by type. */
static inline bool value_is_there(const struct tl_view *view, enum tl_type type, unsigned group, int64_t value)
{
    int64_t own = view->segment->frame;

    switch (type) {
    case TL_TYPE_STRING:
        return value != 0 || group == TL_GROUP_TEXT;
    case TL_TYPE_FRAME:
        return value != 0 && value != own && (view->visited || value < own);
    case TL_TYPE_TIME:
        return value >= 0;
    case TL_TYPE_YES:
        return value != 0;
    default:
        return true;
    }
}

enum tl_field tl_value_next(const struct tl_view *view, enum tl_field field, enum tl_field end, const uint8_t *after,
                            int64_t *result)
{
    TL_VALUE_NAMES;

    while (field < end) {
        switch (field) {
#define TL_FIELD(id, name, label, type, what, values, below, when, value)                                                      \
    case FIELD_##id:                                                                                                           \
        *result = (int64_t)(value);                                                                                            \
        if (when_##when(view) && value_is_there(view, TL_TYPE_##type, TL_GROUP_##values, *result))                             \
            return FIELD_##id;                                                                                                 \
        break;
#include "tl_fields.def"
        default:
            return end;
        }
        field = (enum tl_field)(after ? after[field] : field + 1U);
    }
    return end;
}

bool tl_value(const struct tl_view *view, enum tl_field field, int64_t *value)
{
    return tl_value_next(view, field, (enum tl_field)(field + 1), NULL, value) == field;
}

/* ---- texts ------------------------------------------------------------------------------------------------------------- */

/* One bit of a mask and its word; the last row is 0. */
struct bit {
    int64_t bit;
    const char *word;
};

static const struct bit error_words[] = {
#define TL_ERROR_ROW(bit, word, label, severity, group, source, meaning) {TL_ERROR_##bit, word},
#include "show/tl_errors.def"
    {0, NULL},
};

static const struct bit evidence_words[] = {
#define TL_EVIDENCE_ROW(bit, word, source, meaning) {TL_EVIDENCE_##bit, word},
#include "show/tl_evidence.def"
    {0, NULL},
};

/* Appends to the text, whose length is `used`, and returns the length then. */
static size_t value_append(char text[TL_VALUE_TEXT_SIZE], size_t used, const char *separator, const char *word)
{
    int written = snprintf(text + used, TL_VALUE_TEXT_SIZE - used, "%s%s", used > 0 ? separator : "", word);

    return written > 0 && used + (size_t)written < TL_VALUE_TEXT_SIZE ? used + (size_t)written : used;
}

static const char *value_join_bits(const struct bit *words, int64_t mask, char buffer[TL_VALUE_TEXT_SIZE])
{
    size_t used = 0;

    buffer[0] = '\0';
    for (; words->bit != 0; words++) {
        if (mask & words->bit)
            used = value_append(buffer, used, ",", words->word);
    }
    return buffer;
}

const char *tl_value_path(const struct tl_endpoint_view *end, char buffer[TL_VALUE_TEXT_SIZE])
{
    size_t used = 0;

    buffer[0] = '\0';
    if (end->before == TL_STATE_NONE)
        return buffer;
    used = value_append(buffer, used, "", tl_name(TL_GROUP_STATE, end->before)->value);
    for (int i = 0; i < TL_STATE_PATH_MAX && end->path[i] != TL_STATE_NONE; i++)
        used = value_append(buffer, used, " -> ", tl_name(TL_GROUP_STATE, end->path[i])->value);
    return buffer;
}

const char *tl_value_text(const struct tl_view *view, enum tl_field field, int64_t value, char buffer[TL_VALUE_TEXT_SIZE])
{
    const struct tl_shape *shape;
    unsigned group = tl_field_rows[field].group;

    if (group == TL_GROUP_ERRORS || group == TL_GROUP_EVIDENCE)
        return value_join_bits(group == TL_GROUP_ERRORS ? error_words : evidence_words, value, buffer);
    if (group < TL_GROUP_COUNT)
        return tl_name((enum tl_group)group, (unsigned)value)->value;
    switch (field) {
    case FIELD_CLIENT_STATE_CHANGE:
    case FIELD_SERVER_STATE_CHANGE:
        shape = &view->result->shape;
        return tl_value_path(&shape->endpoint[(shape->client & 1) ^ (field == FIELD_SERVER_STATE_CHANGE)], buffer);
    case FIELD_RST_TEXT:
        return view->rst_text;
    case FIELD_ZEEK_HISTORY:
        return view->zeek.history;
    case FIELD_FINDING:
        return tl_finding_rows[value < TL_FINDING_COUNT ? value : 0].word;
    default:
        return "";
    }
}
