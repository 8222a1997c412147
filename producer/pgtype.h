/*
 * pgtype.h - PostgreSQL types and their values' text -> JSON.
 *
 * PURE, fuzzed. The one text-to-JSON path for stream and copy (DESIGN 2,
 * table "Values in the `sink` profile"). Values come as PostgreSQL prints
 * them under the session settings of pgconn.h (UTC, ISO dates, iso_8601
 * intervals, hex bytea): snapshot and stream cannot differ.
 */
#pragma once

#include "common/buf.h"
#include "common/shape.h"

struct pgtype {
    enum shape_class class; /* of the element for an array */
    bool array;             /* a true array: text form '{...}' */
    char delimiter;         /* of an array: ',' or ';' (box) */
};

/* What the catalog says of a type, for pgtype_of: of the column's type with
   domains resolved to their base. For an array also of its element (domains
   over arrays and arrays of domains resolved; of a domain over an array as
   element of an array: its base, which is then SHAPE_OTHER). Strings
   borrowed. */
struct pgtype_catalog {
    const char *schema; /* of the type, or of the element */
    const char *name;   /* typname of the type, or of the element */
    char typtype;       /* 'b' 'c' 'e' 'r' 'm' 'p' of type or element */
    bool array;         /* typoutput is array_out (int2vector and oidvector
                           are subscripted as arrays, but print otherwise) */
    char delimiter;     /* typdelim of the element */
};

/* Classifies. Types of other schemas than pg_catalog are known by name only
   where they are extensions' (citext, hstore, ltree is SHAPE_OTHER). */
struct pgtype pgtype_of(const struct pgtype_catalog *c);

/* Appends the JSON of one value that is not NULL. A text that the type
   cannot have printed (a bool other than t/f, a cut array) sets the
   builder's `failed` flag: the caller stops with the position. */
void pgtype_write(struct buf *b, const struct pgtype *type, struct str text);
