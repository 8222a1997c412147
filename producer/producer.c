#include "producer/producer.h"

#include <poll.h>

#include "common/dburl.h"
#include "common/finding.h"
#include "common/log.h"
#include "common/metrics.h"
#include "common/stop.h"

enum {
    LEDGER_SLOTS = 1 << 16,
    STEPS_PER_TURN = 1024, /* stream messages, then the others have theirs */
    CONFIRM_MS = 1000,
    GAUGES_MS = 1000,
    CONFIRM_SOON_MS = 20,
    WAIT_MS_MAX = 200,
    DRAIN_MS = 15 * 1000,
    DRAIN_STATE_MS = 5 * 1000,
    URL_BYTES_MAX = 1 << 16,
};

/* ---- parts ------------------------------------------------------------- */

static void names_make(struct producer *p)
{
    const char *name = p->opt.common.name;
    size_t i;

    for (i = 0; name[i] != '\0' && i + 1 < sizeof(p->slot); i++) {
        p->slot[i] = name[i] == '-' ? '_' : name[i];
    }
    p->slot[i] = '\0';
    (void)snprintf(p->schema_topic, sizeof(p->schema_topic), "%s.schema", name);
    (void)snprintf(p->heartbeat_topic, sizeof(p->heartbeat_topic),
                   "%s.heartbeat", name);
}

static int url_make(struct producer *p, struct err *e)
{
    struct buf dropped;
    int rc;

    buf_init(&p->url, URL_BYTES_MAX);
    buf_init(&dropped, URL_BYTES_MAX);
    rc = dburl_clean(str_of(p->opt.database_url), &p->url, &dropped, e);
    if (rc == 0 && dropped.len > 0) {
        log_warn("DATABASE_URL has parameters that libpq does not know",
                 "ignored=%s", buf_z(&dropped));
    }
    buf_fini(&dropped);
    return rc;
}

static void parts_join(struct producer *p)
{
    const char *name = p->opt.common.name, *url = buf_z(&p->url);
    const char *heartbeat_topic =
        p->opt.heartbeat_ms > 0 ? p->heartbeat_topic : NULL;

    p->adopt = (struct adopt){
        .selection = &p->selection,
        .publication = p->slot,
        .place = &p->session.place,
        .tables = &p->tables,
        .pub = &p->pub,
        .partitions = p->opt.partitions,
        .replication_factor = p->opt.replication_factor,
    };
    p->session = (struct session){
        .url = url,
        .brokers = p->opt.common.brokers,
        .pipeline = name,
        .slot = p->slot,
        .schema_topic = p->schema_topic,
        .heartbeat_topic = heartbeat_topic,
        .pub = &p->pub,
        .adopt = &p->adopt,
        .tables = &p->tables,
        .place.prefix = str_of(name),
    };
    p->cap->tables = &p->tables;
    p->cap->ledger = &p->ledger;
    p->cap->window = p->window;
    p->cap->pipeline = name;
    p->copy = (struct copy){
        .url = url,
        .pipeline = name,
        .schema_topic = p->schema_topic,
        .place = &p->session.place,
        .tables = &p->tables,
        .pub = &p->pub,
        .cap = p->cap,
        .window = p->window,
        .state = &p->session.state,
    };
    p->stream = (struct stream){
        .repl = &p->session.repl,
        .cap = p->cap,
        .pub = &p->pub,
        .ledger = &p->ledger,
        .copy = &p->copy,
        .heartbeat = &p->heartbeat,
        .schema_topic = p->schema_topic,
        .heartbeat_topic = heartbeat_topic,
        .place = &p->session.place,
    };
}

static struct metric *gauge(const char *name, const char *help)
{
    return metric_get(metric_family(METRIC_GAUGE, name, "", help), NULL);
}

static void gauges_init(struct producer *p)
{
    p->copying =
        gauge("cdc_snapshot_running", "1 while existing rows are copied");
    p->connected = gauge("cdc_capture_streaming",
                         "1 while the replication stream is open");
    p->tables_left = gauge("cdc_snapshot_tables_remaining",
                           "Tables whose existing rows are not all copied yet");
    p->queue_messages = gauge("cdc_kafka_producer_queue_messages",
                              "Records that Kafka has not acknowledged yet");
    p->queue_bytes =
        gauge("cdc_kafka_producer_queue_bytes",
              "Keys and values that Kafka has not acknowledged yet");
    p->stream.last_commit =
        metric_time("cdc_source_last_commit_timestamp_seconds",
                    "Commit time of the newest transaction seen");
}

