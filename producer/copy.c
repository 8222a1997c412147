#include "producer/copy.h"

#include <inttypes.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/metrics.h"
#include "producer/copyplan.h"
#include "producer/copytext.h"
#include "producer/row.h"

enum {
    CHUNK_BLOCKS = 8192,   /* 64 MiB of heap */
    CHUNK_BLOCKS_MIN = 64, /* halved to this while the window overflows */
    ROWS_PER_STEP = 512,   /* then the stream has its turn */
    STREAMED_MAX = 4 << 20,
    POLL_MS = 20,
    RETRY_MS = 1000,
    SAY_MS = 10 * 1000,
    KEY_BYTES_MAX = 1 << 20,
};

static void phase_set(struct copy *c, enum copy_phase phase)
{
    c->phase = phase;
    c->phase_ms = clock_ms();
    c->say_ms = c->phase_ms + SAY_MS;
    c->wait_until_ms = 0;
}

void copy_init(struct copy *c)
{
    buf_init(&c->key, KEY_BYTES_MAX);
    buf_init(&c->after, PUBLISH_RECORD_BYTES_MAX);
    buf_init(&c->value, PUBLISH_RECORD_BYTES_MAX);
    c->row = xcalloc(1, sizeof(*c->row));
    c->chunk_blocks = CHUNK_BLOCKS;
}

static void chunk_forget(struct copy *c)
{
    PQfreemem(c->line);
    c->line = NULL;
    PQclear(c->chunk_answer);
    c->chunk_answer = NULL;
    window_close(c->window);
    if (c->t) {
        c->t->copying = false;
    }
}

static void table_forget(struct copy *c)
{
    chunk_forget(c);
    copyplan_free(c->parts, c->part_count);
    c->parts = NULL;
    c->part_count = c->part = 0;
    relation_free(c->rel);
    c->rel = NULL;
    c->t = NULL;
}

void copy_reset(struct copy *c)
{
    table_forget(c);
    pgconn_close(c->ask);
    pgconn_close(c->chunk);
    c->ask = c->chunk = NULL;
    PQclear(c->answer);
    c->answer = NULL;
    c->asked = false;
    c->nonce = c->watermark_lsn = 0;
    c->settle_known = false;
    c->streamed_count = 0;
    phase_set(c, COPY_IDLE);
}

void copy_fini(struct copy *c)
{
    copy_reset(c);
    snapshot_fini(&c->settle);
    snapshot_fini(&c->snap);
    xfree(c->streamed);
    xfree(c->row);
    buf_fini(&c->key);
    buf_fini(&c->after);
    buf_fini(&c->value);
}

bool copy_active(const struct copy *c)
{
    return c->phase != COPY_IDLE;
}

bool copy_wants_confirm(const struct copy *c)
{
    return c->phase == COPY_WATERMARK && c->watermark_lsn != 0;
}

static void restart(struct copy *c, const char *why)
{
    log_warn("copy starts again under a new watermark", "table=%s reason=%s",
             c->t ? c->t->label : "-", why);
    copy_reset(c);
}

void copy_committed(struct copy *c)
{
    if (c->phase == COPY_WATERMARK && c->nonce != 0 &&
        c->cap->done_watermark == c->nonce) {
        c->watermark_lsn = c->cap->done_end_lsn;
    }
    if (c->phase <= COPY_WATERMARK) {
        return;
    }
    if (c->streamed_count == STREAMED_MAX) {
        restart(c, "too many transactions since the last snapshot");
        return;
    }
    if (c->streamed_count == c->streamed_cap) {
        c->streamed_cap = c->streamed_cap ? 2 * c->streamed_cap : 1024;
        c->streamed =
            xrealloc(c->streamed, c->streamed_cap, sizeof(*c->streamed));
    }
    c->streamed[c->streamed_count++] = c->cap->done_xid;
}

/* ---- short questions --------------------------------------------------- */

