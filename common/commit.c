#include "common/commit.h"

#include "common/clock.h"
#include "common/log.h"

enum { AGAIN_MS = 500 };

void commit_init(struct commit *c, rd_kafka_t *rk, struct assign *assign)
{
    *c = (struct commit){ .rk = rk,
                          .assign = assign,
                          .answers = rd_kafka_queue_new(rk) };
}

void commit_fini(struct commit *c)
{
    if (c->answers) {
        rd_kafka_queue_destroy(c->answers);
    }
    *c = (struct commit){ 0 };
}

/* The broker's ways to say that somebody else has the partitions now. */
static bool is_zombie(rd_kafka_resp_err_t err)
{
    return err == RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION ||
           err == RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID ||
           err == RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID;
}

static void judge(struct commit *c, rd_kafka_resp_err_t err,
                  const rd_kafka_topic_partition_list_t *list)
{
    bool all = err != RD_KAFKA_RESP_ERR_NO_ERROR;

    for (int i = 0; i < list->cnt && !err; i++) {
        err = list->elems[i].err;
    }
    if (!err) {
        if (c->failing) {
            log_info("offsets are committed again", "");
        }
        c->failing = false;
        c->member_ms = c->sent_ms;
        return;
    }
    assign_untake(c->assign, list, all);
    c->next_ms = clock_ms() + AGAIN_MS;
    c->zombie = c->zombie || is_zombie(err);
    if (!c->failing) {
        log_warn("offsets could not be committed", "error=%s",
                 rd_kafka_err2str(err));
    }
    c->failing = true;
}

/* librdkafka's callback, within our poll of `answers`. */
static void on_commit(rd_kafka_t *rk, rd_kafka_resp_err_t err,
                      rd_kafka_topic_partition_list_t *list, void *opaque)
{
    struct commit *c = opaque;

    (void)rk;
    c->busy = false;
    judge(c, err, list);
}

void commit_answer(struct commit *c, int wait_ms)
{
    if (c->busy) {
        (void)rd_kafka_queue_poll_callback(c->answers, wait_ms);
    }
}

static void send_now(struct commit *c)
{
    rd_kafka_topic_partition_list_t *list =
        assign_take(c->assign, clock_wall_us());
    rd_kafka_resp_err_t err;

    if (!list) {
        return;
    }
    c->busy = true;
    c->sent_ms = clock_ms();
    err = rd_kafka_commit_queue(c->rk, list, c->answers, on_commit, c);
    if (err) {
        c->busy = false;
        judge(c, err, list);
    }
    rd_kafka_topic_partition_list_destroy(list);
}

void commit_send(struct commit *c)
{
    commit_answer(c, 0);
    if (!c->busy && clock_ms() >= c->next_ms) {
        send_now(c);
    }
}

static void wait_answer(struct commit *c, int64_t deadline_ms)
{
    while (c->busy && clock_left_ms(deadline_ms) > 0) {
        commit_answer(c, clock_left_ms(deadline_ms));
    }
}

void commit_wait(struct commit *c, int budget_ms)
{
    int64_t deadline_ms = clock_ms() + budget_ms;

    wait_answer(c, deadline_ms);
    if (!c->busy) {
        send_now(c);
    }
    wait_answer(c, deadline_ms);
}

/* A new queue: answers to the old one fall into nothing. */
void commit_forget(struct commit *c)
{
    if (c->busy) {
        rd_kafka_queue_destroy(c->answers);
        c->answers = rd_kafka_queue_new(c->rk);
    }
    c->busy = false;
    c->zombie = false;
    c->next_ms = 0;
}
