/* test_fast_path.c - the fast path of ordinary segments against the full path: two trackers get the same conversations, one of them
 * takes all segments through all rules. Each verdict and all that is kept of the connection must be equal. The conversations are
 * random, but mostly such as TCP makes them: data in order, ACKs, and now and then anything that ends the calm.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "tl_test.h"

#include <string.h>

#include "conn/tl_conn.h"
#include "rules/tl_path_mtu.h"
#include "rules/tl_rexmit.h"
#include "update/tl_fast_path.h"
#include "views/tl_zeek_view.h"

enum { SEEDS = 960, SEGMENTS = 200, FAR = 1 << 28 /* from the numbers of a connection to those of another one */ };

/* A conversation as both trackers hear it. `next` and `acked` are raw numbers of each end. */
struct talk {
    struct tl_test_memory memory[2];
    struct tl_tracker *tracker[2];
    struct tl_pair *pair[2];
    uint32_t random, frame;
    uint32_t next[2], acked[2], tsval[2];
    uint16_t id[2];
    int64_t now_ns;
    bool timestamps, ids;
    bool steady; /* no window closes by chance */
    struct tl_result result[2];
    unsigned ordinary;
};

static bool chance(struct talk *t, unsigned percent)
{
    return tl_test_below(&t->random, 100) < percent;
}

/* ---- what is kept of a connection --------------------------------------------------------------------------------------- */

static void assert_same_sent(const struct tl_scoreboard *a, const struct tl_scoreboard *b)
{
    assert_int_equal(a->una, b->una);
    assert_int_equal(a->floor, b->floor);
    assert_int_equal(a->max, b->max);
    assert_int_equal(a->whole, b->whole);
    assert_int_equal(a->aged, b->aged);
    assert_int_equal(a->anchored, b->anchored);
    assert_int_equal(a->count, b->count);
    assert_int_equal(a->opener_count, b->opener_count);
    for (unsigned i = 0; i < a->count; i++) {
        assert_memory_equal(tl_scoreboard_at(a, i), tl_scoreboard_at(b, i), sizeof(struct tl_scoreboard_entry));
    }
    assert_int_equal(a->acked_count, b->acked_count);
    for (unsigned i = 0; i < a->acked_count; i++) {
        assert_memory_equal(tl_scoreboard_acked_at(a, i), tl_scoreboard_acked_at(b, i), sizeof(struct tl_scoreboard_entry));
    }
}

static void assert_same_recent(const struct tl_recent *a, const struct tl_recent *b)
{
    assert_int_equal(a->highest_tsval, b->highest_tsval);
    assert_int_equal(a->has_tsval, b->has_tsval);
    assert_int_equal(a->count, b->count);
    for (unsigned i = 0; i < a->count; i++) {
        assert_memory_equal(tl_recent_at(a, i), tl_recent_at(b, i), sizeof(struct tl_recent_entry));
    }
}

static void assert_same_repair(const struct tl_repair *a, const struct tl_repair *b)
{
    struct tl_repair one, other;

    assert_int_equal(a == NULL, b == NULL);
    if (!a) {
        return;
    }
    memcpy(&one, a, sizeof one);
    memcpy(&other, b, sizeof other);
    for (unsigned i = 0; i < a->feedback.count; i++) {
        const struct tl_report *x = &a->feedback.reports[i], *y = &b->feedback.reports[i];

        assert_memory_equal(x, y, offsetof(struct tl_report, duplicates));
        assert_int_equal(x->duplicates, y->duplicates);
        assert_int_equal(x->has_tsval, y->has_tsval);
    }
    assert_memory_equal(a->feedback.ranges, b->feedback.ranges, a->feedback.range_count * sizeof *a->feedback.ranges);
    assert_memory_equal(a->resends, b->resends, a->resend_count * sizeof(struct tl_resend));
    one.allocator = other.allocator = one.feedback.allocator = other.feedback.allocator = NULL;
    one.resends = other.resends = NULL;
    one.feedback.reports = other.feedback.reports = NULL;
    one.feedback.ranges = other.feedback.ranges = NULL;
    assert_memory_equal(&one, &other, sizeof one);
}

