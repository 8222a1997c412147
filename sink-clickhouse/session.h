/*
 * session.h - the sink's conversation with one ClickHouse server over HTTP.
 *
 * Knows the credentials, the server's version, and which of the settings
 * that an insert pins exist there: one that a server does not know makes it
 * refuse the request, so each is looked up in system.settings once.
 *
 * Error kinds: an outage, missing privileges and throttling are ERR_RETRY,
 * for ever; with `once` (the command `check`) ERR_UNREACHABLE and
 * ERR_PERMISSION instead. What the server refuses for good is ERR_FATAL.
 */
#pragma once

#include <stdbool.h>

#include "common/buf.h"
#include "common/err.h"
#include "common/http.h"

struct session_conf {
    const char *host; /* URL, host or host:port */
    const char *user, *password;
    bool once;
};

struct session {
    struct http *http;
    bool once;
    bool probed;         /* the rest is known */
    int major, minor;    /* of the server */
    struct buf settings; /* "&async_insert=0&…" for inserts */
    struct buf reply;    /* of the last session_ask */
};

/* Connects lazily. ERR_CONFIG: the URL or the credentials are malformed. */
int session_open(struct session *s, const struct session_conf *conf,
                 struct err *e) MUST_CHECK;

/* Accepts NULL and zeroed ones. */
void session_close(struct session *s);

/* Asks for version and settings unless they are known. ERR_CONFIG: the server
   is too old. */
int session_probe(struct session *s, struct err *e) MUST_CHECK;

/* Runs one statement; its answer is in s->reply until the next one. */
int session_ask(struct session *s, struct str sql, struct err *e) MUST_CHECK;

/* Runs one statement that has no answer. */
int session_do(struct session *s, struct str sql, struct err *e) MUST_CHECK;

/* Appends the path of an insert whose statement is `escaped`. */
void session_insert_path(const struct session *s, struct str escaped,
                         struct buf *b);

/* Is this engine argument known: ReplacingMergeTree(version, is_deleted)? */
bool session_has_is_deleted(const struct session *s);
