#include "producer/publish.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "common/metrics.h"

/* A record's opaque: who waits in the two low bits, the ledger's token
   above. */
enum { FOR_BITS = 2, FOR_MASK = (1 << FOR_BITS) - 1 };

static void fail(struct publish *pub, rd_kafka_resp_err_t code,
                 const char *what)
{
    if (pub->failure.kind != ERR_NONE) {
        return; /* the first one tells the story */
    }
    (void)kafka_err(&pub->failure, code, what);
    pub->failure.kind = ERR_FATAL;
}

/* Inside rd_kafka_poll, so on the main thread: records, never acts. */
static void on_report(rd_kafka_t *rk, const rd_kafka_message_t *m, void *arg)
{
    struct publish *pub = arg;
    uintptr_t opaque = (uintptr_t)m->_private;
    enum publish_for who = (enum publish_for)(opaque & FOR_MASK);

    (void)rk;
    pub->queued_count--;
    pub->queued_bytes -= m->len + m->key_len;
    if (m->err) {
        char what[300];

        (void)snprintf(what, sizeof(what), "delivery to topic %s partition %d",
                       rd_kafka_topic_name(m->rkt), (int)m->partition);
        fail(pub, m->err, what);
        return;
    }
    if (who == PUBLISH_STREAM) {
        ledger_acked(pub->ledger, opaque >> FOR_BITS);
    } else {
        pub->outstanding[who]--;
    }
    struct table *t = rd_kafka_topic_opaque(m->rkt);
    if (t != NULL && m->partition < t->partition_count) {
        if (m->offset >= t->ends[m->partition]) {
            t->ends[m->partition] = m->offset + 1;
            t->dirty = true;
        }
        metric_add(t->published, 1);
    }
}

/* Errors without a message: only fatal ones matter, the rest heals. */
static void on_error(rd_kafka_t *rk, int code, const char *reason, void *arg)
{
    struct publish *pub = arg;

    (void)reason;
    if (code == RD_KAFKA_RESP_ERR__FATAL) {
        char text[400];
        rd_kafka_resp_err_t real = rd_kafka_fatal_error(rk, text, sizeof(text));

        fail(pub, real, text);
    }
}

static int configure(rd_kafka_conf_t *conf, struct err *e)
{
    static const char *const settings[][2] = {
        { "acks", "all" },
        { "enable.idempotence", "true" },
        { "message.timeout.ms", "0" },
        { "linger.ms", "1" }, /* performance.md 5: never 0 */
        { "batch.num.messages", "100000" },
        { "queue.buffering.max.messages", "1000000" },
        { "message.max.bytes", "16777216" },
        { "partitioner", "murmur2_random" },
        { "topic.metadata.refresh.interval.ms", "60000" },
    };
    char kbytes[16];

    for (unsigned i = 0; i < COUNT_OF(settings); i++) {
        if (kafka_set(conf, settings[i][0], settings[i][1], e) < 0) {
            return -1;
        }
    }
    static_assert(PUBLISH_RECORD_BYTES_MAX == 16777216,
                  "message.max.bytes above");
    (void)snprintf(kbytes, sizeof(kbytes), "%d", PUBLISH_QUEUE_KBYTES);
    return kafka_set(conf, "queue.buffering.max.kbytes", kbytes, e);
}

int publish_open(struct publish *pub, const char *brokers,
                 struct ledger *ledger, struct err *e)
{
    rd_kafka_conf_t *conf = kafka_conf(brokers, "cdc-producer", e);

    pub->wake[0] = pub->wake[1] = -1;
    pub->ledger = ledger;
    if (conf == NULL) {
        return -1;
    }
    if (configure(conf, e) < 0) {
        rd_kafka_conf_destroy(conf);
        return -1;
    }
    rd_kafka_conf_set_dr_msg_cb(conf, on_report);
    rd_kafka_conf_set_error_cb(conf, on_error);
    rd_kafka_conf_set_opaque(conf, pub);
    pub->rk = kafka_new(RD_KAFKA_PRODUCER, conf, e);
    if (pub->rk == NULL) {
        return -1;
    }
    if (pipe2(pub->wake, O_CLOEXEC | O_NONBLOCK) < 0) {
        return err_set(e, ERR_FATAL, "pipe: %s", strerror(errno));
    }
    pub->main_queue = rd_kafka_queue_get_main(pub->rk);
    rd_kafka_queue_io_event_enable(pub->main_queue, pub->wake[1], "1", 1);
    return 0;
}

