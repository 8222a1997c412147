#include "monitor/settings.h"

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
    { 0 },
};

static const struct conf_bind *const all_binds[] = { conf_common_binds, binds,
                                                     NULL };

static const struct conf_command commands[] = {
    { "run", "serve health, metrics and the status page until it is stopped" },
    { "check", "look at all services, say what is missing" },
    { "status", "one screen from the running monitor" },
    { "healthcheck", "is the process that listens here ready?" },
    { 0 },
};

const struct conf_program settings_program = {
    .bit = CONF_MONITOR,
    .name = "cdc-monitor",
    .summary = "watches the pipeline: health, lag, metrics",
    .commands = commands,
    .examples = "  cdc-monitor --listen 127.0.0.1:3000\n"
                "  cdc-monitor check          are the services reachable?\n"
                "  cdc-monitor status         one screen from the running "
                "monitor; --watch, --json\n"
                "  cdc-monitor healthcheck    is the monitor (or, with "
                "--listen, a worker) ready?\n",
    .options = conf_options,
    .binds = all_binds,
};
