#include "sink-es/newest.h"

#include <xxhash.h>

enum { FIRST_ITEMS = 1024 };

void newest_fini(struct newest *n)
{
    xfree(n->group_of);
    xfree(n->speakers);
    xfree(n->slots);
    *n = (struct newest){ 0 };
}

/* Room for `count` items, and slots for them at most half full. */
static void newest_reserve(struct newest *n, unsigned count)
{
    unsigned cap = n->item_cap ? n->item_cap : FIRST_ITEMS;

    while (cap < count) {
        cap *= 2;
    }
    if (cap > n->item_cap) {
        n->group_of = xrealloc(n->group_of, cap, sizeof(*n->group_of));
        n->speakers = xrealloc(n->speakers, cap, sizeof(*n->speakers));
        n->slots = xrealloc(n->slots, cap, 2 * sizeof(*n->slots));
        n->slot_count = cap * 2;
        n->item_cap = cap;
    }
    memset(n->slots, 0, n->slot_count * sizeof(*n->slots));
}

static bool same_key(const struct item *a, const struct item *b)
{
    return str_eq(a->ev.key, b->ev.key) &&
           (a->shape == b->shape ||
            strcmp(a->shape->topic, b->shape->topic) == 0);
}

void newest_find(struct newest *n, const struct batch *b)
{
    unsigned groups = 0;

    newest_reserve(n, b->count);
    for (unsigned i = 0; i < b->count; i++) {
        const struct item *it = &b->items[i];
        unsigned slot, group;

        if (it->verdict != VERDICT_PENDING && it->verdict != VERDICT_RETRY) {
            continue;
        }
        slot = (unsigned)XXH3_64bits(it->ev.key.p, it->ev.key.len);
        for (;; slot++) {
            slot &= n->slot_count - 1;
            if (n->slots[slot] == 0) {
                group = groups++;
                n->speakers[group] = i;
                n->slots[slot] = group + 1;
                break;
            }
            group = n->slots[slot] - 1;
            if (same_key(it, &b->items[n->speakers[group]])) {
                break;
            }
        }
        n->group_of[i] = group;
        if (it->version >= b->items[n->speakers[group]].version) {
            n->speakers[group] = i;
        }
    }
}

unsigned newest_speaker(const struct newest *n, unsigned index)
{
    return n->speakers[n->group_of[index]];
}
