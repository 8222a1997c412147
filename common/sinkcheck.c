#include "common/kafka.h"
#include "common/shapes.h"
#include "common/sink.h"

enum { PING_MS = 10 * 1000, TOPIC_BYTES = 300 };

/* One line on stdout; the first failure is what the caller returns. */
static void say(int rc, const char *what, const char *found,
                const struct err *now, struct err *first)
{
    (void)printf("%-6s %s: %s\n", rc == 0 ? "ok" : "failed", what,
                 rc == 0 ? found : now->text);
    if (rc < 0 && first->kind == ERR_NONE) {
        *first = *now;
    }
}

static int check_brokers(const char *brokers, struct err *e)
{
    rd_kafka_conf_t *conf = kafka_conf(brokers, "cdc-check", e);
    rd_kafka_t *rk = conf ? kafka_new(RD_KAFKA_PRODUCER, conf, e) : NULL;
    int rc = rk ? kafka_ping(rk, PING_MS, e) : -1;

    if (rk) {
        rd_kafka_destroy(rk);
    }
    return rc;
}

static void check_schema(const char *brokers, const char *topic,
                         struct err *first)
{
    struct shapes *shapes = NULL;
    char found[80] = "";
    struct err now = { 0 };
    int rc = shapes_open(&shapes, brokers, topic, &now);

    if (rc == 0) {
        unsigned count = shapes_count(shapes);

        (void)snprintf(found, sizeof(found), "%u table shapes%s", count,
                       count == 0 ? " (cdc-producer has not run yet)" : "");
    }
    say(rc, topic, found, &now, first);
    shapes_close(shapes);
}

int sink_check(const struct sink_ops *ops, void *self,
               const struct sink_conf *conf, struct err *e)
{
    const char *brokers = conf->common.brokers;
    char topic[TOPIC_BYTES];
    struct err now = { 0 }, first = { 0 };
    int rc = check_brokers(brokers, &now);

    (void)snprintf(topic, sizeof(topic), "%s.schema", conf->common.name);
    say(rc, brokers, "Kafka answers", &now, &first);
    if (rc == 0) {
        check_schema(brokers, topic, &first);
    }
    rc = ops->check(self, &now);
    say(rc, ops->name, "reachable and usable", &now, &first);
    if (first.kind != ERR_NONE) {
        *e = first;
        return -1;
    }
    return 0;
}
