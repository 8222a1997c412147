/*
 * targets.h - the tables this process writes to: one target per shape.
 *
 * A target is a shape, the ClickHouse table it goes to, and the block of
 * rows that the running attempt builds for it. Two shapes of one source
 * table are two targets of one ClickHouse table: a block never mixes shapes.
 *
 * Targets stay until the process ends, like the shapes they point to.
 */
#pragma once

#include "common/err.h"
#include "common/shapemap.h"
#include "sink-clickhouse/rows.h"
#include "sink-clickhouse/session.h"

struct target {
    const struct shape *shape;
    struct buf name;      /* of the ClickHouse table */
    struct buf statement; /* its INSERT, percent-encoded */
    struct rows rows;
    unsigned *items; /* of the batch; one per row of the block */
    unsigned item_cap;
};

struct targets {
    const char *database, *pipeline; /* borrowed */
    struct shapemap map;             /* to struct target */
};

void targets_init(struct targets *t, const char *database,
                  const char *pipeline);

/* Accepts zeroed ones. */
void targets_fini(struct targets *t);

/* Makes database, table and view, or finds them as they must be, and
   remembers the target. Safe beside other processes doing the same. `passed`:
   it must be there (sink.h, prepare). */
int targets_prepare(struct targets *t, struct session *s,
                    const struct shape *shape, bool passed,
                    struct err *e) MUST_CHECK;

/* Each of them, below map.count, in no order that means anything. */
struct target *targets_at(const struct targets *t, unsigned index);

/* The target of a shape, or NULL: targets_prepare was not called. */
struct target *targets_find(const struct targets *t, const struct shape *shape);

/* Is the table still as targets_prepare left it? ERR_FATAL: no. */
int targets_verify(const struct targets *t, struct session *s,
                   const struct target *target, struct err *e) MUST_CHECK;

/* Empties the block. */
void target_reset(struct target *target);

/* Adds item number `index` of the batch as a row; see rows_add. */
int target_add(struct target *target, unsigned index,
               const struct event_view *ev, uint64_t version,
               struct err *e) MUST_CHECK;
