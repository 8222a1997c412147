#include "monitor/drill.h"

enum { TEXT_BYTES_MAX = 64 << 20, SLOTS_MIN = 1024 };

void drill_init(struct drill *d, unsigned max)
{
    *d = (struct drill){ .max = max };
    buf_init(&d->texts, TEXT_BYTES_MAX);
}

void drill_fini(struct drill *d)
{
    xfree(d->keys);
    xfree(d->slots);
    buf_fini(&d->texts);
    *d = (struct drill){ 0 };
}

/* The slot of a key, or the free one where it belongs. */
static uint32_t *slot_of(const struct drill *d, struct hash128 key)
{
    unsigned at = (unsigned)(key.lo & (d->slot_count - 1));

    for (;;) {
        uint32_t *slot = &d->slots[at];

        if (*slot == 0) {
            return slot;
        }
        if (d->keys[*slot - 1].key.lo == key.lo &&
            d->keys[*slot - 1].key.hi == key.hi) {
            return slot;
        }
        at = (at + 1) & (d->slot_count - 1);
    }
}

static void slots_make(struct drill *d, unsigned slot_count)
{
    xfree(d->slots);
    d->slots = xcalloc(slot_count, sizeof(*d->slots));
    d->slot_count = slot_count;
    for (unsigned i = 0; i < d->count; i++) {
        *slot_of(d, d->keys[i].key) = i + 1;
    }
}

static struct drill_key *key_find(const struct drill *d, struct hash128 key)
{
    uint32_t *slot = d->slot_count > 0 ? slot_of(d, key) : NULL;

    return slot && *slot > 0 ? &d->keys[*slot - 1] : NULL;
}

static struct drill_key *key_add(struct drill *d, const struct canonrow *r)
{
    struct drill_key *key;

    if (d->count == d->max) {
        d->full = true;
        return NULL;
    }
    if (d->count == d->cap) {
        d->cap = d->cap ? d->cap * 2 : SLOTS_MIN / 2;
        d->cap = d->cap < d->max ? d->cap : d->max;
        d->keys = xrealloc(d->keys, d->cap, sizeof(*d->keys));
    }
    if (d->count + 1 > d->slot_count / 2) {
        slots_make(d, d->slot_count ? d->slot_count * 2 : SLOTS_MIN);
    }
    key = &d->keys[d->count];
    *key = (struct drill_key){ .key = r->key_hash,
                               .text_at = (uint32_t)d->texts.len };
    canonrow_key_text(r, &d->texts);
    key->text_len = (uint32_t)(d->texts.len - key->text_at);
    d->count++;
    *slot_of(d, r->key_hash) = d->count;
    return key;
}

void drill_begin(struct drill *d)
{
    for (unsigned i = 0; i < d->count; i++) {
        memset(d->keys[i].now, 0, sizeof(d->keys[i].now));
    }
}

bool drill_wants(const struct drill *d, struct hash128 key)
{
    return !d->closed || key_find(d, key) != NULL;
}

void drill_see(struct drill *d, const struct canonrow *r, uint64_t version)
{
    struct drill_key *key = key_find(d, r->key_hash);
    struct drill_seen *seen;

    if (!key && !d->closed) {
        key = key_add(d, r);
    }
    if (!key) {
        return;
    }
    seen = &key->now[r->side];
    seen->row = r->row_hash;
    seen->version = version;
    seen->times++;
}

/* Is there a difference in this check, and which? */
static bool differs(const struct drill_key *key, enum canon_side target,
                    enum drill_kind *ret_kind)
{
    const struct drill_seen *source = &key->now[CANON_PG];
    const struct drill_seen *seen = &key->now[target];

    if (seen->times > source->times) {
        *ret_kind = DRILL_EXTRA;
    } else if (seen->times < source->times) {
        *ret_kind = DRILL_MISSING;
    } else if (seen->times > 0 && (seen->row.lo != source->row.lo ||
                                   seen->row.hi != source->row.hi)) {
        *ret_kind = DRILL_DIFFERENT;
    } else {
        return false;
    }
    return true;
}

static bool stood_still(const struct drill_key *key, enum canon_side target)
{
    const struct drill_target *t = &key->targets[target];
    const struct drill_seen *source = &key->now[CANON_PG];
    const struct drill_seen *seen = &key->now[target];

    return t->source_times == source->times &&
           t->source_version == source->version && t->times == seen->times &&
           t->version == seen->version;
}

static void judge_one(const struct drill *d, struct drill_key *key,
                      enum canon_side target)
{
    struct drill_target *t = &key->targets[target];
    enum drill_kind kind;

    if (d->closed && t->state != DRILL_SUSPECT) {
        return;
    }
    if (!differs(key, target, &kind)) {
        t->state = DRILL_FINE;
        return;
    }
    t->state =
        d->closed && stood_still(key, target) ? DRILL_CONFIRMED : DRILL_SUSPECT;
    t->kind = kind;
    t->source_times = key->now[CANON_PG].times;
    t->source_version = key->now[CANON_PG].version;
    t->times = key->now[target].times;
    t->version = key->now[target].version;
}

static bool matters(const struct drill_key *key)
{
    for (int side = 0; side < CANON_SIDES; side++) {
        if (key->targets[side].state != DRILL_FINE) {
            return true;
        }
    }
    return false;
}

/* Keeps the keys that matter, and their texts. */
static void compact(struct drill *d)
{
    unsigned kept = 0;
    struct buf texts;

    buf_init(&texts, TEXT_BYTES_MAX);
    for (unsigned i = 0; i < d->count; i++) {
        struct drill_key *key = &d->keys[i];

        if (matters(key)) {
            struct str text = drill_text(d, key);

            key->text_at = (uint32_t)texts.len;
            buf_str_add(&texts, text);
            d->keys[kept++] = *key;
        }
    }
    buf_fini(&d->texts);
    d->texts = texts;
    d->count = kept;
    d->cap = kept;
    d->keys = xrealloc(d->keys, kept, sizeof(*d->keys));
    for (unsigned wanted = SLOTS_MIN;; wanted *= 2) {
        if (wanted / 2 >= kept) {
            slots_make(d, wanted);
            return;
        }
    }
}

void drill_judge(struct drill *d, const bool targets[CANON_SIDES])
{
    for (unsigned i = 0; i < d->count; i++) {
        for (int side = CANON_ES; side < CANON_SIDES; side++) {
            if (targets[side]) {
                judge_one(d, &d->keys[i], (enum canon_side)side);
            }
        }
    }
    if (!d->closed) {
        compact(d);
        d->closed = true;
    }
}

unsigned drill_count(const struct drill *d, enum canon_side target,
                     enum drill_state state, enum drill_kind kind)
{
    unsigned count = 0;

    for (unsigned i = 0; i < d->count; i++) {
        const struct drill_target *t = &d->keys[i].targets[target];

        count += t->state == state && (kind == DRILL_KINDS || t->kind == kind);
    }
    return count;
}

unsigned drill_open(const struct drill *d)
{
    unsigned count = 0;

    for (unsigned i = 0; i < d->count; i++) {
        count += d->keys[i].targets[CANON_ES].state == DRILL_SUSPECT ||
                 d->keys[i].targets[CANON_CH].state == DRILL_SUSPECT;
    }
    return count;
}

struct str drill_text(const struct drill *d, const struct drill_key *key)
{
    return (struct str){ buf_str(&d->texts).p + key->text_at, key->text_len };
}
