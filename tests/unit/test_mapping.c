/* links: sink_es_core */
/* mapping.h: names, mapping, and what is there against a shape. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <cjson/cJSON.h>

#include "sink-es/mapping.h"

static const struct {
    const char *schema, *table, *alias;
} names[] = {
    { "public", "User", "user" },
    { "public", "RoyaltyPayment", "royaltypayment" },
    { "shop", "User", "shop.user" },
    { "Public", "t", "public.t" },
    { "public", "a b/c\\d*e?f\"g<h>i|j,k#l:m", "a_b_c_d_e_f_g_h_i_j_k_l_m" },
    { "public", "tab\tnew\nline\x7f", "tab_new_line_" },
    { "public", "_x", "x_x" },
    { "public", "-x", "x-x" },
    { "public", "+x", "x+x" },
    { "public", ".x", "x.x" },
    { "public", "*", "x_" },
    { "_a", "_b", "x_a._b" },
    { "public", "a_-+.b", "a_-+.b" },
    { "public", "\xc3\x84\xc3\x96\xc3\x9c\xc3\x9f", /* ÄÖÜß */
      "\xc3\xa4\xc3\xb6\xc3\xbc\xc3\x9f" },
    { "public", "\xc3\x97\xc3\xb7", "\xc3\x97\xc3\xb7" }, /* × ÷ */
    { "public", "\xc5\x81\xc5\xbb\xc5\xb8\xc4\x8c",       /* ŁŻŸČ */
      "\xc5\x82\xc5\xbc\xc3\xbf\xc4\x8d" },
    { "public", "\xce\x91\xce\xa9\xce\xb1", "\xce\xb1\xcf\x89\xce\xb1" },
    { "public", "\xd0\x90\xd0\xaf\xd0\x81\xd1\x8f", /* АЯЁя */
      "\xd0\xb0\xd1\x8f\xd1\x91\xd1\x8f" },
    { "public", "\xe6\xbc\xa2\xf0\x9f\x98\x80",
      "\xe6\xbc\xa2\xf0\x9f\x98\x80" },
    { "public", "cut\xc3", "cut\xc3" },
};

static void test_names(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 1000);
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        struct shape shape = { .schema = (char *)(uintptr_t)names[i].schema,
                               .name = (char *)(uintptr_t)names[i].table };

        buf_reset(&b);
        mapping_alias(&b, &shape);
        assert_string_equal(buf_z(&b), names[i].alias);
    }
    buf_reset(&b);
    mapping_index(&b, "user");
    assert_string_equal(buf_z(&b), "user-000001");
    buf_fini(&b);
}

static void test_fields(void **state)
{
    static const struct {
        enum shape_class class;
        const char *field;
    } fields[] = {
        { SHAPE_BOOL, "boolean" },     { SHAPE_INT2, "short" },
        { SHAPE_INT4, "integer" },     { SHAPE_INT8, "long" },
        { SHAPE_OID, "long" },         { SHAPE_FLOAT4, "float" },
        { SHAPE_FLOAT8, "double" },    { SHAPE_NUMERIC, "double" },
        { SHAPE_TEXT, "text" },        { SHAPE_ENUM, "keyword" },
        { SHAPE_UUID, "keyword" },     { SHAPE_DATE, "date" },
        { SHAPE_TIMESTAMP, "date" },   { SHAPE_TIMESTAMPTZ, "date" },
        { SHAPE_TIME, "keyword" },     { SHAPE_JSON, "object" },
        { SHAPE_BYTEA, "binary" },     { SHAPE_BIT, "keyword" },
        { SHAPE_HSTORE, "flattened" }, { SHAPE_OTHER, "keyword" },
    };

    (void)state;
    assert_int_equal(COUNT_OF(fields), SHAPE_CLASS_COUNT);
    for (size_t i = 0; i < COUNT_OF(fields); i++) {
        struct shape_column column = { .class = fields[i].class };

        assert_string_equal(mapping_field(&column), fields[i].field);
        column.array = true;
        assert_string_equal(mapping_field(&column), fields[i].field);
    }
}

static struct shape_column columns[] = {
    { .name = "id", .class = SHAPE_TEXT, .typmod = -1, .key_index = 1 },
    { .name = "a \"b\".c", .class = SHAPE_NUMERIC, .typmod = -1 },
    { .name = "doc", .class = SHAPE_JSON, .typmod = -1 },
};