static int ask_send(struct copy *c, const char *sql, struct err *e)
{
    if (pgconn_send(c->ask, sql, e) < 0) {
        return -1;
    }
    c->asked = true;
    return 0;
}

/* Gathers the results of the statement on its way until it is over; keeps
   the first with rows, or the first that failed. 1 when it is over. */
static int gather(PGconn *conn, PGresult **kept, struct err *e)
{
    for (;;) {
        PGresult *res = NULL;
        int got = pgconn_poll(conn, &res, e);

        if (got <= 0 || res == NULL) {
            return got;
        }
        if (*kept == NULL && PQresultStatus(res) != PGRES_COMMAND_OK) {
            *kept = res;
        } else {
            PQclear(res);
        }
    }
}

/* What gather kept must be rows; the caller of a success clears it. */
static int rows_of(PGresult **kept, PGresult **ret_result, struct err *e)
{
    PGresult *res = *kept;

    *kept = NULL;
    if (res == NULL) {
        return err_set(e, ERR_RETRY, "an answer without rows");
    }
    if (PQresultStatus(res) != PGRES_TUPLES_OK) {
        (void)pgconn_result_err(e, res);
        PQclear(res);
        return -1;
    }
    *ret_result = res;
    return 0;
}

/* 1 and the answer, which the caller clears, when it is complete; 0 while it
   is not. */
static int ask_answer(struct copy *c, PGresult **ret_result, struct err *e)
{
    int got = gather(c->ask, &c->answer, e);

    if (got <= 0) {
        return got;
    }
    c->asked = false;
    return rows_of(&c->answer, ret_result, e) < 0 ? -1 : 1;
}

/* ---- phases ------------------------------------------------------------ */

/* A table to be copied whose watermark was emitted: `marked`. Without
   `marked` any table to be copied. */
static struct table *next_table(const struct copy *c, bool marked)
{
    for (unsigned i = 0; i < c->tables->count; i++) {
        struct table *t = c->tables->list[i];

        if (t->copy == TABLE_COPY_PENDING && t->rkt != NULL &&
            (!marked || t->copy_nonce == c->nonce)) {
            return t;
        }
    }
    return NULL;
}

/* All tables that wait share a watermark: each is in the publication by now.
   One that joins later needs one of its own. */
static void tables_mark(struct copy *c)
{
    struct table *t;

    for (unsigned i = 0; i < c->tables->count; i++) {
        t = c->tables->list[i];
        t->copy_nonce = t->copy == TABLE_COPY_PENDING ? c->nonce : 0;
    }
}

static int begin(struct copy *c, bool *ret_moved, struct err *e)
{
    struct buf sql;
    int rc = -1;

    if (next_table(c, false) == NULL) {
        if (c->ask != NULL) {
            copy_reset(c); /* nothing left: give the connections back */
        }
        return 0;
    }
    if (c->ask == NULL && pgconn_open(&c->ask, c->url, PGCONN_SQL, e) < 0) {
        return -1;
    }
    buf_init(&sql, 1024);
    c->nonce = (uint64_t)clock_wall_us();
    c->watermark_lsn = 0;
    c->settle_known = false;
    tables_mark(c);
    buf_printf(&sql,
               "SELECT pg_catalog.pg_logical_emit_message(true, '%s',"
               " '%s %" PRIu64 "')",
               CAPTURE_WATERMARK, c->pipeline, c->nonce);
    rc = ask_send(c, buf_z(&sql), e);
    buf_fini(&sql);
    if (rc == 0) {
        phase_set(c, COPY_WATERMARK);
        *ret_moved = true;
    }
    return rc;
}

static int watermark(struct copy *c, bool *ret_moved, struct err *e)
{
    if (c->asked) {
        PGresult *res = NULL;
        int got = ask_answer(c, &res, e);

        PQclear(res);
        if (got <= 0) {
            return got;
        }
    }
    if (c->watermark_lsn != 0 && c->state->confirmed_lsn >= c->watermark_lsn) {
        c->streamed_count = 0;
        phase_set(c, COPY_SETTLE);
        *ret_moved = true;
    }
    return 0;
}

