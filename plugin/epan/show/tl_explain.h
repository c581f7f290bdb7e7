/* tl_explain.h - an answer in words.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TL_EXPLAIN_H
#define TL_EXPLAIN_H

#include "base/tl_compat.h"

#include "input/tl_view.h"

/* One or a few sentences in view->language that say what the segment is and why, made from tl_sentences.def. The string belongs to
 * `pool`. A fact is worded by its confidence, and from the second pass on late
 * facts are told as they are then; frames are named only when they come before the segment. Where Wireshark's own flag
 * differs (view->wireshark) the last sentence says so. Costs some microseconds, so call it only when somebody reads it. */
const char *tl_explain(wmem_allocator_t *pool, const struct tl_view *view);

#endif
