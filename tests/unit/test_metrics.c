/* links: cdc_base */
/* metrics.h: the text format, escapes, histograms, threads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <pthread.h>

#include "common/log.h"
#include "common/metrics.h"

/* One text for all tests: the registry is the process's. */
static struct buf text;

static const char *written(const char *extra)
{
    buf_reset(&text);
    metrics_write(&text, extra);
    assert_true(buf_ok(&text));
    return buf_z(&text);
}

static void assert_line(const char *line)
{
    char whole[512];

    (void)snprintf(whole, sizeof(whole), "\n%s\n", line);
    if (!strstr(buf_z(&text), whole)) {
        fail_msg("no line %s in:\n%s", line, buf_z(&text));
    }
}

static unsigned count_of(const char *part)
{
    unsigned count = 0;

    for (const char *p = buf_z(&text); (p = strstr(p, part)); p++) {
        count++;
    }
    return count;
}

static int begin(void **state)
{
    (void)state;
    buf_init(&text, 1 << 20);
    metrics_init("producer");
    return 0;
}

static int end(void **state)
{
    (void)state;
    buf_fini(&text);
    return 0;
}

static void counters_and_gauges(void **state)
{
    struct metric_family *f =
        metric_family(METRIC_COUNTER, "cdc_sync_events_total",
                      "table,operation,status", "Total \\ number\nof events");
    struct metric *user =
        metric_get(f, (const char *[]){ "User", "INSERT", "success" });
    struct metric *odd =
        metric_get(f, (const char *[]){ "a\"b\\c\nd", "UPDATE", "" });
    struct metric *lag = metric_get(
        metric_family(METRIC_GAUGE, "cdc_sync_lag_seconds", "table", "Lag"),
        (const char *[]){ "User" });

    (void)state;
    assert_ptr_equal(metric_family(METRIC_COUNTER, "cdc_sync_events_total",
                                   "table,operation,status", "again"),
                     f);
    assert_ptr_equal(
        metric_get(f, (const char *[]){ "User", "INSERT", "success" }), user);
    metric_add(user, 3);
    metric_add(user, 4);
    metric_set(lag, 2.5);
    metric_add(lag, -0.25);
    assert_true(metric_value(user) == 7);
    (void)written(NULL);
    assert_line("# HELP cdc_sync_events_total Total \\\\ number\\nof events");
    assert_line("# TYPE cdc_sync_events_total counter");
    assert_line("cdc_sync_events_total{table=\"User\",operation=\"INSERT\","
                "status=\"success\"} 7");
    assert_line("cdc_sync_events_total{table=\"a\\\"b\\\\c\\nd\","
                "operation=\"UPDATE\",status=\"\"} 0");
    assert_line("cdc_sync_lag_seconds{table=\"User\"} 2.25");
    assert_int_equal(count_of("# TYPE cdc_sync_events_total "), 1);
    assert_true(metric_value(odd) == 0);
}

static void histogram(void **state)
{
    struct metric *m =
        metric_get(metric_family(METRIC_HISTOGRAM, "cdc_sync_latency_seconds",
                                 "table", "Latency"),
                   (const char *[]){ "User" });

    (void)state;
    metric_observe(m, 0.001); /* a bound is inclusive */
    metric_observe_n(m, 0.3, 5);
    metric_observe(m, 1000);
    (void)written("component=\"x\"");
    assert_line("cdc_sync_latency_seconds_bucket{table=\"User\","
                "component=\"x\",le=\"0.001\"} 1");
    assert_line("cdc_sync_latency_seconds_bucket{table=\"User\","
                "component=\"x\",le=\"0.25\"} 1");
    assert_line("cdc_sync_latency_seconds_bucket{table=\"User\","
                "component=\"x\",le=\"0.5\"} 6");
    assert_line("cdc_sync_latency_seconds_bucket{table=\"User\","
                "component=\"x\",le=\"300\"} 6");
    assert_line("cdc_sync_latency_seconds_bucket{table=\"User\","
                "component=\"x\",le=\"+Inf\"} 7");
    assert_line("cdc_sync_latency_seconds_count{table=\"User\","
                "component=\"x\"} 7");
    assert_line("cdc_sync_latency_seconds_sum{table=\"User\","
                "component=\"x\"} 1001.501");
    assert_int_equal(count_of("cdc_sync_latency_seconds_bucket"), 18);
}

/* Events of a batch are no seconds. */
static void counts(void **state)
{
    struct metric_family *f = metric_family_counts("cdc_counts", "", "Counts");
    struct metric *m = metric_get(f, NULL);

    (void)state;
    assert_ptr_equal(metric_family_counts("cdc_counts", "", "Counts"), f);
    metric_observe(m, 1);
    metric_observe(m, 60);
    metric_observe(m, 50000);
    metric_observe(m, 50001);
    (void)written(NULL);
    assert_line("cdc_counts_bucket{le=\"1\"} 1");
    assert_line("cdc_counts_bucket{le=\"50\"} 1");
    assert_line("cdc_counts_bucket{le=\"100\"} 2");
    assert_line("cdc_counts_bucket{le=\"50000\"} 3");
    assert_line("cdc_counts_bucket{le=\"+Inf\"} 4");
    assert_line("cdc_counts_sum 100062");
    assert_int_equal(count_of("cdc_counts_bucket"), 16);
}