int producer_open(struct producer *p, struct err *e)
{
    names_make(p);
    p->retry = (struct backoff){ .min_ms = 100, .max_ms = 10 * 1000 };
    if (url_make(p, e) < 0 ||
        selection_read(p->opt.tables, &p->selection, e) < 0) {
        return -1;
    }
    ledger_init(&p->ledger, LEDGER_SLOTS);
    p->window = window_new();
    p->cap = xcalloc(1, sizeof(*p->cap));
    parts_join(p);
    capture_init(p->cap);
    copy_init(&p->copy);
    heartbeat_init(&p->heartbeat, p->opt.common.name, p->opt.heartbeat_ms);
    gauges_init(p);
    return publish_open(&p->pub, p->opt.common.brokers, &p->ledger, e);
}

void producer_close(struct producer *p)
{
    registry_close(p->registry);
    server_close(p->server);
    if (p->cap != NULL) {
        copy_fini(&p->copy);
        capture_fini(p->cap);
    }
    session_close(&p->session);
    state_fini(&p->session.state);
    xfree(p->session.db);
    for (unsigned i = 0; i < p->tables.count; i++) {
        publish_topic_close(p->tables.list[i]);
    }
    publish_close(&p->pub);
    tables_fini(&p->tables);
    adopt_fini(&p->adopt);
    selection_fini(&p->selection);
    ledger_fini(&p->ledger);
    window_free(p->window);
    xfree(p->cap);
    buf_fini(&p->url);
}

/* ---- the loop ---------------------------------------------------------- */

/* May state be written? What the slot's next owner wrote must not be followed
   by something older. */
static bool slot_ours(const struct producer *p)
{
    return !repl_closed(&p->session.repl);
}

/* Moves what may be forgotten: ledger -> state -> (acknowledged) -> slot. */
static int confirm(struct producer *p, struct err *e)
{
    struct state *st = &p->session.state;
    uint64_t lsn = ledger_confirmable(&p->ledger);
    int64_t age_ms = clock_ms() - st->wrote_ms;
    int64_t pause_ms =
        copy_wants_confirm(&p->copy) ? CONFIRM_SOON_MS : CONFIRM_MS;
    bool was_writing = st->writing, due;

    state_settle(st, &p->pub);
    if (!st->writing && age_ms >= pause_ms &&
        (lsn > st->written_lsn || tables_dirty(&p->tables)) && slot_ours(p) &&
        state_write(st, &p->pub, &p->tables, lsn, e) < 0) {
        return -1;
    }
    if (repl_status_due(&p->session.repl, &due, e) < 0) {
        return -1;
    }
    if (due || (was_writing && !st->writing)) {
        return repl_status(&p->session.repl, st->confirmed_lsn, e);
    }
    return 0;
}

static int stream_turn(struct producer *p, bool *ret_moved, struct err *e)
{
    for (unsigned i = 0; i < STEPS_PER_TURN; i++) {
        bool moved = false;

        if (stream_step(&p->stream, &moved, e) < 0) {
            return -1;
        }
        if (!moved) {
            break;
        }
        *ret_moved = true;
    }
    return 0;
}

static int copy_turn(struct producer *p, bool *ret_moved, struct err *e)
{
    int rc = copy_step(&p->copy, stream_quiet(&p->stream), ret_moved, e);

    metric_set(p->copying, copy_active(&p->copy));
    return rc;
}

/* New tables, every CDC_POLLING_INTERVAL. Trouble with a lock or a busy
   server is no reason to stop the stream: the next round tries again. */
static int catalog_turn(struct producer *p, struct err *e)
{
    unsigned joined = 0;

    if (clock_ms() < p->catalog_due_ms || heartbeat_busy(&p->heartbeat)) {
        return 0;
    }
    p->catalog_due_ms = clock_ms() + p->opt.polling_ms;
    if (adopt_sync(&p->adopt, p->session.conn, false, &joined, e) == 0) {
        return 0;
    }
    /* not idle: a question timed out, and its session can ask no other */
    if (e->kind != ERR_RETRY ||
        PQtransactionStatus(p->session.conn) != PQTRANS_IDLE) {
        return -1;
    }
    log_warn("looking for new tables failed, it is tried again", "error=%s",
             e->text);
    return 0;
}

