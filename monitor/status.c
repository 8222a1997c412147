#include "monitor/status.h"

#include <stdlib.h>

#include "common/clock.h"
#include "common/json.h"

enum { TEXT_TABLES_MAX = 30 }; /* one screen */

/* One table: its lag at each sink. */
struct row {
    const struct lag_topic *topic;
    struct lag_sum sums[SINK_COUNT];
    double worst_s;
};

static struct row row_of(const struct facts *f, const struct lag_topic *topic,
                         struct health_now now)
{
    struct row row = { .topic = topic };

    for (int s = 0; s < SINK_COUNT; s++) {
        if (f->lag.enabled[s]) {
            row.sums[s] = lag_table(topic, (enum sink)s, now.wall_us);
            row.worst_s = row.sums[s].seconds > row.worst_s
                              ? row.sums[s].seconds
                              : row.worst_s;
        }
    }
    return row;
}

static int compare_rows(const void *left, const void *right)
{
    const struct row *a = left, *b = right;

    if (a->worst_s != b->worst_s) {
        return a->worst_s < b->worst_s ? 1 : -1;
    }
    return strcmp(a->topic->table, b->topic->table);
}

/* All tables, the worst first. The caller frees the array. */
static struct row *rows_make(const struct facts *f, struct health_now now)
{
    struct row *rows = xcalloc(f->lag.count + 1, sizeof(*rows));

    for (unsigned i = 0; i < f->lag.count; i++) {
        rows[i] = row_of(f, &f->lag.topics[i], now);
    }
    qsort(rows, f->lag.count, sizeof(*rows), compare_rows);
    return rows;
}

/* ---- JSON ------------------------------------------------------------- */

/* The comma between elements of the array that is open. */
static void element_begin(struct buf *b)
{
    if (b->len > 0 && b->p[b->len - 1] != '[') {
        buf_char(b, ',');
    }
}

static void write_row(struct buf *b, const struct facts *f,
                      const struct row *row)
{
    element_begin(b);
    buf_char(b, '{');
    json_member_string(b, "table", str_of(row->topic->table));
    json_member_string(b, "topic", str_of(row->topic->name));
    json_member_u64(b, "partitions", row->topic->part_count);
    for (int s = 0; s < SINK_COUNT; s++) {
        if (!f->lag.enabled[s]) {
            continue;
        }
        json_member(b, str_of(sink_names[s]));
        buf_lit(b, "{\"seconds\":");
        if (row->sums[s].known) {
            health_number(b, row->sums[s].seconds, 3);
        } else {
            buf_lit(b, "null");
        }
        json_member_u64(b, "messages", row->sums[s].messages);
        buf_char(b, '}');
    }
    buf_char(b, '}');
}

static void write_tables(struct buf *b, const struct facts *f,
                         struct health_now now)
{
    struct row *rows = rows_make(f, now);

    json_member(b, STR("tables"));
    buf_char(b, '[');
    for (unsigned i = 0; i < f->lag.count; i++) {
        write_row(b, f, &rows[i]);
    }
    buf_char(b, ']');
    xfree(rows);
}

static void write_groups(struct buf *b, const struct facts *f)
{
    json_member(b, STR("groups"));
    buf_char(b, '[');
    for (int s = 0; s < SINK_COUNT; s++) {
        if (!f->lag.enabled[s]) {
            continue;
        }
        element_begin(b);
        buf_printf(b, "{\"group\":\"%s-%s\",\"eventsPerSecond\":", f->name,
                   sink_names[s]);
        health_number(b, f->rates[s], 3);
        buf_char(b, '}');
    }
    buf_char(b, ']');
}

static void write_servers(struct buf *b, const struct facts *f)
{
    json_member(b, STR("servers"));
    buf_char(b, '{');
    for (int i = 0; i < SERVICE_COUNT; i++) {
        json_member_string(b, service_names[i], str_of(f->services[i].what));
    }
    buf_char(b, '}');
}

void status_write(struct buf *b, const struct facts *f, struct health_now now)
{
    buf_char(b, '{');
    health_members(b, f, now);
    json_member_string(b, "name", str_of(f->name));
    json_member(b, STR("startedAt"));
    buf_char(b, '"');
    clock_rfc3339(b, f->started_us);
    buf_char(b, '"');
    if (f->slot.exists) {
        json_member_i64(b, "slotSafeBytes", f->slot.safe_bytes);
    }
    write_servers(b, f);
    write_groups(b, f);
    write_tables(b, f, now);
    buf_char(b, '}');
}

