#include "monitor/health.h"

#include <math.h>
#include <stdarg.h>

#include "common/clock.h"
#include "common/json.h"

#define LAG_UNHEALTHY_S 300.0
#define LAG_DEGRADED_S 60.0
#define ERRORS_UNHEALTHY 0.20
#define ERRORS_DEGRADED 0.05

bool health_up(const struct facts *f, enum service service,
               struct health_now now)
{
    const struct fact_service *s = &f->services[service];

    return !s->enabled ||
           (s->checked && s->up && now.clock_ms - s->at_ms <= HEALTH_STALE_MS);
}

bool health_ready(const struct facts *f, struct health_now now)
{
    for (int i = 0; i < SERVICE_COUNT; i++) {
        if (f->services[i].enabled && !f->services[i].checked) {
            return false;
        }
    }
    return f->lag_checked && health_up(f, SERVICE_POSTGRES, now) &&
           health_up(f, SERVICE_KAFKA, now);
}

static bool slot_lost(const struct fact_slot *slot)
{
    return slot->known && ((!slot->exists && slot->was_seen) ||
                           strcmp(slot->wal_status, "lost") == 0);
}

double health_capture_lag(const struct facts *f, struct health_now now)
{
    int64_t waiting_us = now.wall_us - f->slot.waiting_since_us;

    if (f->slot.waiting_since_us == 0 || waiting_us <= HEALTH_CONFIRM_US) {
        return 0;
    }
    return (double)waiting_us / 1e6;
}

double health_lag(const struct facts *f, struct health_now now)
{
    const struct lag_topic *topic;
    double worst = health_capture_lag(f, now);

    for (int s = 0; s < SINK_COUNT; s++) {
        struct lag_sum sum =
            lag_sink(&f->lag, (enum sink)s, now.wall_us, &topic);

        worst = fmax(worst, sum.seconds);
    }
    return worst;
}

enum health health_judge(const struct facts *f, struct health_now now)
{
    double lag = health_lag(f, now);

    if (!health_up(f, SERVICE_POSTGRES, now) ||
        !health_up(f, SERVICE_KAFKA, now) || slot_lost(&f->slot) ||
        lag > LAG_UNHEALTHY_S || f->error_rate > ERRORS_UNHEALTHY) {
        return UNHEALTHY;
    }
    if (!health_up(f, SERVICE_ELASTICSEARCH, now) ||
        !health_up(f, SERVICE_CLICKHOUSE, now) || lag > LAG_DEGRADED_S ||
        f->error_rate > ERRORS_DEGRADED || f->inconsistent) {
        return DEGRADED;
    }
    return HEALTHY;
}

const char *health_name(enum health h)
{
    return h == HEALTHY ? "healthy" : h == DEGRADED ? "degraded" : "unhealthy";
}

void health_number(struct buf *b, double value, int decimals)
{
    char text[400];
    size_t len;

    if (!isfinite(value)) {
        value = 0;
    }
    (void)snprintf(text, sizeof(text), "%.*f", decimals, value);
    len = strlen(text);
    if (memchr(text, '.', len)) {
        while (text[len - 1] == '0') {
            len--;
        }
        len -= text[len - 1] == '.';
    }
    if (len == 2 && memcmp(text, "-0", 2) == 0) {
        buf_char(b, '0');
        return;
    }
    buf_add(b, text, len);
}

static void member_number(struct buf *b, const char *name, double value,
                          int decimals)
{
    json_member(b, str_of(name));
    health_number(b, value, decimals);
}

/* A string of the array that is open. */
static void element(struct buf *b, const char *text)
{
    if (b->len > 0 && b->p[b->len - 1] != '[') {
        buf_char(b, ',');
    }
    json_string(b, str_of(text));
}

/* Where problems go: elements of a JSON array, or lines of text. */
struct problems {
    struct buf *to;
    bool lines;
    unsigned count;
};

static void problem(struct problems *p, const char *fmt, ...) PRINTF_LIKE(2, 3);

