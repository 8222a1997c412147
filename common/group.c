#include "common/group.h"

#include "common/clock.h"
#include "common/commit.h"
#include "common/log.h"
#include "common/sink.h"
#include "common/stop.h"

enum {
    POLL_MS = 100,             /* so often a stop is noticed */
    LOOK_MS = 2500,            /* group.h, "Frozen"; two heartbeats and more */
    LOOKUP_MS = 2000,          /* one question for committed offsets */
    AGAIN_MS = 500,            /* between two of them */
    ANSWER_MS = 1000,          /* for a commit that is under way */
    REVOKE_MS = 5000,          /* the commit before partitions are given up */
    PROBE_MS = 2000,           /* between two looks for topics */
    SAME_ERROR_MS = 60 * 1000, /* between two lines of one error */
    NUDGE_BYTES = 4 << 20,     /* a quarter of librdkafka's queue */
    HELD_MAX = 1000,           /* messages that came while paused */
};

/* What the rebalance callback saw. It runs within our own call of
   librdkafka, on our thread; the loop acts. */
enum change { CHANGE_NONE, CHANGE_GIVEN, CHANGE_TAKEN, CHANGE_LOST };

struct group {
    rd_kafka_t *rk;
    const char *prefix;

    enum change change;
    rd_kafka_topic_partition_list_t *given; /* offsets to be looked up */
    int64_t lookup_ms;                      /* not before */
    bool lookup_failing;

    struct assign assign;
    struct commit commit;
    bool active; /* assigned, offsets known; perhaps no partition at all */
    bool paused;
    unsigned epoch;
    int64_t asked_ms;    /* when librdkafka was asked last */
    size_t handed_bytes; /* since the last nudge */

    bool no_topics;   /* no table topic exists: nothing to join for */
    int64_t probe_ms; /* not before */

    struct group_msg *held; /* ring: to be handed out first */
    unsigned held_head, held_count, held_cap;

    rd_kafka_resp_err_t last_error;
    int64_t last_error_ms;
};

/* ---- messages held ---------------------------------------------------- */

static void held_reserve(struct group *g)
{
    unsigned cap = g->held_cap ? g->held_cap * 2 : 16;
    struct group_msg *held;

    if (g->held_count < g->held_cap) {
        return;
    }
    held = xcalloc(cap, sizeof(*held));
    for (unsigned i = 0; i < g->held_count; i++) {
        held[i] = g->held[(g->held_head + i) % g->held_cap];
    }
    xfree(g->held);
    g->held = held;
    g->held_head = 0;
    g->held_cap = cap;
}

static void held_append(struct group *g, struct group_msg msg)
{
    held_reserve(g);
    g->held[(g->held_head + g->held_count) % g->held_cap] = msg;
    g->held_count++;
}

void group_unread(struct group *g, struct group_msg msg)
{
    held_reserve(g);
    g->held_head = (g->held_head + g->held_cap - 1) % g->held_cap;
    g->held[g->held_head] = msg;
    g->held_count++;
}

static struct group_msg held_first(struct group *g)
{
    struct group_msg msg = g->held[g->held_head];

    g->held_head = (g->held_head + 1) % g->held_cap;
    g->held_count--;
    return msg;
}

/* ---- partitions come and go ------------------------------------------- */

static void on_rebalance(rd_kafka_t *rk, rd_kafka_resp_err_t err,
                         rd_kafka_topic_partition_list_t *list, void *opaque)
{
    struct group *g = opaque;

    if (g->given) {
        rd_kafka_topic_partition_list_destroy(g->given);
        g->given = NULL;
    }
    if (err == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
        g->given = rd_kafka_topic_partition_list_copy(list);
        g->change = CHANGE_GIVEN;
    } else if (err == RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS &&
               !rd_kafka_assignment_lost(rk)) {
        g->change = CHANGE_TAKEN;
    } else {
        g->change = CHANGE_LOST;
    }
    rd_kafka_yield(rk); /* the call returns, and `act` acts */
}

static void pause_all(struct group *g, bool paused)
{
    rd_kafka_topic_partition_list_t *list;

    if (g->assign.count == 0) {
        return;
    }
    list = assign_list(&g->assign);
    /* both fail only for partitions that librdkafka does not know */
    if (paused) {
        (void)rd_kafka_pause_partitions(g->rk, list);
    } else {
        (void)rd_kafka_resume_partitions(g->rk, list);
    }
    rd_kafka_topic_partition_list_destroy(list);
}

