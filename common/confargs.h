/*
 * confargs.h - the words of a command line against a program's option table:
 * which command, which flag has which value, and what was probably meant.
 *
 * Part of conf.h. Flags are "--name value" and "--name=value", a bool's
 * "--name" alone is true; one bare word is the command. `argv` ends with
 * NULL; all results borrow it.
 */
#pragma once

#include "common/conf.h"

/* Does the flag stand anywhere, by its long or its short name? */
bool confargs_has(char *const *argv, const char *flag, const char *letter);

/* Refuses unknown and surplus words with ERR_USAGE; finds the command (the
   first of the program's when none is named). */
int confargs_check(const struct conf_program *program, char *const *argv,
                   const char **ret_command, struct err *e) MUST_CHECK;

/* The last value that is given for a row, or NULL. Precondition:
   confargs_check has accepted the words. */
const char *confargs_value(const struct conf_program *program,
                           const struct conf_row *row, char *const *argv);
