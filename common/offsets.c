#include "common/offsets.h"

/* The ring's element `i` places behind its head. */
static int64_t *slot(const struct offsets_part *p, unsigned i)
{
    return &p->open[(p->head + i) % p->cap];
}

/* The offset an element stands for, settled or not. Offsets are >= 0, so
   ~offset is negative. */
static int64_t offset_of(int64_t element)
{
    return element < 0 ? ~element : element;
}

static void grow(struct offsets_part *p)
{
    unsigned cap = p->cap ? p->cap * 2 : 64;
    int64_t *open = xcalloc(cap, sizeof(*open));

    for (unsigned i = 0; i < p->count; i++) {
        open[i] = *slot(p, i);
    }
    xfree(p->open);
    p->open = open;
    p->head = 0;
    p->cap = cap;
}

/* The head passes what is settled. */
static void advance(struct offsets_part *p)
{
    while (p->count > 0 && p->open[p->head] < 0) {
        p->ready = offset_of(p->open[p->head]) + 1;
        p->head = (p->head + 1) % p->cap;
        p->count--;
    }
}

void offsets_init(struct offsets_part *p)
{
    *p = (struct offsets_part){ .ready = -1, .committed = -1 };
}

void offsets_fini(struct offsets_part *p)
{
    if (p) {
        xfree(p->open);
        offsets_init(p);
    }
}

void offsets_add(struct offsets_part *p, int64_t offset)
{
    CHECK(offset >= 0 && offset >= p->ready);
    CHECK(p->count == 0 || offset > offset_of(*slot(p, p->count - 1)));
    if (p->count == p->cap) {
        grow(p);
    }
    p->count++;
    *slot(p, p->count - 1) = offset;
}

void offsets_settle(struct offsets_part *p, int64_t offset)
{
    unsigned low = 0, high = p->count;

    /* Nearly always the head itself: batches settle in order. */
    if (p->count > 0 && p->open[p->head] == offset) {
        high = 1;
    }
    while (high - low > 1) {
        unsigned mid = low + (high - low) / 2;

        if (offset_of(*slot(p, mid)) <= offset) {
            low = mid;
        } else {
            high = mid;
        }
    }
    CHECK(p->count > 0 && *slot(p, low) == offset);
    *slot(p, low) = ~offset;
    if (low == 0) {
        advance(p);
    }
}

unsigned offsets_open(const struct offsets_part *p)
{
    unsigned open = 0;

    for (unsigned i = 0; i < p->count; i++) {
        open += *slot(p, i) >= 0;
    }
    return open;
}

bool offsets_take(struct offsets_part *p, int64_t *ret_offset)
{
    if (p->ready < 0 || p->ready == p->committed) {
        return false;
    }
    p->committed = p->ready;
    *ret_offset = p->ready;
    return true;
}

void offsets_untake(struct offsets_part *p)
{
    p->committed = -1;
}

void offsets_drop(struct offsets_part *p)
{
    p->head = 0;
    p->count = 0;
}