void group_pause(struct group *g, bool paused)
{
    if (g->paused != paused) {
        g->paused = paused;
        pause_all(g, paused);
    }
}

/* Forgets all that is held. Resumed first: the flag would outlive it. */
static void drop_all(struct group *g)
{
    if (g->paused) {
        pause_all(g, false);
    }
    while (g->held_count > 0) {
        rd_kafka_message_destroy(held_first(g).msg);
    }
    assign_clear(&g->assign);
    commit_forget(&g->commit);
    g->active = false;
    g->epoch++;
}

static void give_up(struct group *g, bool lost)
{
    unsigned count = g->assign.count;

    if (!lost) {
        commit_wait(&g->commit, REVOKE_MS);
    }
    drop_all(g);
    (void)rd_kafka_assign(g->rk, NULL); /* fails only after a fatal error,
                                           which the next poll brings */
    log_info(lost ? "partitions lost" : "partitions revoked", "partitions=%u",
             count);
}

/* Everything is read again from where the group stands. */
static void reread(struct group *g)
{
    if (g->active) {
        g->given = assign_list(&g->assign);
        g->lookup_ms = 0;
        drop_all(g);
    }
}

/* Where each partition begins: 0, or the error that hides it. */
static rd_kafka_resp_err_t find_offsets(struct group *g, int *ret_fresh)
{
    rd_kafka_topic_partition_list_t *list = g->given;
    rd_kafka_resp_err_t err = RD_KAFKA_RESP_ERR_NO_ERROR;
    int fresh = 0;

    if (list->cnt > 0) {
        err = rd_kafka_committed(g->rk, list, LOOKUP_MS);
    }
    for (int i = 0; i < list->cnt && !err; i++) {
        err = list->elems[i].err;
        if (consumer_is_heartbeat(g->prefix, list->elems[i].topic)) {
            /* few records, and never worth a stop: always from the first */
            list->elems[i].offset = RD_KAFKA_OFFSET_BEGINNING;
            continue;
        }
        if (list->elems[i].offset < 0) {
            list->elems[i].offset = RD_KAFKA_OFFSET_BEGINNING;
            fresh++;
        }
    }
    *ret_fresh = fresh;
    return err;
}

/* Starts what was given, once its offsets are known. Librdkafka goes on with
   heartbeats until then, so this may take as long as it must. */
static void start_given(struct group *g)
{
    rd_kafka_resp_err_t err;
    int fresh;

    g->lookup_ms = clock_ms() + AGAIN_MS;
    err = find_offsets(g, &fresh);
    if (!err) {
        err = rd_kafka_assign(g->rk, g->given);
    }
    if (err) {
        if (!g->lookup_failing) {
            log_warn("partitions wait for their committed offsets", "error=%s",
                     rd_kafka_err2str(err));
        }
        g->lookup_failing = true;
        return;
    }
    g->lookup_failing = false;
    assign_set(&g->assign, g->given);
    rd_kafka_topic_partition_list_destroy(g->given);
    g->given = NULL;
    g->active = true;
    g->epoch++;
    if (g->paused) {
        pause_all(g, true);
    }
    log_info("partitions assigned", "partitions=%u from_beginning=%d",
             g->assign.count, fresh);
}

/* Acts on what the last calls of librdkafka brought. */
static void act(struct group *g)
{
    enum change change = g->change;

    g->change = CHANGE_NONE;
    switch (change) {
    case CHANGE_NONE: break;
    case CHANGE_GIVEN: g->lookup_ms = 0; break;
    case CHANGE_TAKEN: give_up(g, false); break;
    case CHANGE_LOST: give_up(g, true); break;
    }
    if (g->commit.zombie) {
        reread(g); /* librdkafka has queued the loss itself by now */
    }
    if (g->given && clock_ms() >= g->lookup_ms) {
        start_given(g);
    }
}

/* ---- messages --------------------------------------------------------- */

static void say_error(struct group *g, const rd_kafka_message_t *msg)
{
    int64_t now = clock_ms();

    if (msg->err == g->last_error && now - g->last_error_ms < SAME_ERROR_MS) {
        return;
    }
    g->last_error = msg->err;
    g->last_error_ms = now;
    /* before the first table there is no topic: no reason to worry */
    log_line(msg->err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART ? LOG_INFO
                                                                 : LOG_WARN,
             "kafka consumer", "error=%s", rd_kafka_message_errstr(msg));
}

