#include "sink-clickhouse/targets.h"

#include "sink-clickhouse/ddl.h"

enum {
    SQL_MAX = 4 << 20,
    NAME_MAX_BYTES = 64 << 10,
    ITEMS_FIRST = 1024,
};

void targets_init(struct targets *t, const char *database, const char *pipeline)
{
    *t = (struct targets){ .database = database, .pipeline = pipeline };
}

static void target_free(struct target *target)
{
    rows_fini(&target->rows);
    buf_fini(&target->name);
    buf_fini(&target->statement);
    xfree(target->items);
    xfree(target);
}

void targets_fini(struct targets *t)
{
    for (unsigned i = 0; i < t->map.count; i++) {
        target_free(targets_at(t, i));
    }
    shapemap_fini(&t->map);
    *t = (struct targets){ 0 };
}

struct target *targets_at(const struct targets *t, unsigned index)
{
    return t->map.list[index].value;
}

struct target *targets_find(const struct targets *t, const struct shape *shape)
{
    return shapemap_find(&t->map, shape);
}

static struct ddl ddl_of(const struct targets *t, const struct session *s,
                         const struct shape *shape)
{
    return (struct ddl){ .database = t->database,
                         .pipeline = t->pipeline,
                         .shape = shape,
                         .deleted_argument = session_has_is_deleted(s) };
}

static struct target *target_new(const struct ddl *d, struct err *e)
{
    struct target *target = xcalloc(1, sizeof(*target));
    struct buf sql;

    target->shape = d->shape;
    buf_init(&target->name, NAME_MAX_BYTES);
    buf_init(&target->statement, SQL_MAX);
    ddl_table_name(&target->name, d->shape);
    /* Without a list of columns: a Native block names its own. */
    buf_init(&sql, SQL_MAX);
    buf_lit(&sql, "INSERT INTO ");
    ddl_table(&sql, d);
    buf_lit(&sql, " FORMAT Native");
    http_escape(&target->statement, buf_str(&sql));
    buf_fini(&sql);
    if (rows_init(&target->rows, d->shape, e) < 0) {
        target_free(target);
        return NULL;
    }
    return target;
}

static bool same_table(const struct shape *a, const struct shape *b)
{
    return strcmp(a->schema, b->schema) == 0 && strcmp(a->name, b->name) == 0;
}

/* Is `view` the name of the view of table `name`? */
static bool is_view_of(struct str view, struct str name)
{
    struct str suffix = STR(DDL_VIEW_SUFFIX);

    return view.len == name.len + suffix.len &&
           memcmp(view.p, name.p, name.len) == 0 &&
           memcmp(view.p + name.len, suffix.p, suffix.len) == 0;
}

/* Two tables must not meet in one name (DESIGN 1). */
static int collision_check(const struct targets *t, const struct target *target,
                           struct err *e)
{
    struct str name = buf_str(&target->name);

    for (unsigned i = 0; i < t->map.count; i++) {
        const struct target *other = targets_at(t, i);
        struct str taken = buf_str(&other->name);

        if (same_table(other->shape, target->shape)) {
            continue;
        }
        if (str_eq(name, taken) || is_view_of(name, taken) ||
            is_view_of(taken, name)) {
            return err_set(e, ERR_FATAL,
                           "the tables %s.%s and %s.%s need the same name in "
                           "ClickHouse (\"%.*s\" or its view): leave one of "
                           "them out, or rename it",
                           other->shape->schema, other->shape->name,
                           target->shape->schema, target->shape->name,
                           STR_ARG(name));
        }
    }
    return 0;
}

typedef void sql_fn(struct buf *b, const struct ddl *d);

static int statement_do(struct session *s, sql_fn *write, const struct ddl *d,
                        struct err *e)
{
    struct buf sql;
    int rc;

    buf_init(&sql, SQL_MAX);
    write(&sql, d);
    rc = session_do(s, buf_str(&sql), e);
    buf_fini(&sql);
    return rc;
}

/* Asks the server what is there and holds it against the shape. */
static int found_ask(struct session *s, const struct ddl *d,
                     struct ddl_found *ret_found, struct err *e)
{
    struct buf sql, tables;
    int rc;

