/*
 * event.h - one row event on the wire: topic, key, value, headers.
 *
 * Debezium's envelope (debezium-format.md 2), the writer for the producer
 * and the reader for the sinks side by side, so that a change of one is seen
 * in the other:
 *
 *   {"before":…,"after":…,"source":{version connector name ts_ms snapshot db
 *   sequence ts_us ts_ns schema table txId lsn xmin origin origin_lsn
 *   commit_lsn tx_seq row_version},"transaction":null,"op":"c",
 *   "ts_ms":…,"ts_us":…,"ts_ns":…}
 *
 * All members always present. A tombstone has the key of its delete, no
 * value, and the headers only.
 *
 * Pure: bytes in, bytes out; no Kafka, no clock. No allocation per event.
 * The reader is fuzzed: tests/fuzz/fuzz_event.c.
 */
#pragma once

#include "common/buf.h"
#include "common/err.h"

enum event_op {
    EVENT_READ = 'r',
    EVENT_CREATE = 'c',
    EVENT_UPDATE = 'u',
    EVENT_DELETE = 'd',
    EVENT_TRUNCATE = 't',
    EVENT_SWEEP = 's',
};

/* Headers of every record (DESIGN 2). */
#define EVENT_HEADER_VERSION "cdc-version"
#define EVENT_HEADER_OP "cdc-op"
#define EVENT_HEADER_SCHEMA "cdc-schema"

/* What is constant per table, rendered once: the fragments of `source`. */
struct event_table {
    struct buf head; /* {"version":…,"name":"cdc","ts_ms": */
    struct buf db;   /* ,"db":"shop","sequence": */
    struct buf name; /* ,"schema":"public","table":"User","txId": */
};

/* `name` is the topic prefix. Release with event_table_fini. */
void event_table_init(struct event_table *t, struct str name, struct str db,
                      struct str schema, struct str table);
void event_table_fini(struct event_table *t);

/* One event to write; everything is borrowed. */
struct event {
    enum event_op op;
    struct str before, after; /* JSON objects; p == NULL means null */
    struct str snapshot;      /* "false", "first", "true", "last", … */
    int64_t commit_us;        /* since 1970; of the commit, or of the read */
    int64_t now_us;           /* when the event is built */
    uint64_t lsn;             /* of the change; copied rows: H */
    uint64_t commit_lsn;      /* Begin's final LSN; copied rows: C */
    uint64_t last_commit_lsn; /* end of the last commit seen; 0 = none */
    uint32_t xid;             /* 0 = null */
    uint64_t tx_seq;
    uint64_t row_version;
};

/* Appends the value. Failure (cap, bad UTF-8) is buf's `failed`. */
void event_write(struct buf *b, const struct event_table *t,
                 const struct event *ev);

/* Appends the topic of a table: <prefix>.<schema>.<table>, every other UTF-16
   unit than [A-Za-z0-9._-] as '_', cut at 249 (debezium-format.md 1.1). */
void event_topic(struct buf *b, struct str prefix, struct str schema,
                 struct str table);

/* A record as a sink meets it. Views borrow key and value. */
struct event_view {
    enum event_op op; /* from the value; EVENT_DELETE for a tombstone */
    bool tombstone;
    struct str key;           /* JSON object */
    struct str before, after; /* raw; p == NULL when null or absent */
    int64_t commit_us;        /* source.ts_us; 0 for a tombstone */
    uint64_t row_version;
    bool copied; /* source.snapshot is not "false" */
};

/* Cuts a record. `value.p == NULL` is a tombstone, whose version and op the
   caller has from the headers: row_version is then 0. ERR_INPUT with the
   byte position or the member that is missing. */
int event_read(struct str key, struct str value, struct event_view *ret_view,
               struct err *e) MUST_CHECK;
