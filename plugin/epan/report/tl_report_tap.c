/* tl_report_tap.c - -z tcplife,report: listens to all segments and judges at the end of the capture.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "report/tl_report_tap.h"

#include <stdio.h>
#include <string.h>

#include "report/tl_report.h"
#include "report/tl_report_json.h"
#include "report/tl_report_text.h"
#include "report/tl_report_window.h"
#include "tables/tl_argument.h"
#include "tables/tl_tap.h"

typedef void (*writer)(const struct tl_report *report, bool all);

/* What comes after -z, up to the filter. */
struct command {
    const char *name;
    const char *all; /* the same for all findings; NULL = nothing is left out anyway */
    writer write;
};

/* One -z argument. It lives until tshark ends. */
struct job {
    const struct command *command;
    struct tl_collection *collection;
    bool filtered;
    bool all;
};

static GPtrArray *jobs;
static enum tl_language (*language)(void);

/* ---- writing ------------------------------------------------------------------------------------------------------------- */

static void report_tap_write_text(const struct tl_report *report, bool all)
{
    wmem_allocator_t *pool = wmem_allocator_new(WMEM_ALLOCATOR_BLOCK_FAST);

    fputs(tl_report_text(report, language(), all, pool), stdout);
    wmem_destroy_allocator(pool);
}

static void report_tap_write_json(const struct tl_report *report, bool all)
{
    wmem_allocator_t *pool = wmem_allocator_new(WMEM_ALLOCATOR_BLOCK_FAST);

    (void)all;
    fputs(tl_report_json(report, language(), pool), stdout);
    wmem_destroy_allocator(pool);
}

static void report_tap_write_job(struct job *job)
{
    struct tl_report *report;

    tl_collection_prove(job->collection);
    report = tl_report_new(job->collection);
    if (report)
        job->command->write(report, job->all);
    else
        fprintf(stderr, "tshark: tcplife has not enough memory for its report\n");
    tl_report_free(report);
    tl_collection_clear(job->collection);
}

/* ---- listening ----------------------------------------------------------------------------------------------------------- */

static void report_tap_reset(void *tap)
{
    tl_collection_clear(((struct job *)tap)->collection);
}

static tap_packet_status report_tap_count(void *tap, packet_info *pinfo, epan_dissect_t *edt, const void *data,
                                          tap_flags_t flags)
{
    struct job *job = tap;
    struct tl_collected *entry = tl_collection_add(job->collection, data);

    (void)pinfo, (void)edt, (void)flags;
    entry->selected = entry->selected || !job->filtered;
    return TAP_PACKET_REDRAW;
}

/* The same tap once more, behind the filter. */
static tap_packet_status report_tap_select_connection(void *tap, packet_info *pinfo, epan_dissect_t *edt, const void *data,
                                                      tap_flags_t flags)
{
    (void)pinfo, (void)edt, (void)flags;
    tl_collection_entry(((struct job *)tap)->collection, data)->selected = true;
    return TAP_PACKET_REDRAW;
}

static void report_tap_draw(void *tap)
{
    report_tap_write_job(tap);
    tl_argument_written();
}

/* The file goes away, and with it the connections; a long capture may go on in another one (tshark -b). */
static void report_tap_write_before_close(void)
{
    for (guint i = 0; i < jobs->len; i++) {
        struct job *job = g_ptr_array_index(jobs, i);

        if (job->collection->entries->len > 0)
            report_tap_write_job(job);
    }
}

/* ---- arguments ----------------------------------------------------------------------------------------------------------- */

static const struct command commands[] = {
    {"tcplife,report", "tcplife,report,all", report_tap_write_text},
    {"tcplife,report_json", NULL, report_tap_write_json},
};

/* Whether the argument asks for all findings: no filter is the word "all". */
static bool report_tap_asks_for_all(const char *argument, const struct command *command)
{
    size_t length = command->all ? strlen(command->all) : 0;

    return length > 0 && strncmp(argument, command->all, length) == 0 && (argument[length] == '\0' || argument[length] == ',');
}

/* Called with the whole argument, for instance "tcplife,report,all,ip.addr == 192.0.2.1". */
static TL_STAT_INIT report_tap_start(const char *argument, void *data)
{
    static const struct tl_listener segments = {.packet = report_tap_count, .reset = report_tap_reset, .draw = report_tap_draw};
    static const struct tl_listener selected = {.packet = report_tap_select_connection, .reset = report_tap_reset};
    const struct command *command = data;
    bool all = report_tap_asks_for_all(argument, command);
    const char *filter = tl_argument_filter(argument, all ? command->all : command->name);
    struct job *job;

    if (tl_report_window_open_in_gui(filter))
        TL_STAT_INIT_DONE;
    job = g_new0(struct job, 1);
    job->command = command;
    job->all = all;
    job->collection = tl_collection_new();
    job->filtered = filter != NULL;
    g_ptr_array_add(jobs, job);
    tl_argument_listen(TL_TAP_NAME, &segments, job, NULL);
    if (filter)
        tl_argument_listen(TL_TAP_NAME, &selected, job, filter);
    TL_STAT_INIT_DONE;
}

void tl_report_tap_register(enum tl_language (*preferred)(void))
{
    language = preferred;
    jobs = g_ptr_array_new();
    register_cleanup_routine(report_tap_write_before_close);
    for (size_t i = 0; i < G_N_ELEMENTS(commands); i++)
        tl_argument_register(commands[i].name, report_tap_start, &commands[i]);
}
