/* engine_bench.c - what the engine alone costs: time and memory, without Wireshark.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 *   engine_bench FILE.pcap [RUNS [CUT]]
 *
 * Reads a capture of make_capture whole, finds each segment's pair, and only then feeds the segments to the engine RUNS times
 * (7 unless told). CUT leaves only the first CUT segments of each pair, so that connections stay half-open, or open. Prints one
 * line of names and numbers: segments, pairs, ns for each segment (median and least CPU time of the runs), and the bytes that
 * the engine holds in the end, with the number of blocks. RUNS 0 feeds once and measures neither, for callgrind:
 *
 *   valgrind --tool=callgrind --collect-atstart=no --toggle-collect='bench_feed*' engine_bench FILE.pcap 0
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "input/tl_parse.h"
#include "tl.h"

enum {
    FILE_HEADER = 24, /* bytes, here and below */
    RECORD_HEADER = 16,
    ETHERNET = 14,
    IPV4 = 20,
    IPV6 = 40,
    ADDRESS_MAX = 16,
    PROTOCOL_TCP = 6,
    RUNS = 7,
    RUNS_MAX = 1000,
};

/* Two addresses and ports, the lower one first. */
struct key {
    uint8_t address[2][ADDRESS_MAX];
    uint16_t port[2];
};

/* What is known of one pair. */
struct entry {
    struct key key;
    uint32_t segments; /* kept so far */
    struct tl_pair *pair;
};

/* The capture, read. */
struct input {
    struct tl_segment *segments;
    uint32_t *pairs; /* index into entries, for each segment */
    size_t count, room;
    struct entry *entries;
    size_t entry_count;
    uint32_t *slots; /* open addressing: index into entries + 1, or 0 */
    size_t slot_count;
};

static void fail(const char *what)
{
    fprintf(stderr, "engine_bench: %s\n", what);
    exit(1);
}

static void *must(void *memory)
{
    if (!memory)
        fail("out of memory");
    return memory;
}

/* ---- reading ------------------------------------------------------------------------------------------------------------ */

static uint8_t *read_file(const char *name, size_t *size)
{
    FILE *file = fopen(name, "rb");
    uint8_t *bytes;
    long length;

    if (!file || fseek(file, 0, SEEK_END) != 0 || (length = ftell(file)) < FILE_HEADER) {
        fprintf(stderr, "engine_bench: %s: %s\n", name, file ? "no capture" : strerror(errno));
        exit(1);
    }
    rewind(file);
    *size = (size_t)length;
    bytes = must(malloc(*size));
    if (fread(bytes, 1, *size, file) != *size)
        fail("cannot read the whole file");
    fclose(file);
    return bytes;
}

static uint32_t hash(const struct key *key)
{
    const uint8_t *bytes = (const uint8_t *)key;
    uint32_t value = 2166136261u; /* FNV-1a */

    for (size_t i = 0; i < sizeof *key; i++)
        value = (value ^ bytes[i]) * 16777619u;
    return value ^ value >> 15;
}

/* Index of the pair with this key, a new one if there is none. */
static uint32_t find_pair(struct input *input, const struct key *key)
{
    size_t at = hash(key) & (input->slot_count - 1);

    for (; input->slots[at] != 0; at = (at + 1) & (input->slot_count - 1)) {
        if (memcmp(&input->entries[input->slots[at] - 1].key, key, sizeof *key) == 0)
            return input->slots[at] - 1;
    }
    input->entries[input->entry_count] = (struct entry){.key = *key};
    input->slots[at] = (uint32_t)++input->entry_count;
    return input->slots[at] - 1;
}

/* The key of a packet, and which end sent it. `address` points at the source, the destination follows. */
static unsigned make_key(struct key *key, const uint8_t *address, size_t size, const uint8_t *ports)
{
    int order = memcmp(address, address + size, size);
    unsigned from = order > 0 || (order == 0 && tl_get16(ports) > tl_get16(ports + 2));

    memset(key, 0, sizeof *key);
    memcpy(key->address[from], address, size);
    memcpy(key->address[!from], address + size, size);
    key->port[from] = tl_get16(ports);
    key->port[!from] = tl_get16(ports + 2);
    return from;
}

