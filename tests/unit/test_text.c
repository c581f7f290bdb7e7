/* test_text.c - tests of tl_text.c: the notation of templates, and every sentence in every language filled.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "tl_test.h"

#include <stdio.h>
#include <string.h>

#include "base/tl_text.h"

/* Every row of both tables, whatever it is for. */
static const struct row {
    const char *name;
    const char *text[TL_LANGUAGES];
} rows[] = {
#define TL_SENTENCE(group, tag, ...) {#group "." #tag, {__VA_ARGS__}},
#define TL_PHRASE(name, ...) {#name, {__VA_ARGS__}},
#include "show/tl_sentences.def"
#define TL_WIRESHARK_FLAG(tag, name, ...) {name, {__VA_ARGS__}},
#define TL_DIFFERENCE(tag, holds, flags, ...) {"difference " #tag, {__VA_ARGS__}},
#include "input/tl_wireshark.def"
};

enum { ROWS = sizeof rows / sizeof rows[0], NAMES_MAX = 32, NAME_SIZE = 32 };

static void row_fails(const struct row *row, const char *text, const char *why)
{
    fail_msg("%s: %s: %s", row->name, why, text ? text : "(none)");
}

/* ---- the notation ------------------------------------------------------------------------------------------------------ */

static struct tl_blanks known(void)
{
    struct tl_blanks blanks = {0};

    tl_text_words(&blanks, "sender", "the client");
    tl_text_number(&blanks, "seq", 4294967295U);
    tl_text_test(&blanks, "?holds", true);
    tl_text_test(&blanks, "?fails", false);
    tl_text_words(&blanks, "nothing", NULL);
    return blanks;
}

static void assert_filled(const char *template, const char *expected)
{
    struct tl_blanks blanks = known();
    wmem_strbuf_t *out = wmem_strbuf_new(NULL, "");

    tl_text_fill(out, &blanks, template);
    assert_string_equal(wmem_strbuf_get_str(out), expected);
    wmem_strbuf_destroy(out);
}

static void blanks_are_filled(void **state)
{
    (void)state;
    assert_filled("plain", "plain");
    assert_filled("{sender} sends {seq}.", "the client sends 4294967295.");
    assert_filled("{Sender} sends.", "The client sends.");
    assert_filled("由{sender}发送 {seq}。", "由the client发送 4294967295。");
}

static void brackets_need_every_blank_in_them(void **state)
{
    (void)state;
    assert_filled("a[ {seq}].", "a 4294967295.");
    assert_filled("a[ {unseen}].", "a.");
    assert_filled("a[ {seq} {unseen}][ {sender}].", "a the client.");
    assert_filled("[{unseen}]", "");
}

static void tests_print_nothing(void **state)
{
    (void)state;
    assert_filled("a[ b{?holds}].", "a b.");
    assert_filled("a[ b{?fails}].", "a.");
}

static void an_unknown_blank_outside_brackets_shows(void **state)
{
    (void)state;
    assert_filled("{unseen}, {nothing}.", "?, ?.");
}

static void a_blank_may_have_blanks(void **state)
{
    struct tl_blanks blanks = known();
    wmem_strbuf_t *out = wmem_strbuf_new(NULL, "");

    (void)state;
    tl_text_template(&blanks, "numbers", "bytes {seq}..{last}[, {unseen}]");
    tl_text_number(&blanks, "last", 7);
    tl_text_fill(out, &blanks, "{Numbers}[ ({numbers})].");
    assert_string_equal(wmem_strbuf_get_str(out), "Bytes 4294967295..7 (bytes 4294967295..7).");
    wmem_strbuf_destroy(out);
}

static void make_more_known(struct tl_blanks *blanks)
{
    assert_null(blanks->more);
    tl_text_number(blanks, "late", 0);
    tl_text_number(blanks, "later", 10);
}

/* The rest is asked for once, when it is wanted, even if it does not hold what is wanted. */
static void the_rest_is_asked_for_when_wanted(void **state)
{
    struct tl_blanks blanks = known();
    wmem_strbuf_t *out = wmem_strbuf_new(NULL, "");

    (void)state;
    blanks.more = make_more_known;
    tl_text_fill(out, &blanks, "{sender} {seq} ");
    assert_ptr_equal(blanks.more, make_more_known);
    tl_text_fill(out, &blanks, "{late}[ {unseen}] {later}");
    assert_string_equal(wmem_strbuf_get_str(out), "the client 4294967295 0 10");
    wmem_strbuf_destroy(out);
}

