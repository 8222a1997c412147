/*
 * server.h - the status listener: probes, metrics and a program's own routes
 * over HTTP (libmicrohttpd), in one thread of its own.
 *
 * Built in: /livez, /readyz, /metrics and the same under
 * /api/v1/data-sync/{live,ready,metrics}. GET and HEAD only (405 otherwise),
 * 404 for unknown paths; at most 64 connections, 10 s per connection idle;
 * answers are made from memory and never wait for anything.
 *
 * Liveness says that the process runs; it looks at no dependency. Readiness
 * is what the main loop said last with server_ready.
 */
#pragma once

#include <stdbool.h>

#include "common/buf.h"
#include "common/err.h"

struct server; /* opaque */

struct server_reply {
    int status;               /* HTTP, 200 at first */
    const char *content_type; /* borrowed; application/json at first */
    struct buf body;          /* the handler appends; capped at 16 MiB */
    const char *policy;       /* Content-Security-Policy: borrowed until the
                                 next call of the handler; NULL: none */
    bool html;                /* given: the client asks for text/html */
};

/* Runs on the listener's thread: locks what it reads. `arg` as given. */
typedef void server_fn(void *arg, struct server_reply *ret_reply);

struct server_route {
    const char *path; /* exact, borrowed for ever */
    server_fn *fn;
    void *arg;
};

/* Listens on `listen` ("0.0.0.0:9850", "[::]:9850", ":9850"). A route given
   here replaces a built-in one of the same path. `routes` ends with a NULL
   path and is borrowed until server_close. A taken port is ERR_CONFIG. */
int server_open(struct server **ret_server, const char *listen,
                const struct server_route *routes, struct err *e) MUST_CHECK;

/* Is it an address to listen on, as far as its text tells? ERR_CONFIG. */
int server_listen_check(const char *listen, struct err *e) MUST_CHECK;

/* What /ready answers from now on: {"ready":true,"message":"Service is
   ready"} with 200, or false with "Service is not ready" and 503. Any
   thread. */
void server_ready(struct server *srv, bool ready);

/* What server_ready said last. Any thread. */
bool server_is_ready(const struct server *srv);

/* The port it listens on (another than asked for when that was 0). */
int server_port(const struct server *srv);

/* Accepts NULL. */
void server_close(struct server *srv);
