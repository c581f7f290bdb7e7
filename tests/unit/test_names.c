/* test_names.c - tests of the one list of values, tl_names.def.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "tl_test.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* cmocka says which assertion failed, not for which row. */
static void row_fails(const struct tl_group_names *group, const struct tl_name *name, const char *why)
{
    fail_msg("%s.%s: %s", group->name, name->value ? name->value : "(none)", why);
}

/* Calls the check for each value of each group, NONE left out. */
static void for_each_value(void (*check)(enum tl_group, const struct tl_group_names *, const struct tl_name *))
{
    for (unsigned g = 0; g < TL_GROUP_COUNT; g++) {
        const struct tl_group_names *group = tl_group_names((enum tl_group)g);

        for (unsigned v = 1; v < group->count; v++) {
            check((enum tl_group)g, group, &group->values[v]);
        }
    }
}

/* Words of lower-case letters and digits, joined by single underscores. */
static bool is_words(const char *text)
{
    bool in_word = false;

    for (; *text; text++) {
        if (!islower((unsigned char)*text) && !isdigit((unsigned char)*text) && (*text != '_' || !in_word)) {
            return false;
        }
        in_word = *text != '_';
    }
    return in_word;
}

/* As RFC 9293 writes states: upper-case letters and digits, joined by single hyphens. */
static bool is_state(const char *text)
{
    bool in_word = false;

    for (; *text; text++) {
        if (!isupper((unsigned char)*text) && !isdigit((unsigned char)*text) && (*text != '-' || !in_word)) {
            return false;
        }
        in_word = *text != '-';
    }
    return in_word;
}

/* As Zeek writes conn_state: upper-case letters and digits. */
static bool is_zeek_state(const char *text)
{
    return is_state(text) && !strchr(text, '-');
}

static void check_complete(enum tl_group id, const struct tl_group_names *group, const struct tl_name *name)
{
    (void)id;
    if (!name->value || !*name->value) {
        row_fails(group, name, "no filter value");
    }
    if (!name->label || !*name->label) {
        row_fails(group, name, "no label");
    }
    if (!name->source || !*name->source) {
        row_fails(group, name, "no source");
    }
    if (!name->meaning || !*name->meaning) {
        row_fails(group, name, "no meaning");
    }
    if (name->severity > TL_SEVERITY_WARN || name->expert_group > TL_EXPERT_SECURITY) {
        row_fails(group, name, "severity or expert group out of range");
    }
}

static void every_value_is_complete(void **state)
{
    (void)state;
    for_each_value(check_complete);
}

static void check_spelling(enum tl_group id, const struct tl_group_names *group, const struct tl_name *name)
{
    bool named_state =
        (id == TL_GROUP_STATE && is_state(name->value)) || (id == TL_GROUP_ZEEK_STATE && is_zeek_state(name->value));

    if (!named_state && !is_words(name->value)) {
        row_fails(group, name, "not words joined by _");
    }
    if (id == TL_GROUP_STATE && !named_state && strcmp(name->value, "unknown") != 0) {
        row_fails(group, name, "not spelt as a state");
    }
}

static void every_value_is_spelt_right(void **state)
{
    (void)state;
    for_each_value(check_spelling);
    assert_false(is_words("") || is_words("_a") || is_words("a_") || is_words("a__b") || is_words("A") || is_words("a-b"));
    assert_true(is_words("a") && is_words("a_2b"));
    assert_false(is_state("") || is_state("-A") || is_state("A-") || is_state("A--B") || is_state("a") || is_state("A_B"));
    assert_true(is_state("A") && is_state("FIN-WAIT-1"));
}

static void check_meaning(enum tl_group id, const struct tl_group_names *group, const struct tl_name *name)
{
    const char *period = strchr(name->meaning, '.');

    (void)id;
    if (name->meaning[strlen(name->meaning) - 1] != '.') {
        row_fails(group, name, "the meaning does not end with a period");
    }
    while (period && period[1] && period[1] != ' ') {
        period = strchr(period + 1, '.'); /* a decimal point */
    }
    if (period && period[1]) {
        row_fails(group, name, "the meaning is more than one sentence");
    }
    if (!isupper((unsigned char)name->meaning[0])) {
        row_fails(group, name, "the meaning does not begin with a capital");
    }
    if (name->label[strlen(name->label) - 1] == '.') {
        row_fails(group, name, "the label is no sentence and has no period");
    }
}

static void every_meaning_is_one_sentence(void **state)
{
    (void)state;
    for_each_value(check_meaning);
}

static void check_source(enum tl_group id, const struct tl_group_names *group, const struct tl_name *name)
{
    if ((id == TL_GROUP_ZEEK_STATE) != (strcmp(name->source, "Zeek conn.log") == 0)) {
        row_fails(group, name, "Zeek's words and no others come from Zeek");
    }
    if (id != TL_GROUP_ZEEK_STATE && strcmp(name->source, "observed") != 0 && strncmp(name->source, "RFC ", 4) != 0 &&
        strncmp(name->source, "Linux net/", 10) != 0) {
        row_fails(group, name, "the source is neither an RFC nor a file of Linux nor \"observed\"");
    }
}

