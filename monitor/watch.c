#include "monitor/watch.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/stop.h"
#include "monitor/probe_ch.h"
#include "monitor/probe_es.h"
#include "monitor/probe_kafka.h"
#include "monitor/probe_pg.h"
#include "monitor/relay.h"
#include "monitor/series.h"
#include "monitor/status.h"

enum {
    /* The longest wait between two looks; with the probes' deadlines of 4 s a
       dead service shows within 10 s, with room for a busy machine. */
    TARGET_MS = 2000,
    RELAY_EVERY_MS = 2000,
    SOURCE_EVERY_MS = 1000, /* Kafka */
    SLOT_EVERY_MS = 500,    /* PostgreSQL: twice its lag's resolution */
    FAILED_WAIT_MS = 2000,
    LAG_LONG_MS = 500,
    LAG_REST_MAX_MS = 4000,
    JOIN_MS = 6000,
    WORKERS_MAX = ROLE_COUNT * (RELAY_WORKERS_MAX + 1),
    THREADS_MAX = SERVICE_COUNT + ROLE_COUNT,
};

enum said { SAID_NOTHING, SAID_UP, SAID_DOWN };

struct watch_thread {
    pthread_t id;
    struct watch *watch;
    int (*look)(struct watch *w, int arg); /* 0, or -1: it failed */
    int arg;
    int every_ms;
};

struct watch {
    const struct settings *settings;
    char *slot_name;
    struct probe_pg pg;
    struct probe_kafka kafka;
    int64_t lag_due_ms; /* no round of lag before that */
    struct probe_es es;
    struct probe_ch ch;
    struct watch_thread threads[THREADS_MAX];
    unsigned thread_count;
    enum said said[SERVICE_COUNT]; /* what the log said last */
    bool said_any;
    enum health said_health;

    pthread_mutex_t lock; /* for all below */
    struct facts facts;
    struct fact_worker workers[WORKERS_MAX];
    struct relay relay;
};

static struct health_now now(void)
{
    return (struct health_now){ clock_wall_us(), clock_ms() };
}

/* Texts of others, as one line of printable ASCII; runs of blanks as one. */
static void text_copy(char *to, size_t size, const char *from)
{
    size_t len = 0;

    for (; *from && len + 1 < size; from++) {
        unsigned char c = (unsigned char)*from;

        if (c > 0x20) {
            to[len++] = c < 0x7f ? (char)c : '?';
        } else if (len > 0 && to[len - 1] != ' ') {
            to[len++] = ' ';
        }
    }
    while (len > 0 && to[len - 1] == ' ') {
        len--;
    }
    to[len] = '\0';
}

/* --- What the threads do ------------------------------------------------- */

/* The end of one check. */
static void service_tell(struct watch *w, enum service service, int rc,
                         const char *what, const struct err *e)
{
    struct fact_service *s = &w->facts.services[service];

    (void)pthread_mutex_lock(&w->lock);
    s->checked = true;
    s->up = rc == 0;
    s->at_ms = clock_ms();
    if (rc < 0) {
        text_copy(s->why, sizeof(s->why), e->text);
    } else if (what[0]) {
        text_copy(s->what, sizeof(s->what), what);
    }
    (void)pthread_mutex_unlock(&w->lock);
}

static int look_pg(struct watch *w, int arg)
{
    struct fact_slot slot = { 0 };
    struct err e = { 0 };
    char what[100] = "";
    int rc = probe_pg_check(&w->pg, &slot, what, &e);

    (void)arg;
    if (rc == 0) {
        (void)pthread_mutex_lock(&w->lock);
        slot.was_seen = slot.exists || w->facts.slot.was_seen;
        w->facts.slot = slot;
        (void)pthread_mutex_unlock(&w->lock);
    }
    service_tell(w, SERVICE_POSTGRES, rc, what, &e);
    return rc;
}

/* A round that took long (many reads, slow brokers) is followed by a rest in
   proportion, so that looking costs a quarter of the time at most. */
