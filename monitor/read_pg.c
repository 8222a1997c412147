#include "monitor/read_pg.h"

#include <errno.h>
#include <poll.h>

#include "common/clock.h"
#include "common/stop.h"
#include "monitor/tsv.h"

enum { SQL_BYTES_MAX = 1 << 20 };

/* What the producer's sessions print values with. */
static const char session_options[] =
    "-c datestyle=ISO,YMD -c timezone=UTC -c intervalstyle=iso_8601"
    " -c bytea_output=hex -c extra_float_digits=1 -c search_path="
    " -c row_security=off -c lc_monetary=C -c xmloption=content"
    " -c statement_timeout=0 -c idle_in_transaction_session_timeout=0"
    " -c idle_session_timeout=0 -c lock_timeout=10000"
    " -c default_transaction_read_only=on";

int read_pg_open(struct read_pg *p, const char *url, const char *name,
                 struct err *e)
{
    *p = (struct read_pg){ 0 };
    return probe_pg_open(&p->names, url, name, NULL, e);
}

static void disconnect(struct read_pg *p)
{
    PQfinish(p->conn);
    p->conn = NULL;
}

void read_pg_close(struct read_pg *p)
{
    disconnect(p);
    probe_pg_close(&p->names);
}

static int fail(struct read_pg *p, struct err *e)
{
    const char *text = p->conn ? PQerrorMessage(p->conn) : "";
    bool password = p->conn &&
                    (PQconnectionNeedsPassword(p->conn) ||
                     PQconnectionUsedPassword(p->conn)) &&
                    PQstatus(p->conn) == CONNECTION_BAD;

    return err_set(e, password ? ERR_PERMISSION : ERR_UNREACHABLE,
                   "PostgreSQL: %s", *text ? text : "no connection");
}

static int wait_socket(struct read_pg *p, short events, int64_t deadline_ms,
                       struct err *e)
{
    struct pollfd fds[2] = {
        { .fd = PQsocket(p->conn), .events = events },
        { .fd = stop_fd(), .events = POLLIN },
    };
    int ready = poll(fds, 2, clock_left_ms(deadline_ms));

    if (stop_requested()) {
        return err_set(e, ERR_RETRY, "stopped");
    }
    if (ready == 0) {
        return err_set(e, ERR_UNREACHABLE, "PostgreSQL: no answer");
    }
    if (ready < 0 && errno != EINTR) {
        return err_set(e, ERR_RETRY, "poll: %s", strerror(errno));
    }
    return 0;
}

/* libpq would print them to stderr, between the lines of the log. */
static void on_notice(void *arg, const PGresult *res)
{
    (void)arg;
    (void)res;
}

static int connect_server(struct read_pg *p, struct err *e)
{
    static const char *const names[] = { "dbname", "fallback_application_name",
                                         "client_encoding", "options", NULL };
    const char *values[] = { p->names.url, "cdc-monitor", "UTF8",
                             session_options, NULL };
    PostgresPollingStatusType state = PGRES_POLLING_WRITING;
    int64_t deadline_ms = clock_ms() + READ_PG_CONNECT_MS;

    p->conn = PQconnectStartParams(names, values, 1);
    if (p->conn == NULL || PQstatus(p->conn) == CONNECTION_BAD) {
        return fail(p, e);
    }
    while (state != PGRES_POLLING_OK) {
        short events = state == PGRES_POLLING_READING ? POLLIN : POLLOUT;

        if (state == PGRES_POLLING_FAILED) {
            return fail(p, e);
        }
        if (wait_socket(p, events, deadline_ms, e) < 0) {
            return -1;
        }
        state = PQconnectPoll(p->conn);
    }
    (void)PQsetNoticeReceiver(p->conn, on_notice, NULL);
    return PQsetnonblocking(p->conn, 1) == 0 ? 0 : fail(p, e);
}

/* Waits for one result; NULL: there is no more. */
static int result_wait(struct read_pg *p, PGresult **ret_res, struct err *e)
{
    int64_t deadline_ms = clock_ms() + READ_PG_SILENCE_MS;

    for (;;) {
        int unsent = PQflush(p->conn);

        if (unsent < 0 || PQconsumeInput(p->conn) == 0) {
            return fail(p, e);
        }
        if (unsent == 0 && !PQisBusy(p->conn)) {
            *ret_res = PQgetResult(p->conn);
            return 0;
        }
        if (wait_socket(p, unsent ? POLLIN | POLLOUT : POLLIN, deadline_ms, e) <
            0) {
            return -1;
        }
    }
}

