/* tl_record_write.c - a connection's row as text, CSV (RFC 4180), TSV or JSON (RFC 8259).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "tables/tl_record_write.h"

#include <string.h>

#include <wsutil/json_dumper.h>

/* ---- table -------------------------------------------------------------------------------------------------------------- */

/* Cells of the table: "-" stands for what is absent. */
static const char *record_write_table_cell(const struct tl_record *record, const struct tl_column *column,
                                           char buffer[TL_CELL_MAX])
{
    const char *cell = tl_record_short_cell(record, column, buffer);

    return *cell == '\0' ? "-" : cell;
}

/* Characters, not bytes: names may hold any UTF-8. */
static unsigned record_write_width_of(const char *text)
{
    return (unsigned)g_utf8_strlen(text, -1);
}

static void record_write_write_padded(FILE *out, const char *text, const struct tl_column *column, unsigned width)
{
    int pad = (int)(width - MIN(width, record_write_width_of(text)));

    if (tl_column_is_number(column))
        fprintf(out, "%*s%s", pad, "", text);
    else
        fprintf(out, "%s%*s", text, pad, "");
}

void tl_write_measure(const struct tl_record *record, struct tl_widths *widths)
{
    char buffer[TL_CELL_MAX];
    unsigned count;
    const struct tl_column *columns = tl_record_columns(&count);

    for (unsigned i = 0; i < count; i++) {
        if (columns[i].title)
            widths->width[i] =
                MAX(widths->width[i], record_write_width_of(record_write_table_cell(record, &columns[i], buffer)));
    }
}

/* A line of the table: the titles when there is no record. The last column is not padded. */
static void record_write_write_line(FILE *out, const struct tl_record *record, const struct tl_widths *widths)
{
    char buffer[TL_CELL_MAX];
    unsigned count, last;
    const struct tl_column *columns = tl_record_columns(&count);
    bool first = true;

    for (last = count - 1; last > 0 && !columns[last].title;)
        last--;
    for (unsigned i = 0; i <= last; i++) {
        const struct tl_column *column = &columns[i];

        if (!column->title)
            continue;
        if (!first)
            fputs("  ", out);
        first = false;
        record_write_write_padded(out, record ? record_write_table_cell(record, column, buffer) : column->title, column,
                                  i == last ? 0 : MAX(widths->width[i], record_write_width_of(column->title)));
    }
    fputc('\n', out);
}

/* ---- CSV and TSV -------------------------------------------------------------------------------------------------------- */

/* How a form separates cells, writes what is absent, and text. Numbers and words of ours need no care. */
struct form {
    char separator;
    const char *unset;
    void (*write_text)(FILE *out, const char *text);
};

/* One character, as Zeek escapes it: each byte \xHH. Returns what follows. */
static const char *record_write_escape(FILE *out, const char *text)
{
    const char *end = g_utf8_next_char(text);

    for (; text < end; text++)
        fprintf(out, "\\x%02x", (unsigned char)*text);
    return text;
}

/* Whether a terminal may obey the character: C0, DEL, C1. */
static bool record_write_is_control(const char *text)
{
    return g_unichar_iscntrl(g_utf8_get_char(text));
}

/* A name that a capture holds, of a host for instance, may begin with what makes a spreadsheet take a cell for a formula
 * (OWASP, "CSV Injection"). Writes that character escaped. Returns what follows. */
static const char *record_write_disarm(FILE *out, const char *text)
{
    return *text != '\0' && strchr("=+-@\t\r", *text) ? record_write_escape(out, text) : text;
}

/* Line ends and tabs stay: in quotes they are harmless. */
static void record_write_write_csv(FILE *out, const char *text)
{
    bool quoted = strpbrk(text, ",\"\r\n") != NULL;

    if (quoted)
        fputc('"', out);
    text = record_write_disarm(out, text);
    while (*text != '\0') {
        if (record_write_is_control(text) && !strchr("\t\r\n", *text)) {
            text = record_write_escape(out, text);
            continue;
        }
        if (*text == '"')
            fputc('"', out);
        fputc(*text++, out);
    }
    if (quoted)
        fputc('"', out);
}

#define UNSET_TEXT "-"
#define EMPTY_TEXT "(empty)"

/* Zeek's escape is \xHH, for the separator, control characters and the backslash, and for the first character of what would
 * read as absent or empty. */