    buf_init(&sql, SQL_MAX);
    buf_init(&tables, s->reply.max);
    ddl_ask_tables(&sql, d);
    rc = session_ask(s, buf_str(&sql), e);
    if (rc == 0) {
        buf_str_add(&tables, buf_str(&s->reply));
        buf_reset(&sql);
        ddl_ask_columns(&sql, d);
        rc = session_ask(s, buf_str(&sql), e);
    }
    if (rc == 0) {
        rc = ddl_check(d, buf_str(&tables), buf_str(&s->reply), ret_found, e);
    }
    buf_fini(&tables);
    buf_fini(&sql);
    return rc;
}

/* CREATE DATABASE needs its privilege even where IF NOT EXISTS would do
   nothing: so it is asked for first. */
static int database_make(struct session *s, const struct ddl *d, struct err *e)
{
    struct buf sql;
    int rc;

    buf_init(&sql, SQL_MAX);
    buf_lit(&sql, "SELECT count() FROM system.databases WHERE name = ");
    ddl_literal(&sql, str_of(d->database));
    buf_lit(&sql, " FORMAT TabSeparated");
    rc = session_ask(s, buf_str(&sql), e);
    buf_fini(&sql);
    if (rc == 0 && strcmp(buf_z(&s->reply), "0\n") == 0) {
        rc = statement_do(s, ddl_create_database, d, e);
    }
    return rc;
}

static int table_gone(const struct ddl *d, struct err *e)
{
    return err_set(e, ERR_RETRY,
                   "its ClickHouse table is gone, and the group has passed "
                   "rows of it: put it back, or stop the sink and reset the "
                   "group's offsets of %s to the earliest "
                   "(kafka-consumer-groups.sh --reset-offsets --to-earliest)",
                   d->shape->topic);
}

/* Makes table and view where they are missing, in this order. Another
   replica may do so at the same time: what counts is what is there then. */
static int objects_make(struct session *s, const struct ddl *d, bool passed,
                        struct err *e)
{
    struct ddl_found found;
    struct err failed = { 0 };
    int rc = found_ask(s, d, &found, e);

    if (rc < 0 || (found.table && found.view)) {
        return rc;
    }
    if (!found.table && passed) {
        return table_gone(d, e);
    }
    if (!found.table) {
        rc = statement_do(s, ddl_create_table, d, &failed);
    }
    if (rc == 0 && !found.view) {
        rc = statement_do(s, ddl_create_view, d, &failed);
    }
    if (found_ask(s, d, &found, e) < 0) {
        return -1;
    }
    if (found.table && found.view) {
        return 0;
    }
    if (rc == 0) {
        return err_set(e, ERR_RETRY, "table or view is not there yet");
    }
    *e = failed;
    return -1;
}

int targets_prepare(struct targets *t, struct session *s,
                    const struct shape *shape, bool passed, struct err *e)
{
    struct ddl d = ddl_of(t, s, shape);
    struct target *target;

    if (targets_find(t, shape)) {
        return 0;
    }
    if (ddl_shape_check(shape, e) < 0) {
        return -1;
    }
    target = target_new(&d, e);
    if (!target) {
        return -1;
    }
    if (collision_check(t, target, e) < 0 || database_make(s, &d, e) < 0 ||
        objects_make(s, &d, passed, e) < 0) {
        target_free(target);
        return err_wrap(e, "%s.%s", shape->schema, shape->name);
    }
    shapemap_put(&t->map, shape, target);
    return 0;
}

int targets_verify(const struct targets *t, struct session *s,
                   const struct target *target, struct err *e)
{
    struct ddl d = ddl_of(t, s, target->shape);
    struct ddl_found found;

    if (found_ask(s, &d, &found, e) < 0) {
        return -1;
    }
    if (!found.table) {
        return err_set(e, ERR_FATAL, "the table is gone");
    }
    return 0;
}

void target_reset(struct target *target)
{
    rows_reset(&target->rows);
}

int target_add(struct target *target, unsigned index,
               const struct event_view *ev, uint64_t version, struct err *e)
{
    if (target->rows.count == target->item_cap) {
        target->item_cap =
            target->item_cap ? target->item_cap * 2 : ITEMS_FIRST;
        target->items =
            xrealloc(target->items, target->item_cap, sizeof(*target->items));
    }
    if (rows_add(&target->rows, ev, version, e) < 0) {
        return -1;
    }
    target->items[target->rows.count - 1] = index;
    return 0;
}
