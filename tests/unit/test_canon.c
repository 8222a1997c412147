/* links: monitor_core */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "monitor/canon.h"

enum { NUMERIC_12_2 = (12 << 16 | 2) + 4 };

/* What each server shows of one value, and the canonical text. Copied from
   real servers; NULL: SQL's NULL, or no member. */
static const struct {
    enum shape_class class;
    bool array;
    int32_t typmod;
    const char *pg, *es, *ch, *canonical;
} equal[] = {
    { SHAPE_BOOL, false, -1, "t", "true", "true", "true" },
    { SHAPE_BOOL, false, -1, "f", "false", "false", "false" },
    { SHAPE_BOOL, false, -1, NULL, "null", NULL, NULL },
    { SHAPE_BOOL, false, -1, NULL, NULL, NULL, NULL },
    { SHAPE_INT8, false, -1, "9007199254740993", "9007199254740993",
      "9007199254740993", "9007199254740993" },
    { SHAPE_INT8, false, -1, "-9223372036854775808", "-9223372036854775808",
      "-9223372036854775808", "-9223372036854775808" },
    { SHAPE_INT2, false, -1, "0", "0", "0", "0" },
    { SHAPE_OID, false, -1, "4294967295", "4294967295", "4294967295",
      "4294967295" },
    { SHAPE_FLOAT8, false, -1, "1e+100", "1e+100", "1e100",
      "54b249ad2594c37d" },
    { SHAPE_FLOAT8, false, -1, "0.1", "0.1", "0.1", "3fb999999999999a" },
    { SHAPE_FLOAT8, false, -1, "-0", "-0", "-0", "8000000000000000" },
    { SHAPE_FLOAT8, false, -1, "NaN", "\"NaN\"", "nan", "nan" },
    { SHAPE_FLOAT4, false, -1, "-Infinity", "\"-Infinity\"", "-inf", "-inf" },
    { SHAPE_FLOAT4, false, -1, "0.1", "0.1", "0.1", "3dcccccd" },
    { SHAPE_NUMERIC, false, NUMERIC_12_2, "12.50", "\"12.50\"", "12.5",
      "12.5" },
    { SHAPE_NUMERIC, false, NUMERIC_12_2, "-0.50", "\"-0.50\"", "-0.50",
      "-0.5" },
    { SHAPE_NUMERIC, false, NUMERIC_12_2, "0.00", "\"0.00\"", "0", "0" },
    { SHAPE_NUMERIC, false, NUMERIC_12_2, "100.00", "\"100.00\"", "100.00",
      "100" },
    { SHAPE_NUMERIC, false, -1, "1.50", "\"1.50\"", "1.50", "1.50" },
    { SHAPE_NUMERIC, false, -1, "123456789012345678901234567890.10",
      "\"123456789012345678901234567890.10\"",
      "123456789012345678901234567890.10",
      "123456789012345678901234567890.10" },
    { SHAPE_NUMERIC, false, -1, "NaN", "\"NaN\"", "NaN", "NaN" },
    { SHAPE_TEXT, false, -1, "d\xc3\xa9\"j\\\n", "\"d\xc3\xa9\\\"j\\\\\\n\"",
      "d\xc3\xa9\"j\\\n", "d\xc3\xa9\"j\\\n" },
    { SHAPE_TEXT, false, -1, "", "\"\"", "", "" },
    { SHAPE_TEXT, false, -1, "null", "\"null\"", "null", "null" },
    { SHAPE_TEXT, false, -1, "\xf0\x9f\x98\x80", "\"\\uD83D\\uDE00\"",
      "\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80" },
    { SHAPE_ENUM, false, -1, "glad", "\"glad\"", "glad", "glad" },
    { SHAPE_UUID, false, -1, "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
      "\"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11\"",
      "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
      "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11" },
    { SHAPE_DATE, false, -1, "2017-09-15", "\"2017-09-15\"", "2017-09-15",
      "2017-09-15" },
    { SHAPE_DATE, false, -1, "0044-03-15 BC", "\"-0043-03-15\"", "-0043-03-15",
      "-0043-03-15" },
    { SHAPE_DATE, false, -1, "0001-03-15 BC", "\"0000-03-15\"", "0000-03-15",
      "0000-03-15" },
    { SHAPE_TIMESTAMP, false, -1, "2019-07-09 02:28:57.123456",
      "\"2019-07-09T02:28:57.123456\"", "2019-07-09 02:28:57.123456",
      "2019-07-09T02:28:57.123456" },
    { SHAPE_TIMESTAMP, false, -1, "2019-07-09 02:28:50",
      "\"2019-07-09T02:28:50\"", "2019-07-09 02:28:50.000000",
      "2019-07-09T02:28:50" },
    { SHAPE_TIMESTAMPTZ, false, -1, "2019-07-09 00:28:57.1+00",
      "\"2019-07-09T00:28:57.1Z\"", "2019-07-09 00:28:57.100000",
      "2019-07-09T00:28:57.1Z" },
    { SHAPE_TIME, false, -1, "04:05:11.789+02", "\"04:05:11.789+02\"",
      "04:05:11.789+02", "04:05:11.789+02" },
    { SHAPE_JSON, false, -1, " { \"a b\" :\n 1.50 }", " { \"a b\" :  1.50 }",
      "{ \"a b\" :  1.50 }", "{\"a b\":1.50}" },
    { SHAPE_JSON, false, -1, "\"\\\" x\"", "\"\\\" x\"", "\"\\\" x\"",
      "\"\\\" x\"" },
    { SHAPE_JSON, false, -1, "null", "null", "null", NULL },
    { SHAPE_BYTEA, false, -1, "\\x00ff10", "\"AP8Q\"", "AP8Q", "AP8Q" },
    { SHAPE_BYTEA, false, -1, "\\x00ff", "\"AP8=\"", "AP8=", "AP8=" },
    { SHAPE_BYTEA, false, -1, "\\x00", "\"AA==\"", "AA==", "AA==" },
    { SHAPE_BYTEA, false, -1, "\\x", "\"\"", "", "" },
    { SHAPE_BIT, false, -1, "101", "\"101\"", "101", "101" },
    { SHAPE_HSTORE, false, -1, "\"e\"=>NULL, \"k\\\"\"=>\"v\"",
      "{\"e\":null,\"k\\\"\":\"v\"}", "{\"e\":null,\"k\\\"\":\"v\"}",
      "{1:e~2:k\"1:v}" },
    { SHAPE_HSTORE, false, -1, "", "{}", "{}", "{}" },
    { SHAPE_OTHER, false, -1, "(1,x)", "\"(1,x)\"", "(1,x)", "(1,x)" },
    { SHAPE_INT4, true, -1, "{1,NULL,3}", "[1,null,3]", "[1,null,3]",
      "[1:1~1:3]" },
    { SHAPE_INT4, true, -1, "[0:1]={1,2}", "[1,2]", "[1, 2]", "[1:11:2]" },
    { SHAPE_INT4, true, -1, "{}", "[]", "[]", "[]" },
    { SHAPE_TEXT, true, -1, "{{a,\"b \\\"\"},{\"NULL\",NULL}}",
      "[[\"a\",\"b \\\"\"],[\"NULL\",null]]",
      "[[\"a\",\"b \\\"\"],[\"NULL\",null]]", "[[1:a3:b \"][4:NULL~]]" },
    { SHAPE_TEXT, true, -1, "{\"\",\"a,b\",\"}\"}", "[\"\",\"a,b\",\"}\"]",
      "[\"\",\"a,b\",\"}\"]", "[0:3:a,b1:}]" },
    { SHAPE_BOOL, true, -1, "{t,f}", "[true,false]", "[true,false]",
      "[4:true5:false]" },
    { SHAPE_NUMERIC, true, -1, "{1.50}", "[\"1.50\"]", "[\"1.50\"]",
      "[4:1.50]" },
    { SHAPE_TIMESTAMPTZ, true, -1, "{\"2019-07-09 00:28:57+00\"}",
      "[\"2019-07-09T00:28:57Z\"]", "[\"2019-07-09T00:28:57Z\"]",
      "[20:2019-07-09T00:28:57Z]" },
    { SHAPE_BYTEA, true, -1, "{\"\\\\x00ff10\"}", "[\"AP8Q\"]", "[\"AP8Q\"]",
      "[4:AP8Q]" },
    { SHAPE_JSON, true, -1, "{\"{\\\"a\\\": [1, 2]}\",NULL,\"[3]\"}",
      "[{\"a\": [1, 2]},null,[3]]", "[{\"a\": [1, 2]},null,[3]]",
      "[{\"a\":[1,2]},null,[3]]" },
    { SHAPE_HSTORE, true, -1, "{\"\\\"k\\\"=>\\\"v\\\"\"}", "[{\"k\":\"v\"}]",
      "[{\"k\":\"v\"}]", "[8:{1:k1:v}]" },
};

