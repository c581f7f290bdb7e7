/* tl_case.c - what several findings ask of a connection.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "findings/tl_case.h"

#include "conn/tl_conn.h"

int64_t tl_case_silence(const struct tl_case *c)
{
    return tl_max_ns(c->final_idle_ns, c->course.rst_silence_ns);
}

bool tl_case_opened(const struct tl_case *c)
{
    switch (c->facts.outcome) {
    case TL_OUTCOME_COMPLETE:
    case TL_OUTCOME_COMPLETE_INFERRED:
    case TL_OUTCOME_SIMULTANEOUS:
    case TL_OUTCOME_SPLIT:
        return true;
    default:
        return false;
    }
}

bool tl_case_is_at_server(const struct tl_case *c)
{
    return c->facts.position == TL_POSITION_NEAR_SERVER || c->host[0] == c->host[1];
}

bool tl_case_is_empty(const struct tl_case *c)
{
    return c->bytes[0] == 0 && c->bytes[1] == 0;
}

bool tl_case_reset_by_path(const struct tl_case *c)
{
    return c->facts.rst_origin == TL_ORIGIN_PATH && c->facts.rst_origin_confidence != TL_CONFIDENCE_GUESS;
}

/* Idle timeouts that devices and programs come with, seconds: 30 to 3600 s of firewalls, load balancers, proxies and servers by their
 * manuals (AWS NLB 350, Azure 240, GCP 600, HAProxy and nginx 60 to 75, conntrack 300 and 1200), 7200 the keep-alive of RFC 9293 3.8.4,
 * 7440 the least of a NAT by RFC 5382 REQ-5. */
static const uint16_t usual[] = {30,  60,  65,  75,  100,  120,  180,  240,  270,  300,
                                 350, 400, 600, 900, 1200, 1800, 3600, 4000, 7200, 7440};

const uint16_t *tl_usual_timeouts(unsigned *count)
{
    *count = sizeof usual / sizeof *usual;
    return usual;
}

uint32_t tl_usual_timeout(int64_t ns)
{
    /* A timer that is looked at now and then fires late: by 1.5 % and 0.6 s; clocks differ by 0.5 %. Observed. */
    for (unsigned i = sizeof usual / sizeof *usual; i-- > 0;) {
        int64_t timeout_ns = usual[i] * TL_SECOND;

        if (ns >= timeout_ns / 1000 * 995 && ns <= timeout_ns / 1000 * 1015 + 600 * TL_MS) {
            return usual[i];
        }
    }
    return 0;
}
