#include "common/sink.h"

#include "common/clock.h"
#include "common/intake.h"
#include "common/log.h"
#include "common/outage.h"
#include "common/registry.h"
#include "common/stop.h"

enum {
    TICK_MS = 250,        /* lags, new shapes, failed commits */
    CHECK_MS = 5000,      /* between two looks at a target that was away */
    CLOSE_MS = 10 * 1000, /* a last request has 10 s (http.h): 20 s in all */
    NAME_BYTES = 300,
};

/* Why an attempt is made again: cdc_sink_retries_total{reason}. */
enum reason {
    REASON_UNREACHABLE,
    REASON_REFUSED,
    REASON_PREPARE,
    REASON_COUNT
};

/* What became of an attempt: cdc_sink_request_duration_seconds{outcome}. */
enum outcome {
    OUTCOME_SUCCESS,
    OUTCOME_REFUSED, /* answered, and not everything was taken */
    OUTCOME_ERROR,   /* no answer */
    OUTCOME_COUNT
};

struct sink {
    const struct sink_ops *ops;
    void *self;
    const struct sink_conf *conf;
    char group_id[NAME_BYTES], schema_topic[NAME_BYTES];

    struct server *server;
    struct registry *registry;
    struct shapes *shapes;
    unsigned shapes_seen; /* whose tables have their series */
    struct group *group;
    struct tables tables;
    struct intake in;
    struct outage outage;
    int64_t tick_ms, check_ms; /* when the next one is due */
    unsigned attempts;
    struct metric *retries[REASON_COUNT];
    int64_t sent_ms;
    struct metric *requests[OUTCOME_COUNT]; /* their time */
    struct metric *batch_events;
};

/* ---- looks around ----------------------------------------------------- */

static bool may_retry(const struct err *e)
{
    return e->kind == ERR_RETRY || e->kind == ERR_UNREACHABLE;
}

/* Readiness follows progress: partitions known, target not away. */
static void update_ready(struct sink *s)
{
    server_ready(s->server,
                 group_settled(s->group) && !outage_is_on(&s->outage));
}

/* Every known table has its series, also before its first event. */
static void see_shapes(struct sink *s)
{
    while (s->shapes_seen < shapes_count(s->shapes)) {
        (void)tables_get(&s->tables, shapes_at(s->shapes, s->shapes_seen));
        s->shapes_seen++;
    }
}

/* The batch that met an outage may be gone, and no other come: the outage
   ends for this member when the target says so. */
static int look_after_outage(struct sink *s, struct err *e)
{
    if (!outage_is_on(&s->outage) || s->in.batch.count > 0 ||
        clock_ms() < s->check_ms) {
        return 0;
    }
    s->check_ms = clock_ms() + CHECK_MS;
    if (s->ops->check(s->self, e) == 0) {
        outage_ended(&s->outage);
        return 0;
    }
    return may_retry(e) ? 0 : -1;
}

static int tick(struct sink *s, struct err *e)
{
    if (clock_ms() < s->tick_ms) {
        return 0;
    }
    s->tick_ms = clock_ms() + TICK_MS;
    if (shapes_poll(s->shapes, 0, e) < 0 || look_after_outage(s, e) < 0) {
        return -1;
    }
    see_shapes(s);
    intake_lag(&s->in);
    update_ready(s);
    group_commit(s->group);
    return 0;
}

/* ---- settling --------------------------------------------------------- */

/* Items in a row that count the same: a transaction's rows of one table. */
struct run {
    struct table *table;
    enum event_op op;
    int64_t commit_us;
    unsigned count;
};

static void run_end(struct sink *s, struct run *run)
{
    if (run->count > 0) {
        table_done(&s->tables, run->table, run->op, run->commit_us, run->count);
    }
    run->count = 0;
}

static void run_add(struct sink *s, struct run *run, const struct item *it)
{
    struct table *table = it->part->table;

    if (run->table != table || run->op != it->ev.op ||
        run->commit_us != it->ev.commit_us) {
        run_end(s, run);
    }
    run->table = table;
    run->op = it->ev.op;
    run->commit_us = it->ev.commit_us;
    run->count++;
}

/* What an attempt left unwritten. */
static void count_failed(struct sink *s)
{
    for (unsigned i = 0; i < s->in.batch.count; i++) {
        table_write_failed(s->in.batch.items[i].part->table, s->attempts);
    }
}

