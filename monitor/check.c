#include "monitor/check.h"

#include "common/finding.h"
#include "common/kafka.h"
#include "common/log.h"
#include "common/registry.h"
#include "monitor/probe_ch.h"
#include "monitor/probe_es.h"
#include "monitor/probe_kafka.h"
#include "monitor/probe_pg.h"

static void say(struct findings *f, enum service service, int rc,
                const char *what, const struct err *e)
{
    static const char *const variables[SERVICE_COUNT] = {
        [SERVICE_KAFKA] = "KAFKA_BROKERS",
        [SERVICE_CLICKHOUSE] = "CLICKHOUSE_HOST",
        [SERVICE_ELASTICSEARCH] = "ELASTICSEARCH_URL",
        [SERVICE_POSTGRES] = "DATABASE_URL",
    };
    const struct finding finding = { service_names[service],
                                     variables[service] };

    finding_say(f, &finding, rc, what, e);
}

static int check_pg(const struct settings *s, struct findings *f, struct err *e)
{
    struct probe_pg pg;
    struct fact_slot slot;
    char what[100] = "";
    int rc;

    if (!settings_has(s->database_url)) {
        return err_set(e, ERR_CONFIG, "DATABASE_URL is not set");
    }
    if (probe_pg_open(&pg, s->database_url, s->common.name, NULL, e) < 0) {
        return -1;
    }
    rc = probe_pg_check(&pg, &slot, what, e);
    say(f, SERVICE_POSTGRES, rc, what, e);
    probe_pg_close(&pg);
    return 0;
}

static int check_kafka(const struct settings *s, struct findings *f,
                       struct err *e)
{
    static struct probe_kafka kafka; /* too large for a stack */
    pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    struct lag lag;
    char what[100] = "";
    int rc;

    lag_init(&lag, false, false);
    if (probe_kafka_open(&kafka, s->common.brokers, s->common.name, &lag, &lock,
                         e) < 0) {
        return -1;
    }
    rc = probe_kafka_check(&kafka, what, e);
    if (rc < 0) {
        (void)err_wrap(e, "%s", s->common.brokers);
    }
    say(f, SERVICE_KAFKA, rc, what, e);
    probe_kafka_close(&kafka);
    lag_fini(&lag);
    return 0;
}

static int check_es(const struct settings *s, struct findings *f, struct err *e)
{
    struct probe_es es;
    char what[100] = "";
    int rc;

    if (!settings_has(s->elasticsearch_url)) {
        say(f, SERVICE_ELASTICSEARCH, 0, "switched off", e);
        return 0;
    }
    if (probe_es_open(&es, s->elasticsearch_url, s->elasticsearch_api_key, e) <
        0) {
        return -1;
    }
    rc = probe_es_check(&es, what, e);
    say(f, SERVICE_ELASTICSEARCH, rc, what, e);
    probe_es_close(&es);
    return 0;
}

static int check_ch(const struct settings *s, struct findings *f, struct err *e)
{
    struct probe_ch ch;
    char what[100] = "";
    int rc;

    if (!settings_has(s->clickhouse_host)) {
        say(f, SERVICE_CLICKHOUSE, 0, "switched off", e);
        return 0;
    }
    if (probe_ch_open(&ch, s->clickhouse_host, s->clickhouse_user,
                      s->clickhouse_password, e) < 0) {
        return -1;
    }
    rc = probe_ch_check(&ch, what, e);
    say(f, SERVICE_CLICKHOUSE, rc, what, e);
    probe_ch_close(&ch);
    return 0;
}

/* Nothing depends on it, so nothing fails for it. */
static void check_redis(const struct settings *s)
{
    struct err e = { 0 };

    if (!settings_has(s->common.redis_url)) {
        (void)printf("ok     redis: switched off\n");
    } else if (registry_ping(s->common.redis_url, &e) < 0) {
        (void)printf("warn   redis: %s; replicas are not found by themselves\n"
                     "       fix: start it, correct REDIS_URL, or set it to "
                     "nothing to do without\n",
                     e.text);
    } else {
        (void)printf("ok     redis: answers\n");
    }
}

int check_services(const struct settings *s, struct err *e)
{
    struct findings f = { 0 };

    if (check_pg(s, &f, e) < 0 || check_kafka(s, &f, e) < 0 ||
        check_es(s, &f, e) < 0 || check_ch(s, &f, e) < 0) {
        return -1;
    }
    check_redis(s);
    return findings_end(&f, e);
}
