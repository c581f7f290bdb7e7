/* tl_report_say.c - fills the templates of tl_findings.def with the numbers of a group.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "report/tl_report_say.h"

#include <string.h>

#include "base/tl_text.h"

/* ---- the texts ----------------------------------------------------------------------------------------------------------- */

struct texts {
    const char *title, *seen, *means, *check;
};

/* clang-format off */
static const struct texts texts[TL_FINDING_COUNT][TL_LANGUAGES] = {
    {{NULL, NULL, NULL, NULL}, {NULL, NULL, NULL, NULL}},
#define TL_FINDING(tag, word, class, key, t, title, title_zh, s, seen, seen_zh, m, means, means_zh, c, check, check_zh, ...)    \
    {{title, seen, means, check}, {title_zh, seen_zh, means_zh, check_zh}},
#include "../engine/findings/tl_findings.def"
};

const struct tl_report_measure tl_report_measures[TL_MEASURE_COUNT] = {
#define TL_MEASURE(tag, name, unit, what) {name, unit},
#include "../engine/findings/tl_measures.def"
};

const char *const tl_report_traits[TL_TRAIT_COUNT] = {
#define TL_TRAIT(tag, name, what) name,
#include "../engine/findings/tl_measures.def"
};
/* clang-format on */

static const char *const classes[][TL_LANGUAGES] = {
    [TL_CLASS_CAVEAT] = {"CAVEAT", "注意"},
    [TL_CLASS_BROKEN] = {"BROKEN", "故障"},
    [TL_CLASS_SLOW] = {"SLOW", "变慢"},
    [TL_CLASS_NOTE] = {"HARMLESS", "无害"},
};

static const char *const sure[][TL_LANGUAGES] = {
    [TL_CONFIDENCE_NONE] = {"", ""},
    [TL_CONFIDENCE_CERTAIN] = {"certain", "确定"},
    [TL_CONFIDENCE_LIKELY] = {"likely", "很可能"},
    [TL_CONFIDENCE_GUESS] = {"perhaps", "也许"},
};

static const char *const sides[][TL_LANGUAGES] = {{"client", "客户端"}, {"server", "服务器"}, {"end", "一端"}};

const char *tl_report_sure(unsigned confidence, enum tl_language language)
{
    return sure[confidence < G_N_ELEMENTS(sure) ? confidence : 0][language];
}

/* ---- numbers ------------------------------------------------------------------------------------------------------------- */

const char *tl_report_seconds(wmem_allocator_t *pool, int64_t ns)
{
    double seconds = (double)ns / 1e9;

    if (seconds >= 99.95)
        return wmem_strdup_printf(pool, "%.0f s", seconds);
    if (seconds >= 0.9995)
        return wmem_strdup_printf(pool, "%.1f s", seconds);
    if (seconds >= 0.0009995)
        return wmem_strdup_printf(pool, "%.0f ms", seconds * 1e3);
    return wmem_strdup_printf(pool, "%.0f us", seconds * 1e6);
}

const char *tl_report_octets(wmem_allocator_t *pool, int64_t octets)
{
    if (octets >= 999500)
        return wmem_strdup_printf(pool, "%.1f MB", (double)octets / 1e6);
    if (octets >= 10000)
        return wmem_strdup_printf(pool, "%.0f kB", (double)octets / 1e3);
    return wmem_strdup_printf(pool, "%d B", (int)octets);
}

static const char *report_say_amount(wmem_allocator_t *pool, enum tl_report_unit unit, int64_t value)
{
    return unit == NS       ? tl_report_seconds(pool, value)
           : unit == OCTETS ? tl_report_octets(pool, value)
                            : wmem_strdup_printf(pool, "%" G_GINT64_FORMAT, value);
}

static const char *report_say_range(wmem_allocator_t *pool, enum tl_report_unit unit, const struct tl_span *span)
{
    const char *min = report_say_amount(pool, unit, span->min), *max = report_say_amount(pool, unit, span->max);

    return strcmp(min, max) == 0 ? min : wmem_strdup_printf(pool, "%s .. %s", min, max);
}

/* ---- blanks -------------------------------------------------------------------------------------------------------------- */

/* What the text is about. */
struct subject {
    const struct tl_report *report;
    const struct tl_finding_group *group;
    enum tl_language language;
    wmem_allocator_t *pool;
};

static const struct tl_span *report_say_span_of(const struct subject *subject, enum tl_measure measure)
{
    return &subject->group->spans[measure];
}