/* Keeps the segment in one captured frame, unless it is none, or its pair has `cut` already. */
static void read_frame(struct input *input, const uint8_t *frame, size_t captured, uint32_t cut, struct tl_segment *segment)
{
    bool ipv6 = captured > ETHERNET && frame[ETHERNET] >> 4 == 6;
    size_t header = ipv6 ? IPV6 : IPV4;
    const uint8_t *ip = frame + ETHERNET, *tcp = ip + header;
    size_t reported;
    struct key key;
    uint32_t pair;

    if (captured < ETHERNET + header + TL_HEADER_NEEDED || ip[ipv6 ? 6 : 9] != PROTOCOL_TCP)
        return;
    reported = ipv6 ? tl_get16(ip + 4) : (size_t)tl_get16(ip + 2) - IPV4;
    captured -= ETHERNET + header;
    if (!tl_parse_header(tcp, captured < reported ? captured : reported, reported, segment))
        return;
    segment->ipv6 = ipv6;
    segment->ttl = ip[ipv6 ? 7 : 8];
    segment->ip_id = ipv6 ? 0 : tl_get16(ip + 4);
    segment->from = (uint8_t)make_key(&key, ip + (ipv6 ? 8 : 12), ipv6 ? 16 : 4, tcp);
    pair = find_pair(input, &key);
    if (input->entries[pair].segments >= cut)
        return;
    input->entries[pair].segments++;
    input->pairs[input->count] = pair;
    input->segments[input->count++] = *segment;
}

/* Room for as many segments as there are frames. */
static void make_room(struct input *input, const uint8_t *bytes, size_t size)
{
    uint32_t record[4];

    for (size_t at = FILE_HEADER; at + RECORD_HEADER <= size; at += RECORD_HEADER + record[2]) {
        memcpy(record, bytes + at, sizeof record);
        input->room++;
    }
    input->segments = must(calloc(input->room + 1, sizeof *input->segments));
    input->pairs = must(calloc(input->room + 1, sizeof *input->pairs));
    input->entries = must(calloc(input->room + 1, sizeof *input->entries));
    for (input->slot_count = 16; input->slot_count < 2 * input->room; input->slot_count *= 2)
        ;
    input->slots = must(calloc(input->slot_count, sizeof *input->slots));
}

static void read_capture(struct input *input, const char *name, uint32_t cut)
{
    size_t size;
    uint8_t *bytes = read_file(name, &size);
    uint32_t record[4], frame = 0;

    make_room(input, bytes, size);
    for (size_t at = FILE_HEADER; at + RECORD_HEADER <= size; at += RECORD_HEADER + record[2]) {
        struct tl_segment segment = {.frame = ++frame};

        memcpy(record, bytes + at, sizeof record);
        if (record[2] > size - at - RECORD_HEADER)
            fail("the capture ends in the middle of a frame");
        segment.time_ns = record[0] * INT64_C(1000000000) + record[1] * INT64_C(1000);
        read_frame(input, bytes + at + RECORD_HEADER, record[2], cut, &segment);
    }
    free(bytes);
    if (input->count == 0)
        fail("no TCP segment in the capture");
}

/* ---- memory ------------------------------------------------------------------------------------------------------------- */

/* What the engine holds at a moment. */
struct held {
    size_t bytes, blocks;
};

static void *counted_alloc(void *context, size_t bytes)
{
    struct held *held = context;
    void *memory = calloc(1, bytes);

    if (!memory)
        return NULL;
    held->bytes += bytes;
    held->blocks++;
    return memory;
}

static void counted_free(void *context, void *memory, size_t bytes)
{
    struct held *held = context;

    if (!memory)
        return;
    held->bytes -= bytes;
    held->blocks--;
    free(memory);
}

