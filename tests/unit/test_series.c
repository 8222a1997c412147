/* links: monitor_core */
/* series.h: the monitor's own series of given facts, and that all of it is a
   valid exposition. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/metrics.h"
#include "monitor/promtext.h"
#include "monitor/series.h"

/* 2025-11-08T10:30:00.000Z */
static const struct health_now now = { 1762597800000000, 50 * 1000 };

static struct fact_worker workers[] = {
    { ROLE_PRODUCER, "127.0.0.1:9851", true, true },
    { ROLE_SINK_ES, "[fd00::3]:9850", false, false },
};

static struct buf text;

static struct facts some_facts(void)
{
    struct facts f = {
        .name = "cdc",
        .slot_name = "cdc",
        .registry = { .enabled = true, .checked = true },
        .slot = { .known = true,
                  .exists = true,
                  .active = true,
                  .wal_status = "extended",
                  .unconfirmed_bytes = 999,
                  .retained_bytes = 123456789,
                  .safe_bytes = 5000 },
        .lag_checked = true,
        .heartbeat_s = { 1762597790.25, 0 },
        .throughput = 15.3,
        .workers = workers,
        .worker_count = COUNT_OF(workers),
    };
    struct lag_topic *t;

    for (int i = 0; i < SERVICE_COUNT; i++) {
        f.services[i] = (struct fact_service){
            .enabled = true, .checked = true, .up = true, .at_ms = now.clock_ms
        };
    }
    f.services[SERVICE_CLICKHOUSE].enabled = false;
    f.services[SERVICE_ELASTICSEARCH].up = false;
    lag_init(&f.lag, true, false);
    lag_topic(&f.lag, STR("cdc.public.User"), STR("User"), 2);
    t = lag_find(&f.lag, STR("cdc.public.User"));
    t->parts[0].places[SINK_ES].since_us = now.wall_us - 2500000;
    t->parts[0].places[SINK_ES].messages = 7;
    t->parts[1].places[SINK_ES].since_us = 0;
    return f;
}

static void write_text(const struct facts *f)
{
    buf_reset(&text);
    series_write(&text, f, now);
    assert_true(buf_ok(&text));
}

static void has(const char *line)
{
    char whole[512];

    (void)snprintf(whole, sizeof(whole), "\n%s\n", line);
    if (!strstr(buf_z(&text), whole)) {
        fail_msg("no line %s in:\n%s", line, buf_z(&text));
    }
}

static void all_of_them(void **state)
{
    struct facts f = some_facts();

    (void)state;
    write_text(&f);
    has("cdc_monitor_status{status=\"degraded\"} 1");
    has("cdc_monitor_status{status=\"healthy\"} 0");
    has("cdc_component_health{component=\"elasticsearch\",status=\"down\"} 1");
    has("cdc_component_health{component=\"clickhouse\",status=\"disabled\"} 1");
    has("cdc_component_health{component=\"redis\",status=\"down\"} 1");
    has("cdc_component_health{component=\"redis\",status=\"up\"} 0");
    has("cdc_monitor_sync_lag_seconds{table=\"User\",sink=\"es\"} 2.5");
    has("cdc_kafka_consumer_lag_messages{consumer_group=\"cdc-es\","
        "topic=\"cdc.public.User\",partition=\"0\"} 7");
    has("cdc_kafka_consumer_lag_messages{consumer_group=\"cdc-es\","
        "topic=\"cdc.public.User\",partition=\"1\"} 0");
    has("cdc_heartbeat_last_received_timestamp_seconds{"
        "consumer_group=\"cdc-es\"} 1762597790.25");
    has("cdc_replication_slot_active{slot_name=\"cdc\"} 1");
    has("cdc_replication_slot_lag_bytes{slot_name=\"cdc\"} 999");
    has("cdc_replication_slot_retained_bytes{slot_name=\"cdc\"} 123456789");
    has("cdc_replication_slot_safe_wal_bytes{slot_name=\"cdc\"} 5000");
    has("cdc_replication_slot_wal_status{slot_name=\"cdc\","
        "wal_status=\"extended\"} 1");
    has("cdc_replication_slot_wal_status{slot_name=\"cdc\","
        "wal_status=\"lost\"} 0");
    has("cdc_monitor_worker_up{role=\"sink-es\",worker=\"[fd00::3]:9850\"} 0");
    has("cdc_monitor_throughput_events_per_second 15.3");
    lag_fini(&f.lag);
}

/* What is not known is not shown. */
static void unknown(void **state)
{
    static const char *const absent[] = {
        "cdc_replication_slot", "cdc_heartbeat", "\ncdc_monitor_worker_up{",
        "\ncdc_monitor_sync_lag_seconds{", "clickhouse\"} "
    };
    struct facts f = some_facts();

    (void)state;
    f.slot.safe_bytes = -1; /* no limit */
    write_text(&f);
    assert_null(strstr(buf_z(&text), "safe_wal_bytes"));
    f.slot.exists = false;
    f.heartbeat_s[SINK_ES] = 0;
    f.worker_count = 0;
    lag_find(&f.lag, STR("cdc.public.User"))
        ->parts[0]
        .places[SINK_ES]
        .since_us = -1;
    write_text(&f);
    for (size_t i = 0; i < COUNT_OF(absent); i++) {
        if (strstr(buf_z(&text), absent[i])) {
            fail_msg("%s in:\n%s", absent[i], buf_z(&text));
        }
    }
    lag_fini(&f.lag);
}

/* Every line reads, and a family's HELP and TYPE come once, in front. */
static void valid(void **state)
{
    struct facts f = some_facts();
    struct promtext_line line;
    enum promtext_kind kind;
    unsigned series = 0;
    struct str rest;

    (void)state;
    write_text(&f);
    rest = buf_str(&text);
    while ((kind = promtext_next(&rest, &line)) != PROMTEXT_END) {
        char type[256];
        const char *first;

        assert_int_not_equal(kind, PROMTEXT_BAD);
        series += kind == PROMTEXT_SERIES;
        if (kind == PROMTEXT_TYPE) {
            (void)snprintf(type, sizeof(type), "# TYPE %.*s ",
                           STR_ARG(line.name));
            first = strstr(buf_z(&text), type);
            assert_non_null(first);
            assert_null(strstr(first + 1, type));
        }
    }
    assert_true(series > 40);
    lag_fini(&f.lag);
}

static int begin(void **state)
{
    (void)state;
    metrics_init("monitor");
    buf_init(&text, SERIES_BYTES_MAX);
    return 0;
}

static int end(void **state)
{
    (void)state;
    buf_fini(&text);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_of_them),
        cmocka_unit_test(unknown),
        cmocka_unit_test(valid),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
