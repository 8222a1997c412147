#include "common/sinkmain.h"

#include "common/stop.h"

const struct conf_command sink_commands[] = {
    { .name = "run", .help = "apply events until it is stopped" },
    { .name = "check",
      .help = "look at Kafka and the target, say what is missing" },
    { 0 },
};

static int command_run(const struct sink_program *program, const void *conf,
                       bool check, struct err *e)
{
    const struct sink_conf *sink = conf;
    void *self = NULL;
    int rc;

    if (conf_start(&program->conf, conf, e) < 0 || stop_init(e) < 0 ||
        program->open(&self, conf, check, e) < 0) {
        return -1;
    }
    rc = check ? sink_check(program->ops, self, sink, e)
               : sink_run(program->ops, self, sink, e);
    program->close(self);
    return rc;
}

int sink_main(const struct sink_program *program, void *conf, int argc,
              char **argv)
{
    struct err e = { 0 };
    enum conf_action action = CONF_RUN;
    const char *command = NULL;
    int rc = conf_load(&program->conf, conf, argc, argv, &action, &command, &e);

    if (rc == 0 && action == CONF_RUN) {
        rc = command_run(program, conf, strcmp(command, "check") == 0, &e);
    }
    conf_free(&program->conf, conf);
    return rc < 0 ? conf_fail(&program->conf, &e) : 0;
}