/* One and the same place in a template, with its blank in one row and then in another. */
static void rows_may_change_from_text_to_text(void **state)
{
    static const char template[] = "{seq} {sender}[ {seq_more}]";
    struct tl_blanks other = {0};
    wmem_strbuf_t *out = wmem_strbuf_new(NULL, "");

    (void)state;
    assert_filled(template, "4294967295 the client");
    tl_text_number(&other, "seq_more", 3);
    tl_text_number(&other, "seq", 2);
    tl_text_words(&other, "sender", "the server");
    tl_text_fill(out, &other, template);
    assert_string_equal(wmem_strbuf_get_str(out), "2 the server 3");
    wmem_strbuf_destroy(out);
    assert_filled(template, "4294967295 the client");
}

static void too_many_blanks_do_no_harm(void **state)
{
    struct tl_blanks blanks = {0};

    (void)state;
    for (unsigned i = 0; i < TL_BLANKS_MAX + 1; i++)
        tl_text_number(&blanks, "seq", i);
    assert_int_equal(blanks.count, TL_BLANKS_MAX);
}

/* ---- every sentence ---------------------------------------------------------------------------------------------------- */

/* The names of blanks in a template, each as often as it occurs. */
struct names {
    unsigned count;
    char name[NAMES_MAX][NAME_SIZE];
};

/* Collects them; those in brackets only if `optional`. */
static void collect(struct names *names, const struct row *row, const char *text, bool optional)
{
    bool inside = false;

    names->count = 0;
    for (; *text; text++) {
        size_t length;

        inside = *text == '[' || (inside && *text != ']');
        if (*text != '{' || (inside && !optional))
            continue;
        length = strcspn(text, "}") - 1;
        if (names->count == NAMES_MAX || length >= NAME_SIZE)
            row_fails(row, text, "more than the test can hold");
        snprintf(names->name[names->count], NAME_SIZE, "%.*s", (int)length, text + 1);
        names->name[names->count][0] = (char)g_ascii_tolower(names->name[names->count][0]);
        names->count++;
    }
}

/* Fills the template; a blank shows its name between < and >. The caller destroys the result. */
static wmem_strbuf_t *filled(const struct row *row, const char *text, bool optional)
{
    static char words[NAMES_MAX][NAME_SIZE + 2];
    struct tl_blanks blanks = {0};
    struct names names;
    wmem_strbuf_t *out = wmem_strbuf_new(NULL, "");

    collect(&names, row, text, optional);
    for (unsigned i = 0; i < names.count; i++) {
        snprintf(words[i], sizeof words[i], "<%s>", names.name[i]);
        if (names.name[i][0] == '?')
            tl_text_test(&blanks, names.name[i], true);
        else
            tl_text_words(&blanks, names.name[i], words[i]);
    }
    tl_text_fill(out, &blanks, text);
    return out;
}

static void check_filled(const struct row *row, const char *text, bool optional)
{
    wmem_strbuf_t *out = filled(row, text, optional);
    const char *said = wmem_strbuf_get_str(out);

    if (!*said || strpbrk(said, "{}[]?") || strstr(said, "  "))
        row_fails(row, said, optional ? "with every blank known" : "with no blank in brackets known");
    wmem_strbuf_destroy(out);
}

static void every_row_is_there_in_every_language(void **state)
{
    (void)state;
    assert_true(ROWS > 100);
    for (unsigned i = 0; i < ROWS; i++) {
        for (unsigned language = 0; language < TL_LANGUAGES; language++) {
            if (!rows[i].text[language] || !*rows[i].text[language])
                row_fails(&rows[i], rows[i].text[TL_ENGLISH], "a language is missing");
        }
    }
}

/* Whether the row speaks of a fact that has a confidence, so that it has to say how sure it is. */
static bool may_doubt(const struct row *row)
{
    static const char *const named[] = {"KEEPALIVE_PROBE", "KEEPALIVE_ANSWER", "WINDOW_PROBE",  "WINDOW_ANSWER",
                                        "WINDOW_OPEN",     "ACK_CHALLENGE",    "ACK_TIME_WAIT", "HANDSHAKE_STEP.CHALLENGE_ACK",
                                        "PATH_SENT",       "STATES_EQUAL",     "STATES_ROLES",  "STATES_ENDS"};

    for (unsigned i = 0; i < sizeof named / sizeof named[0]; i++) {
        if (strcmp(row->name, named[i]) == 0)
            return true;
    }
    return (g_str_has_prefix(row->name, "RST_CAUSE.") || g_str_has_prefix(row->name, "RETRANSMISSION.")) &&
           !g_str_has_suffix(row->name, ".UNKNOWN");
}