/* Not shown before it is known, then only growing. */
static void times(void **state)
{
    struct metric_time t = metric_time("cdc_time_seconds", "Time");

    (void)state;
    (void)written(NULL);
    assert_int_equal(count_of("cdc_time_seconds"), 0);
    metric_time_raise(&t, 1700000000500000);
    metric_time_raise(&t, 1600000000000000);
    (void)written(NULL);
    assert_line("cdc_time_seconds 1700000000.5");
}

static void over_a_family(void **state)
{
    struct metric_family *f =
        metric_family(METRIC_COUNTER, "cdc_over_total", "n", "Over");

    (void)state;
    assert_true(metrics_sum("cdc_no_such_total") == 0);
    assert_true(metrics_max("cdc_no_such_total") == 0);
    assert_true(metrics_sum("cdc_over_total") == 0);
    metric_total(metric_get(f, (const char *[]){ "a" }), 5);
    metric_total(metric_get(f, (const char *[]){ "a" }), 3); /* counted anew */
    metric_add(metric_get(f, (const char *[]){ "b" }), 4);
    assert_true(metrics_sum("cdc_over_total") == 7);
    assert_true(metrics_max("cdc_over_total") == 4);
}

static void numbers(void **state)
{
    static const struct {
        double n;
        const char *want;
    } cases[] = {
        { 0, "cdc_n 0" },
        { -3, "cdc_n -3" },
        { 0.1, "cdc_n 0.1" },
        { 1e15, "cdc_n 1e+15" },
        { 123456789012345, "cdc_n 123456789012345" },
        { 1.0 / 3, "cdc_n 0.33333333333333331" },
        { INFINITY, "cdc_n +Inf" },
        { -INFINITY, "cdc_n -Inf" },
    };
    struct metric *m =
        metric_get(metric_family(METRIC_GAUGE, "cdc_n", "", "N"), NULL);

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        metric_set(m, cases[i].n);
        (void)written(NULL);
        assert_line(cases[i].want);
    }
    metric_set(m, NAN);
    (void)written(NULL);
    assert_line("cdc_n NaN");
}

static void process_and_build(void **state)
{
    (void)state;
    log_init("test", LOG_ERROR, LOG_LOGFMT);
    assert_string_equal(metrics_component(), "component=\"producer\"");
    (void)written(metrics_component());
    /* the extra label never stands twice in a series */
    assert_non_null(strstr(buf_z(&text),
                           "\ncdc_build_info{version=\"" CDC_VERSION
                           "\",revision=\""));
    assert_int_equal(count_of(",component=\"producer\"} 1\n"), 1);
    assert_line("cdc_log_messages_total{level=\"error\","
                "component=\"producer\"} 0");
    assert_int_equal(count_of("\nprocess_cpu_seconds_total{"), 1);
    assert_int_equal(count_of("\nprocess_resident_memory_bytes{"), 1);
    assert_int_equal(count_of("\nprocess_virtual_memory_bytes{"), 1);
    assert_int_equal(count_of("\nprocess_open_fds{"), 1);
    assert_int_equal(count_of("\nprocess_max_fds{"), 1);
    assert_int_equal(count_of("\nprocess_start_time_seconds{"), 1);
    assert_int_equal(count_of("NaN"), 1); /* that of the test above */
    (void)written(NULL);
    assert_int_equal(count_of("\nprocess_open_fds "), 1);
}

static void empty_families_are_silent(void **state)
{
    (void)state;
    (void)metric_family(METRIC_COUNTER, "cdc_unused_total", "a", "Unused");
    (void)written(NULL);
    assert_int_equal(count_of("cdc_unused_total"), 0);
}

static void *adder(void *arg)
{
    struct metric *const *m = arg;

    for (unsigned i = 0; i < 20000; i++) {
        metric_add(m[0], 1);
        metric_observe_n(m[1], 0.5, 2);
        (void)metric_get(
            metric_family(METRIC_COUNTER, "cdc_made_total", "n", "Made"),
            (const char *[]){ i % 2 ? "odd" : "even" });
    }
    return NULL;
}

static void threads(void **state)
{
    struct metric *m[2] = {
        metric_get(metric_family(METRIC_COUNTER, "cdc_threads_total", "", "T"),
                   NULL),
        metric_get(
            metric_family(METRIC_HISTOGRAM, "cdc_threads_seconds", "", "T"),
            NULL),
    };
    pthread_t ids[4];

    (void)state;
    for (unsigned i = 0; i < COUNT_OF(ids); i++) {
        assert_int_equal(pthread_create(&ids[i], NULL, adder, m), 0);
    }
    for (unsigned i = 0; i < 20; i++) {
        (void)written(NULL);
    }
    for (unsigned i = 0; i < COUNT_OF(ids); i++) {
        assert_int_equal(pthread_join(ids[i], NULL), 0);
    }
    (void)written(NULL);
    assert_line("cdc_threads_total 80000");
    assert_line("cdc_threads_seconds_count 160000");
    assert_line("cdc_threads_seconds_sum 80000");
    assert_int_equal(count_of("\ncdc_made_total{"), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counters_and_gauges),
        cmocka_unit_test(histogram),
        cmocka_unit_test(counts),
        cmocka_unit_test(times),
        cmocka_unit_test(over_a_family),
        cmocka_unit_test(numbers),
        cmocka_unit_test(process_and_build),
        cmocka_unit_test(empty_families_are_silent),
        cmocka_unit_test(threads),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
