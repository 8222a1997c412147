#include "common/consumer.h"

#include <ctype.h>

#include "common/kafka.h"
#include "common/topics.h"

enum { COMMITTED_MS = 5000 };

/*
 * Memory: librdkafka stops fetching when 16 MiB are queued; an answer under
 * way adds 1 MiB, as sent: compressed row events unpack to ten times that,
 * and 8 MiB answers were seen to cost 80 MB. (A larger record still comes,
 * alone.) Latency: a broker answers a fetch at once when it has
 * anything; fetch.wait.max.ms only bounds how long an idle fetch keeps a
 * partition waiting that was resumed or assigned meanwhile. check.crcs: a
 * corrupt batch must not pass as data. A new table's topic is seen within
 * the refresh interval: no multiple of 3 s, Kafka's default delay of a group's
 * first rebalance, for a refresh that meets the end of a join starts it over.
 */
static const struct {
    const char *name, *value;
} settings[] = {
    { "partition.assignment.strategy", "roundrobin" },
    { "enable.auto.commit", "false" },
    { "enable.auto.offset.store", "false" },
    { "auto.offset.reset", "error" },
    { "heartbeat.interval.ms", "1000" },
    { "max.poll.interval.ms", "300000" },
    { "topic.metadata.refresh.interval.ms", "2500" },
    { "queued.max.messages.kbytes", "16384" },
    { "fetch.message.max.bytes", "1048576" },
    { "fetch.max.bytes", "1048576" },
    { "fetch.wait.max.ms", "100" },
    { "fetch.error.backoff.ms", "200" },
    { "check.crcs", "true" },
};

/* "^cdc\.[^.]+\..+" or "^cdc\.heartbeat$": what begins with '^' is a
   pattern, and one that nothing matches is no error. */
static void pattern_write(struct buf *b, const char *prefix, const char *rest)
{
    buf_lit(b, "^");
    for (const char *c = prefix; *c; c++) {
        if (!isalnum((unsigned char)*c) && *c != '_') {
            buf_lit(b, "\\");
        }
        buf_char(b, *c);
    }
    buf_str_add(b, str_of(rest));
}

static int subscribe(rd_kafka_t *rk, const char *prefix, struct err *e)
{
    static const char *const rests[] = { "\\.[^.]+\\..+", "\\.heartbeat$" };
    rd_kafka_topic_partition_list_t *list =
        rd_kafka_topic_partition_list_new(COUNT_OF(rests));
    rd_kafka_resp_err_t err;

    for (size_t i = 0; i < COUNT_OF(rests); i++) {
        struct buf pattern;

        buf_init(&pattern, 1024);
        pattern_write(&pattern, prefix, rests[i]);
        (void)rd_kafka_topic_partition_list_add(list, buf_z(&pattern),
                                                RD_KAFKA_PARTITION_UA);
        buf_fini(&pattern);
    }
    err = rd_kafka_subscribe(rk, list);
    rd_kafka_topic_partition_list_destroy(list);
    return err ? kafka_err(e, err, "subscribe to the table topics") : 0;
}

int consumer_open(rd_kafka_t **ret_rk, const struct consumer_conf *conf,
                  consumer_rebalance_fn *rebalance, void *opaque, struct err *e)
{
    rd_kafka_conf_t *rk_conf = kafka_conf(conf->brokers, conf->client_id, e);
    char session_ms[16];
    rd_kafka_t *rk;
    int rc;

    if (!rk_conf) {
        return -1;
    }
    (void)snprintf(session_ms, sizeof(session_ms), "%d", conf->session_ms);
    rc = kafka_set(rk_conf, "group.id", conf->group_id, e);
    if (rc == 0) {
        rc = kafka_set(rk_conf, "session.timeout.ms", session_ms, e);
    }
    for (size_t i = 0; i < COUNT_OF(settings) && rc == 0; i++) {
        rc = kafka_set(rk_conf, settings[i].name, settings[i].value, e);
    }
    if (rc < 0) {
        rd_kafka_conf_destroy(rk_conf);
        return -1;
    }
    rd_kafka_conf_set_opaque(rk_conf, opaque);
    rd_kafka_conf_set_rebalance_cb(rk_conf, rebalance);
    rk = kafka_new(RD_KAFKA_CONSUMER, rk_conf, e);
    if (!rk) {
        return -1;
    }
    /* everything comes through rd_kafka_consumer_poll */
    (void)rd_kafka_poll_set_consumer(rk);
    if (subscribe(rk, conf->prefix, e) < 0) {
        rd_kafka_destroy(rk);
        return -1;
    }
    *ret_rk = rk;
    return 0;
}

/*
 * Does it end by itself, without a message being skipped? An error code of
 * the broker (> 0) makes librdkafka ask again from the same offset; of its
 * own ones only those about connections, the group and time do.
 */
