/* tl_reset_text.c - what the sender of a reset wrote into it for people: a text as payload, a code as window.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * RFC 9293 3.5.3: a RST may carry a text that says why; RFC 1122 4.2.2.12. It is no part of the stream.
 */
#include "show/tl_reset_text.h"

const char *tl_reset_text(wmem_allocator_t *pool, const struct tl_header *header)
{
    unsigned size = MIN(header->payload_size, TL_RESET_TEXT_MOST), printable = 0;
    char *text;

    if (!(header->segment.flags & TL_RST) || !header->payload || size == 0)
        return NULL;
    text = wmem_alloc0_array(pool, char, size + 1);
    for (unsigned i = 0; i < size; i++) {
        bool plain = g_ascii_isprint((char)header->payload[i]);

        text[i] = plain ? (char)header->payload[i] : '.';
        printable += plain;
    }
    return printable * 2 >= size ? text : NULL;
}

const char *const *tl_reset_code(const struct tl_segment *segment)
{
    static const struct {
        uint16_t window;
        const char *text[TL_LANGUAGES];
    } codes[] = {
#define TL_RESET_CODE(window, source, english, chinese) {window, {english, chinese}},
#include "show/tl_reset_codes.def"
    };

    for (size_t i = 0; (segment->flags & TL_RST) && i < G_N_ELEMENTS(codes); i++) {
        if (codes[i].window == segment->window)
            return codes[i].text;
    }
    return NULL;
}
