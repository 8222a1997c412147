/*
 * shape.h - a table's shape: its columns as both sides of Kafka know them.
 *
 * The producer publishes each shape to the schema topic before the first
 * event that uses it; sinks learn types from there, never from PostgreSQL.
 * A shape's fingerprint is XXH3-64 of its canonical columns text; 16 hex
 * digits, the header `cdc-schema` of every event.
 *
 * Record (DESIGN 2):
 *   key    {"table":"public.User","schema":"00c5…"}
 *   value  {"table":"public.User","schema":"00c5…","profile":"sink",
 *           "topic":"cdc.public.User","columns":[
 *           {"name":"id","type":"text","class":"text","array":false,
 *            "typmod":-1,"nullable":false,"key":1},…],
 *           "namespace":"public","relation":"User"}
 *   "table" is always schema.table, which names that hold a dot make
 *   ambiguous: "namespace" and "relation" are its two parts (a reader that
 *   finds neither splits at the first dot); "schema" the fingerprint; "key" the
 *   position in the key from 1, 0 for the others; "type" PostgreSQL's name
 *   of the column's type (of the element for an array, of the base type for
 *   a domain), schema-qualified outside pg_catalog.
 *
 * cJSON reads it: control data, no row values.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/err.h"

/* What a value looks like in the event, and so where it can go. */
enum shape_class {
    SHAPE_BOOL,
    SHAPE_INT2,
    SHAPE_INT4,
    SHAPE_INT8,
    SHAPE_OID,
    SHAPE_FLOAT4,
    SHAPE_FLOAT8,
    SHAPE_NUMERIC,
    SHAPE_TEXT, /* char varchar text citext name */
    SHAPE_ENUM,
    SHAPE_UUID,
    SHAPE_DATE,
    SHAPE_TIMESTAMP,
    SHAPE_TIMESTAMPTZ,
    SHAPE_TIME, /* time and timetz, as text */
    SHAPE_JSON, /* json and jsonb */
    SHAPE_BYTEA,
    SHAPE_BIT,
    SHAPE_HSTORE,
    SHAPE_OTHER, /* anything else, as PostgreSQL prints it */
    SHAPE_CLASS_COUNT
};

enum {
    SHAPE_COLUMNS_MAX = 1664
}; /* PostgreSQL's MaxTupleAttributeNumber is
                                      1664, tables stop at 1600 */

struct shape_column {
    char *name; /* as in PostgreSQL */
    char *type;
    enum shape_class class; /* of the element for an array */
    bool array;
    bool nullable;
    int32_t typmod;     /* -1 = none; numeric: see shape_numeric */
    unsigned key_index; /* position in the key from 1, 0 = not in the key */
};

struct shape {
    char *schema, *name; /* of the table */
    char *topic;
    char *profile;        /* "sink" */
    char fingerprint[17]; /* hex, NUL-terminated */
    unsigned column_count, key_count;
    struct shape_column *columns; /* in PostgreSQL's order */
};

/* Frees what the shape holds; accepts zeroed and half-built ones. */
void shape_fini(struct shape *shape);

/* Fills `fingerprint` and `key_count` from the columns. Call when all else
   is set. The topic is no part of the fingerprint. */
void shape_seal(struct shape *shape);

/* Appends the schema topic's record. */
void shape_write_key(struct buf *b, const struct shape *shape);
void shape_write(struct buf *b, const struct shape *shape);

/* Reads a value of the schema topic. ERR_INPUT names what is wrong; the
   fingerprint is checked against the columns. `ret_shape` is the caller's to
   shape_fini. */
int shape_read(struct str value, struct shape *ret_shape,
               struct err *e) MUST_CHECK;

/* The column with this name, or NULL. */
const struct shape_column *shape_column_find(const struct shape *shape,
                                             struct str name);

/* The key's column number `key_index` (from 1), or NULL. */
const struct shape_column *shape_key_column(const struct shape *shape,
                                            unsigned key_index);

/* Precision and scale of numeric(p,s) from its typmod; false when it has
   none. (typmod = ((p << 16) | (s & 0x7ff)) + 4, s signed 11 bits since
   PostgreSQL 15.) */
bool shape_numeric(int32_t typmod, int *ret_precision, int *ret_scale);

/* "public.User" in front of the user: the bare name for schema public, else
   schema.table (DESIGN 1, Names). */
void shape_label(struct buf *b, const struct shape *shape);

const char *shape_class_name(enum shape_class class);

/* Names in the targets (DESIGN 1), here since the monitor has to find what
   the sinks wrote. Elasticsearch: "user" (schema public) or "schema.table",
   lower-cased, with the characters that an index name cannot have as '_'; one
   that begins with '-', '_', '+' or '.' gets an 'x' in front. ClickHouse:
   "User" or "schema_table", unquoted. */
void shape_alias(struct buf *b, const struct shape *shape);
void shape_ch_table(struct buf *b, const struct shape *shape);