/* The parts that only some connections have. An end that differs in having one differs, too. */
static void assert_same_parts(const struct tl_endpoint *a, const struct tl_endpoint *b)
{
    assert_int_equal(a->syns == NULL, b->syns == NULL);
    assert_int_equal(a->synacks == NULL, b->synacks == NULL);
    assert_int_equal(a->probes == NULL, b->probes == NULL);
    assert_int_equal(a->rsts == NULL, b->rsts == NULL);
    assert_int_equal(a->sent == NULL, b->sent == NULL);
    assert_memory_equal(tl_syns(a), tl_syns(b), sizeof *a->syns);
    assert_memory_equal(tl_synacks(a), tl_synacks(b), sizeof *a->synacks);
    assert_memory_equal(tl_probes(a), tl_probes(b), sizeof *a->probes);
    assert_memory_equal(tl_rsts(a), tl_rsts(b), sizeof *a->rsts);
    assert_int_equal(a->mtu_seen == NULL, b->mtu_seen == NULL);
    assert_memory_equal(a->mtu_seen, b->mtu_seen, a->mtu_seen ? sizeof *a->mtu_seen : 0);
}

static void forget_parts(struct tl_endpoint *end)
{
    end->syns = end->synacks = NULL;
    end->probes = NULL;
    end->rsts = NULL;
    end->sent = NULL;
    end->repair = NULL;
    end->mtu_seen = NULL;
}

/* Everything but the places of memory. */
static void assert_same_conn(const struct tl_conn *a, const struct tl_conn *b)
{
    struct tl_zeek zeek_a, zeek_b;
    struct tl_conn one, other;
    bool followed = tl_zeek_view_get(a, &zeek_a);

    memcpy(&one, a, sizeof one);
    memcpy(&other, b, sizeof other);
    assert_int_equal(tl_zeek_view_get(b, &zeek_b), followed);
    assert_memory_equal(&zeek_a, &zeek_b, followed ? sizeof zeek_a : 0);
    for (unsigned i = 0; i < 2; i++) {
        assert_same_sent(tl_scoreboard_of(&a->endpoint[i]), tl_scoreboard_of(&b->endpoint[i]));
        assert_same_recent(&a->endpoint[i].recent, &b->endpoint[i].recent);
        assert_same_repair(a->endpoint[i].repair, b->endpoint[i].repair);
        memset(&one.endpoint[i].recent, 0, sizeof one.endpoint[i].recent);
        memset(&other.endpoint[i].recent, 0, sizeof other.endpoint[i].recent);
        assert_same_parts(&a->endpoint[i], &b->endpoint[i]);
        forget_parts(&one.endpoint[i]);
        forget_parts(&other.endpoint[i]);
    }
    one.pair = other.pair = NULL;
    one.previous = other.previous = one.next = other.next = NULL;
    one.zeek = other.zeek = NULL;
    one.zeek_in_step = other.zeek_in_step = one.zeek_lags = other.zeek_lags = false; /* compared as the view */
    assert_memory_equal(&one, &other, sizeof one);
}

/* ---- conversations ------------------------------------------------------------------------------------------------------ */

static void say(struct talk *t, struct tl_segment segment)
{
    segment.frame = ++t->frame;
    segment.time_ns = t->now_ns;
    segment.window = segment.window == 0 ? 1000 : segment.window;
    if (t->timestamps && !(segment.flags & TL_RST)) {
        segment.options |= TL_OPT_TIMESTAMPS;
        segment.tsval = t->tsval[segment.from] + (uint32_t)(t->now_ns / T_MS);
        segment.tsecr = t->tsval[1 - segment.from] + (uint32_t)(t->now_ns / T_MS) - tl_test_below(&t->random, 30);
    }
    if (t->ids) {
        t->id[segment.from] = (uint16_t)(t->id[segment.from] + 1 + (chance(t, 3) ? tl_test_below(&t->random, 9) : 0));
        segment.ip_id = t->id[segment.from];
    }
    if (!t->steady && chance(t, 1)) {
        segment.window = UINT16_MAX; /* stands for a closed one */
    }
    segment.window = segment.window == UINT16_MAX ? 0 : segment.window;
    for (unsigned i = 0; i < 2; i++) {
        memset(&t->result[i], 0, sizeof t->result[i]);
        assert_true(tl_pair_update(t->pair[i], &segment, &t->result[i]));
    }
    if (t->result[0].fast_path) {
        static const struct tl_refs none;

        t->ordinary++;
        assert_memory_equal(&t->result[0].refs, &none, sizeof none);
    }
    assert_false(t->result[1].fast_path);
    assert_memory_equal(&t->result[0].shape, &t->result[1].shape, sizeof t->result[0].shape);
    assert_memory_equal(&t->result[0].refs, &t->result[1].refs, sizeof t->result[0].refs);
    assert_same_conn(t->result[0].conn, t->result[1].conn);
}

