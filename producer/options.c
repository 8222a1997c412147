#include "producer/options.h"

#include <stddef.h>

static const struct conf_row rows[] = {
    { .key = "source.url",
      .env = "DATABASE_URL",
      .flag = "database-url",
      .type = CONF_STRING,
      .offset = offsetof(struct options, database_url),
      .required = true,
      .secret = true,
      .help = "PostgreSQL to capture: postgresql://user:password@host/db" },
    { .key = "source.tables.include",
      .env = "CDC_TABLES",
      .flag = "tables",
      .type = CONF_STRING,
      .offset = offsetof(struct options, tables),
      .help = "schema.table patterns, comma-separated; empty: every keyed"
              " table" },
    { .key = "source.polling_interval",
      .env = "CDC_POLLING_INTERVAL",
      .flag = "polling-interval",
      .type = CONF_INT,
      .offset = offsetof(struct options, polling_ms),
      .def = "5000",
      .min = 100,
      .max = 3600 * 1000,
      .help = "milliseconds between looks for new tables" },
    { .key = "kafka.create.partitions",
      .env = "CDC_TOPIC_PARTITIONS",
      .flag = "topic-partitions",
      .type = CONF_INT,
      .offset = offsetof(struct options, partitions),
      .def = "6",
      .min = 1,
      .max = 1024,
      .help = "partitions of a new table topic; pinned from then on" },
    { .key = "kafka.create.replication_factor",
      .env = "CDC_TOPIC_REPLICATION",
      .flag = "topic-replication",
      .type = CONF_INT,
      .offset = offsetof(struct options, replication_factor),
      .def = "1",
      .min = 1,
      .max = 32,
      .help = "replicas of each new topic" },
    { .key = "http.listen",
      .env = "CDC_LISTEN",
      .flag = "listen",
      .type = CONF_STRING,
      .offset = offsetof(struct options, common.listen),
      .def = "0.0.0.0:9850",
      .help = "address of probes and metrics" },
    { 0 },
};

static const struct conf_row *const tables[] = { rows, conf_common_rows, NULL };
static const char *const commands[] = { "run", "check", NULL };

const struct conf_program options_program = {
    .name = "cdc-producer",
    .summary = "capture PostgreSQL changes into one Kafka topic per table",
    .commands = commands,
    .examples = "  DATABASE_URL=postgresql://cdc@db/shop cdc-producer\n"
                "  cdc-producer check --tables 'public.*'\n"
                "  cdc-producer run --name shop --kafka-brokers k1:9092\n",
    .tables = tables,
};
