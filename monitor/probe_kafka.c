#include "monitor/probe_kafka.h"

#include "common/clock.h"
#include "common/event.h"
#include "common/kafka.h"
#include "common/stop.h"

enum { POLL_MS = 100 };

static rd_kafka_t *client_new(const char *brokers, struct err *e)
{
    static const char *const settings[][2] = {
        { "enable.auto.commit", "false" },
        { "enable.partition.eof", "true" },
        { "auto.offset.reset", "error" },
        /* the high watermark, not the last stable offset */
        { "isolation.level", "read_uncommitted" },
        /* one record is wanted: the broker sends at least a batch */
        { "fetch.message.max.bytes", "65536" },
        { "queued.max.messages.kbytes", "16384" },
        { "fetch.wait.max.ms", "50" },
        { "fetch.error.backoff.ms", "100" },
        /* a broker that comes back is to show within 10 s */
        { "socket.timeout.ms", "5000" },
        { "socket.connection.setup.timeout.ms", "3000" },
        { "reconnect.backoff.max.ms", "1000" },
        /* the monitor says itself when Kafka comes and goes */
        { "log_level", "2" },
    };
    rd_kafka_conf_t *conf = kafka_conf(brokers, "cdc-monitor", e);

    if (conf == NULL) {
        return NULL;
    }
    for (size_t i = 0; i < COUNT_OF(settings); i++) {
        if (kafka_set(conf, settings[i][0], settings[i][1], e) < 0) {
            rd_kafka_conf_destroy(conf);
            return NULL;
        }
    }
    return kafka_new(RD_KAFKA_CONSUMER, conf, e);
}

int probe_kafka_open(struct probe_kafka *p, const char *brokers,
                     const char *name, struct lag *lag, pthread_mutex_t *lock,
                     struct err *e)
{
    *p = (struct probe_kafka){ .lag = lag, .lock = lock };
    p->rk = client_new(brokers, e);
    if (p->rk == NULL) {
        return -1;
    }
    p->name = xstrdup(name);
    for (int s = 0; s < SINK_COUNT; s++) {
        size_t size = strlen(name) + strlen(sink_names[s]) + 2;

        p->groups[s] = xcalloc(size, 1);
        (void)snprintf(p->groups[s], size, "%s-%s", name, sink_names[s]);
    }
    return 0;
}

void probe_kafka_close(struct probe_kafka *p)
{
    if (p->rk) {
        rd_kafka_destroy(p->rk);
    }
    for (int s = 0; s < SINK_COUNT; s++) {
        xfree(p->groups[s]);
    }
    xfree(p->name);
    *p = (struct probe_kafka){ 0 };
}

static void topics_take(struct probe_kafka *p,
                        const struct rd_kafka_metadata *md)
{
    (void)pthread_mutex_lock(p->lock);
    for (int i = 0; i < md->topic_cnt; i++) {
        const struct rd_kafka_metadata_topic *mt = &md->topics[i];
        struct str topic = str_of(mt->topic);
        struct str table = lag_table_name(str_of(p->name), topic);

        if (table.p && mt->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
            lag_topic(p->lag, topic, table, (unsigned)mt->partition_cnt);
        }
    }
    lag_topics_end(p->lag);
    (void)pthread_mutex_unlock(p->lock);
}

static int topics_list(struct probe_kafka *p, char ret_what[100], struct err *e)
{
    const struct rd_kafka_metadata *md;
    rd_kafka_resp_err_t code =
        rd_kafka_metadata(p->rk, 1, NULL, &md, PROBE_KAFKA_MS);

    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return err_set(e, ERR_UNREACHABLE, "no broker lists its topics: %s",
                       rd_kafka_err2str(code));
    }
    topics_take(p, md);
    (void)snprintf(ret_what, 100, "Kafka, %d broker%s", md->broker_cnt,
                   md->broker_cnt == 1 ? "" : "s");
    rd_kafka_metadata_destroy(md);
    p->listed_ms = clock_ms();
    return 0;
}

int probe_kafka_check(struct probe_kafka *p, char ret_what[100], struct err *e)
{
    bool listed =
        p->listed_ms != 0 && clock_ms() - p->listed_ms < PROBE_KAFKA_TOPICS_MS;

    (void)rd_kafka_poll(p->rk, 0); /* errors without an addressee */
    if (kafka_ping(p->rk, PROBE_KAFKA_CHECK_MS, e) < 0) {
        return -1;
    }
    return listed ? 0 : topics_list(p, ret_what, e);
}

/* What is left of the round, at most PROBE_KAFKA_MS, at least 1. */
static int left_ms(const struct probe_kafka *p)
{
    int left = clock_left_ms(p->deadline_ms);

    return left > PROBE_KAFKA_MS ? PROBE_KAFKA_MS : left > 0 ? left : 1;
}

