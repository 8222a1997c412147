/* links: monitor_core */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "monitor/backlog.h"

static void look(struct backlog *k, int64_t now_us, uint64_t flush,
                 uint64_t confirmed, uint64_t changes)
{
    backlog_take(k,
                 &(struct backlog_look){ now_us, flush, confirmed, changes });
}

static void test_dead_producer(void **state)
{
    struct backlog k = { 0 };

    (void)state;
    look(&k, 1000, 100, 100, 5);
    assert_int_equal(backlog_since_us(&k), 0);
    /* the WAL moves, no row does */
    look(&k, 2000, 150, 100, 5);
    assert_int_equal(backlog_since_us(&k), 0);
    /* rows between two looks: the middle */
    look(&k, 3000, 200, 100, 7);
    assert_int_equal(backlog_since_us(&k), 2500);
    look(&k, 4000, 300, 100, 9);
    assert_int_equal(backlog_since_us(&k), 2500);
    /* it comes back and catches up step by step */
    look(&k, 5000, 300, 199, 9);
    assert_int_equal(backlog_since_us(&k), 2500);
    look(&k, 6000, 300, 200, 9);
    assert_int_equal(backlog_since_us(&k), 3500);
    look(&k, 7000, 310, 300, 9);
    assert_int_equal(backlog_since_us(&k), 0);
}

static void test_first_look(void **state)
{
    struct backlog k = { 0 };

    (void)state;
    look(&k, 1000, 100, 60, 5);
    assert_int_equal(backlog_since_us(&k), 1000);
    look(&k, 2000, 100, 100, 5);
    assert_int_equal(backlog_since_us(&k), 0);
    backlog_reset(&k);
    look(&k, 3000, 120, 100, 5);
    assert_int_equal(backlog_since_us(&k), 3000);
    backlog_reset(&k);
    assert_int_equal(backlog_since_us(&k), 0);
}

static void test_positions_go_back(void **state)
{
    struct backlog k = { 0 };

    (void)state;
    look(&k, 1000, 100, 100, 5);
    look(&k, 2000, 200, 100, 6);
    assert_int_equal(backlog_since_us(&k), 1500);
    /* another server below it */
    look(&k, 3000, 50, 50, 1);
    assert_int_equal(backlog_since_us(&k), 0);
    /* statistics that were reset are no change */
    look(&k, 4000, 60, 50, 0);
    assert_int_equal(backlog_since_us(&k), 0);
    look(&k, 5000, 70, 50, 1);
    assert_int_equal(backlog_since_us(&k), 4500);
}

static void test_long_standstill(void **state)
{
    struct backlog k = { 0 };
    int64_t since = -1;

    (void)state;
    look(&k, 0, 100, 100, 0);
    for (int i = 1; i <= 100 * 1000; i++) {
        look(&k, i * 1000, 100 + (uint64_t)i, 100, (uint64_t)i);
    }
    assert_int_equal(backlog_since_us(&k), 500);
    /* as it catches up, the age goes down, never up */
    for (int i = 1; i < 100 * 1000; i += 500) {
        look(&k, 100 * 1000 * 1000, 100100, 100 + (uint64_t)i, 100 * 1000);
        assert_true(backlog_since_us(&k) >= since);
        assert_true(backlog_since_us(&k) > 0);
        since = backlog_since_us(&k);
    }
    assert_true(since > 90 * 1000 * 1000);
    look(&k, 100 * 1000 * 1000, 100100, 100100, 100 * 1000);
    assert_int_equal(backlog_since_us(&k), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dead_producer),
        cmocka_unit_test(test_first_look),
        cmocka_unit_test(test_positions_go_back),
        cmocka_unit_test(test_long_standstill),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
