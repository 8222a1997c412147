/* links: cdc_base */
/* err.h: one line, truncation, context, exit codes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/err.h"

static void fills_and_returns(void **state)
{
    struct err e = { 0 };

    (void)state;
    assert_int_equal(err_set(&e, ERR_INPUT, "byte %d", 7), -1);
    assert_int_equal(e.kind, ERR_INPUT);
    assert_string_equal(e.text, "byte 7");
    assert_int_equal(err_set(NULL, ERR_INPUT, "x"), -1);
    assert_int_equal(err_wrap(NULL, "x"), -1);
}

static void is_one_line(void **state)
{
    struct err e;

    (void)state;
    (void)err_set(&e, ERR_RETRY, "could not connect:\n\tno \x7fway\r\n\n");
    assert_string_equal(e.text, "could not connect:  no  way");
}

static void wraps_and_may_use_itself(void **state)
{
    struct err e;

    (void)state;
    (void)err_set(&e, ERR_CONFIG, "no such table");
    assert_int_equal(err_wrap(&e, "topic %s", "cdc.a"), -1);
    assert_string_equal(e.text, "topic cdc.a: no such table");
    assert_int_equal(e.kind, ERR_CONFIG);
    (void)err_set(&e, ERR_FATAL, "again: %s", e.text);
    assert_string_equal(e.text, "again: topic cdc.a: no such table");
}

static void long_texts_are_cut_between_characters(void **state)
{
    struct err e;
    char text[3000];

    (void)state;
    for (size_t pad = 0; pad < 4; pad++) {
        size_t len = pad;

        memset(text, 'x', pad);
        while (len + 3 < sizeof(text)) {
            memcpy(text + len, "\xe2\x82\xac", 3); /* EURO SIGN */
            len += 3;
        }
        text[len] = '\0';
        (void)err_set(&e, ERR_INPUT, "%s", text);
        assert_true(strlen(e.text) < sizeof(e.text));
        assert_true(strlen(e.text) > sizeof(e.text) - 8);
        assert_int_equal((strlen(e.text) - pad) % 3, 0);
        (void)err_wrap(&e, "context"); /* stays within its array */
        assert_memory_equal(e.text, "context: ", 9);
    }
}

static void exit_codes(void **state)
{
    static const struct {
        enum err_kind kind;
        int code;
    } cases[] = {
        { ERR_NONE, 0 },    { ERR_RETRY, 75 },       { ERR_INPUT, 1 },
        { ERR_CONFIG, 78 }, { ERR_PERMISSION, 77 },  { ERR_FATAL, 1 },
        { ERR_USAGE, 64 },  { ERR_UNREACHABLE, 69 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        assert_int_equal(err_exit_code(cases[i].kind), cases[i].code);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fills_and_returns),
        cmocka_unit_test(is_one_line),
        cmocka_unit_test(wraps_and_may_use_itself),
        cmocka_unit_test(long_texts_are_cut_between_characters),
        cmocka_unit_test(exit_codes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