static int result_fail(const PGresult *res, struct err *e)
{
    const char *state = PQresultErrorField(res, PG_DIAG_SQLSTATE);
    const char *text = PQresultErrorMessage(res);

    return err_set(
        e, state && strcmp(state, "42501") == 0 ? ERR_PERMISSION : ERR_RETRY,
        "PostgreSQL: %s", *text ? text : "an unexpected answer");
}

/* Runs one statement to its end; gives its first result, which has the
   status `wanted`. */
static int run(struct read_pg *p, const char *sql, const char *const *params,
               int param_count, ExecStatusType wanted, PGresult **ret_res,
               struct err *e)
{
    PGresult *res = NULL, *end = NULL;
    int sent = param_count > 0 ? PQsendQueryParams(p->conn, sql, param_count,
                                                   NULL, params, NULL, NULL, 0)
                               : PQsendQuery(p->conn, sql);

    if (!sent) {
        return fail(p, e);
    }
    if (result_wait(p, &res, e) < 0) {
        return -1;
    }
    if (PQresultStatus(res) != wanted) {
        (void)result_fail(res, e);
        PQclear(res);
        return -1;
    }
    if (wanted != PGRES_COPY_OUT && result_wait(p, &end, e) < 0) {
        PQclear(res);
        return -1;
    }
    PQclear(end);
    *ret_res = res;
    return 0;
}

static int query(struct read_pg *p, const char *sql, const char *const *params,
                 int param_count, PGresult **ret_res, struct err *e)
{
    return run(p, sql, params, param_count, PGRES_TUPLES_OK, ret_res, e);
}

static uint64_t number_at(const PGresult *res, int row, int column)
{
    return PQgetisnull(res, row, column)
               ? 0
               : strtoull(PQgetvalue(res, row, column), NULL, 10);
}

static bool flag_at(const PGresult *res, int row, int column)
{
    return PQgetvalue(res, row, column)[0] == 't';
}

static int snapshot_try(struct read_pg *p, uint64_t *ret_lsn, struct err *e)
{
    PGresult *res;
    int rc = 0;

    if (p->conn == NULL && connect_server(p, e) < 0) {
        return -1;
    }
    if (run(p, "ROLLBACK", NULL, 0, PGRES_COMMAND_OK, &res, e) < 0) {
        return -1;
    }
    PQclear(res);
    if (run(p, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", NULL, 0,
            PGRES_COMMAND_OK, &res, e) < 0) {
        return -1;
    }
    PQclear(res);
    /* the snapshot is taken before the function runs */
    if (query(p,
              "SELECT pg_catalog.pg_is_in_recovery(), CASE WHEN NOT"
              " pg_catalog.pg_is_in_recovery() THEN"
              " pg_catalog.pg_current_wal_insert_lsn()"
              " OPERATOR(pg_catalog.-) '0/0'::pg_catalog.pg_lsn END",
              NULL, 0, &res, e) < 0) {
        return -1;
    }
    if (flag_at(res, 0, 0)) {
        rc = err_set(e, ERR_UNREACHABLE,
                     "PostgreSQL: the server is a standby (in recovery)");
    } else {
        *ret_lsn = number_at(res, 0, 1);
    }
    PQclear(res);
    return rc;
}

int read_pg_snapshot(struct read_pg *p, uint64_t *ret_lsn, struct err *e)
{
    bool kept = p->conn != NULL;
    int rc = snapshot_try(p, ret_lsn, e);

    if (rc < 0 && kept && !stop_requested()) {
        /* the kept connection may have been cut, or hang in an answer */
        disconnect(p);
        rc = snapshot_try(p, ret_lsn, e);
    }
    if (rc < 0) {
        disconnect(p);
    }
    return rc;
}

void read_pg_release(struct read_pg *p)
{
    PGresult *res;
    struct err e;

    if (p->conn == NULL) {
        return;
    }
    if (PQtransactionStatus(p->conn) == PQTRANS_ACTIVE ||
        run(p, "ROLLBACK", NULL, 0, PGRES_COMMAND_OK, &res, &e) < 0) {
        disconnect(p);
    } else {
        PQclear(res);
    }
}

void read_pg_tables_free(struct read_pg_table *tables, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        xfree(tables[i].schema);
        xfree(tables[i].name);
    }
    xfree(tables);
}

