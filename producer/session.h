/*
 * session.h - from nothing to a running stream: connections, checks, state,
 * publication, slot, START_REPLICATION.
 *
 * The order is the contract's (DESIGN 4.1, 4.4): the publication exists
 * before the slot; state is read, START_REPLICATION takes the slot at the
 * LSN that state confirmed, and state is looked at once more: had another
 * producer written it before the slot was ours, all begins again. State's
 * first record is written, and acknowledged, before anything is streamed.
 */
#pragma once

#include "producer/adopt.h"
#include "producer/repl.h"
#include "producer/state.h"

struct session {
    /* borrowed */
    const char *url;
    const char *brokers;
    const char *pipeline;
    const char *slot; /* name of slot and publication */
    const char *schema_topic;
    const char *heartbeat_topic; /* NULL: none is needed */
    struct publish *pub;
    struct adopt *adopt;
    struct tables *tables;

    struct relation_place place; /* place.db points to db */
    char *db;
    PGconn *conn; /* control session */
    struct repl repl;
    struct state state;
    bool greeted; /* warnings were logged */
};

/* ERR_RETRY: close and try again later. Everything else ends the process. */
int session_open(struct session *s, struct err *e) MUST_CHECK;

/* `check`: what session_open checks, without creating or taking anything. */
int session_check(struct session *s, struct err *e) MUST_CHECK;

/* Closes the connections; state and tables stay. Accepts half-open ones. */
void session_close(struct session *s);
