#include "sink-clickhouse/insert.h"

#include "common/batch.h"
#include "common/clock.h"
#include "common/stop.h"
#include "sink-clickhouse/fault.h"

enum {
    PARALLEL = 4,           /* inserts at once; a server has few cores too */
    REPLY_MAX = 1 << 20,    /* only errors have a body */
    ROUND_BYTES = 64 << 20, /* of blocks, before the next round begins */
    ROUND_LOOK = 1024,      /* rows between two looks at the size */
    ISOLATE_REQUESTS = 64,  /* extra requests of one attempt and table */
    RANGES_MAX = 64,        /* halves on the stack: one per level, plus one */
};

void insert_init(struct insert *in, struct session *session,
                 struct targets *targets)
{
    *in = (struct insert){ .session = session, .targets = targets };
    buf_init(&in->body, SIZE_MAX);
    buf_init(&in->part, SIZE_MAX);
}

void insert_fini(struct insert *in)
{
    buf_fini(&in->body);
    buf_fini(&in->part);
    for (unsigned i = 0; i < in->request_cap; i++) {
        buf_fini(&in->requests[i].reply);
    }
    xfree(in->requests);
    *in = (struct insert){ 0 };
}

/* A tombstone whose delete stands right before it. */
static bool is_echo(const struct batch *b, unsigned index)
{
    const struct item *it = &b->items[index], *before = it - 1;

    return index > 0 && it->ev.tombstone && !before->ev.tombstone &&
           before->ev.op == EVENT_DELETE && before->shape == it->shape &&
           before->version == it->version && str_eq(before->ev.key, it->ev.key);
}

/* Puts one item into the block of its table, or judges it. */
static struct target *item_take(struct insert *in, struct batch *b,
                                unsigned index)
{
    struct item *it = &b->items[index];
    struct target *target = targets_find(in->targets, it->shape);
    struct err e = { 0 };

    if (!item_is_row(it) || !target) {
        item_judge(it, VERDICT_STOP,
                   target ? "truncate and sweep are not supported yet"
                          : "its table was not prepared");
        return NULL;
    }
    if (target_add(target, index, &it->ev, it->version, &e) < 0) {
        item_judge(it, VERDICT_REJECT, e.text);
        return NULL;
    }
    return target;
}

/* Fills the blocks from item `next` on; returns where the next round goes on.
   A round ends early when a block gets too large for memory: deletes of a
   table with very many columns do that. */
static unsigned round_fill(struct insert *in, struct batch *b, unsigned next)
{
    for (unsigned i = 0; i < in->targets->map.count; i++) {
        target_reset(targets_at(in->targets, i));
    }
    while (next < b->count) {
        unsigned index = next++;
        struct target *target = NULL;

        if (item_is_open(&b->items[index]) && !is_echo(b, index)) {
            target = item_take(in, b, index);
        }
        if (target && target->rows.count % ROUND_LOOK == 0 &&
            rows_bytes(&target->rows) > ROUND_BYTES) {
            break;
        }
    }
    return next;
}

/* One request per table that has rows; returns how many. All bodies stand in
   one buffer, which moves while it grows: so addresses come last. */
static unsigned requests_make(struct insert *in)
{
    unsigned count = 0;
    size_t from = 0;

    if (in->request_cap < in->targets->map.count) {
        unsigned cap = in->targets->map.count;

        in->requests = xrealloc(in->requests, cap, sizeof(*in->requests));
        for (unsigned i = in->request_cap; i < cap; i++) {
            in->requests[i] = (struct http_request){ 0 };
            buf_init(&in->requests[i].reply, REPLY_MAX);
        }
        in->request_cap = cap;
    }
    buf_reset(&in->body);
    for (unsigned i = 0; i < in->targets->map.count; i++) {
        const struct target *target = targets_at(in->targets, i);

        if (target->rows.count > 0) {
            size_t before = in->body.len;

            rows_write(&target->rows, &in->body);
            in->requests[count++].body.len = in->body.len - before;
        }
    }
    for (unsigned i = 0; i < count; i++) {
        in->requests[i].body.p = in->body.p + from;
        from += in->requests[i].body.len;
    }
    return count;
}

static void request_ready(struct insert *in, struct http_request *req,
                          const struct target *target, struct buf *path)
{
    session_insert_path(in->session, buf_str(&target->statement), path);
    req->method = "POST";
    req->path = buf_z(path);
    req->content_type = "application/octet-stream";
    req->deadline_ms = 0;
    buf_reset(&req->reply);
}

/* May another request of this batch go out? (sink.h, send_by_ms) */
static bool may_send(const struct batch *b)
{
    return !stop_requested() && clock_ms() < b->send_by_ms;
}

static void range_judge(struct batch *b, const unsigned *items, unsigned count,
                        enum verdict verdict, const char *why)
{
    for (unsigned i = 0; i < count; i++) {
        item_judge(&b->items[items[i]], verdict, why);
    }
}

/* The meaning of an ended insert of `rows` rows, and a text for it. */
static enum fault insert_fault(const struct http_request *req, unsigned rows,
                               char why[200])
{
    enum fault fault = fault_of(req, true);

    fault_brief(req, why, 200);
    if (fault == FAULT_NONE && !fault_all_stored(req, rows)) {
        (void)snprintf(why, 200, "the server stored fewer rows than were sent");
        fault = FAULT_RETRY;
    }
    return fault;
}

