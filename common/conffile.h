/*
 * conffile.h - the configuration file of all programs, held against the
 * option table.
 *
 * Every key must be one of the table, whoever has it: a process reads its
 * own and lets its siblings' stand, without expanding or judging their
 * values (their variables may be set for them alone). Keys are nested or
 * dotted: "kafka: {brokers: x}" is "kafka.brokers: x". "version: 1" may
 * stand at the top; another version is refused. A secret takes {file: PATH}.
 */
#pragma once

#include "common/conf.h"

struct conffile; /* opaque */

struct conffile_value {
    const char *text; /* as it stands; NULL: not in the file, or null */
    bool is_path;     /* of {file: PATH}: the text names a file */
    int line, column;
};

/* Reads and checks the file `path`; `options` is borrowed. Errors are
   ERR_CONFIG with
   "PATH:LINE:COLUMN: " in front. */
int conffile_open(struct conffile **ret_file, const char *path,
                  const struct conf_option *options, struct err *e) MUST_CHECK;

/* The same of a text, for tests. */
int conffile_parse(struct conffile **ret_file, struct str text,
                   const char *name, const struct conf_option *options,
                   struct err *e) MUST_CHECK;

/* Accepts NULL. */
void conffile_close(struct conffile *file);

/* The name it was opened by. */
const char *conffile_name(const struct conffile *file);

/* What the file says of an option. Borrows from `file`, which may be NULL. */
void conffile_find(const struct conffile *file, const struct conf_option *o,
                   struct conffile_value *ret_value);
