/* links: cdc_sink */
/* outage.h: growing waits, one line at the begin and one at the end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/log.h"
#include "common/outage.h"

static void a_single_failure_makes_no_noise(void **state)
{
    struct outage o;
    unsigned long warned = log_count(LOG_WARN), told = log_count(LOG_INFO);

    (void)state;
    outage_init(&o, "test");
    assert_in_range(outage_failed(&o, clock_ms(), "no"), 50, 100);
    assert_false(outage_is_on(&o));
    outage_ended(&o);
    outage_ended(&o);
    assert_int_equal(log_count(LOG_WARN), warned);
    assert_int_equal(log_count(LOG_INFO), told);
}

static void a_long_one_is_said_once(void **state)
{
    struct outage o;
    unsigned long warned = log_count(LOG_WARN), told = log_count(LOG_INFO);
    int64_t began_ms = clock_ms() - OUTAGE_SAID_MS - 1;
    int last = 0;

    (void)state;
    outage_init(&o, "test");
    for (int i = 0; i < 50; i++) {
        last = outage_failed(&o, began_ms, "refused");
        assert_true(outage_is_on(&o));
    }
    assert_in_range(last, OUTAGE_MAX_MS / 2, OUTAGE_MAX_MS);
    assert_int_equal(log_count(LOG_WARN), warned + 1);
    outage_progress(&o); /* soon again, but the outage goes on */
    assert_in_range(outage_failed(&o, clock_ms(), "refused"), 50, 100);
    assert_true(outage_is_on(&o));
    outage_ended(&o);
    assert_false(outage_is_on(&o));
    assert_int_equal(log_count(LOG_WARN), warned + 1);
    assert_int_equal(log_count(LOG_INFO), told + 1);
    assert_in_range(outage_failed(&o, clock_ms(), "refused"), 50, 100);
    assert_false(outage_is_on(&o)); /* a new one begins from the start */
}

/* One attempt may take a minute: it is said when it fails. */
static void a_slow_attempt_is_said_at_once(void **state)
{
    struct outage o;

    (void)state;
    outage_init(&o, "test");
    (void)outage_failed(&o, clock_ms() - 60000, "timeout");
    assert_true(outage_is_on(&o));
}

static int begin(void **state)
{
    (void)state;
    log_init("test", LOG_INFO, LOG_LOGFMT);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_single_failure_makes_no_noise),
        cmocka_unit_test(a_long_one_is_said_once),
        cmocka_unit_test(a_slow_attempt_is_said_at_once),
    };

    return cmocka_run_group_tests(tests, begin, NULL);
}
