/* tl_endpoint_text.c - an end as address and port, or as the name that Wireshark resolved.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "show/tl_endpoint_text.h"

#include <string.h>

#include <epan/addr_resolv.h>
#include <epan/strutil.h>
#include <epan/to_str.h>

#include "store/tl_store.h"

const char *tl_host_text(wmem_allocator_t *pool, const address *name)
{
    char *text = address_to_display(pool, name);
    char *valid;

    if (g_utf8_validate(text, -1, NULL))
        return text;
    valid = g_utf8_make_valid(text, -1);
    text = wmem_strdup(pool, valid);
    g_free(valid);
    return text;
}

const char *tl_endpoint_text(wmem_allocator_t *pool, const struct tl_conn *conn, unsigned end)
{
    const char *port = tcp_port_to_display(pool, tl_conn_ends(conn)->port[end & 1]);
    const char *host;
    address name;

    tl_pairs_address(conn, end, &name);
    /* Of unsigned char in 4.0, of char later. */
    host = format_text_string(pool, (const void *)tl_host_text(pool, &name));
    return wmem_strdup_printf(pool, strchr(host, ':') ? "[%s]:%s" : "%s:%s", host, port);
}
