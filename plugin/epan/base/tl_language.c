/* tl_language.c - the languages of the sentences, by the names that people give them.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "base/tl_language.h"

#include <glib.h>
#include <string.h>

static const struct {
    const char *name;
    const char *title;
    const char *others;
} languages[TL_LANGUAGES] = {
#define TL_LANGUAGE(tag, name, title, others) {name, title, others},
#include "tl_preferences.def"
};

/* "zh-cn" for "zh_CN.UTF-8": one way to write each name. To be freed. */
static char *language_simplify(const char *name)
{
    char *simple = g_ascii_strdown(name, (gssize)strcspn(name, ".@"));

    return g_strstrip(g_strdelimit(simple, "_", '-'));
}

static bool language_is_one_of(const char *name, const char *names)
{
    char *spaced = g_strdup_printf(" %s ", name);
    bool found = *name && strstr(names, spaced);

    g_free(spaced);
    return found;
}

bool tl_language_named(const char *name, enum tl_language *language)
{
    char *simple = language_simplify(name);
    bool found = false;

    for (int i = 0; i < TL_LANGUAGES && !found; i++) {
        found = g_ascii_strcasecmp(simple, languages[i].name) == 0 || strcmp(simple, languages[i].title) == 0 ||
                language_is_one_of(simple, languages[i].others);
        if (found)
            *language = (enum tl_language)i;
    }
    g_free(simple);
    return found;
}
