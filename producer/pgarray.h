/*
 * pgarray.h - PostgreSQL's array literals -> nested JSON arrays.
 *
 * PURE, fuzzed through pgtype. PostgreSQL's documentation, "Array Input and
 * Output Syntax", as array_out prints it:
 *
 *   array   = [bounds '='] braces       bounds = ('[' int ':' int ']') x n
 *   braces  = '{' '}' | '{' item (delimiter item)* '}'
 *   item    = braces | element          all elements at one depth, at most 6
 *   element = NULL | unquoted | '"' … '"' with \" and \\
 *
 * Bounds are left out of the JSON. No recursion, and no allocation but for
 * arrays of hstore whose elements carry backslashes.
 */
#pragma once

#include "common/buf.h"
#include "producer/pgtype.h"

/* `type` is of an array column: its class is the element's. A text that is no
   whole array sets the builder's `failed`. */
void pgarray_write(struct buf *b, const struct pgtype *type, struct str text);
