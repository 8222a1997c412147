/* links: cdc_base */
/* buf.h: growth, the cap, the sticky flag, numbers as text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/buf.h"

#define assert_text(b, want) assert_string_equal(buf_z(b), (want))

static void appends_and_grows(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 100000);
    assert_text(&b, "");
    assert_int_equal(buf_str(&b).len, 0);
    assert_non_null(buf_str(&b).p);
    for (unsigned i = 0; i < 10000; i++) {
        buf_lit(&b, "abc");
        buf_char(&b, '.');
    }
    assert_true(buf_ok(&b));
    assert_int_equal(b.len, 40000);
    assert_memory_equal(b.p + 39996, "abc.", 4);
    assert_true(b.cap <= b.max);
    buf_reset(&b);
    buf_str_add(&b, STR("again"));
    assert_text(&b, "again");
    buf_fini(&b);
    buf_fini(&b);
    buf_fini(NULL);
}

static void empty_appends_are_no_failure(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 10);
    buf_add(&b, NULL, 0);
    buf_str_add(&b, (struct str){ NULL, 0 });
    buf_printf(&b, "%s", "");
    assert_true(buf_ok(&b));
    assert_text(&b, "");
    buf_fini(&b);
    buf_init(&b, 0);
    buf_add(&b, "", 0);
    assert_true(buf_ok(&b));
    buf_char(&b, 'x');
    assert_false(buf_ok(&b));
    buf_fini(&b);
}

static void cap_is_exact_and_sticky(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 8);
    buf_lit(&b, "12345678");
    assert_true(buf_ok(&b));
    assert_text(&b, "12345678");
    buf_char(&b, '9');
    assert_false(buf_ok(&b));
    assert_int_equal(b.len, 8);
    assert_text(&b, ""); /* a failed builder has no text */
    buf_reset(&b);
    buf_lit(&b, "123");
    buf_lit(&b, "456789"); /* one too many: all of it is dropped */
    buf_char(&b, 'x');     /* would fit, but the failure is sticky */
    assert_int_equal(b.len, 3);
    assert_false(buf_ok(&b));
    assert_null(buf_reserve(&b, 1));
    buf_fini(&b);
}

static void huge_sizes_do_not_overflow(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, SIZE_MAX);
    buf_char(&b, 'x');
    assert_null(buf_reserve(&b, SIZE_MAX));
    assert_false(buf_ok(&b));
    buf_fini(&b);
}

static void printf_is_capped(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 6);
    buf_printf(&b, "%d-%s", 12, "abc");
    assert_text(&b, "12-abc");
    buf_reset(&b);
    buf_printf(&b, "%d", 1234567);
    assert_false(buf_ok(&b));
    assert_int_equal(b.len, 0);
    buf_fini(&b);
}

static void integers(void **state)
{
    static const uint64_t cases[] = {
        0,         1,          9,           10,          99,     100,
        101,       999,        1000,        9999,        10000,  10001,
        99999,     123456,     4294967295U, 4294967296U, 999999, 1000000,
        100000000, UINT64_MAX, INT64_MAX,   1ULL << 63,
    };
    struct buf b;
    char want[32];
    uint64_t power = 1;

    (void)state;
    buf_init(&b, 64);
    for (size_t i = 0; i < COUNT_OF(cases) + 40; i++) {
        uint64_t n = i < COUNT_OF(cases)              ? cases[i]
                     : (i - COUNT_OF(cases)) % 2 == 0 ? power
                                                      : power - 1;

        power = i >= COUNT_OF(cases) && i % 2 == 0 ? power * 10 : power;
        (void)snprintf(want, sizeof(want), "%llu", (unsigned long long)n);
        buf_reset(&b);
        buf_u64(&b, n);
        assert_text(&b, want);
        (void)snprintf(want, sizeof(want), "%lld", (long long)n);
        buf_reset(&b);
        buf_i64(&b, (int64_t)n);
        assert_text(&b, want);
    }
    buf_fini(&b);
    buf_init(&b, 3);
    buf_u64(&b, 100); /* fits exactly */
    assert_text(&b, "100");
    buf_reset(&b);
    buf_u64(&b, 1000);
    assert_false(buf_ok(&b));
    buf_fini(&b);
}

static void views_compare(void **state)
{
    (void)state;
    assert_true(str_eq(STR("ab"), str_of("ab")));
    assert_false(str_eq(STR("ab"), STR("ac")));
    assert_false(str_eq(STR("ab"), STR("abc")));
    assert_true(str_eq((struct str){ NULL, 0 }, STR("")));
    assert_int_equal(str_of(NULL).len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(appends_and_grows),
        cmocka_unit_test(empty_appends_are_no_failure),
        cmocka_unit_test(cap_is_exact_and_sticky),
        cmocka_unit_test(huge_sizes_do_not_overflow),
        cmocka_unit_test(printf_is_capped),
        cmocka_unit_test(integers),
        cmocka_unit_test(views_compare),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
