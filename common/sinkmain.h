/*
 * sinkmain.h - what main does in every sink program: settings, start,
 * command, exit code.
 */
#pragma once

#include "common/sink.h"

struct sink_program {
    struct conf_program conf;
    const struct sink_ops *ops;

    /* Gives a target made from `conf`, which it borrows. `once`: the command
       is `check`, so an unreachable target has error kinds of its own. */
    int (*open)(void **ret_self, const void *conf, bool once, struct err *e);
    void (*close)(void *self);
};

/* The commands of every sink, for program->conf.commands. */
extern const struct conf_command sink_commands[];

/* `conf`: the program's zeroed settings, a struct that begins with struct
   sink_conf. Returns the exit code. */
int sink_main(const struct sink_program *program, void *conf, int argc,
              char **argv) MUST_CHECK;