/* A heartbeat topic that was deleted and made anew holds nothing that could
   be missed. */
static int judge(struct group *g, const rd_kafka_message_t *msg, struct err *e)
{
    if (msg->err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET && msg->rkt &&
        consumer_is_heartbeat(g->prefix, rd_kafka_topic_name(msg->rkt))) {
        return 0;
    }
    return consumer_judge(g->rk, msg, e);
}

/* One call of librdkafka. */
static int serve(struct group *g, int wait_ms, struct group_msg *ret_msg,
                 struct err *e)
{
    rd_kafka_message_t *msg;
    struct part *p;
    int rc;

    *ret_msg = (struct group_msg){ 0 };
    commit_answer(&g->commit, 0);
    g->asked_ms = clock_ms();
    msg = rd_kafka_consumer_poll(g->rk, wait_ms);
    if (!msg) {
        act(g);
        return 0;
    }
    if (msg->err) {
        rc = judge(g, msg, e);
        if (rc == 0) {
            say_error(g, msg);
        }
        rd_kafka_message_destroy(msg);
        return rc;
    }
    p = assign_find(&g->assign, rd_kafka_topic_name(msg->rkt), msg->partition);
    if (!p || msg->offset < p->next) {
        rd_kafka_message_destroy(msg); /* being read again from an earlier
                                          place: it comes once more */
        return 0;
    }
    p->next = msg->offset + 1;
    g->handed_bytes += msg->len + msg->key_len;
    *ret_msg = (struct group_msg){ .msg = msg, .part = p };
    return 0;
}

/* A message that came in spite of the pause. */
static void hold(struct group *g, struct group_msg msg)
{
    held_append(g, msg);
    if (g->held_count > HELD_MAX) {
        log_warn("paused partitions go on sending: read again", "");
        reread(g);
    } else {
        pause_all(g, true);
    }
}

/* group.h, "Frozen": time in which we hear that we were left out. */
static int look(struct group *g, struct err *e)
{
    bool was = g->paused;
    int64_t deadline_ms = clock_ms() + LOOK_MS;
    struct group_msg msg;

    group_pause(g, true);
    while (clock_left_ms(deadline_ms) > 0 && !stop_requested()) {
        if (serve(g, POLL_MS, &msg, e) < 0) {
            return -1;
        }
        if (msg.msg) {
            hold(g, msg);
        }
    }
    group_pause(g, was);
    return 0;
}

static int check_silence(struct group *g, struct err *e)
{
    int64_t silence_ms = group_silence_ms(g);

    if (silence_ms < GROUP_LOOK_MS) {
        return 0;
    }
    commit_answer(&g->commit, ANSWER_MS); /* perhaps it ends the question */
    silence_ms = group_silence_ms(g);
    if (silence_ms < GROUP_LOOK_MS && !g->commit.zombie) {
        return 0;
    }
    if (silence_ms > SINK_BATCH_AGE_MS && g->active) {
        log_warn("the group was not served for too long: reading again from "
                 "the committed offsets",
                 "silence_ms=%lld", (long long)silence_ms);
        reread(g);
    }
    return look(g, e);
}

/* Librdkafka joins only when a topic matches; before the first table there
   is none, and nothing to wait for. */
static void probe(struct group *g)
{
    if (g->active || g->given || clock_ms() < g->probe_ms) {
        return;
    }
    g->probe_ms = clock_ms() + PROBE_MS;
    g->no_topics = consumer_no_topics(g->rk, g->prefix, LOOKUP_MS);
}

int group_poll(struct group *g, int wait_ms, struct group_msg *ret_msg,
               struct err *e)
{
    *ret_msg = (struct group_msg){ 0 };
    if (check_silence(g, e) < 0) {
        return -1;
    }
    if (g->held_count > 0 && !g->paused) {
        *ret_msg = held_first(g);
        return 0;
    }
    if (serve(g, wait_ms, ret_msg, e) < 0) {
        return -1;
    }
    if (ret_msg->msg && g->paused) {
        hold(g, *ret_msg);
        *ret_msg = (struct group_msg){ 0 };
    }
    if (!ret_msg->msg) {
        probe(g);
    }
    return 0;
}

/* Any request to the partitions' leaders wakes their threads, which then see
   that the queue has room; this one is cheap for the broker, and answers that
   come too late fall into nothing. */
