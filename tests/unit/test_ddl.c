/* links: sink_clickhouse_core */
/* ddl.h: statements, and what is there held against a shape. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sink-clickhouse/ddl.h"

static struct shape_column columns[] = {
    { .name = "id", .class = SHAPE_TEXT, .typmod = -1, .key_index = 2 },
    { .name = "a`b\\c\n", .class = SHAPE_ENUM, .typmod = -1, .key_index = 1 },
    { .name = "price",
      .class = SHAPE_NUMERIC,
      .typmod = (10 << 16 | 2) + 4,
      .nullable = true },
};

static struct shape shape = {
    .schema = "public",
    .name = "User",
    .topic = "cdc.public.User",
    .profile = "sink",
    .column_count = COUNT_OF(columns),
    .key_count = 2,
    .columns = columns,
};

static const struct ddl ddl = { .database = "knowton",
                                .pipeline = "cdc",
                                .shape = &shape,
                                .deleted_argument = true };

static void test_statements(void **state)
{
    struct ddl d = ddl;
    struct shape other = shape;
    struct buf b;

    (void)state;
    buf_init(&b, 10000);
    ddl_create_database(&b, &d);
    assert_string_equal(buf_z(&b), "CREATE DATABASE IF NOT EXISTS `knowton`");
    buf_reset(&b);
    ddl_create_table(&b, &d);
    assert_string_equal(
        buf_z(&b), "CREATE TABLE IF NOT EXISTS `knowton`.`User` (`id` String, "
                   "`a\\`b\\\\c\n` LowCardinality(String), "
                   "`price` Nullable(Decimal(10, 2)), `_version` UInt64, "
                   "`is_deleted` UInt8) "
                   "ENGINE = ReplacingMergeTree(`_version`, `is_deleted`) "
                   "ORDER BY (`a\\`b\\\\c\n`, `id`) "
                   "SETTINGS fsync_after_insert = 1, fsync_part_directory = 1 "
                   "COMMENT '{\"data-sync\":{\"pipeline\":\"cdc\","
                   "\"table\":\"public.User\"}}'");
    buf_reset(&b);
    ddl_create_view(&b, &d);
    assert_string_equal(buf_z(&b),
                        "CREATE VIEW IF NOT EXISTS `knowton`.`User_current` "
                        "AS SELECT `id`, `a\\`b\\\\c\n`, `price` FROM "
                        "`knowton`.`User` FINAL WHERE `is_deleted` = 0");

    /* before 23.2, in another schema, with one key column, with quotes */
    other.schema = (char[]){ "it's" };
    other.name = (char[]){ "x\"y" };
    d = (struct ddl){ .database = "k`", .pipeline = "c", .shape = &other };
    columns[1].key_index = 0;
    columns[0].key_index = 1;
    other.key_count = 1;
    buf_reset(&b);
    ddl_create_table(&b, &d);
    assert_non_null(strstr(buf_z(&b), "`k\\``.`it's_x\"y` ("));
    assert_non_null(strstr(buf_z(&b), "ENGINE = ReplacingMergeTree(`_version`) "
                                      "ORDER BY `id` SETTINGS"));
    assert_non_null(strstr(buf_z(&b), "\"table\":\"it\\'s.x\\\\\"y\"}}'"));
    buf_reset(&b);
    ddl_ask_tables(&b, &d);
    assert_non_null(strstr(buf_z(&b),
                           "WHERE database = 'k`' AND name IN ('it\\'s_x\"y', "
                           "'it\\'s_x\"y_current') FORMAT JSONCompact"));
    columns[0].key_index = 2;
    columns[1].key_index = 1;
    buf_fini(&b);
}

