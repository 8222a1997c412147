/*
 * backlog.h - since when row changes wait in the WAL for the producer.
 *
 * The slot tells a distance in bytes, but the WAL also moves when no row
 * does (checkpoints, vacuum, other databases), and a caught-up pipeline must
 * read 0. So three things are watched: the positions; a count of the row
 * changes in the published tables (PostgreSQL's own statistics), which tells
 * for certain but up to 10 s late; and the snapshot, which tells at once that
 * some transaction has ended, of whatever kind. When the snapshot or the count
 * has changed, some change may lie before the insert position that was read
 * with it, and waits until the slot has confirmed that position. What the
 * count does not bear out within BACKLOG_DOUBT_US was none of ours.
 *
 *   look     t1        t2 (something ended) t3
 *   insert --|---------|--------------------|-->
 *                  ^ a change, noted as (t1+t2)/2, waits until
 *                    confirmed >= insert(t2)
 *
 * The insert position can lie a page header beyond what can ever be
 * confirmed on an idle server, so a slot that has confirmed all that is
 * flushed, BACKLOG_SETTLED_US after the last growth, has no backlog either.
 *
 * What it cannot know: while the producer stands still, writes to other
 * tables or databases look like ours for BACKLOG_DOUBT_US; changes that waited already before the first look
 * count from that look on; a rolled-back change counts like any other; a
 * TRUNCATE is not counted.
 *
 * PURE: the caller brings positions and times (microseconds since 1970).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum {
    BACKLOG_NOTES = 512,
    /* the WAL writer flushes asynchronous commits within 600 ms */
    BACKLOG_SETTLED_US = 2 * 1000 * 1000,
    /* an idle session reports its statistics after 10 s */
    BACKLOG_DOUBT_US = 13 * 1000 * 1000,
};

/* What one look at the server saw; `changes` was read first. */
struct backlog_look {
    int64_t now_us;
    uint64_t changes;  /* rows inserted, updated, deleted; ever growing */
    uint64_t snapshot; /* another when a transaction has ended */
    uint64_t insert_lsn;
    uint64_t flush_lsn;
    uint64_t confirmed_lsn;
};

/* Zero-initialise. */
struct backlog {
    bool looked;
    struct backlog_look last;
    int64_t grown_us; /* when something was last seen to change */
    unsigned count;
    struct backlog_note {
        int64_t at_us;
        uint64_t insert_lsn;
        bool sure;          /* the count bears it out */
    } notes[BACKLOG_NOTES]; /* not confirmed yet; oldest first */
};

void backlog_take(struct backlog *k, const struct backlog_look *look);

/* There is no slot: nothing waits; only the count is noted, so that a slot
   that appears is met with a known beginning. */
void backlog_take_none(struct backlog *k, const struct backlog_look *look);

/* When the oldest waiting change was seen; 0 = none waits. */
int64_t backlog_since_us(const struct backlog *k);