int publish_topic(struct publish *pub, struct table *t, struct err *e)
{
    if (t->rkt != NULL) {
        return 0;
    }
    /* A conf of its own has none of what configure() set for topics (acks,
       message.timeout.ms, partitioner): begin with those. */
    rd_kafka_topic_conf_t *conf = rd_kafka_default_topic_conf_dup(pub->rk);

    rd_kafka_topic_conf_set_opaque(conf, t);
    rd_kafka_topic_t *rkt = rd_kafka_topic_new(pub->rk, t->topic, conf);
    if (rkt == NULL) { /* it took conf all the same */
        return kafka_err(e, rd_kafka_last_error(), t->topic);
    }
    /* librdkafka keeps one object per topic, with the conf of its first use,
       and says nothing of a second one. */
    if (rd_kafka_topic_opaque(rkt) != t) {
        rd_kafka_topic_destroy(rkt);
        return err_set(e, ERR_FATAL, "topic %s is in use for something else",
                       t->topic);
    }
    t->rkt = rkt;
    t->published = metric_get(
        metric_family(METRIC_COUNTER, "cdc_kafka_messages_published_total",
                      "topic", "Records acknowledged by Kafka"),
        (const char *const[]){ t->topic });
    return 0;
}

static enum publish_result sent(struct publish *pub, rd_kafka_error_t *error,
                                const char *topic, struct err *e)
{
    if (error == NULL) {
        return PUBLISH_SENT;
    }
    rd_kafka_resp_err_t code = rd_kafka_error_code(error);
    rd_kafka_error_destroy(error);
    if (code == RD_KAFKA_RESP_ERR__QUEUE_FULL) {
        return PUBLISH_FULL;
    }
    fail(pub, code, topic);
    *e = pub->failure;
    return PUBLISH_FAILED;
}

static unsigned decimal(char *at, uint64_t n)
{
    char text[20];
    unsigned len = 0;

    do {
        text[len++] = (char)('0' + n % 10);
        n /= 10;
    } while (n > 0);
    for (unsigned i = 0; i < len; i++) {
        at[i] = text[len - 1 - i];
    }
    return len;
}

static rd_kafka_vu_t header(const char *name, const void *value, size_t len)
{
    return (rd_kafka_vu_t){ .vtype = RD_KAFKA_VTYPE_HEADER,
                            .u.header = { name, value, (ssize_t)len } };
}

/* Who waits for the report of what was handed over, or was not. */
static void account(struct publish *pub, enum publish_result result,
                    size_t bytes, enum publish_for who, uintptr_t token)
{
    if (result == PUBLISH_SENT) {
        pub->queued_count++;
        pub->queued_bytes += bytes;
    }
    if (result != PUBLISH_SENT && who == PUBLISH_STREAM) {
        ledger_acked(pub->ledger, token); /* nothing went out: take it back */
    } else if (result == PUBLISH_SENT && who != PUBLISH_STREAM) {
        pub->outstanding[who]++;
    }
}

enum publish_result publish_record(struct publish *pub,
                                   const struct record *rec,
                                   enum publish_for who, struct err *e)
{
    char version[20], op = (char)rec->op;
    uintptr_t token = 0;
    rd_kafka_vu_t vus[9] = {
        { .vtype = RD_KAFKA_VTYPE_RKT, .u.rkt = rec->table->rkt },
        { .vtype = RD_KAFKA_VTYPE_KEY,
          .u.mem = { (void *)(uintptr_t)rec->key.p, rec->key.len } },
        { .vtype = RD_KAFKA_VTYPE_VALUE,
          .u.mem = { (void *)(uintptr_t)rec->value.p, rec->value.len } },
        { .vtype = RD_KAFKA_VTYPE_MSGFLAGS, .u.i = RD_KAFKA_MSG_F_COPY },
        header(EVENT_HEADER_VERSION, version, decimal(version, rec->version)),
        header(EVENT_HEADER_OP, &op, 1),
        header(EVENT_HEADER_SCHEMA, rec->shape, 16),
        { .vtype = RD_KAFKA_VTYPE_OPAQUE },
    };
    size_t count = 8;

