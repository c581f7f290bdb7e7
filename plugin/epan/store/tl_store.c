/* tl_store.c - what is kept for one file: each frame's result in 8 bytes, shapes once, refs where there are any, late facts
 * apart.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "store/tl_store.h"

#include <string.h>

#include <epan/wmem_scopes.h>

#include "base/tl_hash.h"
#include "store/tl_shapes.h"

enum {
    CHUNK_BITS = 12, /* frames in one chunk of slots: 4096, which are 32 KiB */
    CHUNK_FRAMES = 1 << CHUNK_BITS,
    SHAPES_MAX = 0xFFFFFF, /* a slot has 24 bits for the number of a shape */
    LAYERS_MAX = 0x3F,     /* a slot has 6 bits for the count of TCP headers */
};

/* The answer for one TCP header in 8 bytes. `shape` 0 = no answer, else the number of the shape. */
struct slot {
    uint32_t conn;
    uint32_t shape : 24;
    uint32_t has_refs : 1;
    uint32_t layers : 7; /* in the slot of layer 0: TCP headers written for the frame */
};

/* Key of the hash tables beside the slots: frame in the low half, layer in the high half. */
struct extra_slot {
    uint64_t key;
    struct slot slot;
};

struct extra_refs {
    uint64_t key;
    struct tl_refs refs;
};

/* A late fact. Key: frame in the low half, connection in the high half. */
struct late {
    uint64_t key;
    unsigned value;
};

/* What a run of probes turned out to be: this bit, and enum tl_confidence. */
enum { RUN_ASKS_FOR_WINDOW = 0x100 };

static struct {
    struct tl_tracker *tracker;
    struct tl_pool pool; /* of the tracker, and of what is kept of pairs */
    struct tl_hash hash;
    struct tl_pairs pairs;
    struct slot **chunks;
    uint32_t chunk_count;
    struct tl_conn **conns; /* by running number */
    uint32_t conn_capacity;
    struct tl_shapes shapes;
    wmem_map_t *extra_slots;  /* key -> struct extra_slot: TCP headers beyond the first of a frame */
    wmem_map_t *extra_refs;   /* key -> struct extra_refs */
    wmem_map_t *proofs;       /* key -> struct late, enum tl_spurious of a retransmission */
    wmem_map_t *runs;         /* key -> struct late, kind of the run of probes that began in the frame */
    wmem_map_t *icmp_senders; /* number of a connection -> struct icmp_sender */
    int64_t end_ns;
    uint64_t headers; /* answers kept */
} store;

/* ---- life of the store ------------------------------------------------------------------------------------------------- */

static void *store_allocate(void *context, size_t bytes)
{
    return tl_pool_take(context, bytes);
}

static void store_release(void *context, void *memory, size_t bytes)
{
    tl_pool_give(context, memory, bytes);
}

static void store_open(void)
{
    static const struct tl_allocator allocator = {store_allocate, store_release, &store.pool};
    wmem_allocator_t *scope = wmem_file_scope();

    memset(&store, 0, sizeof store);
    store.tracker = tl_tracker_new(&allocator);
    if (store.tracker)
        tl_tracker_view_zeek(store.tracker, true); /* whether a later pass asks is not known on the first */
    tl_hash_draw(&store.hash, g_random_int);
    tl_pairs_open(&store.pairs, store.tracker, &store.pool, &store.hash);
    tl_shapes_open(&store.shapes, scope, &store.hash, SHAPES_MAX);
    store.extra_slots = wmem_map_new(scope, wmem_int64_hash, g_int64_equal);
    store.extra_refs = wmem_map_new(scope, wmem_int64_hash, g_int64_equal);
    store.proofs = wmem_map_new(scope, wmem_int64_hash, g_int64_equal);
    store.runs = wmem_map_new(scope, wmem_int64_hash, g_int64_equal);
    store.icmp_senders = wmem_map_new(scope, wmem_int64_hash, g_int64_equal);
    store.end_ns = INT64_MIN;
}

/* The memory itself goes with the file scope, right after this. */
static void store_close(void)
{
    memset(&store, 0, sizeof store);
    store.end_ns = INT64_MIN;
}

void tl_store_register(void)
{
    register_init_routine(store_open);
    register_cleanup_routine(store_close);
}

/* ---- pairs ------------------------------------------------------------------------------------------------------------- */

struct tl_pair *tl_store_pair(const struct tl_flow *flow, bool create, unsigned *from)
{
    return tl_pairs_find(&store.pairs, flow, create, from);
}

const struct tl_conn *tl_store_conn(uint32_t number)
{
    return store.conns[number];
}

/* ---- answers ----------------------------------------------------------------------------------------------------------- */

