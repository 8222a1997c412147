/*
 * cdc-producer: PostgreSQL changes -> one Kafka topic per table.
 */
#include "common/metrics.h"
#include "common/stop.h"
#include "producer/producer.h"

static int start(struct producer *p, const char *command, struct err *e)
{
    if (conf_start(&options_program, &p->opt, e) < 0 || stop_init(e) < 0) {
        return -1;
    }
    metrics_init("producer");
    if (producer_open(p, e) < 0) {
        return -1;
    }
    return strcmp(command, "check") == 0 ? producer_check(p, e)
                                         : producer_run(p, e);
}

int main(int argc, char **argv)
{
    static struct producer producer;
    struct err e = { 0 };
    enum conf_action action = CONF_RUN;
    const char *command = NULL;
    int rc = conf_load(&options_program, &producer.opt, argc, argv, &action,
                       &command, &e);

    if (rc == 0 && action == CONF_RUN) {
        rc = start(&producer, command, &e);
    }
    if (rc < 0) {
        rc = conf_fail(&options_program, &e);
    }
    producer_close(&producer);
    conf_free(&options_program, &producer.opt);
    return rc;
}