static void problem(struct problems *p, const char *fmt, ...)
{
    char text[512];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    p->count++;
    if (p->lines) {
        buf_printf(p->to, "  ! %s\n", text);
    } else {
        element(p->to, text);
    }
}

static void write_services(struct buf *b, const struct facts *f,
                           struct health_now now)
{
    json_member(b, STR("services"));
    buf_char(b, '{');
    for (int i = 0; i < SERVICE_COUNT; i++) {
        json_member_bool(b, service_names[i],
                         health_up(f, (enum service)i, now));
    }
    buf_char(b, '}');
}

static void write_metrics(struct buf *b, const struct facts *f,
                          struct health_now now)
{
    json_member(b, STR("metrics"));
    buf_char(b, '{');
    member_number(b, "syncLag", health_lag(f, now), 3);
    member_number(b, "errorRate", f->error_rate, 6);
    member_number(b, "throughput", f->throughput, 3);
    buf_char(b, '}');
}

static void write_disabled(struct buf *b, const struct facts *f)
{
    json_member(b, STR("disabled"));
    buf_char(b, '[');
    for (int i = 0; i < SERVICE_COUNT; i++) {
        if (!f->services[i].enabled) {
            element(b, service_names[i]);
        }
    }
    buf_char(b, ']');
}

const char *health_registry(const struct facts *f)
{
    const struct fact_registry *r = &f->registry;

    return !r->enabled ? "disabled" : r->up || !r->checked ? "up" : "down";
}

/* What the data flows without. */
static void write_components(struct buf *b, const struct facts *f)
{
    json_member(b, STR("components"));
    buf_char(b, '{');
    json_member_string(b, "redis", str_of(health_registry(f)));
    buf_char(b, '}');
}

/* {"capture":{"seconds":0},"es":{"seconds":2.5,"messages":7,"table":"User"}};
   seconds is null while it is not known. */
static void write_lag(struct buf *b, const struct facts *f,
                      struct health_now now)
{
    json_member(b, STR("lag"));
    buf_lit(b, "{\"capture\":{");
    member_number(b, "seconds", health_capture_lag(f, now), 3);
    buf_char(b, '}');
    for (int s = 0; s < SINK_COUNT; s++) {
        const struct lag_topic *topic;
        struct lag_sum sum;

        if (!f->lag.enabled[s]) {
            continue;
        }
        sum = lag_sink(&f->lag, (enum sink)s, now.wall_us, &topic);
        json_member(b, str_of(sink_names[s]));
        buf_char(b, '{');
        if (f->lag_checked && sum.known) {
            member_number(b, "seconds", sum.seconds, 3);
        } else {
            json_member(b, STR("seconds"));
            buf_lit(b, "null");
        }
        json_member_u64(b, "messages", sum.messages);
        if (topic) {
            json_member_string(b, "table", str_of(topic->table));
        }
        buf_char(b, '}');
    }
    buf_char(b, '}');
}

static void write_slot(struct buf *b, const struct facts *f)
{
    const struct fact_slot *slot = &f->slot;

    json_member(b, STR("slot"));
    buf_char(b, '{');
    json_member_string(b, "name", str_of(f->slot_name));
    json_member_bool(b, "exists", slot->exists);
    if (slot->exists) {
        json_member_bool(b, "active", slot->active);
        json_member_string(b, "walStatus", str_of(slot->wal_status));
        json_member_i64(b, "unconfirmedBytes", slot->unconfirmed_bytes);
        json_member_i64(b, "retainedBytes", slot->retained_bytes);
    }
    buf_char(b, '}');
}

static void write_workers(struct buf *b, const struct facts *f)
{
    json_member(b, STR("workers"));
    buf_char(b, '[');
    for (unsigned i = 0; i < f->worker_count; i++) {
        const struct fact_worker *w = &f->workers[i];

        buf_str_add(b, i ? STR(",{") : STR("{"));
        json_member_string(b, "role", str_of(role_names[w->role]));
        json_member_string(b, "instance", str_of(w->instance));
        json_member_bool(b, "up", w->up);
        json_member_bool(b, "ready", w->ready);
        buf_char(b, '}');
    }
    buf_char(b, ']');
}

