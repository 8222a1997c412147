/* links: cdc_sink */
/* tables.h: the series of a table, known from the start with 0, and what
   counts where. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/clock.h"
#include "common/tables.h"

static struct shape user = { .schema = (char[]){ "public" },
                             .name = (char[]){ "User" },
                             .topic = (char[]){ "cdc.public.User" } };
static struct shape line = { .schema = (char[]){ "shop" },
                             .name = (char[]){ "Line" },
                             .topic = (char[]){ "cdc.shop.Line" } };

static const struct sink_ops es = { .name = "es",
                                    .component = "sink-es",
                                    .error_type = "es_write",
                                    .writes = "cdc_elasticsearch_writes_total",
                                    .writes_label = "index",
                                    .writes_name = shape_alias };
static const struct sink_ops ch = { .name = "clickhouse",
                                    .component = "sink-clickhouse",
                                    .error_type = "ch_write",
                                    .writes = "cdc_clickhouse_writes_total" };

static struct server_reply reply;

static void read_metrics(struct tables *t)
{
    buf_fini(&reply.body);
    buf_init(&reply.body, 1 << 20);
    tables_metrics(t, &reply);
}

static void has(const char *text)
{
    char whole[512];

    (void)snprintf(whole, sizeof(whole), "\n%s\n", text);
    if (!strstr(buf_z(&reply.body), whole)) {
        fail_msg("no line %s in:\n%s", text, buf_z(&reply.body));
    }
}

#define ES ",component=\"sink-es\"} "
#define CH ",component=\"sink-clickhouse\"} "

static void known_from_the_start(void **state)
{
    struct tables t;

    (void)state;
    tables_init(&t, &es);
    (void)tables_get(&t, &line);
    read_metrics(&t);
    has("cdc_sync_events_total{table=\"shop.Line\",operation=\"DELETE\","
        "status=\"success\"" ES "0");
    has("cdc_sync_errors_total{table=\"shop.Line\",error_type=\"es_write\"" ES
        "0");
    has("cdc_sync_errors_total{table=\"shop.Line\",error_type=\"decode\"" ES
        "0");
    has("cdc_dead_letters_total{table=\"shop.Line\",error_type=\"es_write\"" ES
        "0");
    has("cdc_sync_lag_seconds{table=\"shop.Line\"" ES "0");
    has("cdc_elasticsearch_writes_total{index=\"shop.line\","
        "status=\"success\"" ES "0");
    has("cdc_elasticsearch_writes_total{index=\"shop.line\","
        "status=\"error\"" ES "0");
    /* a time is not, before there is one */
    assert_null(strstr(buf_z(&reply.body), "cdc_source_last_commit"));
    tables_fini(&t);
}

static void counts(void **state)
{
    int64_t commit_us = clock_wall_us() - 2000000;
    struct tables t;
    struct table *table;

    (void)state;
    tables_init(&t, &ch);
    table = tables_get(&t, &user);
    table_done(&t, table, EVENT_CREATE, commit_us, 3);
    table_done(&t, table, EVENT_DELETE, commit_us - 5000000, 1);
    /* one attempt that left two rows: once; the next one: again */
    table_write_failed(table, 1);
    table_write_failed(table, 1);
    table_write_failed(table, 2);
    table_failed(&t, table, EVENT_UPDATE, "ch_write");
    read_metrics(&t);
    has("cdc_sync_events_total{table=\"User\",operation=\"INSERT\","
        "status=\"success\"" CH "3");
    has("cdc_sync_events_total{table=\"User\",operation=\"UPDATE\","
        "status=\"error\"" CH "1");
    has("cdc_clickhouse_writes_total{table=\"User\",status=\"success\"" CH "4");
    has("cdc_clickhouse_writes_total{table=\"User\",status=\"error\"" CH "2");
    has("cdc_sync_errors_total{table=\"User\",error_type=\"ch_write\"" CH "1");
    assert_true(metrics_max("cdc_source_last_commit_timestamp_seconds") ==
                (double)commit_us / 1e6);
    tables_fini(&t);
}

static void lag_is_of_the_oldest(void **state)
{
    struct tables t;
    struct table *table;
    double lag;

    (void)state;
    tables_init(&t, &ch);
    table = tables_get(&t, &user);
    tables_lag_begin(&t);
    table_lag_see(table, clock_wall_us() - 1000000);
    table_lag_see(table, clock_wall_us() - 7000000);
    table_lag_see(table, 0);
    tables_lag_end(&t);
    read_metrics(&t);
    lag = metrics_max("cdc_sync_lag_seconds");
    assert_true(lag >= 7 && lag < 12);
    tables_lag_begin(&t);
    tables_lag_end(&t);
    read_metrics(&t);
    has("cdc_sync_lag_seconds{table=\"User\"" CH "0");
    tables_fini(&t);
}

static int end(void **state)
{
    (void)state;
    buf_fini(&reply.body);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_from_the_start),
        cmocka_unit_test(counts),
        cmocka_unit_test(lag_is_of_the_oldest),
    };

    return cmocka_run_group_tests(tests, NULL, end);
}
