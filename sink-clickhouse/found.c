/* The second half of ddl.h: what is there already, held against a shape. */
#include <cjson/cJSON.h>

#include "sink-clickhouse/cell.h"
#include "sink-clickhouse/ddl.h"

enum { NAME_MAX_BYTES = 64 << 10 };

#define REMEDY                                                               \
    "this version follows no change of shape: rename or drop it, reset the " \
    "group's offsets and start again"

/* Texts of one column of a row; "" when it is none. */
static const char *cell_text(const cJSON *row, int index)
{
    const char *text = cJSON_GetStringValue(cJSON_GetArrayItem(row, index));

    return text ? text : "";
}

/* {"data":[[...],...]} -> the rows, or NULL; `ret_root` is the caller's. */
static const cJSON *answer_rows(struct str answer, cJSON **ret_root)
{
    const cJSON *rows;

    *ret_root = cJSON_ParseWithLength(answer.p, answer.len);
    rows = cJSON_GetObjectItemCaseSensitive(*ret_root, "data");
    return cJSON_IsArray(rows) ? rows : NULL;
}

static const cJSON *row_of(const cJSON *rows, const char *name)
{
    const cJSON *row;

    cJSON_ArrayForEach(row, rows)
    {
        if (strcmp(cell_text(row, 0), name) == 0) {
            return row;
        }
    }
    return NULL;
}

/* One name at the front of a sorting key as ClickHouse prints it, bare or in
   backticks with backslash escapes. */
static bool key_name_take(const char **text, const char *name)
{
    static const char from[] = "nrtbf0", to[] = "\n\r\t\b\f";
    const char *p = *text;
    bool quoted = *p == '`';

    p += quoted;
    for (; *name; name++, p++) {
        char c = *p;

        if (quoted && c == '\\') {
            const char *letter = p[1] ? strchr(from, p[1]) : NULL;

            p++;
            c = letter ? to[letter - from] : *p;
        }
        if (c != *name) {
            return false;
        }
    }
    if (quoted && *p++ != '`') {
        return false;
    }
    *text = p;
    return true;
}

/* Is `text` ("id, `two words`", perhaps in parentheses) the shape's key? */
static bool key_is(const char *text, const struct shape *shape)
{
    bool open = *text == '(';

    text += open;
    for (unsigned i = 1; i <= shape->key_count; i++) {
        if (i > 1) {
            if (strncmp(text, ", ", 2) != 0) {
                return false;
            }
            text += 2;
        }
        if (!key_name_take(&text, shape_key_column(shape, i)->name)) {
            return false;
        }
    }
    return strcmp(text, open ? ")" : "") == 0;
}

/* ReplacingMergeTree, also Replicated or Shared, by our version column. */
static bool engine_is(const char *engine, const char *full)
{
    static const char family[] = "ReplacingMergeTree";
    size_t len = strlen(engine);
    const char *close = strchr(full, ')');
    const char *const ends[] = { DDL_COLUMN_VERSION,
                                 DDL_COLUMN_VERSION ", " DDL_COLUMN_DELETED };

    if (len < sizeof(family) - 1 || !close ||
        strcmp(engine + len - (sizeof(family) - 1), family) != 0) {
        return false;
    }
    for (size_t i = 0; i < COUNT_OF(ends); i++) {
        size_t end = strlen(ends[i]);

        if ((size_t)(close - full) > end &&
            strncmp(close - end, ends[i], end) == 0 &&
            (close[-(ptrdiff_t)end - 1] == '(' ||
             close[-(ptrdiff_t)end - 1] == ' ')) {
            return true;
        }
    }
    return false;
}

/* Whose is it? */
static int owner_check(const struct ddl *d, const char *name,
                       const char *comment, struct err *e)
{
    cJSON *root = cJSON_Parse(comment);
    const cJSON *mark = cJSON_GetObjectItemCaseSensitive(root, "data-sync");
    const char *pipeline = cJSON_GetStringValue(
        cJSON_GetObjectItemCaseSensitive(mark, "pipeline"));
    const char *table =
        cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(mark, "table"));
    struct buf ours;
    int rc = 0;

    buf_init(&ours, NAME_MAX_BYTES);
    buf_printf(&ours, "%s.%s", d->shape->schema, d->shape->name);
    if (!pipeline || !table) {
        rc = err_set(e, ERR_FATAL,
                     "ClickHouse table %s.%s exists and is not ours: rename "
                     "it, or hand it over by ALTER TABLE ... MODIFY COMMENT "
                     "'{\"data-sync\":{\"pipeline\":\"%s\",\"table\":"
                     "\"%s\"}}'",
                     d->database, name, d->pipeline, buf_z(&ours));
    } else if (strcmp(table, buf_z(&ours)) != 0) {
        rc = err_set(e, ERR_FATAL,
                     "the tables %s and %s both go to ClickHouse table "
                     "%s.%s: leave one of them out, or rename it",
                     table, buf_z(&ours), d->database, name);
    } else if (strcmp(pipeline, d->pipeline) != 0) {
        rc = err_set(e, ERR_FATAL,
                     "ClickHouse table %s.%s belongs to pipeline \"%s\", this "
                     "is \"%s\": use another CLICKHOUSE_DATABASE",
                     d->database, name, pipeline, d->pipeline);
    }
    buf_fini(&ours);
    cJSON_Delete(root);
    return rc;
}

static int table_check(const struct ddl *d, const char *name, const cJSON *row,
                       struct err *e)
{
    const char *engine = cell_text(row, 1), *full = cell_text(row, 2);
    const char *key = cell_text(row, 3), *partition = cell_text(row, 4);

