/*
 * registry.h - the live registry of a pipeline's processes, in Redis.
 *
 *   key    cdc:<name>:proc:<role>:<instance>      instance = host name:port
 *   value  {"role":"sink-es","instance":"web1:9852",
 *           "url":"http://10.0.0.3:9852","version":"0.1.0","pid":712,
 *           "started":"2026-01-02T03:04:05.678Z",
 *           "startedUs":1767323045678901,
 *           "progress":{"events":1234,"lastEventTime":"...Z" or null},
 *           "errors":0,"ready":true}
 *
 *   key    cdc:<name>:<kept>                      "consistency": the last
 *   value  answer of the monitor's /consistency
 *
 * Each process keeps one entry: written when it starts and every 5 s, it
 * ends by itself after 15 s, or at once when the process ends in order. The
 * monitor also reads everybody's.
 *
 * Guarantees
 *   - nothing of the pipeline depends on it: all happens on a thread of its
 *     own with deadlines, and no function here waits for Redis but
 *     registry_close, at most REGISTRY_CLOSE_MS
 *   - an outage (unreachable, silent, wrong password, an error for an answer)
 *     is one line when it begins and one when it ends; the password is in
 *     neither
 *   - looking at the others costs at most REGISTRY_SCAN_STEPS steps of SCAN
 *     each time, also in a database that holds millions of other keys
 *
 * Does not understand the entries of others: the texts are handed out as
 * they came, as long as their keys live.
 */
#pragma once

#include "common/server.h"

enum {
    REGISTRY_WRITE_MS = 5000,
    REGISTRY_TTL_MS = 15000,
    REGISTRY_LOOK_MS = 2000,
    REGISTRY_RETRY_MIN_MS = 250,
    REGISTRY_RETRY_MAX_MS = 4000,
    REGISTRY_CLOSE_MS = 2500,
    REGISTRY_SCAN_STEPS = 64, /* of 1000 keys each */
    REGISTRY_ENTRIES_MAX = 256,
    REGISTRY_ENTRY_BYTES_MAX = 4096,
    REGISTRY_KEPT_MS = 24 * 3600 * 1000, /* what registry_keep writes */
    REGISTRY_KEPT_BYTES_MAX = 1 << 20,
};

struct registry; /* opaque */

struct registry_entry {
    const char *text;   /* as it was written; borrowed, valid in the call */
    int64_t expires_ms; /* clock_ms when it ends unless written again */
};

/* What the last look saw, on the registry's thread. When `up` is false there
   are no entries, and `why` says what is wrong. */
struct registry_view {
    bool up;
    const char *why;
    const struct registry_entry *entries;
    unsigned count;
};

typedef void registry_fn(void *arg, const struct registry_view *view);

/* All texts are borrowed until registry_close. */
struct registry_conf {
    const char *url; /* REDIS_URL; NULL or "" switches the registry off */
    const char *name;
    const char *role;
    const char *listen;          /* CDC_LISTEN */
    const char *advertise;       /* registryurl.h; NULL or "" = find out */
    const struct server *server; /* its port and readiness; borrowed */
    const char *events;          /* the family whose sum is progress.events,
                                    or NULL */
    const char *kept;            /* what registry_keep keeps, or NULL */
    registry_fn *seen;           /* NULL: does not look at the others */
    void *arg;
    int write_ms, look_ms; /* 0: REGISTRY_WRITE_MS, REGISTRY_LOOK_MS */
};

/* Would registry_open take this REDIS_URL (NULL and "" included)? ERR_CONFIG
   with what is wrong, never with the URL. */
int registry_url_check(const char *url, struct err *e) MUST_CHECK;

/* For `check`: does Redis answer, and take the credentials? Waits seconds at
   most. Precondition: registry_url_check was passed by a URL that is not
   empty. */
int registry_ping(const char *url, struct err *e) MUST_CHECK;

/* Starts the thread; connects to nothing by itself. `*ret` is NULL when the
   registry is switched off. ERR_CONFIG for a URL it cannot use. */
int registry_open(struct registry **ret, const struct registry_conf *conf,
                  struct err *e) MUST_CHECK;

/* A text for others to read, for a day or until the next one: copied, written
   soon, and again whenever Redis may have lost it. Too large a one is left
   out. Any thread. Accepts NULL. */
void registry_keep(struct registry *r, struct str text);

/* Takes the entry away and ends the thread. Call it before server_close: the
   port is the entry's name. A thread that hangs (a name server) is left
   behind: the process is about to end. Accepts NULL. */
void registry_close(struct registry *r);
