/* links: monitor_core */
/* What the answers of the targets mean, and settings that cannot be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "monitor/probe_ch.h"
#include "monitor/probe_es.h"
#include "monitor/probe_pg.h"

#define ROOT "{\"name\":\"n\",\"version\":{\"number\":\"8.8.2\"}}"

static const struct {
    int root_status;
    const char *root;
    int health_status;
    const char *health;
    const char *what; /* NULL: it is down */
    enum err_kind kind;
} es_cases[] = {
    { 200, ROOT, 200, "{\"status\":\"green\"}", "Elasticsearch 8.8.2, green",
      ERR_NONE },
    { 200, ROOT, 200, "{\"status\":\"yellow\"}", "Elasticsearch 8.8.2, yellow",
      ERR_NONE },
    { 200, ROOT, 200, "{\"status\":\"red\"}", NULL, ERR_UNREACHABLE },
    { 200, ROOT, 403, "{}", "Elasticsearch 8.8.2", ERR_NONE },
    { 200, ROOT, 503, "", NULL, ERR_UNREACHABLE },
    { 200, ROOT, 0, "", NULL, ERR_UNREACHABLE },
    { 0, "", 200, "{}", NULL, ERR_UNREACHABLE },
    { 401, "", 401, "", NULL, ERR_PERMISSION },
    { 403, "", 403, "", NULL, ERR_PERMISSION },
    { 502, "<html>", 502, "", NULL, ERR_UNREACHABLE },
    { 200, "<html>", 200, "{}", NULL, ERR_UNREACHABLE },
    { 200, "{\"version\":[]}", 200, "{}", NULL, ERR_UNREACHABLE },
    { 200, "", 200, "", NULL, ERR_UNREACHABLE },
};

static struct http_request answer(int status, const char *body)
{
    struct http_request rq = { .method = "GET", .status = status };

    (void)snprintf(rq.why, sizeof(rq.why), "%s", status ? "" : "refused");
    buf_init(&rq.reply, 4096);
    buf_str_add(&rq.reply, str_of(body));
    return rq;
}

static void test_es(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(es_cases); i++) {
        struct http_request root =
            answer(es_cases[i].root_status, es_cases[i].root);
        struct http_request health =
            answer(es_cases[i].health_status, es_cases[i].health);
        struct err e = { 0 };
        char what[100] = "";
        int rc = probe_es_judge(&root, &health, what, &e);

        assert_int_equal(rc, es_cases[i].what ? 0 : -1);
        assert_int_equal(e.kind, es_cases[i].kind);
        assert_string_equal(what, es_cases[i].what ? es_cases[i].what : "");
        buf_fini(&root.reply);
        buf_fini(&health.reply);
    }
}

static const struct {
    int status;
    const char *body, *code;
    const char *what; /* NULL: it is down */
    enum err_kind kind;
} ch_cases[] = {
    { 200, "26.7.2.1\n", "", "ClickHouse 26.7.2.1", ERR_NONE },
    { 200, "22.3.1", "", "ClickHouse 22.3.1", ERR_NONE },
    { 200, "", "", NULL, ERR_UNREACHABLE },
    { 200, "<html>\n", "", NULL, ERR_UNREACHABLE },
    { 200, "26.7\nCode: 159. DB::Exception", "159", NULL, ERR_UNREACHABLE },
    { 0, "", "", NULL, ERR_UNREACHABLE },
    { 500, "Code: 999", "999", NULL, ERR_UNREACHABLE },
    { 503, "", "", NULL, ERR_UNREACHABLE },
    { 403, "Code: 516", "516", NULL, ERR_PERMISSION },
    { 401, "", "", NULL, ERR_PERMISSION },
    { 500, "Code: 194", "194", NULL, ERR_PERMISSION },
};

static void test_ch(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(ch_cases); i++) {
        struct http_request rq = answer(ch_cases[i].status, ch_cases[i].body);
        struct err e = { 0 };
        char what[100] = "";
        int rc;

        (void)snprintf(rq.exception_code, sizeof(rq.exception_code), "%s",
                       ch_cases[i].code);
        rc = probe_ch_judge(&rq, what, &e);
        assert_int_equal(rc, ch_cases[i].what ? 0 : -1);
        assert_int_equal(e.kind, ch_cases[i].kind);
        assert_string_equal(what, ch_cases[i].what ? ch_cases[i].what : "");
        buf_fini(&rq.reply);
    }
}

/* Neither error text shows what may be a part of the password. */
static void test_pg_urls(void **state)
{
    static const char *const bad[] = {
        "",
        "mysql://u:secret@h/db",
        "postgresql://u:se@cret@h/db",
        "postgresql://u:secret%zz@h/db",
        "postgresql://u:secret@h:port/db?connect_timeout",
        "host=secret dbname",
    };
    struct probe_pg p;
    struct buf dropped;
    struct err e;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        e = (struct err){ 0 };
        assert_int_equal(probe_pg_open(&p, bad[i], "cdc", NULL, &e), -1);
        assert_int_equal(e.kind, ERR_CONFIG);
        assert_null(strstr(e.text, "cret"));
    }
    buf_init(&dropped, 100);
    assert_int_equal(probe_pg_open(&p, "postgres://u:p@h/d?schema=public",
                                   "my-pipe", &dropped, &e),
                     0);
    assert_string_equal(buf_z(&dropped), "schema");
    assert_string_equal(p.url, "postgresql://u:p@h/d");
    assert_string_equal(p.slot, "my_pipe");
    assert_string_equal(p.publication_append, "my_pipe_append");
    probe_pg_close(&p);
    probe_pg_close(&p);
    buf_fini(&dropped);
}

/* Nothing listens at port 1: told at once, and without the password. */
static void test_pg_refused(void **state)
{
    struct probe_pg p;
    struct fact_slot slot;
    struct err e = { 0 };
    char what[100] = "";

    (void)state;
    assert_int_equal(probe_pg_open(&p, "postgresql://u:secret@127.0.0.1:1/d",
                                   "cdc", NULL, &e),
                     0);
    assert_int_equal(probe_pg_check(&p, &slot, what, &e), -1);
    assert_int_equal(e.kind, ERR_UNREACHABLE);
    assert_null(strstr(e.text, "secret"));
    probe_pg_close(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_es),
        cmocka_unit_test(test_ch),
        cmocka_unit_test(test_pg_urls),
        cmocka_unit_test(test_pg_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
