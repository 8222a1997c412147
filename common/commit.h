/*
 * commit.h - tells the group how far the partitions are settled.
 *
 * One commit is under way at a time: while the coordinator is slow they
 * merge instead of piling up. A commit that fails is no failure of data:
 * what was applied stays applied, and is committed with the next one. Answers
 * that say we are no longer a member set `zombie`.
 *
 * Part of group.c. Main thread only.
 */
#pragma once

#include <librdkafka/rdkafka.h>

#include "common/assign.h"

struct commit {
    rd_kafka_t *rk;        /* borrowed */
    struct assign *assign; /* borrowed */
    rd_kafka_queue_t *answers;
    bool busy;         /* no answer yet */
    bool failing;      /* said once in the log */
    bool zombie;       /* the broker no longer knows us */
    int64_t next_ms;   /* not before: after a failure */
    int64_t sent_ms;   /* when the last one was sent */
    int64_t member_ms; /* when the last accepted one was sent: the broker
                          takes none but from a member */
};

void commit_init(struct commit *c, rd_kafka_t *rk, struct assign *assign);

/* Accepts a zeroed one. */
void commit_fini(struct commit *c);

/* Takes in an answer if one is waited for, waiting up to `wait_ms`. */
void commit_answer(struct commit *c, int wait_ms);

/* Sends what was settled since the last time, unless one is under way. */
void commit_send(struct commit *c);

/* Sends all that is settled and waits for the answer, at most `budget_ms`.
   What stays without one is read again by whoever comes next. */
void commit_wait(struct commit *c, int budget_ms);

/* The partitions are gone: an answer still under way is nobody's. */
void commit_forget(struct commit *c);
