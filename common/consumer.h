/*
 * consumer.h - librdkafka's consumer as the sinks need it: settings,
 * subscription, and what its errors mean.
 *
 * Part of group.c. Main thread only.
 */
#pragma once

#include <librdkafka/rdkafka.h>

#include "common/buf.h"
#include "common/err.h"

/* After a kill -9 the group stands still until the dead member's session ends,
   since every rebalance waits for it: 10 s, not librdkafka's 45. With a
   heartbeat each second ten have to be lost in a row before a member is
   thrown out, and that costs no more than reading some events again. */
enum { CONSUMER_SESSION_MS = 10 * 1000 };

struct consumer_conf {
    const char *brokers;
    const char *client_id;
    const char *group_id;
    const char *prefix; /* of the table topics */
    int session_ms;     /* until the group gives up a silent member */
};

typedef void consumer_rebalance_fn(rd_kafka_t *rk, rd_kafka_resp_err_t err,
                                   rd_kafka_topic_partition_list_t *list,
                                   void *opaque);

/* A consumer that joins its group in the background, for the table topics and
   the heartbeats. `rebalance` runs within
   polls, with `opaque`. */
int consumer_open(rd_kafka_t **ret_rk, const struct consumer_conf *conf,
                  consumer_rebalance_fn *rebalance, void *opaque,
                  struct err *e) MUST_CHECK;

/* A polled message with an error: 0 when it passes by itself and nothing is
   skipped meanwhile, else ERR_FATAL with position and remedy. */
int consumer_judge(rd_kafka_t *rk, const rd_kafka_message_t *msg,
                   struct err *e) MUST_CHECK;

/* Asks the brokers: has the group committed anything of this topic, by
   whichever member? An offset at a partition's beginning is nothing: that is
   where a reset puts it. */
int consumer_passed(rd_kafka_t *rk, const char *topic, bool *ret_passed,
                    struct err *e) MUST_CHECK;

/* Is this <prefix>.heartbeat? */
bool consumer_is_heartbeat(const char *prefix, const char *topic);

/* Asks a broker, up to `wait_ms`: does no topic of this pipeline's tables
   exist? False also when nobody answers. */
bool consumer_no_topics(rd_kafka_t *rk, const char *prefix, int wait_ms);
