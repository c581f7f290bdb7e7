/* tl_tap.c - the tap "tcplife": what the other tables and -z arguments listen to.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "tables/tl_tap.h"

#include <epan/tap.h>

static int tap;

void tl_tap_register(void)
{
    tap = register_tap(TL_TAP_NAME);
}

void tl_tap_queue(packet_info *pinfo, const struct tl_header *headers, unsigned count)
{
    if (!have_tap_listener(tap))
        return;
    for (unsigned i = 0; i < count; i++) {
        if (headers[i].decided)
            tap_queue_packet(tap, pinfo, &headers[i]);
    }
}
