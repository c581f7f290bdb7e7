/* tl_value.h - the value of a field for one TCP header, and whether it is shown: tl_fields.def and tl_when.def as code.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Knows nothing of Wireshark, so that the tests of the engine read by the same table what the tree shows.
 */
#ifndef TL_VALUE_H
#define TL_VALUE_H

#include "input/tl_view.h"

/* The fields of tl_fields.def, in its order: FIELD_PHASE ... */
enum tl_field {
#define TL_FIELD(id, name, label, type, what, values, below, when, value) FIELD_##id,
#include "tl_fields.def"
    FIELD_COUNT,
    FIELD_TOP = FIELD_COUNT
};

enum tl_type { TL_TYPE_NONE, TL_TYPE_STRING, TL_TYPE_COUNT, TL_TYPE_INT, TL_TYPE_FRAME, TL_TYPE_TIME, TL_TYPE_YES };

/* What VALUES may be besides a group of tl_names.def. */
enum { TL_GROUP_TEXT = TL_GROUP_COUNT, TL_GROUP_NUMBER, TL_GROUP_YES, TL_GROUP_HEADING, TL_GROUP_ERRORS, TL_GROUP_EVIDENCE };

struct tl_field_row {
    const char *name; /* after tcplife. */
    uint8_t type;     /* enum tl_type */
    uint8_t group;    /* enum tl_group, or one of the above */
    uint8_t below;    /* enum tl_field */
};

extern const struct tl_field_row tl_field_rows[FIELD_COUNT];

/* Whether the field is shown, given that those are which it is below, and its value: that of an enum, a mask, a count, a frame, ns, 1
 * for yes; of a text 0. O(1). */
bool tl_value(const struct tl_view *view, enum tl_field field, int64_t *value);

/* The first field that is shown of `field` and those behind it, before `end`, given that those are which it is below; `end` if none is.
 * `after` has the one to look at after each; NULL = the next. One call for all rows takes half the time of one for each. */
enum tl_field tl_value_next(const struct tl_view *view, enum tl_field field, enum tl_field end, const uint8_t *after,
                            int64_t *value);

enum { TL_VALUE_TEXT_SIZE = 448 }; /* all words of a mask together, and the NUL */

/* The text of a STRING with that value, but the explanation, which is "". Cost: its length. */
const char *tl_value_text(const struct tl_view *view, enum tl_field field, int64_t value, char buffer[TL_VALUE_TEXT_SIZE]);

/* How the segment changed the state of an end: "ESTABLISHED -> CLOSE-WAIT -> LAST-ACK"; "" if it did not. O(1). */
const char *tl_value_path(const struct tl_endpoint_view *end, char buffer[TL_VALUE_TEXT_SIZE]);

#endif
