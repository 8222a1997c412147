/*
 * slice.h - finds parts of a JSON text in place: no tree, no copies, no
 * recursion.
 *
 * For row data and versions, which cJSON's doubles would alter. The slicer
 * checks what it needs to cut safely: strings end and their backslashes pair,
 * brackets balance (counted, so any depth costs nothing; their kinds are not
 * matched), separators stand between members, no raw control character is
 * inside a string. It accepts any JSON white space. It does not validate
 * the inside of a nested value, a number or a literal.
 *
 * All views borrow the text. Any malformed text ends in SLICE_BAD; a reader
 * never reads past `len`. Fuzzed: tests/fuzz/fuzz_slice.c.
 */
#pragma once

#include "common/buf.h"

enum slice_result { SLICE_BAD = -1, SLICE_END = 0, SLICE_ITEM = 1 };

struct slice {
    const char *p, *end;
    bool first, array;
};

/* Begins at an object or array; white space around it is allowed, anything
   else behind its end is found by the call that returns SLICE_END. Returns
   false when `json` does not start with '{' (or '[' ). */
bool slice_object(struct slice *s, struct str json);
bool slice_array(struct slice *s, struct str json);

/* The next member. `ret_name` is the raw text between the quotes (escapes
   kept), `ret_value` the raw value with its quotes or brackets. */
enum slice_result slice_member(struct slice *s, struct str *ret_name,
                               struct str *ret_value);

/* The next array element. */
enum slice_result slice_element(struct slice *s, struct str *ret_value);

/* Behind the value that begins at `p` (no white space in front), or NULL when
   it is cut or malformed; for readers that know what stands around it. */
const char *slice_skip(const char *p, const char *end);

/* Is this raw value the literal null? */
bool slice_is_null(struct str value);

/* A raw string value ("..." with quotes) decoded to UTF-8 and appended to
   `b`. False when it is no string, an escape is bad, a surrogate is lone, or
   `b` failed. */
bool slice_string(struct str value, struct buf *b);

/* A raw number value as an exact integer. False when it is anything else or
   out of range. */
bool slice_u64(struct str value, uint64_t *ret);
bool slice_i64(struct str value, int64_t *ret);

/* Looks up one member by its raw name; linear. SLICE_END: not there. */
enum slice_result slice_find(struct str json, struct str name,
                             struct str *ret_value);
