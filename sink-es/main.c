/*
 * cdc-sink-es - applies the pipeline's events to Elasticsearch.
 */
#include "common/stop.h"
#include "sink-es/es.h"

static const char *const commands[] = { "run", "check", NULL };

static const struct conf_row *const tables[] = { conf_common_rows,
                                                 sink_conf_rows, es_conf_rows,
                                                 NULL };

static const struct conf_program program = {
    .name = "cdc-sink-es",
    .summary = "applies change events from Kafka to Elasticsearch",
    .commands = commands,
    .examples = "  cdc-sink-es --elasticsearch-url http://localhost:9200\n"
                "  cdc-sink-es check\n",
    .tables = tables,
};

static int command_run(const struct es_conf *conf, bool check, struct err *e)
{
    const struct sink_conf *sink = &conf->sink;
    struct es *es = NULL;
    int rc;

    if (conf_common_start(&sink->common, es_ops.component, e) < 0 ||
        stop_init(e) < 0 || es_open(&es, conf, check, e) < 0) {
        return -1;
    }
    rc = check ? sink_check(&es_ops, es, sink, e)
               : sink_run(&es_ops, es, sink, e);
    es_close(es);
    return rc;
}

int main(int argc, char **argv)
{
    struct es_conf conf = { 0 };
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
