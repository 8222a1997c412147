/*
 * probe_es.h - looks at Elasticsearch: does it answer, may we in, is the
 * cluster able to take writes?
 *
 * Two requests side by side, GET / and GET /_cluster/health, each within
 * PROBE_ES_MS. A red cluster counts as down: it refuses writes to some of its
 * shards. A user that may not see the cluster's health is judged by GET /
 * alone. One thread at a time.
 */
#pragma once

#include "common/http.h"

enum { PROBE_ES_MS = 4000 };

struct probe_es {
    struct http *http;
};

/* `api_key` may be NULL or empty. ERR_CONFIG for a bad URL; connects to
   nothing yet. */
int probe_es_open(struct probe_es *p, const char *url, const char *api_key,
                  struct err *e) MUST_CHECK;

/* Fills `ret_what` with version and colour. ERR_UNREACHABLE, or
   ERR_PERMISSION for refused credentials. */
int probe_es_check(struct probe_es *p, char ret_what[100],
                   struct err *e) MUST_CHECK;

/* The judgement alone: what the two answers mean (tests/unit). */
int probe_es_judge(const struct http_request *root,
                   const struct http_request *health, char ret_what[100],
                   struct err *e) MUST_CHECK;

/* Accepts a zeroed one. */
void probe_es_close(struct probe_es *p);
