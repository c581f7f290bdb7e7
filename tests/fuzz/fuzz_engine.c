/* fuzz_engine.c - fuzzer of the engine: any stream of segments of several connections.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * After each segment every promise of tl.h that a program can check must hold (tl_test_sound.h), states must go on where they
 * were, the connections of a pair must have counted all its segments, and no more memory may be held than connections are
 * allowed. The stream is run again through all rules (tl_fast_path.h), which must give the same answers; and with all numbers of
 * each direction and all times shifted, which must too: TCP's arithmetic has no origin.
 */
#include "conn/tl_conn.h"
#include "stream.h"
#include "tl_test_sound.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

enum {
    SEGMENT_US_MAX = 1000,  /* CPU time of a whole input for each of its segments; sanitizers and a busy machine included */
    INPUT_US_MAX = 1000000, /* and for each input */
    CONNS_KEPT = 256,       /* connections of which the states are remembered */
    FIXED_BYTES_MAX = 64 * 1024, /* tracker and pairs */
};

/* Memory with a count, and with failures on demand. */
struct memory {
    struct tl_allocator allocator;
    size_t live;     /* bytes */
    unsigned blocks; /* not freed */
    unsigned requests, fail_nth;
};

/* One run of the stream. */
struct run {
    struct memory memory;
    struct tl_tracker *tracker;
    struct tl_pair *pairs[STREAM_PAIRS];
    uint32_t taken[STREAM_PAIRS]; /* segments that got an answer */
    uint32_t segments;
    int64_t last_ns;
    uint64_t sum; /* of all answers */
    bool zeek;
    uint64_t *sums; /* after each segment */
    uint8_t left[CONNS_KEPT]
                [2]; /* enum tl_state of both ends after the last segment of each connection; NONE = do not compare */
};

/* How the numbers of a run differ from those of the input, and whether ordinary segments go through all rules, too. */
struct shift {
    uint32_t number[2]; /* of the sequence numbers of each end */
    int64_t time_ns;
    bool by_rules;
};

static void fail(const struct run *run, const char *what)
{
    fprintf(stderr, "segment %u: not so: %s\n", (unsigned)run->segments, what);
    abort();
}

/* ---- memory -------------------------------------------------------------------------------------------------------------- */

static void *allocate(void *context, size_t bytes)
{
    struct memory *memory = context;
    void *block;

    memory->requests++;
    if (memory->fail_nth > 0 && memory->requests % memory->fail_nth == 0) {
        return NULL;
    }
    block = calloc(1, bytes);
    if (!block) {
        return NULL;
    }
    memory->live += bytes;
    memory->blocks++;
    return block;
}

static void release(void *context, void *block, size_t bytes)
{
    struct memory *memory = context;

    if (block) {
        memory->live -= bytes;
        memory->blocks--;
        free(block);
    }
}

/* ---- a run --------------------------------------------------------------------------------------------------------------- */

static bool start(struct run *run, const struct stream_head *head)
{
    const struct tl_endpoints ends[STREAM_PAIRS] = {
        {.port = {40000, 80}, .is_service = {false, true}},
        {.port = {22, 40001}, .is_service = {true, false}},
        {.port = {40002, 40003}},
        {.port = {5000, 5000}},
    };

    memset(run, 0, sizeof *run);
    run->memory.allocator = (struct tl_allocator){allocate, release, &run->memory};
    run->memory.fail_nth = head->fail_nth;
    run->sum = UINT64_C(14695981039346656037);
    run->zeek = head->zeek && head->fail_nth == 0;
    run->tracker = tl_tracker_new(&run->memory.allocator);
    if (!run->tracker) {
        return false;
    }
    tl_tracker_view_zeek(run->tracker, head->zeek);
    for (unsigned i = 0; i < STREAM_PAIRS; i++) {
        run->pairs[i] = tl_pair_new(run->tracker, &ends[i]);
    }
    return true;
}

static void finish(struct run *run)
{
    for (unsigned i = 0; i < STREAM_PAIRS; i++) {
        tl_pair_free(run->pairs[i]);
    }
    tl_tracker_free(run->tracker);
    if (run->memory.blocks != 0 || run->memory.live != 0) {
        fail(run, "everything was freed");
    }
}

/* FNV-1a: two runs that differ in one byte give different sums. */
static void add_to_sum(struct run *run, const void *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        run->sum = (run->sum ^ ((const unsigned char *)bytes)[i]) * UINT64_C(1099511628211);
    }
}

