/*
 * ddl.h - the target of a table in ClickHouse, as SQL text, and whether what
 * is there already is it.
 *
 *   table  `User` (schema public) or `schema_table`: the shape's columns in
 *          PostgreSQL's order, `_version UInt64`, `is_deleted UInt8`,
 *          ReplacingMergeTree(_version, is_deleted) ORDER BY the key, never
 *          partitioned (rows of one key must meet in one partition)
 *   view   `User_current`: the rows as they are in PostgreSQL, FINAL and not
 *          deleted, with the source's columns only
 *
 * A table of ours carries its owner in its comment:
 *   {"data-sync":{"pipeline":"cdc","table":"public.User"}}
 * Two pipelines have versions that cannot be compared, so another's table is
 * refused, and so is one without an owner.
 *
 * Any name is quoted, so any name of PostgreSQL works. This version follows
 * no change of shape: a target that differs is named with its difference.
 *
 * Pure: text in, text out; no requests.
 */
#pragma once

#include <stdbool.h>

#include "common/buf.h"
#include "common/err.h"
#include "common/shape.h"

#define DDL_COLUMN_VERSION "_version"
#define DDL_COLUMN_DELETED "is_deleted"
#define DDL_VIEW_SUFFIX "_current"

struct ddl {
    const char *database;
    const char *pipeline; /* CDC_NAME */
    const struct shape *shape;
    bool deleted_argument; /* of the engine: ClickHouse 23.2 and newer */
};

/* Appends the table's name. */
void ddl_table_name(struct buf *b, const struct shape *shape);

/* A name in backticks; a text in single quotes. */
void ddl_quote(struct buf *b, struct str name);
void ddl_literal(struct buf *b, struct str text);

/* `database`.`table` */
void ddl_table(struct buf *b, const struct ddl *d);

/* Can this shape have a target at all? ERR_FATAL: no key, a column with a
   reserved name, a profile other than "sink"; with the remedy. */
int ddl_shape_check(const struct shape *shape, struct err *e) MUST_CHECK;

/* Appends a statement. All are idempotent. */
void ddl_create_database(struct buf *b, const struct ddl *d);
void ddl_create_table(struct buf *b, const struct ddl *d);
void ddl_create_view(struct buf *b, const struct ddl *d);

/* Appends the questions whose answers ddl_check reads. */
void ddl_ask_tables(struct buf *b, const struct ddl *d);
void ddl_ask_columns(struct buf *b, const struct ddl *d);

/* What is there. */
struct ddl_found {
    bool table, view;
};

/* Holds the answers against the shape. ERR_FATAL names the object, what
   differs and the remedy; ERR_RETRY: an answer is not readable. */
int ddl_check(const struct ddl *d, struct str tables, struct str columns,
              struct ddl_found *ret_found, struct err *e) MUST_CHECK;