static const char *row_text(const char *name, unsigned language)
{
    for (unsigned i = 0; i < ROWS; i++) {
        if (strcmp(rows[i].name, name) == 0)
            return rows[i].text[language];
    }
    fail_msg("no row %s", name);
    return NULL;
}

/* Fills the template with that word for the confidence of each fact in it; the other blanks are as in filled(). */
static void check_confidence(const struct row *row, unsigned language, const char *word, bool optional)
{
    static const char *const names[] = {"maybe", "sender_maybe", "receiver_maybe", "client_maybe", "server_maybe"};
    wmem_strbuf_t *out = filled(row, row->text[language], optional);
    char *text = g_strdup(wmem_strbuf_get_str(out));
    bool said;

    for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++) {
        char *blank = g_strdup_printf("<%s>", names[i]);
        char **pieces = g_strsplit(text, blank, -1);

        g_free(text);
        text = g_strjoinv(word, pieces);
        g_strfreev(pieces);
        g_free(blank);
    }
    said = strstr(text, row_text("LIKELY", language)) || strstr(text, row_text("GUESS", language));
    if (!*text || strstr(text, "  ") || said != (*word != '\0') || !strstr(text, word))
        row_fails(row, text, *word ? "reads as a fact" : "reads as a doubt");
    g_free(text);
    wmem_strbuf_destroy(out);
}

/* Nothing that is less than certain is told as a fact, and nothing certain as a guess. */
static void every_row_says_how_sure_it_is(void **state)
{
    (void)state;
    for (unsigned i = 0; i < ROWS; i++) {
        for (unsigned language = 0; language < TL_LANGUAGES; language++) {
            bool doubts = strstr(rows[i].text[language], "maybe}");

            if (may_doubt(&rows[i]) && !doubts)
                row_fails(&rows[i], rows[i].text[language], "does not say how sure it is");
            for (unsigned optional = 0; optional < 2 && doubts; optional++) {
                check_confidence(&rows[i], language, "", optional);
                check_confidence(&rows[i], language, row_text("LIKELY", language), optional);
                check_confidence(&rows[i], language, row_text("GUESS", language), optional);
            }
        }
    }
}

static void every_row_can_be_filled(void **state)
{
    (void)state;
    for (unsigned i = 0; i < ROWS; i++) {
        for (unsigned language = 0; language < TL_LANGUAGES; language++) {
            check_filled(&rows[i], rows[i].text[language], true);
            check_filled(&rows[i], rows[i].text[language], false);
        }
    }
}

/* CJK Unified Ideographs, U+4E00 to U+9FFF. */
static bool has_ideograph(const char *text)
{
    for (; *text; text = g_utf8_next_char(text)) {
        gunichar character = g_utf8_get_char(text);

        if (character >= 0x4E00 && character <= 0x9FFF)
            return true;
    }
    return false;
}

static void every_row_is_in_its_language(void **state)
{
    (void)state;
    for (unsigned i = 0; i < ROWS; i++) {
        if (!g_str_is_ascii(rows[i].text[TL_ENGLISH]))
            row_fails(&rows[i], rows[i].text[TL_ENGLISH], "English is ASCII");
        if (!g_utf8_validate(rows[i].text[TL_CHINESE], -1, NULL) || !has_ideograph(rows[i].text[TL_CHINESE]))
            row_fails(&rows[i], rows[i].text[TL_CHINESE], "no Chinese character");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blanks_are_filled),
        cmocka_unit_test(brackets_need_every_blank_in_them),
        cmocka_unit_test(tests_print_nothing),
        cmocka_unit_test(an_unknown_blank_outside_brackets_shows),
        cmocka_unit_test(a_blank_may_have_blanks),
        cmocka_unit_test(the_rest_is_asked_for_when_wanted),
        cmocka_unit_test(rows_may_change_from_text_to_text),
        cmocka_unit_test(too_many_blanks_do_no_harm),
        cmocka_unit_test(every_row_is_there_in_every_language),
        cmocka_unit_test(every_row_can_be_filled),
        cmocka_unit_test(every_row_says_how_sure_it_is),
        cmocka_unit_test(every_row_is_in_its_language),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
