#include "monitor/settings.h"

/* DATABASE_URL is not `required` here: `healthcheck` runs without it, also
   in the containers of the sinks. watch.c and check.c ask for it. */
const struct conf_row settings_rows[] = {
    { .key = "monitor.listen",
      .env = "CDC_LISTEN",
      .flag = "listen",
      .type = CONF_STRING,
      .offset = offsetof(struct settings, common.listen),
      .def = "0.0.0.0:3000",
      .help = "address of the API: health and metrics" },
    { .key = "database.url",
      .env = "DATABASE_URL",
      .flag = "database-url",
      .type = CONF_STRING,
      .offset = offsetof(struct settings, database_url),
      .secret = true,
      .help = "PostgreSQL, as for psql; parameters of other clients "
              "(?schema=public) are ignored; needed by run and check" },
    { .key = "clickhouse.host",
      .env = "CLICKHOUSE_HOST",
      .flag = "clickhouse-host",
      .type = CONF_STRING,
      .offset = offsetof(struct settings, clickhouse_host),
      .def = "http://localhost:8123",
      .help = "ClickHouse over HTTP: URL, host or host:port; empty: this "
              "sink is switched off" },
    { .key = "clickhouse.database",
      .env = "CLICKHOUSE_DATABASE",
      .flag = "clickhouse-database",
      .type = CONF_STRING,
      .offset = offsetof(struct settings, clickhouse_database),
      .def = "knowton",
      .help = "database of the tables" },
    { .key = "clickhouse.user",
      .env = "CLICKHOUSE_USER",
      .flag = "clickhouse-user",
      .type = CONF_STRING,
      .offset = offsetof(struct settings, clickhouse_user),
      .def = "default",
      .help = "ClickHouse user" },
    { .key = "clickhouse.password",
      .env = "CLICKHOUSE_PASSWORD",
      .type = CONF_STRING,
      .offset = offsetof(struct settings, clickhouse_password),
      .secret = true,
      .help = "ClickHouse password; empty for none" },
    { .key = "elasticsearch.url",
      .env = "ELASTICSEARCH_URL",
      .flag = "elasticsearch-url",
      .type = CONF_STRING,
      .offset = offsetof(struct settings, elasticsearch_url),
      .def = "http://localhost:9200",
      .secret = true,
      .help = "Elasticsearch; empty: this sink is switched off" },
    { .key = "elasticsearch.api_key",
      .env = "ELASTICSEARCH_API_KEY",
      .type = CONF_STRING,
      .offset = offsetof(struct settings, elasticsearch_api_key),
      .secret = true,
      .help = "Elasticsearch API key, encoded; empty for none" },
    { .key = "polling_interval_ms",
      .env = "CDC_POLLING_INTERVAL",
      .flag = "polling-interval",
      .type = CONF_INT,
      .offset = offsetof(struct settings, polling_ms),
      .def = "5000",
      .min = 100,
      .max = 3600 * 1000,
      .help = "milliseconds between two looks at a target; never more than "
              "2000, for a dead service is to show within 10 s" },
    { .key = "monitor.workers",
      .env = "CDC_WORKERS",
      .flag = "workers",
      .type = CONF_STRING,
      .offset = offsetof(struct settings, workers),
      .def = "producer=localhost:9851,sink-es=localhost:9852,"
             "sink-clickhouse=localhost:9853",
      .help = "where the workers listen: role=host:port, comma-separated; "
              "each address of a name is a replica" },
    { .key = "monitor.relay_metrics",
      .env = "CDC_RELAY_METRICS",
      .flag = "relay-metrics",
      .type = CONF_BOOL,
      .offset = offsetof(struct settings, relay_metrics),
      .def = "true",
      .help = "show the workers' metrics in /metrics too; off where each "
              "worker is scraped itself" },
    { .key = "", /* of the command line alone */
      .flag = "json",
      .type = CONF_BOOL,
      .offset = offsetof(struct settings, json),
      .def = "false",
      .help = "status: JSON instead of text" },
    { .key = "",
      .flag = "watch",
      .type = CONF_BOOL,
      .offset = offsetof(struct settings, watch),
      .def = "false",
      .help = "status: again every two seconds" },
    { .key = NULL },
};

static const char *const commands[] = { "run", "check", "status", "healthcheck",
                                        NULL };

static const struct conf_row *const tables[] = { conf_common_rows,
                                                 settings_rows, NULL };

const struct conf_program settings_program = {
    .name = "cdc-monitor",
    .summary = "watches the pipeline: health, lag, metrics",
    .commands = commands,
    .examples = "  cdc-monitor --listen 127.0.0.1:3000\n"
                "  cdc-monitor check          are the services reachable?\n"
                "  cdc-monitor status         one screen from the running "
                "monitor; --watch, --json\n"
                "  cdc-monitor healthcheck    is the monitor (or, with "
                "--listen, a worker) ready?\n",
    .tables = tables,
};
