#include "common/intake.h"

#include "common/clock.h"
#include "common/kafka.h"
#include "common/log.h"
#include "common/record.h"
#include "common/slice.h"
#include "common/stop.h"

enum {
    POLL_MS = 100, /* so often a stop is noticed */
    FILL_MS = 500, /* beyond the linger: a batch leaves though its source
                      never runs dry */
};

enum fill { FILL_FAILED = -1, FILL_IDLE, FILL_MORE, FILL_CUT };

int intake_serve(struct intake *in, int wait_ms, struct group_msg *ret_msg,
                 struct err *e)
{
    if (group_poll(in->group, wait_ms, ret_msg, e) < 0) {
        return -1;
    }
    if (group_epoch(in->group) != in->epoch) {
        in->epoch = group_epoch(in->group);
        batch_reset(&in->batch);
    }
    return 0;
}

int intake_wait(struct intake *in, int wait_ms, struct err *e)
{
    int64_t deadline_ms = clock_ms() + wait_ms;
    struct group_msg none;

    group_pause(in->group, true);
    while (clock_left_ms(deadline_ms) > 0 && in->batch.count > 0 &&
           !stop_requested()) {
        int left_ms = clock_left_ms(deadline_ms);

        if (intake_serve(in, left_ms < POLL_MS ? left_ms : POLL_MS, &none, e) <
            0) {
            return -1;
        }
    }
    return 0;
}

/* ---- one message ------------------------------------------------------ */

static int position(struct err *e, const struct group_msg *m)
{
    return err_wrap(e, "%s [%d] offset %lld", m->part->topic,
                    (int)m->part->partition, (long long)m->msg->offset);
}

static struct record cut_record(rd_kafka_message_t *msg)
{
    rd_kafka_headers_t *headers = NULL;

    (void)rd_kafka_message_headers(msg, &headers); /* none: all absent */
    return (struct record){
        .key = { msg->key, msg->key_len },
        .value = { msg->payload, msg->len },
        .version = kafka_header(headers, EVENT_HEADER_VERSION),
        .op = kafka_header(headers, EVENT_HEADER_OP),
        .fingerprint = kafka_header(headers, EVENT_HEADER_SCHEMA),
        .unavailable = kafka_header(headers, "cdc-unavailable"),
    };
}

static int check_profile(const struct shape *shape, struct err *e)
{
    if (strcmp(shape->profile, "sink") == 0) {
        return 0;
    }
    return err_set(e, ERR_FATAL,
                   "the producer writes profile \"%s\" and this sink reads "
                   "\"sink\": run a pipeline of its own name with profile "
                   "sink for the sinks",
                   shape->profile);
}

static int no_shape(struct intake *in, const struct group_msg *m,
                    struct str fingerprint, struct err *e)
{
    if (m->part->table) {
        table_error(in->tables, m->part->table, "schema");
    }
    (void)err_set(e, ERR_FATAL,
                  "its shape %.*s is not in topic %s after %d s: was the "
                  "schema topic deleted? A resync of the table publishes its "
                  "shape again",
                  STR_ARG(fingerprint), in->schema_topic,
                  SHAPES_WAIT_MS / 1000);
    return position(e, m);
}

/* Waits until the shape of the message, which the group holds again, is
   there: it was acknowledged before the event, so it cannot be far. */
static int wait_for_shape(struct intake *in, const struct group_msg *m,
                          struct str fingerprint, struct err *e)
{
    int64_t deadline_ms = clock_ms() + SHAPES_WAIT_MS;
    struct str topic = str_of(m->part->topic);
    unsigned epoch = in->epoch;
    struct group_msg none;

    log_warn("waiting for a shape", "topic=%s schema=%.*s", m->part->topic,
             STR_ARG(fingerprint));
    intake_lag(in);
    group_pause(in->group, true);
    while (!shapes_find(in->shapes, topic, fingerprint)) {
        if (clock_left_ms(deadline_ms) == 0) {
            return no_shape(in, m, fingerprint, e);
        }
        if (shapes_poll(in->shapes, POLL_MS, e) < 0 ||
            intake_serve(in, 0, &none, e) < 0) {
            return -1;
        }
        if (in->epoch != epoch || stop_requested()) {
            break; /* the message may be gone, and what `m` points to */
        }
    }
    group_pause(in->group, false);
    return 0;
}