static const struct shape shape = {
    .schema = (char[]){ "public" },
    .name = (char[]){ "User" },
    .profile = (char[]){ "sink" },
    .fingerprint = "00c5",
    .column_count = COUNT_OF(columns),
    .key_count = 1,
    .columns = columns,
};

static const struct mapping mapping = { .shape = &shape,
                                        .pipeline = "cdc",
                                        .alias = "user",
                                        .shards = -1,
                                        .replicas = -1,
                                        .searchable = true };

static void test_create(void **state)
{
    struct mapping m = mapping;
    struct buf b;
    cJSON *root;

    (void)state;
    buf_init(&b, 10000);
    mapping_create(&b, &m);
    assert_string_equal(
        buf_z(&b),
        "{\"aliases\":{\"user\":{\"is_write_index\":true}},"
        "\"settings\":{\"index.mapping.total_fields.limit\":1000,"
        "\"index.mapping.depth.limit\":100,\"index.gc_deletes\":\"15m\","
        "\"index.translog.durability\":\"request\","
        "\"index.default_pipeline\":\"_none\","
        "\"index.final_pipeline\":\"_none\"},"
        "\"mappings\":{\"_meta\":{\"data-sync\":{\"pipeline\":\"cdc\","
        "\"table\":\"public.User\",\"schema\":\"00c5\",\"columns\":{"
        "\"id\":\"text\",\"a \\\"b\\\".c\":\"double\",\"doc\":\"object\"}}},"
        "\"dynamic\":false,\"date_detection\":false,"
        "\"numeric_detection\":false,\"properties\":{"
        "\"id\":{\"type\":\"text\",\"fields\":{\"keyword\":{\"type\":"
        "\"keyword\",\"ignore_above\":8191}}},"
        "\"a \\\"b\\\".c\":{\"type\":\"double\",\"ignore_malformed\":true},"
        "\"doc\":{\"type\":\"object\",\"enabled\":false}}}}");
    m.searchable = false;
    m.shards = 3;
    m.replicas = 0;
    buf_reset(&b);
    mapping_create(&b, &m);
    root = cJSON_Parse(buf_z(&b));
    assert_non_null(root);
    cJSON_Delete(root);
    assert_non_null(strstr(buf_z(&b), ",\"enabled\":false}}"));
    assert_null(strstr(buf_z(&b), "properties"));
    assert_non_null(strstr(buf_z(&b), "\"index.number_of_shards\":3,"
                                      "\"index.number_of_replicas\":0"));
    buf_fini(&b);
}

static void test_shape(void **state)
{
    struct shape bad = shape;
    char name[300];
    struct err e = { 0 };

    (void)state;
    assert_int_equal(mapping_shape_check(&shape, &e), 0);
    bad.profile = (char[]){ "debezium" };
    assert_int_equal(mapping_shape_check(&bad, &e), -1);
    assert_non_null(strstr(e.text, "debezium"));
    bad = shape;
    bad.key_count = 0;
    assert_int_equal(mapping_shape_check(&bad, &e), -1);
    bad = shape;
    memset(name, 'x', sizeof(name));
    name[248] = '\0';
    bad.name = name;
    assert_int_equal(mapping_shape_check(&bad, &e), 0);
    name[248] = 'x';
    name[249] = '\0';
    assert_int_equal(mapping_shape_check(&bad, &e), -1);
    assert_int_equal(e.kind, ERR_FATAL);
}

#define OURS "\"pipeline\":\"cdc\",\"table\":\"public.User\""
#define COLUMNS                                     \
    "\"id\":\"text\",\"a \\\"b\\\".c\":\"double\"," \
    "\"doc\":\"object\""
#define META(owner, columns) \
    "\"_meta\":{\"data-sync\":{" owner ",\"columns\":{" columns "}}}"
#define SETTINGS                                                              \
    "\"index.translog.durability\":\"request\",\"index.gc_deletes\":\"15m\"," \
    "\"index.final_pipeline\":\"_none\""
#define ANSWER(name, mappings, settings)                         \
    "{\"" name "\":{\"aliases\":{},\"mappings\":{" mappings "}," \
    "\"settings\":{" settings "}}}"