    if (rec->link) {
        vus[count++] = header(rec->link, rec->link_key.p, rec->link_key.len);
    }
    if (who == PUBLISH_STREAM) {
        token = ledger_sent(pub->ledger);
    }
    vus[7].u.ptr = (void *)(token << FOR_BITS | who);
    enum publish_result result = sent(
        pub, rd_kafka_produceva(pub->rk, vus, count), rec->table->topic, e);
    account(pub, result, rec->key.len + rec->value.len, who, token);
    return result;
}

enum publish_result publish_control(struct publish *pub, const char *topic,
                                    struct str key, struct str value,
                                    enum publish_for who, struct err *e)
{
    uintptr_t token = who == PUBLISH_STREAM ? ledger_sent(pub->ledger) : 0;
    rd_kafka_vu_t vus[] = {
        { .vtype = RD_KAFKA_VTYPE_TOPIC, .u.cstr = topic },
        { .vtype = RD_KAFKA_VTYPE_PARTITION, .u.i32 = 0 },
        { .vtype = RD_KAFKA_VTYPE_KEY,
          .u.mem = { (void *)(uintptr_t)key.p, key.len } },
        { .vtype = RD_KAFKA_VTYPE_VALUE,
          .u.mem = { (void *)(uintptr_t)value.p, value.len } },
        { .vtype = RD_KAFKA_VTYPE_MSGFLAGS, .u.i = RD_KAFKA_MSG_F_COPY },
        { .vtype = RD_KAFKA_VTYPE_OPAQUE,
          .u.ptr = (void *)(token << FOR_BITS | who) },
    };
    enum publish_result result =
        sent(pub, rd_kafka_produceva(pub->rk, vus, COUNT_OF(vus)), topic, e);

    account(pub, result, key.len + value.len, who, token);
    return result;
}

int publish_shape(struct publish *pub, const char *topic, struct table *t,
                  const struct shape *shape, struct err *e)
{
    struct buf key, value;

    buf_init(&key, 1 << 16);
    buf_init(&value, PUBLISH_RECORD_BYTES_MAX);
    shape_write_key(&key, shape);
    shape_write(&value, shape);
    CHECK(buf_ok(&key) && buf_ok(&value)); /* names were written before */
    enum publish_result result = publish_control(
        pub, topic, buf_str(&key), buf_str(&value), PUBLISH_SCHEMA, e);
    if (result == PUBLISH_SENT) {
        memcpy(t->shape, shape->fingerprint, sizeof(t->shape));
    }
    buf_fini(&value);
    buf_fini(&key);
    return result == PUBLISH_FAILED ? -1 : 0;
}

int publish_poll(struct publish *pub, int wait_ms, struct err *e)
{
    char drop[64];

    while (read(pub->wake[0], drop, sizeof(drop)) == sizeof(drop)) {
        /* the pipe only wakes: what it holds means nothing */
    }
    /* io_event fires when an empty queue gets an element: drain it, or the
       next wait sleeps over what is left */
    while (rd_kafka_poll(pub->rk, wait_ms) > 0) {
        wait_ms = 0;
    }
    if (pub->failure.kind != ERR_NONE) {
        *e = pub->failure;
        return -1;
    }
    return 0;
}

int publish_fd(const struct publish *pub)
{
    return pub->wake[0];
}

int publish_flush(struct publish *pub, int wait_ms, struct err *e)
{
    rd_kafka_resp_err_t code = rd_kafka_flush(pub->rk, wait_ms);

    if (publish_poll(pub, 0, e) < 0) {
        return -1;
    }
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return kafka_err(e, code, "waiting for acknowledgements");
    }
    return 0;
}

void publish_topic_close(struct table *t)
{
    if (t->rkt) {
        rd_kafka_topic_destroy(t->rkt);
        t->rkt = NULL;
    }
}

void publish_close(struct publish *pub)
{
    if (pub->main_queue) {
        rd_kafka_queue_io_event_enable(pub->main_queue, -1, NULL, 0);
        rd_kafka_queue_destroy(pub->main_queue);
    }
    if (pub->rk) {
        /* what is left unsent is read from the slot again next time */
        (void)rd_kafka_purge(pub->rk, RD_KAFKA_PURGE_F_QUEUE |
                                          RD_KAFKA_PURGE_F_INFLIGHT);
        (void)rd_kafka_flush(pub->rk, 100);
        rd_kafka_destroy(pub->rk);
    }
    for (int i = 0; i < 2; i++) {
        if (pub->wake[i] > 0) { /* 0: never opened */
            (void)close(pub->wake[i]);
        }
    }
    *pub = (struct publish){ .wake = { -1, -1 } };
}
