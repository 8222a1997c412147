/*
 * vitals.h - lag, error rate and throughput for one run of `validate`, looked
 * at from outside: it works whether a monitor runs or not.
 *
 * The lag is read from Kafka (lag.h). Errors and events are the counters of
 * the workers that answer at the configured places: the error rate counts
 * since they started, the throughput is what they finished between
 * vitals_begin and vitals_end.
 *
 * One thread.
 */
#pragma once

#include "monitor/probe_kafka.h"
#include "monitor/relay.h"
#include "monitor/settings.h"

struct vitals {
    double lag_s;
    bool lag_known;
    double error_rate; /* 0..1 */
    double finished, rejected;
    double throughput; /* events/s of the slower sink */
    uint64_t waiting;  /* events that a sink has not committed */
    unsigned up[ROLE_COUNT], ready[ROLE_COUNT];
    bool wanted[ROLE_COUNT];
    char why[200]; /* of a lag that is not known */
};

struct vitals_taker; /* opaque */

/* First look. ERR_CONFIG for bad settings; what does not answer is no
   error. */
int vitals_begin(struct vitals_taker **ret, const struct settings *s,
                 struct err *e) MUST_CHECK;

/* Second look. Frees the taker; accepts NULL, then fills nothing. */
void vitals_end(struct vitals_taker *t, struct vitals *ret);
