/*
 * buckets.h - a table's rows as sums, to be compared in constant memory.
 *
 * Each row falls into a bucket by its key's hash; a bucket holds how many
 * rows it has and the sum of their 128-bit hashes (mod 2^128), so the order
 * of reading does not matter, and a row that is twice there counts twice. Two
 * sides whose buckets are equal hold the same rows; one that differs is
 * looked into by drill.h.
 *
 * PURE.
 */
#pragma once

#include "monitor/canonrow.h"

enum { BUCKETS_COUNT = 1 << 17 };

struct bucket {
    struct hash128 sum;
    uint64_t rows;
};

struct buckets {
    uint64_t rows; /* in all */
    struct bucket *list;
};

void buckets_init(struct buckets *b);

/* Accepts a zeroed one. */
void buckets_fini(struct buckets *b);

/* No rows again; makes the memory when there is none. */
void buckets_clear(struct buckets *b);

/* Which bucket a key is in. */
unsigned buckets_of(struct hash128 key);

void buckets_add(struct buckets *b, struct hash128 key, struct hash128 row);

/* A set of buckets; zero-initialised it is empty and holds no memory. */
struct bucket_set {
    uint64_t *bits;
    unsigned count; /* members */
};

void bucket_set_fini(struct bucket_set *s);
void bucket_set_add(struct bucket_set *s, unsigned bucket);
void bucket_set_remove(struct bucket_set *s, unsigned bucket);

static inline bool bucket_set_has(const struct bucket_set *s, unsigned bucket)
{
    return s->bits && (s->bits[bucket / 64] >> (bucket % 64) & 1) != 0;
}

/* Adds the buckets in which the two differ. */
void buckets_compare(const struct buckets *a, const struct buckets *b,
                     struct bucket_set *ret_differ);
