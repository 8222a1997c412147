/* links: monitor_core */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

#include "monitor/promtext.h"

static const struct {
    const char *line;
    enum promtext_kind kind;
    const char *name, *text, *labels;
    double number;
} cases[] = {
    { "", PROMTEXT_END, "", "", "", 0 },
    { "\n", PROMTEXT_OTHER, "", "", "", 0 },
    { "# a remark\n", PROMTEXT_OTHER, "", "", "", 0 },
    { "#HELPER x\n", PROMTEXT_OTHER, "", "", "", 0 },
    { "# HELP cdc_x Some text, \"quoted\"\n", PROMTEXT_HELP, "cdc_x",
      "Some text, \"quoted\"", "", 0 },
    { "# HELP cdc_x\n", PROMTEXT_HELP, "cdc_x", "", "", 0 },
    { "# HELP 9x y\n", PROMTEXT_BAD, "", "", "", 0 },
    { "# HELP a{b y\n", PROMTEXT_BAD, "a", "", "", 0 },
    { "#  TYPE\tcdc_x  counter\n", PROMTEXT_TYPE, "cdc_x", "counter", "", 0 },
    { "up 1", PROMTEXT_SERIES, "up", "", "", 1 },
    { "up 1\r\n", PROMTEXT_SERIES, "up", "", "", 1 },
    { "  up\t 1.5e3  1700000000000 \n", PROMTEXT_SERIES, "up", "", "", 1500 },
    { "a:b_9 -2", PROMTEXT_SERIES, "a:b_9", "", "", -2 },
    { "up{} 1", PROMTEXT_SERIES, "up", "", "", 1 },
    { "up{a=\"b\"} 1", PROMTEXT_SERIES, "up", "", "a=\"b\"", 1 },
    { "up{a=\"b\",} 1", PROMTEXT_SERIES, "up", "", "a=\"b\"", 1 },
    { "up { a = \"b\" , c=\"\" } 1", PROMTEXT_SERIES, "up", "",
      " a = \"b\" , c=\"\" ", 1 },
    { "up{a=\"}\\\"\\\\\\n,\"} 1", PROMTEXT_SERIES, "up", "",
      "a=\"}\\\"\\\\\\n,\"", 1 },
    { "up{a=\"\xc3\xa9\"} 1", PROMTEXT_SERIES, "up", "", "a=\"\xc3\xa9\"", 1 },
    { "up +Inf", PROMTEXT_SERIES, "up", "", "", HUGE_VAL },
    { "up{a=\"\xc3\"} 1", PROMTEXT_BAD, "", "", "", 0 },
    { "up{a=\"\xed\xa0\x80\"} 1", PROMTEXT_BAD, "", "", "", 0 },
    { "up{a=\"b\" 1", PROMTEXT_BAD, "up", "", "", 0 },
    { "up{a=\"b} 1", PROMTEXT_BAD, "up", "", "", 0 },
    { "up{a=\"\\x\"} 1", PROMTEXT_BAD, "up", "", "", 0 },
    { "up{a=\"b\\", PROMTEXT_BAD, "up", "", "", 0 },
    { "up{=\"b\"} 1", PROMTEXT_BAD, "up", "", "", 0 },
    { "up{a:b=\"b\"} 1", PROMTEXT_BAD, "up", "", "", 0 },
    { "up{a=\"b\"c=\"d\"} 1", PROMTEXT_BAD, "up", "", "", 0 },
    { "up{", PROMTEXT_BAD, "up", "", "", 0 },
    { "up", PROMTEXT_BAD, "up", "", "", 0 },
    { "up one", PROMTEXT_BAD, "up", "", "", 0 },
    { "up 0x10", PROMTEXT_BAD, "up", "", "", 0 },
    { "up infinity", PROMTEXT_BAD, "up", "", "", 0 },
    { "up 1 2 3", PROMTEXT_BAD, "up", "", "", 0 },
    { "up 1 now", PROMTEXT_BAD, "up", "", "", 1 },
    { "9up 1", PROMTEXT_BAD, "", "", "", 0 },
    { "<html>", PROMTEXT_BAD, "", "", "", 0 },
};

static void same(struct str got, const char *want)
{
    assert_int_equal(got.len, strlen(want));
    assert_memory_equal(got.p ? got.p : "", want, got.len);
}

static void test_lines(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        /* a copy without a NUL: reading past the end is found by ASan */
        size_t len = strlen(cases[i].line);
        char *copy = xstrndup(cases[i].line, len);
        char *exact = xrealloc(NULL, len, 1);
        struct str rest = { exact, len };
        struct promtext_line line;

        memcpy(exact, copy, len);
        assert_int_equal(promtext_next(&rest, &line), cases[i].kind);
        if (cases[i].kind != PROMTEXT_BAD) {
            same(line.name, cases[i].name);
            same(line.text, cases[i].text);
            if (line.labels.len > 0 && line.labels.p[0] != ' ') {
                same(line.labels, cases[i].labels);
            }
            assert_true(line.number == cases[i].number);
        }
        assert_int_equal(rest.len, 0);
        xfree(copy);
        xfree(exact);
    }
}

static void test_walk(void **state)
{
    struct str rest = STR("# TYPE a counter\na{x=\"1\"} 2\n<bad>\na 3");
    struct promtext_line line;

    (void)state;
    assert_int_equal(promtext_next(&rest, &line), PROMTEXT_TYPE);
    assert_int_equal(promtext_next(&rest, &line), PROMTEXT_SERIES);
    assert_int_equal(promtext_next(&rest, &line), PROMTEXT_BAD);
    assert_int_equal(promtext_next(&rest, &line), PROMTEXT_SERIES);
    same(line.value, "3");
    assert_int_equal(promtext_next(&rest, &line), PROMTEXT_END);
}

static void test_label(void **state)
{
    struct str value;

    (void)state;
    assert_true(
        promtext_label(STR("a=\"x\", b=\"y,b=\\\"z\\\"\""), "b", &value));
    same(value, "y,b=\\\"z\\\"");
    assert_false(promtext_label(STR("ab=\"x\""), "b", &value));
    assert_false(promtext_label(STR("x=\"b=\\\"1\\\"\""), "b", &value));
    assert_false(promtext_label(STR(""), "b", &value));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_walk),
        cmocka_unit_test(test_label),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
