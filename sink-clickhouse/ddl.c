#include "sink-clickhouse/ddl.h"

#include "common/json.h"
#include "sink-clickhouse/cell.h"

enum { COMMENT_MAX = 64 << 10 };

void ddl_table_name(struct buf *b, const struct shape *shape)
{
    shape_ch_table(b, shape);
}

/* ClickHouse's lexer takes backslash escapes in both kinds of quotes. */
static void quoted(struct buf *b, struct str text, char quote)
{
    buf_char(b, quote);
    for (size_t i = 0; i < text.len; i++) {
        if (text.p[i] == quote || text.p[i] == '\\') {
            buf_char(b, '\\');
        }
        buf_char(b, text.p[i]);
    }
    buf_char(b, quote);
}

void ddl_quote(struct buf *b, struct str name)
{
    quoted(b, name, '`');
}

void ddl_literal(struct buf *b, struct str text)
{
    quoted(b, text, '\'');
}

/* The table's name, or the view's, in these quotes. */
static void object_write(struct buf *b, const struct ddl *d, const char *suffix,
                         char quote)
{
    struct buf name;

    buf_init(&name, COMMENT_MAX);
    ddl_table_name(&name, d->shape);
    buf_str_add(&name, str_of(suffix));
    quoted(b, buf_str(&name), quote);
    buf_fini(&name);
}

static void object_path(struct buf *b, const struct ddl *d, const char *suffix)
{
    ddl_quote(b, str_of(d->database));
    buf_char(b, '.');
    object_write(b, d, suffix, '`');
}

void ddl_table(struct buf *b, const struct ddl *d)
{
    object_path(b, d, "");
}

int ddl_shape_check(const struct shape *shape, struct err *e)
{
    static const char *const reserved[] = { DDL_COLUMN_VERSION,
                                            DDL_COLUMN_DELETED };

    if (strcmp(shape->profile, "sink") != 0) {
        return err_set(e, ERR_FATAL,
                       "%s.%s: events of profile \"%s\" cannot be read, only "
                       "profile \"sink\": set the producer's profile to "
                       "sink and resync",
                       shape->schema, shape->name, shape->profile);
    }
    if (shape->key_count == 0) {
        return err_set(e, ERR_FATAL,
                       "%s.%s has no key: ReplacingMergeTree needs one",
                       shape->schema, shape->name);
    }
    for (size_t i = 0; i < COUNT_OF(reserved); i++) {
        if (shape_column_find(shape, str_of(reserved[i]))) {
            return err_set(e, ERR_FATAL,
                           "%s.%s: a source column is called %s, which the "
                           "sink needs for itself: rename it in the source, "
                           "or leave the table out of CDC_TABLES (the column "
                           "option `rename` comes with a later version)",
                           shape->schema, shape->name, reserved[i]);
        }
    }
    return 0;
}

static void comment_write(struct buf *b, const struct ddl *d)
{
    struct buf json, table;

    buf_init(&json, COMMENT_MAX);
    buf_init(&table, COMMENT_MAX);
    buf_printf(&table, "%s.%s", d->shape->schema, d->shape->name);
    buf_lit(&json, "{\"data-sync\":{");
    json_member_string(&json, "pipeline", str_of(d->pipeline));
    json_member_string(&json, "table", buf_str(&table));
    buf_lit(&json, "}}");
    ddl_literal(b, buf_str(&json));
    buf_fini(&table);
    buf_fini(&json);
}

static void key_write(struct buf *b, const struct shape *shape)
{
    if (shape->key_count > 1) {
        buf_char(b, '(');
    }
    for (unsigned i = 1; i <= shape->key_count; i++) {
        if (i > 1) {
            buf_lit(b, ", ");
        }
        ddl_quote(b, str_of(shape_key_column(shape, i)->name));
    }
    if (shape->key_count > 1) {
        buf_char(b, ')');
    }
}

void ddl_create_database(struct buf *b, const struct ddl *d)
{
    buf_lit(b, "CREATE DATABASE IF NOT EXISTS ");
    ddl_quote(b, str_of(d->database));
}

void ddl_create_table(struct buf *b, const struct ddl *d)
{
    buf_lit(b, "CREATE TABLE IF NOT EXISTS ");
    ddl_table(b, d);
    buf_lit(b, " (");
    for (unsigned i = 0; i < d->shape->column_count; i++) {
        const struct shape_column *column = &d->shape->columns[i];
        struct cell_type type = cell_type_of(column);

        ddl_quote(b, str_of(column->name));
        buf_char(b, ' ');
        cell_type_name(b, &type);
        buf_lit(b, ", ");
    }
    buf_lit(b, "`" DDL_COLUMN_VERSION "` UInt64, `" DDL_COLUMN_DELETED
               "` UInt8) ENGINE = ReplacingMergeTree(`" DDL_COLUMN_VERSION "`");
    if (d->deleted_argument) {
        buf_lit(b, ", `" DDL_COLUMN_DELETED "`");
    }
    buf_lit(b, ") ORDER BY ");
    key_write(b, d->shape);
    /* An insert that was acknowledged has its offsets committed: it must
       survive a power cut (reliability.md 4.6). Costs some 3 ms. */
    buf_lit(b, " SETTINGS fsync_after_insert = 1, fsync_part_directory = 1"
               " COMMENT ");
    comment_write(b, d);
}

void ddl_create_view(struct buf *b, const struct ddl *d)
{
    buf_lit(b, "CREATE VIEW IF NOT EXISTS ");
    object_path(b, d, DDL_VIEW_SUFFIX);
    buf_lit(b, " AS SELECT ");
    for (unsigned i = 0; i < d->shape->column_count; i++) {
        if (i > 0) {
            buf_lit(b, ", ");
        }
        ddl_quote(b, str_of(d->shape->columns[i].name));
    }
    buf_lit(b, " FROM ");
    ddl_table(b, d);
    buf_lit(b, " FINAL WHERE `" DDL_COLUMN_DELETED "` = 0");
}

/* ... IN ('User', 'User_current') */
static void objects_write(struct buf *b, const struct ddl *d)
{
    buf_lit(b, " IN (");
    object_write(b, d, "", '\'');
    buf_lit(b, ", ");
    object_write(b, d, DDL_VIEW_SUFFIX, '\'');
    buf_char(b, ')');
}

void ddl_ask_tables(struct buf *b, const struct ddl *d)
{
    buf_lit(b, "SELECT name, engine, engine_full, sorting_key, partition_key, "
               "comment FROM system.tables WHERE database = ");
    ddl_literal(b, str_of(d->database));
    buf_lit(b, " AND name");
    objects_write(b, d);
    buf_lit(b, " FORMAT JSONCompact");
}

void ddl_ask_columns(struct buf *b, const struct ddl *d)
{
    buf_lit(b,
            "SELECT table, name, type FROM system.columns WHERE database = ");
    ddl_literal(b, str_of(d->database));
    buf_lit(b, " AND table");
    objects_write(b, d);
    buf_lit(b, " ORDER BY table, position FORMAT JSONCompact");
}
