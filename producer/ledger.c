#include "producer/ledger.h"

#include <stddef.h>

#include "common/xalloc.h"

static struct ledger_slot *slot_at(const struct ledger *l, uint64_t number)
{
    return &l->slots[number & (l->slot_count - 1)];
}

static void raise_confirmable(struct ledger *l, uint64_t lsn)
{
    if (lsn > l->confirmable) {
        l->confirmable = lsn;
    }
}

/* The newest slot, or NULL when the ring is empty. */
static struct ledger_slot *newest(const struct ledger *l)
{
    return l->head == l->tail ? NULL : slot_at(l, l->tail - 1);
}

/* Gives back the finished transactions at the head. */
static void advance(struct ledger *l)
{
    const uint64_t closed_end = l->tail - (l->open ? 1 : 0);

    while (l->head < closed_end) {
        const struct ledger_slot *slot = slot_at(l, l->head);

        if (slot->outstanding > 0) {
            break;
        }
        raise_confirmable(l, slot->end_lsn);
        l->head++;
    }
}

static void append(struct ledger *l, uint64_t end_lsn)
{
    *slot_at(l, l->tail) = (struct ledger_slot){ .end_lsn = end_lsn };
    l->tail++;
}

void ledger_init(struct ledger *l, uint32_t slot_count)
{
    CHECK(slot_count > 0 && (slot_count & (slot_count - 1)) == 0);
    *l = (struct ledger){
        .slots = xcalloc(slot_count, sizeof(struct ledger_slot)),
        .slot_count = slot_count,
    };
}

void ledger_fini(struct ledger *l)
{
    if (l != NULL) {
        xfree(l->slots);
        *l = (struct ledger){ 0 };
    }
}

void ledger_reset(struct ledger *l, uint64_t confirmed)
{
    /* Numbers go on, so that a token from before is seen to be foreign. */
    l->head = l->tail;
    l->open = false;
    l->outstanding = 0;
    l->confirmable = confirmed;
}

bool ledger_full(const struct ledger *l)
{
    return l->tail - l->head == l->slot_count;
}

bool ledger_in_transaction(const struct ledger *l)
{
    return l->open;
}

void ledger_begin(struct ledger *l)
{
    CHECK(!l->open && !ledger_full(l));
    append(l, 0);
    l->open = true;
}

uintptr_t ledger_sent(struct ledger *l)
{
    CHECK(l->open);

    struct ledger_slot *slot = slot_at(l, l->tail - 1);

    CHECK(slot->outstanding < UINT32_MAX);
    slot->outstanding++;
    l->outstanding++;
    return (uintptr_t)l->tail; /* the slot's number + 1 */
}

void ledger_commit(struct ledger *l, uint64_t end_lsn)
{
    CHECK(l->open);
    slot_at(l, l->tail - 1)->end_lsn = end_lsn;
    l->open = false;
    advance(l);
}

void ledger_keepalive(struct ledger *l, uint64_t lsn)
{
    struct ledger_slot *last = newest(l);

    if (l->open) {
        return;
    }
    if (last == NULL) {
        raise_confirmable(l, lsn);
    } else if (last->outstanding == 0) {
        last->end_lsn = lsn > last->end_lsn ? lsn : last->end_lsn;
    } else if (!ledger_full(l)) {
        append(l, lsn);
    }
}

void ledger_acked(struct ledger *l, uintptr_t token)
{
    const uint64_t number = (uint64_t)token - 1;

    CHECK(number >= l->head && number < l->tail);

    struct ledger_slot *slot = slot_at(l, number);

    CHECK(slot->outstanding > 0);
    slot->outstanding--;
    l->outstanding--;
    if (slot->outstanding == 0 && number == l->head) {
        advance(l);
    }
}

uint64_t ledger_confirmable(struct ledger *l)
{
    advance(l);
    return l->confirmable;
}

uint64_t ledger_outstanding(const struct ledger *l)
{
    return l->outstanding;
}