int read_pg_tables(struct read_pg *p, struct read_pg_table **ret_tables,
                   unsigned *ret_count, struct err *e)
{
    const char *const params[] = { p->names.publication,
                                   p->names.publication_append };
    struct read_pg_table *tables;
    PGresult *res;

    if (query(p,
              "SELECT DISTINCT n.nspname, c.relname, c.relkind = 'p',"
              " c.reltuples FROM pg_catalog.pg_publication_tables t"
              " JOIN pg_catalog.pg_namespace n ON n.nspname = t.schemaname"
              " JOIN pg_catalog.pg_class c ON c.relname = t.tablename"
              " AND c.relnamespace = n.oid"
              " WHERE t.pubname IN ($1, $2) ORDER BY 1, 2",
              params, 2, &res, e) < 0) {
        return -1;
    }
    *ret_count = (unsigned)PQntuples(res);
    tables = xcalloc(*ret_count, sizeof(*tables));
    for (unsigned i = 0; i < *ret_count; i++) {
        tables[i] = (struct read_pg_table){
            .schema = xstrdup(PQgetvalue(res, (int)i, 0)),
            .name = xstrdup(PQgetvalue(res, (int)i, 1)),
            .partitioned = flag_at(res, (int)i, 2),
            .rows = strtod(PQgetvalue(res, (int)i, 3), NULL),
        };
    }
    PQclear(res);
    *ret_tables = tables;
    return 0;
}

int read_pg_slot(struct read_pg *p, struct read_pg_slot *ret_slot,
                 struct err *e)
{
    const char *const params[] = { p->names.slot };
    PGresult *res;

    /* views and functions over shared memory do not follow the snapshot */
    if (query(p,
              "SELECT s.slot_name IS NOT NULL, coalesce(s.active, false),"
              " coalesce(s.confirmed_flush_lsn, '0/0') OPERATOR(pg_catalog.-)"
              " '0/0'::pg_catalog.pg_lsn,"
              " pg_catalog.pg_current_wal_flush_lsn() OPERATOR(pg_catalog.-)"
              " '0/0'::pg_catalog.pg_lsn FROM (SELECT 1) one"
              " LEFT JOIN pg_catalog.pg_replication_slots s"
              " ON s.slot_name = $1",
              params, 1, &res, e) < 0) {
        return -1;
    }
    *ret_slot = (struct read_pg_slot){
        .exists = flag_at(res, 0, 0),
        .active = flag_at(res, 0, 1),
        .confirmed_lsn = number_at(res, 0, 2),
        .flush_lsn = number_at(res, 0, 3),
    };
    PQclear(res);
    return 0;
}

static void ident(struct buf *b, const char *name)
{
    buf_char(b, '"');
    for (; *name; name++) {
        if (*name == '"') {
            buf_char(b, '"');
        }
        buf_char(b, *name);
    }
    buf_char(b, '"');
}

static void path(struct buf *b, const struct read_pg_table *table)
{
    ident(b, table->schema);
    buf_char(b, '.');
    ident(b, table->name);
}

/* Row `k` of the answer is the shape's column `column`. */
static bool is_column(const PGresult *res, int k,
                      const struct shape_column *column)
{
    return strcmp(PQgetvalue(res, k, 0), column->name) == 0;
}

static struct read_pg_fit fit(const PGresult *res, struct canonrow *row)
{
    struct read_pg_fit found = { .not_captured = (unsigned)PQntuples(res) };

    for (unsigned i = 0; i < row->count; i++) {
        row->left_out[i] = true;
        for (int k = 0; k < PQntuples(res) && row->left_out[i]; k++) {
            if (is_column(res, k, &row->shape->columns[i])) {
                row->left_out[i] = false;
                row->columns[i].delimiter = PQgetvalue(res, k, 1)[0];
                found.not_captured--;
            }
        }
        found.left_out += row->left_out[i];
    }
    return found;
}

int read_pg_fit(struct read_pg *p, const struct read_pg_table *table,
                struct canonrow *row, struct read_pg_fit *ret_fit,
                struct err *e)
{
    struct buf name;
    const char *params[1];
    PGresult *res;
    int rc;

