/* links: producer_core */
#include "producer/pgtype.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

enum { LINE_BYTES_MAX = 8192, OUT_BYTES_MAX = 1 << 20 };

/* Takes the text up to `mark` off `rest` and ends it with a NUL. */
static char *cut(char **rest, char mark)
{
    char *start = *rest;
    char *end = strchr(start, mark);

    if (end == NULL) {
        fail_msg("no 0x%02x in: %s", (unsigned)mark, start);
    }
    *end = '\0';
    *rest = end + 1;
    return start;
}

/* "pg_catalog.int4 b" or "pg_catalog.int4 b [,]", which is altered. */
static struct pgtype type_read(char *text)
{
    struct pgtype_catalog c = { 0 };

    c.schema = cut(&text, '.');
    c.name = cut(&text, ' ');
    c.typtype = text[0];
    c.array = text[1] == ' ';
    c.delimiter = c.array ? text[3] : ',';
    return pgtype_of(&c);
}

static char hex_byte(const char *p)
{
    char digits[3] = { p[0], p[1], '\0' };

    return (char)strtoul(digits, NULL, 16);
}

/* %XX -> the byte, in place. */
static struct str text_read(char *text)
{
    size_t len = 0;

    for (const char *p = text; *p != '\0'; p++) {
        if (*p == '%') {
            text[len++] = hex_byte(p + 1);
            p += 2;
        } else {
            text[len++] = *p;
        }
    }
    return (struct str){ text, len };
}

/* The JSON of a text in memory of just its size, for ASan; "(failed)". */
static const char *written(struct buf *out, const struct pgtype *type,
                           struct str text)
{
    char *copy = xcalloc(text.len, 1);

    buf_reset(out);
    if (text.len > 0) {
        memcpy(copy, text.p, text.len);
    }
    pgtype_write(out, type, (struct str){ copy, text.len });
    xfree(copy);
    return buf_ok(out) ? buf_z(out) : "(failed)";
}

/* pgtype.txt: what a real server prints, and the JSON it must become. */
static void test_golden_values(void **state)
{
    char line[LINE_BYTES_MAX];
    FILE *file = fopen(UNIT_DATA "/pgtype.txt", "r");
    struct buf out;
    unsigned count = 0, number = 0;

    (void)state;
    assert_non_null(file);
    buf_init(&out, OUT_BYTES_MAX);
    while (fgets(line, sizeof(line), file) != NULL) {
        char *rest = line;

        number++;
        if (line[0] == '#' || line[0] == '\n') {
            continue;
        }
        count++;
        (void)cut(&rest, '\t');
        const struct pgtype type = type_read(cut(&rest, '\t'));
        const struct str text = text_read(cut(&rest, '\t'));
        const char *want = cut(&rest, '\n');
        const char *got = written(&out, &type, text);

        if (strcmp(got, want) != 0) {
            fail_msg("pgtype.txt:%u: got %s, want %s", number, got, want);
        }
    }
    assert_true(count > 200);
    buf_fini(&out);
    (void)fclose(file);
}

/* The cap stops a value, and each of its lengths is safe. */
static void test_cap(void **state)
{
    const struct pgtype types[] = {
        { .class = SHAPE_TEXT },
        { .class = SHAPE_NUMERIC },
        { .class = SHAPE_BYTEA },
        { .class = SHAPE_HSTORE },
        { .class = SHAPE_TEXT, .array = true, .delimiter = ',' },
    };
    const struct str texts[] = { STR("some text"), STR("123456789.123"),
                                 STR("\\x00010203040506"),
                                 STR("\"a\"=>\"b\", \"c\"=>NULL"),
                                 STR("{{a,b},{\"c d\",NULL}}") };

    (void)state;
    for (size_t n = 0; n < COUNT_OF(types); n++) {
        struct buf whole;

        buf_init(&whole, OUT_BYTES_MAX);
        pgtype_write(&whole, &types[n], texts[n]);
        assert_true(buf_ok(&whole));
        for (size_t max = 0; max <= whole.len; max++) {
            struct buf b;

            buf_init(&b, max);
            pgtype_write(&b, &types[n], texts[n]);
            assert_int_equal(buf_ok(&b), max == whole.len);
            buf_fini(&b);
        }
        buf_fini(&whole);
    }
}