/* What nobody needs more often than once a second. */
static void gauges_turn(struct producer *p)
{
    unsigned left = 0;

    if (clock_ms() < p->gauges_due_ms) {
        return;
    }
    p->gauges_due_ms = clock_ms() + GAUGES_MS;
    for (unsigned i = 0; i < p->tables.count; i++) {
        left += p->tables.list[i]->copy == TABLE_COPY_PENDING;
    }
    metric_set(p->tables_left, left);
    metric_set(p->queue_messages, (double)p->pub.queued_count);
    metric_set(p->queue_bytes, (double)p->pub.queued_bytes);
}

static void wait_any(struct producer *p)
{
    int copy_fds[2], wait_ms = copy_wait_ms(&p->copy);

    copy_sockets(&p->copy, copy_fds);
    struct pollfd fds[] = {
        { .fd = publish_fd(&p->pub), .events = POLLIN },
        { .fd = stop_fd(), .events = POLLIN },
        { .fd = stream_reads(&p->stream) ? PQsocket(p->session.repl.conn) : -1,
          .events = POLLIN },
        { .fd = copy_fds[0], .events = POLLIN },
        { .fd = copy_fds[1], .events = POLLIN },
    };
    if (wait_ms > WAIT_MS_MAX) {
        wait_ms = WAIT_MS_MAX;
    }
    if (copy_wants_confirm(&p->copy) && wait_ms > CONFIRM_SOON_MS) {
        wait_ms = CONFIRM_SOON_MS;
    }
    (void)poll(fds, COUNT_OF(fds), wait_ms);
}

/* Stopped (SIGSTOP, a suspended machine) for so long that the server must have
   given up on us (DESIGN 4.11), whether or not its farewell came through. */
static int awake_check(const struct producer *p, int64_t *turn_ms,
                       struct err *e)
{
    int64_t now_ms = clock_ms(), slept_ms = now_ms - *turn_ms;

    *turn_ms = now_ms;
    if (p->session.repl.timeout_ms > 0 &&
        slept_ms > p->session.repl.timeout_ms) {
        return err_set(e, ERR_RETRY,
                       "stood still for %lld ms: looking whether the slot is"
                       " still ours",
                       (long long)slept_ms);
    }
    return 0;
}

static int loop(struct producer *p, struct err *e)
{
    int64_t turn_ms = clock_ms();

    while (!stop_requested()) {
        bool moved = false;

        gauges_turn(p);
        if (awake_check(p, &turn_ms, e) < 0 ||
            publish_poll(&p->pub, 0, e) < 0 || confirm(p, e) < 0 ||
            stream_turn(p, &moved, e) < 0 || copy_turn(p, &moved, e) < 0 ||
            catalog_turn(p, e) < 0 || heartbeat_turn(&p->heartbeat, e) < 0) {
            return -1;
        }
        if (!moved) {
            wait_any(p);
        }
    }
    return awake_check(p, &turn_ms, e);
}

/* ---- beginnings and ends ----------------------------------------------- */

static int streaming(struct producer *p, struct err *e)
{
    uint64_t lsn = p->session.state.confirmed_lsn;

    ledger_reset(&p->ledger, lsn);
    stream_reset(&p->stream);
    copy_reset(&p->copy);
    p->cap->lsn_base = p->session.state.lsn_base;
    p->stream.conn = p->session.conn;
    heartbeat_reset(&p->heartbeat, p->session.conn);
    p->catalog_due_ms = clock_ms() + p->opt.polling_ms;
    backoff_reset(&p->retry);
    metric_set(p->connected, 1);
    server_ready(p->server, true);
    return loop(p, e);
}

/* A last confirm: what was delivered is not read again after the restart. */
static void drain(struct producer *p)
{
    struct err ignored; /* what is not confirmed now comes again */
    struct state *st = &p->session.state;

    copy_reset(&p->copy);
    if (publish_flush(&p->pub, DRAIN_MS, &ignored) < 0) {
        log_warn("stopping with unacknowledged events, they come again",
                 "events=%llu",
                 (unsigned long long)ledger_outstanding(&p->ledger));
        return;
    }
    state_settle(st, &p->pub);
    if (slot_ours(p) &&
        state_write(st, &p->pub, &p->tables, ledger_confirmable(&p->ledger),
                    &ignored) == 0 &&
        publish_flush(&p->pub, DRAIN_STATE_MS, &ignored) == 0) {
        state_settle(st, &p->pub);
    }
    repl_finish(&p->session.repl, st->confirmed_lsn);
    log_info("stopped", "confirmed_lsn=%X/%X", LSN_ARG(st->confirmed_lsn));
}