static void handshake(struct talk *t, bool scales, bool ack_captured)
{
    const uint16_t options = TL_OPT_MSS | TL_OPT_SACK_PERMITTED | (scales ? TL_OPT_WINDOW_SCALE : 0);

    say(t, (struct tl_segment){.flags = TL_SYN, .seq = t->next[0]++, .options = options, .mss = 1460, .window_scale = 7});
    t->now_ns += 10 * T_MS;
    say(t, (struct tl_segment){.flags = TL_SYN | TL_ACK,
                               .from = 1,
                               .seq = t->next[1]++,
                               .ack = t->next[0],
                               .options = options,
                               .mss = 1460,
                               .window_scale = 2});
    t->now_ns += 10 * T_MS;
    if (ack_captured) {
        say(t, (struct tl_segment){.flags = TL_ACK, .seq = t->next[0], .ack = t->next[1]});
    }
    t->acked[0] = t->next[0];
    t->acked[1] = t->next[1];
}

/* Something that ends the calm, or nearly. */
static void disturb(struct talk *t, struct tl_segment *segment)
{
    switch (tl_test_below(&t->random, 13)) {
    case 0: /* bytes again */
        segment->seq -= 1 + tl_test_below(&t->random, 3000);
        break;
    case 1: /* bytes lost */
        segment->seq += 1 + tl_test_below(&t->random, 3000);
        break;
    case 2:
        segment->sack_count = 1;
        segment->options |= TL_OPT_SACK;
        segment->sack[0][0] = segment->ack + 1000;
        segment->sack[0][1] = segment->ack + 2000;
        break;
    case 3: /* a probe */
        segment->len = tl_test_below(&t->random, 2);
        segment->seq--;
        t->now_ns += T_SECOND;
        break;
    case 4:
        segment->ack += tl_test_below(&t->random, 5000);
        break;
    case 5:
        segment->ack -= tl_test_below(&t->random, 5000);
        break;
    case 6: /* fills the window to the last octet */
        segment->len = 1000;
        t->now_ns += T_SECOND;
        break;
    case 7:
        t->now_ns -= tl_test_below(&t->random, 3) * T_MS;
        break;
    case 8:
        segment->flags |= chance(t, 10) ? TL_FIN : TL_PSH;
        break;
    case 9: /* a RST, one that ends nothing, too */
        segment->flags = (uint8_t)(chance(t, 20) ? TL_RST : TL_ACK);
        segment->seq -= segment->flags == TL_RST && chance(t, 50) ? 5000 : 0;
        break;
    case 10:
        segment->flags |= (uint8_t)(chance(t, 10) ? TL_SYN : 0);
        segment->flags = chance(t, 10) ? TL_SYN : segment->flags;
        break;
    case 11: /* of another connection */
        segment->seq += FAR;
        break;
    default:
        segment->options |= TL_OPT_MPTCP;
        break;
    }
}

static void go_on(struct talk *t)
{
    unsigned from = tl_test_below(&t->random, 2);
    struct tl_segment segment = {.flags = TL_ACK, .from = (uint8_t)from, .seq = t->next[from], .ack = t->acked[from ^ 1]};

    t->now_ns += chance(t, 90) ? tl_test_below(&t->random, 2000) * 1000 : tl_test_below(&t->random, 400) * T_MS;
    if (chance(t, 60)) {
        segment.len = chance(t, 50) ? 1448 : 1 + tl_test_below(&t->random, 3000);
    }
    if (chance(t, 60)) {
        segment.ack = t->next[1 - from] - (chance(t, 10) ? tl_test_below(&t->random, 2000) : 0);
    }
    if (chance(t, 6)) {
        disturb(t, &segment);
    }
    say(t, segment);
    if (tl_seq_after(segment.seq + segment.len, t->next[from]) && segment.seq - t->next[from] < FAR) {
        t->next[from] = segment.seq + segment.len;
    }
    if (tl_seq_after(segment.ack, t->acked[1 - from]) && !tl_seq_after(segment.ack, t->next[1 - from])) {
        t->acked[1 - from] = segment.ack;
    }
}

