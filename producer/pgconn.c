#include "producer/pgconn.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/stop.h"

enum { STOP_GRACE_MS = 3000 };

/* One text-to-JSON path needs one way of printing: debezium-format.md 9 and
   reliability.md 1.11 list what database- and role-level settings would
   change otherwise. */
static const char SESSION_OPTIONS[] =
    "-c datestyle=ISO,YMD -c timezone=UTC -c intervalstyle=iso_8601"
    " -c bytea_output=hex -c extra_float_digits=1 -c search_path="
    " -c row_security=off -c lc_monetary=C -c xmloption=content"
    " -c synchronous_commit=local -c statement_timeout=0"
    " -c idle_in_transaction_session_timeout=0"
    " -c idle_session_timeout=0 -c lock_timeout=0"
    " -c default_transaction_read_only=off";

static int connect_wait(PGconn *conn, int64_t deadline_ms, struct err *e)
{
    PostgresPollingStatusType want = PGRES_POLLING_WRITING;

    while (want != PGRES_POLLING_OK) {
        struct pollfd fds[2] = {
            { .fd = PQsocket(conn),
              .events = want == PGRES_POLLING_READING ? POLLIN : POLLOUT },
            { .fd = stop_fd(), .events = POLLIN },
        };
        int left_ms = clock_left_ms(deadline_ms);

        if (left_ms == 0) {
            return err_set(e, ERR_RETRY, "no answer within %d s",
                           PGCONN_CONNECT_MS / 1000);
        }
        if (poll(fds, 2, left_ms) < 0 && errno != EINTR) {
            return err_set(e, ERR_RETRY, "poll: %s", strerror(errno));
        }
        if (fds[1].revents != 0) {
            return err_set(e, ERR_RETRY, "stop requested");
        }
        if (fds[0].revents == 0) {
            continue;
        }
        want = PQconnectPoll(conn);
        if (want == PGRES_POLLING_FAILED) {
            return err_set(e, ERR_RETRY, "%s", PQerrorMessage(conn));
        }
    }
    return 0;
}

/* libpq would print them to stderr, between the lines of the log. */
static void on_notice(void *arg, const PGresult *res)
{
    const char *text = PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY);

    (void)arg;
    log_debug("notice of the server", "text=%s", text ? text : "");
}

int pgconn_open(PGconn **ret_conn, const char *url, enum pgconn_kind kind,
                struct err *e)
{
    const char *const keys[] = {
        "dbname",
        "application_name",
        "client_encoding",
        "options",
        "keepalives_idle",
        "keepalives_interval",
        "keepalives_count",
        "tcp_user_timeout",
        kind == PGCONN_REPLICATION ? "replication" : NULL,
        NULL,
    };
    const char *const values[] = {
        url,     "cdc-producer", "UTF8", SESSION_OPTIONS, "10", "5", "3",
        "30000", "database",     NULL,
    };
    PGconn *conn = PQconnectStartParams(keys, values, 1);

    if (conn == NULL || PQstatus(conn) == CONNECTION_BAD) {
        (void)err_set(e, ERR_RETRY, "%s",
                      conn ? PQerrorMessage(conn) : "out of memory");
        goto fail;
    }
    if (connect_wait(conn, clock_ms() + PGCONN_CONNECT_MS, e) < 0) {
        goto fail;
    }
    (void)PQsetNoticeReceiver(conn, on_notice, NULL);
    if (PQsetnonblocking(conn, 1) != 0) {
        (void)err_set(e, ERR_RETRY, "%s", PQerrorMessage(conn));
        goto fail;
    }
    *ret_conn = conn;
    return 0;
fail:
    PQfinish(conn);
    return err_wrap(e, "PostgreSQL");
}

void pgconn_close(PGconn *conn)
{
    PQfinish(conn);
}

/* Classes 08 connection, 53 resources, 57 operator intervention, 40
   serialization; lock_not_available, object_in_use; undefined table and
   column, duplicate object (and its unique index): DDL, or another producer
   at its start, raced with a question of ours, a new look helps. */
static bool may_pass(const char *state)
{
    static const char *const prefixes[] = { "08",    "53",    "57",    "40",
                                            "55P03", "55006", "42P01", "42703",
                                            "42710", "23505" };

    for (unsigned i = 0; i < COUNT_OF(prefixes); i++) {
        if (strncmp(state, prefixes[i], strlen(prefixes[i])) == 0) {
            return true;
        }
    }
    return false;
}

int pgconn_result_err(struct err *e, const PGresult *res)
{
    const char *state = PQresultErrorField(res, PG_DIAG_SQLSTATE);
    const char *text = PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY);
    const char *detail = PQresultErrorField(res, PG_DIAG_MESSAGE_DETAIL);
    enum err_kind kind = ERR_FATAL;

    /* A result without SQLSTATE was made by libpq: the connection is gone. */
    if (state == NULL || may_pass(state)) {
        kind = ERR_RETRY;
    } else if (strcmp(state, "42501") == 0) {
        kind = ERR_PERMISSION;
    }
    return err_set(e, kind, "%s%s%s%s%s%s",
                   text ? text : PQresultErrorMessage(res), detail ? " (" : "",
                   detail ? detail : "", detail ? ")" : "",
                   state ? " SQLSTATE " : "", state ? state : "");
}