#define GOOD META(OURS, COLUMNS)
#define INDEX "user-000001"

static const struct {
    const char *name, *answer;
    enum err_kind kind;
    const char *why;
} cases[] = {
    { "as made", ANSWER(INDEX, GOOD, SETTINGS), ERR_NONE, "" },
    { "after a rebuild", ANSWER("user-000002", GOOD, SETTINGS), ERR_NONE, "" },
    { "longer memory", ANSWER(INDEX, GOOD, "\"index.gc_deletes\":\"1h\""),
      ERR_NONE, "" },
    { "in seconds", ANSWER(INDEX, GOOD, "\"index.gc_deletes\":\"900s\""),
      ERR_NONE, "" },
    { "source named",
      ANSWER(INDEX, GOOD ",\"_source\":{\"enabled\":true}", SETTINGS), ERR_NONE,
      "" },
    { "no answer", "<html>", ERR_RETRY, "not readable" },
    { "empty", "{}", ERR_RETRY, "not readable" },
    { "foreign", ANSWER(INDEX, "", SETTINGS), ERR_FATAL, "no _meta of ours" },
    { "foreign, an index itself", ANSWER("user", "\"_meta\":{\"x\":1}", ""),
      ERR_FATAL, "index user has no _meta of ours" },
    { "no alias", ANSWER("user", GOOD, SETTINGS), ERR_FATAL,
      "where an alias of that name must be" },
    { "another table's",
      ANSWER(INDEX, META("\"pipeline\":\"cdc\",\"table\":\"x.User\"", COLUMNS),
             SETTINGS),
      ERR_FATAL, "the tables x.User and public.User both" },
    { "another pipeline's",
      ANSWER(INDEX,
             META("\"pipeline\":\"p2\",\"table\":\"public.User\"", COLUMNS),
             SETTINGS),
      ERR_FATAL, "belongs to pipeline \"p2\"" },
    { "two indices", "{\"a\":{\"mappings\":{}},\"b\":{\"mappings\":{}}}",
      ERR_FATAL, "more than one index (a, b)" },
    { "another type", ANSWER(INDEX, META(OURS, "\"id\":\"keyword\""), SETTINGS),
      ERR_FATAL, "column \"id\" is a keyword field and should be text" },
    { "a column less", ANSWER(INDEX, META(OURS, "\"id\":\"text\""), SETTINGS),
      ERR_FATAL, "made without column \"a \"b\".c\"" },
    { "a column more",
      ANSWER(INDEX, META(OURS, COLUMNS ",\"z\":\"long\""), SETTINGS), ERR_FATAL,
      "made with column \"z\", which public.User lacks" },
    { "async translog",
      ANSWER(INDEX, GOOD,
             "\"index.translog.durability\":\"async\","
             "\"index.gc_deletes\":\"15m\""),
      ERR_FATAL, "translog.durability is async" },
    { "short memory", ANSWER(INDEX, GOOD, "\"index.gc_deletes\":\"899s\""),
      ERR_FATAL, "gc_deletes is 899s" },
    { "default memory", ANSWER(INDEX, GOOD, ""), ERR_FATAL,
      "gc_deletes is 60s" },
    { "a pipeline",
      ANSWER(INDEX, GOOD,
             "\"index.gc_deletes\":\"15m\",\"index.final_pipeline\":\"p\""),
      ERR_FATAL, "final_pipeline p" },
    { "source cut",
      ANSWER(INDEX, GOOD ",\"_source\":{\"excludes\":[\"doc\"]}", SETTINGS),
      ERR_FATAL, "changes _source (excludes)" },
    { "no source",
      ANSWER(INDEX, GOOD ",\"_source\":{\"enabled\":false}", SETTINGS),
      ERR_FATAL, "changes _source (enabled)" },
};

static void test_check(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct err e = { 0 };
        int rc = mapping_check(&mapping, str_of(cases[i].answer), &e);

        if (e.kind != cases[i].kind || (rc < 0) != (e.kind != ERR_NONE) ||
            !strstr(e.text, cases[i].why)) {
            fail_msg("%s: %d %s", cases[i].name, rc, e.text);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),  cmocka_unit_test(test_fields),
        cmocka_unit_test(test_create), cmocka_unit_test(test_shape),
        cmocka_unit_test(test_check),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
