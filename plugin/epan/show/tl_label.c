/* tl_label.c - labels of values, in the language of the explanation or as Wireshark's windows need them.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "show/tl_label.h"

static const struct {
    enum tl_group group;
    unsigned value;
    const char *label;
} chinese[] = {
#define TL_CHINESE(group, tag, label, meaning) {TL_GROUP_##group, TL_##group##_##tag, label},
#include "show/tl_chinese.def"
};

const char *tl_label(enum tl_language language, enum tl_group group, unsigned value)
{
    for (size_t i = 0; language == TL_CHINESE && i < G_N_ELEMENTS(chinese); i++) {
        if (chinese[i].group == group && chinese[i].value == value)
            return chinese[i].label;
    }
    return tl_name(group, value)->label;
}
