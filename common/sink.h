/*
 * sink.h - the loop of a sink process, shared by all targets.
 *
 * Consumes the pipeline's table topics in one consumer group, cuts batches
 * by bytes, rows and age, hands a batch to the target for ONE attempt, looks
 * at the verdict on each item, waits and tries again what must be tried
 * again, and moves offsets only past settled items (DESIGN 5).
 *
 *   fill -> prepare new shapes -> write (one attempt) -> settle
 *             ^                      |  RETRY: wait (paused, polling)
 *             +----------------------+
 *   all DONE -> store offsets, commit asynchronously -> fill
 *
 * Knows no HTTP, no Elasticsearch, no ClickHouse.
 *
 * Invariants
 *   - one batch at a time: all of it settles before the next is filled
 *   - a committed offset is never past an item that is not DONE
 *   - an item may be written again after a newer one of its key was: targets
 *     compare versions, so the older one loses (test_sink.c holds this)
 *   - while waiting, partitions are paused and the consumer is polled, so
 *     the group keeps this member through any outage of the target
 *   - partitions revoked: the attempt is finished, settled prefixes are
 *     committed, then unassigned. Lost: everything is dropped, nothing
 *     committed. A batch older than SINK_BATCH_AGE_MS on CLOCK_BOOTTIME or
 *     no longer assigned is dropped unsent
 */
#pragma once

#include <librdkafka/rdkafka.h>

#include "common/conf.h"
#include "common/event.h"
#include "common/shape.h"

enum {
    SINK_BATCH_AGE_MS = 60 * 1000, /* see group.h, "Frozen" */
    SINK_BATCH_ROWS = 50000,       /* without an explicit batch size */
    SINK_LINGER_MS = 50,
};

enum verdict {
    VERDICT_PENDING, /* not judged yet */
    VERDICT_DONE,    /* the target holds it, or something newer */
    VERDICT_RETRY,   /* not known or not accepted: send again */
    VERDICT_REJECT,  /* this item never will be accepted: dead letter */
    VERDICT_STOP,    /* the sink must stop: going on could lose data */
};

struct part; /* assign.h; the core's own */

struct item {
    rd_kafka_message_t *msg; /* owned by the batch; key and value live here */
    const struct shape *shape;
    struct part *part;
    struct event_view ev; /* views into msg */
    uint64_t version;     /* of the header cdc-version */
    int32_t partition;
    int64_t offset;
    enum verdict verdict;
    char why[200]; /* for RETRY, REJECT and STOP; no row values */
};

/* The items of one attempt, in the order of their topics' offsets: per key
   that is the order of the source. A tombstone may stand directly behind its
   delete, and a key may come many times: all are kept, the target decides.
   Settled items leave between two attempts, so positions change. */
struct batch {
    struct item *items;
    unsigned count, cap;
    size_t bytes;       /* keys and values */
    int64_t born_ms;    /* clock_ms of the first item */
    int64_t send_by_ms; /* clock_ms after which nothing of it may be sent:
                           the group may have given the partitions away */
};

/* A target. Each function returns 0, or -1 with `e`:
   ERR_RETRY waits and calls again, anything else ends the process. */
struct sink_ops {
    const char *name;       /* "es", "clickhouse": group suffix */
    const char *component;  /* "sink-es": logs, metrics */
    const char *variable;   /* "ELASTICSEARCH_URL": where the target is said */
    const char *error_type; /* "es_write": cdc_sync_errors_total of rejects */
    int linger_ms;          /* default of the option; 0 = SINK_LINGER_MS */

    /* Makes the target ready for rows of this shape (index and mapping,
       table and view); called before the first item of a shape, again after
       a restart, and by several replicas at once: idempotent. `first` is the
       table's shape known until now (NULL: none); what a target cannot
       follow is ERR_FATAL naming table, difference and remedy. `passed`: the
       group has committed events of this table, so the target must be there:
       one made anew would lack them (ERR_RETRY naming the remedy). The shape
       stays valid until close. */
    int (*prepare)(void *self, const struct shape *first,
                   const struct shape *shape, bool passed, struct err *e);

    /* ONE attempt. Looks only at PENDING and RETRY items and leaves a
       verdict on each of them. Returns 0 when the target answered, -1
       (ERR_RETRY) when it could not be reached: items it left unjudged
       count as RETRY. Never sleeps, never loops over attempts, never logs. */
    int (*write)(void *self, struct batch *b, struct err *e);

    /* Is the target reachable and usable (credentials, version floor)? For
       `check` and before the first batch. */
    int (*check)(void *self, struct err *e);

    /* The counter of writes, "cdc_elasticsearch_writes_total" (or NULL), its
       label ("index"; NULL = "table"), and what appends that label's value
       (NULL = as every `table`). */
    const char *writes, *writes_label;
    void (*writes_name)(struct buf *b, const struct shape *shape);
};

/* The options all sinks share; the target's struct begins with it. */
struct sink_conf {
    struct conf_common common;
    int batch_size;  /* CDC_BATCH_SIZE; 0 = not set: rows are not capped */
    int batch_bytes; /* default 8 MiB */
    int linger_ms;   /* how long the oldest item waits for company while
                        nothing else is there; -1 = the target's default */
};

extern const struct conf_bind sink_conf_binds[];

/* Runs until a stop is requested (returns 0) or an error ends it (-1: the
   caller maps e->kind to the exit code). Opens the status listener, the
   consumer and the schema topic itself. On SIGTERM: no new batch, the
   running attempt is finished (http.h bounds it), offsets are committed, the
   group is left. */
int sink_run(const struct sink_ops *ops, void *self,
             const struct sink_conf *conf, struct err *e) MUST_CHECK;

/* `check`: brokers answer, the schema topic can be read, ops->check. Prints
   one line per finding on stdout. */
int sink_check(const struct sink_ops *ops, void *self,
               const struct sink_conf *conf, struct err *e) MUST_CHECK;
