/* links: sink_clickhouse_core */
/* rows.h: events into a block of ClickHouse's Native format. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sink-clickhouse/rows.h"

static struct shape_column columns[] = {
    { .name = "id",
      .type = "text",
      .class = SHAPE_TEXT,
      .typmod = -1,
      .key_index = 1 },
    { .name = "n \"1\"",
      .type = "int4",
      .class = SHAPE_INT4,
      .typmod = -1,
      .nullable = true },
    { .name = "doc", .type = "jsonb", .class = SHAPE_JSON, .typmod = -1 },
    { .name = "f",
      .type = "float8",
      .class = SHAPE_FLOAT8,
      .typmod = -1,
      .key_index = 2 },
};

static struct shape shape = {
    .schema = "public",
    .name = "T",
    .topic = "cdc.public.T",
    .profile = "sink",
    .column_count = COUNT_OF(columns),
    .key_count = 2,
    .columns = columns,
};

struct fixture {
    struct rows rows;
    struct buf out;
};

static int setup(void **state)
{
    struct fixture *f = xcalloc(1, sizeof(*f));

    assert_int_equal(rows_init(&f->rows, &shape, NULL), 0);
    buf_init(&f->out, 1 << 20);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    rows_fini(&f->rows);
    buf_fini(&f->out);
    xfree(f);
    return 0;
}

static struct event_view upsert(const char *after)
{
    return (struct event_view){ .op = EVENT_UPDATE, .after = str_of(after) };
}

static struct event_view deletion(const char *key)
{
    return (struct event_view){ .op = EVENT_DELETE, .key = str_of(key) };
}

static void add(struct fixture *f, struct event_view ev, uint64_t version)
{
    struct err e = { 0 };

    if (rows_add(&f->rows, &ev, version, &e) < 0) {
        fail_msg("%s", e.text);
    }
}

static void block_is(struct fixture *f, const void *expected, size_t len)
{
    buf_reset(&f->out);
    rows_write(&f->rows, &f->out);
    assert_int_equal(f->out.len, len);
    assert_memory_equal(f->out.p, expected, len);
}

#define HEAD_ID "\x02id\x06String"
#define HEAD_N "\x05n \"1\"\x0fNullable(Int32)"
#define HEAD_DOC \
    "\x03"       \
    "doc\x10Nullable(String)"
#define HEAD_F \
    "\x01"     \
    "f\x07"    \
    "Float64"
#define HEAD_V "\x08_version\x06UInt64"
#define HEAD_D "\x0ais_deleted\x05UInt8"

static const char one_row[] =
    "\x06\x01" HEAD_ID "\x02k1" HEAD_N "\x00"
    "\x07\x00\x00\x00" HEAD_DOC "\x00"
    "\x04null" HEAD_F "\x00\x00\x00\x00\x00\x00\xf8\x3f" HEAD_V
    "\x05\x00\x00\x00\x00\x00\x00\x00" HEAD_D "\x00";

/* In the shape's order, and in another. */
static void test_upsert(void **state)
{
    struct fixture *f = *state;

    add(f, upsert("{\"id\":\"k1\",\"n \\\"1\\\"\":7,\"doc\":null,\"f\":1.5}"),
        5);
    block_is(f, one_row, sizeof(one_row) - 1);
    rows_reset(&f->rows);
    add(f,
        upsert(" { \"f\":1.5 , \"doc\":null,\"id\":\"k1\",\"n \\\"1\\\"\":7}"),
        5);
    block_is(f, one_row, sizeof(one_row) - 1);
    assert_int_equal(rows_bytes(&f->rows) + 2 + 33, sizeof(one_row) - 1);
}