static const struct {
    enum shape_class class;
    const char *text;
} impossible[] = {
    { SHAPE_BOOL, "" },
    { SHAPE_BOOL, "true" },
    { SHAPE_BOOL, "T" },
    { SHAPE_INT4, "" },
    { SHAPE_INT4, "-" },
    { SHAPE_INT4, "+1" },
    { SHAPE_INT4, "01" },
    { SHAPE_INT4, "-0" },
    { SHAPE_INT8, "1e3" },
    { SHAPE_INT8, "1.0" },
    { SHAPE_INT8, "1 " },
    { SHAPE_INT8, "123456789012345678901" },
    { SHAPE_INT8, "1,\"x\":2" },
    { SHAPE_OID, "-x" },
    { SHAPE_FLOAT8, "" },
    { SHAPE_FLOAT8, "nan" },
    { SHAPE_FLOAT8, "inf" },
    { SHAPE_FLOAT8, "+Infinity" },
    { SHAPE_FLOAT8, ".5" },
    { SHAPE_FLOAT8, "1." },
    { SHAPE_FLOAT4, "1}" },
    { SHAPE_NUMERIC, "" },
    { SHAPE_NUMERIC, "$1" },
    { SHAPE_NUMERIC, "1,5" },
    { SHAPE_NUMERIC, "1\"" },
    { SHAPE_TEXT, "\xc3(" },
    { SHAPE_TEXT, "ab\xff" },
    { SHAPE_TEXT, "\xed\xa0\x80" },
    { SHAPE_OTHER, "\x80" },
    { SHAPE_NUMERIC, "\xff" },
    { SHAPE_ENUM, "\xf5\x80\x80\x80" },
    { SHAPE_UUID, "" },
    { SHAPE_UUID, "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a1" },
    { SHAPE_UUID, "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a111" },
    { SHAPE_UUID, "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a1g" },
    { SHAPE_UUID, "a0eebc9909c0b-4ef8-bb6d-6bb9bd380a11" },
    { SHAPE_DATE, "" },
    { SHAPE_DATE, " BC" },
    { SHAPE_DATE, "2017-9-15" },
    { SHAPE_DATE, "17-09-15" },
    { SHAPE_DATE, "15.09.2017" },
    { SHAPE_DATE, "2017-09-15 00:00:00" },
    { SHAPE_DATE, "0000-01-01 BC" },
    { SHAPE_DATE, "12345678-01-01" },
    { SHAPE_DATE, "2017-09-1" },
    { SHAPE_DATE, "Infinity" },
    { SHAPE_TIMESTAMP, "2017-09-15" },
    { SHAPE_TIMESTAMP, "2017-09-15 " },
    { SHAPE_TIMESTAMP, "2017-09-15T00:00:00" },
    { SHAPE_TIMESTAMP, "2017-09-15 00:00" },
    { SHAPE_TIMESTAMP, "2017-09-15 00:00:00." },
    { SHAPE_TIMESTAMP, "2017-09-15 00:00:00.1234567" },
    { SHAPE_TIMESTAMP, "2017-09-15 00:00:00+00" },
    { SHAPE_TIMESTAMP, "2017-09-15 00:00:00 AD" },
    { SHAPE_TIMESTAMP, "Fri Sep 15 00:00:00 2017" },
    { SHAPE_TIMESTAMPTZ, "2017-09-15 00:00:00" },
    { SHAPE_TIMESTAMPTZ, "2017-09-15 00:00:00+01" },
    { SHAPE_TIMESTAMPTZ, "2017-09-15 00:00:00-00" },
    { SHAPE_TIMESTAMPTZ, "2017-09-15 00:00:00+00:00" },
    { SHAPE_TIMESTAMPTZ, "2017-09-15 00:00:00 UTC" },
    { SHAPE_TIME, "" },
    { SHAPE_TIME, "1:00:00" },
    { SHAPE_TIME, "01:00" },
    { SHAPE_TIME, "01:00:00 PM" },
    { SHAPE_TIME, "01:00:00+1" },
    { SHAPE_TIME, "01:00:00+01:" },
    { SHAPE_TIME, "01:00:00.+01" },
    { SHAPE_TIME, "01:00:00\"" },
    { SHAPE_JSON, "" },
    { SHAPE_BYTEA, "" },
    { SHAPE_BYTEA, "\\" },
    { SHAPE_BYTEA, "abc" },
    { SHAPE_BYTEA, "\\x0" },
    { SHAPE_BYTEA, "\\x0g" },
    { SHAPE_BYTEA, "\\x0A" },
    { SHAPE_BYTEA, "\\x00010203zz" },
    { SHAPE_BYTEA, "\\xzz0102" },
    { SHAPE_BIT, "102" },
    { SHAPE_BIT, "\"" },
    { SHAPE_HSTORE, "a=>1" },
    { SHAPE_HSTORE, "\"a\"" },
    { SHAPE_HSTORE, "\"a\"=>" },
    { SHAPE_HSTORE, "\"a\"=>1" },
    { SHAPE_HSTORE, "\"a\"=>null" },
    { SHAPE_HSTORE, "\"a\"=>\"1" },
    { SHAPE_HSTORE, "\"a\"=>\"1\\\"" },
    { SHAPE_HSTORE, "\"a\"=>\"1\"," },
    { SHAPE_HSTORE, "\"a\"=>\"1\", " },
    { SHAPE_HSTORE, "\"a\"=>\"1\",\"b\"=>\"2\"" },
    { SHAPE_HSTORE, "\"a\"=>NULLx" },
    { SHAPE_HSTORE, "\"a\xff\"=>\"1\"" },
    { SHAPE_HSTORE, " " },
};

