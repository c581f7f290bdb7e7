/* run_cases.c - runs the engine over .case files and compares what it answers with what they expect.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Usage: run_cases FILE...
 * Prints each case and each mismatch. Exit status 1 if any case fails. Late facts are only checked when the capture is
 * over: on a segment they exist where the segment proves them. A line `late` asks what an earlier segment has become by then.
 */
#include "case_fields.h"
#include "case_parse.h"
#include "store/tl_wait_store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CONNS_MAX = 16 };

/* What was said of a segment, and what a later one has proved of it. */
struct record {
    struct tl_segment segment;
    struct tl_result result;
    unsigned spurious; /* enum tl_spurious */
    struct tl_wait wait;
    uint32_t named_in; /* of the first probe of a run: frame of the probe that names the run */
};

struct run {
    const char *path;
    struct case_file file;
    struct tl_tracker *tracker;
    struct tl_pair *pair;
    struct tl_conn *conns[CONNS_MAX]; /* by number */
    struct tl_waits waits[CONNS_MAX]; /* the same */
    struct record *records;           /* by frame; one for each event and frame 0 */
    int64_t last_ns;
    struct tl_result result; /* of the last segment */
    bool has_view;
    struct tl_view view; /* what the expectations of a line are compared with */
    unsigned checks;
    unsigned failures;
};

static void *allocate(void *context, size_t bytes)
{
    (void)context;
    return calloc(1, bytes);
}

static void release(void *context, void *memory, size_t bytes)
{
    (void)context;
    (void)bytes;
    free(memory);
}

static const struct tl_allocator heap = {allocate, release, NULL};

/* Length of a number without its trailing zeros behind the point, so that 0.5 equals 0.500000000. */
static size_t significant(const char *text)
{
    size_t length = strlen(text);

    if (!strchr(text, '.') || strspn(text, "0123456789.-") != length)
        return length;
    while (text[length - 1] == '0')
        length--;
    return text[length - 1] == '.' ? length - 1 : length;
}

static bool same(const char *a, const char *b)
{
    size_t length = significant(a);

    return length == significant(b) && memcmp(a, b, length) == 0;
}

static void mismatch(struct run *run, unsigned line, const char *name, const char *expected, const char *got)
{
    printf("%s:%u: %s: expected %s, got %s\n", run->path, line, name, expected, got);
    run->failures++;
}

/* Compares one name=value, or name!=value, with what the engine says. */
static void check_word(struct run *run, unsigned line, char *word)
{
    char got[CASE_VALUE_MAX];
    char *expected = strchr(word, '=');
    bool differs;

    if (!expected || expected == word) {
        mismatch(run, line, word, "name=value", "no value");
        return;
    }
    differs = expected[-1] == '!';
    expected[differs ? -1 : 0] = '\0';
    expected++;
    if (!run->has_view || !case_field(&run->view, word, got))
        mismatch(run, line, word, expected, "no such field here");
    else if (same(expected, got) == differs)
        mismatch(run, line, word, differs ? "another value" : expected, got);
}

static void check(struct run *run, const struct case_event *event)
{
    char words[1024];

    snprintf(words, sizeof words, "%s", event->expected);
    for (char *word = strtok(words, " \t\r"); word; word = strtok(NULL, " \t\r")) {
        run->checks++;
        check_word(run, event->line, word);
    }
}

static void keep(struct run *run, const struct tl_segment *segment)
{
    uint32_t frame = segment->frame;

    run->records[frame].segment = *segment;
    run->records[frame].result = run->result;
    if (run->result.shape.flags & TL_SHAPE_NAMES_RUN)
        run->records[run->result.refs.probe_run_in].named_in = frame;
    for (unsigned i = 0; i < TL_PROVED_MAX; i++) {
        uint32_t proved = run->result.refs.proved[i].frame;

        if (proved < frame)
            run->records[proved].spurious = run->result.refs.proved[i].spurious;
    }
}

/* What is known of the segment with this answer by now. */
static void look(struct run *run, const struct tl_segment *segment, bool visited)
{
    run->has_view = true;
    run->view = (struct tl_view){.segment = segment, .result = &run->result, .visited = visited};
    tl_view_begin(&run->view);
    tl_conn_facts(run->result.conn, run->last_ns, &run->view.facts);
}

/* The wait that the segment ended, if it is long enough to be shown. */
static void wait(struct run *run, const struct tl_segment *segment)
{
    struct tl_wait *ended = &run->records[segment->frame].wait;

    if (run->view.facts.number < CONNS_MAX)
        tl_waits_add(&run->waits[run->view.facts.number], &heap, segment, &run->result, ended);
    if (ended->ns < TL_WAIT_SHOWN_NS)
        *ended = (struct tl_wait){0};
    run->view.wait = *ended;
}

