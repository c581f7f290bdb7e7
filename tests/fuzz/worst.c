/* worst.c - searches for segments that cost the engine most: steps of its code for each, or bytes that it holds for each.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 *   worst steps|bytes SEED TRIES MOST [FILE.pcap]
 *
 * A try is a plan: a few kinds of segment to begin with, each sent many times, and a cycle of others, sent over and over. The search
 * changes the best plan so far a little, keeps what is worse, and begins anew now and then. A step is an edge of the engine's
 * code, which the compiler has count itself (-fsanitize-coverage=trace-pc), about seven instructions; it is the same on each machine and
 * in each run, so that SEED and TRIES decide the result. Prints the worst plan; with FILE writes what it sends, for tshark. Status 1 if
 * the worst is more than MOST.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tl.h"

enum {
    BEGIN_KINDS = 4, /* kinds of segment before the cycle */
    CYCLE_KINDS = 6, /* and in it */
    KINDS = BEGIN_KINDS + CYCLE_KINDS,
    TIMES_MAX = 2100,      /* segments of a kind before the cycle: somewhat more than the longest record */
    CYCLE_TIMES_MAX = 8,   /* and in each turn of the cycle */
    CYCLE_SEGMENTS = 1200, /* segments in all turns of it; */
    COUNTED = 600,         /* the last of them are counted */
    ANEW = 150,            /* tries without a worse one, until the search begins anew */
    TEXT_MAX = 200,
};

static const int64_t START_NS = INT64_C(1700000000000000000);
static const int64_t GAPS_NS[] = {0, 1000, 1000000, 50000000, 250000000, 1000000000, 75000000000};
static const uint8_t FLAGS[] = {TL_ACK, TL_ACK | TL_PSH, TL_SYN,          TL_SYN | TL_ACK,
                                TL_RST, TL_RST | TL_ACK, TL_FIN | TL_ACK, TL_FIN};
static const uint32_t LENGTHS[] = {0, 1, 1, 2, 40, 536, 1448, 2040, 20000, 65495};
static const uint32_t STRIDES[] = {0, 1, 2, 3, 4, 40, 536, 1448, 2896, 0x20000000, 0x40000001};

#define COUNT(table) (sizeof(table) / sizeof *(table))

/* One kind of segment. Numbers are distances from where its sender's, or its peer's, numbers begin; each next one of the kind stands a
 * stride further, turning back after `turn` of them. */
struct kind {
    uint8_t from, flags, gap, ident, sacks;
    uint8_t timestamps, goes_on; /* goes_on: sequence numbers follow what the sender sent last */
    uint16_t times, turn;
    uint32_t seq, stride, len;
    uint32_t ack, ack_stride;
    uint32_t sack[TL_SACK_BLOCKS_MAX][2], sack_stride;
};

struct plan {
    struct kind kind[KINDS];
    uint8_t handshake; /* it begins with one */
};

/* What a plan costs, and what has been sent of it. */
struct trial {
    struct tl_allocator allocator;
    struct tl_tracker *tracker;
    struct tl_pair *pair;
    FILE *out;
    size_t bytes;
    uint32_t sent, next[2], counts[KINDS];
    int64_t time_ns;
    uint64_t steps, counted;
};

static uint64_t steps;      /* of the engine so far */
static uint64_t randomness; /* state of the generator */

void __sanitizer_cov_trace_pc(void);

void __sanitizer_cov_trace_pc(void)
{
    steps++;
}

/* xorshift64*, Vigna 2016. */
static uint32_t any(uint32_t below)
{
    randomness ^= randomness >> 12;
    randomness ^= randomness << 25;
    randomness ^= randomness >> 27;
    return (uint32_t)((randomness * UINT64_C(2685821657736338717)) >> 33) % below;
}

static void *take(void *context, size_t bytes)
{
    ((struct trial *)context)->bytes += bytes;
    return calloc(1, bytes);
}

static void give(void *context, void *memory, size_t bytes)
{
    ((struct trial *)context)->bytes -= memory ? bytes : 0;
    free(memory);
}

/* ---- sending ------------------------------------------------------------------------------------------------------------- */

