/* links: cdc_base */
/* confvalue.h: texts to fields, and what of them is shown. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/confvalue.h"

static void numbers(void **state)
{
    static const struct {
        enum conf_type type;
        const char *text;
        bool good;
        int want;
    } cases[] = {
        { CONF_INT, "7", true, 7 },
        { CONF_INT, "-7", true, -7 },
        { CONF_INT, "7s", false, 0 },
        { CONF_INT, "", false, 0 },
        { CONF_INT, "07", false, 0 },
        { CONF_MS, "0", true, 0 },
        { CONF_MS, "500", true, 500 },
        { CONF_MS, "500ms", true, 500 },
        { CONF_MS, "30s", true, 30000 },
        { CONF_MS, "5m", true, 300000 },
        { CONF_MS, "1h", true, 3600000 },
        { CONF_MS, "-1", true, -1 },
        { CONF_MS, "1d", false, 0 },
        { CONF_MS, "1 s", false, 0 },
        { CONF_MS, "1S", false, 0 },
        { CONF_MS, "s", false, 0 },
        { CONF_MS, "1.5s", false, 0 },
        { CONF_MS, "1MiB", false, 0 },
        { CONF_MS, "600h", false, 0 },
        { CONF_MS, "9223372036854775807h", false, 0 },
        { CONF_BYTES, "512", true, 512 },
        { CONF_BYTES, "512B", true, 512 },
        { CONF_BYTES, "1KiB", true, 1024 },
        { CONF_BYTES, "8MiB", true, 8 << 20 },
        { CONF_BYTES, "1GiB", true, 1 << 30 },
        { CONF_BYTES, "2GiB", false, 0 },
        { CONF_BYTES, "1MB", false, 0 },
        { CONF_BYTES, "1s", false, 0 },
    };
    struct err e;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct conf_option o = { .type = cases[i].type,
                                 .min = -INT32_MAX,
                                 .max = INT32_MAX };
        int field = 4711;
        int rc = confvalue_store(&o, cases[i].text, &field, 0, &e);

        assert_int_equal(rc, cases[i].good ? 0 : -1);
        assert_int_equal(field, cases[i].good ? cases[i].want : 4711);
        assert_true(rc == 0 || e.kind == ERR_CONFIG);
    }
}

static void shown(void **state)
{
    static const struct {
        enum conf_type type;
        bool secret;
        const char *text, *want;
    } cases[] = {
        { CONF_MS, false, "90000", "90s" },
        { CONF_MS, false, "120s", "2m" },
        { CONF_MS, false, "-1", "-1" },
        { CONF_MS, false, "0", "0" },
        { CONF_BYTES, false, "8388608", "8MiB" },
        { CONF_BYTES, false, "1025", "1025B" },
        { CONF_BOOL, false, "on", "true" },
        { CONF_INT, false, "12", "12" },
        { CONF_STRING, false, "a b", "a b" },
        { CONF_STRING, true, "a b", "***" },
        { CONF_STRING, true, "", "" },
        { CONF_LIST, false, "a,b", "a,b" },
        { CONF_LIST, false, "a,redis://:canary@h", "a,redis://:***@h" },
        { CONF_STRING, false, "host=h password=canary", "***" },
        { CONF_URL, true, "redis://h:1", "redis://h:1" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct conf_option o = { .type = cases[i].type,
                                 .secret = cases[i].secret,
                                 .min = -INT32_MAX,
                                 .max = INT32_MAX };
        union {
            char *text;
            int number;
            bool flag;
        } field = { 0 };
        struct err e;
        struct buf b;

        buf_init(&b, 1000);
        assert_int_equal(confvalue_store(&o, cases[i].text, &field, 0, &e), 0);
        confvalue_show(&o, &field, 0, &b);
        assert_string_equal(buf_z(&b), cases[i].want);
        buf_fini(&b);
        if (confvalue_is_text(&o)) {
            xfree(field.text);
        }
    }
}

static void no_password_is_shown(void **state)
{
    static const struct {
        const char *url, *want;
    } cases[] = {
        { "http://h:9200", "http://h:9200" },
        { "h:8123", "h:8123" },
        { "http://u@h/p", "http://u@h/p" },
        { "http://u:canary@h/p", "http://u:***@h/p" },
        { "http://:canary@h", "http://:***@h" },
        { "http://u:ca@na/ry@h", "http://u:***@h" },
        { "u:canary@h:8123", "***" },
        { "host=h password=canary", "***" },
        { "postgresql://u:canary@h/d?sslmode=require&connect_timeout=3",
          "postgresql://u:***@h/d?sslmode=require&connect_timeout=3" },
        { "postgresql://h/d?user=u&password=canary&a=b",
          "postgresql://h/d?user=u&password=***&a=b" },
        { "postgresql://h/d?sslpassword=canary&Password=canary",
          "postgresql://h/d?sslpassword=***&Password=***" },
        { "postgresql://h/d?scram_client_key=canary&oauth_client_secret="
          "canary",
          "postgresql://h/d?scram_client_key=***&oauth_client_secret=***" },
        { "postgresql://h/d?password=canary@x", "postgresql://h/d?***@x" },
        { "http://a:canary@h1,http://b:canary@h2", "http://a:***@h2" },
        { "", "" },
        { "://", "://" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct buf b;

        buf_init(&b, 1000);
        confvalue_redact(cases[i].url, &b);
        assert_string_equal(buf_z(&b), cases[i].want);
        assert_null(strstr(buf_z(&b), "canary"));
        buf_fini(&b);
    }
}

/* A value at the wrong place. */
static void misplaced(void **state)
{
    static const char *const values[] = { "redis://:canary@h",
                                          "host=h PASSWORD=canary" };
    static const enum conf_type types[] = { CONF_INT, CONF_MS, CONF_BYTES,
                                            CONF_BOOL, CONF_CHOICE };

    (void)state;
    for (size_t v = 0; v < COUNT_OF(values); v++) {
        for (size_t t = 0; t < COUNT_OF(types); t++) {
            struct conf_option o = { .type = types[t], .choices = "a b" };
            int64_t field = 0;
            struct err e = { 0 };

            assert_int_equal(confvalue_store(&o, values[v], &field, 0, &e), -1);
            assert_memory_equal(e.text, "\"(a URL)\" is not", 16);
        }
        assert_int_equal(conf_name_check(values[v], &(struct err){ 0 }), -1);
    }
    assert_string_equal(confvalue_shown("/etc/x"), "/etc/x");
}

static void words(void **state)
{
    (void)state;
    assert_true(conf_listed("a bc d", "a"));
    assert_true(conf_listed("a bc d", "bc"));
    assert_true(conf_listed("a bc d", "d"));
    assert_false(conf_listed("a bc d", "b"));
    assert_false(conf_listed("a bc d", ""));
    assert_false(conf_listed("", "a"));
    assert_false(conf_listed(NULL, "a"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers),
        cmocka_unit_test(shown),
        cmocka_unit_test(no_password_is_shown),
        cmocka_unit_test(misplaced),
        cmocka_unit_test(words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
