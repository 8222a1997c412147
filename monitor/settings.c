#include "monitor/settings.h"

#include "common/dburl.h"
#include "common/httpurl.h"
#include "monitor/relay.h"

enum { URL_BYTES_MAX = 64 * 1024 };

/* source.url is not `required`: `healthcheck` runs without it, also in the
   containers of the sinks. watch.c and check.c ask for it. */
static const struct conf_bind binds[] = {
    { "monitor.listen", offsetof(struct settings, common.listen) },
    { "source.url", offsetof(struct settings, database_url) },
    { "sinks.clickhouse.url", offsetof(struct settings, clickhouse_host) },
    { "sinks.clickhouse.database",
      offsetof(struct settings, clickhouse_database) },
    { "sinks.clickhouse.user", offsetof(struct settings, clickhouse_user) },
    { "sinks.clickhouse.password",
      offsetof(struct settings, clickhouse_password) },
    { "sinks.elasticsearch.url", offsetof(struct settings, elasticsearch_url) },
    { "sinks.elasticsearch.api_key",
      offsetof(struct settings, elasticsearch_api_key) },
    { "source.polling_interval", offsetof(struct settings, polling_ms) },
    { "monitor.workers", offsetof(struct settings, workers) },
    { "monitor.relay_metrics", offsetof(struct settings, relay_metrics) },
    { "json", offsetof(struct settings, json) },
    { "watch", offsetof(struct settings, watch) },
    { "monitor.consistency.interval",
      offsetof(struct settings, consistency_ms) },
    { "monitor.consistency.rows_max",
      offsetof(struct settings, consistency_rows_max) },
    { "table", offsetof(struct settings, table) },
    { "sample", offsetof(struct settings, sample) },
    { "fail_on", offsetof(struct settings, fail_on) },
    { "report_dir", offsetof(struct settings, report_dir) },
    { "timeout", offsetof(struct settings, fence_ms) },
    { 0 },
};

static const struct conf_bind *const all_binds[] = { conf_common_binds, binds,
                                                     NULL };

static const struct conf_command commands[] = {
    { .name = "run",
      .help = "serve health, metrics and the status page until it is stopped" },
    { .name = "check", .help = "look at all services, say what is missing" },
    { .name = "status", .help = "one screen from the running monitor" },
    { .name = "validate",
      .help = "compare PostgreSQL with both targets, row by row" },
    { .name = "healthcheck",
      .help = "is the process that listens here ready?" },
    { 0 },
};

static int url_check(const char *name, const char *url, struct err *e)
{
    struct httpurl parts = { 0 };

    if (!settings_has(url)) {
        return 0; /* switched off */
    }
    if (httpurl_parse(&parts, url, 0, e) < 0) {
        return err_wrap(e, "%s", name);
    }
    httpurl_fini(&parts);
    return 0;
}

static int workers_check(const char *workers, struct err *e)
{
    pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    struct relay *relay = xcalloc(1, sizeof(*relay));
    int rc = relay_open(relay, workers, &lock, e);

    if (rc == 0) {
        relay_close(relay);
    }
    xfree(relay);
    return rc;
}

static int settings_check(const void *cfg, struct err *e)
{
    const struct settings *s = cfg;
    struct buf url;
    int rc;

    if (!settings_has(s->database_url)) {
        return err_set(e, ERR_CONFIG, "DATABASE_URL is not set");
    }
    buf_init(&url, URL_BYTES_MAX);
    rc = dburl_clean(str_of(s->database_url), &url, NULL, e);
    buf_fini(&url);
    if (rc < 0) {
        return err_wrap(e, "DATABASE_URL");
    }
    if (url_check("ELASTICSEARCH_URL", s->elasticsearch_url, e) < 0 ||
        url_check("CLICKHOUSE_HOST", s->clickhouse_host, e) < 0) {
        return -1;
    }
    return workers_check(s->workers, e);
}

const struct conf_program settings_program = {
    .bit = CONF_MONITOR,
    .name = "cdc-monitor",
    .summary = "watches the pipeline: health, lag, metrics",
    .commands = commands,
    .examples =
        "  cdc-monitor --listen 127.0.0.1:3000\n"
        "  cdc-monitor check          are the services reachable?\n"
        "  cdc-monitor status         one screen of the running monitor: "
        "--watch\n"
        "  cdc-monitor validate       is it all there? --table, "
        "--json\n"
        "  cdc-monitor healthcheck    is the monitor (or, with "
        "--listen, a worker) ready?\n",
    .options = conf_options,
    .binds = all_binds,
    .check = settings_check,
};