/* What a side may not show for its type, or not for the same value. */
static const struct {
    enum shape_class class;
    bool array;
    int32_t typmod;
    enum canon_side side;
    const char *raw;
    enum canon_kind kind;
    const char *text; /* of CANON_VALUE */
} others[] = {
    { SHAPE_INT8, false, -1, CANON_ES, "\"5\"", CANON_BAD, "" },
    { SHAPE_INT8, false, -1, CANON_ES, "9.00719925474099e+15", CANON_BAD, "" },
    { SHAPE_INT8, false, -1, CANON_ES, "05", CANON_BAD, "" },
    { SHAPE_INT8, false, -1, CANON_ES, "-0", CANON_BAD, "" },
    { SHAPE_INT8, false, -1, CANON_ES, "true", CANON_BAD, "" },
    { SHAPE_BOOL, false, -1, CANON_ES, "1", CANON_BAD, "" },
    { SHAPE_BOOL, false, -1, CANON_PG, "true", CANON_BAD, "" },
    { SHAPE_TEXT, false, -1, CANON_ES, "5", CANON_BAD, "" },
    { SHAPE_TEXT, false, -1, CANON_ES, "{}", CANON_BAD, "" },
    { SHAPE_NUMERIC, false, NUMERIC_12_2, CANON_ES, "12.5", CANON_BAD, "" },
    { SHAPE_NUMERIC, false, NUMERIC_12_2, CANON_ES, "\"1e3\"", CANON_BAD, "" },
    { SHAPE_NUMERIC, false, NUMERIC_12_2, CANON_CH, ".5", CANON_BAD, "" },
    { SHAPE_NUMERIC, false, -1, CANON_ES, "\"1.5\"", CANON_VALUE, "1.5" },
    { SHAPE_FLOAT8, false, -1, CANON_ES, "\"1.5\"", CANON_BAD, "" },
    { SHAPE_FLOAT8, false, -1, CANON_ES, "\"nan\"", CANON_BAD, "" },
    { SHAPE_FLOAT8, false, -1, CANON_ES, "0.10000000000000001", CANON_VALUE,
      "3fb999999999999a" },
    { SHAPE_FLOAT8, false, -1, CANON_ES, "0.1000000000000001", CANON_VALUE,
      "3fb99999999999a1" },
    { SHAPE_TIMESTAMPTZ, false, -1, CANON_PG, "2019-07-09 00:28:57+02",
      CANON_BAD, "" },
    { SHAPE_TIMESTAMPTZ, false, -1, CANON_PG, "0044-03-15 00:00:00+00 BC",
      CANON_VALUE, "-0043-03-15T00:00:00Z" },
    { SHAPE_TIMESTAMP, false, -1, CANON_PG, "0044-03-15 01:02:03 BC",
      CANON_VALUE, "-0043-03-15T01:02:03" },
    { SHAPE_TIMESTAMP, false, -1, CANON_PG, "infinity", CANON_VALUE,
      "infinity" },
    { SHAPE_TIMESTAMP, false, -1, CANON_PG, "2019-07-09", CANON_BAD, "" },
    { SHAPE_TIMESTAMP, false, -1, CANON_CH, "2019-07-09", CANON_BAD, "" },
    { SHAPE_TEXT, false, -1, CANON_PG, "\xc3", CANON_VALUE, "\\303" },
    { SHAPE_BYTEA, false, -1, CANON_PG, "abc", CANON_BAD, "" },
    { SHAPE_BYTEA, false, -1, CANON_PG, "\\x0g", CANON_BAD, "" },
    { SHAPE_INT4, true, -1, CANON_PG, "{1,2", CANON_BAD, "" },
    { SHAPE_INT4, true, -1, CANON_PG, "{1}2", CANON_BAD, "" },
    { SHAPE_INT4, true, -1, CANON_PG, "1", CANON_BAD, "" },
    { SHAPE_INT4, true, -1, CANON_PG, "", CANON_BAD, "" },
    { SHAPE_INT4, true, -1, CANON_PG, "{\"a\\", CANON_BAD, "" },
    { SHAPE_INT4, true, -1, CANON_ES, "[1,2", CANON_BAD, "" },
    { SHAPE_INT4, true, -1, CANON_ES, "[1][2]", CANON_BAD, "" },
    { SHAPE_INT4, true, -1, CANON_ES, "1", CANON_BAD, "" },
    { SHAPE_INT4, true, -1, CANON_ES, "[\"1\"]", CANON_BAD, "" },
    { SHAPE_INT4, true, -1, CANON_CH, "", CANON_BAD, "" },
    { SHAPE_HSTORE, false, -1, CANON_PG, "\"k\"", CANON_BAD, "" },
    { SHAPE_HSTORE, false, -1, CANON_PG, "\"k\"=>v", CANON_BAD, "" },
    { SHAPE_HSTORE, false, -1, CANON_ES, "{\"k\":1}", CANON_BAD, "" },
    { SHAPE_HSTORE, false, -1, CANON_ES, "[]", CANON_BAD, "" },
    { SHAPE_JSON, false, -1, CANON_ES, "\"null\"", CANON_VALUE, "\"null\"" },
};

