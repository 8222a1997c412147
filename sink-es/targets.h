/*
 * targets.h - the indices this process writes to: one target per shape.
 *
 * Two shapes of one source table are two targets of one alias. Targets stay
 * until the process ends, like the shapes they point to.
 */
#pragma once

#include "common/shapemap.h"
#include "sink-es/bulk.h"
#include "sink-es/cluster.h"

struct target {
    struct bulk_table bulk;
    struct buf alias;
    /* of the request that is being built */
    unsigned writes, deletes;
};

struct targets {
    const char *pipeline; /* borrowed */
    int shards, replicas; /* of new indices; -1: Elasticsearch's default */
    struct shapemap map;  /* to struct target */
};

/* Accepts zeroed ones. */
void targets_fini(struct targets *t);

/* Makes index, mapping and alias, or finds them as they must be, and
   remembers the target. Safe beside other processes doing the same. `passed`:
   it must be there (sink.h, prepare). */
int targets_prepare(struct targets *t, struct cluster *c,
                    const struct shape *shape, bool passed,
                    struct err *e) MUST_CHECK;

/* Each of them, below map.count, in no order that means anything. */
struct target *targets_at(const struct targets *t, unsigned index);

/* The target of a shape, or NULL: targets_prepare was not called. */
struct target *targets_find(const struct targets *t, const struct shape *shape);
