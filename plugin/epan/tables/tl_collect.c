/* tl_collect.c - one account for each connection.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "tables/tl_collect.h"

#include "store/tl_store.h"
#include "tables/tl_record.h"

static void collect_free_entry(gpointer data)
{
    struct tl_collected *entry = data;

    if (entry)
        tl_account_clear(&entry->account, &tl_record_heap);
    g_free(entry);
}

struct tl_collection *tl_collection_new(void)
{
    struct tl_collection *collection = g_new0(struct tl_collection, 1);

    collection->entries = g_ptr_array_new_with_free_func(collect_free_entry);
    collection->origin_ns = INT64_MAX;
    return collection;
}

void tl_collection_clear(struct tl_collection *collection)
{
    g_ptr_array_set_size(collection->entries, 0);
    collection->origin_ns = INT64_MAX;
}

void tl_collection_free(struct tl_collection *collection)
{
    if (!collection)
        return;
    g_ptr_array_free(collection->entries, TRUE);
    g_free(collection);
}

struct tl_collected *tl_collection_entry(struct tl_collection *collection, const struct tl_header *header)
{
    uint32_t number = tl_conn_number(header->result.conn);
    struct tl_collected *entry;

    if (number >= collection->entries->len)
        g_ptr_array_set_size(collection->entries, (gint)number + 1);
    entry = g_ptr_array_index(collection->entries, number);
    if (!entry) {
        entry = g_new0(struct tl_collected, 1);
        entry->conn = header->result.conn;
        g_ptr_array_index(collection->entries, number) = entry;
    }
    return entry;
}

struct tl_collected *tl_collection_add(struct tl_collection *collection, const struct tl_header *header)
{
    struct tl_collected *entry = tl_collection_entry(collection, header);

    collection->origin_ns = MIN(collection->origin_ns, header->segment.time_ns);
    tl_account_add(&entry->account, &tl_record_heap, &header->segment, &header->result);
    return entry;
}

/* A retransmission that a later segment proved to be spurious. */
static void collect_add_proof(const struct tl_proof *proof, void *data)
{
    struct tl_collection *collection = data;
    struct tl_collected *entry =
        proof->conn < collection->entries->len ? g_ptr_array_index(collection->entries, proof->conn) : NULL;

    if (entry)
        tl_account_prove(&entry->account, proof->from, proof->at_once, proof->lost_at);
}

void tl_collection_prove(struct tl_collection *collection)
{
    tl_store_each_proof(collect_add_proof, collection);
}
