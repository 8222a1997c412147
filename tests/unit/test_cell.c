/* links: sink_clickhouse_core */
/* cell.h: types of columns, and each value's bytes or its refusal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sink-clickhouse/cell.h"

/* numeric(p,s) as PostgreSQL packs it */
#define NUMERIC(p, s) ((int32_t)(((unsigned)(p) << 16) | ((s)&0x7ff)) + 4)

static const struct {
    enum shape_class class;
    bool array, nullable;
    int32_t typmod;
    unsigned key_index;
    const char *name;
} types[] = {
    { SHAPE_BOOL, false, true, -1, 0, "Nullable(Bool)" },
    { SHAPE_BOOL, false, false, -1, 1, "Bool" },
    { SHAPE_INT2, false, false, -1, 0, "Nullable(Int16)" },
    { SHAPE_INT4, false, true, -1, 0, "Nullable(Int32)" },
    { SHAPE_INT8, false, false, -1, 2, "Int64" },
    { SHAPE_OID, false, true, -1, 0, "Nullable(UInt32)" },
    { SHAPE_FLOAT4, false, true, -1, 0, "Nullable(Float32)" },
    { SHAPE_FLOAT8, false, true, -1, 0, "Nullable(Float64)" },
    { SHAPE_NUMERIC, false, true, -1, 0, "Nullable(String)" },
    { SHAPE_NUMERIC, false, true, NUMERIC(9, 2), 0, "Nullable(Decimal(9, 2))" },
    { SHAPE_NUMERIC, false, false, NUMERIC(76, 76), 1, "Decimal(76, 76)" },
    { SHAPE_NUMERIC, false, true, NUMERIC(77, 0), 0, "Nullable(String)" },
    { SHAPE_NUMERIC, false, true, NUMERIC(1000, 10), 0, "Nullable(String)" },
    { SHAPE_NUMERIC, false, true, NUMERIC(3, 5), 0, "Nullable(String)" },
    { SHAPE_NUMERIC, false, true, NUMERIC(2, -3), 0,
      "Nullable(Decimal(5, 0))" },
    { SHAPE_NUMERIC, false, true, NUMERIC(70, -7), 0, "Nullable(String)" },
    { SHAPE_TEXT, false, true, -1, 0, "Nullable(String)" },
    { SHAPE_TEXT, false, false, -1, 1, "String" },
    { SHAPE_ENUM, false, true, -1, 0, "LowCardinality(Nullable(String))" },
    { SHAPE_ENUM, false, false, -1, 1, "LowCardinality(String)" },
    { SHAPE_UUID, false, true, -1, 0, "Nullable(UUID)" },
    { SHAPE_DATE, false, true, -1, 0, "Nullable(Date32)" },
    { SHAPE_TIMESTAMP, false, true, -1, 0, "Nullable(DateTime64(6, 'UTC'))" },
    { SHAPE_TIMESTAMPTZ, false, false, -1, 1, "DateTime64(6, 'UTC')" },
    { SHAPE_TIME, false, true, -1, 0, "Nullable(String)" },
    { SHAPE_JSON, false, true, -1, 0, "Nullable(String)" },
    { SHAPE_BYTEA, false, true, -1, 0, "Nullable(String)" },
    { SHAPE_BIT, false, true, -1, 0, "Nullable(String)" },
    { SHAPE_HSTORE, false, true, -1, 0, "Nullable(String)" },
    { SHAPE_OTHER, false, true, -1, 0, "Nullable(String)" },
    { SHAPE_INT4, true, true, -1, 0, "Nullable(String)" },
    { SHAPE_ENUM, true, false, -1, 1, "String" },
};

static struct cell_type type_of(size_t i)
{
    struct shape_column column = { .class = types[i].class,
                                   .array = types[i].array,
                                   .nullable = types[i].nullable,
                                   .typmod = types[i].typmod,
                                   .key_index = types[i].key_index };

    return cell_type_of(&column);
}

static void test_types(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 1000);
    for (size_t i = 0; i < COUNT_OF(types); i++) {
        struct cell_type t = type_of(i);

        buf_reset(&b);
        cell_type_name(&b, &t);
        assert_string_equal(buf_z(&b), types[i].name);
    }
    buf_fini(&b);
}

