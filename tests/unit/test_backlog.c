/* links: monitor_core */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "monitor/backlog.h"

enum { SECOND = 1000 * 1000 };

/* A look at `now_s` seconds; all that is inserted is flushed. */
static void look(struct backlog *k, double now_s, uint64_t flush,
                 uint64_t confirmed, uint64_t changes)
{
    backlog_take(k, &(struct backlog_look){ (int64_t)(now_s * SECOND), changes,
                                            flush, flush, confirmed });
}

static void since(const struct backlog *k, double want_s)
{
    assert_int_equal(backlog_since_us(k), (int64_t)(want_s * SECOND));
}

static void test_dead_producer(void **state)
{
    struct backlog k = { 0 };

    (void)state;
    look(&k, 1, 100, 100, 5);
    since(&k, 0);
    /* the WAL moves, no row does */
    look(&k, 2, 150, 100, 5);
    since(&k, 0);
    /* rows between two looks: the middle */
    look(&k, 3, 200, 100, 7);
    since(&k, 2.5);
    look(&k, 4, 300, 100, 9);
    since(&k, 2.5);
    /* it comes back and catches up step by step */
    look(&k, 5, 300, 199, 9);
    since(&k, 2.5);
    look(&k, 5.5, 300, 200, 9);
    since(&k, 3.5);
    look(&k, 5.9, 310, 300, 9);
    since(&k, 0);
}

static void test_first_look(void **state)
{
    struct backlog k = { 0 };

    (void)state;
    look(&k, 1, 100, 60, 5);
    since(&k, 1);
    look(&k, 2, 100, 100, 5);
    since(&k, 0);
}

static void test_slot_appears(void **state)
{
    struct backlog k = { 0 };

    (void)state;
    backlog_take_none(&k, 1 * SECOND, 5, 100);
    since(&k, 0);
    /* behind, but no row changed since it is there */
    look(&k, 2, 140, 120, 5);
    since(&k, 0);
    look(&k, 3, 160, 120, 6);
    since(&k, 2.5);
    /* dropped */
    backlog_take_none(&k, 4 * SECOND, 7, 170);
    since(&k, 0);
    look(&k, 5, 180, 170, 8);
    since(&k, 4.5);
}

static void test_positions_go_back(void **state)
{
    struct backlog k = { 0 };

    (void)state;
    look(&k, 1, 100, 100, 5);
    look(&k, 2, 200, 100, 6);
    since(&k, 1.5);
    /* another server below it */
    look(&k, 3, 50, 50, 1);
    since(&k, 0);
    /* statistics that were reset are no change */
    look(&k, 4, 60, 50, 0);
    since(&k, 0);
    look(&k, 5, 70, 50, 1);
    since(&k, 4.5);
}

/* An asynchronous commit: counted and inserted, not flushed yet. */
static void test_not_flushed_yet(void **state)
{
    struct backlog k = { 0 };

    (void)state;
    look(&k, 1, 100, 100, 5);
    backlog_take(&k, &(struct backlog_look){ 2 * SECOND, 6, 120, 100, 100 });
    since(&k, 1.5);
    backlog_take(&k, &(struct backlog_look){ 3 * SECOND, 6, 120, 100, 100 });
    since(&k, 1.5);
    look(&k, 3.5, 120, 100, 6);
    since(&k, 1.5);
    look(&k, 3.6, 120, 120, 6);
    since(&k, 0);
}

/* The insert position stands behind a page header that is never confirmed. */
static void test_page_header(void **state)
{
    struct backlog k = { 0 };

    (void)state;
    look(&k, 1, 8000, 8000, 5);
    backlog_take(&k, &(struct backlog_look){ 2 * SECOND, 6, 8216, 8192, 8100 });
    since(&k, 1.5);
    backlog_take(&k, &(struct backlog_look){ 3 * SECOND, 6, 8216, 8192, 8192 });
    since(&k, 1.5);
    backlog_take(&k, &(struct backlog_look){ 4 * SECOND, 6, 8216, 8192, 8192 });
    since(&k, 0);
}

static void test_long_standstill(void **state)
{
    struct backlog k = { 0 };
    int64_t before = -1;

    (void)state;
    look(&k, 0, 100, 100, 0);
    for (int i = 1; i <= 100 * 1000; i++) {
        look(&k, i, 100 + (uint64_t)i, 100, (uint64_t)i);
    }
    since(&k, 0.5);
    /* as it catches up, the age goes down, never up */
    for (int i = 1; i < 100 * 1000; i += 500) {
        look(&k, 100 * 1000, 100100, 100 + (uint64_t)i, 100 * 1000);
        assert_true(backlog_since_us(&k) >= before);
        assert_true(backlog_since_us(&k) > 0);
        before = backlog_since_us(&k);
    }
    assert_true(before > 90 * 1000LL * SECOND);
    look(&k, 100 * 1000, 100100, 100100, 100 * 1000);
    since(&k, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dead_producer),
        cmocka_unit_test(test_first_look),
        cmocka_unit_test(test_slot_appears),
        cmocka_unit_test(test_positions_go_back),
        cmocka_unit_test(test_not_flushed_yet),
        cmocka_unit_test(test_page_header),
        cmocka_unit_test(test_long_standstill),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