/* ---- text ------------------------------------------------------------- */

/* "12.3 MB": powers of 1000, as Kafka's and PostgreSQL's tools show them. */
static void text_bytes(struct buf *b, int64_t bytes)
{
    static const char *const units[] = { "B", "kB", "MB", "GB", "TB" };
    double value = (double)bytes;
    unsigned unit = 0;

    while (value >= 1000 && unit + 1 < COUNT_OF(units)) {
        value /= 1000;
        unit++;
    }
    health_number(b, value, unit == 0 ? 0 : 1);
    buf_printf(b, " %s", units[unit]);
}

static void text_lag(struct buf *b, const struct lag_sum *sum)
{
    if (!sum->known) {
        buf_printf(b, " %11s s", "?");
    } else {
        buf_printf(b, " %11.1f s", sum->seconds);
    }
    buf_printf(b, " %10llu", (unsigned long long)sum->messages);
}

static void text_services(struct buf *b, const struct facts *f,
                          struct health_now now)
{
    for (int i = 0; i < SERVICE_COUNT; i++) {
        const struct fact_service *s = &f->services[i];
        bool up = health_up(f, (enum service)i, now);

        buf_printf(b, "  %-15s %-9s %s\n", service_names[i],
                   !s->enabled ? "disabled"
                   : up        ? "up"
                               : "DOWN",
                   up ? s->what : s->why);
    }
}

static void text_slot(struct buf *b, const struct facts *f)
{
    const struct fact_slot *slot = &f->slot;

    buf_printf(b, "  slot %s: ", f->slot_name);
    if (!slot->known || !slot->exists) {
        buf_str_add(b, slot->known ? STR("does not exist\n")
                                   : STR("not looked at yet\n"));
        return;
    }
    buf_printf(b, "%s, WAL %s, ", slot->active ? "active" : "NOT IN USE",
               slot->wal_status);
    text_bytes(b, slot->unconfirmed_bytes);
    buf_lit(b, " not confirmed, ");
    text_bytes(b, slot->retained_bytes);
    buf_lit(b, " kept");
    if (slot->safe_bytes >= 0) {
        buf_lit(b, ", ");
        text_bytes(b, slot->safe_bytes);
        buf_lit(b, " until it is lost");
    }
    buf_char(b, '\n');
}

static void text_workers(struct buf *b, const struct facts *f)
{
    for (unsigned i = 0; i < f->worker_count; i++) {
        const struct fact_worker *w = &f->workers[i];

        buf_printf(b, "  %-15s %-9s %s\n", role_names[w->role],
                   !w->up      ? "DOWN"
                   : !w->ready ? "not ready"
                               : "ready",
                   w->instance);
    }
}

static void text_tables(struct buf *b, const struct facts *f,
                        struct health_now now)
{
    struct row *rows = rows_make(f, now);
    unsigned shown = f->lag.count;

    if (shown > TEXT_TABLES_MAX) {
        shown = TEXT_TABLES_MAX;
    }
    buf_printf(b, "\n  %-24s", "table");
    for (int s = 0; s < SINK_COUNT; s++) {
        if (f->lag.enabled[s]) {
            buf_printf(b, " %13s %10s", sink_names[s], "events");
        }
    }
    buf_char(b, '\n');
    for (unsigned i = 0; i < shown; i++) {
        buf_printf(b, "  %-24s", rows[i].topic->table);
        for (int s = 0; s < SINK_COUNT; s++) {
            if (f->lag.enabled[s]) {
                text_lag(b, &rows[i].sums[s]);
            }
        }
        buf_char(b, '\n');
    }
    if (shown < f->lag.count) {
        buf_printf(b, "  ... and %u more\n", f->lag.count - shown);
    }
    xfree(rows);
}

void status_text(struct buf *b, const struct facts *f, struct health_now now)
{
    buf_printf(b, "%s: %s at ", f->name, health_name(health_judge(f, now)));
    clock_rfc3339(b, now.wall_us);
    buf_printf(b, "\n  lag %.1f s, ", health_lag(f, now));
    health_number(b, f->throughput, 1);
    buf_lit(b, " events/s, error rate ");
    health_number(b, f->error_rate * 100, 2);
    buf_lit(b, " %\n\n");
    if (health_problems_text(b, f, now) > 0) {
        buf_char(b, '\n');
    }
    text_services(b, f, now);
    text_workers(b, f);
    text_slot(b, f);
    text_tables(b, f, now);
}