static void begin_talk(struct talk *t, bool views_zeek)
{
    const struct tl_endpoints ends = {.port = {40000, 80}, .is_service = {false, true}};

    t->now_ns = 1700000000 * T_SECOND;
    t->tsval[0] = 5;
    t->tsval[1] = UINT32_MAX - 100;
    for (unsigned i = 0; i < 2; i++) {
        tl_test_memory_init(&t->memory[i]);
        t->tracker[i] = tl_tracker_new(&t->memory[i].allocator);
        tl_tracker_view_zeek(t->tracker[i], views_zeek);
        t->tracker[i]->no_fast_path = i == 1;
        t->pair[i] = tl_pair_new(t->tracker[i], &ends);
        t->next[i] = t->acked[i] = 1000000 * (i + 1);
    }
}

static void end_talk(struct talk *t)
{
    for (unsigned i = 0; i < 2; i++) {
        tl_pair_free(t->pair[i]);
        tl_tracker_free(t->tracker[i]);
        assert_int_equal(t->memory[i].live, 0);
    }
}

/* ---- what each condition is for ---------------------------------------------------------------------------------------------- */

/* Starts a conversation in which nothing happens by chance. */
static void begin_steady(struct talk *t)
{
    *t = (struct talk){.random = 1, .steady = true};
    begin_talk(t, false);
}

/* The next octets of an end, which acknowledges everything, 1 ms later. */
static void next_data(struct talk *t, unsigned from, uint32_t len)
{
    t->now_ns += T_MS;
    say(t, (struct tl_segment){
               .flags = TL_ACK, .from = (uint8_t)from, .seq = t->next[from], .ack = t->next[1 - from], .len = len});
    t->next[from] += len;
}

/* Both ends send in turn; each segment is compared as always. */
static void both_send(struct talk *t)
{
    for (unsigned i = 0; i < 6; i++) {
        next_data(t, i & 1, 100);
    }
}

/* The same, and at last without the rules. */
static void both_send_quietly(struct talk *t)
{
    both_send(t);
    assert_true(t->result[0].fast_path);
}

static void open_quietly(struct talk *t)
{
    begin_steady(t);
    handshake(t, true, true);
    both_send_quietly(t);
}

/* tl_reset: what a RST was that ended nothing shows by what comes later. */
static void a_rst_that_ended_nothing(void **state)
{
    struct talk t;

    (void)state;
    open_quietly(&t);
    say(&t, (struct tl_segment){.flags = TL_RST, .from = 1, .seq = t.next[1] - 5000});
    both_send(&t);
    assert_true(t.result[0].conn->endpoint[1].rsts->later != 0);
    end_talk(&t);
}

/* tl_reset: the RST that answers the challenge ACK for a new SYN ends the connection before; what still comes of that is late. */
static void a_rst_of_the_next_connection(void **state)
{
    struct talk t;
    const struct tl_conn *before;

    (void)state;
    open_quietly(&t);
    before = t.result[0].conn;
    t.now_ns += T_SECOND;
    say(&t, (struct tl_segment){.flags = TL_SYN, .seq = t.next[0] + FAR});
    say(&t, (struct tl_segment){.flags = TL_ACK, .from = 1, .seq = t.next[1], .ack = t.next[0]});
    say(&t, (struct tl_segment){.flags = TL_RST, .seq = t.next[0]});
    assert_true(before->reset.ended);
    both_send(&t);
    assert_ptr_equal(t.result[0].conn, before);
    end_talk(&t);
}

