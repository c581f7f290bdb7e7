/* tl_findings.h - what is wrong with a capture: every connection judged, the claims grouped and ranked.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * All is decided at the end of the capture, from what is known of each connection then: nothing is done for a segment. Memory while it
 * is decided: about 100 bytes for each connection and 40 for each claim; afterwards 8 for each claim, and the groups, which are at most
 * TL_GROUPS_MAX of 3 KiB.
 */
#ifndef TL_FINDINGS_H
#define TL_FINDINGS_H

#include "findings/tl_finding_group.h"

enum { TL_GROUPS_MAX = 1024 };

/* Where the connections come from: `count` of them, with addresses numbered below `hosts`. read() writes one, and the same each time it
 * is asked; in the order of their running numbers. */
struct tl_findings_source {
    void (*read)(void *data, uint32_t index, struct tl_case *c);
    void *data;
    uint32_t count;
    uint32_t hosts;
};

/* The capture as a whole. */
struct tl_summary {
    uint32_t connections;
    uint64_t segments, bytes, bytes_again;
    uint32_t opened, failed, closed_well, still_open;
    uint32_t lossy, asymmetric, doubled, offload, backwards, midstream; /* connections */
    uint32_t positions[TL_POSITION_COUNT];
    int64_t first_ns, last_ns;           /* of all segments */
    int64_t connection_ns;               /* durations of all connections together */
    int64_t waits_ns[TL_WAIT_SUM_COUNT]; /* the same parted by what was waited for */
    int64_t slowest_setup_ns, longest_answer_ns;
    uint32_t slowest_setup_in, longest_answer_in; /* frames */
    bool doubtful;                                /* so much is missing that every finding is a guess */
};

/* That a connection has a finding. */
struct tl_finding_mark {
    uint32_t conn;  /* its running number */
    uint16_t group; /* tl_finding_group.number */
    uint8_t finding;
    uint8_t none; /* 0 */
};

struct tl_findings;

/* Judges. NULL when memory ran out. Calls read() at most three times for each connection. O(n log n). */
struct tl_findings *tl_findings_new(const struct tl_allocator *allocator, const struct tl_findings_source *source);

/* Frees it. NULL is allowed. */
void tl_findings_free(struct tl_findings *findings);

/* The groups by their number: what is broken or slow by its rank, then notes, then caveats. */
const struct tl_finding_group *tl_findings_groups(const struct tl_findings *findings, uint32_t *count);

const struct tl_summary *tl_findings_summary(const struct tl_findings *findings);

/* Every finding of every connection, by connection, the failure first. */
const struct tl_finding_mark *tl_findings_marks(const struct tl_findings *findings, uint32_t *count);

#endif
