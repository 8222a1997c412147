#include "producer/capture.h"

#include <inttypes.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/metrics.h"
#include "producer/row.h"

enum {
    KEY_BYTES_MAX = 1 << 20,
    IGNORED_SAY_MS = 10 * 1000,
};

void capture_init(struct capture *c)
{
    buf_init(&c->key, KEY_BYTES_MAX);
    buf_init(&c->old_key, KEY_BYTES_MAX);
    buf_init(&c->before, PUBLISH_RECORD_BYTES_MAX);
    buf_init(&c->after, PUBLISH_RECORD_BYTES_MAX);
    buf_init(&c->value, PUBLISH_RECORD_BYTES_MAX);
    buf_init(&c->old_value, PUBLISH_RECORD_BYTES_MAX);
}

void capture_fini(struct capture *c)
{
    buf_fini(&c->key);
    buf_fini(&c->old_key);
    buf_fini(&c->before);
    buf_fini(&c->after);
    buf_fini(&c->value);
    buf_fini(&c->old_value);
}

void capture_reset(struct capture *c)
{
    c->record_count = 0;
    c->watermark = c->done_watermark = 0;
    c->done_final_lsn = c->done_end_lsn = 0;
}

static int refuse(const struct table *t, uint64_t lsn, struct err *e,
                  const char *why)
{
    return err_set(e, ERR_FATAL, "table %s, change at LSN %X/%X: %s", t->label,
                   LSN_ARG(lsn), why);
}

/* A buffer failed: was it the cap, or a value its type cannot have? */
static int refuse_row(const struct table *t, uint64_t lsn,
                      const struct pgo_tuple *row,
                      const struct pgo_tuple *fallback, struct err *e)
{
    int column = row_culprit(t->rel, row, fallback);
    char why[300];

    if (column < 0) {
        (void)snprintf(why, sizeof(why),
                       "the event is larger than %d bytes, the limit of a"
                       " record",
                       PUBLISH_RECORD_BYTES_MAX);
    } else {
        (void)snprintf(why, sizeof(why),
                       "the value of column \"%s\" (type %s) is not in the"
                       " text form of its type",
                       t->rel->shape.columns[column].name,
                       t->rel->shape.columns[column].type);
    }
    return refuse(t, lsn, e, why);
}

/* One event of the transaction. `before` and `after` are JSON or absent. */
static void record_add(struct capture *c, struct table *t, enum event_op op,
                       uint64_t lsn, const struct buf *key, struct buf *value)
{
    bool has_before = op == EVENT_DELETE || c->before.len > 0;
    bool has_after = op != EVENT_DELETE;
    struct event ev = {
        .op = op,
        .before = has_before ? buf_str(&c->before) : (struct str){ 0 },
        .after = has_after ? buf_str(&c->after) : (struct str){ 0 },
        .snapshot = STR("false"),
        .commit_us = c->commit_us,
        .now_us = clock_wall_us(),
        .lsn = lsn,
        .commit_lsn = c->final_lsn,
        .last_commit_lsn = c->done_end_lsn,
        .xid = c->xid,
        .tx_seq = ++c->tx_seq,
    };
    unsigned seq = rowseq_next(&c->seq, str_of(t->rel->label), buf_str(key));

    ev.row_version = rowversion_make(c->lsn_base, c->final_lsn, seq);
    buf_reset(value);
    event_write(value, &t->rel->head, &ev);
    c->records[c->record_count++] = (struct record){
        .table = t,
        .op = op,
        .version = ev.row_version,
        .shape = c->shape,
        .key = buf_str(key),
        .value = buf_str(value),
    };
    if (t->copying) {
        window_note(c->window, t->oid, buf_str(key), c->xid);
    }
}

/* The tombstone behind the delete that was added last. */
static void tombstone_add(struct capture *c)
{
    struct record *r = &c->records[c->record_count];

    *r = c->records[c->record_count - 1];
    r->value = (struct str){ 0 };
    c->record_count++;
}

