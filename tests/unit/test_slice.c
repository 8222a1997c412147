/* links: cdc_base */
/* slice.h: cuts members and elements, refuses malformed text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/slice.h"

/* name=value;name=value; or "bad@POSITION" behind what was cut before. */
static void cut(struct str json, struct buf *b)
{
    struct slice s;
    struct str name = STR(""), value;
    enum slice_result rc;
    bool array = json.len > 0 && memchr(json.p, '[', json.len) == json.p;

    buf_reset(b);
    if (!(array ? slice_array(&s, json) : slice_object(&s, json))) {
        buf_lit(b, "none");
        return;
    }
    while ((rc = array ? slice_element(&s, &value)
                       : slice_member(&s, &name, &value)) == SLICE_ITEM) {
        buf_str_add(b, name);
        buf_char(b, '=');
        buf_str_add(b, value);
        buf_char(b, ';');
    }
    if (rc == SLICE_BAD) {
        buf_printf(b, "bad@%d", (int)(s.p - json.p));
    }
    /* the outcome is sticky */
    assert_int_equal(array ? slice_element(&s, &value)
                           : slice_member(&s, &name, &value),
                     rc);
}

static const struct {
    const char *in, *want;
} cases[] = {
    { "{}", "" },
    { "[]", "" },
    { " \t\r\n{ \n} \n", "" },
    { "{\"a\":1}", "a=1;" },
    { "{ \"a\" : -1.5e+3 , \"b\" : null }", "a=-1.5e+3;b=null;" },
    { "{\"a\":\"x\\\"}\",\"b\":true}", "a=\"x\\\"}\";b=true;" },
    { "{\"a\":\"\\\\\",\"b\":\"\"}", "a=\"\\\\\";b=\"\";" },
    { "{\"a\":{\"b\":[1,{\"c\":\"]}\"}]},\"d\":[]}",
      "a={\"b\":[1,{\"c\":\"]}\"}]};d=[];" },
    { "{\"a\\\"b\":1}", "a\\\"b=1;" },
    { "[1,\"two\",[3],{\"f\":4},null]", "=1;=\"two\";=[3];={\"f\":4};=null;" },
    { "{\"\":0}", "=0;" },
    { "{\"\xc3\xa9\":\"\xf0\x9f\x98\x80\"}", "\xc3\xa9=\"\xf0\x9f\x98\x80\";" },
    { "", "none" },
    { "   ", "none" },
    { "1", "none" },
    { "\"{}\"", "none" },
    { "{", "bad@1" },
    { "{\"a\":1", "a=1;bad@6" },
    { "{\"a\":1}x", "a=1;bad@7" },
    { "{\"a\":1}{}", "a=1;bad@7" },
    { "{\"a\":1,}", "a=1;bad@7" },
    { "{,\"a\":1}", "bad@1" },
    { "{\"a\" 1}", "bad@5" },
    { "{\"a\":}", "bad@5" },
    { "{\"a\":,\"b\":1}", "bad@5" },
    { "{\"a\":1 \"b\":2}", "a=1;bad@7" },
    { "{\"a\":1;\"b\":2}", "a=1;bad@6" },
    { "{a:1}", "bad@1" },
    { "{\"a:1}", "bad@1" },
    { "{\"a\":\"x}", "bad@5" },
    { "{\"a\":\"x\\\"}", "bad@5" },
    { "{\"a\":\"x\ny\"}", "bad@5" },
    { "{\"a\":{\"b\":\"x\ny\"}}", "bad@5" },
    { "{\"a\":[1,2}", "a=[1,2};bad@10" }, /* kinds are not matched */
    { "{\"a\":{\"b\":1}", "a={\"b\":1};bad@12" },
    { "[1,]", "=1;bad@3" },
    { "[,1]", "bad@1" },
    { "[1 2]", "=1;bad@3" },
    { "[1}", "=1;bad@2" },
    { "{\"a\":\x01}", "bad@5" },
};

