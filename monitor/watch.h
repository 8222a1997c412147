/*
 * watch.h - looks at everything all the time, and remembers what it saw.
 *
 * One thread per service and one per role of worker, instead of the house's
 * single loop: the libraries that reach the services resolve names, connect
 * and wait on their own terms, and a service that hangs must not hold up the
 * look at another one. Each thread owns its probe and hands over facts under
 * one lock that is only ever held for memory. Nothing is decided in them.
 *
 * Readers (the API's thread, the main loop) get answers made from the facts
 * and the time of asking. A check that does not come back shows as a dead
 * service (health.h).
 */
#pragma once

#include "common/buf.h"
#include "common/registry.h"
#include "monitor/health.h"
#include "monitor/settings.h"

struct watch; /* opaque */

/* Opens the probes; connects to nothing. ERR_CONFIG for bad settings, a
   missing DATABASE_URL among them. `s` is borrowed until watch_close. */
int watch_open(struct watch **ret_watch, const struct settings *s,
               struct err *e) MUST_CHECK;

/* Starts the threads. */
int watch_start(struct watch *w, struct err *e) MUST_CHECK;

/* Any thread: what the registry sees (registry.h); `arg` is the watch. To be
   called between watch_open and watch_close. */
registry_fn watch_registry;

/* What the main loop does about twice a second: says state changes in the
   log. Returns whether the pipeline can be called ready. */
bool watch_tick(struct watch *w);

/* Do source and targets differ, as far as is known? Any thread. */
void watch_inconsistent(struct watch *w, bool inconsistent);

/* Any thread: appends the answer of /health, returns the status. */
enum health watch_health(struct watch *w, struct buf *b);

/* Any thread: appends what status.h makes of the facts, as JSON or as text.
 */
void watch_status(struct watch *w, struct buf *b, bool text);

/* Any thread: appends all metrics. */
void watch_metrics(struct watch *w, struct buf *b);

/* Waits for the threads, after a stop was requested. False: some did not end
   within seconds (a name server that hangs); nothing is freed then, and the
   process should end without further ado. Accepts NULL. */
bool watch_close(struct watch *w);
