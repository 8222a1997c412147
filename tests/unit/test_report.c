/* links: monitor_core */
/* What a comparison found, as report, lines, issues and file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <cjson/cJSON.h>
#include <sys/stat.h>
#include <unistd.h>

#include "monitor/validatereport.h"

static char word_user[] = "User", word_order[] = "shop.Order";
static char word_a[] = "u\"1", word_b[] = "ghost";

static struct validate_key keys[] = {
    { DRILL_MISSING, word_a },
    { DRILL_EXTRA, word_b },
};

/* The cases of one table. */
struct wanted {
    const char *name;
    struct validate_table table;
    enum report_status status;
    const char *details, *issues;
    bool consistent;
};

#define COMPARED .compared = true, .exists = true

static const struct wanted cases[] = {
    { "equal",
      { .label = word_user,
        .rows = 5,
        .targets = { [CANON_ES] = { COMPARED, .rows = 5 },
                     [CANON_CH] = { COMPARED, .rows = 5 } } },
      REPORT_PASS,
      "5 rows; Elasticsearch: equal; ClickHouse: equal",
      "[]",
      true },
    { "in motion is no difference",
      { .label = word_user,
        .rows = 5,
        .targets = { [CANON_ES] = { COMPARED, .rows = 6, .in_motion = 1 } } },
      REPORT_PASS,
      "5 rows; Elasticsearch: equal, 1 in motion",
      "[]",
      true },
    { "one missing, one extra: the counts are equal",
      { .label = word_user,
        .rows = 5,
        .targets = { [CANON_ES] = { COMPARED, .rows = 5, .counts = { 1, 1, 0 },
                                    .keys = keys, .key_count = 2 },
                     [CANON_CH] = { COMPARED, .rows = 5 } } },
      REPORT_FAIL,
      "5 rows; Elasticsearch: 1 missing, 1 extra (missing u\"1; extra ghost); "
      "ClickHouse: equal",
      "[{\"table\":\"User\",\"issue\":\"Row mismatch between PostgreSQL and "
      "Elasticsearch\",\"count\":2}]",
      false },
    { "too few",
      { .label = word_order,
        .rows = 9,
        .targets = { [CANON_CH] = { COMPARED, .rows = 7,
                                    .counts = { 2, 0, 3 } } } },
      REPORT_FAIL,
      "9 rows; ClickHouse: 2 missing, 3 different",
      "[{\"table\":\"shop.Order\",\"issue\":\"Count mismatch between "
      "PostgreSQL and ClickHouse\",\"count\":2},{\"table\":\"shop.Order\","
      "\"issue\":\"Row mismatch between PostgreSQL and ClickHouse\","
      "\"count\":3}]",
      false },
    { "no index, more than can be looked into",
      { .label = word_user,
        .rows = 1000,
        .targets = { [CANON_ES] = { .compared = true,
                                    .counts = { 600, 0, 0 },
                                    .more = 400 } } },
      REPORT_FAIL,
      "1000 rows; Elasticsearch has no such table: 600 missing, at least 400 "
      "not looked into",
      "[{\"table\":\"User\",\"issue\":\"Count mismatch between PostgreSQL and "
      "Elasticsearch\",\"count\":600},{\"table\":\"User\",\"issue\":\"Row "
      "mismatch between PostgreSQL and Elasticsearch\",\"count\":400}]",
      false },
    { "counted only",
      { .label = word_user,
        .rows = 1000,
        .counts_only = true,
        .targets = { [CANON_ES] = { COMPARED, .rows = 995, .off_by = 5 } } },
      REPORT_FAIL,
      "1000 rows, counted only; Elasticsearch: 5 rows off",
      "[{\"table\":\"User\",\"issue\":\"Count mismatch between PostgreSQL and "
      "Elasticsearch\",\"count\":5}]",
      false },
    { "a column less",
      { .label = word_user,
        .rows = 1,
        .fit = { 2, 1 },
        .targets = { [CANON_ES] = { COMPARED, .rows = 1 } } },
      REPORT_WARNING,
      "1 rows; Elasticsearch: equal; columns not compared: 2 gone from the "
      "source, 1 that no event has yet",
      "[]",
      true },
    { "being copied",
      { .label = word_user, .state = SCOPE_COPYING, .rows = 7 },
      REPORT_WARNING,
      "its first copy is under way: not compared",
      "[{\"table\":\"User\",\"issue\":\"not checked yet\",\"count\":0}]",
      false },
    { "new and empty",
      { .label = word_user, .state = SCOPE_NEW },
      REPORT_PASS,
      "it has no rows",
      "[]",
      true },
    { "new, not empty",
      { .label = word_user, .state = SCOPE_NEW, .rows = 1 },
      REPORT_WARNING,
      "nothing of it was captured yet: not compared",
      "[{\"table\":\"User\",\"issue\":\"not checked yet\",\"count\":0}]",
      false },
};

