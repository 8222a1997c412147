#include "monitor/probe_pg.h"

#include <errno.h>
#include <poll.h>

#include "common/clock.h"
#include "common/dburl.h"
#include "common/stop.h"

enum { URL_BYTES_MAX = 64 * 1024 };

char *probe_pg_slot_name(const char *name)
{
    char *slot = xstrdup(name);

    for (char *p = slot; *p; p++) {
        if (*p == '-') {
            *p = '_';
        }
    }
    return slot;
}

/* libpq's own texts would show a part of the URL, and that may be a part of
   the password: one with an '@' in it makes the rest of it the host. */
static int url_check(const char *url, struct err *e)
{
    static const char hint[] = "special characters in user and password must "
                               "be percent-encoded";
    char *text = NULL;
    PQconninfoOption *options = PQconninfoParse(url, &text);
    bool good = options != NULL;

    for (PQconninfoOption *o = options; good && o->keyword; o++) {
        if (strcmp(o->keyword, "host") == 0 && o->val) {
            good = strchr(o->val, '@') == NULL || o->val[0] == '@';
        }
    }
    PQfreemem(text);
    PQconninfoFree(options);
    if (!good) {
        return err_set(e, ERR_CONFIG, "DATABASE_URL cannot be read: %s", hint);
    }
    return 0;
}

int probe_pg_open(struct probe_pg *p, const char *url, const char *name,
                  struct buf *ret_dropped, struct err *e)
{
    struct buf clean;
    int rc;

    *p = (struct probe_pg){ 0 };
    buf_init(&clean, URL_BYTES_MAX);
    rc = dburl_clean(str_of(url), &clean, ret_dropped, e);
    if (rc == 0) {
        rc = url_check(buf_z(&clean), e);
    }
    if (rc == 0) {
        p->url = xstrdup(buf_z(&clean));
        p->slot = probe_pg_slot_name(name);
        p->publication = xstrdup(p->slot);
        p->publication_append = xcalloc(strlen(p->slot) + 8, 1);
        (void)snprintf(p->publication_append, strlen(p->slot) + 8, "%s_append",
                       p->slot);
    }
    buf_fini(&clean);
    return rc;
}

static void disconnect(struct probe_pg *p)
{
    PQfinish(p->conn);
    p->conn = NULL;
}

void probe_pg_close(struct probe_pg *p)
{
    disconnect(p);
    xfree(p->url);
    xfree(p->slot);
    xfree(p->publication);
    xfree(p->publication_append);
    *p = (struct probe_pg){ 0 };
}

static int fail(const struct probe_pg *p, struct err *e)
{
    const char *text = p->conn ? PQerrorMessage(p->conn) : "";

    if (p->conn && PQconnectionNeedsPassword(p->conn)) {
        return err_set(e, ERR_PERMISSION, "a password is required");
    }
    return err_set(e, ERR_UNREACHABLE, "%s", *text ? text : "no connection");
}

/* Waits until the socket is ready for `events`. */
static int wait_socket(const struct probe_pg *p, short events, struct err *e)
{
    struct pollfd fds[2] = {
        { .fd = PQsocket(p->conn), .events = events },
        { .fd = stop_fd(), .events = POLLIN },
    };
    int ready = poll(fds, 2, clock_left_ms(p->deadline_ms));

    if (stop_requested()) {
        return err_set(e, ERR_UNREACHABLE, "stopping");
    }
    if (ready == 0) {
        return err_set(e, ERR_UNREACHABLE, "no answer within %d ms",
                       PROBE_PG_MS);
    }
    if (ready < 0 && errno != EINTR) {
        return err_set(e, ERR_UNREACHABLE, "poll: %s", strerror(errno));
    }
    return 0;
}

static int connect_wait(struct probe_pg *p, struct err *e)
{
    PostgresPollingStatusType state = PGRES_POLLING_WRITING;

    if (PQstatus(p->conn) == CONNECTION_BAD) {
        return fail(p, e);
    }
    while (state != PGRES_POLLING_OK) {
        short events = state == PGRES_POLLING_READING ? POLLIN : POLLOUT;

        if (state == PGRES_POLLING_FAILED) {
            return fail(p, e);
        }
        if (wait_socket(p, events, e) < 0) {
            return -1;
        }
        state = PQconnectPoll(p->conn);
    }
    return PQsetnonblocking(p->conn, 1) == 0 ? 0 : fail(p, e);
}

