/* tl_language.h - the languages of the sentences.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TL_LANGUAGE_H
#define TL_LANGUAGE_H

/* The columns of the tables of texts: TL_ENGLISH, TL_CHINESE. */
enum tl_language {
#define TL_LANGUAGE(tag, name, title) TL_##tag,
#include "tl_preferences.def"
    TL_LANGUAGES
};

#endif
