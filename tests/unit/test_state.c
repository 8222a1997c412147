/* links: producer_core */
/* What the pipeline remembers, written to and read back from librdkafka's
   mock cluster. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include "common/log.h"
#include "common/metrics.h"
#include "producer/state.h"

enum { WAIT_MS = 10 * 1000 };

struct world {
    rd_kafka_t *cluster; /* its owner */
    const char *brokers;
    struct tables tables, again; /* written, and read back */
    struct ledger ledger;
    struct publish pub;
    struct state st, read;
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
    assert_int_equal(rd_kafka_mock_topic_create(mock, "cdc.state", 1, 1), 0);
    w->brokers = rd_kafka_mock_cluster_bootstraps(mock);
    ledger_init(&w->ledger, 16);
    assert_int_equal(publish_open(&w->pub, w->brokers, &w->ledger, &w->e), 0);
    assert_int_equal(state_read(&w->st, w->brokers, "cdc", &w->tables, &w->e),
                     0);
    assert_false(w->st.exists);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;

    publish_close(&w->pub);
    tables_fini(&w->tables);
    tables_fini(&w->again);
    state_fini(&w->st);
    state_fini(&w->read);
    ledger_fini(&w->ledger);
    rd_kafka_destroy(w->cluster);
    xfree(w);
    return 0;
}

static struct table *add(struct world *w, uint32_t oid, const char *schema,
                         const char *name)
{
    struct table *t = tables_add(&w->tables, oid, schema, name);

    t->topic = xstrdup("a topic");
    table_set_partitions(t, 2);
    table_set_key(t, (const char *const[]){ "id", "a \"b\" \\ c" }, 2);
    return t;
}

static void write_all(struct world *w, uint64_t lsn)
{
    assert_int_equal(state_write(&w->st, &w->pub, &w->tables, lsn, &w->e), 0);
    assert_true(w->st.writing);
    assert_true(w->st.confirmed_lsn != lsn); /* not before it is acknowledged */
    assert_int_equal(publish_flush(&w->pub, WAIT_MS, &w->e), 0);
    state_settle(&w->st, &w->pub);
    assert_true(w->st.confirmed_lsn == lsn);
    assert_false(tables_dirty(&w->tables));
}

static int read_all(struct world *w)
{
    return state_read(&w->read, w->brokers, "cdc", &w->again, &w->e);
}

static void comes_back(void **state)
{
    struct world *w = *state;
    struct table *t = add(w, 4711, "public", "od\"d.\xc3\xa4\n");

    (void)snprintf(w->st.slot, sizeof(w->st.slot), "cdc");
    (void)snprintf(w->st.system_id, sizeof(w->st.system_id), "77");
    w->st.timeline = 3;
    t->ends[1] = 9007199254740993;
    t->copy_part = 12;
    t->copy_filenode = 13;
    t->copy_block = 8192;
    t->copy_rows = 99;
    t->copy_high_lsn = 0x1700000001;
    write_all(w, 0x16B374D848);
    t->copy = TABLE_COPY_DONE; /* the later record counts */
    t->dirty = true;
    write_all(w, 0x16B374D850);

    assert_int_equal(read_all(w), 0);
    assert_true(w->read.exists);
    assert_true(w->read.confirmed_lsn == 0x16B374D850);
    assert_string_equal(w->read.slot, "cdc");
    assert_string_equal(w->read.system_id, "77");
    assert_int_equal(w->read.timeline, 3);
    assert_int_equal(w->again.count, 1);
    const struct table *is = w->again.list[0];
    assert_int_equal(is->oid, 4711);
    assert_string_equal(is->label, t->label);
    assert_string_equal(is->topic, "a topic");
    assert_int_equal(is->key_count, 2);
    assert_string_equal(is->key[1], t->key[1]);
    assert_int_equal(is->partition_count, 2);
    assert_true(is->ends[0] == 0 && is->ends[1] == 9007199254740993);
    assert_int_equal(is->copy, TABLE_COPY_DONE);
    assert_int_equal(is->copy_part, 12);
    assert_int_equal(is->copy_filenode, 13);
    assert_int_equal(is->copy_block, 8192);
    assert_true(is->copy_high_lsn == 0x1700000001);
    assert_false(is->dirty);
}

/* A table that was dropped and made again: one entry, the newer oid. */
static void made_again(void **state)
{
    struct world *w = *state;
    struct table *t = add(w, 1, "public", "t");

    write_all(w, 0x100);
    t->copy = TABLE_COPY_DONE;
    tables_rekey(&w->tables, t, 2);
    assert_int_equal(t->copy, TABLE_COPY_PENDING);
    assert_true(tables_dirty(&w->tables));
    write_all(w, 0x200);
    assert_int_equal(read_all(w), 0);
    assert_int_equal(w->again.count, 1);
    assert_null(tables_find(&w->again, 1));
    assert_non_null(tables_find(&w->again, 2));
    /* and read over what is known already, as on a reconnect */
    assert_int_equal(read_all(w), 0);
    assert_int_equal(w->again.count, 1);
}

/* "a"."b.c" and "a.b"."c" are two tables. */
static void dots(void **state)
{
    struct world *w = *state;
    const struct table *x = add(w, 1, "a", "b.c"), *y = add(w, 2, "a.b", "c");

    assert_string_equal(x->label, y->label);
    assert_ptr_equal(tables_by_name(&w->tables, "a", "b.c"), x);
    assert_ptr_equal(tables_by_name(&w->tables, "a.b", "c"), y);
    assert_null(tables_by_name(&w->tables, "a.b.c", ""));
}

/* Whoever wrote before us, or after, is seen. */
static void another_writer(void **state)
{
    struct world *w = *state;
    bool moved;

    write_all(w, 0x100);
    assert_int_equal(read_all(w), 0);
    assert_int_equal(state_moved(&w->read, w->pub.rk, &moved, &w->e), 0);
    assert_false(moved);
    write_all(w, 0x200);
    assert_int_equal(state_moved(&w->read, w->pub.rk, &moved, &w->e), 0);
    assert_true(moved);
}

static void not_ours(void **state)
{
    static const char *const values[] = {
        "",
        "null",
        "{\"state\":\"position\"}",
        "{\"state\":\"table\",\"schema\":\"s\",\"name\":\"t\"}",
        "{\"state\":\"future\"}",
    };
    struct world *w = *state;

    for (unsigned i = 0; i < COUNT_OF(values); i++) {
        assert_int_equal(publish_control(&w->pub, "cdc.state", STR("k"),
                                         str_of(values[i]), PUBLISH_STATE,
                                         &w->e),
                         PUBLISH_SENT);
        assert_int_equal(publish_flush(&w->pub, WAIT_MS, &w->e), 0);
        assert_int_equal(read_all(w), -1);
        assert_int_equal(w->e.kind, ERR_FATAL);
    }
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(comes_back),     TEST(made_again), TEST(dots),
        TEST(another_writer), TEST(not_ours),
    };

    metrics_init("test");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