static void check_words(struct run *run, const struct tl_conn *conn)
{
    struct tl_zeek_words words;
    const char *wrong = NULL;

    if (tl_conn_zeek(conn, &words)) {
        wrong = tl_unsound_words(&words);
        add_to_sum(run, &words, sizeof words);
    } else if (run->zeek) {
        wrong = "every connection is followed";
    }
    if (wrong) {
        fail(run, wrong);
    }
}

/* Counters of the pair's connections, and the memory of all. */
static void check_counts(const struct run *run, unsigned pair)
{
    uint32_t segments = 0, conns = 0;
    size_t most = FIXED_BYTES_MAX + (size_t)run->tracker->connections * TL_CONN_BYTES_MAX;

    for (const struct tl_conn *conn = run->pairs[pair]->newest; conn; conn = conn->next, conns++) {
        segments += conn->endpoint[0].segments + conn->endpoint[1].segments;
    }
    if (segments != run->taken[pair]) {
        fail(run, "the connections of a pair have all its segments");
    }
    if (conns != (run->pairs[pair]->newest ? run->pairs[pair]->newest->incarnation : 0)) {
        fail(run, "incarnations are counted");
    }
    if (run->memory.live > most) {
        fail(run, "no connection holds more than TL_CONN_BYTES_MAX");
    }
}

/* The states of a connection's ends after its last segment. */
static uint8_t *left_by(struct run *run, const struct tl_conn *conn)
{
    return run->left[conn->number < CONNS_KEPT ? conn->number : CONNS_KEPT];
}

/* States go on where they were: what a segment found is what the one before it left. A segment of a tentative connection may
 * change the peer's end of the connection before it. */
static void check_states(struct run *run, const struct tl_result *result)
{
    const struct tl_conn *conn = result->conn;
    bool shares = conn->tentative && conn->previous;
    uint8_t *left = left_by(run, conn);

    for (unsigned end = 0; end < 2; end++) {
        const struct tl_endpoint_view *view = &result->shape.endpoint[end];
        uint8_t found = view->before != TL_STATE_NONE ? view->before : view->state;

        if (conn->number < CONNS_KEPT && left[end] != TL_STATE_NONE && left[end] != found) {
            fail(run, "a segment finds the state that the one before it left");
        }
        left[end] = shares ? (uint8_t)TL_STATE_NONE : view->state;
    }
    if (shares) {
        memset(left_by(run, conn->previous), TL_STATE_NONE, 2);
    }
}

static void take_segment(struct run *run, const struct stream_event *event, const struct shift *shift)
{
    struct tl_segment segment = event->segment;
    struct tl_result result;
    unsigned from = segment.from, requests = run->memory.requests;
    const char *wrong;

    segment.seq += shift->number[from];
    segment.ack += segment.flags & TL_ACK || segment.ack != 0 ? shift->number[1 - from] : 0; /* 0 = left empty */
    for (unsigned i = 0; i < segment.sack_count; i++) {
        segment.sack[i][0] += shift->number[1 - from];
        segment.sack[i][1] += shift->number[1 - from];
    }
    segment.time_ns = (int64_t)((uint64_t)segment.time_ns + (uint64_t)shift->time_ns);
    run->segments++;
    run->last_ns = segment.time_ns > run->last_ns ? segment.time_ns : run->last_ns;
    if (!tl_pair_update(run->pairs[event->pair], &segment, &result)) {
        if (run->memory.fail_nth == 0 || run->memory.requests == requests) {
            fail(run, "a segment has a result if there is memory");
        }
        return;
    }
    run->taken[event->pair]++;
    wrong = tl_unsound(&result, &segment, run->last_ns);
    if (wrong) {
        fail(run, wrong);
    }
    check_words(run, result.conn);
    check_states(run, &result);
    check_counts(run, event->pair);
    add_to_sum(run, &result.shape, sizeof result.shape);
    add_to_sum(run, &result.refs, sizeof result.refs);
    run->sums[run->segments - 1] = run->sum;
}

