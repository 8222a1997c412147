/* links: cdc_sink */
/* group.h: partitions that come and go, pauses and commits, against
   librdkafka's mock cluster. One process per scenario, side by side. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/group.h"
#include "tests/unit/forked.h"
#include "tests/unit/world.h"

enum { PARTITIONS = 3, OFFSETS_MAX = 1000, SESSION_MS = 3000 };

struct member {
    struct world w;
    struct asker asker;
    struct consumer_conf conf;
    struct group *g;
    unsigned epoch, got;
    int64_t first[PARTITIONS], last[PARTITIONS]; /* of this epoch */
    unsigned count[PARTITIONS][OFFSETS_MAX];     /* how often each came */
};

static void forget(struct member *m)
{
    m->epoch = group_epoch(m->g);
    m->got = 0;
    for (int p = 0; p < PARTITIONS; p++) {
        m->first[p] = m->last[p] = -1;
    }
}

static void join(struct member *m)
{
    struct err e = { 0 };

    m->conf = (struct consumer_conf){
        .brokers = m->w.brokers,
        .client_id = "test",
        .group_id = "cdc-test",
        .prefix = "cdc",
        .session_ms = SESSION_MS,
    };
    world_check(group_open(&m->g, &m->conf, &e) == 0, "%s", e.text);
    forget(m);
}

/* Takes one message if there is one; true: it came. */
static bool take(struct member *m, int wait_ms, bool settle)
{
    struct group_msg msg;
    struct err e = { 0 };

    world_check(group_poll(m->g, wait_ms, &msg, &e) == 0, "%s", e.text);
    if (group_epoch(m->g) != m->epoch) {
        forget(m);
    }
    if (!msg.msg) {
        return false;
    }
    int32_t p = msg.msg->partition;
    int64_t o = msg.msg->offset;

    world_check(msg.part->partition == p, "part");
    world_check(m->last[p] < 0 || o == m->last[p] + 1,
                "partition %d: %lld after %lld", (int)p, (long long)o,
                (long long)m->last[p]);
    m->first[p] = m->first[p] < 0 ? o : m->first[p];
    m->last[p] = o;
    m->count[p][o]++;
    m->got++;
    offsets_add(&msg.part->offsets, o);
    if (settle) {
        offsets_settle(&msg.part->offsets, o);
    }
    rd_kafka_message_destroy(msg.msg);
    return true;
}

/* Takes until `count` came in this epoch. */
static void take_many(struct member *m, unsigned count, bool settle)
{
    int64_t deadline_ms = clock_ms() + 30000;

    while (m->got < count) {
        world_check(clock_left_ms(deadline_ms) > 0, "%u of %u came", m->got,
                    count);
        (void)take(m, 100, settle);
    }
}

/* Serves for a while; nothing may come. */
static void stay_silent(struct member *m, int wait_ms)
{
    int64_t deadline_ms = clock_ms() + wait_ms;

    while (clock_left_ms(deadline_ms) > 0) {
        world_check(!take(m, 50, false), "a message while paused");
    }
}

static void commit_until(struct member *m, int32_t partition, int64_t want)
{
    int64_t deadline_ms = clock_ms() + 20000;

    while (asker_committed(&m->asker, partition) != want) {
        world_check(clock_left_ms(deadline_ms) > 0,
                    "partition %d committed at %lld, not %lld", (int)partition,
                    (long long)asker_committed(&m->asker, partition),
                    (long long)want);
        group_commit(m->g);
        (void)take(m, 50, false);
    }
}

static void fail_requests(struct member *m, int16_t api, size_t count,
                          rd_kafka_resp_err_t err)
{
    for (size_t i = 0; i < count; i++) {
        rd_kafka_mock_push_request_errors(m->w.cluster, api, 1, err);
    }
}

/* ---- scenarios -------------------------------------------------------- */

