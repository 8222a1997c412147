/* links: sink_clickhouse_core */
/* insert.h against a ClickHouse of our own: who gets which verdict. */
#include "sink-clickhouse/insert.h"
#include "tests/unit/rig.h"
#include "tests/unit/stub.h"

/* How the server behaves, and what it saw. */
struct world {
    struct stub stub;
    bool altered;       /* table A has lost its column */
    bool forgetful;     /* tells that it stored a row less */
    const char *poison; /* an insert with this text in it is refused */
    const char *out;    /* inserts into this table end so: */
    int out_status;
    const char *out_code;
    unsigned inserts, rows; /* asked for; stored */

    struct session session;
    struct targets targets;
    struct insert insert;
    struct rig rig;
};

/* What system.tables and system.columns tell of tables A and B. */
static void describe(const struct world *w, struct str sql,
                     struct stub_reply *reply)
{
    const char *name = holds(sql, "'A'") ? "A" : "B";

    if (holds(sql, "system.tables")) {
        buf_printf(&reply->body,
                   "{\"data\":[[\"%s\",\"ReplacingMergeTree\","
                   "\"ReplacingMergeTree(_version, is_deleted)\",\"id\",\"\","
                   "\"{\\\"data-sync\\\":{\\\"pipeline\\\":\\\"cdc\\\","
                   "\\\"table\\\":\\\"public.%s\\\"}}\"],"
                   "[\"%s_current\",\"View\",\"\",\"\",\"\",\"\"]]}",
                   name, name, name);
    } else {
        buf_printf(&reply->body,
                   "{\"data\":[[\"%s\",\"%s\",\"String\"],"
                   "[\"%s\",\"_version\",\"UInt64\"],"
                   "[\"%s\",\"is_deleted\",\"UInt8\"],"
                   "[\"%s_current\",\"id\",\"String\"]]}",
                   name, w->altered ? "other" : "id", name, name, name);
    }
}

static void insert_answer(struct world *w, const char *query, struct str body,
                          struct stub_reply *reply)
{
    unsigned rows = (unsigned char)body.p[1];

    if (rows >= 0x80) { /* the second varint of the block */
        rows = (rows & 0x7f) | (unsigned)(unsigned char)body.p[2] << 7;
    }
    w->inserts++;
    if (w->out && strstr(query, w->out)) {
        reply->status = w->out_status;
        reply->code = w->out_code;
    } else if (w->poison && holds(body, w->poison)) {
        reply->status = 500;
        reply->code = "469";
    } else {
        w->rows += rows;
        (void)snprintf(reply->summary, sizeof(reply->summary),
                       "{\"written_rows\":\"%u\"}", rows - w->forgetful);
    }
}

static void answer(void *arg, const char *path, const char *query,
                   struct str body, struct stub_reply *reply)
{
    struct world *w = arg;

    assert_string_equal(path, "/");
    if (query[0] != '\0') {
        insert_answer(w, query, body, reply);
    } else if (holds(body, "version()")) {
        buf_lit(&reply->body, "26.7.2.1\n");
    } else if (holds(body, "system.settings")) {
        buf_lit(&reply->body, "async_insert\ninsert_deduplicate\n");
    } else if (holds(body, "system.databases")) {
        buf_lit(&reply->body, "1\n");
    } else {
        describe(w, body, reply);
    }
}

static int setup(void **state)
{
    struct world *w = xcalloc(1, sizeof(*w));
    struct session_conf conf = { 0 };
    struct err e = { 0 };

    stub_start(&w->stub, answer, w);
    conf.host = w->stub.url;
    assert_int_equal(session_open(&w->session, &conf, &e), 0);
    targets_init(&w->targets, "knowton", "cdc");
    assert_int_equal(session_probe(&w->session, &e), 0);
    for (size_t i = 0; i < COUNT_OF(rig_shapes); i++) {
        if (targets_prepare(&w->targets, &w->session, &rig_shapes[i], false,
                            &e) < 0) {
            fail_msg("%s", e.text);
        }
    }
    insert_init(&w->insert, &w->session, &w->targets);
    rig_init(&w->rig);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;

    insert_fini(&w->insert);
    targets_fini(&w->targets);
    session_close(&w->session);
    stub_stop(&w->stub);
    xfree(w);
    return 0;
}

