/* tl_servers.c - adds connections up by server.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "tables/tl_servers.h"

#include <string.h>

#include "show/tl_endpoint_text.h"
#include "store/tl_store.h"
#include "tables/tl_record.h"

enum { ADDRESS_MAX = 16 }; /* as in the store */

static const int64_t SECOND_NS = 1000000000;

/* Keys of the two maps. No padding; unused bytes are 0. */
struct server_key {
    uint8_t address[ADDRESS_MAX];
    uint16_t port;
    uint8_t type;
    uint8_t known; /* 0 = the row of those that have no server */
};

struct client_key {
    uint8_t address[ADDRESS_MAX];
    uint32_t server; /* number of the row */
    uint32_t type;
};

struct tl_servers {
    wmem_allocator_t *pool;
    wmem_map_t *by_key;  /* struct server_key -> struct tl_server */
    wmem_map_t *clients; /* struct client_key: those that were met */
    GPtrArray *rows;     /* struct tl_server, by number */
    struct tl_server all;
};

/* ---- keys --------------------------------------------------------------------------------------------------------------- */

/* Keyed by a random number: nobody can prepare a capture whose servers all collide. */
static guint servers_hash_server(gconstpointer key)
{
    return wmem_strong_hash(key, sizeof(struct server_key));
}

static gboolean servers_equal_server(gconstpointer a, gconstpointer b)
{
    return memcmp(a, b, sizeof(struct server_key)) == 0;
}

static guint servers_hash_client(gconstpointer key)
{
    return wmem_strong_hash(key, sizeof(struct client_key));
}

static gboolean servers_equal_client(gconstpointer a, gconstpointer b)
{
    return memcmp(a, b, sizeof(struct client_key)) == 0;
}

static void servers_copy_bytes(uint8_t bytes[ADDRESS_MAX], const address *name)
{
    if (name->len > 0)
        memcpy(bytes, name->data, MIN((size_t)name->len, ADDRESS_MAX));
}

/* ---- rows --------------------------------------------------------------------------------------------------------------- */

static enum tl_fate servers_fate_of(unsigned outcome)
{
    static const uint8_t fates[TL_OUTCOME_COUNT] = {
        [TL_OUTCOME_NONE] = TL_FATE_OTHER,
        [TL_OUTCOME_PENDING] = TL_FATE_OTHER,
        [TL_OUTCOME_UNANSWERED] = TL_FATE_UNANSWERED,
        [TL_OUTCOME_REFUSED] = TL_FATE_REFUSED,
        [TL_OUTCOME_UNREACHABLE] = TL_FATE_UNREACHABLE,
        [TL_OUTCOME_HALF_OPEN] = TL_FATE_HALF_OPEN,
        [TL_OUTCOME_CLIENT_RST] = TL_FATE_CLIENT_RST,
        [TL_OUTCOME_SERVER_RST] = TL_FATE_SERVER_RST,
        [TL_OUTCOME_COMPLETE] = TL_FATE_COMPLETE,
        [TL_OUTCOME_COMPLETE_INFERRED] = TL_FATE_COMPLETE,
        [TL_OUTCOME_SIMULTANEOUS] = TL_FATE_COMPLETE,
        [TL_OUTCOME_SPLIT] = TL_FATE_COMPLETE,
        [TL_OUTCOME_CHALLENGED] = TL_FATE_OTHER,
        [TL_OUTCOME_BAD] = TL_FATE_OTHER,
        [TL_OUTCOME_NOT_CAPTURED] = TL_FATE_OTHER,
        [TL_OUTCOME_UNKNOWN] = TL_FATE_OTHER,
    };

    return outcome < TL_OUTCOME_COUNT ? (enum tl_fate)fates[outcome] : TL_FATE_OTHER;
}

static struct tl_server servers_empty_row(const char *name, uint32_t number)
{
    return (struct tl_server){.name = name, .number = number, .first_ns = INT64_MIN, .last_ns = INT64_MIN, .second = INT64_MIN};
}

static struct tl_server *servers_row_of(struct tl_servers *servers, const struct tl_conn *conn, const struct tl_facts *facts)
{
    struct server_key key = {.known = facts->opener == TL_SENDER_CLIENT};
    unsigned end = !(facts->client & 1);
    struct tl_server *row;
    address name;

