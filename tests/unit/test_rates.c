/* links: monitor_core */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "monitor/rates.h"

enum { T0 = 1000 * 1000 };

static void near(double got, double want)
{
    assert_true(got > want - 1e-6 && got < want + 1e-6);
}

/* Takes a reading at a time in seconds after the start. */
static void take(struct rates *r, struct rates_source *s, int at_s,
                 struct rates_reading reading)
{
    rates_take(r, s, &reading);
    rates_tick(r, T0 + at_s * 1000);
}

static void check_gain(const struct rates *r, int at_s, double want_finished,
                       double want_rejected)
{
    double finished = 0, rejected = 0;

    rates_gain(r, T0 + at_s * 1000, &finished, &rejected);
    near(finished, want_finished);
    near(rejected, want_rejected);
}

static void test_baseline_and_growth(void **state)
{
    struct rates r;
    struct rates_source a = { 0 };

    (void)state;
    rates_init(&r, T0, 5000);
    near(rates_throughput(&r, T0), 0);
    /* older than the monitor: what it did before counts for nothing */
    take(&r, &a, 1, (struct rates_reading){ 100, 1000, 10, 0 });
    check_gain(&r, 1, 0, 0);
    take(&r, &a, 10, (struct rates_reading){ 100, 1100, 12, 0 });
    check_gain(&r, 10, 100, 2);
    near(rates_throughput(&r, T0 + 10 * 1000), 10);
}

static void test_new_worker_counts_in_full(void **state)
{
    struct rates r;
    struct rates_source a = { 0 }, b = { 0 };

    (void)state;
    rates_init(&r, T0, 5000);
    take(&r, &a, 10, (struct rates_reading){ 5004, 300, 3, 0 });
    take(&r, &b, 10,
         (struct rates_reading){ 0, 500, 0, 0 }); /* no start time */
    check_gain(&r, 10, 300, 3);
}

static void test_restart(void **state)
{
    struct rates r;
    struct rates_source a = { 0 };

    (void)state;
    rates_init(&r, T0, 5000);
    take(&r, &a, 1, (struct rates_reading){ 100, 1000, 10, 0 });
    /* a new process that has already done more than the old one */
    take(&r, &a, 5, (struct rates_reading){ 5003, 1500, 1, 0 });
    check_gain(&r, 5, 1500, 1);
    /* a fall without a start time */
    take(&r, &a, 9, (struct rates_reading){ 0, 40, 4, 0 });
    check_gain(&r, 9, 1540, 5);
    /* an unchanged counter */
    take(&r, &a, 10, (struct rates_reading){ 0, 40, 4, 0 });
    check_gain(&r, 10, 1540, 5);
}

static void test_window(void **state)
{
    struct rates r;
    struct rates_source a = { 0 };

    (void)state;
    rates_init(&r, T0, 0);
    /* 1 event a second for ten minutes, then silence */
    for (int s = 0; s <= 600; s++) {
        take(&r, &a, s, (struct rates_reading){ 0, s, 0, 0 });
    }
    near(rates_throughput(&r, T0 + 600 * 1000), 1);
    check_gain(&r, 600, 300, 0);
    for (int s = 601; s <= 750; s++) {
        take(&r, &a, s, (struct rates_reading){ 0, 600, 0, 0 });
    }
    near(rates_throughput(&r, T0 + 750 * 1000), 0.5);
    for (int s = 751; s <= 905; s++) {
        rates_tick(&r, T0 + s * 1000);
    }
    near(rates_throughput(&r, T0 + 905 * 1000), 0);
}

static void test_sleep(void **state)
{
    struct rates r;
    struct rates_source a = { 0 };

    (void)state;
    rates_init(&r, T0, 0);
    take(&r, &a, 0, (struct rates_reading){ 0, 0, 0, 0 });
    take(&r, &a, 10, (struct rates_reading){ 0, 100, 0, 0 });
    /* the machine slept for an hour: the first look after it */
    take(&r, &a, 3610, (struct rates_reading){ 0, 100, 0, 0 });
    assert_true(rates_throughput(&r, T0 + 3610 * 1000) < 0.001);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_baseline_and_growth),
        cmocka_unit_test(test_new_worker_counts_in_full),
        cmocka_unit_test(test_restart),
        cmocka_unit_test(test_window),
        cmocka_unit_test(test_sleep),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
