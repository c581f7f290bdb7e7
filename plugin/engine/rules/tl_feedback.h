/* tl_feedback.h - what the receiver of one direction has reported, and what its sender knew of that at a given moment.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A capture point sees a report before, or after, the sender does. Whether a retransmission was a reaction to duplicate ACKs or
 * to silence depends on what the sender knew when it sent it. The timestamp that it echoes says so (RFC 7323 3.2); without
 * timestamps the time from the capture point to the sender and back does.
 */
#ifndef TL_FEEDBACK_H
#define TL_FEEDBACK_H

#include "record/tl_scoreboard.h"
#include "tl.h"

enum {
    TL_FEEDBACK_MAX = 32,   /* records at most; one for each TSval: measured, 16 lose a quarter of the answers, 64 gain none */
    TL_FEEDBACK_RANGES = 8, /* SACKed ranges remembered above the cumulative ACK; the oldest report is the least useful */
};

/* What one segment of the receiver told. */
struct tl_report {
    int64_t time_ns;     /* when it passed the capture point */
    int64_t first_ns;    /* when the first report with the same TSval passed */
    int64_t una_ns;      /* when una moved last */
    int64_t newest_ns;   /* capture time of the newest transmission known to be delivered; 0 = none */
    uint32_t tsval;      /* of the receiver */
    uint32_t seq;        /* of the receiver's segment */
    uint32_t una;        /* cumulative ACK */
    uint32_t una_first;  /* the same, of the first report with the same TSval */
    uint32_t sacked;     /* right edge of the highest SACKed range; una if none */
    uint16_t duplicates; /* duplicate ACKs for una so far */
    bool has_tsval;
};

/* All reports about one direction. Members are private but for `duplicates` and the D-SACK of the last segment. */
struct tl_feedback {
    const struct tl_allocator *allocator;
    struct tl_report *reports; /* ring */
    uint32_t (*ranges)[2];     /* SACKed, sorted, not touching; room for TL_FEEDBACK_RANGES with the first one */
    int64_t newest_ns;
    uint32_t una_begin;       /* before the first report */
    int64_t una_ns;           /* when una moved last, as recorded */
    int64_t third_ns;         /* when the third duplicate ACK for una passed; 0 = not yet */
    uint32_t dupack_first_in; /* frame of the first duplicate ACK for una */
    uint32_t dsack[2];        /* the range that the last segment reported twice received, RFC 2883 */
    uint16_t duplicates;      /* duplicate ACKs for una */
    uint8_t range_count;
    uint8_t count, capacity, newest;
    bool has_dsack;
    bool grew;    /* the last segment SACKed something new */
    bool dropped; /* reports older than the ring have been forgotten */
};

/* Makes an empty one; everything below `una` is acknowledged. Takes no memory yet. */
void tl_feedback_init(struct tl_feedback *feedback, const struct tl_allocator *allocator, uint32_t una);
void tl_feedback_free(struct tl_feedback *feedback);

/* Reads the SACK blocks of a segment of the receiver: D-SACK, new ranges, and the newest transmission that they prove delivered.
 * Call before the cumulative ACK is applied to `sent`. `half_rtt_ns`: least time to the receiver and back, negative = unknown; a
 * retransmission younger than that is not the transmission that was delivered. O(blocks * ranges + entries newly covered). */
void tl_feedback_sack(struct tl_feedback *feedback, const struct tl_scoreboard *sent, const struct tl_segment *segment,
                      int64_t half_rtt_ns);

/* The cumulative ACK moved; the newest transmission that it acknowledged passed at `newest_ns`, INT64_MIN = none was captured. */
void tl_feedback_acked(struct tl_feedback *feedback, uint32_t una, int64_t newest_ns);

/* Counts a duplicate ACK (RFC 5681 2) and returns its number, from 1. */
unsigned tl_feedback_duplicate(struct tl_feedback *feedback, const struct tl_segment *segment);

/* Keeps the report as it stands after this segment, which leaves everything below `una` acknowledged. Out of memory: it is forgotten.
 * O(1) amortised. */
void tl_feedback_record(struct tl_feedback *feedback, uint32_t una, const struct tl_segment *segment);

/* What the sender knew when it sent `segment`: the newest report that the segment's TSecr covers. A report that stands above the
 * number that the segment acknowledges does not move TSecr (RFC 7323 4.3), nor is there one without timestamps: such a report
 * counts if it passed the capture point long enough before; `half_rtt_ns` is the least time to the sender and back, negative =
 * unknown. Returns a report of nothing (una as it began) when it knew none. O(TL_FEEDBACK_MAX). */
struct tl_report tl_feedback_known(const struct tl_feedback *feedback, const struct tl_segment *segment, int64_t half_rtt_ns);

/* The same for a segment that brings old bytes: its sender did not know of an acknowledgment of them, whatever had passed, or it
 * would not have sent them again. Of several reports with one TSval that acknowledge up to its first byte and beyond, it had
 * those up to its first byte. */
struct tl_report tl_feedback_known_to_resender(const struct tl_feedback *feedback, const struct tl_segment *segment,
                                               int64_t half_rtt_ns);

/* When the first segment with this TSval passed, or a negative number: for the time to the sender and back. O(TL_FEEDBACK_MAX). */
int64_t tl_feedback_passed(const struct tl_feedback *feedback, uint32_t tsval);

/* Whether all of [seq, end) is SACKed. O(ranges). */
bool tl_feedback_covers(const struct tl_feedback *feedback, uint32_t seq, uint32_t end);

#endif
