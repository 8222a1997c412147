/*
 * row.h - a tuple -> the JSON of the event's key and row.
 *
 * PURE. The one place where a row is encoded, for stream and copy alike.
 */
#pragma once

#include "producer/relation.h"

/* Appends {"id":1,...}: the key columns in key order. A NULL or unchanged
   key value, or one its type cannot have printed, sets the buffer's
   `failed`. */
void row_key(struct buf *b, const struct relation *rel,
             const struct pgo_tuple *row);

/* Appends the row object, all columns in table order. `fallback` (may be
   NULL) supplies values that `row` says are unchanged; one that neither has
   sets `failed`: the caller has asked row_unchanged before. */
void row_write(struct buf *b, const struct relation *rel,
               const struct pgo_tuple *row, const struct pgo_tuple *fallback);

/* The number of the first column that is unchanged TOAST in `row` and not
   known from `fallback` either; -1 when the row is complete. */
int row_unchanged(const struct relation *rel, const struct pgo_tuple *row,
                  const struct pgo_tuple *fallback);

/* Do the two tuples have the same key? A value unchanged in `row` is that of
   `old`. */
bool row_same_key(const struct relation *rel, const struct pgo_tuple *row,
                  const struct pgo_tuple *old);

/* After a failed write: which column cannot be encoded, for the error text.
   -1 when each can (then the buffer's cap was hit). */
int row_culprit(const struct relation *rel, const struct pgo_tuple *row,
                const struct pgo_tuple *fallback);