static void test_tables(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct validate_table table = cases[i].table;
        struct validate_result result = { .tables = &table, .count = 1 };
        struct vitals vitals = { .lag_known = true };
        struct report r = { 0 };
        struct buf b;
        char wanted[1000];

        validatereport_make(&r, &result, &vitals, 0);
        assert_int_equal(r.count, 6);
        (void)snprintf(wanted, sizeof(wanted), "%s Consistency", table.label);
        assert_string_equal(r.checks[2].name, wanted);
        if (r.checks[2].status != cases[i].status ||
            strcmp(r.checks[2].details, cases[i].details) != 0) {
            fail_msg("%s: %s", cases[i].name, r.checks[2].details);
        }
        assert_int_equal(r.checks[1].status,
                         cases[i].status == REPORT_WARNING &&
                                 table.state == SCOPE_READY
                             ? REPORT_PASS
                             : cases[i].status);
        report_fini(&r);
        buf_init(&b, 10000);
        assert_int_equal(validatereport_issues(&b, &result),
                         cases[i].consistent);
        (void)snprintf(wanted, sizeof(wanted),
                       "\"consistent\":%s,\"issues\":%s",
                       cases[i].consistent ? "true" : "false", cases[i].issues);
        assert_string_equal(buf_z(&b), wanted);
        buf_fini(&b);
    }
}

static const struct {
    struct vitals vitals;
    enum report_status services, lag, errors;
} looks[] = {
    { { .lag_known = true }, REPORT_PASS, REPORT_PASS, REPORT_PASS },
    { { .lag_known = true, .lag_s = 61, .error_rate = 0.06 },
      REPORT_PASS,
      REPORT_WARNING,
      REPORT_WARNING },
    { { .lag_known = true, .lag_s = 301, .error_rate = 0.21 },
      REPORT_PASS,
      REPORT_FAIL,
      REPORT_FAIL },
    { { .wanted = { true, true }, .ready = { 1, 0 }, .up = { 1, 1 } },
      REPORT_WARNING,
      REPORT_WARNING,
      REPORT_PASS },
};

static void test_vitals(void **state)
{
    static const char *const names[] = { "CDC Service Health",
                                         "Data Consistency", "Sync Lag",
                                         "Error Rate", "Throughput" };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(looks); i++) {
        struct validate_result result = { 0 };
        struct report r = { 0 };

        validatereport_make(&r, &result, &looks[i].vitals, 0);
        assert_int_equal(r.count, COUNT_OF(names));
        for (unsigned k = 0; k < r.count; k++) {
            assert_string_equal(r.checks[k].name, names[k]);
        }
        assert_int_equal(r.checks[0].status, looks[i].services);
        assert_int_equal(r.checks[2].status, looks[i].lag);
        assert_int_equal(r.checks[3].status, looks[i].errors);
        report_fini(&r);
    }
}

