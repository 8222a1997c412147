#include "monitor/consistency.h"

#include <limits.h>
#include <pthread.h>
#include <time.h>

#include "common/clock.h"
#include "common/json.h"
#include "common/log.h"
#include "common/metrics.h"
#include "common/stop.h"
#include "monitor/validatereport.h"

enum { JOIN_MS = 6000, ANSWER_BYTES_MAX = 4 << 20, KINDS = 5 };

struct consistency {
    const struct settings *settings;
    struct validate *v;
    pthread_t id;
    bool started;
    struct validate_result last; /* the thread's own */
    bool failing;                /* said in the log */
    unsigned failures;           /* since the last that was made */
    struct metric_family *rows;
    struct metric *at, *success;

    pthread_mutex_t lock;         /* for all below */
    enum consistency_state state; /* UNKNOWN too while tables are awaited */
    int64_t at_us;                /* of the last check; 0: none yet */
    struct buf members;           /* "consistent":…,"issues":[…] */
    char why[300];                /* the last check could not be made */
};

int consistency_open(struct consistency **ret_c, const struct settings *s,
                     struct err *e)
{
    struct consistency *c = xcalloc(1, sizeof(*c));

    c->settings = s;
    CHECK(pthread_mutex_init(&c->lock, NULL) == 0);
    buf_init(&c->members, ANSWER_BYTES_MAX);
    if (validate_open(&c->v, s, e) < 0) {
        (void)consistency_close(c);
        return -1;
    }
    c->rows = metric_family(METRIC_GAUGE, "cdc_consistency_mismatched_rows",
                            "table,target,kind",
                            "Rows that differ between PostgreSQL and a "
                            "target, at the last check");
    c->at = metric_get(
        metric_family(METRIC_GAUGE,
                      "cdc_consistency_last_check_timestamp_seconds", "",
                      "When source and targets were last compared"),
        NULL);
    c->success = metric_get(
        metric_family(METRIC_GAUGE, "cdc_consistency_last_check_success", "",
                      "Whether the last comparison could be made"),
        NULL);
    *ret_c = c;
    return 0;
}

/* ---- the thread --------------------------------------------------------- */

static void rows_set(const struct consistency *c,
                     const struct validate_table *table, bool gone)
{
    static const char *const names[KINDS] = { "missing", "extra", "different",
                                              "uncounted", "count" };

    for (int side = CANON_ES; side < CANON_SIDES; side++) {
        const struct validate_target *t = &table->targets[side];
        const uint64_t values[KINDS] = { t->counts[DRILL_MISSING],
                                         t->counts[DRILL_EXTRA],
                                         t->counts[DRILL_DIFFERENT], t->more,
                                         t->off_by };

        for (int k = 0; t->compared && k < KINDS; k++) {
            const char *const labels[] = {
                table->label, validate_target_name((enum canon_side)side),
                names[k]
            };

            metric_set(metric_get(c->rows, labels),
                       gone ? 0 : (double)values[k]);
        }
    }
}

static void metrics_tell(struct consistency *c,
                         const struct validate_result *result)
{
    /* a table that is gone differs no more */
    for (unsigned i = 0; i < c->last.count; i++) {
        rows_set(c, &c->last.tables[i], true);
    }
    for (unsigned i = 0; i < result->count; i++) {
        rows_set(c, &result->tables[i], false);
    }
    metric_set(c->at, (double)result->at_us / 1e6);
    metric_set(c->success, 1);
}

/* Takes the result. */
static void result_tell(struct consistency *c, struct validate_result *result)
{
    enum consistency_state state;
    bool consistent;

    metrics_tell(c, result);
    (void)pthread_mutex_lock(&c->lock);
    buf_reset(&c->members);
    consistent = validatereport_issues(&c->members, result);
    c->why[0] = '\0';
    c->at_us = result->at_us;
    state = consistent                       ? CONSISTENCY_EQUAL
            : validatereport_differs(result) ? CONSISTENCY_DIFFERENT
                                             : CONSISTENCY_UNKNOWN;
    if (state == CONSISTENCY_EQUAL && c->state != state) {
        log_info("source and targets are equal", "tables=%u took_ms=%lld",
                 result->count, (long long)result->took_ms);
    } else if (state == CONSISTENCY_DIFFERENT && c->state != state) {
        log_warn("source and targets differ", "tables=%u hint=%s",
                 result->count, "cdc-monitor validate names the keys");
    }
    c->state = state;
    (void)pthread_mutex_unlock(&c->lock);
    validate_result_fini(&c->last);
    c->last = *result;
    c->failing = false;
}