static void what_is_settled_is_committed(struct member *m)
{
    rd_kafka_topic_partition_list_t *list;
    long long ms = 0;

    world_fill(&m->w, PARTITIONS, 100);
    join(m);
    world_check(!group_settled(m->g), "settled before it joined");
    take_many(m, 3 * 100, true);
    world_check(group_settled(m->g), "not settled");
    for (int32_t p = 0; p < PARTITIONS; p++) {
        commit_until(m, p, 100);
    }
    list = rd_kafka_topic_partition_list_new(1);
    (void)rd_kafka_topic_partition_list_add(list, TOPIC, 0);
    world_check(!rd_kafka_committed(m->asker.rk, list, 5000), "committed");
    world_check(list->elems[0].metadata_size == 13 &&
                    sscanf(list->elems[0].metadata, "%13lld", &ms) == 1,
                "metadata");
    world_check(llabs(ms - clock_wall_us() / 1000) < 60000, "time %lld", ms);
    rd_kafka_topic_partition_list_destroy(list);
}

static void reading_begins_where_the_group_stands(struct member *m)
{
    world_fill(&m->w, PARTITIONS, 100);
    asker_commit(&m->asker, 1, 40);
    join(m);
    take_many(m, 2 * 100 + 60, false);
    world_check(m->first[0] == 0 && m->first[1] == 40 && m->first[2] == 0,
                "began at %lld, %lld, %lld", (long long)m->first[0],
                (long long)m->first[1], (long long)m->first[2]);
}

static bool passed(struct member *m)
{
    struct err e = { 0 };
    bool is = false;

    world_check(group_passed(m->g, TOPIC, &is, &e) == 0, "%s", e.text);
    return is;
}

/* One commit in one partition, by whomever, is enough. */
static void a_passed_topic_is_known(struct member *m)
{
    world_fill(&m->w, PARTITIONS, 100);
    asker_commit(&m->asker, 2, 1);
    join(m);
    world_check(passed(m), "the commit was not seen");
}

/* A commit at the beginning is what a reset leaves. */
static void a_reset_topic_is_not_passed(struct member *m)
{
    world_fill(&m->w, PARTITIONS, 100);
    asker_commit(&m->asker, 0, 0);
    join(m);
    world_check(!passed(m), "the beginning counts as passed");
}

static void an_offset_that_is_gone_is_fatal(struct member *m)
{
    int64_t deadline_ms = clock_ms() + 20000;
    struct group_msg msg = { 0 };
    struct err e = { 0 };
    int rc = 0;

    world_fill(&m->w, 1, 10);
    asker_commit(&m->asker, 0, 5000);
    join(m);
    while (rc == 0 && clock_left_ms(deadline_ms) > 0) {
        rc = group_poll(m->g, 100, &msg, &e);
        world_check(!msg.msg, "it jumped to some other offset");
    }
    world_check(rc == -1 && e.kind == ERR_FATAL, "no error");
    world_check(strstr(e.text, TOPIC " [0] offset 5000") &&
                    strstr(e.text, "resync"),
                "says: %s", e.text);
}

static void a_pause_loses_and_repeats_nothing(struct member *m)
{
    world_fill(&m->w, PARTITIONS, 200);
    join(m);
    group_pause(m->g, true); /* before anything is assigned */
    stay_silent(m, 5000);
    world_check(group_settled(m->g), "not assigned");
    for (unsigned part = 1; part <= 10; part++) {
        group_pause(m->g, false);
        take_many(m, part * 50, true);
        group_pause(m->g, true);
        stay_silent(m, 300);
    }
    group_pause(m->g, false);
    take_many(m, 3 * 200, true);
    for (int32_t p = 0; p < PARTITIONS; p++) {
        for (int o = 0; o < 200; o++) {
            world_check(m->count[p][o] == 1, "%d came %u times", o,
                        m->count[p][o]);
        }
    }
}

static void unread_comes_first(struct member *m)
{
    int64_t deadline_ms = clock_ms() + 20000;
    struct group_msg one = { 0 }, two = { 0 }, again;
    struct err e = { 0 };

    world_fill(&m->w, 1, 10);
    join(m);
    while (!two.msg && clock_left_ms(deadline_ms) > 0) {
        struct group_msg *next = one.msg ? &two : &one;

        world_check(group_poll(m->g, 100, next, &e) == 0, "%s", e.text);
    }
    world_check(two.msg && one.msg->offset == 0 && two.msg->offset == 1, "two");
    group_unread(m->g, two);
    group_unread(m->g, one);
    group_pause(m->g, true);
    world_check(group_poll(m->g, 0, &again, &e) == 0 && !again.msg, "paused");
    group_pause(m->g, false);
    take_many(m, 10, false); /* checks the order */
    world_check(m->first[0] == 0, "began at %lld", (long long)m->first[0]);
}

