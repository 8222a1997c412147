/*
 * probe_kafka.h - looks at Kafka: does it answer, and where do the groups
 * of the sinks stand (lag.h)?
 *
 * The groups are only asked about (OffsetFetch); records are read by a
 * consumer that has no group at all, so it can neither join one nor commit.
 * Per round there is one ListOffsets for the ends and one for the beginnings
 * per leader, one OffsetFetch per group, and one fetch for each partition in
 * which a sink is behind and has moved.
 *
 * Every call has a deadline; a round ends after PROBE_KAFKA_ROUND_MS.
 * One thread at a time.
 */
#pragma once

#include <librdkafka/rdkafka.h>
#include <pthread.h>

#include "common/err.h"
#include "monitor/lag.h"

enum {
    PROBE_KAFKA_CHECK_MS = 4000,
    PROBE_KAFKA_MS = 2000, /* one call of a round */
    PROBE_KAFKA_ROUND_MS = 5000,
    PROBE_KAFKA_TOPICS_MS = 5000, /* how often topics are listed */
    PROBE_KAFKA_READS_MAX = 256,  /* records per sink and round */
};

struct probe_kafka {
    rd_kafka_t *rk;
    char *name;
    char *groups[SINK_COUNT];
    int64_t listed_ms;   /* when topics were listed last; 0 = never */
    int64_t deadline_ms; /* of the round under way */
    struct lag *lag;
    pthread_mutex_t *lock; /* of lag's readers */
    struct lag_want wants[PROBE_KAFKA_READS_MAX];
};

/* `name` is the pipeline's. Fills `lag` from now on, under `lock`; both are
   borrowed until probe_kafka_close. Connects in the background. */
int probe_kafka_open(struct probe_kafka *p, const char *brokers,
                     const char *name, struct lag *lag, pthread_mutex_t *lock,
                     struct err *e) MUST_CHECK;

/* Does any broker answer? Lists the topics when it is time, and then fills
   `ret_what`. ERR_UNREACHABLE when none does. */
int probe_kafka_check(struct probe_kafka *p, char ret_what[100],
                      struct err *e) MUST_CHECK;

/* One round of lag. A round that fails leaves the last one's view, ageing. */
int probe_kafka_lag(struct probe_kafka *p, struct err *e) MUST_CHECK;

/* The offsets of a round alone, without reading a record: `high`, and `start`
   of each place of `lag`, which readers do not see. */
int probe_kafka_offsets(struct probe_kafka *p, struct err *e) MUST_CHECK;

/* Accepts a zeroed one. */
void probe_kafka_close(struct probe_kafka *p);