static void tombstone_add(struct world *w, unsigned table, const char *key,
                          uint64_t version)
{
    struct item *it = rig_add(&w->rig, table, key, EVENT_DELETE);

    it->ev.tombstone = true;
    it->version = version;
}

/* One insert per table; a tombstone behind its delete is not sent. */
static void test_done(void **state)
{
    struct world *w = *state;
    struct err e = { 0 };

    (void)rig_add(&w->rig, 0, "a", EVENT_CREATE);
    (void)rig_add(&w->rig, 1, "b", EVENT_UPDATE);
    (void)rig_add(&w->rig, 0, "c", EVENT_READ);
    (void)rig_add(&w->rig, 0, "d", EVENT_DELETE); /* version 4 */
    tombstone_add(w, 0, "d", 4);
    tombstone_add(w, 0, "e", 4); /* its delete is not here */
    assert_int_equal(insert_run(&w->insert, &w->rig.batch, &e), 0);
    rig_verdicts_are(&w->rig, VERDICT_DONE);
    assert_int_equal(w->inserts, 2);
    assert_int_equal(w->rows, 5);
    /* settled items are not sent again */
    assert_int_equal(insert_run(&w->insert, &w->rig.batch, &e), 0);
    assert_int_equal(w->inserts, 2);
}

/* A failure of one table is no other's. */
static void test_one_table_out(void **state)
{
    static const struct {
        int status;
        const char *code, *why;
    } outs[] = {
        { 500, "241", "HTTP 500, code 241 " },
        { 404, "60", "HTTP 404, code 60 " },
        { 403, "516", "HTTP 403, code 516 " },
        { 500, "7777", "HTTP 500, code 7777 " },
        { 502, NULL, "HTTP 502" },
    };
    struct world *w = *state;
    struct err e = { 0 };

    (void)rig_add(&w->rig, 0, "a", EVENT_CREATE);
    (void)rig_add(&w->rig, 1, "b", EVENT_DELETE);
    tombstone_add(w, 1, "b", 2);
    w->out = "`B`";
    for (size_t i = 0; i < COUNT_OF(outs); i++) {
        w->rig.items[0].verdict = VERDICT_PENDING;
        w->out_status = outs[i].status;
        w->out_code = outs[i].code;
        assert_int_equal(insert_run(&w->insert, &w->rig.batch, &e), 0);
        assert_int_equal(w->rig.items[0].verdict, VERDICT_DONE);
        assert_int_equal(w->rig.items[1].verdict, VERDICT_RETRY);
        assert_int_equal(w->rig.items[2].verdict, VERDICT_RETRY);
        assert_string_equal(w->rig.items[1].why, outs[i].why);
    }
    w->out = NULL;
    assert_int_equal(insert_run(&w->insert, &w->rig.batch, &e), 0);
    rig_verdicts_are(&w->rig, VERDICT_DONE);
}

/* Each refused row is found, in few requests, and only they are rejected. */
static void test_poison(void **state)
{
    static const unsigned counts[] = { 1, 2, 3, 999, 1999 };
    struct world *w = *state;
    struct err e = { 0 };
    unsigned attempts = 0;

    w->poison = "poison";
    for (size_t c = 0; c < COUNT_OF(counts); c++) {
        unsigned left = 1, bad = 0;

        memset(w->rig.items, 0, sizeof(w->rig.items));
        w->rig.batch.count = 0;
        w->inserts = w->rows = 0;
        for (unsigned i = 0; i < counts[c]; i++) {
            bool poisoned = i % 700 == 0;
            char key[32];

            (void)snprintf(key, sizeof(key), "%s%u", poisoned ? "poison" : "k",
                           i);
            (void)rig_add(&w->rig, 0, key, EVENT_CREATE);
            bad += poisoned;
        }
        for (attempts = 0; left > 0 && attempts < 5; attempts++) {
            assert_int_equal(insert_run(&w->insert, &w->rig.batch, &e), 0);
            left = 0;
            for (unsigned i = 0; i < counts[c]; i++) {
                left += w->rig.items[i].verdict == VERDICT_RETRY;
            }
        }
        for (unsigned i = 0; i < counts[c]; i++) {
            assert_int_equal(w->rig.items[i].verdict,
                             i % 700 == 0 ? VERDICT_REJECT : VERDICT_DONE);
        }
        assert_string_equal(w->rig.items[0].why, "HTTP 500, code 469 ");
        assert_int_equal(left, 0);
        assert_true(w->inserts <= bad * 24 + 2);
        assert_int_equal(w->rows, counts[c] - bad);
    }
}

