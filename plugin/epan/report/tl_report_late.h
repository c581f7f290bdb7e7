/* tl_report_late.h - judges the capture for the fields tcplife.finding and tcplife.finding.group.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * They need counts of every segment, which nobody else needs on the first pass. So counting begins with the first pass on which
 * somebody reads one of these fields, and the fields are there on the passes after it: on the second one of "tshark -2 -Y
 * tcplife.finding", at once in the window after the report was opened, else when a filter is applied for the second time.
 */
#ifndef TL_REPORT_LATE_H
#define TL_REPORT_LATE_H

#include "base/tl_compat.h"

#include "input/tl_input.h"

/* Call once, when protocols are registered. */
void tl_report_late_register(void);

/* Call with the headers of each frame. Costs two comparisons when nobody reads the fields. */
void tl_report_late_count(const packet_info *pinfo, proto_tree *tree, const struct tl_header *headers, unsigned count);

#endif
