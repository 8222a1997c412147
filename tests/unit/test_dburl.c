/* links: cdc_base */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/dburl.h"

static const struct {
    const char *url, *want, *dropped;
} cases[] = {
    { "postgresql://u:p@h:5432/db", "postgresql://u:p@h:5432/db", "" },
    { "postgres://h/db", "postgresql://h/db", "" },
    { "POSTGRES://h/db", "postgresql://h/db", "" },
    { "postgresql://u:p@h/db?schema=public", "postgresql://u:p@h/db",
      "schema" },
    { "postgresql://u:p@h/db?schema=public&connection_limit=5&sslmode=require",
      "postgresql://u:p@h/db?sslmode=require", "schema, connection_limit" },
    { "postgresql://h/db?connect_timeout=3&pgbouncer=true&"
      "application_name=a%20b",
      "postgresql://h/db?connect_timeout=3&application_name=a%20b",
      "pgbouncer" },
    { "postgresql://u@localhost/db?host=/var/run/postgresql",
      "postgresql://u@localhost/db?host=/var/run/postgresql", "" },
    /* a '?' inside the password is none of the query */
    { "postgresql://u:a?schema=b@h/db?schema=x",
      "postgresql://u:a?schema=b@h/db", "schema" },
    { "postgresql://h?schema=a@b/c", "postgresql://h?schema=a@b/c", "" },
    { "postgresql:///db?x", "postgresql:///db", "x" },
    { "postgresql:///db?", "postgresql:///db", "" },
    { "postgresql:///db?&&sslmode=disable&", "postgresql:///db?sslmode=disable",
      "" },
    { "postgresql:///db?ssl=true", "postgresql:///db?ssl=true", "" },
    { "postgresql:///db?ssl=no", "postgresql:///db", "ssl" },
    /* kept although this libpq may be too old for it: it must fail loudly */
    { "postgresql:///db?sslnegotiation=direct",
      "postgresql:///db?sslnegotiation=direct", "" },
    { "postgresql:///db?sslmod=verify-full", "postgresql:///db", "sslmod" },
    { "host=/tmp dbname=x", "host=/tmp dbname=x", "" },
    { "password=a://b host=h", "password=a://b host=h", "" },
    { "", NULL, NULL },
    { "mysql://u:secret@h/db", NULL, NULL },
    { "h:5432/db", NULL, NULL },
    { "prisma+postgres://h/?api_key=secret", NULL, NULL },
};

static void test_clean(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct buf url, dropped;
        struct err e = { 0 };
        int rc;

        buf_init(&url, 1024);
        buf_init(&dropped, 1024);
        rc = dburl_clean(str_of(cases[i].url), &url, &dropped, &e);
        if (cases[i].want == NULL) {
            assert_int_equal(rc, -1);
            assert_int_equal(e.kind, ERR_CONFIG);
            assert_null(strstr(e.text, "secret"));
            assert_int_equal(url.len, 0);
        } else {
            assert_int_equal(rc, 0);
            assert_string_equal(buf_z(&url), cases[i].want);
            assert_string_equal(buf_z(&dropped), cases[i].dropped);
        }
        buf_fini(&url);
        buf_fini(&dropped);
    }
}

static void test_without_dropped(void **state)
{
    struct buf url;
    struct err e;

    (void)state;
    buf_init(&url, 1024);
    assert_int_equal(
        dburl_clean(STR("postgres://h/d?schema=x"), &url, NULL, &e), 0);
    assert_string_equal(buf_z(&url), "postgresql://h/d");
    buf_fini(&url);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_clean),
        cmocka_unit_test(test_without_dropped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
