#include "producer/repl.h"

#include <endian.h>
#include <poll.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/stop.h"

enum {
    /* libpq's input buffer starts at 16 KiB and grows only to fit a message:
       one large answer before the stream begins saves most of the recv calls
       (performance.md 2.1 d). */
    INPUT_BUFFER_BYTES = 1 << 20,
    STATUS_INTERVAL_MS = 10 * 1000, /* when wal_sender_timeout is off */
    /* A walsender that spills a large transaction answers nobody meanwhile:
       seconds on a busy machine, and each reconnect would begin it anew. */
    SILENCE_MIN_MS = 30 * 1000,
    DATA_HEADER_BYTES = 1 + 8 + 8 + 8,
    KEEPALIVE_BYTES = 1 + 8 + 8 + 1,
    PG_EPOCH_S = 946684800, /* 2000-01-01 */
};

static uint64_t be64(const char *p)
{
    uint64_t n;

    memcpy(&n, p, sizeof(n));
    return be64toh(n);
}

static int identify(struct repl *r, struct err *e)
{
    PGresult *res = NULL;

    if (pgconn_query(r->conn, "IDENTIFY_SYSTEM", NULL, 0, PGCONN_QUERY_MS, &res,
                     e) < 0) {
        return -1;
    }
    (void)snprintf(r->system_id, sizeof(r->system_id), "%s",
                   PQgetvalue(res, 0, 0));
    r->timeline = (uint32_t)strtoul(PQgetvalue(res, 0, 1), NULL, 10);
    bool ok = lsn_parse(PQgetvalue(res, 0, 2), &r->flush_lsn);
    PQclear(res);
    if (!ok) {
        return err_set(e, ERR_FATAL, "IDENTIFY_SYSTEM: no WAL position");
    }
    return 0;
}

static int read_timeout(struct repl *r, struct err *e)
{
    PGresult *res = NULL;

    if (pgconn_query(r->conn,
                     "SELECT setting FROM pg_catalog.pg_settings"
                     " WHERE name = 'wal_sender_timeout'",
                     NULL, 0, PGCONN_QUERY_MS, &res, e) < 0) {
        return -1;
    }
    r->timeout_ms = strtoll(PQgetvalue(res, 0, 0), NULL, 10);
    PQclear(res);
    return 0;
}

static int grow_input_buffer(struct repl *r, struct err *e)
{
    char sql[64];

    (void)snprintf(sql, sizeof(sql), "SELECT pg_catalog.repeat('x', %d)",
                   INPUT_BUFFER_BYTES);
    return pgconn_exec(r->conn, sql, PGCONN_QUERY_MS, e);
}

int repl_open(struct repl *r, const char *url, struct err *e)
{
    if (pgconn_open(&r->conn, url, PGCONN_REPLICATION, e) < 0) {
        return -1;
    }
    if (identify(r, e) < 0 || read_timeout(r, e) < 0 ||
        grow_input_buffer(r, e) < 0) {
        repl_close(r);
        return err_wrap(e, "PostgreSQL");
    }
    r->received_ms = clock_ms();
    return 0;
}

/* Slot creation waits for all transactions that run now, of all databases:
   no deadline, but a visible wait. */
int repl_create_slot(struct repl *r, const char *slot, struct err *e)
{
    struct buf sql;
    int64_t start_ms = clock_ms(), say_ms = start_ms + 10 * 1000;
    int rc = -1;

    buf_init(&sql, 1024);
    buf_lit(&sql, "CREATE_REPLICATION_SLOT ");
    pgconn_ident(&sql, str_of(slot));
    buf_lit(&sql, " LOGICAL pgoutput NOEXPORT_SNAPSHOT");
    if (pgconn_send(r->conn, buf_z(&sql), e) < 0) {
        goto out;
    }
    for (;;) {
        PGresult *res = NULL;
        int got = pgconn_poll(r->conn, &res, e);

        if (got < 0) {
            goto out;
        }
        if (got == 1 && res == NULL) {
            rc = 0;
            goto out;
        }
        if (got == 1) {
            bool ok = PQresultStatus(res) == PGRES_TUPLES_OK;

            if (!ok) {
                (void)pgconn_result_err(e, res);
            }
            PQclear(res);
            if (!ok) {
                goto out;
            }
            continue;
        }
        if (stop_wait(20)) {
            (void)err_set(e, ERR_RETRY, "stop requested");
            goto out;
        }
        if (clock_ms() >= say_ms) {
            log_info("slot creation waits for running transactions",
                     "slot=%s waited_s=%lld", slot,
                     (long long)(clock_ms() - start_ms) / 1000);
            say_ms += 10 * 1000;
        }
    }
out:
    buf_fini(&sql);
    return rc < 0 ? err_wrap(e, "creating slot \"%s\"", slot) : 0;
}

