/* links: producer_core */
/* The comma list of CDC_TABLES. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "producer/selection.h"

static const struct {
    const char *list, *schema, *table;
    enum selection_match want;
} cases[] = {
    { NULL, "public", "User", SELECTION_WILDCARD },
    { "", "any", "thing", SELECTION_WILDCARD },
    { "public.User", "public", "User", SELECTION_NAMED },
    { "public.User", "public", "user", SELECTION_NO },
    { "User", "public", "User", SELECTION_NAMED },
    { "User", "shop", "User", SELECTION_NO },
    { "public.*", "public", "User", SELECTION_WILDCARD },
    { "public.*,public.User", "public", "User", SELECTION_NAMED },
    { " shop.a , shop.b ", "shop", "b", SELECTION_NAMED },
    { "sh?p.[ab]", "shop", "a", SELECTION_WILDCARD },
    { "sh?p.[ab]", "shop", "c", SELECTION_NO },
    { "public.with.dot", "public", "with.dot", SELECTION_NAMED },
};

static void finds(void **state)
{
    (void)state;
    for (unsigned i = 0; i < COUNT_OF(cases); i++) {
        struct selection s;
        struct err e = { 0 };

        assert_int_equal(selection_read(cases[i].list, &s, &e), 0);
        assert_int_equal(selection_find(&s, cases[i].schema, cases[i].table),
                         cases[i].want);
        selection_fini(&s);
    }
}

static void refuses(void **state)
{
    static const char *const bad[] = { ",", "public.a,,public.b", ".a",
                                       "public.", " , a" };

    (void)state;
    for (unsigned i = 0; i < COUNT_OF(bad); i++) {
        struct selection s;
        struct err e = { 0 };

        assert_int_equal(selection_read(bad[i], &s, &e), -1);
        assert_int_equal(e.kind, ERR_CONFIG);
        assert_non_null(strstr(e.text, "CDC_TABLES"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds),
        cmocka_unit_test(refuses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
