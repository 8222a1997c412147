/* links: producer_core */
#include "producer/copytext.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { SHOWN_BYTES_MAX = 4096 };

/* Values in brackets; NULL as "-". */
static void show(struct buf *b, const struct pgo_tuple *tuple)
{
    for (unsigned n = 0; n < tuple->count; n++) {
        const struct pgo_value *v = &tuple->values[n];

        if (v->kind == PGO_NULL) {
            buf_char(b, '-');
        } else {
            buf_char(b, '[');
            buf_str_add(b, v->text);
            buf_char(b, ']');
        }
    }
}

/* Reads a copy of just the line's size, for ASan. */
static int read_line(struct str line, unsigned count, struct buf *shown,
                     struct err *e)
{
    struct pgo_tuple *tuple = xcalloc(1, sizeof(*tuple));
    char *copy = xcalloc(line.len, 1);

    if (line.len > 0) {
        memcpy(copy, line.p, line.len);
    }
    const int rc = copytext_read(copy, line.len, count, tuple, e);

    buf_reset(shown);
    if (rc == 0) {
        assert_int_equal(tuple->count, count);
        show(shown, tuple);
    }
    xfree(copy);
    xfree(tuple);
    return rc;
}

static const struct {
    unsigned count;
    const char *line;
    const char *want; /* of an error: a part of its text */
} good[] = {
    { 0, "\n", "" },
    { 1, "\n", "[]" },
    { 1, "a\n", "[a]" },
    { 1, "\\N\n", "-" },
    { 3, "1\t\tabc\n", "[1][][abc]" },
    { 3, "\\N\t\\N\t\\N\n", "---" },
    { 3, "\\N\tx\t\\N\n", "-[x]-" },
    { 2, "\\\\N\tN\n", "[\\N][N]" },
    { 2, "\\\\\t\\\\\\\\\n", "[\\][\\\\]" },
    { 2, "a\\tb\tc\\nd\n", "[a\tb][c\nd]" },
    { 1, "\\b\\f\\n\\r\\t\\v\\\\\n", "[\b\f\n\r\t\v\\]" },
    { 2, "\\\\x00ff\tplain\n", "[\\x00ff][plain]" },
    { 1, "\\101\\7\\1012\n", "[A\007A2]" },
    { 1, "\\x41\\x4g\\x414\n", "[A\004gA4]" },
    { 1, "\\303\\251\n", "[\xc3\xa9]" },
    { 1, "\\\\.\n", "[\\.]" },
    { 1, "\xc3\xa9 \r\n", "[\xc3\xa9 \r]" },
};

static const struct {
    unsigned count;
    const char *line;
    const char *want; /* a part of the error's text */
} bad[] = {
    { 1, "", "0 bytes does not end" },
    { 1, "a", "1 bytes does not end" },
    { 2, "a\nb\n", "4 bytes does not end" },
    { 0, "a\n", "byte 0 of 2: more values" },
    { 1, "a\tb\n", "byte 1 of 4: more values" },
    { 1, "\\N\tb\n", "byte 2 of 5: more values" },
    { 1, "\\\\\tb\n", "byte 2 of 5: more values" },
    { 2, "a\n", "byte 1 of 2: values are missing" },
    { 3, "a\tb\n", "byte 3 of 4: values are missing" },
    { 1, "a\\\n", "byte 2 of 3: an unknown escape" },
    { 2, "a\\\tb\n", "an unknown escape" },
    { 1, "\\Nx\n", "an unknown escape" },
    { 1, "x\\N\n", "an unknown escape" },
    { 1, "\\.\n", "an unknown escape" },
    { 1, "\\9\n", "an unknown escape" },
    { 1, "\\x\n", "without hex digits" },
    { 1, "\\xg\n", "without hex digits" },
};

static void test_good(void **state)
{
    struct buf shown;

    (void)state;
    buf_init(&shown, SHOWN_BYTES_MAX);
    for (size_t n = 0; n < COUNT_OF(good); n++) {
        struct err e = { 0 };

        if (read_line(str_of(good[n].line), good[n].count, &shown, &e) < 0) {
            fail_msg("case %zu: %s", n, e.text);
        }
        assert_string_equal(buf_z(&shown), good[n].want);
    }
    buf_fini(&shown);
}

static void test_bad(void **state)
{
    struct buf shown;

    (void)state;
    buf_init(&shown, SHOWN_BYTES_MAX);
    for (size_t n = 0; n < COUNT_OF(bad); n++) {
        struct err e = { 0 };

        if (read_line(str_of(bad[n].line), bad[n].count, &shown, &e) == 0) {
            fail_msg("case %zu gave %s", n, buf_z(&shown));
        }
        assert_int_equal(e.kind, ERR_FATAL);
        if (strstr(e.text, bad[n].want) == NULL) {
            fail_msg("case %zu: %s", n, e.text);
        }
    }
    buf_fini(&shown);
}

/* What COPY writes for a value, as CopyAttributeOutText does. */
static void escape(struct buf *b, struct str value)
{
    static const char letters[] = "bfnrtv\\";
    static const char bytes[] = "\b\f\n\r\t\v\\";

    for (size_t n = 0; n < value.len; n++) {
        const char *at = memchr(bytes, value.p[n], sizeof(bytes) - 1);

        if (at != NULL) {
            buf_char(b, '\\');
            buf_char(b, letters[at - bytes]);
        } else {
            buf_char(b, value.p[n]);
        }
    }
}

/* Every byte but NUL travels, alone and beside every escape. */
static void test_every_byte(void **state)
{
    struct buf line, want, shown;

    (void)state;
    buf_init(&line, SHOWN_BYTES_MAX);
    buf_init(&want, SHOWN_BYTES_MAX);
    buf_init(&shown, SHOWN_BYTES_MAX);
    for (int byte = 1; byte < 256; byte++) {
        const char value[] = { '\\', (char)byte, '\t', (char)byte };
        const struct str text = { value, sizeof(value) };
        struct err e = { 0 };

        buf_reset(&line);
        buf_reset(&want);
        escape(&line, text);
        buf_lit(&line, "\t\\N\t");
        escape(&line, (struct str){ value + 1, 1 });
        buf_char(&line, '\n');
        buf_char(&want, '[');
        buf_str_add(&want, text);
        buf_lit(&want, "]-[");
        buf_char(&want, (char)byte);
        buf_char(&want, ']');
        assert_int_equal(read_line(buf_str(&line), 3, &shown, &e), 0);
        assert_true(str_eq(buf_str(&shown), buf_str(&want)));
    }
    buf_fini(&line);
    buf_fini(&want);
    buf_fini(&shown);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_bad),
        cmocka_unit_test(test_every_byte),
    };

    return cmocka_run_group_tests_name("copytext", tests, NULL, NULL);
}
