#include "producer/options.h"

#include "common/dburl.h"
#include "producer/selection.h"

enum { URL_BYTES_MAX = 64 * 1024 };

static const struct conf_bind binds[] = {
    { "source.url", offsetof(struct options, database_url) },
    { "source.tables.include", offsetof(struct options, tables) },
    { "source.polling_interval", offsetof(struct options, polling_ms) },
    { "source.heartbeat_interval", offsetof(struct options, heartbeat_ms) },
    { "kafka.create.partitions", offsetof(struct options, partitions) },
    { "kafka.create.replication_factor",
      offsetof(struct options, replication_factor) },
    { "http.listen", offsetof(struct options, common.listen) },
    { 0 },
};

static const struct conf_bind *const all_binds[] = { conf_common_binds, binds,
                                                     NULL };
static const struct conf_command commands[] = {
    { .name = "run", .help = "capture changes until it is stopped" },
    { .name = "check",
      .help = "look at PostgreSQL and Kafka, say what is missing" },
    { 0 },
};

static int options_check(const void *cfg, struct err *e)
{
    const struct options *opt = cfg;
    struct selection selection = { 0 };
    struct buf url;
    int rc;

    buf_init(&url, URL_BYTES_MAX);
    rc = dburl_clean(str_of(opt->database_url), &url, NULL, e);
    buf_fini(&url);
    if (rc < 0) {
        return err_wrap(e, "DATABASE_URL");
    }
    if (selection_read(opt->tables, &selection, e) < 0) {
        return -1;
    }
    selection_fini(&selection);
    return 0;
}

const struct conf_program options_program = {
    .bit = CONF_PRODUCER,
    .name = "cdc-producer",
    .summary = "capture PostgreSQL changes into one Kafka topic per table",
    .commands = commands,
    .examples = "  DATABASE_URL=postgresql://cdc@db/shop cdc-producer\n"
                "  cdc-producer check --tables 'public.*'\n"
                "  cdc-producer run --name shop --kafka-brokers k1:9092\n",
    .options = conf_options,
    .binds = all_binds,
    .check = options_check,
};
