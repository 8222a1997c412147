/* links: monitor_core */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

#include "monitor/health.h"

/* 2025-11-08T10:30:00.000Z */
static const struct health_now now = { 1762597800000000, 50 * 1000 };

/* A pipeline in which all is well. */
static struct facts good(void)
{
    struct facts f = {
        .name = "cdc",
        .slot_name = "cdc",
        .slot = { .known = true,
                  .exists = true,
                  .was_seen = true,
                  .active = true,
                  .wal_status = "reserved",
                  .safe_bytes = -1 },
        .lag_checked = true,
        .error_rate = 0.001,
        .throughput = 15.3,
    };

    for (int i = 0; i < SERVICE_COUNT; i++) {
        f.services[i] = (struct fact_service){
            .enabled = true, .checked = true, .up = true, .at_ms = now.clock_ms
        };
    }
    lag_init(&f.lag, true, true);
    return f;
}

/* One table whose only partition waits since so many seconds at a sink. */
static void set_lag(struct facts *f, enum sink sink, double seconds)
{
    struct lag_place *place;

    lag_topic(&f->lag, STR("cdc.public.User"), STR("User"), 1);
    for (int s = 0; s < SINK_COUNT; s++) {
        f->lag.topics[0].parts[0].places[s].since_us = 0;
    }
    place = &f->lag.topics[0].parts[0].places[sink];
    place->messages = 7;
    place->since_us = now.wall_us - (int64_t)(seconds * 1e6);
}

static void test_json(void **state)
{
    struct facts f = good();
    struct fact_worker workers[] = {
        { ROLE_PRODUCER, "127.0.0.1:9851", true, true },
        { ROLE_SINK_ES, "localhost:9852", false, false },
    };
    struct buf b;

    (void)state;
    f.workers = workers;
    f.worker_count = 2;
    f.services[SERVICE_CLICKHOUSE].enabled = false;
    f.lag.enabled[SINK_CLICKHOUSE] = false;
    set_lag(&f, SINK_ES, 2.5);
    buf_init(&b, 4096);
    health_write(&b, &f, now);
    assert_string_equal(
        buf_z(&b),
        "{\"status\":\"healthy\",\"timestamp\":\"2025-11-08T10:30:00.000Z\","
        "\"services\":{\"kafka\":true,\"clickhouse\":true,"
        "\"elasticsearch\":true,\"postgres\":true},"
        "\"metrics\":{\"syncLag\":2.5,\"errorRate\":0.001,"
        "\"throughput\":15.3},"
        "\"disabled\":[\"clickhouse\"],"
        "\"components\":{\"redis\":\"disabled\"},"
        "\"problems\":[\"no sink-es answers\"],"
        "\"lag\":{\"capture\":{\"seconds\":0},"
        "\"es\":{\"seconds\":2.5,\"messages\":7,\"table\":\"User\"}},"
        "\"slot\":{\"name\":\"cdc\",\"exists\":true,\"active\":true,"
        "\"walStatus\":\"reserved\",\"unconfirmedBytes\":0,"
        "\"retainedBytes\":0},"
        "\"workers\":[{\"role\":\"producer\",\"instance\":"
        "\"127.0.0.1:9851\",\"up\":true,\"ready\":true},"
        "{\"role\":\"sink-es\",\"instance\":\"localhost:9852\","
        "\"up\":false,\"ready\":false}],"
        "\"version\":\"" CDC_VERSION "\"}");
    buf_fini(&b);
    lag_fini(&f.lag);
}

