#include "monitor/validate.h"

#include <pthread.h>

#include "common/clock.h"
#include "monitor/fence.h"
#include "monitor/validatetable.h"

struct validate {
    const struct settings *settings;
    struct read_pg pg;
    struct read_es es;
    struct read_ch ch;
    struct probe_kafka kafka; /* of the fences */
    struct lag lag;
    pthread_mutex_t lock; /* probe_kafka's; nobody else is there */
    bool targets[CANON_SIDES];
};

const char *validate_target_title(enum canon_side side)
{
    return side == CANON_ES ? "Elasticsearch" : "ClickHouse";
}

const char *validate_target_name(enum canon_side side)
{
    return side == CANON_ES ? "elasticsearch" : "clickhouse";
}

uint64_t validate_differences(const struct validate_target *t)
{
    return t->counts[DRILL_MISSING] + t->counts[DRILL_EXTRA] +
           t->counts[DRILL_DIFFERENT] + t->more + t->off_by;
}

void validate_result_fini(struct validate_result *r)
{
    for (unsigned i = 0; i < r->count; i++) {
        for (int side = 0; side < CANON_SIDES; side++) {
            struct validate_target *t = &r->tables[i].targets[side];

            for (unsigned k = 0; k < t->key_count; k++) {
                xfree(t->keys[k].text);
            }
            xfree(t->keys);
        }
        xfree(r->tables[i].label);
    }
    xfree(r->tables);
    *r = (struct validate_result){ 0 };
}

/* ---- opening ------------------------------------------------------------ */

static int sides_open(struct validate *v, struct err *e)
{
    const struct settings *s = v->settings;

    if (!settings_has(s->database_url)) {
        return err_set(e, ERR_CONFIG, "DATABASE_URL is not set");
    }
    if (read_pg_open(&v->pg, s->database_url, s->common.name, e) < 0) {
        return -1;
    }
    if (v->targets[CANON_ES] && read_es_open(&v->es, s->elasticsearch_url,
                                             s->elasticsearch_api_key, e) < 0) {
        return -1;
    }
    if (v->targets[CANON_CH] &&
        read_ch_open(&v->ch, s->clickhouse_host, s->clickhouse_user,
                     s->clickhouse_password, s->clickhouse_database, e) < 0) {
        return -1;
    }
    return probe_kafka_open(&v->kafka, s->common.brokers, s->common.name,
                            &v->lag, &v->lock, e);
}

int validate_open(struct validate **ret_v, const struct settings *s,
                  struct err *e)
{
    struct validate *v = xcalloc(1, sizeof(*v));

    v->settings = s;
    v->targets[CANON_ES] = settings_has(s->elasticsearch_url);
    v->targets[CANON_CH] = settings_has(s->clickhouse_host);
    CHECK(pthread_mutex_init(&v->lock, NULL) == 0);
    lag_init(&v->lag, v->targets[CANON_ES], v->targets[CANON_CH]);
    if (sides_open(v, e) < 0) {
        validate_close(v);
        return -1;
    }
    *ret_v = v;
    return 0;
}

void validate_close(struct validate *v)
{
    if (!v) {
        return;
    }
    read_pg_close(&v->pg);
    read_es_close(&v->es);
    read_ch_close(&v->ch);
    probe_kafka_close(&v->kafka);
    lag_fini(&v->lag);
    (void)pthread_mutex_destroy(&v->lock);
    xfree(v);
}

/* ---- running ------------------------------------------------------------ */

/* One comparison under way. */
struct course {
    struct validate *v;
    struct validate_run run;
    struct scope scope;
    struct validate_work *works; /* one for each table of the scope */
    struct validate_result *result;
};

static void say(const struct course *c, const char *what)
{
    const struct validate_options *o = c->run.options;

    if (o->progress) {
        o->progress(o->progress_arg, NULL, what, 0);
    }
}

/* A fence for the tables that have a topic. */
static int fence(struct course *c, struct err *e)
{
    struct validate *v = c->v;
    const char **topics = xcalloc(c->scope.count + 1, sizeof(*topics));
    struct fence f = {
        .pg = &v->pg,
        .kafka = &v->kafka,
        .topics = topics,
        .sinks = { [SINK_ES] = v->targets[CANON_ES],
                   [SINK_CLICKHOUSE] = v->targets[CANON_CH] },
        .timeout_ms = c->run.options->fence_ms > 0 ? c->run.options->fence_ms
                                                   : VALIDATE_FENCE_MS,
    };
    unsigned count = 0;
    int rc;

    for (unsigned i = 0; i < c->scope.count; i++) {
        if (c->scope.tables[i].state == SCOPE_READY) {
            topics[count++] = c->scope.tables[i].shape.topic;
        }
    }
    say(c, "waiting until both targets have what PostgreSQL shows");
    rc = fence_pass(&f, e);
    c->result->checks++;
    xfree(topics);
    return rc;
}

