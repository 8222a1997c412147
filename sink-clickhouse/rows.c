#include "sink-clickhouse/rows.h"

#include "common/json.h"
#include "common/slice.h"

enum { COLUMN_TEXT_MAX = 1 << 20 };

/* False when the name is no UTF-8. */
static bool column_init(struct rows_column *column,
                        const struct shape_column *source)
{
    struct str name = str_of(source->name);
    struct buf type;
    size_t split;
    bool ok;

    column->type = cell_type_of(source);
    column->key = source->key_index > 0;
    buf_init(&column->values, ROWS_COLUMN_BYTES_MAX);
    buf_init(&column->nulls, ROWS_COLUMN_BYTES_MAX);
    buf_init(&column->text, COLUMN_TEXT_MAX);
    buf_init(&type, COLUMN_TEXT_MAX);

    json_escape(&column->text, name);
    split = column->text.len;
    cell_type_wire_name(&type, &column->type);
    cell_string(&column->text, name);
    cell_string(&column->text, buf_str(&type));
    column->name = (struct str){ column->text.p, split };
    column->header =
        (struct str){ column->text.p + split, column->text.len - split };
    ok = buf_ok(&column->text);
    buf_fini(&type);
    return ok;
}

int rows_init(struct rows *r, const struct shape *shape, struct err *e)
{
    bool ok = true;

    *r = (struct rows){
        .shape = shape,
        .column_count = shape->column_count,
        .columns = xcalloc(shape->column_count, sizeof(*r->columns)),
    };
    for (unsigned i = 0; i < r->column_count; i++) {
        ok &= column_init(&r->columns[i], &shape->columns[i]);
    }
    buf_init(&r->versions, ROWS_COLUMN_BYTES_MAX);
    buf_init(&r->deleted, ROWS_COLUMN_BYTES_MAX);
    if (!ok) {
        rows_fini(r);
        return err_set(e, ERR_FATAL, "%s.%s: a column's name is no UTF-8",
                       shape->schema, shape->name);
    }
    return 0;
}

void rows_fini(struct rows *r)
{
    for (unsigned i = 0; i < r->column_count; i++) {
        buf_fini(&r->columns[i].text);
        buf_fini(&r->columns[i].values);
        buf_fini(&r->columns[i].nulls);
    }
    xfree(r->columns);
    buf_fini(&r->versions);
    buf_fini(&r->deleted);
    *r = (struct rows){ 0 };
}

void rows_reset(struct rows *r)
{
    for (unsigned i = 0; i < r->column_count; i++) {
        buf_reset(&r->columns[i].values);
        buf_reset(&r->columns[i].nulls);
        r->columns[i].count = 0;
    }
    buf_reset(&r->versions);
    buf_reset(&r->deleted);
    r->count = 0;
}

/* Takes back what an unfinished row has put. */
static void row_undo(struct rows *r)
{
    for (unsigned i = 0; i < r->column_count; i++) {
        struct rows_column *column = &r->columns[i];

        if (column->count > r->count) {
            column->values.len = column->mark;
            column->nulls.len = column->type.nullable ? r->count : 0;
            column->count = r->count;
        }
        column->values.failed = column->nulls.failed = false;
    }
}

static int column_refuse(const struct rows_column *column, const char *why,
                         struct err *e)
{
    return err_set(e, ERR_INPUT, "column \"%.*s\": value %s",
                   STR_ARG(column->name), why);
}

/* One value, null included, at the end of a column. */
static int column_put(struct rows_column *column, struct str value,
                      struct err *e)
{
    const char *why = NULL;
    bool null = slice_is_null(value) && !column->type.null_is_text;

    column->mark = column->values.len;
    column->count++;
    if (null && !column->type.nullable) {
        return column_refuse(column, "of a key column is null", e);
    }
    /* ClickHouse's -0 equals 0, as in PostgreSQL, but the two have different
       record keys and so no common order: neither may win by chance. */
    if (column->key && str_eq(value, STR("-0")) &&
        (column->type.kind == CELL_FLOAT32 ||
         column->type.kind == CELL_FLOAT64)) {
        return column_refuse(column, "of a key column is minus zero", e);
    }
    if (column->type.nullable) {
        buf_char(&column->nulls, null);
    }
    if (null) {
        cell_put_null(&column->values, &column->type);
    } else {
        why = cell_put(&column->values, &column->type, value);
    }
    if (!why && (!buf_ok(&column->values) || !buf_ok(&column->nulls))) {
        why = "makes the block too large";
    }
    return why ? column_refuse(column, why, e) : 0;
}

