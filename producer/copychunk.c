#include "producer/copychunk.h"

#include <inttypes.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/metrics.h"
#include "producer/copyplan.h"
#include "producer/copytext.h"
#include "producer/row.h"

enum {
    COPY_SQL_BYTES_MAX = 1 << 20, /* 1,600 columns of 128 escaped bytes fit */
    CHUNK_BLOCKS_MIN = 64, /* halved to this while the window overflows */
    ROWS_PER_STEP = 512,   /* then the stream has its turn */
    SNAPSHOT_AGAIN_MS = 20,
};

void copychunk_forget(struct copy *c)
{
    PQfreemem(c->line);
    c->line = NULL;
    window_close(c->window);
    if (c->t) {
        c->t->copying = false;
    }
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
int copychunk_ask(struct copy *c, bool quiet, bool *ret_moved, struct err *e)
{
    const struct copy_part *part;
    struct buf sql;
    bool ready;
    int rc;

    if (c->part == c->part_count) {
        copy_table_done(c);
        *ret_moved = true;
        return 0;
    }
    if (shape_ready(c, &ready, e) < 0) {
        return -1;
    }
    if (clock_ms() < c->wait_until_ms) {
        return 0;
    }
    c->wait_until_ms = 0; /* from here on the stream is waited for */
    if (!ready || !quiet) {
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
    rc = question_ask(&c->chunk, buf_z(&sql), e);
    buf_fini(&sql);
    if (rc == 0) {
        copy_phase(c, COPY_SNAPSHOT);
        *ret_moved = true;
    }
    return rc;
}

/* Gives up the chunk; it is asked for again, smaller if need be. */
static int chunk_again(struct copy *c, int wait_ms, struct err *e)
{
    question_close(&c->chunk);
    copychunk_forget(c);
    if (question_open(&c->chunk, c->url, e) < 0) {
        return -1;
    }
    copy_phase(c, COPY_ASK);
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
    if (c->must_see > 0) {
        memmove(c->streamed, c->streamed + c->must_see,
                (c->streamed_count - c->must_see) * sizeof(*c->streamed));
    }
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
        return chunk_again(c, SNAPSHOT_AGAIN_MS, e);
    }
    if (s->filenode != c->parts[c->part].filenode) {
        c->t->copy_part = c->t->copy_filenode = 0;
        copy_restart(c, "its heap was rewritten");
        return 0;
    }
    if (c->high_lsn > c->t->copy_high_lsn) {
        c->t->copy_high_lsn = c->high_lsn;
        c->t->dirty = true;
    }
    copy_phase(c, COPY_FLUSH);
    return 0;
}

int copychunk_snapshot(struct copy *c, bool *ret_moved, struct err *e)
{
    struct copyplan_snapshot s;
    PGresult *res = NULL;
    int got = question_answer(&c->chunk, &res, e);

    if (got <= 0) {
        return got;
    }
    *ret_moved = true;
    CHECK(res != NULL); /* a SELECT has rows or fails */
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
int copychunk_flush(struct copy *c, bool *ret_moved, struct err *e)
{
    struct buf sql;
    PGresult *res = NULL;
    int rc;

    buf_init(&sql, COPY_SQL_BYTES_MAX);
    if (!c->ask.asked) {
        buf_printf(&sql,
                   "SELECT pg_catalog.pg_current_wal_flush_lsn() >= '%X/%X'"
                   " OR pg_catalog.pg_logical_emit_message(true, 'cdc-flush',"
                   " '') IS NULL",
                   LSN_ARG(c->high_lsn));
        rc = question_ask(&c->ask, buf_z(&sql), e);
        goto out;
    }
    rc = question_answer(&c->ask, &res, e);
    if (rc <= 0) {
        goto out;
    }
    *ret_moved = true;
    bool flushed = PQgetvalue(res, 0, 0)[0] == 't';
    PQclear(res);
    rc = 0;
    if (flushed) {
        copyplan_copy_sql(&sql, c->rel, &c->parts[c->part], c->t->copy_block,
                          c->chunk_end);
        rc = pgconn_send(c->chunk.conn, buf_z(&sql), e);
        if (rc == 0) {
            c->copying = false;
            copy_phase(c, COPY_ROWS);
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
    c->chunk.asked = true; /* COPY's own result follows the rows */
    copy_phase(c, COPY_DRAIN);
}

/* Takes the next line: 1 with a record made, 0 none yet, -1 error; the end
   of the COPY moves on to DRAIN with 0. */
static int row_next(struct copy *c, bool *ret_moved, struct err *e)
{
    int len = PQgetCopyData(c->chunk.conn, &c->line, 1);

    if (len == 0) {
        if (PQconsumeInput(c->chunk.conn) != 1) {
            return err_set(e, ERR_RETRY, "%s", PQerrorMessage(c->chunk.conn));
        }
        len = PQgetCopyData(c->chunk.conn, &c->line, 1);
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
        return err_set(e, ERR_RETRY, "%s", PQerrorMessage(c->chunk.conn));
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
    int got = pgconn_poll(c->chunk.conn, &res, e);

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

int copychunk_rows(struct copy *c, bool *ret_moved, struct err *e)
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
    PGresult *none = NULL;
    int got = question_answer(&c->chunk, &none, e);

    if (got <= 0) {
        return got;
    }
    PQclear(none);
    *ret_moved = true;
    if (c->ending == COPY_END_ROWS) {
        c->ending = COPY_END_COMMIT;
        return question_ask(&c->chunk, "COMMIT", e);
    }
    c->ending = COPY_END_NONE;
    return 0;
}

int copychunk_drain(struct copy *c, bool *ret_moved, struct err *e)
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
    if (c->chunk_blocks < COPY_CHUNK_BLOCKS) {
        c->chunk_blocks *= 2;
    }
    copy_phase(c, COPY_ASK);
    return 0;
}
