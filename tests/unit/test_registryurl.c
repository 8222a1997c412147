/* links: cdc_base */
/* registryurl.h: REDIS_URL taken apart, and where a process says it is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/registry.h"
#include "common/registryurl.h"

static const struct {
    const char *text, *host; /* host NULL: refused */
    int port;
    const char *user, *password;
    int database;
} urls[] = {
    { "redis://localhost:6379", "localhost", 6379, NULL, NULL, 0 },
    { "redis://r", "r", 6379, NULL, NULL, 0 },
    { "redis://r/", "r", 6379, NULL, NULL, 0 },
    { "redis://r:7000/3", "r", 7000, NULL, NULL, 3 },
    { "redis://:s3cret@r", "r", 6379, NULL, "s3cret", 0 },
    { "redis://u:s3cret@r:1/2?family=6", "r", 1, "u", "s3cret", 2 },
    { "redis://u:a%40b%3A%2f@r", "r", 6379, "u", "a@b:/", 0 },
    { "redis://u:a@b@r", "r", 6379, "u", "a@b", 0 },
    { "redis://[::1]:6380", "::1", 6380, NULL, NULL, 0 },
    { "redis://[fd00::1]", "fd00::1", 6379, NULL, NULL, 0 },
    { "", NULL, 0, NULL, NULL, 0 },
    { "localhost:6379", NULL, 0, NULL, NULL, 0 },
    { "http://r", NULL, 0, NULL, NULL, 0 },
    { "rediss://u:s3cret@r", NULL, 0, NULL, NULL, 0 },
    { "redis://", NULL, 0, NULL, NULL, 0 },
    { "redis://:6379", NULL, 0, NULL, NULL, 0 },
    { "redis://r:0", NULL, 0, NULL, NULL, 0 },
    { "redis://r:65536", NULL, 0, NULL, NULL, 0 },
    { "redis://r:12x", NULL, 0, NULL, NULL, 0 },
    { "redis://r/x", NULL, 0, NULL, NULL, 0 },
    { "redis://r/-1", NULL, 0, NULL, NULL, 0 },
    { "redis://u:s3cret%4@r", NULL, 0, NULL, NULL, 0 },
    { "redis://u:s3cret%00@r", NULL, 0, NULL, NULL, 0 },
    { "redis://s3cret@r", NULL, 0, NULL, NULL, 0 },
    { "redis://::1:6379", NULL, 0, NULL, NULL, 0 },
    { "redis://[::1", NULL, 0, NULL, NULL, 0 },
    { "redis://[::1]x", NULL, 0, NULL, NULL, 0 },
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

static void url_parts(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(urls); i++) {
        struct registryurl url = { 0 };
        struct err e = { 0 };
        int rc = registryurl_parse(&url, urls[i].text, &e);

        if (urls[i].text[0]) { /* "" switches the registry off */
            assert_int_equal(registry_url_check(urls[i].text, &e), rc);
        }
        if (!urls[i].host) {
            assert_int_equal(rc, -1);
            assert_int_equal(e.kind, ERR_CONFIG);
            assert_null(strstr(e.text, "s3cret"));
            assert_non_null(strstr(e.text, "REDIS_URL"));
            continue;
        }
        if (rc < 0) {
            fail_msg("%s: %s", urls[i].text, e.text);
        }
        assert_string_equal(url.host, urls[i].host);
        assert_int_equal(url.port, urls[i].port);
        assert_int_equal(url.database, urls[i].database);
        same(url.user, urls[i].user);
        same(url.password, urls[i].password);
        registryurl_fini(&url);
    }
}

static const struct {
    const char *advertise, *listen, *want;
} places[] = {
    { NULL, "0.0.0.0:9850", "http://10.0.0.3:9850" },
    { "", "[::]:9850", "http://10.0.0.3:9850" },
    { NULL, ":9850", "http://10.0.0.3:9850" },
    { NULL, "127.0.0.1:9850", "http://127.0.0.1:9850" },
    { NULL, "[fd00::1]:9850", "http://[fd00::1]:9850" },
    { NULL, "worker:9850", "http://worker:9850" },
    { "web1", "0.0.0.0:9850", "http://web1:9850" },
    { "web1:80", "127.0.0.1:9850", "http://web1:80" },
    { "[fd00::2]:81", "127.0.0.1:9850", "http://[fd00::2]:81" },
    { "fd00::2", "127.0.0.1:9850", "http://[fd00::2]:9850" },
};

static void own_places(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(places); i++) {
        struct buf b;

        buf_init(&b, 1024);
        registryurl_advertise(&b, places[i].advertise, places[i].listen,
                              "10.0.0.3", 9850);
        assert_string_equal(buf_z(&b), places[i].want);
        buf_fini(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(url_parts),
        cmocka_unit_test(own_places),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
