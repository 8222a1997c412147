#include "producer/heartbeat.h"

#include <inttypes.h>
#include <poll.h>

#include "common/clock.h"
#include "common/json.h"
#include "common/log.h"
#include "common/stop.h"

enum { WAIT_STEP_MS = 100 };

void heartbeat_init(struct heartbeat *h, const char *pipeline, int every_ms)
{
    *h = (struct heartbeat){ .pipeline = pipeline, .every_ms = every_ms };
    h->received =
        metric_time("cdc_heartbeat_last_received_timestamp_seconds",
                    "Commit time of the newest heartbeat that came through");
}

void heartbeat_reset(struct heartbeat *h, PGconn *conn)
{
    PQclear(h->ask.answer);
    h->ask = (struct question){ .conn = conn };
    h->due_ms = 0;
}

bool heartbeat_busy(const struct heartbeat *h)
{
    return h->ask.asked;
}

/* Did the statement fail, and not the session? */
static bool session_lives(const struct heartbeat *h)
{
    return PQstatus(h->ask.conn) == CONNECTION_OK &&
           PQtransactionStatus(h->ask.conn) == PQTRANS_IDLE;
}

/* 1: the answer is there, 0: not yet, -1: the session is of no use. */
static int answer_take(struct heartbeat *h, struct err *e)
{
    PGresult *res = NULL;
    int got = question_answer(&h->ask, &res, e);

    PQclear(res);
    if (got > 0) {
        if (h->refused) {
            log_info("heartbeats are written again", "");
        }
        h->refused = false;
        return 1;
    }
    if (got < 0 && session_lives(h)) {
        if (!h->refused) {
            log_warn("the server refuses heartbeats: an idle pipeline cannot "
                     "be told from a dead one",
                     "error=%s", e->text);
        }
        h->refused = true;
        return 1;
    }
    if (got == 0 && clock_ms() - h->asked_ms > PGCONN_QUERY_MS) {
        return err_set(e, ERR_RETRY, "heartbeat: no answer within %d s",
                       PGCONN_QUERY_MS / 1000);
    }
    return got;
}

static int ask(struct heartbeat *h, struct err *e)
{
    struct buf sql;
    int rc;

    buf_init(&sql, 1024);
    buf_printf(&sql,
               "SELECT pg_catalog.pg_logical_emit_message(true, '%s',"
               " '%s %" PRId64 "')",
               HEARTBEAT_PREFIX, h->pipeline, clock_wall_us());
    rc = question_ask(&h->ask, buf_z(&sql), e);
    buf_fini(&sql);
    h->asked_ms = clock_ms();
    h->due_ms = h->asked_ms + h->every_ms;
    return rc;
}

int heartbeat_turn(struct heartbeat *h, struct err *e)
{
    if (h->every_ms == 0 || h->ask.conn == NULL) {
        return 0;
    }
    if (h->ask.asked) {
        return answer_take(h, e) < 0 ? -1 : 0;
    }
    return clock_ms() >= h->due_ms ? ask(h, e) : 0;
}

int heartbeat_finish(struct heartbeat *h, struct err *e)
{
    while (h->ask.asked) {
        struct pollfd fds[] = {
            { .fd = question_socket(&h->ask), .events = POLLIN },
            { .fd = stop_fd(), .events = POLLIN },
        };
        int got = answer_take(h, e);

        if (got < 0) {
            return -1;
        }
        if (got == 0 && stop_requested()) {
            return err_set(e, ERR_RETRY, "stop requested");
        }
        if (got == 0) {
            (void)poll(fds, COUNT_OF(fds), WAIT_STEP_MS);
        }
    }
    return 0;
}

/* --- What comes back ----------------------------------------------------- */

bool heartbeat_is(const char *pipeline, bool transactional, struct str prefix,
                  struct str content)
{
    size_t name = strlen(pipeline);

    return transactional && str_eq(prefix, STR(HEARTBEAT_PREFIX)) &&
           content.len > name + 1 && memcmp(content.p, pipeline, name) == 0 &&
           content.p[name] == ' ';
}

void heartbeat_write(struct buf *key, struct buf *value, const char *pipeline,
                     int64_t commit_us, uint64_t commit_lsn)
{
    buf_char(key, '{');
    json_member_string(key, "serverName", str_of(pipeline));
    buf_char(key, '}');
    buf_char(value, '{');
    json_member_i64(value, "ts_ms", commit_us / 1000);
    json_member_i64(value, "ts_us", commit_us);
    json_member(value, STR("commit_lsn"));
    buf_char(value, '"');
    lsn_write(value, commit_lsn);
    buf_lit(value, "\"}");
}

void heartbeat_seen(struct heartbeat *h, int64_t commit_us)
{
    metric_time_raise(&h->received, commit_us);
}