static void run_segment(struct run *run, const struct case_event *event)
{
    if (!tl_pair_update(run->pair, &event->segment, &run->result)) {
        mismatch(run, event->line, "segment", "an answer", "none");
        return;
    }
    look(run, &event->segment, false);
    wait(run, &event->segment);
    if (run->view.facts.number < CONNS_MAX)
        run->conns[run->view.facts.number] = run->result.conn;
    keep(run, &event->segment);
}

static void run_end(struct run *run, const struct case_event *event)
{
    if (event->conn >= CONNS_MAX || !run->conns[event->conn]) {
        mismatch(run, event->line, "end", "a connection of that number", "none");
        return;
    }
    run->has_view = true;
    run->view = (struct tl_view){.segment = NULL, .visited = true};
    tl_conn_facts(run->conns[event->conn], run->last_ns, &run->view.facts);
}

/* Whether a retransmission was spurious: docs/design.md, "Late facts". */
static unsigned spurious_at_end(const struct record *record)
{
    const struct tl_shape *shape = &record->result.shape;

    if (!shape->retransmission)
        return TL_SPURIOUS_NONE;
    if (record->spurious || shape->spurious)
        return record->spurious ? record->spurious : shape->spurious;
    return shape->flags & TL_SHAPE_SPURIOUS_SHOWS ? TL_SPURIOUS_NO : TL_SPURIOUS_UNKNOWN;
}

/* Kind and confidence of a probe or its answer, as the rest of the run shows: the same. */
static void rename_probe(const struct run *run, const struct tl_refs *refs, struct tl_shape *shape)
{
    uint32_t named_in = refs->probe_run_in ? run->records[refs->probe_run_in].named_in : 0;
    uint8_t kind = shape->keepalive ? shape->keepalive : shape->window_probe;
    const struct tl_shape *name = &run->records[named_in].result.shape;

    if (!named_in || !kind || shape->probe_confidence == TL_CONFIDENCE_CERTAIN)
        return;
    shape->probe_confidence = name->probe_confidence;
    shape->window_probe = name->window_probe ? kind : TL_PROBE_KIND_NONE;
    shape->keepalive = name->window_probe ? TL_PROBE_KIND_NONE : kind == TL_PROBE_KIND_OPEN ? TL_PROBE_KIND_ANSWER : kind;
}

static void run_late(struct run *run, const struct case_event *event)
{
    const struct record *record = &run->records[event->segment.frame <= run->file.count ? event->segment.frame : 0];
    struct tl_shape *shape = &run->result.shape;

    if (!record->result.conn) {
        mismatch(run, event->line, "late", "a segment of that frame", "none");
        return;
    }
    run->result = record->result;
    shape->spurious = (uint8_t)spurious_at_end(record);
    rename_probe(run, &run->result.refs, shape);
    look(run, &record->segment, true);
    run->view.wait = record->wait;
    if (shape->rst_cause != TL_RST_CAUSE_NONE)
        tl_conn_rst(run->result.conn, &record->segment, shape, &run->view.rst);
}

static void run_event(struct run *run, const struct case_event *event)
{
    bool is_frame = event->kind == CASE_SEGMENT || event->kind == CASE_ICMP || event->kind == CASE_OTHER;

    if (event->kind != CASE_MORE)
        run->has_view = false;
    if (is_frame)
        run->last_ns = event->time_ns > run->last_ns ? event->time_ns : run->last_ns;
    if (event->kind == CASE_SEGMENT)
        run_segment(run, event);
    else if (event->kind == CASE_ICMP)
        case_tell_icmp(run->pair, event);
    else if (event->kind == CASE_END)
        run_end(run, event);
    else if (event->kind == CASE_LATE)
        run_late(run, event);
    check(run, event);
}

/* Runs one file. Returns whether everything in it is as expected. */
static bool run_case(const char *path)
{
    struct run run = {.path = path};

    if (!case_read(path, &run.file)) {
        run.failures++;
    } else {
        run.tracker = tl_tracker_new(&heap);
        run.pair = tl_pair_new(run.tracker, &run.file.ends);
        run.records = calloc(run.file.count + 1, sizeof *run.records);
        for (unsigned i = 0; run.records && i < run.file.count; i++)
            run_event(&run, &run.file.events[i]);
        tl_pair_free(run.pair);
        tl_tracker_free(run.tracker);
        free(run.records);
        if (run.checks == 0)
            mismatch(&run, 1, "case", "something to check", "nothing");
    }
    printf("%s %s (%u checks)\n", run.failures ? "FAIL" : "ok  ", path, run.checks);
    case_free(&run.file);
    return run.failures == 0;
}

int main(int argc, char **argv)
{
    unsigned cases = 0;
    unsigned failed = 0;

    for (int i = 1; i < argc; i++, cases++)
        failed += !run_case(argv[i]);
    printf("%u cases, %u failed\n", cases, failed);
    return failed || !cases ? EXIT_FAILURE : EXIT_SUCCESS;
}