/* Sends what is queued, then waits for one result. NULL = no more. */
static int result_wait(struct probe_pg *p, PGresult **ret_res, struct err *e)
{
    for (;;) {
        int unsent = PQflush(p->conn);

        if (unsent < 0 || PQconsumeInput(p->conn) == 0) {
            return fail(p, e);
        }
        if (unsent == 0 && !PQisBusy(p->conn)) {
            *ret_res = PQgetResult(p->conn);
            return 0;
        }
        if (wait_socket(p, unsent ? POLLIN | POLLOUT : POLLIN, e) < 0) {
            return -1;
        }
    }
}

/* Runs one statement and gives its result, of one row. */
static int query(struct probe_pg *p, const char *sql, const char *const *params,
                 int param_count, PGresult **ret_res, struct err *e)
{
    PGresult *res = NULL, *end = NULL;

    if (!PQsendQueryParams(p->conn, sql, param_count, NULL, params, NULL, NULL,
                           0)) {
        return fail(p, e);
    }
    if (result_wait(p, &res, e) < 0) {
        return -1;
    }
    if (PQresultStatus(res) != PGRES_TUPLES_OK || PQntuples(res) != 1) {
        const char *text = PQresultErrorMessage(res);

        (void)err_set(e, ERR_UNREACHABLE, "%s",
                      *text ? text : "an unexpected answer");
        PQclear(res);
        return -1;
    }
    if (result_wait(p, &end, e) < 0 || end != NULL) {
        PQclear(res);
        PQclear(end);
        return -1;
    }
    *ret_res = res;
    return 0;
}

static int connect_server(struct probe_pg *p, struct err *e)
{
    static const char *const names[] = { "dbname", "fallback_application_name",
                                         "client_encoding", NULL };
    const char *values[] = { p->url, "cdc-monitor", "UTF8", NULL };
    PGresult *res;

    p->conn = PQconnectStartParams(names, values, 1);
    if (p->conn == NULL) {
        return fail(p, e);
    }
    if (connect_wait(p, e) < 0) {
        return -1;
    }
    if (query(p,
              "SELECT pg_catalog.set_config('search_path', '', false),"
              " pg_catalog.set_config('default_transaction_read_only', 'on',"
              " false),"
              " pg_catalog.set_config('statement_timeout', '3s', false)",
              NULL, 0, &res, e) < 0) {
        return -1;
    }
    PQclear(res);
    return 0;
}

static uint64_t number_at(const PGresult *res, int column)
{
    return PQgetisnull(res, 0, column)
               ? 0
               : strtoull(PQgetvalue(res, 0, column), NULL, 10);
}

static bool flag_at(const PGresult *res, int column)
{
    return PQgetvalue(res, 0, column)[0] == 't';
}

/* Row changes in the published tables since the statistics began; those of a
   partitioned table are counted at its leaves. */
static int changes_count(struct probe_pg *p, uint64_t *ret, struct err *e)
{
    const char *const params[] = { p->publication, p->publication_append };
    PGresult *res;

    if (query(p,
              "SELECT coalesce(sum(pg_stat_get_tuples_inserted(o.oid)"
              " + pg_stat_get_tuples_updated(o.oid)"
              " + pg_stat_get_tuples_deleted(o.oid)), 0)::bigint"
              " FROM pg_publication p,"
              " LATERAL pg_get_publication_tables(p.pubname::text) t"
              " LEFT JOIN LATERAL pg_partition_tree(t.relid) l ON true,"
              " LATERAL (SELECT coalesce(l.relid::oid, t.relid) AS oid) o"
              " WHERE p.pubname IN ($1, $2)",
              params, 2, &res, e) < 0) {
        return -1;
    }
    *ret = number_at(res, 0);
    PQclear(res);
    return 0;
}

