/*
 * finding.h - what a `check` saw: one line each on stdout, and below what is
 * wrong the way to mend it.
 *
 *   ok     kafka: answers
 *   failed postgres: connection refused
 *          fix: start it, or correct DATABASE_URL
 *
 * Errors that name their remedy themselves (SQL to run, a range) get none.
 * The caller ends with the worst: the first failure, but one that could not
 * be reached before all others.
 */
#pragma once

#include "common/err.h"

struct findings {
    struct err worst; /* ERR_NONE: all is well. Zeroed at first */
};

/* What was looked at, and where it is configured. */
struct finding {
    const char *what;     /* "kafka" */
    const char *variable; /* "KAFKA_BROKERS", or NULL */
};

/* All is well, and `text` says what was found. */
void finding_ok(const struct finding *finding, const char *text);

/* Notes and prints what is wrong. */
void finding_failed(struct findings *f, const struct finding *finding,
                    const struct err *now);

/* One of the two, as `rc` says. */
void finding_say(struct findings *f, const struct finding *finding, int rc,
                 const char *text, const struct err *now);

/* -1 with the worst, or 0. */
int findings_end(const struct findings *f, struct err *e) MUST_CHECK;
