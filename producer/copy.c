#include "producer/copy.h"

#include <inttypes.h>

#include "common/clock.h"
#include "common/log.h"
#include "producer/copychunk.h"
#include "producer/copyplan.h"

enum {
    STREAMED_MAX = 4 << 20,
    POLL_MS = 20,
    RETRY_MS = 1000,
    SAY_MS = 10 * 1000,
    KEY_BYTES_MAX = 1 << 20,
};

void copy_phase(struct copy *c, enum copy_phase phase)
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
    c->chunk_blocks = COPY_CHUNK_BLOCKS;
}

static void table_forget(struct copy *c)
{
    copychunk_forget(c);
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
    question_close(&c->ask);
    question_close(&c->chunk);
    c->nonce = c->watermark_lsn = 0;
    c->settle_known = false;
    c->streamed_count = 0;
    copy_phase(c, COPY_IDLE);
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

void copy_restart(struct copy *c, const char *why)
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
        copy_restart(c, "too many transactions since the last snapshot");
        return;
    }
    if (c->streamed_count == c->streamed_cap) {
        c->streamed_cap = c->streamed_cap ? 2 * c->streamed_cap : 1024;
        c->streamed =
            xrealloc(c->streamed, c->streamed_cap, sizeof(*c->streamed));
    }
    c->streamed[c->streamed_count++] = c->cap->done_xid;
}

/* ---- phases ------------------------------------------------------------ */

/* A table to be copied whose watermark was emitted: `marked`. Without
   `marked` any table to be copied. */
static struct table *next_table(const struct copy *c, bool marked)
{
    for (unsigned i = 0; i < c->tables->count; i++) {
        struct table *t = c->tables->list[i];

        if (t->copy == TABLE_COPY_PENDING && t->streamed &&
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
        if (c->ask.conn != NULL) {
            copy_reset(c); /* nothing left: give the connections back */
        }
        return 0;
    }
    if (question_open(&c->ask, c->url, e) < 0) {
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
    rc = question_ask(&c->ask, buf_z(&sql), e);
    buf_fini(&sql);
    if (rc == 0) {
        copy_phase(c, COPY_WATERMARK);
        *ret_moved = true;
    }
    return rc;
}

static int watermark(struct copy *c, bool *ret_moved, struct err *e)
{
    if (c->ask.asked) {
        PGresult *res = NULL;
        int got = question_answer(&c->ask, &res, e);

        PQclear(res);
        if (got <= 0) {
            return got;
        }
    }
    if (c->watermark_lsn != 0 && c->state->confirmed_lsn >= c->watermark_lsn) {
        c->streamed_count = 0;
        copy_phase(c, COPY_SETTLE);
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

    if (!c->ask.asked) {
        if (clock_ms() < c->wait_until_ms) {
            return 0;
        }
        c->wait_until_ms = 0; /* now the socket is waited for */
        return question_ask(&c->ask, sql, e);
    }
    int got = question_answer(&c->ask, &res, e);
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
            copy_phase(c, COPY_PLAN);
        }
    } else if (!still_running(&c->settle, &now)) {
        copy_phase(c, COPY_PLAN);
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

void copy_table_done(struct copy *c)
{
    log_info("table copied", "table=%s rows=%" PRIu64, c->t->label,
             c->t->copy_rows);
    c->t->copy = TABLE_COPY_DONE;
    c->t->dirty = true;
    table_forget(c);
    /* further tables share the watermark: it is older than their copies */
    copy_phase(c, next_table(c, true) ? COPY_PLAN : COPY_IDLE);
}

static int plan(struct copy *c, bool *ret_moved, struct err *e)
{
    struct table *t = next_table(c, true);
    struct catalog_table cat = { 0 };
    bool found = false;
    int rc = -1;

    *ret_moved = true;
    if (t == NULL) {
        copy_phase(c, COPY_IDLE);
        return 0;
    }
    if (question_open(&c->chunk, c->url, e) < 0) {
        return -1;
    }
    c->t = t;
    if (catalog_read(c->ask.conn, t->oid, &cat, &found, e) < 0) {
        return -1;
    }
    if (!found) {
        log_warn("table to be copied is gone", "table=%s", t->label);
        copy_table_done(c);
        return 0;
    }
    if (strcmp(cat.schema, t->schema) != 0 || strcmp(cat.name, t->name) != 0) {
        (void)err_set(e, ERR_FATAL,
                      "table %s is now called %s.%s: renaming is not supported"
                      " yet; rename it back",
                      t->label, cat.schema, cat.name);
        goto out;
    }
    if (!table_same_key(t, &cat)) {
        (void)err_set(e, ERR_FATAL,
                      "table %s: its key columns changed while it was to be"
                      " copied: not supported yet",
                      t->label);
        goto out;
    }
    if (relation_new(&cat, c->place, &c->rel, e) < 0 ||
        copyplan_read(c->ask.conn, t->oid, &c->parts, &c->part_count, e) < 0) {
        goto out;
    }
    resume(c);
    log_info("copying table", "table=%s parts=%u from_block=%" PRIu32, t->label,
             c->part_count, t->copy_block);
    copy_phase(c, COPY_ASK);
    rc = 0;
out:
    catalog_table_fini(&cat);
    return rc;
}

static int step(struct copy *c, bool quiet, bool *ret_moved, struct err *e)
{
    switch (c->phase) {
    case COPY_IDLE: return begin(c, ret_moved, e);
    case COPY_WATERMARK: return watermark(c, ret_moved, e);
    case COPY_SETTLE: return settle(c, ret_moved, e);
    case COPY_PLAN: return plan(c, ret_moved, e);
    case COPY_ASK: return copychunk_ask(c, quiet, ret_moved, e);
    case COPY_SNAPSHOT: return copychunk_snapshot(c, ret_moved, e);
    case COPY_FLUSH: return copychunk_flush(c, ret_moved, e);
    case COPY_ROWS: return copychunk_rows(c, ret_moved, e);
    case COPY_DRAIN: return copychunk_drain(c, ret_moved, e);
    }
    return 0;
}

int copy_step(struct copy *c, bool quiet, bool *ret_moved, struct err *e)
{
    if (c->phase == COPY_IDLE) {
        if (clock_ms() < c->wait_until_ms) {
            return 0;
        }
        c->wait_until_ms = 0;
    }
    if (c->t != NULL && c->t->copy_nonce != c->nonce) {
        /* made again, or taken out of the publication for a while: what has
           been read so far tells nothing of it */
        copy_restart(c, "it joined anew");
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
    bool lines = c->phase == COPY_ROWS && c->copying && c->line == NULL;

    ret_fds[0] = question_socket(&c->ask);
    ret_fds[1] = question_socket(&c->chunk);
    if (ret_fds[1] < 0 && c->chunk.conn != NULL &&
        (lines || (c->phase == COPY_ROWS && !c->copying))) {
        ret_fds[1] = PQsocket(c->chunk.conn);
    }
}

int copy_wait_ms(const struct copy *c)
{
    return c->wait_until_ms > 0 ? clock_left_ms(c->wait_until_ms) : 1000;
}
