/* links: producer_core */
/* From pgoutput messages to records: what an insert, an update, a changed
   key, a delete become, and what stops the process. Messages are built here
   by the grammar of pgoutput.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/slice.h"
#include "producer/capture.h"

enum { OID = 4711 };

/* ---- building messages -------------------------------------------------- */

static void put(struct buf *b, uint64_t n, int bytes)
{
    for (int i = bytes - 1; i >= 0; i--) {
        buf_char(b, (char)(n >> (8 * i)));
    }
}

/* A tuple: values separated in `values`, "~" is NULL, "^" unchanged TOAST. */
static void put_tuple(struct buf *b, char kind, const char *const *values)
{
    unsigned count = 0;

    while (values[count] != NULL) {
        count++;
    }
    buf_char(b, kind);
    put(b, count, 2);
    for (unsigned i = 0; i < count; i++) {
        if (strcmp(values[i], "~") == 0 || strcmp(values[i], "^") == 0) {
            buf_char(b, values[i][0] == '~' ? 'n' : 'u');
            continue;
        }
        buf_char(b, 't');
        put(b, strlen(values[i]), 4);
        buf_add(b, values[i], strlen(values[i]));
    }
}

#define ROW(...) ((const char *const[]){ __VA_ARGS__, NULL })

/* ---- the world ------------------------------------------------------------ */

struct world {
    struct tables tables;
    struct ledger ledger;
    struct capture cap;
    struct buf message;
    struct err e;
};

static struct relation *make_relation(void)
{
    struct catalog_column columns[] = {
        { .name = (char[]){ "id" },
          .type_oid = 20,
          .typmod = -1,
          .type = { .class = SHAPE_INT8 },
          .type_name = (char[]){ "int8" },
          .key_index = 1 },
        { .name = (char[]){ "after" },
          .type_oid = 25,
          .typmod = -1,
          .type = { .class = SHAPE_TEXT },
          .type_name = (char[]){ "text" },
          .nullable = true },
    };
    struct catalog_table cat = {
        .oid = OID,
        .schema = (char[]){ "public" },
        .name = (char[]){ "T" },
        .key_count = 1,
        .column_count = 2,
        .columns = columns,
    };
    struct relation_place place = { STR("cdc"), STR("shop") };
    struct relation *rel = NULL;
    struct err e;

    assert_int_equal(relation_new(&cat, &place, &rel, &e), 0);
    return rel;
}

static int setup(void **state)
{
    struct world *w = xcalloc(1, sizeof(*w));

    ledger_init(&w->ledger, 16);
    w->cap.tables = &w->tables;
    w->cap.ledger = &w->ledger;
    w->cap.window = window_new();
    w->cap.pipeline = "cdc";
    capture_init(&w->cap);
    buf_init(&w->message, 1 << 20);
    struct table *t = tables_add(&w->tables, OID, "public", "T");
    t->rel = make_relation();
    t->captured = true;
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;

    window_free(w->cap.window);
    capture_fini(&w->cap);
    tables_fini(&w->tables);
    ledger_fini(&w->ledger);
    buf_fini(&w->message);
    xfree(w);
    return 0;
}

static int take(struct world *w, enum capture_result *ret_result)
{
    struct repl_msg m = { .kind = REPL_DATA,
                          .lsn = 0x1000,
                          .payload = buf_str(&w->message) };
    int rc = capture_message(&w->cap, &m, ret_result, &w->e);

    buf_reset(&w->message);
    return rc;
}

static void begin(struct world *w, uint64_t final_lsn)
{
    enum capture_result result;

    buf_char(&w->message, 'B');
    put(&w->message, final_lsn, 8);
    put(&w->message, 0, 8);
    put(&w->message, 77, 4);
    assert_int_equal(take(w, &result), 0);
}

static void commit(struct world *w, uint64_t lsn)
{
    enum capture_result result;

    buf_char(&w->message, 'C');
    put(&w->message, 0, 1);
    put(&w->message, lsn, 8);
    put(&w->message, lsn + 48, 8);
    put(&w->message, 0, 8);
    assert_int_equal(take(w, &result), 0);
    assert_int_equal(result, CAPTURE_COMMITTED);
}

