/* tl_end_text.h - the name of one end of a connection.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TL_END_TEXT_H
#define TL_END_TEXT_H

#include "tl_compat.h"

#include "../engine/tl.h"

/* "192.0.2.1:80", "[2001:db8::1]:80"; names instead of numbers as Wireshark's name resolution is set. O(1). */
const char *tl_end_text(wmem_allocator_t *pool, const struct tl_conn *conn, unsigned end);

#endif
