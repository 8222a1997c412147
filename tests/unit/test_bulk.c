/* links: sink_es_core */
/* bulk.h: items to the lines of a request, its answer to verdicts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sink-es/bulk.h"

static struct shape_column text_key[] = {
    { .name = "id", .class = SHAPE_TEXT, .typmod = -1, .key_index = 1 },
    { .name = "n", .class = SHAPE_INT4, .typmod = -1 },
};
static struct shape_column json_key[] = {
    { .name = "id", .class = SHAPE_JSON, .typmod = -1, .key_index = 1 },
};
static struct shape_column array_key[] = {
    { .name = "id", .class = SHAPE_INT4, .array = true, .key_index = 1 },
};
static struct shape_column two_keys[] = {
    { .name = "b", .class = SHAPE_TEXT, .typmod = -1, .key_index = 2 },
    { .name = "a \"q\"", .class = SHAPE_INT8, .typmod = -1, .key_index = 1 },
};

#define SHAPE(columns_, keys)                                     \
    {                                                             \
        .schema = "public", .name = "T", .topic = "cdc.public.T", \
        .profile = "sink", .columns = columns_,                   \
        .column_count = COUNT_OF(columns_), .key_count = keys     \
    }

static const struct shape text_shape = SHAPE(text_key, 1);
static const struct shape json_shape = SHAPE(json_key, 1);
static const struct shape array_shape = SHAPE(array_key, 1);
static const struct shape two_shape = SHAPE(two_keys, 2);

struct fixture {
    struct bulk_table text, json, array, two;
    struct buf body, scratch;
};

static int setup(void **state)
{
    struct fixture *f = xcalloc(1, sizeof(*f));
    struct str alias = STR("t");

    assert_int_equal(bulk_table_init(&f->text, &text_shape, alias, NULL), 0);
    assert_int_equal(bulk_table_init(&f->json, &json_shape, alias, NULL), 0);
    assert_int_equal(bulk_table_init(&f->array, &array_shape, alias, NULL), 0);
    assert_int_equal(bulk_table_init(&f->two, &two_shape, alias, NULL), 0);
    buf_init(&f->body, 1 << 20);
    buf_init(&f->scratch, 1 << 20);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    bulk_table_fini(&f->text);
    bulk_table_fini(&f->json);
    bulk_table_fini(&f->array);
    bulk_table_fini(&f->two);
    buf_fini(&f->body);
    buf_fini(&f->scratch);
    xfree(f);
    return 0;
}

/* The _id rule, and that no two keys share one. `id` NULL: refused. */
static const struct {
    char table;
    const char *key, *id;
} ids[] = {
    { 't', "{\"id\":\"u1\"}", "u1" },
    { 't', "{\"id\":42}", "42" },
    { 't', "{\"id\":true}", "true" },
    { 't', "{\"id\":\"\"}", "[\"\"]" },
    { 't', "{\"id\":\"[\\\"\\\"]\"}", "[\"[\\\"\\\"]\"]" },
    { 't', "{\"id\":\"[x\"}", "[\"[x\"]" },
    { 't', "{\"id\":\"]\"}", "]" },
    { 't', "{\"id\":\"sha256:\"}", "[\"sha256:\"]" },
    { 't', "{\"id\":\"sha256\"}", "sha256" },
    { 't', "{\"id\":\"SHA256:x\"}", "SHA256:x" },
    { 't', "{\"id\":\"a\\nb\\u0000\\uD83D\\uDE00\"}", NULL }, /* see below */
    { 't', "{\"id\":\"\\ud800\"}", NULL },
    { 't', "{\"id\":\"a\",\"x\":1}", NULL },
    { 't', "{\"ID\":\"a\"}", NULL },
    { 't', "{}", NULL },
    { 't', "", NULL },
    { 't', "[\"a\"]", NULL },
    { 't', "{\"id\":\"a\"", NULL },
    { 'j', "{\"id\":\"1\"}", "\"1\"" },
    { 'j', "{\"id\":1}", "1" },
    { 'j', "{\"id\":{\"a\": [1]}}", "{\"a\": [1]}" },
    { 'j', "{\"id\":[1]}", "[[1]]" },
    { 'j', "{\"id\":null}", "null" },
    { 'a', "{\"id\":[1,2]}", "[[1,2]]" },
    { '2', "{\"a \\\"q\\\"\":7,\"b\":\"x,y\"}", "[7,\"x,y\"]" },
    { '2', "{\"a \\\"q\\\"\":7,\"b\":\"\"}", "[7,\"\"]" },
    { '2', "{\"b\":\"x\",\"a \\\"q\\\"\":7}", NULL }, /* not the key's order */
    { '2', "{\"a \\\"q\\\"\":7}", NULL },
};

