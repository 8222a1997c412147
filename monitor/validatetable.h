/*
 * validatetable.h - one table through the checks of a comparison. Part of
 * validate.c, which says how; this reads the sides and keeps what is open.
 *
 * One thread.
 */
#pragma once

#include "monitor/buckets.h"
#include "monitor/read_ch.h"
#include "monitor/read_es.h"
#include "monitor/validate.h"

/* What all tables of a comparison share. */
struct validate_run {
    struct read_pg *pg;
    struct read_es *es;
    struct read_ch *ch;
    bool targets[CANON_SIDES]; /* switched on */
    const struct validate_options *options;
    struct lag *lag;                  /* the topics' ends at the last fence */
    struct buckets sums[CANON_SIDES]; /* of one table at a time */
    uint64_t total;                   /* rows compared so far */
};

/* A bucket that differs and was not looked into. */
struct validate_todo {
    uint32_t bucket;
    uint32_t rows;             /* of the side that has most */
    uint32_t off[CANON_SIDES]; /* keys that differ in it, at least */
};

struct validate_work {
    const struct scope_table *table;
    struct validate_table *result;
    struct validate_todo *todo;
    unsigned todo_count, todo_next;
    struct bucket_set looked; /* the buckets of the running drill */
    struct drill drill;
    bool drilling;

    /* counts alone: the last check's */
    uint64_t last[CANON_SIDES], last_ends;
    bool last_known, count_open;
};

/* The first check. */
int validate_table_first(struct validate_run *run, struct validate_work *w,
                         struct err *e) MUST_CHECK;

/* Starts to look into buckets with up to `keys` keys (at least one bucket);
   returns how many it may need, 0 when there is nothing to look into. */
unsigned validate_table_begin(struct validate_work *w, unsigned keys);

/* Does the table need one more check? */
bool validate_table_open(const struct validate_work *w);

/* One more check. */
int validate_table_again(struct validate_run *run, struct validate_work *w,
                         struct err *e) MUST_CHECK;

/* No more checks of what is being looked into: takes what came out. */
void validate_table_end(struct validate_work *w);

/* Accepts a zeroed one. */
void validate_work_fini(struct validate_work *w);
