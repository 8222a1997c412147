/*
 * copytext.h - one line of COPY ... TO STDOUT (text format) -> a tuple.
 *
 * PURE, fuzzed. PostgreSQL's documentation, COPY, "Text Format": columns are
 * separated by TAB, \N is NULL, backslash escapes \b \f \n \r \t \v \\ ,
 * \ooo and \xhh. Values are unescaped in place in the caller's line.
 */
#pragma once

#include "producer/pgoutput.h"

/* `line` is writable, ends with its only '\n' (as libpq hands it out) and must
   hold exactly `column_count` values. Views into it. ERR_FATAL with the byte
   position otherwise: also for an escape that PostgreSQL does not write. Line
   and tuple are then undefined. */
int copytext_read(char *line, size_t len, unsigned column_count,
                  struct pgo_tuple *ret_tuple, struct err *e) MUST_CHECK;
