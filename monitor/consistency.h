/*
 * consistency.h - compares source and targets every few minutes while the
 * monitor runs, and remembers what came out: for /consistency, the metrics
 * and the verdict.
 *
 *   {"timestamp":"…","consistent":true,"issues":[]}
 *   an issue: {"table":"User","issue":"Count mismatch between PostgreSQL and
 *              Elasticsearch","count":5}
 *
 * One thread of its own runs validate.h with limits: a table of more than
 * `monitor.consistency.rows_max` rows is counted only, and so are all that
 * come behind CONSISTENCY_TOTAL_MAX rows. The first check begins at once, and
 * ends within 60 s of a ready pipeline; until then the answer is
 * `consistent: false` with the issue "not checked yet". A check that cannot
 * be made leaves the last answer, with the reason in `error`, and is tried
 * again after CONSISTENCY_RETRY_MS, then after longer waits. A difference is
 * looked at again after CONSISTENCY_AGAIN_MS; tables that cannot be compared
 * yet are awaited.
 *
 *   cdc_consistency_mismatched_rows{table,target,kind}
 *       kind: missing, extra, different, uncounted (not looked into), count
 *   cdc_consistency_last_check_timestamp_seconds   of the last that was made
 *   cdc_consistency_last_check_success             1: made, 0: could not be
 */
#pragma once

#include <stdbool.h>

#include "common/buf.h"
#include "monitor/settings.h"

enum {
    CONSISTENCY_TOTAL_MAX = 500 * 1000,
    CONSISTENCY_FENCE_MS = 40 * 1000,
    CONSISTENCY_RETRY_MS = 10 * 1000,
    CONSISTENCY_AGAIN_MS = 60 * 1000,
};

enum consistency_state {
    CONSISTENCY_UNKNOWN, /* not, or not all, checked yet */
    CONSISTENCY_EQUAL,
    CONSISTENCY_DIFFERENT,
};

struct consistency; /* opaque */

/* `s` is borrowed until consistency_close. After metrics_init. */
int consistency_open(struct consistency **ret_c, const struct settings *s,
                     struct err *e) MUST_CHECK;

/* Starts the thread, unless the interval is 0. */
int consistency_start(struct consistency *c, struct err *e) MUST_CHECK;

/* Appends the answer of /consistency. Any thread; never waits. */
void consistency_write(struct consistency *c, struct buf *b);

/* Any thread. */
enum consistency_state consistency_state(struct consistency *c);

/* Waits for the thread, after a stop was requested. False: it did not end
   within seconds; nothing is freed then. Accepts NULL. */
bool consistency_close(struct consistency *c);
