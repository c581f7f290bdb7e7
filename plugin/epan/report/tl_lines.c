/* tl_lines.c - parts a text into lines.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "report/tl_lines.h"

#include <stdbool.h>
#include <string.h>

enum { WIDE = 3 }; /* bytes of a character that takes two columns */

static size_t lines_size_of(const char *text)
{
    unsigned char lead = (unsigned char)*text;
    size_t size = lead < 0xC0 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4, there = 1;

    while (there < size && text[there] != '\0')
        there++;
    return there;
}

unsigned tl_lines_width(const char *text)
{
    unsigned width = 0;

    for (; *text; text += lines_size_of(text))
        width += lines_size_of(text) >= WIDE ? 2 : 1;
    return width;
}

/* Punctuation that no line begins with. */
static bool lines_hangs(const char *text)
{
    static const char marks[] = "，。：；、）”？！";

    for (const char *mark = marks; *mark; mark += WIDE) {
        if (strncmp(text, mark, WIDE) == 0)
            return true;
    }
    return false;
}

/* Bytes up to the next place where a line may be parted, and their width. */
static size_t lines_next_piece(const char *text, unsigned *width)
{
    size_t length = 0;

    *width = 0;
    while (text[length] && text[length] != ' ') {
        size_t size = lines_size_of(text + length);

        *width += size >= WIDE ? 2 : 1;
        length += size;
        if (size >= WIDE && !lines_hangs(text + length) && strncmp(text + length - size, "（", WIDE) != 0)
            break;
        if (text[length] && size < WIDE && lines_size_of(text + length) >= WIDE && !lines_hangs(text + length))
            break;
    }
    return length;
}

unsigned tl_lines_wrap(wmem_strbuf_t *out, const char *text, unsigned at, unsigned indent, unsigned columns)
{
    bool begins = true; /* nothing of the text stands on this line yet */

    while (*text) {
        size_t blanks = strspn(text, " ");
        unsigned width;
        size_t length = lines_next_piece(text + blanks, &width);

        if (length == 0)
            break;
        if (!begins && at + blanks + width > columns) {
            wmem_strbuf_append_printf(out, "\n%*s", (int)indent, "");
            at = indent;
        } else if (!begins) {
            wmem_strbuf_append_printf(out, "%*s", (int)blanks, "");
            at += (unsigned)blanks;
        }
        wmem_strbuf_append_len(out, text + blanks, length);
        at += width;
        text += blanks + length;
        begins = false;
    }
    return at;
}
