/* links: producer_core */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "producer/fitness.h"

static char schema[] = "public", name[] = "User";
static struct catalog_column key = { .name = (char[]){ "id" }, .key_index = 1 };

static struct catalog_table fit_table(void)
{
    return (struct catalog_table){ .schema = schema,
                                   .name = name,
                                   .kind = 'r',
                                   .persistence = 'p',
                                   .identity = 'd',
                                   .owned = true,
                                   .readable = true,
                                   .key_count = 1,
                                   .column_count = 1,
                                   .columns = &key };
}

static void expect(const struct catalog_table *t, bool in_publication,
                   const char *fix)
{
    struct buf why;

    buf_init(&why, 1 << 12);
    assert_int_equal(fitness_judge(t, in_publication, "cdc", &why), !fix);
    if (fix ? !strstr(buf_z(&why), fix) : why.len > 0) {
        fail_msg("says: %s", buf_z(&why));
    }
    buf_fini(&why);
}

static void test_fit(void **state)
{
    struct catalog_table t = fit_table();

    (void)state;
    expect(&t, false, NULL);
    expect(&t, true, NULL);
}

static void test_what_would_lose_changes(void **state)
{
    struct catalog_table t = fit_table();
    struct catalog_column generated = key;

    (void)state;
    t.persistence = 'u';
    expect(&t, true, "run: ALTER TABLE \"public\".\"User\" SET LOGGED");
    t = fit_table();
    t.identity = 'n';
    expect(&t, false, "\"User\" REPLICA IDENTITY DEFAULT");
    t = fit_table();
    t.key_count = 0;
    expect(&t, false, "\"User\" ADD PRIMARY KEY (...)");
    t = fit_table();
    t.deferrable = true;
    expect(&t, false, "NOT DEFERRABLE on \"public\".\"User\"");
    t = fit_table();
    generated.generated = true;
    t.columns = &generated;
    expect(&t, false, "REPLICA IDENTITY USING INDEX");
}

static void test_what_the_role_may_not_do(void **state)
{
    struct catalog_table t = fit_table();

    (void)state;
    t.readable = false;
    expect(&t, true,
           "GRANT USAGE ON SCHEMA \"public\" TO \"cdc\"; GRANT SELECT ON "
           "\"public\".\"User\" TO \"cdc\"");
    t = fit_table();
    t.row_security = true;
    expect(&t, false, "ALTER ROLE \"cdc\" BYPASSRLS");
    t = fit_table();
    t.owned = false;
    expect(&t, false, "ALTER TABLE \"public\".\"User\" OWNER TO \"cdc\"");
    expect(&t, true, NULL); /* somebody else has published it */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fit),
        cmocka_unit_test(test_what_would_lose_changes),
        cmocka_unit_test(test_what_the_role_may_not_do),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
