/*
 * resolve.h - a Relation message and the catalog -> a relation.
 *
 * The message says which columns the rows that follow have, in which order
 * and of which types; the catalog adds what it lacks: the key and its order,
 * nullability, type names (catalog.h). The catalog may be newer than the
 * message: columns are matched by name and type, what no longer matches is
 * looked up by type alone, and the key falls back to what state remembers.
 */
#pragma once

#include "producer/capture.h"

/* `msg` is a Relation message in `pgo`, of table `t`. ERR_FATAL where this
   version cannot follow: a renamed table, another key. */
int resolve_relation(PGconn *conn, const struct pgoutput *pgo,
                     const struct pgo_msg *msg, const struct table *t,
                     const struct relation_place *place,
                     struct relation **ret_relation, struct err *e) MUST_CHECK;