static void look_lag(struct watch *w)
{
    struct err e = { 0 };
    int64_t begin_ms = clock_ms(), took_ms;
    int rc = probe_kafka_lag(&w->kafka, &e);

    took_ms = clock_ms() - begin_ms;
    if (rc == 0 && took_ms >= LAG_LONG_MS) {
        w->lag_due_ms =
            clock_ms() +
            (took_ms * 3 < LAG_REST_MAX_MS ? took_ms * 3 : LAG_REST_MAX_MS);
    }
    (void)pthread_mutex_lock(&w->lock);
    w->facts.lag_checked = true;
    text_copy(w->facts.lag_why, sizeof(w->facts.lag_why), rc < 0 ? e.text : "");
    (void)pthread_mutex_unlock(&w->lock);
}

static int look_kafka(struct watch *w, int arg)
{
    struct err e = { 0 };
    char what[100] = "";
    int rc = probe_kafka_check(&w->kafka, what, &e);

    (void)arg;
    service_tell(w, SERVICE_KAFKA, rc, what, &e);
    if (rc < 0) {
        (void)pthread_mutex_lock(&w->lock);
        lag_stall(&w->facts.lag);
        (void)pthread_mutex_unlock(&w->lock);
    } else if (clock_ms() >= w->lag_due_ms) {
        look_lag(w);
    }
    return rc;
}

static int look_es(struct watch *w, int arg)
{
    struct err e = { 0 };
    char what[100] = "";
    int rc = probe_es_check(&w->es, what, &e);

    (void)arg;
    service_tell(w, SERVICE_ELASTICSEARCH, rc, what, &e);
    return rc;
}

static int look_ch(struct watch *w, int arg)
{
    struct err e = { 0 };
    char what[100] = "";
    int rc = probe_ch_check(&w->ch, what, &e);

    (void)arg;
    service_tell(w, SERVICE_CLICKHOUSE, rc, what, &e);
    return rc;
}

void watch_registry(void *arg, const struct registry_view *view)
{
    struct watch *w = arg;
    struct fact_registry *f = &w->facts.registry;

    relay_registry(&w->relay, view);
    (void)pthread_mutex_lock(&w->lock);
    f->checked = true;
    f->up = view->up;
    text_copy(f->why, sizeof(f->why), view->up ? "" : view->why);
    (void)pthread_mutex_unlock(&w->lock);
}

static int look_workers(struct watch *w, int role)
{
    relay_round(&w->relay, (enum role)role);
    return 0;
}

static void *thread_run(void *arg)
{
    struct watch_thread *t = arg;

    while (!stop_requested()) {
        int64_t next_ms = clock_ms() + t->every_ms;
        int rc = t->look(t->watch, t->arg);
        int wait_ms = clock_left_ms(next_ms);

        if (rc < 0 && wait_ms < FAILED_WAIT_MS) {
            wait_ms = FAILED_WAIT_MS; /* no storm of refused log-ins */
        }
        (void)stop_wait(wait_ms);
    }
    return NULL;
}

/* --- Opening and closing ------------------------------------------------- */

static int probes_open(struct watch *w, struct err *e)
{
    const struct settings *s = w->settings;
    struct buf dropped;
    int rc;

    if (!settings_has(s->database_url)) {
        return err_set(e, ERR_CONFIG, "DATABASE_URL is not set");
    }
    buf_init(&dropped, 4096);
    rc = probe_pg_open(&w->pg, s->database_url, s->common.name, &dropped, e);
    if (rc == 0 && dropped.len > 0) {
        log_warn("parameters of DATABASE_URL ignored", "names=%s",
                 buf_z(&dropped));
    }
    buf_fini(&dropped);
    if (rc < 0 || probe_kafka_open(&w->kafka, s->common.brokers, s->common.name,
                                   &w->facts.lag, &w->lock, e) < 0) {
        return -1;
    }
    if (w->facts.services[SERVICE_ELASTICSEARCH].enabled &&
        probe_es_open(&w->es, s->elasticsearch_url, s->elasticsearch_api_key,
                      e) < 0) {
        return -1;
    }
    if (w->facts.services[SERVICE_CLICKHOUSE].enabled &&
        probe_ch_open(&w->ch, s->clickhouse_host, s->clickhouse_user,
                      s->clickhouse_password, e) < 0) {
        return -1;
    }
    return relay_open(&w->relay, s->workers ? s->workers : "", &w->lock, e);
}