/* All partitions, with `offset` in each entry. */
static rd_kafka_topic_partition_list_t *partitions(const struct lag *l,
                                                   int64_t offset)
{
    rd_kafka_topic_partition_list_t *list =
        rd_kafka_topic_partition_list_new(64);

    for (unsigned t = 0; t < l->count; t++) {
        for (unsigned i = 0; i < l->topics[t].part_count; i++) {
            rd_kafka_topic_partition_list_add(list, l->topics[t].name,
                                              (int32_t)i)
                ->offset = offset;
        }
    }
    return list;
}

/* ListOffsets takes END and BEGINNING in the place of a time. */
static int marks_ask(struct probe_kafka *p,
                     rd_kafka_topic_partition_list_t *list, struct err *e)
{
    rd_kafka_resp_err_t code =
        rd_kafka_offsets_for_times(p->rk, list, left_ms(p));

    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
        p->listed_ms = 0; /* a topic may be gone */
        return kafka_err(e, code, "asking for the topics' ends");
    }
    return 0;
}

static int marks_read(struct probe_kafka *p, struct err *e)
{
    rd_kafka_topic_partition_list_t *lows =
        partitions(p->lag, RD_KAFKA_OFFSET_BEGINNING);
    rd_kafka_topic_partition_list_t *highs =
        partitions(p->lag, RD_KAFKA_OFFSET_END);
    int rc = marks_ask(p, lows, e) < 0 || marks_ask(p, highs, e) < 0 ? -1 : 0;

    for (int i = 0; rc == 0 && i < highs->cnt; i++) {
        const rd_kafka_topic_partition_t *high = &highs->elems[i];
        struct lag_topic *t = lag_find(p->lag, str_of(high->topic));

        /* both lists were made in the same order */
        if (t && !high->err && !lows->elems[i].err) {
            lag_marks(t, (unsigned)high->partition, lows->elems[i].offset,
                      high->offset);
        }
    }
    rd_kafka_topic_partition_list_destroy(lows);
    rd_kafka_topic_partition_list_destroy(highs);
    return rc;
}

static int committed_take(struct probe_kafka *p, enum sink sink,
                          rd_kafka_event_t *ev, struct err *e)
{
    const rd_kafka_ListConsumerGroupOffsets_result_t *result;
    const rd_kafka_topic_partition_list_t *list;
    const rd_kafka_group_result_t **groups;
    size_t count = 0;

    if (rd_kafka_event_error(ev)) {
        return err_set(e, ERR_RETRY, "offsets of group %s: %s", p->groups[sink],
                       rd_kafka_event_error_string(ev));
    }
    result =
        rd_kafka_event_ListConsumerGroupOffsets_result((rd_kafka_event_t *)ev);
    groups = rd_kafka_ListConsumerGroupOffsets_result_groups(result, &count);
    if (count != 1 || rd_kafka_group_result_error(groups[0])) {
        return err_set(e, ERR_RETRY, "offsets of group %s: %s", p->groups[sink],
                       count == 1 ? rd_kafka_error_string(
                                        rd_kafka_group_result_error(groups[0]))
                                  : "no answer");
    }
    list = rd_kafka_group_result_partitions(groups[0]);
    for (int i = 0; i < list->cnt; i++) {
        const rd_kafka_topic_partition_t *part = &list->elems[i];
        struct lag_topic *t = lag_find(p->lag, str_of(part->topic));

        if (t && !part->err) {
            lag_committed(t, (unsigned)part->partition, sink,
                          part->offset >= 0 ? part->offset : -1);
        }
    }
    return 0;
}

static int committed_read(struct probe_kafka *p, enum sink sink, struct err *e)
{
    rd_kafka_topic_partition_list_t *list = partitions(p->lag, 0);
    rd_kafka_ListConsumerGroupOffsets_t *ask =
        rd_kafka_ListConsumerGroupOffsets_new(p->groups[sink], list);
    rd_kafka_AdminOptions_t *options = rd_kafka_AdminOptions_new(
        p->rk, RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPOFFSETS);
    /* of its own, so that no late answer meets the next question */
    rd_kafka_queue_t *queue = rd_kafka_queue_new(p->rk);
    rd_kafka_event_t *ev;
    int wait_ms = left_ms(p), rc;

    /* cannot fail: the option exists for this request */
    (void)rd_kafka_AdminOptions_set_request_timeout(options, wait_ms, NULL, 0);
    rd_kafka_ListConsumerGroupOffsets(p->rk, &ask, 1, options, queue);
    ev = rd_kafka_queue_poll(queue, wait_ms + POLL_MS);
    if (ev) {
        rc = committed_take(p, sink, ev, e);
        rd_kafka_event_destroy(ev);
    } else {
        rc = err_set(e, ERR_RETRY, "offsets of group %s: no answer",
                     p->groups[sink]);
    }
    rd_kafka_queue_destroy(queue);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_ListConsumerGroupOffsets_destroy(ask);
    rd_kafka_topic_partition_list_destroy(list);
    return rc;
}

/* Commit time of a record: the source's own, or Kafka's where the record has
   none (tombstones, control records of ours). */
