/*
 * newest.h - which item of a batch speaks for its key.
 *
 * Elasticsearch keeps the highest version of a document whatever the order of
 * arrival, so of several items of one key only the one with the highest
 * version can leave a trace: the others need not be sent and are settled by
 * its verdict. On equal versions (a delete and its tombstone) the later item
 * speaks. The highest, not the last: a copied row may follow a streamed event
 * with a lower version (DESIGN 2).
 *
 * Worth it: 30,000 writes to 3,000 documents took Elasticsearch 8.8 2.7 s in
 * one request, their 3,000 newest 0.1 s.
 *
 * Two keys are the same when table and bytes are; keys that are written
 * differently for the same document are both sent, which is harmless.
 *
 * Pure. The memory is kept from batch to batch.
 */
#pragma once

#include "common/sink.h"

struct newest {
    unsigned *group_of; /* per item: its key's group */
    unsigned *speakers; /* per group: the item that speaks */
    unsigned item_cap;
    unsigned *slots;     /* open addressing: group + 1, or 0 */
    unsigned slot_count; /* a power of two */
};

/* Accepts zeroed ones. */
void newest_fini(struct newest *n);

/* Looks at the items of `b` that are PENDING or RETRY. */
void newest_find(struct newest *n, const struct batch *b);

/* The item that speaks for item `index`, itself perhaps; only for items that
   newest_find looked at. */
unsigned newest_speaker(const struct newest *n, unsigned index);