/* So many refused rows that one attempt is not enough for them. */
static void test_much_poison(void **state)
{
    struct world *w = *state;
    struct err e = { 0 };
    unsigned attempts = 0, left = 1;

    w->poison = "poison";
    for (unsigned i = 0; i < 100; i++) {
        char key[32];

        (void)snprintf(key, sizeof(key), "poison%u", i);
        (void)rig_add(&w->rig, 0, key, EVENT_CREATE);
    }
    for (; left > 0 && attempts < 20; attempts++) {
        unsigned before = w->inserts;

        assert_int_equal(insert_run(&w->insert, &w->rig.batch, &e), 0);
        assert_true(w->inserts - before <= 1 + 64);
        left = 0;
        for (unsigned i = 0; i < w->rig.batch.count; i++) {
            left += w->rig.items[i].verdict == VERDICT_RETRY;
        }
    }
    rig_verdicts_are(&w->rig, VERDICT_REJECT);
    assert_true(attempts > 1);
}

/* Rows that the sink itself refuses do not reach the server. */
static void test_refused_here(void **state)
{
    struct world *w = *state;
    struct err e = { 0 };

    (void)rig_add(&w->rig, 0, "a", EVENT_CREATE);
    rig_add(&w->rig, 0, "b", EVENT_CREATE)->ev.after = STR("{\"id\":null}");
    (void)rig_add(&w->rig, 0, "c", EVENT_TRUNCATE);
    assert_int_equal(insert_run(&w->insert, &w->rig.batch, &e), 0);
    assert_int_equal(w->rig.items[0].verdict, VERDICT_DONE);
    assert_int_equal(w->rig.items[1].verdict, VERDICT_REJECT);
    assert_string_equal(w->rig.items[1].why,
                        "column \"id\": value of a key column is null");
    assert_int_equal(w->rig.items[2].verdict, VERDICT_STOP);
    assert_int_equal(w->rows, 1);
}

/* Somebody changed the table: no row is to blame. */
static void test_altered(void **state)
{
    struct world *w = *state;
    struct err e = { 0 };

    (void)rig_add(&w->rig, 0, "a", EVENT_CREATE);
    (void)rig_add(&w->rig, 0, "b", EVENT_CREATE);
    w->poison = "id";
    w->altered = true;
    assert_int_equal(insert_run(&w->insert, &w->rig.batch, &e), 0);
    rig_verdicts_are(&w->rig, VERDICT_RETRY);
    assert_non_null(strstr(w->rig.items[0].why, "column 1 is \"other\""));
    assert_int_equal(w->inserts, 1);
}

static void test_forgetful(void **state)
{
    struct world *w = *state;
    struct err e = { 0 };

    (void)rig_add(&w->rig, 0, "a", EVENT_CREATE);
    (void)rig_add(&w->rig, 0, "b", EVENT_CREATE);
    w->forgetful = true;
    assert_int_equal(insert_run(&w->insert, &w->rig.batch, &e), 0);
    rig_verdicts_are(&w->rig, VERDICT_RETRY);
    w->forgetful = false;
    assert_int_equal(insert_run(&w->insert, &w->rig.batch, &e), 0);
    rig_verdicts_are(&w->rig, VERDICT_DONE);
}

/* Not reached, or too late: nothing is known of any item. */
static void test_unreached(void **state)
{
    struct world *w = *state;
    struct err e = { 0 };

    (void)rig_add(&w->rig, 0, "a", EVENT_CREATE);
    w->rig.batch.send_by_ms = 0;
    assert_int_equal(insert_run(&w->insert, &w->rig.batch, &e), 0);
    rig_verdicts_are(&w->rig, VERDICT_PENDING);
    assert_int_equal(w->inserts, 0);
    w->rig.batch.send_by_ms = INT64_MAX;
    stub_stop(&w->stub);
    assert_int_equal(insert_run(&w->insert, &w->rig.batch, &e), -1);
    assert_int_equal(e.kind, ERR_RETRY);
    rig_verdicts_are(&w->rig, VERDICT_RETRY);
    stub_start(&w->stub, answer, w); /* for the teardown */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_done),        TEST(test_one_table_out), TEST(test_poison),
        TEST(test_much_poison), TEST(test_refused_here),  TEST(test_altered),
        TEST(test_forgetful),   TEST(test_unreached),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
