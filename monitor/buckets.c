#include "monitor/buckets.h"

void buckets_init(struct buckets *b)
{
    *b = (struct buckets){ .list = xcalloc(BUCKETS_COUNT, sizeof(*b->list)) };
}

void buckets_fini(struct buckets *b)
{
    xfree(b->list);
    *b = (struct buckets){ 0 };
}

void buckets_clear(struct buckets *b)
{
    if (!b->list) {
        buckets_init(b);
        return;
    }
    memset(b->list, 0, BUCKETS_COUNT * sizeof(*b->list));
    b->rows = 0;
}

unsigned buckets_of(struct hash128 key)
{
    return (unsigned)(key.hi % BUCKETS_COUNT);
}

void buckets_add(struct buckets *b, struct hash128 key, struct hash128 row)
{
    struct bucket *bucket = &b->list[buckets_of(key)];

    bucket->sum.lo += row.lo;
    bucket->sum.hi += row.hi + (bucket->sum.lo < row.lo);
    bucket->rows++;
    b->rows++;
}

void bucket_set_fini(struct bucket_set *s)
{
    xfree(s->bits);
    *s = (struct bucket_set){ 0 };
}

void bucket_set_add(struct bucket_set *s, unsigned bucket)
{
    if (!s->bits) {
        s->bits = xcalloc(BUCKETS_COUNT / 64, sizeof(*s->bits));
    }
    if (!bucket_set_has(s, bucket)) {
        s->bits[bucket / 64] |= (uint64_t)1 << (bucket % 64);
        s->count++;
    }
}

void bucket_set_remove(struct bucket_set *s, unsigned bucket)
{
    if (bucket_set_has(s, bucket)) {
        s->bits[bucket / 64] &= ~((uint64_t)1 << (bucket % 64));
        s->count--;
    }
}

void buckets_compare(const struct buckets *a, const struct buckets *b,
                     struct bucket_set *ret_differ)
{
    for (unsigned i = 0; i < BUCKETS_COUNT; i++) {
        const struct bucket *x = &a->list[i], *y = &b->list[i];

        if (x->rows != y->rows || x->sum.lo != y->sum.lo ||
            x->sum.hi != y->sum.hi) {
            bucket_set_add(ret_differ, i);
        }
    }
}
