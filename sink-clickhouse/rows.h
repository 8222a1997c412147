/*
 * rows.h - a block of rows for one table, in ClickHouse's Native format.
 *
 *   block   := varint columns, varint rows, column...
 *   column  := name, type, [one null byte per row,] values
 *   name, type and String values := varint length, bytes
 *
 * One growing buffer per column and one for its nulls, kept from batch to
 * batch: no allocation per row once they have grown. The columns are those
 * of the shape, then `_version UInt64` and `is_deleted UInt8`.
 *
 * Invariant: each column holds `count` values between calls; a row that is
 * refused leaves nothing behind.
 *
 * Pure: bytes in, bytes out.
 */
#pragma once

#include "common/buf.h"
#include "common/err.h"
#include "common/event.h"
#include "common/shape.h"
#include "sink-clickhouse/cell.h"

enum {
    /* One column of a block. A batch is smaller unless many rows of a very
       wide table are deleted at once. */
    ROWS_COLUMN_BYTES_MAX = 1 << 30,
};

struct rows_column {
    struct cell_type type;
    struct str name;   /* as JSON writes it, without quotes; in `text` */
    struct str header; /* the name and type of the block; in `text` */
    struct buf text;
    struct buf values, nulls;
    unsigned count; /* values; the block's count, or one more */
    size_t mark;    /* of `values` before the last one */
    bool key;
};

struct rows {
    const struct shape *shape;
    unsigned column_count;
    struct rows_column *columns;
    struct buf versions, deleted;
    unsigned count; /* rows */
};

/* Empty, for rows of this shape, which is borrowed. ERR_FATAL when a column
   cannot be named. */
int rows_init(struct rows *r, const struct shape *shape,
              struct err *e) MUST_CHECK;

/* Accepts zeroed ones. */
void rows_fini(struct rows *r);

/* Drops the rows, keeps the memory. */
void rows_reset(struct rows *r);

/* Adds an event's row: all columns of `after`, or, for a delete and a
   tombstone, the columns of the key and is_deleted = 1. ERR_INPUT names the
   column and says what is wrong with it; the value itself is not shown. */
int rows_add(struct rows *r, const struct event_view *ev, uint64_t version,
             struct err *e) MUST_CHECK;

/* How many bytes rows_write would append, nearly. */
size_t rows_bytes(const struct rows *r);

/* Appends the block. */
void rows_write(const struct rows *r, struct buf *b);