static void report_say_add_measures(const struct subject *subject, struct tl_blanks *blanks)
{
    for (unsigned i = 0; i < TL_MEASURE_COUNT; i++) {
        const struct tl_span *span = &subject->group->spans[i];
        enum tl_report_unit unit = tl_report_measures[i].unit;
        const char *name = tl_report_measures[i].name;

        if (span->count == 0)
            continue;
        tl_text_words(blanks, name, report_say_range(subject->pool, unit, span));
        tl_text_words(blanks, wmem_strdup_printf(subject->pool, "%s_sum", name),
                      report_say_amount(subject->pool, unit, span->sum));
        tl_text_words(blanks, wmem_strdup_printf(subject->pool, "%s_min", name),
                      report_say_amount(subject->pool, unit, span->min));
        tl_text_words(blanks, wmem_strdup_printf(subject->pool, "%s_max", name),
                      report_say_amount(subject->pool, unit, span->max));
    }
}

static void report_say_add_traits(const struct subject *subject, struct tl_blanks *blanks)
{
    const struct tl_finding_group *group = subject->group;

    for (unsigned i = 0; i < TL_TRAIT_COUNT; i++) {
        if (group->traits[i] == 0)
            continue;
        tl_text_number(blanks, tl_report_traits[i], group->traits[i]);
        tl_text_test(blanks, wmem_strdup_printf(subject->pool, "?%s", tl_report_traits[i]), true);
        tl_text_test(blanks, wmem_strdup_printf(subject->pool, "?all_%s", tl_report_traits[i]),
                     group->traits[i] >= group->connections);
    }
    tl_text_test(blanks, "?no_rst_unasked", group->traits[TL_TRAIT_RST_UNASKED] == 0);
    tl_text_test(blanks, "?on_path", group->traits[TL_TRAIT_NEAR_SERVER] == 0);
    tl_text_test(blanks, "?scaling", group->traits[TL_TRAIT_NO_SCALING] == 0);
    tl_text_test(blanks, "?several", group->connections > 1);
    tl_text_test(blanks, "?likely", group->confidence != TL_CONFIDENCE_CERTAIN);
}

/* Between the longest silence that was survived and the shortest that failed. */
static void report_say_add_bounds(const struct subject *subject, struct tl_blanks *blanks)
{
    const struct tl_span *failed = report_say_span_of(subject, TL_MEASURE_SILENCE),
                         *survived = report_say_span_of(subject, TL_MEASURE_SURVIVED);
    bool is_below = survived->count > 0 && survived->max < failed->min;
    int64_t lower_ns = is_below ? survived->max : failed->min / 2;
    unsigned count;
    const uint16_t *usual = tl_usual_timeouts(&count);
    wmem_strbuf_t *list = tl_strbuf_new(subject->pool, 64);

    if (failed->count == 0)
        return;
    if (is_below)
        tl_text_words(blanks, "lower", tl_report_seconds(subject->pool, survived->max));
    for (unsigned i = 0; i < count; i++) {
        if (usual[i] * INT64_C(1000000000) >= lower_ns && usual[i] * INT64_C(990000000) <= failed->min)
            wmem_strbuf_append_printf(list, "%s%u", wmem_strbuf_get_len(list) > 0 ? ", " : "", usual[i]);
    }
    if (wmem_strbuf_get_len(list) > 0)
        tl_text_words(blanks, "usual", wmem_strdup_printf(subject->pool, "%s s", wmem_strbuf_get_str(list)));
}

/* Where most was lost. */
static void report_say_add_place(const struct subject *subject, struct tl_blanks *blanks)
{
    int64_t before = report_say_span_of(subject, TL_MEASURE_LOST_BEFORE)->sum,
            after = report_say_span_of(subject, TL_MEASURE_LOST_AFTER)->sum;
    bool mostly_before = before > 2 * after, mostly_after = after > 2 * before;

    tl_text_test(blanks, "?before", mostly_before);
    tl_text_test(blanks, "?behind", mostly_after);
    tl_text_test(blanks, "?both", !mostly_before && !mostly_after && before + after > 0);
    tl_text_test(blanks, "?nowhere", before + after == 0);
    tl_text_test(blanks, "?tail",
                 report_say_span_of(subject, TL_MEASURE_TIMER)->sum > 1000000000 &&
                     report_say_span_of(subject, TL_MEASURE_BY_TIMER)->sum >
                         report_say_span_of(subject, TL_MEASURE_BY_ACKS)->sum);
}

