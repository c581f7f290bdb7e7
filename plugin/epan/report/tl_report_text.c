/* tl_report_text.c - lays the report out: the capture, its faults, findings by rank, notes.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "report/tl_report_text.h"

#include <string.h>

#include "report/tl_lines.h"
#include "report/tl_report_say.h"

enum {
    COLUMNS = 100,
    FULL_MAX = 5,   /* findings with their evidence */
    BRIEF_MAX = 15, /* more, a line each */
    NOTES_MAX = 6,
    HEAD_INDENT = 9, /* of what stands below a title */
    TEXT_INDENT = 16,
};

/* One report that is being written. */
struct page {
    const struct tl_report *report;
    const struct tl_summary *summary;
    const struct tl_finding_group *groups;
    uint32_t group_count;
    enum tl_language language;
    bool all;
    wmem_allocator_t *pool;
    wmem_strbuf_t *out;
};

/* ---- words --------------------------------------------------------------------------------------------------------------- */

enum word {
    SEGMENTS,
    NOTHING_HERE,
    WAITED,
    WHERE,
    SEEN,
    MEANS,
    CHECK,
    SHOW,
    FRAMES,
    COSTS,
    NOTHING_WRONG,
    NOTHING_SEEN,
    SLOWEST,
    LONGEST,
    STILL_OPEN,
    HINT,
    COMMA,
    SEMICOLON,
    COLON,
    MORE,
    WORDS,
};

static const char *const words[WORDS][TL_LANGUAGES] = {
    [SEGMENTS] = {"%s in %s, %s: %s opened, %s failed to open, %s closed well; %.1f %% of the bytes sent "
                  "again; seen %s",
                  "%s，历时 %s，%s：打开 %s，未能打开 %s，正常关闭 %s；重发 %.1f %%；抓包位置：%s"},
    [NOTHING_HERE] = {"No TCP in this capture. Look at ARP, DNS, ICMP and routing first.",
                      "此抓包中没有 TCP。先查 ARP、DNS、ICMP 和路由。"},
    [WAITED] = {"Waited for: ", "等待："},
    [WHERE] = {"where", "位置"},
    [SEEN] = {"seen", "证据"},
    [MEANS] = {"means", "含义"},
    [CHECK] = {"check", "下一步"},
    [SHOW] = {"show", "过滤器"},
    [FRAMES] = {"frames", "帧"},
    [COSTS] = {"; costs about %s", "；代价约 %s"},
    [NOTHING_WRONG] = {"Nothing wrong found in %s.", "%s中未发现问题。"},
    [NOTHING_SEEN] = {"Nothing wrong found in what was captured of %s.", "在 %s已抓到的部分中未发现问题。"},
    [SLOWEST] = {" Slowest set-up %s (frame %u).", "最慢的建立 %s(帧 %u)。"},
    [LONGEST] = {" Longest answer %s (frame %u).", "最长的应答 %s(帧 %u)。"},
    [STILL_OPEN] = {" Still open at the end: %u.", "结束时仍打开：%u。"},
    [HINT] = {"So much is missing that all below is no more than a hint: capture again.",
              "缺失过多，以下仅为线索：请重新抓包。"},
    [COMMA] = {", ", "，"},
    [SEMICOLON] = {"; ", "；"},
    [COLON] = {": ", "："},
    [MORE] = {"... and %u more (-z tcplife,report,all)", "…… 另有 %u 条(-z tcplife,report,all)"},
};

static const char *const positions[TL_POSITION_COUNT][TL_LANGUAGES] = {
    [TL_POSITION_NONE] = {"from an unknown place", "未知"},
    [TL_POSITION_NEAR_CLIENT] = {"near the client", "靠近客户端"},
    [TL_POSITION_NEAR_SERVER] = {"near the server", "靠近服务器"},
    [TL_POSITION_MIDDLE] = {"in the middle", "中间"},
    [TL_POSITION_LOCAL] = {"on one host", "同一主机"},
    [TL_POSITION_UNKNOWN] = {"from an unknown place", "未知"},
};

