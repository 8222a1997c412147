/*
 * world.h - a pipeline's topics in librdkafka's mock cluster, for the tests
 * of the sinks' core.
 *
 * Events of cdc.public.t: key {"id":N}, N = offset + 1000 * partition unless
 * told otherwise; the producer's headers; the shape in cdc.schema. A failed
 * check ends the (forked) process.
 *
 * Included by one test program each, so its functions are static inline.
 */
#pragma once

#include <stdarg.h>
#include <unistd.h>

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include "common/clock.h"
#include "common/event.h"
#include "common/kafka.h"
#include "common/log.h"
#include "common/shape.h"

#define TOPIC "cdc.public.t"

/* Kafka's numbers of requests, for rd_kafka_mock_push_request_errors. */
enum { API_OFFSET_COMMIT = 8, API_OFFSET_FETCH = 9, API_HEARTBEAT = 12 };

struct world {
    rd_kafka_t *rk; /* a producer; owns the cluster */
    rd_kafka_mock_cluster_t *cluster;
    const char *brokers;
    struct shape shape, later; /* `later` is not in the schema topic */
    struct event_table table;
};

static const char *world_scenario = "?";

PRINTF_LIKE(2, 3)
static inline void world_check(bool ok, const char *fmt, ...)
{
    va_list args;

    if (ok) {
        return;
    }
    (void)fprintf(stderr, "%s: ", world_scenario);
    va_start(args, fmt);
    (void)vfprintf(stderr, fmt, args);
    va_end(args);
    (void)fprintf(stderr, "\n");
    _exit(1);
}

static inline void shape_make(struct shape *shape, unsigned columns)
{
    static const char *const names[] = { "id", "n", "m" };

    shape->schema = xstrdup("public");
    shape->name = xstrdup("t");
    shape->topic = xstrdup(TOPIC);
    shape->profile = xstrdup("sink");
    shape->column_count = columns;
    shape->columns = xcalloc(columns, sizeof(*shape->columns));
    for (unsigned i = 0; i < columns; i++) {
        shape->columns[i] = (struct shape_column){
            .name = xstrdup(names[i]),
            .type = xstrdup("int8"),
            .class = SHAPE_INT8,
            .typmod = -1,
            .key_index = i == 0,
        };
    }
    shape_seal(shape);
}

/* Sends one record and waits until it is acknowledged. */
static inline void world_send(struct world *w, const char *topic,
                              int32_t partition, struct str key,
                              struct str value, rd_kafka_headers_t *headers)
{
    rd_kafka_vu_t vus[] = {
        { .vtype = RD_KAFKA_VTYPE_TOPIC, .u.cstr = topic },
        { .vtype = RD_KAFKA_VTYPE_PARTITION, .u.i32 = partition },
        { .vtype = RD_KAFKA_VTYPE_MSGFLAGS, .u.i = RD_KAFKA_MSG_F_COPY },
        { .vtype = RD_KAFKA_VTYPE_KEY,
          .u.mem = { (void *)(uintptr_t)key.p, key.len } },
        { .vtype = RD_KAFKA_VTYPE_VALUE,
          .u.mem = { (void *)(uintptr_t)value.p, value.len } },
        { .vtype = RD_KAFKA_VTYPE_HEADERS, .u.headers = headers },
    };
    rd_kafka_error_t *error =
        rd_kafka_produceva(w->rk, vus, headers ? COUNT_OF(vus) : 5);

    world_check(!error, "produce: %s", rd_kafka_error_string(error));
}

static inline void world_flush(struct world *w)
{
    world_check(!rd_kafka_flush(w->rk, 20000), "flush");
}

static inline void world_send_shape(struct world *w, const struct shape *shape)
{
    struct buf key, value;

    buf_init(&key, 10000);
    buf_init(&value, 10000);
    shape_write_key(&key, shape);
    shape_write(&value, shape);
    world_send(w, "cdc.schema", 0, buf_str(&key), buf_str(&value), NULL);
    world_flush(w);
    buf_fini(&key);
    buf_fini(&value);
}

/* One event as the producer would write it, and what may be wrong with it. */
struct sent {
    const char *topic; /* NULL: TOPIC */
    int32_t partition;
    int64_t id;
    uint64_t version;
    enum event_op op; /* 0: c */
    bool tombstone, no_headers, unavailable;
    const struct shape *shape; /* NULL: the world's */
};

static inline rd_kafka_headers_t *sent_headers(const struct sent *s,
                                               const struct shape *shape)
{
    rd_kafka_headers_t *headers = rd_kafka_headers_new(4);
    char version[32], op[2] = { s->op ? (char)s->op : 'c', '\0' };

    (void)snprintf(version, sizeof(version), "%llu",
                   (unsigned long long)s->version);
    if (!s->no_headers) {
        rd_kafka_header_add(headers, EVENT_HEADER_VERSION, -1, version, -1);
        rd_kafka_header_add(headers, EVENT_HEADER_OP, -1, op, -1);
        rd_kafka_header_add(headers, EVENT_HEADER_SCHEMA, -1,
                            shape->fingerprint, -1);
    }
    if (s->unavailable) {
        rd_kafka_header_add(headers, "cdc-unavailable", -1, "[\"n\"]", -1);
    }
    return headers;
}

