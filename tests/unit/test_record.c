/* links: cdc_sink */
/* record.h: what may become an item, and what each refusal says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/record.h"

#define KEY "{\"id\":1}"
#define FINGERPRINT "00c5aabbccddeeff"

static struct buf value;
static struct event_table table;

static int begin(void **state)
{
    (void)state;
    buf_init(&value, 10000);
    event_table_init(&table, STR("cdc"), STR("shop"), STR("public"),
                     STR("User"));
    return 0;
}

static int end(void **state)
{
    (void)state;
    buf_fini(&value);
    event_table_fini(&table);
    return 0;
}

static struct str event_of(enum event_op op, uint64_t version)
{
    struct event ev = {
        .op = op,
        .snapshot = STR("false"),
        .commit_us = 1700000000000000,
        .now_us = 1700000000000001,
        .row_version = version,
    };

    if (op != EVENT_CREATE && op != EVENT_READ) {
        ev.before = STR("{\"id\":1,\"n\":\"secret\"}");
    }
    if (op != EVENT_DELETE) {
        ev.after = STR("{\"id\":1,\"n\":\"secret\"}");
    }
    buf_reset(&value);
    event_write(&value, &table, &ev);
    assert_true(buf_ok(&value));
    return buf_str(&value);
}

static struct record record_of(enum event_op op, const char *op_text)
{
    return (struct record){
        .key = STR(KEY),
        .value = event_of(op, 42),
        .version = STR("42"),
        .op = str_of(op_text),
        .fingerprint = STR(FINGERPRINT),
    };
}

static void good_records(void **state)
{
    static const struct {
        enum event_op op;
        const char *text;
    } cases[] = { { EVENT_READ, "r" },
                  { EVENT_CREATE, "c" },
                  { EVENT_UPDATE, "u" },
                  { EVENT_DELETE, "d" } };
    struct item it;
    struct err e = { 0 };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct record r = record_of(cases[i].op, cases[i].text);

        assert_int_equal(record_read(&r, &it, &e), 0);
        assert_int_equal(it.version, 42);
        assert_int_equal(it.ev.op, cases[i].op);
        assert_false(it.ev.tombstone);
        assert_int_equal(it.ev.commit_us, 1700000000000000);
        assert_ptr_equal(it.ev.key.p, r.key.p); /* a view, no copy */
    }
}

static void tombstones(void **state)
{
    struct record r = record_of(EVENT_DELETE, "d");
    struct err e = { 0 };
    struct item it;

    (void)state;
    r.value = (struct str){ NULL, 0 };
    assert_int_equal(record_read(&r, &it, &e), 0);
    assert_true(it.ev.tombstone);
    assert_int_equal(it.ev.op, EVENT_DELETE);
    assert_int_equal(it.version, 42); /* of the header: all there is */
    r.op = STR("c");
    assert_int_equal(record_read(&r, &it, &e), -1);
    assert_non_null(strstr(e.text, "tombstone"));
}

static void highest_version(void **state)
{
    struct record r = record_of(EVENT_CREATE, "c");
    struct err e = { 0 };
    struct item it;

    (void)state;
    r.value = event_of(EVENT_CREATE, INT64_MAX);
    r.version = STR("9223372036854775807");
    assert_int_equal(record_read(&r, &it, &e), 0);
    assert_true(it.version == INT64_MAX);
}

enum field { KEY_, VALUE_, VERSION_, OP_, SCHEMA_, UNAVAILABLE_, NONE_ };

static const struct {
    const char *name;
    enum field field;
    const char *text; /* NULL: absent */
    const char *want; /* in the error */
} bad[] = {
    { "no headers at all", NONE_, NULL, "none of our headers" },
    { "no version", VERSION_, NULL, "cdc-version" },
    { "empty version", VERSION_, "", "cdc-version" },
    { "version zero", VERSION_, "0", "cdc-version" },
    { "negative version", VERSION_, "-42", "cdc-version" },
    { "version with a blank", VERSION_, "42 ", "cdc-version" },
    { "version of 64 bits", VERSION_, "9223372036854775808", "cdc-version" },
    { "version overflows", VERSION_, "99999999999999999999", "cdc-version" },
    { "version as a float", VERSION_, "4.2e1", "cdc-version" },
    { "another version", VERSION_, "43", "row_version differ" },
    { "no op", OP_, NULL, "cdc-op" },
    { "empty op", OP_, "", "cdc-op" },
    { "unknown op", OP_, "x", "cdc-op" },
    { "two ops", OP_, "cc", "cdc-op" },
    { "another op", OP_, "u", "op differ" },
    { "truncate", OP_, "t", "TRUNCATE" },
    { "sweep", OP_, "s", "sweep" },
    { "no fingerprint", SCHEMA_, NULL, "cdc-schema" },
    { "short fingerprint", SCHEMA_, "00c5", "cdc-schema" },
    { "upper case", SCHEMA_, "00C5AABBCCDDEEFF", "cdc-schema" },
    { "incomplete row", UNAVAILABLE_, "[\"big\"]", "cdc-unavailable" },
    { "incomplete row, empty header", UNAVAILABLE_, "", "cdc-unavailable" },
    { "no key", KEY_, NULL, "" },
    { "key is no object", KEY_, "17", "" },
    { "value is no JSON", VALUE_, "secret", "" },
    { "value is cut", VALUE_, "{\"before\":null,\"after\":{\"n\":\"secret",
      "" },
    { "empty value", VALUE_, "", "" },
    { "value without members", VALUE_, "{}", "" },
};

static void change(struct record *r, enum field field, struct str text)
{
    switch (field) {
    case KEY_: r->key = text; break;
    case VALUE_: r->value = text; break;
    case VERSION_: r->version = text; break;
    case OP_: r->op = text; break;
    case SCHEMA_: r->fingerprint = text; break;
    case UNAVAILABLE_: r->unavailable = text; break;
    case NONE_: r->version = r->op = r->fingerprint = text; break;
    }
}

static void bad_records(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct record r = record_of(EVENT_CREATE, "c");
        struct item it = { .version = 7 };
        struct err e = { 0 };

        change(&r, bad[i].field, str_of(bad[i].text));
        if (record_read(&r, &it, &e) != -1) {
            fail_msg("%s: accepted", bad[i].name);
        }
        assert_int_equal(e.kind, ERR_INPUT);
        if (!strstr(e.text, bad[i].want)) {
            fail_msg("%s: says %s", bad[i].name, e.text);
        }
        assert_null(strstr(e.text, "secret")); /* no row values */
        assert_int_equal(it.version, 7);       /* untouched */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_records),
        cmocka_unit_test(tombstones),
        cmocka_unit_test(highest_version),
        cmocka_unit_test(bad_records),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