static const char *const waits[TL_WAIT_SUM_COUNT][TL_LANGUAGES] = {
    [TL_WAIT_SUM_HANDSHAKE] = {"set-up", "建立"},
    [TL_WAIT_SUM_CLIENT] = {"client", "客户端"},
    [TL_WAIT_SUM_SERVER] = {"server", "服务器"},
    [TL_WAIT_SUM_NETWORK] = {"network", "网络"},
    [TL_WAIT_SUM_LOSS] = {"loss", "丢包"},
    [TL_WAIT_SUM_NO_ANSWER] = {"no answer", "无应答"},
    [TL_WAIT_SUM_CLIENT_WINDOW] = {"client's closed window", "客户端窗口关闭"},
    [TL_WAIT_SUM_SERVER_WINDOW] = {"server's closed window", "服务器窗口关闭"},
    [TL_WAIT_SUM_SMALL_WINDOW] = {"small windows", "窗口过小"},
    [TL_WAIT_SUM_ACK] = {"delayed ACKs", "延迟 ACK"},
    [TL_WAIT_SUM_IDLE] = {"nothing (idle)", "无(空闲)"},
    [TL_WAIT_SUM_UNKNOWN] = {"unknown", "未知"},
};

static const char *report_text_word(const struct page *page, enum word which)
{
    return words[which][page->language];
}

/* 37669 -> "37,669" */
static const char *report_text_grouped(const struct page *page, uint64_t number)
{
    wmem_strbuf_t *out = tl_strbuf_new(page->pool, 32);
    char digits[24];
    int length = g_snprintf(digits, sizeof digits, "%" G_GUINT64_FORMAT, number);

    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0)
            wmem_strbuf_append_c(out, ',');
        wmem_strbuf_append_c(out, digits[i]);
    }
    return wmem_strbuf_get_str(out);
}

/* Up to three texts in one; the last may be NULL. */
static const char *report_text_join(const struct page *page, const char *a, const char *b, const char *c)
{
    return wmem_strdup_printf(page->pool, "%s%s%s", a, b, c ? c : "");
}

/* "1 connection", "37,669 connections" */
static const char *report_text_counted(const struct page *page, uint64_t count, const char *one, const char *several,
                                       const char *chinese)
{
    return report_text_join(page, report_text_grouped(page, count),
                            page->language == TL_CHINESE ? chinese
                            : count == 1                 ? one
                                                         : several,
                            NULL);
}

static const char *report_text_connections(const struct page *page)
{
    return report_text_counted(page, page->summary->connections, " connection", " connections", " 条连接");
}

/* ---- lines --------------------------------------------------------------------------------------------------------------- */

static void report_text_line(const struct page *page, const char *text, unsigned indent)
{
    tl_lines_wrap(page->out, text, 0, indent, COLUMNS);
    wmem_strbuf_append_c(page->out, '\n');
}

static void report_text_labelled(const struct page *page, enum word label, const char *text)
{
    unsigned used = HEAD_INDENT + tl_lines_width(report_text_word(page, label));

    if (*text == '\0')
        return;
    wmem_strbuf_append_printf(page->out, "%*s%s%*s", HEAD_INDENT, "", report_text_word(page, label), TEXT_INDENT - (int)used,
                              "");
    tl_lines_wrap(page->out, text, TEXT_INDENT, TEXT_INDENT, COLUMNS);
    wmem_strbuf_append_c(page->out, '\n');
}

static void report_text_evidence(const struct page *page, const char *seen)
{
    char **lines = g_strsplit(seen, "\n", -1);

    for (char **at = lines; *at; at++)
        report_text_labelled(page, SEEN, tl_report_skip_separators(*at));
    g_strfreev(lines);
}