/* Only json NOT NULL can mean JSON's null by null. */
static void test_null_is_text(void **state)
{
    struct shape_column json = { .class = SHAPE_JSON, .nullable = true };

    (void)state;
    assert_false(cell_type_of(&json).null_is_text);
    json.nullable = false;
    assert_true(cell_type_of(&json).null_is_text);
    json.array = true;
    assert_false(cell_type_of(&json).null_is_text);
    json = (struct shape_column){ .class = SHAPE_TEXT };
    assert_false(cell_type_of(&json).null_is_text);
}

#define F32 .kind = CELL_FLOAT32, .width = 4
#define F64 .kind = CELL_FLOAT64, .width = 8
#define I16 .kind = CELL_INT16, .width = 2
#define I32 .kind = CELL_INT32, .width = 4
#define I64 .kind = CELL_INT64, .width = 8
#define U32 .kind = CELL_UINT32, .width = 4
#define DEC(w, p, s) \
    .kind = CELL_DECIMAL, .width = (w), .digits = (p), .scale = (s)
#define TEXT .kind = CELL_STRING
#define JSON .kind = CELL_JSON
#define UUID .kind = CELL_UUID, .width = 16

#define NINES9 "999999999"
#define NINES38 NINES9 NINES9 NINES9 NINES9 "99"
#define NINES76 NINES38 NINES38