static void test_impossible_text(void **state)
{
    struct buf out;

    (void)state;
    buf_init(&out, OUT_BYTES_MAX);
    for (size_t n = 0; n < COUNT_OF(impossible); n++) {
        const struct pgtype type = { .class = impossible[n].class };
        const char *got = written(&out, &type, str_of(impossible[n].text));

        if (strcmp(got, "(failed)") != 0) {
            fail_msg("%s '%s' gave %s", shape_class_name(type.class),
                     impossible[n].text, got);
        }
    }
    buf_fini(&out);
}

static const struct {
    enum shape_class class;
    const char *text, *want; /* NULL: must fail */
} arrays[] = {
    { SHAPE_TEXT, "{a,nULL,\"null\",nul,nulls}",
      "[\"a\",null,\"null\",\"nul\",\"nulls\"]" },
    { SHAPE_TEXT, "[-1:0][5:5]={{a},{b}}", "[[\"a\"],[\"b\"]]" },
    { SHAPE_TEXT, "{\"\\a\\\\\"}", "[\"a\\\\\"]" },
    { SHAPE_TEXT, "{\"\\\xc3\xa9\"}", "[\"\xc3\xa9\"]" },
    { SHAPE_INT4, "{\"1\",2}", "[1,2]" },
    { SHAPE_INT4, "{1,2", NULL },
    { SHAPE_INT4, "", NULL },
    { SHAPE_INT4, "1,2", NULL },
    { SHAPE_INT4, "{", NULL },
    { SHAPE_INT4, "}", NULL },
    { SHAPE_INT4, "{}}", NULL },
    { SHAPE_INT4, "{} ", NULL },
    { SHAPE_INT4, "{1}x", NULL },
    { SHAPE_INT4, "{1,}", NULL },
    { SHAPE_INT4, "{,1}", NULL },
    { SHAPE_INT4, "{1,,2}", NULL },
    { SHAPE_INT4, "{1 2}", NULL },
    { SHAPE_INT4, "{x}", NULL },
    { SHAPE_INT4, "{\"\\1\"}", NULL },
    { SHAPE_INT4, "{{}}", NULL },
    { SHAPE_INT4, "{{1},{}}", NULL },
    { SHAPE_INT4, "{1,{2}}", NULL },
    { SHAPE_INT4, "{{1},2}", NULL },
    { SHAPE_INT4, "{{1}{2}}", NULL },
    { SHAPE_INT4, "{{1},{{2}}}", NULL },
    { SHAPE_INT4, "{{{{{{{1}}}}}}}", NULL },
    { SHAPE_INT4, "[0:1]{1,2}", NULL },
    { SHAPE_INT4, "[0:1]", NULL },
    { SHAPE_INT4, "[0:1]=", NULL },
    { SHAPE_INT4, "[0:]={1}", NULL },
    { SHAPE_INT4, "[:1]={1}", NULL },
    { SHAPE_INT4, "[0:1={1}", NULL },
    { SHAPE_INT4, "[0", NULL },
    { SHAPE_INT4, "[", NULL },
    { SHAPE_TEXT, "{a\"b}", NULL },
    { SHAPE_TEXT, "{a\\b}", NULL },
    { SHAPE_TEXT, "{\"a}", NULL },
    { SHAPE_TEXT, "{\"a\\\"}", NULL },
    { SHAPE_TEXT, "{\"a\\", NULL },
    { SHAPE_TEXT, "{\"a\"b}", NULL },
    { SHAPE_TEXT, "{\"a\"\"b\"}", NULL },
    { SHAPE_TEXT, "{\"a\xff\\\\\"}", NULL },
    { SHAPE_BYTEA, "{\"x\\\\x00\"}", NULL },
    { SHAPE_BYTEA, "{\"\\x00\"}", NULL },
    { SHAPE_JSON, "{\"\"}", NULL },
    { SHAPE_HSTORE, "{\"\\\"a\\\"=>1\"}", NULL },
};