/* ---- the capture --------------------------------------------------------------------------------------------------------- */

static unsigned report_text_usual_position(const struct tl_summary *summary)
{
    unsigned best = TL_POSITION_NONE;

    for (unsigned i = TL_POSITION_NONE + 1; i < TL_POSITION_COUNT; i++) {
        if (i != TL_POSITION_UNKNOWN && summary->positions[i] > (best ? summary->positions[best] : 0))
            best = i;
    }
    return best;
}

static void report_text_write_size(const struct page *page)
{
    const struct tl_summary *summary = page->summary;
    double again = summary->bytes > 0 ? 100.0 * (double)summary->bytes_again / (double)summary->bytes : 0;

    G_GNUC_BEGIN_IGNORE_DEPRECATIONS
    report_text_line(page,
                     wmem_strdup_printf(page->pool, report_text_word(page, SEGMENTS),
                                        report_text_counted(page, summary->segments, " segment", " segments", " 个报文段"),
                                        tl_report_seconds(page->pool, tl_ns_between(summary->first_ns, summary->last_ns)),
                                        report_text_connections(page), report_text_grouped(page, summary->opened),
                                        report_text_grouped(page, summary->failed),
                                        report_text_grouped(page, summary->closed_well), again,
                                        positions[report_text_usual_position(summary)][page->language]),
                     HEAD_INDENT);
    G_GNUC_END_IGNORE_DEPRECATIONS
}

/* Where the time of all connections went, the longest first. */
static void report_text_write_waits(const struct page *page)
{
    enum { LEAST_NS = 1000000 };
    const int64_t *ns = page->summary->waits_ns;
    wmem_strbuf_t *text = tl_strbuf_new(page->pool, 128);
    bool done[TL_WAIT_SUM_COUNT] = {false}, any = false;

    wmem_strbuf_append(text, report_text_word(page, WAITED));
    for (unsigned shown = 0; shown < TL_WAIT_SUM_COUNT; shown++) {
        unsigned best = TL_WAIT_SUM_COUNT;

        for (unsigned i = 0; i < TL_WAIT_SUM_COUNT; i++) {
            if (!done[i] && ns[i] >= LEAST_NS && (best == TL_WAIT_SUM_COUNT || ns[i] > ns[best]))
                best = i;
        }
        if (best == TL_WAIT_SUM_COUNT)
            break;
        done[best] = any = true;
        wmem_strbuf_append_printf(text, "%s%s %s", shown > 0 ? report_text_word(page, COMMA) : "", waits[best][page->language],
                                  tl_report_seconds(page->pool, ns[best]));
    }
    if (any)
        report_text_line(page, wmem_strbuf_get_str(text), HEAD_INDENT);
}

struct caveat {
    size_t offset; /* in struct tl_summary */
    const char *text[TL_LANGUAGES];
};

#define COUNT(member) offsetof(struct tl_summary, member)

static const struct caveat caveats[] = {
    {COUNT(lossy),
     {"segments are missing in %s of %s connections, which acknowledge what was never captured: retransmissions and silences "
      "there are not to be trusted",
      "%2$s 条连接中有 %1$s 条缺少报文段(确认了从未抓到的数据)：其重传与静默不可信"}},
    {COUNT(asymmetric),
     {"one direction only in %s of %s connections: answers, windows and the server's time are not judged there",
      "%2$s 条连接中有 %1$s 条只抓到一个方向：不判断其应答、窗口和服务器时间"}},
    {COUNT(backwards),
     {"times run backwards in %s of %s connections: times are not exact (reordercap)",
      "%2$s 条连接中有 %1$s 条时间倒退：时间不精确(reordercap)"}},
    {COUNT(doubled),
     {"packets were captured twice in %s of %s connections: counted once", "%2$s 条连接中有 %1$s 条的包被抓两次：只计一次"}},
    {COUNT(offload),
     {"segments larger than the path carries in %s of %s connections: offloading; counts of packets are too low",
      "%2$s 条连接中有 %1$s 条出现大于路径的报文段：网卡卸载，包数偏低"}},
    {COUNT(midstream),
     {"%s of %s connections began before the capture: roles, window scale and round trip are not known there",
      "%2$s 条连接中有 %1$s 条在抓包前已开始：角色、窗口缩放和往返时间未知"}},
};

