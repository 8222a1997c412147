/* links: cdc_event */
/* event.h: the envelope byte for byte, and the reader against it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/event.h"

static struct event_table table;

static int begin(void **state)
{
    (void)state;
    event_table_init(&table, STR("cdc"), STR("shop"), STR("public"),
                     STR("Us\"er"));
    return 0;
}

static int end(void **state)
{
    (void)state;
    event_table_fini(&table);
    event_table_fini(&table);
    event_table_fini(NULL);
    return 0;
}

static struct event update(void)
{
    return (struct event){
        .op = EVENT_UPDATE,
        .before = STR("{\"id\":1,\"n\":\"a\"}"),
        .after = STR("{\"id\":1,\"n\":\"b\"}"),
        .snapshot = STR("false"),
        .commit_us = 1700000000123456,
        .now_us = 1700000000456789,
        .lsn = 24023128,
        .commit_lsn = 24023200,
        .last_commit_lsn = 24023120,
        .xid = 4294967295,
        .tx_seq = 3,
        .row_version = 12300000000000001,
    };
}

#define SOURCE_HEAD                                                            \
    "\"source\":{\"version\":\"" CDC_VERSION "\",\"connector\":\"postgresql\"" \
    ",\"name\":\"cdc\",\"ts_ms\":"

static void update_is_exact(void **state)
{
    struct event ev = update();
    struct buf b;

    (void)state;
    buf_init(&b, 10000);
    event_write(&b, &table, &ev);
    assert_string_equal(
        buf_z(&b),
        "{\"before\":{\"id\":1,\"n\":\"a\"},\"after\":{\"id\":1,\"n\":\"b\"}"
        "," SOURCE_HEAD "1700000000123,\"snapshot\":\"false\",\"db\":\"shop\","
        "\"sequence\":\"[\\\"24023120\\\",\\\"24023128\\\"]\","
        "\"ts_us\":1700000000123456,\"ts_ns\":1700000000123456000,"
        "\"schema\":\"public\",\"table\":\"Us\\\"er\",\"txId\":4294967295,"
        "\"lsn\":24023128,\"xmin\":null,\"origin\":null,\"origin_lsn\":null,"
        "\"commit_lsn\":24023200,\"tx_seq\":3,"
        "\"row_version\":12300000000000001},\"transaction\":null,"
        "\"op\":\"u\",\"ts_ms\":1700000000456,\"ts_us\":1700000000456789,"
        "\"ts_ns\":1700000000456789000}");
    buf_fini(&b);
}

static void copied_row_is_exact(void **state)
{
    struct event ev = {
        .op = EVENT_READ,
        .after = STR("{}"),
        .snapshot = STR("first"),
        .commit_us = 999, /* as short as it gets */
        .now_us = 0,
        .lsn = UINT64_MAX,
        .commit_lsn = 0,
        .row_version = 16383,
    };
    struct buf b;

    (void)state;
    buf_init(&b, 10000);
    event_write(&b, &table, &ev);
    assert_string_equal(
        buf_z(&b),
        "{\"before\":null,\"after\":{}," SOURCE_HEAD
        "0,\"snapshot\":\"first\",\"db\":\"shop\","
        "\"sequence\":\"[null,\\\"18446744073709551615\\\"]\","
        "\"ts_us\":999,\"ts_ns\":999000,\"schema\":\"public\","
        "\"table\":\"Us\\\"er\",\"txId\":null,\"lsn\":18446744073709551615,"
        "\"xmin\":null,\"origin\":null,\"origin_lsn\":null,\"commit_lsn\":0,"
        "\"tx_seq\":0,\"row_version\":16383},\"transaction\":null,"
        "\"op\":\"r\",\"ts_ms\":0,\"ts_us\":0,\"ts_ns\":0}");
    buf_fini(&b);
}

