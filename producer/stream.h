/*
 * stream.h - one step of the stream: message -> meaning -> records -> Kafka.
 *
 * Ties repl, capture, resolve and publish together and holds what may be
 * half-done between two steps: records and heartbeats not yet taken by a
 * full queue, a shape not yet acknowledged. While either is there, nothing more is read:
 * that is the backpressure (status updates go on meanwhile).
 */
#pragma once

#include "producer/copy.h"
#include "producer/repl.h"

struct stream {
    /* borrowed */
    struct repl *repl;
    struct capture *cap;
    struct publish *pub;
    struct ledger *ledger;
    struct copy *copy;
    PGconn *conn; /* catalog questions */
    struct heartbeat *heartbeat;
    const char *schema_topic;
    const char *heartbeat_topic; /* NULL: heartbeats are switched off */
    const struct relation_place *place;

    unsigned record_next;   /* of cap->records, not yet published */
    struct table *shape_of; /* its new relation's shape must go out first */
    bool beats;             /* a heartbeat, not yet published */

    struct metric_time last_commit;
};

/* Forgets what is half-done: after a lost connection. */
void stream_reset(struct stream *s);

/* Nothing half-done, and between two transactions. */
bool stream_quiet(const struct stream *s);

/* Takes at most one message. `*ret_moved`: something was done. */
int stream_step(struct stream *s, bool *ret_moved, struct err *e) MUST_CHECK;

/* May the next message be read? (False: only delivery reports help.) */
bool stream_reads(const struct stream *s);