static bool still_running(const struct snapshot *was, const struct snapshot *is)
{
    for (unsigned i = 0; i < was->running_count; i++) {
        for (unsigned k = 0; k < is->running_count; k++) {
            if (was->running[i] == is->running[k]) {
                return true;
            }
        }
    }
    return false;
}

/* A snapshot's first answer is kept: what runs in it must have ended before
   any chunk is read. */
static int settle(struct copy *c, bool *ret_moved, struct err *e)
{
    static const char sql[] =
        "SELECT pg_catalog.pg_current_snapshot()::text,"
        " (SELECT pg_catalog.string_agg(pid::text, ',') FROM"
        " pg_catalog.pg_stat_activity WHERE backend_xid IS NOT NULL)";
    struct snapshot now = { 0 };
    PGresult *res = NULL;

    if (!c->asked) {
        return clock_ms() < c->wait_until_ms ? 0 : ask_send(c, sql, e);
    }
    int got = ask_answer(c, &res, e);
    if (got <= 0) {
        return got;
    }
    int rc = snapshot_read(str_of(PQgetvalue(res, 0, 0)), &now, e);
    if (rc == 0 && clock_ms() >= c->say_ms) {
        log_info("copy waits for running transactions to end",
                 "count=%u pids=%s waited_s=%lld", now.running_count,
                 PQgetvalue(res, 0, 1),
                 (long long)(clock_ms() - c->phase_ms) / 1000);
        c->say_ms += SAY_MS;
    }
    PQclear(res);
    if (rc < 0) {
        return -1;
    }
    if (!c->settle_known) {
        snapshot_fini(&c->settle);
        c->settle = now;
        now = (struct snapshot){ 0 };
        c->settle_known = true;
        if (c->settle.running_count == 0) {
            phase_set(c, COPY_PLAN);
        }
    } else if (!still_running(&c->settle, &now)) {
        phase_set(c, COPY_PLAN);
    }
    snapshot_fini(&now);
    c->wait_until_ms = clock_ms() + POLL_MS;
    *ret_moved = c->phase == COPY_PLAN;
    return 0;
}

/* Where an interrupted copy goes on; from the start when its heap was
   rewritten since or is gone. */
static void resume(struct copy *c)
{
    struct table *t = c->t;

    for (unsigned i = 0; i < c->part_count; i++) {
        if (c->parts[i].oid == t->copy_part &&
            c->parts[i].filenode == t->copy_filenode) {
            c->part = i;
            return;
        }
    }
    c->part = 0;
    t->copy_block = 0;
    t->copy_rows = 0;
    t->copy_part = c->part_count > 0 ? c->parts[0].oid : 0;
    t->copy_filenode = c->part_count > 0 ? c->parts[0].filenode : 0;
    t->dirty = true;
}

static void table_done(struct copy *c)
{
    log_info("table copied", "table=%s rows=%" PRIu64, c->t->label,
             c->t->copy_rows);
    c->t->copy = TABLE_COPY_DONE;
    c->t->dirty = true;
    table_forget(c);
    /* further tables share the watermark: it is older than their copies */
    phase_set(c, next_table(c, true) ? COPY_PLAN : COPY_IDLE);
}