static void cap_is_exact(void **state)
{
    struct event ev = update();
    struct buf b;
    size_t len;

    (void)state;
    buf_init(&b, 10000);
    event_write(&b, &table, &ev);
    len = b.len;
    buf_fini(&b);
    buf_init(&b, len);
    event_write(&b, &table, &ev);
    assert_true(buf_ok(&b) && b.len == len);
    buf_fini(&b);
    buf_init(&b, len - 1);
    event_write(&b, &table, &ev);
    assert_false(buf_ok(&b));
    assert_int_equal(b.len, 0);
    buf_fini(&b);
}

static void bad_names_fail(void **state)
{
    struct event_table bad;
    struct event ev = update();
    struct buf b;

    (void)state;
    event_table_init(&bad, STR("cdc"), STR("d\xff"), STR("s"), STR("t"));
    buf_init(&b, 10000);
    event_write(&b, &bad, &ev);
    assert_false(buf_ok(&b));
    buf_fini(&b);
    event_table_fini(&bad);
}

static void topics(void **state)
{
    static const struct {
        const char *schema, *table, *want;
    } cases[] = {
        { "public", "User", "cdc.public.User" },
        { "public", "dbz_878_some|test@data",
          "cdc.public.dbz_878_some_test_data" },
        { "a.b", "c-d e", "cdc.a.b.c-d_e" },
        { "\xc3\xa9", "\xe2\x82\xac\xf0\x9f\x98\x80", "cdc._.___" },
    };
    char longest[400];
    struct buf b;

    (void)state;
    buf_init(&b, 1000);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        buf_reset(&b);
        event_topic(&b, STR("cdc"), str_of(cases[i].schema),
                    str_of(cases[i].table));
        assert_string_equal(buf_z(&b), cases[i].want);
    }
    memset(longest, 'x', sizeof(longest));
    longest[sizeof(longest) - 1] = '\0';
    buf_reset(&b);
    buf_lit(&b, "before:");
    event_topic(&b, STR("cdc"), STR("public"), str_of(longest));
    assert_int_equal(b.len, 7 + 249);
    buf_fini(&b);
}

static void reads_what_it_wrote(void **state)
{
    static const struct {
        enum event_op op;
        const char *before, *after, *snapshot;
    } cases[] = {
        { EVENT_CREATE, NULL, "{\"id\":1}", "false" },
        { EVENT_UPDATE, "{\"id\":1}", "{\"id\":1}", "false" },
        { EVENT_DELETE, "{\"id\":1}", NULL, "false" },
        { EVENT_READ, NULL, "{\"id\":1}", "first_in_data_collection" },
        { EVENT_DELETE, NULL, NULL, "incremental" },
        { EVENT_TRUNCATE, NULL, NULL, "false" },
        { EVENT_SWEEP, NULL, "{\"ends\":[1,2]}", "incremental" },
    };
    struct buf b;

    (void)state;
    buf_init(&b, 10000);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct event ev = update();
        struct event_view view;
        struct err e;

        ev.op = cases[i].op;
        ev.before = str_of(cases[i].before);
        ev.after = str_of(cases[i].after);
        ev.snapshot = str_of(cases[i].snapshot);
        buf_reset(&b);
        event_write(&b, &table, &ev);
        assert_int_equal(event_read(STR("{\"id\":1}"), buf_str(&b), &view, &e),
                         0);
        assert_int_equal(view.op, ev.op);
        assert_false(view.tombstone);
        assert_true(str_eq(view.before, ev.before));
        assert_true(str_eq(view.after, ev.after));
        assert_int_equal(view.before.p != NULL, cases[i].before != NULL);
        assert_int_equal(view.after.p != NULL, cases[i].after != NULL);
        assert_true(view.commit_us == ev.commit_us);
        assert_true(view.row_version == ev.row_version);
        assert_int_equal(view.copied, strcmp(cases[i].snapshot, "false") != 0);
        assert_true(str_eq(view.key, STR("{\"id\":1}")));
    }
    buf_fini(&b);
}

