#include "monitor/validatereport.h"

#include "common/json.h"
#include "monitor/health.h"

enum { TEXT_BYTES_MAX = 4 << 20, KEYS_IN_DETAILS = 20 };

/* DESIGN 6: what is degraded is a warning here, what is unhealthy fails. */
#define LAG_WARNING_S 60.0
#define LAG_FAIL_S 300.0
#define ERRORS_WARNING 0.05
#define ERRORS_FAIL 0.2

static const char *const kind_names[DRILL_KINDS] = {
    [DRILL_MISSING] = "missing",
    [DRILL_EXTRA] = "extra",
    [DRILL_DIFFERENT] = "different",
};

/* A check in the making. */
struct draft {
    struct report_check check;
    struct buf details, expected, actual, difference, more;
};

static void draft_begin(struct draft *d, const char *name)
{
    *d = (struct draft){ 0 };
    buf_init(&d->details, TEXT_BYTES_MAX);
    buf_init(&d->expected, TEXT_BYTES_MAX);
    buf_init(&d->actual, TEXT_BYTES_MAX);
    buf_init(&d->difference, TEXT_BYTES_MAX);
    buf_init(&d->more, TEXT_BYTES_MAX);
    d->check.name = xstrdup(name);
}

static char *value(struct buf *b)
{
    return b->len > 0 ? (char *)(uintptr_t)buf_z(b) : NULL;
}

static void draft_add(struct draft *d, struct report *r)
{
    char *name = d->check.name;

    d->check.details = value(&d->details);
    d->check.expected = value(&d->expected);
    d->check.actual = value(&d->actual);
    d->check.difference = value(&d->difference);
    d->check.more = value(&d->more);
    report_add(r, &d->check);
    xfree(name);
    buf_fini(&d->details);
    buf_fini(&d->expected);
    buf_fini(&d->actual);
    buf_fini(&d->difference);
    buf_fini(&d->more);
}

/* "; " between sentences. */
static struct buf *say(struct draft *d)
{
    if (d->details.len > 0) {
        buf_lit(&d->details, "; ");
    }
    return &d->details;
}

static void warn(struct draft *d, enum report_status status)
{
    d->check.status = status > d->check.status ? status : d->check.status;
}

/* ---- one table ---------------------------------------------------------- */

/* "missing u1, u2; extra g" */
static void keys_say(struct buf *b, const struct validate_target *t)
{
    bool first_kind = true;

    for (int kind = 0; kind < DRILL_KINDS; kind++) {
        unsigned shown = 0;

        for (unsigned i = 0; i < t->key_count; i++) {
            if ((int)t->keys[i].kind != kind || shown == KEYS_IN_DETAILS) {
                continue;
            }
            if (shown == 0) {
                buf_printf(b, "%s%s ", first_kind ? "" : "; ",
                           kind_names[kind]);
                first_kind = false;
            } else {
                buf_lit(b, ", ");
            }
            buf_str_add(b, str_of(t->keys[i].text));
            shown++;
        }
        if (shown > 0 && t->counts[kind] > shown) {
            buf_printf(b, " and %llu more",
                       (unsigned long long)t->counts[kind] - shown);
        }
    }
}

static void counts_say(struct buf *b, const struct validate_target *t)
{
    const char *comma = "";

    for (int kind = 0; kind < DRILL_KINDS; kind++) {
        if (t->counts[kind] > 0) {
            buf_printf(b, "%s%llu %s", comma,
                       (unsigned long long)t->counts[kind], kind_names[kind]);
            comma = ", ";
        }
    }
    if (t->more > 0) {
        buf_printf(b, "%sat least %llu not looked into", comma,
                   (unsigned long long)t->more);
    }
    if (t->off_by > 0) {
        buf_printf(b, "%s%llu rows off", comma, (unsigned long long)t->off_by);
    }
}

static void target_say(struct draft *d, const struct validate_table *table,
                       enum canon_side side)
{
    const struct validate_target *t = &table->targets[side];
    struct buf *b;

