/* case_fields.h - the value of a field by its name, as tshark would show it without the prefix `tcplife.`.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef CASE_FIELDS_H
#define CASE_FIELDS_H

#include "show/tl_value.h"

enum { CASE_VALUE_MAX = TL_VALUE_TEXT_SIZE };

/* Writes the value, or "-" when the field is absent. Where `view->segment` is NULL the question is about a connection at the end of
 * the capture. Returns false when there is no field of that name, or none that says something of a connection. */
bool case_field(const struct tl_view *view, const char *name, char value[CASE_VALUE_MAX]);

#endif
