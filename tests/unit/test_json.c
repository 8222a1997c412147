/* links: cdc_base */
/* json.h: escapes byte for byte as Debezium's converter, UTF-8 validity. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/json.h"

static const struct {
    const char *name, *in, *want; /* want NULL: must fail */
} strings[] = {
    { "empty", "", "\"\"" },
    { "plain", "abc", "\"abc\"" },
    { "quote", "\"", "\"\\\"\"" },
    { "backslash", "a\\b", "\"a\\\\b\"" },
    { "short escapes", "\b\t\n\f\r", "\"\\b\\t\\n\\f\\r\"" },
    { "other controls", "\x01\x1f\x1b", "\"\\u0001\\u001F\\u001B\"" },
    { "slash, DEL, LS stay raw", "/\x7f\xe2\x80\xa8", "\"/\x7f\xe2\x80\xa8\"" },
    { "two bytes", "\xc3\xa9", "\"\xc3\xa9\"" },
    { "three bytes", "\xe2\x82\xac", "\"\xe2\x82\xac\"" },
    { "U+FFFF", "\xef\xbf\xbf", "\"\xef\xbf\xbf\"" },
    { "U+10000", "\xf0\x90\x80\x80", "\"\\uD800\\uDC00\"" },
    { "U+1F600", "\xf0\x9f\x98\x80", "\"\\uD83D\\uDE00\"" },
    { "U+10FFFF", "\xf4\x8f\xbf\xbf", "\"\\uDBFF\\uDFFF\"" },
    { "mixed", "x\xc3\xa9\"\xf0\x9f\x98\x80\xe2\x82\xac\ny",
      "\"x\xc3\xa9\\\"\\uD83D\\uDE00\xe2\x82\xac\\ny\"" },
    { "U+D7FF", "\xed\x9f\xbf", "\"\xed\x9f\xbf\"" },
    { "U+E000", "\xee\x80\x80", "\"\xee\x80\x80\"" },
    { "stray continuation", "a\x80", NULL },
    { "overlong slash", "\xc0\xaf", NULL },
    { "overlong c1", "\xc1\xbf", NULL },
    { "overlong three", "\xe0\x9f\xbf", NULL },
    { "overlong four", "\xf0\x8f\xbf\xbf", NULL },
    { "surrogate low end", "\xed\xa0\x80", NULL },
    { "surrogate high end", "\xed\xbf\xbf", NULL },
    { "U+110000", "\xf4\x90\x80\x80", NULL },
    { "f5", "\xf5\x80\x80\x80", NULL },
    { "ff", "\xff", NULL },
    { "cut two", "\xc3", NULL },
    { "cut three", "\xe2\x82", NULL },
    { "cut four", "\xf0\x9f\x98", NULL },
    { "second byte ascii", "\xc3(", NULL },
    { "third byte ascii", "\xe2\x82(", NULL },
    { "fourth byte ascii", "\xf0\x9f\x98(", NULL },
};

static void escapes(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 1000);
    for (size_t i = 0; i < COUNT_OF(strings); i++) {
        buf_reset(&b);
        json_string(&b, str_of(strings[i].in));
        if (buf_ok(&b) != (strings[i].want != NULL)) {
            fail_msg("%s: ok=%d", strings[i].name, buf_ok(&b));
        }
        if (strings[i].want) {
            assert_string_equal(buf_z(&b), strings[i].want);
        }
    }
    buf_fini(&b);
}

/* Every special at every place of texts around the block sizes. */
static void finds_specials_at_every_offset(void **state)
{
    static const struct {
        const char *in, *out; /* out NULL: must fail */
    } specials[] = {
        { "\"", "\\\"" },
        { "\\", "\\\\" },
        { "\n", "\\n" },
        { "\x1f", "\\u001F" },
        { "\xc3\xa9", "\xc3\xa9" },
        { "\xf0\x9f\x98\x80", "\\uD83D\\uDE00" },
        { "\x80", NULL },
    };
    struct buf in, out, want;

    (void)state;
    buf_init(&in, 200);
    buf_init(&out, 400);
    buf_init(&want, 400);
    for (size_t k = 0; k < COUNT_OF(specials); k++) {
        for (size_t total = 0; total < 70; total++) {
            for (size_t at = 0; at <= total; at++) {
                buf_reset(&in);
                buf_reset(&out);
                buf_reset(&want);
                for (size_t i = 0; i <= total; i++) {
                    const char *plain = i % 2 ? "!" : "~";

                    buf_str_add(&in, str_of(i == at ? specials[k].in : plain));
                    buf_str_add(&want, str_of(i == at && specials[k].out
                                                  ? specials[k].out
                                                  : plain));
                }
                json_escape(&out, buf_str(&in));
                assert_int_equal(buf_ok(&out), specials[k].out != NULL);
                if (specials[k].out) {
                    assert_string_equal(buf_z(&out), buf_z(&want));
                }
            }
        }
    }
    buf_fini(&in);
    buf_fini(&out);
    buf_fini(&want);
}

static void nul_byte_is_escaped(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 100);
    json_string(&b, (struct str){ "a\0b", 3 });
    assert_string_equal(buf_z(&b), "\"a\\u0000b\"");
    buf_fini(&b);
}

static void members(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 1000);
    buf_char(&b, '{');
    json_member_string(&b, "a\"", STR("x\ny"));
    json_member_i64(&b, "b", INT64_MIN);
    json_member_u64(&b, "c", UINT64_MAX);
    json_member_bool(&b, "d", true);
    json_member_bool(&b, "e", false);
    json_member(&b, STR("f"));
    buf_char(&b, '{');
    json_member_i64(&b, "g", 0);
    buf_lit(&b, "}}");
    assert_string_equal(buf_z(&b),
                        "{\"a\\\"\":\"x\\ny\",\"b\":-9223372036854775808,"
                        "\"c\":18446744073709551615,\"d\":true,\"e\":false,"
                        "\"f\":{\"g\":0}}");
    buf_fini(&b);
}

static void one_line(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 1000);
    json_one_line(&b, STR("{\n\t\"a\" :\r\n [1,\n\n2]}\n"));
    assert_string_equal(buf_z(&b), "{  \"a\" :   [1,  2]} ");
    buf_reset(&b);
    json_one_line(&b, STR("1"));
    json_one_line(&b, STR(""));
    json_one_line(&b, STR("{\"k\": \"line\\nbreak\"}"));
    assert_string_equal(buf_z(&b), "1{\"k\": \"line\\nbreak\"}");
    buf_fini(&b);
}

static void numbers(void **state)
{
    static const char *const good[] = {
        "0",    "-0",   "1",      "-12",
        "10",   "1.50", "0.001",  "1e10",
        "1E-7", "1e+5", "-1.5e3", "123456789012345678901234567890"
    };
    static const char *const bad[] = { "",     "-",        "+1", "01",  "-01",
                                       ".5",   "1.",       "1e", "1e+", "NaN",
                                       "inf",  "Infinity", " 1", "1 ",  "0x1",
                                       "1.e1", "--1",      "1,2" };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        assert_true(json_is_number(str_of(good[i])));
    }
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        assert_false(json_is_number(str_of(bad[i])));
    }
    assert_false(json_is_number((struct str){ NULL, 0 }));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(escapes),
        cmocka_unit_test(finds_specials_at_every_offset),
        cmocka_unit_test(nul_byte_is_escaped),
        cmocka_unit_test(members),
        cmocka_unit_test(one_line),
        cmocka_unit_test(numbers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
