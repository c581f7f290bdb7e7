/* tl_found.h - the findings of each connection, once somebody has judged the whole capture.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TL_FOUND_H
#define TL_FOUND_H

#include <stdbool.h>

#include "../engine/findings/tl_findings.h"

/* Keeps the marks of a report on all connections of the capture, in place of those kept before; copies them. O(marks). */
void tl_found_set(const struct tl_finding_mark *marks, uint32_t count);

/* Forgets them: the capture is closed. */
void tl_found_clear(void);

/* Whether there are any to ask for. */
bool tl_found_is_set(void);

/* The marks of a connection, and how many. O(log marks). */
const struct tl_finding_mark *tl_found_of(uint32_t conn, unsigned *count);

#endif