static inline void world_send_event(struct world *w, const struct sent *s)
{
    struct event ev = {
        .op = s->op ? s->op : EVENT_CREATE,
        .snapshot = STR("false"),
        .commit_us = clock_wall_us() - 5000,
        .now_us = clock_wall_us(),
        .row_version = s->version,
    };
    struct str after;
    struct buf key, row, value;

    buf_init(&key, 100);
    buf_init(&row, 1000);
    buf_init(&value, 10000);
    buf_printf(&key, "{\"id\":%lld}", (long long)s->id);
    buf_printf(&row, "{\"id\":%lld,\"n\":%llu}", (long long)s->id,
               (unsigned long long)s->version);
    after = buf_str(&row);
    if (ev.op != EVENT_DELETE) {
        ev.after = after;
    }
    event_write(&value, &w->table, &ev);
    world_send(w, s->topic ? s->topic : TOPIC, s->partition, buf_str(&key),
               s->tombstone ? (struct str){ NULL, 0 } : buf_str(&value),
               sent_headers(s, s->shape ? s->shape : &w->shape));
    buf_fini(&key);
    buf_fini(&row);
    buf_fini(&value);
}

/* `count` inserts into each of the first `partitions`, ids as said above. */
static inline void world_fill(struct world *w, int32_t partitions,
                              int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        for (int32_t p = 0; p < partitions; p++) {
            world_send_event(w, &(struct sent){
                                    .partition = p,
                                    .id = i + 1000 * (int64_t)p,
                                    .version = (uint64_t)i + 1,
                                });
        }
    }
    world_flush(w);
}

/* A cluster with the schema topic and, unless 0, the partitions of TOPIC. */
static inline void world_open(struct world *w, int partitions)
{
    struct err e = { 0 };
    rd_kafka_conf_t *conf = kafka_conf("unused:1", "world", &e);

    *w = (struct world){ 0 };
    world_check(conf && kafka_set(conf, "test.mock.num.brokers", "1", &e) == 0,
                "%s", e.text);
    w->rk = kafka_new(RD_KAFKA_PRODUCER, conf, &e);
    world_check(w->rk != NULL, "%s", e.text);
    w->cluster = rd_kafka_handle_mock_cluster(w->rk);
    w->brokers = rd_kafka_mock_cluster_bootstraps(w->cluster);
    world_check(!rd_kafka_mock_topic_create(w->cluster, "cdc.schema", 1, 1),
                "cdc.schema");
    world_check(partitions == 0 || !rd_kafka_mock_topic_create(
                                       w->cluster, TOPIC, partitions, 1),
                TOPIC);
    shape_make(&w->shape, 2);
    shape_make(&w->later, 3);
    event_table_init(&w->table, STR("cdc"), STR("shop"), STR("public"),
                     STR("t"));
    world_send_shape(w, &w->shape);
}

static inline void world_close(struct world *w)
{
    shape_fini(&w->shape);
    shape_fini(&w->later);
    event_table_fini(&w->table);
    rd_kafka_destroy(w->rk);
}

/* A second client that only asks the coordinator: -1 = nothing committed. */
struct asker {
    rd_kafka_t *rk;
};

static inline void asker_open(struct asker *a, const struct world *w)
{
    struct err e = { 0 };
    rd_kafka_conf_t *conf = kafka_conf(w->brokers, "asker", &e);

    world_check(conf && kafka_set(conf, "group.id", "cdc-test", &e) == 0, "%s",
                e.text);
    a->rk = kafka_new(RD_KAFKA_CONSUMER, conf, &e);
    world_check(a->rk != NULL, "%s", e.text);
}

static inline int64_t asker_committed_of(const struct asker *a,
                                         const char *topic, int32_t partition)
{
    rd_kafka_topic_partition_list_t *list =
        rd_kafka_topic_partition_list_new(1);
    rd_kafka_resp_err_t err;
    int64_t offset;

    (void)rd_kafka_topic_partition_list_add(list, topic, partition);
    err = rd_kafka_committed(a->rk, list, 10000);
    world_check(!err, "committed: %s", rd_kafka_err2str(err));
    offset = list->elems[0].offset;
    rd_kafka_topic_partition_list_destroy(list);
    return offset < 0 ? -1 : offset;
}

static inline int64_t asker_committed(const struct asker *a, int32_t partition)
{
    return asker_committed_of(a, TOPIC, partition);
}

/* The group stands at `offset` before the sink starts. */
static inline void asker_commit_of(const struct asker *a, const char *topic,
                                   int32_t partition, int64_t offset)
{
    rd_kafka_topic_partition_list_t *list =
        rd_kafka_topic_partition_list_new(1);
    rd_kafka_resp_err_t err;

    rd_kafka_topic_partition_list_add(list, topic, partition)->offset = offset;
    err = rd_kafka_commit(a->rk, list, 0);
    world_check(!err, "commit: %s", rd_kafka_err2str(err));
    rd_kafka_topic_partition_list_destroy(list);
}

static inline void asker_commit(const struct asker *a, int32_t partition,
                                int64_t offset)
{
    asker_commit_of(a, TOPIC, partition, offset);
}

static inline void asker_close(struct asker *a)
{
    rd_kafka_destroy(a->rk);
}
