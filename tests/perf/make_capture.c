/* make_capture.c - writes a large capture for benchmarks, the same bytes for the same arguments.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 *   make_capture MIX SEGMENTS > FILE.pcap
 *
 * MIX: bulk  four long connections, two segments for each ACK
 *      web   connections of 16 segments: handshake, request, response, three-segment close
 *      scan  half-open connections: SYN and SYN-ACK, never completed
 * IPv4 over Ethernet, timestamps and SACK as Linux sends them, payload not captured (snap length 96).
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIN = 1, SYN = 2, PSH = 8, ACK = 16, MSS = 1448, SNAP = 96, HEADERS = 14 + 20, OPTIONS_SYN = 20, OPTIONS = 12 };

/* One end of one connection. */
struct end {
    uint32_t address, seq, ack, tsecr;
    uint16_t port, ip_id;
};

static int64_t now_us = INT64_C(1700000000000000);
static uint64_t written, wanted;

static void put16(uint8_t *p, unsigned v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
    put16(p, v >> 16);
    put16(p + 2, v & 0xFFFF);
}

static void put_options(uint8_t *p, const struct end *from, bool syn)
{
    static const uint8_t on_syn[] = {2, 4, 5, 180, 4, 2, 8, 10, 0, 0, 0, 0, 0, 0, 0, 0, 1, 3, 3, 7};
    static const uint8_t other[] = {1, 1, 8, 10, 0, 0, 0, 0, 0, 0, 0, 0};

    memcpy(p, syn ? on_syn : other, syn ? sizeof on_syn : sizeof other);
    p += syn ? 8 : 4;
    put32(p, (uint32_t)(now_us / 1000));
    put32(p + 4, from->tsecr);
}

static void write_record(const uint8_t *frame, uint32_t captured, uint32_t length)
{
    uint32_t record[4] = {(uint32_t)(now_us / 1000000), (uint32_t)(now_us % 1000000), captured, length};

    fwrite(record, sizeof record, 1, stdout);
    fwrite(frame, captured, 1, stdout);
    written++;
}

static void send_segment(struct end *from, struct end *to, unsigned flags, uint32_t len)
{
    uint8_t frame[SNAP] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0};
    uint32_t header = 20 + (flags & SYN ? OPTIONS_SYN : OPTIONS), length = HEADERS + header + len;
    uint8_t *ip = frame + 14, *tcp = ip + 20;

    if (written >= wanted) {
        return;
    }
    ip[0] = 0x45;
    put16(ip + 2, length - 14);
    put16(ip + 4, from->ip_id++);
    ip[6] = 0x40;
    ip[8] = 64;
    ip[9] = 6;
    put32(ip + 12, from->address);
    put32(ip + 16, to->address);
    put16(tcp, from->port);
    put16(tcp + 2, to->port);
    put32(tcp + 4, from->seq);
    put32(tcp + 8, flags & ACK ? from->ack : 0);
    tcp[12] = (uint8_t)(header / 4 << 4);
    tcp[13] = (uint8_t)flags;
    put16(tcp + 14, flags & SYN ? 64240 : 501);
    put16(tcp + 16, 0x1234);
    put_options(tcp + 20, from, flags & SYN);
    write_record(frame, length < SNAP ? length : SNAP, length);
    from->seq += len + ((flags & SYN) != 0) + ((flags & FIN) != 0);
    to->ack = from->seq;
    to->tsecr = (uint32_t)(now_us / 1000);
    now_us += 100;
}

static void make_ends(struct end end[2], uint32_t n)
{
    memset(end, 0, 2 * sizeof end[0]);
    end[0] = (struct end){
        .address = 0x0A000000u + n / 50000u, .port = (uint16_t)(10000 + n % 50000u), .seq = n * 2654435761u, .ip_id = 1};
    end[1] = (struct end){.address = 0xC0A80001u, .port = 443, .seq = n * 40503u + 7u, .ip_id = 1};
}

static void open_connection(struct end end[2])
{
    send_segment(&end[0], &end[1], SYN, 0);
    send_segment(&end[1], &end[0], SYN | ACK, 0);
    send_segment(&end[0], &end[1], ACK, 0);
}

static void make_web(uint32_t n)
{
    struct end end[2];
    int i;

    make_ends(end, n);
    open_connection(end);
    send_segment(&end[0], &end[1], PSH | ACK, 400);
    send_segment(&end[1], &end[0], ACK, 0);
    for (i = 0; i < 4; i++) {
        send_segment(&end[1], &end[0], ACK, MSS);
        send_segment(&end[0], &end[1], ACK, 0);
    }
    send_segment(&end[0], &end[1], FIN | ACK, 0);
    send_segment(&end[1], &end[0], FIN | ACK, 0);
    send_segment(&end[0], &end[1], ACK, 0);
}

static void make_scan(uint32_t n)
{
    struct end end[2];

    make_ends(end, n);
    send_segment(&end[0], &end[1], SYN, 0);
    send_segment(&end[1], &end[0], SYN | ACK, 0);
}

static void make_bulk(void)
{
    enum { CONNECTIONS = 4 };
    struct end end[CONNECTIONS][2];
    uint32_t n;

    for (n = 0; n < CONNECTIONS; n++) {
        make_ends(end[n], n);
        open_connection(end[n]);
    }
    while (written < wanted) {
        for (n = 0; n < CONNECTIONS; n++) {
            send_segment(&end[n][1], &end[n][0], ACK, MSS);
            send_segment(&end[n][1], &end[n][0], ACK, MSS);
            send_segment(&end[n][0], &end[n][1], ACK, 0);
        }
    }
}

int main(int argc, char **argv)
{
    uint32_t header[6] = {0xA1B2C3D4u, 2 | 4u << 16, 0, 0, SNAP, 1};
    uint32_t n;

    if (argc != 3 || (wanted = strtoull(argv[2], NULL, 10)) == 0) {
        fprintf(stderr, "usage: make_capture bulk|web|scan SEGMENTS > FILE.pcap\n");
        return 2;
    }
    fwrite(header, sizeof header, 1, stdout);
    if (strcmp(argv[1], "bulk") == 0) {
        make_bulk();
    } else if (strcmp(argv[1], "web") == 0 || strcmp(argv[1], "scan") == 0) {
        for (n = 0; written < wanted; n++) {
            argv[1][0] == 'w' ? make_web(n) : make_scan(n);
        }
    } else {
        fprintf(stderr, "make_capture: unknown mix %s\n", argv[1]);
        return 2;
    }
    return fflush(stdout) == 0 && !ferror(stdout) ? 0 : 1;
}
