/* links: monitor_core */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "monitor/lag.h"

enum { SECOND = 1000 * 1000 };

static void near(double got, double want)
{
    assert_true(got > want - 1e-6 && got < want + 1e-6);
}

static void check_table_name(const char *topic, const char *want)
{
    struct str got = lag_table_name(STR("cdc"), str_of(topic));

    if (want == NULL) {
        assert_null(got.p);
    } else {
        assert_true(str_eq(got, str_of(want)));
    }
}

static void test_table_names(void **state)
{
    (void)state;
    check_table_name("cdc.public.User", "User");
    check_table_name("cdc.sales.User", "sales.User");
    check_table_name("cdc.public.a.b", "a.b");
    check_table_name("cdc.public.", "public.");
    check_table_name("cdc.schema", NULL);
    check_table_name("cdc.state", NULL);
    check_table_name("cdc.dlq-es", NULL);
    check_table_name("cdc-signal", NULL);
    check_table_name("cdc2.public.User", NULL);
    check_table_name("cdc..x", NULL);
    check_table_name("cdc.", NULL);
    check_table_name("cd", NULL);
    check_table_name("", NULL);
}

static void one_topic(struct lag *l)
{
    lag_init(l, true, false);
    lag_topic(l, STR("cdc.public.User"), STR("User"), 2);
    lag_topics_end(l);
}

/* One round of a topic with two partitions; the second is caught up. `read_us`
   is the commit time of the record to read, or -1 when that fails. */
static struct lag_sum run_round(struct lag *l, int64_t low, int64_t high,
                                int64_t committed, int64_t read_us,
                                int64_t now_us)
{
    struct lag_want want[4];
    struct lag_topic *t = lag_find(l, STR("cdc.public.User"));

    lag_marks(t, 0, low, high);
    lag_marks(t, 1, 7, 7);
    lag_committed(t, 0, SINK_ES, committed);
    lag_committed(t, 1, SINK_ES, 7);
    lag_begin(l);
    if (lag_wanted(l, SINK_ES, want, 4) > 0 && read_us >= 0) {
        lag_record(l, SINK_ES, &want[0], read_us, now_us);
    }
    lag_end(l, now_us);
    return lag_table(t, SINK_ES, now_us);
}

static void test_caught_up_is_zero(void **state)
{
    struct lag l;
    struct lag_sum sum;
    const struct lag_topic *topic;

    (void)state;
    one_topic(&l);
    assert_false(lag_table(&l.topics[0], SINK_ES, 0).known);
    sum = run_round(&l, 0, 10, 10, -1, 100 * SECOND);
    assert_true(sum.known);
    near(sum.seconds, 0);
    assert_int_equal(sum.messages, 0);
    sum = lag_sink(&l, SINK_ES, 1000 * (int64_t)SECOND, &topic);
    near(sum.seconds, 0);
    assert_null(topic);
    lag_fini(&l);
}

static void test_standing_sink_ages(void **state)
{
    struct lag l;
    struct lag_sum sum;
    const struct lag_topic *topic;

    (void)state;
    one_topic(&l);
    sum = run_round(&l, 0, 10, 4, 90 * SECOND, 100 * SECOND);
    near(sum.seconds, 10);
    assert_int_equal(sum.messages, 6);
    /* measured once: shown as it was, for the sink may be moving */
    near(lag_table(&l.topics[0], SINK_ES, 103 * SECOND).seconds, 10);
    /* at the same place a round later: it stands, its lag is its age */
    sum = run_round(&l, 0, 12, 4, -1, 101 * SECOND);
    near(sum.seconds, 11);
    assert_int_equal(sum.messages, 8);
    near(lag_table(&l.topics[0], SINK_ES, 105 * SECOND).seconds, 15);
    sum = lag_sink(&l, SINK_ES, 105 * SECOND, &topic);
    near(sum.seconds, 15);
    assert_ptr_equal(topic, &l.topics[0]);
    /* it moves on */
    sum = run_round(&l, 0, 12, 11, 104 * SECOND, 106 * SECOND);
    near(sum.seconds, 2);
    lag_fini(&l);
}

static void test_where_it_starts(void **state)
{
    struct lag l;
    struct lag_want want[4];

    (void)state;
    one_topic(&l);
    /* no offset yet: from the low watermark */
    assert_int_equal(run_round(&l, 3, 10, -1, 1, 100).messages, 7);
    /* an offset below the low watermark: what is left counts */
    assert_int_equal(run_round(&l, 6, 10, 4, 1, 100).messages, 4);
    /* beyond the end */
    assert_int_equal(run_round(&l, 6, 10, 12, 1, 100).messages, 0);
    /* behind by offsets, but nothing is there (compacted, control records) */
    lag_marks(&l.topics[0], 0, 6, 12);
    lag_committed(&l.topics[0], 0, SINK_ES, 10);
    lag_begin(&l);
    assert_int_equal(lag_wanted(&l, SINK_ES, want, 4), 1);
    assert_int_equal(want[0].offset, 10);
    lag_record(&l, SINK_ES, &want[0], 0, 100);
    lag_end(&l, 100);
    assert_int_equal(lag_table(&l.topics[0], SINK_ES, 100).messages, 0);
    assert_int_equal(lag_wanted(&l, SINK_ES, want, 4), 0);
    lag_fini(&l);
}

