/*
 * shapemap.h - what a sink keeps per shape, found by the shape's address.
 *
 * Looked up once per event, so by binary search over addresses: shapes stay
 * where they are until the process ends. Owns its list, neither shapes nor
 * values.
 *
 * PURE. Main thread only.
 */
#pragma once

#include "common/shape.h"

struct shapemap_entry {
    const struct shape *shape;
    void *value;
};

struct shapemap {
    struct shapemap_entry *list; /* by the shape's address */
    unsigned count;
};

/* Accepts zeroed ones. */
void shapemap_fini(struct shapemap *m);

/* The value of a shape, or NULL. */
void *shapemap_find(const struct shapemap *m, const struct shape *shape);

/* Adds a shape that is not there yet. */
void shapemap_put(struct shapemap *m, const struct shape *shape, void *value);
