/*
 * cdc-sink-clickhouse - applies the pipeline's events to ClickHouse.
 */
#include "common/sinkmain.h"
#include "sink-clickhouse/ch.h"

static const struct conf_row *const tables[] = { conf_common_rows,
                                                 sink_conf_rows, ch_conf_rows,
                                                 NULL };

static const struct sink_program program = {
    .conf = { .name = "cdc-sink-clickhouse",
              .summary = "applies change events from Kafka to ClickHouse",
              .commands = sink_commands,
              .examples = "  cdc-sink-clickhouse --clickhouse-host "
                          "http://localhost:8123\n"
                          "  cdc-sink-clickhouse check\n",
              .tables = tables },
    .ops = &ch_ops,
    .open = ch_open,
    .close = ch_close,
};

int main(int argc, char **argv)
{
    struct ch_conf conf = { 0 };

    return sink_main(&program, &conf, argc, argv);
}
