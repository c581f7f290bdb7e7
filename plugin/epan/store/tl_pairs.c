/* tl_pairs.c - address and port pairs: a hash table with chains, and the pairs met last in front of it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "store/tl_pairs.h"

#include <string.h>

#include <epan/wmem_scopes.h>

enum {
    ADDRESS_MAX = 16,    /* bytes of the longest address kept: IPv6 */
    BUCKETS_FIRST = 256, /* a power of two */
    ENTRIES_EACH = 2,    /* entries for each bucket, on the average, before there are twice as many buckets */
};

/* The names of both ends; end 0 has the lower address, then port. */
struct names {
    const uint8_t *address[2];
    uint16_t port[2];
    uint8_t type[2]; /* address_type, cut to a byte */
    uint8_t length[2];
};

struct tl_pair_entry {
    struct tl_pair_entry *next; /* in its bucket */
    struct tl_pair *pair;
    uint16_t port[2];
    uint8_t type[2];
    uint8_t length[2];
    uint8_t addresses[]; /* of end 0, then of end 1 */
};

void tl_pairs_open(struct tl_pairs *pairs, struct tl_tracker *tracker, struct tl_pool *pool, const struct tl_hash *hash)
{
    memset(pairs, 0, sizeof *pairs);
    pairs->tracker = tracker;
    pairs->pool = pool;
    pairs->hash = hash;
    pairs->services = find_dissector_table("tcp.port");
    pairs->bucket_count = BUCKETS_FIRST;
    pairs->buckets = wmem_alloc0(wmem_file_scope(), BUCKETS_FIRST * sizeof *pairs->buckets);
}

/* ---- names ------------------------------------------------------------------------------------------------------------- */

static const uint8_t *pairs_address_of(const struct tl_pair_entry *entry, unsigned end)
{
    return entry->addresses + (end == 0 ? 0 : entry->length[0]);
}

static struct names pairs_names_in(const struct tl_pair_entry *entry)
{
    return (struct names){
        .address = {pairs_address_of(entry, 0), pairs_address_of(entry, 1)},
        .port = {entry->port[0], entry->port[1]},
        .type = {entry->type[0], entry->type[1]},
        .length = {entry->length[0], entry->length[1]},
    };
}

/* Whether the source of a flow is end 0 of its pair. */
static bool pairs_source_is_lower(const struct tl_flow *flow)
{
    int order = cmp_address(flow->source, flow->destination);

    return order < 0 || (order == 0 && flow->source_port <= flow->destination_port);
}

static void pairs_set_end(struct names *names, unsigned end, const address *name, uint16_t port)
{
    names->address[end] = name->data;
    names->type[end] = (uint8_t)name->type;
    names->length[end] = (uint8_t)name->len;
    names->port[end] = port;
}

/* Whether end `end` of a pair has this name. */
static bool pairs_is_end(const struct tl_pair_entry *entry, unsigned end, const address *name, uint16_t port)
{
    uint32_t kept, asked;

    if (entry->port[end] != port || entry->length[end] != name->len || entry->type[end] != (uint8_t)name->type)
        return false;
    if (name->len != sizeof kept)
        return name->len == 0 || memcmp(pairs_address_of(entry, end), name->data, (size_t)name->len) == 0;
    memcpy(&kept, pairs_address_of(entry, end), sizeof kept); /* IPv4: two loads instead of a call */
    memcpy(&asked, name->data, sizeof asked);
    return kept == asked;
}

/* Whether the flow is one direction of the pair; `from` is the end that sends. */
static bool pairs_is_flow_of(const struct tl_pair_entry *entry, const struct tl_flow *flow, unsigned *from)
{
    for (unsigned end = 0; end < 2; end++) {
        if (pairs_is_end(entry, end, flow->source, flow->source_port) &&
            pairs_is_end(entry, !end, flow->destination, flow->destination_port)) {
            *from = end;
            return true;
        }
    }
    return false;
}

/* ---- the hash table ---------------------------------------------------------------------------------------------------- */

/* The words of a name as the hash counts them: its kind, its ports, and four for the address of each end. */
enum { WORD_PORTS, WORD_KINDS, WORD_ADDRESSES, ADDRESS_WORDS = ADDRESS_MAX / 4 };

/* Adds the bytes of an address, as words from number `i` on. */
static uint64_t pairs_add_address(const struct tl_hash *hash, uint64_t sum, unsigned i, const uint8_t *address, size_t length)
{
    for (size_t at = 0; at < length; at += sizeof(uint32_t)) {
        uint32_t word = 0;

        memcpy(&word, address + at, MIN(sizeof word, length - at));
        sum = tl_hash_add(hash, sum, i++, word);
    }
    return sum;
}

/* Keyed by random numbers for each file, so that nobody can prepare a capture whose pairs collide. */
static uint32_t pairs_hash_names(const struct tl_pairs *pairs, const struct names *names)
{
    const struct tl_hash *hash = pairs->hash;
    uint64_t sum = tl_hash_begin(hash);
    uint32_t word;

    sum = tl_hash_add(hash, sum, WORD_PORTS, (uint32_t)names->port[0] << 16 | names->port[1]);
    memcpy(&word, (const uint8_t[]){names->type[0], names->length[0], names->type[1], names->length[1]}, sizeof word);
    sum = tl_hash_add(hash, sum, WORD_KINDS, word);
    for (unsigned end = 0; end < 2; end++) {
        sum = pairs_add_address(hash, sum, WORD_ADDRESSES + end * ADDRESS_WORDS, names->address[end], names->length[end]);
    }
    return tl_hash_end(sum);
}