static uint8_t *put(uint8_t *to, uint32_t value, unsigned bytes)
{
    while (bytes-- > 0)
        *to++ = (uint8_t)(value >> 8 * bytes);
    return to;
}

static uint8_t *put_options(uint8_t *to, const struct tl_segment *seg)
{
    if (seg->options & TL_OPT_TIMESTAMPS) {
        to = put(put(to, 0x0101080A, 4), seg->tsval, 4);
        to = put(to, seg->tsecr, 4);
    }
    if (seg->sack_count > 0)
        to = put(to, 0x01010500u | (2u + 8u * seg->sack_count), 4);
    for (unsigned i = 0; i < seg->sack_count; i++)
        to = put(put(to, seg->sack[i][0], 4), seg->sack[i][1], 4);
    return to;
}

/* Appends the segment to the capture, without its payload. */
static void write_frame(FILE *out, const struct tl_segment *seg)
{
    uint8_t frame[160] = {2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0}, *ip = frame + 14, *tcp = ip + 20,
            *end = put_options(tcp + 20, seg);
    uint32_t size = (uint32_t)(end - frame), header = (uint32_t)(end - tcp);
    uint32_t record[4] = {(uint32_t)(seg->time_ns / 1000000000), (uint32_t)(seg->time_ns % 1000000000 / 1000), size,
                          size + seg->len};

    put(put(put(put(ip, 0x4500, 2), 20 + header + seg->len, 2), seg->ip_id, 2), 0x4000, 2);
    put(put(put(put(ip + 8, 0x4006, 2), 0, 2), 0xC6336401u + seg->from, 4), 0xC6336402u - seg->from, 4);
    put(put(tcp, seg->from ? 5001 : 4000, 2), seg->from ? 4000 : 5001, 2);
    put(put(put(tcp + 4, seg->seq, 4), seg->ack, 4), header / 4 << 12 | seg->flags, 2);
    put(tcp + 14, seg->window, 2);
    fwrite(record, sizeof record, 1, out);
    fwrite(frame, size, 1, out);
}

static void send(struct trial *trial, struct tl_segment *seg)
{
    struct tl_result result;
    uint64_t before = steps;

    seg->frame = ++trial->sent;
    seg->window = UINT16_MAX;
    seg->ttl = 64;
    seg->checksum = 0;
    if (!tl_pair_update(trial->pair, seg, &result))
        exit(1);
    trial->counted = steps - before;
    trial->next[seg->from] = seg->seq + seg->len + !!(seg->flags & TL_SYN);
    if (trial->out)
        write_frame(trial->out, seg);
}

/* The next segment of a kind. */
static void send_kind(struct trial *trial, const struct kind *kind, unsigned number)
{
    uint32_t n = trial->counts[number]++, i = kind->turn > 0 ? n % kind->turn : n;
    struct tl_segment seg = {.from = kind->from, .flags = kind->flags, .len = kind->flags & TL_RST ? 0 : kind->len};

    trial->time_ns += GAPS_NS[kind->gap];
    seg.time_ns = trial->time_ns;
    seg.seq = kind->goes_on ? trial->next[kind->from] : kind->seq + i * kind->stride;
    seg.ack = kind->flags & TL_ACK ? kind->ack + i * kind->ack_stride : 0;
    seg.ip_id = (uint16_t)(kind->ident ? kind->ident + (kind->ident > 1 ? trial->sent : 0) : 0);
    if (kind->timestamps) {
        seg.options = TL_OPT_TIMESTAMPS;
        seg.tsval = kind->timestamps > 1 ? (uint32_t)(trial->time_ns / 1000000) : 1;
        seg.tsecr = kind->timestamps > 2 ? trial->sent : 1;
    }
    if (kind->sacks > 0 && (kind->flags & TL_ACK)) {
        seg.options |= TL_OPT_SACK;
        seg.sack_count = kind->timestamps && kind->sacks > 3 ? 3 : kind->sacks;
        for (unsigned k = 0; k < seg.sack_count; k++) {
            seg.sack[k][0] = kind->sack[k][0] + i * kind->sack_stride;
            seg.sack[k][1] = seg.sack[k][0] + kind->sack[k][1];
        }
    }
    send(trial, &seg);
}

