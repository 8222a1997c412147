/*
 * facts.h - what the probes found out: one struct, filled by them, judged by
 * health.c, shown by api.c. Data only; its owner (watch.c) holds the lock.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "monitor/lag.h"
#include "monitor/roles.h"

struct fact_service {
    bool enabled; /* false: this sink is switched off */
    bool checked; /* at least one check has ended */
    bool up;
    int64_t at_ms;  /* clock_ms of the end of the last check */
    char why[200];  /* when not up; printable ASCII */
    char what[100]; /* when up: "PostgreSQL 15.4" */
};

struct fact_slot {
    bool known; /* PostgreSQL has been asked */
    bool exists;
    bool was_seen; /* it existed once */
    bool active;
    char wal_status[16]; /* "reserved", "extended", "unreserved", "lost" */
    int64_t unconfirmed_bytes; /* WAL behind the confirmed position */
    int64_t retained_bytes;    /* WAL kept for it */
    int64_t safe_bytes;        /* until it is lost; -1 = no limit */
    int64_t waiting_since_us;  /* backlog.h; 0 = nothing waits */
};

struct fact_worker {
    enum role role;
    char instance[64]; /* "127.0.0.1:9851" */
    bool up;
    bool ready;
};

/* The registry in Redis: nothing depends on it. */
struct fact_registry {
    bool enabled;
    bool checked;
    bool up;
    char why[200]; /* when not up; printable ASCII */
};

struct facts {
    const char *name; /* of the pipeline */
    const char *slot_name;
    struct fact_service services[SERVICE_COUNT];
    struct fact_registry registry;
    struct fact_slot slot;
    struct lag lag;
    bool lag_checked;
    char lag_why[200];        /* the last round did not come through: why */
    double error_rate;        /* 0..1 */
    bool inconsistent;        /* consistency.h: source and targets differ */
    double throughput;        /* events/s */
    double rates[SINK_COUNT]; /* events/s of each sink */
    double heartbeat_s[SINK_COUNT]; /* commit time of the newest heartbeat that
                                       came through; 0 = none yet */
    int64_t started_us;             /* of the monitor */
    struct fact_worker *workers;    /* those that answer, and one that does not
                                    for a role of which none does */
    unsigned worker_count;
};
