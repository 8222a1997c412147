/*
 * read_pg.h - the source's side of a comparison: its tables, one snapshot,
 * all rows of a table.
 *
 * One session with the settings that the producer's have, so that values
 * print alike; read only. A snapshot is a REPEATABLE READ transaction; rows
 * come by COPY, one at a time.
 *
 * One thread at a time; errors and waits as reader.h says.
 */
#pragma once

#include <libpq-fe.h>

#include "monitor/probe_pg.h"
#include "monitor/reader.h"

enum {
    READ_PG_CONNECT_MS = 10 * 1000,
    READ_PG_SILENCE_MS = 120 * 1000, /* the longest wait for a next byte */
};

struct read_pg {
    struct probe_pg names; /* the cleaned URL, slot and publications */
    PGconn *conn;
};

/* A table of the publications. */
struct read_pg_table {
    char *schema, *name;
    bool partitioned;
    double rows; /* the planner's estimate; -1 = never analysed */
};

/* Where the WAL and the slot are. */
struct read_pg_slot {
    bool exists, active;
    uint64_t confirmed_lsn, flush_lsn;
};

/* As probe_pg_open; connects to nothing yet. */
int read_pg_open(struct read_pg *p, const char *url, const char *name,
                 struct err *e) MUST_CHECK;

/* Accepts a zeroed one. */
void read_pg_close(struct read_pg *p);

/* Ends the last snapshot and takes a new one. Each commit that it shows lies
   before `ret_lsn` in the WAL. Connects when it must. */
int read_pg_snapshot(struct read_pg *p, uint64_t *ret_lsn,
                     struct err *e) MUST_CHECK;

/* Ends the snapshot, so that it holds up no vacuum; errors do not matter. */
void read_pg_release(struct read_pg *p);

/* The tables that the pipeline publishes; give them to read_pg_tables_free. */
int read_pg_tables(struct read_pg *p, struct read_pg_table **ret_tables,
                   unsigned *ret_count, struct err *e) MUST_CHECK;
void read_pg_tables_free(struct read_pg_table *tables, unsigned count);

/* The slot as it is now, whatever the snapshot. */
int read_pg_slot(struct read_pg *p, struct read_pg_slot *ret_slot,
                 struct err *e) MUST_CHECK;

/* How the table's columns and the shape's are apart. */
struct read_pg_fit {
    unsigned left_out;     /* of the shape, and the table has them no more */
    unsigned not_captured; /* of the table, and the shape has them not yet */
};

/* Fits `row` to the table as the snapshot has it: columns that it lacks are
   left out, arrays get their delimiters. */
int read_pg_fit(struct read_pg *p, const struct read_pg_table *table,
                struct canonrow *row, struct read_pg_fit *ret_fit,
                struct err *e) MUST_CHECK;

/* All rows that the snapshot shows. */
int read_pg_rows(struct read_pg *p, const struct read_pg_table *table,
                 const struct reader *to, struct err *e) MUST_CHECK;

int read_pg_count(struct read_pg *p, const struct read_pg_table *table,
                  uint64_t *ret_rows, struct err *e) MUST_CHECK;
