/* tl_case.h - one connection as the findings see it: everything that is counted or known of it, as plain numbers.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TL_CASE_H
#define TL_CASE_H

#include "tl.h"
#include "views/tl_course.h"
#include "views/tl_tally.h"
#include "views/tl_waits.h"

/* Arrays of two are by role: 0 = client, 1 = server. Times in ns; negative = not known. */
struct tl_case {
    struct tl_facts facts;
    struct tl_trouble trouble[2];
    struct tl_waits_now waits;
    struct tl_course_now course;
    uint64_t bytes[2];           /* payload, retransmissions included */
    int64_t duration_ns;         /* first to last segment */
    int64_t final_idle_ns;       /* tl_tally_final_idle() */
    uint32_t segments[2];        /* copies left out */
    uint32_t retransmissions[2]; /* of all causes */
    uint32_t host[2];            /* running number of the address, from 0 */
    uint16_t port[2];
};

/* The silence after which it failed, ns. */
int64_t tl_case_silence(const struct tl_case *c);

/* The handshake was completed. */
bool tl_case_opened(const struct tl_case *c);

/* Nothing lies between the capture point and the server where a segment could be lost. A round trip of 0.2 ms alone does not say so: a
 * switch is as fast as that. */
bool tl_case_is_at_server(const struct tl_case *c);

/* No end sent payload. */
bool tl_case_is_empty(const struct tl_case *c);

/* A device on the path sent the reset, at least likely. */
bool tl_case_reset_by_path(const struct tl_case *c);

/* A usual timeout, in seconds, that fits the time; 0 = none. */
uint32_t tl_usual_timeout(int64_t ns);

/* The usual timeouts, ascending, and their count. */
const uint16_t *tl_usual_timeouts(unsigned *count);

#endif