static void test_failed_read(void **state)
{
    struct lag l;
    struct lag_sum sum;

    (void)state;
    one_topic(&l);
    sum = run_round(&l, 0, 10, 4, -1, 100 * SECOND);
    assert_false(sum.known);
    near(sum.seconds, 0);
    assert_int_equal(sum.messages, 6);
    sum = run_round(&l, 0, 10, 4, 90 * SECOND, 101 * SECOND);
    assert_true(sum.known);
    near(sum.seconds, 11);
    /* it moved, and the new record cannot be read: the old one stays */
    sum = run_round(&l, 0, 20, 9, -1, 102 * SECOND);
    near(sum.seconds, 12);
    /* but never from before it was seen caught up */
    sum = run_round(&l, 0, 20, 20, -1, 103 * SECOND);
    near(sum.seconds, 0);
    sum = run_round(&l, 0, 21, 20, -1, 105 * SECOND);
    assert_true(sum.known);
    near(sum.seconds, 2);
    lag_fini(&l);
}

static void test_brokers_gone(void **state)
{
    struct lag l;

    (void)state;
    one_topic(&l);
    (void)run_round(&l, 0, 10, 4, 99 * SECOND, 100 * SECOND);
    lag_stall(&l);
    near(lag_table(&l.topics[0], SINK_ES, 150 * SECOND).seconds, 51);
    lag_fini(&l);
}

static void test_clock_behind(void **state)
{
    struct lag l;

    (void)state;
    one_topic(&l);
    /* the source's clock is ahead of ours */
    near(run_round(&l, 0, 10, 4, 105 * SECOND, 100 * SECOND).seconds, 0);
    near(run_round(&l, 0, 10, 4, -1, 101 * SECOND).seconds, 0);
    lag_fini(&l);
}

static void test_new_topic_of_old_name(void **state)
{
    struct lag l;
    struct lag_sum sum;

    (void)state;
    one_topic(&l);
    (void)run_round(&l, 0, 10, 4, 50 * SECOND, 100 * SECOND);
    /* deleted and made again: offset 4 is another record now */
    (void)run_round(&l, 0, 0, 4, -1, 101 * SECOND);
    sum = run_round(&l, 0, 9, 4, 102 * SECOND, 103 * SECOND);
    near(sum.seconds, 1);
    lag_fini(&l);
}

static void test_topics_come_and_go(void **state)
{
    struct lag l;

    (void)state;
    lag_init(&l, true, true);
    lag_topic(&l, STR("cdc.public.b"), STR("b"), 1);
    lag_topic(&l, STR("cdc.public.a"), STR("a"), 1);
    lag_topic(&l, STR("cdc.public.c"), STR("c"), 1);
    lag_topics_end(&l);
    assert_int_equal(l.count, 3);
    assert_string_equal(l.topics[0].table, "a");
    assert_string_equal(l.topics[2].table, "c");
    l.topics[2].parts[0].high = 42;
    lag_topic(&l, STR("cdc.public.c"), STR("c"), 3);
    lag_topic(&l, STR("cdc.public.a"), STR("a"), 1);
    lag_topics_end(&l);
    assert_int_equal(l.count, 2);
    assert_null(lag_find(&l, STR("cdc.public.b")));
    assert_int_equal(l.topics[1].parts[0].high, 42);
    assert_int_equal(l.topics[1].parts[2].high, -1);
    assert_int_equal(l.topics[1].part_count, 3);
    lag_topics_end(&l);
    assert_int_equal(l.count, 0);
    lag_fini(&l);
    lag_fini(&l);
}

/* 50 partitions are behind, five are read per round: each gets its turn. */
static void test_reads_take_turns(void **state)
{
    struct lag l;
    struct lag_want want[5];

    (void)state;
    lag_init(&l, true, false);
    lag_topic(&l, STR("cdc.public.a"), STR("a"), 50);
    for (int round = 0; round < 20; round++) {
        for (unsigned p = 0; p < 50; p++) {
            lag_marks(&l.topics[0], p, 0, 1000);
            lag_committed(&l.topics[0], p, SINK_ES, round);
        }
        lag_begin(&l);
        assert_int_equal(lag_wanted(&l, SINK_ES, want, 5), 5);
        for (int i = 0; i < 5; i++) {
            lag_record(&l, SINK_ES, &want[i], 1, 2);
        }
        lag_end(&l, 2);
    }
    for (unsigned p = 0; p < 50; p++) {
        assert_in_range(l.topics[0].parts[p].places[SINK_ES].read_round, 11,
                        20);
    }
    assert_int_equal(lag_wanted(&l, SINK_CLICKHOUSE, want, 5), 0);
    lag_fini(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table_names),
        cmocka_unit_test(test_caught_up_is_zero),
        cmocka_unit_test(test_standing_sink_ages),
        cmocka_unit_test(test_where_it_starts),
        cmocka_unit_test(test_failed_read),
        cmocka_unit_test(test_brokers_gone),
        cmocka_unit_test(test_clock_behind),
        cmocka_unit_test(test_new_topic_of_old_name),
        cmocka_unit_test(test_topics_come_and_go),
        cmocka_unit_test(test_reads_take_turns),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
