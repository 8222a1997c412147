/*
 * catalog.h - what PostgreSQL's catalog says of a table: identity, columns,
 * key, types; and which tables there are.
 *
 * A Relation message lacks the key's order, nullability, type names, and
 * with REPLICA IDENTITY FULL the key itself: they come from here, read when
 * the message arrives (debezium-format.md 1.2 tells the limit: the catalog
 * may be newer than the row; columns are matched by name).
 *
 * All queries are short, schema-qualified and run under statement_timeout
 * and lock_timeout of CATALOG_TIMEOUT_MS, since the loop waits for them.
 */
#pragma once

#include "producer/pgconn.h"
#include "producer/pgtype.h"

enum { CATALOG_TIMEOUT_MS = 2000 };

struct catalog_column {
    char *name;
    uint32_t type_oid;
    int32_t typmod;     /* a domain's own where the column has none */
    struct pgtype type; /* class, array */
    char *type_name;    /* as shape.h wants it */
    bool nullable;
    unsigned key_index; /* position in the key from 1, 0 = none */
    bool generated;     /* not in the stream, so not captured */
};

struct catalog_table {
    uint32_t oid;
    char *schema, *name;
    char kind;        /* relkind 'r' or 'p' (partitioned root) */
    char persistence; /* 'p' 'u' 't' */
    char identity;    /* relreplident 'd' 'f' 'i' 'n' */
    bool deferrable;  /* the key's index is not immediate */
    /* what this session may do with it */
    bool owned;        /* put it into a publication */
    bool readable;     /* read it */
    bool row_security; /* not read all of it */
    unsigned key_count;
    unsigned column_count; /* live columns, in attnum order */
    struct catalog_column *columns;
};

void catalog_table_fini(struct catalog_table *t);

/* One table by oid. Not there (dropped): *ret_found = false and 0. */
int catalog_read(PGconn *conn, uint32_t oid, struct catalog_table *ret_table,
                 bool *ret_found, struct err *e) MUST_CHECK;

/* What a table of the catalog is before it is looked at closely. */
struct catalog_entry {
    uint32_t oid;
    char *schema, *name;
    bool keyed; /* has a usable key */
    bool in_publication;
};

/* All tables that could be captured: ordinary and partitioned roots of
   non-system schemas, not temporary, in order of schema and name. The
   caller frees with catalog_list_free. */
int catalog_list(PGconn *conn, const char *publication,
                 struct catalog_entry **ret_entries, unsigned *ret_count,
                 struct err *e) MUST_CHECK;
void catalog_list_free(struct catalog_entry *entries, unsigned count);

/* A type by oid, for a column that the catalog no longer has. Unknown oids
   are SHAPE_OTHER named "unknown". `ret_name` is the caller's to xfree;
   *typmod is replaced by a domain's own when it is -1. */
int catalog_type(PGconn *conn, uint32_t oid, struct pgtype *ret_type,
                 char **ret_name, int32_t *typmod, struct err *e) MUST_CHECK;
