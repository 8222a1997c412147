/* links: cdc_base */
/* confexpand.h: variables in a text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/confexpand.h"

static int set(void **state)
{
    (void)state;
    (void)unsetenv("T_NONE");
    return setenv("T_A", "value", 1) | setenv("T_EMPTY", "", 1) |
           setenv("T_TRICK", "${T_A}$${", 1);
}

static void expands(void **state)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        { "", "" },
        { "plain", "plain" },
        { "$", "$" },
        { "$T_A", "$T_A" },
        { "$$", "$$" },
        { "a$b}c", "a$b}c" },
        { "${T_A}", "value" },
        { "x${T_A}y${T_A}z", "xvalueyvaluez" },
        { "${T_EMPTY}", "" },
        { "${T_NONE:-x y}", "x y" },
        { "${T_NONE-x}", "x" },
        { "${T_NONE:-}", "" },
        { "${T_NONE-}", "" },
        { "${T_NONE:-a:-b-c?d}", "a:-b-c?d" },
        { "${T_EMPTY:-x}", "x" },
        { "${T_EMPTY-x}", "" },
        { "${T_A:-x}", "value" },
        { "${T_A-x}", "value" },
        { "${T_A:?m}", "value" },
        { "${T_A?m}", "value" },
        { "${T_EMPTY?m}", "" },
        { "$${T_A}", "${T_A}" },
        { "$$${T_A}", "$${T_A}" },
        { "$$${", "$${" },
        { "${T_TRICK}", "${T_A}$${" }, /* data: not looked at again */
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct err e = { 0 };
        struct buf b;

        buf_init(&b, 1000);
        assert_int_equal(confexpand(cases[i].text, &b, &e), 0);
        assert_string_equal(buf_z(&b), cases[i].want);
        buf_fini(&b);
    }
}

static void errors(void **state)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        { "${T_NONE}", "T_NONE is not set; set it, or write "
                       "${T_NONE:-default}" },
        { "${T_NONE:?give one}", "T_NONE is not set: give one" },
        { "${T_NONE?give one}", "T_NONE is not set: give one" },
        { "${T_EMPTY:?give one}", "T_EMPTY is empty: give one" },
        { "${T_EMPTY:?}", "T_EMPTY is empty; set it, or write "
                          "${T_EMPTY:-default}" },
        { "${T_A", "${ without }; for a literal one write $${" },
        { "a${", "${ without }; for a literal one write $${" },
        { "${}", "${ needs the name of a variable; for a literal one write "
                 "$${" },
        { "${1A}", "${ needs the name of a variable; for a literal one "
                   "write $${" },
        { "${T A}", "${T: only :- - :? and ? may follow the name" },
        { "${T_A:}", "${T_A: only :- - :? and ? may follow the name" },
        { "${T_A:+x}", "${T_A: only :- - :? and ? may follow the name" },
        { "${T_A!}", "${T_A: only :- - :? and ? may follow the name" },
        { "${T_NONE:-${T_A}}", "${T_NONE: no ${ inside ${ }" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct err e = { 0 };
        struct buf b;

        buf_init(&b, 1000);
        assert_int_equal(confexpand(cases[i].text, &b, &e), -1);
        assert_string_equal(e.text, cases[i].want);
        assert_int_equal(e.kind, ERR_CONFIG);
        buf_fini(&b);
    }
}

static void too_long(void **state)
{
    struct err e = { 0 };
    struct buf b;

    (void)state;
    buf_init(&b, 4);
    assert_int_equal(confexpand("${T_A}", &b, &e), -1);
    assert_string_equal(e.text, "the value is too long");
    buf_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(expands, set),
        cmocka_unit_test_setup(errors, set),
        cmocka_unit_test_setup(too_long, set),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
