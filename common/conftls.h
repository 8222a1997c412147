/*
 * conftls.h - does an address leave this machine unencrypted?
 *
 * PURE, but for PGSSLMODE, which libpq reads too. Judges the text alone, asks
 * no name server: "localhost", "*.localhost", 127.0.0.0/8, ::1 and Unix
 * sockets are this machine, every other name is not.
 */
#pragma once

#include "common/conf.h"

/* Is `text`, the value of `o` (CONF_URL, or the list of Kafka's brokers), such
   an address? If so, appends what and the remedy to `why`: "http://es:9200
   is not encrypted: use https://". Never a password. */
bool conftls_clear(const struct conf_option *o, const char *text,
                   struct buf *why);