static void cuts(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 10000);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        cut(str_of(cases[i].in), &b);
        if (strcmp(buf_z(&b), cases[i].want) != 0) {
            fail_msg("%s: %s instead of %s", cases[i].in, buf_z(&b),
                     cases[i].want);
        }
    }
    buf_fini(&b);
}

/* Any cut of a good text is bad, and a reader never looks behind it: each
   cut is a block of its own, which ASan guards. */
static void every_prefix_is_bad(void **state)
{
    const char *json = "{\"id\":9007199254740993,\"t\":\"a\\\"\\\\b\\u00e9\","
                       "\"n\":{\"x\":[1,{\"y\":\"}}]]\"}]},\"z\":null}";
    struct buf b;

    (void)state;
    buf_init(&b, 10000);
    for (size_t len = 0; len < strlen(json); len++) {
        char *copy = xcalloc(len, 1);

        memcpy(copy, json, len);
        cut((struct str){ copy, len }, &b);
        assert_true(strstr(buf_z(&b), "bad@") ||
                    strcmp(buf_z(&b), "none") == 0);
        xfree(copy);
    }
    cut(str_of(json), &b);
    assert_null(strstr(buf_z(&b), "bad"));
    buf_fini(&b);
}

/* The end of a string and of an object at every offset of a block. */
static void finds_ends_at_every_offset(void **state)
{
    struct buf in, out, want;

    (void)state;
    buf_init(&in, 1000);
    buf_init(&out, 1000);
    buf_init(&want, 1000);
    for (unsigned pad = 0; pad < 70; pad++) {
        buf_reset(&in);
        buf_reset(&want);
        buf_lit(&in, "{\"a\":{\"k\":\"");
        for (unsigned i = 0; i < pad; i++) {
            buf_lit(&in, "}");
        }
        buf_lit(&in, "\",\"n\":");
        for (unsigned i = 0; i <= pad; i++) {
            buf_lit(&in, "1");
        }
        buf_add(&want, "a=", 2);
        buf_add(&want, in.p + 5, in.len - 5);
        buf_lit(&in, "}}");
        buf_lit(&want, "};");
        cut(buf_str(&in), &out);
        assert_string_equal(buf_z(&out), buf_z(&want));
    }
    buf_fini(&in);
    buf_fini(&out);
    buf_fini(&want);
}

static void depth_costs_nothing(void **state)
{
    enum { DEPTH = 300000 };
    struct buf b;
    struct slice s;
    struct str name, value;

    (void)state;
    buf_init(&b, 2 * DEPTH + 100);
    buf_lit(&b, "{\"a\":");
    for (unsigned i = 0; i < DEPTH; i++) {
        buf_char(&b, '[');
    }
    for (unsigned i = 0; i < DEPTH; i++) {
        buf_char(&b, ']');
    }
    buf_char(&b, '}');
    assert_true(slice_object(&s, buf_str(&b)));
    assert_int_equal(slice_member(&s, &name, &value), SLICE_ITEM);
    assert_int_equal(value.len, 2 * DEPTH);
    assert_int_equal(slice_member(&s, &name, &value), SLICE_END);
    buf_fini(&b);
}

static void outputs_untouched_on_failure(void **state)
{
    struct slice s;
    struct str name = STR("n"), value = STR("v");

    (void)state;
    assert_true(slice_object(&s, STR("{\"a\":")));
    assert_int_equal(slice_member(&s, &name, &value), SLICE_BAD);
    assert_true(str_eq(name, STR("n")) && str_eq(value, STR("v")));
    assert_int_equal(slice_find(STR("{\"a\":1}"), STR("b"), &value), SLICE_END);
    assert_true(str_eq(value, STR("v")));
    assert_int_equal(slice_find(STR("{\"a\":1,\"b\":2}"), STR("b"), &value),
                     SLICE_ITEM);
    assert_true(str_eq(value, STR("2")));
    assert_int_equal(slice_find(STR("[]"), STR("b"), &value), SLICE_BAD);
}