/* tl_apply: an end that was alone for 16 segments has a short scoreboard until its peer is captured. */
static void ends_that_come_late(void **state)
{
    enum { ALONE = 20 };
    struct talk t;

    (void)state;
    begin_steady(&t);
    for (unsigned i = 0; i < ALONE; i++) {
        next_data(&t, 0, 100);
    }
    next_data(&t, 1, 100);
    next_data(&t, 1, 100);
    both_send_quietly(&t);
    end_talk(&t);
}

/* tl_open: what the server refused of the data on a SYN is sent for the second time, in pieces. */
static void data_of_a_syn_comes_again(void **state)
{
    struct talk t;

    (void)state;
    begin_steady(&t);
    say(&t, (struct tl_segment){
                .flags = TL_SYN, .seq = t.next[0]++, .len = 1000, .options = TL_OPT_FAST_OPEN, .fast_open_bytes = 8});
    t.now_ns += 10 * T_MS;
    say(&t, (struct tl_segment){.flags = TL_SYN | TL_ACK, .from = 1, .seq = t.next[1]++, .ack = t.next[0]});
    for (unsigned i = 0; i < 4; i++) {
        next_data(&t, 0, 250);
        next_data(&t, 1, 0);
    }
    end_talk(&t);
}

/* tl_open: timestamps that were agreed and are missing are an error (RFC 7323 3.2), and usual are those that are there. */
static void timestamps_are_lost(void **state)
{
    struct talk t;

    (void)state;
    begin_steady(&t);
    t.timestamps = true;
    handshake(&t, true, true);
    both_send_quietly(&t);
    t.timestamps = false;
    next_data(&t, 0, 100);
    assert_true(t.result[0].shape.error & TL_ERROR_OPT_LOST);
    end_talk(&t);
}

/* tl_open: nothing of it is left, whichever way the ends have met. */
static void every_way_to_open(void **state)
{
    const struct tl_segment syns[] = {{.flags = TL_SYN, .seq = 1000}, {.flags = TL_SYN, .from = 1, .seq = 5000}};
    struct talk t;

    (void)state;
    begin_steady(&t); /* before the capture */
    both_send_quietly(&t);
    end_talk(&t);
    begin_steady(&t); /* the ACK was not captured */
    handshake(&t, true, false);
    next_data(&t, 1, 100);
    both_send_quietly(&t);
    end_talk(&t);
    for (unsigned split = 0; split < 2; split++) {
        begin_steady(&t);
        say(&t, syns[0]);
        say(&t, syns[1]);
        t.next[0] = 1001;
        t.next[1] = 5001;
        say(&t, (struct tl_segment){.flags = TL_SYN | TL_ACK, .seq = 1000, .ack = 5001});
        say(&t, (struct tl_segment){
                    .flags = (uint8_t)(split ? TL_ACK : TL_SYN | TL_ACK), .from = 1, .seq = 5000 + split, .ack = 1001});
        both_send_quietly(&t);
        end_talk(&t);
    }
}

/* tl_open: a SYN into what is left of an older connection, whose segments show both ends ESTABLISHED: this one is not open yet. */
static void a_syn_into_an_older_connection(void **state)
{
    struct talk t;
    uint32_t isn;

    (void)state;
    begin_steady(&t);
    isn = t.next[0]++;
    say(&t, (struct tl_segment){.flags = TL_SYN, .seq = isn});
    say(&t, (struct tl_segment){.flags = TL_ACK, .from = 1, .seq = t.next[1], .ack = isn - 99, .len = 10});
    say(&t, (struct tl_segment){.flags = TL_ACK, .seq = isn - 1000, .ack = t.next[1] - 500});
    t.next[1] += 10;
    t.now_ns += 200 * T_MS;
    say(&t, (struct tl_segment){.flags = TL_ACK, .from = 1, .seq = t.next[1], .ack = isn + 1});
    assert_false(t.result[0].conn->opened);
    both_send(&t);
    end_talk(&t);
}

/* tl_states: an acknowledgment of one number more says that a FIN was sent that was not captured. */
static void a_fin_that_was_not_captured(void **state)
{
    struct talk t;

    (void)state;
    for (unsigned by = 0; by < 2; by++) {
        open_quietly(&t);
        say(&t, (struct tl_segment){.flags = TL_ACK, .from = 1, .seq = t.next[1], .ack = t.next[0] + 1});
        t.next[0] += by;
        both_send(&t);
        end_talk(&t);
    }
}