/* `hex` NULL: refused. */
static const struct {
    struct cell_type type;
    const char *value, *hex;
} values[] = {
    { { .kind = CELL_BOOL, .width = 1 }, "true", "01" },
    { { .kind = CELL_BOOL, .width = 1 }, "false", "00" },
    { { .kind = CELL_BOOL, .width = 1 }, "\"t\"", NULL },
    { { .kind = CELL_BOOL, .width = 1 }, "1", NULL },
    { { I16 }, "-32768", "0080" },
    { { I16 }, "32767", "ff7f" },
    { { I16 }, "32768", NULL },
    { { I16 }, "-32769", NULL },
    { { I32 }, "-2147483648", "00000080" },
    { { I32 }, "2147483648", NULL },
    { { I64 }, "-9223372036854775808", "0000000000000080" },
    { { I64 }, "9223372036854775807", "ffffffffffffff7f" },
    { { I64 }, "9223372036854775808", NULL },
    { { I64 }, "9007199254740993", "0100000000002000" },
    { { I64 }, "1.0", NULL },
    { { I64 }, "1e3", NULL },
    { { I64 }, "\"1\"", NULL },
    { { I64 }, "true", NULL },
    { { U32 }, "0", "00000000" },
    { { U32 }, "4294967295", "ffffffff" },
    { { U32 }, "4294967296", NULL },
    { { U32 }, "-1", NULL },
    { { F32 }, "0.1", "cdcccc3d" },
    { { F32 }, "3.4028235e+38", "ffff7f7f" },
    { { F32 }, "1e-45", "01000000" },
    { { F32 }, "3.4028236e+38", NULL },
    { { F32 }, "\"NaN\"", "0000c07f" },
    { { F32 }, "\"-Infinity\"", "000080ff" },
    { { F32 }, "-0", "00000080" },
    { { F64 }, "0.1", "9a9999999999b93f" },
    { { F64 }, "1.7976931348623157e+308", "ffffffffffffef7f" },
    { { F64 }, "5e-324", "0100000000000000" },
    { { F64 }, "\"Infinity\"", "000000000000f07f" },
    { { F64 }, "\"infinity\"", NULL },
    { { F64 }, "1e309", NULL },
    { { F64 }, "0x10", NULL },
    { { F64 }, "nan", NULL },
    { { F64 }, "1e", NULL },
    { { DEC(4, 9, 2) }, "\"12.50\"", "e2040000" },
    { { DEC(4, 9, 2) }, "\"-0.01\"", "ffffffff" },
    { { DEC(4, 9, 2) }, "\"0.05\"", "05000000" },
    { { DEC(4, 9, 2) }, "\"0\"", "00000000" },
    { { DEC(4, 9, 2) }, "\"-0.00\"", "00000000" },
    { { DEC(4, 9, 2) }, "\"9999999.99\"", "ffc99a3b" },
    { { DEC(4, 9, 2) }, "\"-9999999.99\"", "013665c4" },
    { { DEC(4, 9, 2) }, "\"7\"", "bc020000" },
    { { DEC(4, 9, 2) }, "\"00007.100\"", "c6020000" },
    { { DEC(4, 9, 2) }, "\"0.005\"", NULL },
    { { DEC(4, 9, 2) }, "\"10000000\"", NULL },
    { { DEC(4, 9, 2) }, "\"10000000.00\"", NULL },
    { { DEC(4, 9, 2) }, "\"NaN\"", NULL },
    { { DEC(4, 9, 2) }, "\"Infinity\"", NULL },
    { { DEC(4, 9, 2) }, "\"-Infinity\"", NULL },
    { { DEC(4, 9, 2) }, "\"\"", NULL },
    { { DEC(4, 9, 2) }, "\"-\"", NULL },
    { { DEC(4, 9, 2) }, "\".\"", NULL },
    { { DEC(4, 9, 2) }, "\"1.2.3\"", NULL },
    { { DEC(4, 9, 2) }, "\"1e3\"", NULL },
    { { DEC(4, 9, 2) }, "12.50", NULL },
    { { DEC(8, 18, 0) }, "\"999999999999999999\"", "ffff63a7b3b6e00d" },
    { { DEC(8, 18, 0) }, "\"-999999999999999999\"", "01009c584c491ff2" },
    { { DEC(16, 38, 0) },
      "\"" NINES38 "\"",
      "ffffffff3f228a097ac4865aa84c3b4b" },
    { { DEC(16, 38, 10) }, "\"-1\"", "001cf4abfdffffffffffffffffffffff" },
    { { DEC(32, 76, 0) },
      "\"" NINES76 "\"",
      "ffffffffffffffffff0f9571f1a57577792965e8abb46407b5159911a7cc1b16" },
    { { DEC(32, 76, 76) },
      "\"0." NINES76 "\"",
      "ffffffffffffffffff0f9571f1a57577792965e8abb46407b5159911a7cc1b16" },
    { { DEC(32, 76, 0) },
      "\"-1\"",
      "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff" },
    { { DEC(32, 76, 0) }, "\"1" NINES76 "\"", NULL },
    { { TEXT }, "\"\"", "00" },
    { { TEXT }, "\"abc\"", "03616263" },
    { { TEXT }, "\"a\\nb\"", "03610a62" },
    { { TEXT }, "\"\\uD83D\\uDE00\"", "04f09f9880" },
    { { TEXT }, "\"\\u0000\\\\\"", "02005c" },
    { { TEXT }, "\"\\ud800\"", NULL },
    { { TEXT }, "\"\\x\"", NULL },
    { { TEXT }, "12", NULL },
    { { TEXT }, "{}", NULL },
    { { .kind = CELL_LABEL }, "\"x\"", "0178" },
    { { JSON }, "{\"a\": 1.50}", "0b7b2261223a20312e35307d" },
    { { JSON }, "\"a\\n\"", "0522615c6e22" },
    { { JSON }, "null", "046e756c6c" },
    { { UUID },
      "\"00112233-4455-6677-8899-aabbccddeeff\"",
      "7766554433221100ffeeddccbbaa9988" },
    { { UUID },
      "\"00112233-4455-6677-8899-AABBCCDDEEFF\"",
      "7766554433221100ffeeddccbbaa9988" },
    { { UUID }, "\"00112233445566778899aabbccddeeff\"", NULL },
    { { UUID }, "\"00112233-4455-6677-8899-aabbccddeefg\"", NULL },
    { { UUID }, "\"0011223-34455-6677-8899-aabbccddeeff\"", NULL },
    { { .kind = CELL_DATE, .width = 4 }, "\"1900-01-01\"", "219cffff" },
    { { .kind = CELL_DATE, .width = 4 }, "\"1899-12-31\"", NULL },
    { { .kind = CELL_DATE, .width = 4 }, "\"infinity\"", NULL },
    { { .kind = CELL_DATE, .width = 4 }, "5", NULL },
    { { .kind = CELL_TIMESTAMP, .width = 8 },
      "\"1970-01-01T00:00:00.000001Z\"",
      "0100000000000000" },
    { { .kind = CELL_TIMESTAMP, .width = 8 }, "\"infinity\"", NULL },
};

