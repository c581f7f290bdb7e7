/* tl_report_say.h - a finding in words.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TL_REPORT_SAY_H
#define TL_REPORT_SAY_H

#include "report/tl_report.h"

/* The measures and traits of tl_measures.def by their names, and the unit of a measure. */
enum tl_report_unit { NS, OCTETS, NUMBER };

struct tl_report_measure {
    const char *name;
    enum tl_report_unit unit;
};

extern const struct tl_report_measure tl_report_measures[TL_MEASURE_COUNT];
extern const char *const tl_report_traits[TL_TRAIT_COUNT];

/* The texts of a group, in the pool that tl_report_say() was given. */
struct tl_said {
    const char *class; /* "BROKEN" */
    const char *title;
    const char *where; /* who is concerned */
    const char *seen;  /* evidence, a line each */
    const char *means; /* with how sure it is in front */
    const char *check;
    const char *filter; /* display filter that shows exactly the connections */
    const char *frames; /* a few of them */
};

/* Says it. O(texts). */
void tl_report_say(const struct tl_report *report, const struct tl_finding_group *group, enum tl_language language,
                   wmem_allocator_t *pool, struct tl_said *said);

/* "certain", "likely", "perhaps": how sure a group is, in the language. */
const char *tl_report_sure(unsigned confidence, enum tl_language language);

/* A time as people write it: "350 s", "1.5 s", "40 ms". */
const char *tl_report_seconds(wmem_allocator_t *pool, int64_t ns);

/* Octets as people write them: "1448 B", "34 kB", "1.4 MB". */
const char *tl_report_octets(wmem_allocator_t *pool, int64_t octets);

/* Skips the comma or semicolon in front of a list whose first members were left out. */
const char *tl_report_skip_separators(const char *text);

#endif
