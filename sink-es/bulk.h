/*
 * bulk.h - items to the lines of a _bulk request, and its answer to verdicts.
 *
 *   {"index":{"_index":A,"_id":I,"version":V,"version_type":"external"}}
 *   <after, byte for byte>
 *   {"delete":{"_index":A,"_id":I,"version":V,"version_type":"external"}}
 *
 * A is the alias, V the row version. External versions make every request
 * safe to send again and in any order: the highest version stays.
 *
 * _id (DESIGN 5), injective:
 *   one key column      its text
 *   several, or a text that is empty or begins with '[' or "sha256:"
 *                       the JSON array of the key's values
 *   above 512 bytes     "sha256:" and the hex digest of that array
 * The text of a json or array column is its JSON, so "1" and 1 stay two keys.
 *
 * A guard is an update that never changes anything. Elasticsearch creates an
 * index for a delete with an external version, require_alias or not (seen on
 * 8.8), unless the request also holds an index or update of that name: so a
 * request with nothing but deletes for an alias gets a guard for it, and a
 * lost alias is found instead of replaced by an index without mapping.
 *
 * Pure. bulk_judge is fuzzed: tests/fuzz/fuzz_bulk_reply.c.
 */
#pragma once

#include "common/sink.h"

enum { BULK_ID_BYTES_MAX = 512 };

/* What is constant per table. */
struct bulk_table {
    const struct shape *shape; /* not looked at by bulk_table_fini */
    struct buf index;          /* the alias as a JSON string */
    struct buf *names;         /* of the key's columns, as JSON, unquoted */
    unsigned key_count;
    bool raw; /* the single key column keeps its JSON */
};

/* The shape is borrowed. ERR_FATAL: a name is no UTF-8. */
int bulk_table_init(struct bulk_table *t, const struct shape *shape,
                    struct str alias, struct err *e) MUST_CHECK;

/* Accepts zeroed ones. */
void bulk_table_fini(struct bulk_table *t);

/* Appends the document's _id as plain text. ERR_INPUT: the key is not what
   the shape says. `b` may hold rubbish behind its old length then. */
int bulk_id(struct buf *b, const struct bulk_table *t, struct str key,
            struct err *e) MUST_CHECK;

/* Appends an item's lines to `body`; `scratch` is overwritten. ERR_INPUT: it
   can never be written; `body` is then as before. */
int bulk_put(struct buf *body, struct buf *scratch, const struct bulk_table *t,
             const struct item *it, struct err *e) MUST_CHECK;

/* Appends a guard. */
void bulk_guard(struct buf *body, const struct bulk_table *t);

/* One action of a request: the item and its table. */
struct bulk_action {
    struct item *it;
    const struct bulk_table *table;
};

/* Leaves a verdict on the item of every action, from the answer to a request
   of exactly these actions and `guards` guards behind them. An answer that
   does not match them one by one (count, order, _id) is none: all RETRY, and
   -1. `scratch` is overwritten. */
int bulk_judge(struct str answer, const struct bulk_action *actions,
               unsigned count, unsigned guards, struct buf *scratch);

/* The query of the request whose answer bulk_judge reads. */
#define BULK_PATH                                                 \
    "/_bulk?require_alias=true&pipeline=_none"                    \
    "&filter_path=items.*._id,items.*.status,items.*.error.type," \
    "items.*.error.reason"
