/*
 * validatecmd.h - the subcommand `validate`: compares, reports, ends with an
 * exit code.
 */
#pragma once

#include "common/err.h"
#include "monitor/settings.h"

/* Prints the report on stdout, as text or with `s->json` as JSON, and writes
   it below `s->report_dir` ("" or NULL: not at all). On a terminal stderr
   shows what is being done. Returns 0 for PASS and WARNING; ERR_FATAL (exit
   1) for FAIL, and for WARNING where `s->fail_on` is "warning"; any other
   error: it could not be checked. */
int validatecmd(const struct settings *s, struct err *e) MUST_CHECK;