/* tl_rexmit: an IP ID that is missing after a silence is that of an original which was lost before the capture point. */
static void an_id_is_missing(void **state)
{
    enum { SEGMENTS_BEFORE = 60, OFTEN_MS = 50, SILENCE_MS = 250, MISSING = 1 };
    struct talk t;
    uint16_t id = 1000;

    (void)state;
    open_quietly(&t);
    for (unsigned i = 0; i <= SEGMENTS_BEFORE; i++) {
        bool last = i == SEGMENTS_BEFORE;

        t.now_ns += (last ? SILENCE_MS : OFTEN_MS) * T_MS;
        id = (uint16_t)(id + 1 + (last ? MISSING : 0));
        say(&t, (struct tl_segment){.flags = TL_ACK, .seq = t.next[0], .ack = t.next[1], .len = 100, .ip_id = id});
        t.next[0] += 100;
        if (!last) {
            assert_true(i == 0 || t.result[0].fast_path);
            next_data(&t, 1, 0);
        }
    }
    assert_int_equal(t.result[0].shape.segment, TL_SEGMENT_RETRANSMISSION);
    end_talk(&t);
}

/* tl_rexmit: the scoreboard refuses more than this at once; no IP packet is as long. */
/* threshold: TL_SCOREBOARD_JUMP_MAX */
static void a_segment_as_long_as_the_largest_window(void **state)
{
    struct talk t;

    (void)state;
    for (unsigned more = 0; more < 2; more++) {
        open_quietly(&t);
        next_data(&t, 0, TL_SCOREBOARD_JUMP_MAX + more);
        assert_int_equal(t.result[0].fast_path, more == 0);
        both_send(&t);
        end_talk(&t);
    }
}

/* tl_probe: an octet after a closed window may ask for it, if its opening was lost. */
static void an_octet_after_a_closed_window(void **state)
{
    struct talk t;

    (void)state;
    open_quietly(&t);
    next_data(&t, 0, 1);
    assert_true(t.result[0].fast_path);
    say(&t, (struct tl_segment){.flags = TL_ACK, .from = 1, .seq = t.next[1], .ack = t.next[0], .window = UINT16_MAX});
    t.now_ns += 10 * T_MS;
    say(&t, (struct tl_segment){.flags = TL_ACK, .from = 1, .seq = t.next[1], .ack = t.next[0]});
    t.now_ns += 5 * T_SECOND;
    next_data(&t, 0, 1);
    both_send(&t);
    end_talk(&t);
}

/* tl_path_mtu: after an ICMP error the next ACKs tell what passes. */
static void a_segment_that_is_too_large(void **state)
{
    struct talk t;

    (void)state;
    open_quietly(&t);
    next_data(&t, 0, 1400);
    for (unsigned i = 0; i < 2; i++) {
        tl_pair_too_big(t.pair[i],
                        &(struct tl_too_big){.time_ns = t.now_ns, .frame = t.frame + 1, .seq = t.next[0] - 1400, .mtu = 1000});
    }
    t.frame++;
    next_data(&t, 1, 0);
    both_send(&t);
    end_talk(&t);
}

static unsigned converse(uint32_t seed)
{
    struct talk t = {.random = seed * 2654435761u + 1};

    begin_talk(&t, seed & 1);
    for (unsigned i = 0; i < 2 && seed & 2; i++) {
        t.next[i] = t.acked[i] = UINT32_MAX - 20000 * (i + 1);
    }
    t.timestamps = seed & 4;
    t.ids = seed & 8;
    if (seed & 16) {
        handshake(&t, seed & 32, !(seed % 5 == 0));
    }
    for (unsigned i = 0; i < SEGMENTS; i++) {
        go_on(&t);
    }
    end_talk(&t);
    return t.ordinary;
}

/* The comparison means something only if many segments take the fast path. */
static void both_ways_end_at_the_same_place(void **state)
{
    enum { LEAST_PERCENT = 20 };
    unsigned ordinary = 0;

    (void)state;
    for (uint32_t seed = 1; seed <= SEEDS; seed++) {
        ordinary += converse(seed);
    }
    print_message("%u of %u segments took the fast path\n", ordinary, SEEDS * SEGMENTS);
    assert_true(ordinary > SEEDS * SEGMENTS / 100 * LEAST_PERCENT);
}