static void report_text_write_caveats(const struct page *page)
{
    static const char *const label[] = {"CAVEAT   ", "注意     "};

    for (size_t i = 0; i < G_N_ELEMENTS(caveats); i++) {
        uint32_t count = *(const uint32_t *)((const char *)page->summary + caveats[i].offset);

        if (count == 0)
            continue;
        report_text_line(
            page,
            report_text_join(page, label[page->language],
                             wmem_strdup_printf(page->pool, caveats[i].text[page->language], report_text_grouped(page, count),
                                                report_text_grouped(page, page->summary->connections)),
                             NULL),
            HEAD_INDENT);
    }
}

/* ---- findings ------------------------------------------------------------------------------------------------------------ */

static bool report_text_is_ranked(const struct tl_finding_group *group)
{
    return group->class == TL_CLASS_BROKEN || group->class == TL_CLASS_SLOW;
}

/* "9 of 16" */
static const char *report_text_share_of(const struct page *page, const struct tl_finding_group *group)
{
    return wmem_strdup_printf(page->pool, page->language == TL_CHINESE ? "%s / %s" : "%s of %s",
                              report_text_grouped(page, group->connections),
                              report_text_grouped(page, page->summary->connections));
}

/* "1 BROKEN Nobody answers the SYN                9 of 16" */
static void report_text_write_title(const struct page *page, const struct tl_finding_group *group, const char *class,
                                    const char *title)
{
    const char *tail = report_text_share_of(page, group);
    const char *head = wmem_strdup_printf(page->pool, "%u %s", group->number, class);
    unsigned at = tl_lines_width(head), tail_width = tl_lines_width(tail);

    wmem_strbuf_append(page->out, head);
    wmem_strbuf_append_printf(page->out, "%*s", at < HEAD_INDENT ? (int)(HEAD_INDENT - at) : 1, "");
    at = tl_lines_wrap(page->out, title, MAX(at + 1, HEAD_INDENT), HEAD_INDENT, COLUMNS - tail_width - 2);
    wmem_strbuf_append_printf(page->out, "%*s%s\n", (int)(COLUMNS - tail_width - at), "", tail);
}

static void report_text_write_full(const struct page *page, const struct tl_finding_group *group)
{
    struct tl_said said;

    tl_report_say(page->report, group, page->language, page->pool, &said);
    wmem_strbuf_append_c(page->out, '\n');
    report_text_write_title(page, group, said.class, said.title);
    report_text_labelled(page, WHERE, said.where);
    report_text_evidence(page, said.seen);
    report_text_labelled(page, MEANS, said.means);
    report_text_labelled(page, CHECK, said.check);
    report_text_labelled(page, SHOW, said.filter);
    if (group->class == TL_CLASS_SLOW)
        said.frames = report_text_join(
            page, said.frames,
            wmem_strdup_printf(page->pool, report_text_word(page, COSTS), tl_report_seconds(page->pool, group->cost_ns)), NULL);
    report_text_labelled(page, FRAMES, said.frames);
}

static void report_text_write_brief(const struct page *page, const struct tl_finding_group *group)
{
    struct tl_said said;

    tl_report_say(page->report, group, page->language, page->pool, &said);
    report_text_write_title(page, group, said.class,
                            report_text_join(page, said.title, report_text_word(page, COLON), said.where));
}

