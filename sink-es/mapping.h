/*
 * mapping.h - the target of a table in Elasticsearch: names, index settings,
 * mapping, and whether what is there already is it.
 *
 *   alias  "user" (schema public) or "schema.table", lower-cased, with the
 *          characters that an index name cannot have as '_'; one that begins
 *          with '-', '_', '+' or '.' gets an 'x' in front
 *   index  <alias>-000001, made together with its alias
 *
 * The mapping follows DESIGN 2's table: explicit, `dynamic: false`, nothing
 * guessed. What an index type cannot hold stays exact in _source and is only
 * not searchable. A column whose name Elasticsearch refuses as a field (an
 * "_id", an "a..b", an "a" beside an "a.b") makes the whole index one that
 * is stored but not searched: `enabled: false` takes any name.
 *
 * `_meta` tells whose index it is and of which columns it was made:
 *   {"data-sync":{"pipeline":"cdc","table":"public.User","schema":"…",
 *    "columns":{"id":"keyword",…}}}
 * An index without it is somebody else's and is refused. This version
 * follows no change of shape: a difference is named.
 *
 * Pure: text in, text out; no requests.
 */
#pragma once

#include <stdbool.h>

#include "common/buf.h"
#include "common/err.h"
#include "common/shape.h"

enum {
    MAPPING_NAME_BYTES_MAX = 255,
    MAPPING_GC_DELETES_MIN_S = 15 * 60,
};

struct mapping {
    const struct shape *shape;
    const char *pipeline; /* CDC_NAME */
    const char *alias;
    int shards, replicas; /* -1: Elasticsearch's default */
    bool searchable;      /* false: `enabled: false` */
};

/* Appends the alias of a shape's table, and the index behind an alias. */
void mapping_alias(struct buf *b, const struct shape *shape);
void mapping_index(struct buf *b, const char *alias);

/* Can this shape have a target? ERR_FATAL: no key, another profile than
   "sink", a name that is too long. */
int mapping_shape_check(const struct shape *shape, struct err *e) MUST_CHECK;

/* What kind of field a column gets: "keyword", "long", ... */
const char *mapping_field(const struct shape_column *column);

/* Appends the body of the request that makes index and alias. */
void mapping_create(struct buf *b, const struct mapping *m);

/* Holds what GET /<alias>?flat_settings=true answered against the shape.
   ERR_FATAL names what differs and the remedy; ERR_RETRY: not readable. */
int mapping_check(const struct mapping *m, struct str answer,
                  struct err *e) MUST_CHECK;
