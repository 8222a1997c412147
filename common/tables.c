#include "common/tables.h"

#include "common/clock.h"

static const char *const op_names[TABLE_OPS] = { "INSERT", "UPDATE", "DELETE",
                                                 "TRUNCATE", "READ" };

static unsigned op_index(enum event_op op)
{
    switch (op) {
    case EVENT_CREATE: return 0;
    case EVENT_UPDATE: return 1;
    case EVENT_DELETE: return 2;
    case EVENT_TRUNCATE:
    case EVENT_SWEEP: return 3;
    case EVENT_READ: return 4;
    }
    return 4;
}

void tables_init(struct tables *t, const struct sink_ops *ops)
{
    *t = (struct tables){ .ops = ops };
    CHECK(pthread_mutex_init(&t->mutex, NULL) == 0);
    (void)snprintf(t->component, sizeof(t->component), "component=\"%s\"",
                   ops->component);
    t->events = metric_family(METRIC_COUNTER, "cdc_sync_events_total",
                              "table,operation,status",
                              "Total number of CDC sync events processed");
    t->errors = metric_family(METRIC_COUNTER, "cdc_sync_errors_total",
                              "table,error_type",
                              "Events that were refused, by reason");
    t->latency = metric_family(
        METRIC_HISTOGRAM, "cdc_sync_latency_seconds", "table,operation",
        "Time from the source's commit to the acknowledgement");
    t->lag = metric_family(METRIC_GAUGE, "cdc_sync_lag_seconds", "table",
                           "Sync lag in seconds for each table");
    t->dead = metric_family(METRIC_COUNTER, "cdc_dead_letters_total",
                            "table,error_type",
                            "Events put aside as dead letters, by reason");
    t->last_commit = metric_time("cdc_source_last_commit_timestamp_seconds",
                                 "Commit time of the newest transaction seen");
    if (ops->writes) {
        const char *label = ops->writes_label ? ops->writes_label : "table";

        t->writes = metric_family(
            METRIC_COUNTER, ops->writes,
            strcmp(label, "index") == 0 ? "index,status" : "table,status",
            "Events written to the target (success), and attempts that failed "
            "(error)");
    }
}

void tables_fini(struct tables *t)
{
    for (unsigned i = 0; i < t->count; i++) {
        xfree(t->list[i]->topic);
        xfree(t->list[i]->label);
        xfree(t->list[i]->ready);
        xfree(t->list[i]);
    }
    xfree(t->list);
    (void)pthread_mutex_destroy(&t->mutex);
}

const char *tables_error_type(const struct tables *t)
{
    return t->ops->error_type ? t->ops->error_type : "sync_failed";
}

static void make_series(struct tables *t, struct table *table)
{
    static const char *const reasons[] = { "decode", "schema" };
    const char *label = table->label;

    for (unsigned i = 0; i < TABLE_OPS; i++) {
        const char *done[] = { label, op_names[i], "success" };
        const char *failed[] = { label, op_names[i], "error" };
        const char *latency[] = { label, op_names[i] };

        table->done[i] = metric_get(t->events, done);
        table->failed[i] = metric_get(t->events, failed);
        table->latency[i] = metric_get(t->latency, latency);
    }
    for (unsigned i = 0; i < COUNT_OF(reasons); i++) {
        const char *values[] = { label, reasons[i] };

        (void)metric_get(t->errors, values);
    }
    {
        const char *values[] = { label, tables_error_type(t) };

        (void)metric_get(t->errors, values);
        table->lag = metric_get(t->lag, values);
        (void)metric_get(t->dead, values);
    }
}

static void make_writes(struct tables *t, struct table *table,
                        const struct shape *shape)
{
    struct buf name;

    if (!t->writes) {
        return;
    }
    buf_init(&name, 1024);
    if (t->ops->writes_name) {
        t->ops->writes_name(&name, shape);
    } else {
        shape_label(&name, shape);
    }
    {
        const char *written[] = { buf_z(&name), "success" };
        const char *failed[] = { buf_z(&name), "error" };

        table->written = metric_get(t->writes, written);
        table->write_failed = metric_get(t->writes, failed);
    }
    buf_fini(&name);
}

static struct table *table_new(struct tables *t, const struct shape *shape)
{
    struct table *table = xcalloc(1, sizeof(*table));
    struct buf label;