/* On one line, as long as it gets. */
static void report_text_write_note(const struct page *page, const struct tl_finding_group *group)
{
    struct tl_said said;
    const char *seen;
    char *joined;

    tl_report_say(page->report, group, page->language, page->pool, &said);
    seen = tl_report_skip_separators(said.seen);
    joined = g_strdup_printf("%s %s%s%s%s%s  (%s)", said.class, said.title, report_text_word(page, COLON), said.where,
                             *seen ? report_text_word(page, SEMICOLON) : "", seen, report_text_share_of(page, group));
    g_strdelimit(joined, "\n", ' ');
    report_text_line(page, joined, HEAD_INDENT);
    g_free(joined);
}

static void report_text_write_nothing(const struct page *page)
{
    enum { WORTH_NS = 1000000 }; /* shorter times tell nobody anything */
    const struct tl_summary *summary = page->summary;
    bool complete = summary->lossy + summary->asymmetric == 0;
    wmem_strbuf_t *text = tl_strbuf_new(page->pool, 128);

    wmem_strbuf_append_printf(text, report_text_word(page, complete ? NOTHING_WRONG : NOTHING_SEEN),
                              report_text_connections(page));
    if (summary->slowest_setup_ns >= WORTH_NS)
        wmem_strbuf_append_printf(text, report_text_word(page, SLOWEST),
                                  tl_report_seconds(page->pool, summary->slowest_setup_ns), summary->slowest_setup_in);
    if (summary->longest_answer_ns >= WORTH_NS)
        wmem_strbuf_append_printf(text, report_text_word(page, LONGEST),
                                  tl_report_seconds(page->pool, summary->longest_answer_ns), summary->longest_answer_in);
    if (summary->still_open > 0)
        wmem_strbuf_append_printf(text, report_text_word(page, STILL_OPEN), summary->still_open);
    wmem_strbuf_append_c(page->out, '\n');
    report_text_line(page, wmem_strbuf_get_str(text), 0);
}

static void report_text_write_ranked(const struct page *page)
{
    uint32_t ranked = 0;

    while (ranked < page->group_count && report_text_is_ranked(&page->groups[ranked]))
        ranked++;
    if (ranked == 0)
        report_text_write_nothing(page);
    else if (page->summary->doubtful)
        report_text_line(page, report_text_word(page, HINT), 0);
    for (uint32_t i = 0; i < ranked; i++) {
        if (i < FULL_MAX || page->all) {
            report_text_write_full(page, &page->groups[i]);
            continue;
        }
        if (i == FULL_MAX)
            wmem_strbuf_append_c(page->out, '\n');
        if (i == FULL_MAX + BRIEF_MAX) {
            report_text_line(page, wmem_strdup_printf(page->pool, report_text_word(page, MORE), ranked - i), 0);
            break;
        }
        report_text_write_brief(page, &page->groups[i]);
    }
}

static void report_text_write_notes(const struct page *page)
{
    uint32_t shown = 0;

    for (uint32_t i = 0; i < page->group_count && (shown < NOTES_MAX || page->all); i++) {
        if (page->groups[i].class != TL_CLASS_NOTE)
            continue;
        if (shown++ == 0)
            wmem_strbuf_append_c(page->out, '\n');
        report_text_write_note(page, &page->groups[i]);
    }
}

const char *tl_report_text(const struct tl_report *report, enum tl_language language, bool all, wmem_allocator_t *pool)
{
    struct page page = {.report = report, .language = language, .all = all, .pool = pool};

    page.summary = tl_findings_summary(report->findings);
    page.groups = tl_findings_groups(report->findings, &page.group_count);
    page.out = tl_strbuf_new(pool, 4096);
    if (page.summary->connections == 0) {
        report_text_line(&page, report_text_word(&page, NOTHING_HERE), 0);
        return wmem_strbuf_get_str(page.out);
    }
    report_text_write_size(&page);
    report_text_write_waits(&page);
    report_text_write_caveats(&page);
    report_text_write_ranked(&page);
    report_text_write_notes(&page);
    return wmem_strbuf_get_str(page.out);
}
