/* links: cdc_sink */
/* batch.h: limits, verdicts, and that every message is destroyed once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/batch.h"

enum { MESSAGES = 1000 };

static rd_kafka_message_t messages[MESSAGES];
static int destroyed[MESSAGES];

/* Stands in front of librdkafka's: these messages are ours. */
void rd_kafka_message_destroy(rd_kafka_message_t *msg)
{
    destroyed[msg - messages]++;
}

static void add(struct batch *b, int i, size_t len)
{
    struct item *it = batch_next(b);

    messages[i] = (rd_kafka_message_t){ .len = len, .key_len = 10 };
    destroyed[i] = 0;
    it->msg = &messages[i];
    it->offset = i;
    batch_keep(b);
}

static void limits_by_rows_and_bytes(void **state)
{
    struct batch_limits limits = { .rows = 3, .bytes = 1000 };
    struct batch b;

    (void)state;
    batch_init(&b);
    assert_false(batch_full(&b, &limits));
    add(&b, 0, 90);
    add(&b, 1, 90);
    assert_false(batch_full(&b, &limits));
    assert_int_equal(b.bytes, 200);
    add(&b, 2, 90);
    assert_true(batch_full(&b, &limits));
    batch_reset(&b);
    assert_int_equal(b.count + b.bytes, 0);
    add(&b, 3, 5000); /* one event above the limit still passes, alone */
    assert_true(batch_full(&b, &limits));
    batch_fini(&b);
    batch_fini(&b);
    batch_fini(NULL);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(destroyed[i], 1);
    }
}

static void what_is_not_kept_is_not_part(void **state)
{
    struct batch b;

    (void)state;
    batch_init(&b);
    (void)batch_next(&b);
    (void)batch_next(&b);
    assert_int_equal(b.count, 0);
    add(&b, 0, 1);
    assert_int_equal(b.items[0].verdict, VERDICT_PENDING);
    assert_string_equal(b.items[0].why, "");
    assert_true(b.born_ms > 0);
    batch_fini(&b);
    assert_int_equal(destroyed[0], 1);
}

static void verdicts_are_counted(void **state)
{
    static const enum verdict given[] = { VERDICT_DONE,   VERDICT_PENDING,
                                          VERDICT_RETRY,  VERDICT_DONE,
                                          VERDICT_REJECT, VERDICT_STOP };
    struct batch_verdicts v;
    struct batch b;

    (void)state;
    batch_init(&b);
    v = batch_judge(&b);
    assert_true(v.done + v.retry == 0 && !v.first_retry && !v.first_bad);
    for (int i = 0; i < (int)COUNT_OF(given); i++) {
        add(&b, i, 1);
        b.items[i].verdict = given[i];
    }
    v = batch_judge(&b);
    assert_int_equal(v.done, 2);
    assert_int_equal(v.retry, 2); /* not judged counts as RETRY */
    assert_ptr_equal(v.first_retry, &b.items[1]);
    assert_ptr_equal(v.first_bad, &b.items[4]);
    batch_fini(&b);
}

static void compacting_keeps_the_order(void **state)
{
    struct batch b;
    size_t bytes = 0;
    int64_t last = -1;

    (void)state;
    batch_init(&b);
    for (int i = 0; i < MESSAGES; i++) {
        add(&b, i, (size_t)i);
        if (i % 3 != 1) {
            b.items[i].verdict = VERDICT_DONE;
        } else {
            bytes += (size_t)i + 10;
        }
    }
    batch_compact(&b);
    assert_int_equal(b.count, MESSAGES / 3);
    assert_int_equal(b.bytes, bytes);
    for (unsigned i = 0; i < b.count; i++) {
        assert_true(b.items[i].offset > last);
        assert_int_equal(b.items[i].offset % 3, 1);
        last = b.items[i].offset;
    }
    for (int i = 0; i < MESSAGES; i++) {
        assert_int_equal(destroyed[i], i % 3 != 1);
    }
    batch_compact(&b); /* nothing more is DONE */
    assert_int_equal(b.count, MESSAGES / 3);
    batch_fini(&b);
    for (int i = 0; i < MESSAGES; i++) {
        assert_int_equal(destroyed[i], 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(limits_by_rows_and_bytes),
        cmocka_unit_test(what_is_not_kept_is_not_part),
        cmocka_unit_test(verdicts_are_counted),
        cmocka_unit_test(compacting_keeps_the_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
