/* make_capture.c - writes a large capture for benchmarks, the same bytes for the same arguments.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 *   make_capture MIX FRAMES > FILE.pcap
 *
 * The mixes are in README.md. Standard error gets one line that says what the file holds: names and numbers, see struct counts.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frames.h"
#include "mixes.h"

static void open_connection(struct end end[2])
{
    frames_send(&end[0], &end[1], SYN, 0);
    frames_wait(100);
    frames_send(&end[1], &end[0], SYN | ACK, 0);
    frames_wait(100);
    frames_send(&end[0], &end[1], ACK, 0);
    frames_wait(100);
}

/* Ends of the next connection. */
static void next_ends(struct end end[2])
{
    frames_ends(end, (uint32_t)frames_counts()->connections++, false);
}

void mix_bulk(void)
{
    enum { CONNECTIONS = 4, OUTSTANDING = 40 };
    struct end end[CONNECTIONS][2];

    for (unsigned n = 0; n < CONNECTIONS && !frames_full(); n++) {
        next_ends(end[n]);
        open_connection(end[n]);
    }
    for (unsigned round = 0; !frames_full(); round++) {
        for (unsigned n = 0; n < CONNECTIONS; n++) {
            struct end *client = &end[n][0], *server = &end[n][1];

            frames_send(server, client, ACK, MSS_V4);
            frames_wait(50);
            frames_send(server, client, ACK, MSS_V4);
            frames_wait(50);
            if (round < OUTSTANDING / 2)
                continue;
            client->ack = server->seq - OUTSTANDING * MSS_V4;
            client->tsecr = frames_ms() - OUTSTANDING / 2 * CONNECTIONS * 150 / 1000;
            frames_send(client, server, ACK, 0);
            frames_wait(50);
        }
    }
}

static void web_connection(void)
{
    struct end end[2];

    next_ends(end);
    open_connection(end);
    frames_send(&end[0], &end[1], PSH | ACK, 400);
    frames_wait(100);
    frames_send(&end[1], &end[0], ACK, 0);
    frames_wait(100);
    for (int i = 0; i < 4; i++) {
        frames_send(&end[1], &end[0], ACK, MSS_V4);
        frames_wait(100);
        frames_send(&end[0], &end[1], ACK, 0);
        frames_wait(100);
    }
    frames_send(&end[0], &end[1], FIN | ACK, 0);
    frames_wait(100);
    frames_send(&end[1], &end[0], FIN | ACK, 0);
    frames_wait(100);
    frames_send(&end[0], &end[1], ACK, 0);
    frames_wait(100);
}

void mix_web(void)
{
    while (!frames_full())
        web_connection();
}

void mix_scan(void)
{
    struct end end[2];

    while (!frames_full()) {
        next_ends(end);
        frames_send(&end[0], &end[1], SYN, 0);
        frames_wait(100);
        frames_send(&end[1], &end[0], SYN | ACK, 0);
        frames_wait(100);
    }
}

static const struct mix {
    const char *name;
    void (*write)(void);
} mixes[] = {{"bulk", mix_bulk}, {"web", mix_web}, {"lossy", mix_lossy}, {"scan", mix_scan}, {"mixed", mix_mixed}};

static const struct mix *find_mix(const char *name)
{
    for (size_t i = 0; i < sizeof mixes / sizeof mixes[0]; i++) {
        if (strcmp(mixes[i].name, name) == 0)
            return &mixes[i];
    }
    return NULL;
}

int main(int argc, char **argv)
{
    const struct counts *counts = frames_counts();
    const struct mix *mix = argc == 3 ? find_mix(argv[1]) : NULL;
    char *end = NULL;
    uint64_t frames = mix ? strtoull(argv[2], &end, 10) : 0;

    if (frames == 0 || *end != '\0' || argv[2][0] == '-') {
        fprintf(stderr, "usage: make_capture bulk|web|lossy|scan|mixed FRAMES > FILE.pcap\n");
        return 2;
    }
    frames_begin(frames);
    mix->write();
    if (fflush(stdout) != 0 || ferror(stdout)) {
        fprintf(stderr, "make_capture: cannot write the capture\n");
        return 1;
    }
    fprintf(stderr,
            "frames %" PRIu64 " tcp %" PRIu64 " udp %" PRIu64 " connections %" PRIu64 " retransmissions %" PRIu64
            " filled %" PRIu64 " reordered %" PRIu64 " sacks %" PRIu64 "\n",
            counts->frames, counts->tcp, counts->udp, counts->connections, counts->retransmissions, counts->filled,
            counts->reordered, counts->sacks);
    return 0;
}