    buf_init(&label, 1024);
    shape_label(&label, shape);
    table->topic = xstrdup(shape->topic);
    table->label = xstrdup(buf_z(&label));
    buf_fini(&label);
    make_series(t, table);
    make_writes(t, table, shape);
    return table;
}

struct table *tables_find(const struct tables *t, const char *topic)
{
    for (unsigned i = 0; i < t->count; i++) {
        if (strcmp(t->list[i]->topic, topic) == 0) {
            return t->list[i];
        }
    }
    return NULL;
}

struct table *tables_get(struct tables *t, const struct shape *shape)
{
    struct table *table = tables_find(t, shape->topic);

    if (table) {
        return table;
    }
    table = table_new(t, shape);
    CHECK(pthread_mutex_lock(&t->mutex) == 0);
    if (t->count == t->cap) {
        t->cap = t->cap ? t->cap * 2 : 16;
        t->list = xrealloc(t->list, t->cap, sizeof(struct table *));
    }
    t->list[t->count++] = table;
    CHECK(pthread_mutex_unlock(&t->mutex) == 0);
    return table;
}

void table_done(struct tables *t, struct table *table, enum event_op op,
                int64_t commit_us, unsigned count)
{
    unsigned i = op_index(op);
    int64_t took_us = clock_wall_us() - commit_us;

    metric_add(table->done[i], count);
    if (table->written) {
        metric_add(table->written, count);
    }
    metric_time_raise(&t->last_commit, commit_us);
    metric_observe_n(table->latency[i], took_us > 0 ? (double)took_us / 1e6 : 0,
                     count);
}

void table_write_failed(struct table *table, unsigned attempt)
{
    if (table->write_failed && table->failed_attempt != attempt) {
        table->failed_attempt = attempt;
        metric_add(table->write_failed, 1);
    }
}

void table_error(struct tables *t, const struct table *table,
                 const char *error_type)
{
    const char *values[] = { table->label, error_type };

    metric_add(metric_get(t->errors, values), 1);
}

void table_failed(struct tables *t, const struct table *table, enum event_op op,
                  const char *error_type)
{
    metric_add(table->failed[op_index(op)], 1);
    table_error(t, table, error_type);
}

bool table_is_ready(const struct table *table, const struct shape *shape)
{
    for (unsigned i = table->ready_count; i-- > 0;) {
        if (table->ready[i] == shape) {
            return true;
        }
    }
    return false;
}

const struct shape *table_newest(const struct table *table)
{
    return table->ready_count > 0 ? table->ready[table->ready_count - 1] : NULL;
}

void table_set_ready(struct table *table, const struct shape *shape)
{
    if (table->ready_count == table->ready_cap) {
        table->ready_cap = table->ready_cap ? table->ready_cap * 2 : 4;
        table->ready = xrealloc(table->ready, table->ready_cap,
                                sizeof(const struct shape *));
    }
    table->ready[table->ready_count++] = shape;
}

void tables_lag_begin(struct tables *t)
{
    for (unsigned i = 0; i < t->count; i++) {
        t->list[i]->found_us = 0;
    }
}

void table_lag_see(struct table *table, int64_t commit_us)
{
    if (commit_us > 0 &&
        (table->found_us == 0 || commit_us < table->found_us)) {
        table->found_us = commit_us;
    }
}

void tables_lag_end(struct tables *t)
{
    for (unsigned i = 0; i < t->count; i++) {
        atomic_store(&t->list[i]->oldest_us, t->list[i]->found_us);
    }
}

static double lag_seconds(int64_t oldest_us, int64_t now_us)
{
    return oldest_us > 0 && now_us > oldest_us
               ? (double)(now_us - oldest_us) / 1e6
               : 0;
}

void tables_metrics(void *arg, struct server_reply *ret_reply)
{
    struct tables *t = arg;
    int64_t now_us = clock_wall_us();

    CHECK(pthread_mutex_lock(&t->mutex) == 0);
    for (unsigned i = 0; i < t->count; i++) {
        int64_t oldest_us = atomic_load(&t->list[i]->oldest_us);

        metric_set(t->list[i]->lag, lag_seconds(oldest_us, now_us));
    }
    CHECK(pthread_mutex_unlock(&t->mutex) == 0);
    ret_reply->content_type = "text/plain; version=0.0.4; charset=utf-8";
    metrics_write(&ret_reply->body, t->component);
}