    buf_init(&name, SQL_BYTES_MAX);
    path(&name, table);
    params[0] = buf_z(&name);
    /* the delimiter of an array type, and of a domain, is its element's;
       generated columns are not published */
    rc = query(p,
               "SELECT a.attname, t.typdelim FROM pg_catalog.pg_attribute a"
               " JOIN pg_catalog.pg_type t ON t.oid = a.atttypid"
               " WHERE a.attrelid = $1::pg_catalog.regclass AND a.attnum > 0"
               " AND NOT a.attisdropped AND a.attgenerated = ''",
               params, 1, &res, e);
    buf_fini(&name);
    if (rc < 0) {
        return -1;
    }
    *ret_fit = fit(res, row);
    PQclear(res);
    return 0;
}

/* Inheritance children are tables of their own. */
static void from_write(struct buf *b, const struct read_pg_table *table)
{
    buf_lit(b, " FROM ");
    if (!table->partitioned) {
        buf_lit(b, "ONLY ");
    }
    path(b, table);
}

static void copy_write(struct buf *b, const struct read_pg_table *table,
                       const struct canonrow *row)
{
    buf_lit(b, "COPY (SELECT ");
    for (unsigned i = 0; i < row->count; i++) {
        if (row->left_out[i]) {
            buf_lit(b, "NULL");
        } else {
            ident(b, row->shape->columns[i].name);
        }
        buf_lit(b, ", ");
    }
    buf_lit(b, "xmin");
    from_write(b, table);
    buf_lit(b, ") TO STDOUT");
}

/* One row of the COPY. `fields` has room for one more than the columns. */
static int row_take(const struct reader *to, char *line, size_t len,
                    struct str *fields, struct err *e)
{
    struct canonrow *row = to->row;
    uint64_t xmin;

    while (len > 0 && (line[len - 1] == '\n' || line[len - 1] == '\r')) {
        len--;
    }
    if (!tsv_split(line, len, fields, row->count + 1) ||
        !tsv_u64(fields[row->count], &xmin)) {
        return err_set(e, ERR_RETRY, "PostgreSQL: a row cannot be read");
    }
    memcpy(row->values, fields, row->count * sizeof(*fields));
    canonrow_make(row, CANON_PG);
    return to->fn(to->arg, row, xmin, e);
}

/* All rows of the COPY that was begun. */
static int rows_take(struct read_pg *p, const struct reader *to,
                     struct str *fields, struct err *e)
{
    for (;;) {
        char *line = NULL;
        int got = PQgetCopyData(p->conn, &line, 1);
        int rc = 0;

        if (got > 0) {
            rc = row_take(to, line, (size_t)got, fields, e);
        } else if (got == 0) {
            rc = wait_socket(p, POLLIN, clock_ms() + READ_PG_SILENCE_MS, e);
            if (rc == 0 && PQconsumeInput(p->conn) == 0) {
                rc = fail(p, e);
            }
        } else {
            return got == -1 ? 0 : fail(p, e);
        }
        PQfreemem(line);
        if (rc < 0) {
            return -1;
        }
    }
}

int read_pg_rows(struct read_pg *p, const struct read_pg_table *table,
                 const struct reader *to, struct err *e)
{
    struct str *fields = xcalloc(to->row->count + 1, sizeof(*fields));
    PGresult *res = NULL, *end = NULL;
    struct buf sql;
    int rc;

    buf_init(&sql, SQL_BYTES_MAX);
    copy_write(&sql, table, to->row);
    canonrow_reset(to->row);
    rc = run(p, buf_z(&sql), NULL, 0, PGRES_COPY_OUT, &res, e);
    if (rc == 0) {
        PQclear(res);
        res = NULL;
        rc = rows_take(p, to, fields, e);
    }
    if (rc == 0) {
        rc = result_wait(p, &res, e);
    }
    if (rc == 0 && PQresultStatus(res) != PGRES_COMMAND_OK) {
        rc = result_fail(res, e);
    }
    PQclear(res);
    if (rc == 0) {
        rc = result_wait(p, &end, e);
        PQclear(end);
    }
    if (rc < 0) {
        disconnect(p); /* whatever is still under way */
    }
    buf_fini(&sql);
    xfree(fields);
    return rc;
}

int read_pg_count(struct read_pg *p, const struct read_pg_table *table,
                  uint64_t *ret_rows, struct err *e)
{
    PGresult *res;
    struct buf sql;
    int rc;

    buf_init(&sql, SQL_BYTES_MAX);
    buf_lit(&sql, "SELECT pg_catalog.count(*)");
    from_write(&sql, table);
    rc = query(p, buf_z(&sql), NULL, 0, &res, e);
    if (rc == 0) {
        *ret_rows = number_at(res, 0, 0);
        PQclear(res);
    }
    buf_fini(&sql);
    return rc;
}
