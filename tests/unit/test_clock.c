/* links: cdc_base */
/* clock.h: calendar, deadlines, backoff. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <limits.h>

#include "common/clock.h"

static void calendar(void **state)
{
    static const struct {
        int64_t wall_us;
        const char *want;
    } cases[] = {
        { 0, "1970-01-01T00:00:00.000Z" },
        { 1, "1970-01-01T00:00:00.000Z" },
        { -1, "1969-12-31T23:59:59.999Z" },
        { 951782399999999, "2000-02-28T23:59:59.999Z" },
        { 951782400000000, "2000-02-29T00:00:00.000Z" },
        { 1709164800123000, "2024-02-29T00:00:00.123Z" },
        { 1767323045678901, "2026-01-02T03:04:05.678Z" },
        { 4102444800000000, "2100-01-01T00:00:00.000Z" },
        { 4107542400000000, "2100-03-01T00:00:00.000Z" },
        { -62135596800000000, "0001-01-01T00:00:00.000Z" },
    };
    struct buf b;

    (void)state;
    buf_init(&b, 100);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        buf_reset(&b);
        clock_rfc3339(&b, cases[i].wall_us);
        assert_string_equal(buf_z(&b), cases[i].want);
    }
    buf_reset(&b);
    clock_rfc3339(&b, INT64_MIN); /* any number is printed somehow */
    clock_rfc3339(&b, INT64_MAX);
    assert_true(buf_ok(&b));
    buf_fini(&b);
}

static void deadlines(void **state)
{
    int64_t now = clock_ms();

    (void)state;
    assert_true(now >= 0 && clock_ms() >= now);
    assert_int_equal(clock_left_ms(now - 1), 0);
    assert_int_equal(clock_left_ms(INT64_MIN), 0);
    assert_int_equal(clock_left_ms(INT64_MAX), INT_MAX);
    assert_in_range(clock_left_ms(clock_ms() + 10000), 9000, 10000);
    assert_true(clock_wall_us() > 1700000000000000);
}

static void backoff_doubles_within_bounds(void **state)
{
    struct backoff k = { .min_ms = 100, .max_ms = 30000 };
    int want = 100;
    bool varied = false;

    (void)state;
    for (unsigned i = 0; i < 200; i++) {
        int wait = backoff_next(&k);

        assert_in_range(wait, want / 2, want);
        varied = varied || wait != want;
        want = want * 2 < 30000 ? want * 2 : 30000;
    }
    assert_true(varied);
    k.attempt = UINT_MAX; /* does not wrap to a short wait */
    assert_in_range(backoff_next(&k), 15000, 30000);
    assert_in_range(backoff_next(&k), 15000, 30000);
    backoff_reset(&k);
    assert_in_range(backoff_next(&k), 50, 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calendar),
        cmocka_unit_test(deadlines),
        cmocka_unit_test(backoff_doubles_within_bounds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