/* Zeek takes the acknowledgment number 0 for none if it lies more than 1 MiB ahead: its view must hear of that one. */
static void an_ack_of_zero_is_told(void **state)
{
    enum { LEN = 60000, BEHIND = 2 << 20 };
    struct talk t = {.random = 1};

    (void)state;
    begin_talk(&t, true);
    t.next[0] = t.acked[0] = UINT32_MAX - BEHIND - 1000;
    handshake(&t, true, true);
    for (unsigned round = 0; round < 3; round++) {
        say(&t, (struct tl_segment){.flags = TL_ACK, .seq = t.next[0], .ack = t.next[1], .len = 100});
        t.next[0] += 100;
        say(&t, (struct tl_segment){.flags = TL_ACK, .from = 1, .seq = t.next[1], .ack = t.next[0]});
    }
    while (t.next[0] != 0) {
        uint32_t len = -t.next[0] < LEN ? -t.next[0] : LEN;

        say(&t, (struct tl_segment){.flags = TL_ACK, .seq = t.next[0], .ack = t.next[1], .len = len});
        t.next[0] += len;
    }
    say(&t, (struct tl_segment){.flags = TL_ACK, .from = 1, .seq = t.next[1], .ack = 0});
    assert_true(t.result[0].fast_path);
    say(&t, (struct tl_segment){.flags = TL_ACK, .seq = 0, .ack = t.next[1], .len = 100});
    say(&t, (struct tl_segment){.flags = TL_ACK, .from = 1, .seq = t.next[1], .ack = 100});
    end_talk(&t);
}

/* More outstanding than a plausible distance (tl_window_fits): an ACK of where the peer's octets are still wanted is none of another
 * connection, by either way; nor is the octet there when it comes again. */
static void much_outstanding_is_no_stray(void **state)
{
    enum { LEN = 60000, MANY = 20 /* 1.2 MB without a window that large */ };
    struct talk t = {.random = 1};
    uint32_t first;

    (void)state;
    begin_talk(&t, false);
    handshake(&t, false, true);
    say(&t, (struct tl_segment){.flags = TL_ACK, .from = 1, .seq = t.next[1], .ack = t.next[0], .len = 10});
    t.next[1] += 10;
    say(&t, (struct tl_segment){.flags = TL_ACK, .seq = t.next[0], .ack = t.next[1], .len = 10});
    first = t.next[0] += 10;
    say(&t, (struct tl_segment){.flags = TL_ACK, .from = 1, .seq = t.next[1], .ack = first, .len = 10});
    t.next[1] += 10;
    for (unsigned i = 0; i < MANY; i++) {
        say(&t, (struct tl_segment){.flags = TL_ACK, .seq = t.next[0], .ack = t.next[1], .len = LEN});
        t.next[0] += LEN;
    }
    say(&t, (struct tl_segment){.flags = TL_ACK, .from = 1, .seq = t.next[1], .ack = first, .len = 10});
    assert_true(t.result[0].fast_path);
    assert_false(t.result[1].shape.flags & TL_SHAPE_STRAY);
    say(&t, (struct tl_segment){.flags = TL_ACK, .seq = first, .ack = t.next[1] + 10, .len = LEN});
    assert_false(t.result[1].shape.flags & TL_SHAPE_STRAY);
    end_talk(&t);
}

