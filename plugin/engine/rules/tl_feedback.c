/* tl_feedback.c - what the receiver has reported, and what the sender knew of it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * RFC 9293 3.10.7.4 (cumulative ACK), RFC 2018 and 2883 (SACK, D-SACK), RFC 5681 2 (duplicate ACKs), RFC 7323 3.2 and 4.3 (which
 * report an echo shows that the sender had).
 */
#include "rules/tl_feedback.h"

#include "base/tl_grow.h"
#include "base/tl_seq.h"

#include <string.h>

/* Entries looked at for one SACK block: no ACK reports that many new segments unless those before it were lost. */
enum { LOOKED_MAX = 128 };

enum { RANGES_BYTES = TL_FEEDBACK_RANGES * sizeof(uint32_t[2]) };

/* A half RTT shorter than this is the host itself: what passes the capture point is known there at once. */
static const int64_t HALF_RTT_LEAST_NS = 1000000;

void tl_feedback_init(struct tl_feedback *feedback, const struct tl_allocator *allocator, uint32_t una)
{
    memset(feedback, 0, sizeof *feedback);
    feedback->allocator = allocator;
    feedback->una_begin = una;
}

void tl_feedback_free(struct tl_feedback *feedback)
{
    const struct tl_allocator *allocator = feedback->allocator;

    allocator->free(allocator->context, feedback->reports, feedback->capacity * sizeof *feedback->reports);
    allocator->free(allocator->context, feedback->ranges, RANGES_BYTES);
    tl_feedback_init(feedback, allocator, feedback->una_begin);
}

/* ---- ranges ------------------------------------------------------------------------------------------------------------- */

bool tl_feedback_covers(const struct tl_feedback *feedback, uint32_t seq, uint32_t end)
{
    unsigned i;

    for (i = 0; i < feedback->range_count; i++) {
        if (!tl_seq_before(seq, feedback->ranges[i][0]) && !tl_seq_after(end, feedback->ranges[i][1])) {
            return true;
        }
    }
    return false;
}

/* Right edge of the highest SACKed range, or una. */
static uint32_t feedback_highest(const struct tl_feedback *feedback, uint32_t una)
{
    return feedback->range_count == 0 ? una : feedback->ranges[feedback->range_count - 1][1];
}

static void feedback_remove_range(struct tl_feedback *feedback, unsigned i)
{
    feedback->range_count--;
    memmove(&feedback->ranges[i], &feedback->ranges[i + 1], (feedback->range_count - i) * sizeof feedback->ranges[0]);
}

static bool feedback_make_ranges(struct tl_feedback *feedback)
{
    const struct tl_allocator *allocator = feedback->allocator;

    if (!feedback->ranges) {
        feedback->ranges = allocator->alloc(allocator->context, RANGES_BYTES);
    }
    return feedback->ranges != NULL;
}

/* Takes [left, right) into the sorted ranges. With no room left the lowest one goes: it is the next to be acknowledged.
 * Without memory it is forgotten. */
static void feedback_merge_range(struct tl_feedback *feedback, uint32_t left, uint32_t right)
{
    unsigned i = 0;

    if (!feedback_make_ranges(feedback)) {
        return;
    }
    while (i < feedback->range_count && tl_seq_before(feedback->ranges[i][1], left)) {
        i++;
    }
    while (i < feedback->range_count && !tl_seq_after(feedback->ranges[i][0], right)) {
        left = tl_seq_before(feedback->ranges[i][0], left) ? feedback->ranges[i][0] : left;
        right = tl_seq_after(feedback->ranges[i][1], right) ? feedback->ranges[i][1] : right;
        feedback_remove_range(feedback, i);
    }
    if (feedback->range_count == TL_FEEDBACK_RANGES) {
        feedback_remove_range(feedback, 0);
        i -= i > 0;
    }
    memmove(&feedback->ranges[i + 1], &feedback->ranges[i], (feedback->range_count - i) * sizeof feedback->ranges[0]);
    feedback->ranges[i][0] = left;
    feedback->ranges[i][1] = right;
    feedback->range_count++;
}

