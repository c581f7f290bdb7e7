/* tl_names.c - the texts of tl_names.def as tables.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "tl_names.h"

#include <stddef.h>

/* clang-format off */
#define TL_GROUP(group, name, what)                                                                                            \
    static const struct tl_name names_##group[] = {{NULL, NULL, NULL, NULL, TL_SEVERITY_NONE, TL_EXPERT_SEQUENCE},
#define TL_VALUE(group, tag, value, label, severity, expert_group, source, meaning)                                            \
    {value, label, source, meaning, TL_SEVERITY_##severity, TL_EXPERT_##expert_group},
#define TL_GROUP_END(group)                                                                                                    \
    }                                                                                                                          \
    ;
#include "tl_names.def"

static const struct tl_group_names groups[] = {
#define TL_GROUP(group, name, what) {#name, what, names_##group, TL_##group##_COUNT},
#include "tl_names.def"
};
/* clang-format on */

const struct tl_group_names *tl_group_names(enum tl_group group)
{
    return &groups[group];
}

const struct tl_name *tl_name(enum tl_group group, unsigned value)
{
    const struct tl_group_names *names = &groups[group];

    return &names->values[value < names->count ? value : 0];
}
