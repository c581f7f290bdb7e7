/* tl_report_tap.h - what is wrong with the capture, for tshark.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 *     tshark -q -z tcplife,report[,all][,filter]    text
 *     tshark -q -z tcplife,report_json[,filter]     an object for each finding, one a line
 *
 * A filter selects connections, those of which at least one segment passes; each is judged as a whole.
 */
#ifndef TL_REPORT_TAP_H
#define TL_REPORT_TAP_H

#include "base/tl_language.h"

/* Makes the arguments known. `language` tells the preference. Call once, when protocols are registered and after
 * tl_input_register(). */
void tl_report_tap_register(enum tl_language (*language)(void));

#endif
