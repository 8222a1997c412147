/* links: cdc_kafka */
/* kafka.h and topics.h against librdkafka's mock cluster; creating topics
   needs a real broker (the end-to-end tests). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include "common/kafka.h"
#include "common/log.h"
#include "common/topics.h"

static rd_kafka_t *producer; /* owns the cluster */
static rd_kafka_mock_cluster_t *cluster;
static const char *brokers;

static int begin(void **state)
{
    struct err e = { 0 };
    rd_kafka_conf_t *conf = kafka_conf("unused:1", "test", &e);

    (void)state;
    log_init("test", LOG_ERROR, LOG_LOGFMT);
    if (!conf || kafka_set(conf, "test.mock.num.brokers", "1", &e) < 0 ||
        kafka_set(conf, "batch.size", "400", &e) < 0) {
        return -1;
    }
    producer = kafka_new(RD_KAFKA_PRODUCER, conf, &e);
    cluster = producer ? rd_kafka_handle_mock_cluster(producer) : NULL;
    if (!cluster) {
        return -1;
    }
    brokers = rd_kafka_mock_cluster_bootstraps(cluster);
    return rd_kafka_mock_topic_create(cluster, "state", 1, 1) ||
           rd_kafka_mock_topic_create(cluster, "empty", 1, 1) ||
           rd_kafka_mock_topic_create(cluster, "six", 6, 1);
}

static int end(void **state)
{
    (void)state;
    rd_kafka_destroy(producer);
    return 0;
}

static void configuration_errors(void **state)
{
    struct err e = { 0 };
    rd_kafka_conf_t *conf;

    (void)state;
    assert_null(kafka_conf("", "test", &e));
    assert_int_equal(e.kind, ERR_CONFIG);
    assert_non_null(strstr(e.text, "KAFKA_BROKERS"));
    assert_null(kafka_conf(NULL, "test", &e));
    conf = kafka_conf("localhost:1", "test", &e);
    assert_non_null(conf);
    assert_int_equal(kafka_set(conf, "no.such", "1", &e), -1);
    assert_int_equal(e.kind, ERR_CONFIG);
    assert_non_null(strstr(e.text, "no.such"));
    assert_int_equal(kafka_set(conf, "linger.ms", "-5", &e), -1);
    assert_int_equal(kafka_set(conf, "linger.ms", "5", &e), 0);
    rd_kafka_conf_destroy(conf);
}

static void codes(void **state)
{
    struct err e;

    (void)state;
    assert_int_equal(kafka_err(&e, RD_KAFKA_RESP_ERR__FATAL, "sending"), -1);
    assert_int_equal(e.kind, ERR_FATAL);
    (void)kafka_err(&e, RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED, "x");
    assert_int_equal(e.kind, ERR_RETRY);
    assert_non_null(strstr(e.text, "uthentication"));
    (void)kafka_err(&e, RD_KAFKA_RESP_ERR__TRANSPORT, "committing");
    assert_int_equal(e.kind, ERR_RETRY);
    assert_memory_equal(e.text, "committing: ", 12);
}

static void headers(void **state)
{
    rd_kafka_headers_t *list = rd_kafka_headers_new(4);

    (void)state;
    (void)rd_kafka_header_add(list, "cdc-op", -1, "c", -1);
    (void)rd_kafka_header_add(list, "cdc-op", -1, "u", -1);
    (void)rd_kafka_header_add(list, "none", -1, NULL, 0);
    assert_true(str_eq(kafka_header(list, "cdc-op"), STR("u")));
    assert_null(kafka_header(list, "CDC-OP").p);
    assert_non_null(kafka_header(list, "none").p);
    assert_int_equal(kafka_header(list, "none").len, 0);
    assert_null(kafka_header(NULL, "cdc-op").p);
    rd_kafka_headers_destroy(list);
}

static void ping(void **state)
{
    struct err e = { 0 };
    rd_kafka_conf_t *conf = kafka_conf("127.0.0.1:1", "test", &e);
    rd_kafka_t *nobody = kafka_new(RD_KAFKA_PRODUCER, conf, &e);

    (void)state;
    assert_int_equal(kafka_ping(producer, 5000, &e), 0);
    assert_int_equal(kafka_ping(nobody, 300, &e), -1);
    assert_int_equal(e.kind, ERR_UNREACHABLE);
    rd_kafka_destroy(nobody);
}

