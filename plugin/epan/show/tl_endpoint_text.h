/* tl_endpoint_text.h - the name of one end of a connection.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TL_ENDPOINT_TEXT_H
#define TL_ENDPOINT_TEXT_H

#include "base/tl_compat.h"

#include <epan/address.h>

#include "../engine/tl.h"

/* An address, or the name that Wireshark has for it, in valid UTF-8: names come from files, also from the capture itself, and may
 * be any bytes. O(length). */
const char *tl_host_text(wmem_allocator_t *pool, const address *name);

/* "192.0.2.1:80", "[2001:db8::1]:80"; names instead of numbers as Wireshark's name resolution is set. For a terminal: nothing in it
 * moves the cursor. O(length). */
const char *tl_endpoint_text(wmem_allocator_t *pool, const struct tl_conn *conn, unsigned end);

#endif
