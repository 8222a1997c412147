/*
 * confconfig.h - the command `config`, which every program has: what is in
 * force, and the pages that are made of the option table.
 */
#pragma once

#include "common/conf.h"

/* What may follow `config`; the first is the default. */
#define CONFCONFIG_WORDS                              \
    "show schema reference environment man man-file " \
    "completion-bash completion-zsh completion-fish"

/* Prints to stdout. `word` is one of the words, or NULL; `cfg` is filled as
   far as it is needed. Only `show` reads environment, file and flags. */
int confconfig_run(const struct conf_program *program, void *cfg,
                   char *const *argv, const char *word,
                   struct err *e) MUST_CHECK;
