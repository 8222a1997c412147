/*
 * kafka.h - librdkafka helpers: configuration, log bridge, errors, waits.
 *
 * Hides none of librdkafka's types. Errors become struct err: what
 * librdkafka calls fatal is ERR_FATAL, authentication is ERR_RETRY with an
 * alarm (an outage is never a reject), the rest ERR_RETRY.
 */
#pragma once

#include <stdbool.h>

#include <librdkafka/rdkafka.h>

#include "common/buf.h"
#include "common/err.h"

/* A configuration with what all our clients share: brokers, client.id
   ("cdc-producer"), log bridge into log.h, keep-alive, address family, 10 s
   connection setup. Gives: the caller hands it to rd_kafka_new or destroys
   it. */
rd_kafka_conf_t *kafka_conf(const char *brokers, const char *client_id,
                            struct err *e) MUST_CHECK;

/* Sets one property; a refused one is ERR_CONFIG with librdkafka's text. */
int kafka_set(rd_kafka_conf_t *conf, const char *name, const char *value,
              struct err *e) MUST_CHECK;

/* Takes `conf` in every case. */
rd_kafka_t *kafka_new(rd_kafka_type_t type, rd_kafka_conf_t *conf,
                      struct err *e) MUST_CHECK;

/* Fills `e` from an error code and returns -1; `what` says what was tried. */
int kafka_err(struct err *e, rd_kafka_resp_err_t code, const char *what);

/* Does any broker answer within `timeout_ms`? ERR_UNREACHABLE if not. */
int kafka_ping(rd_kafka_t *rk, int timeout_ms, struct err *e) MUST_CHECK;

/* One header's value of a record; p == NULL when it is not there. Borrowed
   from the record. */
struct str kafka_header(const rd_kafka_headers_t *headers, const char *name);

/* Reads one topic-partition from its beginning to the high watermark of now,
   calling `each` for every record in order (in the calling thread); for the
   small compacted topics (state, schema). Stops early with ERR_RETRY when a
   stop is requested. A missing topic is 0 records and *ret_exists = false. */
typedef int kafka_each_fn(void *arg, struct str key, struct str value,
                          struct err *e);
int kafka_read_all(const char *brokers, const char *client_id,
                   const char *topic, kafka_each_fn *each, void *arg,
                   bool *ret_exists, int64_t *ret_end,
                   struct err *e) MUST_CHECK;
