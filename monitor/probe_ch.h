/*
 * probe_ch.h - looks at ClickHouse: does it answer a query to this user?
 *
 * One request, SELECT version(), within PROBE_CH_MS. It names no database:
 * the sink makes that one. One thread at a time.
 */
#pragma once

#include "common/http.h"

enum { PROBE_CH_MS = 4000 };

struct probe_ch {
    struct http *http;
};

/* `host` is a URL, host or host:port; ERR_CONFIG for a bad one. Connects to
   nothing yet. */
int probe_ch_open(struct probe_ch *p, const char *host, const char *user,
                  const char *password, struct err *e) MUST_CHECK;

/* Fills `ret_what` with the version. ERR_UNREACHABLE, or ERR_PERMISSION for
   refused credentials. */
int probe_ch_check(struct probe_ch *p, char ret_what[100],
                   struct err *e) MUST_CHECK;

/* The judgement alone: what the answer means (tests/unit). */
int probe_ch_judge(const struct http_request *rq, char ret_what[100],
                   struct err *e) MUST_CHECK;

/* Accepts a zeroed one. */
void probe_ch_close(struct probe_ch *p);