/* The item is complete and joins the batch. */
static void keep(struct intake *in, struct item *it, const struct group_msg *m,
                 const struct shape *shape)
{
    it->msg = m->msg;
    it->part = m->part;
    it->shape = shape;
    it->partition = m->msg->partition;
    it->offset = m->msg->offset;
    batch_keep(&in->batch);
    offsets_add(&m->part->offsets, m->msg->offset);
    m->part->held_us = 0;
    if (!m->part->table) {
        m->part->table = tables_get(in->tables, shape);
    }
    if (!it->ev.tombstone) {
        m->part->last_us = it->ev.commit_us;
    }
}

/* Nothing is in front of the record any more: it stops the process. */
static enum fill refuse(struct intake *in, const struct group_msg *m,
                        struct err *e)
{
    if (m->part->table) {
        table_error(in->tables, m->part->table, "decode");
    }
    (void)position(e, m);
    rd_kafka_message_destroy(m->msg);
    return FILL_FAILED;
}

/* {"ts_ms":...,"ts_us":...}; what else may stand there is no reason to stop. */
static void heartbeat_take(struct intake *in, const struct group_msg *m)
{
    struct str value = { m->msg->payload, m->msg->len }, text;
    uint64_t us;

    if (slice_find(value, STR("ts_us"), &text) == SLICE_ITEM &&
        slice_u64(text, &us) && us < INT64_MAX) {
        metric_time_raise(&in->heartbeat, (int64_t)us);
    }
    offsets_add(&m->part->offsets, m->msg->offset);
    offsets_settle(&m->part->offsets, m->msg->offset);
    rd_kafka_message_destroy(m->msg);
}

static enum fill admit(struct intake *in, const struct group_msg *m,
                       struct err *e)
{
    struct record r = cut_record(m->msg);
    struct item *it = batch_next(&in->batch);
    const struct shape *shape = NULL;
    int rc = record_read(&r, it, e);

    if (!m->part->table) {
        m->part->table = tables_find(in->tables, m->part->topic);
    }
    if (rc == 0) {
        shape = shapes_find(in->shapes, str_of(m->part->topic), r.fingerprint);
        rc = shape ? check_profile(shape, e) : 0;
    }
    if (rc == 0 && shape) {
        keep(in, it, m, shape);
        return FILL_MORE;
    }
    if (rc < 0 && in->batch.count == 0) {
        return refuse(in, m, e);
    }
    group_unread(in->group, *m);
    if (in->batch.count > 0) {
        return FILL_CUT;
    }
    m->part->held_us = it->ev.commit_us;
    return wait_for_shape(in, m, r.fingerprint, e) < 0 ? FILL_FAILED
                                                       : FILL_IDLE;
}

/* ---- a batch ---------------------------------------------------------- */

/* How long to wait for the next message; -1: the batch goes as it is. */
static int wait_ms_of(const struct intake *in)
{
    int64_t age_ms = clock_ms() - in->batch.born_ms;

    if (in->batch.count == 0) {
        return POLL_MS;
    }
    if (batch_full(&in->batch, &in->limits) ||
        age_ms > in->linger_ms + FILL_MS) {
        return -1;
    }
    return age_ms < in->linger_ms ? (int)(in->linger_ms - age_ms) : 0;
}

int intake_fill(struct intake *in, struct err *e)
{
    while (!stop_requested()) {
        int wait_ms = wait_ms_of(in);
        struct group_msg m;
        enum fill got;

        if (wait_ms < 0) {
            return 0;
        }
        if (intake_serve(in, wait_ms, &m, e) < 0) {
            return -1;
        }
        if (m.msg && !m.part->table &&
            consumer_is_heartbeat(in->prefix, m.part->topic)) {
            heartbeat_take(in, &m);
            continue;
        }
        got = m.msg ? admit(in, &m, e) : FILL_IDLE;
        if (got == FILL_FAILED) {
            return -1;
        }
        if (got == FILL_CUT ||
            (got == FILL_IDLE && (wait_ms == 0 || in->batch.count == 0))) {
            return 0;
        }
    }
    return 0;
}

/* ---- lag -------------------------------------------------------------- */

static void see_part(void *arg, const struct part *p, bool behind)
{
    (void)arg;
    if (p->table) {
        table_lag_see(p->table, p->held_us);
        table_lag_see(p->table, behind ? p->last_us : 0);
    }
}

void intake_lag(struct intake *in)
{
    tables_lag_begin(in->tables);
    group_each(in->group, see_part, NULL);
    for (unsigned i = 0; i < in->batch.count; i++) {
        const struct item *it = &in->batch.items[i];

        table_lag_see(it->part->table, it->ev.commit_us);
    }
    tables_lag_end(in->tables);
}
