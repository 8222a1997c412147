/* links: cdc_sink */
/* sink.h: a target that plays back verdicts, against librdkafka's mock
   cluster. One process per scenario, since a stop is for ever. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <sys/syscall.h>
#include <time.h>

#include "common/sink.h"
#include "common/stop.h"
#include "tests/unit/forked.h"
#include "tests/unit/world.h"

enum { PARTITIONS = 3, OFFSETS_MAX = 1000, IDS_MAX = 4000 };

/* CLOCK_BOOTTIME jumps when a scenario says so: the process was frozen. */
static int64_t frozen_ms;

int clock_gettime(clockid_t id, struct timespec *ts)
{
    int rc = (int)syscall(SYS_clock_gettime, id, ts);

    if (id == CLOCK_BOOTTIME) {
        ts->tv_sec += frozen_ms / 1000;
    }
    return rc;
}

struct fake {
    struct world w;
    struct asker asker;
    unsigned attempts, prepares;
    unsigned rows_max; /* of one attempt */
    unsigned applied;  /* events, each counted once */
    unsigned stop_at;  /* of them */
    bool seen[PARTITIONS][OFFSETS_MAX];
    uint64_t target[IDS_MAX]; /* version per id, as a target keeps it */
    int64_t first_ms, done_ms;

    int (*write)(struct fake *f, struct batch *b, struct err *e);
    int (*prepare)(struct fake *f, struct err *e);
};

/* What every target does: the higher version wins. */
static void apply(struct fake *f, struct item *it)
{
    long long id = -1;

    world_check(sscanf(it->ev.key.p, "{\"id\":%lld}", &id) == 1, "key");
    if (it->version > f->target[id]) {
        f->target[id] = it->version;
    }
    f->applied += !f->seen[it->partition][it->offset];
    f->seen[it->partition][it->offset] = true;
    it->verdict = VERDICT_DONE;
}

static int apply_all(struct fake *f, struct batch *b, struct err *e)
{
    (void)e;
    for (unsigned i = 0; i < b->count; i++) {
        apply(f, &b->items[i]);
    }
    return 0;
}

/* What holds in every attempt of every scenario. */
static void check_batch(struct fake *f, const struct batch *b)
{
    int64_t last[PARTITIONS] = { -1, -1, -1 };

    world_check(b->count > 0, "an empty batch");
    world_check(clock_ms() < b->send_by_ms, "sent too late");
    f->rows_max = b->count > f->rows_max ? b->count : f->rows_max;
    for (unsigned i = 0; i < b->count; i++) {
        const struct item *it = &b->items[i];

        world_check(it->verdict == VERDICT_PENDING ||
                        it->verdict == VERDICT_RETRY,
                    "verdict %d in an attempt", (int)it->verdict);
        world_check(it->offset > last[it->partition], "order");
        if (last[it->partition] < 0 && it->offset > 0) {
            /* nothing is left out: what was before is with the target */
            for (int64_t o = 0; o < it->offset; o++) {
                world_check(f->seen[it->partition][o],
                            "offset %lld before %lld was passed over",
                            (long long)o, (long long)it->offset);
            }
        }
        last[it->partition] = it->offset;
    }
}

static int fake_write(void *self, struct batch *b, struct err *e)
{
    struct fake *f = self;
    int rc;

    check_batch(f, b);
    f->attempts++;
    f->first_ms = f->first_ms ? f->first_ms : clock_ms();
    rc = f->write(f, b, e);
    if (f->stop_at > 0 && f->applied >= f->stop_at) {
        f->done_ms = clock_ms();
        stop_request();
    }
    return rc;
}

static int fake_prepare(void *self, const struct shape *first,
                        const struct shape *shape, bool passed, struct err *e)
{
    struct fake *f = self;

    world_check(f->prepares > 0 || !first, "a shape before the first");
    world_check(strcmp(shape->topic, TOPIC) == 0, "topic");
    world_check(passed == (first != NULL), "nothing was committed before");
    f->prepares++;
    return f->prepare ? f->prepare(f, e) : 0;
}

static int fake_check(void *self, struct err *e)
{
    (void)self;
    (void)e;
    return 0;
}

static const struct sink_ops ops = {
    .name = "test",
    .component = "sink-test",
    .error_type = "es_write",
    .linger_ms = 20,
    .prepare = fake_prepare,
    .write = fake_write,
    .check = fake_check,
};

static int run(struct fake *f, int batch_size, struct err *e)
{
    struct sink_conf conf = {
        .common = { .name = (char[]){ "cdc" },
                    .listen = (char[]){ "127.0.0.1:0" },
                    .brokers = (char *)(uintptr_t)f->w.brokers },
        .batch_size = batch_size,
        .batch_bytes = 8 << 20,
        .linger_ms = -1,
    };

    return sink_run(&ops, f, &conf, e);
}

