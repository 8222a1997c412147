#include "producer/window.h"

#include <assert.h>

#include <xxhash.h>

#include "common/xalloc.h"

/*
 * Keys lie one behind the other in an arena, each in a struct record and
 * padded to its alignment. A table of slots (open addressing, linear probing,
 * at most three quarters full) finds them.
 */
enum {
    SLOTS_FIRST = 1024,
    ARENA_FIRST_BYTES = 64 << 10,
};

struct record {
    uint32_t table_oid;
    uint32_t xid; /* the newest that changed the key */
    uint32_t key_bytes;
    char key[];
};

struct slot {
    uint32_t hash;  /* spares most comparisons, and growing all hashing */
    uint32_t place; /* of the record in the arena, from 1; 0 = free */
};

struct window {
    bool open, overflowed;
    struct slot *slots;
    uint32_t slot_count; /* a power of two, or 0 */
    uint32_t used;
    char *arena;
    size_t arena_bytes, arena_cap;
};

static_assert(WINDOW_BYTES_MAX < UINT32_MAX, "places in the arena fit a slot");

static struct record *record_of(const struct window *w, const struct slot *slot)
{
    return (struct record *)(void *)(w->arena + slot->place - 1);
}

static uint32_t hash_of(uint32_t table_oid, struct str key)
{
    return (uint32_t)XXH3_64bits_withSeed(key.p, key.len, table_oid);
}

struct window *window_new(void)
{
    return xcalloc(1, sizeof(struct window));
}

static void release(struct window *w)
{
    xfree(w->slots);
    xfree(w->arena);
    *w = (struct window){ 0 };
}

void window_free(struct window *w)
{
    if (w != NULL) {
        release(w);
        xfree(w);
    }
}

static void forget(struct window *w)
{
    if (w->used > 0) {
        memset(w->slots, 0, w->slot_count * sizeof(*w->slots));
    }
    w->used = 0;
    w->arena_bytes = 0;
}

void window_open(struct window *w)
{
    if (w->overflowed) {
        release(w); /* what grew for many keys leaves no room for large ones */
    }
    forget(w);
    w->open = true;
}

void window_close(struct window *w)
{
    forget(w);
    w->open = false;
}

/* The slot of the key, or the free one where it belongs. Precondition: the
   table has a free slot. */
static struct slot *find(const struct window *w, uint32_t table_oid,
                         struct str key, uint32_t hash)
{
    const uint32_t mask = w->slot_count - 1;

    for (uint32_t n = hash & mask;; n = (n + 1) & mask) {
        struct slot *slot = &w->slots[n];

        if (slot->place == 0) {
            return slot;
        }
        const struct record *record = record_of(w, slot);

        if (slot->hash == hash && record->table_oid == table_oid &&
            str_eq((struct str){ record->key, record->key_bytes }, key)) {
            return slot;
        }
    }
}

/* Gives the arena's unused end back. */
static void shrink_arena(struct window *w)
{
    w->arena = xrealloc(w->arena, w->arena_bytes, 1);
    w->arena_cap = w->arena_bytes;
}

static void move_slots(const struct window *w, struct slot *slots,
                       uint32_t count)
{
    for (uint32_t old = 0; old < w->slot_count; old++) {
        uint32_t n = w->slots[old].hash & (count - 1);

        if (w->slots[old].place == 0) {
            continue;
        }
        while (slots[n].place != 0) {
            n = (n + 1) & (count - 1);
        }
        slots[n] = w->slots[old];
    }
}

/* A table twice as large. While its slots move, old and new one count. */
static bool grow_table(struct window *w)
{
    const uint32_t count = w->slot_count ? w->slot_count * 2 : SLOTS_FIRST;
    const size_t both = ((size_t)count + w->slot_count) * sizeof(struct slot);

    if (both + w->arena_bytes > WINDOW_BYTES_MAX) {
        return false;
    }
    if (both + w->arena_cap > WINDOW_BYTES_MAX) {
        shrink_arena(w);
    }
    struct slot *slots = xcalloc(count, sizeof(*slots));

    move_slots(w, slots, count);
    xfree(w->slots);
    w->slots = slots;
    w->slot_count = count;
    return true;
}

/* Room for `bytes` more in the arena. */
static bool grow_arena(struct window *w, size_t bytes)
{
    const size_t cap_max =
        WINDOW_BYTES_MAX - w->slot_count * sizeof(struct slot);
    const size_t wanted = w->arena_bytes + bytes;
    size_t cap = w->arena_cap ? w->arena_cap * 2 : ARENA_FIRST_BYTES;

    if (wanted > cap_max) {
        return false;
    }
    cap = cap < wanted ? wanted : cap;
    cap = cap > cap_max ? cap_max : cap;
    w->arena = xrealloc(w->arena, cap, 1);
    w->arena_cap = cap;
    return true;
}

/* What a key takes in the arena. */
static size_t record_bytes(struct str key)
{
    const size_t align = _Alignof(struct record);

    return (sizeof(struct record) + key.len + align - 1) / align * align;
}

/* Room for one more key: afterwards nothing can fail. */
static bool reserve(struct window *w, struct str key)
{
    const bool table_full = (w->used + 1) * 4ULL > w->slot_count * 3ULL;
    const size_t bytes = record_bytes(key);

    if (key.len > WINDOW_BYTES_MAX || (table_full && !grow_table(w))) {
        return false;
    }
    return w->arena_cap - w->arena_bytes >= bytes || grow_arena(w, bytes);
}

/* Precondition: reserve. */
static void insert(struct window *w, uint32_t table_oid, struct str key,
                   uint32_t hash, uint32_t xid)
{
    struct slot *slot = find(w, table_oid, key, hash);

    *slot =
        (struct slot){ .hash = hash, .place = (uint32_t)w->arena_bytes + 1 };
    struct record *record = record_of(w, slot);

    record->table_oid = table_oid;
    record->xid = xid;
    record->key_bytes = (uint32_t)key.len;
    if (key.len > 0) {
        memcpy(record->key, key.p, key.len);
    }
    w->arena_bytes += record_bytes(key);
    w->used++;
}

/* The key's record, or NULL. */
static struct record *lookup(const struct window *w, uint32_t table_oid,
                             struct str key, uint32_t hash)
{
    if (w->used == 0) {
        return NULL;
    }
    const struct slot *slot = find(w, table_oid, key, hash);

    return slot->place == 0 ? NULL : record_of(w, slot);
}

void window_note(struct window *w, uint32_t table_oid, struct str key,
                 uint32_t xid)
{
    if (!w->open || w->overflowed) {
        return;
    }
    const uint32_t hash = hash_of(table_oid, key);
    struct record *record = lookup(w, table_oid, key, hash);

    if (record != NULL) {
        record->xid = xid;
    } else if (reserve(w, key)) {
        insert(w, table_oid, key, hash, xid);
    } else {
        forget(w);
        w->overflowed = true;
    }
}

bool window_overflowed(const struct window *w)
{
    return w->overflowed;
}

bool window_drops(const struct window *w, const struct snapshot *s,
                  uint32_t table_oid, struct str key)
{
    CHECK(w->open && !w->overflowed);

    const struct record *record =
        lookup(w, table_oid, key, hash_of(table_oid, key));

    return record != NULL && !snapshot_sees(s, record->xid);
}
