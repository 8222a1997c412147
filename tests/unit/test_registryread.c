/* links: monitor_core */
/* registryread.h, place.h: what others wrote into the registry. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "monitor/registryread.h"

static const struct {
    const char *text, *host; /* host NULL: no worker */
    enum role role;
    const char *port;
} entries[] = {
    { "{\"role\":\"sink-es\",\"instance\":\"web1:9852\",\"url\":"
      "\"http://10.0.0.3:9852\",\"version\":\"0.1.0\",\"pid\":712,"
      "\"startedUs\":1767323045678901,"
      "\"progress\":{\"events\":1,\"lastEventTime\":null},\"errors\":0,"
      "\"ready\":true}",
      "10.0.0.3", ROLE_SINK_ES, "9852" },
    { "{\"url\":\"http://[fd00::1]:1\",\"role\":\"producer\"}", "fd00::1",
      ROLE_PRODUCER, "1" },
    { "{\"role\":\"sink-clickhouse\",\"url\":\"http:\\/\\/w:65535\"}", "w",
      ROLE_SINK_CLICKHOUSE, "65535" },
    { "", NULL, 0, NULL },
    { "{}", NULL, 0, NULL },
    { "[]", NULL, 0, NULL },
    { "null", NULL, 0, NULL },
    { "{\"role\":\"monitor\",\"url\":\"http://w:1\"}", NULL, 0, NULL },
    { "{\"role\":7,\"url\":\"http://w:1\"}", NULL, 0, NULL },
    { "{\"role\":\"sink-es\"}", NULL, 0, NULL },
    { "{\"role\":\"sink-es\",\"url\":null}", NULL, 0, NULL },
    { "{\"role\":\"sink-es\",\"url\":\"\"}", NULL, 0, NULL },
    { "{\"role\":\"sink-es\",\"url\":\"http://\"}", NULL, 0, NULL },
    { "{\"role\":\"sink-es\",\"url\":\"http://w\"}", NULL, 0, NULL },
    { "{\"role\":\"sink-es\",\"url\":\"https://w:1\"}", NULL, 0, NULL },
    { "{\"role\":\"sink-es\",\"url\":\"http://w:0\"}", NULL, 0, NULL },
    { "{\"role\":\"sink-es\",\"url\":\"http://w:1/x\"}", NULL, 0, NULL },
    { "{\"role\":\"sink-es\",\"url\":\"http://u@w:1\"}", NULL, 0, NULL },
    { "{\"role\":\"sink-es\",\"url\":\"http://w\\n:1\"}", NULL, 0, NULL },
};

static void table(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(entries); i++) {
        struct registryread got = { .role = ROLE_COUNT };
        bool good = registryread_worker(str_of(entries[i].text), &got);

        if (!entries[i].host) {
            if (good) {
                fail_msg("taken: %s", entries[i].text);
            }
            continue;
        }
        assert_true(good);
        assert_int_equal(got.role, entries[i].role);
        assert_string_equal(got.host, entries[i].host);
        assert_string_equal(got.port, entries[i].port);
        assert_true(
            got.started_us ==
            (strstr(entries[i].text, "startedUs") ? 1767323045678901 : 0));
    }
}

static void a_long_host(void **state)
{
    struct registryread got;
    struct buf b;

    (void)state;
    for (int len = 254; len <= 257; len++) {
        buf_init(&b, 1024);
        buf_lit(&b, "{\"role\":\"producer\",\"url\":\"http://");
        for (int i = 0; i < len; i++) {
            buf_char(&b, 'h');
        }
        buf_lit(&b, ":1\"}");
        assert_int_equal(registryread_worker(buf_str(&b), &got), len < 256);
        buf_fini(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table),
        cmocka_unit_test(a_long_host),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
