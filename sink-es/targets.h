/*
 * targets.h - the indices this process writes to: one target per shape.
 *
 * Two shapes of one source table are two targets of one alias. Targets stay
 * until the process ends, like the shapes they point to.
 */
#pragma once

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
    struct target **list; /* by the shape's address */
    unsigned count;
};

/* Accepts zeroed ones. */
void targets_fini(struct targets *t);

/* Makes index, mapping and alias, or finds them as they must be, and
   remembers the target. Safe beside other processes doing the same. */
int targets_prepare(struct targets *t, struct cluster *c,
                    const struct shape *shape, struct err *e) MUST_CHECK;

/* The target of a shape, or NULL: targets_prepare was not called. */
struct target *targets_find(const struct targets *t, const struct shape *shape);
