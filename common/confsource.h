/*
 * confsource.h - where an option's value comes from: the command line, else
 * the environment, else the default.
 *
 * Gives the text and the name of the place; what the text means is
 * confvalue.h's.
 */
#pragma once

#include "common/conf.h"

enum confsource_kind {
    CONFSOURCE_NONE, /* not set anywhere, and there is no default */
    CONFSOURCE_DEFAULT,
    CONFSOURCE_ENV,
    CONFSOURCE_FLAG,
};

struct confsource {
    const struct conf_program *program;
    char *const *argv; /* checked: confargs_check */
};

struct confsource_value {
    enum confsource_kind kind;
    const char *text; /* NULL with CONFSOURCE_NONE; borrows from `kept`, the
                         environment, argv or the option */
    char name[600];   /* "--name", "CDC_NAME", "CDC_NAME_FILE", "default" */
    struct buf kept;
};

/* ERR_CONFIG: NAME and NAME_FILE are both set, or the file cannot be read.
   confsource_fini afterwards, whatever it returns. */
int confsource_find(const struct confsource *s, const struct conf_option *o,
                    struct confsource_value *ret_value,
                    struct err *e) MUST_CHECK;
void confsource_fini(struct confsource_value *value);