static void *plain_alloc(void *context, size_t bytes)
{
    (void)context;
    return calloc(1, bytes);
}

static void plain_free(void *context, void *memory, size_t bytes)
{
    (void)context;
    (void)bytes;
    free(memory);
}

/* ---- feeding ------------------------------------------------------------------------------------------------------------ */

/* All that is measured happens in here: answers for all segments, new pairs included. Its name stands on the command line of
 * callgrind, hence no other form of it. */
__attribute__((noinline)) uint64_t bench_feed(struct input *input, struct tl_tracker *tracker);

uint64_t bench_feed(struct input *input, struct tl_tracker *tracker)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < input->count; i++) {
        struct entry *entry = &input->entries[input->pairs[i]];
        struct tl_result result;

        if (!entry->pair) {
            struct tl_endpoints ends = {.port = {entry->key.port[0], entry->key.port[1]}};

            entry->pair = tl_pair_new(tracker, &ends);
        }
        if (!entry->pair || !tl_pair_update(entry->pair, &input->segments[i], &result))
            fail("out of memory");
        sum += result.shape.phase + result.refs.original_in;
    }
    return sum;
}

/* Feeds once with this allocator. Returns CPU ns; `held`, if not NULL, gets what the engine held in the end. */
static int64_t feed_once(struct input *input, const struct tl_allocator *allocator, struct held *held)
{
    static volatile uint64_t sink; /* so that no compiler finds the answers unused */
    struct timespec start, end;
    struct tl_tracker *tracker = must(tl_tracker_new(allocator));

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &start);
    sink = bench_feed(input, tracker);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
    (void)sink;
    if (held)
        *held = *(struct held *)allocator->context;
    for (size_t i = 0; i < input->entry_count; i++) {
        tl_pair_free(input->entries[i].pair);
        input->entries[i].pair = NULL;
    }
    tl_tracker_free(tracker);
    return (end.tv_sec - start.tv_sec) * INT64_C(1000000000) + end.tv_nsec - start.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

static void measure(struct input *input, unsigned runs)
{
    struct held count = {0}, held;
    const struct tl_allocator plain = {plain_alloc, plain_free, NULL}, counted = {counted_alloc, counted_free, &count};
    int64_t ns[RUNS_MAX];

    feed_once(input, runs == 0 ? &plain : &counted, runs == 0 ? NULL : &held);
    if (runs == 0)
        return;
    for (unsigned i = 0; i < runs; i++)
        ns[i] = feed_once(input, &plain, NULL);
    qsort(ns, runs, sizeof ns[0], by_value);
    printf("segments %zu pairs %zu ns %.1f ns_least %.1f bytes %zu blocks %zu\n", input->count, input->entry_count,
           (double)ns[runs / 2] / (double)input->count, (double)ns[0] / (double)input->count, held.bytes, held.blocks);
}

/* A number of the command line up to `most`, or `otherwise` if it is not given. */
static uint32_t number(const char *text, uint32_t most, uint32_t otherwise)
{
    char *end;
    unsigned long value;

    if (!text)
        return otherwise;
    value = strtoul(text, &end, 10);
    if (*text < '0' || *text > '9' || *end != '\0' || value > most)
        fail("RUNS is a number up to 1000, CUT one up to 4294967295");
    return (uint32_t)value;
}

int main(int argc, char **argv)
{
    struct input input = {0};

    if (argc < 2 || argc > 4) {
        fprintf(stderr, "usage: engine_bench FILE.pcap [RUNS [CUT]]\n");
        return 2;
    }
    read_capture(&input, argv[1], number(argc > 3 ? argv[3] : NULL, UINT32_MAX, UINT32_MAX));
    measure(&input, number(argc > 2 ? argv[2] : NULL, RUNS_MAX, RUNS));
    free(input.segments);
    free(input.pairs);
    free(input.entries);
    free(input.slots);
    return 0;
}
