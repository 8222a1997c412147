/*
 * reader.h - what the three readers of a table share.
 *
 * A reader goes through all rows of a table once, in any order: it puts the
 * raw values into `row`, makes the hashes and calls `fn` with the row's
 * version (the target's _version; the source's xmin). It holds one row, or
 * one page of them, never the table.
 *
 * All waits have an end, and end at once when a stop is requested (stop.h).
 * Errors: ERR_UNREACHABLE (no answer), ERR_PERMISSION, ERR_RETRY (an answer
 * that is none).
 */
#pragma once

#include "common/err.h"
#include "monitor/canonrow.h"

/* -1 ends the reading with `e`. */
typedef int reader_fn(void *arg, const struct canonrow *row, uint64_t version,
                      struct err *e);

struct reader {
    struct canonrow *row;
    reader_fn *fn;
    void *arg;
};
