#include "common/shapes.h"

#include "common/clock.h"
#include "common/stop.h"
#include "common/topics.h"

enum {
    END_MS = 30 * 1000, /* to the topic's end, when the broker goes away */
    STEP_MS = 200,
};

struct shapes {
    rd_kafka_t *rk;
    rd_kafka_topic_t *rkt;
    bool at_end;
    struct shape **list;
    unsigned count, cap;
};

const struct shape *shapes_find(const struct shapes *s, struct str topic,
                                struct str fingerprint)
{
    for (unsigned i = 0; i < s->count; i++) {
        const struct shape *shape = s->list[i];

        if (str_eq(fingerprint, str_of(shape->fingerprint)) &&
            str_eq(topic, str_of(shape->topic))) {
            return shape;
        }
    }
    return NULL;
}

unsigned shapes_count(const struct shapes *s)
{
    return s->count;
}

const struct shape *shapes_at(const struct shapes *s, unsigned i)
{
    CHECK(i < s->count);
    return s->list[i];
}

/* Takes `shape` in every case. One that is known already is published again
   when a table goes back to an earlier shape: the first stays, items point
   to it. */
static void keep(struct shapes *s, struct shape *shape)
{
    if (shapes_find(s, str_of(shape->topic), str_of(shape->fingerprint))) {
        shape_fini(shape);
        return;
    }
    if (s->count == s->cap) {
        s->cap = s->cap ? s->cap * 2 : 32;
        s->list = xrealloc(s->list, s->cap, sizeof(struct shape *));
    }
    s->list[s->count] = xcalloc(1, sizeof(struct shape));
    *s->list[s->count] = *shape;
    s->count++;
}

static int take(struct shapes *s, const rd_kafka_message_t *msg, struct err *e)
{
    struct shape shape = { 0 };

    if (!msg->payload) {
        return 0; /* a shape taken out of the topic by hand */
    }
    if (shape_read((struct str){ msg->payload, msg->len }, &shape, e) < 0) {
        if (e) {
            e->kind = ERR_FATAL;
        }
        return err_wrap(e, "%s [0] offset %lld", rd_kafka_topic_name(s->rkt),
                        (long long)msg->offset);
    }
    keep(s, &shape);
    return 0;
}

static int on_message(struct shapes *s, const rd_kafka_message_t *msg,
                      struct err *e)
{
    switch ((int)msg->err) {
    case RD_KAFKA_RESP_ERR_NO_ERROR: return take(s, msg, e);
    case RD_KAFKA_RESP_ERR__PARTITION_EOF: s->at_end = true; return 0;
    case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
    case RD_KAFKA_RESP_ERR__BAD_MSG:
    case RD_KAFKA_RESP_ERR__BAD_COMPRESSION:
    case RD_KAFKA_RESP_ERR__NOT_IMPLEMENTED:
        return err_set(e, ERR_FATAL, "%s [0] offset %lld: cannot be read: %s",
                       rd_kafka_topic_name(s->rkt), (long long)msg->offset,
                       rd_kafka_message_errstr(msg));
    default: return 0; /* librdkafka asks again by itself */
    }
}

int shapes_poll(struct shapes *s, int wait_ms, struct err *e)
{
    int rc = 0;

    while (rc == 0) {
        rd_kafka_message_t *msg = rd_kafka_consume(s->rkt, 0, wait_ms);

        if (!msg) {
            break;
        }
        rc = on_message(s, msg, e);
        rd_kafka_message_destroy(msg);
        wait_ms = 0;
    }
    (void)rd_kafka_poll(s->rk, 0); /* its log and error events */
    return rc;
}

static int reader_new(struct shapes *s, const char *brokers, struct err *e)
{
    static const struct {
        const char *name, *value;
    } settings[] = {
        { "enable.partition.eof", "true" },
        { "auto.offset.reset", "error" },
        { "topic.metadata.refresh.interval.ms", "3000" },
        { "queued.max.messages.kbytes", "4096" },
        { "fetch.max.bytes", "4194304" },
        { "check.crcs", "true" },
    };
    rd_kafka_conf_t *conf = kafka_conf(brokers, "cdc-sink-schema", e);
    int rc = conf ? 0 : -1;

    for (size_t i = 0; i < COUNT_OF(settings) && rc == 0; i++) {
        rc = kafka_set(conf, settings[i].name, settings[i].value, e);
    }
    if (rc < 0) {
        if (conf) {
            rd_kafka_conf_destroy(conf);
        }
        return -1;
    }
    s->rk = kafka_new(RD_KAFKA_CONSUMER, conf, e);
    return s->rk ? 0 : -1;
}

static int read_to_end(struct shapes *s, struct err *e)
{
    int64_t deadline_ms = clock_ms() + END_MS;

    while (!s->at_end) {
        if (shapes_poll(s, STEP_MS, e) < 0) {
            return -1;
        }
        if (stop_requested() || clock_left_ms(deadline_ms) == 0) {
            return err_set(e, ERR_RETRY,
                           "the schema topic %s could not be read to its end",
                           rd_kafka_topic_name(s->rkt));
        }
    }
    return 0;
}

int shapes_open(struct shapes **ret_shapes, const char *brokers,
                const char *topic, struct err *e)
{
    struct shapes *s = xcalloc(1, sizeof(*s));
    int partitions;

    if (reader_new(s, brokers, e) < 0 ||
        topic_partitions(s->rk, topic, &partitions, e) < 0) {
        goto fail;
    }
    s->rkt = rd_kafka_topic_new(s->rk, topic, NULL);
    if (!s->rkt ||
        rd_kafka_consume_start(s->rkt, 0, RD_KAFKA_OFFSET_BEGINNING) < 0) {
        err_set(e, ERR_FATAL, "cannot read topic %s: %s", topic,
                rd_kafka_err2str(rd_kafka_last_error()));
        goto fail;
    }
    /* A topic that is not there yet is picked up when it comes. */
    if (partitions > 0 && read_to_end(s, e) < 0) {
        goto fail;
    }
    *ret_shapes = s;
    return 0;
fail:
    shapes_close(s);
    return -1;
}

void shapes_close(struct shapes *s)
{
    if (!s) {
        return;
    }
    if (s->rkt) {
        (void)rd_kafka_consume_stop(s->rkt, 0);
        rd_kafka_topic_destroy(s->rkt);
    }
    if (s->rk) {
        rd_kafka_destroy(s->rk);
    }
    for (unsigned i = 0; i < s->count; i++) {
        shape_fini(s->list[i]);
        xfree(s->list[i]);
    }
    xfree(s->list);
    xfree(s);
}
