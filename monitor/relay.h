/*
 * relay.h - fetches the workers' metrics and readiness, keeps the latest.
 *
 * Workers are found by configured names: "role=host:port", comma-separated,
 * and by their entries in the registry; both lists are asked together. A name
 * is resolved in every round; each of its addresses is a replica of its own
 * (of the IPv4 ones when it has any: the IPv6 addresses of a dual-stack name
 * are the same processes). A process that is met under two addresses counts
 * once: its start time tells. A place where nothing listens costs a refused
 * connect and is no error: replicas may be fewer than the names. An entry of
 * the registry that does not answer is shown, until it is over. A worker that hangs costs RELAY_MS, and then is left alone for
 * RELAY_PAUSE_MS, so that it does not hold up the others of its role.
 *
 * One thread per role runs rounds; readers hold the lock.
 */
#pragma once

#include <pthread.h>

#include "common/http.h"
#include "common/registry.h"
#include "monitor/expo.h"
#include "monitor/facts.h"
#include "monitor/rates.h"
#include "monitor/registryread.h"

enum {
    RELAY_MS = 2000,
    RELAY_PAUSE_MS = 5000,
    RELAY_FRESH_MS = 10 * 1000, /* older metrics are not shown */
    RELAY_PLACES_MAX = 64,      /* of one role */
    RELAY_WORKERS_MAX = 64,     /* of one role */
    RELAY_BYTES_MAX = 4 << 20,  /* metrics of one worker */
    RELAY_KEEP_MS = 15 * 1000,  /* answers, but nothing names it any more */
    RELAY_PLACE_ENTRY = RELAY_PLACES_MAX, /* the place of registry entries */
};

struct relay_place {
    char *host; /* name or address */
    char *port;
    int64_t started_us; /* of an entry's process; 0 = not known */
};

struct relay_worker {
    unsigned place;    /* number of the place it was found at */
    bool listed;       /* still an address of a place or an entry */
    int64_t listed_ms; /* clock_ms when it was last */
    char instance[64]; /* "10.0.0.3:9850", "[fd00::3]:9850" */
    struct http *http;
    int64_t pause_ms; /* not to be asked before; 0 = now */
    struct rates_source source;

    /* under the lock */
    bool up, ready, asked;
    bool entered;       /* the registry has it */
    int64_t started_us; /* as the registry says; 0 = not known */
    bool twin;          /* the same process as an earlier one of the list */
    int64_t at_ms;      /* clock_ms of the last good scrape */
    struct buf text;
};

struct relay_entry {
    struct registryread at;
    int64_t expires_ms;
};

struct relay_role {
    struct relay_place places[RELAY_PLACES_MAX];
    unsigned place_count;
    struct relay_worker workers[RELAY_WORKERS_MAX]; /* under the lock */
    unsigned worker_count;
    struct relay_entry entries[RELAY_WORKERS_MAX]; /* under the lock */
    unsigned entry_count;
    double heartbeat_s; /* the newest of all its workers; under the lock */
    bool rounds;        /* at least one round is over; under the lock */
    struct rates rates; /* under the lock */
};

struct relay {
    struct relay_role roles[ROLE_COUNT];
    bool registry_up; /* under the lock */
    pthread_mutex_t *lock;
};

/* Reads CDC_WORKERS ("" = none). ERR_CONFIG names the entry that is wrong. */
int relay_open(struct relay *r, const char *workers, pthread_mutex_t *lock,
               struct err *e) MUST_CHECK;

/* What the registry knows from now on. Away, it is no news: entries known
   before are asked on. Any thread; takes the lock. */
void relay_registry(struct relay *r, const struct registry_view *view);

/* One round of one role: resolve, ask, keep. */
void relay_round(struct relay *r, enum role role);

/* Under the lock: adds what is fresh to `x`, each with its component and
   instance. */
void relay_merge(const struct relay *r, struct expo *x, int64_t now_ms);

/* Under the lock: the workers that answer, those of the registry that do not,
   and one that does not for each role of which none is there though it was
   looked for. Returns how many of `max` were filled. */
unsigned relay_workers(const struct relay *r, struct fact_worker *ret,
                       unsigned max);

/* What one worker's metrics mean for the rates. PURE. */
struct rates_reading relay_reading(struct str text);

/* Accepts a zeroed one. */
void relay_close(struct relay *r);