/* A column count other than the relation's: the server and we disagree. */
static bool counts_match(const struct capture *c, const struct table *t)
{
    unsigned want = t->rel->shape.column_count;

    return (c->msg.type == PGO_DELETE || c->pgo.new_row.count == want) &&
           (!c->msg.has_old || c->pgo.old_row.count == want);
}

static const struct pgo_tuple *whole_old_row(const struct capture *c)
{
    return c->msg.has_old && c->msg.old_kind == 'O' ? &c->pgo.old_row : NULL;
}

static int insert(struct capture *c, struct table *t, uint64_t lsn,
                  struct err *e)
{
    buf_reset(&c->before);
    row_key(&c->key, t->rel, &c->pgo.new_row);
    row_write(&c->after, t->rel, &c->pgo.new_row, NULL);
    record_add(c, t, EVENT_CREATE, lsn, &c->key, &c->value);
    if (!buf_ok(&c->key) || !buf_ok(&c->after) || !buf_ok(&c->value)) {
        return refuse_row(t, lsn, &c->pgo.new_row, NULL, e);
    }
    metric_add(t->inserts, 1);
    return 0;
}

static int delete (struct capture *c, struct table *t, uint64_t lsn,
                   struct err *e)
{
    row_key(&c->key, t->rel, &c->pgo.old_row);
    row_write(&c->before, t->rel, &c->pgo.old_row, NULL);
    record_add(c, t, EVENT_DELETE, lsn, &c->key, &c->value);
    tombstone_add(c);
    if (!buf_ok(&c->key) || !buf_ok(&c->before) || !buf_ok(&c->value)) {
        return refuse_row(t, lsn, &c->pgo.old_row, NULL, e);
    }
    metric_add(t->deletes, 1);
    return 0;
}

/* A changed key: the old row goes, the new one comes (debezium-format.md 4);
   each record names the other's key in a header. */
static void key_change(struct capture *c, struct table *t, uint64_t lsn)
{
    record_add(c, t, EVENT_DELETE, lsn, &c->old_key, &c->old_value);
    tombstone_add(c);
    buf_reset(&c->before);
    record_add(c, t, EVENT_CREATE, lsn, &c->key, &c->value);
    for (unsigned i = 0; i < 2; i++) {
        c->records[i].link = "__debezium.newkey";
        c->records[i].link_key = buf_str(&c->key);
    }
    c->records[2].link = "__debezium.oldkey";
    c->records[2].link_key = buf_str(&c->old_key);
}

/* The new row's key columns that did not change are taken from the old one:
   row_key wants them all. */
static void key_fill(const struct relation *rel, struct pgo_tuple *row,
                     const struct pgo_tuple *old)
{
    for (unsigned k = 0; k < rel->shape.key_count; k++) {
        struct pgo_value *v = &row->values[rel->key_columns[k]];

        if (v->kind == PGO_UNCHANGED) {
            *v = old->values[rel->key_columns[k]];
        }
    }
}

static int update(struct capture *c, struct table *t, uint64_t lsn,
                  struct err *e)
{
    struct pgo_tuple *row = &c->pgo.new_row;
    const struct pgo_tuple *old = whole_old_row(c);
    int missing = row_unchanged(t->rel, row, old);