static void test_before_the_first_check(void **state)
{
    struct facts f = { .name = "cdc", .slot_name = "cdc" };
    struct buf b;

    (void)state;
    lag_init(&f.lag, true, true);
    for (int i = 0; i < SERVICE_COUNT; i++) {
        f.services[i].enabled = true;
    }
    assert_int_equal(health_judge(&f, now), UNHEALTHY);
    assert_false(health_ready(&f, now));
    buf_init(&b, 4096);
    health_write(&b, &f, now);
    assert_non_null(strstr(buf_z(&b), "\"postgres: not checked yet\""));
    assert_non_null(strstr(buf_z(&b), "\"syncLag\":0,"));
    assert_non_null(strstr(buf_z(&b), "\"es\":{\"seconds\":null,"));
    assert_non_null(strstr(buf_z(&b), "\"exists\":false}"));
    buf_fini(&b);
}

static void test_services(void **state)
{
    static const struct {
        enum service service;
        enum health want;
        bool ready;
    } cases[] = {
        { SERVICE_POSTGRES, UNHEALTHY, false },
        { SERVICE_KAFKA, UNHEALTHY, false },
        { SERVICE_ELASTICSEARCH, DEGRADED, true },
        { SERVICE_CLICKHOUSE, DEGRADED, true },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct facts f = good();
        struct fact_service *s = &f.services[cases[i].service];

        assert_int_equal(health_judge(&f, now), HEALTHY);
        assert_true(health_ready(&f, now));
        s->up = false;
        assert_int_equal(health_judge(&f, now), cases[i].want);
        assert_int_equal(health_ready(&f, now), cases[i].ready);
        assert_false(health_up(&f, cases[i].service, now));
        /* a check that does not come back is a dead service */
        s->up = true;
        s->at_ms = now.clock_ms - HEALTH_STALE_MS;
        assert_int_equal(health_judge(&f, now), HEALTHY);
        s->at_ms--;
        assert_int_equal(health_judge(&f, now), cases[i].want);
        s->enabled = false;
        assert_int_equal(health_judge(&f, now), HEALTHY);
        assert_true(health_ready(&f, now));
        lag_fini(&f.lag);
    }
}

static void test_ready_waits_for_all_checks(void **state)
{
    struct facts f = good();

    (void)state;
    f.services[SERVICE_CLICKHOUSE].checked = false;
    assert_false(health_ready(&f, now));
    f = good();
    f.lag_checked = false;
    assert_false(health_ready(&f, now));
}

static void test_lag_limits(void **state)
{
    static const struct {
        double seconds;
        enum health want;
    } cases[] = {
        { 0, HEALTHY },    { 60, HEALTHY },      { 60.1, DEGRADED },
        { 300, DEGRADED }, { 300.1, UNHEALTHY },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        for (int s = 0; s < SINK_COUNT; s++) {
            struct facts f = good();

            set_lag(&f, (enum sink)s, cases[i].seconds);
            assert_int_equal(health_judge(&f, now), cases[i].want);
            assert_true(fabs(health_lag(&f, now) - cases[i].seconds) < 1e-6);
            lag_fini(&f.lag);
        }
    }
}

static void test_capture_lag(void **state)
{
    struct facts f = good();

    (void)state;
    f.slot.waiting_since_us = now.wall_us - HEALTH_CONFIRM_US;
    assert_true(health_lag(&f, now) == 0);
    f.slot.waiting_since_us = now.wall_us - 4 * 1000 * 1000;
    assert_true(fabs(health_lag(&f, now) - 4) < 1e-6);
    f.slot.waiting_since_us = now.wall_us - 301LL * 1000 * 1000;
    assert_int_equal(health_judge(&f, now), UNHEALTHY);
}

static void test_errors(void **state)
{
    struct facts f = good();

    (void)state;
    f.error_rate = 0.05;
    assert_int_equal(health_judge(&f, now), HEALTHY);
    f.error_rate = 0.051;
    assert_int_equal(health_judge(&f, now), DEGRADED);
    f.error_rate = 0.2;
    assert_int_equal(health_judge(&f, now), DEGRADED);
    f.error_rate = 0.201;
    assert_int_equal(health_judge(&f, now), UNHEALTHY);
}

