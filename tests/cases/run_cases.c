/* run_cases.c - runs the engine over .case files and compares what it answers with what they expect.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Usage: run_cases FILE...
 * Prints each case and each mismatch. Exit status 1 if any case fails. Late facts are only checked when the capture is
 * over: on a segment they exist where the segment proves them.
 */
#include "case_fields.h"
#include "case_parse.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CONNS_MAX = 16 };

struct run {
    const char *path;
    struct case_file file;
    struct tl_tracker *tracker;
    struct tl_pair *pair;
    struct tl_conn *conns[CONNS_MAX]; /* by number */
    int64_t last_ns;
    struct tl_verdict verdict; /* of the last segment */
    struct tl_facts facts;
    struct case_view view; /* what the expectations of a line are compared with */
    unsigned checks;
    unsigned failures;
};

static void *allocate(void *context, size_t bytes)
{
    (void)context;
    return calloc(1, bytes);
}

static void release(void *context, void *memory)
{
    (void)context;
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
    if (!run->view.facts || !case_field(&run->view, word, got))
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

static void run_segment(struct run *run, const struct case_event *event)
{
    if (!tl_pair_update(run->pair, &event->segment, &run->verdict)) {
        mismatch(run, event->line, "segment", "a verdict", "none");
        return;
    }
    tl_conn_facts(run->verdict.conn, run->last_ns, &run->facts);
    if (run->facts.number < CONNS_MAX)
        run->conns[run->facts.number] = run->verdict.conn;
    run->view = (struct case_view){&run->verdict, &run->facts};
}

static void run_end(struct run *run, const struct case_event *event)
{
    if (event->conn >= CONNS_MAX || !run->conns[event->conn]) {
        mismatch(run, event->line, "end", "a connection of that number", "none");
        return;
    }
    tl_conn_facts(run->conns[event->conn], run->last_ns, &run->facts);
    run->view = (struct case_view){NULL, &run->facts};
}

static void run_event(struct run *run, const struct case_event *event)
{
    if (event->kind != CASE_MORE)
        run->view = (struct case_view){NULL, NULL};
    if (event->kind != CASE_MORE && event->kind != CASE_END)
        run->last_ns = event->time_ns > run->last_ns ? event->time_ns : run->last_ns;
    if (event->kind == CASE_SEGMENT)
        run_segment(run, event);
    else if (event->kind == CASE_ICMP)
        tl_pair_unreachable(run->pair, event->segment.from, event->segment.seq, event->icmp_type, event->icmp_code,
                            event->segment.frame);
    else if (event->kind == CASE_END)
        run_end(run, event);
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
        for (unsigned i = 0; i < run.file.count; i++)
            run_event(&run, &run.file.events[i]);
        tl_pair_free(run.pair);
        tl_tracker_free(run.tracker);
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
