/* tl_report_json.c - writes each finding as an object, its evidence as numbers and as text.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "report/tl_report_json.h"

#include <string.h>

#include "report/tl_report_say.h"

static const char *const classes[] = {
    [TL_CLASS_CAVEAT] = "caveat", [TL_CLASS_BROKEN] = "broken", [TL_CLASS_SLOW] = "slow", [TL_CLASS_NOTE] = "note"};

static const char *const waits[TL_WAIT_SUM_COUNT] = {
    [TL_WAIT_SUM_HANDSHAKE] = "handshake",
    [TL_WAIT_SUM_CLIENT] = "client",
    [TL_WAIT_SUM_SERVER] = "server",
    [TL_WAIT_SUM_NETWORK] = "network",
    [TL_WAIT_SUM_LOSS] = "loss",
    [TL_WAIT_SUM_NO_ANSWER] = "no_answer",
    [TL_WAIT_SUM_CLIENT_WINDOW] = "client_window",
    [TL_WAIT_SUM_SERVER_WINDOW] = "server_window",
    [TL_WAIT_SUM_SMALL_WINDOW] = "small_window",
    [TL_WAIT_SUM_ACK] = "ack",
    [TL_WAIT_SUM_IDLE] = "idle",
    [TL_WAIT_SUM_UNKNOWN] = "unknown",
};

/* ---- values -------------------------------------------------------------------------------------------------------------- */

static void report_json_write_text(wmem_strbuf_t *out, const char *text)
{
    wmem_strbuf_append_c(out, '"');
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;

        if (c == '"' || c == '\\')
            wmem_strbuf_append_printf(out, "\\%c", c);
        else if (c < 0x20 || c == 0x7F)
            wmem_strbuf_append_printf(out, "\\u%04x", c);
        else
            wmem_strbuf_append_c(out, (char)c);
    }
    wmem_strbuf_append_c(out, '"');
}

static void report_json_write_member(wmem_strbuf_t *out, const char *name, const char *text)
{
    wmem_strbuf_append_printf(out, ",\"%s\":", name);
    report_json_write_text(out, text);
}

/* Seconds with nine digits: a double does not hold ns since 1970. */
static void report_json_write_seconds(wmem_strbuf_t *out, int64_t ns)
{
    uint64_t size = ns < 0 ? -(uint64_t)ns : (uint64_t)ns;

    wmem_strbuf_append_printf(out, "%s%" G_GUINT64_FORMAT ".%09u", ns < 0 ? "-" : "", size / 1000000000,
                              (unsigned)(size % 1000000000));
}

static void report_json_write_amount(wmem_strbuf_t *out, enum tl_report_unit unit, int64_t value)
{
    if (unit == NS)
        report_json_write_seconds(out, value);
    else
        wmem_strbuf_append_printf(out, "%" G_GINT64_FORMAT, value);
}

/* ---- the capture --------------------------------------------------------------------------------------------------------- */

static void report_json_write_capture(wmem_strbuf_t *out, const struct tl_summary *summary)
{
    const struct {
        const char *name;
        uint64_t count;
    } counts[] = {
        {"segments", summary->segments},        {"opened", summary->opened},         {"failed", summary->failed},
        {"closed_well", summary->closed_well},  {"still_open", summary->still_open}, {"lossy", summary->lossy},
        {"asymmetric", summary->asymmetric},    {"doubled", summary->doubled},       {"offload", summary->offload},
        {"time_backwards", summary->backwards}, {"midstream", summary->midstream},   {"bytes", summary->bytes},
        {"bytes_again", summary->bytes_again},
    };

    wmem_strbuf_append_printf(out, "{\"finding\":null,\"connections\":%u", summary->connections);
    for (size_t i = 0; i < G_N_ELEMENTS(counts); i++)
        wmem_strbuf_append_printf(out, ",\"%s\":%" G_GUINT64_FORMAT, counts[i].name, counts[i].count);
    wmem_strbuf_append(out, ",\"duration\":");
    report_json_write_seconds(out, tl_ns_between(summary->first_ns, summary->last_ns));
    for (unsigned i = 0; i < TL_WAIT_SUM_COUNT; i++) {
        wmem_strbuf_append_printf(out, "%s\"%s\":", i == 0 ? ",\"waited\":{" : ",", waits[i]);
        report_json_write_seconds(out, summary->waits_ns[i]);
    }
    wmem_strbuf_append_printf(out, "},\"doubtful\":%s}\n", summary->doubtful ? "true" : "false");
}