static uint64_t *store_extra_key(uint64_t *key, uint32_t frame, unsigned layer)
{
    *key = (uint64_t)layer << 32 | frame;
    return key;
}

/* The slot of a frame; NULL when it has none and `create` is false. */
static struct slot *store_frame_slot(uint32_t frame, bool create)
{
    uint32_t chunk = frame >> CHUNK_BITS;

    if (chunk >= store.chunk_count) {
        uint32_t count = MAX(chunk + 1, store.chunk_count * 2);

        if (!create)
            return NULL;
        store.chunks = wmem_realloc(wmem_file_scope(), store.chunks, count * sizeof *store.chunks);
        memset(store.chunks + store.chunk_count, 0, (count - store.chunk_count) * sizeof *store.chunks);
        store.chunk_count = count;
    }
    if (!store.chunks[chunk]) {
        if (!create)
            return NULL;
        store.chunks[chunk] = wmem_alloc0(wmem_file_scope(), CHUNK_FRAMES * sizeof(struct slot));
    }
    return &store.chunks[chunk][frame & (CHUNK_FRAMES - 1)];
}

static struct slot *store_extra_slot(uint32_t frame, unsigned layer, bool create)
{
    uint64_t key;
    struct extra_slot *extra = wmem_map_lookup(store.extra_slots, store_extra_key(&key, frame, layer));

    if (extra)
        return &extra->slot;
    if (!create)
        return NULL;
    extra = wmem_new0(wmem_file_scope(), struct extra_slot);
    extra->key = key;
    wmem_map_insert(store.extra_slots, &extra->key, extra);
    return &extra->slot;
}

static void store_keep_conn(struct tl_conn *conn, uint32_t number)
{
    if (number >= store.conn_capacity) {
        uint32_t capacity = MAX(number + 1, MAX(64, store.conn_capacity * 2));

        store.conns = wmem_realloc(wmem_file_scope(), store.conns, capacity * sizeof(struct tl_conn *));
        memset(store.conns + store.conn_capacity, 0, (capacity - store.conn_capacity) * sizeof(struct tl_conn *));
        store.conn_capacity = capacity;
    }
    store.conns[number] = conn;
}

static bool store_has_refs(const struct tl_refs *refs)
{
    static const struct tl_refs none;

    return memcmp(refs, &none, sizeof none) != 0;
}

static void store_keep_refs(uint32_t frame, unsigned layer, const struct tl_refs *refs)
{
    uint64_t key;
    struct extra_refs *extra = wmem_map_lookup(store.extra_refs, store_extra_key(&key, frame, layer));

    if (!extra) {
        extra = wmem_new0(wmem_file_scope(), struct extra_refs);
        extra->key = key;
        wmem_map_insert(store.extra_refs, &extra->key, extra);
    }
    extra->refs = *refs;
}

void tl_store_write(uint32_t frame, unsigned layer, const struct tl_result *result)
{
    struct slot *first;
    struct slot *slot;

    if (layer > LAYERS_MAX)
        return;
    store.headers++;
    first = store_frame_slot(frame, true);
    slot = layer == 0 ? first : store_extra_slot(frame, layer, true);
    slot->conn = tl_conn_number(result->conn);
    slot->shape = tl_shapes_number(&store.shapes, &result->shape);
    slot->has_refs = !result->fast_path && store_has_refs(&result->refs);
    if (slot->has_refs)
        store_keep_refs(frame, layer, &result->refs);
    store_keep_conn(result->conn, slot->conn);
    first->layers = (layer + 1) & 0x7F;
}

uint64_t tl_store_headers(void)
{
    return store.headers;
}

bool tl_store_read(uint32_t frame, unsigned layer, struct tl_result *result)
{
    const struct slot *first = store_frame_slot(frame, false);
    const struct slot *slot = layer == 0 || !first ? first : store_extra_slot(frame, layer, false);
    uint64_t key;

    if (!slot || slot->shape == 0 || layer >= first->layers)
        return false;
    result->conn = store.conns[slot->conn];
    result->shape = *tl_shapes_at(&store.shapes, slot->shape);
    memset(&result->refs, 0, sizeof result->refs);
    if (slot->has_refs) {
        const struct extra_refs *extra = wmem_map_lookup(store.extra_refs, store_extra_key(&key, frame, layer));

        result->refs = extra->refs;
    }
    return true;
}

/* ---- late facts -------------------------------------------------------------------------------------------------------- */

static uint64_t store_late_key(const struct tl_conn *conn, uint32_t frame)
{
    return (uint64_t)tl_conn_number(conn) << 32 | frame;
}

