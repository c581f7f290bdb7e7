/* tl_tag.h - what a segment is and what it changes, in a few words.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * For the Info column, the head of the tree and the arrows of the flow graph.
 */
#ifndef TL_TAG_H
#define TL_TAG_H

#include "../engine/tl.h"

/* The most telling answer in a few words: "SYN 1/3", "RST: refused"; NULL for an ordinary segment. `prefix` goes before it and
 * is never NULL. Both are constants. O(1). */
const char *tl_tag(const struct tl_shape *shape, const char **prefix);

#endif
