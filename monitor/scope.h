/*
 * scope.h - which tables a comparison is about, and what is known of them.
 *
 * The tables that the publication names; the newest shape of each from the
 * schema topic; from the state topic whether its first copy is over. Names
 * of indices and ClickHouse tables follow from the shape (shape.h), as in
 * the sinks.
 *
 * One thread.
 */
#pragma once

#include "common/shape.h"
#include "monitor/read_pg.h"

enum scope_state {
    SCOPE_READY,
    SCOPE_COPYING, /* its first copy is under way */
    SCOPE_NEW,     /* no event of it yet: the schema topic has no shape */
    SCOPE_KEYLESS, /* append-only: no row has an identity */
    SCOPE_FOREIGN, /* events of another profile than `sink` */
};

struct scope_table {
    struct read_pg_table *source; /* in scope.sources */
    enum scope_state state;
    struct shape shape; /* but for SCOPE_NEW */
    char *label;        /* "User", "shop.Order" */
    char *alias;        /* in Elasticsearch; "" for SCOPE_NEW */
};

struct scope {
    struct read_pg_table *sources;
    struct scope_table *tables; /* one for each source, in its order */
    unsigned count;
};

/* Reads all three. `patterns`: a comma list of globs over "User" and
   "public.User" (fnmatch), "" or NULL: all; ERR_USAGE names one that fits no
   table. A snapshot is open. */
int scope_load(struct scope *s, struct read_pg *pg, const char *brokers,
               const char *name, const char *patterns,
               struct err *e) MUST_CHECK;

/* Accepts a zeroed one. */
void scope_fini(struct scope *s);

/* Records of the two topics, one at a time in their order (tests/unit). An
   unreadable shape is an error; what is not a table's state is skipped. */
int scope_take_shape(struct scope *s, struct str value,
                     struct err *e) MUST_CHECK;
void scope_take_state(struct scope *s, struct str value);

/* Removes the tables that `patterns` does not name. */
int scope_filter(struct scope *s, const char *patterns,
                 struct err *e) MUST_CHECK;