static void test_arrays(void **state)
{
    struct buf out;

    (void)state;
    buf_init(&out, OUT_BYTES_MAX);
    for (size_t n = 0; n < COUNT_OF(arrays); n++) {
        const struct pgtype type = { .class = arrays[n].class,
                                     .array = true,
                                     .delimiter = ',' };
        const char *got = written(&out, &type, str_of(arrays[n].text));
        const char *want = arrays[n].want ? arrays[n].want : "(failed)";

        if (strcmp(got, want) != 0) {
            fail_msg("%s: got %s, want %s", arrays[n].text, got, want);
        }
    }
    buf_fini(&out);
}

/* PostgreSQL 14 prints the type "char" raw; newer ones as we do then. */
static void test_raw_char(void **state)
{
    const struct pgtype type = { .class = SHAPE_TEXT };
    const struct pgtype array = { .class = SHAPE_TEXT,
                                  .array = true,
                                  .delimiter = ',' };
    struct buf out;

    (void)state;
    buf_init(&out, OUT_BYTES_MAX);
    assert_string_equal(written(&out, &type, STR("\xc3")), "\"\\\\303\"");
    assert_string_equal(written(&out, &type, STR("\x80")), "\"\\\\200\"");
    assert_string_equal(written(&out, &array, STR("{\xff,a}")),
                        "[\"\\\\377\",\"a\"]");
    buf_fini(&out);
}

/* Names of ours count only where they are the type's own. */
static void test_names(void **state)
{
    static const struct {
        struct pgtype_catalog catalog;
        enum shape_class want;
    } cases[] = {
        { { .schema = "pg_catalog", .name = "int4", .typtype = 'b' },
          SHAPE_INT4 },
        { { .schema = "public", .name = "int4", .typtype = 'b' }, SHAPE_OTHER },
        { { .schema = "public", .name = "date", .typtype = 'c' }, SHAPE_OTHER },
        { { .schema = "public", .name = "bool", .typtype = 'e' }, SHAPE_ENUM },
        { { .schema = "ext", .name = "hstore", .typtype = 'b' }, SHAPE_HSTORE },
        { { .schema = "ext", .name = "hstore", .typtype = 'c' }, SHAPE_OTHER },
        { { .schema = "ext", .name = "citext", .typtype = 'b' }, SHAPE_TEXT },
        { { .schema = "pg_catalog", .name = "int4range", .typtype = 'r' },
          SHAPE_OTHER },
        { { .schema = "pg_catalog", .name = "record", .typtype = 'p' },
          SHAPE_OTHER },
    };

    (void)state;
    for (size_t n = 0; n < COUNT_OF(cases); n++) {
        const struct pgtype type = pgtype_of(&cases[n].catalog);

        assert_int_equal(type.class, cases[n].want);
        assert_false(type.array);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden_values),   cmocka_unit_test(test_cap),
        cmocka_unit_test(test_impossible_text), cmocka_unit_test(test_arrays),
        cmocka_unit_test(test_raw_char),        cmocka_unit_test(test_names),
    };

    return cmocka_run_group_tests_name("pgtype", tests, NULL, NULL);
}
