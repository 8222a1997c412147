/* links: cdc_base */
/* confyaml.h: what a text becomes, and what is refused where. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/confyaml.h"

/* "key(kind)=text@line:column ..." */
static void entries_write(const struct confyaml *y, struct buf *b)
{
    static const char kinds[] = "svln";

    for (unsigned i = 0; i < y->count; i++) {
        const struct confyaml_entry *entry = &y->entries[i];

        buf_printf(b, "%s%s(%c)=%s@%d:%d", i ? " " : "", entry->key,
                   kinds[entry->kind], entry->text ? entry->text : "",
                   entry->line, entry->column);
    }
}

static void texts(void **state)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        { "", "" },
        { "# nothing\n", "" },
        { "---\n...\n", "" },
        { "{}", "" },
        { "name: shop", "name(v)=shop@1:1" },
        { "\xef\xbb\xbfname: shop", "name(v)=shop@1:1" },
        { "name: shop\r\nlog:\r\n  level: info\r\n",
          "name(v)=shop@1:1 log(s)=@2:1 log.level(v)=info@3:3" },
        { "a: {b: {c: 1}, d: 2}\ne: 3",
          "a(s)=@1:1 a.b(s)=@1:5 a.b.c(v)=1@1:9 a.d(v)=2@1:16 e(v)=3@2:1" },
        { "a.b: 1\na: {c: 2}", "a.b(v)=1@1:1 a(s)=@2:1 a.c(v)=2@2:5" },
        { "a: [x, 'y z', \"\", 3]\nb: 1", "a(l)=x,y z,3@1:1 b(v)=1@2:1" },
        { "a:\n- x\n- y\n", "a(l)=x,y@1:1" },
        { "a: []", "a(l)=@1:1" },
        { "a: {}", "a(s)=@1:1" },
        { "a:\nb: ~\nc: null\nd: ''\ne: 'null'",
          "a(n)=@1:1 b(n)=@2:1 c(n)=@3:1 d(v)=@4:1 e(v)=null@5:1" },
        { "a: |\n  one\n  two\n", "a(v)=one\ntwo\n@1:1" },
        { "a: ${B:-c}", "a(v)=${B:-c}@1:1" },
        { "'a b': c", "a b(v)=c@1:1" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct confyaml y = { 0 };
        struct err e = { 0 };
        struct buf b;

        buf_init(&b, 10000);
        if (confyaml_read(&y, str_of(cases[i].text), "f", &e) < 0) {
            print_message("%s: %s\n", cases[i].text, e.text);
            fail();
        }
        entries_write(&y, &b);
        assert_string_equal(buf_z(&b), cases[i].want);
        confyaml_fini(&y);
        confyaml_fini(&y);
        buf_fini(&b);
    }
}

static void refused(const char *text, size_t len, const char *want)
{
    struct confyaml y = { 0 };
    struct err e = { 0 };

    assert_int_equal(confyaml_read(&y, (struct str){ text, len }, "f", &e), -1);
    assert_null(y.entries);
    assert_int_equal(e.kind, ERR_CONFIG);
    if (strncmp(e.text, want, strlen(want)) != 0) {
        assert_string_equal(e.text, want);
    }
}

static void refusals(void **state)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        { "shop", "f:1:1: the file must hold keys and values" },
        { "- shop", "f:1:1: the file must hold keys and values, not a list" },
        { "a: 1\nb: 2\na: 3",
          "f:3:1: a is here twice; it stands in line 1, too" },
        { "a: {b: 1, b: 2}", "f:1:11: a.b is here twice" },
        { "a: {b: 1}\na.b: 2", "f:2:1: a.b is here twice" },
        { "a: 1\na: {b: 1}", "f:2:1: a is here twice" },
        { "a: &x 1", "f:1:4: anchors and aliases are not supported" },
        { "a: &x {b: 1}", "f:1:4: anchors and aliases are not supported" },
        { "a: &x [b]", "f:1:4: anchors and aliases are not supported" },
        { "a: *x", "f:1:4: anchors and aliases are not supported" },
        { "a: [*]", "f:1:6: did not find expected alphabetic or numeric "
                    "character (a text that begins with & or * needs" },
        { "<<: *x", "f:1:5: anchors and aliases are not supported" },
        { "a: !!int 1", "f:1:4: tags are not supported" },
        { "a: !x {}", "f:1:4: tags are not supported" },
        { "a: [[b]]", "f:1:5: a list holds plain values, nothing nested" },
        { "a: [{b: c}]", "f:1:5: a list holds plain values, nothing nested" },
        { "? [a]\n: b", "f:1:3: a key must be a plain word" },
        { "? {a: b}\n: c", "f:1:3: a key must be a plain word" },
        { "'': a", "f:1:1: a key is empty" },
        { "a: \"\\0\"", "f:1:4: a NUL in a text" },
        { "a: 1\n---\nb: 2", "f:2:1: a second document" },
        { "a:\n\tb: 1",
          "f:2:1: found character that cannot start any token (a tab?" },
        { "a: @x", "f:1:4: found character that cannot start any token" },
        { "a: {b: 1",
          "f:2:1: did not find expected ',' or '}' while parsing a flow "
          "mapping that begins in line 1 (inside { } and [ ] a \"${NAME}\" "
          "needs quotes)" },
        { "a: 'b", "f:1:6: found unexpected end of stream" },
        { "a: b: c", "f:1:5: mapping values are not allowed" },
        { "a: \xff", "f: byte 3: invalid leading UTF-8 octet; the file must "
                     "be UTF-8 text" },
        { "a: \x01", "f: byte 3: control characters are not allowed" },
        { "{a: {a: {a: {a: {a: {a: {a: {a: {a: {a: {a: {a: {a: {a: {a: {a: "
          "{a: 1}}}}}}}}}}}}}}}}}",
          "f:1:65: nested too deeply" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        refused(cases[i].text, strlen(cases[i].text), cases[i].want);
    }
    refused("a: \0", 4, "f: byte 3: control characters are not allowed");
}

/* Nothing takes memory or time without bound. */
static void limits(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 4 << 20);
    for (int i = 0; i < 200; i++) {
        buf_char(&b, 'k');
    }
    buf_lit(&b, "k.k: 1");
    refused(buf_z(&b), b.len, "f:1:1: the key is too long");
    buf_reset(&b);
    for (int i = 0; i <= CONFYAML_KEYS_MAX; i++) {
        buf_printf(&b, "k%d: 1\n", i);
    }
    refused(buf_z(&b), b.len, "f:2001:1: too many keys");
    buf_reset(&b);
    for (int i = 0; i < CONFYAML_BYTES_MAX; i++) {
        buf_char(&b, '[');
    }
    refused(buf_z(&b), b.len, "f:1:1: the file must hold");
    b.p[0] = '{';
    b.p[1] = '{';
    refused(buf_z(&b), b.len, "f:1:2: a key must be a plain word");
    buf_char(&b, ' ');
    refused(buf_z(&b), b.len, "f: more than 1048576 bytes");
    buf_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts),
        cmocka_unit_test(refusals),
        cmocka_unit_test(limits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
