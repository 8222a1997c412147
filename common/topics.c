#include "common/topics.h"

#include "common/clock.h"
#include "common/stop.h"

enum {
    CALL_MS = 15000,   /* one look at the cluster */
    CREATE_MS = 30000, /* a creation, and then the leaders */
    STEP_MS = 2000,    /* how soon a stop is noticed */
    PAUSE_MS = 100,    /* between two looks for leaders */
};

/* The clock of one call: ends at its deadline or when a stop is asked. */
static bool call_goes_on(int64_t deadline_ms)
{
    return clock_left_ms(deadline_ms) > 0 && !stop_requested();
}

static int step_left_ms(int64_t deadline_ms)
{
    int left_ms = clock_left_ms(deadline_ms);

    return left_ms < STEP_MS ? left_ms : STEP_MS;
}

/* Codes of an answer that did not come (in time). */
static bool no_answer(rd_kafka_resp_err_t code)
{
    return code == RD_KAFKA_RESP_ERR__TIMED_OUT ||
           code == RD_KAFKA_RESP_ERR__TRANSPORT ||
           code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN;
}

/* What a creation's outcome says about trying again. */
static int topic_err(struct err *e, rd_kafka_resp_err_t code, const char *text,
                     const char *name)
{
    enum err_kind kind = ERR_RETRY;

    if (code == RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION ||
        code == RD_KAFKA_RESP_ERR_INVALID_PARTITIONS ||
        code == RD_KAFKA_RESP_ERR_INVALID_CONFIG ||
        code == RD_KAFKA_RESP_ERR_POLICY_VIOLATION) {
        kind = ERR_CONFIG;
    } else if (code == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED ||
               code == RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED) {
        kind = ERR_PERMISSION;
    }
    return err_set(e, kind, "topic %s: %s", name,
                   text ? text : rd_kafka_err2str(code));
}

/* A topic as the cluster describes it. */
struct look {
    int partitions; /* 0 = does not exist */
    bool led;       /* each partition has a leader */
};

static int look_read(const struct rd_kafka_metadata *metadata, const char *name,
                     struct look *ret_look, struct err *e)
{
    struct look look = { 0, true };

    for (int i = 0; i < metadata->topic_cnt; i++) {
        const struct rd_kafka_metadata_topic *t = &metadata->topics[i];

        if (strcmp(t->topic, name) != 0) {
            continue;
        }
        if (t->err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART) {
            break;
        }
        if (t->err != RD_KAFKA_RESP_ERR_NO_ERROR &&
            t->err != RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE) {
            return topic_err(e, t->err, NULL, name);
        }
        look.partitions = t->partition_cnt;
        look.led = t->err == RD_KAFKA_RESP_ERR_NO_ERROR;
        for (int k = 0; k < t->partition_cnt; k++) {
            look.led = look.led && t->partitions[k].leader >= 0;
        }
    }
    look.led = look.led && look.partitions > 0;
    *ret_look = look;
    return 0;
}

/* Asks for all topics. To ask for one needs a handle of it, and librdkafka
   would keep that handle: the rd_kafka_topic_new of a caller that comes later
   would get it, and its own configuration (partitioner, opaque) would be
   ignored without a word. */
static int topic_look(rd_kafka_t *rk, const char *name, struct look *ret_look,
                      struct err *e)
{
    int64_t deadline_ms = clock_ms() + CALL_MS;
    const struct rd_kafka_metadata *metadata = NULL;
    rd_kafka_resp_err_t code;
    int rc;

    do {
        code = rd_kafka_metadata(rk, 1, NULL, &metadata,
                                 step_left_ms(deadline_ms));
    } while (no_answer(code) && call_goes_on(deadline_ms));
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return topic_err(e, code, NULL, name);
    }
    rc = look_read(metadata, name, ret_look, e);
    rd_kafka_metadata_destroy(metadata);
    return rc;
}

int topic_partitions(rd_kafka_t *rk, const char *name, int *ret_partitions,
                     struct err *e)
{
    struct look look;

    if (topic_look(rk, name, &look, e) < 0) {
        return -1;
    }
    *ret_partitions = look.partitions;
    return 0;
}

static int marks_ask(rd_kafka_t *rk, const char *name, int32_t partition,
                     int64_t *ret_low, int64_t *ret_high, struct err *e)
{
    int64_t deadline_ms = clock_ms() + CALL_MS;
    rd_kafka_resp_err_t code;

    do {
        code = rd_kafka_query_watermark_offsets(
            rk, name, partition, ret_low, ret_high, step_left_ms(deadline_ms));
    } while (no_answer(code) && call_goes_on(deadline_ms));
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
        (void)topic_err(e, code, NULL, name);
        return err_wrap(e, "watermarks of partition %d", (int)partition);
    }
    return 0;
}

int topic_begin(rd_kafka_t *rk, const char *name, int32_t partition,
                int64_t *ret_begin, struct err *e)
{
    int64_t high;

    return marks_ask(rk, name, partition, ret_begin, &high, e);
}

int topic_end(rd_kafka_t *rk, const char *name, int32_t partition,
              int64_t *ret_end, struct err *e)
{
    int64_t low;

    return marks_ask(rk, name, partition, &low, ret_end, e);
}

/* Settings of a kind (DESIGN 2); a NULL name ends them. */
struct setting {
    const char *name, *value;
};