/* The coordinator forgot us: nothing is committed, all of it comes again. */
static void a_loss_commits_nothing(struct member *m)
{
    unsigned epoch;

    world_fill(&m->w, PARTITIONS, 50);
    join(m);
    take_many(m, 3 * 50, true); /* settled, and no commit was asked for */
    epoch = m->epoch;
    fail_requests(m, API_HEARTBEAT, 1, RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID);
    while (m->epoch == epoch) {
        (void)take(m, 100, false);
    }
    world_check(asker_committed(&m->asker, 0) == -1, "committed");
    take_many(m, 3 * 50, true);
    world_check(m->first[0] == 0 && m->first[1] == 0 && m->first[2] == 0,
                "not from the beginning");
    commit_until(m, 0, 50);
}

static void a_zombie_reads_again(struct member *m)
{
    unsigned epoch;

    world_fill(&m->w, PARTITIONS, 50);
    join(m);
    take_many(m, 3 * 50, true);
    epoch = m->epoch;
    fail_requests(m, API_OFFSET_COMMIT, 1,
                  RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION);
    group_commit(m->g);
    while (m->epoch == epoch) {
        (void)take(m, 100, false);
    }
    take_many(m, 3 * 50, true);
    world_check(m->first[0] == 0, "began at %lld", (long long)m->first[0]);
    commit_until(m, 0, 50);
    commit_until(m, 2, 50);
}

static void a_failed_commit_is_made_again(struct member *m)
{
    unsigned epoch;

    world_fill(&m->w, PARTITIONS, 50);
    join(m);
    fail_requests(m, API_OFFSET_COMMIT, 3,
                  RD_KAFKA_RESP_ERR_OFFSET_METADATA_TOO_LARGE);
    take_many(m, 3 * 50, true);
    epoch = m->epoch;
    group_commit(m->g);
    commit_until(m, 1, 50);
    world_check(m->epoch == epoch, "the partitions were dropped");
    world_check(m->got == 3 * 50, "something came again");
}

/* Another member joins: every partition has one reader afterwards. (The mock
   takes no commits while a group rebalances; Kafka does, and the end-to-end
   tests see it.) */
static void two_members_share_the_partitions(struct member *m)
{
    static struct member other;
    int64_t deadline_ms = clock_ms() + 30000;
    unsigned epoch;

    world_fill(&m->w, PARTITIONS, 50);
    join(m);
    take_many(m, 100, false);
    epoch = m->epoch;
    other.w = m->w;
    join(&other);
    while (m->epoch == epoch || m->got + other.got < 3 * 50) {
        world_check(clock_left_ms(deadline_ms) > 0, "%u and %u came", m->got,
                    other.got);
        (void)take(m, 50, false);
        (void)take(&other, 50, false);
    }
    for (int p = 0; p < PARTITIONS; p++) {
        world_check((m->first[p] < 0) != (other.first[p] < 0),
                    "partition %d has no reader, or two", p);
    }
    group_close(other.g, 5000);
}

static void leaving_commits_first(struct member *m)
{
    world_fill(&m->w, PARTITIONS, 50);
    join(m);
    take_many(m, 3 * 50, true);
    group_close(m->g, 5000);
    m->g = NULL;
    for (int32_t p = 0; p < PARTITIONS; p++) {
        world_check(asker_committed(&m->asker, p) == 50, "partition %d",
                    (int)p);
    }
}

static void lose(struct member *m)
{
    unsigned epoch = m->epoch;

    fail_requests(m, API_HEARTBEAT, 1, RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID);
    while (m->epoch == epoch) {
        (void)take(m, 100, false);
    }
}

static void partitions_that_come_while_paused_are_paused(struct member *m)
{
    world_fill(&m->w, PARTITIONS, 50);
    join(m);
    take_many(m, 20, false);
    group_pause(m->g, true);
    lose(m);
    while (!group_settled(m->g)) {
        (void)take(m, 100, false);
    }
    stay_silent(m, 1000);
    group_pause(m->g, false);
    take_many(m, 3 * 50, false);
}

/* librdkafka keeps its pause flag beyond the assignment: see group.h. */
static void partitions_lost_while_paused_start_again(struct member *m)
{
    world_fill(&m->w, PARTITIONS, 50);
    join(m);
    take_many(m, 20, false);
    group_pause(m->g, true);
    lose(m);
    group_pause(m->g, false); /* with nothing assigned */
    take_many(m, 3 * 50, false);
}