/* Sends rows of one table in a request of their own. */
static enum fault range_send(struct insert *in, struct batch *b,
                             struct target *target, const unsigned *items,
                             unsigned count, char why[200])
{
    struct http_request req = { 0 };
    struct buf path;
    struct err e;
    enum fault fault;
    int rc;

    target_reset(target);
    for (unsigned i = 0; i < count; i++) {
        const struct item *it = &b->items[items[i]];

        /* it went in before, so it does again */
        CHECK(rows_add(&target->rows, &it->ev, it->version, &e) == 0);
    }
    buf_reset(&in->part);
    rows_write(&target->rows, &in->part);
    buf_init(&req.reply, REPLY_MAX);
    buf_init(&path, SIZE_MAX);
    request_ready(in, &req, target, &path);
    req.body = buf_str(&in->part);
    rc = http_run(in->session->http, &req, 1, &e);
    fault = insert_fault(&req, count, why);
    CHECK(rc == 0 || fault == FAULT_RETRY); /* no answer, status 0 */
    buf_fini(&path);
    buf_fini(&req.reply);
    return fault;
}

struct range {
    unsigned from, count;
};

/* Halves a refused insert until the refused rows stand alone. What the
   requests of this attempt do not suffice for is left to the next one, which
   has less to do. */
static void isolate(struct insert *in, struct batch *b, struct target *target,
                    unsigned count)
{
    struct range stack[RANGES_MAX] = { { 0, count } };
    unsigned depth = 1, requests = 0;
    char why[200];

    while (depth > 0) {
        struct range r = stack[--depth];
        unsigned half = r.count - r.count / 2;
        const unsigned *items = target->items + r.from;
        enum fault fault = FAULT_INPUT; /* the whole was refused before */

        if (requests > 0 || r.count == 1) {
            if (requests >= ISOLATE_REQUESTS || !may_send(b)) {
                range_judge(b, items, r.count, VERDICT_RETRY,
                            "left to the next attempt");
                continue;
            }
            fault = range_send(in, b, target, items, r.count, why);
        }
        requests++;
        if (fault == FAULT_NONE) {
            range_judge(b, items, r.count, VERDICT_DONE, "");
        } else if (fault != FAULT_INPUT) {
            range_judge(b, items, r.count, VERDICT_RETRY, why);
        } else if (r.count == 1) {
            item_judge(&b->items[items[0]], VERDICT_REJECT, why);
        } else {
            CHECK(depth + 2 <= RANGES_MAX);
            stack[depth++] = (struct range){ r.from + half, r.count - half };
            stack[depth++] = (struct range){ r.from, half };
        }
    }
}

/* The rows of one table were refused: they are to blame only while the table
   is as it must be. */
static void refused(struct insert *in, struct batch *b, struct target *target,
                    unsigned count)
{
    struct err e = { 0 };

    if (targets_verify(in->targets, in->session, target, &e) < 0) {
        range_judge(b, target->items, count, VERDICT_RETRY, e.text);
        return;
    }
    isolate(in, b, target, count);
}

/* The verdict of one table's insert on its items. */
static void answer_judge(struct insert *in, struct batch *b,
                         struct target *target, const struct http_request *req)
{
    unsigned count = target->rows.count;
    char why[200];

    switch (insert_fault(req, count, why)) {
    case FAULT_NONE:
        range_judge(b, target->items, count, VERDICT_DONE, "");
        return;
    case FAULT_INPUT: refused(in, b, target, count); return;
    case FAULT_SETTING:
        in->session->probed = false; /* another server: ask it again */
        break;
    case FAULT_RETRY:
    case FAULT_UNKNOWN:
    case FAULT_DENIED: break;
    }
    range_judge(b, target->items, count, VERDICT_RETRY, why);
}

/* Sends `count` inserts side by side. */
static int group_send(struct insert *in, struct target *const *targets,
                      struct http_request *requests, unsigned count,
                      struct err *e)
{
    struct buf paths[PARALLEL];
    int rc;

    for (unsigned i = 0; i < count; i++) {
        buf_init(&paths[i], SIZE_MAX);
        request_ready(in, &requests[i], targets[i], &paths[i]);
    }
    rc = http_run(in->session->http, requests, count, e);
    for (unsigned i = 0; i < count; i++) {
        requests[i].path = NULL;
        buf_fini(&paths[i]);
    }
    return rc;
}

/* Sends the blocks of all tables and judges the items in them. */
static int round_send(struct insert *in, struct batch *b, struct err *e)
{
    unsigned count = requests_make(in), next = 0;
    int rc = 0;

    for (unsigned sent = 0; sent < count;) {
        struct target *group[PARALLEL];
        unsigned size = 0;

        while (size < PARALLEL && next < in->targets->map.count) {
            struct target *target = targets_at(in->targets, next++);

            if (target->rows.count > 0) {
                group[size++] = target;
            }
        }
        if (!may_send(b)) {
            return 0; /* the rest stays as it is: RETRY */
        }
        if (group_send(in, group, in->requests + sent, size, e) < 0) {
            rc = -1;
        }
        for (unsigned i = 0; i < size; i++) {
            answer_judge(in, b, group[i], &in->requests[sent + i]);
        }
        sent += size;
    }
    return rc;
}

static void echoes_judge(struct batch *b)
{
    for (unsigned i = 1; i < b->count; i++) {
        if (item_is_open(&b->items[i]) && is_echo(b, i)) {
            item_judge(&b->items[i], b->items[i - 1].verdict,
                       b->items[i - 1].why);
        }
    }
}

int insert_run(struct insert *in, struct batch *b, struct err *e)
{
    unsigned next = 0;
    int rc = session_probe(in->session, e);

    while (rc == 0 && next < b->count && may_send(b)) {
        next = round_fill(in, b, next);
        rc = round_send(in, b, e);
    }
    echoes_judge(b);
    return rc;
}