static const char *report_say_host_or_many(const struct subject *subject, uint32_t host, const char *const many[TL_LANGUAGES])
{
    return host > 0 ? tl_report_host(subject->report, subject->pool, host - 1) : many[subject->language];
}

static void report_say_add_names(const struct subject *subject, struct tl_blanks *blanks)
{
    static const char *const senders[] = {"the receivers' peers", "多个发送端"}, *const receivers[] = {"several receivers",
                                                                                                       "多个接收端"};
    const struct tl_finding_group *group = subject->group;
    const struct tl_key *key = &group->key;
    int64_t duration_ns = report_say_span_of(subject, TL_MEASURE_DURATION)->sum,
            thought_ns = report_say_span_of(subject, TL_MEASURE_THOUGHT)->sum;

    tl_text_number(blanks, "n", group->connections);
    tl_text_number(blanks, "of", tl_findings_summary(subject->report->findings)->connections);
    tl_text_words(blanks, "side", sides[key->side <= TL_NO_ROLE ? key->side : TL_NO_ROLE][subject->language]);
    tl_text_words(blanks, "from", report_say_host_or_many(subject, key->from, senders));
    tl_text_words(blanks, "client", report_say_host_or_many(subject, key->from, senders));
    tl_text_words(blanks, "to", report_say_host_or_many(subject, key->to, receivers));
    tl_text_words(blanks, "icmp", wmem_strdup_printf(subject->pool, "%u/%u", key->icmp >> 8, key->icmp & 0xFF));
    if (duration_ns > 0 && thought_ns >= 0)
        tl_text_words(blanks, "share",
                      wmem_strdup_printf(subject->pool, "%.0f %%", 100.0 * (double)thought_ns / (double)duration_ns));
}

static void report_say_fill_blanks(const struct subject *subject, struct tl_blanks *blanks)
{
    blanks->count = 0;
    blanks->more = NULL;
    report_say_add_names(subject, blanks);
    report_say_add_measures(subject, blanks);
    report_say_add_traits(subject, blanks);
    report_say_add_bounds(subject, blanks);
    report_say_add_place(subject, blanks);
}

/* ---- where --------------------------------------------------------------------------------------------------------------- */

static const char *report_say_endpoint(const struct subject *subject, uint64_t server)
{
    const char *host = tl_report_host(subject->report, subject->pool, (uint32_t)(server >> 16));

    return wmem_strdup_printf(subject->pool, strchr(host, ':') ? "[%s]:%u" : "%s:%u", host, (unsigned)(server & 0xFFFF));
}

/* "192.0.2.1:80, 192.0.2.1:443 and 3 more" */
static void report_say_append_servers(const struct subject *subject, wmem_strbuf_t *out)
{
    enum { NAMED = 3 };
    const struct tl_finding_group *group = subject->group;
    bool chinese = subject->language == TL_CHINESE;

    for (uint32_t i = 0; i < group->server_count && i < NAMED; i++)
        wmem_strbuf_append_printf(out, "%s%s", i > 0 ? ", " : "", report_say_endpoint(subject, group->servers[i]));
    if (group->server_count > NAMED)
        wmem_strbuf_append_printf(out, chinese ? " 等 %u%s 个服务器端口" : " and %u%s more",
                                  chinese ? group->server_count : group->server_count - NAMED,
                                  group->names_overflow ? "+" : "");
}

static void report_say_append_clients(const struct subject *subject, wmem_strbuf_t *out)
{
    const struct tl_finding_group *group = subject->group;
    bool chinese = subject->language == TL_CHINESE;

    if (group->client_count == 1)
        wmem_strbuf_append_printf(out, chinese ? "，来自 %s" : ", from %s",
                                  tl_report_host(subject->report, subject->pool, group->clients[0]));
    else
        wmem_strbuf_append_printf(out, chinese ? "，来自 %u%s 个客户端" : ", from %u%s clients", group->client_count,
                                  group->names_overflow ? "+" : "");
}