static void expect_committed(struct fake *f, int32_t partition, int64_t want)
{
    int64_t got = asker_committed(&f->asker, partition);

    world_check(got == want, "partition %d committed at %lld, not %lld",
                (int)partition, (long long)got, (long long)want);
}

/* Runs until all of `count` events in each partition are applied. */
static void run_all(struct fake *f, int batch_size, int64_t count)
{
    struct err e = { 0 };

    f->stop_at = (unsigned)(count * PARTITIONS);
    world_check(run(f, batch_size, &e) == 0, "%s", e.text);
    world_check(f->applied == f->stop_at, "%u applied", f->applied);
    for (int32_t p = 0; p < PARTITIONS; p++) {
        expect_committed(f, p, count);
    }
}

/* Runs until it stops with an error at this position. */
static void run_to_error(struct fake *f, int64_t offset, const char *text)
{
    struct err e = { 0 };
    char position[64];

    world_check(run(f, 0, &e) == -1, "it went on");
    (void)snprintf(position, sizeof(position),
                   TOPIC " [0] offset %lld: ", (long long)offset);
    world_check(strncmp(e.text, position, strlen(position)) == 0 &&
                    strstr(e.text, text),
                "says: %s", e.text);
    world_check(err_exit_code(e.kind) == 1, "exit code");
    expect_committed(f, 0, offset > 0 ? offset : -1);
}

/* ---- scenarios -------------------------------------------------------- */

static void all_is_applied(struct fake *f)
{
    world_fill(&f->w, PARTITIONS, 300);
    f->write = apply_all;
    run_all(f, 50, 300);
    world_check(f->rows_max == 50, "batches of %u rows", f->rows_max);
    world_check(f->prepares == 1, "%u prepares", f->prepares);
}

/* Without a cap and under backlog batches are large and nobody lingers. */
static void backlog_makes_large_batches(struct fake *f)
{
    world_fill(&f->w, PARTITIONS, 900);
    f->write = apply_all;
    run_all(f, 0, 900);
    world_check(f->rows_max > 500, "batches of %u rows", f->rows_max);
}

/* Attempts fail as a whole, in part, or leave items without a verdict. The
   order of each partition and what is committed hold all the while. */
static int stumble(struct fake *f, struct batch *b, struct err *e)
{
    unsigned n = f->attempts;

    for (unsigned i = 0; i < b->count; i++) {
        struct item *it = &b->items[i];

        if (n % 3 == 0 || (n % 3 == 1 && (i + n) % 4 == 0)) {
            apply(f, it);
        } else if (n % 3 == 1) {
            it->verdict = (i + n) % 4 == 1 ? VERDICT_PENDING : VERDICT_RETRY;
            (void)snprintf(it->why, sizeof(it->why), "busy");
        }
        if (i == 0 && n % 5 == 0) {
            int64_t at = asker_committed(&f->asker, it->partition);

            world_check(at <= it->offset, "committed %lld past %lld",
                        (long long)at, (long long)it->offset);
        }
    }
    return n % 3 == 2 ? err_set(e, ERR_RETRY, "reset by peer") : 0;
}

static void retries_lose_nothing(struct fake *f)
{
    world_fill(&f->w, PARTITIONS, 200);
    f->write = stumble;
    run_all(f, 60, 200);
    world_check(f->attempts > 20, "%u attempts", f->attempts);
}

/* sink.h: an older event of a key may be written after a newer one. */
static int older_later(struct fake *f, struct batch *b, struct err *e)
{
    (void)e;
    if (f->attempts == 1) {
        world_check(b->count == 2, "%u items", b->count);
        b->items[0].verdict = VERDICT_RETRY;
        apply(f, &b->items[1]);
        return 0;
    }
    world_check(b->count == 1 && b->items[0].offset == 0, "not the older");
    world_check(asker_committed(&f->asker, 0) == -1, "committed past it");
    apply(f, &b->items[0]);
    return 0;
}

static void the_newer_version_stays(struct fake *f)
{
    struct err e = { 0 };

    for (uint64_t v = 1; v <= 2; v++) {
        world_send_event(&f->w, &(struct sent){ .id = 7, .version = v });
    }
    world_flush(&f->w);
    f->write = older_later;
    f->stop_at = 2;
    world_check(run(f, 0, &e) == 0, "%s", e.text);
    world_check(f->target[7] == 2, "version %llu",
                (unsigned long long)f->target[7]);
    expect_committed(f, 0, 2);
}

