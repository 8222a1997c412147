/* links: cdc_base */
/* conftls.h: which addresses leave this machine unencrypted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/conftls.h"

static const struct conf_option *option(const char *key)
{
    const struct conf_option *o = conf_options;

    while (o->key && strcmp(o->key, key) != 0) {
        o++;
    }
    assert_non_null(o->key);
    return o;
}

static void addresses(void **state)
{
    static const struct {
        const char *key, *text;
        bool clear;
    } cases[] = {
        { "sinks.elasticsearch.url", "http://localhost:9200", false },
        { "sinks.elasticsearch.url", "http://LOCALHOST", false },
        { "sinks.elasticsearch.url", "http://es.localhost:9200", false },
        { "sinks.elasticsearch.url", "http://127.0.0.1:9200/p", false },
        { "sinks.elasticsearch.url", "http://127.9.9.9", false },
        { "sinks.elasticsearch.url", "http://[::1]:9200", false },
        { "sinks.elasticsearch.url", "https://es:9200", false },
        { "sinks.elasticsearch.url", "HTTPS://es:9200", false },
        { "sinks.elasticsearch.url", "", false },
        { "sinks.elasticsearch.url", NULL, false },
        { "sinks.elasticsearch.url", "http://es:9200", true },
        { "sinks.elasticsearch.url", "http://localhost.example", true },
        { "sinks.elasticsearch.url", "http://notlocalhost", true },
        { "sinks.elasticsearch.url", "http://127.0.0.1.example", true },
        { "sinks.elasticsearch.url", "http://u:p@es", true },
        { "sinks.elasticsearch.url", "http://localhost@es", true },
        { "sinks.elasticsearch.url", "http://es?localhost", true },
        { "sinks.elasticsearch.url", "http://[2001:db8::1]:9200", true },
        { "sinks.clickhouse.url", "localhost", false },
        { "sinks.clickhouse.url", "localhost:8123", false },
        { "sinks.clickhouse.url", "ch:8123", true },
        { "redis.url", "redis://localhost:6379/1", false },
        { "redis.url", "redis://:p@10.0.0.1", true },
        { "redis.url", "rediss://far", false },
        { "kafka.brokers", "localhost:9092", false },
        { "kafka.brokers", "localhost:9092,[::1]:1,127.0.0.2", false },
        { "kafka.brokers", "localhost:9092,k2:9092", true },
        { "source.url", "postgresql://u:p@localhost/d", false },
        { "source.url", "postgresql:///d", false },
        { "source.url", "postgresql://%2Fvar%2Frun/d", false },
        { "source.url", "postgresql:///d?host=/var/run", false },
        { "source.url", "host=/var/run dbname=d", false },
        { "source.url", "dbname=d", false },
        { "source.url", "postgresql://db/d", true },
        { "source.url", "postgres://u@db/d?sslmode=prefer", true },
        { "source.url", "postgres://u@db/d?sslmode=require", false },
        { "source.url", "postgres://db/d?a=b&sslmode=verify-full", false },
        { "source.url", "postgres://db/d?ssl=true", false },
        { "source.url", "postgres://localhost,db/d", true },
        { "source.url", "postgres://localhost/d?host=db", true },
        { "source.url", "postgres://localhost/d?hostaddr=10.0.0.1", true },
        { "source.url", "host=db user=u password=p", true },
        { "source.url", "host=db sslmode=verify-ca", false },
    };

    (void)state;
    (void)unsetenv("PGSSLMODE");
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct buf why;

        buf_init(&why, 1000);
        if (conftls_clear(option(cases[i].key), cases[i].text, &why) !=
            cases[i].clear) {
            print_message("%s\n", cases[i].text ? cases[i].text : "(none)");
            fail();
        }
        assert_int_equal(why.len > 0, cases[i].clear);
        buf_fini(&why);
    }
}

static void what_is_said(void **state)
{
    struct buf why;

    (void)state;
    buf_init(&why, 1000);
    assert_true(conftls_clear(option("sinks.elasticsearch.url"),
                              "http://me:canary@es", &why));
    assert_string_equal(buf_z(&why),
                        "http://me:***@es is not encrypted: use https://");
    buf_reset(&why);
    (void)setenv("PGSSLMODE", "require", 1);
    assert_false(conftls_clear(option("source.url"), "host=db", &why));
    assert_true(
        conftls_clear(option("source.url"), "host=db sslmode=allow", &why));
    assert_string_equal(buf_z(&why), "*** is not encrypted: add "
                                     "sslmode=verify-full (or require)");
    (void)unsetenv("PGSSLMODE");
    buf_fini(&why);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses),
        cmocka_unit_test(what_is_said),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
