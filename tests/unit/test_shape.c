/* links: cdc_event */
/* shape.h: the schema topic's record, written, read back and refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/shape.h"

static struct shape_column column(const char *name, const char *type,
                                  enum shape_class class, unsigned key_index)
{
    return (struct shape_column){
        .name = xstrdup(name),
        .type = xstrdup(type),
        .class = class,
        .nullable = key_index == 0,
        .typmod = -1,
        .key_index = key_index,
    };
}

/* A table with a composite key whose order is not the columns'. */
static void make(struct shape *shape)
{
    *shape = (struct shape){
        .schema = xstrdup("public"),
        .name = xstrdup("User"),
        .topic = xstrdup("cdc.public.User"),
        .profile = xstrdup("sink"),
        .column_count = 4,
        .columns = xcalloc(4, sizeof(struct shape_column)),
    };
    shape->columns[0] = column("id", "text", SHAPE_TEXT, 2);
    shape->columns[1] = column("org", "int8", SHAPE_INT8, 1);
    shape->columns[2] = column("tags \"x\"", "app.label", SHAPE_ENUM, 0);
    shape->columns[2].array = true;
    shape->columns[3] = column("price", "numeric", SHAPE_NUMERIC, 0);
    shape->columns[3].typmod = (12 << 16 | 2) + 4;
    shape_seal(shape);
}

#define COLUMNS                                                               \
    "[{\"name\":\"id\",\"type\":\"text\",\"class\":\"text\",\"array\":false," \
    "\"typmod\":-1,\"nullable\":false,\"key\":2},"                            \
    "{\"name\":\"org\",\"type\":\"int8\",\"class\":\"int8\",\"array\":false," \
    "\"typmod\":-1,\"nullable\":false,\"key\":1},"                            \
    "{\"name\":\"tags \\\"x\\\"\",\"type\":\"app.label\",\"class\":\"enum\"," \
    "\"array\":true,\"typmod\":-1,\"nullable\":true,\"key\":0},"              \
    "{\"name\":\"price\",\"type\":\"numeric\",\"class\":\"numeric\","         \
    "\"array\":false,\"typmod\":786438,\"nullable\":true,\"key\":0}]"

/* XXH3-64 of COLUMNS: pinned, for records outlive the program. */
#define FINGERPRINT "b1135816184f6ac0"

static void writes(void **state)
{
    struct shape shape;
    struct buf b;

    (void)state;
    make(&shape);
    buf_init(&b, 10000);
    assert_int_equal(shape.key_count, 2);
    assert_string_equal(shape.fingerprint, FINGERPRINT);
    shape_write_key(&b, &shape);
    assert_string_equal(buf_z(&b),
                        "{\"table\":\"public.User\",\"schema\":\"" FINGERPRINT
                        "\"}");
    buf_reset(&b);
    shape_write(&b, &shape);
    assert_string_equal(buf_z(&b),
                        "{\"table\":\"public.User\",\"schema\":\"" FINGERPRINT
                        "\",\"profile\":\"sink\",\"topic\":\"cdc.public.User\","
                        "\"columns\":" COLUMNS
                        ",\"namespace\":\"public\",\"relation\":\"User\"}");
    buf_fini(&b);
    shape_fini(&shape);
    shape_fini(&shape);
    shape_fini(NULL);
}

static void reads_back(void **state)
{
    struct shape shape, back;
    struct buf b, again;
    struct err e;

    (void)state;
    make(&shape);
    buf_init(&b, 10000);
    buf_init(&again, 10000);
    shape_write(&b, &shape);
    assert_int_equal(shape_read(buf_str(&b), &back, &e), 0);
    shape_write(&again, &back);
    assert_string_equal(buf_z(&again), buf_z(&b));
    assert_int_equal(back.key_count, 2);
    assert_string_equal(shape_key_column(&back, 1)->name, "org");
    assert_string_equal(shape_key_column(&back, 2)->name, "id");
    assert_null(shape_key_column(&back, 0));
    assert_null(shape_key_column(&back, 3));
    assert_ptr_equal(shape_column_find(&back, STR("tags \"x\"")),
                     &back.columns[2]);
    assert_null(shape_column_find(&back, STR("ID")));
    shape_fini(&back);
    shape_fini(&shape);
    buf_fini(&b);
    buf_fini(&again);
}

static void names_with_dots(void **state)
{
    struct shape shape, back;
    struct buf b;
    struct err e;

    (void)state;
    make(&shape);
    xfree(shape.schema);
    xfree(shape.name);
    shape.schema = xstrdup("a.b");
    shape.name = xstrdup("c.d");
    buf_init(&b, 10000);
    shape_write(&b, &shape);
    assert_int_equal(shape_read(buf_str(&b), &back, &e), 0);
    assert_string_equal(back.schema, "a.b");
    assert_string_equal(back.name, "c.d");
    buf_reset(&b);
    shape_label(&b, &back);
    assert_string_equal(buf_z(&b), "a.b.c.d");
    shape_fini(&back);
    shape_fini(&shape);
    buf_fini(&b);
}

/* Without "namespace" and "relation"; white space around is allowed. */
static void reads_plain_record(void **state)
{
    struct shape back;
    struct err e;

    (void)state;
    assert_int_equal(
        shape_read(STR(" {\"columns\":" COLUMNS ",\"table\":\"app.orders\","
                       "\"schema\":\"" FINGERPRINT "\",\"profile\":\"sink\","
                       "\"topic\":\"t\"}\n "),
                   &back, &e),
        0);
    assert_string_equal(back.schema, "app");
    assert_string_equal(back.name, "orders");
    shape_fini(&back);
}