static int plan(struct copy *c, bool *ret_moved, struct err *e)
{
    struct table *t = next_table(c, true);
    struct catalog_table cat = { 0 };
    bool found = false;
    int rc = -1;

    *ret_moved = true;
    if (t == NULL) {
        phase_set(c, COPY_IDLE);
        return 0;
    }
    if (c->chunk == NULL && pgconn_open(&c->chunk, c->url, PGCONN_SQL, e) < 0) {
        return -1;
    }
    c->t = t;
    if (catalog_read(c->ask, t->oid, &cat, &found, e) < 0) {
        return -1;
    }
    if (!found) {
        log_warn("table to be copied is gone", "table=%s", t->label);
        table_done(c);
        return 0;
    }
    if (!table_same_key(t, &cat)) {
        (void)err_set(e, ERR_FATAL,
                      "table %s: its key columns changed while it was to be"
                      " copied: not supported yet",
                      t->label);
        goto out;
    }
    if (relation_new(&cat, c->place, &c->rel, e) < 0 ||
        copyplan_read(c->ask, t->oid, &c->parts, &c->part_count, e) < 0) {
        goto out;
    }
    resume(c);
    log_info("copying table", "table=%s parts=%u from_block=%" PRIu32, t->label,
             c->part_count, t->copy_block);
    phase_set(c, COPY_ASK);
    rc = 0;
out:
    catalog_table_fini(&cat);
    return rc;
}

/* The shape is in Kafka before the first row of it. */
static int shape_ready(struct copy *c, bool *ret_ready, struct err *e)
{
    *ret_ready = false;
    if (strcmp(c->t->shape, c->rel->shape.fingerprint) != 0 &&
        publish_shape(c->pub, c->schema_topic, c->t, &c->rel->shape, e) < 0) {
        return -1;
    }
    *ret_ready = strcmp(c->t->shape, c->rel->shape.fingerprint) == 0 &&
                 c->pub->outstanding[PUBLISH_SCHEMA] == 0;
    return 0;
}

/* The moment that decides C, what the snapshot must see, and from when on
   changed keys are remembered. */
static int ask(struct copy *c, bool quiet, bool *ret_moved, struct err *e)
{
    const struct copy_part *part;
    struct buf sql;
    bool ready;
    int rc;

    if (c->part == c->part_count) {
        table_done(c);
        *ret_moved = true;
        return 0;
    }
    if (shape_ready(c, &ready, e) < 0) {
        return -1;
    }
    if (!ready || !quiet || clock_ms() < c->wait_until_ms) {
        return 0;
    }
    part = &c->parts[c->part];
    c->c_lsn = c->cap->done_final_lsn;
    CHECK(c->c_lsn != 0); /* the watermark at least was streamed */
    c->must_see = c->streamed_count;
    c->chunk_rows = 0;
    c->chunk_end = c->t->copy_block + (uint64_t)c->chunk_blocks < part->blocks
                       ? c->t->copy_block + (uint64_t)c->chunk_blocks
                       : 0;
    c->t->copying = true;
    window_open(c->window);
    buf_init(&sql, 4096);
    copyplan_begin_sql(&sql, part);
    rc = pgconn_send(c->chunk, buf_z(&sql), e);
    buf_fini(&sql);
    if (rc == 0) {
        phase_set(c, COPY_SNAPSHOT);
        *ret_moved = true;
    }
    return rc;
}

/* Gives up the chunk; it is asked for again, smaller if need be. */
static int chunk_again(struct copy *c, int wait_ms, struct err *e)
{
    pgconn_close(c->chunk); /* ends transaction and COPY at once */
    c->chunk = NULL;
    chunk_forget(c);
    if (pgconn_open(&c->chunk, c->url, PGCONN_SQL, e) < 0) {
        return -1;
    }
    phase_set(c, COPY_ASK);
    c->wait_until_ms = clock_ms() + wait_ms;
    return 0;
}

static int overflowed(struct copy *c, struct err *e)
{
    if (c->chunk_blocks / 2 >= CHUNK_BLOCKS_MIN) {
        c->chunk_blocks /= 2;
    }
    log_info("too many keys changed during a chunk, reading it again",
             "table=%s block=%" PRIu32 " blocks=%" PRIu32, c->t->label,
             c->t->copy_block, c->chunk_blocks);
    return chunk_again(c, 0, e);
}

/* Forgets the streamed transactions that this snapshot, and so every later
   one, sees. False when it misses one that it must see. */
