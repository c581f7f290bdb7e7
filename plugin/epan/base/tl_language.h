/* tl_language.h - the languages of the sentences.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TL_LANGUAGE_H
#define TL_LANGUAGE_H

#include <stdbool.h>

/* The columns of the tables of texts: TL_ENGLISH, TL_CHINESE. */
enum tl_language {
#define TL_LANGUAGE(tag, name, title, others) TL_##tag,
#include "tl_preferences.def"
    TL_LANGUAGES
};

/* The language of that name, as a person or a script may write it: "zh-CN", "zh_cn", "zh_CN.UTF-8", "中文". Returns false, and leaves
 * *language alone, if no language has it. O(1). */
bool tl_language_named(const char *name, enum tl_language *language);

#endif
