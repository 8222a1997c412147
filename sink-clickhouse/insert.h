/*
 * insert.h - one attempt to write a batch: one INSERT per table, several
 * tables side by side, and a verdict on every item.
 *
 *   DONE    the insert with its row was acknowledged
 *   RETRY   nothing is known, or the server cannot take it now
 *   REJECT  its column cannot hold a value, or the server refused the row
 *           when it stood alone
 *
 * Sending a row again is harmless, also after a newer one of its key: the
 * table keeps the highest `_version` (sink.h, invariant).
 *
 * An insert refused because of its rows is halved until the rows that are
 * refused stand alone: O(log n) requests for each. Before that the table is
 * looked at: when someone changed it, no row is to blame, and all wait.
 *
 * A tombstone right behind its delete says the same with the same version:
 * it is not sent and takes the delete's verdict.
 */
#pragma once

#include "common/sink.h"
#include "sink-clickhouse/targets.h"

struct insert {
    struct session *session; /* borrowed, like the targets */
    struct targets *targets;
    struct buf body;               /* of all requests of a round */
    struct buf part;               /* of a request that isolates a row */
    struct http_request *requests; /* one per target */
    unsigned request_cap;
};

void insert_init(struct insert *in, struct session *session,
                 struct targets *targets);

/* Accepts zeroed ones. */
void insert_fini(struct insert *in);

/* As sink_ops.write. */
int insert_run(struct insert *in, struct batch *b, struct err *e) MUST_CHECK;
