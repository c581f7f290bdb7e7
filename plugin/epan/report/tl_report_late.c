/* tl_report_late.c - counts the segments of a pass for the late fields, and judges when it has counted all.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "report/tl_report_late.h"

#include "report/tl_report.h"
#include "show/tl_item.h"
#include "store/tl_found.h"
#include "store/tl_store.h"

static struct {
    struct tl_collection *collection; /* NULL = nobody has asked yet */
    uint64_t counted;                 /* headers */
    uint32_t frame;                   /* the last one */
} late;

static void report_late_forget(void)
{
    tl_collection_free(late.collection);
    late.collection = NULL;
    late.counted = 0;
    late.frame = 0;
}

/* The capture is closed. */
static void report_late_close_capture(void)
{
    report_late_forget();
    tl_found_clear();
}

/* Every segment of the capture was counted: a later pass can show what is wrong. */
static void report_late_judge(void)
{
    struct tl_report *report;
    const struct tl_finding_mark *marks;
    uint32_t count;

    tl_collection_prove(late.collection);
    report = tl_report_new(late.collection);
    if (report) {
        marks = tl_findings_marks(report->findings, &count);
        tl_found_set(marks, count);
    }
    tl_report_free(report);
    report_late_forget();
}

static void report_late_add(const packet_info *pinfo, const struct tl_header *headers, unsigned count)
{
    /* Another pass. A frame that a read filter rejects gives its number to the next one. */
    if (pinfo->num < late.frame || (pinfo->num == late.frame && PINFO_FD_VISITED(pinfo)))
        report_late_forget();
    if (!late.collection)
        late.collection = tl_collection_new();
    late.frame = pinfo->num;
    for (unsigned i = 0; i < count; i++) {
        if (!headers[i].decided)
            continue;
        tl_collection_add(late.collection, &headers[i])->selected = true;
        late.counted++;
    }
}

void tl_report_late_count(const packet_info *pinfo, proto_tree *tree, const struct tl_header *headers, unsigned count)
{
    if (tl_found_is_set() || count == 0)
        return;
    /* The first pass that is over may have been counted from its first segment on. */
    if (late.collection && PINFO_FD_VISITED(pinfo) && pinfo->num <= late.frame && late.counted == tl_store_headers()) {
        report_late_judge();
        return;
    }
    /* A tree that is shown has every field, though nobody may look at these. */
    if (!tree || PTREE_DATA(tree)->visible || !tl_item_reads_findings(tree))
        return;
    report_late_add(pinfo, headers, count);
}

void tl_report_late_register(void)
{
    register_cleanup_routine(report_late_close_capture);
}