static void shake_hands(struct trial *trial)
{
    static const uint8_t flags[] = {TL_SYN, TL_SYN | TL_ACK, TL_ACK};

    for (unsigned i = 0; i < COUNT(flags); i++) {
        struct tl_segment seg = {
            .flags = flags[i], .from = i == 1, .seq = i < 2 ? 0 : 1, .ack = i > 0, .ip_id = (uint16_t)(i + 1)};

        trial->time_ns += 20000000;
        seg.time_ns = trial->time_ns;
        if (i < 2) {
            seg.options = TL_OPT_SACK_PERMITTED;
        }
        send(trial, &seg);
    }
}

static void run_cycle(struct trial *trial, const struct plan *plan)
{
    for (unsigned done = 0; done < CYCLE_SEGMENTS;) {
        unsigned begun = done;

        for (unsigned k = BEGIN_KINDS; k < KINDS; k++) {
            for (unsigned i = 0; i < plan->kind[k].times; i++, done++) {
                send_kind(trial, &plan->kind[k], k);
                trial->steps += done >= CYCLE_SEGMENTS - COUNTED ? trial->counted : 0;
            }
        }
        if (done == begun)
            return;
    }
}

/* Carries out a plan. Returns steps for each counted segment, or bytes held in the end for each segment. */
static double try(const struct plan *plan, bool by_steps, FILE *out)
{
    struct trial trial = {.time_ns = START_NS, .out = out};
    const struct tl_endpoints ends = {.port = {4000, 5001}};
    double cost;

    trial.allocator = (struct tl_allocator){take, give, &trial};
    trial.tracker = tl_tracker_new(&trial.allocator);
    trial.pair = tl_pair_new(trial.tracker, &ends);
    trial.bytes = 0;
    if (plan->handshake)
        shake_hands(&trial);
    for (unsigned k = 0; k < BEGIN_KINDS; k++) {
        for (unsigned i = 0; i < plan->kind[k].times; i++)
            send_kind(&trial, &plan->kind[k], k);
    }
    run_cycle(&trial, plan);
    cost = by_steps ? (double)trial.steps / COUNTED : (double)trial.bytes / (trial.sent + 1);
    tl_pair_free(trial.pair);
    tl_tracker_free(trial.tracker);
    return cost;
}

/* ---- searching ----------------------------------------------------------------------------------------------------------- */

static uint32_t some_number(void)
{
    return 1 + any(4) * STRIDES[any(COUNT(STRIDES))] + any(3000) * any(2) * STRIDES[any(8)];
}

static void draw(struct kind *kind, bool cycles)
{
    *kind = (struct kind){
        .from = (uint8_t)any(2),
        .flags = FLAGS[any(4) > 0 ? any(2) : any(COUNT(FLAGS))],
        .gap = (uint8_t)any(any(2) ? 3 : COUNT(GAPS_NS)),
        .ident = (uint8_t)any(3),
        .sacks = (uint8_t)(any(2) ? any(TL_SACK_BLOCKS_MAX + 1) : 0),
        .timestamps = (uint8_t)any(4),
        .goes_on = any(3) == 0,
        .times = (uint16_t)(cycles ? any(CYCLE_TIMES_MAX) : any(2) * any(TIMES_MAX)),
        .turn = (uint16_t)(any(2) * any(TIMES_MAX)),
        .seq = some_number(),
        .stride = STRIDES[any(COUNT(STRIDES))],
        .len = LENGTHS[any(COUNT(LENGTHS))],
        .ack = some_number(),
        .ack_stride = any(2) ? 0 : STRIDES[any(COUNT(STRIDES))],
        .sack_stride = any(2) ? 0 : STRIDES[any(COUNT(STRIDES))],
    };
    for (unsigned k = 0; k < TL_SACK_BLOCKS_MAX; k++) {
        kind->sack[k][0] = some_number();
        kind->sack[k][1] = some_number();
    }
}

static void draw_plan(struct plan *plan)
{
    memset(plan, 0, sizeof *plan);
    plan->handshake = any(4) > 0;
    for (unsigned k = 0; k < KINDS; k++) {
        if (k == 0 || k == BEGIN_KINDS || any(2))
            draw(&plan->kind[k], k >= BEGIN_KINDS);
    }
    plan->kind[BEGIN_KINDS].times |= 1;
}

