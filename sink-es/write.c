#include "sink-es/write.h"

#include <limits.h>

#include "common/batch.h"
#include "common/clock.h"
#include "common/stop.h"

enum {
    BODY_MAX = 90 << 20,  /* below http.max_content_length of 100 MB */
    BODY_CAP = 256 << 20, /* a single row is larger than its record */
    SCRATCH_MAX = 64 << 20,
};

void writer_init(struct writer *w, struct cluster *cluster,
                 struct targets *targets)
{
    *w = (struct writer){ .cluster = cluster,
                          .targets = targets,
                          .body_max = BODY_MAX };
    buf_init(&w->body, BODY_CAP);
    buf_init(&w->scratch, SCRATCH_MAX);
    buf_init(&w->reply, HTTP_REPLY_BYTES_MAX);
}

void writer_fini(struct writer *w)
{
    newest_fini(&w->newest);
    buf_fini(&w->body);
    buf_fini(&w->scratch);
    buf_fini(&w->reply);
    xfree(w->actions);
    *w = (struct writer){ 0 };
}

/* Puts one item into the request as action number `count`. */
static bool item_take(struct writer *w, struct item *it, unsigned count)
{
    struct target *target = targets_find(w->targets, it->shape);
    struct err e = { 0 };

    if (!item_is_row(it) || !target) {
        item_judge(it, VERDICT_STOP,
                   target ? "truncate and sweep are not supported yet"
                          : "its table was not prepared");
        return false;
    }
    if (bulk_put(&w->body, &w->scratch, &target->bulk, it, &e) < 0) {
        item_judge(it, e.kind == ERR_INPUT ? VERDICT_REJECT : VERDICT_STOP,
                   e.text);
        return false;
    }
    if (it->ev.tombstone || it->ev.op == EVENT_DELETE) {
        target->deletes++;
    } else {
        target->writes++;
    }
    w->actions[count] =
        (struct bulk_action){ .it = it, .table = &target->bulk };
    return true;
}

static void actions_reserve(struct writer *w, unsigned count)
{
    if (count > w->action_cap) {
        w->action_cap = count * 2;
        w->actions = xrealloc(w->actions, w->action_cap, sizeof(*w->actions));
    }
}

/* What a request consists of. */
struct request {
    unsigned next;  /* the item that the next request begins with */
    unsigned limit; /* of actions in it */
    unsigned actions, guards;
};

static void guards_put(struct writer *w, struct request *rq)
{
    for (unsigned i = 0; i < w->targets->map.count; i++) {
        const struct target *target = targets_at(w->targets, i);

        if (target->deletes > 0 && target->writes == 0) {
            bulk_guard(&w->body, &target->bulk);
            rq->guards++;
        }
    }
}

/* Fills the body with the items from `first` on. */
static struct request request_fill(struct writer *w, struct batch *b,
                                   unsigned first, unsigned limit)
{
    struct request rq = { .next = first, .limit = limit };

    buf_reset(&w->body);
    for (unsigned i = 0; i < w->targets->map.count; i++) {
        targets_at(w->targets, i)->writes = targets_at(w->targets, i)->deletes =
            0;
    }
    for (;
         rq.next < b->count && rq.actions < limit && w->body.len < w->body_max;
         rq.next++) {
        struct item *it = &b->items[rq.next];

        if (item_is_open(it) &&
            newest_speaker(&w->newest, rq.next) == rq.next &&
            item_take(w, it, rq.actions)) {
            rq.actions++;
        }
    }
    guards_put(w, &rq);
    return rq;
}

static void actions_judge(struct writer *w, unsigned count,
                          enum verdict verdict, const char *why)
{
    for (unsigned i = 0; i < count; i++) {
        item_judge(w->actions[i].it, verdict, why);
    }
}

/* Too large: half of its actions next time, whatever their sizes; a row that
   is too large alone is refused. */
static void too_large(struct writer *w, struct request *rq, unsigned first)
{
    if (rq->actions == 1) {
        actions_judge(w, 1, VERDICT_REJECT, "HTTP 413: the row is too large");
        return;
    }
    w->body_max = w->body.len / 2;
    rq->limit = rq->actions / 2;
    rq->next = first;
}

/* Sends the body and judges its items; `rq->next` goes back when the request
   has to be split. Returns -1 when there was no answer. */
static int request_send(struct writer *w, struct request *rq, unsigned first,
                        struct err *e)
{
    struct http_request req = { .method = "POST",
                                .path = BULK_PATH,
                                .content_type = "application/x-ndjson",
                                .body = buf_str(&w->body),
                                .reply = w->reply };
    char why[64];
    int rc;

    rq->limit = UINT_MAX;
    rc = http_run(w->cluster->http, &req, 1, e);

    w->reply = req.reply;
    if (rc < 0) {
        actions_judge(w, rq->actions, VERDICT_RETRY, req.why);
        return -1;
    }
    if (req.status == 413) {
        too_large(w, rq, first);
    } else if (req.status != 200) {
        (void)snprintf(why, sizeof(why), "HTTP %d for the whole request",
                       req.status);
        actions_judge(w, rq->actions, VERDICT_RETRY, why);
    } else {
        (void)bulk_judge(buf_str(&w->reply), w->actions, rq->actions,
                         rq->guards, &w->scratch); /* the items tell */
    }
    return 0;
}

/* The items that were not sent, because a newer one of their key was. */
static void followers_judge(const struct writer *w, struct batch *b)
{
    for (unsigned i = 0; i < b->count; i++) {
        struct item *it = &b->items[i];
        const struct item *speaker;

        if (!item_is_open(it) || newest_speaker(&w->newest, i) == i) {
            continue;
        }
        speaker = &b->items[newest_speaker(&w->newest, i)];
        if (speaker->verdict == VERDICT_DONE) {
            item_judge(it, VERDICT_DONE, "");
        } else {
            /* refused: then the older one has to be there */
            item_judge(it, VERDICT_RETRY, speaker->why);
        }
    }
}

int writer_run(struct writer *w, struct batch *b, struct err *e)
{
    unsigned first = 0, limit = UINT_MAX;
    int rc = 0;

    actions_reserve(w, b->count);
    newest_find(&w->newest, b);
    while (rc == 0 && first < b->count && !stop_requested() &&
           clock_ms() < b->send_by_ms) {
        struct request rq = request_fill(w, b, first, limit);

        if (rq.actions > 0) {
            rc = request_send(w, &rq, first, e);
        }
        first = rq.next;
        limit = rq.limit;
    }
    followers_judge(w, b);
    return rc;
}
