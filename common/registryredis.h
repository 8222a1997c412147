/*
 * registryredis.h - the few things the registry asks of Redis, over hiredis.
 *
 * Every call waits at most REGISTRYREDIS_MS for each answer (a name that is
 * looked up takes as long as the resolver does) and fails with ERR_RETRY, or
 * ERR_PERMISSION for a refused password; the connection is then of no more
 * use. An answer that is an error is a failure too. No text holds the
 * password.
 *
 * hiredis 0.14: SIGPIPE must be ignored or blocked by the caller. One thread.
 */
#pragma once

#include "common/registryurl.h"

enum { REGISTRYREDIS_MS = 2000 };

struct registryredis; /* opaque */

/* Connects, logs in, selects the database. */
int registryredis_open(struct registryredis **ret,
                       const struct registryurl *url, struct err *e) MUST_CHECK;

/* Accepts NULL. */
void registryredis_close(struct registryredis *c);

/* The numeric address that Redis sees us at; false when there is none. */
bool registryredis_address(const struct registryredis *c, bool v4_only,
                           char *ret, size_t size);

int registryredis_set(struct registryredis *c, const char *key,
                      const char *text, int ttl_ms, struct err *e) MUST_CHECK;
int registryredis_del(struct registryredis *c, const char *key,
                      struct err *e) MUST_CHECK;

typedef void registryredis_key_fn(void *arg, const char *key);

/* One step of SCAN over the keys of `pattern`: `cursor` ("0" at first) moves
   on, and is "0" again when the scan is through. */
int registryredis_scan(struct registryredis *c, char cursor[24],
                       const char *pattern, registryredis_key_fn *each,
                       void *arg, struct err *e) MUST_CHECK;

/* Asks for a key's first `bytes_max` bytes and its time to live; the answers
   are fetched in the order of the questions. */
void registryredis_ask(struct registryredis *c, const char *key, int bytes_max);

/* `*ret_text` (the caller's) is "" when there is no such key; `*ret_ttl_ms`
   is -1 when it lives for ever. */
int registryredis_answer(struct registryredis *c, char **ret_text,
                         int64_t *ret_ttl_ms, struct err *e) MUST_CHECK;
