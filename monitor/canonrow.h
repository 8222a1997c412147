/*
 * canonrow.h - a row's raw values -> a hash of its key and one of the whole
 * row, equal on all sides for equal rows.
 *
 * A reader puts the raw values of a row into `values`, one per column of the
 * shape, and calls canonrow_make. The hash is XXH3-128 over, per column, a
 * tag (null, a value, or one that cannot be: never equal to another side's),
 * the length and the canonical text (canon.h).
 *
 * A column that the source no longer has is left out on all sides.
 *
 * PURE. No allocation per row once the buffers have grown. One thread.
 */
#pragma once

#include "monitor/canon.h"

struct hash128 {
    uint64_t lo, hi;
};

enum { CANONROW_KEY_TEXT_MAX = 200 };

struct canonrow {
    const struct shape *shape; /* borrowed */
    unsigned count, key_count;
    struct canon_column *columns;
    bool *left_out;
    unsigned *key;      /* columns of the key, in its order */
    struct str *values; /* raw; p == NULL: null or absent */

    /* of the last row made */
    struct hash128 key_hash, row_hash;
    enum canon_side side;
    struct str stray; /* p == NULL: it is none */

    struct canon scratch;
    struct buf row, key_bytes;
    size_t *starts; /* of each column in `row`; count + 1 of them */
};

/* For rows of this shape, all columns, with ',' as the arrays' delimiter;
   change `left_out` and `columns` before the first row. */
void canonrow_init(struct canonrow *r, const struct shape *shape);

/* Accepts a zeroed one. */
void canonrow_fini(struct canonrow *r);

/* All values absent. */
void canonrow_reset(struct canonrow *r);

/* Makes both hashes. */
void canonrow_make(struct canonrow *r, enum canon_side side);

/* A row that is not where its key belongs (a document under another _id):
   makes both hashes of `id` alone, equal to no row's. Borrows `id` until the
   next row. */
void canonrow_make_stray(struct canonrow *r, enum canon_side side,
                         struct str id);

/* Appends the key of the last row for people: the text of a single column,
   ["a",1] for several; cut behind CANONROW_KEY_TEXT_MAX bytes. */
void canonrow_key_text(const struct canonrow *r, struct buf *b);
