/*
 * pgconn.h - sessions with PostgreSQL: opened under one block of settings,
 * asked with deadlines, never blocking past a stop.
 *
 * Every session of the producer, of whatever purpose, is opened here, so
 * stream and copy print values alike (DESIGN 2: UTC, ISO dates, iso_8601
 * intervals, hex bytea, shortest exact floats, empty search_path, row
 * security off), control sessions commit with synchronous_commit=local, and
 * a half-open TCP connection is noticed (keep-alives, tcp_user_timeout).
 *
 * Hides none of libpq's types. Errors: connection trouble and server
 * shut-downs are ERR_RETRY, missing privileges ERR_PERMISSION, any other
 * SQL error ERR_FATAL with the server's message.
 */
#pragma once

#include <libpq-fe.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/err.h"

enum pgconn_kind {
    PGCONN_SQL,         /* control and copy sessions */
    PGCONN_REPLICATION, /* replication=database */
};

enum {
    PGCONN_CONNECT_MS = 10 * 1000,
    PGCONN_QUERY_MS = 30 * 1000,
};

/* Opens a session; `url` as dburl.h cleaned it. Non-blocking towards writes.
   ERR_RETRY when the server cannot be reached or refuses. */
int pgconn_open(PGconn **ret_conn, const char *url, enum pgconn_kind kind,
                struct err *e) MUST_CHECK;

/* Accepts NULL. */
void pgconn_close(PGconn *conn);

/* Runs one statement and gives its last result (tuples or command), which
   the caller PQclears. Waits up to `timeout_ms`, at most 3 s once a stop is
   requested. `params` may be NULL (then `sql` may be a replication
   command). */
int pgconn_query(PGconn *conn, const char *sql, const char *const *params,
                 int param_count, int timeout_ms, PGresult **ret_result,
                 struct err *e) MUST_CHECK;

/* The same without an answer to look at. */
int pgconn_exec(PGconn *conn, const char *sql, int timeout_ms,
                struct err *e) MUST_CHECK;

/* Asynchronous halves, for what must not hold up the loop: send, then ask
   for the result whenever the socket is readable. pgconn_poll returns 1 and
   gives a result (PGRES_COPY_OUT among them), 0 when none is there yet; a
   NULL result with 1 means the statement is over. */
int pgconn_send(PGconn *conn, const char *sql, struct err *e) MUST_CHECK;
int pgconn_poll(PGconn *conn, PGresult **ret_result, struct err *e) MUST_CHECK;

/* Fills `e` from a failed result (which stays the caller's); returns -1. */
int pgconn_result_err(struct err *e, const PGresult *res);

/* Appends a quoted identifier / literal. */
void pgconn_ident(struct buf *b, struct str name);

/* "schema"."name" */
void pgconn_table(struct buf *b, const char *schema, const char *name);
void pgconn_literal(struct buf *b, struct str text);

/* "16/B374D848" <-> number; false when malformed. */
bool lsn_parse(const char *text, uint64_t *ret_lsn);
void lsn_write(struct buf *b, uint64_t lsn);

/* For printf: "%X/%X", LSN_ARG(lsn). */
#define LSN_ARG(lsn) (uint32_t)((lsn) >> 32), (uint32_t)(lsn)
