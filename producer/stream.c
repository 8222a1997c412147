#include "producer/stream.h"

#include "producer/resolve.h"

void stream_reset(struct stream *s)
{
    s->record_next = 0;
    s->shape_of = NULL;
    s->beats = false;
    capture_reset(s->cap);
}

static bool records_wait(const struct stream *s)
{
    return s->record_next < s->cap->record_count;
}

bool stream_quiet(const struct stream *s)
{
    return !records_wait(s) && s->shape_of == NULL && !s->beats &&
           !ledger_in_transaction(s->ledger);
}

bool stream_reads(const struct stream *s)
{
    return !records_wait(s) && s->shape_of == NULL && !s->beats &&
           s->pub->outstanding[PUBLISH_SCHEMA] == 0 && !ledger_full(s->ledger);
}

static int records_publish(struct stream *s, bool *ret_moved, struct err *e)
{
    while (records_wait(s)) {
        enum publish_result result = publish_record(
            s->pub, &s->cap->records[s->record_next], PUBLISH_STREAM, e);

        if (result != PUBLISH_SENT) {
            return result == PUBLISH_FULL ? 0 : -1;
        }
        s->record_next++;
        *ret_moved = true;
    }
    return 0;
}

/* A new shape is published, and acknowledged, before its first event. */
static int shape_publish(struct stream *s, struct err *e)
{
    struct table *t = s->shape_of;

    if (t->rel == NULL) { /* dropped and made again while the queue was full */
        s->shape_of = NULL;
        return 0;
    }
    if (strcmp(t->shape, t->rel->shape.fingerprint) != 0 &&
        publish_shape(s->pub, s->schema_topic, t, &t->rel->shape, e) < 0) {
        return -1;
    }
    if (strcmp(t->shape, t->rel->shape.fingerprint) == 0) {
        s->shape_of = NULL; /* outstanding[PUBLISH_SCHEMA] holds the rest */
    }
    return 0;
}

/* An event of its transaction like any other: the ledger counts it. */
static int heartbeat_publish(struct stream *s, bool *ret_moved, struct err *e)
{
    const struct capture *c = s->cap;
    enum publish_result result;
    struct buf key, value;

    buf_init(&key, 1024);
    buf_init(&value, 1024);
    heartbeat_write(&key, &value, c->pipeline, c->commit_us, c->final_lsn);
    CHECK(buf_ok(&key) && buf_ok(&value)); /* the name is short */
    result = publish_control(s->pub, s->heartbeat_topic, buf_str(&key),
                             buf_str(&value), PUBLISH_STREAM, e);
    buf_fini(&value);
    buf_fini(&key);
    s->beats = result == PUBLISH_FULL;
    if (result == PUBLISH_SENT) {
        heartbeat_seen(s->heartbeat, c->commit_us);
        *ret_moved = true;
    }
    return result == PUBLISH_FAILED ? -1 : 0;
}

static int relation_take(struct stream *s, struct err *e)
{
    struct table *t = tables_find(s->cap->tables, s->cap->msg.oid);
    struct relation *rel = NULL;

    /* one session, one question at a time */
    if (heartbeat_finish(s->heartbeat, e) < 0) {
        return -1;
    }
    if (resolve_relation(s->conn, &s->cap->pgo, &s->cap->msg, t, s->place, &rel,
                         e) < 0) {
        return -1;
    }
    relation_free(t->rel);
    t->rel = rel;
    s->shape_of = t;
    return shape_publish(s, e);
}

static int message_take(struct stream *s, const struct repl_msg *m,
                        bool *ret_moved, struct err *e)
{
    enum capture_result result;

    if (capture_message(s->cap, m, &result, e) < 0) {
        return -1;
    }
    s->record_next = 0;
    switch (result) {
    case CAPTURE_NOTHING: return 0;
    case CAPTURE_RECORDS: return records_publish(s, ret_moved, e);
    case CAPTURE_RELATION: return relation_take(s, e);
    case CAPTURE_HEARTBEAT:
        /* one from a run in which they were switched on */
        return s->heartbeat_topic ? heartbeat_publish(s, ret_moved, e) : 0;
    case CAPTURE_COMMITTED:
        if (s->cap->tx_seq > 0) {
            metric_time_raise(&s->last_commit, s->cap->commit_us);
        }
        copy_committed(s->copy);
        return 0;
    }
    return 0;
}

int stream_step(struct stream *s, bool *ret_moved, struct err *e)
{
    struct repl_msg m;

    if (records_wait(s)) {
        return records_publish(s, ret_moved, e);
    }
    if (s->shape_of != NULL) {
        return shape_publish(s, e);
    }
    if (s->beats) {
        return heartbeat_publish(s, ret_moved, e);
    }
    if (!stream_reads(s)) {
        return 0;
    }
    if (repl_next(s->repl, &m, e) < 0) {
        return -1;
    }
    switch (m.kind) {
    case REPL_NOTHING: return 0;
    case REPL_KEEPALIVE: ledger_keepalive(s->ledger, m.wal_end); break;
    case REPL_DATA: *ret_moved = true; return message_take(s, &m, ret_moved, e);
    }
    *ret_moved = true;
    return 0;
}