static void looks(void **state)
{
    struct err e = { 0 };
    int partitions = 77;
    bool created = true;
    const struct topic_spec spec = { .name = "six",
                                     .kind = TOPIC_TABLE,
                                     .partitions = 3,
                                     .replication_factor = -1 };

    (void)state;
    assert_int_equal(topic_partitions(producer, "six", &partitions, &e), 0);
    assert_int_equal(partitions, 6);
    /* exists: its own count, whatever was asked for */
    assert_int_equal(topic_ensure(producer, &spec, &partitions, &created, &e),
                     0);
    assert_int_equal(partitions, 6);
    assert_false(created);
}

/* librdkafka gives every caller the one handle of a topic, with the
   configuration of whoever came first: ours must leave none behind, else the
   producer's partitioner would be ignored. */
static void leaves_no_handle_behind(void **state)
{
    struct err e = { 0 };
    rd_kafka_topic_conf_t *conf = rd_kafka_topic_conf_new();
    rd_kafka_topic_t *topic;
    int partitions, own = 0;
    int64_t high;

    (void)state;
    assert_int_equal(topic_partitions(producer, "six", &partitions, &e), 0);
    assert_int_equal(topic_end(producer, "six", 3, &high, &e), 0);
    rd_kafka_topic_conf_set_opaque(conf, &own);
    topic = rd_kafka_topic_new(producer, "six", conf);
    assert_ptr_equal(rd_kafka_topic_opaque(topic), &own);
    rd_kafka_topic_destroy(topic);
}

struct seen {
    struct buf text;
    int stop_at; /* the callback fails at this record */
    int count;
};

static int each(void *arg, struct str key, struct str value, struct err *e)
{
    struct seen *seen = arg;

    seen->count++;
    if (seen->count == seen->stop_at) {
        return err_set(e, ERR_INPUT, "bad record");
    }
    buf_printf(&seen->text, "%.*s=%.*s;", STR_ARG(key),
               value.p ? (int)value.len : 1, value.p ? value.p : "-");
    return 0;
}

static void put(rd_kafka_topic_t *topic, const char *key, const char *value)
{
    int rc = rd_kafka_produce(
        topic, 0, RD_KAFKA_MSG_F_COPY, (void *)(uintptr_t)value,
        value ? strlen(value) : 0, key, strlen(key), NULL);

    assert_int_equal(rc, 0);
}

static void reads_all(void **state)
{
    struct seen seen = { 0 };
    struct err e = { 0 };
    bool exists = false;
    int64_t high = -1;
    rd_kafka_topic_t *topic = rd_kafka_topic_new(producer, "state", NULL);

    (void)state;
    assert_non_null(topic);
    buf_init(&seen.text, 1 << 20);
    assert_int_equal(kafka_read_all(brokers, "test", "empty", each, &seen,
                                    &exists, &high, &e),
                     0);
    assert_true(exists && high == 0 && seen.count == 0);
    put(topic, "a", "1");
    put(topic, "b", NULL);
    put(topic, "a", "");
    assert_int_equal(rd_kafka_flush(producer, 10000), 0);
    assert_int_equal(kafka_read_all(brokers, "test", "state", each, &seen,
                                    &exists, &high, &e),
                     0);
    assert_true(exists && high == 3);
    assert_string_equal(buf_z(&seen.text), "a=1;b=-;a=;");
    for (int i = 0; i < 500; i++) { /* several batches */
        put(topic, "key", "0123456789012345678901234567890123456789");
    }
    assert_int_equal(rd_kafka_flush(producer, 10000), 0);
    seen.count = 0;
    assert_int_equal(kafka_read_all(brokers, "test", "state", each, &seen,
                                    &exists, &high, &e),
                     0);
    assert_int_equal(seen.count, 503);
    assert_true(high == 503);
    seen.count = 0;
    seen.stop_at = 2;
    high = 77;
    assert_int_equal(kafka_read_all(brokers, "test", "state", each, &seen,
                                    &exists, &high, &e),
                     -1);
    assert_string_equal(e.text, "topic state: bad record");
    assert_int_equal(e.kind, ERR_INPUT);
    assert_true(high == 77 && seen.count == 2);
    rd_kafka_topic_destroy(topic);
    buf_fini(&seen.text);
}

static void ends(void **state)
{
    struct err e = { 0 };
    int64_t high = -1;

    (void)state;
    assert_int_equal(topic_end(producer, "empty", 0, &high, &e), 0);
    assert_true(high == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(configuration_errors),
        cmocka_unit_test(codes),
        cmocka_unit_test(headers),
        cmocka_unit_test(ping),
        cmocka_unit_test(looks),
        cmocka_unit_test(leaves_no_handle_behind),
        cmocka_unit_test(reads_all),
        cmocka_unit_test(ends),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
