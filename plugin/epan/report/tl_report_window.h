/* tl_report_window.h - the report as a window of Wireshark.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 *     Statistics > TCP Lifecycle Report    or: wireshark -z tcplife,report[,filter]
 *
 * A row for each finding, in the order of the report, with its evidence, its meaning, what to check, and its display filter. The window
 * judges the whole capture, so tcplife.finding can be filtered on as soon as it was open without a filter of its own.
 */
#ifndef TL_REPORT_WINDOW_H
#define TL_REPORT_WINDOW_H

#include "base/tl_compat.h"

#include "base/tl_language.h"

/* Makes the window known. `language` tells the preference. Call once, when protocols are registered and after
 * tl_input_register(). */
void tl_report_window_register(enum tl_language (*language)(void));

/* Opens the window if this is the graphical Wireshark. `filter` may be NULL. Returns false in tshark. Call it when a -z argument is
 * started. */
bool tl_report_window_open_in_gui(const char *filter);

#endif