static int row(struct world *w, char type, char old_kind,
               const char *const *old, const char *const *new)
{
    enum capture_result result = CAPTURE_NOTHING;

    buf_char(&w->message, type);
    put(&w->message, OID, 4);
    if (old) {
        put_tuple(&w->message, old_kind, old);
    }
    if (new) {
        put_tuple(&w->message, 'N', new);
    }
    int rc = take(w, &result);
    if (rc == 0) {
        assert_int_equal(result, CAPTURE_RECORDS);
    }
    return rc;
}

static void assert_json(struct str value, const char *member, const char *want)
{
    struct str got;

    assert_int_equal(slice_find(value, str_of(member), &got), SLICE_ITEM);
    if (!str_eq(got, str_of(want))) {
        fail_msg("%s: got %.*s, want %s", member, STR_ARG(got), want);
    }
}

static void assert_key(const struct record *r, const char *want)
{
    if (!str_eq(r->key, str_of(want))) {
        fail_msg("key %.*s, want %s", STR_ARG(r->key), want);
    }
}

/* ---- tests ---------------------------------------------------------------- */

static void inserts(void **state)
{
    struct world *w = *state;
    const struct record *r = w->cap.records;

    begin(w, 0x2000);
    assert_int_equal(
        row(w, 'I', 0, NULL, ROW("9007199254740993", "}\"after\":{")), 0);
    assert_int_equal(w->cap.record_count, 1);
    assert_key(&r[0], "{\"id\":9007199254740993}");
    assert_int_equal(r[0].op, EVENT_CREATE);
    assert_json(r[0].value, "before", "null");
    assert_json(r[0].value, "after",
                "{\"id\":9007199254740993,\"after\":\"}\\\"after\\\":{\"}");
    assert_true(r[0].version == rowversion_make(0, 0x2000, 0));
    assert_null(r[0].link);
}

static void updates(void **state)
{
    struct world *w = *state;
    const struct record *r = w->cap.records;

    begin(w, 0x2000);
    assert_int_equal(row(w, 'U', 0, NULL, ROW("1", "b")), 0);
    assert_json(r[0].value, "before", "null");
    assert_json(r[0].value, "op", "\"u\"");
    /* the whole old row, and a value that was not sent again */
    assert_int_equal(row(w, 'U', 'O', ROW("1", "b"), ROW("1", "^")), 0);
    assert_int_equal(w->cap.record_count, 1);
    assert_json(r[0].value, "before", "{\"id\":1,\"after\":\"b\"}");
    assert_json(r[0].value, "after", "{\"id\":1,\"after\":\"b\"}");
    /* the second event of the key in this transaction */
    assert_true(r[0].version == rowversion_make(0, 0x2000, 1));
}

static void changes_key(void **state)
{
    struct world *w = *state;
    const struct record *r = w->cap.records;

    begin(w, 0x2000);
    assert_int_equal(row(w, 'U', 'K', ROW("1", "~"), ROW("2", "x")), 0);
    assert_int_equal(w->cap.record_count, 3);
    assert_key(&r[0], "{\"id\":1}");
    assert_key(&r[1], "{\"id\":1}");
    assert_key(&r[2], "{\"id\":2}");
    assert_int_equal(r[0].op, EVENT_DELETE);
    assert_null(r[1].value.p);
    assert_true(r[1].version == r[0].version);
    assert_int_equal(r[2].op, EVENT_CREATE);
    assert_json(r[2].value, "before", "null");
    assert_string_equal(r[0].link, "__debezium.newkey");
    assert_string_equal(r[1].link, "__debezium.newkey");
    assert_string_equal(r[2].link, "__debezium.oldkey");
    assert_true(str_eq(r[2].link_key, str_of("{\"id\":1}")));
    assert_int_equal(w->cap.tx_seq, 2);
}

static void deletes(void **state)
{
    struct world *w = *state;
    const struct record *r = w->cap.records;

    begin(w, 0x2000);
    assert_int_equal(row(w, 'D', 'O', ROW("1", "gone"), NULL), 0);
    assert_int_equal(w->cap.record_count, 2);
    assert_json(r[0].value, "before", "{\"id\":1,\"after\":\"gone\"}");
    assert_json(r[0].value, "after", "null");
    assert_null(r[1].value.p);
    assert_int_equal(r[1].op, EVENT_DELETE);
}