static struct canon_column column(enum shape_class class, bool array,
                                  int32_t typmod)
{
    char type[] = "char";
    struct shape_column c = {
        .type = type, .class = class, .array = array, .typmod = typmod
    };

    return canon_column_of(&c, 0);
}

static void check(struct canon *k, const struct canon_column *c,
                  enum canon_side side, const char *raw, const char *wanted)
{
    struct buf b;
    enum canon_kind kind;

    buf_init(&b, 1000);
    kind =
        canon_value(k, &b, c, side, (struct str){ raw, raw ? strlen(raw) : 0 });
    if (wanted == NULL) {
        assert_int_equal(kind, CANON_NULL);
        assert_int_equal(b.len, 0);
    } else {
        if (kind != CANON_VALUE || strcmp(buf_z(&b), wanted) != 0) {
            fail_msg("side %d: %s -> %d %s, wanted %s", side, raw, kind,
                     buf_z(&b), wanted);
        }
    }
    buf_fini(&b);
}

static void test_equal(void **state)
{
    struct canon k;

    (void)state;
    canon_init(&k);
    for (size_t i = 0; i < COUNT_OF(equal); i++) {
        struct canon_column c =
            column(equal[i].class, equal[i].array, equal[i].typmod);

        check(&k, &c, CANON_PG, equal[i].pg, equal[i].canonical);
        check(&k, &c, CANON_ES, equal[i].es, equal[i].canonical);
        check(&k, &c, CANON_CH, equal[i].ch, equal[i].canonical);
    }
    canon_fini(&k);
}