int watch_open(struct watch **ret_watch, const struct settings *s,
               struct err *e)
{
    struct watch *w = xcalloc(1, sizeof(*w));
    bool es = settings_has(s->elasticsearch_url);
    bool ch = settings_has(s->clickhouse_host);

    CHECK(pthread_mutex_init(&w->lock, NULL) == 0);
    w->settings = s;
    w->slot_name = probe_pg_slot_name(s->common.name);
    w->facts.name = s->common.name;
    w->facts.started_us = clock_wall_us();
    w->facts.slot_name = w->slot_name;
    w->facts.workers = w->workers;
    w->facts.registry.enabled = settings_has(s->common.redis_url);
    w->facts.services[SERVICE_POSTGRES].enabled = true;
    w->facts.services[SERVICE_KAFKA].enabled = true;
    w->facts.services[SERVICE_ELASTICSEARCH].enabled = es;
    w->facts.services[SERVICE_CLICKHOUSE].enabled = ch;
    lag_init(&w->facts.lag, es, ch);
    if (probes_open(w, e) < 0) {
        (void)watch_close(w); /* no thread runs yet */
        return -1;
    }
    *ret_watch = w;
    return 0;
}

static int thread_start(struct watch *w, int (*look)(struct watch *, int),
                        int arg, int every_ms, struct err *e)
{
    struct watch_thread *t = &w->threads[w->thread_count];
    int code;

    *t = (struct watch_thread){
        .watch = w, .look = look, .arg = arg, .every_ms = every_ms
    };
    code = pthread_create(&t->id, NULL, thread_run, t);
    if (code != 0) {
        return err_set(e, ERR_RETRY, "cannot start a thread: %s",
                       strerror(code));
    }
    w->thread_count++;
    return 0;
}

static int least(int a, int b)
{
    return a < b ? a : b;
}

int watch_start(struct watch *w, struct err *e)
{
    const struct fact_service *services = w->facts.services;
    int target_ms = least(w->settings->polling_ms, TARGET_MS);
    int relay_ms = least(target_ms, RELAY_EVERY_MS);
    int source_ms = least(target_ms, SOURCE_EVERY_MS);
    int rc = 0;

    if (thread_start(w, look_pg, 0, least(target_ms, SLOT_EVERY_MS), e) < 0 ||
        thread_start(w, look_kafka, 0, source_ms, e) < 0) {
        return -1;
    }
    if (services[SERVICE_ELASTICSEARCH].enabled) {
        rc = thread_start(w, look_es, 0, target_ms, e);
    }
    if (rc == 0 && services[SERVICE_CLICKHOUSE].enabled) {
        rc = thread_start(w, look_ch, 0, target_ms, e);
    }
    for (int role = 0; rc == 0 && role < ROLE_COUNT; role++) {
        rc = thread_start(w, look_workers, role, relay_ms, e);
    }
    return rc;
}

static bool threads_join(struct watch *w)
{
    struct timespec until;

    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += JOIN_MS / 1000;
    while (w->thread_count > 0) {
        if (pthread_timedjoin_np(w->threads[w->thread_count - 1].id, NULL,
                                 &until) != 0) {
            return false;
        }
        w->thread_count--;
    }
    return true;
}

bool watch_close(struct watch *w)
{
    if (w == NULL) {
        return true;
    }
    if (!threads_join(w)) {
        log_warn("a check does not end", "threads=%u", w->thread_count);
        return false;
    }
    probe_pg_close(&w->pg);
    probe_kafka_close(&w->kafka);
    probe_es_close(&w->es);
    probe_ch_close(&w->ch);
    relay_close(&w->relay);
    lag_fini(&w->facts.lag);
    xfree(w->slot_name);
    (void)pthread_mutex_destroy(&w->lock);
    xfree(w);
    return true;
}

/* --- Answers ------------------------------------------------------------- */