/* A delete, its tombstone, and a row with NULL, in one block. */
static void test_mixed(void **state)
{
    static const char expected[] =
        "\x06\x03" HEAD_ID "\x01"
        "a"
        "\x01"
        "a"
        "\x01"
        "b" HEAD_N "\x01\x01\x01"
        "\0\0\0\0"
        "\0\0\0\0"
        "\0\0\0\0" HEAD_DOC "\x01\x01\x00"
        "\0"
        "\0"
        "\x02[]" HEAD_F "\0\0\0\0\0\0\0\x40"
        "\0\0\0\0\0\0\0\x40"
        "\0\0\0\0\0\0\xf8\x7f" HEAD_V "\xff\xff\xff\xff\xff\xff\xff\x7f"
        "\xff\xff\xff\xff\xff\xff\xff\x7f"
        "\x00\x01\x00\x00\x00\x00\x00\x00" HEAD_D "\x01\x01\x00";
    struct fixture *f = *state;
    struct event_view tombstone = deletion("{\"f\":2,\"id\":\"a\"}");

    tombstone.tombstone = true;
    add(f, deletion("{\"id\":\"a\",\"f\":2}"), INT64_MAX);
    add(f, tombstone, INT64_MAX);
    add(f,
        upsert("{\"id\":\"b\",\"n \\\"1\\\"\":null,\"doc\":[],"
               "\"f\":\"NaN\"}"),
        256);
    block_is(f, expected, sizeof(expected) - 1);
}

static const struct {
    const char *name;
    bool deleted;
    const char *json, *why;
} refused[] = {
    { "out of range", false,
      "{\"id\":\"k\",\"n \\\"1\\\"\":3000000000,\"doc\":1,\"f\":1}",
      "column \"n \\\"1\\\"\": value is not an exact number of the column's "
      "type" },
    { "key null", false, "{\"id\":null}",
      "column \"id\": value of a key column is null" },
    { "minus zero", false,
      "{\"id\":\"k\",\"n \\\"1\\\"\":1,\"doc\":1,\"f\":-0}",
      "column \"f\": value of a key column is minus zero" },
    { "last column", false,
      "{\"id\":\"k\",\"n \\\"1\\\"\":1,\"doc\":{\"a\":[1]},\"f\":\"x\"}",
      "column \"f\": value is not an exact number of the column's type" },
    { "missing", false, "{\"id\":\"k\",\"n \\\"1\\\"\":1,\"f\":1}",
      "the row lacks column \"doc\"" },
    { "empty", false, "{}", "the row lacks column \"id\"" },
    { "unknown", false, "{\"id\":\"k\",\"x\":1}",
      "member \"x\" is no column of public.T" },
    { "twice", false, "{\"id\":\"k\",\"id\":\"k\"}",
      "member \"id\" comes twice" },
    { "cut", false, "{\"id\":\"k\",\"n \\\"1\\\"\":1",
      "the row is no JSON object" },
    { "array", false, "[]", "the row is no JSON object" },
    { "delete without all of the key", true, "{\"id\":\"k\"}",
      "the key lacks column \"f\"" },
    { "delete with more than the key", true, "{\"id\":\"k\",\"doc\":1}",
      "member \"doc\" is no key column of public.T" },
    { "delete of nothing", true, "", "the row is no JSON object" },
};

/* A refused row names its reason and leaves nothing behind. */
static void test_refused(void **state)
{
    struct fixture *f = *state;
    struct err e;

    for (size_t i = 0; i < COUNT_OF(refused); i++) {
        struct event_view ev = refused[i].deleted ? deletion(refused[i].json)
                                                  : upsert(refused[i].json);

        e = (struct err){ 0 };
        rows_reset(&f->rows);
        assert_int_equal(rows_add(&f->rows, &ev, 1, &e), -1);
        assert_int_equal(e.kind, ERR_INPUT);
        assert_string_equal(e.text, refused[i].why);
        add(f,
            upsert("{\"id\":\"k1\",\"n \\\"1\\\"\":7,\"doc\":null,"
                   "\"f\":1.5}"),
            5);
        assert_int_equal(rows_add(&f->rows, &ev, 1, &e), -1);
        block_is(f, one_row, sizeof(one_row) - 1);
    }
}

/* Names that are no UTF-8 cannot be found in a row. */
static void test_bad_name(void **state)
{
    struct shape_column column = { .name = "\xff", .class = SHAPE_TEXT };
    struct shape bad = {
        .schema = "public", .name = "B", .column_count = 1, .columns = &column
    };
    struct rows rows;
    struct err e = { 0 };

    (void)state;
    assert_int_equal(rows_init(&rows, &bad, &e), -1);
    assert_int_equal(e.kind, ERR_FATAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_upsert, setup, teardown),
        cmocka_unit_test_setup_teardown(test_mixed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
        cmocka_unit_test(test_bad_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