    if (missing >= 0) {
        char why[400];

        (void)snprintf(why, sizeof(why),
                       "the unchanged TOAST value of column \"%s\" is not in"
                       " the event; run: ALTER TABLE \"%s\".\"%s\" REPLICA"
                       " IDENTITY FULL (rows changed before that stay"
                       " affected)",
                       t->rel->shape.columns[missing].name, t->schema, t->name);
        return refuse(t, lsn, e, why);
    }
    if (c->msg.has_old) {
        key_fill(t->rel, row, &c->pgo.old_row);
    }
    row_key(&c->key, t->rel, row);
    row_write(&c->after, t->rel, row, old);
    bool moved = c->msg.has_old && !row_same_key(t->rel, row, &c->pgo.old_row);
    if (moved) {
        row_key(&c->old_key, t->rel, &c->pgo.old_row);
    }
    if (old != NULL || moved) {
        row_write(&c->before, t->rel, &c->pgo.old_row, NULL);
    }
    if (!buf_ok(&c->before)) { /* key_change resets it */
        return refuse_row(t, lsn, &c->pgo.old_row, NULL, e);
    }
    if (moved) {
        key_change(c, t, lsn);
    } else {
        record_add(c, t, EVENT_UPDATE, lsn, &c->key, &c->value);
    }
    if (!buf_ok(&c->key) || !buf_ok(&c->old_key) || !buf_ok(&c->after) ||
        !buf_ok(&c->value) || !buf_ok(&c->old_value)) {
        return refuse_row(t, lsn, row, old, e);
    }
    metric_add(t->updates, 1);
    return 0;
}

/* The table, if its rows go to a topic. */
static struct table *captured(const struct capture *c, uint32_t oid)
{
    struct table *t = tables_find(c->tables, oid);

    return t != NULL && t->captured ? t : NULL;
}

/* Rows of a table that is not captured: dropped from the selection, or put
   into the publication by someone else. Should it be adopted later, its copy
   brings the rows. */
static void ignore(struct capture *c)
{
    if (c->ignored_oid != c->msg.oid && clock_ms() >= c->ignored_say_ms) {
        c->ignored_oid = c->msg.oid;
        c->ignored_say_ms = clock_ms() + IGNORED_SAY_MS;
        log_warn("rows of a table that is not captured are ignored",
                 "oid=%" PRIu32 " lsn=%X/%X", c->msg.oid,
                 LSN_ARG(c->final_lsn));
    }
}

static int change(struct capture *c, const struct repl_msg *m,
                  enum capture_result *ret_result, struct err *e)
{
    struct table *t = captured(c, c->msg.oid);

    if (!ledger_in_transaction(c->ledger)) {
        return err_set(e, ERR_FATAL, "row outside a transaction at LSN %X/%X",
                       LSN_ARG(m->lsn));
    }
    if (t == NULL) {
        ignore(c);
        return 0;
    }
    if (t->rel == NULL) {
        return refuse(t, m->lsn, e, "row without a Relation message before it");
    }
    if (!counts_match(c, t)) {
        return refuse(t, m->lsn, e,
                      "row with another number of columns than"
                      " its Relation message");
    }
    memcpy(c->shape, t->rel->shape.fingerprint, sizeof(c->shape));
    buf_reset(&c->key);
    buf_reset(&c->old_key);
    buf_reset(&c->before);
    buf_reset(&c->after);
    buf_reset(&c->old_value);
    *ret_result = CAPTURE_RECORDS;
    if (c->msg.type == PGO_INSERT) {
        return insert(c, t, m->lsn, e);
    }
    return c->msg.type == PGO_UPDATE ? update(c, t, m->lsn, e)
                                     : delete (c, t, m->lsn, e);
}

static int begin(struct capture *c, struct err *e)
{
    if (ledger_in_transaction(c->ledger)) {
        return err_set(e, ERR_FATAL, "Begin inside a transaction at LSN %X/%X",
                       LSN_ARG(c->msg.final_lsn));
    }
    if (c->msg.final_lsn <= c->done_final_lsn) {
        return err_set(e, ERR_FATAL,
                       "transaction at LSN %X/%X after the one at %X/%X:"
                       " commit order went back",
                       LSN_ARG(c->msg.final_lsn), LSN_ARG(c->done_final_lsn));
    }
    if (!rowversion_fits(c->lsn_base, c->msg.final_lsn)) {
        return err_set(e, ERR_FATAL, "no version for a commit at LSN %X/%X",
                       LSN_ARG(c->msg.final_lsn));
    }
    c->final_lsn = c->msg.final_lsn;
    c->commit_us = c->msg.commit_us;
    c->xid = c->msg.xid;
    c->tx_seq = 0;
    c->watermark = 0;
    rowseq_begin(&c->seq);
    ledger_begin(c->ledger);
    return 0;
}

