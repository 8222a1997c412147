/*
 * read_ch.h - ClickHouse's side of a comparison: all current rows of a
 * table, with their versions.
 *
 * One SELECT ... FINAL of what is not deleted (what the view `..._current`
 * shows, and `_version` with it), in TabSeparated, read as it comes in. A
 * server that fails half-way through has sent a 200 by then: so each line
 * must have exactly its columns and end with a version, and the text of an
 * exception has neither.
 *
 * One thread at a time; errors and waits as reader.h says.
 */
#pragma once

#include "monitor/probe_ch.h"
#include "monitor/reader.h"

enum {
    READ_CH_MS = 60 * 60 * 1000, /* the longest that one SELECT may take */
    READ_CH_LINE_BYTES_MAX = 256 << 20,
};

struct read_ch {
    struct probe_ch server;
    char *database;
};

/* As probe_ch_open. */
int read_ch_open(struct read_ch *p, const char *host, const char *user,
                 const char *password, const char *database,
                 struct err *e) MUST_CHECK;

/* Accepts a zeroed one. */
void read_ch_close(struct read_ch *p);

/* The table's columns, one bit for each of the shape's: is it there? All
   false, and *ret_exists too, when there is no such table. */
int read_ch_columns(struct read_ch *p, const struct shape *shape,
                    bool *ret_columns, bool *ret_exists,
                    struct err *e) MUST_CHECK;

/* All current rows; columns that the table lacks are absent. */
int read_ch_rows(struct read_ch *p, const bool *columns,
                 const struct reader *to, struct err *e) MUST_CHECK;

int read_ch_count(struct read_ch *p, const struct shape *shape,
                  uint64_t *ret_rows, struct err *e) MUST_CHECK;

/* The stream alone (tests/unit): rows out of pieces of any size. Zeroed, with
   `to` and `columns`, and `line` made by buf_init. */
struct read_ch_stream {
    const struct reader *to;
    const bool *columns;
    struct str *fields; /* of the row, and the version */
    struct buf line;    /* one that is not complete yet */
    struct err *e;
    bool failed;
};

bool read_ch_piece(void *stream, const char *p, size_t len);
