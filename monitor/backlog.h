/*
 * backlog.h - since when row changes wait in the WAL for the producer.
 *
 * The slot tells a distance in bytes, but the WAL also moves when no row
 * does (checkpoints, vacuum, other databases), and a caught-up pipeline must
 * read 0. So two numbers are watched: the WAL's flush position, and a count
 * of the row changes in the published tables (PostgreSQL's own statistics).
 * When the count has grown, some change lies before the flush position of
 * that look; it waits until the slot has confirmed that position.
 *
 *   look     t1        t2 (count grew)      t3
 *   flush  --|---------|--------------------|-->
 *                  ^ a change, noted as (t1+t2)/2, waits until
 *                    confirmed >= flush(t2)
 *
 * What it cannot know: changes that waited already before the first look
 * count from that look on; a rolled-back change counts like any other; a
 * TRUNCATE is not counted.
 *
 * PURE: the caller brings positions and times (microseconds since 1970).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { BACKLOG_NOTES = 512 };

/* Zero-initialise. */
struct backlog {
    bool looked;
    int64_t last_us;
    uint64_t last_flush, last_confirmed, last_changes;
    unsigned count;
    struct backlog_note {
        int64_t at_us;
        uint64_t flush;
    } notes[BACKLOG_NOTES]; /* not confirmed yet; oldest first */
};

/* What one look at the server saw. */
struct backlog_look {
    int64_t now_us;
    uint64_t flush_lsn;
    uint64_t confirmed_lsn;
    uint64_t changes; /* rows inserted, updated, deleted; ever growing */
};

void backlog_take(struct backlog *k, const struct backlog_look *look);

/* There is no slot: nothing can be said. */
void backlog_reset(struct backlog *k);

/* When the oldest waiting change was seen; 0 = none waits. */
int64_t backlog_since_us(const struct backlog *k);