    if (!t->compared) {
        return;
    }
    if (validate_differences(t) > 0) {
        warn(d, REPORT_FAIL);
        b = say(d);
        buf_printf(b, "%s%s: ", validate_target_title(side),
                   t->exists ? "" : " has no such table");
        counts_say(b, t);
        if (t->key_count > 0) {
            buf_lit(b, " (");
            keys_say(b, t);
            buf_lit(b, ")");
        }
    } else {
        b = say(d);
        buf_printf(b, "%s: equal", validate_target_title(side));
    }
    if (t->in_motion > 0) {
        buf_printf(b, ", %llu in motion", (unsigned long long)t->in_motion);
    }
}

static void target_write(struct buf *b, const struct validate_target *t)
{
    buf_char(b, '{');
    json_member_u64(b, "rows", t->rows);
    for (int kind = 0; kind < DRILL_KINDS; kind++) {
        json_member_u64(b, kind_names[kind], t->counts[kind]);
    }
    json_member_u64(b, "notLookedInto", t->more);
    json_member_u64(b, "rowsOff", t->off_by);
    json_member_u64(b, "inMotion", t->in_motion);
    json_member(b, STR("keys"));
    buf_char(b, '{');
    for (int kind = 0; kind < DRILL_KINDS; kind++) {
        json_member(b, str_of(kind_names[kind]));
        buf_char(b, '[');
        for (unsigned i = 0; i < t->key_count; i++) {
            if ((int)t->keys[i].kind == kind) {
                if (b->p[b->len - 1] != '[') {
                    buf_char(b, ',');
                }
                json_string(b, str_of(t->keys[i].text));
            }
        }
        buf_char(b, ']');
    }
    buf_lit(b, "}}");
}

static void targets_write(struct draft *d, const struct validate_table *table)
{
    bool any = false;

    buf_lit(&d->more, ",\"targets\":{");
    for (int side = CANON_ES; side < CANON_SIDES; side++) {
        if (table->targets[side].compared) {
            json_member(&d->more,
                        str_of(validate_target_name((enum canon_side)side)));
            target_write(&d->more, &table->targets[side]);
            any = true;
        }
    }
    buf_char(&d->more, '}');
    if (!any || !buf_ok(&d->more)) {
        buf_reset(&d->more);
    }
}

/* Why a table was not compared, and how bad that is. */
static void state_say(struct draft *d, const struct validate_table *table)
{
    static const char *const why[] = {
        [SCOPE_COPYING] = "its first copy is under way: not compared",
        [SCOPE_NEW] = "nothing of it was captured yet: not compared",
        [SCOPE_KEYLESS] = "it has no key: not compared",
        [SCOPE_FOREIGN] = "its events are not of profile sink: not compared",
    };

    if (table->state == SCOPE_NEW && table->rows == 0) {
        buf_lit(say(d), "it has no rows");
        return;
    }
    warn(d, REPORT_WARNING);
    buf_str_add(say(d), str_of(why[table->state]));
}

/* The target whose number of rows is farthest off. */
static uint64_t rows_shown(const struct validate_table *table)
{
    uint64_t shown = table->rows, worst = 0;

    for (int side = CANON_ES; side < CANON_SIDES; side++) {
        const struct validate_target *t = &table->targets[side];
        uint64_t off = t->rows > table->rows ? t->rows - table->rows
                                             : table->rows - t->rows;

        if (t->compared && off > worst) {
            worst = off;
            shown = t->rows;
        }
    }
    return shown;
}

static uint64_t table_differences(const struct validate_table *table)
{
    return validate_differences(&table->targets[CANON_ES]) +
           validate_differences(&table->targets[CANON_CH]);
}

static void columns_say(struct draft *d, const struct read_pg_fit *fit)
{
    if (fit->left_out + fit->not_captured > 0) {
        warn(d, REPORT_WARNING);
        buf_lit(say(d), "columns not compared: ");
    }
    if (fit->left_out > 0) {
        buf_printf(&d->details, "%u gone from the source", fit->left_out);
    }
    if (fit->not_captured > 0) {
        buf_printf(&d->details, "%s%u that no event has yet",
                   fit->left_out > 0 ? ", " : "", fit->not_captured);
    }
}

