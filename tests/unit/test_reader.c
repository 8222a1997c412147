/* links: monitor_core */
/* What the readers make of the bytes that the servers send. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "monitor/read_ch.h"
#include "monitor/read_es.h"
#include "monitor/tsv.h"

static const struct {
    const char *line;
    unsigned count;
    const char *fields[3]; /* NULL: NULL */
    bool good;
} lines[] = {
    { "a\tb\tc", 3, { "a", "b", "c" }, true },
    { "\t\t", 3, { "", "", "" }, true },
    { "\\N\t\\\\N\tN", 3, { NULL, "\\N", "N" }, true },
    { "a\\tb\t\\n\\r\\b\\f\\v\t\\'\\\\",
      3,
      { "a\tb", "\n\r\b\f\v", "'\\" },
      true },
    { "one", 1, { "one" }, true },
    { "a\tb", 3, { NULL }, false },
    { "a\tb\tc\td", 3, { NULL }, false },
    { "a\tb\\\tc", 3, { NULL }, false },
    { "a\tb\tc\\", 3, { NULL }, false },
};

static void test_lines(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        struct str fields[3];
        char line[100];

        (void)snprintf(line, sizeof(line), "%s", lines[i].line);
        if (tsv_split(line, strlen(line), fields, lines[i].count) !=
            lines[i].good) {
            fail_msg("%s", lines[i].line);
        }
        for (unsigned k = 0; lines[i].good && k < lines[i].count; k++) {
            assert_int_equal(fields[k].p == NULL, lines[i].fields[k] == NULL);
            if (lines[i].fields[k]) {
                assert_true(str_eq(fields[k], str_of(lines[i].fields[k])));
            }
        }
    }
}

/* What was read, as text: "key=version " each. */
static int note(void *arg, const struct canonrow *row, uint64_t version,
                struct err *e)
{
    struct buf *b = arg;

    canonrow_key_text(row, b);
    buf_printf(b, "=%llu%s ", (unsigned long long)version,
               row->stray.p ? "!" : "");
    return strstr(buf_z(b), "enough") ? err_set(e, ERR_RETRY, "enough") : 0;
}

static char word_id[] = "id", word_b[] = "b\"x", word_v[] = "v";
static char word_text[] = "text", word_int8[] = "int8";

static struct shape_column columns[] = {
    { .name = word_id, .type = word_text, .class = SHAPE_TEXT, .key_index = 1 },
    { .name = word_v, .type = word_text, .class = SHAPE_TEXT },
    { .name = word_b, .type = word_int8, .class = SHAPE_INT8 },
};
static struct shape shape = { .column_count = 3,
                              .key_count = 1,
                              .columns = columns };

#define PAGE(hits)                                                          \
    "{\"pit_id\":\"p==\",\"took\":1,\"timed_out\":false,\"_shards\":{"      \
    "\"total\":1,\"failed\":0},\"hits\":{\"max_score\":null,\"hits\":" hits \
    "}}"
#define HIT(id, source, n)                                  \
    "{\"_index\":\"i\",\"_id\":\"" id "\",\"_version\":" #n \
    ",\"_score\":null,\"_source\":" source ",\"sort\":[" #n "]}"

