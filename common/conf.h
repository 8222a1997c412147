/*
 * conf.h - one option table per program -> a filled struct.
 *
 * Sources, later wins: the row's default, the environment, the command line.
 * (A YAML file joins below the environment; the table already names its
 * keys.) The same table yields --help, so that it cannot drift.
 *
 * For a row with `secret`, NAME_FILE names a file that holds the value (one
 * trailing newline is stripped); both set is an error. Secrets are never
 * printed.
 *
 * Errors name the place and the remedy: ERR_USAGE for the command line,
 * ERR_CONFIG for a missing or malformed value.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "common/buf.h"
#include "common/err.h"

enum conf_type {
    CONF_STRING, /* char *, owned by the struct; NULL when unset */
    CONF_INT,    /* int, within min..max */
    CONF_BOOL,   /* bool: true false 1 0 yes no on off */
};

struct conf_row {
    const char *key;  /* path in the YAML file: "kafka.brokers" */
    const char *env;  /* environment variable, or NULL */
    const char *flag; /* long flag without dashes, or NULL */
    enum conf_type type;
    size_t offset;   /* of the field in the program's struct */
    const char *def; /* default as text, NULL = unset */
    int min, max;    /* CONF_INT */
    bool required;   /* missing or empty is ERR_CONFIG naming the variable */
    bool secret;
    const char *help; /* one sentence */
};

/* A program's command line: what it is called and what it can do. */
struct conf_program {
    const char *name;    /* "cdc-producer" */
    const char *summary; /* one line */
    const char *const
        *commands;        /* "run", "check", ..., NULL; first = default */
    const char *examples; /* lines for --help */
    const struct conf_row *const *tables; /* row arrays, NULL ends the list;
                                             key == NULL ends each array */
};

enum conf_action {
    CONF_RUN, /* go on: `ret_command` is set */
    CONF_DONE /* --help or --version was printed: exit 0 */
};

/* Fills `cfg` (zeroed by the caller) from defaults, environment and argv.
   `ret_command` is one of program->commands. Words behind the command that
   are no flags are ERR_USAGE. `ret_action` tells whether there is anything
   left to do. */
int conf_load(const struct conf_program *program, void *cfg, int argc,
              char *const *argv, enum conf_action *ret_action,
              const char **ret_command, struct err *e) MUST_CHECK;

/* Frees what CONF_STRING rows hold. Accepts half-filled structs. */
void conf_free(const struct conf_program *program, void *cfg);

/* How main ends when a call failed: a usage error as two lines for a person
   (what, and where help is), anything else as one log line. Returns the
   process exit code. */
int conf_fail(const struct conf_program *program, const struct err *e);

/* The rows every program has: name, listen, log level and format, Kafka
   brokers, Redis. The program's struct begins with struct conf_common. */
struct conf_common {
    char *name;
    char *listen;
    char *log_level;
    char *log_format;
    char *brokers;
    char *redis_url;
};

/* `listen` differs per program, so its row is the program's own. */
extern const struct conf_row conf_common_rows[];

/* `name` checked: [a-z0-9][a-z0-9_-]*, at most 40 characters (the slot name
   of PostgreSQL allows 63). Starts the log as `component`. */
int conf_common_start(const struct conf_common *c, const char *component,
                      struct err *e) MUST_CHECK;