/* The column with this JSON name, looked for from `hint` on, where it stands
   in a row that has the shape's order. */
static struct rows_column *column_find(struct rows *r, struct str name,
                                       unsigned hint)
{
    for (unsigned i = 0; i < r->column_count; i++) {
        struct rows_column *column = &r->columns[(hint + i) % r->column_count];

        if (str_eq(column->name, name)) {
            return column;
        }
    }
    return NULL;
}

/* The members of a JSON object into their columns. */
static int members_put(struct rows *r, struct str object, bool keys_only,
                       struct err *e)
{
    struct slice s;
    struct str name, value;
    enum slice_result rc = SLICE_BAD;
    unsigned next = 0;

    if (slice_object(&s, object)) {
        rc = slice_member(&s, &name, &value);
    }
    for (; rc == SLICE_ITEM; rc = slice_member(&s, &name, &value)) {
        struct rows_column *column = column_find(r, name, next);

        if (!column || (keys_only && !column->key)) {
            return err_set(e, ERR_INPUT, "member \"%.*s\" is no %s of %s.%s",
                           STR_ARG(name), keys_only ? "key column" : "column",
                           r->shape->schema, r->shape->name);
        }
        if (column->count > r->count) {
            return err_set(e, ERR_INPUT, "member \"%.*s\" comes twice",
                           STR_ARG(name));
        }
        if (column_put(column, value, e) < 0) {
            return -1;
        }
        next = (unsigned)(column - r->columns) + 1;
    }
    if (rc == SLICE_BAD) {
        return err_set(e, ERR_INPUT, "the row is no JSON object");
    }
    return 0;
}

/* What the object did not have: null for a delete's other columns, an error
   for all others. */
static int absent_put(struct rows *r, bool deleted, struct err *e)
{
    for (unsigned i = 0; i < r->column_count; i++) {
        struct rows_column *column = &r->columns[i];

        if (column->count > r->count) {
            continue;
        }
        if (!deleted || column->key) {
            return err_set(e, ERR_INPUT, "the %s lacks column \"%.*s\"",
                           deleted ? "key" : "row", STR_ARG(column->name));
        }
        column->mark = column->values.len;
        column->count++;
        buf_char(&column->nulls, 1);
        cell_put_null(&column->values, &column->type);
        if (!buf_ok(&column->values) || !buf_ok(&column->nulls)) {
            return column_refuse(column, "makes the block too large", e);
        }
    }
    return 0;
}

int rows_add(struct rows *r, const struct event_view *ev, uint64_t version,
             struct err *e)
{
    bool deleted = ev->tombstone || ev->op == EVENT_DELETE;
    char bytes[sizeof(version)];

    if (members_put(r, deleted ? ev->key : ev->after, deleted, e) < 0 ||
        absent_put(r, deleted, e) < 0) {
        row_undo(r);
        return -1;
    }
    for (unsigned i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (char)(version >> (8 * i));
    }
    buf_add(&r->versions, bytes, sizeof(bytes));
    buf_char(&r->deleted, deleted);
    r->count++;
    CHECK(buf_ok(&r->versions) && buf_ok(&r->deleted));
    return 0;
}

size_t rows_bytes(const struct rows *r)
{
    size_t bytes = r->versions.len + r->deleted.len;

    for (unsigned i = 0; i < r->column_count; i++) {
        bytes += r->columns[i].header.len + r->columns[i].nulls.len +
                 r->columns[i].values.len;
    }
    return bytes;
}

void rows_write(const struct rows *r, struct buf *b)
{
    cell_varint(b, r->column_count + 2);
    cell_varint(b, r->count);
    for (unsigned i = 0; i < r->column_count; i++) {
        const struct rows_column *column = &r->columns[i];

        buf_str_add(b, column->header);
        buf_str_add(b, buf_str(&column->nulls));
        buf_str_add(b, buf_str(&column->values));
    }
    cell_string(b, STR("_version"));
    cell_string(b, STR("UInt64"));
    buf_str_add(b, buf_str(&r->versions));
    cell_string(b, STR("is_deleted"));
    cell_string(b, STR("UInt8"));
    buf_str_add(b, buf_str(&r->deleted));
}
