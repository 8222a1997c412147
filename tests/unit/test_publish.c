/* links: producer_core */
/* Rows to Kafka against librdkafka's mock cluster: which partition a key goes
   to, and what the delivery reports leave behind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include "common/log.h"
#include "common/metrics.h"
#include "common/topics.h"
#include "producer/publish.h"

enum { PARTITIONS = 6, KEYS = 50, WAIT_MS = 10 * 1000 };

static const char topic[] = "cdc.public.T";
static const char control[] = "cdc.state";

struct world {
    rd_kafka_t *cluster; /* its owner */
    struct tables tables;
    struct ledger ledger;
    struct publish pub;
    struct table *t;
    struct err e;
};

static int setup(void **state)
{
    struct world *w = xcalloc(1, sizeof(*w));
    rd_kafka_conf_t *conf = kafka_conf("unused:1", "test", &w->e);

    log_init("test", LOG_ERROR, LOG_LOGFMT);
    assert_non_null(conf);
    assert_int_equal(kafka_set(conf, "test.mock.num.brokers", "1", &w->e), 0);
    w->cluster = kafka_new(RD_KAFKA_PRODUCER, conf, &w->e);
    rd_kafka_mock_cluster_t *mock = rd_kafka_handle_mock_cluster(w->cluster);
    assert_int_equal(rd_kafka_mock_topic_create(mock, topic, PARTITIONS, 1), 0);
    assert_int_equal(rd_kafka_mock_topic_create(mock, control, 1, 1), 0);
    ledger_init(&w->ledger, 16);
    assert_int_equal(publish_open(&w->pub,
                                  rd_kafka_mock_cluster_bootstraps(mock),
                                  &w->ledger, &w->e),
                     0);
    w->t = tables_add(&w->tables, 1, "public", "T");
    w->t->topic = xstrdup(topic);
    table_set_partitions(w->t, PARTITIONS);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;

    publish_topic_close(w->t);
    publish_close(&w->pub);
    tables_fini(&w->tables);
    ledger_fini(&w->ledger);
    rd_kafka_destroy(w->cluster);
    xfree(w);
    return 0;
}

static struct record record_of(struct table *t, const char *key)
{
    return (struct record){ .table = t,
                            .op = EVENT_CREATE,
                            .version = 7,
                            .shape = "0123456789abcdef",
                            .key = str_of(key),
                            .value = STR("{}") };
}

/* The producer looks at a topic before it opens its handle: this must not
   cost the handle its partitioner nor its table. */
static void partitions_by_murmur2_and_counts(void **state)
{
    struct world *w = *state;
    int64_t want[PARTITIONS] = { 0 }, end;
    int partitions;

    assert_int_equal(topic_partitions(w->pub.rk, topic, &partitions, &w->e), 0);
    assert_int_equal(topic_end(w->pub.rk, topic, 0, &end, &w->e), 0);
    assert_int_equal(publish_topic(&w->pub, w->t, &w->e), 0);
    assert_int_equal(publish_topic(&w->pub, w->t, &w->e), 0);
    ledger_begin(&w->ledger);
    for (int i = 0; i < KEYS; i++) {
        char key[32];

        (void)snprintf(key, sizeof(key), "{\"id\":%d}", i);
        struct record rec = record_of(w->t, key);
        want[rd_kafka_msg_partitioner_murmur2(w->t->rkt, key, strlen(key),
                                              PARTITIONS, NULL, NULL)]++;
        assert_int_equal(publish_record(&w->pub, &rec,
                                        i % 2 ? PUBLISH_STREAM : PUBLISH_COPY,
                                        &w->e),
                         PUBLISH_SENT);
    }
    ledger_commit(&w->ledger, 0x100);
    assert_int_equal(ledger_confirmable(&w->ledger), 0);
    assert_int_equal(publish_flush(&w->pub, WAIT_MS, &w->e), 0);
    assert_int_equal(w->pub.outstanding[PUBLISH_COPY], 0);
    assert_int_equal(ledger_confirmable(&w->ledger), 0x100);
    for (int i = 0; i < PARTITIONS; i++) {
        assert_int_equal(w->t->ends[i], want[i]);
    }
}

/* A heartbeat: its transaction is confirmed when Kafka has it, not before. */
static void a_control_record_of_the_stream_counts(void **state)
{
    struct world *w = *state;

    ledger_begin(&w->ledger);
    assert_int_equal(publish_control(&w->pub, control, STR("{}"), STR("{}"),
                                     PUBLISH_STREAM, &w->e),
                     PUBLISH_SENT);
    ledger_commit(&w->ledger, 0x100);
    assert_int_equal(ledger_outstanding(&w->ledger), 1);
    assert_int_equal(ledger_confirmable(&w->ledger), 0);
    assert_int_equal(publish_control(&w->pub, control, STR("{}"), STR("{}"),
                                     PUBLISH_STATE, &w->e),
                     PUBLISH_SENT);
    assert_int_equal(w->pub.outstanding[PUBLISH_STATE], 1);
    assert_int_equal(publish_flush(&w->pub, WAIT_MS, &w->e), 0);
    assert_int_equal(ledger_confirmable(&w->ledger), 0x100);
    assert_int_equal(w->pub.outstanding[PUBLISH_STREAM], 0);
    assert_int_equal(w->pub.outstanding[PUBLISH_STATE], 0);
}

/* One that Kafka refuses leaves no hole in the ledger, and stops. */
static void a_refused_control_record_is_taken_back(void **state)
{
    struct world *w = *state;
    struct buf large;

    buf_init(&large, PUBLISH_RECORD_BYTES_MAX + 1);
    (void)buf_reserve(&large, PUBLISH_RECORD_BYTES_MAX + 1);
    large.len = PUBLISH_RECORD_BYTES_MAX + 1;
    memset(large.p, 'x', large.len);
    ledger_begin(&w->ledger);
    assert_int_equal(publish_control(&w->pub, control, STR("{}"),
                                     buf_str(&large), PUBLISH_STREAM, &w->e),
                     PUBLISH_FAILED);
    assert_int_equal(ledger_outstanding(&w->ledger), 0);
    assert_int_equal(publish_poll(&w->pub, 0, &w->e), -1);
    ledger_commit(&w->ledger, 0x100);
    buf_fini(&large);
}

/* Two tables with one topic would mix their rows. */
static void refuses_a_second_table(void **state)
{
    struct world *w = *state;
    struct table *other = tables_add(&w->tables, 2, "public", "U");

    other->topic = xstrdup(topic);
    assert_int_equal(publish_topic(&w->pub, w->t, &w->e), 0);
    assert_int_equal(publish_topic(&w->pub, other, &w->e), -1);
    assert_null(other->rkt);
}

/* An outage is backpressure: nothing may time out by itself. */
static void never_gives_up(void **state)
{
    struct world *w = *state;
    rd_kafka_topic_conf_t *conf = rd_kafka_default_topic_conf_dup(w->pub.rk);
    char value[64];
    size_t size = sizeof(value);

    assert_int_equal(
        rd_kafka_topic_conf_get(conf, "message.timeout.ms", value, &size),
        RD_KAFKA_CONF_OK);
    assert_string_equal(value, "0");
    rd_kafka_topic_conf_destroy(conf);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(partitions_by_murmur2_and_counts),
        TEST(a_control_record_of_the_stream_counts),
        TEST(a_refused_control_record_is_taken_back),
        TEST(refuses_a_second_table),
        TEST(never_gives_up),
    };

    metrics_init("test");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
