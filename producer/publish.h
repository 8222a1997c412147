/*
 * publish.h - records to Kafka, and what became of them.
 *
 * One idempotent producer (acks=all, message.timeout.ms=0: an outage is
 * backpressure, never a loss) carries row events, copied rows, schema and
 * state records. Delivery reports arrive inside publish_poll and only record:
 * ledger, counters, partition ends. Any error other than a full queue, at
 * once or in a report, is remembered and ends the process (DESIGN 4.3): the
 * position is never confirmed past it.
 *
 * Partitioner murmur2_random over the key bytes, as Kafka's Java client.
 * The queue is bounded to 32 MiB (performance.md 2.2).
 *
 * Main thread only.
 */
#pragma once

#include "common/event.h"
#include "common/kafka.h"
#include "producer/ledger.h"
#include "producer/table.h"

enum {
    PUBLISH_RECORD_BYTES_MAX = 16 << 20, /* the topics' max.message.bytes */
    PUBLISH_QUEUE_KBYTES = 32 << 10,
};

/* Who waits for the delivery report. */
enum publish_for {
    PUBLISH_STREAM = 0, /* the ledger, with its token */
    PUBLISH_COPY = 1,
    PUBLISH_SCHEMA = 2,
    PUBLISH_STATE = 3,
    PUBLISH_FOR_COUNT = 4
};

struct record {
    struct table *table; /* its topic */
    enum event_op op;
    uint64_t version;
    const char *shape; /* fingerprint, 16 hex digits */
    struct str key;
    struct str value;    /* p == NULL: tombstone */
    const char *link;    /* "__debezium.newkey", "__debezium.oldkey" or NULL */
    struct str link_key; /* the other key */
};

struct publish {
    rd_kafka_t *rk;
    rd_kafka_queue_t *main_queue;
    struct ledger *ledger;
    int wake[2]; /* pipe: readable when reports wait */
    uint64_t outstanding[PUBLISH_FOR_COUNT]; /* all but the stream's */
    uint64_t queued_count, queued_bytes;     /* without a report yet */
    struct err failure; /* kind != ERR_NONE: stop, confirm nothing */
};

/* Zero-initialise first. `ledger` is borrowed. */
int publish_open(struct publish *pub, const char *brokers,
                 struct ledger *ledger, struct err *e) MUST_CHECK;

/* A topic handle for a table, through which reports find it; fills t->rkt,
   unless it is there. */
int publish_topic(struct publish *pub, struct table *t,
                  struct err *e) MUST_CHECK;

enum publish_result {
    PUBLISH_SENT,
    PUBLISH_FULL, /* the queue is full: poll, then the same record again */
    PUBLISH_FAILED
};

/* Hands over one row event (copied by librdkafka). `who` is PUBLISH_STREAM
   or PUBLISH_COPY; the stream's token is taken from the ledger, which must
   be in a transaction. */
enum publish_result publish_record(struct publish *pub,
                                   const struct record *rec,
                                   enum publish_for who, struct err *e);

/* Hands over a control record (schema, state, heartbeat) to partition 0 of a
   topic. For PUBLISH_STREAM the ledger must be in a transaction. */
enum publish_result publish_control(struct publish *pub, const char *topic,
                                    struct str key, struct str value,
                                    enum publish_for who, struct err *e);

/* Publishes a table's shape to the schema topic, unless the queue is full;
   t->shape tells which was published last. The caller waits until
   outstanding[PUBLISH_SCHEMA] is 0 before it sends an event of the shape. */
int publish_shape(struct publish *pub, const char *topic, struct table *t,
                  const struct shape *shape, struct err *e) MUST_CHECK;

/* Serves delivery reports, waiting up to `wait_ms`. Returns -1 with the
   remembered failure, also on every later call. */
int publish_poll(struct publish *pub, int wait_ms, struct err *e) MUST_CHECK;

/* Readable when publish_poll has work. */
int publish_fd(const struct publish *pub);

/* Waits until everything handed over has its report, at most `wait_ms`.
   Only for shutdown and reconnect: it overrides batching. ERR_RETRY when
   something is left. */
int publish_flush(struct publish *pub, int wait_ms, struct err *e) MUST_CHECK;

/* Gives back a table's topic handle; before publish_close. */
void publish_topic_close(struct table *t);

/* Accepts zeroed and half-open ones. */
void publish_close(struct publish *pub);