/* Waits until the session's socket can be used; false when time is over. */
static bool session_wait(PGconn *conn, int64_t deadline_ms, bool writing)
{
    struct pollfd fds[2] = {
        { .fd = PQsocket(conn), .events = POLLIN },
        /* once a stop is known its descriptor stays readable: no spinning */
        { .fd = stop_requested() ? -1 : stop_fd(), .events = POLLIN },
    };

    if (writing) {
        fds[0].events |= POLLOUT;
    }
    if (stop_requested() && deadline_ms > clock_ms() + STOP_GRACE_MS) {
        deadline_ms = clock_ms() + STOP_GRACE_MS;
    }
    int left_ms = clock_left_ms(deadline_ms);
    if (left_ms == 0) {
        return false;
    }
    return poll(fds, 2, left_ms) > 0 || errno == EINTR;
}

int pgconn_send(PGconn *conn, const char *sql, struct err *e)
{
    if (PQsendQuery(conn, sql) != 1) {
        return err_set(e, ERR_RETRY, "%s", PQerrorMessage(conn));
    }
    return 0;
}

int pgconn_poll(PGconn *conn, PGresult **ret_result, struct err *e)
{
    if (PQflush(conn) < 0 || PQconsumeInput(conn) != 1) {
        return err_set(e, ERR_RETRY, "%s", PQerrorMessage(conn));
    }
    if (PQisBusy(conn)) {
        return 0;
    }
    *ret_result = PQgetResult(conn);
    return 1;
}

/* Collects the results of a statement; keeps the last one, or the first that
   failed. */
static int results_collect(PGconn *conn, int64_t deadline_ms,
                           PGresult **ret_last, struct err *e)
{
    PGresult *last = NULL;

    for (;;) {
        PGresult *res = NULL;
        int got = pgconn_poll(conn, &res, e);

        if (got < 0) {
            PQclear(last);
            return -1;
        }
        if (got == 1 && res == NULL) {
            break;
        }
        if (got == 1) {
            if (last && PQresultStatus(last) == PGRES_FATAL_ERROR) {
                PQclear(res);
            } else {
                PQclear(last);
                last = res;
            }
            continue;
        }
        if (!session_wait(conn, deadline_ms, PQflush(conn) == 1)) {
            PQclear(last);
            return err_set(e, ERR_RETRY,
                           stop_requested() ? "stop requested"
                                            : "query timed out");
        }
    }
    *ret_last = last;
    return 0;
}

int pgconn_query(PGconn *conn, const char *sql, const char *const *params,
                 int param_count, int timeout_ms, PGresult **ret_result,
                 struct err *e)
{
    PGresult *res = NULL;
    int sent = params ? PQsendQueryParams(conn, sql, param_count, NULL, params,
                                          NULL, NULL, 0)
                      : PQsendQuery(conn, sql);

    if (sent != 1) {
        return err_set(e, ERR_RETRY, "%s", PQerrorMessage(conn));
    }
    if (results_collect(conn, clock_ms() + timeout_ms, &res, e) < 0) {
        return -1;
    }
    ExecStatusType status = PQresultStatus(res);
    if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) {
        (void)pgconn_result_err(e, res);
        PQclear(res);
        return -1;
    }
    *ret_result = res;
    return 0;
}

int pgconn_exec(PGconn *conn, const char *sql, int timeout_ms, struct err *e)
{
    PGresult *res = NULL;

    if (pgconn_query(conn, sql, NULL, 0, timeout_ms, &res, e) < 0) {
        return -1;
    }
    PQclear(res);
    return 0;
}

static void quoted(struct buf *b, struct str s, char quote)
{
    buf_char(b, quote);
    for (size_t i = 0; i < s.len; i++) {
        if (s.p[i] == quote) {
            buf_char(b, quote);
        }
        buf_char(b, s.p[i]);
    }
    buf_char(b, quote);
}

void pgconn_ident(struct buf *b, struct str name)
{
    quoted(b, name, '"');
}

void pgconn_table(struct buf *b, const char *schema, const char *name)
{
    pgconn_ident(b, str_of(schema));
    buf_char(b, '.');
    pgconn_ident(b, str_of(name));
}

/* standard_conforming_strings may be off in the database, where a backslash
   would escape: E'' with doubled backslashes means the same under both. */
void pgconn_literal(struct buf *b, struct str text)
{
    if (text.len > 0 && memchr(text.p, '\\', text.len) != NULL) {
        buf_lit(b, "E'");
        for (size_t i = 0; i < text.len; i++) {
            if (text.p[i] == '\\' || text.p[i] == '\'') {
                buf_char(b, text.p[i]);
            }
            buf_char(b, text.p[i]);
        }
        buf_char(b, '\'');
        return;
    }
    quoted(b, text, '\'');
}

bool lsn_parse(const char *text, uint64_t *ret_lsn)
{
    uint32_t hi, lo;
    int used = 0;

    if (sscanf(text, "%8" SCNx32 "/%8" SCNx32 "%n", &hi, &lo, &used) != 2 ||
        text[used] != '\0') {
        return false;
    }
    *ret_lsn = (uint64_t)hi << 32 | lo;
    return true;
}

void lsn_write(struct buf *b, uint64_t lsn)
{
    buf_printf(b, "%X/%X", LSN_ARG(lsn));
}
