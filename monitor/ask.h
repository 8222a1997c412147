/*
 * ask.h - the subcommands that ask a process that already runs, over its
 * status listener on this machine.
 */
#pragma once

#include "common/err.h"
#include "monitor/settings.h"

/* `healthcheck`: is the process that listens on `s->common.listen` ready: the
   monitor, or any worker? */
int ask_ready(const struct settings *s, struct err *e) MUST_CHECK;

/* `status`: prints what the running monitor says, as one screen of text, or
   as JSON with `s->json`; again every two seconds until a stop is requested
   with `s->watch`. No monitor: ERR_UNREACHABLE. */
int ask_status(const struct settings *s, struct err *e) MUST_CHECK;