static void refuses(void **state)
{
#define HEAD "{\"table\":\"public.t\",\"profile\":\"sink\",\"topic\":\"x\","
#define COL(members) "\"schema\":\"0\",\"columns\":[{" members "}]}"
    static const struct {
        const char *value, *text;
    } cases[] = {
        { "", "malformed" },
        { "{", "malformed" },
        { "[]", "no JSON object" },
        { "{}x", "malformed" },
        { "{}", "\"schema\" is no text" },
        { HEAD "\"schema\":\"0123456789abcdef\",\"columns\":[]}",
          "fingerprint 0123456789abcdef" },
        { HEAD "\"schema\":\"0\"}", "\"columns\" is no array" },
        { HEAD COL("\"name\":1"), "column 1: shape: \"name\" is no text" },
        { HEAD COL("\"name\":\"a\",\"type\":\"b\",\"class\":\"c\","
                   "\"array\":false,\"typmod\":-1,\"nullable\":true,"
                   "\"key\":0"),
          "unknown class \"c\"" },
        { HEAD COL("\"name\":\"a\",\"type\":\"b\",\"class\":\"text\","
                   "\"array\":false,\"typmod\":1e300,\"nullable\":true,"
                   "\"key\":0"),
          "\"typmod\"" },
        { HEAD COL("\"name\":\"a\",\"type\":\"b\",\"class\":\"text\","
                   "\"array\":false,\"typmod\":-1,\"nullable\":true,"
                   "\"key\":-1"),
          "\"key\"" },
        { HEAD COL("\"name\":\"a\",\"type\":\"b\",\"class\":\"text\","
                   "\"array\":0,\"typmod\":-1,\"nullable\":true,\"key\":0"),
          "\"array\" is no bool" },
        { "{\"table\":\"public\",\"profile\":\"sink\",\"topic\":\"x\","
          "\"schema\":\"0\",\"columns\":[]}",
          "not schema.table" },
        { "{\"table\":\"public.t\",\"namespace\":\"other\","
          "\"profile\":\"sink\",\"topic\":\"x\",\"schema\":\"0\","
          "\"columns\":[]}",
          "not schema.table" },
        { "{\"table\":\"public.t\",\"relation\":\"u\",\"profile\":\"sink\","
          "\"topic\":\"x\",\"schema\":\"0\",\"columns\":[]}",
          "not schema.table" },
    };
    struct shape back = { .column_count = 77 };
    struct err e;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        assert_int_equal(shape_read(str_of(cases[i].value), &back, &e), -1);
        assert_int_equal(e.kind, ERR_INPUT);
        if (!strstr(e.text, cases[i].text)) {
            fail_msg("%s: %s", cases[i].value, e.text);
        }
    }
    assert_int_equal(back.column_count, 77); /* untouched */
}

/* Sealed by a careless writer: the fingerprint fits, the keys do not. */
static void refuses_gaps_and_twins(void **state)
{
    struct shape shape, back;
    struct buf b;
    struct err e;

    (void)state;
    buf_init(&b, 10000);
    for (int twin = 0; twin < 2; twin++) {
        make(&shape);
        if (twin) {
            xfree(shape.columns[3].name);
            shape.columns[3].name = xstrdup("org");
        } else {
            shape.columns[0].key_index = 3;
        }
        shape_seal(&shape);
        buf_reset(&b);
        shape_write(&b, &shape);
        assert_int_equal(shape_read(buf_str(&b), &back, &e), -1);
        assert_non_null(
            strstr(e.text, twin ? "\"org\" twice" : "no key column 2 of 2"));
        shape_fini(&shape);
    }
    buf_fini(&b);
}

static void numerics(void **state)
{
    static const struct {
        int32_t typmod;
        bool has;
        int precision, scale;
    } cases[] = {
        { -1, false, 0, 0 },
        { 3, false, 0, 0 },
        { (12 << 16 | 2) + 4, true, 12, 2 },
        { (1000 << 16 | 1000) + 4, true, 1000, 1000 },
        { (5 << 16 | (-3 & 0x7ff)) + 4, true, 5, -3 },
        { (3 << 16 | (-1000 & 0x7ff)) + 4, true, 3, -1000 },
        { (38 << 16) + 4, true, 38, 0 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        int precision = 0, scale = 0;

        assert_int_equal(shape_numeric(cases[i].typmod, &precision, &scale),
                         cases[i].has);
        assert_int_equal(precision, cases[i].precision);
        assert_int_equal(scale, cases[i].scale);
    }
}

static void labels_and_classes(void **state)
{
    struct shape shape;
    struct buf b;

    (void)state;
    make(&shape);
    buf_init(&b, 100);
    shape_label(&b, &shape);
    assert_string_equal(buf_z(&b), "User");
    for (unsigned i = 0; i < SHAPE_CLASS_COUNT; i++) {
        assert_true(strlen(shape_class_name((enum shape_class)i)) > 0);
    }
    buf_fini(&b);
    shape_fini(&shape);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes),
        cmocka_unit_test(reads_back),
        cmocka_unit_test(names_with_dots),
        cmocka_unit_test(reads_plain_record),
        cmocka_unit_test(refuses),
        cmocka_unit_test(refuses_gaps_and_twins),
        cmocka_unit_test(numerics),
        cmocka_unit_test(labels_and_classes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