static const struct {
    const char *answer;
    const char *seen; /* NULL: refused */
    unsigned count;
    const char *sort;
} pages[] = {
    { PAGE("[]"), "", 0, "" },
    { PAGE("[" HIT("a", "{\"id\":\"a\",\"v\":null,\"b\\\"x\":1}",
                   1152921504606846977) "," HIT("\\u00e9",
                                                "{\"v\":\"1\",\"gone\":[{}],"
                                                "\"id\":\"\xc3\xa9\"}",
                                                7) "]"),
      "a=1152921504606846977 \xc3\xa9=7 ", 2, "[7]" },
    /* under another _id, without its key, not an object's value */
    { PAGE("[" HIT("z", "{\"id\":\"a\"}", 5) "]"), "z=5! ", 1, "[5]" },
    { PAGE("[" HIT("z", "{}", 5) "]"), "z=5! ", 1, "[5]" },
    /* where the text alone would be ambiguous */
    { PAGE("[" HIT("[\\\"[1]\\\"]", "{\"id\":\"[1]\"}", 5) "]"), "[1]=5 ", 1,
      "[5]" },
    { PAGE("[" HIT("[1]", "{\"id\":\"[1]\"}", 5) "]"), "[1]=5! ", 1, "[5]" },
    { PAGE("[" HIT("[\\\"\\\"]", "{\"id\":\"\"}", 5) "]"), "=5 ", 1, "[5]" },
    { PAGE("[" HIT("enough", "{\"id\":\"enough\"}", 5) "]"), NULL, 0, "" },
    { PAGE("[{\"_id\":\"a\"}]"), NULL, 0, "" },
    { PAGE("[" HIT("a", "[]", 5) "]"), NULL, 0, "" },
    { PAGE("[" HIT("a", "{\"id\":\"a\"}", -5) "]"), NULL, 0, "" },
    { PAGE("[1,"), NULL, 0, "" },
    { "", NULL, 0, "" },
    { "{\"pit_id\":\"p\",\"timed_out\":true,\"_shards\":{\"failed\":0},"
      "\"hits\":{\"hits\":[]}}",
      NULL, 0, "" },
    { "{\"pit_id\":\"p\",\"timed_out\":false,\"_shards\":{\"failed\":1},"
      "\"hits\":{\"hits\":[]}}",
      NULL, 0, "" },
};

static void test_pages(void **state)
{
    struct canonrow row;
    struct buf seen;

    (void)state;
    buf_init(&seen, 1000);
    canonrow_init(&row, &shape);
    for (size_t i = 0; i < COUNT_OF(pages); i++) {
        struct reader to = { .row = &row, .fn = note, .arg = &seen };
        struct read_es_page page;
        struct err e = { 0 };
        int rc;

        buf_reset(&seen);
        rc = read_es_page(str_of(pages[i].answer), &to, &page, &e);
        if (pages[i].seen == NULL) {
            assert_int_equal(rc, -1);
            assert_int_equal(e.kind, ERR_RETRY);
            continue;
        }
        assert_int_equal(rc, 0);
        assert_string_equal(buf_z(&seen), pages[i].seen);
        assert_int_equal(page.count, pages[i].count);
        assert_true(str_eq(page.sort, str_of(pages[i].sort)));
        assert_true(str_eq(page.pit, STR("\"p==\"")));
    }
    canonrow_fini(&row);
    buf_fini(&seen);
}

static const struct {
    const char *body;
    const char *seen;
    bool good, rest; /* something is left over */
} streams[] = {
    { "", "", true, false },
    { "a\t1\t7\nb\\tc\t\\N\t8\n", "a=7 b\tc=8 ", true, false },
    { "a\t1\t7\nb\t1", "a=7 ", true, true },
    { "a\t1\t7\nCode: 395. DB::Exception: no\n", "a=7 ", false, false },
    { "a\t1\t7Code: 395. DB::Exception: no\n", "", false, false },
    { "a\t1\t7\nenough\t1\t8\nc\t1\t9\n", "a=7 enough=8 ", false, false },
};

/* In pieces of every size up to the whole. */
static void test_streams(void **state)
{
    const bool there[] = { true, false, true };
    struct canonrow row;
    struct buf seen;

    (void)state;
    buf_init(&seen, 1000);
    canonrow_init(&row, &shape);
    for (size_t i = 0; i < COUNT_OF(streams); i++) {
        size_t len = strlen(streams[i].body);

        for (size_t size = 1; size <= len + 1; size++) {
            struct reader to = { .row = &row, .fn = note, .arg = &seen };
            struct str fields[4];
            struct err e = { 0 };
            struct read_ch_stream s = {
                .to = &to, .columns = there, .fields = fields, .e = &e
            };
            bool good = true;

            buf_reset(&seen);
            buf_init(&s.line, 1000);
            for (size_t at = 0; good && at < len; at += size) {
                good = read_ch_piece(&s, streams[i].body + at,
                                     len - at < size ? len - at : size);
            }
            assert_int_equal(good, streams[i].good);
            assert_string_equal(buf_z(&seen), streams[i].seen);
            assert_int_equal(good && s.line.len > 0, streams[i].rest);
            assert_null(row.values[1].p);
            buf_fini(&s.line);
        }
    }
    canonrow_fini(&row);
    buf_fini(&seen);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_pages),
        cmocka_unit_test(test_streams),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
