/*
 * conf.h - one table of all options -> a program's filled struct.
 *
 * conf_options describes every option of every program once: its key in the
 * file, variable, flag, type, default, who has it. A program says only where
 * its own go: struct conf_bind, a key and an offset. So each program knows
 * the keys of its siblings (one file serves all of them), and --help, the
 * reference page, the schema, man pages and completions come from one place
 * without `common` including a program. A bind without option, and an option
 * without bind, is a CHECK at each start.
 *
 * To add an option: a row in confoptions.c, a field and a bind in the
 * program, then `cdc-monitor config reference` (docs/CONFIGURATION.md).
 *
 * Sources, later wins: the row's default, the file (conffile.h), the
 * environment, the command line.
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

/* Read when it exists and no other is named. */
#define CONF_FILE_DEFAULT "/etc/data-sync/data-sync.yaml"

/* The programs, as bits. */
enum {
    CONF_PRODUCER = 1,
    CONF_SINK_ES = 2,
    CONF_SINK_CH = 4,
    CONF_MONITOR = 8,
    CONF_SINKS = CONF_SINK_ES | CONF_SINK_CH,
    CONF_WORKERS = CONF_PRODUCER | CONF_SINKS,
    CONF_ALL = CONF_WORKERS | CONF_MONITOR,
};

/* What a value is, and the field it fills. */
enum conf_type {
    CONF_STRING, /* char *, owned by the struct; NULL when unset */
    CONF_URL,    /* char *: text that may hold a password */
    CONF_LIST,   /* char *: words with commas; a list in the file; a flag that
                    comes again adds to it */
    CONF_CHOICE, /* char *: one of `choices` */
    CONF_INT,    /* int, within min..max, as the next two */
    CONF_MS,     /* int, milliseconds: "500ms", "30s", "5m", "1h", "500" */
    CONF_BYTES,  /* int, bytes: "512KiB", "8MiB", "1GiB", "512" */
    CONF_BOOL,   /* bool: true false 1 0 yes no on off */
};

struct conf_option {
    const char *key;  /* path in the file: "kafka.brokers"; one name per row */
    const char *env;  /* environment variable, or NULL */
    const char *flag; /* long flag without dashes, or NULL */
    char letter;      /* short flag, or 0 */
    enum conf_type type;
    const char *def;     /* default as text, NULL = unset */
    int min, max;        /* of numbers */
    const char *choices; /* CONF_CHOICE: "debug info warn error" */
    unsigned programs;   /* who has it */
    unsigned required;   /* who cannot do without: missing or empty is
                            ERR_CONFIG naming the variable */
    bool secret;         /* never shown; NAME_FILE names a file with it */
    bool no_file;        /* not in the file: it is of one run */
    const char *command; /* of these commands alone ("validate status");
                            such are never in the file; NULL: of all */
    const char *help;    /* one sentence */
    const char *example; /* for pages, where there is no default */
};

/* Every option of the four programs; key == NULL ends it. */
extern const struct conf_option conf_options[];

/* Where a program keeps an option. One part of the key may be '*' where
   several programs share a struct and have a key each ("sinks.*.batch"). */
struct conf_bind {
    const char *key;
    size_t offset;
};

struct conf_command {
    const char *name;  /* "run" */
    const char *help;  /* what it does, a few words */
    const char *words; /* of which one may follow: "show schema", or NULL */
};

/* A program's command line: what it is called and what it can do. */
struct conf_program {
    unsigned bit;        /* CONF_PRODUCER ... */
    const char *name;    /* "cdc-producer" */
    const char *summary; /* one line */
    /* first = default; name NULL ends; `config` comes by itself */
    const struct conf_command *commands;
    const char *examples;              /* lines for --help */
    const struct conf_option *options; /* conf_options; tests have others */
    /* What of the values only the program can judge, without a connection;
       for `check --offline`. May be NULL. */
    int (*check)(const void *cfg, struct err *e);
    const struct conf_bind *const *binds; /* arrays, NULL ends the list; key
                                             == NULL ends each array */
};

enum conf_action {
    CONF_RUN, /* go on: `ret_command` is set */
    CONF_DONE /* it is done already (--help, check --offline): exit 0 */
};

/* Fills `cfg` (zeroed by the caller) from defaults, environment and argv.
   `ret_command` is the name of one of program->commands. Words behind the
   command that are no flags are ERR_USAGE. `ret_action` tells whether there
   is anything left to do. */
int conf_load(const struct conf_program *program, void *cfg, int argc,
              char *const *argv, enum conf_action *ret_action,
              const char **ret_command, struct err *e) MUST_CHECK;

/* Frees what the struct owns. Accepts half-filled structs. */
void conf_free(const struct conf_program *program, void *cfg);

/* How main ends when a call failed: a usage error as two lines for a person
   (what, and where help is), anything else as one log line. Returns the
   process exit code. */
int conf_fail(const struct conf_program *program, const struct err *e);

/* The next option of `program` behind `option` (NULL: the first), or NULL. */
const struct conf_option *conf_next(const struct conf_program *program,
                                    const struct conf_option *option);

/* The program's commands, and `config` behind them; NULL behind the last. */
const struct conf_command *conf_command_at(const struct conf_program *program,
                                           unsigned i);

/* Where the program keeps an option of its own. */
const struct conf_bind *conf_bind_of(const struct conf_program *program,
                                     const struct conf_option *option);

/* Is `word` one of the words of `list`, which spaces part? */
bool conf_listed(const char *list, const char *word);

/* What every program has. The program's struct begins with it. */
struct conf_common {
    char *config; /* the file that was read; NULL or "": none */
    char *name;
    char *listen; /* bound by the program: the keys differ */
    char *log_level;
    char *log_format;
    char *brokers;
    char *redis_url;
    bool require_tls;
    bool offline; /* seen to by conf_load */
    char *advertise;
};

extern const struct conf_bind conf_common_binds[];

/* `cfg` begins with struct conf_common and was loaded. Checks the name, starts
   the log with the program's name behind "cdc-" as component, says which
   file was read, and warns of misspelt variables (confenv.h) and of each
   address beyond this machine that is not encrypted (conftls.h);
   require_tls makes that ERR_CONFIG. */
int conf_start(const struct conf_program *program, const void *cfg,
               struct err *e) MUST_CHECK;

/* [a-z0-9][a-z0-9_-]*, at most 40 characters (the slot name of PostgreSQL
   allows 63), else ERR_CONFIG. */
int conf_name_check(const char *name, struct err *e) MUST_CHECK;

/* An address beyond this machine that is not encrypted. Zeroed at first. */
struct conf_clear {
    const struct conf_option *option;
    char text[1024]; /* "REDIS_URL: redis://h is not encrypted: ..." */
};

/* The next one, or false. */
bool conf_clear_next(const struct conf_program *program, const void *cfg,
                     struct conf_clear *clear);
