/* tl_finding.h - what is wrong with one connection: the catalogue, and the claims that its rows make.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Rules that all rows obey (docs/design.md, "Findings"): one connection has one failure; harm counts, not form; bounds instead of
 * invented timeouts; who sent nothing has done nothing; a fault of the capture lowers the confidence.
 */
#ifndef TL_FINDING_H
#define TL_FINDING_H

#include "findings/tl_case.h"

/* clang-format off */
enum tl_finding {
    TL_FINDING_NONE,
#define TL_FINDING(tag, ...) TL_FINDING_##tag,
#include "findings/tl_findings.def"
    TL_FINDING_COUNT
};

enum tl_measure {
#define TL_MEASURE(tag, ...) TL_MEASURE_##tag,
#include "findings/tl_measures.def"
    TL_MEASURE_COUNT
};

enum tl_trait {
#define TL_TRAIT(tag, ...) TL_TRAIT_##tag,
#include "findings/tl_measures.def"
    TL_TRAIT_COUNT
};
/* clang-format on */

enum tl_finding_class { TL_CLASS_CAVEAT, TL_CLASS_BROKEN, TL_CLASS_SLOW, TL_CLASS_NOTE };

/* What the connections of one finding have in common. */
enum tl_key_kind {
    TL_KEY_SERVER, /* address and port of the server */
    TL_KEY_END,    /* that, and which end it is about */
    TL_KEY_PATH,   /* from whom to whom */
    TL_KEY_CLIENT, /* address of the client */
    TL_KEY_HOST,   /* address of the server */
    TL_KEY_ICMP,   /* the error, and the server */
    TL_KEY_WHOLE,  /* the capture */
};

/* The fixed part of a row of the catalogue. */
struct tl_finding_row {
    const char *word; /* what users filter on */
    uint8_t class;    /* enum tl_finding_class */
    uint8_t key;      /* enum tl_key_kind */
};

extern const struct tl_finding_row tl_finding_rows[TL_FINDING_COUNT]; /* [0], of NONE, is empty */

/* What the other connections tell of this one; see tl_company.h. */
struct tl_company {
    int64_t interval_ns; /* of health checks */
    int64_t answer_ns;   /* mean time that this server takes for an answer; negative = it never gave one */
    uint32_t rate;       /* of a flood: connections in a second */
    uint8_t crowd;       /* enum tl_finding: the crowd that the connection is one of, or NONE */
    uint8_t host_ttl;    /* of the server's other segments; 0 = not known */
    bool port_answers;   /* the server's port answers other connections */
    bool host_up;        /* the server's host sent something */
    bool gives_sack;     /* the server gives SACK, or window scaling, to others that ask */
    bool gives_scaling;
};

enum { TL_NO_ROLE = 2 };

/* What the connections of a finding have in common, as numbers; those that the kind of key does not name are 0. */
struct tl_key {
    uint32_t from, to; /* addresses + 1: client or sender, server or receiver */
    uint16_t port;
    uint16_t icmp;    /* type * 256 + code */
    uint8_t side;     /* 0 = client, 1 = server, TL_NO_ROLE */
    uint8_t variant;  /* of the same finding: another text */
    uint16_t is_many; /* stands for several keys */
};

/* That a row of the catalogue holds of a connection. */
struct tl_claim {
    struct tl_key key;
    uint8_t finding;    /* enum tl_finding */
    uint8_t confidence; /* enum tl_confidence */
    uint8_t role;       /* the end that it is about: 0 = client, 1 = server, TL_NO_ROLE */
    uint32_t frame;     /* where to look; 0 = the first one */
    int64_t cost_ns;    /* what it costs its user, in waiting */
    uint64_t traits;    /* bits of enum tl_trait */
    uint64_t measured;  /* bits of enum tl_measure: which values there are */
    int64_t value[TL_MEASURE_COUNT];
};

/* One connection, and what is around it. */
struct tl_look {
    const struct tl_case *c;
    const struct tl_company *company;
    uint8_t claimed; /* enum tl_finding of the row that claims it, once that is known */
};

enum { TL_CLAIMS_MAX = 16 };

/* Writes the claims on a connection, the failure or note first, then what is slow; returns how many. O(rows). */
unsigned tl_finding_judge(const struct tl_case *c, const struct tl_company *company, struct tl_claim claims[TL_CLAIMS_MAX]);

/* ---- for the rows -------------------------------------------------------------------------------------------------------- */

/* Each row has a rule tl_find_TAG(), which returns whether it holds of end `role` and then fills the claim but for finding and key;
 * the claim comes with everything 0 but certain, cost 0, and role TL_NO_ROLE. Rows that are not about an end hold for role 0 only. */
typedef bool (*tl_find)(const struct tl_look *look, unsigned role, struct tl_claim *claim);

static inline void tl_claim_measure(struct tl_claim *claim, enum tl_measure measure, int64_t value)
{
    if (value < 0) {
        return; /* not known */
    }
    claim->measured |= UINT64_C(1) << measure;
    claim->value[measure] = value;
}

static inline void tl_claim_trait(struct tl_claim *claim, enum tl_trait trait, bool holds)
{
    if (holds) {
        claim->traits |= UINT64_C(1) << trait;
    }
}

static inline bool tl_claim_has(const struct tl_claim *claim, enum tl_trait trait)
{
    return claim->traits >> trait & 1;
}

/* Lowers the confidence; never raises it. */
static inline void tl_claim_doubt(struct tl_claim *claim, unsigned confidence)
{
    if (confidence > claim->confidence) {
        claim->confidence = (uint8_t)confidence;
    }
}

#endif