/* When the transmission that was delivered had passed: after a retransmission the first one, unless there was time enough for
 * the second to be answered. */
static int64_t feedback_delivered_at(const struct tl_scoreboard_entry *entry, int64_t now_ns, int64_t half_rtt_ns)
{
    bool ambiguous = entry->tx_count > 1 && (half_rtt_ns < 0 || now_ns - entry->time_ns < half_rtt_ns);

    return ambiguous ? entry->first_time_ns : entry->time_ns;
}

/* The newest transmission within [left, right). Looks only at what is not SACKed yet, so that each entry is seen once; but ranges
 * are forgotten when they are too many, and whoever reports them again and again must not have thousands of entries looked at for each
 * ACK. The upper ones are newer, retransmissions aside. */
static void feedback_note_delivered(struct tl_feedback *feedback, const struct tl_scoreboard *sent, uint32_t left,
                                    uint32_t right, const struct tl_segment *segment, int64_t half_rtt_ns)
{
    const struct tl_scoreboard_entry *entry;
    unsigned first = tl_scoreboard_index(sent, left), i = tl_scoreboard_index(sent, right);

    for (i = i - first > LOOKED_MAX ? i - LOOKED_MAX : first;
         (entry = tl_scoreboard_at(sent, i)) != NULL && tl_seq_before(entry->seq, right); i++) {
        int64_t at_ns = feedback_delivered_at(entry, segment->time_ns, half_rtt_ns);

        if (at_ns > feedback->newest_ns) {
            feedback->newest_ns = at_ns;
        }
    }
}

/* One SACK block above the cumulative ACK. Blocks mostly grow at one edge: only the new part is looked at. */
static void feedback_take_block(struct tl_feedback *feedback, const struct tl_scoreboard *sent, uint32_t left, uint32_t right,
                                const struct tl_segment *segment, int64_t half_rtt_ns)
{
    uint32_t from = left;
    unsigned i;

    if (tl_feedback_covers(feedback, left, right)) {
        return;
    }
    for (i = 0; i < feedback->range_count; i++) {
        if (tl_seq_within(from, feedback->ranges[i][0], feedback->ranges[i][1])) {
            from = feedback->ranges[i][1];
        }
    }
    feedback_note_delivered(feedback, sent, from, right, segment, half_rtt_ns);
    feedback_merge_range(feedback, left, right);
    feedback->grew = true;
}

/* RFC 2883 4: the first block reports a duplicate when it lies below the ACK or inside the second block. */
static bool feedback_is_dsack(const struct tl_segment *segment)
{
    const uint32_t *first = segment->sack[0], *second = segment->sack[1];

    if (tl_seq_before(first[0], segment->ack)) {
        return true;
    }
    return segment->sack_count > 1 && !tl_seq_before(first[0], second[0]) && !tl_seq_after(first[1], second[1]);
}

static bool feedback_is_sane(const struct tl_scoreboard *sent, const uint32_t *block)
{
    return tl_seq_before(block[0], block[1]) && tl_scoreboard_started(sent) && block[1] - block[0] <= TL_SCOREBOARD_JUMP_MAX &&
           !tl_seq_after(block[1], tl_scoreboard_max(sent) + TL_SCOREBOARD_JUMP_MAX);
}

void tl_feedback_sack(struct tl_feedback *feedback, const struct tl_scoreboard *sent, const struct tl_segment *segment,
                      int64_t half_rtt_ns)
{
    unsigned i = 0;

    feedback->has_dsack = false;
    feedback->grew = false;
    if (segment->sack_count > 0 && feedback_is_dsack(segment) && tl_seq_before(segment->sack[0][0], segment->sack[0][1])) {
        feedback->has_dsack = true;
        feedback->dsack[0] = segment->sack[0][0];
        feedback->dsack[1] = segment->sack[0][1];
        i = 1;
    }
    for (; i < segment->sack_count; i++) {
        const uint32_t *block = segment->sack[i];

        if (feedback_is_sane(sent, block) && tl_seq_after(block[0], segment->ack)) {
            feedback_take_block(feedback, sent, block[0], block[1], segment, half_rtt_ns);
        }
    }
}