static bool snapshot_good(struct copy *c)
{
    for (unsigned i = 0; i < c->must_see; i++) {
        if (!snapshot_sees(&c->snap, c->streamed[i])) {
            return false;
        }
    }
    memmove(c->streamed, c->streamed + c->must_see,
            (c->streamed_count - c->must_see) * sizeof(*c->streamed));
    c->streamed_count -= c->must_see;
    c->must_see = 0;
    return true;
}

/* The chunk's snapshot is known: may its rows be read? */
static int snapshot_judge(struct copy *c, const struct copyplan_snapshot *s,
                          struct err *e)
{
    if (window_overflowed(c->window)) {
        return overflowed(c, e);
    }
    if (!snapshot_good(c)) {
        return chunk_again(c, POLL_MS, e);
    }
    if (s->filenode != c->parts[c->part].filenode) {
        c->t->copy_part = c->t->copy_filenode = 0;
        restart(c, "its heap was rewritten");
        return 0;
    }
    if (c->high_lsn > c->t->copy_high_lsn) {
        c->t->copy_high_lsn = c->high_lsn;
        c->t->dirty = true;
    }
    phase_set(c, COPY_FLUSH);
    return 0;
}

static int snapshot(struct copy *c, bool *ret_moved, struct err *e)
{
    struct copyplan_snapshot s;
    PGresult *res = NULL;
    int got = gather(c->chunk, &c->chunk_answer, e);

    if (got <= 0) {
        return got;
    }
    *ret_moved = true;
    if (rows_of(&c->chunk_answer, &res, e) < 0) {
        return -1;
    }
    int rc = copyplan_snapshot_read(res, &s, e);
    PQclear(res);
    if (rc < 0) {
        return -1;
    }
    snapshot_fini(&c->snap);
    c->snap = s.snapshot;
    c->high_lsn = s.high_lsn;
    c->read_us = s.read_us;
    return snapshot_judge(c, &s, e);
}

/* A snapshot sees asynchronous commits that a crash can still take back:
   nothing of it is published before the server has flushed up to H. The
   message is there to make it flush: its commit waits for just that. */
static int flush(struct copy *c, bool *ret_moved, struct err *e)
{
    struct buf sql;
    PGresult *res = NULL;
    int rc;

    buf_init(&sql, 4096);
    if (!c->asked) {
        buf_printf(&sql,
                   "SELECT pg_catalog.pg_current_wal_flush_lsn() >= '%X/%X'"
                   " OR pg_catalog.pg_logical_emit_message(true, 'cdc-flush',"
                   " '') IS NULL",
                   LSN_ARG(c->high_lsn));
        rc = clock_ms() < c->wait_until_ms ? 0 : ask_send(c, buf_z(&sql), e);
        goto out;
    }
    rc = ask_answer(c, &res, e);
    if (rc <= 0) {
        goto out;
    }
    *ret_moved = true;
    bool flushed = PQgetvalue(res, 0, 0)[0] == 't';
    PQclear(res);
    c->wait_until_ms = 0;
    rc = 0;
    if (flushed) {
        copyplan_copy_sql(&sql, c->rel, &c->parts[c->part], c->t->copy_block,
                          c->chunk_end);
        rc = pgconn_send(c->chunk, buf_z(&sql), e);
        if (rc == 0) {
            c->copying = false;
            phase_set(c, COPY_ROWS);
        }
    }
out:
    buf_fini(&sql);
    return rc;
}

/* ---- rows -------------------------------------------------------------- */

static int refuse(const struct copy *c, struct err *e)
{
    int column = row_culprit(c->rel, c->row, NULL);

    return err_set(e, ERR_FATAL,
                   "table %s, copied row of block %" PRIu32 " or later: %s%s",
                   c->t->label, c->t->copy_block,
                   column < 0 ? "the event is larger than a record may be"
                              : "not in the text form of its type: column ",
                   column < 0 ? "" : c->rel->shape.columns[column].name);
}

