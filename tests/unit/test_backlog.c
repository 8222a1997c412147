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
    backlog_take(k, &(struct backlog_look){ .now_us = (int64_t)(now_s * SECOND),
                                            .changes = changes,
                                            .snapshot = changes,
                                            .insert_lsn = flush,
                                            .flush_lsn = flush,
                                            .confirmed_lsn = confirmed });
}

/* There is no slot. */
static void look_none(struct backlog *k, double now_s, uint64_t changes)
{
    backlog_take_none(
        k, &(struct backlog_look){ .now_us = (int64_t)(now_s * SECOND),
                                   .changes = changes,
                                   .snapshot = changes });
}

/* The insert position is beyond what is flushed. */
static void look_ahead(struct backlog *k, int now_s, uint64_t insert,
                       uint64_t flush, uint64_t confirmed)
{
    backlog_take(k, &(struct backlog_look){ .now_us = now_s * SECOND,
                                            .changes = 6,
                                            .snapshot = 6,
                                            .insert_lsn = insert,
                                            .flush_lsn = flush,
                                            .confirmed_lsn = confirmed });
}

/* A transaction has ended, and the count knows nothing of it yet. */
static void look_ended(struct backlog *k, double now_s, uint64_t flush,
                       uint64_t confirmed, uint64_t changes, uint64_t snapshot)
{
    backlog_take(k,
                 &(struct backlog_look){ (int64_t)(now_s * SECOND), changes,
                                         snapshot, flush, flush, confirmed });
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
    look_none(&k, 1, 5);
    since(&k, 0);
    /* behind, but no row changed since it is there */
    look(&k, 2, 140, 120, 5);
    since(&k, 0);
    look(&k, 3, 160, 120, 6);
    since(&k, 2.5);
    /* dropped */
    look_none(&k, 4, 7);
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
    look_ended(&k, 4, 60, 50, 0, 1);
    since(&k, 0);
    look_ended(&k, 5, 70, 50, 1, 2);
    since(&k, 4.5);
}

/* An asynchronous commit: counted and inserted, not flushed yet. */
static void test_not_flushed_yet(void **state)
{
    struct backlog k = { 0 };

    (void)state;
    look(&k, 1, 100, 100, 5);
    look_ahead(&k, 2, 120, 100, 100);
    since(&k, 1.5);
    look_ahead(&k, 3, 120, 100, 100);
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
    look_ahead(&k, 2, 8216, 8192, 8100);
    since(&k, 1.5);
    look_ahead(&k, 3, 8216, 8192, 8192);
    since(&k, 1.5);
    look_ahead(&k, 4, 8216, 8192, 8192);
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

/* The statistics come late: the time is that of the transaction's end. */
static void test_statistics_come_late(void **state)
{
    struct backlog k = { 0 };

    (void)state;
    look_ended(&k, 1, 100, 100, 5, 70);
    since(&k, 0);
    look_ended(&k, 2, 150, 100, 5, 71);
    since(&k, 1.5);
    look_ended(&k, 11, 150, 100, 5, 71);
    since(&k, 1.5);
    look_ended(&k, 12, 150, 100, 6, 71); /* borne out */
    since(&k, 1.5);
    look_ended(&k, 100, 150, 100, 6, 71);
    since(&k, 1.5);
    look_ended(&k, 101, 150, 150, 6, 71);
    since(&k, 0);
}

/* Transactions of others, while the producer stands still. */
static void test_doubt_ends(void **state)
{
    struct backlog k = { 0 };

    (void)state;
    look_ended(&k, 1, 100, 100, 5, 70);
    look_ended(&k, 2, 150, 100, 5, 71);
    since(&k, 1.5);
    look_ended(&k, 14, 150, 100, 5, 71);
    since(&k, 1.5);
    look_ended(&k, 15, 150, 100, 5, 71);
    since(&k, 0);
    /* one of ours later: only that counts */
    look_ended(&k, 16, 200, 100, 6, 72);
    since(&k, 15.5);
    look_ended(&k, 60, 200, 100, 6, 72);
    since(&k, 15.5);
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
        cmocka_unit_test(test_statistics_come_late),
        cmocka_unit_test(test_doubt_ends),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