static void test_shape(void **state)
{
    struct shape bad = shape;
    struct shape_column own[] = { columns[0], columns[1] };
    struct err e = { 0 };

    (void)state;
    assert_int_equal(ddl_shape_check(&shape, &e), 0);
    bad.profile = (char[]){ "debezium" };
    assert_int_equal(ddl_shape_check(&bad, &e), -1);
    assert_non_null(strstr(e.text, "debezium"));
    bad = shape;
    bad.key_count = 0;
    assert_int_equal(ddl_shape_check(&bad, &e), -1);
    assert_int_equal(e.kind, ERR_FATAL);
    bad = shape;
    bad.columns = own;
    bad.column_count = COUNT_OF(own);
    own[1].name = (char[]){ "is_deleted" };
    assert_int_equal(ddl_shape_check(&bad, &e), -1);
    assert_non_null(strstr(e.text, "is_deleted"));
    own[1].name = (char[]){ "_version" };
    assert_int_equal(ddl_shape_check(&bad, &e), -1);
    assert_non_null(strstr(e.text, "rename"));
    own[1].name = (char[]){ "_VERSION" };
    assert_int_equal(ddl_shape_check(&bad, &e), 0);
}

#define ENGINE "\"ReplacingMergeTree\""
#define FULL "\"ReplacingMergeTree(_version, is_deleted) ORDER BY x\""
#define KEY "\"`a\\\\`b\\\\\\\\c\\\\n`, id\""
#define OURS                                                            \
    "\"{\\\"data-sync\\\":{\\\"pipeline\\\":\\\"cdc\\\",\\\"table\\\":" \
    "\\\"public.User\\\"}}\""
#define TABLE(engine, full, key, partition, comment) \
    "[\"User\"," engine "," full "," key "," partition "," comment "]"
#define GOOD TABLE(ENGINE, FULL, KEY, "\"\"", OURS)
#define VIEW "[\"User_current\",\"View\",\"\",\"\",\"\",\"\"]"
#define COLUMNS                                              \
    "[\"User\",\"id\",\"String\"],"                          \
    "[\"User\",\"a`b\\\\c\\n\",\"LowCardinality(String)\"]," \
    "[\"User\",\"price\",\"Nullable(Decimal(10, 2))\"],"     \
    "[\"User\",\"_version\",\"UInt64\"],[\"User\",\"is_deleted\",\"UInt8\"]"
#define VIEW_COLUMNS                                                 \
    "[\"User_current\",\"id\",\"String\"],"                          \
    "[\"User_current\",\"a`b\\\\c\\n\",\"LowCardinality(String)\"]," \
    "[\"User_current\",\"price\",\"Nullable(Decimal(10, 2))\"]"

