/* tl_rsts.c - what is kept of the RSTs of one end, made when there is something to keep: most connections have none.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * RFC 5961 3.2 asks for the exact number, so an end may have to reset more than once; RFC 9293 3.5.2.
 */
#include "rules/tl_rsts.h"

struct tl_rsts *tl_rst_make(const struct tl_conn *conn, struct tl_endpoint *end)
{
    struct tl_rsts *rsts = tl_conn_part(conn, end->rsts, sizeof *rsts);

    if (rsts) {
        end->rsts = rsts;
    }
    return rsts;
}
