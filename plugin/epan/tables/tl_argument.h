/* tl_argument.h - the -z arguments: what is common to all of them.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * An argument is a name, and perhaps a comma and a filter: "tcplife,servers,ip.addr == 192.0.2.1". In tshark whatever is wrong
 * with it ends the program with a message and a status that is not 0.
 */
#ifndef TL_ARGUMENT_H
#define TL_ARGUMENT_H

#include "base/tl_compat.h"

#include <epan/stat_tap_ui.h>

/* Makes a name known. `start` will be called with the whole argument and `data`. Where Wireshark would register the same name
 * itself, ours counts, because it comes first. Call when protocols are registered. */
void tl_argument_register(const char *name, stat_tap_init_cb start, const void *data);

/* The filter of an argument that begins with `name`; NULL if it has none. */
const char *tl_argument_filter(const char *argument, const char *name);

/* What a listener does; any of them may be NULL. */
struct tl_listener {
    tap_packet_cb packet;
    tap_reset_cb reset;
    tap_draw_cb draw; /* tshark: the capture is at its end */
    tap_finish_cb finish;
};

/* Listens to a tap with a filter, or NULL. `data` goes to the functions. */
void tl_argument_listen(const char *tap, const struct tl_listener *listener, void *data, const char *filter);

/* Call when all was written to standard output. If that failed the program ends: a script must not take a table that was cut short
 * for a whole one. */
void tl_argument_written(void);

/* Opens the window of a table in the graphical Wireshark, as if its own name had been given with -z. Call it when an argument is
 * started. */
void tl_argument_open_window(const char *name, const char *filter);

#endif
