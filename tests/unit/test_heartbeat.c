/* links: producer_core */
/* heartbeat.h: which message is one, and the record it becomes. What goes
   through a server is tested end to end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "producer/heartbeat.h"

static const struct {
    const char *pipeline, *prefix, *content;
    bool transactional, want;
} messages[] = {
    { "cdc", "cdc-heartbeat", "cdc 1700000000000000", true, true },
    { "cdc", "cdc-heartbeat", "cdc x", true, true },
    { "cdc", "cdc-heartbeat", "cdc 1", false, false },
    { "cdc", "cdc-heartbeat", "cdc1 1", true, false },
    { "cdc", "cdc-heartbeat", "cd 1", true, false },
    { "cdc", "cdc-heartbeat", "cdc", true, false },
    { "cdc", "cdc-heartbeat", "", true, false },
    { "cdc", "cdc-watermark", "cdc 1", true, false },
    { "cdc", "", "cdc 1", true, false },
};

static void known(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(messages); i++) {
        assert_int_equal(heartbeat_is(messages[i].pipeline,
                                      messages[i].transactional,
                                      str_of(messages[i].prefix),
                                      str_of(messages[i].content)),
                         messages[i].want);
    }
}

static void record(void **state)
{
    struct buf key, value;

    (void)state;
    buf_init(&key, 1024);
    buf_init(&value, 1024);
    heartbeat_write(&key, &value, "shop-1", 1700000000123456, 0x16B374D848);
    assert_string_equal(buf_z(&key), "{\"serverName\":\"shop-1\"}");
    assert_string_equal(buf_z(&value),
                        "{\"ts_ms\":1700000000123,\"ts_us\":1700000000123456,"
                        "\"commit_lsn\":\"16/B374D848\"}");
    buf_fini(&key);
    buf_fini(&value);
}

/* Sent again after a lost connection an old one comes once more. */
static void newest_counts(void **state)
{
    const char *name = "cdc_heartbeat_last_received_timestamp_seconds";
    struct heartbeat h;
    struct err e;

    (void)state;
    heartbeat_init(&h, "cdc", 0);
    heartbeat_seen(&h, 2000000);
    heartbeat_seen(&h, 1000000);
    assert_true(metrics_max(name) == 2);
    /* switched off, or without a session, nothing is asked */
    assert_int_equal(heartbeat_turn(&h, &e), 0);
    h.every_ms = 1;
    assert_int_equal(heartbeat_turn(&h, &e), 0);
    assert_int_equal(heartbeat_finish(&h, &e), 0);
    assert_false(heartbeat_busy(&h));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known),
        cmocka_unit_test(record),
        cmocka_unit_test(newest_counts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
