/*
 * table.h - a captured table, and the set of them.
 *
 * One `struct table` per table from the moment it is adopted (or read from
 * state) until the process ends: its topic, what state remembers of it, its
 * current relation in the stream, the progress of its copy. Found by oid in
 * O(1) amortised (the last hit is remembered, then a sorted array).
 */
#pragma once

#include <librdkafka/rdkafka.h>

#include "producer/relation.h"

enum { TABLE_PARTITIONS_MAX = 1024 };

enum table_copy {
    TABLE_COPY_PENDING, /* to be copied; copy_block says from where */
    TABLE_COPY_DONE,
};

struct table {
    uint32_t oid;
    char *schema, *name;
    char *label; /* schema.table */
    char *topic;
    char **key; /* names of the key columns, in key order */
    unsigned key_count;

    bool captured; /* its topic is ready: rows of the stream go there. Not
                       so a table that was left out, or dropped with its
                       topic: what the WAL still holds of it is ignored */
    bool streamed; /* the publication has it: it may be copied */
    bool noting;   /* state must say "to be copied" before it has it again */

    rd_kafka_topic_t *rkt; /* publish.c's handle; NULL until opened */
    int partition_count;
    int64_t *ends; /* per partition: one past the highest acknowledged offset,
                      0 = none yet. Written by delivery reports */

    struct relation *rel; /* of the stream; NULL until its Relation message */
    char shape[17];       /* fingerprint published last; "" = none */

    enum table_copy copy;
    uint32_t copy_filenode; /* of the part being copied; 0 = not begun */
    uint32_t copy_part;     /* oid of the leaf (or of the table itself) */
    uint32_t copy_block;    /* next heap block to ask for */
    uint64_t copy_rows;     /* copied so far, of this copy */
    uint64_t copy_high_lsn; /* highest H (DESIGN 4.5) */
    uint64_t copy_nonce;    /* of the watermark that covers it; 0 = none */
    bool copying;           /* a chunk is open: changed keys are remembered */

    bool dirty; /* state must be written */
    struct metric *published, *inserts, *updates, *deletes, *reads;
};

struct tables {
    struct table **list; /* sorted by oid */
    unsigned count, cap;
    struct table *last; /* most recent hit */
};

/* The table with this oid, or NULL. */
struct table *tables_find(struct tables *ts, uint32_t oid);

/* The table with this name, or NULL; linear, for rare use. (Not by label:
   "a"."b.c" and "a.b"."c" share theirs.) */
struct table *tables_by_name(const struct tables *ts, const char *schema,
                             const char *name);

/* Adds a table (copies the names) and gives it; its oid is not there yet. */
struct table *tables_add(struct tables *ts, uint32_t oid, const char *schema,
                         const char *name);

/* A table was dropped and made again under the same name: the entry gets
   the new oid and forgets its copy. */
void tables_rekey(struct tables *ts, struct table *t, uint32_t oid);

/* Replaces the key columns' names. */
void table_set_key(struct table *t, const char *const *names, unsigned count);

/* Is the key of `c` the one the table has (same columns, same order)? */
bool table_same_key(const struct table *t, const struct catalog_table *c);

/* It is to be copied from its start; a copy under way does not count. */
void table_copy_again(struct table *t);

/* Sets the number of partitions (they are pinned) and forgets their ends. */
void table_set_partitions(struct table *t, int count);

/* Must any table's state be written? */
bool tables_dirty(const struct tables *ts);

/* Frees all; the topic handles are publish.c's. */
void tables_fini(struct tables *ts);
