/*
 * validate.h - compares the source with both targets, row by row, while
 * traffic goes on (DESIGN 6, docs/VALIDATE.md).
 *
 * Check 1, behind a fence (fence.h): every side of every table is read once
 * into bucket sums (buckets.h). Tables whose buckets are equal are done. The
 * differing buckets are read again behind new fences, up to
 * VALIDATE_RECHECKS times after their keys were collected, until each key is
 * equal, a difference or in motion (drill.h).
 *
 * Memory is constant: three arrays of sums, one page or row, and at most
 * VALIDATE_KEYS_MAX keys; what differs beyond that is looked into in turns
 * while nothing is certain, and only counted once something is.
 *
 * One thread at a time. All waits end when a stop is requested (stop.h).
 */
#pragma once

#include "monitor/drill.h"
#include "monitor/scope.h"
#include "monitor/settings.h"

enum {
    VALIDATE_RECHECKS = 3,
    VALIDATE_KEYS_MAX = 200 * 1000,
    VALIDATE_LISTED_MAX = 100, /* keys named, of a table and target */
    VALIDATE_FENCE_MS = 120 * 1000,
};

struct validate_options {
    const char *tables; /* comma list of globs; NULL: all */
    double sample;      /* percent of the keys; 0 or 100: all */
    uint64_t rows_max;  /* larger tables: counts alone; 0: no limit */
    uint64_t total_max; /* rows of all tables, then counts alone; 0: none */
    int fence_ms;       /* 0: VALIDATE_FENCE_MS */

    /* May be NULL: what is being done, for a person. */
    void (*progress)(void *arg, const char *table, const char *what,
                     uint64_t rows);
    void *progress_arg;
};

/* One key that differs. */
struct validate_key {
    enum drill_kind kind;
    char *text;
};

/* One table in one target. */
struct validate_target {
    bool compared; /* the target is switched on, the table can be compared */
    bool exists;   /* the index or table is there */
    uint64_t rows; /* as read in the first check; traffic may be in between */
    uint64_t counts[DRILL_KINDS]; /* keys that differ */
    uint64_t more;                /* at least; not looked into */
    uint64_t in_motion;
    uint64_t off_by; /* counts alone: rows too few or too many */
    struct validate_key *keys;
    unsigned key_count;
};

struct validate_table {
    char *label;
    enum scope_state state;
    bool counts_only;
    struct read_pg_fit fit; /* columns that could not be compared */
    uint64_t rows;          /* of the source */
    struct validate_target targets[CANON_SIDES]; /* but CANON_PG's */
};

struct validate_result {
    struct validate_table *tables;
    unsigned count;
    int64_t at_us; /* wall clock of the end */
    int64_t took_ms;
    unsigned checks; /* fences passed */
};

struct validate; /* opaque */

/* Opens the connections lazily. ERR_CONFIG for bad settings. `s` is borrowed
   until validate_close. */
int validate_open(struct validate **ret_v, const struct settings *s,
                  struct err *e) MUST_CHECK;

/* One comparison. ERR_USAGE: a table that is not there; any other error: it
   could not be made. The result is the caller's to validate_result_fini. */
int validate_run(struct validate *v, const struct validate_options *options,
                 struct validate_result *ret_result, struct err *e) MUST_CHECK;

/* Accepts NULL. */
void validate_close(struct validate *v);

/* Accepts a zeroed one. */
void validate_result_fini(struct validate_result *r);

/* Keys that differ in a target, those not looked into included; rows too few
   or too many where only counts were compared. */
uint64_t validate_differences(const struct validate_target *t);

/* "Elasticsearch", "ClickHouse"; for metrics "elasticsearch", ... */
const char *validate_target_title(enum canon_side side);
const char *validate_target_name(enum canon_side side);