static void stops(void **state)
{
    struct world *w = *state;
    enum capture_result result;

    begin(w, 0x2000);
    /* unchanged TOAST without the old row */
    assert_int_equal(row(w, 'U', 0, NULL, ROW("1", "^")), -1);
    assert_int_equal(w->e.kind, ERR_FATAL);
    assert_non_null(strstr(w->e.text, "REPLICA IDENTITY FULL"));
    /* a value its type cannot have printed */
    assert_int_equal(row(w, 'I', 0, NULL, ROW("one", "x")), -1);
    assert_non_null(strstr(w->e.text, "\"id\""));
    /* another number of columns */
    assert_int_equal(row(w, 'I', 0, NULL, ROW("1")), -1);
    /* truncate of a captured table; of another one is no matter of ours */
    buf_char(&w->message, 'T');
    put(&w->message, 1, 4);
    put(&w->message, 0, 1);
    put(&w->message, OID, 4);
    assert_int_equal(take(w, &result), -1);
    assert_non_null(strstr(w->e.text, "TRUNCATE"));
    buf_char(&w->message, 'T');
    put(&w->message, 1, 4);
    put(&w->message, 0, 1);
    put(&w->message, 99, 4);
    assert_int_equal(take(w, &result), 0);
}

static void watermarks(void **state)
{
    static const struct {
        const char *prefix, *content;
        uint64_t want;
    } cases[] = {
        { CAPTURE_WATERMARK, "cdc 12345678901234567", 12345678901234567u },
        { CAPTURE_WATERMARK, "cdc2 1", 0 },
        { "other", "cdc 1", 0 },
        { CAPTURE_WATERMARK, "cdc", 0 },
    };
    struct world *w = *state;
    enum capture_result result;
    uint64_t lsn = 0x2000;

    for (unsigned i = 0; i < COUNT_OF(cases); i++, lsn += 0x100) {
        begin(w, lsn);
        buf_char(&w->message, 'M');
        put(&w->message, 1, 1);
        put(&w->message, 0x1000, 8);
        buf_add(&w->message, cases[i].prefix, strlen(cases[i].prefix) + 1);
        put(&w->message, strlen(cases[i].content), 4);
        buf_add(&w->message, cases[i].content, strlen(cases[i].content));
        assert_int_equal(take(w, &result), 0);
        commit(w, lsn);
        assert_true(w->cap.done_watermark == cases[i].want);
        assert_true(w->cap.done_final_lsn == lsn);
    }
}

/* Ours, in its transaction, is an event to publish; it takes no number of the
   transaction, and what is not ours is nothing. */
static void heartbeats(void **state)
{
    static const struct {
        const char *prefix, *content;
        uint8_t flags;
        enum capture_result want;
    } cases[] = {
        { HEARTBEAT_PREFIX, "cdc 1700000000000000", 1, CAPTURE_HEARTBEAT },
        { HEARTBEAT_PREFIX, "cdc2 1", 1, CAPTURE_NOTHING },
        { HEARTBEAT_PREFIX, "cdc", 1, CAPTURE_NOTHING },
        { HEARTBEAT_PREFIX, "cdc ", 1, CAPTURE_NOTHING },
        { HEARTBEAT_PREFIX, "", 1, CAPTURE_NOTHING },
        { "cdc-heartbeats", "cdc 1", 1, CAPTURE_NOTHING },
        /* not transactional: it may come before what was committed earlier */
        { HEARTBEAT_PREFIX, "cdc 1", 0, CAPTURE_NOTHING },
    };
    struct world *w = *state;
    enum capture_result result;
    uint64_t lsn = 0x2000;

    for (unsigned i = 0; i < COUNT_OF(cases); i++, lsn += 0x100) {
        begin(w, lsn);
        buf_char(&w->message, 'M');
        put(&w->message, cases[i].flags, 1);
        put(&w->message, 0x1000, 8);
        buf_add(&w->message, cases[i].prefix, strlen(cases[i].prefix) + 1);
        put(&w->message, strlen(cases[i].content), 4);
        buf_add(&w->message, cases[i].content, strlen(cases[i].content));
        assert_int_equal(take(w, &result), 0);
        assert_int_equal(result, cases[i].want);
        assert_int_equal(w->cap.tx_seq, 0);
        assert_true(ledger_in_transaction(&w->ledger));
        commit(w, lsn);
        assert_true(w->cap.done_watermark == 0);
    }
}