static void test_others(void **state)
{
    struct canon k;
    struct buf b;

    (void)state;
    canon_init(&k);
    buf_init(&b, 1000);
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        struct canon_column c =
            column(others[i].class, others[i].array, others[i].typmod);
        enum canon_kind kind;

        buf_reset(&b);
        kind = canon_value(&k, &b, &c, others[i].side, str_of(others[i].raw));
        if (kind != others[i].kind ||
            (kind == CANON_VALUE && strcmp(buf_z(&b), others[i].text) != 0)) {
            fail_msg("%s -> %d %s", others[i].raw, kind, buf_z(&b));
        }
    }
    buf_fini(&b);
    canon_fini(&k);
}

/* box has ';', PostGIS' types ':'. */
static void test_delimiter(void **state)
{
    char type[] = "box";
    struct shape_column shape = { .type = type,
                                  .class = SHAPE_OTHER,
                                  .array = true };
    struct canon_column c = canon_column_of(&shape, ';');
    struct canon k;

    (void)state;
    canon_init(&k);
    check(&k, &c, CANON_PG, "{(1,1),(0,0);(2,2),(1,1)}",
          "[11:(1,1),(0,0)11:(2,2),(1,1)]");
    check(&k, &c, CANON_ES, "[\"(1,1),(0,0)\",\"(2,2),(1,1)\"]",
          "[11:(1,1),(0,0)11:(2,2),(1,1)]");
    canon_fini(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equal),
        cmocka_unit_test(test_others),
        cmocka_unit_test(test_delimiter),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