    if (owner_check(d, name, cell_text(row, 5), e) < 0) {
        return -1;
    }
    if (!engine_is(engine, full)) {
        return err_set(e, ERR_FATAL,
                       "ClickHouse table %s.%s: engine is %.200s and must be "
                       "ReplacingMergeTree(_version, is_deleted); " REMEDY,
                       d->database, name, full[0] ? full : engine);
    }
    if (!key_is(key, d->shape)) {
        return err_set(e, ERR_FATAL,
                       "ClickHouse table %s.%s: sorted by (%.200s), which is "
                       "not the key of %s.%s; " REMEDY,
                       d->database, name, key, d->shape->schema,
                       d->shape->name);
    }
    if (partition[0] != '\0') {
        return err_set(e, ERR_FATAL,
                       "ClickHouse table %s.%s: partitioned by %.200s, so "
                       "versions of a row may never meet; " REMEDY,
                       d->database, name, partition);
    }
    return 0;
}

/* The type that column `index` of the table or view must have. */
static void type_expected(struct buf *b, const struct shape *shape,
                          unsigned index)
{
    if (index == shape->column_count) {
        buf_lit(b, "UInt64");
    } else if (index > shape->column_count) {
        buf_lit(b, "UInt8");
    } else {
        struct cell_type type = cell_type_of(&shape->columns[index]);

        cell_type_name(b, &type);
    }
}

static const char *name_expected(const struct shape *shape, unsigned index)
{
    return index < shape->column_count    ? shape->columns[index].name
           : index == shape->column_count ? DDL_COLUMN_VERSION
                                          : DDL_COLUMN_DELETED;
}

static int column_check(const struct ddl *d, const char *object, unsigned index,
                        const cJSON *row, struct err *e)
{
    const char *name = cell_text(row, 1), *type = cell_text(row, 2);
    const char *wanted = name_expected(d->shape, index);
    struct buf expected;
    int rc = 0;

    buf_init(&expected, NAME_MAX_BYTES);
    type_expected(&expected, d->shape, index);
    if (strcmp(name, wanted) != 0) {
        rc = err_set(e, ERR_FATAL,
                     "ClickHouse %s.%s: column %u is \"%.100s\" and should be "
                     "\"%.100s\"; " REMEDY,
                     d->database, object, index + 1, name, wanted);
    } else if (strcmp(type, buf_z(&expected)) != 0) {
        rc = err_set(e, ERR_FATAL,
                     "ClickHouse %s.%s: column \"%.100s\" is %.100s and "
                     "should be %s; " REMEDY,
                     d->database, object, name, type, buf_z(&expected));
    }
    buf_fini(&expected);
    return rc;
}

/* All columns of one object: `count` of them are expected. */
static int columns_check(const struct ddl *d, const char *object,
                         const cJSON *rows, unsigned count, struct err *e)
{
    const cJSON *row;
    unsigned index = 0;

    cJSON_ArrayForEach(row, rows)
    {
        if (strcmp(cell_text(row, 0), object) != 0) {
            continue;
        }
        if (index == count) {
            return err_set(e, ERR_FATAL,
                           "ClickHouse %s.%s has a column \"%.100s\" too "
                           "many; " REMEDY,
                           d->database, object, cell_text(row, 1));
        }
        if (column_check(d, object, index, row, e) < 0) {
            return -1;
        }
        index++;
    }
    if (index < count) {
        return err_set(e, ERR_FATAL,
                       "ClickHouse %s.%s lacks column \"%.100s\"; " REMEDY,
                       d->database, object, name_expected(d->shape, index));
    }
    return 0;
}

static int found_check(const struct ddl *d, const cJSON *tables,
                       const cJSON *columns, struct ddl_found *ret_found,
                       struct err *e)
{
    const cJSON *table, *view;
    struct buf name, view_name;
    int rc = 0;

    buf_init(&name, NAME_MAX_BYTES);
    buf_init(&view_name, NAME_MAX_BYTES);
    ddl_table_name(&name, d->shape);
    buf_printf(&view_name, "%s" DDL_VIEW_SUFFIX, buf_z(&name));
    table = row_of(tables, buf_z(&name));
    view = row_of(tables, buf_z(&view_name));
    if (table) {
        rc = table_check(d, buf_z(&name), table, e);
    }
    if (rc == 0 && table) {
        rc = columns_check(d, buf_z(&name), columns, d->shape->column_count + 2,
                           e);
    }
    if (rc == 0 && view && strcmp(cell_text(view, 1), "View") != 0) {
        rc = err_set(e, ERR_FATAL,
                     "ClickHouse %s.%s exists and is no view: %s.%s needs "
                     "that name for its current rows; rename one of them",
                     d->database, buf_z(&view_name), d->shape->schema,
                     d->shape->name);
    }
    if (rc == 0 && view) {
        rc = columns_check(d, buf_z(&view_name), columns,
                           d->shape->column_count, e);
    }
    if (rc == 0) {
        *ret_found =
            (struct ddl_found){ .table = table != NULL, .view = view != NULL };
    }
    buf_fini(&view_name);
    buf_fini(&name);
    return rc;
}

int ddl_check(const struct ddl *d, struct str tables, struct str columns,
              struct ddl_found *ret_found, struct err *e)
{
    cJSON *tables_root, *columns_root;
    const cJSON *table_rows = answer_rows(tables, &tables_root);
    const cJSON *column_rows = answer_rows(columns, &columns_root);
    int rc;

    if (!table_rows || !column_rows) {
        rc = err_set(e, ERR_RETRY,
                     "ClickHouse's answer about its tables is not readable");
    } else {
        rc = found_check(d, table_rows, column_rows, ret_found, e);
    }
    cJSON_Delete(tables_root);
    cJSON_Delete(columns_root);
    return rc;
}
