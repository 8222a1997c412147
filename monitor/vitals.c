#include "monitor/vitals.h"

#include "common/clock.h"

struct vitals_taker {
    const struct settings *settings;
    struct relay relay;
    struct probe_kafka kafka;
    struct lag lag;
    pthread_mutex_t lock;
    double finished[ROLE_COUNT]; /* at the first look */
    int64_t at_ms;
};

static void workers_look(struct vitals_taker *t, double finished[ROLE_COUNT],
                         struct vitals *v)
{
    int64_t now_ms;

    for (int role = 0; role < ROLE_COUNT; role++) {
        relay_round(&t->relay, (enum role)role);
    }
    now_ms = clock_ms();
    for (int role = 0; role < ROLE_COUNT; role++) {
        const struct relay_role *r = &t->relay.roles[role];

        finished[role] = 0;
        v->up[role] = v->ready[role] = 0;
        for (unsigned i = 0; i < r->worker_count; i++) {
            const struct relay_worker *w = &r->workers[i];
            struct rates_reading reading;

            if (!w->up || w->twin || now_ms - w->at_ms > RELAY_FRESH_MS) {
                continue;
            }
            v->up[role]++;
            v->ready[role] += w->ready;
            reading = relay_reading(buf_str(&w->text));
            finished[role] += reading.finished;
            v->finished += reading.finished;
            v->rejected += reading.rejected;
        }
    }
}

static void taker_free(struct vitals_taker *t)
{
    relay_close(&t->relay);
    probe_kafka_close(&t->kafka);
    lag_fini(&t->lag);
    (void)pthread_mutex_destroy(&t->lock);
    xfree(t);
}

int vitals_begin(struct vitals_taker **ret, const struct settings *s,
                 struct err *e)
{
    struct vitals_taker *t = xcalloc(1, sizeof(*t));
    struct vitals v = { 0 };

    t->settings = s;
    CHECK(pthread_mutex_init(&t->lock, NULL) == 0);
    lag_init(&t->lag, settings_has(s->elasticsearch_url),
             settings_has(s->clickhouse_host));
    if (relay_open(&t->relay, s->workers ? s->workers : "", &t->lock, e) < 0 ||
        probe_kafka_open(&t->kafka, s->common.brokers, s->common.name, &t->lag,
                         &t->lock, e) < 0) {
        taker_free(t);
        return -1;
    }
    workers_look(t, t->finished, &v);
    t->at_ms = clock_ms();
    *ret = t;
    return 0;
}

static void lag_look(struct vitals_taker *t, struct vitals *v)
{
    struct err e = { 0 };
    char what[100];

    v->lag_known = probe_kafka_check(&t->kafka, what, &e) == 0 &&
                   probe_kafka_lag(&t->kafka, &e) == 0;
    (void)snprintf(v->why, sizeof(v->why), "%.*s", (int)sizeof(v->why) - 1,
                   e.text);
    for (int s = 0; s < SINK_COUNT; s++) {
        const struct lag_topic *topic;
        struct lag_sum sum;

        if (!t->lag.enabled[s]) {
            continue;
        }
        sum = lag_sink(&t->lag, (enum sink)s, clock_wall_us(), &topic);
        v->lag_known &= sum.known;
        v->lag_s = sum.seconds > v->lag_s ? sum.seconds : v->lag_s;
        v->waiting += sum.messages;
    }
}

void vitals_end(struct vitals_taker *t, struct vitals *ret)
{
    double finished[ROLE_COUNT], slowest = -1, seconds;

    if (!t) {
        return;
    }
    *ret = (struct vitals){ 0 };
    workers_look(t, finished, ret);
    seconds = (double)(clock_ms() - t->at_ms) / 1000;
    lag_look(t, ret);
    ret->wanted[ROLE_PRODUCER] = true;
    ret->wanted[ROLE_SINK_ES] = t->lag.enabled[SINK_ES];
    ret->wanted[ROLE_SINK_CLICKHOUSE] = t->lag.enabled[SINK_CLICKHOUSE];
    for (int role = ROLE_SINK_ES; role < ROLE_COUNT; role++) {
        double gain = finished[role] - t->finished[role];

        if (ret->wanted[role]) {
            gain = gain > 0 && seconds > 0 ? gain / seconds : 0;
            slowest = slowest < 0 || gain < slowest ? gain : slowest;
        }
    }
    ret->throughput = slowest > 0 ? slowest : 0;
    ret->error_rate = rates_ratio(ret->rejected, ret->finished);
    taker_free(t);
}