/* ---- reports ------------------------------------------------------------------------------------------------------------ */

void tl_feedback_acked(struct tl_feedback *feedback, uint32_t una, int64_t newest_ns)
{
    feedback->duplicates = 0;
    feedback->dupack_first_in = 0;
    feedback->third_ns = 0;
    while (feedback->range_count > 0 && !tl_seq_after(feedback->ranges[0][1], una)) {
        feedback_remove_range(feedback, 0);
    }
    if (newest_ns > feedback->newest_ns) {
        feedback->newest_ns = newest_ns;
    }
}

unsigned tl_feedback_duplicate(struct tl_feedback *feedback, const struct tl_segment *segment)
{
    enum { THIRD = 3 }; /* duplicate ACKs that start a recovery, RFC 5681 3.2 */

    if (feedback->duplicates == 0) {
        feedback->dupack_first_in = segment->frame;
    }
    feedback->duplicates += feedback->duplicates < UINT16_MAX;
    if (feedback->duplicates == THIRD) {
        feedback->third_ns = segment->time_ns;
    }
    return feedback->duplicates;
}

static bool feedback_grow(struct tl_feedback *feedback)
{
    unsigned newest = feedback->newest;
    void *reports =
        tl_grow_ring(feedback->allocator, feedback->reports, sizeof *feedback->reports, feedback->capacity, &newest);

    if (reports) {
        feedback->reports = reports;
        feedback->capacity = (uint8_t)tl_grown(feedback->capacity);
        feedback->newest = (uint8_t)newest;
    }
    return reports != NULL;
}

/* The place for a report: that of the newest one if it has the same TSval, else the next. NULL when out of memory. */
static struct tl_report *feedback_place_for(struct tl_feedback *feedback, const struct tl_segment *segment, bool *same)
{
    struct tl_report *newest = feedback->count > 0 ? &feedback->reports[feedback->newest] : NULL;

    *same = newest && newest->has_tsval && (segment->options & TL_OPT_TIMESTAMPS) && newest->tsval == segment->tsval;
    if (*same) {
        return newest;
    }
    if (feedback->count == feedback->capacity && feedback->capacity < TL_FEEDBACK_MAX && !feedback_grow(feedback) &&
        feedback->capacity == 0) {
        return NULL;
    }
    feedback->newest = (uint8_t)(feedback->count == 0 ? 0 : (feedback->newest + 1u) % feedback->capacity);
    if (feedback->count < feedback->capacity) {
        feedback->count++;
    } else {
        feedback->dropped = true;
    }
    return &feedback->reports[feedback->newest];
}

void tl_feedback_record(struct tl_feedback *feedback, uint32_t una, const struct tl_segment *segment)
{
    uint32_t before = feedback->count > 0 ? feedback->reports[feedback->newest].una : feedback->una_begin;
    bool same;
    struct tl_report *report = feedback_place_for(feedback, segment, &same);

    if (!report) {
        return;
    }
    if (!same) {
        report->first_ns = segment->time_ns;
        report->una_first = una;
    }
    report->time_ns = segment->time_ns;
    report->newest_ns = feedback->newest_ns;
    report->has_tsval = (segment->options & TL_OPT_TIMESTAMPS) != 0;
    report->tsval = segment->tsval;
    report->seq = segment->seq;
    if (una != before) {
        feedback->una_ns = segment->time_ns;
    }
    report->una_ns = feedback->una_ns;
    report->una = una;
    report->sacked = feedback_highest(feedback, una);
    report->duplicates = feedback->duplicates;
}

