/*
 * registryread.h - an entry of the registry (common/registry.h) -> a worker
 * that the monitor can look at.
 *
 * The text comes out of a shared store: nothing is taken as given. What is
 * not an object with a role of ours and an "http://host:port" is no worker.
 *
 * PURE.
 */
#pragma once

#include <stdbool.h>

#include "common/buf.h"
#include "monitor/roles.h"

struct registryread {
    enum role role;
    char host[256]; /* without brackets */
    char port[6];
    int64_t started_us; /* start of the process; 0 = not said */
};

/* False: no worker (the monitor's own entry, another version's, rubbish). */
bool registryread_worker(struct str text, struct registryread *ret);