/* What is DONE leaves the batch, and offsets follow. */
static void settle(struct sink *s)
{
    struct batch *b = &s->in.batch;
    struct run run = { .count = 0 };

    for (unsigned i = 0; i < b->count; i++) {
        const struct item *it = &b->items[i];

        if (it->verdict != VERDICT_DONE) {
            continue;
        }
        offsets_settle(&it->part->offsets, it->offset);
        if (!it->ev.tombstone) {
            run_add(s, &run, it); /* a tombstone repeats its delete */
        }
    }
    run_end(s, &run);
    batch_compact(b);
    group_commit(s->group);
}

/* An item that must not be passed: this version stops at it. */
static int refuse(struct sink *s, const struct item *it, struct err *e)
{
    const char *what = "the sink must stop";

    if (it->verdict == VERDICT_REJECT) {
        what = "the target refuses the event";
        table_failed(&s->tables, it->part->table, it->ev.op,
                     tables_error_type(&s->tables));
    }
    return err_set(e, ERR_FATAL, "%s [%d] offset %lld: %s: %s", it->part->topic,
                   (int)it->partition, (long long)it->offset, what,
                   it->why[0] ? it->why : "no reason given");
}

/* ---- attempts --------------------------------------------------------- */

/* An attempt failed for now: waits until the next one is due. */
static int again(struct sink *s, enum reason reason, int64_t began_ms,
                 struct err *e)
{
    int64_t until_ms =
        clock_ms() + outage_failed(&s->outage, began_ms, e->text);
    int rc = 0;

    metric_add(s->retries[reason], 1);
    update_ready(s);
    while (rc == 0 && clock_left_ms(until_ms) > 0 && s->in.batch.count > 0 &&
           !stop_requested()) {
        int left_ms = clock_left_ms(until_ms);

        rc = intake_wait(&s->in, left_ms < TICK_MS ? left_ms : TICK_MS, e);
        if (rc == 0) {
            rc = tick(s, e);
        }
    }
    return rc;
}

/* group.h, "Frozen": after a silence the group is heard before anything is
   sent, and the batch may be gone afterwards. */
static int check_fresh(struct sink *s, struct err *e)
{
    struct group_msg none;

    if (group_silence_ms(s->group) < GROUP_LOOK_MS) {
        return 0;
    }
    group_pause(s->group, true);
    return intake_serve(&s->in, 0, &none, e);
}

/* The first item whose table is not prepared for its shape. */
static const struct item *unprepared(const struct sink *s)
{
    for (unsigned i = 0; i < s->in.batch.count; i++) {
        const struct item *it = &s->in.batch.items[i];

        if (!table_is_ready(it->part->table, it->shape)) {
            return it;
        }
    }
    return NULL;
}

/* Must the table's target be there already? (sink.h, `passed`) */
static int look_passed(struct sink *s, const struct table *table,
                       bool *ret_passed, struct err *e)
{
    if (table_newest(table)) {
        *ret_passed = true; /* prepared by this process */
        return 0;
    }
    return group_passed(s->group, table->topic, ret_passed, e);
}

/* One table may take as long as a request may: the group is served after
   each, or a first batch of many tables would cost the membership. */
static int prepare_shapes(struct sink *s, struct err *e)
{
    const struct item *it;
    struct group_msg none;

    while ((it = unprepared(s)) != NULL) {
        const struct shape *shape = it->shape;
        struct table *table = it->part->table;

        bool passed;

        if (look_passed(s, table, &passed, e) < 0 ||
            s->ops->prepare(s->self, table_newest(table), shape, passed, e) <
                0) {
            table_write_failed(table, s->attempts);
            return -1;
        }
        table_set_ready(table, shape);
        group_pause(s->group, true);
        if (intake_serve(&s->in, 0, &none, e) < 0) {
            return -1;
        }
    }
    return 0;
}

static void observe(struct sink *s, int rc, const struct batch_verdicts *v)
{
    enum outcome outcome = rc < 0                     ? OUTCOME_ERROR
                           : v->retry || v->first_bad ? OUTCOME_REFUSED
                                                      : OUTCOME_SUCCESS;

    metric_observe(s->requests[outcome],
                   (double)(clock_ms() - s->sent_ms) / 1e3);
}

