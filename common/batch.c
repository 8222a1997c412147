#include "common/batch.h"

#include "common/clock.h"

enum { BATCH_CAP_FIRST = 256 };

void batch_init(struct batch *b)
{
    *b = (struct batch){ 0 };
}

void batch_fini(struct batch *b)
{
    if (b) {
        batch_reset(b);
        xfree(b->items);
        batch_init(b);
    }
}

static size_t item_bytes(const struct item *it)
{
    return it->msg->len + it->msg->key_len;
}

struct item *batch_next(struct batch *b)
{
    if (b->count == b->cap) {
        b->cap = b->cap ? b->cap * 2 : BATCH_CAP_FIRST;
        b->items = xrealloc(b->items, b->cap, sizeof(*b->items));
    }
    return &b->items[b->count];
}

void batch_keep(struct batch *b)
{
    struct item *it = &b->items[b->count];

    CHECK(b->count < b->cap);
    it->verdict = VERDICT_PENDING;
    it->why[0] = '\0';
    if (b->count == 0) {
        b->born_ms = clock_ms();
    }
    b->bytes += item_bytes(it);
    b->count++;
}

bool batch_full(const struct batch *b, const struct batch_limits *limits)
{
    return b->count >= limits->rows || b->bytes >= limits->bytes;
}

struct batch_verdicts batch_judge(const struct batch *b)
{
    struct batch_verdicts v = { 0 };

    for (unsigned i = 0; i < b->count; i++) {
        const struct item *it = &b->items[i];

        switch (it->verdict) {
        case VERDICT_DONE: v.done++; break;
        case VERDICT_PENDING:
        case VERDICT_RETRY:
            v.retry++;
            v.first_retry = v.first_retry ? v.first_retry : it;
            break;
        case VERDICT_REJECT:
        case VERDICT_STOP: v.first_bad = v.first_bad ? v.first_bad : it; break;
        }
    }
    return v;
}

void item_judge(struct item *it, enum verdict verdict, const char *why)
{
    size_t len = strnlen(why, sizeof(it->why) - 1);

    it->verdict = verdict;
    memmove(it->why, why, len);
    it->why[len] = '\0';
}

bool item_is_open(const struct item *it)
{
    return it->verdict == VERDICT_PENDING || it->verdict == VERDICT_RETRY;
}

bool item_is_row(const struct item *it)
{
    switch (it->ev.op) {
    case EVENT_READ:
    case EVENT_CREATE:
    case EVENT_UPDATE:
    case EVENT_DELETE: return true;
    case EVENT_TRUNCATE:
    case EVENT_SWEEP: break;
    }
    return false;
}

void batch_compact(struct batch *b)
{
    unsigned kept = 0;

    for (unsigned i = 0; i < b->count; i++) {
        struct item *it = &b->items[i];

        if (it->verdict == VERDICT_DONE) {
            b->bytes -= item_bytes(it);
            rd_kafka_message_destroy(it->msg);
            continue;
        }
        if (kept != i) {
            b->items[kept] = *it;
        }
        kept++;
    }
    b->count = kept;
}

void batch_reset(struct batch *b)
{
    for (unsigned i = 0; i < b->count; i++) {
        rd_kafka_message_destroy(b->items[i].msg);
    }
    b->count = 0;
    b->bytes = 0;
}
