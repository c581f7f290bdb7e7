/* tl_servers.h - connections summed up by server: where they went and what became of the handshakes.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A SYN flood shows as one server with many half-open connections of many clients, a scan as many servers with one refused or
 * unanswered connection each.
 */
#ifndef TL_SERVERS_H
#define TL_SERVERS_H

#include "base/tl_compat.h"

#include "../engine/tl.h"

/* What became of the handshakes, as columns. TL_FATE_OTHER: still pending, challenged, wrong numbers, not captured, unknown. */
enum tl_fate {
    TL_FATE_COMPLETE,
    TL_FATE_REFUSED,
    TL_FATE_UNANSWERED,
    TL_FATE_HALF_OPEN,
    TL_FATE_UNREACHABLE,
    TL_FATE_CLIENT_RST,
    TL_FATE_SERVER_RST,
    TL_FATE_OTHER,
    TL_FATE_COUNT
};

/* One server: an address and a port. One row, "(no server)", may be that of connections which both ends opened, or which answer
 * something that was not captured. */
struct tl_server {
    const char *name; /* "192.0.2.1:80"; lives as long as the table */
    uint32_t number;  /* from 0, in order of appearance */
    uint32_t connections;
    uint32_t clients;              /* different addresses */
    uint32_t fates[TL_FATE_COUNT]; /* their sum is `connections` */
    uint32_t failed;               /* connections that came to nothing: refused to server_rst */
    uint32_t most_per_second;      /* connections begun within one second, counted from the first connection of the capture */
    int64_t first_ns; /* when its first connection began, since the first of the capture; INT64_MIN while there is none */
    int64_t last_ns;  /* when its last segment came */
    /* For counting on. */
    int64_t second;
    uint32_t in_second;
};

struct tl_servers;

struct tl_servers *tl_servers_new(void);

/* Adds a connection as what it is by now, and returns the row that it went to. Add each connection once, in the order in which
 * they began. O(1) amortised; memory for each server and for each pair of server and client address. */
const struct tl_server *tl_servers_add(struct tl_servers *servers, const struct tl_conn *conn);

/* The sum of all rows; a client counts once. */
const struct tl_server *tl_servers_all(const struct tl_servers *servers);

/* How many rows there are. */
uint32_t tl_servers_count(const struct tl_servers *servers);

/* The rows, most failed connections first, then most connections, then by name. Free the array with g_free(). O(n log n). */
const struct tl_server **tl_servers_sorted(const struct tl_servers *servers);

/* NULL is allowed. */
void tl_servers_free(struct tl_servers *servers);

#endif
