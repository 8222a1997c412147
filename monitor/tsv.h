/*
 * tsv.h - one line of PostgreSQL's COPY text format or ClickHouse's
 * TabSeparated, which share their escapes: \N for NULL, \t \n \\ and such.
 *
 * PURE. Works in the line itself: no copies.
 */
#pragma once

#include <stdbool.h>

#include "common/buf.h"

/* Cuts `line` (without its line feed) into exactly `count` fields and takes
   their escapes out, in place. A NULL has p == NULL, an empty text has not.
   False: another number of fields, or a backslash at the end. */
bool tsv_split(char *line, size_t len, struct str *ret_fields, unsigned count);

/* A field of digits. */
bool tsv_u64(struct str field, uint64_t *ret);
