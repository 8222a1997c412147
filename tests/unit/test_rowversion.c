/* links: cdc_event */
/* rowversion.h: the formula, the counters, and the test vector that pins hash
   and key bytes for ever: another value here would give a transaction that is
   sent again other versions than it had. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/rowversion.h"

static void formula(void **state)
{
    const uint64_t lsn_max = (1ULL << 54) - 1;

    (void)state;
    assert_true(rowversion_make(0, 0, 0) == 0);
    assert_true(rowversion_make(0, 31, 7) == 7); /* the low 5 bits go */
    assert_true(rowversion_make(0, 32, 7) == (1 << 14 | 7));
    assert_true(rowversion_make(0, 0x1DA0240, 0) == 15905095680ULL);
    assert_true(rowversion_make(64, 32, 1) == (3 << 14 | 1));
    assert_true(rowversion_make(0, lsn_max, 16383) == INT64_MAX);
    assert_true(rowversion_fits(0, lsn_max));
    assert_false(rowversion_fits(0, lsn_max + 1));
    assert_false(rowversion_fits(32, lsn_max));
    assert_false(rowversion_fits(UINT64_MAX, 1));
}

static void copied_rows_are_between_commits(void **state)
{
    uint64_t copied = rowversion_make(0, 1000, ROWVERSION_SEQ_COPIED);

    (void)state;
    assert_true(copied > rowversion_make(0, 1000, ROWVERSION_SEQ_LAST));
    assert_true(copied < rowversion_make(0, 1040, 0)); /* next commit */
}

static void counts_per_key(void **state)
{
    struct rowseq *s = xcalloc(1, sizeof(*s));

    (void)state;
    rowseq_begin(s);
    assert_int_equal(rowseq_next(s, STR("public.t"), STR("{\"id\":1}")), 0);
    assert_int_equal(rowseq_next(s, STR("public.t"), STR("{\"id\":1}")), 1);
    assert_int_equal(rowseq_next(s, STR("public.t"), STR("{\"id\":2}")), 0);
    assert_int_equal(rowseq_next(s, STR("public.u"), STR("{\"id\":1}")), 0);
    assert_int_equal(rowseq_next(s, STR("public.t"), STR("{\"id\":1}")), 2);
    rowseq_begin(s);
    assert_int_equal(rowseq_next(s, STR("public.t"), STR("{\"id\":1}")), 0);
    xfree(s);
}

static void truncate_stands_between(void **state)
{
    struct rowseq *s = xcalloc(1, sizeof(*s));

    (void)state;
    rowseq_begin(s);
    assert_int_equal(rowseq_truncate(s), 0); /* nothing given yet */
    assert_int_equal(rowseq_next(s, STR("public.t"), STR("a")), 1);
    assert_int_equal(rowseq_next(s, STR("public.t"), STR("a")), 2);
    assert_int_equal(rowseq_next(s, STR("public.t"), STR("b")), 1);
    assert_int_equal(rowseq_truncate(s), 3);
    assert_int_equal(rowseq_truncate(s), 4);
    assert_int_equal(rowseq_next(s, STR("public.t"), STR("b")), 5);
    assert_int_equal(rowseq_next(s, STR("public.t"), STR("new")), 5);
    rowseq_begin(s);
    assert_int_equal(rowseq_next(s, STR("public.t"), STR("b")), 0);
    assert_false(s->exhausted);
    xfree(s);
}

static void stays_at_the_last_number(void **state)
{
    struct rowseq *s = xcalloc(1, sizeof(*s));

    (void)state;
    rowseq_begin(s);
    for (unsigned i = 0; i <= ROWVERSION_SEQ_LAST; i++) {
        assert_int_equal(rowseq_next(s, STR("public.t"), STR("a")), i);
    }
    assert_false(s->exhausted);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(rowseq_next(s, STR("public.t"), STR("a")),
                         ROWVERSION_SEQ_LAST);
        assert_true(s->exhausted);
    }
    assert_int_equal(rowseq_next(s, STR("public.t"), STR("b")), 0);
    assert_int_equal(rowseq_truncate(s), ROWVERSION_SEQ_LAST);
    assert_int_equal(rowseq_next(s, STR("public.t"), STR("b")),
                     ROWVERSION_SEQ_LAST);
    rowseq_begin(s);
    assert_false(s->exhausted);
    assert_int_equal(rowseq_truncate(s), 0);
    xfree(s);
}

static void generations_wrap(void **state)
{
    struct rowseq *s = xcalloc(1, sizeof(*s));

    (void)state;
    s->generation = 0;
    rowseq_begin(s); /* 1 */
    assert_int_equal(rowseq_next(s, STR("t"), STR("a")), 0);
    s->generation = UINT32_MAX;
    rowseq_begin(s); /* 1 again: the old counter must be gone */
    assert_int_equal(s->generation, 1);
    assert_int_equal(rowseq_next(s, STR("t"), STR("a")), 0);
    xfree(s);
}

/* Which of the 4,096 counters a key has. */
static void vector(void **state)
{
    static const struct {
        const char *table, *key;
        unsigned counter;
    } cases[] = {
        { "public.User", "{\"id\":1}", 1804 },
        { "public.User", "{\"id\":2}", 622 },
        { "public.NFT", "{\"id\":1}", 3282 },
        { "public.RoyaltyPayment", "{\"id\":\"rp_000001\"}", 905 },
        { "app.membership", "{\"org\":7,\"member\":\"a-b\"}", 3981 },
        { "public.Content", "{\"slug\":\"\xc3\xa9\\uD83D\\uDE00\"}", 1677 },
        { "public.long",
          "{\"k\":\"0123456789012345678901234567890123456789012345678901234567"
          "89012345678901234567890123456789012345678901234567890123456789012345"
          "67890123456789012345678901234567890123456789012345678901234567890123"
          "45678901234567890123456789012345678901234567890123456789\"}",
          3007 },
    };
    struct rowseq *s = xcalloc(1, sizeof(*s));

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        unsigned k = 0;

        rowseq_begin(s);
        (void)rowseq_next(s, str_of(cases[i].table), str_of(cases[i].key));
        while (k < ROWVERSION_COUNTERS &&
               s->counter[k].generation != s->generation) {
            k++;
        }
        assert_int_equal(k, cases[i].counter);
    }
    xfree(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(formula),
        cmocka_unit_test(copied_rows_are_between_commits),
        cmocka_unit_test(counts_per_key),
        cmocka_unit_test(truncate_stands_between),
        cmocka_unit_test(stays_at_the_last_number),
        cmocka_unit_test(generations_wrap),
        cmocka_unit_test(vector),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
