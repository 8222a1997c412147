#include "common/kafka.h"

#include "common/clock.h"
#include "common/log.h"
#include "common/stop.h"
#include "common/topics.h"

enum {
    ERR_TEXT_BYTES = 512,
    PING_STEP_MS = 1000,     /* how soon a stop is noticed */
    READ_STEP_MS = 200,      /* the same, while reading a topic */
    READ_SILENCE_MS = 30000, /* no record for so long is an outage */
};

/* librdkafka calls a broker that is away an error and tries again: a warning
   here. What it cannot go on with comes back to us as a code and is logged by
   the loop that decides. */
static enum log_level level_of(int syslog_level)
{
    switch (syslog_level) {
    case 0:
    case 1:
    case 2: return LOG_ERROR;
    case 3:
    case 4: return LOG_WARN;
    case 5:
    case 6: return LOG_INFO;
    default: return LOG_DEBUG;
    }
}

/* Runs on librdkafka's threads. */
static void on_log(const rd_kafka_t *rk, int level, const char *facility,
                   const char *text)
{
    /* "[thrd:127.0.0.1:9092/bootstrap]: what happened" */
    const char *rest =
        strncmp(text, "[thrd:", 6) == 0 ? strstr(text, "]: ") : NULL;

    (void)rk;
    log_line(level_of(level), "kafka client", "facility=%s text=%s", facility,
             rest ? rest + 3 : text);
}

int kafka_set(rd_kafka_conf_t *conf, const char *name, const char *value,
              struct err *e)
{
    char text[ERR_TEXT_BYTES] = "";

    if (rd_kafka_conf_set(conf, name, value, text, sizeof(text)) !=
        RD_KAFKA_CONF_OK) {
        return err_set(e, ERR_CONFIG, "kafka property %s: %s", name, text);
    }
    return 0;
}

rd_kafka_conf_t *kafka_conf(const char *brokers, const char *client_id,
                            struct err *e)
{
    const char *const settings[][2] = {
        { "bootstrap.servers", brokers },
        { "client.id", client_id },
        { "broker.address.family", "any" },
        { "socket.keepalive.enable", "true" },
        { "socket.connection.setup.timeout.ms", "10000" },
        /* a broker that restarts is back within seconds: find it then */
        { "reconnect.backoff.max.ms", "1000" },
        { "log.connection.close", "false" },
        { "allow.auto.create.topics", "false" },
    };
    rd_kafka_conf_t *conf;

    if (!brokers || !*brokers) {
        (void)err_set(e, ERR_CONFIG,
                      "no Kafka brokers: set KAFKA_BROKERS to "
                      "host:port, several with commas");
        return NULL;
    }
    conf = rd_kafka_conf_new();
    rd_kafka_conf_set_log_cb(conf, on_log);
    for (size_t i = 0; i < COUNT_OF(settings); i++) {
        if (kafka_set(conf, settings[i][0], settings[i][1], e) < 0) {
            rd_kafka_conf_destroy(conf);
            return NULL;
        }
    }
    return conf;
}

rd_kafka_t *kafka_new(rd_kafka_type_t type, rd_kafka_conf_t *conf,
                      struct err *e)
{
    char text[ERR_TEXT_BYTES] = "";
    rd_kafka_t *rk = rd_kafka_new(type, conf, text, sizeof(text));

    if (!rk) {
        rd_kafka_conf_destroy(conf); /* rd_kafka_new takes it on success */
        (void)err_set(e, ERR_CONFIG, "kafka client: %s", text);
    }
    return rk;
}

int kafka_err(struct err *e, rd_kafka_resp_err_t code, const char *what)
{
    bool fatal = code == RD_KAFKA_RESP_ERR__FATAL;

    return err_set(e, fatal ? ERR_FATAL : ERR_RETRY, "%s: %s", what,
                   rd_kafka_err2str(code));
}

int kafka_ping(rd_kafka_t *rk, int timeout_ms, struct err *e)
{
    int64_t deadline_ms = clock_ms() + timeout_ms;
    rd_kafka_resp_err_t code;

    do {
        const struct rd_kafka_metadata *metadata = NULL;
        int left_ms = clock_left_ms(deadline_ms);

        code =
            rd_kafka_metadata(rk, 0, NULL, &metadata,
                              left_ms < PING_STEP_MS ? left_ms : PING_STEP_MS);
        if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
            rd_kafka_metadata_destroy(metadata);
            return 0;
        }
    } while (clock_left_ms(deadline_ms) > 0 && !stop_requested());
    return err_set(e, ERR_UNREACHABLE, "no Kafka broker answers: %s",
                   rd_kafka_err2str(code));
}

struct str kafka_header(const rd_kafka_headers_t *headers, const char *name)
{
    const void *value = NULL;
    size_t size = 0;

