/*
 * relation.h - a table as its rows are encoded: columns, key, shape, and
 * the fragments of its events.
 *
 * PURE. Built from column descriptions (of a Relation message matched with
 * the catalog, or of the catalog alone for the copy), never changed
 * afterwards: a new Relation message makes a new one. Two relations with the
 * same shape fingerprint encode a row to the same bytes.
 */
#pragma once

#include "common/event.h"
#include "common/shape.h"
#include "producer/catalog.h"
#include "producer/pgoutput.h"

struct relation_column {
    struct pgtype type;
    struct str member; /* `"name":`, escaped; borrowed from the relation */
};

struct relation {
    struct shape shape; /* names, types, key, fingerprint */
    struct event_table head;
    char *label;     /* "schema.table": hash input, state key, log field */
    char *fragments; /* storage of the member views */
    struct relation_column *columns; /* shape.column_count of them */
    unsigned *key_columns;           /* shape.key_count column numbers, in
                                         key order */
};

/* Where a relation's events belong. */
struct relation_place {
    struct str prefix; /* topic prefix = pipeline name */
    struct str db;
};

/* From the catalog: the live, not generated columns of `t`. ERR_INPUT when a
   name cannot be written (never with UTF8 server output). */
int relation_new(const struct catalog_table *t,
                 const struct relation_place *place,
                 struct relation **ret_relation, struct err *e) MUST_CHECK;

/* Accepts NULL. */
void relation_free(struct relation *rel);