/* A tombstone behind its delete, and one key many times: all are handed on. */
static void all_events_of_a_key_are_kept(struct fake *f)
{
    struct sent s = { .id = 7 };
    struct err e = { 0 };

    for (s.version = 1; s.version <= 5; s.version++) {
        s.op = s.version == 5 ? EVENT_DELETE : EVENT_UPDATE;
        world_send_event(&f->w, &s);
    }
    s.version = 5;
    s.tombstone = true;
    world_send_event(&f->w, &s);
    world_flush(&f->w);
    f->write = apply_all;
    f->stop_at = 6;
    world_check(run(f, 0, &e) == 0, "%s", e.text);
    world_check(f->rows_max == 6, "%u rows", f->rows_max);
    expect_committed(f, 0, 6);
}

static int reject_sixth(struct fake *f, struct batch *b, struct err *e)
{
    (void)e;
    for (unsigned i = 0; i < b->count; i++) {
        struct item *it = &b->items[i];

        if (it->offset == 6) {
            it->verdict = VERDICT_REJECT;
            (void)snprintf(it->why, sizeof(it->why), "mapper_parsing");
        } else if (it->offset != 8) { /* 8 stays without a verdict */
            apply(f, it);
        }
    }
    return 0;
}

static void a_reject_stops_at_its_position(struct fake *f)
{
    world_fill(&f->w, 1, 10);
    f->write = reject_sixth;
    run_to_error(f, 6, "refuses the event: mapper_parsing");
    world_check(f->attempts == 1, "%u attempts", f->attempts);
}

static int stop_third(struct fake *f, struct batch *b, struct err *e)
{
    for (unsigned i = 0; i < b->count; i++) {
        if (b->items[i].offset < 3) {
            apply(f, &b->items[i]);
        } else {
            b->items[i].verdict = VERDICT_STOP;
            (void)snprintf(b->items[i].why, sizeof(b->items[i].why),
                           "foreign index");
        }
    }
    return err_set(e, ERR_RETRY, "and the connection broke");
}

static void a_stop_verdict_stops(struct fake *f)
{
    world_fill(&f->w, 1, 10);
    f->write = stop_third;
    run_to_error(f, 3, "must stop: foreign index");
}

static int give_up(struct fake *f, struct batch *b, struct err *e)
{
    apply(f, &b->items[0]);
    return err_set(e, ERR_FATAL, "no way");
}

static void a_fatal_error_keeps_what_is_done(struct fake *f)
{
    struct err e = { 0 };

    world_fill(&f->w, 1, 10);
    f->write = give_up;
    world_check(run(f, 0, &e) == -1, "it went on");
    world_check(strcmp(e.text, "no way") == 0, "says: %s", e.text);
    expect_committed(f, 0, 1);
}

/* What comes before a record that cannot be read is applied first. */
static void bad_record(struct fake *f, struct sent bad, const char *text)
{
    world_fill(&f->w, 1, 5);
    bad.id = 5;
    bad.version = 6;
    world_send_event(&f->w, &bad);
    world_fill(&f->w, 1, 5);
    f->write = apply_all;
    run_to_error(f, 5, text);
    world_check(f->applied == 5, "%u applied", f->applied);
}

static void a_record_without_headers_stops(struct fake *f)
{
    bad_record(f, (struct sent){ .no_headers = true }, "none of our headers");
}

static void a_truncate_stops(struct fake *f)
{
    bad_record(f, (struct sent){ .op = EVENT_TRUNCATE }, "TRUNCATE");
}

static void an_incomplete_row_stops(struct fake *f)
{
    bad_record(f, (struct sent){ .unavailable = true }, "REPLICA IDENTITY");
}

static void another_profile_stops(struct fake *f)
{
    xfree(f->w.later.profile);
    f->w.later.profile = xstrdup("debezium");
    world_send_shape(&f->w, &f->w.later);
    bad_record(f, (struct sent){ .shape = &f->w.later }, "profile");
}

static void *send_shape_later(void *arg)
{
    struct fake *f = arg;

    (void)usleep(6 * 1000 * 1000);
    world_send_shape(&f->w, &f->w.later);
    return NULL;
}

static void an_unknown_shape_is_waited_for(struct fake *f)
{
    pthread_t thread;

    world_fill(&f->w, PARTITIONS, 10);
    for (int32_t p = 0; p < PARTITIONS; p++) {
        world_send_event(&f->w, &(struct sent){ .partition = p,
                                                .id = 3000 + p,
                                                .version = 1,
                                                .shape = &f->w.later });
    }
    world_flush(&f->w);
    world_check(!pthread_create(&thread, NULL, send_shape_later, f), "thread");
    f->write = apply_all;
    run_all(f, 0, 11);
    world_check(f->prepares == 2, "%u prepares", f->prepares);
    world_check(!pthread_join(thread, NULL), "join");
}

