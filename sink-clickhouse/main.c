/*
 * cdc-sink-clickhouse - applies the pipeline's events to ClickHouse.
 */
#include "common/sinkmain.h"
#include "sink-clickhouse/ch.h"

static const struct conf_bind *const binds[] = { conf_common_binds,
                                                 sink_conf_binds, ch_conf_binds,
                                                 NULL };

static const struct sink_program program = {
    .conf = { .bit = CONF_SINK_CH,
              .name = "cdc-sink-clickhouse",
              .summary = "applies change events from Kafka to ClickHouse",
              .commands = sink_commands,
              .examples = "  cdc-sink-clickhouse --clickhouse-host "
                          "http://localhost:8123\n"
                          "  cdc-sink-clickhouse check\n",
              .options = conf_options,
              .check = ch_conf_check,
              .binds = binds },
    .ops = &ch_ops,
    .open = ch_open,
    .close = ch_close,
};

int main(int argc, char **argv)
{
    struct ch_conf conf = { 0 };

    return sink_main(&program, &conf, argc, argv);
}