/* Since 18 a publication that is missing is no error: the server warns and
   leaves its changes out while the slot moves on (reliability.md 1.5). */
static void on_notice(void *arg, const PGresult *res)
{
    struct repl *r = arg;
    const char *state = PQresultErrorField(res, PG_DIAG_SQLSTATE);
    const char *text = PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY);

    if (state && strcmp(state, "55000") == 0) {
        (void)snprintf(r->skipped, sizeof(r->skipped), "%s",
                       text ? text : "a warning without text");
    }
}

int repl_start(struct repl *r, const char *slot, const char *publication,
               uint64_t lsn, struct err *e)
{
    struct buf name, sql;
    PGresult *res = NULL;
    int rc = -1;

    buf_init(&name, 512);
    buf_init(&sql, 2048);
    pgconn_ident(&name, str_of(publication));
    buf_lit(&sql, "START_REPLICATION SLOT ");
    pgconn_ident(&sql, str_of(slot));
    buf_printf(&sql, " LOGICAL %X/%X (proto_version '1', messages 'true',",
               LSN_ARG(lsn));
    buf_lit(&sql, " publication_names ");
    pgconn_literal(&sql, buf_str(&name));
    buf_lit(&sql, ")");
    if (pgconn_send(r->conn, buf_z(&sql), e) < 0) {
        goto out;
    }
    int64_t deadline_ms = clock_ms() + PGCONN_QUERY_MS;
    for (;;) {
        int got = pgconn_poll(r->conn, &res, e);

        if (got < 0) {
            goto out;
        }
        if (got == 1) {
            break;
        }
        struct pollfd fd = { .fd = PQsocket(r->conn), .events = POLLIN };
        if (clock_left_ms(deadline_ms) == 0 || stop_requested()) {
            (void)err_set(e, ERR_RETRY, "no answer");
            goto out;
        }
        (void)poll(&fd, 1, 100);
    }
    if (PQresultStatus(res) != PGRES_COPY_BOTH) {
        (void)pgconn_result_err(e, res);
        goto out;
    }
    (void)PQsetNoticeReceiver(r->conn, on_notice, r);
    r->streaming = true;
    r->received_ms = clock_ms();
    r->status_sent_ms = 0;
    rc = 0;
out:
    PQclear(res);
    buf_fini(&sql);
    buf_fini(&name);
    return rc < 0 ? err_wrap(e, "starting slot \"%s\"", slot) : 0;
}

/* The stream ended: find out why. */
static int stream_ended(struct repl *r, struct err *e)
{
    PGresult *res = PQgetResult(r->conn);

    r->streaming = false;
    if (res && PQresultStatus(res) == PGRES_FATAL_ERROR) {
        (void)pgconn_result_err(e, res);
        PQclear(res);
        return err_wrap(e, "replication stream");
    }
    PQclear(res);
    return err_set(e, ERR_RETRY, "replication stream ended: %s",
                   PQerrorMessage(r->conn));
}

static int parse(struct repl *r, int len, struct repl_msg *m, struct err *e)
{
    const char *p = r->message;

    if (p[0] == 'w' && len >= DATA_HEADER_BYTES) {
        m->kind = REPL_DATA;
        m->lsn = be64(p + 1);
        m->payload = (struct str){ p + DATA_HEADER_BYTES,
                                   (size_t)len - DATA_HEADER_BYTES };
        return 0;
    }
    if (p[0] == 'k' && len >= KEEPALIVE_BYTES) {
        m->kind = REPL_KEEPALIVE;
        m->wal_end = be64(p + 1);
        m->reply_requested = p[17] != 0;
        if (m->reply_requested) {
            r->reply_requested = true;
        }
        return 0;
    }
    return err_set(e, ERR_FATAL,
                   "replication stream: unknown message 0x%02x of %d bytes",
                   (unsigned char)p[0], len);
}