static void a_late_topic_is_read(struct member *m)
{
    int64_t began_ms;

    join(m); /* no table topic exists */
    while (!group_settled(m->g)) {
        (void)take(m, 100, false);
    }
    stay_silent(m, 2000);
    began_ms = clock_ms();
    world_check(!rd_kafka_mock_topic_create(m->w.cluster, TOPIC, PARTITIONS, 1),
                "create");
    world_fill(&m->w, PARTITIONS, 10);
    take_many(m, 30, false);
    world_check(clock_ms() - began_ms < 15000, "it took %lld ms",
                (long long)(clock_ms() - began_ms));
}

/* Offsets that cannot be asked for are waited for, never guessed. */
static void unknown_offsets_are_waited_for(struct member *m)
{
    int64_t deadline_ms = clock_ms() + 9000;

    world_fill(&m->w, PARTITIONS, 50);
    asker_commit(&m->asker, 0, 20);
    fail_requests(m, API_OFFSET_FETCH, 40,
                  RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED);
    join(m);
    while (clock_left_ms(deadline_ms) > 0) {
        world_check(!take(m, 50, false), "began without an offset");
    }
    world_check(!group_settled(m->g), "settled");
    rd_kafka_mock_clear_request_errors(m->w.cluster, API_OFFSET_FETCH);
    take_many(m, 3 * 50 - 20, false);
    world_check(m->first[0] == 20, "began at %lld", (long long)m->first[0]);
}

static void a_group_whose_offsets_are_unknown_can_be_left(struct member *m)
{
    int64_t deadline_ms = clock_ms() + 6000;

    fail_requests(m, API_OFFSET_FETCH, 40,
                  RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED);
    join(m);
    while (clock_left_ms(deadline_ms) > 0) {
        (void)take(m, 50, false);
    }
    deadline_ms = clock_ms() + 5000;
    group_close(m->g, 8000);
    m->g = NULL;
    world_check(clock_left_ms(deadline_ms) > 0, "it took too long");
}

static void a_broker_that_comes_back_is_read_on(struct member *m)
{
    world_fill(&m->w, PARTITIONS, 100);
    join(m);
    take_many(m, 50, true);
    (void)rd_kafka_mock_broker_set_down(m->w.cluster, 1);
    for (int i = 0; i < 15; i++) {
        (void)take(m, 100, true);
    }
    (void)rd_kafka_mock_broker_set_up(m->w.cluster, 1);
    take_many(m, 300, true);
    commit_until(m, 2, 100);
}

/* ---- processes -------------------------------------------------------- */

typedef void forked_body(struct member *m);

static void child(const char *name, forked_body *body)
{
    struct member *m = xcalloc(1, sizeof(*m));

    world_scenario = name;
    log_init(name, getenv("TEST_LOG") ? LOG_DEBUG : LOG_ERROR, LOG_LOGFMT);
    world_open(&m->w, body == a_late_topic_is_read ? 0 : PARTITIONS);
    asker_open(&m->asker, &m->w);
    body(m);
    group_close(m->g, 8000);
    asker_close(&m->asker);
    world_close(&m->w);
    xfree(m);
}

#define SCENARIOS(X)                                 \
    X(what_is_settled_is_committed)                  \
    X(reading_begins_where_the_group_stands)         \
    X(a_passed_topic_is_known)                       \
    X(a_reset_topic_is_not_passed)                   \
    X(an_offset_that_is_gone_is_fatal)               \
    X(a_pause_loses_and_repeats_nothing)             \
    X(unread_comes_first)                            \
    X(a_loss_commits_nothing)                        \
    X(a_zombie_reads_again)                          \
    X(a_failed_commit_is_made_again)                 \
    X(two_members_share_the_partitions)              \
    X(leaving_commits_first)                         \
    X(partitions_that_come_while_paused_are_paused)  \
    X(partitions_lost_while_paused_start_again)      \
    X(a_late_topic_is_read)                          \
    X(unknown_offsets_are_waited_for)                \
    X(a_group_whose_offsets_are_unknown_can_be_left) \
    X(a_broker_that_comes_back_is_read_on)

FORKED(SCENARIOS, child)

int main(void)
{
    return FORKED_MAIN(SCENARIOS);
}