static void table_add(struct report *r, const struct validate_table *table,
                      double sample)
{
    struct draft d;
    struct buf name;

    buf_init(&name, TEXT_BYTES_MAX);
    buf_printf(&name, "%s Consistency", table->label);
    draft_begin(&d, buf_z(&name));
    buf_fini(&name);
    if (table->state != SCOPE_READY) {
        state_say(&d, table);
    } else {
        buf_printf(say(&d), "%llu rows", (unsigned long long)table->rows);
        if (table->counts_only) {
            buf_lit(&d.details, ", counted only");
        } else if (sample > 0 && sample < 100) {
            buf_printf(&d.details, ", %g %% of the keys", sample);
        }
        for (int side = CANON_ES; side < CANON_SIDES; side++) {
            target_say(&d, table, (enum canon_side)side);
        }
        columns_say(&d, &table->fit);
        buf_u64(&d.expected, table->rows);
        buf_u64(&d.actual, rows_shown(table));
        buf_u64(&d.difference, table_differences(table));
        targets_write(&d, table);
    }
    draft_add(&d, r);
}

/* ---- the others --------------------------------------------------------- */

static void data_add(struct report *r, const struct validate_result *res)
{
    uint64_t rows = 0, differences = 0, wrong = 0, compared = 0;
    struct draft d;

    draft_begin(&d, "Data Consistency");
    for (unsigned i = 0; i < res->count; i++) {
        const struct validate_table *t = &res->tables[i];

        if (t->state == SCOPE_READY) {
            rows += t->rows;
            compared++;
            differences += table_differences(t);
            wrong += table_differences(t) > 0;
        } else if (t->state != SCOPE_NEW || t->rows > 0) {
            warn(&d, REPORT_WARNING);
        }
    }
    buf_printf(&d.details, "%llu of %u tables compared, %llu rows, %.1f s: ",
               (unsigned long long)compared, res->count,
               (unsigned long long)rows, (double)res->took_ms / 1000);
    if (differences > 0) {
        warn(&d, REPORT_FAIL);
        buf_printf(&d.details, "%llu differences, in %llu of them",
                   (unsigned long long)differences, (unsigned long long)wrong);
    } else {
        buf_lit(&d.details, "equal");
    }
    buf_lit(&d.expected, "0");
    buf_u64(&d.actual, differences);
    buf_u64(&d.difference, differences);
    draft_add(&d, r);
}

static void services_add(struct report *r, const struct vitals *v)
{
    unsigned wanted = 0, there = 0;
    struct draft d;

    draft_begin(&d, "CDC Service Health");
    buf_lit(&d.details, "all services answer");
    for (int role = 0; role < ROLE_COUNT; role++) {
        if (!v->wanted[role]) {
            continue;
        }
        wanted++;
        there += v->ready[role] > 0;
        if (v->ready[role] == 0) {
            warn(&d, REPORT_WARNING);
            buf_printf(say(&d), "%s %s", role_names[role],
                       v->up[role] > 0 ? "is not ready"
                                       : "does not answer (CDC_WORKERS)");
        } else {
            buf_printf(say(&d), "%s ready", role_names[role]);
        }
    }
    buf_u64(&d.expected, wanted);
    buf_u64(&d.actual, there);
    buf_u64(&d.difference, wanted - there);
    draft_add(&d, r);
}

static void lag_add(struct report *r, const struct vitals *v)
{
    struct draft d;

    draft_begin(&d, "Sync Lag");
    if (!v->lag_known) {
        warn(&d, REPORT_WARNING);
        buf_printf(&d.details, "not known: %s", v->why);
    } else {
        warn(&d, v->lag_s > LAG_FAIL_S      ? REPORT_FAIL
                 : v->lag_s > LAG_WARNING_S ? REPORT_WARNING
                                            : REPORT_PASS);
        buf_printf(&d.details, "%.1f s, %llu events wait", v->lag_s,
                   (unsigned long long)v->waiting);
        health_number(&d.actual, v->lag_s, 3);
    }
    health_number(&d.expected, LAG_WARNING_S, 0);
    draft_add(&d, r);
}

