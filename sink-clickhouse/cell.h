/*
 * cell.h - one value: which ClickHouse type a column gets, and the bytes of
 * a value in it.
 *
 * DESIGN 2's table as code. A value arrives as the JSON text of the event and
 * leaves as the bytes of ClickHouse's Native format (little endian, strings
 * with a varint length in front), so the server has nothing left to parse,
 * to guess or to clamp: ClickHouse clamps out-of-range dates silently.
 *
 * A value that its column cannot hold is refused with a reason; no value is
 * ever altered.
 *
 * Pure. No allocation but in the caller's buf.
 */
#pragma once

#include "common/buf.h"
#include "common/shape.h"

enum cell_kind {
    CELL_BOOL,
    CELL_INT16,
    CELL_INT32,
    CELL_INT64,
    CELL_UINT32,
    CELL_FLOAT32,
    CELL_FLOAT64,
    CELL_DECIMAL,
    CELL_STRING, /* a JSON string, decoded */
    CELL_LABEL,  /* the same, LowCardinality in the table */
    CELL_JSON,   /* any JSON value: its text, as in the event */
    CELL_UUID,
    CELL_DATE,      /* Date32 */
    CELL_TIMESTAMP, /* DateTime64(6, 'UTC') */
};

enum { CELL_DECIMAL_DIGITS_MAX = 76 };

struct cell_type {
    enum cell_kind kind;
    unsigned width;    /* bytes of a value; 0 = varint length and bytes */
    int digits;        /* CELL_DECIMAL: digits in all */
    int scale;         /* CELL_DECIMAL: of them behind the point */
    bool nullable;     /* Nullable(...) in the table */
    bool null_is_text; /* null is a value of its own here: json NOT NULL */
};

/* The type for a column: key columns are not Nullable, others are. */
struct cell_type cell_type_of(const struct shape_column *column);

/* Appends the type as ClickHouse spells it in system.columns. */
void cell_type_name(struct buf *b, const struct cell_type *t);

/* The same for the header of a Native block: LowCardinality is left to the
   server, which every version converts from String. */
void cell_type_wire_name(struct buf *b, const struct cell_type *t);

/* Appends a value that is not null. Returns NULL, or why the column cannot
   hold it (a constant text without the value; `b` is then as before). */
const char *cell_put(struct buf *b, const struct cell_type *t,
                     struct str value) MUST_CHECK;

/* Appends what stands in the place of a null. */
void cell_put_null(struct buf *b, const struct cell_type *t);

/* Appends an unsigned LEB128, and a string with its length in front. */
void cell_varint(struct buf *b, uint64_t n);
void cell_string(struct buf *b, struct str s);
