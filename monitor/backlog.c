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

static void note(struct backlog *k, int64_t at_us, uint64_t flush)
{
    if (k->count == BACKLOG_NOTES) {
        thin_out(k);
    }
    k->notes[k->count++] = (struct backlog_note){ at_us, flush };
}

void backlog_reset(struct backlog *k)
{
    k->looked = false;
    k->count = 0;
}

void backlog_take(struct backlog *k, const struct backlog_look *look)
{
    unsigned done = 0;

    if (k->looked && (look->flush_lsn < k->last_flush ||
                      look->confirmed_lsn < k->last_confirmed)) {
        backlog_reset(k); /* another server, another slot */
    }
    if (!k->looked) {
        note(k, look->now_us, look->flush_lsn);
    } else if (look->changes > k->last_changes) {
        note(k, k->last_us + (look->now_us - k->last_us) / 2, look->flush_lsn);
    }
    while (done < k->count && k->notes[done].flush <= look->confirmed_lsn) {
        done++;
    }
    drop_front(k, done);
    k->looked = true;
    k->last_us = look->now_us;
    k->last_flush = look->flush_lsn;
    k->last_confirmed = look->confirmed_lsn;
    k->last_changes = look->changes;
}

int64_t backlog_since_us(const struct backlog *k)
{
    return k->count > 0 ? k->notes[0].at_us : 0;
}
