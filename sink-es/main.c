/*
 * cdc-sink-es - applies the pipeline's events to Elasticsearch.
 */
#include "common/sinkmain.h"
#include "sink-es/es.h"

static const struct conf_bind *const binds[] = { conf_common_binds,
                                                 sink_conf_binds, es_conf_binds,
                                                 NULL };

static const struct sink_program program = {
    .conf = { .bit = CONF_SINK_ES,
              .name = "cdc-sink-es",
              .summary = "applies change events from Kafka to Elasticsearch",
              .commands = sink_commands,
              .examples =
                  "  cdc-sink-es --elasticsearch-url http://localhost:9200\n"
                  "  cdc-sink-es check\n",
              .options = conf_options,
              .check = es_conf_check,
              .binds = binds },
    .ops = &es_ops,
    .open = es_open,
    .close = es_close,
};

int main(int argc, char **argv)
{
    struct es_conf conf = { 0 };

    return sink_main(&program, &conf, argc, argv);
}
