/*
 * health.h - facts in, verdict out: status, and the API's JSON.
 *
 *   unhealthy  PostgreSQL or Kafka down, slot lost, lag > 300 s,
 *              errors > 20 %
 *   degraded   a target down, lag > 60 s, errors > 5 %, source and targets
 *              differ
 *   healthy    else
 *
 * A service is up while its last check said so and is no older than
 * HEALTH_STALE_MS: a check that hangs counts as a dead service. The slot is
 * lost when PostgreSQL says so, or when it is gone after having been there.
 *
 * The lag is the worst of each sink's (lag.h) and of the producer's
 * (backlog.h). The producer confirms once a second, so a waiting change
 * counts only once it is older than HEALTH_CONFIRM_US.
 *
 * PURE: the caller brings the time, and holds the facts' lock.
 */
#pragma once

#include "common/buf.h"
#include "monitor/facts.h"

enum health { HEALTHY, DEGRADED, UNHEALTHY };

enum {
    HEALTH_STALE_MS = 9 * 1000,
    HEALTH_CONFIRM_US = 3 * 1000 * 1000,
};

struct health_now {
    int64_t wall_us;  /* since 1970 */
    int64_t clock_ms; /* clock_ms() */
};

bool health_up(const struct facts *f, enum service service,
               struct health_now now);

/* Have all first checks run, and do PostgreSQL and Kafka answer? */
bool health_ready(const struct facts *f, struct health_now now);

/* Seconds since the oldest row change that the producer has not confirmed. */
double health_capture_lag(const struct facts *f, struct health_now now);

/* The registry: "up", "down" or "disabled". It is up until a first look
   failed, and no reason for any verdict. */
const char *health_registry(const struct facts *f);

/* The worst lag of all, in seconds. */
double health_lag(const struct facts *f, struct health_now now);

enum health health_judge(const struct facts *f, struct health_now now);

/* "healthy", "degraded", "unhealthy" */
const char *health_name(enum health h);

/* Appends the members of /health, without the braces. */
void health_members(struct buf *b, const struct facts *f,
                    struct health_now now);

/* Appends a line "  ! what" per problem, the worst kind first. Returns how
   many. */
unsigned health_problems_text(struct buf *b, const struct facts *f,
                              struct health_now now);

/* Appends the answer of /health; its fixed members come first (DESIGN 6). */
void health_write(struct buf *b, const struct facts *f, struct health_now now);

/* Appends `value` with up to `decimals` (0 to 6) digits behind the point and
   without needless zeros; 0 for what is no finite number. */
void health_number(struct buf *b, double value, int decimals);