static const struct bulk_table *table_of(const struct fixture *f, char name)
{
    return name == 't'   ? &f->text
           : name == 'j' ? &f->json
           : name == 'a' ? &f->array
                         : &f->two;
}

static void test_id(void **state)
{
    struct fixture *f = *state;
    struct err e;

    for (size_t i = 0; i < COUNT_OF(ids); i++) {
        int rc;

        if (i == 10) {
            continue;
        }
        buf_reset(&f->scratch);
        buf_lit(&f->scratch, "before");
        rc = bulk_id(&f->scratch, table_of(f, ids[i].table), str_of(ids[i].key),
                     &e);
        if (ids[i].id) {
            if (rc < 0 || strcmp(buf_z(&f->scratch) + 6, ids[i].id) != 0) {
                fail_msg("%s: %d \"%s\"", ids[i].key, rc, buf_z(&f->scratch));
            }
        } else if (rc == 0) {
            fail_msg("%s: taken", ids[i].key);
        }
    }
    buf_reset(&f->scratch);
    assert_int_equal(bulk_id(&f->scratch, &f->text, str_of(ids[10].key), &e),
                     0);
    assert_int_equal(f->scratch.len, 8);
    assert_memory_equal(f->scratch.p, "a\nb\0\xf0\x9f\x98\x80", 8);
}

static void key_of_length(struct buf *key, char table, size_t len)
{
    buf_reset(key);
    buf_str_add(key, table == '2' ? STR("{\"a \\\"q\\\"\":1,\"b\":\"")
                                  : STR("{\"id\":\""));
    for (size_t i = 0; i < len; i++) {
        buf_char(key, 'k');
    }
    buf_lit(key, "\"}");
}

/* 512 bytes are an _id, more are a digest of the array. */
static void test_long_id(void **state)
{
    struct fixture *f = *state;
    struct buf key;
    struct err e;

    buf_init(&key, 1 << 20);
    key_of_length(&key, 't', 512);
    buf_reset(&f->scratch);
    assert_int_equal(bulk_id(&f->scratch, &f->text, buf_str(&key), &e), 0);
    assert_int_equal(f->scratch.len, 512);
    assert_int_equal(f->scratch.p[511], 'k');

    /* sha256sum of ["kkk…"] with 513 and of [1,"kkk…"] with 507 letters */
    key_of_length(&key, 't', 513);
    buf_reset(&f->scratch);
    assert_int_equal(bulk_id(&f->scratch, &f->text, buf_str(&key), &e), 0);
    assert_string_equal(
        buf_z(&f->scratch),
        "sha256:"
        "1a680f385c86f1be5b9b00217ce4210309085bee89438b00c6b319b2b13324d2");
    key_of_length(&key, '2', 506);
    buf_reset(&f->scratch);
    assert_int_equal(bulk_id(&f->scratch, &f->two, buf_str(&key), &e), 0);
    assert_int_equal(f->scratch.len, 512);
    key_of_length(&key, '2', 507);
    buf_reset(&f->scratch);
    assert_int_equal(bulk_id(&f->scratch, &f->two, buf_str(&key), &e), 0);
    assert_string_equal(
        buf_z(&f->scratch),
        "sha256:"
        "450e688f19244c8586bf59add2ad7ed948171e65514b0a7f6c1622730ab2c127");
    buf_fini(&key);
}