static void tombstone(void **state)
{
    struct event_view view;
    struct err e;

    (void)state;
    assert_int_equal(
        event_read(STR("{\"id\":1}"), (struct str){ NULL, 0 }, &view, &e), 0);
    assert_true(view.tombstone && view.op == EVENT_DELETE);
    assert_null(view.after.p);
    assert_true(view.row_version == 0);
}

/* A column called after, a text and a json value that hold what looks like
   members, in an envelope whose members stand in another order. */
static void is_not_fooled(void **state)
{
    static const char value[] =
        "{ \"op\" : \"c\", \"extra\":{\"after\":{\"x\":1},\"op\":\"d\"},\n"
        "\"after\":{\"after\":\"}\\\"after\\\":{\",\"t\":\"}\\\",\\\"op\\\":"
        "\\\"d\\\",\\\"after\\\":{\\\"id\\\":9}}\",\"j\":{\"after\":[{}],\"op\""
        ":\"d\",\"source\":{\"row_version\":1}}},\"source\":{\"after\":{},"
        "\"row_version\":42,\"op\":\"d\",\"snapshot\":\"false\","
        "\"ts_us\":1700000000000000},\"before\":null}";
    static const char after[] =
        "{\"after\":\"}\\\"after\\\":{\",\"t\":\"}\\\",\\\"op\\\":"
        "\\\"d\\\",\\\"after\\\":{\\\"id\\\":9}}\",\"j\":{\"after\":[{}],\"op\""
        ":\"d\",\"source\":{\"row_version\":1}}}";
    struct event_view view;
    struct err e = { 0 };

    (void)state;
    assert_int_equal(event_read(STR("{\"op\":1}"), str_of(value), &view, &e),
                     0);
    assert_int_equal(view.op, EVENT_CREATE);
    assert_true(str_eq(view.after, str_of(after)));
    assert_true(view.row_version == 42);
    assert_null(view.before.p);
}

/* The reader knows our own layout and reads it the quick way; a space in front
   makes it take the general way. Both must say the same of a whole event and
   of one that lacks any one byte. */
static void quick_and_general_agree(void **state)
{
    struct event ev = update();
    struct buf b, cut;

    (void)state;
    buf_init(&b, 10000);
    buf_init(&cut, 10000);
    event_write(&b, &table, &ev);
    for (size_t gap = 0; gap <= b.len; gap++) {
        struct event_view quick = { 0 }, general = { 0 };
        struct err e;
        struct str value;
        int rc;

        buf_reset(&cut);
        buf_char(&cut, ' ');
        buf_add(&cut, b.p, gap);
        buf_add(&cut, b.p + gap + (gap < b.len), b.len - gap - (gap < b.len));
        value = (struct str){ cut.p + 1, cut.len - 1 };
        rc = event_read(STR("{}"), value, &quick, &e);
        assert_int_equal(event_read(STR("{}"), buf_str(&cut), &general, &e),
                         rc);
        assert_int_equal(quick.op, general.op);
        assert_int_equal(quick.copied, general.copied);
        assert_true(quick.row_version == general.row_version);
        assert_true(quick.commit_us == general.commit_us);
        assert_true(str_eq(quick.after, general.after));
        assert_true(str_eq(quick.before, general.before));
    }
    buf_fini(&b);
    buf_fini(&cut);
}

#define GOOD_SOURCE \
    "\"source\":{\"ts_us\":1,\"row_version\":2,\"snapshot\":\"false\"}"