static int commit(struct capture *c, struct err *e)
{
    if (!ledger_in_transaction(c->ledger)) {
        return err_set(e, ERR_FATAL, "Commit without Begin at LSN %X/%X",
                       LSN_ARG(c->msg.final_lsn));
    }
    if (c->seq.exhausted) {
        return err_set(e, ERR_FATAL,
                       "transaction %" PRIu32 " at LSN %X/%X changes one key"
                       " more than %d times: not supported yet",
                       c->xid, LSN_ARG(c->final_lsn), ROWVERSION_SEQ_LAST);
    }
    ledger_commit(c->ledger, c->msg.end_lsn);
    c->done_final_lsn = c->final_lsn;
    c->done_end_lsn = c->msg.end_lsn;
    c->done_xid = c->xid;
    c->done_watermark = c->watermark;
    return 0;
}

static int truncate(const struct capture *c, const struct repl_msg *m,
                    struct err *e)
{
    for (unsigned i = 0; i < c->msg.truncate_count; i++) {
        const struct table *t = captured(c, c->pgo.truncated[i]);

        if (t != NULL) {
            return refuse(t, m->lsn, e,
                          "TRUNCATE is not supported yet: this version stops"
                          " here and confirms nothing past it");
        }
    }
    return 0;
}

/* One of our watermarks or heartbeats? Another pipeline's in the same database
   is not. */
static void message(struct capture *c, enum capture_result *ret_result)
{
    size_t name = strlen(c->pipeline);
    struct str s = c->msg.content;
    char digits[24];

    if (ledger_in_transaction(c->ledger) &&
        heartbeat_is(c->pipeline, c->msg.transactional, c->msg.prefix, s)) {
        *ret_result = CAPTURE_HEARTBEAT;
        return;
    }
    if (!c->msg.transactional ||
        !str_eq(c->msg.prefix, STR(CAPTURE_WATERMARK)) || s.len <= name + 1 ||
        memcmp(s.p, c->pipeline, name) != 0 || s.p[name] != ' ' ||
        s.len - name - 1 >= sizeof(digits)) {
        return;
    }
    memcpy(digits, s.p + name + 1, s.len - name - 1);
    digits[s.len - name - 1] = '\0';
    c->watermark = strtoull(digits, NULL, 10);
}

static int dispatch(struct capture *c, const struct repl_msg *m,
                    enum capture_result *ret_result, struct err *e)
{
    switch (c->msg.type) {
    case PGO_BEGIN: return begin(c, e);
    case PGO_COMMIT: *ret_result = CAPTURE_COMMITTED; return commit(c, e);
    case PGO_INSERT:
    case PGO_UPDATE:
    case PGO_DELETE: return change(c, m, ret_result, e);
    case PGO_RELATION:
        if (captured(c, c->msg.oid) != NULL) {
            *ret_result = CAPTURE_RELATION;
        }
        return 0;
    case PGO_TRUNCATE: return truncate(c, m, e);
    case PGO_MESSAGE: message(c, ret_result); return 0;
    case PGO_ORIGIN:
    case PGO_TYPE: return 0;
    }
    return err_set(e, ERR_FATAL, "unknown message type");
}

int capture_message(struct capture *c, const struct repl_msg *m,
                    enum capture_result *ret_result, struct err *e)
{
    *ret_result = CAPTURE_NOTHING;
    c->record_count = 0;
    c->done_watermark = 0;
    if (pgoutput_decode(&c->pgo, m->payload, &c->msg, e) < 0) {
        return err_wrap(e, "message at LSN %X/%X", LSN_ARG(m->lsn));
    }
    return dispatch(c, m, ret_result, e);
}
