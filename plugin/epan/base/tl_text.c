/* tl_text.c - fills the slots of a template, with the optional parts in brackets left out where a slot is unknown.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "base/tl_text.h"

#include <string.h>

/* ---- the blanks -------------------------------------------------------------------------------------------------------- */

static void text_add_blank(struct tl_blanks *blanks, struct tl_blank blank)
{
    if (blanks->count < TL_BLANKS_MAX)
        blanks->rows[blanks->count++] = blank;
}

void tl_text_number(struct tl_blanks *blanks, const char *name, uint32_t number)
{
    text_add_blank(blanks, (struct tl_blank){.name = name, .number = number});
}

void tl_text_words(struct tl_blanks *blanks, const char *name, const char *text)
{
    if (text)
        text_add_blank(blanks, (struct tl_blank){.name = name, .text = text});
}

void tl_text_template(struct tl_blanks *blanks, const char *name, const char *text)
{
    text_add_blank(blanks, (struct tl_blank){.name = name, .text = text, .is_template = true});
}

void tl_text_test(struct tl_blanks *blanks, const char *name, bool holds)
{
    if (holds)
        text_add_blank(blanks, (struct tl_blank){.name = name, .text = ""});
}

/* Makes the rest known, if there is any. Returns whether there are more than `count` now. */
static bool text_add_more(struct tl_blanks *blanks, unsigned count)
{
    void (*more)(struct tl_blanks * blanks) = blanks->more;

    blanks->more = NULL;
    if (more)
        more(blanks);
    return blanks->count > count;
}

static bool text_is_capital(char c)
{
    return c >= 'A' && c <= 'Z';
}

/* The length of the name, which ends before '}', if the row is called so, else 0. A capital first letter names the same blank. */
static size_t text_length_if_called(const struct tl_blank *row, const char *name)
{
    char first = (char)(text_is_capital(name[0]) ? name[0] - 'A' + 'a' : name[0]);
    size_t length = 1;

    if (row->name[0] != first || first == '\0')
        return 0;
    while (row->name[length] != '\0' && row->name[length] == name[length])
        length++;
    return row->name[length] == '\0' && name[length] == '}' ? length : 0;
}

/* The segments of a transfer are told by the same templates with the same blanks, so a place in a template mostly finds its blank
 * in the row where it was the last time. The memory is only a guess at the row, which is compared in any case. */
static const struct tl_blank *text_find_blank(struct tl_blanks *blanks, const char *name, size_t *length)
{
    enum { PLACES = 256 };
    static uint8_t rows[PLACES];
    uint8_t *row = &rows[(uintptr_t)name % PLACES];

    *length = *row < blanks->count ? text_length_if_called(&blanks->rows[*row], name) : 0;
    if (*length > 0)
        return &blanks->rows[*row];
    for (unsigned i = 0; i < blanks->count || text_add_more(blanks, i); i++) {
        *length = text_length_if_called(&blanks->rows[i], name);
        if (*length > 0) {
            *row = (uint8_t)i;
            return &blanks->rows[i];
        }
    }
    *length = strcspn(name, "}");
    return NULL;
}

/* ---- filling in -------------------------------------------------------------------------------------------------------- */

