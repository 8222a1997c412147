/*
 * check.h - the subcommands that look once and say what they saw.
 */
#pragma once

#include "common/err.h"
#include "monitor/settings.h"

/* `check`: one line per service on stdout. Returns -1 when one cannot be
   used, with the kind of the worst (ERR_UNREACHABLE before
   ERR_PERMISSION). */
int check_services(const struct settings *s, struct err *e) MUST_CHECK;
