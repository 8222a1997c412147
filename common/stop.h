/*
 * stop.h - SIGTERM and SIGINT as a flag and a wake-up file descriptor.
 *
 * The first signal asks for a drain, the second ends the process at once
 * with _exit(130). SIGPIPE is ignored. Handlers are installed explicitly, so
 * that they work as PID 1.
 */
#pragma once

#include <stdbool.h>

#include "common/err.h"

/* Installs the handlers. Call before any thread starts. */
int stop_init(struct err *e) MUST_CHECK;

bool stop_requested(void);

/* Sets the flag as a signal would (tests, and fatal errors of a thread). */
void stop_request(void);

/* Readable from the moment a stop is requested, for ever; for poll(2).
   -1 before stop_init. */
int stop_fd(void);

/* Sleeps up to `wait_ms`; returns early, with true, when a stop is asked. */
bool stop_wait(int wait_ms);
