/* case_fields.c - reads the fields of tl_fields.def by name.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "case_fields.h"

#include <stdio.h>
#include <string.h>

/* The value of a field of the connection as a whole, on whichever segment the tree shows it. False for a field of a segment. */
static bool value_at_end(const struct tl_view *view, enum tl_field field, int64_t *result)
{
    static const struct tl_shape whole = {.reuse = TL_REUSE_TENTATIVE}; /* what became of the reuse is then a fact */
    const struct tl_shape *shape = &whole;
    static const struct tl_endpoint_view none;
    static const struct tl_segment nothing;
    static const struct tl_refs no_refs;
    const struct tl_endpoint_view *client = &none, *server = &none;
    const struct tl_segment *segment = &nothing;
    const struct tl_refs *refs = &no_refs;
    const struct tl_facts *facts = &view->facts;

    switch (field) {
#define TL_FIELD(id, name, label, type, what, values, below, when, value)                                                      \
    case FIELD_##id:                                                                                                           \
        *result = (int64_t)(value);                                                                                            \
        return strstr(#value, "facts->") != NULL;
#include "tl_fields.def"
    default:
        return (void)client, (void)server, (void)segment, (void)refs, false;
    }
}

/* Whether the segment shows the field, and all that it is below. */
static bool is_shown(const struct tl_view *view, enum tl_field field, int64_t *value)
{
    int64_t above;

    for (unsigned up = tl_field_rows[field].below; up != FIELD_TOP; up = tl_field_rows[up].below) {
        if (!tl_value(view, (enum tl_field)up, &above))
            return false;
    }
    return tl_value(view, field, value);
}

static void write(const struct tl_view *view, enum tl_field field, int64_t value, char text[CASE_VALUE_MAX])
{
    char buffer[TL_VALUE_TEXT_SIZE];
    const char *from;

    switch (tl_field_rows[field].type) {
    case TL_TYPE_STRING:
        /* A case has no blank inside a value. */
        for (from = tl_value_text(view, field, value, buffer); *from; from++) {
            if (*from != ' ')
                *text++ = *from;
        }
        *text = '\0';
        break;
    case TL_TYPE_TIME:
        snprintf(text, CASE_VALUE_MAX, "%lld.%09lld", (long long)(value / 1000000000), (long long)(value % 1000000000));
        break;
    case TL_TYPE_YES:
        snprintf(text, CASE_VALUE_MAX, "1");
        break;
    default:
        snprintf(text, CASE_VALUE_MAX, "%lld", (long long)value);
    }
}

bool case_field(const struct tl_view *view, const char *name, char text[CASE_VALUE_MAX])
{
    unsigned field = 0;
    int64_t value;
    bool is_there;

    snprintf(text, CASE_VALUE_MAX, "-");
    while (field < FIELD_COUNT && strcmp(tl_field_rows[field].name, name) != 0)
        field++;
    if (field == FIELD_COUNT)
        return false;
    if (view->segment) {
        is_there = is_shown(view, (enum tl_field)field, &value);
    } else {
        if (!value_at_end(view, (enum tl_field)field, &value))
            return false;
        is_there = tl_field_rows[field].type == TL_TYPE_TIME ? value >= 0 : value != 0;
    }
    if (is_there)
        write(view, (enum tl_field)field, value, text);
    return true;
}
