/* links: producer_core */
#include "producer/snapshot.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const struct {
    const char *text;
    uint32_t xid;
    bool seen;
} cases[] = {
    { "10:10:", 9, true },
    { "10:10:", 10, false },
    { "10:20:10,14,15", 9, true },
    { "10:20:10,14,15", 10, false },
    { "10:20:10,14,15", 11, true },
    { "10:20:10,14,15", 14, false },
    { "10:20:10,14,15", 15, false },
    { "10:20:10,14,15", 19, true },
    { "10:20:10,14,15", 20, false },
    { "10:20:10,14,15", 2000000, false },
    /* epoch 1: 2^32 = 4294967296 */
    { "4294967300:4294967310:4294967305", 3, true },
    { "4294967300:4294967310:4294967305", 9, false },
    { "4294967300:4294967310:4294967305", 13, true },
    { "4294967300:4294967310:4294967305", 14, false },
    { "4294967300:4294967310:4294967305", 4294967295, true },
    { "4294967300:4294967310:4294967305", 3000000000, true },
    /* the epoch turns inside the snapshot */
    { "4294967290:4294967310:4294967293,4294967300", 4294967289, true },
    { "4294967290:4294967310:4294967293,4294967300", 4294967293, false },
    { "4294967290:4294967310:4294967293,4294967300", 4294967294, true },
    { "4294967290:4294967310:4294967293,4294967300", 4, false },
    { "4294967290:4294967310:4294967293,4294967300", 5, true },
    { "4294967290:4294967310:4294967293,4294967300", 14, false },
    /* the epoch turned behind it: a later transaction with a small xid */
    { "4294967280:4294967290:", 3, false },
    { "4294967280:4294967290:", 4294967289, true },
    { "4294967280:4294967290:", 1000000000, false },
    { "12884901880:12884901890:12884901885", 4294967293, false },
    { "12884901880:12884901890:12884901885", 4294967292, true },
    { "12884901880:12884901890:12884901885", 5, false },
    /* no transaction is older than the first epoch */
    { "700:700:", 4294967000, false },
    { "700:700:", 699, true },
    { "18446744073709551615:18446744073709551615:", 4294967294, true },
};

static void test_sees(void **state)
{
    (void)state;
    for (size_t n = 0; n < COUNT_OF(cases); n++) {
        struct snapshot s;
        struct err e = { 0 };

        assert_int_equal(snapshot_read(str_of(cases[n].text), &s, &e), 0);
        if (snapshot_sees(&s, cases[n].xid) != cases[n].seen) {
            fail_msg("%s and %u", cases[n].text, cases[n].xid);
        }
        snapshot_fini(&s);
    }
}

static const char *const bad[] = {
    "",
    "10",
    "10:",
    "10:20",
    ":20:",
    "10::",
    "20:10:",
    "a:20:",
    "10:20:x",
    "10:20:,",
    "10:20:12,",
    "10:20:12,,13",
    "10:20:9",
    "10:20:20",
    "10:20:14,13",
    "10:20:14,14",
    "10:20:14 ",
    "-1:20:",
    "10:18446744073709551616:",
    "10:20:99999999999999999999999",
};

static void test_bad(void **state)
{
    (void)state;
    for (size_t n = 0; n < COUNT_OF(bad); n++) {
        struct snapshot s = { .xmin = 42 };
        struct err e = { 0 };

        if (snapshot_read(str_of(bad[n]), &s, &e) == 0) {
            fail_msg("accepted: %s", bad[n]);
        }
        assert_int_equal(e.kind, ERR_FATAL);
        assert_int_equal(s.xmin, 42); /* untouched */
    }
}

static void test_fini(void **state)
{
    struct snapshot s = { 0 };

    (void)state;
    snapshot_fini(NULL);
    snapshot_fini(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sees),
        cmocka_unit_test(test_bad),
        cmocka_unit_test(test_fini),
    };

    return cmocka_run_group_tests_name("snapshot", tests, NULL, NULL);
}
