/*
 * producer.h - the process: its parts, put together, and its loop.
 *
 * One thread decides everything; the status listener has its own and only
 * reads. The loop's rules:
 *   - state is written once a second (sooner when the copy waits for it) and
 *     PostgreSQL is told a position only after its record was acknowledged
 *   - a status update goes out in time also while nothing is read
 *   - a lost PostgreSQL connection: flush Kafka, forget the half-received
 *     transaction, begin again where state stands
 *   - any failed delivery ends the process unconfirmed
 */
#pragma once

#include "common/clock.h"
#include "common/registry.h"
#include "producer/options.h"
#include "producer/session.h"
#include "producer/stream.h"

struct producer {
    struct options opt;
    char slot[64]; /* name of slot and publication */
    char schema_topic[64], heartbeat_topic[64];
    struct buf url; /* DATABASE_URL as libpq takes it */

    struct selection selection;
    struct tables tables;
    struct ledger ledger;
    struct window *window;
    struct publish pub;
    struct adopt adopt;
    struct session session;
    struct capture *cap;
    struct copy copy;
    struct stream stream;
    struct heartbeat heartbeat;
    struct server *server;
    struct registry *registry;

    int64_t catalog_due_ms, gauges_due_ms;
    struct backoff retry;
    struct metric *copying, *connected, *queue_messages, *queue_bytes,
        *tables_left;
};

/* Puts the parts together from the options. Zero-initialise first. */
int producer_open(struct producer *p, struct err *e) MUST_CHECK;

/* Runs until a stop is requested (0) or an error ends it (-1). */
int producer_run(struct producer *p, struct err *e) MUST_CHECK;

/* `check`. Prints one line. */
int producer_check(struct producer *p, struct err *e) MUST_CHECK;

/* Accepts half-open ones. */
void producer_close(struct producer *p);
