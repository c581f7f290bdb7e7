/* tl_end_text.c - see tl_end_text.h.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "tl_end_text.h"

#include <epan/addr_resolv.h>
#include <epan/to_str.h>

#include "tl_store.h"

const char *tl_end_text(wmem_allocator_t *pool, const struct tl_conn *conn, unsigned end)
{
    const char *port = tcp_port_to_display(pool, tl_conn_ends(conn)->port[end & 1]);
    address name;

    tl_store_address(conn, end, &name);
    return wmem_strdup_printf(pool, name.type == AT_IPv6 ? "[%s]:%s" : "%s:%s", address_to_display(pool, &name), port);
}
