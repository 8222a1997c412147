/*
 * clock.h - time: monotonic milliseconds, wall clock, backoff.
 *
 * Waits and deadlines use CLOCK_BOOTTIME, which goes on while a machine is
 * suspended: a frozen process must see on waking that its time is over
 * (DESIGN 5, "a batch that is older is dropped unsent"). The wall clock is
 * for texts and metrics only; no order is ever taken from it.
 */
#pragma once

#include <stdint.h>

#include "common/buf.h"

/* Milliseconds on CLOCK_BOOTTIME. */
int64_t clock_ms(void);

/* Microseconds since 1970-01-01 UTC. */
int64_t clock_wall_us(void);

/* Milliseconds from now until `deadline_ms`, at least 0, at most INT_MAX;
   for poll(2). */
int clock_left_ms(int64_t deadline_ms);

/* Appends "2026-01-02T03:04:05.678Z". */
void clock_rfc3339(struct buf *b, int64_t wall_us);

/* Doubling wait with jitter: a value in [d/2, d], d = min * 2^n up to max. */
struct backoff {
    int min_ms, max_ms;
    unsigned attempt; /* 0 = no failure since the last reset */
};

/* How long to wait after one more failure, in ms. */
int backoff_next(struct backoff *k);
void backoff_reset(struct backoff *k);