static const struct {
    const char *in, *want; /* NULL: refused */
} decoded[] = {
    { "\"\"", "" },
    { "\"abc\"", "abc" },
    { "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t" },
    { "\"\\u0041\\u00e9\\u20AC\"", "A\xc3\xa9\xe2\x82\xac" },
    { "\"\\uD83D\\uDE00!\"", "\xf0\x9f\x98\x80!" },
    { "\"\\uDBFF\\uDFFF\"", "\xf4\x8f\xbf\xbf" },
    { "\"\xe2\x82\xac\"", "\xe2\x82\xac" },
    { "\"\\uD83D\"", NULL },
    { "\"\\uD83Dx\"", NULL },
    { "\"\\uD83D\\n\"", NULL },
    { "\"\\uD83D\\u0041\"", NULL },
    { "\"\\uDE00\"", NULL },
    { "\"\\u12\"", NULL },
    { "\"\\u12G4\"", NULL },
    { "\"\\x\"", NULL },
    { "\"abc\\\"", NULL },
    { "\"a\"b\"", NULL },
    { "\"a\nb\"", NULL },
    { "\"", NULL },
    { "", NULL },
    { "abc", NULL },
    { "null", NULL },
};

static void strings(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 1000);
    for (size_t i = 0; i < COUNT_OF(decoded); i++) {
        bool ok;

        buf_reset(&b);
        buf_char(&b, '>');
        ok = slice_string(str_of(decoded[i].in), &b);
        if (ok != (decoded[i].want != NULL)) {
            fail_msg("%s: %d", decoded[i].in, ok);
        }
        assert_string_equal(buf_z(&b) + 1, ok ? decoded[i].want : "");
    }
    buf_fini(&b);
    buf_init(&b, 3);
    assert_true(slice_string(STR("\"abc\""), &b));
    buf_reset(&b);
    assert_false(slice_string(STR("\"abcd\""), &b));
    buf_fini(&b);
}

static void integers(void **state)
{
    uint64_t u = 7;
    int64_t i = 7;

    (void)state;
    assert_true(slice_u64(STR("18446744073709551615"), &u));
    assert_true(u == UINT64_MAX);
    assert_true(slice_u64(STR("9007199254740993"), &u));
    assert_true(u == 9007199254740993U);
    assert_true(slice_u64(STR("0"), &u) && u == 0);
    assert_false(slice_u64(STR("18446744073709551616"), &u));
    assert_false(slice_u64(STR("99999999999999999999"), &u));
    assert_false(slice_u64(STR("184467440737095516150"), &u));
    assert_false(slice_u64(STR("-1"), &u));
    assert_false(slice_u64(STR("01"), &u));
    assert_false(slice_u64(STR("1.0"), &u));
    assert_false(slice_u64(STR("1e3"), &u));
    assert_false(slice_u64(STR(""), &u));
    assert_false(slice_u64(STR("\"1\""), &u));
    assert_true(slice_i64(STR("-9223372036854775808"), &i));
    assert_true(i == INT64_MIN);
    assert_true(slice_i64(STR("9223372036854775807"), &i));
    assert_true(i == INT64_MAX);
    assert_false(slice_i64(STR("9223372036854775808"), &i));
    assert_false(slice_i64(STR("-9223372036854775809"), &i));
    assert_false(slice_i64(STR("-"), &i));
    assert_false(slice_i64(STR("--1"), &i));
    assert_true(i == INT64_MAX);
    assert_true(slice_is_null(STR("null")));
    assert_false(slice_is_null(STR("nul")));
    assert_false(slice_is_null(STR("\"null\"")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cuts),
        cmocka_unit_test(every_prefix_is_bad),
        cmocka_unit_test(finds_ends_at_every_offset),
        cmocka_unit_test(depth_costs_nothing),
        cmocka_unit_test(outputs_untouched_on_failure),
        cmocka_unit_test(strings),
        cmocka_unit_test(integers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