static const struct setting table_settings[] = {
    { "cleanup.policy", "compact" },
    { "min.compaction.lag.ms", "86400000" }, /* 1 day */
    { "delete.retention.ms", "604800000" },  /* 7 days */
    { "max.message.bytes", "16777216" },
    { NULL, NULL },
};

static const struct setting append_settings[] = {
    { "cleanup.policy", "delete" },
    { "retention.ms", "-1" },
    { "retention.bytes", "-1" },
    { "max.message.bytes", "16777216" },
    { NULL, NULL },
};

/* These are read whole at each start and state is written every second, so
   they must stay small: a segment that is still written to is not compacted.
   (A segment must hold the largest record.) */
static const struct setting control_settings[] = {
    { "cleanup.policy", "compact" },
    { "min.cleanable.dirty.ratio", "0.1" },
    { "segment.ms", "3600000" }, /* 1 hour */
    { "segment.bytes", "33554432" },
    { "max.message.bytes", "16777216" },
    { NULL, NULL },
};

static const struct setting *settings_of(enum topic_kind kind)
{
    switch (kind) {
    case TOPIC_TABLE: return table_settings;
    case TOPIC_APPEND_ONLY: return append_settings;
    case TOPIC_CONTROL: break;
    }
    return control_settings;
}

static rd_kafka_NewTopic_t *new_topic(const struct topic_spec *spec,
                                      struct err *e)
{
    char text[256] = "";
    int partitions = spec->kind == TOPIC_CONTROL ? 1 : spec->partitions;
    rd_kafka_NewTopic_t *topic = rd_kafka_NewTopic_new(
        spec->name, partitions, spec->replication_factor, text, sizeof(text));

    if (!topic) {
        (void)err_set(e, ERR_CONFIG, "topic %s: %s", spec->name, text);
        return NULL;
    }
    for (const struct setting *s = settings_of(spec->kind); s->name; s++) {
        (void)rd_kafka_NewTopic_set_config(topic, s->name, s->value);
    }
    return topic;
}

/* The outcome of a creation; another process may have been faster. */
static int created_read(rd_kafka_event_t *event, const char *name,
                        bool *ret_created, struct err *e)
{
    const rd_kafka_CreateTopics_result_t *result =
        rd_kafka_event_CreateTopics_result(event);
    const rd_kafka_topic_result_t **topics;
    rd_kafka_resp_err_t code = rd_kafka_event_error(event);
    const char *text = rd_kafka_event_error_string(event);
    size_t count = 0;

    if (code == RD_KAFKA_RESP_ERR_NO_ERROR && result) {
        topics = rd_kafka_CreateTopics_result_topics(result, &count);
        if (count == 1) {
            code = rd_kafka_topic_result_error(topics[0]);
            text = rd_kafka_topic_result_error_string(topics[0]);
        }
    }
    if (code == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS) {
        *ret_created = false;
        return 0;
    }
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR || count != 1) {
        return topic_err(e, code, text, name);
    }
    *ret_created = true;
    return 0;
}

static int topic_create(rd_kafka_t *rk, const struct topic_spec *spec,
                        bool *ret_created, struct err *e)
{
    int64_t deadline_ms = clock_ms() + CREATE_MS + STEP_MS;
    rd_kafka_NewTopic_t *topic = new_topic(spec, e);
    rd_kafka_AdminOptions_t *options;
    rd_kafka_queue_t *queue;
    rd_kafka_event_t *event = NULL;
    int rc;

    if (!topic) {
        return -1;
    }
    queue = rd_kafka_queue_new(rk);
    options = rd_kafka_AdminOptions_new(rk, RD_KAFKA_ADMIN_OP_CREATETOPICS);
    (void)rd_kafka_AdminOptions_set_request_timeout(options, CREATE_MS, NULL,
                                                    0);
    (void)rd_kafka_AdminOptions_set_operation_timeout(options, CALL_MS, NULL,
                                                      0);
    rd_kafka_CreateTopics(rk, &topic, 1, options, queue);
    do {
        event = rd_kafka_queue_poll(queue, step_left_ms(deadline_ms));
    } while (!event && call_goes_on(deadline_ms));
    rc = event ? created_read(event, spec->name, ret_created, e)
               : topic_err(e, RD_KAFKA_RESP_ERR__TIMED_OUT, NULL, spec->name);
    if (event) {
        rd_kafka_event_destroy(event);
    }
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_queue_destroy(queue);
    rd_kafka_NewTopic_destroy(topic);
    return rc;
}

int topic_ensure(rd_kafka_t *rk, const struct topic_spec *spec,
                 int *ret_partitions, bool *ret_created, struct err *e)
{
    int64_t deadline_ms;
    struct look look;
    bool created = false;

    if (topic_look(rk, spec->name, &look, e) < 0) {
        return -1;
    }
    if (look.partitions == 0 && topic_create(rk, spec, &created, e) < 0) {
        return err_wrap(e, "creating");
    }
    deadline_ms = clock_ms() + CREATE_MS;
    while (!look.led) {
        if (topic_look(rk, spec->name, &look, e) < 0) {
            return -1;
        }
        if (!look.led && !call_goes_on(deadline_ms)) {
            return err_set(e, ERR_RETRY,
                           "topic %s: no leader for each "
                           "partition",
                           spec->name);
        }
        if (!look.led) {
            (void)stop_wait(PAUSE_MS); /* the loop's end asks for a stop */
        }
    }
    *ret_partitions = look.partitions;
    *ret_created = created;
    return 0;
}