static const char *report_say_where(const struct subject *subject)
{
    const struct tl_finding_group *group = subject->group;
    enum tl_key_kind kind = (enum tl_key_kind)tl_finding_rows[group->finding].key;
    wmem_strbuf_t *out = tl_strbuf_new(subject->pool, 128);
    bool chinese = subject->language == TL_CHINESE;

    if (kind == TL_KEY_WHOLE)
        return chinese ? "整个抓包" : "the whole capture";
    if (kind == TL_KEY_PATH && !group->key.is_many) {
        wmem_strbuf_append_printf(out, "%s > %s", tl_report_host(subject->report, subject->pool, group->key.from - 1),
                                  tl_report_host(subject->report, subject->pool, group->key.to - 1));
        return wmem_strbuf_get_str(out);
    }
    if (kind == TL_KEY_CLIENT && group->client_count == 1) {
        wmem_strbuf_append_printf(out, "%s > ", tl_report_host(subject->report, subject->pool, group->clients[0]));
        report_say_append_servers(subject, out);
        return wmem_strbuf_get_str(out);
    }
    report_say_append_servers(subject, out);
    report_say_append_clients(subject, out);
    return wmem_strbuf_get_str(out);
}

/* ---- filter, frames ------------------------------------------------------------------------------------------------------ */

static const char *report_say_filter(const struct subject *subject)
{
    const struct tl_finding_group *group = subject->group;
    wmem_strbuf_t *out = tl_strbuf_new(subject->pool, 128);

    if (group->range_count > TL_GROUP_RANGES)
        return wmem_strdup_printf(subject->pool, "tcplife.finding.group == %u", group->number);
    if (group->connections == 1)
        return wmem_strdup_printf(subject->pool, "tcplife.conn == %u", group->ranges[0].first);
    wmem_strbuf_append(out, "tcplife.conn in {");
    for (uint32_t i = 0; i < group->range_count; i++) {
        const struct tl_conn_range *range_of = &group->ranges[i];

        wmem_strbuf_append_printf(out, "%s%u", i > 0 ? ", " : "", range_of->first);
        if (range_of->last > range_of->first)
            wmem_strbuf_append_printf(out, range_of->last == range_of->first + 1 ? ", %u" : "..%u", range_of->last);
    }
    wmem_strbuf_append(out, "}");
    return wmem_strbuf_get_str(out);
}

static const char *report_say_frames(const struct subject *subject)
{
    const struct tl_finding_group *group = subject->group;
    wmem_strbuf_t *out = tl_strbuf_new(subject->pool, 64);
    uint32_t count = MIN(group->frame_count, TL_GROUP_FRAMES);

    for (uint32_t i = 0; i < count; i++)
        wmem_strbuf_append_printf(out, "%s%u", i > 0 ? ", " : "", group->frames[i]);
    if (group->frame_count > count)
        wmem_strbuf_append(out, " ...");
    return wmem_strbuf_get_str(out);
}

/* ---- lists ----------------------------------------------------------------------------------------------------------------- */

const char *tl_report_skip_separators(const char *text)
{
    for (;;) {
        size_t ascii = strspn(text, " ;,.:");

        text += ascii;
        if (strncmp(text, "；", 3) != 0 && strncmp(text, "，", 3) != 0 && strncmp(text, "：", 3) != 0)
            return text;
        text += 3;
    }
}

/* ---- the whole ----------------------------------------------------------------------------------------------------------- */

static const char *report_say_fill(const struct subject *subject, struct tl_blanks *blanks, const char *text)
{
    wmem_strbuf_t *out = tl_strbuf_new(subject->pool, 256);

    tl_text_fill(out, blanks, text);
    return wmem_strbuf_get_str(out);
}

static const char *report_say_with_doubt(const struct subject *subject, const char *text)
{
    const char *colon = subject->language == TL_CHINESE ? "：" : ": ";

    if (subject->group->confidence == TL_CONFIDENCE_CERTAIN || text[0] == '\0')
        return text;
    return wmem_strdup_printf(subject->pool, "%s%s%s", tl_report_sure(subject->group->confidence, subject->language), colon,
                              text);
}

void tl_report_say(const struct tl_report *report, const struct tl_finding_group *group, enum tl_language language,
                   wmem_allocator_t *pool, struct tl_said *said)
{
    const struct subject subject = {report, group, language, pool};
    const struct texts *row = &texts[group->finding][language];
    struct tl_blanks *blanks = wmem_new0(pool, struct tl_blanks);

    report_say_fill_blanks(&subject, blanks);
    said->class = classes[group->class][language];
    said->title = report_say_fill(&subject, blanks, row->title);
    said->seen = report_say_fill(&subject, blanks, row->seen);
    said->means = report_say_with_doubt(&subject, report_say_fill(&subject, blanks, row->means));
    said->check = report_say_fill(&subject, blanks, row->check);
    said->where = report_say_where(&subject);
    said->filter = report_say_filter(&subject);
    said->frames = report_say_frames(&subject);
}
