#include "producer/session.h"

#include "common/clock.h"
#include "common/log.h"
#include "common/stop.h"
#include "common/topics.h"
#include "producer/preflight.h"
#include "producer/slot.h"

enum { STATE_WAIT_MS = 30 * 1000 };

static int control_open(struct session *s, struct err *e)
{
    if (pgconn_open(&s->conn, s->url, PGCONN_SQL, e) < 0) {
        return -1;
    }
    if (preflight_server(s->conn, !s->greeted, e) < 0) {
        return -1;
    }
    s->greeted = true;
    xfree(s->db);
    s->db = xstrdup(PQdb(s->conn));
    s->place.db = str_of(s->db);
    /* catalog questions and publication changes must not hold up the loop */
    return pgconn_exec(s->conn, "SET lock_timeout = '1s'", CATALOG_TIMEOUT_MS,
                       e);
}

/* Is this the server that state knows, and not behind it? */
static int server_judge(const struct session *s, struct err *e)
{
    const struct state *st = &s->state;
    const struct repl *r = &s->repl;
    static const char remedy[] =
        "start with another CDC_NAME, which copies all tables";

    if (!st->exists) {
        return 0;
    }
    if (strcmp(st->slot, s->slot) != 0) {
        return err_set(e, ERR_FATAL, "state belongs to slot \"%s\", not \"%s\"",
                       st->slot, s->slot);
    }
    if (strcmp(st->system_id, r->system_id) != 0) {
        return err_set(e, ERR_FATAL,
                       "this is another database cluster (system identifier"
                       " %s, state knows %s): its LSNs mean something else; %s",
                       r->system_id, st->system_id, remedy);
    }
    if (st->timeline != r->timeline) {
        return err_set(e, ERR_FATAL,
                       "the server is on timeline %u, state knows %u (a"
                       " fail-over or restore): published changes may be"
                       " missing there; %s",
                       r->timeline, st->timeline, remedy);
    }
    if (r->flush_lsn < st->confirmed_lsn) {
        return err_set(e, ERR_FATAL,
                       "the server's WAL ends at %X/%X, before %X/%X that was"
                       " published: its LSNs went back; %s",
                       LSN_ARG(r->flush_lsn), LSN_ARG(st->confirmed_lsn),
                       remedy);
    }
    return 0;
}

/* Writes state and waits until it is acknowledged. */
static int state_put(struct session *s, uint64_t lsn, struct err *e)
{
    int64_t deadline_ms = clock_ms() + STATE_WAIT_MS;

    do {
        if (state_write(&s->state, s->pub, s->tables, lsn, e) < 0 ||
            publish_poll(s->pub, 20, e) < 0) {
            return -1;
        }
        state_settle(&s->state, s->pub);
        if (clock_left_ms(deadline_ms) == 0 || stop_requested()) {
            return err_set(e, ERR_RETRY, "state was not acknowledged");
        }
    } while (s->state.writing || !s->state.exists);
    return 0;
}

/* The slot of a new pipeline, and the first record of state. */
static int first_start(struct session *s, struct slot *slot, struct err *e)
{
    if (!slot->exists) {
        if (repl_create_slot(&s->repl, s->slot, e) < 0 ||
            slot_read(s->conn, s->slot, slot, e) < 0) {
            return -1;
        }
        log_info("slot created", "slot=%s lsn=%X/%X", s->slot,
                 LSN_ARG(slot->confirmed_lsn));
    }
    if (s->state.exists) {
        return 0;
    }
    (void)snprintf(s->state.slot, sizeof(s->state.slot), "%s", s->slot);
    (void)snprintf(s->state.system_id, sizeof(s->state.system_id), "%s",
                   s->repl.system_id);
    s->state.timeline = s->repl.timeline;
    if (state_put(s, slot->confirmed_lsn, e) < 0) {
        return -1;
    }
    /* our own record is no sign of another producer */
    return state_read(&s->state, s->brokers, s->pipeline, s->tables, e);
}

static int control_topic(const struct session *s, const char *name,
                         struct err *e)
{
    struct topic_spec spec = { .name = name,
                               .kind = TOPIC_CONTROL,
                               .partitions = 1,
                               .replication_factor =
                                   s->adopt->replication_factor };
    int partitions;
    bool created;

    if (topic_ensure(s->pub->rk, &spec, &partitions, &created, e) < 0) {
        return err_wrap(e, "topic %s", name);
    }
    if (partitions != 1) {
        return err_set(e, ERR_FATAL, "topic %s has %d partitions, not 1", name,
                       partitions);
    }
    return 0;
}

/* Connections, state and slot, looked at and not yet changed. */
static int look(struct session *s, struct slot *slot, struct err *e)
{
    if (control_open(s, e) < 0 || repl_open(&s->repl, s->url, e) < 0 ||
        state_read(&s->state, s->brokers, s->pipeline, s->tables, e) < 0 ||
        server_judge(s, e) < 0 || slot_read(s->conn, s->slot, slot, e) < 0) {
        return -1;
    }
    return 0;
}

int session_open(struct session *s, struct err *e)
{
    struct slot slot;
    unsigned joined;
    bool moved;

    if (look(s, &slot, e) < 0 || slot_judge(&slot, s->slot, &s->state, e) < 0 ||
        control_topic(s, s->state.topic, e) < 0 ||
        control_topic(s, s->schema_topic, e) < 0 ||
        (s->heartbeat_topic && control_topic(s, s->heartbeat_topic, e) < 0) ||
        adopt_publication(s->adopt, s->conn, e) < 0 ||
        adopt_sync(s->adopt, s->conn, true, &joined, e) < 0 ||
        first_start(s, &slot, e) < 0) {
        return -1;
    }
    if (repl_start(&s->repl, s->slot, s->slot, s->state.confirmed_lsn, e) < 0 ||
        state_moved(&s->state, s->pub->rk, &moved, e) < 0) {
        return -1;
    }
    if (moved) {
        return err_set(e, ERR_RETRY,
                       "another producer wrote state before the slot was ours");
    }
    log_info("streaming", "slot=%s lsn=%X/%X timeline=%u tables=%u", s->slot,
             LSN_ARG(s->state.confirmed_lsn), s->repl.timeline,
             s->tables->count);
    return 0;
}

int session_check(struct session *s, struct err *e)
{
    struct slot slot;

    if (look(s, &slot, e) < 0) {
        return -1;
    }
    slot.active = false; /* a pipeline that runs is no finding */
    if (slot_judge(&slot, s->slot, &s->state, e) < 0) {
        return -1;
    }
    return adopt_check(s->adopt, s->conn, e);
}

void session_close(struct session *s)
{
    repl_close(&s->repl);
    s->repl = (struct repl){ 0 };
    pgconn_close(s->conn);
    s->conn = NULL;
}