    if (!headers || rd_kafka_header_get_last(headers, name, &value, &size) !=
                        RD_KAFKA_RESP_ERR_NO_ERROR) {
        return (struct str){ NULL, 0 };
    }
    return (struct str){ value ? value : "", size };
}

/* One reading of a topic: from its beginning up to `end`. */
struct reading {
    const char *topic;
    kafka_each_fn *each;
    void *arg;
    int64_t end;  /* the high watermark when it began */
    int64_t next; /* the offset behind the last record seen */
};

static int message_take(struct reading *r, const rd_kafka_message_t *m,
                        struct err *e)
{
    struct str key = { m->key, m->key_len }, value = { m->payload, m->len };

    if (m->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
        r->next = m->offset > r->next ? m->offset : r->next;
        return 0;
    }
    if (m->err == RD_KAFKA_RESP_ERR__TRANSPORT ||
        m->err == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN) {
        return 0; /* librdkafka reconnects; silence has its own limit */
    }
    if (m->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return kafka_err(e, m->err, "reading");
    }
    r->next = m->offset + 1;
    /* records of others that came after we began are not asked for */
    return m->offset < r->end ? r->each(r->arg, key, value, e) : 0;
}

static int topic_consume(struct reading *r, rd_kafka_topic_t *rkt,
                         struct err *e)
{
    int64_t deadline_ms = clock_ms() + READ_SILENCE_MS;
    int rc = 0;

    while (rc == 0 && r->next < r->end) {
        rd_kafka_message_t *m = rd_kafka_consume(rkt, 0, READ_STEP_MS);
        int64_t before = r->next;

        if (stop_requested()) {
            rc = err_set(e, ERR_RETRY, "a stop was requested");
        } else if (m) {
            rc = message_take(r, m, e);
        }
        if (m) {
            rd_kafka_message_destroy(m);
        }
        if (r->next > before) {
            deadline_ms = clock_ms() + READ_SILENCE_MS;
        } else if (rc == 0 && clock_left_ms(deadline_ms) == 0) {
            rc = err_set(e, ERR_RETRY,
                         "no record for %d s at offset %lld "
                         "of %lld",
                         READ_SILENCE_MS / 1000, (long long)r->next,
                         (long long)r->end);
        }
    }
    return rc;
}

static int topic_read(rd_kafka_t *rk, struct reading *r, struct err *e)
{
    rd_kafka_topic_t *rkt = rd_kafka_topic_new(rk, r->topic, NULL);
    int rc;

    if (!rkt) {
        return kafka_err(e, rd_kafka_last_error(), "opening");
    }
    if (rd_kafka_consume_start(rkt, 0, RD_KAFKA_OFFSET_BEGINNING) != 0) {
        rc = kafka_err(e, rd_kafka_last_error(), "starting to read");
    } else {
        rc = topic_consume(r, rkt, e);
        (void)rd_kafka_consume_stop(rkt, 0); /* nothing left to fail for */
    }
    rd_kafka_topic_destroy(rkt);
    return rc;
}

/* A consumer without a group: nothing is committed, so nothing but the topic
   itself need be readable. */
static rd_kafka_t *reader_new(const char *brokers, const char *client_id,
                              struct err *e)
{
    rd_kafka_conf_t *conf = kafka_conf(brokers, client_id, e);

    if (!conf) {
        return NULL;
    }
    if (kafka_set(conf, "enable.partition.eof", "true", e) < 0 ||
        kafka_set(conf, "enable.auto.commit", "false", e) < 0 ||
        kafka_set(conf, "auto.offset.reset", "error", e) < 0 ||
        kafka_set(conf, "check.crcs", "true", e) < 0) {
        rd_kafka_conf_destroy(conf);
        return NULL;
    }
    return kafka_new(RD_KAFKA_CONSUMER, conf, e);
}

int kafka_read_all(const char *brokers, const char *client_id,
                   const char *topic, kafka_each_fn *each, void *arg,
                   bool *ret_exists, int64_t *ret_end, struct err *e)
{
    struct reading r = { .topic = topic, .each = each, .arg = arg };
    rd_kafka_t *rk = reader_new(brokers, client_id, e);
    int partitions, rc = -1;

    if (!rk) {
        return -1;
    }
    if (topic_partitions(rk, topic, &partitions, e) < 0) {
        goto out;
    }
    if (partitions > 0 &&
        (topic_end(rk, topic, 0, &r.end, e) < 0 || topic_read(rk, &r, e) < 0)) {
        (void)err_wrap(e, "topic %s", topic);
        goto out;
    }
    *ret_exists = partitions > 0;
    *ret_end = r.end;
    rc = 0;
out:
    rd_kafka_destroy(rk);
    return rc;
}
