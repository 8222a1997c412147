/*
 * tables.h - what a sink keeps per table: its series, its lag, the shapes
 * the target is ready for.
 *
 * Series pointers are found once per table, so counting an event is an
 * atomic add. Tables stay for the life of the process.
 *
 * Lag is the age of the oldest event that is not settled. Since a request
 * may keep the main loop for a minute, only that event's commit time is
 * stored here, and the age is taken when the metrics are read.
 *
 * Main thread, but for tables_metrics, which runs on the listener's: the
 * list is behind a mutex, the times are atomics.
 */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "common/metrics.h"
#include "common/server.h"
#include "common/sink.h"

enum { TABLE_OPS = 5 };

struct table {
    char *topic;
    char *label; /* DESIGN 1, Names */
    struct metric *done[TABLE_OPS], *failed[TABLE_OPS];
    struct metric *latency[TABLE_OPS];
    struct metric *lag;
    struct metric *written, *write_failed; /* NULL: the target has none */
    unsigned failed_attempt;               /* the last one that was counted */
    _Atomic int64_t oldest_us;             /* commit time; 0 = caught up */
    int64_t found_us; /* scratch of the search for the oldest */

    const struct shape **ready; /* the target was prepared for */
    unsigned ready_count, ready_cap;
};

struct tables {
    pthread_mutex_t mutex;
    struct table **list;
    unsigned count, cap;
    const struct sink_ops *ops;
    char component[64]; /* component="sink-es" */
    struct metric_family *events, *errors, *latency, *lag, *dead, *writes;
    struct metric_time last_commit;
};

/* Declares the families. `ops` is borrowed. */
void tables_init(struct tables *t, const struct sink_ops *ops);
void tables_fini(struct tables *t);

/* What a reject of the target counts as. */
const char *tables_error_type(const struct tables *t);

/* The table of a shape, made with all its series at 0 when it is new. */
struct table *tables_get(struct tables *t, const struct shape *shape);

/* The table of a topic, or NULL while no shape of it is known. */
struct table *tables_find(const struct tables *t, const char *topic);

/* `count` events of one kind are settled, committed at `commit_us`. */
void table_done(struct tables *t, struct table *table, enum event_op op,
                int64_t commit_us, unsigned count);

/* Attempt number `attempt` (from 1) left something of the table unwritten;
   counts once, however often it is said. */
void table_write_failed(struct table *table, unsigned attempt);

/* An event was refused, for a reason of the closed set of ecosystem.md 3.2.
   table_failed also counts it as finished, with its operation; a record that
   could not be read has none. */
void table_error(struct tables *t, const struct table *table,
                 const char *error_type);
void table_failed(struct tables *t, const struct table *table, enum event_op op,
                  const char *error_type);

/* Is the target prepared for this shape? And the newest one it is prepared
   for, or NULL. */
bool table_is_ready(const struct table *table, const struct shape *shape);
const struct shape *table_newest(const struct table *table);
void table_set_ready(struct table *table, const struct shape *shape);

/* The search for the oldest event of each table: begin, any number of sights
   (0 is ignored), end. */
void tables_lag_begin(struct tables *t);
void table_lag_see(struct table *table, int64_t commit_us);
void tables_lag_end(struct tables *t);

/* The routes' handler: lags of now, then all metrics. `arg` is the tables.
   Any thread. */
server_fn tables_metrics;
