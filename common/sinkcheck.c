#include "common/finding.h"
#include "common/kafka.h"
#include "common/shapes.h"
#include "common/sink.h"

enum { PING_MS = 10 * 1000, TOPIC_BYTES = 300 };

static int check_brokers(const char *brokers, struct err *e)
{
    rd_kafka_conf_t *conf = kafka_conf(brokers, "cdc-check", e);
    rd_kafka_t *rk = conf ? kafka_new(RD_KAFKA_PRODUCER, conf, e) : NULL;
    int rc = rk ? kafka_ping(rk, PING_MS, e) : -1;

    if (rk) {
        rd_kafka_destroy(rk);
    }
    return rc < 0 ? err_wrap(e, "%s", brokers) : 0;
}

static void check_schema(const char *brokers, const char *topic,
                         struct findings *findings)
{
    const struct finding finding = { topic, "KAFKA_BROKERS" };
    struct shapes *shapes = NULL;
    char found[80] = "";
    struct err now = { 0 };
    int rc = shapes_open(&shapes, brokers, topic, &now);

    if (rc == 0) {
        unsigned count = shapes_count(shapes);

        (void)snprintf(found, sizeof(found), "%u table shapes%s", count,
                       count == 0 ? " (cdc-producer has not run yet)" : "");
    }
    finding_say(findings, &finding, rc, found, &now);
    shapes_close(shapes);
}

int sink_check(const struct sink_ops *ops, void *self,
               const struct sink_conf *conf, struct err *e)
{
    static const struct finding kafka = { "kafka", "KAFKA_BROKERS" };
    const struct finding target = { ops->name, ops->variable };
    const char *brokers = conf->common.brokers;
    char topic[TOPIC_BYTES];
    struct findings findings = { 0 };
    struct err now = { 0 };
    int rc = check_brokers(brokers, &now);

    (void)snprintf(topic, sizeof(topic), "%s.schema", conf->common.name);
    finding_say(&findings, &kafka, rc, "answers", &now);
    if (rc == 0) {
        check_schema(brokers, topic, &findings);
    }
    rc = ops->check(self, &now);
    finding_say(&findings, &target, rc, "reachable and usable", &now);
    return findings_end(&findings, e);
}