static struct item item(enum event_op op, const char *key, const char *after,
                        uint64_t version)
{
    struct item it = {
        .version = version,
        .ev = { .op = op, .key = str_of(key), .after = str_of(after) }
    };

    it.ev.tombstone = op == EVENT_DELETE && !after;
    return it;
}

static void test_put(void **state)
{
    struct fixture *f = *state;
    struct item write = item(EVENT_CREATE, "{\"id\":\"a\\\"\"}",
                             "{\"id\":\"a\\\"\",\"n\": 1.50}", INT64_MAX);
    struct item forged =
        item(EVENT_READ, "{\"id\":\"b\"}", "{\"n\":\n{\"delete\":{}}\r\n}", 1);
    struct item gone = item(EVENT_DELETE, "{\"id\":\"c\"}", NULL, 2);
    struct err e;

    assert_int_equal(bulk_put(&f->body, &f->scratch, &f->text, &write, &e), 0);
    assert_int_equal(bulk_put(&f->body, &f->scratch, &f->text, &forged, &e), 0);
    assert_int_equal(bulk_put(&f->body, &f->scratch, &f->text, &gone, &e), 0);
    bulk_guard(&f->body, &f->text);
    assert_string_equal(
        buf_z(&f->body),
        "{\"index\":{\"_index\":\"t\",\"_id\":\"a\\\"\",\"version\":"
        "9223372036854775807,\"version_type\":\"external\"}}\n"
        "{\"id\":\"a\\\"\",\"n\": 1.50}\n"
        "{\"index\":{\"_index\":\"t\",\"_id\":\"b\",\"version\":1,"
        "\"version_type\":\"external\"}}\n"
        "{\"n\": {\"delete\":{}}  }\n"
        "{\"delete\":{\"_index\":\"t\",\"_id\":\"c\",\"version\":2,"
        "\"version_type\":\"external\"}}\n"
        "{\"update\":{\"_index\":\"t\",\"_id\":\"sha256:guard\"}}\n"
        "{\"doc\":{}}\n");
}

/* What cannot be written leaves the request as it was. */
static void test_put_refused(void **state)
{
    struct fixture *f = *state;
    struct item bad[] = {
        item(EVENT_CREATE, "{\"id\":\"a\"}", "[1]", 1),
        item(EVENT_CREATE, "{\"id\":\"a\"}", "", 1),
        item(EVENT_CREATE, "{\"id\":\"\xff\"}", "{}", 1),
        item(EVENT_CREATE, "{\"x\":\"a\"}", "{}", 1),
        item(EVENT_DELETE, "{\"id\":\"\\ud800\"}", NULL, 1),
    };
    struct err e;

    buf_lit(&f->body, "before");
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        e = (struct err){ 0 };
        assert_int_equal(bulk_put(&f->body, &f->scratch, &f->text, &bad[i], &e),
                         -1);
        assert_int_equal(e.kind, ERR_INPUT);
        assert_string_equal(buf_z(&f->body), "before");
        assert_true(buf_ok(&f->body));
    }
}

#define INDEX(rest) "{\"index\":{\"_id\":\"a\"," rest "}}"
#define DELETE(rest) "{\"delete\":{\"_id\":\"a\"," rest "}}"
#define ERROR(type, reason) \
    "\"error\":{\"type\":\"" type "\",\"reason\":\"" reason "\"}"
#define CONFLICT(reason) \
    "\"status\":409," ERROR("version_conflict_engine_exception", reason)

