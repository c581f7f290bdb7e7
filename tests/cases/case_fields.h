/* case_fields.h - the value of a field by its name, as tshark would show it without the prefix `tcplife.`.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef CASE_FIELDS_H
#define CASE_FIELDS_H

#include "tl.h"

enum { CASE_VALUE_MAX = 256 };

/* What to read from: `verdict` is NULL where the question is about a connection at the end of the capture. */
struct case_view {
    const struct tl_result *result;
    const struct tl_facts *facts;
    bool is_over; /* the question is asked at the end of the capture */
};

/* Writes the value, or "-" when the field is absent. Returns false when there is no field of that name here. */
bool case_field(const struct case_view *view, const char *name, char value[CASE_VALUE_MAX]);

#endif
