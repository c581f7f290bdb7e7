/* starve_cases.c - runs the engine over .case files while memory runs out at each place where it can.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Usage: starve_cases FILE...
 * For every n up to the number of requests that a case makes, the case is run with the n-th request failing, and with all from
 * the n-th on failing. Each answer must be sound (tl_test_sound.h), a segment is refused only when a request failed just then,
 * and nothing may be left at the end. Exit status 1 if any of this is not so.
 */
#include "case_parse.h"
#include "tl_test_sound.h"

#include <stdio.h>
#include <stdlib.h>

/* An allocator that counts and fails on demand. */
struct memory {
    unsigned requests; /* so far */
    unsigned live;     /* not freed */
    unsigned fail_at;  /* number of the request that fails, from 1; 0 = none */
    bool fail_after;   /* and all later ones */
    bool failed;       /* one did, since this was last set to false */
};

static void *allocate(void *context, size_t bytes)
{
    struct memory *memory = context;
    void *block;

    memory->requests++;
    if (memory->fail_at > 0 &&
        (memory->requests == memory->fail_at || (memory->fail_after && memory->requests > memory->fail_at))) {
        memory->failed = true;
        return NULL;
    }
    block = calloc(1, bytes);
    memory->live += block != NULL;
    return block;
}

static void release(void *context, void *block, size_t bytes)
{
    struct memory *memory = context;

    (void)bytes;
    memory->live -= block != NULL;
    free(block);
}

/* NULL, or what is wrong with the answer to the segment. */
static const char *take(struct tl_pair *pair, const struct tl_segment *segment, struct memory *memory)
{
    struct tl_zeek_words words;
    struct tl_result result;
    const char *wrong;

    memory->failed = false;
    if (!tl_pair_update(pair, segment, &result)) {
        return memory->failed ? NULL : "a segment is refused only for want of memory";
    }
    wrong = tl_unsound(&result, segment, segment->time_ns);
    return wrong || !tl_conn_zeek(result.conn, &words) ? wrong : tl_unsound_words(&words);
}

/* Runs the case. NULL, or what is wrong, with the frame at which it was. */
static const char *run(const struct case_file *file, struct memory *memory, uint32_t *frame)
{
    const struct tl_allocator allocator = {allocate, release, memory};
    struct tl_tracker *tracker = tl_tracker_new(&allocator);
    struct tl_pair *pair = NULL;
    const char *wrong = NULL;

    if (tracker) {
        tl_tracker_view_zeek(tracker, true);
        pair = tl_pair_new(tracker, &file->ends);
    }
    for (unsigned i = 0; pair && !wrong && i < file->count; i++) {
        const struct case_event *event = &file->events[i];

        *frame = event->segment.frame;
        if (event->kind == CASE_SEGMENT) {
            wrong = take(pair, &event->segment, memory);
        } else if (event->kind == CASE_ICMP) {
            case_tell_icmp(pair, event);
        }
    }
    tl_pair_free(pair);
    tl_tracker_free(tracker);
    return wrong ? wrong : memory->live > 0 ? "everything is freed" : NULL;
}

/* All runs of one case. Returns their number, 0 if one went wrong. */
static unsigned starve(const char *path, const struct case_file *file)
{
    struct memory enough = {.requests = 0};
    uint32_t frame = 0;
    const char *wrong = run(file, &enough, &frame);
    unsigned n, after = 0;

    for (n = 1; !wrong && n <= enough.requests; n++) {
        for (after = 0; !wrong && after < 2; after++) {
            struct memory memory = {.fail_at = n, .fail_after = after};

            wrong = run(file, &memory, &frame);
        }
    }
    if (wrong) {
        printf("FAIL %s: request %u%s fails, frame %u: not so: %s\n", path, n - 1, after == 2 ? " and all later ones" : "",
               (unsigned)frame, wrong);
        return 0;
    }
    return 1 + 2 * enough.requests;
}

int main(int argc, char **argv)
{
    unsigned runs = 0, failed = 0;

    for (int i = 1; i < argc; i++) {
        struct case_file file;
        unsigned more = case_read(argv[i], &file) ? starve(argv[i], &file) : 0;

        case_free(&file);
        failed += more == 0;
        runs += more;
    }
    printf("%d cases, %u runs, %u failed\n", argc - 1, runs, failed);
    return failed > 0 || argc < 2 ? EXIT_FAILURE : EXIT_SUCCESS;
}