/* Brings the facts that follow from the workers up to now. Under the lock. */
static void workers_tell(struct watch *w, int64_t now_ms)
{
    double finished = 0, rejected = 0, slowest = -1;

    for (int s = 0; s < SINK_COUNT; s++) {
        enum role role = s == SINK_ES ? ROLE_SINK_ES : ROLE_SINK_CLICKHOUSE;
        const struct rates *rates = &w->relay.roles[role].rates;
        double throughput = rates_throughput(rates, now_ms);

        w->facts.rates[s] = throughput;
        w->facts.heartbeat_s[s] = w->relay.roles[role].heartbeat_s;
        if (w->facts.lag.enabled[s]) {
            rates_gain(rates, now_ms, &finished, &rejected);
            slowest =
                slowest < 0 || throughput < slowest ? throughput : slowest;
        }
    }
    w->facts.worker_count = relay_workers(&w->relay, w->workers, WORKERS_MAX);
    w->facts.throughput = slowest < 0 ? 0 : slowest;
    w->facts.error_rate = rates_ratio(rejected, finished);
}

void watch_inconsistent(struct watch *w, bool inconsistent)
{
    (void)pthread_mutex_lock(&w->lock);
    w->facts.inconsistent = inconsistent;
    (void)pthread_mutex_unlock(&w->lock);
}

enum health watch_health(struct watch *w, struct buf *b)
{
    struct health_now at = now();
    enum health health;

    (void)pthread_mutex_lock(&w->lock);
    workers_tell(w, at.clock_ms);
    health = health_judge(&w->facts, at);
    health_write(b, &w->facts, at);
    (void)pthread_mutex_unlock(&w->lock);
    return health;
}

void watch_status(struct watch *w, struct buf *b, bool text)
{
    struct health_now at = now();

    (void)pthread_mutex_lock(&w->lock);
    workers_tell(w, at.clock_ms);
    (text ? status_text : status_write)(b, &w->facts, at);
    (void)pthread_mutex_unlock(&w->lock);
}

void watch_metrics(struct watch *w, struct buf *b)
{
    struct health_now at = now();
    struct expo x = { 0 };
    struct buf own;

    buf_init(&own, SERIES_BYTES_MAX);
    (void)pthread_mutex_lock(&w->lock);
    workers_tell(w, at.clock_ms);
    series_write(&own, &w->facts, at);
    if (w->settings->relay_metrics) {
        relay_merge(&w->relay, &x, at.clock_ms);
    }
    (void)pthread_mutex_unlock(&w->lock);
    expo_add(&x, buf_str(&own), "monitor", NULL);
    expo_write(b, &x);
    expo_fini(&x);
    buf_fini(&own);
}

/* One line when a service comes or goes. */
static void service_say(struct watch *w, enum service service,
                        struct health_now at)
{
    const struct fact_service *s = &w->facts.services[service];
    enum said said = health_up(&w->facts, service, at) ? SAID_UP : SAID_DOWN;

    if (!s->enabled || !s->checked || said == w->said[service]) {
        return;
    }
    w->said[service] = said;
    if (said == SAID_UP) {
        log_info("service answers", "service=%s version=%s",
                 service_names[service], s->what);
    } else {
        log_warn("service does not answer", "service=%s error=%s",
                 service_names[service], s->up ? "its check hangs" : s->why);
    }
}

/* And when the verdict changes, once all have been looked at. */
static void health_say(struct watch *w, struct health_now at)
{
    enum health health = health_judge(&w->facts, at);

    bool all = true;

    for (int i = 0; i < SERVICE_COUNT; i++) {
        service_say(w, (enum service)i, at);
        all = all &&
              (!w->facts.services[i].enabled || w->said[i] != SAID_NOTHING);
    }
    if (!all) {
        return;
    }
    if (!w->said_any || health != w->said_health) {
        log_info("health", "status=%s lag_s=%.1f error_rate=%.4f",
                 health_name(health), health_lag(&w->facts, at),
                 w->facts.error_rate);
        w->said_health = health;
        w->said_any = true;
    }
}

bool watch_tick(struct watch *w)
{
    struct health_now at = now();
    bool ready;

    (void)pthread_mutex_lock(&w->lock);
    workers_tell(w, at.clock_ms);
    ready = health_ready(&w->facts, at);
    health_say(w, at);
    (void)pthread_mutex_unlock(&w->lock);
    return ready;
}
