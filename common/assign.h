/*
 * assign.h - the partitions this member holds, and how far each one is.
 *
 * Replaced as a whole: the group rebalances eagerly (group.h), so partitions
 * come and go together. What points to a struct part (items, held messages)
 * is dropped before the next assign_set or assign_clear.
 *
 * Knows librdkafka's partition lists, does no I/O. Main thread only.
 */
#pragma once

#include <librdkafka/rdkafka.h>

#include "common/offsets.h"

struct table; /* tables.h */

struct part {
    char *topic;
    int32_t partition;
    int64_t next;    /* no lower offset is taken again */
    int64_t last_us; /* commit time of the newest event taken; 0 = none */
    int64_t held_us; /* of one that waits for its shape; 0 = none */
    struct offsets_part offsets;
    struct table *table; /* NULL until the first event */
};

struct assign {
    struct part *parts; /* ordered by topic, then partition */
    unsigned count;
    unsigned last; /* found last: messages come in runs of one partition */
};

/* Copies the list's partitions; offsets in it are where reading begins (a
   logical one: from the first message that comes). Frees what was there. */
void assign_set(struct assign *a, const rd_kafka_topic_partition_list_t *list);

/* Holds nothing afterwards. Accepts a zeroed one. */
void assign_clear(struct assign *a);

/* NULL when the partition is not held. */
struct part *assign_find(struct assign *a, const char *topic,
                         int32_t partition);

/* What may be committed and was not handed out yet, with the time (`wall_us`
   as milliseconds, decimal text) as metadata; NULL when nothing moved. The
   caller destroys the list. */
rd_kafka_topic_partition_list_t *assign_take(struct assign *a, int64_t wall_us);

/* A commit of `list` failed: of partitions with an error, or of all. What
   they lack is handed out again by the next assign_take. Partitions that are
   no longer held are ignored. */
void assign_untake(struct assign *a,
                   const rd_kafka_topic_partition_list_t *list, bool all);

/* The partitions as a list without offsets; the caller destroys it. */
rd_kafka_topic_partition_list_t *assign_list(const struct assign *a);
