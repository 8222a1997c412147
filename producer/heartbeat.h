/*
 * heartbeat.h - a sign of life that travels the whole way of a change
 * (DESIGN 4.10).
 *
 * Every few seconds a transactional logical message is written into the
 * WAL. It comes back through the stream in a transaction of its own and is
 * published to <prefix>.heartbeat as an event like any other: the ledger
 * counts it, so the slot is confirmed past it only when Kafka has it. So an
 * idle database moves its slot, and each stage can show how old the newest
 * heartbeat is that it has seen.
 *
 *   pg_logical_emit_message(true, 'cdc-heartbeat', '<pipeline> <time>')
 *   key    {"serverName":"<pipeline>"}
 *   value  {"ts_ms":1700000000000,"ts_us":1700000000000000,
 *           "commit_lsn":"16/B374D848"}            (of its commit)
 *
 * Asked on the control session without waiting for the answer. Who wants to
 * ask something else there calls heartbeat_finish first, or comes again while
 * heartbeat_busy.
 *
 * Main thread only.
 */
#pragma once

#include "common/metrics.h"
#include "producer/question.h"

#define HEARTBEAT_PREFIX "cdc-heartbeat"

struct heartbeat {
    const char *pipeline; /* borrowed */
    int every_ms;         /* 0 = switched off */
    struct question ask;  /* its session is borrowed */
    int64_t due_ms, asked_ms;
    bool refused; /* said so */
    struct metric_time received;
};

/* `pipeline` is borrowed until heartbeat_reset(h, NULL) for the last time. */
void heartbeat_init(struct heartbeat *h, const char *pipeline, int every_ms);

/* Another session, or none (NULL): what was asked on the old one is
   forgotten. Before that session is closed. */
void heartbeat_reset(struct heartbeat *h, PGconn *conn);

/* Writes the next one when it is due. A server that refuses is one warning,
   and asked again next time. ERR_RETRY: the session is gone, or silent. */
int heartbeat_turn(struct heartbeat *h, struct err *e) MUST_CHECK;

/* An answer is on its way. */
bool heartbeat_busy(const struct heartbeat *h);

/* Waits for it, at most PGCONN_QUERY_MS. */
int heartbeat_finish(struct heartbeat *h, struct err *e) MUST_CHECK;

/* PURE: is this logical message a heartbeat of that pipeline? */
bool heartbeat_is(const char *pipeline, bool transactional, struct str prefix,
                  struct str content);

/* PURE: the record. */
void heartbeat_write(struct buf *key, struct buf *value, const char *pipeline,
                     int64_t commit_us, uint64_t commit_lsn);

/* One that was committed then has come through the stream. */
void heartbeat_seen(struct heartbeat *h, int64_t commit_us);
