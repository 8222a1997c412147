/* links: cdc_sink */
/* intake.h: heartbeats, which are settled and never reach the target. What it
   does with events is tested through test_sink.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/assign.h"
#include "common/metrics.h"
#include "common/sink.h"
#include "common/stop.h"
#include "tests/unit/forked.h"
#include "tests/unit/world.h"

static const char topic[] = "cdc.heartbeat";
static const char newest[] = "cdc_heartbeat_last_received_timestamp_seconds";

struct fake {
    struct world w;
    struct asker asker;
    unsigned applied;
};

/* Takes everything; sends one event after the other until the heartbeats are
   through. */
static int take_all(void *self, struct batch *b, struct err *e)
{
    struct fake *f = self;

    (void)e;
    for (unsigned i = 0; i < b->count; i++) {
        world_check(strcmp(b->items[i].part->topic, topic) != 0, "a heartbeat");
        b->items[i].verdict = VERDICT_DONE;
        f->applied++;
    }
    if (metrics_max(newest) >= 1700000000.5) {
        stop_request();
    } else {
        world_send_event(&f->w, &(struct sent){ .id = f->applied,
                                                .version = f->applied + 1 });
        world_flush(&f->w);
    }
    return 0;
}

static int take_shape(void *self, const struct shape *first,
                      const struct shape *shape, bool passed, struct err *e)
{
    (void)self;
    (void)first;
    (void)shape;
    (void)passed;
    (void)e;
    return 0;
}

static int check(void *self, struct err *e)
{
    (void)self;
    (void)e;
    return 0;
}

static const struct sink_ops ops = {
    .name = "test",
    .component = "sink-test",
    .linger_ms = 20,
    .prepare = take_shape,
    .write = take_all,
    .check = check,
};

static void run(struct fake *f)
{
    struct sink_conf conf = {
        .common = { .name = (char[]){ "cdc" },
                    .listen = (char[]){ "127.0.0.1:0" },
                    .brokers = (char *)(uintptr_t)f->w.brokers },
        .batch_bytes = 8 << 20,
        .linger_ms = -1,
    };
    struct err e = { 0 };

    world_check(sink_run(&ops, f, &conf, &e) == 0, "%s", e.text);
}

static void heartbeats(struct fake *f, int64_t committed)
{
    static const char *const values[] = {
        "{\"ts_ms\":1700000000500,\"ts_us\":1700000000500000}",
        "{\"ts_ms\":1,\"ts_us\":1000}", /* an older one, sent again */
        "rubbish",
        "{\"ts_us\":\"x\"}",
        "",
    };
    int64_t got;

    if (committed > 0) {
        asker_commit_of(&f->asker, topic, 0, committed);
    }
    for (size_t i = 0; i < COUNT_OF(values); i++) {
        world_send(&f->w, topic, 0, STR("{\"serverName\":\"cdc\"}"),
                   str_of(values[i]), NULL);
    }
    world_fill(&f->w, 1, 1);
    run(f);
    world_check(metrics_max(newest) == 1700000000.5, "metric %f",
                metrics_max(newest));
    got = asker_committed_of(&f->asker, topic, 0);
    world_check(got == COUNT_OF(values), "committed at %lld", (long long)got);
    got = asker_committed(&f->asker, 0);
    world_check(got == f->applied, "events committed at %lld", (long long)got);
}

static void settled_at_once(struct fake *f)
{
    heartbeats(f, 0);
}

/* A topic that was deleted and made anew ends before the group's offset:
   for a table that stops the sink, here nothing is missing. */
static void made_anew(struct fake *f)
{
    heartbeats(f, 500);
}

typedef void forked_body(struct fake *f);

static void child(const char *name, forked_body *body)
{
    struct fake *f = xcalloc(1, sizeof(*f));

    world_scenario = name;
    log_init(name, getenv("TEST_LOG") ? LOG_DEBUG : LOG_ERROR, LOG_LOGFMT);
    world_open(&f->w, 1);
    world_check(!rd_kafka_mock_topic_create(f->w.cluster, topic, 1, 1), topic);
    asker_open(&f->asker, &f->w);
    body(f);
    asker_close(&f->asker);
    world_close(&f->w);
    xfree(f);
}

#define SCENARIOS(X)   \
    X(settled_at_once) \
    X(made_anew)

FORKED(SCENARIOS, child)

int main(void)
{
    return FORKED_MAIN(SCENARIOS);
}
