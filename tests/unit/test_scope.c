/* links: monitor_core */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "monitor/scope.h"

static struct scope scope_of(const char *const names[][2], unsigned count)
{
    static const char *const labels[] = { "User", "Content", "shop.Order" };
    struct scope s = { .count = count };

    s.sources = xcalloc(count, sizeof(*s.sources));
    s.tables = xcalloc(count, sizeof(*s.tables));
    for (unsigned i = 0; i < count; i++) {
        s.sources[i].schema = xstrdup(names[i][0]);
        s.sources[i].name = xstrdup(names[i][1]);
        s.tables[i].source = &s.sources[i];
        s.tables[i].state = SCOPE_NEW;
        s.tables[i].label = xstrdup(labels[i]);
        s.tables[i].alias = xstrdup("");
    }
    return s;
}

static const char *const three[][2] = { { "public", "User" },
                                        { "public", "Content" },
                                        { "shop", "Order" } };

/* A record of the schema topic, with one key column and `more` others. */
static void shape_take(struct scope *s, const char *schema, const char *name,
                       const char *profile, unsigned more, bool keyed)
{
    struct shape_column columns[4] = { 0 };
    struct shape shape = { .column_count = 1 + more, .columns = columns };
    char texts[4][20];
    char type[] = "int4", topic[] = "cdc.t";
    struct buf b;
    struct err e;

    for (unsigned i = 0; i < shape.column_count; i++) {
        (void)snprintf(texts[i], sizeof(texts[i]), "c%u", i);
        columns[i] = (struct shape_column){
            .name = texts[i], .type = type, .class = SHAPE_INT4, .typmod = -1
        };
    }
    columns[0].key_index = keyed;
    shape.schema = xstrdup(schema);
    shape.name = xstrdup(name);
    shape.profile = xstrdup(profile);
    shape.topic = topic;
    shape_seal(&shape);
    buf_init(&b, 10000);
    shape_write(&b, &shape);
    assert_int_equal(scope_take_shape(s, buf_str(&b), &e), 0);
    buf_fini(&b);
    xfree(shape.schema);
    xfree(shape.name);
    xfree(shape.profile);
}

static void test_records(void **state)
{
    struct scope s = scope_of(three, 3);
    struct err e = { 0 };

    (void)state;
    shape_take(&s, "public", "User", "sink", 2, true);
    shape_take(&s, "public", "User", "sink", 3, true);
    shape_take(&s, "public", "User", "sink", 1, true); /* the current one */
    shape_take(&s, "public", "Gone", "sink", 1, true);
    shape_take(&s, "public", "Content", "sink", 1, false);
    shape_take(&s, "shop", "Order", "debezium", 1, true);
    assert_int_equal(scope_take_shape(&s, (struct str){ 0 }, &e), 0);
    assert_int_equal(scope_take_shape(&s, STR("{\"table\":1}"), &e), -1);
    assert_int_equal(s.tables[0].shape.column_count, 2);
    assert_string_equal(s.tables[0].alias, "user");
    assert_string_equal(s.tables[2].alias, "shop.order");
    assert_int_equal(s.tables[0].state, SCOPE_READY);
    assert_int_equal(s.tables[1].state, SCOPE_KEYLESS);
    assert_int_equal(s.tables[2].state, SCOPE_FOREIGN);

    scope_take_state(&s, STR("{\"state\":\"position\"}"));
    scope_take_state(&s, STR("not JSON"));
    scope_take_state(&s, (struct str){ 0 });
    scope_take_state(&s, STR("{\"state\":\"table\",\"schema\":\"public\","
                             "\"name\":\"User\",\"copy\":\"pending\"}"));
    assert_int_equal(s.tables[0].state, SCOPE_COPYING);
    scope_take_state(&s, STR("{\"state\":\"table\",\"schema\":\"public\","
                             "\"name\":\"User\",\"copy\":\"done\"}"));
    assert_int_equal(s.tables[0].state, SCOPE_READY);
    scope_take_state(&s, STR("{\"state\":\"table\",\"schema\":\"public\","
                             "\"name\":\"Content\",\"copy\":\"done\"}"));
    assert_int_equal(s.tables[1].state, SCOPE_KEYLESS);
    scope_fini(&s);
}

static const struct {
    const char *patterns;
    const char *kept; /* first letters; NULL: refused */
} filters[] = {
    { NULL, "UCs" },          { "", "UCs" },         { "User", "U" },
    { "public.User", "U" },   { "shop.Order", "s" }, { "shop.*,User", "Us" },
    { "public.*", "UC" },     { "*", "UCs" },        { ",Content,", "C" },
    { "Order", NULL },        { "user", NULL },      { "User,Nothing", NULL },
    { "User,User,Us*", "U" },
};

static void test_filters(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(filters); i++) {
        struct scope s = scope_of(three, 3);
        struct err e = { 0 };
        int rc = scope_filter(&s, filters[i].patterns, &e);

        if (filters[i].kept == NULL) {
            assert_int_equal(rc, -1);
            assert_int_equal(e.kind, ERR_USAGE);
        } else {
            assert_int_equal(rc, 0);
            assert_int_equal(s.count, strlen(filters[i].kept));
            for (unsigned k = 0; k < s.count; k++) {
                assert_int_equal(s.tables[k].label[0], filters[i].kept[k]);
                assert_ptr_equal(s.tables[k].source, &s.sources[k]);
            }
        }
        scope_fini(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_records),
        cmocka_unit_test(test_filters),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
