/* links: sink_clickhouse_core */
/* fault.h: what an answer of ClickHouse means. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sink-clickhouse/fault.h"

static const struct {
    int status;
    const char *code, *body;
    enum fault insert, ask; /* with an empty and with any body expected */
    const char *brief;
} cases[] = {
    { 200, "", "", FAULT_NONE, FAULT_NONE, "HTTP 200" },
    { 200, "", "26.7.2.1\n", FAULT_RETRY, FAULT_NONE, "HTTP 200" },
    /* an exception behind a 200 */
    { 200, "", "Code: 241. DB::Exception: x (MEMORY_LIMIT_EXCEEDED)",
      FAULT_RETRY, FAULT_NONE, "HTTP 200, code 241 MEMORY_LIMIT_EXCEEDED" },
    { 200, "469", "", FAULT_INPUT, FAULT_INPUT, "HTTP 200, code 469 " },
    { 200, "", "__exception__\r\nabc\r\nCode: 469. DB::Exception: c",
      FAULT_INPUT, FAULT_NONE, "HTTP 200, code 469 " },
    /* by the header, whatever the body says */
    { 500, "252", "Code: 6. DB::Exception: (X) (CANNOT_PARSE_TEXT)",
      FAULT_RETRY, FAULT_RETRY, "HTTP 500, code 252 CANNOT_PARSE_TEXT" },
    { 404, "60", "Code: 60. DB::Exception: no (UNKNOWN_TABLE) (version 26)",
      FAULT_RETRY, FAULT_RETRY, "HTTP 404, code 60 UNKNOWN_TABLE" },
    { 404, "115", "", FAULT_SETTING, FAULT_SETTING, "HTTP 404, code 115 " },
    { 403, "516", "", FAULT_DENIED, FAULT_DENIED, "HTTP 403, code 516 " },
    { 403, "497", "", FAULT_DENIED, FAULT_DENIED, "HTTP 403, code 497 " },
    { 400, "6", "", FAULT_INPUT, FAULT_INPUT, "HTTP 400, code 6 " },
    { 500, "33", "", FAULT_RETRY, FAULT_RETRY, "HTTP 500, code 33 " },
    { 500, "", "Code: 349. DB::Exception: null", FAULT_INPUT, FAULT_INPUT,
      "HTTP 500, code 349 " },
    { 500, "1001", "", FAULT_UNKNOWN, FAULT_UNKNOWN, "HTTP 500, code 1001 " },
    { 500, "99999999999", "", FAULT_UNKNOWN, FAULT_UNKNOWN,
      "HTTP 500, code 999999 " },
    /* not ClickHouse: a proxy */
    { 502, "", "<html>Bad Gateway</html>", FAULT_RETRY, FAULT_RETRY,
      "HTTP 502" },
    { 200, "", "<html>login</html>", FAULT_RETRY, FAULT_NONE, "HTTP 200" },
    { 401, "", "", FAULT_DENIED, FAULT_DENIED, "HTTP 401" },
    { 403, "", "", FAULT_DENIED, FAULT_DENIED, "HTTP 403" },
    { 413, "", "<html>", FAULT_INPUT, FAULT_INPUT, "HTTP 413" },
    { 429, "", "", FAULT_RETRY, FAULT_RETRY, "HTTP 429" },
    { 204, "", "", FAULT_RETRY, FAULT_RETRY, "HTTP 204" },
    { 500, "", "Code: ", FAULT_RETRY, FAULT_RETRY, "HTTP 500" },
    { 500, "", "Code: x", FAULT_RETRY, FAULT_RETRY, "HTTP 500" },
    { 0, "", "", FAULT_RETRY, FAULT_RETRY, "connection reset" },
};

static struct http_request request(size_t i)
{
    struct http_request req = { .status = cases[i].status };

    buf_init(&req.reply, 4096);
    buf_str_add(&req.reply, str_of(cases[i].body));
    (void)snprintf(req.exception_code, sizeof(req.exception_code), "%s",
                   cases[i].code);
    (void)snprintf(req.why, sizeof(req.why), "connection reset");
    return req;
}

static void test_fault(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct http_request req = request(i);
        char brief[100];
        enum fault insert = fault_of(&req, true), ask = fault_of(&req, false);

        if (insert != cases[i].insert || ask != cases[i].ask) {
            fail_msg("%d %s %s: %d %d", cases[i].status, cases[i].code,
                     cases[i].body, insert, ask);
        }
        fault_brief(&req, brief, sizeof(brief));
        assert_string_equal(brief, cases[i].brief);
        buf_fini(&req.reply);
    }
}

/* The long text is for DDL; the brief one never shows a row's value. */
static void test_texts(void **state)
{
    struct http_request req = { .status = 500, .exception_code = "469" };
    struct err e = { 0 };
    char brief[30];

    (void)state;
    buf_init(&req.reply, 4096);
    buf_lit(&req.reply, "Code: 469. DB::Exception: Constraint `c` is violated."
                        " Column values: v = 'secret'. (VIOLATED_CONSTRAINT)"
                        " (version 26.7.2.1)\n");
    assert_int_equal(fault_error(&req, ERR_FATAL, &e), -1);
    assert_int_equal(e.kind, ERR_FATAL);
    assert_non_null(strstr(e.text, "Constraint `c` is violated"));
    fault_brief(&req, brief, sizeof(brief));
    assert_string_equal(brief, "HTTP 500, code 469 VIOLATED_C");
    buf_fini(&req.reply);
}

static void test_stored(void **state)
{
    static const struct {
        const char *summary;
        bool all; /* of two rows */
    } told[] = {
        { "", true },
        { "{}", true },
        { "{\"read_rows\":\"0\"}", true },
        { "{\"read_rows\":\"2\",\"written_rows\":\"2\"}", true },
        { "{\"written_rows\":\"6\",\"written_bytes\":\"9\"}", true },
        { "{\"written_rows\":\"1\",\"written_bytes\":\"9\"}", false },
        { "{\"written_rows\":\"0\"}", false },
        { "{\"written_rows\":\"x\"}", true },
        { "{\"written_rows\":2}", true },
        { "nonsense", true },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(told); i++) {
        struct http_request req = { .status = 200 };

        (void)snprintf(req.summary, sizeof(req.summary), "%s", told[i].summary);
        assert_int_equal(fault_all_stored(&req, 2), told[i].all);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fault),
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_stored),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
