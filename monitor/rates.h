/*
 * rates.h - error rate and throughput of the last five minutes, out of the
 * counters that the workers export.
 *
 * Each worker is a source; what its counters gained since the last look is
 * added to the sums of its role. A restarted worker (another start time, or
 * a counter that fell) begins at 0 again, so all it shows is gain. A worker
 * that is met for the first time is a baseline, unless it started after the
 * monitor did. Sums are noted every RATES_STEP_MS, and a rate is the gain
 * since the note that is five minutes old, or since the first one.
 *
 * PURE: the caller brings the time (clock_ms).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum {
    RATES_WINDOW_MS = 5 * 60 * 1000,
    RATES_STEP_MS = 5 * 1000,
    RATES_NOTES = RATES_WINDOW_MS / RATES_STEP_MS + 2,
};

/* What one worker's exposition says. */
struct rates_reading {
    double start_s;     /* process_start_time_seconds, 0 = not given */
    double finished;    /* sum of cdc_sync_events_total */
    double rejected;    /* sum of cdc_sync_errors_total */
    double heartbeat_s; /* commit time of its newest heartbeat; 0 = none */
};

/* One worker; zero-initialise when it is met. */
struct rates_source {
    bool seen;
    struct rates_reading last;
};

/* One role. */
struct rates {
    double finished, rejected; /* gains since rates_init */
    struct rates_note {
        int64_t at_ms;
        double finished, rejected;
    } notes[RATES_NOTES]; /* ring */
    unsigned first, count;
    double monitor_start_s; /* wall clock */
};

void rates_init(struct rates *r, int64_t now_ms, double wall_s);

/* Takes a worker's reading into the sums of its role. */
void rates_take(struct rates *r, struct rates_source *s,
                const struct rates_reading *reading);

/* The reading is known, and counts nowhere: what comes after it may. */
void rates_note(struct rates_source *s, const struct rates_reading *reading);

/* Time passes; call at least once a second. */
void rates_tick(struct rates *r, int64_t now_ms);

/* Events per second, over the window. */
double rates_throughput(const struct rates *r, int64_t now_ms);

/* Adds the window's gains to the two sums. */
void rates_gain(const struct rates *r, int64_t now_ms, double *finished,
                double *rejected);

/* rejected / finished, 0 when nothing happened, at most 1. */
double rates_ratio(double rejected, double finished);