static void hex_write(struct buf *b, struct str bytes)
{
    for (size_t i = 0; i < bytes.len; i++) {
        buf_printf(b, "%02x", (unsigned char)bytes.p[i]);
    }
}

static void test_values(void **state)
{
    struct buf b, hex;

    (void)state;
    buf_init(&b, 1000);
    buf_init(&hex, 2000);
    for (size_t i = 0; i < COUNT_OF(values); i++) {
        const char *why;

        buf_reset(&b);
        buf_reset(&hex);
        buf_lit(&b, "x"); /* what stands before must not change */
        why = cell_put(&b, &values[i].type, str_of(values[i].value));
        assert_int_equal(b.p[0], 'x');
        hex_write(&hex, (struct str){ b.p + 1, b.len - 1 });
        if (values[i].hex) {
            if (why || strcmp(buf_z(&hex), values[i].hex) != 0) {
                fail_msg("%s: %s %s", values[i].value, buf_z(&hex),
                         why ? why : "");
            }
        } else if (!why || b.len != 1) {
            fail_msg("%s: taken as %s", values[i].value, buf_z(&hex));
        }
    }
    buf_fini(&hex);
    buf_fini(&b);
}

/* Long texts, whose length takes several bytes, with and without escapes. */
static void test_long_text(void **state)
{
    static const struct cell_type type = { TEXT };
    static const size_t lengths[] = { 126, 127, 128, 16383, 16384, 300000 };
    struct buf json, b, expected;

    (void)state;
    buf_init(&json, 1 << 20);
    buf_init(&b, 1 << 20);
    buf_init(&expected, 1 << 20);
    for (size_t i = 0; i < 2 * COUNT_OF(lengths); i++) {
        size_t len = lengths[i / 2];
        bool escape = i % 2;

        buf_reset(&json);
        buf_reset(&b);
        buf_reset(&expected);
        buf_char(&json, '"');
        cell_varint(&expected, len);
        for (size_t k = 0; k < len; k++) {
            buf_char(&expected, escape && k == len / 2 ? '\n' : 'a');
            if (escape && k == len / 2) {
                buf_lit(&json, "\\n");
            } else {
                buf_char(&json, 'a');
            }
        }
        buf_char(&json, '"');
        assert_null(cell_put(&b, &type, buf_str(&json)));
        assert_true(str_eq(buf_str(&b), buf_str(&expected)));
    }
    buf_fini(&expected);
    buf_fini(&b);
    buf_fini(&json);
}

/* A full buffer is the buffer's failure, seen by its owner. */
static void test_full(void **state)
{
    static const struct cell_type type = { TEXT };
    struct buf b;

    (void)state;
    buf_init(&b, 8);
    assert_null(cell_put(&b, &type, STR("\"0123456789\"")));
    assert_true(b.failed);
    buf_reset(&b);
    assert_null(cell_put(&b, &type, STR("\"01234\\n6789\"")));
    assert_true(b.failed);
    buf_fini(&b);
}

static void test_null(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 100);
    for (size_t i = 0; i < COUNT_OF(types); i++) {
        struct cell_type t = type_of(i);

        buf_reset(&b);
        cell_put_null(&b, &t);
        assert_int_equal(b.len, t.width > 0 ? t.width : 1);
        for (size_t k = 0; k < b.len; k++) {
            assert_int_equal(b.p[k], 0);
        }
    }
    buf_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_types),  cmocka_unit_test(test_null_is_text),
        cmocka_unit_test(test_values), cmocka_unit_test(test_long_text),
        cmocka_unit_test(test_full),   cmocka_unit_test(test_null),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
