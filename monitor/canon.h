/*
 * canon.h - one value, as PostgreSQL, Elasticsearch's _source or ClickHouse
 * show it -> one canonical text, so that equal values have equal texts.
 *
 * Written from DESIGN 2's table and from what the three servers print, not
 * from the sinks' encoders: what is wrong there must show here. Exact:
 * integers and decimals are texts, no value passes through a floating-point
 * number but those that are one (float4, float8: their bits, in hex).
 *
 *   bool                 true false
 *   integers, oid        digits
 *   numeric(p,s)         digits without needless zeros; NaN ...
 *   date, timestamps     as in the event: 2019-07-09T02:28:57.1Z
 *   json                 without the white space between tokens
 *   bytea                base64
 *   hstore, arrays       {} and [] around <length>:<bytes>, ~ for null
 *   the rest             the text
 *
 * What the targets cannot tell apart is one value here: NULL and the JSON
 * value null; NULL and a member that _source lacks (a row older than its
 * column). What a side shows that its type can never be (a string where a
 * number must stand) is CANON_BAD, and equal to nothing.
 *
 * PURE. No allocation once the scratch buffers have grown.
 */
#pragma once

#include <stdbool.h>

#include "common/buf.h"
#include "common/shape.h"

enum canon_side { CANON_PG, CANON_ES, CANON_CH, CANON_SIDES };

enum canon_kind { CANON_NULL, CANON_VALUE, CANON_BAD };

enum { CANON_VALUE_BYTES_MAX = 1 << 30 };

struct canon_column {
    enum shape_class class; /* of the element for an array */
    bool array;
    bool decimal;   /* numeric(p,s): compared by value */
    bool byte;      /* the type "char" */
    char delimiter; /* of an array in PostgreSQL: ',' */
};

/* Scratch of one thread. */
struct canon {
    struct buf text, element, string;
};

void canon_init(struct canon *k);
void canon_fini(struct canon *k);

/* `delimiter` is pg_type.typdelim of the element; 0 means ','. */
struct canon_column canon_column_of(const struct shape_column *column,
                                    char delimiter);

/* Appends the canonical text of `raw`: the text that PostgreSQL and
   ClickHouse print (p == NULL: NULL), or the raw JSON value of a member
   (p == NULL: it is not there). Nothing is appended for CANON_NULL; rubbish
   may be for CANON_BAD. */
enum canon_kind canon_value(struct canon *k, struct buf *b,
                            const struct canon_column *c, enum canon_side side,
                            struct str raw);

/* The same for one element, or a value that is no array. */
bool canon_scalar(struct canon *k, struct buf *b, const struct canon_column *c,
                  enum canon_side side, struct str raw);