int repl_next(struct repl *r, struct repl_msg *ret_msg, struct err *e)
{
    *ret_msg = (struct repl_msg){ .kind = REPL_NOTHING };
    PQfreemem(r->message);
    r->message = NULL;
    int len = PQgetCopyData(r->conn, &r->message, 1);
    if (len == 0) {
        if (PQconsumeInput(r->conn) != 1) {
            return err_set(e, ERR_RETRY, "replication stream: %s",
                           PQerrorMessage(r->conn));
        }
        len = PQgetCopyData(r->conn, &r->message, 1);
    }
    if (r->skipped[0] != '\0') {
        return err_set(e, ERR_FATAL, "the server leaves changes out: %s",
                       r->skipped);
    }
    if (len == 0) {
        return 0;
    }
    if (len == -1) {
        return stream_ended(r, e);
    }
    if (len < 0) {
        return err_set(e, ERR_RETRY, "replication stream: %s",
                       PQerrorMessage(r->conn));
    }
    r->received_ms = clock_ms();
    return parse(r, len, ret_msg, e);
}

/* A third of wal_sender_timeout: two may be lost. */
static int64_t status_interval_ms(const struct repl *r)
{
    return r->timeout_ms > 0 ? r->timeout_ms / 3 : STATUS_INTERVAL_MS;
}

int repl_status_due(struct repl *r, bool *ret_due, struct err *e)
{
    int64_t now_ms = clock_ms();
    int64_t silence_ms =
        r->timeout_ms > SILENCE_MIN_MS ? r->timeout_ms : SILENCE_MIN_MS;

    if (r->timeout_ms > 0 && now_ms - r->received_ms > silence_ms) {
        /* what waits unread in the socket counts as a sign of life */
        struct pollfd fd = { .fd = PQsocket(r->conn), .events = POLLIN };

        if (poll(&fd, 1, 0) <= 0) {
            return err_set(e, ERR_RETRY,
                           "replication stream: nothing from the server for"
                           " %lld ms (wal_sender_timeout)",
                           (long long)(now_ms - r->received_ms));
        }
    }
    *ret_due = r->reply_requested ||
               now_ms - r->status_sent_ms >= status_interval_ms(r);
    return 0;
}

bool repl_closed(const struct repl *r)
{
    struct pollfd fd = { .fd = PQsocket(r->conn), .events = POLLRDHUP };

    return poll(&fd, 1, 0) > 0;
}

int repl_status(struct repl *r, uint64_t confirmed_lsn, struct err *e)
{
    char m[1 + 8 + 8 + 8 + 8 + 1];
    uint64_t lsn = htobe64(confirmed_lsn);
    int64_t now_us = clock_wall_us() - (int64_t)PG_EPOCH_S * 1000000;
    uint64_t now = htobe64((uint64_t)now_us);

    m[0] = 'r';
    memcpy(m + 1, &lsn, 8);  /* written */
    memcpy(m + 9, &lsn, 8);  /* flushed: what the slot may forget */
    memcpy(m + 17, &lsn, 8); /* applied */
    memcpy(m + 25, &now, 8);
    /* A server that hears from us in time has no reason to speak when
       nothing happens: ask, or its silence says nothing about its life. */
    m[33] = clock_ms() - r->received_ms >= status_interval_ms(r);
    if (PQputCopyData(r->conn, m, sizeof(m)) < 0 || PQflush(r->conn) < 0) {
        return err_set(e, ERR_RETRY, "replication stream: %s",
                       PQerrorMessage(r->conn));
    }
    r->status_sent_ms = clock_ms();
    r->reply_requested = false;
    return 0;
}

void repl_finish(struct repl *r, uint64_t confirmed_lsn)
{
    struct err ignored; /* the slot keeps what was confirmed before */
    int64_t deadline_ms = clock_ms() + 2000;

    if (!r->streaming || repl_status(r, confirmed_lsn, &ignored) < 0 ||
        PQputCopyEnd(r->conn, NULL) < 0) {
        return;
    }
    while (clock_left_ms(deadline_ms) > 0) {
        struct pollfd fd = { .fd = PQsocket(r->conn), .events = POLLIN };
        int more = PQflush(r->conn);

        if (more < 0 || PQconsumeInput(r->conn) != 1) {
            return;
        }
        PQfreemem(r->message);
        r->message = NULL;
        int len = PQgetCopyData(r->conn, &r->message, 1);
        if (len < 0) {
            return;
        }
        if (len == 0) {
            fd.events = (short)(POLLIN | (more == 1 ? POLLOUT : 0));
            (void)poll(&fd, 1, 50);
        }
    }
}

void repl_close(struct repl *r)
{
    PQfreemem(r->message);
    r->message = NULL;
    pgconn_close(r->conn);
    r->conn = NULL;
    r->streaming = false;
}
