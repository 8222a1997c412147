/* links: cdc_sink */
/* offsets.h: what may be committed, against a model that keeps everything. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/offsets.h"

static void nothing_settled_is_nothing_to_commit(void **state)
{
    struct offsets_part p;
    int64_t offset = 77;

    (void)state;
    offsets_init(&p);
    assert_false(offsets_take(&p, &offset));
    offsets_add(&p, 0);
    offsets_add(&p, 1);
    assert_false(offsets_take(&p, &offset));
    assert_int_equal(offset, 77);
    assert_int_equal(offsets_open(&p), 2);
    offsets_fini(&p);
    offsets_fini(&p);
    offsets_fini(NULL);
}

static void never_past_an_open_item(void **state)
{
    struct offsets_part p;
    int64_t offset;

    (void)state;
    offsets_init(&p);
    for (int64_t o = 10; o < 15; o++) {
        offsets_add(&p, o);
    }
    offsets_settle(&p, 12);
    offsets_settle(&p, 14);
    assert_false(offsets_take(&p, &offset));
    offsets_settle(&p, 10);
    assert_true(offsets_take(&p, &offset));
    assert_int_equal(offset, 11);
    assert_false(offsets_take(&p, &offset)); /* the same is not said twice */
    offsets_settle(&p, 11);                  /* closes the gap up to 12 */
    assert_true(offsets_take(&p, &offset));
    assert_int_equal(offset, 13);
    assert_int_equal(offsets_open(&p), 1);
    offsets_settle(&p, 13);
    assert_true(offsets_take(&p, &offset));
    assert_int_equal(offset, 15);
    assert_int_equal(offsets_open(&p), 0);
    offsets_fini(&p);
}

static void holes_in_the_topic_are_passed(void **state)
{
    static const int64_t some[] = { 3, 100, 101, INT64_C(1) << 40 };
    struct offsets_part p;
    int64_t offset;

    (void)state;
    offsets_init(&p);
    for (size_t i = 0; i < COUNT_OF(some); i++) {
        offsets_add(&p, some[i]);
    }
    for (size_t i = 0; i < COUNT_OF(some); i++) {
        offsets_settle(&p, some[i]);
        assert_true(offsets_take(&p, &offset));
        assert_int_equal(offset, some[i] + 1);
    }
    offsets_fini(&p);
}

static void a_failed_commit_is_offered_again(void **state)
{
    struct offsets_part p;
    int64_t offset;

    (void)state;
    offsets_init(&p);
    offsets_untake(&p); /* nothing taken: nothing to offer */
    assert_false(offsets_take(&p, &offset));
    offsets_add(&p, 5);
    offsets_settle(&p, 5);
    assert_true(offsets_take(&p, &offset));
    offsets_untake(&p);
    assert_true(offsets_take(&p, &offset));
    assert_int_equal(offset, 6);
    offsets_fini(&p);
}

static void dropped_items_come_again(void **state)
{
    struct offsets_part p;
    int64_t offset;

    (void)state;
    offsets_init(&p);
    for (int64_t o = 0; o < 10; o++) {
        offsets_add(&p, o);
    }
    offsets_settle(&p, 0);
    offsets_settle(&p, 5);
    offsets_drop(&p);
    assert_int_equal(offsets_open(&p), 0);
    assert_true(offsets_take(&p, &offset));
    assert_int_equal(offset, 1); /* what was settled stays */
    for (int64_t o = 1; o < 10; o++) {
        offsets_add(&p, o);
    }
    offsets_settle(&p, 1);
    assert_true(offsets_take(&p, &offset));
    assert_int_equal(offset, 2); /* 5 has to settle again */
    offsets_fini(&p);
}

enum { MODEL_MAX = 3000 };

/* Any order of settling, with the ring growing and wrapping meanwhile. */
static void as_a_model_that_keeps_everything(void **state)
{
    static bool added[MODEL_MAX], settled[MODEL_MAX];
    struct offsets_part p;
    int64_t next = 0, last = 0, offset;
    unsigned seed = 7;

    (void)state;
    offsets_init(&p);
    for (int step = 0; step < 40000; step++) {
        seed = seed * 1103515245U + 12345U;
        unsigned r = seed >> 8;

        if (next < MODEL_MAX && r % 3 != 0) {
            added[next] = true;
            offsets_add(&p, next);
            next += 1 + r / 3 % 2; /* holes */
        } else if (next > 0) {
            int64_t from = (int64_t)(r % (unsigned)next);

            while (from < next && (!added[from] || settled[from])) {
                from++;
            }
            if (from < next) {
                settled[from] = true;
                offsets_settle(&p, from);
            }
        }
        if (offsets_take(&p, &offset)) {
            assert_true(offset > last);
            for (int64_t o = last; o < offset; o++) {
                assert_true(!added[o] || settled[o]);
            }
            assert_true(added[offset - 1]);
            last = offset;
        }
        if (last < next) { /* no earlier than it could: the next is open */
            int64_t o = last;

            while (o < next && !added[o]) {
                o++;
            }
            assert_true(o >= next || !settled[o]);
        }
    }
    assert_true(last > MODEL_MAX / 2);
    offsets_fini(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_settled_is_nothing_to_commit),
        cmocka_unit_test(never_past_an_open_item),
        cmocka_unit_test(holes_in_the_topic_are_passed),
        cmocka_unit_test(a_failed_commit_is_offered_again),
        cmocka_unit_test(dropped_items_come_again),
        cmocka_unit_test(as_a_model_that_keeps_everything),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