static const struct {
    const char *key, *value, *text;
} refused[] = {
    { "", "{}", "without key" },
    { "1", "{}", "key malformed at byte 0 of 1" },
    { "[1]", "{}", "key malformed" },
    { "{\"a\":1", "{}", "key malformed at byte 6 of 6" },
    { "{\"a\":1}x", "{}", "key malformed at byte 7" },
    { "{}", "", "malformed at byte 0 of 0" },
    { "{}", "null", "malformed at byte 0 of 4" },
    { "{}", "{}", "no member \"before\"" },
    { "{}", "{\"before\":null,\"after\":{},\"op\":\"c\"}",
      "no member \"source\"" },
    { "{}", "{\"before\":null,\"after\":{}," GOOD_SOURCE "}",
      "no member \"op\"" },
    { "{}",
      "{\"before\":null,\"after\":{},\"after\":{},\"op\":\"c\"," GOOD_SOURCE
      "}",
      "\"after\" twice" },
    { "{}", "{\"before\":null,\"after\":{},\"op\":\"x\"," GOOD_SOURCE "}",
      "unknown op \"x\"" },
    { "{}", "{\"before\":null,\"after\":{},\"op\":99," GOOD_SOURCE "}",
      "unknown op 99" },
    { "{}", "{\"before\":null,\"after\":null,\"op\":\"c\"," GOOD_SOURCE "}",
      "op \"c\" without after" },
    { "{}", "{\"before\":null,\"after\":null,\"op\":\"u\"," GOOD_SOURCE "}",
      "op \"u\" without after" },
    { "{}", "{\"before\":null,\"after\":{},\"op\":\"d\"," GOOD_SOURCE "}",
      "op \"d\" with after" },
    { "{}", "{\"before\":null,\"after\":[],\"op\":\"c\"," GOOD_SOURCE "}",
      "\"after\" is no object" },
    { "{}", "{\"before\":null,\"after\":{],\"op\":\"c\"," GOOD_SOURCE "}",
      "\"after\" is no object" },
    { "{}", "{\"before\":1,\"after\":{},\"op\":\"c\"," GOOD_SOURCE "}",
      "\"before\" is no object" },
    { "{}",
      "{\"before\":null,\"after\":{},\"op\":\"c\",\"source\":{\"ts_us\":1,"
      "\"snapshot\":\"false\"}}",
      "no member \"row_version\"" },
    { "{}",
      "{\"before\":null,\"after\":{},\"op\":\"c\",\"source\":{\"ts_us\":1."
      "5,"
      "\"snapshot\":\"false\",\"row_version\":1}}",
      "ts_us is no integer" },
    { "{}",
      "{\"before\":null,\"after\":{},\"op\":\"c\",\"source\":{\"ts_us\":1,"
      "\"snapshot\":\"false\",\"row_version\":9223372036854775808}}",
      "row_version is no integer" },
    { "{}",
      "{\"before\":null,\"after\":{},\"op\":\"c\",\"source\":{\"ts_us\":1,"
      "\"snapshot\":null,\"row_version\":1}}",
      "snapshot is no text" },
    { "{}", "{\"before\":null,\"after\":{},\"op\":\"c\",\"source\":7}",
      "malformed at byte 44 of 46" },
};

static void refuses(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(refused); i++) {
        struct event_view view = { .commit_us = 77 };
        struct err e = { 0 };
        struct str value = { refused[i].value, strlen(refused[i].value) };

        assert_int_equal(event_read(str_of(refused[i].key), value, &view, &e),
                         -1);
        assert_int_equal(e.kind, ERR_INPUT);
        assert_int_equal(view.commit_us, 77);
        if (!strstr(e.text, refused[i].text)) {
            fail_msg("%s %s: %s", refused[i].key, refused[i].value, e.text);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(update_is_exact),
        cmocka_unit_test(copied_row_is_exact),
        cmocka_unit_test(cap_is_exact),
        cmocka_unit_test(bad_names_fail),
        cmocka_unit_test(topics),
        cmocka_unit_test(reads_what_it_wrote),
        cmocka_unit_test(tombstone),
        cmocka_unit_test(is_not_fooled),
        cmocka_unit_test(quick_and_general_agree),
        cmocka_unit_test(refuses),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
