/*
 * intake.h - from the group's messages to a batch of checked items.
 *
 * Fills the batch: cuts each message into an item, finds its shape and its
 * partition's table, and decides when the batch goes. A record that cannot
 * become an item ends the batch before it: what came earlier is applied and
 * committed first, then the record is waited for (its shape is not known
 * yet) or stops the process with its position. It is never skipped.
 *
 * Heartbeats are no items: each is noted and settled at once.
 *
 * All polls of the group go through here, so that the batch is dropped in
 * the moment its partitions go.
 *
 * Part of sink.c. Main thread only.
 */
#pragma once

#include "common/batch.h"
#include "common/group.h"
#include "common/shapes.h"
#include "common/tables.h"

struct intake {
    struct group *group; /* all three borrowed */
    struct shapes *shapes;
    struct tables *tables;
    const char *schema_topic;     /* for messages */
    const char *prefix;           /* of the topics */
    struct metric_time heartbeat; /* commit time of the newest one */

    struct batch_limits limits;
    int linger_ms;
    struct batch batch;
    unsigned epoch; /* of the group, when the batch was filled */
};

/* Serves the group for up to `wait_ms`, or until a message came (NULL msg:
   none). When partitions went, the batch is empty afterwards. */
int intake_serve(struct intake *in, int wait_ms, struct group_msg *ret_msg,
                 struct err *e) MUST_CHECK;

/* Fills the batch. Under backlog messages lie ready and nothing waits: it
   returns when the batch is full. Else when nothing more comes and the
   oldest item has waited for the linger. With an empty batch it returns
   after a while, so that the caller can look around. */
int intake_fill(struct intake *in, struct err *e) MUST_CHECK;

/* Waits with a batch in hand: paused, serving the group. Ends early when the
   batch was dropped or a stop is asked. The group stays paused. */
int intake_wait(struct intake *in, int wait_ms, struct err *e) MUST_CHECK;

/* Tells each table its oldest event that is not settled: in the batch, or
   still in the topic, where nothing is older than what was taken last. */
void intake_lag(struct intake *in);
