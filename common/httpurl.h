/*
 * httpurl.h - the URL of an HTTP target, taken apart (libcurl's parser).
 *
 * "http://user:pass@host:9200/prefix" as people write it; "host" and
 * "host:port" mean http://. Other schemes, a query or a fragment are
 * refused. The password stays out of every other part and of error texts.
 */
#pragma once

#include "common/err.h"

struct httpurl {
    char *name;            /* "http://host:9200", for people */
    char *base;            /* name and path prefix, no '/' at its end */
    char *user, *password; /* decoded; NULL: none */
};

/* `default_port` (0: none) is for a bare "host". ERR_CONFIG for what is no
   such URL. `ret_url` is the caller's to httpurl_fini. */
int httpurl_parse(struct httpurl *ret_url, const char *text, int default_port,
                  struct err *e) MUST_CHECK;

/* Accepts zeroed ones. */
void httpurl_fini(struct httpurl *url);