static void errors_add(struct report *r, const struct vitals *v)
{
    struct draft d;

    draft_begin(&d, "Error Rate");
    warn(&d, v->error_rate > ERRORS_FAIL      ? REPORT_FAIL
             : v->error_rate > ERRORS_WARNING ? REPORT_WARNING
                                              : REPORT_PASS);
    buf_printf(&d.details,
               "%.0f of %.0f events rejected since the workers started",
               v->rejected, v->finished);
    health_number(&d.expected, ERRORS_WARNING, 3);
    health_number(&d.actual, v->error_rate, 6);
    draft_add(&d, r);
}

static void throughput_add(struct report *r, const struct vitals *v)
{
    struct draft d;

    draft_begin(&d, "Throughput");
    buf_printf(&d.details, "%.1f events/s while this ran", v->throughput);
    health_number(&d.actual, v->throughput, 3);
    draft_add(&d, r);
}

void validatereport_make(struct report *r, const struct validate_result *res,
                         const struct vitals *v, double sample)
{
    r->at_us = res->at_us;
    services_add(r, v);
    data_add(r, res);
    for (unsigned i = 0; i < res->count; i++) {
        table_add(r, &res->tables[i], sample);
    }
    lag_add(r, v);
    errors_add(r, v);
    throughput_add(r, v);
}

/* ---- /consistency ------------------------------------------------------- */

static void issue_begin(struct buf *b, const char *table)
{
    if (b->p[b->len - 1] != '[') {
        buf_char(b, ',');
    }
    buf_char(b, '{');
    json_member_string(b, "table", str_of(table));
    json_member(b, STR("issue"));
}

static void issue_write(struct buf *b, const char *table, const char *what,
                        enum canon_side side, uint64_t count)
{
    issue_begin(b, table);
    buf_printf(b, "\"%s mismatch between PostgreSQL and %s\"", what,
               validate_target_title(side));
    json_member_u64(b, "count", count);
    buf_char(b, '}');
}

/* Rows too few or too many are a mismatch of the counts; keys beyond that,
   one of the rows. */
static void issues_write(struct buf *b, const struct validate_table *table,
                         enum canon_side side)
{
    const struct validate_target *t = &table->targets[side];
    uint64_t missing = t->counts[DRILL_MISSING];
    uint64_t extra = t->counts[DRILL_EXTRA];
    uint64_t net = missing > extra ? missing - extra : extra - missing;
    uint64_t all = validate_differences(t);

    net += t->off_by;
    if (net == 0 && t->more > 0 && t->rows != table->rows) {
        net = t->more;
    }
    if (net > 0) {
        issue_write(b, table->label, "Count", side, net);
    }
    if (all > net) {
        issue_write(b, table->label, "Row", side, all - net);
    }
}

static bool is_awaited(const struct validate_table *table)
{
    return table->state == SCOPE_COPYING ||
           (table->state == SCOPE_NEW && table->rows > 0);
}

bool validatereport_differs(const struct validate_result *res)
{
    for (unsigned i = 0; i < res->count; i++) {
        if (table_differences(&res->tables[i]) > 0) {
            return true;
        }
    }
    return false;
}

bool validatereport_issues(struct buf *b, const struct validate_result *res)
{
    bool consistent = !validatereport_differs(res);
    struct buf issues;

    buf_init(&issues, TEXT_BYTES_MAX);
    buf_char(&issues, '[');
    for (unsigned i = 0; i < res->count; i++) {
        const struct validate_table *table = &res->tables[i];

        if (is_awaited(table)) {
            consistent = false;
            issue_begin(&issues, table->label);
            buf_lit(&issues, "\"not checked yet\",\"count\":0}");
        }
        for (int side = CANON_ES; side < CANON_SIDES; side++) {
            issues_write(&issues, table, (enum canon_side)side);
        }
    }
    buf_char(&issues, ']');
    buf_printf(b,
               "\"consistent\":%s,\"issues\":", consistent ? "true" : "false");
    buf_str_add(b, buf_ok(&issues) ? buf_str(&issues) : STR("[]"));
    buf_fini(&issues);
    return consistent;
}
