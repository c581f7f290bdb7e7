/* tl_wireshark.h - Wireshark's own opinion of a segment (tcp.analysis.*), where it differs from ours.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Nothing is decided by it. It serves one clause of the explanation, for readers who see both.
 */
#ifndef TL_WIRESHARK_H
#define TL_WIRESHARK_H

#include "base/tl_compat.h"

#include "input/tl_view.h"

/* One row that fits: what to say, and what Wireshark calls the segment, by enum tl_language. */
struct tl_difference {
    const char *const *text;
    const char *const *flag;
};

/* Finds Wireshark's fields. Call when protocols are handed off. */
void tl_wireshark_handoff(void);

/* Makes TCP put its opinion into the tree, if somebody reads tcplife.explanation there; a tree is never made for it. Call before
 * TCP. Costs a comparison when nobody reads it, else about 100 ns. `tree` may be NULL. */
void tl_wireshark_ask(proto_tree *tree);

/* Whether this is Wireshark with its window, rather than tshark. Some other programs cannot tell: then false. */
bool tl_wireshark_in_window(void);

/* Whether this is Wireshark with its window, rather than tshark; other programs count as tshark. Call it when a file is open, or an
 * argument is started, not before. */
bool tl_wireshark_in_window(void);

/* Whether somebody reads a field of waits, or the explanation, in this tree; in a window, where a frame may be looked at later, always.
 * Costs a comparison or a few. `tree` may be NULL. */
bool tl_wireshark_reads_waits(proto_tree *tree);

/* What TCP put there: a bit for each row TL_WIRESHARK_FLAG of tl_wireshark.def, from the lowest on. 0 in a frame with more than one
 * TCP header, for nobody can tell which one is meant, and where tl_wireshark_ask() was not called. */
unsigned tl_wireshark_flags(proto_tree *tree);

/* Finds the row of tl_wireshark.def for view->wireshark and our answer. Returns false when the two agree. */
bool tl_wireshark_differs(const struct tl_view *view, struct tl_difference *difference);

#endif