/* Looks at what an attempt left. -1: the process stops; what is DONE was
   settled and its offsets are on their way all the same. */
static int judge(struct sink *s, int rc, int64_t began_ms, struct err *e)
{
    struct batch_verdicts v = batch_judge(&s->in.batch);
    bool stop = rc < 0 && !may_retry(e);

    observe(s, rc, &v);
    if (!stop && v.first_bad) {
        (void)refuse(s, v.first_bad, e);
        stop = true;
    } else if (rc == 0 && v.first_retry) {
        (void)err_set(e, ERR_RETRY, "%u of %u events not accepted yet: %s",
                      v.retry, s->in.batch.count, v.first_retry->why);
    }
    settle(s);
    count_failed(s);
    if (stop) {
        return -1;
    }
    if (s->in.batch.count == 0) {
        outage_ended(&s->outage);
        return 0;
    }
    if (v.done > 0) {
        outage_progress(&s->outage);
    }
    return again(s, rc < 0 ? REASON_UNREACHABLE : REASON_REFUSED, began_ms, e);
}

/* One attempt for what is left of the batch. */
static int attempt(struct sink *s, struct err *e)
{
    int64_t began_ms = clock_ms();
    int rc;

    if (check_fresh(s, e) < 0) {
        return -1;
    }
    s->attempts++;
    if (prepare_shapes(s, e) < 0) {
        return may_retry(e) ? again(s, REASON_PREPARE, began_ms, e) : -1;
    }
    if (check_fresh(s, e) < 0) {
        return -1;
    }
    if (s->in.batch.count == 0) {
        return 0; /* dropped unsent */
    }
    s->in.batch.send_by_ms =
        clock_ms() - group_silence_ms(s->group) + SINK_BATCH_AGE_MS;
    s->sent_ms = clock_ms();
    rc = s->ops->write(s->self, &s->in.batch, e);
    return judge(s, rc, began_ms, e);
}

static int deliver(struct sink *s, struct err *e)
{
    int rc = 0;

    group_nudge(s->group);
    metric_observe(s->batch_events, s->in.batch.count);
    intake_lag(&s->in);
    while (rc == 0 && s->in.batch.count > 0 && !stop_requested()) {
        rc = attempt(s, e);
    }
    group_pause(s->group, false);
    update_ready(s);
    return rc;
}

/* ---- life ------------------------------------------------------------- */

typedef int step_fn(struct sink *s, struct err *e);

static int check_target(struct sink *s, struct err *e)
{
    return s->ops->check(s->self, e);
}

static int open_shapes(struct sink *s, struct err *e)
{
    return shapes_open(&s->shapes, s->conf->common.brokers, s->schema_topic, e);
}

/* A step of the start that waits for others, for ever. */
static int start_step(struct sink *s, const char *what, step_fn *fn,
                      struct err *e)
{
    struct outage outage;

    outage_init(&outage, what);
    while (!stop_requested()) {
        int64_t began_ms = clock_ms();

        if (fn(s, e) == 0) {
            outage_ended(&outage);
            return 0;
        }
        if (!may_retry(e)) {
            return -1;
        }
        (void)stop_wait(outage_failed(&outage, began_ms, e->text));
    }
    return 0;
}

static int start(struct sink *s, struct err *e)
{
    struct consumer_conf conf = {
        .brokers = s->conf->common.brokers,
        .client_id = s->ops->component,
        .group_id = s->group_id,
        .prefix = s->conf->common.name,
        .session_ms = CONSUMER_SESSION_MS,
    };

    if (start_step(s, s->ops->name, check_target, e) < 0 ||
        start_step(s, "kafka", open_shapes, e) < 0) {
        return -1;
    }
    if (stop_requested()) {
        return 0;
    }
    see_shapes(s);
    if (group_open(&s->group, &conf, e) < 0) {
        return -1;
    }
    s->in.group = s->group;
    s->in.shapes = s->shapes;
    log_info("sink started", "version=%s group=%s shapes=%u linger_ms=%d",
             CDC_VERSION, s->group_id, shapes_count(s->shapes),
             s->in.linger_ms);
    return 0;
}