static int record_make(struct copy *c, struct err *e)
{
    struct event ev = {
        .op = EVENT_READ,
        .snapshot = STR("true"),
        .commit_us = c->read_us,
        .now_us = clock_wall_us(),
        .lsn = c->high_lsn,
        .commit_lsn = c->c_lsn,
        .row_version =
            rowversion_make(c->cap->lsn_base, c->c_lsn, ROWVERSION_SEQ_COPIED),
    };

    buf_reset(&c->key);
    buf_reset(&c->after);
    buf_reset(&c->value);
    row_key(&c->key, c->rel, c->row);
    row_write(&c->after, c->rel, c->row, NULL);
    ev.after = buf_str(&c->after);
    event_write(&c->value, &c->rel->head, &ev);
    if (!buf_ok(&c->key) || !buf_ok(&c->after) || !buf_ok(&c->value)) {
        return refuse(c, e);
    }
    c->rec = (struct record){
        .table = c->t,
        .op = EVENT_READ,
        .version = ev.row_version,
        .shape = c->rel->shape.fingerprint,
        .key = buf_str(&c->key),
        .value = buf_str(&c->value),
    };
    return 0;
}

/* Publishes the row in hand, or drops it. The drop rule is asked at every
   try: the stream may have moved on while the queue was full. */
static enum publish_result row_publish(struct copy *c, struct err *e)
{
    bool dropped = window_drops(c->window, &c->snap, c->t->oid, c->rec.key);
    enum publish_result result =
        dropped ? PUBLISH_SENT
                : publish_record(c->pub, &c->rec, PUBLISH_COPY, e);

    if (result == PUBLISH_SENT) {
        PQfreemem(c->line);
        c->line = NULL;
    }
    if (result == PUBLISH_SENT && !dropped) {
        c->chunk_rows++;
        metric_add(c->t->reads, 1);
    }
    return result;
}

/* All rows are published: the memory of changed keys may go. */
static void rows_end(struct copy *c)
{
    c->line = NULL;
    c->t->copying = false;
    window_close(c->window);
    c->ending = COPY_END_ROWS;
    phase_set(c, COPY_DRAIN);
}

/* Takes the next line: 1 with a record made, 0 none yet, -1 error; the end
   of the COPY moves on to DRAIN with 0. */
static int row_next(struct copy *c, bool *ret_moved, struct err *e)
{
    int len = PQgetCopyData(c->chunk, &c->line, 1);

    if (len == 0) {
        if (PQconsumeInput(c->chunk) != 1) {
            return err_set(e, ERR_RETRY, "%s", PQerrorMessage(c->chunk));
        }
        len = PQgetCopyData(c->chunk, &c->line, 1);
    }
    if (len == 0) {
        return 0;
    }
    *ret_moved = true;
    if (len == -1) {
        rows_end(c);
        return 0;
    }
    if (len < 0) {
        return err_set(e, ERR_RETRY, "%s", PQerrorMessage(c->chunk));
    }
    if (copytext_read(c->line, (size_t)len, c->rel->shape.column_count, c->row,
                      e) < 0) {
        return err_wrap(e, "table %s, COPY", c->t->label);
    }
    return record_make(c, e) < 0 ? -1 : 1;
}

/* COPY_OUT comes before the first row, or an error instead. */
static int rows_begin(struct copy *c, struct err *e)
{
    PGresult *res = NULL;
    int got = pgconn_poll(c->chunk, &res, e);

    if (got <= 0) {
        return got;
    }
    c->copying = PQresultStatus(res) == PGRES_COPY_OUT;
    if (!c->copying) {
        (void)pgconn_result_err(e, res);
    }
    PQclear(res);
    return c->copying ? 1 : -1;
}

static int rows(struct copy *c, bool *ret_moved, struct err *e)
{
    if (!c->copying) {
        int got = rows_begin(c, e);

        if (got <= 0) {
            return got;
        }
    }
    for (unsigned i = 0; i < ROWS_PER_STEP; i++) {
        if (window_overflowed(c->window)) {
            return overflowed(c, e);
        }
        if (c->line == NULL) {
            int got = row_next(c, ret_moved, e);

            if (got <= 0) {
                return got;
            }
        }
        enum publish_result result = row_publish(c, e);
        if (result != PUBLISH_SENT) {
            return result == PUBLISH_FULL ? 0 : -1;
        }
    }
    return 0;
}

