/*
 * confsource.h - where an option's value comes from: the command line, else
 * the environment, else the file, else the default.
 *
 * Gives the text, variables expanded, and the name of the place; what the
 * text means is confvalue.h's.
 */
#pragma once

#include "common/conffile.h"

enum confsource_kind {
    CONFSOURCE_NONE, /* not set anywhere, and there is no default */
    CONFSOURCE_DEFAULT,
    CONFSOURCE_FILE,
    CONFSOURCE_ENV,
    CONFSOURCE_FLAG,
};

struct confsource {
    const struct conf_program *program;
    char *const *argv;     /* checked: confargs_check; or NULL */
    struct conffile *file; /* NULL: there is none */
};

struct confsource_value {
    enum confsource_kind kind;
    const char *text; /* NULL with CONFSOURCE_NONE; borrows from `kept`, the
                         environment, argv or the option */
    char name[600];   /* "--name", "CDC_NAME", "CDC_NAME_FILE",
                         "FILE:3:5", "default" */
    struct buf kept;
};

/* Opens the file that --config or CDC_CONFIG names, else the default one when
   it exists. ERR_CONFIG when it cannot be read or is wrong. */
int confsource_open(struct confsource *ret_source,
                    const struct conf_program *program, char *const *argv,
                    struct err *e) MUST_CHECK;

/* Accepts zeroed ones. */
void confsource_close(struct confsource *s);

/* ERR_CONFIG, naming the place: NAME and NAME_FILE are both set, a secret's
   file cannot be read, a variable inside the file's text is not set.
   confsource_fini afterwards, whatever it returns. */
int confsource_find(const struct confsource *s, const struct conf_option *o,
                    struct confsource_value *ret_value,
                    struct err *e) MUST_CHECK;
void confsource_fini(struct confsource_value *value);

/* Finds the value and puts it into the program's field. ERR_CONFIG, too, for
   what is missing or malformed; ERR_USAGE when that came by a flag. */
int confsource_store(const struct confsource *s, const struct conf_option *o,
                     void *cfg, struct err *e) MUST_CHECK;