static const struct {
    const char *name, *tables, *columns;
    enum err_kind kind;
    const char *why; /* part of the text */
    bool table, view;
} cases[] = {
    { "nothing", "", "", ERR_NONE, NULL, false, false },
    { "table", GOOD, COLUMNS, ERR_NONE, NULL, true, false },
    { "both", VIEW "," GOOD, COLUMNS "," VIEW_COLUMNS, ERR_NONE, NULL, true,
      true },
    { "replicated",
      TABLE("\"ReplicatedReplacingMergeTree\"",
            "\"ReplicatedReplacingMergeTree('/a/b', 'r', _version, "
            "is_deleted) ORDER BY x\"",
            KEY, "\"\"", OURS),
      COLUMNS, ERR_NONE, NULL, true, false },
    { "before 23.2",
      TABLE(ENGINE, "\"ReplacingMergeTree(_version) ORDER BY x\"", KEY, "\"\"",
            OURS),
      COLUMNS, ERR_NONE, NULL, true, false },
    { "other engine",
      TABLE("\"MergeTree\"", "\"MergeTree\"", KEY, "\"\"", OURS), COLUMNS,
      ERR_FATAL, "engine is MergeTree", false, false },
    { "other version column",
      TABLE(ENGINE, "\"ReplacingMergeTree(my_version) ORDER BY x\"", KEY,
            "\"\"", OURS),
      COLUMNS, ERR_FATAL, "engine is ReplacingMergeTree(my_version)", false,
      false },
    { "no version column",
      TABLE(ENGINE, "\"ReplacingMergeTree ORDER BY x\"", KEY, "\"\"", OURS),
      COLUMNS, ERR_FATAL, "engine is ReplacingMergeTree ORDER", false, false },
    { "order of the key",
      TABLE(ENGINE, FULL, "\"id, `a\\\\`b\\\\\\\\c\\\\n`\"", "\"\"", OURS),
      COLUMNS, ERR_FATAL, "not the key of public.User", false, false },
    { "part of the key",
      TABLE(ENGINE, FULL, "\"`a\\\\`b\\\\\\\\c\\\\n`\"", "\"\"", OURS), COLUMNS,
      ERR_FATAL, "not the key", false, false },
    { "more than the key",
      TABLE(ENGINE, FULL, "\"`a\\\\`b\\\\\\\\c\\\\n`, id, price\"", "\"\"",
            OURS),
      COLUMNS, ERR_FATAL, "not the key", false, false },
    { "in parentheses",
      TABLE(ENGINE, FULL, "\"(`a\\\\`b\\\\\\\\c\\\\n`, `id`)\"", "\"\"", OURS),
      COLUMNS, ERR_NONE, NULL, true, false },
    { "partitioned", TABLE(ENGINE, FULL, KEY, "\"toYYYYMM(x)\"", OURS), COLUMNS,
      ERR_FATAL, "partitioned by toYYYYMM(x)", false, false },
    { "not ours", TABLE(ENGINE, FULL, KEY, "\"\"", "\"\""), COLUMNS, ERR_FATAL,
      "is not ours", false, false },
    { "a word as comment", TABLE(ENGINE, FULL, KEY, "\"\"", "\"hello\""),
      COLUMNS, ERR_FATAL, "MODIFY COMMENT", false, false },
    { "another table's",
      TABLE(ENGINE, FULL, KEY, "\"\"",
            "\"{\\\"data-sync\\\":{\\\"pipeline\\\":\\\"cdc\\\","
            "\\\"table\\\":\\\"x.y\\\"}}\""),
      COLUMNS, ERR_FATAL, "the tables x.y and public.User both", false, false },
    { "another pipeline's",
      TABLE(ENGINE, FULL, KEY, "\"\"",
            "\"{\\\"data-sync\\\":{\\\"pipeline\\\":\\\"p2\\\","
            "\\\"table\\\":\\\"public.User\\\"}}\""),
      COLUMNS, ERR_FATAL, "belongs to pipeline \"p2\"", false, false },
    { "a table where the view goes",
      "[\"User_current\",\"MergeTree\",\"\",\"\",\"\",\"\"]", "", ERR_FATAL,
      "is no view", false, false },
    { "a column's type", GOOD, "[\"User\",\"id\",\"Nullable(String)\"]",
      ERR_FATAL, "column \"id\" is Nullable(String) and should be String",
      false, false },
    { "a column's name", GOOD, "[\"User\",\"ID\",\"String\"]", ERR_FATAL,
      "column 1 is \"ID\" and should be \"id\"", false, false },
    { "a column less", GOOD, "[\"User\",\"id\",\"String\"]", ERR_FATAL,
      "lacks column \"a`b\\c \"", false, false },
    { "a column more", GOOD, COLUMNS ",[\"User\",\"new\",\"String\"]",
      ERR_FATAL, "has a column \"new\" too many", false, false },
    { "another view", VIEW "," GOOD,
      COLUMNS ",[\"User_current\",\"id\",\"String\"]", ERR_FATAL,
      "User_current lacks column", false, false },
    { "no answer", NULL, "", ERR_RETRY, "not readable", false, false },
};

static void wrap(struct buf *b, const char *rows)
{
    if (rows) {
        buf_printf(b, "{\"meta\":[],\"data\":[%s],\"rows\":1}", rows);
    } else {
        buf_lit(b, "<html>");
    }
}

static void test_check(void **state)
{
    struct buf tables, rows;

    (void)state;
    buf_init(&tables, 10000);
    buf_init(&rows, 10000);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct ddl_found found = { false, false };
        struct err e = { 0 };
        int rc;

        buf_reset(&tables);
        buf_reset(&rows);
        wrap(&tables, cases[i].tables);
        wrap(&rows, cases[i].columns);
        rc = ddl_check(&ddl, buf_str(&tables), buf_str(&rows), &found, &e);
        if (e.kind != cases[i].kind || (rc < 0) != (e.kind != ERR_NONE) ||
            (cases[i].why && !strstr(e.text, cases[i].why)) ||
            found.table != cases[i].table || found.view != cases[i].view) {
            fail_msg("%s: %d %s", cases[i].name, rc, e.text);
        }
    }
    buf_fini(&rows);
    buf_fini(&tables);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_statements),
        cmocka_unit_test(test_shape),
        cmocka_unit_test(test_check),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
