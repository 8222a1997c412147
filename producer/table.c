#include "producer/table.h"

#include "common/metrics.h"

static int by_oid(const void *a, const void *b)
{
    const struct table *x = *(struct table *const *)a;
    const struct table *y = *(struct table *const *)b;

    return (x->oid > y->oid) - (x->oid < y->oid);
}

struct table *tables_find(struct tables *ts, uint32_t oid)
{
    struct table want = { .oid = oid }, *key = &want;

    if (ts->last && ts->last->oid == oid) {
        return ts->last;
    }
    if (ts->count == 0) {
        return NULL;
    }
    struct table **hit =
        bsearch(&key, ts->list, ts->count, sizeof(*ts->list), by_oid);
    if (hit == NULL) {
        return NULL;
    }
    ts->last = *hit;
    return *hit;
}

struct table *tables_by_name(const struct tables *ts, const char *schema,
                             const char *name)
{
    for (unsigned i = 0; i < ts->count; i++) {
        struct table *t = ts->list[i];

        if (strcmp(t->schema, schema) == 0 && strcmp(t->name, name) == 0) {
            return t;
        }
    }
    return NULL;
}

static void metrics_fill(struct table *t)
{
    static const char help[] = "Row events read from PostgreSQL, by operation";
    struct metric_family *f = metric_family(
        METRIC_COUNTER, "cdc_capture_events_total", "table,operation", help);
    const char *shown = strcmp(t->schema, "public") == 0 ? t->name : t->label;
    static const char *const operations[] = { "INSERT", "UPDATE", "DELETE",
                                              "READ" };
    struct metric **const series[] = { &t->inserts, &t->updates, &t->deletes,
                                       &t->reads };

    for (unsigned i = 0; i < COUNT_OF(operations); i++) {
        *series[i] =
            metric_get(f, (const char *const[]){ shown, operations[i] });
    }
}

struct table *tables_add(struct tables *ts, uint32_t oid, const char *schema,
                         const char *name)
{
    struct table *t = xcalloc(1, sizeof(*t));
    struct buf label;

    if (ts->count == ts->cap) {
        ts->cap = ts->cap ? 2 * ts->cap : 16;
        ts->list = xrealloc(ts->list, ts->cap, sizeof(*ts->list));
    }
    buf_init(&label, 1024);
    buf_printf(&label, "%s.%s", schema, name);
    t->oid = oid;
    t->schema = xstrdup(schema);
    t->name = xstrdup(name);
    t->label = xstrdup(buf_z(&label));
    buf_fini(&label);
    metrics_fill(t);
    ts->list[ts->count++] = t;
    qsort(ts->list, ts->count, sizeof(*ts->list), by_oid);
    return t;
}

void table_copy_again(struct table *t)
{
    t->copy = TABLE_COPY_PENDING;
    t->copy_filenode = t->copy_part = t->copy_block = 0;
    t->copy_rows = 0;
    t->copy_nonce = 0;
    t->dirty = true;
}

void tables_rekey(struct tables *ts, struct table *t, uint32_t oid)
{
    t->oid = oid;
    relation_free(t->rel);
    t->rel = NULL;
    table_copy_again(t);
    ts->last = NULL;
    qsort(ts->list, ts->count, sizeof(*ts->list), by_oid);
}

static void key_free(struct table *t)
{
    for (unsigned i = 0; i < t->key_count; i++) {
        xfree(t->key[i]);
    }
    xfree(t->key);
    t->key = NULL;
    t->key_count = 0;
}

void table_set_key(struct table *t, const char *const *names, unsigned count)
{
    key_free(t);
    t->key = xcalloc(count, sizeof(*t->key));
    for (unsigned i = 0; i < count; i++) {
        t->key[i] = xstrdup(names[i]);
    }
    t->key_count = count;
    t->dirty = true;
}

bool table_same_key(const struct table *t, const struct catalog_table *c)
{
    if (t->key_count != c->key_count) {
        return false;
    }
    for (unsigned i = 0; i < c->column_count; i++) {
        unsigned at = c->columns[i].key_index;

        if (at > 0 && (at > t->key_count ||
                       strcmp(t->key[at - 1], c->columns[i].name) != 0)) {
            return false;
        }
    }
    return true;
}

void table_set_partitions(struct table *t, int count)
{
    CHECK(count > 0);
    xfree(t->ends);
    t->partition_count = count;
    t->ends = xcalloc((size_t)count, sizeof(*t->ends));
    t->dirty = true;
}

bool tables_dirty(const struct tables *ts)
{
    for (unsigned i = 0; i < ts->count; i++) {
        if (ts->list[i]->dirty && ts->list[i]->ends != NULL) {
            return true;
        }
    }
    return false;
}

void tables_fini(struct tables *ts)
{
    for (unsigned i = 0; i < ts->count; i++) {
        struct table *t = ts->list[i];

        key_free(t);
        relation_free(t->rel);
        xfree(t->schema);
        xfree(t->name);
        xfree(t->label);
        xfree(t->topic);
        xfree(t->ends);
        xfree(t);
    }
    xfree(ts->list);
    *ts = (struct tables){ 0 };
}