static void record_write_write_tsv(FILE *out, const char *text)
{
    text = strcmp(text, EMPTY_TEXT) == 0 ? record_write_escape(out, text) : record_write_disarm(out, text);
    while (*text != '\0') {
        if (record_write_is_control(text) || *text == '\\')
            text = record_write_escape(out, text);
        else
            fputc(*text++, out);
    }
}

static const struct form csv_form = {',', "", record_write_write_csv}, tsv_form = {'\t', UNSET_TEXT, record_write_write_tsv};

/* The types of Zeek's logs. */
static const char *record_write_tsv_type(const struct tl_column *column)
{
    switch (column->type) {
    case TL_COLUMN_TIME:
        return "time";
    case TL_COLUMN_SECONDS:
        return "interval";
    case TL_COLUMN_WORD:
    case TL_COLUMN_TEXT:
        return "string";
    default:
        return "count";
    }
}

static void record_write_write_tsv_header(FILE *out)
{
    unsigned count;
    const struct tl_column *columns = tl_record_columns(&count);

    fputs("#separator \\x09\n#set_separator\t,\n", out);
    fputs("#empty_field\t" EMPTY_TEXT "\n#unset_field\t" UNSET_TEXT "\n#path\ttcplife\n#fields", out);
    for (unsigned i = 0; i < count; i++) {
        if (columns[i].name)
            fprintf(out, "\t%s", columns[i].name);
    }
    fputs("\n#types", out);
    for (unsigned i = 0; i < count; i++) {
        if (columns[i].name)
            fprintf(out, "\t%s", record_write_tsv_type(&columns[i]));
    }
    fputc('\n', out);
}

/* The cells of a row, or the names of the columns when there is no record. */
static void record_write_write_separated(FILE *out, const struct tl_record *record, const struct form *form)
{
    char buffer[TL_CELL_MAX];
    unsigned count;
    const struct tl_column *columns = tl_record_columns(&count);
    bool first = true;

    for (unsigned i = 0; i < count; i++) {
        const char *cell;

        if (!columns[i].name)
            continue;
        if (!first)
            fputc(form->separator, out);
        first = false;
        cell = record ? tl_record_cell(record, &columns[i], buffer) : columns[i].name;
        if (*cell == '\0')
            fputs(form->unset, out);
        else if (columns[i].type == TL_COLUMN_TEXT)
            form->write_text(out, cell);
        else
            fputs(cell, out);
    }
    fputc('\n', out);
}

/* ---- JSON --------------------------------------------------------------------------------------------------------------- */

static void record_write_write_json(FILE *out, const struct tl_record *record)
{
    json_dumper dumper = {.output_file = out};
    char buffer[TL_CELL_MAX];
    unsigned count;
    const struct tl_column *columns = tl_record_columns(&count);

    json_dumper_begin_object(&dumper);
    for (unsigned i = 0; i < count; i++) {
        const char *cell;

        if (!columns[i].name)
            continue;
        cell = tl_record_cell(record, &columns[i], buffer);
        json_dumper_set_member_name(&dumper, columns[i].name);
        if (*cell == '\0')
            json_dumper_value_anyf(&dumper, "null");
        else if (tl_column_is_number(&columns[i]))
            json_dumper_value_anyf(&dumper, "%s", cell);
        else
            json_dumper_value_string(&dumper, cell);
    }
    json_dumper_end_object(&dumper);
    json_dumper_finish(&dumper);
}

/* ---- the whole ---------------------------------------------------------------------------------------------------------- */

void tl_write_header(FILE *out, enum tl_format format, const struct tl_widths *widths)
{
    if (format == TL_FORMAT_TABLE)
        record_write_write_line(out, NULL, widths);
    else if (format == TL_FORMAT_CSV)
        record_write_write_separated(out, NULL, &csv_form);
    else if (format == TL_FORMAT_TSV)
        record_write_write_tsv_header(out);
}

void tl_write_row(FILE *out, enum tl_format format, const struct tl_record *record, const struct tl_widths *widths)
{
    if (format == TL_FORMAT_TABLE)
        record_write_write_line(out, record, widths);
    else if (format == TL_FORMAT_CSV)
        record_write_write_separated(out, record, &csv_form);
    else if (format == TL_FORMAT_TSV)
        record_write_write_separated(out, record, &tsv_form);
    else
        record_write_write_json(out, record);
}
