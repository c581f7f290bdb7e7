/* tl_argument.c - takes a -z argument apart and says what is wrong with it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "tables/tl_argument.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <epan/plugin_if.h>

void tl_argument_register(const char *name, stat_tap_init_cb start, const void *data)
{
    stat_tap_ui *argument = wmem_new0(wmem_epan_scope(), stat_tap_ui);

    argument->group = REGISTER_PACKET_STAT_GROUP_UNSORTED;
    argument->cli_string = name;
    argument->tap_init_cb = start;
    register_stat_tap_ui(argument, (void *)data);
}

const char *tl_argument_filter(const char *argument, const char *name)
{
    const char *rest = argument + strlen(name);

    if (*rest == ',')
        return rest[1] == '\0' ? NULL : rest + 1;
    if (*rest == '\0')
        return NULL;
    fprintf(stderr, "tshark: there is no \"-z %s\"; after \"%s\" comes nothing, or a comma and a filter\n", argument, name);
    exit(EXIT_FAILURE);
}

void tl_argument_listen(const char *tap, const struct tl_listener *listener, void *data, const char *filter)
{
    GString *error = register_tap_listener(tap, data, filter, TL_REQUIRES_NOTHING, listener->reset, listener->packet,
                                           listener->draw, listener->finish);

    if (!error)
        return;
    fprintf(stderr, "tshark: tcplife cannot use the filter \"%s\": %s\n", filter ? filter : "", error->str);
    exit(EXIT_FAILURE);
}

void tl_argument_written(void)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return;
    /* A script must not take a table that was cut short for a whole one; a reader that has gone has seen enough. */
    if (errno != EPIPE)
        fprintf(stderr, "tshark: tcplife cannot write its table: %s\n", g_strerror(errno));
    exit(EXIT_FAILURE);
}

void tl_argument_open_window(const char *name, const char *filter)
{
    char *argument = filter ? g_strdup_printf("%s,%s", name, filter) : g_strdup(name);

    /* Wireshark is walking its list of requests, and this adds one at its end. */
    process_stat_cmd_arg(argument);
    g_free(argument);
}