/* One action of version 7 on the document "a". */
static const struct {
    bool deletion;
    const char *element;
    enum verdict verdict;
    const char *why;
} judged[] = {
    { false, INDEX("\"status\":201"), VERDICT_DONE, "" },
    { false, INDEX("\"status\":200"), VERDICT_DONE, "" },
    { true, DELETE("\"status\":200"), VERDICT_DONE, "" },
    { true, DELETE("\"status\":404"), VERDICT_DONE, "" },
    { false, INDEX("\"status\":404"), VERDICT_RETRY, "status 404, no error" },
    { true, DELETE("\"status\":404," ERROR("index_not_found_exception", "no")),
      VERDICT_RETRY, "status 404, index_not_found_exception" },
    { false, INDEX("\"status\":404," ERROR("index_not_found_exception", "no")),
      VERDICT_RETRY, "status 404, index_not_found_exception" },
    { false,
      INDEX(CONFLICT("[a]: version conflict, current version [8] is higher or "
                     "equal to the one provided [7]")),
      VERDICT_DONE, "" },
    { false,
      INDEX(CONFLICT("[a]: version conflict, current version [7] is higher or "
                     "equal to the one provided [7]")),
      VERDICT_DONE, "" },
    { true,
      DELETE(CONFLICT("[a]: version conflict, current version [7] is higher "
                      "or equal to the one provided [7]")),
      VERDICT_DONE, "" },
    /* not newer than ours: somebody else's versions */
    { false, INDEX(CONFLICT("[a]: current version [6] is")), VERDICT_RETRY,
      "status 409, version_conflict_engine_exception" },
    { false, INDEX(CONFLICT("[current version [9]]: current version [6] is")),
      VERDICT_RETRY, "status 409, version_conflict_engine_exception" },
    { false, INDEX(CONFLICT("[a]: required seqNo [3]")), VERDICT_RETRY,
      "status 409, version_conflict_engine_exception" },
    { false, INDEX(CONFLICT("[a]: current version [-1] x")), VERDICT_RETRY,
      "status 409, version_conflict_engine_exception" },
    { false, INDEX(CONFLICT("[a]: current version [9")), VERDICT_RETRY,
      "status 409, version_conflict_engine_exception" },
    { false, INDEX("\"status\":408," ERROR("x", "")), VERDICT_RETRY,
      "status 408, x" },
    { false,
      INDEX("\"status\":429," ERROR("es_rejected_execution_exception", "")),
      VERDICT_RETRY, "status 429, es_rejected_execution_exception" },
    { false, INDEX("\"status\":503," ERROR("unavailable_shards_exception", "")),
      VERDICT_RETRY, "status 503, unavailable_shards_exception" },
    { false, INDEX("\"status\":500," ERROR("z", "")), VERDICT_RETRY,
      "status 500, z" },
    { false, INDEX("\"status\":403," ERROR("cluster_block_exception", "")),
      VERDICT_RETRY, "status 403, cluster_block_exception" },
    { false, INDEX("\"status\":403," ERROR("security_exception", "")),
      VERDICT_RETRY, "status 403, security_exception" },
    { false, INDEX("\"status\":401," ERROR("security_exception", "")),
      VERDICT_RETRY, "status 401, security_exception" },
    { false, INDEX("\"status\":400," ERROR("index_closed_exception", "")),
      VERDICT_RETRY, "status 400, index_closed_exception" },
    { false,
      INDEX("\"status\":400," ERROR("illegal_argument_exception",
                                    "no write index is defined for alias [t]")),
      VERDICT_RETRY, "status 400, illegal_argument_exception" },
    { false,
      INDEX("\"status\":400," ERROR(
          "document_parsing_exception",
          "[1:6] failed to parse field [n] of type [long] in document with id "
          "'a'. Preview of field's value: 'secret'")),
      VERDICT_REJECT, "status 400, document_parsing_exception, field [n]" },
    { false,
      INDEX("\"status\":400," ERROR("mapper_parsing_exception", "bad secret")),
      VERDICT_REJECT, "status 400, mapper_parsing_exception" },
    { false, INDEX("\"status\":302"), VERDICT_RETRY, "status 302, no error" },
    { false, INDEX("\"error\":{},\"status\":400"), VERDICT_RETRY,
      "status 400, " },
};

static void answer_write(struct buf *b, const char *elements)
{
    buf_reset(b);
    buf_printf(b, "{\"items\":[%s]}", elements);
}

