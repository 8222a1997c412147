/*
 * cluster.h - the sink's conversation with one Elasticsearch cluster.
 *
 * Error kinds: an outage, missing privileges and throttling are ERR_RETRY,
 * for ever; with `once` (the command `check`) ERR_UNREACHABLE and
 * ERR_PERMISSION instead. What the cluster refuses for good is ERR_FATAL.
 */
#pragma once

#include <stdbool.h>

#include "common/buf.h"
#include "common/err.h"
#include "common/http.h"

struct cluster_conf {
    const char *url;     /* user:pass@ allowed */
    const char *api_key; /* NULL or "": none */
    bool once;
};

struct cluster {
    struct http *http;
    bool once;
    bool known;       /* the version is one we can work with */
    struct buf reply; /* of the last cluster_ask */
};

/* Connects lazily. ERR_CONFIG: the URL or the key is malformed. */
int cluster_open(struct cluster *c, const struct cluster_conf *conf,
                 struct err *e) MUST_CHECK;

/* Accepts NULL and zeroed ones. */
void cluster_close(struct cluster *c);

/* Is it there, does it let us in, is it Elasticsearch 8 or newer? */
int cluster_check(struct cluster *c, struct err *e) MUST_CHECK;

/* One request with JSON. Returns 0 with the status in `ret_status` for 200,
   404 and 400 (the caller's to understand; the answer is in c->reply), -1
   for everything else. */
int cluster_ask(struct cluster *c, const char *method, const char *path,
                struct str body, int *ret_status, struct err *e) MUST_CHECK;

/* Fills `e` with the error type and reason in the last answer; returns -1. */
int cluster_error(const struct cluster *c, enum err_kind kind, struct err *e);

/* Is the error in the last answer of this type? */
bool cluster_error_is(const struct cluster *c, const char *type);
