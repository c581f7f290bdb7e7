/* tl_label.h - the labels of values in every language.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TL_LABEL_H
#define TL_LABEL_H

#include "base/tl_text.h"

#include "../engine/tl_names.h"

/* What people read for a value: from tl_names.def, or from the table of the language. NULL for NONE. O(1) in English, else one
 * comparison for each row of tl_chinese.def. */
const char *tl_label(enum tl_language language, enum tl_group group, unsigned value);

#endif
