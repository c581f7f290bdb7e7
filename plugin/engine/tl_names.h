/* tl_names.h - the enums of tl_names.def and their texts.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TL_NAMES_H
#define TL_NAMES_H

/* clang-format off */
/* One enum for each group, for instance enum tl_phase { TL_PHASE_NONE, TL_PHASE_HANDSHAKE, ... }. NONE is 0 and means that
 * the question does not arise for this segment: the field is absent. */
#define TL_GROUP(group, name, what)                                                                                            \
    enum tl_##name {                                                                                                           \
        TL_##group##_NONE,
#define TL_VALUE(group, tag, value, label, severity, expert_group, source, meaning) TL_##group##_##tag,
#define TL_GROUP_END(group)                                                                                                    \
    TL_##group##_COUNT                                                                                                         \
    }                                                                                                                          \
    ;
#include "tl_names.def"

/* The groups themselves, for code that walks over all of them (documentation, expert items, tests). */
enum tl_group {
#define TL_GROUP(group, name, what) TL_GROUP_##group,
#include "tl_names.def"
    TL_GROUP_COUNT
};
/* clang-format on */

enum tl_severity { TL_SEVERITY_NONE, TL_SEVERITY_CHAT, TL_SEVERITY_NOTE, TL_SEVERITY_WARN };
enum tl_expert_group { TL_EXPERT_SEQUENCE, TL_EXPERT_PROTOCOL, TL_EXPERT_ASSUMPTION, TL_EXPERT_SECURITY };

/* One value. `value` is NULL for NONE. */
struct tl_name {
    const char *value;   /* what users filter on */
    const char *label;   /* what people read in a tree or a table */
    const char *source;  /* RFC section, or "observed" */
    const char *meaning; /* one sentence */
    enum tl_severity severity;
    enum tl_expert_group expert_group;
};

/* One group: `values` has `count` rows, row 0 is NONE. */
struct tl_group_names {
    const char *name; /* as in the file, for instance "handshake_step" */
    const char *what; /* the question that the group answers */
    const struct tl_name *values;
    unsigned count;
};

/* The texts of a group. Total: any group below TL_GROUP_COUNT. O(1). */
const struct tl_group_names *tl_group_names(enum tl_group group);

/* The texts of one value. Returns the row of NONE for a value that the group does not have. O(1). */
const struct tl_name *tl_name(enum tl_group group, unsigned value);

#endif
