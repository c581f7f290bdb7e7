/* tl_finding.c - walks over the catalogue for one connection.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "findings/tl_finding.h"

#include <string.h>

#include "findings/tl_find.h"

/* clang-format off */
const struct tl_finding_row tl_finding_rows[TL_FINDING_COUNT] = {
    {NULL, 0, 0},
#define TL_FINDING(tag, word, class, key, ...) {#word, TL_CLASS_##class, TL_KEY_##key},
#include "findings/tl_findings.def"
};

static const tl_find rules[TL_FINDING_COUNT] = {
    NULL,
#define TL_FINDING(tag, word, ...) tl_find_##word,
#include "findings/tl_findings.def"
};
/* clang-format on */

/* ---- the catalogue ------------------------------------------------------------------------------------------------------- */

static struct tl_key finding_key_of(const struct tl_case *c, const struct tl_claim *claim, enum tl_key_kind kind)
{
    unsigned sender = claim->role == TL_NO_ROLE ? 0 : claim->role;
    struct tl_key key = {.side = TL_NO_ROLE, .variant = claim->key.variant};

    switch (kind) {
    case TL_KEY_PATH:
        key.from = c->host[sender] + 1;
        key.to = c->host[1 - sender] + 1;
        break;
    case TL_KEY_CLIENT:
        key.from = c->host[0] + 1;
        break;
    case TL_KEY_HOST:
        key.to = c->host[1] + 1;
        break;
    case TL_KEY_END:
        key.side = claim->role;
        key.to = c->host[1] + 1;
        key.port = c->port[1];
        break;
    case TL_KEY_ICMP:
        key.icmp = (uint16_t)(c->facts.icmp_type << 8 | c->facts.icmp_code);
        key.to = c->host[1] + 1;
        key.port = c->port[1];
        break;
    case TL_KEY_SERVER:
        key.to = c->host[1] + 1;
        key.port = c->port[1];
        break;
    case TL_KEY_WHOLE:
        break;
    }
    return key;
}

/* What the capture cannot tell makes every answer about the connection less sure. */
static unsigned finding_least_doubt(const struct tl_case *c)
{
    if (c->facts.capture & (TL_CAPTURE_LOSSY | TL_CAPTURE_ASYMMETRIC)) {
        return TL_CONFIDENCE_GUESS;
    }
    return c->facts.capture & (TL_CAPTURE_BACKWARDS | TL_CAPTURE_DOUBLED) ? TL_CONFIDENCE_LIKELY : TL_CONFIDENCE_CERTAIN;
}

static bool finding_ask(const struct tl_look *look, enum tl_finding finding, unsigned role, struct tl_claim *claim)
{
    memset(claim, 0, sizeof *claim);
    claim->confidence = TL_CONFIDENCE_CERTAIN;
    claim->role = TL_NO_ROLE;
    if (!rules[finding](look, role, claim)) {
        return false;
    }
    claim->finding = (uint8_t)finding;
    claim->key = finding_key_of(look->c, claim, (enum tl_key_kind)tl_finding_rows[finding].key);
    if (tl_finding_rows[finding].class != TL_CLASS_CAVEAT) {
        tl_claim_doubt(claim, finding_least_doubt(look->c));
    }
    if (claim->frame == 0) {
        claim->frame = look->c->facts.first_in;
    }
    return true;
}

static bool finding_claims_all(enum tl_finding finding)
{
    unsigned class = tl_finding_rows[finding].class;

    return class == TL_CLASS_BROKEN || class == TL_CLASS_NOTE;
}

unsigned tl_finding_judge(const struct tl_case *c, const struct tl_company *company, struct tl_claim claims[TL_CLAIMS_MAX])
{
    struct tl_look look = {.c = c, .company = company};
    unsigned count = 0;

    for (unsigned finding = 1; finding < TL_FINDING_COUNT && look.claimed == TL_FINDING_NONE; finding++) {
        if (finding_claims_all((enum tl_finding)finding) && finding_ask(&look, (enum tl_finding)finding, 0, &claims[0])) {
            look.claimed = (uint8_t)finding;
            count = 1;
        }
    }
    for (unsigned finding = 1; finding < TL_FINDING_COUNT; finding++) {
        for (unsigned role = 0; role < 2 && !finding_claims_all((enum tl_finding)finding) && count < TL_CLAIMS_MAX; role++) {
            count += finding_ask(&look, (enum tl_finding)finding, role, &claims[count]);
        }
    }
    return count;
}