static void problems_of_services(struct problems *p, const struct facts *f,
                                 struct health_now now)
{
    for (int i = 0; i < SERVICE_COUNT; i++) {
        const struct fact_service *s = &f->services[i];

        if (health_up(f, (enum service)i, now)) {
            continue;
        }
        if (!s->checked) {
            problem(p, "%s: not checked yet", service_names[i]);
        } else if (s->up) {
            problem(p, "%s: its check does not come back", service_names[i]);
        } else {
            problem(p, "%s: %s", service_names[i], s->why);
        }
    }
}

static void problems_of_slot(struct problems *p, const struct facts *f)
{
    const struct fact_slot *slot = &f->slot;

    if (!slot->known) {
        return;
    }
    if (slot_lost(slot)) {
        problem(p,
                "replication slot %s is lost: changes are missing; "
                "a resync is needed",
                f->slot_name);
    } else if (!slot->exists) {
        problem(p, "replication slot %s does not exist yet", f->slot_name);
    } else if (strcmp(slot->wal_status, "unreserved") == 0) {
        problem(p, "replication slot %s is about to be lost", f->slot_name);
    } else if (!slot->active) {
        problem(p, "replication slot %s is not in use: no producer reads it",
                f->slot_name);
    }
}

static bool role_answers(const struct facts *f, enum role role)
{
    for (unsigned i = 0; i < f->worker_count; i++) {
        if (f->workers[i].role == role && f->workers[i].up) {
            return true;
        }
    }
    return false;
}

static void problems_of_flow(struct problems *p, const struct facts *f,
                             struct health_now now)
{
    if (health_lag(f, now) > LAG_DEGRADED_S) {
        problem(p, "lag is above %.0f s", LAG_DEGRADED_S);
    }
    if (f->error_rate > ERRORS_DEGRADED) {
        problem(p, "more than %.0f %% of the events are rejected",
                ERRORS_DEGRADED * 100);
    }
    if (f->inconsistent) {
        problem(p, "source and targets differ: see /consistency, or run "
                   "cdc-monitor validate");
    }
    if (f->lag_why[0] != '\0' && health_up(f, SERVICE_KAFKA, now)) {
        problem(p, "lag could not be measured: %s", f->lag_why);
    }
    for (unsigned i = 0; i < f->worker_count; i++) {
        const struct fact_worker *w = &f->workers[i];

        if (!w->up && role_answers(f, w->role)) {
            problem(p, "%s at %s does not answer", role_names[w->role],
                    w->instance);
        } else if (!w->up) {
            problem(p, "no %s answers", role_names[w->role]);
        } else if (!w->ready) {
            problem(p, "%s at %s is not ready", role_names[w->role],
                    w->instance);
        }
    }
}

static void problems_write(struct problems *p, const struct facts *f,
                           struct health_now now)
{
    problems_of_services(p, f, now);
    problems_of_slot(p, f);
    problems_of_flow(p, f, now);
}

unsigned health_problems_text(struct buf *b, const struct facts *f,
                              struct health_now now)
{
    struct problems p = { .to = b, .lines = true };

    problems_write(&p, f, now);
    return p.count;
}

void health_members(struct buf *b, const struct facts *f, struct health_now now)
{
    struct problems problems = { .to = b };

    json_member_string(b, "status", str_of(health_name(health_judge(f, now))));
    json_member(b, STR("timestamp"));
    buf_char(b, '"');
    clock_rfc3339(b, now.wall_us);
    buf_char(b, '"');
    write_services(b, f, now);
    write_metrics(b, f, now);
    write_disabled(b, f);
    write_components(b, f);
    json_member(b, STR("problems"));
    buf_char(b, '[');
    problems_write(&problems, f, now);
    buf_char(b, ']');
    write_lag(b, f, now);
    write_slot(b, f);
    write_workers(b, f);
    json_member_string(b, "version", STR(CDC_VERSION));
}

void health_write(struct buf *b, const struct facts *f, struct health_now now)
{
    buf_char(b, '{');
    health_members(b, f, now);
    buf_char(b, '}');
}
