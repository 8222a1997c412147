/* links: monitor_core */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "monitor/fence.h"

static const struct {
    struct read_pg_slot slot;
    uint64_t lsn;
    int64_t age_ms;
    bool confirmed;
} slots[] = {
    { { true, true, 100, 100 }, 100, 0, true },
    { { true, true, 150, 160 }, 100, 0, true },
    { { true, true, 99, 99 }, 100, 0, false },
    /* all that is flushed, but an asynchronous commit may not be yet */
    { { true, true, 99, 99 }, 100, FENCE_SETTLED_MS - 1, false },
    { { true, true, 99, 99 }, 100, FENCE_SETTLED_MS, true },
    { { true, true, 98, 99 }, 100, 60 * 1000, false },
    { { true, false, 0, 99 }, 100, 60 * 1000, false },
};

static void test_slots(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(slots); i++) {
        assert_int_equal(
            fence_confirmed(&slots[i].slot, slots[i].lsn, slots[i].age_ms),
            slots[i].confirmed);
    }
}

static void topic_add(struct lag *l, const char *name)
{
    lag_topic(l, str_of(name), STR("t"), 2);
}

/* Two partitions, ends 10 and 4: what comes later does not count. */
static void test_marks(void **state)
{
    static const struct {
        int64_t committed[2];
        uint64_t behind;
    } cases[] = {
        { { -1, -1 }, 14 }, { { 0, 0 }, 14 }, { { 9, 4 }, 1 },
        { { 10, 3 }, 1 },   { { 10, 4 }, 0 }, { { 15, 6 }, 0 },
    };
    struct fence_marks marks = { 0 };
    struct lag_topic *t;
    struct lag l;
    struct err e;

    (void)state;
    lag_init(&l, true, true);
    topic_add(&l, "cdc.public.a");
    topic_add(&l, "cdc.public.b");
    t = lag_find(&l, STR("cdc.public.a"));
    assert_int_equal(fence_marks_take(&marks, t, &e), -1); /* not known */
    fence_marks_fini(&marks);
    lag_marks(t, 0, 0, 10);
    lag_marks(t, 1, 0, 4);
    assert_int_equal(fence_marks_take(&marks, t, &e), 0);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        lag_marks(t, 0, 0, 20);
        lag_marks(t, 1, 0, 20);
        lag_committed(t, 0, SINK_ES, cases[i].committed[0]);
        lag_committed(t, 1, SINK_ES, cases[i].committed[1]);
        assert_int_equal(fence_behind(&marks, &l, SINK_ES), cases[i].behind);
        assert_int_equal(fence_behind(&marks, &l, SINK_CLICKHOUSE), 14);
    }
    /* a topic that is gone */
    topic_add(&l, "cdc.public.b");
    lag_topics_end(&l);
    topic_add(&l, "cdc.public.b");
    lag_topics_end(&l);
    assert_null(lag_find(&l, STR("cdc.public.a")));
    assert_int_equal(fence_behind(&marks, &l, SINK_CLICKHOUSE), 0);
    fence_marks_fini(&marks);
    lag_fini(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_slots),
        cmocka_unit_test(test_marks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