static void declare_metrics(struct sink *s)
{
    static const char *const reasons[REASON_COUNT] = { "unreachable", "refused",
                                                       "prepare" };
    static const char *const outcomes[OUTCOME_COUNT] = { "success", "refused",
                                                         "error" };
    struct metric_family *retries =
        metric_family(METRIC_COUNTER, "cdc_sink_retries_total", "reason",
                      "Attempts at the target that are made again, by reason");
    struct metric_family *events =
        metric_family_counts("cdc_batch_events", "", "Events of one batch");
    struct metric_family *requests =
        metric_family(METRIC_HISTOGRAM, "cdc_sink_request_duration_seconds",
                      "sink,outcome", "Time of one attempt to write a batch");

    for (unsigned i = 0; i < REASON_COUNT; i++) {
        s->retries[i] = metric_get(retries, &reasons[i]);
    }
    s->batch_events = metric_get(events, NULL);
    for (unsigned i = 0; i < OUTCOME_COUNT; i++) {
        const char *values[] = { s->ops->name, outcomes[i] };

        s->requests[i] = metric_get(requests, values);
    }
    s->in.heartbeat =
        metric_time("cdc_heartbeat_last_received_timestamp_seconds",
                    "Commit time of the newest heartbeat that came through");
}

static void init(struct sink *s, const struct sink_ops *ops, void *self,
                 const struct sink_conf *conf)
{
    struct intake *in = &s->in;

    *s = (struct sink){ .ops = ops, .self = self, .conf = conf };
    (void)snprintf(s->group_id, sizeof(s->group_id), "%s-%s", conf->common.name,
                   ops->name);
    (void)snprintf(s->schema_topic, sizeof(s->schema_topic), "%s.schema",
                   conf->common.name);
    in->tables = &s->tables;
    in->schema_topic = s->schema_topic;
    in->prefix = conf->common.name;
    in->limits.rows =
        conf->batch_size > 0 ? (unsigned)conf->batch_size : SINK_BATCH_ROWS;
    in->limits.bytes = (size_t)conf->batch_bytes;
    in->linger_ms = conf->linger_ms;
    if (in->linger_ms < 0) {
        in->linger_ms = ops->linger_ms > 0 ? ops->linger_ms : SINK_LINGER_MS;
    }
    batch_init(&in->batch);
    outage_init(&s->outage, ops->name);
    metrics_init(ops->component);
    tables_init(&s->tables, ops);
    declare_metrics(s);
}

static int run(struct sink *s, struct err *e)
{
    int rc = start(s, e);

    while (rc == 0 && !stop_requested()) {
        rc = intake_fill(&s->in, e);
        if (rc == 0 && s->in.batch.count > 0) {
            rc = deliver(s, e);
        }
        if (rc == 0) {
            rc = tick(s, e);
        }
    }
    return rc;
}

static int register_self(struct sink *s, struct err *e)
{
    const struct conf_common *c = &s->conf->common;

    return registry_open(&s->registry,
                         &(struct registry_conf){
                             .url = c->redis_url,
                             .name = c->name,
                             .role = s->ops->component,
                             .listen = c->listen,
                             .advertise = c->advertise,
                             .server = s->server,
                             .events = "cdc_sync_events_total",
                         },
                         e);
}

int sink_run(const struct sink_ops *ops, void *self,
             const struct sink_conf *conf, struct err *e)
{
    struct sink s;
    struct server_route routes[] = {
        { "/metrics", tables_metrics, &s.tables },
        { "/api/v1/data-sync/metrics", tables_metrics, &s.tables },
        { NULL, NULL, NULL },
    };
    int rc = -1;

    if (stop_fd() < 0 && stop_init(e) < 0) {
        return -1;
    }
    init(&s, ops, self, conf);
    if (server_open(&s.server, conf->common.listen, routes, e) == 0 &&
        register_self(&s, e) == 0) {
        rc = run(&s, e);
    }
    if (s.server) {
        server_ready(s.server, false);
    }
    registry_close(s.registry);
    batch_fini(&s.in.batch); /* closing waits for every message of it */
    group_close(s.group, CLOSE_MS);
    server_close(s.server);
    tables_fini(&s.tables);
    shapes_close(s.shapes);
    if (rc == 0) {
        log_info("sink stopped", "");
    }
    return rc;
}