/* ---- findings ------------------------------------------------------------------------------------------------------------ */

static void report_json_write_numbers(wmem_strbuf_t *out, const struct tl_finding_group *group)
{
    const char *separator = ",\"measures\":{";

    for (unsigned i = 0; i < TL_MEASURE_COUNT; i++) {
        const struct tl_span *span = &group->spans[i];

        if (span->count == 0)
            continue;
        wmem_strbuf_append_printf(out, "%s\"%s\":{\"min\":", separator, tl_report_measures[i].name);
        report_json_write_amount(out, tl_report_measures[i].unit, span->min);
        wmem_strbuf_append(out, ",\"max\":");
        report_json_write_amount(out, tl_report_measures[i].unit, span->max);
        wmem_strbuf_append(out, ",\"sum\":");
        report_json_write_amount(out, tl_report_measures[i].unit, span->sum);
        wmem_strbuf_append_printf(out, ",\"count\":%u}", span->count);
        separator = ",";
    }
    wmem_strbuf_append(out, separator[1] == '\0' ? "}" : ",\"measures\":{}");
    separator = ",\"traits\":{";
    for (unsigned i = 0; i < TL_TRAIT_COUNT; i++) {
        if (group->traits[i] == 0)
            continue;
        wmem_strbuf_append_printf(out, "%s\"%s\":%u", separator, tl_report_traits[i], group->traits[i]);
        separator = ",";
    }
    wmem_strbuf_append(out, separator[1] == '\0' ? "}" : ",\"traits\":{}");
}

static void report_json_write_texts(wmem_strbuf_t *out, const struct tl_said *said)
{
    char **lines = g_strsplit(said->seen, "\n", -1);
    const char *separator = "";

    report_json_write_member(out, "title", said->title);
    report_json_write_member(out, "where", said->where);
    wmem_strbuf_append(out, ",\"seen\":[");
    for (char **at = lines; *at; at++) {
        const char *text = tl_report_skip_separators(*at);

        if (*text == '\0')
            continue;
        wmem_strbuf_append(out, separator);
        report_json_write_text(out, text);
        separator = ",";
    }
    wmem_strbuf_append(out, "]");
    g_strfreev(lines);
    report_json_write_member(out, "means", said->means);
    report_json_write_member(out, "check", said->check);
    report_json_write_member(out, "filter", said->filter);
}

static void report_json_write_group(wmem_strbuf_t *out, const struct tl_report *report, const struct tl_finding_group *group,
                                    enum tl_language language, wmem_allocator_t *pool)
{
    struct tl_said said;

    tl_report_say(report, group, language, pool, &said);
    wmem_strbuf_append_printf(
        out, "{\"finding\":\"%s\",\"class\":\"%s\",\"group\":%u,\"confidence\":\"%s\",\"connections\":%u,\"of\":%u",
        tl_finding_rows[group->finding].word, classes[group->class], group->number,
        tl_name(TL_GROUP_CONFIDENCE, group->confidence)->value, group->connections,
        tl_findings_summary(report->findings)->connections);
    wmem_strbuf_append(out, ",\"cost\":");
    report_json_write_seconds(out, group->cost_ns);
    wmem_strbuf_append(out, ",\"score\":");
    report_json_write_seconds(out, group->score_ns);
    report_json_write_numbers(out, group);
    report_json_write_texts(out, &said);
    for (uint32_t i = 0; i < MIN(group->frame_count, TL_GROUP_FRAMES); i++)
        wmem_strbuf_append_printf(out, "%s%u", i == 0 ? ",\"frames\":[" : ",", group->frames[i]);
    wmem_strbuf_append(out, "]}\n");
}

const char *tl_report_json(const struct tl_report *report, enum tl_language language, wmem_allocator_t *pool)
{
    wmem_strbuf_t *out = tl_strbuf_new(pool, 4096);
    uint32_t count;
    const struct tl_finding_group *groups = tl_findings_groups(report->findings, &count);

    report_json_write_capture(out, tl_findings_summary(report->findings));
    for (uint32_t i = 0; i < count; i++)
        report_json_write_group(out, report, &groups[i], language, pool);
    return wmem_strbuf_get_str(out);
}
