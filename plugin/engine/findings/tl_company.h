/* tl_company.h - what the connections of a capture tell of each other: servers that answer, scans, floods, health checks.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TL_COMPANY_H
#define TL_COMPANY_H

#include "findings/tl_finding.h"

/* What is asked of a connection for that, bits of tl_brief.flags. */
enum tl_brief_flag {
    TL_BRIEF_EMPTY = 0x01,      /* no payload */
    TL_BRIEF_BARE = 0x02,       /* no payload, and it failed or took less than a second */
    TL_BRIEF_FAILED = 0x04,     /* no payload, and it did not open */
    TL_BRIEF_DENIED = 0x08,     /* refused, unreachable or not answered */
    TL_BRIEF_LIVED = 0x10,      /* the server's port is open */
    TL_BRIEF_LONE_SYN = 0x20,   /* one SYN, and nothing came of it */
    TL_BRIEF_FLOOD = 0x40,      /* as a flood consists of: the handshake was not completed */
    TL_BRIEF_CHECK = 0x80,      /* as a health check is: opened, no payload */
    TL_BRIEF_UNASKED = 0x100,   /* nothing of the client was captured, but an answer */
    TL_BRIEF_SACK = 0x200,      /* the server gives SACK */
    TL_BRIEF_SCALING = 0x400,   /* the server gives window scaling */
    TL_BRIEF_CANDIDATE = 0x800, /* for tl_company_learn() */
};

/* One connection. */
struct tl_brief {
    int64_t start_ns;
    int64_t thought_ns; /* what the server's program took for its answers */
    uint32_t index;     /* of the connection */
    uint32_t client, server;
    uint32_t answers;
    uint32_t syns;
    uint16_t port;
    uint16_t flags; /* enum tl_brief_flag */
};

/* What is known of one host. */
struct tl_host_seen {
    bool up;     /* it sent something */
    uint8_t ttl; /* of what it sent; 0 = not known */
};

/* Writes what matters of a connection here. O(1). */
void tl_brief_fill(const struct tl_case *c, uint32_t index, struct tl_brief *brief);

/* Writes companies[i] for the connection with index i. Reorders the briefs. `gaps` has room for as many numbers. O(n log n). */
void tl_company_learn(struct tl_brief *briefs, uint32_t count, const struct tl_host_seen *hosts, int64_t *gaps,
                      struct tl_company *companies);

#endif