/* The ends of COPY and of its transaction, one after the other. */
static int transaction_end(struct copy *c, bool *ret_moved, struct err *e)
{
    int got = gather(c->chunk, &c->chunk_answer, e);

    if (got <= 0) {
        return got;
    }
    *ret_moved = true;
    if (c->chunk_answer != NULL) { /* kept because it is no success */
        (void)pgconn_result_err(e, c->chunk_answer);
        return -1;
    }
    if (c->ending == COPY_END_ROWS) {
        c->ending = COPY_END_COMMIT;
        return pgconn_send(c->chunk, "COMMIT", e);
    }
    c->ending = COPY_END_NONE;
    return 0;
}

static int drain(struct copy *c, bool *ret_moved, struct err *e)
{
    struct table *t = c->t;

    if (c->ending != COPY_END_NONE) {
        return transaction_end(c, ret_moved, e);
    }
    if (c->pub->outstanding[PUBLISH_COPY] > 0) {
        return 0;
    }
    *ret_moved = true;
    t->copy_rows += c->chunk_rows;
    if (c->chunk_end != 0) {
        t->copy_block = (uint32_t)c->chunk_end;
    } else if (++c->part < c->part_count) {
        t->copy_part = c->parts[c->part].oid;
        t->copy_filenode = c->parts[c->part].filenode;
        t->copy_block = 0;
    }
    t->dirty = true;
    if (c->chunk_blocks < CHUNK_BLOCKS) {
        c->chunk_blocks *= 2;
    }
    phase_set(c, COPY_ASK);
    return 0;
}

static int step(struct copy *c, bool quiet, bool *ret_moved, struct err *e)
{
    switch (c->phase) {
    case COPY_IDLE: return begin(c, ret_moved, e);
    case COPY_WATERMARK: return watermark(c, ret_moved, e);
    case COPY_SETTLE: return settle(c, ret_moved, e);
    case COPY_PLAN: return plan(c, ret_moved, e);
    case COPY_ASK: return ask(c, quiet, ret_moved, e);
    case COPY_SNAPSHOT: return snapshot(c, ret_moved, e);
    case COPY_FLUSH: return flush(c, ret_moved, e);
    case COPY_ROWS: return rows(c, ret_moved, e);
    case COPY_DRAIN: return drain(c, ret_moved, e);
    }
    return 0;
}

int copy_step(struct copy *c, bool quiet, bool *ret_moved, struct err *e)
{
    if (c->phase == COPY_IDLE && clock_ms() < c->wait_until_ms) {
        return 0;
    }
    if (step(c, quiet, ret_moved, e) == 0) {
        return 0;
    }
    if (e->kind != ERR_RETRY || c->pub->failure.kind != ERR_NONE) {
        return err_wrap(e, "copy");
    }
    log_warn("copy interrupted, it goes on from its last chunk",
             "table=%s error=%s", c->t ? c->t->label : "-", e->text);
    copy_reset(c);
    c->wait_until_ms = clock_ms() + RETRY_MS;
    return 0;
}

void copy_sockets(const struct copy *c, int ret_fds[2])
{
    bool reading = c->phase == COPY_SNAPSHOT ||
                   (c->phase == COPY_ROWS && c->line == NULL) ||
                   (c->phase == COPY_DRAIN && c->ending != COPY_END_NONE);

    ret_fds[0] = c->ask && c->asked ? PQsocket(c->ask) : -1;
    ret_fds[1] = c->chunk && reading ? PQsocket(c->chunk) : -1;
}

int copy_wait_ms(const struct copy *c)
{
    return c->wait_until_ms > 0 ? clock_left_ms(c->wait_until_ms) : 1000;
}
