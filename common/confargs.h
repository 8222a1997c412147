/*
 * confargs.h - the words of a command line against a program's option table:
 * which command, which flag has which value, and what was probably meant.
 *
 * Part of conf.h. Flags are "--name value" and "--name=value", a bool's
 * "--name" alone is true; the first bare
 * word is the command, a second one is of its `words`. `argv` ends with
 * NULL.
 */
#pragma once

#include "common/conf.h"

/* Does the flag stand anywhere, by its long or its short name? */
bool confargs_has(char *const *argv, const char *flag, const char *letter);

/* Is that the first word? */
bool confargs_is(char *const *argv, const char *word);

/* What the words ask for. */
struct confargs {
    const char *command; /* of conf_command_at */
    const char *word;    /* behind it, one of its `words`; NULL: none */
    bool offline;        /* --offline stands there */
};

/* Refuses unknown and surplus words with ERR_USAGE, and flags of another
   command; finds the command (the
   first of the program's when none is named). */
int confargs_check(const struct conf_program *program, char *const *argv,
                   struct confargs *ret_args, struct err *e) MUST_CHECK;

/* The last value that is given for an option, or NULL; of a list all of them,
   put together in `joined`. Precondition: confargs_check has accepted the
   words. Borrows argv or `joined`. */
const char *confargs_value(const struct conf_program *program,
                           const struct conf_option *o, char *const *argv,
                           struct buf *joined);
