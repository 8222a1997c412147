/*
 * confcheck.h - `check --offline`: the configuration alone, no connection.
 *
 * Prints every finding on stdout, one line each, not only the first: what is
 * wrong, where, and what to do; warnings of addresses without encryption too.
 */
#pragma once

#include "common/conf.h"

/* Fills `cfg` as conf_load does. Fails with the first finding. */
int confcheck_run(const struct conf_program *program, void *cfg,
                  char *const *argv, struct err *e) MUST_CHECK;
