/*
 * cdc-sink-clickhouse - applies the pipeline's events to ClickHouse.
 */
#include "common/stop.h"
#include "sink-clickhouse/ch.h"

static const char *const commands[] = { "run", "check", NULL };

static const struct conf_row *const tables[] = { conf_common_rows,
                                                 sink_conf_rows, ch_conf_rows,
                                                 NULL };

static const struct conf_program program = {
    .name = "cdc-sink-clickhouse",
    .summary = "applies change events from Kafka to ClickHouse",
    .commands = commands,
    .examples =
        "  cdc-sink-clickhouse --clickhouse-host http://localhost:8123\n"
        "  cdc-sink-clickhouse check\n",
    .tables = tables,
};

static int command_run(const struct ch_conf *conf, bool check, struct err *e)
{
    const struct sink_conf *sink = &conf->sink;
    struct ch *ch = NULL;
    int rc;

    if (conf_common_start(&sink->common, ch_ops.component, e) < 0 ||
        stop_init(e) < 0 || ch_open(&ch, conf, check, e) < 0) {
        return -1;
    }
    rc = check ? sink_check(&ch_ops, ch, sink, e)
               : sink_run(&ch_ops, ch, sink, e);
    ch_close(ch);
    return rc;
}

int main(int argc, char **argv)
{
    struct ch_conf conf = { 0 };
    struct err e = { 0 };
    enum conf_action action = CONF_RUN;
    const char *command = NULL;
    int rc = conf_load(&program, &conf, argc, argv, &action, &command, &e);

    if (rc == 0 && action == CONF_RUN) {
        rc = command_run(&conf, strcmp(command, "check") == 0, &e);
    }
    conf_free(&program, &conf);
    return rc < 0 ? conf_fail(&program, &e) : 0;
}