static void failure_tell(struct consistency *c, const struct err *e)
{
    metric_set(c->success, 0);
    (void)pthread_mutex_lock(&c->lock);
    (void)snprintf(c->why, sizeof(c->why), "%.*s", (int)sizeof(c->why) - 1,
                   e->text);
    (void)pthread_mutex_unlock(&c->lock);
    if (!c->failing) {
        log_warn("source and targets cannot be compared", "error=%s", e->text);
        c->failing = true;
    }
}

static int least(int a, int b)
{
    return a < b ? a : b;
}

/* What is wrong or awaited is looked at again soon. */
static int again_ms(enum consistency_state state)
{
    return state == CONSISTENCY_EQUAL       ? INT_MAX
           : state == CONSISTENCY_DIFFERENT ? CONSISTENCY_AGAIN_MS
                                            : CONSISTENCY_RETRY_MS;
}

/* Longer each time: a snapshot that is held while a sink is down keeps vacuum
   from its work. Not so long before the first answer. */
static int retry_ms(struct consistency *c)
{
    unsigned shift = c->failures < 5 ? c->failures : 5;

    c->failures += c->failures < 5;
    return c->at_us == 0 && shift > 0 ? 2 * CONSISTENCY_RETRY_MS
                                      : CONSISTENCY_RETRY_MS << shift;
}

static void *thread_run(void *arg)
{
    struct consistency *c = arg;
    struct validate_options options = {
        .rows_max = (uint64_t)c->settings->consistency_rows_max,
        .total_max = CONSISTENCY_TOTAL_MAX,
        .fence_ms = CONSISTENCY_FENCE_MS,
    };

    while (!stop_requested()) {
        int wait_ms = c->settings->consistency_ms;
        struct validate_result result;
        struct err e = { 0 };

        if (validate_run(c->v, &options, &result, &e) == 0) {
            result_tell(c, &result);
            c->failures = 0;
            wait_ms = least(wait_ms, again_ms(c->state));
        } else if (!stop_requested()) {
            failure_tell(c, &e);
            wait_ms = least(wait_ms, retry_ms(c));
        }
        (void)stop_wait(wait_ms);
    }
    return NULL;
}

int consistency_start(struct consistency *c, struct err *e)
{
    int code;

    if (c->settings->consistency_ms == 0) {
        return 0;
    }
    code = pthread_create(&c->id, NULL, thread_run, c);
    if (code != 0) {
        return err_set(e, ERR_RETRY, "cannot start a thread: %s",
                       strerror(code));
    }
    c->started = true;
    return 0;
}

bool consistency_close(struct consistency *c)
{
    struct timespec until;

    if (!c) {
        return true;
    }
    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += JOIN_MS / 1000;
    if (c->started && pthread_timedjoin_np(c->id, NULL, &until) != 0) {
        log_warn("a comparison does not end", "");
        return false;
    }
    validate_close(c->v);
    validate_result_fini(&c->last);
    buf_fini(&c->members);
    (void)pthread_mutex_destroy(&c->lock);
    xfree(c);
    return true;
}

/* ---- answers ------------------------------------------------------------ */

enum consistency_state consistency_state(struct consistency *c)
{
    enum consistency_state state;

    (void)pthread_mutex_lock(&c->lock);
    state = c->state;
    (void)pthread_mutex_unlock(&c->lock);
    return state;
}

void consistency_write(struct consistency *c, struct buf *b)
{
    (void)pthread_mutex_lock(&c->lock);
    buf_lit(b, "{\"timestamp\":\"");
    clock_rfc3339(b, c->at_us ? c->at_us : clock_wall_us());
    buf_lit(b, "\",");
    if (c->at_us == 0) {
        buf_lit(b, "\"consistent\":false,\"issues\":[{\"table\":\"*\","
                   "\"issue\":\"not checked yet\",\"count\":0}]");
    } else {
        buf_str_add(b, buf_str(&c->members));
    }
    if (c->why[0]) {
        json_member_string(b, "error", str_of(c->why));
    }
    buf_char(b, '}');
    (void)pthread_mutex_unlock(&c->lock);
}
