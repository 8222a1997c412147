#include "producer/preflight.h"

#include "common/log.h"
#include "producer/catalog.h"

static const char SERVER_SQL[] =
    "SELECT pg_catalog.pg_is_in_recovery(),"
    " pg_catalog.current_setting('wal_level'),"
    " pg_catalog.current_setting('max_replication_slots')::int,"
    " (SELECT count(*) FROM pg_catalog.pg_replication_slots),"
    " pg_catalog.current_setting('max_wal_senders')::int,"
    " (SELECT rolreplication OR rolsuper FROM pg_catalog.pg_roles"
    " WHERE rolname = current_user),"
    " current_user,"
    " pg_catalog.current_setting('server_encoding'),"
    " pg_catalog.current_setting('synchronous_standby_names')";

enum {
    S_RECOVERY,
    S_WAL_LEVEL,
    S_SLOTS_MAX,
    S_SLOTS,
    S_SENDERS_MAX,
    S_REPLICATION,
    S_USER,
    S_ENCODING,
    S_SYNC
};

static int judge(const PGresult *res, struct err *e)
{
    const char *level = PQgetvalue(res, 0, S_WAL_LEVEL);

    if (PQgetvalue(res, 0, S_RECOVERY)[0] == 't') {
        return err_set(e, ERR_RETRY,
                       "the server is in recovery: a primary is needed");
    }
    if (strcmp(level, "logical") != 0) {
        return err_set(e, ERR_CONFIG,
                       "wal_level is \"%s\"; run: ALTER SYSTEM SET wal_level ="
                       " 'logical'; then restart the server",
                       level);
    }
    if (PQgetvalue(res, 0, S_REPLICATION)[0] != 't') {
        return err_set(e, ERR_PERMISSION,
                       "role \"%s\" may not replicate; run: ALTER ROLE \"%s\""
                       " REPLICATION",
                       PQgetvalue(res, 0, S_USER), PQgetvalue(res, 0, S_USER));
    }
    if (strcmp(PQgetvalue(res, 0, S_SENDERS_MAX), "0") == 0 ||
        strcmp(PQgetvalue(res, 0, S_SLOTS_MAX), "0") == 0) {
        return err_set(e, ERR_CONFIG,
                       "replication is switched off; run: ALTER SYSTEM SET"
                       " max_wal_senders = 10; ALTER SYSTEM SET"
                       " max_replication_slots = 10; then restart the server");
    }
    return 0;
}

static void warn(const PGresult *res)
{
    if (strcmp(PQgetvalue(res, 0, S_ENCODING), "SQL_ASCII") == 0) {
        log_warn("the database's encoding is SQL_ASCII: a row that is not"
                 " UTF-8 will stop the stream",
                 "");
    }
    if (strchr(PQgetvalue(res, 0, S_SYNC), '*') != NULL ||
        strstr(PQgetvalue(res, 0, S_SYNC), "cdc-producer") != NULL) {
        log_warn("synchronous_standby_names matches cdc-producer: commits"
                 " would wait for Kafka",
                 "synchronous_standby_names=%s", PQgetvalue(res, 0, S_SYNC));
    }
}

int preflight_server(PGconn *conn, bool aloud, struct err *e)
{
    PGresult *res = NULL;
    int version = PQserverVersion(conn);

    if (version < PREFLIGHT_VERSION_MIN) {
        return err_set(e, ERR_CONFIG,
                       "PostgreSQL %d is too old: 14 is the oldest that is"
                       " supported",
                       version / 10000);
    }
    if (pgconn_query(conn, SERVER_SQL, NULL, 0, CATALOG_TIMEOUT_MS, &res, e) <
        0) {
        return -1;
    }
    int rc = judge(res, e);
    if (rc == 0 && aloud) {
        warn(res);
    }
    PQclear(res);
    return rc;
}
