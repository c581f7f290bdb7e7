/* tl_report.h - the findings of a capture, with the names of those whom they are about.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TL_REPORT_H
#define TL_REPORT_H

#include "base/tl_compat.h"

#include "../engine/findings/tl_findings.h"
#include "base/tl_language.h"
#include "tables/tl_collect.h"

struct tl_report {
    wmem_allocator_t *pool; /* of everything below */
    struct tl_findings *findings;
    GPtrArray *hosts; /* address, by its running number */
};

/* Judges the connections of a collection that are selected, after tl_collection_prove(). NULL when memory ran out. O(n log n). */
struct tl_report *tl_report_new(const struct tl_collection *collection);

/* NULL is allowed. */
void tl_report_free(struct tl_report *report);

/* The name of a host, as Wireshark's name resolution is set; safe for a terminal. */
const char *tl_report_host(const struct tl_report *report, wmem_allocator_t *pool, uint32_t host);

#endif
