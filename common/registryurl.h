/*
 * registryurl.h - the addresses around the registry: REDIS_URL taken apart,
 * and where this process's status listener can be reached by others.
 *
 *   redis://[[user]:password@]host[:port][/database]
 *
 * The host is a name, an IPv4 address or an IPv6 address in brackets; user
 * and password are percent-encoded. What stands behind a '?' is ignored:
 * clients of other languages put their options there.
 *
 * PURE. Nothing of the URL gets into an error text: it holds the password.
 */
#pragma once

#include <stdbool.h>

#include "common/buf.h"
#include "common/err.h"

enum { REGISTRYURL_PORT = 6379 };

struct registryurl {
    char *host; /* without brackets */
    int port;
    char *user;     /* NULL: only a password, or none */
    char *password; /* NULL: none */
    int database;
};

/* ERR_CONFIG for anything else, rediss:// (TLS) among it. The strings are the
   caller's, until registryurl_fini. */
int registryurl_parse(struct registryurl *ret_url, const char *text,
                      struct err *e) MUST_CHECK;

/* Accepts a zeroed one. */
void registryurl_fini(struct registryurl *url);

/* Does CDC_LISTEN ("0.0.0.0:9850", "[::]:9850", ":9850") name every address
   of the machine? */
bool registryurl_is_wildcard(const char *listen);

/* Appends "http://host:port". `advertise` ("host", "host:port", "[v6]:port")
   wins when it is neither NULL nor empty; else the host of `listen`; else,
   when that is a wildcard, `address`. `port` is the one listened on. */
void registryurl_advertise(struct buf *b, const char *advertise,
                           const char *listen, const char *address, int port);
