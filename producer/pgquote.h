/*
 * pgquote.h - quoted strings inside PostgreSQL's text forms: "a \"b\" \\ c".
 *
 * PURE, fuzzed through pgtype. Arrays and hstore print them alike: double
 * quotes around, a backslash before each '"' and '\\' inside (array_out,
 * hstore_out). A quoted string is not copied to take the backslashes away:
 * it is handed on in runs that end before each backslash, and the character
 * behind it opens the next run. Both are ASCII, so no run cuts a character.
 */
#pragma once

#include <stdbool.h>

#include "common/buf.h"

/* What takes the runs: json_escape, json_one_line, buf_str_add. */
typedef void pgquote_sink(struct buf *b, struct str run);

/* Cuts a quoted string. `rest` begins with its opening quote and then behind
   the closing one; `ret_inner` is what stands between, backslashes kept, and
   `ret_escaped` tells whether there are any. False when it has no end. */
bool pgquote_cut(struct str *rest, struct str *ret_inner, bool *ret_escaped);

/* Hands the inner text of a quoted string on without its backslashes. */
void pgquote_runs(struct buf *b, struct str inner, pgquote_sink *sink);
