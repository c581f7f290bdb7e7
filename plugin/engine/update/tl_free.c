/* tl_free.c - gives back what a connection holds, each part by the module that made it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "update/tl_release.h"
#include "update/tl_update.h"

#include "rules/tl_apply.h"
#include "rules/tl_path_mtu.h"
#include "rules/tl_rexmit.h"
#include "views/tl_zeek_view.h"

static void free_end(const struct tl_allocator *allocator, struct tl_endpoint *end)
{
    tl_rexmit_free(end);
    tl_path_mtu_free(allocator, end);
    tl_conn_free_scoreboard(allocator, end);
    tl_recent_free(&end->recent);
    allocator->free(allocator->context, end->syns, sizeof *end->syns);
    allocator->free(allocator->context, end->synacks, sizeof *end->synacks);
    allocator->free(allocator->context, end->probes, sizeof *end->probes);
    allocator->free(allocator->context, end->rsts, sizeof *end->rsts);
}

void tl_conn_free(struct tl_conn *conn)
{
    const struct tl_allocator *allocator = &conn->pair->tracker->allocator;
    unsigned i;

    tl_release_forget(conn);
    for (i = 0; i < 2; i++) {
        free_end(allocator, &conn->endpoint[i]);
    }
    tl_zeek_view_free(conn);
    allocator->free(allocator->context, conn, sizeof *conn);
}