static void text_print_number(wmem_strbuf_t *out, uint32_t number)
{
    char digits[10]; /* UINT32_MAX has ten */
    size_t first = sizeof digits;

    do {
        digits[--first] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    wmem_strbuf_append_len(out, digits + first, sizeof digits - first);
}

static void text_print_blank(wmem_strbuf_t *out, struct tl_blanks *blanks, const struct tl_blank *blank, bool capital)
{
    size_t before = out->len;

    if (!blank->text)
        text_print_number(out, blank->number);
    else if (blank->is_template)
        tl_text_fill(out, blanks, blank->text);
    else
        wmem_strbuf_append(out, blank->text);
    if (capital)
        out->str[before] = g_ascii_toupper(out->str[before]);
}

/* Prints a piece of a template that has no brackets. Returns false when a blank is not known; its place then shows "?". */
static bool text_print_piece(wmem_strbuf_t *out, struct tl_blanks *blanks, const char *text, size_t length)
{
    const char *end = text + length;
    bool complete = true;

    while (text < end) {
        const char *name = memchr(text, '{', (size_t)(end - text));
        const struct tl_blank *blank;
        size_t name_length;

        wmem_strbuf_append_len(out, text, (size_t)((name ? name : end) - text));
        if (!name)
            break;
        name++;
        blank = text_find_blank(blanks, name, &name_length);
        if (blank)
            text_print_blank(out, blanks, blank, text_is_capital(name[0]));
        else
            wmem_strbuf_append_c(out, '?');
        complete &= blank != NULL;
        text = name + name_length + 1;
    }
    return complete;
}

void tl_text_fill(wmem_strbuf_t *out, struct tl_blanks *blanks, const char *text)
{
    while (*text) {
        size_t plain = strcspn(text, "[");
        size_t optional;
        size_t before;

        text_print_piece(out, blanks, text, plain);
        text += plain;
        if (!*text)
            break;
        optional = strcspn(text, "]");
        before = wmem_strbuf_get_len(out);
        if (!text_print_piece(out, blanks, text + 1, optional - 1))
            wmem_strbuf_truncate(out, before);
        text += optional + (text[optional] == ']');
    }
}

/* ---- lines ------------------------------------------------------------------------------------------------------------- */

/* Length of the character in UTF-8. */
static size_t text_size_of(const char *text)
{
    unsigned char lead = (unsigned char)*text;
    size_t size = lead < 0xC0 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    size_t there = 1;

    while (there < size && text[there] != '\0')
        there++;
    return there;
}

enum { WIDE = 3 }; /* bytes of a character that takes two columns */

/* Whether a character, of that length, is one of a list of wide ones. */
static bool text_is_one_of(const char *text, size_t size, const char *list)
{
    for (; size == WIDE && *list; list += WIDE) {
        if (memcmp(text, list, WIDE) == 0)
            return true;
    }
    return false;
}

/* Whether a sentence ends with the character. */
static bool text_ends_sentence(const char *text, size_t size)
{
    return size == WIDE ? text_is_one_of(text, size, "。") : text[0] == '.' && text[1] == ' ';
}

/* Whether a line may be parted behind the character. */
static bool text_may_part(const char *text, size_t size)
{
    if (size < WIDE)
        return text[0] == ' ';
    return !text_is_one_of(text, size, "（“") && !text_is_one_of(text + size, text_size_of(text + size), "，。：；、）”");
}

/* Whether a part of a sentence ends there: behind punctuation, and behind the space that follows it. */
static bool text_ends_clause(const char *text, size_t size, char before)
{
    return size < WIDE ? before == ',' || before == ';' || before == ':' : text_is_one_of(text, size, "，：；、）");
}

size_t tl_text_line(const char *line, unsigned columns, const char **rest, bool *is_new)
{
    size_t at = 0, part = 0, clause = 0, size;
    unsigned width = 0, clause_width = 0;

    *is_new = true;
    for (; line[at]; at += size) {
        size = text_size_of(line + at);
        width += size < WIDE ? 1 : 2;
        if (width > columns && part > 0 && line[at] != ' ')
            break;
        if (text_ends_sentence(line + at, size)) {
            *rest = line + at + size + strspn(line + at + size, " ");
            return at + size;
        }
        if (!text_may_part(line + at, size))
            continue;
        part = at + size;
        if (text_ends_clause(line + at, size, at > 0 ? line[at - 1] : '\0')) {
            clause = part;
            clause_width = width;
        }
    }
    if (line[at] == '\0')
        return *rest = line + at, at;
    *is_new = false;
    at = clause_width >= columns / 2 ? clause : part;
    *rest = line + at;
    while (line[at - 1] == ' ')
        at--;
    return at;
}