/* A transaction that is sent again after a lost connection gets the same
   versions; commit order that goes back within a connection is refused. */
static void comes_again(void **state)
{
    struct world *w = *state;
    enum capture_result result;
    uint64_t version;

    begin(w, 0x2000);
    assert_int_equal(row(w, 'I', 0, NULL, ROW("1", "a")), 0);
    version = w->cap.records[0].version;
    commit(w, 0x2000);
    ledger_reset(&w->ledger, 0);
    capture_reset(&w->cap);
    begin(w, 0x2000);
    assert_int_equal(row(w, 'I', 0, NULL, ROW("1", "a")), 0);
    assert_true(w->cap.records[0].version == version);
    commit(w, 0x2000);
    buf_char(&w->message, 'B');
    put(&w->message, 0x1fff, 8);
    put(&w->message, 0, 8);
    put(&w->message, 78, 4);
    assert_int_equal(take(w, &result), -1);
}

/* A delete that could not be written must not go out half: the buffer that
   failed is used again for the create. */
static void stops_at_a_broken_old_row(void **state)
{
    struct world *w = *state;

    begin(w, 0x2000);
    assert_int_equal(row(w, 'U', 'O', ROW("1", "\xff\xfe"), ROW("2", "x")), -1);
    assert_int_equal(w->e.kind, ERR_FATAL);
    assert_non_null(strstr(w->e.text, "\"after\""));
}

/* A table that was left out, or dropped with its topic, has no handle to
   publish with. */
static void ignores_tables_not_captured(void **state)
{
    struct world *w = *state;
    enum capture_result result = CAPTURE_RECORDS;

    w->tables.list[0]->captured = false;
    begin(w, 0x2000);
    buf_char(&w->message, 'I');
    put(&w->message, OID, 4);
    put_tuple(&w->message, 'N', ROW("1", "a"));
    assert_int_equal(take(w, &result), 0);
    assert_int_equal(result, CAPTURE_NOTHING);
    assert_int_equal(w->cap.record_count, 0);
    buf_char(&w->message, 'T');
    put(&w->message, 1, 4);
    put(&w->message, 0, 1);
    put(&w->message, OID, 4);
    assert_int_equal(take(w, &result), 0);
}

/* What no server sends is an error, not the end of the process by a CHECK. */
static void refuses_nonsense(void **state)
{
    struct world *w = *state;
    enum capture_result result;

    assert_int_equal(row(w, 'I', 0, NULL, ROW("1", "a")), -1);
    assert_non_null(strstr(w->e.text, "outside a transaction"));
    buf_char(&w->message, 'B');
    put(&w->message, UINT64_MAX - 1, 8);
    put(&w->message, 0, 8);
    put(&w->message, 77, 4);
    assert_int_equal(take(w, &result), -1);
    assert_non_null(strstr(w->e.text, "no version"));
}

/* The records may wait for room in the queue while the table is dropped and
   made again, and loses its relation. */
static void records_outlive_the_relation(void **state)
{
    struct world *w = *state;
    char shape[17];

    memcpy(shape, w->tables.list[0]->rel->shape.fingerprint, sizeof(shape));
    begin(w, 0x2000);
    assert_int_equal(row(w, 'I', 0, NULL, ROW("1", "a")), 0);
    tables_rekey(&w->tables, w->tables.list[0], OID + 1);
    assert_string_equal(w->cap.records[0].shape, shape);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(inserts),
        TEST(updates),
        TEST(changes_key),
        TEST(deletes),
        TEST(stops),
        TEST(watermarks),
        TEST(heartbeats),
        TEST(comes_again),
        TEST(stops_at_a_broken_old_row),
        TEST(ignores_tables_not_captured),
        TEST(refuses_nonsense),
        TEST(records_outlive_the_relation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