static bool is_passing(rd_kafka_resp_err_t err)
{
    switch ((int)err) {
    case RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE:
    case RD_KAFKA_RESP_ERR_INVALID_MSG:
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE: return false;
    case RD_KAFKA_RESP_ERR_UNKNOWN: /* -1, of the broker */
    case RD_KAFKA_RESP_ERR__TRANSPORT:
    case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
    case RD_KAFKA_RESP_ERR__RESOLVE:
    case RD_KAFKA_RESP_ERR__TIMED_OUT:
    case RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE:
    case RD_KAFKA_RESP_ERR__WAIT_COORD:
    case RD_KAFKA_RESP_ERR__SSL:
    case RD_KAFKA_RESP_ERR__AUTHENTICATION:
    case RD_KAFKA_RESP_ERR__MAX_POLL_EXCEEDED:
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
    case RD_KAFKA_RESP_ERR__PARTITION_EOF:
    case RD_KAFKA_RESP_ERR__IN_PROGRESS:
    case RD_KAFKA_RESP_ERR__PREV_IN_PROGRESS:
    case RD_KAFKA_RESP_ERR__INTR:
    case RD_KAFKA_RESP_ERR__RETRY:
    case RD_KAFKA_RESP_ERR__ASSIGNMENT_LOST: return true;
    default: return err > 0;
    }
}

int consumer_judge(rd_kafka_t *rk, const rd_kafka_message_t *msg, struct err *e)
{
    const char *topic = msg->rkt ? rd_kafka_topic_name(msg->rkt) : "(group)";
    const char *why = rd_kafka_message_errstr(msg);
    char fatal[256];

    if (rd_kafka_fatal_error(rk, fatal, sizeof(fatal))) {
        return err_set(e, ERR_FATAL, "kafka consumer: %s", fatal);
    }
    if (msg->err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET) {
        return err_set(
            e, ERR_FATAL,
            "%s [%d] offset %lld: %s: events are missing from the topic. Set "
            "the group's offsets of this topic to the earliest "
            "(kafka-consumer-groups.sh --reset-offsets --to-earliest), then "
            "resync the table (cdc-producer resync)",
            topic, (int)msg->partition, (long long)msg->offset, why);
    }
    if (!is_passing(msg->err)) {
        return err_set(e, ERR_FATAL, "%s [%d] offset %lld: cannot be read: %s",
                       topic, (int)msg->partition, (long long)msg->offset, why);
    }
    return 0;
}

/* Is one of the committed offsets past its partition's beginning? */
static int any_passed(rd_kafka_t *rk,
                      const rd_kafka_topic_partition_list_t *list,
                      bool *ret_passed, struct err *e)
{
    *ret_passed = false;
    for (int i = 0; i < list->cnt && !*ret_passed; i++) {
        const rd_kafka_topic_partition_t *p = &list->elems[i];
        int64_t begin;

        if (p->err) {
            return kafka_err(e, p->err, "committed offsets");
        }
        if (p->offset <= 0) {
            continue; /* none, or the very first record */
        }
        if (topic_begin(rk, p->topic, p->partition, &begin, e) < 0) {
            return -1;
        }
        *ret_passed = p->offset > begin;
    }
    return 0;
}

int consumer_passed(rd_kafka_t *rk, const char *topic, bool *ret_passed,
                    struct err *e)
{
    rd_kafka_topic_partition_list_t *list;
    rd_kafka_resp_err_t err;
    int partitions, rc;

    if (topic_partitions(rk, topic, &partitions, e) < 0) {
        return -1;
    }
    if (partitions == 0) {
        return err_set(e, ERR_RETRY, "topic %s does not exist", topic);
    }
    list = rd_kafka_topic_partition_list_new(partitions);
    rd_kafka_topic_partition_list_add_range(list, topic, 0, partitions - 1);
    err = rd_kafka_committed(rk, list, COMMITTED_MS);
    rc = err ? kafka_err(e, err, "committed offsets")
             : any_passed(rk, list, ret_passed, e);
    rd_kafka_topic_partition_list_destroy(list);
    return rc;
}

/* <prefix>.<schema>.<table>, as in pattern_write */
static bool is_table_topic(const char *prefix, const char *topic)
{
    size_t len = strlen(prefix);
    const char *dot;

    if (strncmp(topic, prefix, len) != 0 || topic[len] != '.') {
        return false;
    }
    dot = strchr(topic + len + 1, '.');
    return dot && dot > topic + len + 1 && dot[1] != '\0';
}

bool consumer_is_heartbeat(const char *prefix, const char *topic)
{
    size_t len = strlen(prefix);

    return strncmp(topic, prefix, len) == 0 &&
           strcmp(topic + len, ".heartbeat") == 0;
}

bool consumer_no_topics(rd_kafka_t *rk, const char *prefix, int wait_ms)
{
    const struct rd_kafka_metadata *md;
    bool found = false;

    if (rd_kafka_metadata(rk, 1, NULL, &md, wait_ms)) {
        return false;
    }
    for (int i = 0; i < md->topic_cnt && !found; i++) {
        found = is_table_topic(prefix, md->topics[i].topic);
    }
    rd_kafka_metadata_destroy(md);
    return !found;
}