static void test_judge(void **state)
{
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT_OF(judged); i++) {
        struct item it = item(judged[i].deletion ? EVENT_DELETE : EVENT_UPDATE,
                              "{\"id\":\"a\"}", "{}", 7);
        struct bulk_action action = { .it = &it, .table = &f->text };

        answer_write(&f->body, judged[i].element);
        assert_int_equal(
            bulk_judge(buf_str(&f->body), &action, 1, 0, &f->scratch), 0);
        if (it.verdict != judged[i].verdict ||
            strcmp(it.why, judged[i].why) != 0) {
            fail_msg("%s: %d \"%s\"", judged[i].element, it.verdict, it.why);
        }
    }
}

#define GOOD "{\"index\":{\"_id\":\"a\",\"status\":201}}"
#define GONE "{\"delete\":{\"_id\":\"b\",\"status\":404}}"
#define GUARD                                               \
    "{\"update\":{\"_id\":\"sha256:guard\",\"status\":404," \
    "\"error\":{\"type\":\"document_missing_exception\",\"reason\":\"x\"}}}"
#define LOST                                                \
    "{\"update\":{\"_id\":\"sha256:guard\",\"status\":404," \
    "\"error\":{\"type\":\"index_not_found_exception\",\"reason\":\"x\"}}}"

/* Answers that are not one for a write of "a", a delete of "b" and a guard. */
static const char *const mismatches[] = {
    "",
    "<html>502 Bad Gateway</html>",
    "{}",
    "{\"items\":[]}",
    "{\"items\":{}}",
    "{\"items\":[" GOOD "]}",
    "{\"items\":[" GOOD "," GONE "]}",
    "{\"items\":[" GOOD "," GONE "," GUARD "," GOOD "]}",
    "{\"items\":[" GONE "," GOOD "," GUARD "]}",
    "{\"items\":[" GOOD "," GOOD "," GUARD "]}",
    "{\"items\":[" GOOD "," GONE "," GOOD "]}",
    "{\"items\":[" GOOD "," GONE "," GUARD,
    "{\"items\":[" GOOD "," GONE "," GUARD "}",
    "{\"items\":[" GOOD ",{\"delete\":{\"_id\":\"c\",\"status\":404}}," GUARD
    "]}",
    "{\"items\":[" GOOD ",{\"delete\":{\"status\":404}}," GUARD "]}",
    "{\"items\":[" GOOD ",{\"delete\":{\"_id\":\"b\"}}," GUARD "]}",
    "{\"items\":[" GOOD
    ",{\"delete\":{\"_id\":\"b\",\"status\":\"404\"}}," GUARD "]}",
    "{\"items\":[" GOOD ",{\"delete\":404}," GUARD "]}",
    "{\"items\":[" GOOD ",{}," GUARD "]}",
    "{\"items\":[" GOOD "," GONE "," LOST "]}",
};

static void test_mismatch(void **state)
{
    struct fixture *f = *state;
    struct item items[] = {
        item(EVENT_CREATE, "{\"id\":\"a\"}", "{}", 1),
        item(EVENT_DELETE, "{\"id\":\"b\"}", NULL, 1),
    };
    struct bulk_action actions[] = { { &items[0], &f->text },
                                     { &items[1], &f->text } };

    for (size_t i = 0; i < COUNT_OF(mismatches); i++) {
        items[0].verdict = items[1].verdict = VERDICT_PENDING;
        assert_int_equal(
            bulk_judge(str_of(mismatches[i]), actions, 2, 1, &f->scratch), -1);
        assert_int_equal(items[0].verdict, VERDICT_RETRY);
        assert_int_equal(items[1].verdict, VERDICT_RETRY);
    }
    assert_string_equal(items[1].why, "an alias is missing");
    assert_int_equal(
        bulk_judge(STR("{\"items\":[" GOOD "," GONE "," GUARD "]}"), actions, 2,
                   1, &f->scratch),
        0);
    assert_int_equal(items[0].verdict, VERDICT_DONE);
    assert_int_equal(items[1].verdict, VERDICT_DONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_id, setup, teardown),
        cmocka_unit_test_setup_teardown(test_long_id, setup, teardown),
        cmocka_unit_test_setup_teardown(test_put, setup, teardown),
        cmocka_unit_test_setup_teardown(test_put_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_judge, setup, teardown),
        cmocka_unit_test_setup_teardown(test_mismatch, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