static int scope_read(struct course *c, struct err *e)
{
    const struct settings *s = c->v->settings;
    uint64_t lsn;

    say(c, "looking for the tables");
    if (read_pg_snapshot(&c->v->pg, &lsn, e) < 0 ||
        scope_load(&c->scope, &c->v->pg, s->common.brokers, s->common.name,
                   c->run.options->tables, e) < 0) {
        return -1;
    }
    c->works = xcalloc(c->scope.count, sizeof(*c->works));
    c->result->tables = xcalloc(c->scope.count, sizeof(*c->result->tables));
    c->result->count = c->scope.count;
    for (unsigned i = 0; i < c->scope.count; i++) {
        const struct scope_table *table = &c->scope.tables[i];
        struct validate_table *result = &c->result->tables[i];

        *result = (struct validate_table){ .label = xstrdup(table->label),
                                           .state = table->state };
        for (int side = CANON_ES; side < CANON_SIDES; side++) {
            result->targets[side].compared =
                table->state == SCOPE_READY && c->v->targets[side];
        }
        c->works[i].table = table;
        c->works[i].result = result;
    }
    return 0;
}

static int first_check(struct course *c, struct err *e)
{
    if (fence(c, e) < 0) {
        return -1;
    }
    for (unsigned i = 0; i < c->scope.count; i++) {
        if (validate_table_first(&c->run, &c->works[i], e) < 0) {
            return -1;
        }
    }
    return 0;
}

/* Begins to look into what differs, as far as there is room for keys. */
static bool drills_begin(struct course *c)
{
    unsigned room = VALIDATE_KEYS_MAX;
    bool any = false;

    for (unsigned i = 0; i < c->scope.count && room > 0; i++) {
        unsigned taken = validate_table_begin(&c->works[i], room);

        room = taken < room ? room - taken : 0;
        any |= validate_table_open(&c->works[i]);
    }
    return any;
}

/* Checks what is open until nothing is, or it was checked often enough: the
   keys are collected, then looked at VALIDATE_RECHECKS times. */
static int drills_run(struct course *c, struct err *e)
{
    for (int check = 0; check <= VALIDATE_RECHECKS; check++) {
        bool fenced = false;

        for (unsigned i = 0; i < c->scope.count; i++) {
            if (!validate_table_open(&c->works[i])) {
                continue;
            }
            if (!fenced && fence(c, e) < 0) {
                return -1;
            }
            fenced = true;
            if (validate_table_again(&c->run, &c->works[i], e) < 0) {
                return -1;
            }
        }
        if (!fenced) {
            break;
        }
    }
    for (unsigned i = 0; i < c->scope.count; i++) {
        validate_table_end(&c->works[i]);
    }
    return 0;
}

static int course_run(struct course *c, struct err *e)
{
    if (scope_read(c, e) < 0 || first_check(c, e) < 0) {
        return -1;
    }
    while (drills_begin(c)) {
        if (drills_run(c, e) < 0) {
            return -1;
        }
    }
    return 0;
}

/* What could not be checked is never a failed check: exit 1 is for that. */
static int unchecked(struct err *e)
{
    if (e->kind == ERR_FATAL || e->kind == ERR_INPUT) {
        e->kind = ERR_RETRY;
    }
    return -1;
}

int validate_run(struct validate *v, const struct validate_options *options,
                 struct validate_result *ret_result, struct err *e)
{
    struct course c = { .v = v, .result = ret_result };
    int64_t began_ms = clock_ms();
    int rc;

    *ret_result = (struct validate_result){ 0 };
    c.run = (struct validate_run){ .pg = &v->pg,
                                   .es = &v->es,
                                   .ch = &v->ch,
                                   .options = options,
                                   .lag = &v->lag };
    memcpy(c.run.targets, v->targets, sizeof(v->targets));
    rc = course_run(&c, e);
    read_pg_release(&v->pg);
    for (unsigned i = 0; c.works && i < c.scope.count; i++) {
        validate_work_fini(&c.works[i]);
    }
    for (int side = 0; side < CANON_SIDES; side++) {
        buckets_fini(&c.run.sums[side]);
    }
    xfree(c.works);
    scope_fini(&c.scope);
    if (rc < 0) {
        validate_result_fini(ret_result);
        return unchecked(e);
    }
    ret_result->at_us = clock_wall_us();
    ret_result->took_ms = clock_ms() - began_ms;
    return 0;
}