void group_nudge(struct group *g)
{
    rd_kafka_topic_partition_list_t *list;

    if (g->handed_bytes < NUDGE_BYTES || g->assign.count == 0) {
        return;
    }
    g->handed_bytes = 0;
    list = assign_list(&g->assign);
    for (int i = 0; i < list->cnt; i++) {
        list->elems[i].offset = RD_KAFKA_OFFSET_END;
    }
    (void)rd_kafka_offsets_for_times(g->rk, list, GROUP_NUDGE_MS);
    rd_kafka_topic_partition_list_destroy(list);
}

/* ---- the rest --------------------------------------------------------- */

unsigned group_epoch(const struct group *g)
{
    return g->epoch;
}

int64_t group_silence_ms(const struct group *g)
{
    int64_t member_ms = g->commit.member_ms;

    return clock_ms() - (g->asked_ms > member_ms ? g->asked_ms : member_ms);
}

bool group_settled(const struct group *g)
{
    return g->active || (g->no_topics && !g->given);
}

int group_passed(struct group *g, const char *topic, bool *ret_passed,
                 struct err *e)
{
    return consumer_passed(g->rk, topic, ret_passed, e);
}

void group_commit(struct group *g)
{
    commit_send(&g->commit);
}

void group_each(struct group *g, group_each_fn *each, void *arg)
{
    for (unsigned i = 0; i < g->assign.count; i++) {
        const struct part *p = &g->assign.parts[i];
        int64_t low = -1, high = -1;

        /* what the last fetch said, no question to the broker; unknown at
           first, then `high` is negative */
        (void)rd_kafka_get_watermark_offsets(g->rk, p->topic, p->partition,
                                             &low, &high);
        each(arg, p, high > p->next);
    }
}

int group_open(struct group **ret_group, const struct consumer_conf *conf,
               struct err *e)
{
    struct group *g = xcalloc(1, sizeof(*g));

    g->prefix = conf->prefix;
    g->asked_ms = clock_ms();
    if (consumer_open(&g->rk, conf, on_rebalance, g, e) < 0) {
        xfree(g);
        return -1;
    }
    commit_init(&g->commit, g->rk, &g->assign);
    *ret_group = g;
    return 0;
}

/* What comes while the group is left: the revoke, which is answered, and
   messages nobody wants any more. Anything given now comes too late. */
static void on_close_event(struct group *g, rd_kafka_event_t *event)
{
    if (rd_kafka_event_type(event) != RD_KAFKA_EVENT_REBALANCE) {
        return;
    }
    on_rebalance(g->rk, rd_kafka_event_error(event),
                 rd_kafka_event_topic_partition_list(event), g);
    give_up(g, g->change != CHANGE_TAKEN);
    g->change = CHANGE_NONE;
}

/* Through our own queue, so that we and not the coordinator decide how long
   it takes. */
static bool leave(struct group *g, int64_t deadline_ms)
{
    rd_kafka_queue_t *queue = rd_kafka_queue_new(g->rk);
    rd_kafka_error_t *error;

    if (g->given) {
        (void)rd_kafka_assign(g->rk, NULL); /* librdkafka waits for it */
    }
    error = rd_kafka_consumer_close_queue(g->rk, queue);
    if (error) {
        rd_kafka_error_destroy(error); /* fatal: nothing left to leave */
    }
    while (!rd_kafka_consumer_closed(g->rk) && clock_left_ms(deadline_ms) > 0) {
        rd_kafka_event_t *event = rd_kafka_queue_poll(queue, POLL_MS);

        if (event) {
            on_close_event(g, event);
            rd_kafka_event_destroy(event);
        }
    }
    rd_kafka_queue_destroy(queue);
    return rd_kafka_consumer_closed(g->rk);
}

void group_close(struct group *g, int budget_ms)
{
    int64_t deadline_ms = clock_ms() + budget_ms;
    bool left;

    if (!g) {
        return;
    }
    commit_wait(&g->commit, budget_ms / 2);
    left = leave(g, deadline_ms);
    drop_all(g);
    commit_fini(&g->commit);
    if (g->given) {
        rd_kafka_topic_partition_list_destroy(g->given);
    }
    if (left) {
        rd_kafka_destroy(g->rk);
    } else {
        /* Destroying would wait for the coordinator too. The process ends
           anyway, and the group forgets us after the session timeout. */
        log_warn("the group could not be left in time", "budget_ms=%d",
                 budget_ms);
    }
    xfree(g->held);
    xfree(g);
}