/* After a lost connection: no report may meet a reused ledger slot, so all
   of them are waited for; a half-received transaction comes again. */
static int reconnect_drain(struct producer *p, struct err *e)
{
    struct err ignored;

    copy_reset(&p->copy);
    while (!stop_requested()) {
        if (publish_flush(&p->pub, 500, &ignored) == 0) {
            state_settle(&p->session.state, &p->pub);
            return 0;
        }
        if (p->pub.failure.kind != ERR_NONE) {
            *e = p->pub.failure;
            return -1;
        }
    }
    return 0;
}

/* One try: open, stream, and on trouble close again. 0 ends the process in
   order, 1 asks for another try. */
static int attempt(struct producer *p, struct err *e)
{
    int rc = session_open(&p->session, e);
    bool streamed = rc == 0;

    if (streamed) {
        rc = streaming(p, e);
        heartbeat_reset(&p->heartbeat, NULL);
    }
    server_ready(p->server, false);
    metric_set(p->connected, 0);
    if (rc == 0 || stop_requested()) {
        /* only a session in order may write state: before it streams, the
           ledger knows nothing of it, and a lost slot may have another owner */
        if (streamed && rc == 0 && p->session.repl.streaming) {
            drain(p);
        }
        return 0;
    }
    session_close(&p->session);
    if (p->pub.failure.kind != ERR_NONE) {
        *e = p->pub.failure;
    }
    if (e->kind != ERR_RETRY) {
        return -1;
    }
    struct err why = *e;
    if (reconnect_drain(p, e) < 0) {
        return -1;
    }
    if (p->retry.attempt == 0 || p->retry.attempt % 16 == 0) {
        log_warn("not streaming, trying again", "error=%s", why.text);
    }
    return 1;
}

static int listener_open(struct producer *p, struct err *e)
{
    const struct conf_common *c = &p->opt.common;

    if (server_open(&p->server, c->listen, NULL, e) < 0) {
        return -1;
    }
    return registry_open(&p->registry,
                         &(struct registry_conf){
                             .url = c->redis_url,
                             .name = c->name,
                             .role = "producer",
                             .listen = c->listen,
                             .advertise = c->advertise,
                             .server = p->server,
                             .events = "cdc_kafka_messages_published_total",
                         },
                         e);
}

int producer_run(struct producer *p, struct err *e)
{
    if (listener_open(p, e) < 0) {
        return -1;
    }
    for (;;) {
        int rc = attempt(p, e);

        if (rc <= 0) {
            return rc;
        }
        if (stop_wait(backoff_next(&p->retry))) {
            return 0;
        }
    }
}

/* Did the server answer, and refuse the credentials? libpq tells no SQLSTATE
   of a connection that did not come about, only the server's words. */
static bool credentials_refused(const char *text)
{
    static const char *const words[] = { "authentication failed",
                                         "no password supplied", "pg_hba.conf",
                                         "FATAL:  role \"",
                                         "permission denied" };

    for (unsigned i = 0; i < COUNT_OF(words); i++) {
        if (strstr(text, words[i]) != NULL) {
            return true;
        }
    }
    return false;
}

/* The database, its slot and its tables, seen once. */
static int database_check(struct producer *p, struct err *e)
{
    int rc = session_check(&p->session, e);

    session_close(&p->session);
    if (rc < 0 && e->kind == ERR_RETRY) {
        e->kind =
            credentials_refused(e->text) ? ERR_PERMISSION : ERR_UNREACHABLE;
    }
    return rc;
}

int producer_check(struct producer *p, struct err *e)
{
    static const struct finding kafka = { "kafka", "KAFKA_BROKERS" };
    static const struct finding postgres = { "postgres", "DATABASE_URL" };
    struct findings findings = { 0 };
    struct err now = { 0 };
    int rc = kafka_ping(p->pub.rk, 5000, &now);

    if (rc < 0) {
        (void)err_wrap(&now, "%s", p->opt.common.brokers);
    }
    finding_say(&findings, &kafka, rc, "answers", &now);
    rc = database_check(p, &now);
    finding_say(&findings, &postgres, rc,
                "ready to be captured, or captured already", &now);
    return findings_end(&findings, e);
}