static const char slot_sql[] =
    "WITH w AS (SELECT CASE WHEN NOT pg_is_in_recovery()"
    " THEN pg_current_wal_insert_lsn() END AS inserted,"
    " CASE WHEN NOT pg_is_in_recovery()"
    " THEN pg_current_wal_flush_lsn() END AS flushed)"
    " SELECT pg_is_in_recovery(), s.slot_name IS NOT NULL, s.active,"
    " s.wal_status, w.inserted - '0/0'::pg_lsn, w.flushed - '0/0'::pg_lsn,"
    " coalesce(s.confirmed_flush_lsn, '0/0'::pg_lsn) - '0/0'::pg_lsn,"
    " coalesce(s.restart_lsn, w.flushed) - '0/0'::pg_lsn, s.safe_wal_size,"
    " hashtextextended(pg_current_snapshot()::text, 0)"
    " FROM w LEFT JOIN pg_replication_slots s ON s.slot_name = $1";

enum {
    COL_RECOVERY,
    COL_EXISTS,
    COL_ACTIVE,
    COL_STATUS,
    COL_INSERTED,
    COL_FLUSHED,
    COL_CONFIRMED,
    COL_RESTART,
    COL_SAFE,
    COL_SNAPSHOT,
};

static int64_t distance(uint64_t from, uint64_t to)
{
    return to > from ? (int64_t)(to - from) : 0;
}

static struct fact_slot slot_read(struct probe_pg *p, const PGresult *res,
                                  uint64_t changes)
{
    const struct backlog_look look = {
        .now_us = clock_wall_us(),
        .changes = changes,
        .snapshot = number_at(res, COL_SNAPSHOT),
        .insert_lsn = number_at(res, COL_INSERTED),
        .flush_lsn = number_at(res, COL_FLUSHED),
        .confirmed_lsn = number_at(res, COL_CONFIRMED),
    };
    struct fact_slot slot = { .known = true, .safe_bytes = -1 };

    slot.exists = flag_at(res, COL_EXISTS);
    if (!slot.exists) {
        backlog_take_none(&p->backlog, &look);
        return slot;
    }
    backlog_take(&p->backlog, &look);
    slot.active = flag_at(res, COL_ACTIVE);
    (void)snprintf(slot.wal_status, sizeof(slot.wal_status), "%s",
                   PQgetvalue(res, 0, COL_STATUS));
    slot.unconfirmed_bytes = distance(look.confirmed_lsn, look.flush_lsn);
    slot.retained_bytes = distance(number_at(res, COL_RESTART), look.flush_lsn);
    if (!PQgetisnull(res, 0, COL_SAFE)) {
        slot.safe_bytes = (int64_t)number_at(res, COL_SAFE);
    }
    slot.waiting_since_us = backlog_since_us(&p->backlog);
    return slot;
}

static int look(struct probe_pg *p, struct fact_slot *ret_slot, struct err *e)
{
    const char *const params[] = { p->slot };
    uint64_t changes;
    PGresult *res;
    int rc = 0;

    if (p->conn == NULL && connect_server(p, e) < 0) {
        return -1;
    }
    /* Changes before positions: backlog.h. */
    if (changes_count(p, &changes, e) < 0 ||
        query(p, slot_sql, params, 1, &res, e) < 0) {
        return -1;
    }
    if (flag_at(res, COL_RECOVERY)) {
        rc = err_set(e, ERR_UNREACHABLE,
                     "the server is a standby (in recovery)");
    } else {
        *ret_slot = slot_read(p, res, changes);
    }
    PQclear(res);
    return rc;
}

int probe_pg_check(struct probe_pg *p, struct fact_slot *ret_slot,
                   char ret_what[100], struct err *e)
{
    const char *version;
    bool kept = p->conn != NULL;
    int rc;

    p->deadline_ms = clock_ms() + PROBE_PG_MS;
    rc = look(p, ret_slot, e);
    if (rc < 0 && kept && PQstatus(p->conn) == CONNECTION_BAD) {
        /* The kept connection was cut; that says little of the server. */
        disconnect(p);
        rc = look(p, ret_slot, e);
    }
    if (rc < 0) {
        disconnect(p);
        return -1;
    }
    version = PQparameterStatus(p->conn, "server_version");
    (void)snprintf(ret_what, 100, "PostgreSQL %s", version ? version : "");
    return 0;
}