/* How long before the segment a report must have passed to be known. With timestamps the echo is the better witness and this
 * only adds to it, so the margin is on the safe side; without them it decides alone. */
static int64_t feedback_travel(int64_t half_rtt_ns, bool echo)
{
    if (half_rtt_ns < HALF_RTT_LEAST_NS) {
        return 0;
    }
    /* share feedback_travel: 0.9 half RTT, 1.1 half RTT + 1 ms; decides alone, or only adds to TSecr */
    return echo ? half_rtt_ns / 10 * 11 + HALF_RTT_LEAST_NS : half_rtt_ns / 10 * 9;
}

/* What the sender knew if it had the first reports with the TSval of `later`, up to those that acknowledge `seq`, after `r`. */
static struct tl_report feedback_joined(struct tl_report r, const struct tl_report *later, uint32_t seq)
{
    bool ranges = tl_seq_after(later->sacked, later->una);

    r.time_ns = r.first_ns = r.una_ns = later->first_ns;
    r.una = seq;
    r.sacked = ranges ? later->sacked : tl_seq_after(r.sacked, seq) ? r.sacked : seq;
    r.duplicates = 0;
    return r;
}

static struct tl_report feedback_known(const struct tl_feedback *feedback, const struct tl_segment *segment,
                                       int64_t half_rtt_ns, bool resent)
{
    struct tl_report found = {.una = feedback->una_begin, .sacked = feedback->una_begin};
    const struct tl_report *split = NULL;
    bool echo = (segment->options & TL_OPT_TIMESTAMPS) != 0;
    int64_t before_ns = segment->time_ns - feedback_travel(half_rtt_ns, echo);
    unsigned i;

    for (i = 0; i < feedback->count; i++) {
        const struct tl_report *r = &feedback->reports[(feedback->newest + feedback->capacity - i) % feedback->capacity];
        bool echoed = echo && r->has_tsval && !tl_seq_after(r->tsval, segment->tsecr);
        bool passed = r->time_ns <= before_ns;
        bool no_echo = !echo || !r->has_tsval || tl_seq_after(r->seq, segment->ack);

        if (resent && tl_seq_after(r->una, segment->seq)) {
            /* Nobody sends again what he knows to be acknowledged: this report was late, or lost. */
            split = echoed && !split && !tl_seq_after(r->una_first, segment->seq) ? r : split;
            continue;
        }
        /* Whoever begins again where this report says knows it, whatever he echoes: 4.4BSD moves TS.Recent with octets only. */
        bool begins_there = resent && passed && r->una == segment->seq && r->una != feedback->una_begin;

        if (echoed || (passed && (no_echo || begins_there))) {
            found = *r;
            break;
        }
        if (feedback->dropped) {
            found = *r; /* what it knew is forgotten: the oldest report is nearest to it */
        }
    }
    return split ? feedback_joined(found, split, segment->seq) : found;
}

struct tl_report tl_feedback_known(const struct tl_feedback *feedback, const struct tl_segment *segment, int64_t half_rtt_ns)
{
    return feedback_known(feedback, segment, half_rtt_ns, false);
}

struct tl_report tl_feedback_known_to_resender(const struct tl_feedback *feedback, const struct tl_segment *segment,
                                               int64_t half_rtt_ns)
{
    return feedback_known(feedback, segment, half_rtt_ns, true);
}

int64_t tl_feedback_passed(const struct tl_feedback *feedback, uint32_t tsval)
{
    unsigned i;

    for (i = 0; i < feedback->count; i++) {
        const struct tl_report *r = &feedback->reports[(feedback->newest + feedback->capacity - i) % feedback->capacity];

        if (r->has_tsval && !tl_seq_after(r->tsval, tsval)) {
            return r->tsval == tsval ? r->first_ns : -1;
        }
    }
    return -1;
}