/* Changes one thing of one kind: the same thing of a kind just drawn, or all of it. */
static void change(struct plan *plan)
{
    unsigned k = any(KINDS);
    struct kind *kind = &plan->kind[k], other;

    draw(&other, k >= BEGIN_KINDS);
    switch (any(12)) {
    case 0:
        *kind = other;
        break;
    case 1:
        kind->from = other.from, kind->flags = other.flags;
        break;
    case 2:
        kind->gap = other.gap;
        break;
    case 3:
        kind->ident = other.ident;
        break;
    case 4:
        kind->sacks = other.sacks, kind->sack_stride = other.sack_stride;
        break;
    case 5:
        kind->timestamps = other.timestamps;
        break;
    case 6:
        kind->times = other.times;
        break;
    case 7:
        kind->turn = other.turn, kind->goes_on = other.goes_on;
        break;
    case 8:
        kind->seq = other.seq, kind->stride = other.stride;
        break;
    case 9:
        kind->len = other.len;
        break;
    case 10:
        kind->ack = other.ack, kind->ack_stride = other.ack_stride;
        break;
    default:
        memcpy(kind->sack, other.sack, sizeof kind->sack);
        break;
    }
}

static void print(const struct plan *plan)
{
    printf("handshake %u\n", plan->handshake);
    for (unsigned k = 0; k < KINDS; k++) {
        const struct kind *kind = &plan->kind[k];

        if (kind->times == 0)
            continue;
        printf("%s: %u times from %u flags %02x seq %u+%u%s turn %u len %u ack %u+%u gap %lld ns id %u ts %u",
               k < BEGIN_KINDS ? "begin" : "cycle", kind->times, kind->from, kind->flags, kind->seq, kind->stride,
               kind->goes_on ? " (goes on)" : "", kind->turn, kind->len, kind->ack, kind->ack_stride,
               (long long)GAPS_NS[kind->gap], kind->ident, kind->timestamps);
        for (unsigned i = 0; i < kind->sacks; i++)
            printf(" sack %u:%u", kind->sack[i][0], kind->sack[i][1]);
        printf(kind->sacks > 0 ? " +%u\n" : "\n", kind->sack_stride);
    }
}

/* The worst plan of so many tries. */
static double search(struct plan *worst, bool by_steps, unsigned long tries)
{
    struct plan base, next;
    double cost_of_base = -1, cost_of_worst = -1;
    unsigned idle = 0;

    while (tries-- > 0) {
        double cost;

        next = base;
        if (cost_of_base < 0 || idle > ANEW) {
            draw_plan(&next);
            cost_of_base = -1;
            idle = 0;
        } else {
            for (unsigned changes = 1 + any(3); changes > 0; changes--)
                change(&next);
        }
        cost = try(&next, by_steps, NULL);
        idle++;
        if (cost > cost_of_base) {
            base = next;
            cost_of_base = cost;
            idle = 0;
        }
        if (cost > cost_of_worst) {
            *worst = next;
            cost_of_worst = cost;
        }
    }
    return cost_of_worst;
}

int main(int argc, char **argv)
{
    static const uint32_t header[6] = {0xA1B2C3D4, 4 << 16 | 2, 0, 0, 262144, 1};
    struct plan worst;
    double cost;
    bool by_steps;

    if (argc < 5 || argc > 6 || (strcmp(argv[1], "steps") != 0 && strcmp(argv[1], "bytes") != 0)) {
        fprintf(stderr, "usage: worst steps|bytes SEED TRIES MOST [FILE.pcap]\n");
        return 2;
    }
    by_steps = argv[1][0] == 's';
    randomness = strtoul(argv[2], NULL, 10) * UINT64_C(0x9E3779B97F4A7C15) + 1;
    cost = search(&worst, by_steps, strtoul(argv[3], NULL, 10));
    if (argc > 5) {
        FILE *out = fopen(argv[5], "wb");

        if (!out)
            return 2;
        fwrite(header, sizeof header, 1, out);
        try(&worst, by_steps, out);
        fclose(out);
    }
    print(&worst);
    printf("worst: %.0f %s for each segment\n", cost, argv[1]);
    return cost > strtod(argv[4], NULL);
}
