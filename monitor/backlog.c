#include "monitor/backlog.h"

#include <string.h>

static void drop_front(struct backlog *k, unsigned count)
{
    memmove(k->notes, k->notes + count,
            (k->count - count) * sizeof(k->notes[0]));
    k->count -= count;
}

/* Every second note goes, but for the oldest, which is the one shown: over
   hours of standstill the distance of the notes grows with their age. */
static void thin_out(struct backlog *k)
{
    unsigned kept = 0;

    for (unsigned i = 0; i < k->count; i += 2) {
        k->notes[kept++] = k->notes[i];
    }
    k->count = kept;
}

static void note(struct backlog *k, int64_t at_us, uint64_t insert_lsn,
                 bool sure)
{
    if (k->count == BACKLOG_NOTES) {
        thin_out(k);
    }
    k->notes[k->count++] = (struct backlog_note){ at_us, insert_lsn, sure };
}

/* The count has grown: it was by one of those that are in doubt, or all. */
static void bear_out(struct backlog *k)
{
    for (unsigned i = 0; i < k->count; i++) {
        k->notes[i].sure = true;
    }
}

static void drop_doubtful(struct backlog *k, int64_t now_us)
{
    unsigned kept = 0;

    for (unsigned i = 0; i < k->count; i++) {
        if (k->notes[i].sure || now_us - k->notes[i].at_us < BACKLOG_DOUBT_US) {
            k->notes[kept++] = k->notes[i];
        }
    }
    k->count = kept;
}

/* What has happened between the last look and this one. A count that grows
   without an end of a transaction speaks of one that was noted before, and
   may be confirmed by now. */
static void compare(struct backlog *k, const struct backlog_look *look)
{
    bool grown = look->changes > k->last.changes;

    if (grown) {
        bear_out(k);
    }
    if (look->snapshot != k->last.snapshot) {
        note(k, k->last.now_us + (look->now_us - k->last.now_us) / 2,
             look->insert_lsn, grown);
        k->grown_us = look->now_us;
    }
}

static void forget(struct backlog *k)
{
    k->looked = false;
    k->grown_us = 0;
    k->count = 0;
}

void backlog_take_none(struct backlog *k, const struct backlog_look *look)
{
    forget(k);
    k->looked = true;
    k->last = *look;
    k->last.flush_lsn = k->last.confirmed_lsn = 0;
}

void backlog_take(struct backlog *k, const struct backlog_look *look)
{
    bool flushed = look->confirmed_lsn >= look->flush_lsn;
    unsigned done = 0;

    if (k->looked && (look->flush_lsn < k->last.flush_lsn ||
                      look->confirmed_lsn < k->last.confirmed_lsn)) {
        forget(k); /* another server, another slot */
    }
    if (!k->looked && !flushed) {
        note(k, look->now_us, look->insert_lsn, true);
    } else if (k->looked) {
        compare(k, look);
    }
    drop_doubtful(k, look->now_us);
    while (done < k->count &&
           k->notes[done].insert_lsn <= look->confirmed_lsn) {
        done++;
    }
    if (flushed && look->now_us - k->grown_us >= BACKLOG_SETTLED_US) {
        done = k->count;
    }
    drop_front(k, done);
    k->looked = true;
    k->last = *look;
}

int64_t backlog_since_us(const struct backlog *k)
{
    return k->count > 0 ? k->notes[0].at_us : 0;
}
