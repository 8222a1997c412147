/*
 * http.h - requests to one HTTP target (libcurl): status and capped body.
 *
 * Keep-alive, no redirects, no proxy from the environment, no netrc, no
 * "Expect: 100-continue", TLS verified. Several requests run at the same
 * time; http_run returns when each has ended. Nothing is retried here: an
 * answer with any status is success of the transport, and its meaning is the
 * caller's.
 *
 * Time: each request has one total deadline. When a stop is requested
 * (stop.h) what is in flight gets HTTP_STOP_GRACE_MS more, then is given up,
 * so that a process ends though its target hangs.
 *
 * Secrets: user and password go into headers, never into a URL or an error
 * text.
 */
#pragma once

#include <stdbool.h>

#include "common/buf.h"
#include "common/err.h"

enum {
    HTTP_DEADLINE_MS = 60 * 1000,
    HTTP_STOP_GRACE_MS = 10 * 1000,
    HTTP_REPLY_BYTES_MAX = 256 << 20,
};

struct http; /* opaque: one target */

struct http_conf {
    const char *url;      /* "http://host:9200/prefix", user:pass@ allowed;
                             a bare "host" or "host:port" means http:// */
    int default_port;     /* when the URL names none and is a bare host */
    const char *user;     /* NULL: from the URL, else none */
    const char *password; /* NULL: from the URL, else none */
    const char *const *headers; /* sent with each request; NULL ends; may be
                                   NULL. Copied */
};

/* Takes a piece of an answer's body as it comes in. False gives the request
   up: its status is 0 then. */
typedef bool http_piece_fn(void *arg, const char *p, size_t len);

/* One request. The caller owns it and its buffers; zero-initialise, then
   buf_init reply (max <= HTTP_REPLY_BYTES_MAX). With `piece` only the body of
   an answer other than 200 goes to `reply`. */
struct http_request {
    const char *method;       /* "GET", "POST", "PUT", "HEAD", "DELETE" */
    const char *path;         /* begins with '/', already percent-encoded */
    const char *content_type; /* NULL: none */
    struct str body;          /* borrowed until http_run returns */
    int deadline_ms;          /* 0 = HTTP_DEADLINE_MS */
    http_piece_fn *piece;     /* NULL: the body goes to `reply` */
    void *piece_arg;

    /* filled by http_run */
    int status;              /* 0: no complete answer came */
    struct buf reply;        /* body of the answer */
    char exception_code[16]; /* X-ClickHouse-Exception-Code, or "" */
    char summary[512];       /* X-ClickHouse-Summary, or "" */
    char why[256];           /* when status == 0: what happened */
};

/* Parses the URL; connects lazily. ERR_CONFIG for a bad URL. */
int http_open(struct http **ret_http, const struct http_conf *conf,
              struct err *e) MUST_CHECK;

/* Runs `count` requests side by side until each has an answer or failed.
   Returns 0 when all have a status, else -1 with ERR_RETRY naming the first
   failure (the others' results stand all the same). */
int http_run(struct http *h, struct http_request *requests, unsigned count,
             struct err *e) MUST_CHECK;

/* "http://host:9200" without user and password; borrowed from `h`. */
const char *http_name(const struct http *h);

/* Appends `s` percent-encoded for one path segment or query value. */
void http_escape(struct buf *b, struct str s);

/* Accepts NULL. */
void http_close(struct http *h);
