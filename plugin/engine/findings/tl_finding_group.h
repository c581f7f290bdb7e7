/* tl_finding_group.h - the connections of one finding with one key, summed up.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TL_FINDING_GROUP_H
#define TL_FINDING_GROUP_H

#include "findings/tl_finding.h"

enum {
    TL_GROUP_FRAMES = 5,  /* frames to look at */
    TL_GROUP_RANGES = 14, /* ranges of connection numbers that a filter can name */
    TL_GROUP_NAMES = 64,  /* different servers or clients; more are "64 and more" */
};

/* Values of one measure. */
struct tl_span {
    int64_t min, max, sum;
    uint32_t count;
};

struct tl_conn_range {
    uint32_t first, last;
};

struct tl_finding_group {
    struct tl_key key;
    uint8_t finding;      /* enum tl_finding */
    uint8_t class;        /* enum tl_finding_class */
    uint8_t confidence;   /* enum tl_confidence */
    bool names_overflow;  /* there are more servers or clients than the arrays hold */
    uint32_t number;      /* from 1, in the order of the report */
    uint32_t connections; /* different ones */
    uint32_t last_conn;   /* for counting on */
    uint32_t sure[4];     /* claims of each enum tl_confidence */
    uint32_t ports;       /* different ports of the one server, if key.port is 0 because they are several */
    int64_t cost_ns, score_ns;
    uint32_t frame_count, range_count; /* range_count > TL_GROUP_RANGES: too many to name */
    uint32_t server_count, client_count;
    uint32_t frames[TL_GROUP_FRAMES];
    struct tl_conn_range ranges[TL_GROUP_RANGES];
    uint64_t servers[TL_GROUP_NAMES]; /* address << 16 | port, ascending */
    uint32_t clients[TL_GROUP_NAMES]; /* addresses, ascending */
    uint32_t traits[TL_TRAIT_COUNT];  /* connections that have it */
    struct tl_span spans[TL_MEASURE_COUNT];
};

/* Adds a claim on a connection. Connections come in the order of their numbers. O(TL_GROUP_NAMES). */
void tl_finding_group_add(struct tl_finding_group *group, const struct tl_case *c, const struct tl_claim *claim);

/* Decides confidence and score, after all claims. `doubtful`: so much is missing in the capture that nothing is sure. */
void tl_finding_group_settle(struct tl_finding_group *group, bool doubtful);

/* Cost times confidence: certain 1, likely 0.8, guess 0.5. */
int64_t tl_score(int64_t cost_ns, unsigned confidence);

#endif