static void pairs_put(struct tl_pairs *pairs, struct tl_pair_entry *entry, uint32_t hash)
{
    struct tl_pair_entry **bucket = &pairs->buckets[hash & (pairs->bucket_count - 1)];

    entry->next = *bucket;
    *bucket = entry;
}

static void pairs_grow(struct tl_pairs *pairs)
{
    struct tl_pair_entry **old = pairs->buckets;
    uint32_t count = pairs->bucket_count;

    pairs->bucket_count = count * 2;
    pairs->buckets = wmem_alloc0(wmem_file_scope(), (size_t)pairs->bucket_count * sizeof *pairs->buckets);
    for (uint32_t i = 0; i < count; i++) {
        while (old[i]) {
            struct tl_pair_entry *entry = old[i];
            struct names names = pairs_names_in(entry);

            old[i] = entry->next;
            pairs_put(pairs, entry, pairs_hash_names(pairs, &names));
        }
    }
    wmem_free(wmem_file_scope(), old);
}

/* A number of an address, the same for every port and in every run, for answers may depend on which hosts share a place of a table; never
 * 0. FNV-1a of 64 bits (draft-eastlake-fnv): whoever makes two hosts collide only weakens evidence about both. */
static uint64_t pairs_number_of(const struct tl_pair_entry *entry, unsigned end)
{
    uint64_t number = UINT64_C(0xcbf29ce484222325);

    for (unsigned i = 0; i < entry->length[end]; i++)
        number = (number ^ pairs_address_of(entry, end)[i]) * UINT64_C(0x100000001b3);
    return number | 1;
}

static struct tl_pair *pairs_new_pair(const struct tl_pairs *pairs, struct tl_pair_entry *entry)
{
    struct tl_endpoints ends = {.user = entry};

    for (unsigned end = 0; end < 2; end++) {
        ends.host[end] = pairs_number_of(entry, end);
        ends.port[end] = entry->port[end];
        ends.is_service[end] = dissector_get_uint_handle(pairs->services, entry->port[end]) != NULL;
    }
    return tl_pair_new(pairs->tracker, &ends);
}

static struct tl_pair_entry *pairs_add(struct tl_pairs *pairs, const struct names *names, uint32_t hash)
{
    size_t bytes = sizeof(struct tl_pair_entry) + names->length[0] + names->length[1];
    struct tl_pair_entry *entry = tl_pool_take(pairs->pool, bytes);
    uint8_t *to = entry->addresses;

    for (unsigned end = 0; end < 2; end++) {
        entry->port[end] = names->port[end];
        entry->type[end] = names->type[end];
        entry->length[end] = names->length[end];
        if (names->length[end] > 0)
            memcpy(to, names->address[end], names->length[end]);
        to += names->length[end];
    }
    entry->pair = pairs_new_pair(pairs, entry);
    if (!entry->pair) {
        tl_pool_give(pairs->pool, entry, bytes);
        return NULL;
    }
    if (++pairs->count > pairs->bucket_count * ENTRIES_EACH)
        pairs_grow(pairs);
    pairs_put(pairs, entry, hash);
    return entry;
}

static struct tl_pair_entry *pairs_look_up(struct tl_pairs *pairs, const struct tl_flow *flow, bool create, unsigned *from)
{
    unsigned source = pairs_source_is_lower(flow) ? 0 : 1;
    struct tl_pair_entry *entry;
    struct names names;
    uint32_t hash;

    pairs_set_end(&names, source, flow->source, flow->source_port);
    pairs_set_end(&names, !source, flow->destination, flow->destination_port);
    hash = pairs_hash_names(pairs, &names);
    for (entry = pairs->buckets[hash & (pairs->bucket_count - 1)]; entry; entry = entry->next) {
        if (pairs_is_flow_of(entry, flow, from))
            return entry;
    }
    *from = source;
    return create ? pairs_add(pairs, &names, hash) : NULL;
}

/* ---- for the store ----------------------------------------------------------------------------------------------------- */

/* Where the pair of a flow may be found; the same for both directions. */
static unsigned pairs_place_near(const struct tl_flow *flow)
{
    unsigned both = (unsigned)flow->source_port + flow->destination_port;

    return (both ^ both >> 6) & (TL_PAIRS_NEAR - 1);
}

struct tl_pair *tl_pairs_find(struct tl_pairs *pairs, const struct tl_flow *flow, bool create, unsigned *from)
{
    struct tl_pair_entry **near = &pairs->near[pairs_place_near(flow)];

    if (flow->source->len > ADDRESS_MAX || flow->destination->len > ADDRESS_MAX || !pairs->tracker)
        return NULL;
    if (!*near || !pairs_is_flow_of(*near, flow, from)) {
        struct tl_pair_entry *entry = pairs_look_up(pairs, flow, create, from);

        if (!entry)
            return NULL;
        *near = entry;
    }
    return (*near)->pair;
}

void tl_pairs_address(const struct tl_conn *conn, unsigned end, address *name)
{
    const struct tl_pair_entry *entry = tl_conn_ends(conn)->user;

    set_address(name, entry->type[end & 1], entry->length[end & 1], pairs_address_of(entry, end & 1));
}
