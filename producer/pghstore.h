/*
 * pghstore.h - hstore's text -> a JSON object.
 *
 * PURE, fuzzed through pgtype. As hstore_out prints it:
 *
 *   hstore = '' | pair (', ' pair)*      pair = string '=>' (string | NULL)
 *   string = '"' … '"' with \" and \\
 *
 * Keys stay in PostgreSQL's order and are unique; values are text or null.
 */
#pragma once

#include "common/buf.h"

/* A text that is no whole hstore sets the builder's `failed`. */
void pghstore_write(struct buf *b, struct str text);
