/* make_seeds.c - the scenarios of tests/cases as inputs of fuzz_engine.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Usage: make_seeds FOLDER FILE.case...
 * Writes FOLDER/NAME for each case, and checks that reading it back gives the segments of the case. Exit status 1 if not.
 */
#include "case_parse.h"
#include "stream.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SEED_BYTES_MAX = 1 << 20 };

static uint8_t seed[SEED_BYTES_MAX];

static struct stream_event event_of(const struct case_event *event)
{
    struct stream_event told = {.kind = event->kind == CASE_ICMP ? STREAM_ICMP : STREAM_SEGMENT, .segment = event->segment};

    told.icmp_type = event->icmp_type;
    told.icmp_code = event->icmp_code;
    told.icmp_mtu = event->icmp_mtu;
    return told;
}

static bool is_event(const struct case_event *event)
{
    return event->kind == CASE_SEGMENT || event->kind == CASE_ICMP;
}

/* Frames count anew, and what stands in members of options that are absent is not told. */
static bool same(struct tl_segment told, const struct tl_segment *read)
{
    told.frame = read->frame;
    return told.time_ns == read->time_ns && told.seq == read->seq && told.ack == read->ack && told.len == read->len &&
           told.flags == read->flags && told.options == read->options && told.window == read->window &&
           told.from == read->from && told.tsval == read->tsval && told.tsecr == read->tsecr &&
           memcmp(told.sack, read->sack, sizeof told.sack) == 0 && told.mss == read->mss &&
           told.window_scale == read->window_scale && told.ip_id == read->ip_id && told.ttl == read->ttl &&
           told.has_octet == read->has_octet && (!read->has_octet || told.first_octet == read->first_octet);
}

static bool reads_back(const struct case_file *file, size_t size)
{
    struct stream stream;

    stream_read(&stream, seed, size);
    for (unsigned i = 0; i < file->count; i++) {
        if (is_event(&file->events[i])) {
            struct stream_event read = stream_next(&stream);

            if (read.kind == STREAM_SEGMENT && !same(file->events[i].segment, &read.segment)) {
                return false;
            }
        }
    }
    return stream.at == size;
}

static bool write_seed(const char *folder, const char *path, size_t size)
{
    char name[4096];
    const char *base = strrchr(path, '/');
    FILE *out;
    bool written;

    snprintf(name, sizeof name, "%s/%s", folder, base ? base + 1 : path);
    out = fopen(name, "wb");
    written = out && fwrite(seed, 1, size, out) == size;
    return (!out || fclose(out) == 0) && written;
}

static bool make_seed(const char *folder, const char *path)
{
    static const struct stream_head head = {.zeek = true};
    struct case_file file;
    struct stream stream;
    bool made = case_read(path, &file);

    stream_write(&stream, seed, sizeof seed, &head);
    for (unsigned i = 0; made && i < file.count; i++) {
        struct stream_event event = event_of(&file.events[i]);

        made = !is_event(&file.events[i]) || stream_put(&stream, &event);
    }
    if (made && !reads_back(&file, stream.at)) {
        fprintf(stderr, "%s: the seed reads back as something else\n", path);
        made = false;
    }
    made = made && write_seed(folder, path, stream.at);
    case_free(&file);
    return made;
}

int main(int argc, char **argv)
{
    unsigned failed = 0;

    if (argc < 3) {
        fprintf(stderr, "usage: make_seeds FOLDER FILE.case...\n");
        return 2;
    }
    for (int i = 2; i < argc; i++) {
        failed += !make_seed(argv[1], argv[i]);
    }
    if (failed > 0) {
        fprintf(stderr, "%u of %d cases could not be made seeds\n", failed, argc - 2);
    }
    return failed > 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