static void every_source_is_known(void **state)
{
    (void)state;
    for_each_value(check_source);
}

static void values_and_labels_differ_within_a_group(void **state)
{
    (void)state;
    for (unsigned g = 0; g < TL_GROUP_COUNT; g++) {
        const struct tl_group_names *group = tl_group_names((enum tl_group)g);

        for (unsigned a = 1; a < group->count; a++) {
            for (unsigned b = a + 1; b < group->count; b++) {
                if (strcmp(group->values[a].value, group->values[b].value) == 0) {
                    row_fails(group, &group->values[b], "value used twice");
                }
                if (strcmp(group->values[a].label, group->values[b].label) == 0) {
                    row_fails(group, &group->values[b], "label used twice");
                }
            }
        }
    }
}

static void groups_are_named_and_differ(void **state)
{
    (void)state;
    for (unsigned a = 0; a < TL_GROUP_COUNT; a++) {
        const struct tl_group_names *group = tl_group_names((enum tl_group)a);

        assert_true(is_words(group->name));
        assert_int_equal(group->what[strlen(group->what) - 1], '.');
        assert_true(group->count > 1);
        for (unsigned b = a + 1; b < TL_GROUP_COUNT; b++) {
            assert_string_not_equal(group->name, tl_group_names((enum tl_group)b)->name);
        }
    }
}

enum { EXPERTS_MAX = 512, NAME_MAX_CHARS = 80 };

static char expert_names[EXPERTS_MAX][NAME_MAX_CHARS];
static unsigned expert_count;

static void check_expert(enum tl_group id, const struct tl_group_names *group, const struct tl_name *name)
{
    int length;

    (void)id;
    if (name->severity == TL_SEVERITY_NONE) {
        return;
    }
    assert_true(expert_count < EXPERTS_MAX);
    length = snprintf(expert_names[expert_count], NAME_MAX_CHARS, "%s_%s", group->name, name->value);
    assert_in_range(length, 1, NAME_MAX_CHARS - 1);
    for (unsigned i = 0; i < expert_count; i++) {
        if (strcmp(expert_names[i], expert_names[expert_count]) == 0) {
            row_fails(group, name, "expert name used twice");
        }
    }
    expert_count++;
}

/* Wireshark registers each expert item under group and value together, and wants the names to differ. */
static void expert_names_differ(void **state)
{
    (void)state;
    expert_count = 0;
    for_each_value(check_expert);
    assert_true(expert_count > 0);
}

static void none_is_row_0_and_says_nothing(void **state)
{
    (void)state;
    for (unsigned g = 0; g < TL_GROUP_COUNT; g++) {
        const struct tl_name *none = tl_name((enum tl_group)g, 0);

        assert_ptr_equal(none, tl_group_names((enum tl_group)g)->values);
        assert_null(none->value);
        assert_null(none->label);
        assert_int_equal(none->severity, TL_SEVERITY_NONE);
    }
}

static void a_value_that_does_not_exist_is_none(void **state)
{
    (void)state;
    assert_ptr_equal(tl_name(TL_GROUP_PHASE, TL_PHASE_COUNT), tl_name(TL_GROUP_PHASE, 0));
    assert_ptr_equal(tl_name(TL_GROUP_PHASE, UINT32_MAX), tl_name(TL_GROUP_PHASE, 0));
}

static void enums_and_rows_agree(void **state)
{
    (void)state;
    assert_int_equal(TL_PHASE_NONE, 0);
    assert_string_equal(tl_name(TL_GROUP_PHASE, TL_PHASE_HANDSHAKE)->value, "handshake");
    assert_string_equal(tl_name(TL_GROUP_STATE, TL_STATE_FIN_WAIT_1)->value, "FIN-WAIT-1");
    assert_string_equal(tl_name(TL_GROUP_RST_CAUSE, TL_RST_CAUSE_REFUSED)->value, "refused");
    assert_int_equal(tl_group_names(TL_GROUP_STATE)->count, TL_STATE_COUNT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_value_is_complete),
        cmocka_unit_test(every_value_is_spelt_right),
        cmocka_unit_test(every_meaning_is_one_sentence),
        cmocka_unit_test(every_source_is_known),
        cmocka_unit_test(values_and_labels_differ_within_a_group),
        cmocka_unit_test(groups_are_named_and_differ),
        cmocka_unit_test(expert_names_differ),
        cmocka_unit_test(none_is_row_0_and_says_nothing),
        cmocka_unit_test(a_value_that_does_not_exist_is_none),
        cmocka_unit_test(enums_and_rows_agree),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
