/*
 * outage.h - the patience of a loop that must not give up: how long to wait
 * before the next attempt, and one log line when an outage begins and one
 * when it ends, however many attempts lie between.
 *
 * An outage is announced once failures have gone on for OUTAGE_SAID_MS, so
 * that a busy target's single refusal makes no noise. Main thread only.
 */
#pragma once

#include <stdbool.h>

#include "common/clock.h"

enum {
    OUTAGE_MIN_MS = 100,
    OUTAGE_MAX_MS = 30 * 1000,
    OUTAGE_SAID_MS = 1000,
};

struct outage {
    const char *what; /* "target", "kafka": borrowed */
    struct backoff backoff;
    int64_t since_ms; /* the first failure's begin; 0 = none */
    unsigned attempts;
    bool said;
};

/* No outage. `what` is for the log lines. */
void outage_init(struct outage *o, const char *what);

/* An attempt that began at `began_ms` (clock_ms) failed. Returns how long to
   wait before the next one. */
int outage_failed(struct outage *o, int64_t began_ms, const char *why);

/* Part of an attempt succeeded: soon again. */
void outage_progress(struct outage *o);

/* An attempt succeeded wholly. */
void outage_ended(struct outage *o);

/* Is an announced outage going on? */
bool outage_is_on(const struct outage *o);
