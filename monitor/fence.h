/*
 * fence.h - waits until both targets have applied all that a snapshot of
 * the source shows (DESIGN 6, validate).
 *
 *   snapshot of PostgreSQL; its WAL position
 *   the slot has confirmed that position: all of it is in Kafka
 *   the topics' ends: all of it lies before them
 *   both groups have committed past those ends: the targets have applied it
 *
 * Traffic may go on: what comes later is not waited for.
 *
 * An idle server's insert position can lie a page header beyond what is ever
 * flushed. So it is also enough that the slot has confirmed all that was
 * flushed FENCE_SETTLED_MS after the snapshot: an asynchronous commit that
 * the snapshot shows is flushed by then.
 *
 * PURE but for fence_pass. One thread.
 */
#pragma once

#include <stdbool.h>

#include "monitor/probe_kafka.h"
#include "monitor/read_pg.h"

enum { FENCE_SETTLED_MS = 2000, FENCE_STEP_MS = 50 };

/* The end of one partition when it was taken. */
struct fence_mark {
    char *topic; /* shared by its partitions */
    unsigned partition;
    int64_t end;
};

struct fence_marks {
    struct fence_mark *list;
    unsigned count, cap;
};

/* Accepts a zeroed one. */
void fence_marks_fini(struct fence_marks *m);

/* Adds the ends of a topic as lag_marks has them. ERR_RETRY: one is not
   known. */
int fence_marks_take(struct fence_marks *m, const struct lag_topic *topic,
                     struct err *e) MUST_CHECK;

/* How many records before the marks a sink has not committed. A topic that is
   gone has none. */
uint64_t fence_behind(const struct fence_marks *m, struct lag *lag,
                      enum sink sink);

/* Has the slot confirmed a snapshot that lies before `lsn` and is `age_ms`
   old? */
bool fence_confirmed(const struct read_pg_slot *slot, uint64_t lsn,
                     int64_t age_ms);

struct fence {
    struct read_pg *pg;        /* holds the snapshot afterwards */
    struct probe_kafka *kafka; /* with a `lag` of its own */
    const char *const *topics; /* NULL ends */
    bool sinks[SINK_COUNT];    /* which to wait for */
    int timeout_ms;
};

/* Takes a new snapshot and waits. ERR_RETRY when it is not passed in time,
   with who is behind; else what the readers say. */
int fence_pass(const struct fence *f, struct err *e) MUST_CHECK;
