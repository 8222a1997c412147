/* links: monitor_core */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "monitor/page.h"
#include "monitor/status.h"

/* 2025-11-08T10:30:00.000Z */
static const struct health_now now = { 1762597800000000, 50 * 1000 };

static struct fact_worker workers[] = {
    { ROLE_PRODUCER, "127.0.0.1:9851", true, true },
    { ROLE_SINK_ES, "127.0.0.1:9852", true, false },
    { ROLE_SINK_CLICKHOUSE, "127.0.0.1:9853", false, false },
};

/* One partition per table; `since_us` 0: caught up, -1: not known. */
static void table_add(struct facts *f, const char *topic, const char *table,
                      uint64_t messages, int64_t since_us)
{
    struct lag_topic *t;

    lag_topic(&f->lag, str_of(topic), str_of(table), 1);
    t = lag_find(&f->lag, str_of(topic));
    for (int s = 0; s < SINK_COUNT; s++) {
        t->parts[0].places[s].since_us = 0;
    }
    t->parts[0].places[SINK_ES].messages = messages;
    t->parts[0].places[SINK_ES].since_us = since_us;
}

static struct facts some_facts(void)
{
    struct facts f = {
        .name = "cdc",
        .slot_name = "cdc",
        .slot = { .known = true,
                  .exists = true,
                  .was_seen = true,
                  .active = true,
                  .wal_status = "reserved",
                  .unconfirmed_bytes = 999,
                  .retained_bytes = 123456789,
                  .safe_bytes = -1 },
        .lag_checked = true,
        .error_rate = 0.001,
        .throughput = 15.3,
        .rates = { 15.3, 20 },
        .workers = workers,
        .worker_count = COUNT_OF(workers),
        .started_us = now.wall_us - 1000000,
    };

    for (int i = 0; i < SERVICE_COUNT; i++) {
        f.services[i] = (struct fact_service){
            .enabled = true, .checked = true, .up = true, .at_ms = now.clock_ms
        };
    }
    lag_init(&f.lag, true, true);
    table_add(&f, "cdc.public.A", "A", 0, 0);
    table_add(&f, "cdc.public.B", "B", 7, now.wall_us - 2500000);
    table_add(&f, "cdc.public.C", "C", 3, -1);
    return f;
}

static bool holds(const struct buf *b, const char *part)
{
    return memmem(b->p, b->len, part, strlen(part)) != NULL;
}

static void test_json(void **state)
{
    struct facts f = some_facts();
    struct buf b;

    (void)state;
    buf_init(&b, 1 << 16);
    status_write(&b, &f, now);
    assert_true(holds(&b, "{\"status\":\"healthy\",\"timestamp\":"
                          "\"2025-11-08T10:30:00.000Z\",\"services\":{"));
    assert_true(holds(&b, "\"startedAt\":\"2025-11-08T10:29:59.000Z\""));
    assert_true(holds(&b, "\"groups\":[{\"group\":\"cdc-es\","
                          "\"eventsPerSecond\":15.3},{\"group\":"
                          "\"cdc-clickhouse\",\"eventsPerSecond\":20}]"));
    /* the worst first */
    assert_true(
        holds(&b, "\"tables\":[{\"table\":\"B\",\"topic\":\"cdc.public.B\","
                  "\"partitions\":1,\"es\":{\"seconds\":2.5,\"messages\":7},"
                  "\"clickhouse\":{\"seconds\":0,\"messages\":0}},"
                  "{\"table\":\"A\","));
    assert_true(holds(&b, "\"es\":{\"seconds\":null,\"messages\":3}"));
    assert_int_equal(b.p[b.len - 1], '}');
    buf_fini(&b);
    lag_fini(&f.lag);
}

static void test_disabled_sink_is_left_out(void **state)
{
    struct facts f = some_facts();
    struct buf b;

    (void)state;
    f.lag.enabled[SINK_ES] = false;
    f.services[SERVICE_ELASTICSEARCH].enabled = false;
    buf_init(&b, 1 << 16);
    status_write(&b, &f, now);
    assert_false(holds(&b, "\"es\":"));
    assert_false(holds(&b, "cdc-es"));
    buf_reset(&b);
    status_text(&b, &f, now);
    assert_true(holds(&b, "elasticsearch   disabled"));
    buf_fini(&b);
    lag_fini(&f.lag);
}

static void test_text(void **state)
{
    struct facts f = some_facts();
    struct buf b;

    (void)state;
    f.services[SERVICE_KAFKA].up = false;
    (void)snprintf(f.services[SERVICE_KAFKA].why,
                   sizeof(f.services[SERVICE_KAFKA].why), "refused");
    buf_init(&b, 1 << 16);
    status_text(&b, &f, now);
    assert_true(holds(&b, "cdc: unhealthy at 2025-11-08T10:30:00.000Z\n"
                          "  lag 2.5 s, 15.3 events/s, error rate 0.1 %\n\n"
                          "  ! kafka: refused\n"));
    assert_true(holds(&b, "  kafka           DOWN      refused\n"));
    assert_true(holds(&b, "  sink-es         not ready 127.0.0.1:9852\n"));
    assert_true(holds(&b, "  sink-clickhouse DOWN      127.0.0.1:9853\n"));
    assert_true(holds(&b, "  slot cdc: active, WAL reserved, 999 B not "
                          "confirmed, 123.5 MB kept\n"));
    assert_true(holds(&b, "  B                                2.5 s"));
    assert_true(holds(&b, "  C                                  ? s"));
    buf_fini(&b);
    lag_fini(&f.lag);
}

/* Every mark is replaced, and the page stays small (60 KB). */
static void test_page(void **state)
{
    char nonce[PAGE_NONCE_BYTES], other[PAGE_NONCE_BYTES];
    char policy[PAGE_POLICY_BYTES];
    struct buf b;

    (void)state;
    page_nonce(nonce);
    page_nonce(other);
    assert_int_equal(strlen(nonce), PAGE_NONCE_BYTES - 1);
    assert_string_not_equal(nonce, other);
    buf_init(&b, 1 << 20);
    page_write(&b, nonce);
    assert_true(holds(&b, "<!doctype html>"));
    assert_true(holds(&b, "</html>"));
    assert_true(holds(&b, nonce));
    assert_false(holds(&b, "@NONCE@"));
    assert_false(holds(&b, "http://"));
    assert_false(holds(&b, "https://"));
    assert_in_range(b.len, 1, 60000);
    page_policy(policy, nonce);
    assert_non_null(strstr(policy, "default-src 'none'"));
    assert_non_null(strstr(policy, "frame-ancestors 'none'"));
    buf_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_disabled_sink_is_left_out),
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_page),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