static int64_t record_us(const rd_kafka_message_t *m)
{
    struct str key = { m->key, m->key_len }, value = { m->payload, m->len };
    rd_kafka_timestamp_type_t type;
    struct event_view view;
    int64_t ms;

    if (event_read(key, value, &view, NULL) == 0 && view.commit_us > 0) {
        return view.commit_us;
    }
    ms = rd_kafka_message_timestamp(m, &type);
    return ms > 0 ? ms * 1000 : clock_wall_us();
}

/* The reads of one sink in one round. */
struct reading {
    enum sink sink;
    unsigned count, open;
    bool done[PROBE_KAFKA_READS_MAX];
    rd_kafka_topic_t *topics[PROBE_KAFKA_READS_MAX];
    rd_kafka_queue_t *queue;
};

static void reading_start(struct probe_kafka *p, struct reading *r)
{
    for (unsigned i = 0; i < r->count; i++) {
        const struct lag_want *want = &p->wants[i];
        const char *name = p->lag->topics[want->topic].name;

        r->topics[i] = rd_kafka_topic_new(p->rk, name, NULL);
        if (r->topics[i] &&
            rd_kafka_consume_start_queue(r->topics[i], want->partition,
                                         want->offset, r->queue) == 0) {
            r->open++;
        } else {
            r->done[i] = true;
            if (r->topics[i]) {
                rd_kafka_topic_destroy(r->topics[i]);
                r->topics[i] = NULL;
            }
        }
    }
}

static void reading_stop(struct probe_kafka *p, struct reading *r)
{
    for (unsigned i = 0; i < r->count; i++) {
        if (r->topics[i]) {
            (void)rd_kafka_consume_stop(r->topics[i], p->wants[i].partition);
            rd_kafka_topic_destroy(r->topics[i]);
        }
    }
}

/* A record, the end of a partition, or an error of one. */
static void reading_take(struct probe_kafka *p, struct reading *r,
                         const rd_kafka_message_t *m)
{
    const char *name = m->rkt ? rd_kafka_topic_name(m->rkt) : "";
    bool eof = m->err == RD_KAFKA_RESP_ERR__PARTITION_EOF;

    for (unsigned i = 0; i < r->count; i++) {
        const struct lag_want *want = &p->wants[i];

        if (r->done[i] || want->partition != m->partition ||
            strcmp(p->lag->topics[want->topic].name, name) != 0) {
            continue;
        }
        r->done[i] = true;
        r->open--;
        if (eof || m->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
            lag_record(p->lag, r->sink, want, eof ? 0 : record_us(m),
                       clock_wall_us());
        }
        return;
    }
}

/* Reads what the lag of one sink wants. Records that do not come in time
   stay as they were: lag.h says what that means. */
static void records_read(struct probe_kafka *p, enum sink sink)
{
    struct reading r = { .sink = sink };
    int64_t deadline_ms = clock_ms() + left_ms(p);

    r.count = lag_wanted(p->lag, sink, p->wants, PROBE_KAFKA_READS_MAX);
    if (r.count == 0) {
        return;
    }
    r.queue = rd_kafka_queue_new(p->rk);
    reading_start(p, &r);
    while (r.open > 0 && clock_left_ms(deadline_ms) > 0 && !stop_requested()) {
        rd_kafka_message_t *m = rd_kafka_consume_queue(r.queue, POLL_MS);

        if (m) {
            reading_take(p, &r, m);
            rd_kafka_message_destroy(m);
        }
    }
    reading_stop(p, &r);
    rd_kafka_queue_destroy(r.queue);
}

/* Ends, and where the groups stand. */
static int offsets_read(struct probe_kafka *p, struct err *e)
{
    if (p->lag->count == 0) {
        return 0;
    }
    if (marks_read(p, e) < 0) {
        return -1;
    }
    for (int s = 0; s < SINK_COUNT; s++) {
        if (p->lag->enabled[s] && committed_read(p, (enum sink)s, e) < 0) {
            return -1;
        }
    }
    return 0;
}

int probe_kafka_offsets(struct probe_kafka *p, struct err *e)
{
    p->deadline_ms = clock_ms() + PROBE_KAFKA_ROUND_MS;
    return offsets_read(p, e);
}

static int round_run(struct probe_kafka *p, struct err *e)
{
    if (offsets_read(p, e) < 0) {
        return -1;
    }
    if (p->lag->count == 0) {
        return 0;
    }
    lag_begin(p->lag);
    for (int s = 0; s < SINK_COUNT; s++) {
        records_read(p, (enum sink)s);
    }
    return 0;
}

int probe_kafka_lag(struct probe_kafka *p, struct err *e)
{
    int rc;

    p->deadline_ms = clock_ms() + PROBE_KAFKA_ROUND_MS;
    rc = round_run(p, e);
    (void)pthread_mutex_lock(p->lock);
    if (rc == 0) {
        lag_end(p->lag, clock_wall_us());
    } else {
        lag_stall(p->lag);
    }
    (void)pthread_mutex_unlock(p->lock);
    return rc;
}
