/*
 * topics.h - topics made explicitly and looked at: never auto-created.
 *
 * Calls block up to their timeout and are for start-up and rare moments (a
 * new table), not for the event path.
 */
#pragma once

#include "common/kafka.h"

enum topic_kind {
    TOPIC_TABLE,       /* keyed table: compact, lag 1 day, deletes 7 days */
    TOPIC_APPEND_ONLY, /* no key: delete policy, kept for ever */
    TOPIC_CONTROL,     /* state, schema: one partition, compact */
};

struct topic_spec {
    const char *name;
    enum topic_kind kind;
    int partitions;         /* TOPIC_CONTROL: always 1 */
    int replication_factor; /* -1 = the broker's default */
};

/* Makes the topic unless it exists; either way fills the number of
   partitions it has, and whether this call made it. Settings: DESIGN 2 (max.message.bytes 16 MiB, compaction
   times). Waits until it has a leader for each partition. */
int topic_ensure(rd_kafka_t *rk, const struct topic_spec *spec,
                 int *ret_partitions, bool *ret_created,
                 struct err *e) MUST_CHECK;

/* How many partitions a topic has; 0 = it does not exist. */
int topic_partitions(rd_kafka_t *rk, const char *name, int *ret_partitions,
                     struct err *e) MUST_CHECK;

/* The watermarks of one partition, asked from the broker: its first offset,
   and the one behind its last. */
int topic_begin(rd_kafka_t *rk, const char *name, int32_t partition,
                int64_t *ret_begin, struct err *e) MUST_CHECK;
int topic_end(rd_kafka_t *rk, const char *name, int32_t partition,
              int64_t *ret_end, struct err *e) MUST_CHECK;