/* Octets that the record has no memory for: it forgets, by either way, and is as long as before what the fast path takes it for. */
static void want_of_memory_is_no_end_of_the_calm(void **state)
{
    struct talk t;

    (void)state;
    open_quietly(&t);
    for (unsigned i = 0; i < 2; i++) {
        t.memory[i].fail_at = t.memory[i].requests + 1;
        t.memory[i].fail_after = true;
    }
    for (unsigned i = 0; i < TL_SCOREBOARD_ENTRIES_MAX; i++) {
        uint32_t forgotten = t.next[0];

        say(&t, (struct tl_segment){.flags = TL_ACK, .seq = t.next[0], .ack = t.next[1], .len = 500});
        t.next[0] += 500;
        assert_true(t.result[0].fast_path);
        if (t.result[0].conn->endpoint[0].sent->floor != forgotten && t.result[0].conn->endpoint[0].sent->count == 0) {
            break;
        }
    }
    t.memory[0].fail_at = t.memory[1].fail_at = 0;
    assert_int_equal(t.result[0].conn->endpoint[0].sent->count, 0);
    both_send_quietly(&t);
    say(&t, (struct tl_segment){.flags = TL_ACK, .seq = t.next[0] - 700, .ack = t.next[1], .len = 100});
    both_send(&t);
    end_talk(&t);
}

/* Nothing of a quiet transfer needs the rules, but for the first segments of each end. */
static void quiet_transfer_is_ordinary(void **state)
{
    enum { FIRST = 4, ROUNDS = 50 };
    struct t_talk t;

    (void)state;
    t_established(&t);
    for (unsigned i = 0; i < ROUNDS; i++) {
        t_send(&t, CLIENT, .len = 500);
        assert_true(i < FIRST || t.v.fast_path);
        t_send(&t, SERVER, .flags = TL_ACK);
        assert_true(i < FIRST || t.v.fast_path);
    }
    t_end(&t);
}

/* An ACK in order that echoes the original of what was sent again: the retransmission was spurious (RFC 3522). */
static void ordinary_ack_may_prove(void **state)
{
    const uint16_t ts = TL_OPT_TIMESTAMPS;
    struct t_talk t;
    uint32_t resent_in;

    (void)state;
    t_start(&t);
    t_send(&t, CLIENT, .flags = TL_SYN, .options = ts, .tsval = 1);
    t_send(&t, SERVER, .flags = TL_SYN | TL_ACK, .options = ts, .tsval = 1, .tsecr = 1, .wait_ns = 20 * T_MS);
    for (unsigned i = 0; i < 5; i++) {
        t_send(&t, CLIENT, .len = 10, .options = ts, .tsval = 30 + i, .tsecr = 1 + i);
        t_send(&t, SERVER, .options = ts, .tsval = 2 + i, .tsecr = 30 + i, .wait_ns = 20 * T_MS);
    }
    t_send(&t, CLIENT, .len = 10, .options = ts, .tsval = 200, .tsecr = 6);
    t_send(&t, CLIENT, .len = 10, .seq = t.next[CLIENT] - 10, .options = ts, .tsval = 700, .tsecr = 6, .wait_ns = 500 * T_MS);
    resent_in = t.frame;
    assert_true(t.v.shape.retransmission != TL_RETRANSMISSION_NONE);
    t_send(&t, CLIENT, .len = 10, .options = ts, .tsval = 701, .tsecr = 6);
    t_send(&t, SERVER, .ack = t.next[CLIENT] - 10, .options = ts, .tsval = 600, .tsecr = 200, .wait_ns = 20 * T_MS);
    assert_int_equal(t.v.refs.proved[0].frame, resent_in);
    assert_false(t.v.fast_path);
    t_end(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_ways_end_at_the_same_place),
        cmocka_unit_test(an_ack_of_zero_is_told),
        cmocka_unit_test(want_of_memory_is_no_end_of_the_calm),
        cmocka_unit_test(quiet_transfer_is_ordinary),
        cmocka_unit_test(ordinary_ack_may_prove),
        cmocka_unit_test(much_outstanding_is_no_stray),
        cmocka_unit_test(a_rst_that_ended_nothing),
        cmocka_unit_test(a_rst_of_the_next_connection),
        cmocka_unit_test(ends_that_come_late),
        cmocka_unit_test(data_of_a_syn_comes_again),
        cmocka_unit_test(timestamps_are_lost),
        cmocka_unit_test(every_way_to_open),
        cmocka_unit_test(a_syn_into_an_older_connection),
        cmocka_unit_test(a_fin_that_was_not_captured),
        cmocka_unit_test(an_id_is_missing),
        cmocka_unit_test(a_segment_as_long_as_the_largest_window),
        cmocka_unit_test(a_segment_that_is_too_large),
        cmocka_unit_test(an_octet_after_a_closed_window),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