/* Frozen between the last poll and the send: seventy seconds pass while the
   target is prepared. The batch goes unsent and is read again. */
static int freeze(struct fake *f, struct err *e)
{
    (void)e;
    frozen_ms += f->prepares == 1 ? 70 * 1000 : 0;
    return 0;
}

static int applied_after_the_freeze(struct fake *f, struct batch *b,
                                    struct err *e)
{
    /* read again after the look, which takes 2.5 s */
    world_check(f->attempts > 1 || clock_ms() - b->born_ms < 2000,
                "the old batch was sent");
    return apply_all(f, b, e);
}

static void a_frozen_batch_is_dropped_unsent(struct fake *f)
{
    world_fill(&f->w, PARTITIONS, 50);
    f->prepare = freeze;
    f->write = applied_after_the_freeze;
    run_all(f, 0, 50);
}

static int doze(struct fake *f, struct err *e)
{
    (void)e;
    frozen_ms += f->prepares == 1 ? 20 * 1000 : 0;
    return 0;
}

static int applied_after_the_look(struct fake *f, struct batch *b,
                                  struct err *e)
{
    world_check(f->attempts > 1 || clock_ms() - b->born_ms > 22000,
                "sent without a look");
    return apply_all(f, b, e);
}

static void after_a_short_freeze_it_looks_first(struct fake *f)
{
    world_fill(&f->w, PARTITIONS, 50);
    f->prepare = doze;
    f->write = applied_after_the_look;
    run_all(f, 0, 50);
}

static int never(struct fake *f, struct batch *b, struct err *e)
{
    (void)f;
    (void)b;
    return err_set(e, ERR_RETRY, "connection refused");
}

static void *stop_later(void *arg)
{
    (void)arg;
    (void)usleep(8 * 1000 * 1000);
    stop_request();
    return NULL;
}

static void a_stop_ends_an_outage(struct fake *f)
{
    struct err e = { 0 };
    int64_t began_ms = clock_ms();
    pthread_t thread;

    world_fill(&f->w, PARTITIONS, 50);
    f->write = never;
    world_check(!pthread_create(&thread, NULL, stop_later, f), "thread");
    world_check(run(f, 0, &e) == 0, "%s", e.text);
    world_check(!pthread_join(thread, NULL), "join");
    world_check(f->attempts > 2, "%u attempts", f->attempts);
    world_check(clock_ms() - began_ms < 20000, "it took too long");
    expect_committed(f, 0, -1);
}

static int applied_and_brokers_gone(struct fake *f, struct batch *b,
                                    struct err *e)
{
    (void)rd_kafka_mock_broker_set_down(f->w.cluster, 1);
    (void)usleep(500 * 1000);
    return apply_all(f, b, e);
}

static void a_stop_ends_without_brokers(struct fake *f)
{
    struct err e = { 0 };

    world_fill(&f->w, 1, 50);
    f->write = applied_and_brokers_gone;
    f->stop_at = 50;
    world_check(run(f, 0, &e) == 0, "%s", e.text);
    world_check(clock_ms() - f->done_ms < 15000, "it took %lld ms",
                (long long)(clock_ms() - f->done_ms));
    (void)rd_kafka_mock_broker_set_up(f->w.cluster, 1);
}

/* ---- processes -------------------------------------------------------- */

typedef void forked_body(struct fake *f);

static void child(const char *name, forked_body *body)
{
    struct fake *f = xcalloc(1, sizeof(*f));

    world_scenario = name;
    log_init(name, getenv("TEST_LOG") ? LOG_DEBUG : LOG_ERROR, LOG_LOGFMT);
    world_open(&f->w, PARTITIONS);
    asker_open(&f->asker, &f->w);
    body(f);
    asker_close(&f->asker);
    world_close(&f->w);
    xfree(f);
}

#define SCENARIOS(X)                       \
    X(all_is_applied)                      \
    X(backlog_makes_large_batches)         \
    X(retries_lose_nothing)                \
    X(the_newer_version_stays)             \
    X(all_events_of_a_key_are_kept)        \
    X(a_reject_stops_at_its_position)      \
    X(a_stop_verdict_stops)                \
    X(a_fatal_error_keeps_what_is_done)    \
    X(a_record_without_headers_stops)      \
    X(a_truncate_stops)                    \
    X(an_incomplete_row_stops)             \
    X(another_profile_stops)               \
    X(an_unknown_shape_is_waited_for)      \
    X(a_frozen_batch_is_dropped_unsent)    \
    X(after_a_short_freeze_it_looks_first) \
    X(a_stop_ends_an_outage)               \
    X(a_stop_ends_without_brokers)

FORKED(SCENARIOS, child)

int main(void)
{
    return FORKED_MAIN(SCENARIOS);
}
