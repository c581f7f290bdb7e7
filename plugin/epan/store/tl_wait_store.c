/* tl_wait_store.c - follows the waits of all connections, and keeps those long enough to be shown.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "base/tl_compat.h"

#include "store/tl_wait_store.h"

#include <epan/wmem_scopes.h>

#include "store/tl_store.h"

/* Key: frame in the low half, layer in the high half. */
struct kept {
    uint64_t key;
    struct tl_wait wait;
};

static struct {
    struct tl_waits **conns; /* by running number */
    uint32_t capacity;
    uint32_t frame; /* told last */
    unsigned layer;
    wmem_map_t *kept;
} told;

static void *wait_store_allocate(void *context, size_t bytes)
{
    (void)context;
    return wmem_alloc0(wmem_file_scope(), bytes);
}

static void wait_store_release(void *context, void *memory, size_t bytes)
{
    (void)context, (void)bytes;
    wmem_free(wmem_file_scope(), memory);
}

static const struct tl_allocator file_memory = {wait_store_allocate, wait_store_release, NULL};

static void wait_store_open_file(void)
{
    memset(&told, 0, sizeof told);
}

void tl_wait_store_register(void)
{
    register_init_routine(wait_store_open_file);
    register_cleanup_routine(wait_store_open_file);
}

static struct tl_waits *wait_store_waits_of(uint32_t number)
{
    if (number >= told.capacity) {
        uint32_t capacity = MAX(number + 1, MAX(64, told.capacity * 2));

        told.conns = wmem_realloc(wmem_file_scope(), told.conns, capacity * sizeof *told.conns);
        memset(told.conns + told.capacity, 0, (capacity - told.capacity) * sizeof *told.conns);
        told.capacity = capacity;
    }
    if (!told.conns[number])
        told.conns[number] = wmem_new0(wmem_file_scope(), struct tl_waits);
    return told.conns[number];
}

/* Whether nothing lies between the header told last and this one. */
static bool wait_store_is_next(uint32_t frame, unsigned layer)
{
    struct tl_result result;

    if (frame == told.frame)
        return layer == told.layer + 1;
    if (layer != 0 || tl_store_read(told.frame, told.layer + 1, &result))
        return false;
    for (uint32_t between = told.frame + 1; between < frame; between++) {
        if (tl_store_read(between, 0, &result))
            return false;
    }
    return true;
}

void tl_wait_store_tell(unsigned layer, const struct tl_segment *segment, const struct tl_result *result, bool visited)
{
    bool before = segment->frame < told.frame || (segment->frame == told.frame && layer <= told.layer);
    struct tl_wait wait;
    struct kept *kept;

    if (visited ? before : before && segment->frame < told.frame)
        return;
    if (!before && !wait_store_is_next(segment->frame, layer))
        return;
    told.frame = segment->frame;
    told.layer = layer;
    tl_waits_add(wait_store_waits_of(tl_conn_number(result->conn)), &file_memory, segment, result, &wait);
    if (wait.ns < TL_WAIT_SHOWN_NS)
        wait = (struct tl_wait){0};
    if (!told.kept)
        told.kept = wmem_map_new(wmem_file_scope(), wmem_int64_hash, g_int64_equal);
    if (wait.ns == 0 && !before)
        return;
    kept = wmem_new(wmem_file_scope(), struct kept);
    *kept = (struct kept){(uint64_t)layer << 32 | segment->frame, wait};
    wmem_map_insert(told.kept, &kept->key, kept);
}

bool tl_wait_store_find(uint32_t frame, unsigned layer, struct tl_wait *wait)
{
    uint64_t key = (uint64_t)layer << 32 | frame;
    const struct kept *kept = told.kept ? wmem_map_lookup(told.kept, &key) : NULL;

    if (!kept || kept->wait.ns == 0)
        return false;
    *wait = kept->wait;
    return true;
}