    if (key.known) {
        tl_pairs_address(conn, end, &name);
        servers_copy_bytes(key.address, &name);
        key.type = (uint8_t)name.type;
        key.port = tl_conn_ends(conn)->port[end];
    }
    row = wmem_map_lookup(servers->by_key, &key);
    if (row)
        return row;
    row = wmem_new(servers->pool, struct tl_server);
    *row = servers_empty_row(key.known ? tl_endpoint_text(servers->pool, conn, end) : "(no server)", servers->rows->len);
    g_ptr_array_add(servers->rows, row);
    wmem_map_insert(servers->by_key, wmem_memdup(servers->pool, &key, sizeof key), row);
    return row;
}

static void servers_add_client(struct tl_servers *servers, struct tl_server *row, const struct tl_conn *conn, unsigned end)
{
    struct client_key key = {.server = row->number};
    address name;

    tl_pairs_address(conn, end, &name);
    servers_copy_bytes(key.address, &name);
    key.type = (uint32_t)name.type;
    if (wmem_map_contains(servers->clients, &key))
        return;
    wmem_map_insert(servers->clients, wmem_memdup(servers->pool, &key, sizeof key), row);
    row->clients++;
}

static void servers_add_times(struct tl_server *row, int64_t begin_ns, int64_t end_ns)
{
    int64_t second = begin_ns / SECOND_NS;

    if (row->first_ns == INT64_MIN || begin_ns < row->first_ns)
        row->first_ns = begin_ns;
    if (end_ns > row->last_ns)
        row->last_ns = end_ns;
    row->in_second = second == row->second ? row->in_second + 1 : 1;
    row->second = second;
    row->most_per_second = MAX(row->most_per_second, row->in_second);
}

static void servers_add_to(struct tl_servers *servers, struct tl_server *row, const struct tl_conn *conn,
                           const struct tl_facts *facts, int64_t origin_ns)
{
    enum tl_fate fate = servers_fate_of(facts->outcome);

    row->connections++;
    row->fates[fate]++;
    if (fate != TL_FATE_COMPLETE && fate != TL_FATE_OTHER)
        row->failed++;
    servers_add_client(servers, row, conn, facts->client);
    servers_add_times(row, tl_ns_between(origin_ns, facts->start_ns), tl_ns_between(origin_ns, facts->last_ns));
}

const struct tl_server *tl_servers_add(struct tl_servers *servers, const struct tl_conn *conn)
{
    struct tl_facts facts, first;
    struct tl_server *row;

    tl_record_facts(conn, &facts);
    tl_record_facts(tl_store_conn(0), &first);
    row = servers_row_of(servers, conn, &facts);
    servers_add_to(servers, row, conn, &facts, first.start_ns);
    servers_add_to(servers, &servers->all, conn, &facts, first.start_ns);
    return row;
}

/* ---- the whole ---------------------------------------------------------------------------------------------------------- */

struct tl_servers *tl_servers_new(void)
{
    wmem_allocator_t *pool = wmem_allocator_new(WMEM_ALLOCATOR_BLOCK);
    struct tl_servers *servers = g_new0(struct tl_servers, 1);

    servers->pool = pool;
    servers->by_key = wmem_map_new(pool, servers_hash_server, servers_equal_server);
    servers->clients = wmem_map_new(pool, servers_hash_client, servers_equal_client);
    servers->rows = g_ptr_array_new();
    servers->all = servers_empty_row("all", UINT32_MAX);
    return servers;
}

void tl_servers_free(struct tl_servers *servers)
{
    if (!servers)
        return;
    g_ptr_array_free(servers->rows, TRUE);
    wmem_destroy_allocator(servers->pool);
    g_free(servers);
}

uint32_t tl_servers_count(const struct tl_servers *servers)
{
    return servers->rows->len;
}

const struct tl_server *tl_servers_all(const struct tl_servers *servers)
{
    return &servers->all;
}

static int servers_order(const void *a, const void *b)
{
    const struct tl_server *one = *(const struct tl_server *const *)a, *other = *(const struct tl_server *const *)b;

    if (one->failed != other->failed)
        return one->failed > other->failed ? -1 : 1;
    if (one->connections != other->connections)
        return one->connections > other->connections ? -1 : 1;
    return strcmp(one->name, other->name);
}

const struct tl_server **tl_servers_sorted(const struct tl_servers *servers)
{
    uint32_t count = servers->rows->len;
    const struct tl_server **rows = g_new(const struct tl_server *, MAX(count, 1));

    if (count > 0)
        memcpy(rows, servers->rows->pdata, count * sizeof *rows);
    qsort(rows, count, sizeof *rows, servers_order);
    return rows;
}