/* The members and their order, the summary, and what names do to JSON. */
static void test_json(void **state)
{
    struct validate_table table = cases[2].table;
    struct validate_result result = { .tables = &table,
                                      .count = 1,
                                      .at_us = 1762597800000000 };
    struct vitals vitals = { .lag_known = true, .lag_s = 0.5 };
    struct report r = { 0 };
    struct buf b;
    cJSON *root, *check;

    (void)state;
    validatereport_make(&r, &result, &vitals, 0);
    buf_init(&b, 100000);
    report_write(&b, &r);
    assert_memory_equal(buf_z(&b),
                        "{\"timestamp\":\"2025-11-08T10:30:00.000Z\","
                        "\"overallStatus\":\"FAIL\",\"checks\":[{\"name\":",
                        81);
    root = cJSON_Parse(buf_z(&b));
    assert_non_null(root);
    check = cJSON_GetArrayItem(cJSON_GetObjectItem(root, "checks"), 2);
    assert_int_equal(cJSON_GetObjectItem(check, "expected")->valueint, 5);
    assert_int_equal(cJSON_GetObjectItem(check, "actual")->valueint, 5);
    assert_int_equal(cJSON_GetObjectItem(check, "difference")->valueint, 2);
    check = cJSON_GetObjectItem(cJSON_GetObjectItem(check, "targets"),
                                "elasticsearch");
    check = cJSON_GetObjectItem(check, "keys");
    assert_string_equal(
        cJSON_GetArrayItem(cJSON_GetObjectItem(check, "missing"), 0)
            ->valuestring,
        "u\"1");
    check = cJSON_GetObjectItem(root, "summary");
    assert_int_equal(cJSON_GetObjectItem(check, "totalChecks")->valueint, 6);
    assert_int_equal(cJSON_GetObjectItem(check, "passed")->valueint, 4);
    assert_int_equal(cJSON_GetObjectItem(check, "failed")->valueint, 2);
    assert_int_equal(cJSON_GetObjectItem(check, "warnings")->valueint, 0);
    cJSON_Delete(root);
    buf_reset(&b);
    report_text(&b, &r);
    assert_non_null(strstr(buf_z(&b), "\nFAIL    User Consistency: 5 rows"));
    assert_non_null(strstr(buf_z(&b), "\nFAIL: 6 checks, 4 passed, 2 failed, "
                                      "0 warnings\n"));
    buf_fini(&b);
    report_fini(&r);
}

/* Whole, under its name, in a folder that is made; an unusable one is told. */
static void test_save(void **state)
{
    char dir[] = "/tmp/test-report-XXXXXX";
    char below[100];
    struct buf path;
    struct stat st;
    struct err e = { 0 };

    (void)state;
    assert_non_null(mkdtemp(dir));
    (void)snprintf(below, sizeof(below), "%s/a/b", dir);
    buf_init(&path, 1000);
    assert_int_equal(
        report_save(below, 1762597800123000, STR("{}\n"), &path, &e), 0);
    assert_non_null(strstr(
        buf_z(&path), "/a/b/data-consistency-2025-11-08T10-30-00.123Z.json"));
    assert_int_equal(stat(buf_z(&path), &st), 0);
    assert_int_equal(st.st_size, 3);
    buf_reset(&path);
    assert_int_equal(report_save("/dev/null/x", 0, STR("{}"), &path, &e), -1);
    assert_int_equal(e.kind, ERR_CONFIG);
    (void)snprintf(below, sizeof(below),
                   "%s/a/b/data-consistency-2025-11-08T10-30-00.123Z.json",
                   dir);
    assert_int_equal(unlink(below), 0);
    (void)snprintf(below, sizeof(below), "%s/a/b", dir);
    assert_int_equal(rmdir(below), 0); /* no half-written file beside it */
    (void)snprintf(below, sizeof(below), "%s/a", dir);
    assert_int_equal(rmdir(below), 0);
    assert_int_equal(rmdir(dir), 0);
    buf_fini(&path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tables),
        cmocka_unit_test(test_vitals),
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_save),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
