/* case_parse.h - reads a .case file (the format is described in README.md).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef CASE_PARSE_H
#define CASE_PARSE_H

#include "tl.h"

enum case_kind {
    CASE_SEGMENT, /* a TCP segment */
    CASE_ICMP,    /* an ICMP error that quotes a SYN or a segment too large */
    CASE_OTHER,   /* a frame of something else: only time passes */
    CASE_MORE,    /* no frame: more expectations of the line above */
    CASE_END,     /* no frame: what must be known of a connection at the end of the capture */
    CASE_LATE,    /* no frame: what must be known of an earlier segment at the end of the capture */
};

struct case_event {
    enum case_kind kind;
    unsigned line;             /* in the file, from 1 */
    int64_t time_ns;           /* of a frame */
    struct tl_segment segment; /* CASE_SEGMENT; CASE_ICMP uses frame, from and seq, CASE_LATE frame */
    unsigned icmp_type;
    unsigned icmp_code;
    uint32_t icmp_mtu;    /* if the packet was too large */
    unsigned conn;        /* CASE_END: number of the connection */
    const char *expected; /* what stands behind the bar; "" = nothing */
};

struct case_file {
    struct tl_endpoints ends;
    struct case_event *events;
    unsigned count;
    char *text; /* the file itself; `expected` points into it */
};

/* Reads a file. Returns false after telling on stderr what is wrong and where. case_free() in both cases. */
bool case_read(const char *path, struct case_file *file);
void case_free(struct case_file *file);

/* Tells the engine of an ICMP error, an event of kind CASE_ICMP. */
void case_tell_icmp(struct tl_pair *pair, const struct case_event *event);

#endif
