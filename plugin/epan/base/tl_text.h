/* tl_text.h - templates of sentences and what fills them, in whatever language.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Knows neither TCP nor dissection, only libwsutil, so that a unit test can fill every row of tl_sentences.def.
 */
#ifndef TL_TEXT_H
#define TL_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#include <wsutil/wmem/wmem.h>

#include "base/tl_language.h"

enum { TL_BLANKS_MAX = 96 };

/* What a blank stands for: a text, which may have blanks itself, or a number when `text` is NULL. */
struct tl_blank {
    const char *name;
    const char *text;
    uint32_t number;
    bool is_template;
};

/* The blanks that are known, each under a name of its own. Begin with count 0. `more` is called once, when a blank is wanted that
 * is not known yet: it makes the rest known. NULL = there is no rest. */
struct tl_blanks {
    unsigned count;
    void (*more)(struct tl_blanks *blanks);
    struct tl_blank rows[TL_BLANKS_MAX];
};

/* Each makes one more blank known; beyond TL_BLANKS_MAX nothing happens. `name` and `text` are kept by reference. A `text` of NULL
 * leaves the blank unknown. A test that holds is known and prints nothing. */
void tl_text_number(struct tl_blanks *blanks, const char *name, uint32_t number);
void tl_text_words(struct tl_blanks *blanks, const char *name, const char *text);
void tl_text_test(struct tl_blanks *blanks, const char *name, bool holds);

/* The same for a text that is a template itself. It is filled where it is printed, so it costs nothing where it is not; a blank in
 * it that is unknown by then prints "?". It must not name itself. */
void tl_text_template(struct tl_blanks *blanks, const char *name, const char *text);

/* Appends the template, in the notation of tl_sentences.def, to `out`. An unknown blank outside brackets prints "?". Cost: the
 * length of the template; for each blank in it one comparison if it is in the row where this template had it before, else one with
 * each blank known. */
void tl_text_fill(wmem_strbuf_t *out, struct tl_blanks *blanks, const char *text);

/* Takes the next line off a text of sentences: one sentence, or as much of it as has that many columns; wide characters, those of three
 * bytes and more in UTF-8, count two. A long sentence is parted at a space or behind a wide character, behind punctuation if that leaves
 * at least half a line. Returns its length in bytes, from *line on, and puts into *rest what follows; *is_new tells whether the rest
 * begins a sentence. 0 at the end. Cost: the length of the line. */
size_t tl_text_line(const char *line, unsigned columns, const char **rest, bool *is_new);

#endif
