/* tl_text.c - see tl_text.h.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "tl_text.h"

#include <string.h>

/* ---- the blanks -------------------------------------------------------------------------------------------------------- */

static void add_blank(struct tl_blanks *blanks, const char *name, const char *text, uint32_t number)
{
    if (blanks->count < TL_BLANKS_MAX)
        blanks->rows[blanks->count++] = (struct tl_blank){name, text, number};
}

void tl_text_number(struct tl_blanks *blanks, const char *name, uint32_t number)
{
    add_blank(blanks, name, NULL, number);
}

void tl_text_words(struct tl_blanks *blanks, const char *name, const char *text)
{
    if (text)
        add_blank(blanks, name, text, 0);
}

void tl_text_test(struct tl_blanks *blanks, const char *name, bool holds)
{
    if (holds)
        add_blank(blanks, name, "", 0);
}

static const struct tl_blank *find_blank(const struct tl_blanks *blanks, const char *name, size_t length)
{
    for (unsigned i = 0; i < blanks->count; i++) {
        const char *known = blanks->rows[i].name;

        /* A capital first letter names the same blank. */
        if (strlen(known) == length && known[0] == g_ascii_tolower(name[0]) && memcmp(known + 1, name + 1, length - 1) == 0)
            return &blanks->rows[i];
    }
    return NULL;
}

/* ---- filling in -------------------------------------------------------------------------------------------------------- */

/* Prints the blank whose name follows `name`, up to '}'. Returns false when it is not known. */
static bool print_blank(wmem_strbuf_t *out, const struct tl_blanks *blanks, const char *name, size_t length)
{
    const struct tl_blank *blank = length > 0 ? find_blank(blanks, name, length) : NULL;

    if (!blank)
        return false;
    if (!blank->text) {
        wmem_strbuf_append_printf(out, "%u", blank->number);
    } else if (g_ascii_isupper(name[0])) {
        wmem_strbuf_append_c(out, g_ascii_toupper(blank->text[0]));
        wmem_strbuf_append(out, blank->text + 1);
    } else {
        wmem_strbuf_append(out, blank->text);
    }
    return true;
}

/* Prints a piece of a template that has no brackets. Returns false when a blank is not known; its place then shows "?". */
static bool print_piece(wmem_strbuf_t *out, const struct tl_blanks *blanks, const char *text, size_t length)
{
    const char *end = text + length;
    bool complete = true;

    while (text < end) {
        size_t plain = strcspn(text, "{");

        plain = MIN(plain, (size_t)(end - text));
        wmem_strbuf_append_len(out, text, plain);
        text += plain;
        if (text < end) {
            size_t name = strcspn(text, "}") - 1;

            if (!print_blank(out, blanks, text + 1, name)) {
                wmem_strbuf_append_c(out, '?');
                complete = false;
            }
            text += MIN(name + 2, (size_t)(end - text));
        }
    }
    return complete;
}

void tl_text_fill(wmem_strbuf_t *out, const struct tl_blanks *blanks, const char *text)
{
    while (*text) {
        size_t plain = strcspn(text, "[");
        size_t optional;
        size_t before;

        print_piece(out, blanks, text, plain);
        text += plain;
        if (!*text)
            break;
        optional = strcspn(text, "]");
        before = wmem_strbuf_get_len(out);
        if (!print_piece(out, blanks, text + 1, optional - 1))
            wmem_strbuf_truncate(out, before);
        text += optional + (text[optional] == ']');
    }
}