/* Runs the stream. Returns the number of its segments, and the sum of its answers after each. */
static void tell_icmp(struct run *run, const struct stream_event *event, const struct shift *shift)
{
    const struct tl_segment *seg = &event->segment;
    struct tl_pair *pair = run->pairs[event->pair];
    uint32_t seq = seg->seq + shift->number[seg->from];

    if (stream_is_too_big(event)) {
        tl_pair_too_big(pair, &(struct tl_too_big){.time_ns = (int64_t)((uint64_t)seg->time_ns + (uint64_t)shift->time_ns),
                                                   .frame = seg->frame,
                                                   .seq = seq,
                                                   .mtu = event->icmp_mtu,
                                                   .from = seg->from,
                                                   .ipv6 = event->icmp_type == 2});
    } else {
        tl_pair_unreachable(pair, seg->from, seq, event->icmp_type, event->icmp_code, seg->frame);
    }
}

static uint32_t run_stream(const uint8_t *bytes, size_t size, const struct shift *shift, uint64_t *sums)
{
    struct stream stream;
    struct stream_head head = stream_read(&stream, bytes, size);
    struct stream_event event;
    struct run run;

    if (!start(&run, &head)) {
        return 0;
    }
    run.sums = sums;
    /* Where requests of memory are counted to fail, both ways would fail at other places. */
    run.tracker->no_fast_path = shift->by_rules && head.fail_nth == 0;
    for (event = stream_next(&stream); event.kind != STREAM_END; event = stream_next(&stream)) {
        if (!run.pairs[event.pair]) {
            continue;
        }
        if (event.kind == STREAM_SEGMENT) {
            take_segment(&run, &event, shift);
        } else {
            tell_icmp(&run, &event, shift);
        }
    }
    finish(&run);
    return run.segments;
}

/* Whether the raw number 0 occurs, shifted or not: a RST with sequence number 0 has a form of its own (RFC 9293 3.10.7.1),
 * and an acknowledgment field that is 0 says that there is none. Such streams are not the same when shifted. */
static bool has_zero(const uint8_t *bytes, size_t size, const struct shift *shift)
{
    struct stream stream;
    struct stream_event event;

    stream_read(&stream, bytes, size);
    for (event = stream_next(&stream); event.kind != STREAM_END; event = stream_next(&stream)) {
        const struct tl_segment *seg = &event.segment;

        bool acks = seg->flags & TL_ACK, has_ack = acks || seg->ack != 0;

        if (seg->seq == 0 || seg->seq + shift->number[seg->from] == 0 || (acks && seg->ack == 0) ||
            (has_ack && seg->ack + shift->number[1 - seg->from] == 0)) {
            return true;
        }
    }
    return false;
}

/* Whether a time, shifted or not, lies so near an end of its 64 bits that the clock of its pair stops there (tl_pair_tick). */
static bool is_near_an_end(const uint8_t *bytes, size_t size, const struct shift *shift)
{
    struct stream stream;
    struct stream_event event;

    stream_read(&stream, bytes, size);
    for (event = stream_next(&stream); event.kind != STREAM_END; event = stream_next(&stream)) {
        int64_t time_ns = event.segment.time_ns;

        if (time_ns > INT64_MAX - TL_TIME_SPAN_NS - shift->time_ns || time_ns < INT64_MIN + TL_TIME_SPAN_NS) {
            return true;
        }
    }
    return false;
}

/* Both runs must have given the same answers. */
static void compare(const uint64_t *sums, const uint64_t *others, uint32_t segments, const char *what)
{
    struct run run = {.segments = 0};

    while (run.segments < segments) {
        run.segments++;
        if (sums[run.segments - 1] != others[run.segments - 1]) {
            fail(&run, what);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const struct shift none, rules = {.by_rules = true};
    struct shift some = {{0x9E3779B9, 0x12345678}, 86400 * INT64_C(1000000000), false};
    uint64_t *sums = calloc(2 * size + 1, sizeof *sums), *others = sums + size; /* a segment takes more than a byte */
    struct run run = {.segments = 0};
    clock_t begun = clock();

    if (!sums) {
        return 0;
    }
    run.segments = run_stream(bytes, size, &none, sums);
    if ((double)(clock() - begun) / CLOCKS_PER_SEC * 1e6 > INPUT_US_MAX + (double)run.segments * SEGMENT_US_MAX) {
        fail(&run, "the time for a segment is bounded");
    }
    run_stream(bytes, size, &rules, others);
    compare(sums, others, run.segments, "the same input has the same answers, by the fast path or the long one");
    if (is_near_an_end(bytes, size, &some)) {
        some.time_ns = 0;
    }
    if (!has_zero(bytes, size, &some)) {
        run_stream(bytes, size, &some, others);
        compare(sums, others, run.segments, "a shifted input has the same answers");
    }
    free(sums);
    return 0;
}
