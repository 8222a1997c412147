/*
 * api.h - the HTTP answers (DESIGN 6), all made from memory.
 *
 *   /api/v1/data-sync/health   200, or 503 when unhealthy
 *   /api/v1/data-sync/ready, /live, /readyz, /livez    server.h
 *   /api/v1/data-sync/metrics, /metrics
 *   /api/v1/data-sync/consistency   always 200 (consistency.h)
 *
 * The answers of the last moments are kept, so that asking often costs
 * little (API_KEEP_MS). Runs on the listener's thread.
 */
#pragma once

#include "common/server.h"
#include "monitor/consistency.h"
#include "monitor/watch.h"

enum { API_KEEP_MS = 250 };

struct api; /* opaque */

/* Listens. `w` and `c` are borrowed until api_close. */
int api_open(struct api **ret_api, const char *listen, struct watch *w,
             struct consistency *c, struct err *e) MUST_CHECK;

/* What /ready says from now on. */
void api_ready(struct api *a, bool ready);

/* The listener, for who asks for its port. */
const struct server *api_server(const struct api *a);

/* Accepts NULL. */
void api_close(struct api *a);