static void store_keep_late(wmem_map_t *map, const struct tl_conn *conn, uint32_t frame, unsigned value)
{
    uint64_t key = store_late_key(conn, frame);
    struct late *late = wmem_map_lookup(map, &key);

    if (!late) {
        late = wmem_new(wmem_file_scope(), struct late);
        late->key = key;
        wmem_map_insert(map, &late->key, late);
    }
    late->value = value;
}

/* 0 if nothing was kept. */
static unsigned store_find_late(wmem_map_t *map, const struct tl_conn *conn, uint32_t frame)
{
    uint64_t key = store_late_key(conn, frame);
    const struct late *late = wmem_map_lookup(map, &key);

    return late ? late->value : 0;
}

void tl_store_prove(const struct tl_conn *conn, uint32_t frame, unsigned spurious)
{
    store_keep_late(store.proofs, conn, frame, spurious);
}

unsigned tl_store_proved(const struct tl_conn *conn, uint32_t frame)
{
    return store_find_late(store.proofs, conn, frame);
}

void tl_store_name_run(const struct tl_conn *conn, uint32_t run_in, const struct tl_shape *shape)
{
    unsigned kind = shape->window_probe != TL_PROBE_KIND_NONE ? RUN_ASKS_FOR_WINDOW : 0;

    store_keep_late(store.runs, conn, run_in, kind | shape->probe_confidence);
}

void tl_store_rename_probe(const struct tl_conn *conn, uint32_t run_in, struct tl_shape *shape)
{
    unsigned run = store_find_late(store.runs, conn, run_in);
    uint8_t kind = MAX(shape->keepalive, shape->window_probe);

    if (run == 0 || kind == TL_PROBE_KIND_NONE || shape->probe_confidence == TL_CONFIDENCE_CERTAIN)
        return;
    shape->probe_confidence = (uint8_t)(run & ~RUN_ASKS_FOR_WINDOW);
    if (run & RUN_ASKS_FOR_WINDOW) {
        shape->window_probe = kind;
        shape->keepalive = TL_PROBE_KIND_NONE;
    } else {
        shape->keepalive = kind == TL_PROBE_KIND_OPEN ? TL_PROBE_KIND_ANSWER : kind;
        shape->window_probe = TL_PROBE_KIND_NONE;
    }
}

/* Who sent an ICMP error. Key: number of the connection. */
struct icmp_sender {
    uint64_t key;
    uint8_t octets[16];
    bool ipv6;
};

void tl_store_note_icmp(const struct tl_conn *conn, bool ipv6, const uint8_t *sender)
{
    uint64_t key = tl_conn_number(conn);
    struct icmp_sender *kept;

    if (wmem_map_lookup(store.icmp_senders, &key))
        return;
    kept = wmem_new0(wmem_file_scope(), struct icmp_sender);
    kept->key = key;
    kept->ipv6 = ipv6;
    memcpy(kept->octets, sender, ipv6 ? 16 : 4);
    wmem_map_insert(store.icmp_senders, &kept->key, kept);
}

bool tl_store_icmp_sender(const struct tl_conn *conn, address *sender)
{
    uint64_t key = tl_conn_number(conn);
    const struct icmp_sender *kept = wmem_map_lookup(store.icmp_senders, &key);

    if (!kept)
        return false;
    set_address(sender, kept->ipv6 ? AT_IPv6 : AT_IPv4, kept->ipv6 ? 16 : 4, kept->octets);
    return true;
}

struct proof_use {
    void (*use)(const struct tl_proof *proof, void *data);
    void *data;
};

/* A frame with several TCP headers may hold the retransmission in any of them. */
static void store_use_proof(gpointer key, gpointer value, gpointer data)
{
    const struct late *kept = value;
    const struct proof_use *use = data;
    struct tl_proof proof = {
        .conn = (uint32_t)(kept->key >> 32), .frame = (uint32_t)kept->key, .spurious = (uint8_t)kept->value};
    struct tl_result result;

    (void)key;
    for (unsigned layer = 0; tl_store_read(proof.frame, layer, &result); layer++) {
        if (tl_conn_number(result.conn) != proof.conn)
            continue;
        proof.from = result.shape.from;
        proof.at_once = result.shape.spurious;
        proof.lost_at = result.shape.lost_at;
        use->use(&proof, use->data);
        return;
    }
}

void tl_store_each_proof(void (*use)(const struct tl_proof *proof, void *data), void *data)
{
    struct proof_use call = {use, data};

    wmem_map_foreach(store.proofs, store_use_proof, &call);
}

/* ---- time -------------------------------------------------------------------------------------------------------------- */

void tl_store_saw(int64_t time_ns)
{
    if (time_ns > store.end_ns)
        store.end_ns = time_ns;
}

int64_t tl_store_end(void)
{
    return store.end_ns;
}