static void test_inconsistent(void **state)
{
    struct facts f = good();
    struct buf b;

    (void)state;
    f.inconsistent = true;
    assert_int_equal(health_judge(&f, now), DEGRADED);
    buf_init(&b, 1000);
    assert_int_equal(health_problems_text(&b, &f, now), 1);
    assert_non_null(strstr(buf_z(&b), "source and targets differ"));
    buf_fini(&b);
}

static void set_status(struct facts *f, const char *wal_status)
{
    (void)snprintf(f->slot.wal_status, sizeof(f->slot.wal_status), "%s",
                   wal_status);
}

static void test_slot(void **state)
{
    struct facts f = good();
    struct buf b;

    (void)state;
    buf_init(&b, 4096);
    set_status(&f, "lost");
    assert_int_equal(health_judge(&f, now), UNHEALTHY);
    health_write(&b, &f, now);
    assert_non_null(strstr(buf_z(&b), "replication slot cdc is lost"));
    set_status(&f, "unreserved");
    assert_int_equal(health_judge(&f, now), HEALTHY);
    /* gone after it was there; not made yet */
    f.slot.exists = false;
    set_status(&f, "");
    assert_int_equal(health_judge(&f, now), UNHEALTHY);
    f.slot.was_seen = false;
    assert_int_equal(health_judge(&f, now), HEALTHY);
    buf_reset(&b);
    health_write(&b, &f, now);
    assert_non_null(strstr(buf_z(&b), "does not exist yet"));
    buf_fini(&b);
}

static void test_numbers(void **state)
{
    static const struct {
        double value;
        int decimals;
        const char *want;
    } cases[] = {
        { 0, 3, "0" },
        { 2.5, 3, "2.5" },
        { 15.3, 3, "15.3" },
        { 100, 3, "100" },
        { 0.0004, 3, "0" },
        { -0.0001, 3, "0" },
        { 1.23456, 3, "1.235" },
        { 0.001, 6, "0.001" },
        { 1e15, 0, "1000000000000000" },
        { NAN, 3, "0" },
        { INFINITY, 3, "0" },
        { -1.5, 1, "-1.5" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct buf b;

        buf_init(&b, 100);
        health_number(&b, cases[i].value, cases[i].decimals);
        assert_string_equal(buf_z(&b), cases[i].want);
        buf_fini(&b);
    }
}

/* The registry is shown and changes no verdict; a replica that it knows and
   that does not answer is named. */
static void test_registry(void **state)
{
    static const struct {
        struct fact_registry registry;
        const char *want;
    } cases[] = {
        { { .enabled = false }, "disabled" },
        { { .enabled = true }, "up" }, /* not looked at yet */
        { { .enabled = true, .checked = true, .up = true }, "up" },
        { { .enabled = true, .checked = true, .why = "refused" }, "down" },
    };
    struct fact_worker workers[] = {
        { ROLE_SINK_ES, "10.0.0.3:9850", true, true },
        { ROLE_SINK_ES, "10.0.0.4:9850", false, false },
    };
    struct facts f = good();
    struct buf b;
    char want[64];

    (void)state;
    f.workers = workers;
    f.worker_count = 2;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        f.registry = cases[i].registry;
        assert_int_equal(health_judge(&f, now), HEALTHY);
        buf_init(&b, 4096);
        health_write(&b, &f, now);
        (void)snprintf(want, sizeof(want), "\"components\":{\"redis\":\"%s\"}",
                       cases[i].want);
        assert_non_null(strstr(buf_z(&b), want));
        assert_non_null(strstr(
            buf_z(&b),
            "\"problems\":[\"sink-es at 10.0.0.4:9850 does not answer\"]"));
        buf_fini(&b);
    }
    lag_fini(&f.lag);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_before_the_first_check),
        cmocka_unit_test(test_services),
        cmocka_unit_test(test_ready_waits_for_all_checks),
        cmocka_unit_test(test_lag_limits),
        cmocka_unit_test(test_capture_lag),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_inconsistent),
        cmocka_unit_test(test_slot),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_registry),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
