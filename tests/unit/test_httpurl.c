/* links: cdc_http */
/* httpurl.h: URLs as people write them; secrets stay in their place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/httpurl.h"

static const struct {
    const char *text;
    int port;
    const char *name, *base, *user, *password;
} good[] = {
    { "http://localhost:9200", 0, "http://localhost:9200",
      "http://localhost:9200", NULL, NULL },
    { "https://es.example.org", 9200, "https://es.example.org",
      "https://es.example.org", NULL, NULL },
    { "localhost", 8123, "http://localhost:8123", "http://localhost:8123", NULL,
      NULL },
    { "localhost", 0, "http://localhost", "http://localhost", NULL, NULL },
    { "ch:8124", 8123, "http://ch:8124", "http://ch:8124", NULL, NULL },
    { "http://me:p%40ss@h:1/pre/fix/", 0, "http://h:1", "http://h:1/pre/fix",
      "me", "p@ss" },
    { "http://me@h", 0, "http://h", "http://h", "me", NULL },
    { "me:pw@h", 9200, "http://h:9200", "http://h:9200", "me", "pw" },
    { "http://[::1]:9200//", 0, "http://[::1]:9200", "http://[::1]:9200", NULL,
      NULL },
};

static void same(const char *got, const char *want)
{
    if (want) {
        assert_non_null(got);
        assert_string_equal(got, want);
    } else {
        assert_null(got);
    }
}

static void takes_apart(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        struct httpurl url = { 0 };
        struct err e = { 0 };

        if (httpurl_parse(&url, good[i].text, good[i].port, &e) < 0) {
            fail_msg("%s: %s", good[i].text, e.text);
        }
        same(url.name, good[i].name);
        same(url.base, good[i].base);
        same(url.user, good[i].user);
        same(url.password, good[i].password);
        httpurl_fini(&url);
        httpurl_fini(&url);
    }
}

static void refuses_without_secrets(void **state)
{
    static const char *const bad[] = {
        "",
        "ftp://me:canary@h",
        "http://me:canary@h/?q=1",
        "http://me:canary@h/#f",
        "http://me:canary@h:99999",
        "http://me:canary@",
        "://me:canary@h",
        "http://me:canary@h h",
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct httpurl url = { 0 };
        struct err e = { 0 };

        if (httpurl_parse(&url, bad[i], 0, &e) == 0) {
            fail_msg("%s accepted", bad[i]);
        }
        assert_int_equal(e.kind, ERR_CONFIG);
        assert_null(strstr(e.text, "canary"));
        assert_null(url.name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_apart),
        cmocka_unit_test(refuses_without_secrets),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
