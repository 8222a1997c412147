/*
 * lag.h - how far each sink is behind, per table, in seconds and messages.
 *
 * A sink goes on at `start` of a partition: its group's committed offset, or
 * the low watermark when that is higher or nothing was committed. It is
 * behind while start < high watermark, and then its lag is the age of the
 * record at `start`: now minus the commit time in that record. So the lag
 * needs no answer from the sink itself and grows for a dead one.
 *
 * A round: lag_topic for each topic there is, lag_topics_end; then, from one
 * look at the brokers, lag_marks and lag_committed for each partition;
 * lag_begin; lag_record for what lag_wanted names; lag_end. Readers see what
 * the last lag_end left. Between two rounds the lag of a sink that moves is
 * shown as it was measured, that of a sink that stands still (same start
 * twice) goes on ageing.
 *
 * A record that could not be read in a round leaves its partition with the
 * last record known, or the time when the sink was last seen caught up: both
 * are older, so the lag is then rather too large than too small.
 *
 * Commit times are PostgreSQL's, now is this machine's: their clocks' distance
 * is in the lag. It is never below 0.
 *
 * PURE: offsets and times in, numbers out. One thread changes it, and holds
 * the readers' lock for lag_topic, lag_topics_end, lag_end and lag_stall.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/buf.h"
#include "monitor/roles.h"

/* One sink at one partition. Times in microseconds since 1970. */
struct lag_place {
    int64_t start;         /* where it goes on; -1 = not known yet */
    int64_t record_offset; /* the start whose record is known; -1 = none */
    int64_t record_us;     /* its commit time; 0 = there is no record */
    int64_t measured_us;   /* its age when it was read */
    int64_t caught_up_us;  /* when it was last seen caught up; 0 = never */
    uint64_t read_round;   /* when a record was read last */
    bool behind;
    bool still; /* behind at the same start as a round before */

    /* what readers see */
    uint64_t messages; /* behind by so many offsets */
    int64_t since_us;  /* its age is the lag; 0 = none, -1 = not known */
    int64_t frozen_us; /* the lag itself, when it does not age; else -1 */
};

struct lag_part {
    int64_t low, high; /* -1 = not known yet */
    struct lag_place places[SINK_COUNT];
};

struct lag_topic {
    char *name;  /* cdc.public.User */
    char *table; /* User; schema.table outside public */
    bool seen;   /* in the running list of topics */
    unsigned part_count;
    struct lag_part *parts;
};

struct lag {
    struct lag_topic *topics; /* by name */
    unsigned count, cap;
    uint64_t round;
    bool enabled[SINK_COUNT];
};

struct lag_sum {
    double seconds;
    uint64_t messages;
    bool known; /* false: a partition is behind and no record was read */
};

/* What to read: the record at `offset`, or the next one after it. */
struct lag_want {
    unsigned topic;
    int32_t partition;
    int64_t offset;
    uint64_t read_round;
};

void lag_init(struct lag *l, bool es, bool clickhouse);
void lag_fini(struct lag *l);

/* The table of a topic, as a view into it: "cdc.public.User" under the prefix
   "cdc" is User. p == NULL when it is no table topic of ours. */
struct str lag_table_name(struct str prefix, struct str topic);

/* The topic exists, with so many partitions. What is known of it stays. */
void lag_topic(struct lag *l, struct str topic, struct str table,
               unsigned part_count);

/* Forgets the topics that were not named since the last call. */
void lag_topics_end(struct lag *l);

/* Watermarks of one partition. */
void lag_marks(struct lag_topic *t, unsigned partition, int64_t low,
               int64_t high);

/* The committed offset of one sink; -1 = it has none. After lag_marks. */
void lag_committed(struct lag_topic *t, unsigned partition, enum sink sink,
                   int64_t committed);

/* The topic with this name, or NULL. */
struct lag_topic *lag_find(struct lag *l, struct str topic);

/* All offsets of the round are in: a new number for it. */
void lag_begin(struct lag *l);

/* Up to `max` records that one sink's lag needs, those first that were read
   longest ago. Returns how many. */
unsigned lag_wanted(const struct lag *l, enum sink sink, struct lag_want *ret,
                    unsigned max);

/* The record was read: its commit time, 0 = nothing is behind the offset. */
void lag_record(struct lag *l, enum sink sink, const struct lag_want *want,
                int64_t commit_us, int64_t now_us);

/* The round is over: readers see it. */
void lag_end(struct lag *l, int64_t now_us);

/* The brokers do not answer: nobody moves, whatever is behind goes on
   ageing. */
void lag_stall(struct lag *l);

/* One table at one sink. */
struct lag_sum lag_table(const struct lag_topic *t, enum sink sink,
                         int64_t now_us);

/* A whole sink: the oldest of its tables (whose topic goes to *ret_topic,
   NULL when it is caught up), the sum of messages. */
struct lag_sum lag_sink(const struct lag *l, enum sink sink, int64_t now_us,
                        const struct lag_topic **ret_topic);
